// SPDX-License-Identifier: GPL-2.0-only
/* Reads the sections of a policy file by their rows, and compares two policies. */
#include "policy/section.h"

#include "policy/draft.h"

#define SETTINGS_MAX 32

static size_t section_count(void)
{
	size_t n = 0;

	while (policy_sections[n])
		n++;
	return n;
}

/* Where the values of row i are stored. */
static void *section_place(const struct policy *p, size_t i)
{
	return policy_sections[i]->size ? p->sections[i].data : (void *)p;
}

int draft_sections_new(struct draft *d)
{
	struct policy *p = d->policy;
	size_t count = section_count();

	p->sections = calloc(count + 1, sizeof(*p->sections));
	if (!p->sections)
		return draft_memory(d);
	for (p->section_count = 0; p->section_count < count; p->section_count++) {
		const struct policy_section *row = policy_sections[p->section_count];
		void *data = row->size ? calloc(1, row->size) : NULL;

		if (row->size && !data)
			return draft_memory(d);
		p->sections[p->section_count] = (struct policy_data){.row = row, .data = data};
	}
	return 0;
}

/* ---- settings ---- */

static void *setting_field(const struct policy_setting *s, void *data)
{
	return (char *)data + s->offset;
}

static void setting_default(const struct policy_setting *s, void *field)
{
	if (s->size == sizeof(uint64_t))
		*(uint64_t *)field = s->initial;
	else if (s->size == sizeof(uint32_t))
		*(uint32_t *)field = (uint32_t)s->initial;
}

static int settings_read(struct draft *d, const struct yaml_node *n, const struct policy_section *s,
			 void *data)
{
	const char *known[SETTINGS_MAX + 1] = {NULL};
	int err;

	for (size_t i = 0; i < s->setting_count; i++) {
		setting_default(&s->settings[i], setting_field(&s->settings[i], data));
		known[i] = s->settings[i].key;
	}
	if (!n)
		return 0;
	err = s->scalar ? 0 : draft_mapping(d, n, s->key, known);
	for (size_t i = 0; err == 0 && i < s->setting_count; i++) {
		const struct policy_setting *one = &s->settings[i];
		const struct yaml_node *value = s->scalar ? n : yaml_get(n, one->key);

		if (value)
			err = one->read(d, value, one, setting_field(one, data));
	}
	return err;
}

int policy_number_read(struct draft *d, const struct yaml_node *n, const struct policy_setting *s,
		       void *field)
{
	unsigned long value = 0;
	int err = yaml_uint(d->file, n, s->key, s->min, s->max, &value, d->e);

	if (err == 0)
		*(uint32_t *)field = (uint32_t)value;
	return err;
}

int policy_power_read(struct draft *d, const struct yaml_node *n, const struct policy_setting *s,
		      void *field)
{
	uint32_t value = 0;
	int err = policy_number_read(d, n, s, &value);

	if (err < 0)
		return err;
	if (value & (value - 1))
		return draft_error(d, n, "%s: expected a power of two, found `%u`", s->key, value);
	*(uint32_t *)field = value;
	return 0;
}

static int amount_read(struct draft *d, const struct yaml_node *n, const struct policy_setting *s,
		       int (*parse)(const char *text, uint64_t *out), void *field)
{
	const char *text = NULL;
	uint64_t value = 0;
	int err = yaml_string(d->file, n, s->key, &text, d->e);

	if (err < 0)
		return err;
	if (parse(text, &value) < 0 || value < s->min || value > s->max)
		return draft_error(d, n, "%s: expected %s, found `%.64s`", s->key, s->expected,
				   text);
	*(uint64_t *)field = value;
	return 0;
}

int policy_size_read(struct draft *d, const struct yaml_node *n, const struct policy_setting *s,
		     void *field)
{
	return amount_read(d, n, s, size_parse, field);
}

int policy_time_read(struct draft *d, const struct yaml_node *n, const struct policy_setting *s,
		     void *field)
{
	return amount_read(d, n, s, duration_parse, field);
}

int policy_bool_read(struct draft *d, const struct yaml_node *n, const struct policy_setting *s,
		     void *field)
{
	return yaml_bool(d->file, n, s->key, field, d->e);
}

int policy_not_read(struct draft *d, const struct yaml_node *n, const struct policy_setting *s,
		    void *field)
{
	bool said = false;
	int err = yaml_bool(d->file, n, s->key, &said, d->e);

	if (err == 0)
		*(bool *)field = !said;
	return err;
}

