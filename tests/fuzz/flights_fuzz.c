// SPDX-License-Identifier: GPL-2.0-only
/*
 * The record of a flow's flights, and what is told by it. Input: segments, each a byte of direction
 * and two of length, whose bytes are those of the input from there on, over and over.
 */
#include "harness.h"
#include "inspect/flights.h"
#include "inspect/mse.h"

#define STREAM_MAX 16384
#define SEGMENTS   64

static void fill(uint8_t *out, size_t n, const uint8_t *data, size_t size)
{
	size_t have = size < n ? size : n;

	memcpy(out, data, have);
	if (!have)
		memset(out, 0, n);
	for (; have && have < n; have += have)
		memcpy(out + have, out, have < n - have ? have : n - have);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t stream[2][STREAM_MAX];
	size_t len[2] = {0};
	struct flights f = {0};

	for (int i = 0; i < SEGMENTS && size >= 3; i++) {
		uint8_t dir = data[0] & 1;
		size_t fresh = (size_t)data[1] << 8 | data[2];
		unsigned int confidence;

		data += 3;
		size -= 3;
		if (fresh > STREAM_MAX - len[dir])
			fresh = STREAM_MAX - len[dir];
		fill(stream[dir] + len[dir], fresh, data, size);
		len[dir] += fresh;
		flights_note(&f, dir, stream[dir], len[dir], fresh);
		confidence = mse_confidence(&f);
		check(confidence == 0 || confidence == 40 || confidence == 85 || confidence == 100);
		check(f.count <= FLIGHTS_MAX);
		check(confidence == 0 || confidence == 100 || (f.count >= 3 && !f.from_responder));
	}
	return 0;
}
