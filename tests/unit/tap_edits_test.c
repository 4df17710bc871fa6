// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <string.h>

#include "tap/edits.h"

#define BEGIN 0xfffffff0u /* numbers wrap around in the middle */

struct fixture {
	struct edits e;
	struct edits_budget b;
};

static struct fixture fixture_open(uint32_t max)
{
	struct fixture f = {.e = {0}};

	edits_budget_init(&f.b, max);
	return f;
}

static void fixture_close(struct fixture *f)
{
	edits_fini(&f->e, &f->b);
	assert_int_equal(f->b.used, 0);
	edits_budget_fini(&f->b);
}

static void add(struct fixture *f, uint32_t at, uint32_t len, const char *bytes)
{
	assert_int_equal(edits_add(&f->e, &f->b, BEGIN + at, len, bytes, (uint32_t)strlen(bytes)),
			 0);
}

/* The text that [at, at + len) of the stream "abcdef..." becomes, and where it begins. */
static void becomes(const struct fixture *f, uint32_t at, uint32_t len, const char *text,
		    uint32_t new_at)
{
	uint8_t in[64], out[64];
	uint32_t seq, taken;
	size_t n;

	for (uint32_t i = 0; i < len; i++)
		in[i] = (uint8_t)('a' + at + i);
	n = edits_apply(&f->e, BEGIN + at, in, len, out, sizeof(out), &seq, &taken);
	assert_int_equal(n, strlen(text));
	assert_memory_equal(out, text, n);
	assert_int_equal(seq, BEGIN + new_at);
	assert_int_equal(taken, len);
}

static void numbers_are_translated_both_ways(void **state)
{
	struct fixture f = fixture_open(8);

	add(&f, 10, 4, "12345678"); /* klmn */
	add(&f, 20, 4, "x");	    /* uvwx */
	assert_int_equal(edits_to_new(&f.e, BEGIN + 10), BEGIN + 10);
	assert_int_equal(edits_to_new(&f.e, BEGIN + 12), BEGIN + 10);
	assert_int_equal(edits_to_new(&f.e, BEGIN + 14), BEGIN + 18);
	assert_int_equal(edits_to_new(&f.e, BEGIN + 24), BEGIN + 25);
	assert_int_equal(edits_to_old(&f.e, BEGIN + 10), BEGIN + 10);
	/* A part of a changed range that was acknowledged: nothing of it. */
	assert_int_equal(edits_to_old(&f.e, BEGIN + 17), BEGIN + 10);
	assert_int_equal(edits_to_old(&f.e, BEGIN + 18), BEGIN + 14);
	assert_int_equal(edits_to_old(&f.e, BEGIN + 25), BEGIN + 24);
	assert_int_equal(edits_to_old(&f.e, BEGIN + 100), BEGIN + 99);
	fixture_close(&f);
}

static void retransmissions_are_the_same_however_they_are_cut(void **state)
{
	struct fixture f = fixture_open(8);

	add(&f, 3, 3, "12345"); /* def */
	becomes(&f, 0, 9, "abc12345ghi", 0);
	becomes(&f, 0, 3, "abc", 0);
	becomes(&f, 0, 4, "abc12345", 0);
	becomes(&f, 4, 4, "12345gh", 3);
	becomes(&f, 6, 3, "ghi", 8);
	add(&f, 6, 2, "");
	becomes(&f, 0, 9, "abc12345i", 0);
	becomes(&f, 6, 2, "", 8);
	fixture_close(&f);
}

static void what_does_not_fit_is_left_to_the_sender(void **state)
{
	struct fixture f = fixture_open(8);
	uint8_t out[6];
	uint32_t seq, taken;

	add(&f, 3, 3, "12345");
	assert_int_equal(edits_apply(&f.e, BEGIN, (const uint8_t *)"abcdef", 6, out, sizeof(out),
				     &seq, &taken),
			 3);
	assert_int_equal(taken, 3);
	assert_int_equal(edits_apply(&f.e, BEGIN + 3, (const uint8_t *)"defghi", 6, out,
				     sizeof(out), &seq, &taken),
			 6);
	assert_int_equal(taken, 4);
	assert_memory_equal(out, "12345g", 6);
	assert_int_equal(
		edits_apply(&f.e, BEGIN + 3, (const uint8_t *)"defghi", 6, out, 4, &seq, &taken),
		0);
	assert_int_equal(taken, 0);
	fixture_close(&f);
}

static void what_was_sent_on_keeps_its_length(void **state)
{
	struct fixture f = fixture_open(8);

	edits_sent(&f.e, BEGIN + 10);
	edits_sent(&f.e, BEGIN + 5);
	assert_int_equal(edits_add(&f.e, &f.b, BEGIN + 8, 4, "123", 3), -EALREADY);
	assert_int_equal(edits_add(&f.e, &f.b, BEGIN + 4, 4, "1234", 4), 0);
	assert_false(f.e.ever);
	assert_int_equal(edits_add(&f.e, &f.b, BEGIN + 6, 4, "1234", 4), -EEXIST);
	assert_int_equal(edits_add(&f.e, &f.b, BEGIN + 10, 4, "123", 3), 0);
	assert_true(f.e.ever);
	fixture_close(&f);
}

