// SPDX-License-Identifier: GPL-2.0-only
#include "inspect/mse.h"

#define PADDING_MAX 512
#define REQUEST	    56 /* 20 + 20 + 8 + 4 + 2 + 2: flight 3 without PadC and IA */
#define ANSWER	    14 /* 8 + 4 + 2: flight 4 without PadD and stream */
#define HANDSHAKE   68 /* BEP 3: 1 + 19 + 8 + 20 + 20 */

static bool is_within(unsigned int value, unsigned int min, unsigned int max)
{
	return value >= min && value <= max;
}

static bool is_key(const struct flights *f, unsigned int n)
{
	unsigned int bit = 1u << n;

	return is_within(f->flight[n].len, MSE_KEY_BYTES, MSE_KEY_BYTES + PADDING_MAX) &&
	       f->random & bit && !(f->framed & bit);
}

/* Keys in both directions, then a request. IA contains at most a handshake: what follows it depends
 * on the other side's handshake. */
static bool is_shape(const struct flights *f)
{
	return !f->from_responder && f->count >= 3 && is_key(f, 0) && is_key(f, 1) &&
	       f->random & 1u << 2 &&
	       is_within(f->flight[2].len, REQUEST, REQUEST + PADDING_MAX + HANDSHAKE);
}

/* The handshake at the end of flight 3: PadC is empty, or the handshake is a segment of its own. */
static bool has_initial_handshake(const struct flights *f)
{
	const struct flight *request = &f->flight[2];

	if (request->len == REQUEST + HANDSHAKE)
		return true;
	return request->last == HANDSHAKE &&
	       is_within(request->len - HANDSHAKE, REQUEST, REQUEST + PADDING_MAX);
}

/* No IA, an answer without stream data, and then the handshake. */
static bool has_late_handshake(const struct flights *f)
{
	return f->count >= 5 && is_within(f->flight[2].len, REQUEST, REQUEST + PADDING_MAX) &&
	       is_within(f->flight[3].len, ANSWER, ANSWER + PADDING_MAX) &&
	       f->flight[4].first == HANDSHAKE;
}

unsigned int mse_confidence(const struct flights *f)
{
	if (f->known_key)
		return 100;
	if (!is_shape(f))
		return 0;
	return has_initial_handshake(f) || has_late_handshake(f) ? 85 : 40;
}
