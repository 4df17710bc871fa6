// SPDX-License-Identifier: GPL-2.0-only
/*
 * A signature file from memory, and then messages to the set it makes: what follows the first NUL
 * byte (a file cannot hold one), or else the text itself.
 */
#include <netinet/in.h>

#include "classify/set.h"
#include "harness.h"

static void run_messages(const struct signatures *s, const uint8_t *data, size_t len)
{
	struct classify_scratch *c = classify_scratch_new(s);
	struct classify_result result;

	for (unsigned int i = 0; c && i < 8; i++) {
		struct classify_input in = {
			data, len, i & 1 ? IPPROTO_TCP : IPPROTO_UDP, i & 2, i & 4, 53, 40000};

		classify_message(s, c, &in, &result);
	}
	classify_scratch_free(c);
}

/* A stream that grows gives the same answers with and without what was kept of it. */
static void run_stream(const struct signatures *s, const uint8_t *data, size_t len)
{
	struct classify_scratch *c = classify_scratch_new(s);
	struct classify_memo memo = {.set = 0};
	struct classify_result with, without;

	for (size_t have = 1; c && have <= len; have += have < 64 ? 7 : have) {
		struct classify_input in = {data, have, IPPROTO_TCP, true, false, 40000, 80};

		classify_stream(s, c, &in, &memo, &with);
		classify_message(s, c, &in, &without);
		check(with.app == without.app && with.pending == without.pending);
	}
	classify_scratch_free(c);
}

static void count_note(void *arg, const struct review_note *n)
{
	*(size_t *)arg += strlen(n->subject);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = memchr(data, '\0', size);
	size_t len = nul ? (size_t)(nul - data) : size;
	static struct app_registry *r;
	struct signatures *s = NULL;
	struct error e = {""};

	if (!r)
		r = app_registry_new();
	if (signatures_parse("fuzz", (const char *)data, len, r, &s, &e) == 0) {
		const uint8_t *text = nul ? nul + 1 : data;
		size_t text_len = nul ? size - len - 1 : size, notes = 0;

		run_messages(s, text, text_len);
		run_stream(s, text, text_len);
		signatures_review(s, count_note, &notes);
		/* Nothing changes in it where the set does not load. */
		app_registry_free(r);
		r = NULL;
	}
	signatures_free(s);
	return 0;
}
