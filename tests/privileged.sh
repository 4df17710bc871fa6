#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Runs a command that needs root and BPF, or says what is skipped for lack of them.
set -eu
why=
if [ "$(id -u)" != 0 ]; then
	why="not root"
elif ! mountpoint -q /sys/fs/bpf && ! mount -t bpf bpf /sys/fs/bpf 2>/dev/null; then
	why="no bpffs at /sys/fs/bpf"
fi
if [ -z "$why" ]; then
	exec "$@"
fi
echo "skipped ($why): $*"
[ "${CI:-}" != true ]