static void acknowledged_ranges_are_forgotten_and_their_length_is_not(void **state)
{
	struct fixture f = fixture_open(8);

	add(&f, 10, 4, "12345678");
	add(&f, 14, 4, "");
	add(&f, 20, 4, "x");
	edits_acknowledged(&f.e, &f.b, BEGIN + 18);
	assert_int_equal(f.b.used, 3); /* not sent yet: the receiver cannot have it */
	edits_sent(&f.e, BEGIN + 24);
	edits_acknowledged(&f.e, &f.b, BEGIN + 17);
	assert_int_equal(f.b.used, 3);
	edits_acknowledged(&f.e, &f.b, BEGIN + 18);
	assert_int_equal(f.b.used, 1);
	assert_int_equal(edits_to_new(&f.e, BEGIN + 18), BEGIN + 18);
	edits_acknowledged(&f.e, &f.b, BEGIN + 21);
	assert_int_equal(f.b.used, 0);
	assert_int_equal(edits_to_new(&f.e, BEGIN + 24), BEGIN + 21);
	assert_int_equal(edits_to_old(&f.e, BEGIN + 21), BEGIN + 24);
	fixture_close(&f);
}

static void selective_acknowledgements_claim_no_more_than_is_there(void **state)
{
	struct fixture f = fixture_open(8);
	uint32_t left = BEGIN + 12, right = BEGIN + 30;

	add(&f, 10, 4, "12345678"); /* new 10 to 18 */
	add(&f, 20, 4, "12");	    /* new 24 to 26 */
	assert_true(edits_block_to_old(&f.e, &left, &right));
	assert_int_equal(left, BEGIN + 14);
	assert_int_equal(right, BEGIN + 28);
	left = BEGIN + 12;
	right = BEGIN + 17;
	assert_false(edits_block_to_old(&f.e, &left, &right));
	left = BEGIN + 18;
	right = BEGIN + 25;
	assert_true(edits_block_to_old(&f.e, &left, &right));
	assert_int_equal(right, BEGIN + 20);
	fixture_close(&f);
}

static void memory_is_bounded(void **state)
{
	struct fixture f = fixture_open(2);
	static const char big[EDIT_BYTES_MAX + 1];

	add(&f, 0, 1, "1");
	add(&f, 1, 1, "2");
	assert_int_equal(edits_add(&f.e, &f.b, BEGIN + 2, 1, "3", 1), -ENOBUFS);
	edits_sent(&f.e, BEGIN + 2);
	edits_acknowledged(&f.e, &f.b, BEGIN + 2);
	assert_int_equal(edits_add(&f.e, &f.b, BEGIN + 2, 1, big, sizeof(big)), -ENOBUFS);
	assert_int_equal(edits_add(&f.e, &f.b, BEGIN + 2, 0, "3", 1), -ENOBUFS);
	add(&f, 2, 1, "3");
	fixture_close(&f);
}

/* Whatever is changed, a receiver that takes segments in order ends with what was meant. */
static void a_receiver_gets_what_was_meant(void **state)
{
	uint32_t seed = 1;

	for (unsigned int round = 0; round < 300; round++) {
		struct fixture f = fixture_open(256);
		uint8_t got[4096], meant[4096], in[512];
		size_t got_len = 0, meant_len = 0;
		uint32_t at = 0, asked = 0, acked = 0;

		for (uint32_t i = 0; i < sizeof(in); i++)
			in[i] = (uint8_t)i;
		while (acked < sizeof(in)) {
			uint32_t len, seq, taken, n;
			uint8_t out[64];

			seed = seed * 1103515245 + 12345;
			len = (seed >> 16) % 32 + 1;
			if (len > sizeof(in) - at)
				len = (uint32_t)sizeof(in) - at;
			if (at >= asked) {
				uint8_t bytes[48];
				uint32_t new_len = (seed >> 8) % 48;

				memset(bytes, (int)(seed >> 20), sizeof(bytes));
				if (seed >> 30) {
					assert_int_equal(edits_add(&f.e, &f.b, BEGIN + at, len,
								   bytes, new_len),
							 0);
					memcpy(meant + meant_len, bytes, new_len);
					meant_len += new_len;
				} else {
					memcpy(meant + meant_len, in + at, len);
					meant_len += len;
				}
				asked = at + len;
			} else if (at + len > asked) {
				len = asked - at;
			}
			n = (uint32_t)edits_apply(&f.e, BEGIN + at, in + at, len, out, sizeof(out),
						  &seq, &taken);
			edits_sent(&f.e, BEGIN + at + taken);
			/* One in three is lost. */
			if ((seed >> 12) % 3 && (int32_t)(seq - BEGIN - got_len) <= 0) {
				uint32_t old = (uint32_t)(got_len - (seq - BEGIN));

				if (old < n) {
					memcpy(got + got_len, out + old, n - old);
					got_len += n - old;
				}
				acked = edits_to_old(&f.e, BEGIN + (uint32_t)got_len) - BEGIN;
				edits_acknowledged(&f.e, &f.b, BEGIN + (uint32_t)got_len);
			}
			at = (seed >> 14) % 4 ? at + taken : acked;
			if (at >= sizeof(in))
				at = acked;
		}
		assert_int_equal(got_len, meant_len);
		assert_memory_equal(got, meant, meant_len);
		fixture_close(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_translated_both_ways),
		cmocka_unit_test(retransmissions_are_the_same_however_they_are_cut),
		cmocka_unit_test(what_does_not_fit_is_left_to_the_sender),
		cmocka_unit_test(what_was_sent_on_keeps_its_length),
		cmocka_unit_test(acknowledged_ranges_are_forgotten_and_their_length_is_not),
		cmocka_unit_test(selective_acknowledgements_claim_no_more_than_is_there),
		cmocka_unit_test(memory_is_bounded),
		cmocka_unit_test(a_receiver_gets_what_was_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
