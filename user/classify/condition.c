// SPDX-License-Identifier: GPL-2.0-only
/* Reads the conditions of a feature from YAML; docs/signatures.md describes the keys. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "classify/set.h"

void condition_fini(struct condition *c)
{
	switch (c->kind) {
	case CONDITION_PORT:
		free(c->port.ports.list);
		break;
	case CONDITION_LENGTH:
		free(c->length.list);
		break;
	case CONDITION_MASK:
		free(c->mask.bytes);
		free(c->mask.mask);
		break;
	case CONDITION_REGEX:
		pcre2_code_free(c->regex.code);
		free(c->regex.text);
		free(c->regex.prefix);
		free(c->regex.literals);
		break;
	case CONDITION_ENTROPY:
		free(c->entropy.terms);
		break;
	case CONDITION_FIELD:
	case CONDITION_LENGTH_FIELD:
	case CONDITION_COUNT:
		break;
	}
}

int condition_optional_uint(const struct yaml_file *f, const struct yaml_node *mapping,
			    const char *key, unsigned long min, unsigned long max,
			    unsigned long *value, struct error *e)
{
	const struct yaml_node *n = yaml_get(mapping, key);

	return n ? yaml_uint(f, n, key, min, max, value, e) : 0;
}

static int required_uint(const struct yaml_file *f, const struct yaml_node *mapping,
			 const char *what, const char *key, unsigned long min, unsigned long max,
			 unsigned long *value, struct error *e)
{
	const struct yaml_node *n = yaml_get(mapping, key);

	if (!n)
		return yaml_error(f, mapping, e, "%s: `%s` is missing", what, key);
	return yaml_uint(f, n, key, min, max, value, e);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)(c | 0x20);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* "13 42 ff" or "1342ff". */
static int bytes_read(const struct yaml_file *f, const struct yaml_node *n, const char *what,
		      uint8_t **out, size_t *len, struct error *e)
{
	_cleanup_free_ uint8_t *bytes = malloc(MASK_BYTES_MAX);
	const char *text;
	size_t count = 0;
	int err = yaml_string(f, n, what, &text, e);

	if (err < 0)
		return err;
	if (!bytes)
		return -ENOMEM;
	for (const char *p = text; *p;) {
		int high = hex_digit(p[0]), low = high < 0 ? -1 : hex_digit(p[1]);

		if (isspace((unsigned char)*p)) {
			p++;
			continue;
		}
		if (low < 0)
			return yaml_error(
				f, n, e,
				"%s: expected bytes of two hexadecimal digits, found `%.8s`", what,
				p);
		if (count == MASK_BYTES_MAX)
			return yaml_error(f, n, e, "%s: more than %d bytes", what, MASK_BYTES_MAX);
		bytes[count++] = (uint8_t)(high << 4 | low);
		p += 2;
	}
	if (count == 0)
		return yaml_error(f, n, e, "%s: no bytes", what);
	*out = TAKE_PTR(bytes);
	*len = count;
	return 0;
}

static int text_read(const struct yaml_file *f, const struct yaml_node *n, uint8_t **out,
		     size_t *len, struct error *e)
{
	const char *text;
	int err = yaml_string(f, n, "text", &text, e);

	if (err < 0)
		return err;
	if (!text[0] || strlen(text) > MASK_BYTES_MAX)
		return yaml_error(f, n, e, "text: expected 1 to %d characters", MASK_BYTES_MAX);
	*out = (uint8_t *)strdup(text);
	*len = strlen(text);
	return *out ? 0 : -ENOMEM;
}

