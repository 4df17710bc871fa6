/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Streaming reader of a text protocol's lines: input comes in pieces of any size, only the current
 * line is kept. Also helpers that parse words of a line.
 */
#ifndef WEIR_PROTO_LINES_H
#define WEIR_PROTO_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Longer lines are skipped: no message of these protocols that matters here needs one. */
#define LINES_MAX 1024
/* Number of skipped bytes after which a stream is regarded as not being text. */
#define LINES_SKIPPED_MAX 65536

struct lines {
	uint16_t len;	  /* LINES_MAX: the line is too long, its rest is discarded */
	uint32_t skipped; /* bytes of skipped lines */
	char text[LINES_MAX];
};

/* Calls fn for every complete line, NUL-terminated and without its line end (CR LF or LF). Empty
 * lines and lines with a NUL byte are skipped. */
void lines_feed(struct lines *l, const uint8_t *data, size_t len,
		void (*fn)(void *arg, const char *line), void *arg);
/* The same up to the end of the line at hand, for a protocol in which other things than lines may
 * follow. Returns the bytes that were taken; len > 0. */
size_t lines_take(struct lines *l, const uint8_t *data, size_t len,
		  void (*fn)(void *arg, const char *line), void *arg);
/* The same for the rest of the stream: a last line without a line end. */
void lines_end(struct lines *l, void (*fn)(void *arg, const char *line), void *arg);

/* Bytes are missing before what is fed next: the line they were in is skipped. */
void lines_gap(struct lines *l);

/* Whether LINES_SKIPPED_MAX bytes were skipped, so that reading on is useless. Bounds the work on a
 * flow that was identified by its first line only. */
bool lines_are_none(const struct lines *l);

/* The text after prefix (not empty; compared without regard to case) if line begins with it, else
 * NULL. */
const char *text_after(const char *line, const char *prefix);
/*
 * Parses a decimal number of at most max at *at and moves *at behind it. -1: no number, or a larger
 * one.
 */
int64_t text_number(const char **at, uint64_t max);
/* Parses the address (text up to a blank or a character of ends) at *at and moves *at behind it.
 * addr: network order, v4-mapped. 0 or -EINVAL. */
int text_address(const char **at, const char *ends, uint32_t addr[4]);

#endif
