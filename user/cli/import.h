/* SPDX-License-Identifier: GPL-2.0-only */
/* Parts of `weir signatures`. */
#ifndef WEIR_CLI_IMPORT_H
#define WEIR_CLI_IMPORT_H

#include "cli/cli.h"

/* Reads the .pat files of a folder and of those in it; writes a signature file to output (NULL:
 * standard output) and what it leaves out, with the reason, to stderr. Returns the exit status. */
int cli_signatures_import(const char *folder, const char *output);

#endif
