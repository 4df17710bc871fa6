/* SPDX-License-Identifier: GPL-2.0-only */
/* The set that weir carries, opened once for all tests of a program, and messages to it. */
#ifndef TEST_CLASSIFY_SAMPLES_H
#define TEST_CLASSIFY_SAMPLES_H

#include "classify_fixture.h"
#include "util/util.h"

struct sample {
	const char *app; /* NULL: nothing at all */
	uint8_t proto;
	bool from_origin;
	uint16_t sport, dport;
	const char *data;
	size_t len;
};

static int samples_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct error e = {""};

	assert_non_null(f);
	f->r = app_registry_new();
	assert_non_null(f->r);
	if (signatures_load_builtin(f->r, &f->s, &e) < 0)
		fail_msg("%s", e.text);
	f->c = classify_scratch_new(f->s);
	assert_non_null(f->c);
	*state = f;
	return 0;
}

static int samples_teardown(void **state)
{
	fixture_close(*state);
	free(*state);
	return 0;
}

/* What the first len bytes of a sample are: "pending" where more bytes could tell. At their exact
 * size on the heap, so that a sanitizer sees a byte read too many. */
_unused_ static const char *sample_name(const struct fixture *f, const struct sample *x, size_t len,
					bool complete)
{
	uint8_t *copy = malloc(len);
	struct classify_input in = {copy,     len,	x->proto, x->from_origin,
				    complete, x->sport, x->dport};
	struct classify_result result;
	bool found;

	assert_non_null(copy);
	memcpy(copy, x->data, len);
	found = classify_message(f->s, f->c, &in, &result);
	free(copy);
	if (found)
		return app_registry_get(f->r, result.app)->name;
	return result.pending ? "pending" : "unknown";
}

/* Names every sample that is taken for something else. */
_unused_ static void samples_check(const struct fixture *f, const struct sample *list, size_t count)
{
	unsigned int wrong = 0;

	for (size_t i = 0; i < count; i++) {
		const char *want = list[i].app ? list[i].app : "unknown";
		const char *got = sample_name(f, &list[i], list[i].len, true);

		if (strcmp(want, got) == 0)
			continue;
		print_error("sample %zu (port %u, %.24s): expected %s, got %s\n", i,
			    list[i].from_origin ? list[i].dport : list[i].sport, list[i].data, want,
			    got);
		wrong++;
	}
	assert_int_equal(wrong, 0);
}

#endif
