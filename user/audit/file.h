/* SPDX-License-Identifier: GPL-2.0-only */
/* The events file, which contains complete lines only. Private to user/audit. */
#ifndef WEIR_AUDIT_FILE_H
#define WEIR_AUDIT_FILE_H

#include <sys/stat.h>

#include "util/util.h"

struct audit_file {
	char *path;
	int fd;
	dev_t dev;
	ino_t ino;
	uint64_t lost; /* lines that could not be written */
	bool failing;  /* the failure was logged already */
};

/* Opens path for appending, owned by root and the group adm with mode 0640 when it
 * is new. 0 or a negative errno; *f is untouched on failure. */
int audit_file_open(struct audit_file *f, const char *path, struct error *e);
void audit_file_close(struct audit_file *f);
/* Writes a line; text ends in a newline. Reopens the path if it has been renamed or replaced. */
void audit_file_write(struct audit_file *f, const char *text, size_t len);

#endif
