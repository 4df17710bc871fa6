# SPDX-License-Identifier: GPL-2.0-only
"""What the end-to-end scenarios stand on: namespaces, clients, the daemon, the checks."""
