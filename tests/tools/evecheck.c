// SPDX-License-Identifier: GPL-2.0-only
/* evecheck SCHEMA FILE: whether every line of an events file is as the schema says. Prints the
 * number of events of each type; exit 1 with the first differences. */
#include <stdlib.h>

#include "unit/schema_check.h"

#define LINE_MAX_BYTES 65536
#define SHOWN	       10

int main(int argc, char **argv)
{
	static char line[LINE_MAX_BYTES];
	struct schema s = {0};
	json_t *root = argc == 3 ? json_load_file(argv[1], JSON_REJECT_DUPLICATES, NULL) : NULL;
	FILE *in = argc == 3 ? fopen(argv[2], "r") : NULL;
	json_t *counts = json_object();
	int wrong = 0;

	if (!root || !in) {
		fprintf(stderr, "usage: evecheck SCHEMA FILE\n");
		return 2;
	}
	s.root = root;
	while (fgets(line, sizeof(line), in)) {
		json_t *event = json_loads(line, JSON_REJECT_DUPLICATES, NULL);
		const char *type = json_string_value(json_object_get(event, "event_type"));

		if (!event || !type || !strchr(line, '\n')) {
			fprintf(stderr, "no event: %s\n", line);
			wrong++;
		} else if (!schema_accepts(&s, event) && wrong++ < SHOWN) {
			fprintf(stderr, "%s\n\t%s", s.error, line);
		}
		if (type)
			json_object_set_new(
				counts, type,
				json_integer(json_integer_value(json_object_get(counts, type)) +
					     1));
		json_decref(event);
	}
	fclose(in);
	json_dumpf(counts, stdout, JSON_SORT_KEYS);
	putchar('\n');
	json_decref(counts);
	json_decref(root);
	return wrong ? 1 : 0;
}
