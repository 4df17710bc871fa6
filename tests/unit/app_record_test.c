// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "app/record.h"

static void set(struct app_record *r, enum app_text which, const char *text)
{
	app_record_text(r, which, text, strlen(text));
}

static void is(const struct app_record *r, enum app_text which, const char *want)
{
	size_t len;
	const char *text = app_record_get(r, which, &len);

	assert_int_equal(len, strlen(want));
	if (len)
		assert_memory_equal(text, want, len);
}

static void texts_are_kept_cut_and_printable(void **state)
{
	struct app_record r = {0};
	char longest[2000];

	memset(longest, 'x', sizeof(longest));
	set(&r, APP_TEXT_URL, "/a\tb\xff");
	set(&r, APP_TEXT_METHOD, "GET");
	set(&r, APP_TEXT_METHOD, "POST");
	set(&r, APP_TEXT_REFER, "");
	app_record_text(&r, APP_TEXT_PROTOCOL, longest, sizeof(longest));
	is(&r, APP_TEXT_URL, "/a.b.");
	is(&r, APP_TEXT_METHOD, "GET");
	is(&r, APP_TEXT_REFER, "");
	is(&r, APP_TEXT_PROTOCOL, "xxxxxxxxxxxxxxxx");
	assert_int_equal(app_record_bytes(&r), offsetof(struct app_record, text) + 5 + 3 + 16);
}

static void what_has_no_room_is_left_out(void **state)
{
	struct app_record r = {0};
	char longest[2000];

	memset(longest, 'x', sizeof(longest));
	for (unsigned int which = 0; which < APP_TEXT_COUNT; which++)
		app_record_text(&r, which, longest, sizeof(longest));
	assert_true(r.used <= sizeof(r.text));
	assert_true(app_record_sound(&r, app_record_bytes(&r)));
}

/* Every byte of the head turned, in a copy that is no longer than it says. */
static void copies_from_outside_are_checked(void **state)
{
	struct app_record r = {.kind = APP_RECORD_FILE, .closed = true}, bad;
	size_t len, text_len;
	char *copy;

	set(&r, APP_TEXT_FILENAME, "a.iso");
	set(&r, APP_TEXT_URL, "/a.iso");
	len = app_record_bytes(&r);
	assert_true(app_record_sound(&r, len));
	assert_false(app_record_sound(&r, len - 1));
	assert_false(app_record_sound(&r, len + 1));
	assert_false(app_record_sound(&r, 4));
	bad = r;
	bad.kind = APP_RECORD_COUNT;
	assert_false(app_record_sound(&bad, len));
	bad = r;
	memset(&bad.gaps, 2, 1);
	assert_false(app_record_sound(&bad, len));
	bad = r;
	bad.place[APP_TEXT_URL].at = (uint16_t)len;
	assert_false(app_record_sound(&bad, len));
	bad = r;
	bad.text[0] = '\n';
	assert_false(app_record_sound(&bad, len));
	copy = malloc(len);
	assert_non_null(copy);
	for (size_t at = 0; at < len; at++) {
		memcpy(copy, &r, len);
		copy[at] = (char)~copy[at];
		if (!app_record_sound(copy, len))
			continue;
		for (unsigned int which = 0; which < APP_TEXT_COUNT; which++) {
			const char *text =
				app_record_get((const struct app_record *)copy, which, &text_len);

			assert_true(!text || text + text_len <= copy + len);
		}
	}
	free(copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts_are_kept_cut_and_printable),
		cmocka_unit_test(what_has_no_room_is_left_out),
		cmocka_unit_test(copies_from_outside_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
