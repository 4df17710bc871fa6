// SPDX-License-Identifier: GPL-2.0-only
/* A pattern file of l7-filter. What is made of it has to be a line of YAML, and a set that loads or
 * not. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "classify/classify.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct app_registry *r = app_registry_new();
	struct l7pat p = {.pattern = NULL};
	struct signatures *s = NULL;
	struct error e = {""};
	char text[8192];

	if (l7pat_read((const char *)data, size, &p, &e) == 0) {
		for (const char *c = p.pattern; *c; c++)
			if (!isprint((unsigned char)*c) || *c == '\'')
				__builtin_trap();
		snprintf(text, sizeof(text),
			 "features: { %s: { regex: { pattern: '%s', caseless: true } } }\n"
			 "applications: { %s: { when: %s, confidence: %u } }\n",
			 p.name, p.pattern, p.name, p.name, p.confidence);
		if (signatures_parse("fuzz", text, strlen(text), r, &s, &e) < 0 &&
		    !strstr(e.text, "regex: "))
			__builtin_trap();
	}
	signatures_free(s);
	l7pat_fini(&p);
	app_registry_free(r);
	return 0;
}
