// SPDX-License-Identifier: GPL-2.0-only
/* The set that weir carries, as a piece of work: nothing in it is of no use, and no message makes
 * one of its patterns try for long. */
#include "classify_samples.h"

static void warning_print(void *arg, const struct review_note *n)
{
	unsigned int *warnings = arg;

	if (n->kind == REVIEW_IMPLIES || n->kind == REVIEW_EXCLUDES)
		return;
	print_error("line %u: %s: %s\n", n->line, review_kind_name(n->kind), n->subject);
	++*warnings;
}

static void has_no_warnings(void **state)
{
	struct fixture *f = *state;
	unsigned int warnings = 0;

	assert_int_equal(signatures_review(f->s, warning_print, &warnings), 0);
	assert_int_equal(warnings, 0);
}

/* Fails where the message, in either direction and on either side's port, makes a regex give up. */
static void check_bounded(struct fixture *f, const uint8_t *data, size_t len, uint16_t port)
{
	for (unsigned int way = 0; way < 8; way++) {
		struct classify_input in = {
			.data = data,
			.len = len,
			.proto = way & 1 ? IPPROTO_TCP : IPPROTO_UDP,
			.from_origin = way & 2,
			.complete = !(way & 1) || way & 4,
			.sport = way & 2 ? 40000 : port,
			.dport = way & 2 ? port : 40000,
		};
		struct classify_result result;
		uint64_t before = classify_scratch_given_up(f->c);

		classify_message(f->s, f->c, &in, &result);
		if (classify_scratch_given_up(f->c) != before)
			fail_msg("port %u, first byte %u: a regex gave up", port, data[0]);
	}
}

/* RFC 1035, 4.1: what begins like a question, and goes on with bytes that may be a label's length
 * as well as its text, all the way to the end. */
static void names_without_an_end_are_bounded(void **state)
{
	static const uint8_t heads[][12] = {
		{1, 2, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0},
		{1, 2, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0},
		{1, 2, 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0},
	};
	static const char *const fillings[] = {"1",  "\x01",	"\x3f",	   "10 ",
					       "1a", "12\xc1 ", "\xc0\x01"};
	static const uint16_t ports[] = {53, 137, 5353, 5355};
	uint8_t data[1400];

	for (size_t h = 0; h < ARRAY_SIZE(heads); h++)
		for (size_t k = 0; k < ARRAY_SIZE(fillings); k++)
			for (size_t p = 0; p < ARRAY_SIZE(ports); p++) {
				size_t each = strlen(fillings[k]);

				for (size_t i = 0; i < sizeof(data); i++)
					data[i] = (uint8_t)fillings[k][i % each];
				memcpy(data, heads[h], sizeof(heads[h]));
				check_bounded(*state, data, sizeof(data), ports[p]);
				check_bounded(*state, data, 64, ports[p]);
			}
}

/* Each first byte, and behind it runs of one kind: what patterns with repeats try for longest. */
static void runs_are_bounded(void **state)
{
	static const char *const fillings[] = {"a",	   " ",	   "1",	     "a ",
					       "a: b\r\n", "1.",   "\t",     "\r\n",
					       "\x01\x02", "\xff", "GET / ", "<a b=\"c\">"};
	static const uint16_t ports[] = {21, 25, 80, 514, 5060, 11211, 40001};
	uint8_t data[1400];

	for (unsigned int first = 0; first < 256; first++)
		for (size_t k = 0; k < ARRAY_SIZE(fillings); k++) {
			size_t each = strlen(fillings[k]);

			for (size_t i = 0; i < sizeof(data); i++)
				data[i] = (uint8_t)fillings[k][i % each];
			data[0] = (uint8_t)first;
			check_bounded(*state, data, sizeof(data), ports[k % ARRAY_SIZE(ports)]);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_no_warnings),
		cmocka_unit_test(names_without_an_end_are_bounded),
		cmocka_unit_test(runs_are_bounded),
	};

	return cmocka_run_group_tests(tests, samples_setup, samples_teardown);
}
