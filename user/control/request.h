/* SPDX-License-Identifier: GPL-2.0-only */
/* Parser of a request line. Private to user/control and its tests. */
#ifndef WEIR_CONTROL_REQUEST_H
#define WEIR_CONTROL_REQUEST_H

#include <jansson.h>
#include <stddef.h>

#include "util/util.h"

struct request {
	json_t *root;	    /* owns the rest; new reference */
	const char *verb;   /* never empty */
	const json_t *args; /* an object, maybe empty */
};

/* Parses len bytes without newline. 0; -EINVAL with a text in e, and *out untouched. After success
 * the caller frees it with request_fini(). */
int request_parse(const char *line, size_t len, struct request *out, struct error *e);
void request_fini(struct request *r);

#endif
