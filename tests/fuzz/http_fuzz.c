// SPDX-License-Identifier: GPL-2.0-only
/*
 * HTTP/1: what is given of a connection agrees with itself, and does not depend on how the bytes
 * are cut. Input: pieces, each a byte of choices, one of length and its bytes; a gap has none.
 */
#include "harness.h"

#define trace_check(condition) check(condition)
#include "unit/http_trace.h"

#define CHOICE_SERVER 1
#define CHOICE_KIND   6 /* bytes, bytes, a gap, an end */
#define CHOICE_RESET  8 /* of an end */
#define CHOICE_CUT    0xf0

/* Plays the pieces, whole or byte by byte, or in pieces as the choices say. */
static void play(struct trace *t, const uint8_t *data, size_t size, unsigned int how)
{
	trace_begin(t);
	while (size > 2) {
		uint8_t choice = data[0], side = choice & CHOICE_SERVER;
		unsigned int kind = (choice & CHOICE_KIND) >> 1;
		size_t len = data[1], cut = how == 0 ? SIZE_MAX : how == 1 ? 1 : 1 + (choice >> 4);

		data += 2;
		size -= 2;
		if (kind == 2)
			trace_feed(t, side, STREAM_GAP, NULL, len);
		else if (kind == 3)
			trace_feed(t, side, choice & CHOICE_RESET ? STREAM_RESET : STREAM_END, NULL,
				   0);
		if (kind > 1)
			continue;
		len = len < size ? len : size;
		for (size_t at = 0; at < len; at += cut) {
			size_t n = len - at < cut ? len - at : cut;
			uint8_t *copy = exact_copy(data + at, n);

			trace_feed(t, side, STREAM_DATA, copy, n);
			free(copy);
			if (n < cut)
				break;
		}
		data += len;
		size -= len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct trace whole, cut;

	play(&whole, data, size, 0);
	for (unsigned int how = 1; how < 3; how++) {
		play(&cut, data, size, how);
		check(whole.err == cut.err);
		for (unsigned int i = 0; i < 2; i++) {
			check(whole.side[i].at == cut.side[i].at);
			check(memcmp(whole.side[i].text, cut.side[i].text, cut.side[i].at) == 0);
		}
	}
	trace_begin(&whole);
	trace_begin(&cut);
	return 0;
}