/* The bits to compare: `mask`, or all. Clears the other bits in bytes. */
static int mask_read(const struct yaml_file *f, const struct yaml_node *n, uint8_t *bytes,
		     size_t len, uint8_t **out, struct error *e)
{
	_cleanup_free_ uint8_t *mask = NULL;
	size_t count = len;
	int err;

	if (!n) {
		mask = malloc(len);
		if (mask)
			memset(mask, 0xff, len);
	} else {
		err = bytes_read(f, n, "mask", &mask, &count, e);
		if (err < 0)
			return err;
	}
	if (!mask)
		return -ENOMEM;
	if (count != len)
		return yaml_error(f, n, e, "mask: %zu bytes for %zu to compare", count, len);
	for (size_t i = 0; i < len; i++)
		bytes[i] &= mask[i];
	*out = TAKE_PTR(mask);
	return 0;
}

int condition_read_mask(const struct yaml_file *f, const struct yaml_node *n, struct condition *out,
			struct error *e)
{
	static const char *const keys[] = {"offset", "bytes", "text", "mask", NULL};
	const struct yaml_node *bytes = yaml_get(n, "bytes"), *text = yaml_get(n, "text");
	_cleanup_free_ uint8_t *value = NULL;
	unsigned long offset = 0;
	size_t len = 0;
	int err = yaml_mapping(f, n, "mask", e);

	if (err == 0)
		err = yaml_known_keys(f, n, "mask", keys, e);
	if (err == 0)
		err = condition_optional_uint(f, n, "offset", 0, SET_OFFSET_MAX, &offset, e);
	if (err == 0 && !bytes == !text)
		err = yaml_error(f, n, e, "mask: expected either `bytes` or `text`");
	if (err == 0)
		err = bytes ? bytes_read(f, bytes, "bytes", &value, &len, e)
			    : text_read(f, text, &value, &len, e);
	if (err == 0)
		err = mask_read(f, yaml_get(n, "mask"), value, len, &out->mask.mask, e);
	if (err < 0)
		return err;
	out->kind = CONDITION_MASK;
	out->mask.offset = (uint32_t)offset;
	out->mask.len = (uint32_t)len;
	out->mask.bytes = TAKE_PTR(value);
	return 0;
}

/* Decimal, or hexadecimal with 0x: a field may hold a magic number as well as a count. */
static int number_parse(const char *text, uint64_t *out)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = hex ? text + 2 : text;
	char *end;

	if (!isxdigit((unsigned char)digits[0]))
		return -EINVAL;
	errno = 0;
	*out = strtoull(digits, &end, hex ? 16 : 10);
	return *end || errno ? -EINVAL : 0;
}

static int optional_number(const struct yaml_file *f, const struct yaml_node *mapping,
			   const char *key, uint64_t *value, struct error *e)
{
	const struct yaml_node *n = yaml_get(mapping, key);
	const char *text;
	int err;

	if (!n)
		return 0;
	err = yaml_string(f, n, key, &text, e);
	if (err < 0)
		return err;
	if (number_parse(text, value) < 0)
		return yaml_error(f, n, e, "%s: expected a number, found `%.64s`", key, text);
	return 0;
}

static int endian_read(const struct yaml_file *f, const struct yaml_node *n, bool *little,
		       struct error *e)
{
	const char *text = "big";
	int err = n ? yaml_string(f, n, "endian", &text, e) : 0;

	if (err < 0)
		return err;
	*little = strcmp(text, "little") == 0;
	if (!*little && strcmp(text, "big") != 0)
		return yaml_error(f, n, e, "endian: expected `big` or `little`, found `%.64s`",
				  text);
	return 0;
}

/* The keys that field and length_field share. */
static int integer_read(const struct yaml_file *f, const struct yaml_node *n, const char *what,
			struct integer *out, struct error *e)
{
	unsigned long offset = 0, bytes = 0;
	uint64_t mask = UINT64_MAX;
	int err = required_uint(f, n, what, "offset", 0, SET_OFFSET_MAX, &offset, e);

	if (err == 0)
		err = required_uint(f, n, what, "bytes", 1, 8, &bytes, e);
	if (err == 0)
		err = endian_read(f, yaml_get(n, "endian"), &out->little, e);
	if (err == 0)
		err = optional_number(f, n, "mask", &mask, e);
	if (err < 0)
		return err;
	out->offset = (uint32_t)offset;
	out->bytes = (uint32_t)bytes;
	out->mask = mask;
	return 0;
}

