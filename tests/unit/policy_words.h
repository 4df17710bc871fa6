/* SPDX-License-Identifier: GPL-2.0-only */
/* What a policy's text is refused with, or warned of. */
#ifndef WEIR_TEST_POLICY_WORDS_H
#define WEIR_TEST_POLICY_WORDS_H

#include <stdio.h>
#include <string.h>

#include "policy/draft.h"

/* Reads text: the result, and that its error or, where it loads, its warnings contain words. words
 * NULL: there are none. Frees r. */
static inline void policy_expect_words(struct app_registry *r, const char *text, int result,
				       const char *words)
{
	struct policy *p = NULL;
	struct error e = {0};
	char said[4096] = "";
	FILE *warnings = fmemopen(said, sizeof(said), "w");

	assert_int_equal(policy_parse("p.yaml", text, strlen(text), r, &p, warnings, &e), result);
	fclose(warnings);
	if (!words)
		assert_string_equal(said, "");
	else if (!strstr(result ? e.text : said, words))
		fail_msg("`%s` is not in `%s`", words, result ? e.text : said);
	policy_free(p);
	app_registry_free(r);
}

#endif
