// SPDX-License-Identifier: GPL-2.0-only
/* Features: a name, transports and directions, and conditions that all have to hold. */
#include <string.h>

#include "classify/set.h"

typedef int (*condition_reader)(const struct signatures *s, const struct yaml_file *f,
				const struct yaml_node *n, struct condition *out, struct error *e);

static int read_mask(const struct signatures *s, const struct yaml_file *f,
		     const struct yaml_node *n, struct condition *out, struct error *e)
{
	return condition_read_mask(f, n, out, e);
}

static int read_field(const struct signatures *s, const struct yaml_file *f,
		      const struct yaml_node *n, struct condition *out, struct error *e)
{
	return condition_read_field(f, n, out, e);
}

static int read_length_field(const struct signatures *s, const struct yaml_file *f,
			     const struct yaml_node *n, struct condition *out, struct error *e)
{
	return condition_read_length_field(f, n, out, e);
}

static int read_count(const struct signatures *s, const struct yaml_file *f,
		      const struct yaml_node *n, struct condition *out, struct error *e)
{
	return condition_read_count(f, n, out, e);
}

static int read_entropy(const struct signatures *s, const struct yaml_file *f,
			const struct yaml_node *n, struct condition *out, struct error *e)
{
	return condition_read_entropy(f, n, out, e);
}

static int read_length(const struct signatures *s, const struct yaml_file *f,
		       const struct yaml_node *n, struct condition *out, struct error *e)
{
	return condition_read_length(f, n, out, e);
}

static int read_port(const struct signatures *s, const struct yaml_file *f,
		     const struct yaml_node *n, struct condition *out, struct error *e)
{
	return condition_read_port(f, n, true, true, out, e);
}

static int read_sport(const struct signatures *s, const struct yaml_file *f,
		      const struct yaml_node *n, struct condition *out, struct error *e)
{
	return condition_read_port(f, n, true, false, out, e);
}

static int read_dport(const struct signatures *s, const struct yaml_file *f,
		      const struct yaml_node *n, struct condition *out, struct error *e)
{
	return condition_read_port(f, n, false, true, out, e);
}

/* In order of evaluation: the cheapest first, regexes last. `many`: a list of values stands for
 * several conditions, all of which have to hold. */
static const struct {
	const char *key;
	condition_reader read;
	bool many;
} readers[] = {
	{"port", read_port, false},
	{"sport", read_sport, false},
	{"dport", read_dport, false},
	{"length", read_length, false},
	{"mask", read_mask, true},
	{"field", read_field, true},
	{"length_field", read_length_field, true},
	{"count", read_count, true},
	{"entropy", read_entropy, true},
	{"regex", regex_read, true},
};

int list_reserve(void *list, size_t *room, size_t count, size_t size)
{
	size_t bigger = *room ? *room * 2 : 16;
	void *moved;

	if (count < *room)
		return 0;
	moved = reallocarray(*(void **)list, bigger, size);
	if (!moved)
		return -ENOMEM;
	*(void **)list = moved;
	*room = bigger;
	return 0;
}

void feature_fini(struct feature *feature)
{
	for (uint16_t i = 0; i < feature->count; i++)
		condition_fini(&feature->conditions[i]);
	free(feature->conditions);
	free(feature->name);
	*feature = (struct feature){0};
}

/* One of the words, or all where the key is absent. */
static int choice_read(const struct yaml_file *f, const struct yaml_node *n, const char *what,
		       const char *const words[3], uint8_t *out, struct error *e)
{
	const char *text = words[2];
	int err = n ? yaml_string(f, n, what, &text, e) : 0;

	if (err < 0)
		return err;
	for (uint8_t i = 0; i < 3; i++)
		if (strcmp(text, words[i]) == 0) {
			*out = (uint8_t)(i + 1);
			return 0;
		}
	return yaml_error(f, n, e, "%s: expected `%s`, `%s` or `%s`, found `%.64s`", what, words[0],
			  words[1], words[2], text);
}

