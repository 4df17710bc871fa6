// SPDX-License-Identifier: GPL-2.0-only
/* Many rules of one kind: what the index and the search for texts spare, and that the answers are
 * those of looking at every rule. */
#include <stdlib.h>

#include "classify_fixture.h"

#define RULES 40
#define REGEXES_MAX                                                                                \
	6 /* some before the search, one that has its text, one that shows it is open              \
	   */
#define MASKS	   300
#define MASK_BYTES 3

static void alike_open(struct fixture *f, const char *more)
{
	char yaml[16384];
	size_t len = (size_t)snprintf(yaml, sizeof(yaml), "features:\n");

	for (int i = 0; i < RULES; i++)
		len += (size_t)snprintf(
			yaml + len, sizeof(yaml) - len,
			"  f%d: { regex: '^[A-Z]{2,9} [!-~]+(?: [!-~]+)* PROTO%02d/1\\r\\n' }\n", i,
			i);
	len += (size_t)snprintf(yaml + len, sizeof(yaml) - len,
				"  get: { mask: { text: 'GET ' } }\napplications:\n%s", more);
	for (int i = 0; i < RULES; i++)
		len += (size_t)snprintf(yaml + len, sizeof(yaml) - len, "  x%d: { when: f%d }\n", i,
					i);
	assert_true(len < sizeof(yaml));
	fixture_open(f, yaml);
}

static void few_of_many_regexes_run(void **state)
{
	static const char *const streams[][2] = {
		{"GET /a PROTO00/1\r\n", "x0"},	     {"GET /a b PROTO17/1\r\n", "x17"},
		{"GET /a proto17/1\r\n", "unknown"}, {"GET /a PROTO39/1\r\n", "x39"},
		{"GET /index", "unknown"},	     {"GET /a HTTP/1.1\r\n", "unknown"},
	};
	struct fixture f;
	uint64_t before;

	alike_open(&f, "");
	for (size_t i = 0; i < ARRAY_SIZE(streams); i++) {
		before = classify_scratch_regexes(f.c);
		assert_string_equal(udp(&f, streams[i][0], strlen(streams[i][0])), streams[i][1]);
		assert_in_range(classify_scratch_regexes(f.c) - before, 0, REGEXES_MAX);
		assert_string_equal(tcp(&f, streams[i][0]), streams[i][1]);
	}
	before = classify_scratch_regexes(f.c);
	assert_string_equal(tcp(&f, "GET /index"), "unknown");
	assert_true(f.result.pending);
	assert_in_range(classify_scratch_regexes(f.c) - before, 0, REGEXES_MAX);
	assert_string_equal(tcp(&f, "GET /index\r\n\r\n"), "unknown");
	assert_false(f.result.pending);
	fixture_close(&f);
}

/* What was left open is found when its text comes. */
static void texts_come_later(void **state)
{
	static const char whole[] = "GET /a/long/name of what is asked for PROTO31/1\r\n";
	struct fixture f;
	struct classify_memo memo = {0};

	alike_open(&f, "");
	for (size_t len = 1; len < sizeof(whole); len++) {
		struct classify_input in = {
			(const uint8_t *)whole, len, IPPROTO_TCP, true, false, 1111, 2222};
		bool found = classify_stream(f.s, f.c, &in, &memo, &f.result);

		assert_int_equal(found, len == sizeof(whole) - 1);
		assert_int_equal(f.result.pending, !found);
	}
	assert_string_equal(app_registry_get(f.r, f.result.app)->name, "x31");
	fixture_close(&f);
}

/* A `not` has to know at once that a regex cannot match any more. */
static void a_not_is_no_reason_to_leave_a_regex(void **state)
{
	struct fixture f;

	alike_open(&f, "  other: { when: get and not f38, confidence: 95 }\n");
	assert_string_equal(tcp(&f, "GET \x01"), "other");
	assert_string_equal(tcp(&f, "GET /a PROTO05/1\r\n"), "other");
	assert_string_equal(tcp(&f, "GET /a PROTO38/1\r\n"), "x38");
	assert_string_equal(tcp(&f, "GET /a"), "unknown");
	assert_true(f.result.pending);
	fixture_close(&f);
}

struct masked {
	unsigned int offset, confidence;
	uint8_t bytes[MASK_BYTES];
};

static void masks_make(struct masked list[MASKS], unsigned int *seed, char *yaml, size_t room)
{
	size_t len = (size_t)snprintf(yaml, room, "features:\n");

	for (int i = 0; i < MASKS; i++) {
		list[i].offset = (unsigned int)rand_r(seed) % 140;
		list[i].confidence = 60 + (unsigned int)rand_r(seed) % 30;
		for (int k = 0; k < MASK_BYTES; k++)
			list[i].bytes[k] = (uint8_t)(rand_r(seed) % 5 * 63);
		len += (size_t)snprintf(yaml + len, room - len,
					"  f%d: { mask: { offset: %u, bytes: %02x%02x%02x } }\n", i,
					list[i].offset, list[i].bytes[0], list[i].bytes[1],
					list[i].bytes[2]);
	}
	len += (size_t)snprintf(yaml + len, room - len, "applications:\n");
	for (int i = 0; i < MASKS; i++)
		len += (size_t)snprintf(yaml + len, room - len,
					"  x%d: { when: f%d, confidence: %u }\n", i, i,
					list[i].confidence);
	assert_true(len < room);
}

/* By looking at all. */
static int masks_best(const struct masked list[MASKS], const uint8_t *data, size_t len)
{
	int best = -1;

	for (int i = 0; i < MASKS; i++)
		if (list[i].offset + MASK_BYTES <= len &&
		    memcmp(data + list[i].offset, list[i].bytes, MASK_BYTES) == 0 &&
		    (best < 0 || list[i].confidence > list[best].confidence))
			best = i;
	return best;
}

/* Rules at all places of the beginning, and beyond what the tree looks at. */
static void the_tree_finds_what_all_rules_say(void **state)
{
	static struct masked list[MASKS];
	static char yaml[64 * 1024];
	unsigned int seed = 3, found = 0;
	struct fixture f;
	uint64_t evaluations;

	masks_make(list, &seed, yaml, sizeof(yaml));
	fixture_open(&f, yaml);
	for (unsigned int round = 0; round < 4000; round++) {
		uint8_t data[200];
		char name[16] = "unknown";
		size_t len = 1 + (size_t)rand_r(&seed) % sizeof(data);
		int best;

		for (size_t i = 0; i < len; i++)
			data[i] = (uint8_t)(rand_r(&seed) % 5 * 63);
		best = masks_best(list, data, len);
		if (best >= 0)
			snprintf(name, sizeof(name), "x%d", best);
		assert_string_equal(udp(&f, data, len), name);
		found += best >= 0;
	}
	assert_in_range(found, 1000, 3900);
	/* Of bytes that no rule has hardly a feature is looked at. */
	evaluations = classify_scratch_evaluations(f.c);
	for (unsigned int round = 0; round < 100; round++) {
		uint8_t data[200];

		memset(data, 1 + (int)round, sizeof(data));
		udp(&f, data, sizeof(data));
	}
	assert_in_range(classify_scratch_evaluations(f.c) - evaluations, 0, 100 * MASKS / 10);
	fixture_close(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(few_of_many_regexes_run),
		cmocka_unit_test(texts_come_later),
		cmocka_unit_test(a_not_is_no_reason_to_leave_a_regex),
		cmocka_unit_test(the_tree_finds_what_all_rules_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
