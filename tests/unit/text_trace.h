/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a reader of a text protocol gives, as one text for each side that does not depend on how the
 * bytes were cut. The includer has for its reader: trace_event(trace, event), which calls
 * trace_say(). Shared by unit tests and fuzz targets.
 */
#ifndef WEIR_UNIT_TEXT_TRACE_H
#define WEIR_UNIT_TEXT_TRACE_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/reader.h"

#define TRACE_BYTES 32768

struct trace {
	const struct reader *row;
	void *state;
	int err;
	struct {
		uint64_t fed;	/* bytes given to the reader, gaps included */
		uint64_t place; /* in the body at hand */
		size_t at;
		char text[TRACE_BYTES];
	} side[2];
};

static inline void trace_bytes(struct trace *t, uint8_t side, const void *bytes, size_t len)
{
	size_t room = TRACE_BYTES - 1 - t->side[side].at;

	if (len > room)
		len = room;
	memcpy(t->side[side].text + t->side[side].at, bytes, len);
	t->side[side].at += len;
	t->side[side].text[t->side[side].at] = '\0';
}

__attribute__((format(printf, 3, 4))) static inline void trace_say(struct trace *t, uint8_t side,
								   const char *format, ...)
{
	char text[2304];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	trace_bytes(t, side, text, (size_t)n < sizeof(text) ? (size_t)n : sizeof(text) - 1);
}

static inline void trace_begin(struct trace *t, const struct reader *row)
{
	t->row = row;
	t->err = 0;
	t->state = calloc(1, row->size);
	for (unsigned int side = 0; side < 2; side++) {
		t->side[side].fed = t->side[side].place = t->side[side].at = 0;
		t->side[side].text[0] = '\0';
	}
}

static inline void trace_end(struct trace *t)
{
	if (t->row->fini)
		t->row->fini(t->state);
	free(t->state);
	t->state = NULL;
}

static inline void trace_feed(struct trace *t, uint8_t side, uint8_t kind, const void *data,
			      uint64_t len, reader_emit *emit)
{
	const struct stream_event e = {
		.kind = kind, .side = side, .offset = t->side[side].fed, .data = data, .len = len};

	t->side[side].fed += len;
	if (t->err == 0)
		t->err = t->row->read(t->state, &e, emit, t);
}

/* The same for a text in pieces, each on the heap at its exact size. */
static inline void trace_text(struct trace *t, uint8_t side, const void *text, size_t len,
			      size_t piece, reader_emit *emit)
{
	for (size_t at = 0; at < len; at += piece) {
		size_t n = len - at < piece ? len - at : piece;
		uint8_t *copy = malloc(n);

		memcpy(copy, (const uint8_t *)text + at, n);
		trace_feed(t, side, STREAM_DATA, copy, n, emit);
		free(copy);
		if (len - at < piece)
			break;
	}
}

#endif