static int bounds_check(const struct yaml_file *f, const struct yaml_node *n, uint64_t min,
			uint64_t max, struct error *e)
{
	if (min <= max)
		return 0;
	return yaml_error(f, n, e, "min %llu is above max %llu", (unsigned long long)min,
			  (unsigned long long)max);
}

int condition_read_field(const struct yaml_file *f, const struct yaml_node *n,
			 struct condition *out, struct error *e)
{
	static const char *const keys[] = {"offset", "bytes", "endian", "mask",
					   "min",    "max",   "equals", NULL};
	struct range64 value = {0, UINT64_MAX};
	struct field_condition x = {0};
	int err = yaml_mapping(f, n, "field", e);

	if (err == 0)
		err = yaml_known_keys(f, n, "field", keys, e);
	if (err == 0)
		err = integer_read(f, n, "field", &x.integer, e);
	if (err == 0)
		err = optional_number(f, n, "min", &value.min, e);
	if (err == 0)
		err = optional_number(f, n, "max", &value.max, e);
	if (err == 0 && yaml_get(n, "equals")) {
		err = optional_number(f, n, "equals", &value.min, e);
		value.max = value.min;
	}
	if (err == 0)
		err = bounds_check(f, n, value.min, value.max, e);
	if (err == 0 && value.min == 0 && value.max == UINT64_MAX)
		err = yaml_error(f, n, e, "field: expected `equals`, `min` or `max`");
	if (err < 0)
		return err;
	x.value = value;
	out->kind = CONDITION_FIELD;
	out->field = x;
	return 0;
}

/* A whole number with a sign, for `add`. */
static int signed_read(const struct yaml_file *f, const struct yaml_node *n, int32_t *out,
		       struct error *e)
{
	const char *text = "0";
	uint64_t value = 0;
	int err = n ? yaml_string(f, n, "add", &text, e) : 0;
	bool negative = text[0] == '-';

	if (err < 0)
		return err;
	if (number_parse(text + negative, &value) < 0 || value > SET_OFFSET_MAX)
		return yaml_error(f, n, e, "add: expected a number from -%d to %d, found `%.64s`",
				  SET_OFFSET_MAX, SET_OFFSET_MAX, text);
	*out = negative ? -(int32_t)value : (int32_t)value;
	return 0;
}

int condition_read_length_field(const struct yaml_file *f, const struct yaml_node *n,
				struct condition *out, struct error *e)
{
	static const char *const keys[] = {"offset", "bytes", "endian", "mask", "min",
					   "max",    "add",   "unit",	"more", NULL};
	struct length_field_condition x = {.max = UINT32_MAX};
	const struct yaml_node *more = yaml_get(n, "more");
	unsigned long unit = 1;
	int err = yaml_mapping(f, n, "length_field", e);

	if (err == 0)
		err = yaml_known_keys(f, n, "length_field", keys, e);
	if (err == 0)
		err = integer_read(f, n, "length_field", &x.integer, e);
	if (err == 0)
		err = optional_number(f, n, "min", &x.min, e);
	if (err == 0)
		err = optional_number(f, n, "max", &x.max, e);
	if (err == 0)
		err = bounds_check(f, n, x.min, x.max, e);
	if (err == 0)
		err = signed_read(f, yaml_get(n, "add"), &x.add, e);
	if (err == 0)
		err = condition_optional_uint(f, n, "unit", 1, 1024, &unit, e);
	if (err == 0 && more)
		err = yaml_bool(f, more, "more", &x.more, e);
	if (err < 0)
		return err;
	x.unit = (uint32_t)unit;
	out->kind = CONDITION_LENGTH_FIELD;
	out->length_field = x;
	return 0;
}

