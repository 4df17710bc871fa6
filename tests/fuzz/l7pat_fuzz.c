// SPDX-License-Identifier: GPL-2.0-only
/* A pattern file of l7-filter. What is made of it has to be a line of YAML, and a set that loads or
 * not. */
#include <ctype.h>
#include <stdio.h>

#include "harness.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct app_registry *r;
	struct l7pat p = {.pattern = NULL};
	struct signatures *s = NULL;
	struct error e = {""};
	char text[8192];

	if (!r)
		r = app_registry_new();
	if (l7pat_read((const char *)data, size, &p, &e) == 0) {
		for (const char *c = p.pattern; *c; c++)
			check(isprint((unsigned char)*c) && *c != '\'');
		snprintf(text, sizeof(text),
			 "features: { %s: { regex: { pattern: '%s', caseless: true } } }\n"
			 "applications: { %s: { when: '%s', confidence: %u } }\n",
			 p.name, p.pattern, p.name, p.name, p.confidence);
		if (signatures_parse("fuzz", text, strlen(text), r, &s, &e) == 0) {
			/* Nothing changes in it where the set does not load. */
			app_registry_free(r);
			r = NULL;
		} else {
			/* The words of an expression are names of files, too. */
			check(strstr(e.text, "regex: ") || strstr(e.text, "when: "));
		}
	}
	signatures_free(s);
	l7pat_fini(&p);
	return 0;
}
