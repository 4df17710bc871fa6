/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lines of a text protocol as they arrive: fed in pieces of any size, keeps no more than the line
 * at hand. And the little words in them.
 */
#ifndef WEIR_PROTO_LINES_H
#define WEIR_PROTO_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longer lines are not shown: none of the protocols has to make one that matters here. */
#define LINES_MAX 1024
/* Bytes that were no lines, after which a stream is none of text. */
#define LINES_SKIPPED_MAX 65536

struct lines {
	uint16_t len;	  /* LINES_MAX: the rest of this line is not kept */
	uint32_t skipped; /* bytes of lines that were not shown */
	char text[LINES_MAX];
};

/* Calls fn for every line that is complete, without its end (CR LF or LF) and ended by a zero.
 * Empty ones and those with a zero in them are not shown. */
void lines_feed(struct lines *l, const uint8_t *data, size_t len,
		void (*fn)(void *arg, const char *line), void *arg);
/* The same for what is left: a last line without an end. */
void lines_end(struct lines *l, void (*fn)(void *arg, const char *line), void *arg);

/* Whether so much was no line that reading on is useless: whoever names a flow by its first line
 * must not have all the rest of it read. */
bool lines_are_none(const struct lines *l);

/* What follows prefix (not empty) in line, letters in either case, or NULL. */
const char *text_after(const char *line, const char *prefix);
/*
 * A decimal number of at most max at *at, which moves behind it; -1 where there is none or it is
 * larger.
 */
int64_t text_number(const char **at, uint64_t max);
/* The address (as text, up to a blank or one of ends) at *at, which moves behind it. 0 or -EINVAL.
 */
int text_address(const char **at, const char *ends, uint32_t addr[4]);

#endif
