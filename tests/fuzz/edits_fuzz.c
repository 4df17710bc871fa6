// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a tap's program does to a connection, and what its ends send meanwhile: changed ranges,
 * segments, acknowledgements and SACK blocks from the input, a few bytes each. Whatever comes, the
 * budget holds, a segment's new form fits, and translated numbers stay within what is changed.
 */
#include "harness.h"

#include "tap/edits.h"

#define RANGES_MAX 32

struct input {
	const uint8_t *data;
	size_t size;
};

static uint32_t number(struct input *in, unsigned int bytes)
{
	uint32_t n = 0;

	while (bytes-- && in->size) {
		n = n << 8 | *in->data++;
		in->size--;
	}
	return n;
}

static void segment(const struct edits *e, uint32_t seq, uint32_t len, size_t cap)
{
	uint8_t bytes[2048] = {0}, *out = malloc(cap ? cap : 1);
	uint32_t new_seq, taken;
	size_t n;

	check(out != NULL);
	n = edits_apply(e, seq, bytes, len, out, cap, &new_seq, &taken);
	check(n <= cap && taken <= len);
	check(new_seq == edits_to_new(e, seq));
	free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t bytes[EDIT_BYTES_MAX + 64];
	struct input in = {.data = data, .size = size};
	uint32_t base = number(&in, 4), left, right;
	struct edits_budget budget;
	struct edits e = {0};

	edits_budget_init(&budget, RANGES_MAX);
	while (in.size) {
		uint32_t kind = number(&in, 1), seq = base + number(&in, 2);
		uint32_t len = number(&in, 2) % 2048;

		switch (kind % 5) {
		case 0:
			edits_add(&e, &budget, seq, len, bytes, kind * 7 % sizeof(bytes));
			break;
		case 1:
			segment(&e, seq, len, kind * 8);
			break;
		case 2:
			edits_sent(&e, seq);
			break;
		case 3:
			edits_acknowledged(&e, &budget, seq);
			break;
		case 4:
			left = seq;
			right = seq + len;
			if (edits_block_to_old(&e, &left, &right))
				check((int32_t)(right - left) > 0);
			edits_to_old(&e, seq);
		}
		check(budget.used <= RANGES_MAX && e.count == budget.used);
	}
	edits_fini(&e, &budget);
	check(budget.used == 0);
	edits_budget_fini(&budget);
	return 0;
}
