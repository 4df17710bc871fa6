// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "proto/bencode.h"
#include "util/util.h"

/* Events as a line of text: what a reader of the tree would see. */
struct trace {
	char text[1024];
	size_t at;
};

static void trace_event(void *arg, const struct bencode *b, const struct bencode_event *e)
{
	static const char *const kinds[] = {"{", "[", "}", "i", "t"};
	struct trace *t = arg;
	const char *key = e->depth ? bencode_key(b, e->depth - 1) : "";
	size_t room = sizeof(t->text) - t->at;

	if (e->kind == BENCODE_TEXT && e->offset)
		t->at += (size_t)snprintf(t->text + t->at, room, "%.*s", (int)e->len, e->data);
	else if (e->kind == BENCODE_TEXT)
		t->at += (size_t)snprintf(t->text + t->at, room, " %u%s=%.*s", e->depth, key,
					  (int)e->len, e->data);
	else if (e->kind == BENCODE_INTEGER)
		t->at += (size_t)snprintf(t->text + t->at, room, " %u%s=%lld", e->depth, key,
					  (long long)e->integer);
	else
		t->at += (size_t)snprintf(t->text + t->at, room, " %u%s", e->depth, kinds[e->kind]);
}

static const char *const example = "d1:ai-42e1:bl3:abc0:i0ee4:dictd3:key5:valueee";
static const char *const example_trace = " 0{ 1a=-42 1[ 2=abc 2= 2=0 1} 1{ 2key=value 1} 0}";

static void one_piece(void **state)
{
	struct bencode b;
	struct trace t = {.at = 0};
	size_t used = 0;

	bencode_init(&b);
	assert_int_equal(
		bencode_feed(&b, (const uint8_t *)example, strlen(example), &used, trace_event, &t),
		1);
	assert_int_equal(used, strlen(example));
	assert_string_equal(t.text, example_trace);
}

static void every_split(void **state)
{
	size_t len = strlen(example);

	for (size_t first = 0; first <= len; first++) {
		for (size_t second = first; second <= len; second++) {
			const uint8_t *data = (const uint8_t *)example;
			struct bencode b;
			struct trace t = {.at = 0};

			bencode_init(&b);
			assert_int_equal(bencode_feed(&b, data, first, NULL, trace_event, &t),
					 first == len);
			(void)bencode_feed(&b, data + first, second - first, NULL, trace_event, &t);
			assert_int_equal(bencode_feed(&b, data + second, len - second, NULL,
						      trace_event, &t),
					 1);
			assert_string_equal(t.text, example_trace);
		}
	}
}

static void stops_at_the_end(void **state)
{
	struct bencode b;
	struct trace t = {.at = 0};
	size_t used = 0;

	bencode_init(&b);
	assert_int_equal(bencode_feed(&b, (const uint8_t *)"i7ejunk", 7, &used, trace_event, &t),
			 1);
	assert_int_equal(used, 3);
	assert_string_equal(t.text, " 0=7");
}

static void refusals(void **state)
{
	static const char *const cases[] = {
		"e",
		"x",
		"i-e",
		"ie",
		"i--1e",
		"i1x",
		"i1234567890123456789e",
		"1x",
		"d1:ae",
		"di1ei2ee",
		"dl",
		"llllllllle",
		"1048577:",
		"99999999999999999999:",
		"li1e1:a2:bbxe",
		"d1:a1:b1:ce",
		"-1:a",
		":",
		"d1:ai1e1:b",
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct bencode b;
		struct trace t = {.at = 0};
		const uint8_t *data = (const uint8_t *)cases[i];
		int done;

		bencode_init(&b);
		done = bencode_feed(&b, data, strlen(cases[i]), NULL, trace_event, &t);
		/* The last case is merely unfinished. */
		assert_int_equal(done, i + 1 == ARRAY_SIZE(cases) ? 0 : -EINVAL);
		if (done < 0)
			assert_int_equal(
				bencode_feed(&b, (const uint8_t *)"de", 2, NULL, trace_event, &t),
				-EINVAL);
	}
}

static void long_keys_are_no_names(void **state)
{
	static const char text[] = "d30:aaaaaaaaaabbbbbbbbbbccccccccccc1:xe";
	static const char whole[] = "d30:aaaaaaaaaabbbbbbbbbbcccccccccc1:x5:after1:ye";
	struct bencode b;
	struct trace t = {.at = 0};

	bencode_init(&b);
	assert_int_equal(
		bencode_feed(&b, (const uint8_t *)whole, strlen(whole), NULL, trace_event, &t), 1);
	assert_string_equal(t.text, " 0{ 1=x 1after=y 0}");
	bencode_init(&b);
	assert_int_equal(
		bencode_feed(&b, (const uint8_t *)text, strlen(text), NULL, trace_event, &t),
		-EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_piece),
		cmocka_unit_test(every_split),
		cmocka_unit_test(stops_at_the_end),
		cmocka_unit_test(refusals),
		cmocka_unit_test(long_keys_are_no_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