int policy_choice_read(struct draft *d, const struct yaml_node *n, const struct policy_setting *s,
		       void *field)
{
	unsigned int choice = 0;
	size_t count = 0;
	int err;

	while (s->choices[count])
		count++;
	err = draft_choice(d, n, s->key, s->choices, count, &choice);
	if (err == 0)
		*(bool *)field = choice == 1;
	return err;
}

/* ---- the document ---- */

static int section_read(struct draft *d, size_t i, const struct yaml_node *n)
{
	const struct policy_section *s = policy_sections[i];
	void *data = section_place(d->policy, i);

	if (!n && s->required)
		return draft_error(d, yaml_root(d->file), "`%s` is missing", s->key);
	return s->settings ? settings_read(d, n, s, data) : s->read(d, n, data);
}

static size_t section_find(const char *key)
{
	size_t i = 0;

	while (policy_sections[i] && strcmp(policy_sections[i]->key, key) != 0)
		i++;
	return i;
}

/* Present sections in the order of the file, so that the first error in it is reported; then the
 * absent ones. */
static int phase_read(struct draft *d, const struct yaml_node *root, enum policy_phase phase)
{
	int err = 0;

	for (size_t k = 0; root && err == 0 && k < root->count; k++) {
		size_t i = section_find(root->keys[k]->text);

		if (policy_sections[i] && policy_sections[i]->phase == phase)
			err = section_read(d, i, root->items[k]);
	}
	for (size_t i = 0; err == 0 && policy_sections[i]; i++)
		if (policy_sections[i]->phase == phase && !yaml_get(root, policy_sections[i]->key))
			err = section_read(d, i, NULL);
	return err;
}

int draft_read_sections(struct draft *d)
{
	static const enum policy_phase order[] = {POLICY_VERSION, POLICY_NAMES, POLICY_REST};
	const struct yaml_node *root = yaml_root(d->file);
	_cleanup_free_ const char **known = calloc(section_count() + 1, sizeof(*known));
	int err;

	if (!known)
		return draft_memory(d);
	for (size_t i = 0; policy_sections[i]; i++)
		known[i] = policy_sections[i]->key;
	err = draft_mapping(d, root, "policy", known);
	for (size_t i = 0; err == 0 && i < ARRAY_SIZE(order); i++)
		err = phase_read(d, root, order[i]);
	return err;
}

/* ---- two policies ---- */

/* The node to report for key: the key itself, or the mapping that lacks it. */
static const struct yaml_node *key_place(const struct yaml_node *mapping, const char *key)
{
	for (size_t i = 0; mapping && mapping->kind == YAML_MAPPING && i < mapping->count; i++)
		if (strcmp(mapping->keys[i]->text, key) == 0)
			return mapping->keys[i];
	return mapping;
}

static bool setting_same(const struct policy_setting *s, const void *a, const void *b)
{
	return memcmp((const char *)a + s->offset, (const char *)b + s->offset, s->size) == 0;
}

static int settings_fit(const struct draft *d, const struct policy_section *s, const void *running,
			const void *next)
{
	const struct yaml_node *root = yaml_root(d->file), *n = yaml_get(root, s->key);
	const struct yaml_node *place = key_place(root, s->key);

	for (size_t i = 0; i < s->setting_count; i++) {
		const struct policy_setting *one = &s->settings[i];

		if (one->change == POLICY_CHANGE_LIVE || setting_same(one, running, next))
			continue;
		if (s->scalar)
			return draft_error(d, place, DRAFT_RESTART("%s"), s->key);
		if (yaml_get(n, one->key))
			place = key_place(n, one->key);
		return draft_error(d, place, DRAFT_RESTART("%s: %s"), s->key, one->key);
	}
	return 0;
}

int draft_fits(const struct draft *d, const struct policy *running)
{
	const struct yaml_node *root = yaml_root(d->file);

	for (size_t i = 0; policy_sections[i]; i++) {
		const struct policy_section *s = policy_sections[i];
		const void *a = section_place(running, i), *b = section_place(d->policy, i);
		int err = s->settings ? settings_fit(d, s, a, b) : 0;

		if (err < 0)
			return err;
		if (s->change == POLICY_CHANGE_RESTART && !s->same(a, b))
			return draft_error(d, key_place(root, s->key), DRAFT_RESTART("%s"), s->key);
	}
	return 0;
}