/* "20", "20-40", "20-" (no upper end). */
static int range_parse(const struct yaml_file *f, const struct yaml_node *n, const char *what,
		       uint32_t max, struct range *out, struct error *e)
{
	char first[16], dash = 0, second[16] = "";
	uint64_t low, high = UINT32_MAX;
	const char *text;
	int err = yaml_string(f, n, what, &text, e), fields;

	if (err < 0)
		return err;
	fields = strlen(text) > 14 ? 0 : sscanf(text, "%15[0-9]%c%15[0-9]", first, &dash, second);
	if (fields < 1 || (dash && dash != '-') || number_parse(first, &low) < 0 ||
	    (fields == 3 && number_parse(second, &high) < 0) ||
	    strlen(first) + !!dash + strlen(second) != strlen(text))
		return yaml_error(f, n, e,
				  "%s: expected a number or a range such as 20-40, found `%.64s`",
				  what, text);
	high = dash ? high : low;
	if (low > max || (high > max && high != UINT32_MAX))
		return yaml_error(f, n, e, "%s: larger than %u", what, max);
	*out = (struct range){(uint32_t)low, (uint32_t)high};
	return bounds_check(f, n, low, high, e);
}

/* One range or a list of them. */
static int ranges_read(const struct yaml_file *f, const struct yaml_node *n, const char *what,
		       uint32_t max, struct ranges *out, struct error *e)
{
	bool sequence = n->kind == YAML_SEQUENCE;
	size_t count = sequence ? n->count : 1;
	_cleanup_free_ struct range *list = NULL;

	if (count == 0 || count > SET_RANGES_MAX)
		return yaml_error(f, n, e, "%s: expected 1 to %d entries", what, SET_RANGES_MAX);
	list = calloc(count, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		int err = range_parse(f, sequence ? n->items[i] : n, what, max, &list[i], e);

		if (err < 0)
			return err;
	}
	out->list = TAKE_PTR(list);
	out->count = count;
	return 0;
}

/* { min, max, equals } */
static int length_read_mapping(const struct yaml_file *f, const struct yaml_node *n,
			       struct ranges *out, struct error *e)
{
	static const char *const keys[] = {"min", "max", "equals", NULL};
	unsigned long min = 0, max = UINT32_MAX, equals = 0;
	int err = yaml_known_keys(f, n, "length", keys, e);

	if (err == 0)
		err = condition_optional_uint(f, n, "min", 0, SET_OFFSET_MAX, &min, e);
	if (err == 0)
		err = condition_optional_uint(f, n, "max", 0, SET_OFFSET_MAX, &max, e);
	if (err == 0)
		err = condition_optional_uint(f, n, "equals", 0, SET_OFFSET_MAX, &equals, e);
	if (err == 0 && n->count == 0)
		err = yaml_error(f, n, e, "length: expected `min`, `max` or `equals`");
	if (err == 0 && yaml_get(n, "equals") && n->count > 1)
		err = yaml_error(f, n, e, "length: `equals` stands alone");
	if (err == 0 && yaml_get(n, "equals"))
		min = max = equals;
	if (err == 0)
		err = bounds_check(f, n, min, max, e);
	if (err < 0)
		return err;
	out->list = calloc(1, sizeof(*out->list));
	if (!out->list)
		return -ENOMEM;
	out->list[0] = (struct range){(uint32_t)min, (uint32_t)max};
	out->count = 1;
	return 0;
}

int condition_read_length(const struct yaml_file *f, const struct yaml_node *n,
			  struct condition *out, struct error *e)
{
	out->kind = CONDITION_LENGTH;
	if (n->kind == YAML_MAPPING)
		return length_read_mapping(f, n, &out->length, e);
	return ranges_read(f, n, "length", SET_OFFSET_MAX, &out->length, e);
}

int condition_read_port(const struct yaml_file *f, const struct yaml_node *n, bool source,
			bool destination, struct condition *out, struct error *e)
{
	const char *what = !destination ? "sport" : source ? "port" : "dport";

	out->kind = CONDITION_PORT;
	out->port.source = source;
	out->port.destination = destination;
	return ranges_read(f, n, what, UINT16_MAX, &out->port.ports, e);
}
