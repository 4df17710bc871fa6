// SPDX-License-Identifier: GPL-2.0-only
/*
 * A signature file from memory, and then messages to the set it makes: what follows the first NUL
 * byte (a file cannot hold one), or else the text itself.
 */
#include <netinet/in.h>
#include <string.h>

#include "classify/set.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *nul = memchr(data, '\0', size);
	size_t len = nul ? (size_t)(nul - data) : size;
	struct app_registry *r = app_registry_new();
	struct signatures *s = NULL;
	struct error e = {""};

	if (r && signatures_parse("fuzz", (const char *)data, len, r, &s, &e) == 0)
		run_messages(s, nul ? nul + 1 : data, nul ? size - len - 1 : size);
	signatures_free(s);
	app_registry_free(r);
	return 0;
}
