/* SPDX-License-Identifier: GPL-2.0-only */
/* Parts of `weir signatures`. */
#ifndef WEIR_CLI_SIGNATURES_PARTS_H
#define WEIR_CLI_SIGNATURES_PARTS_H

#include <jansson.h>

#include "classify/classify.h"
#include "cli/cli.h"

/* Reads the .pat files of a folder and of those in it; writes a signature file to output (NULL:
 * standard output) and what it leaves out, with the reason, to stderr. Returns the exit status. */
int cli_signatures_import(const char *folder, const char *output);

/* The review of a set: to standard output, or into an object as `warnings`, `implies` and
 * `excludes`. 0 or -ENOMEM. */
int cli_signatures_print(const struct signatures *s);
int cli_signatures_add(const struct signatures *s, json_t *document);

#endif
