// SPDX-License-Identifier: GPL-2.0-only
/* Any bytes as a YAML file: read, then every node through every typed read. */
#include "harness.h"
#include "yaml/yaml.h"

static void read_all(const struct yaml_file *f, const struct yaml_node *n, unsigned int depth)
{
	static const char *const known[] = {"interface", "hook", "rules", NULL};
	const char *text;
	unsigned long value;
	struct error e = {0};
	bool b;

	check(n && depth <= YAML_DEPTH_MAX);
	(void)yaml_uint(f, n, "n", 1, 9, &value, &e);
	e.text[0] = '\0';
	(void)yaml_bool(f, n, "b", &b, &e);
	e.text[0] = '\0';
	(void)yaml_string(f, n, "s", &text, &e);
	if (n->kind == YAML_MAPPING)
		(void)yaml_known_keys(f, n, "m", known, &e);
	for (size_t i = 0; i < n->count; i++) {
		if (n->keys)
			read_all(f, n->keys[i], depth + 1);
		read_all(f, n->items[i], depth + 1);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct yaml_file *f = NULL;
	struct error e = {0};

	if (yaml_parse("fuzz", (const char *)data, size, &f, &e) < 0) {
		check(!f && e.text[0]);
		return 0;
	}
	if (yaml_root(f))
		read_all(f, yaml_root(f), 0);
	yaml_close(f);
	return 0;
}