static void first_forbid(uint32_t first[8], unsigned int byte)
{
	first[byte >> 5] &= ~(1u << (byte & 31));
}

static void first_narrow_mask(const struct mask_condition *m, uint32_t first[8])
{
	for (unsigned int b = 0; b < 256; b++)
		if ((b & m->mask[0]) != m->bytes[0])
			first_forbid(first, b);
}

static void first_narrow_field(const struct field_condition *f, uint32_t first[8])
{
	for (unsigned int b = 0; b < 256; b++)
		if ((b & f->integer.mask) < f->value.min || (b & f->integer.mask) > f->value.max)
			first_forbid(first, b);
}

/* Only conditions at offset 0 limit the first byte. */
static void first_narrow(const struct signatures *s, const struct condition *c, uint32_t first[8])
{
	if (c->kind == CONDITION_MASK && c->mask.offset == 0)
		first_narrow_mask(&c->mask, first);
	if (c->kind == CONDITION_FIELD && c->field.integer.offset == 0 &&
	    c->field.integer.bytes == 1)
		first_narrow_field(&c->field, first);
	if (c->kind == CONDITION_REGEX)
		regex_first_bytes(s, &c->regex, first);
}

static int condition_append(const struct signatures *s, const struct yaml_file *f,
			    const struct yaml_node *n, condition_reader read, struct feature *out,
			    struct error *e)
{
	struct condition *c;
	int err;

	if (out->count == SET_CONDITIONS_MAX)
		return yaml_error(f, n, e, "more than %d conditions", SET_CONDITIONS_MAX);
	c = reallocarray(out->conditions, out->count + 1u, sizeof(*c));
	if (!c)
		return -ENOMEM;
	out->conditions = c;
	c += out->count;
	*c = (struct condition){0};
	err = read(s, f, n, c, e);
	/* Counted even if reading failed: the partly read condition is freed with the feature. */
	out->count++;
	if (err < 0)
		return err;
	if (c->kind != CONDITION_REGEX)
		out->cheap = out->count;
	first_narrow(s, c, out->first);
	return 0;
}

static int conditions_read(const struct signatures *s, const struct yaml_file *f,
			   const struct yaml_node *n, size_t reader, struct feature *out,
			   struct error *e)
{
	const struct yaml_node *value = yaml_get(n, readers[reader].key);
	bool list = value && readers[reader].many && value->kind == YAML_SEQUENCE;
	int err = 0;

	if (!value)
		return 0;
	if (list && value->count == 0)
		return yaml_error(f, value, e, "%s: an empty list", readers[reader].key);
	for (size_t i = 0; i < (list ? value->count : 1) && err == 0; i++)
		err = condition_append(s, f, list ? value->items[i] : value, readers[reader].read,
				       out, e);
	return err;
}

int feature_read(const struct signatures *s, const struct yaml_file *f, const struct yaml_node *n,
		 struct feature *out, struct error *e)
{
	static const char *const keys[] = {
		"transport", "direction",    "port",  "sport",	 "dport", "length", "mask",
		"field",     "length_field", "count", "entropy", "regex", NULL};
	static const char *const transports[] = {"tcp", "udp", "any"};
	static const char *const directions[] = {"origin", "responder", "any"};
	int err = yaml_mapping(f, n, "feature", e);

	if (err == 0)
		err = yaml_known_keys(f, n, "feature", keys, e);
	if (err == 0)
		err = choice_read(f, yaml_get(n, "transport"), "transport", transports,
				  &out->transports, e);
	if (err == 0)
		err = choice_read(f, yaml_get(n, "direction"), "direction", directions,
				  &out->directions, e);
	memset(out->first, 0xff, sizeof(out->first));
	for (size_t i = 0; i < ARRAY_SIZE(readers) && err == 0; i++)
		err = conditions_read(s, f, n, i, out, e);
	if (err == 0 && out->count == 0)
		err = yaml_error(f, n, e, "feature without a condition matches everything");
	return err;
}
