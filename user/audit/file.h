/* SPDX-License-Identifier: GPL-2.0-only */
/* The events file: whole lines or none. Private to user/audit. */
#ifndef WEIR_AUDIT_FILE_H
#define WEIR_AUDIT_FILE_H

#include <sys/stat.h>

#include "util/util.h"

struct audit_file {
	char *path;
	int fd;
	dev_t dev;
	ino_t ino;
	uint64_t lost; /* lines */
	bool failing;  /* it was said already */
};

/* Opens for appending, mode 0640. *f is untouched on failure. */
int audit_file_open(struct audit_file *f, const char *path, struct error *e);
void audit_file_close(struct audit_file *f);
/* Writes a line; text ends in a newline. Opens the name again when it is another file by now. */
void audit_file_write(struct audit_file *f, const char *text, size_t len);

#endif
