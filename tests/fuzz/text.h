/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A reader of a text protocol: what it gives does not depend on how the bytes are cut. Input:
 * pieces, each a byte of choices, one of length and its bytes; a gap has none. The includer defines
 * trace_event(trace, event).
 */
#ifndef WEIR_FUZZ_TEXT_H
#define WEIR_FUZZ_TEXT_H

#include "harness.h"

#include "unit/text_trace.h"

#define CHOICE_SERVER 1
#define CHOICE_KIND   6 /* bytes, bytes, a gap, an end */
#define CHOICE_RESET  8 /* of an end */

static void trace_event(void *arg, const void *event);

/* Plays the pieces, whole or byte by byte, or in pieces as the choices say. */
static void play(struct trace *t, const uint8_t *data, size_t size, unsigned int how)
{
	while (size > 2) {
		uint8_t choice = data[0], side = choice & CHOICE_SERVER;
		unsigned int kind = (choice & CHOICE_KIND) >> 1;
		size_t len = data[1], cut = how == 0 ? 256 : how == 1 ? 1 : 1u + (choice >> 4);

		data += 2;
		size -= 2;
		if (kind == 2)
			trace_feed(t, side, STREAM_GAP, NULL, len, trace_event);
		else if (kind == 3)
			trace_feed(t, side, choice & CHOICE_RESET ? STREAM_RESET : STREAM_END, NULL,
				   0, trace_event);
		if (kind > 1)
			continue;
		len = len < size ? len : size;
		trace_text(t, side, data, len, cut, trace_event);
		data += len;
		size -= len;
	}
}

static void play_all(const struct reader *row, const uint8_t *data, size_t size)
{
	static struct trace whole, cut;

	trace_begin(&whole, row);
	play(&whole, data, size, 0);
	for (unsigned int how = 1; how < 3; how++) {
		trace_begin(&cut, row);
		play(&cut, data, size, how);
		check(whole.err == cut.err);
		for (unsigned int i = 0; i < 2; i++) {
			check(whole.side[i].at == cut.side[i].at);
			check(memcmp(whole.side[i].text, cut.side[i].text, cut.side[i].at) == 0);
		}
		trace_end(&cut);
	}
	trace_end(&whole);
}

#endif
