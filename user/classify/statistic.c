// SPDX-License-Identifier: GPL-2.0-only
/*
 * Conditions on statistics of a window of the message: the number of bytes in a set, and the
 * entropy (Shannon 1948, 6). Integer arithmetic only, so that results are the same on every
 * machine.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "classify/set.h"

#define LOG2_BITS 16 /* bits of a logarithm's fraction */

static const struct {
	const char *name;
	uint8_t ranges[4][2]; /* terminated by an empty range: 1 to 0 */
} classes[] = {
	{"printable", {{0x20, 0x7e}, {1, 0}}},
	{"text", {{0x20, 0x7e}, {'\t', '\n'}, {'\r', '\r'}, {1, 0}}},
	{"alpha", {{'A', 'Z'}, {'a', 'z'}, {1, 0}}},
	{"digit", {{'0', '9'}, {1, 0}}},
	{"control", {{0, 0x1f}, {0x7f, 0x7f}, {1, 0}}},
	{"high", {{0x80, 0xff}, {1, 0}}},
};

static void bytes_allow(uint32_t set[8], unsigned int from, unsigned int to)
{
	for (unsigned int b = from; b <= to; b++)
		set[b >> 5] |= 1u << (b & 31);
}

static int class_read(const struct yaml_file *f, const struct yaml_node *n, uint32_t set[8],
		      struct error *e)
{
	const char *text;
	int err = yaml_string(f, n, "class", &text, e);

	if (err < 0)
		return err;
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		if (strcmp(classes[i].name, text) != 0)
			continue;
		for (size_t k = 0; classes[i].ranges[k][0] <= classes[i].ranges[k][1]; k++)
			bytes_allow(set, classes[i].ranges[k][0], classes[i].ranges[k][1]);
		return 0;
	}
	return yaml_error(f, n, e,
			  "class: expected `printable`, `text`, `alpha`, `digit`, `control` or "
			  "`high`, found `%.64s`",
			  text);
}

/* "00 0a-0f 20". */
static int set_read(const struct yaml_file *f, const struct yaml_node *n, uint32_t set[8],
		    struct error *e)
{
	const char *text;
	int err = yaml_string(f, n, "bytes", &text, e);

	if (err < 0)
		return err;
	for (const char *p = text; *p;) {
		int from = hex_byte(p);
		bool range = from >= 0 && p[2] == '-';
		int to = range ? hex_byte(p + 3) : from;

		if (isspace((unsigned char)*p)) {
			p++;
			continue;
		}
		if (from < 0 || to < 0)
			return yaml_error(f, n, e,
					  "bytes: expected bytes such as `00 0a-0f`, found `%.8s`",
					  p);
		if (from > to)
			return yaml_error(f, n, e, "bytes: %02x is above %02x", from, to);
		bytes_allow(set, (unsigned int)from, (unsigned int)to);
		p += range ? 5 : 2;
	}
	for (int i = 0; i < 8; i++)
		if (set[i])
			return 0;
	return yaml_error(f, n, e, "bytes: no bytes");
}

/* A decimal number with up to `places` decimals, multiplied by ten to the power of places. */
static int decimal_parse(const char *text, size_t len, unsigned int places, uint32_t *out)
{
	uint32_t value = 0;
	size_t at = 0;

	for (; at < len && isdigit((unsigned char)text[at]) && value < 100000; at++)
		value = value * 10 + (uint32_t)(text[at] - '0');
	if (at == 0 || (at < len && (text[at] != '.' || places == 0 || at + 1 == len)))
		return -EINVAL;
	for (at++; places > 0; places--, at++) {
		if (at < len && !isdigit((unsigned char)text[at]))
			return -EINVAL;
		value = value * 10 + (at < len ? (uint32_t)(text[at] - '0') : 0);
	}
	return at < len ? -EINVAL : (*out = value, 0);
}

/* A number of bytes, or a percentage with `%`. */
static int amount_read(const struct yaml_file *f, const struct yaml_node *n, const char *key,
		       uint32_t *value, bool *percent, struct error *e)
{
	const char *text;
	size_t len;
	int err = n ? yaml_string(f, n, key, &text, e) : 0;

	if (err < 0 || !n)
		return err;
	len = strlen(text);
	*percent = len > 0 && text[len - 1] == '%';
	if (decimal_parse(text, len - *percent, 0, value) < 0 ||
	    *value > (*percent ? 100u : SET_OFFSET_MAX))
		return yaml_error(f, n, e,
				  "%s: expected a number of bytes or a share such as 80%%, found "
				  "`%.64s`",
				  key, text);
	return 0;
}

static int window_read(const struct yaml_file *f, const struct yaml_node *n,
		       unsigned long within_max, struct window *out, struct error *e)
{
	unsigned long offset = 0, within = out->within;
	int err = condition_optional_uint(f, n, "offset", 0, SET_OFFSET_MAX, &offset, e);

	if (err == 0)
		err = condition_optional_uint(f, n, "within", 1, within_max, &within, e);
	if (err < 0)
		return err;
	*out = (struct window){(uint32_t)offset, (uint32_t)within};
	return 0;
}

static int count_bounds_read(const struct yaml_file *f, const struct yaml_node *n,
			     struct count_condition *x, struct error *e)
{
	const struct yaml_node *low = yaml_get(n, "min"), *high = yaml_get(n, "max");
	bool low_percent = false, high_percent = false;
	int err = amount_read(f, low, "min", &x->min, &low_percent, e);

	if (err == 0)
		err = amount_read(f, high, "max", &x->max, &high_percent, e);
	if (err < 0)
		return err;
	if (!low && !high)
		return yaml_error(f, n, e, "count: expected `min` or `max`");
	if (low && high && low_percent != high_percent)
		return yaml_error(f, high, e, "count: one bound in bytes, the other a share");
	x->percent = low_percent || high_percent;
	if (x->min > x->max)
		return yaml_error(f, n, e, "min %u is above max %u", x->min, x->max);
	return 0;
}

int condition_read_count(const struct yaml_file *f, const struct yaml_node *n,
			 struct condition *out, struct error *e)
{
	static const char *const keys[] = {"bytes", "class", "offset", "within",
					   "min",   "max",   NULL};
	const struct yaml_node *bytes = yaml_get(n, "bytes"), *class = yaml_get(n, "class");
	struct count_condition x = {.window = {0, REGEX_WITHIN}, .max = UINT32_MAX};
	int err = yaml_mapping(f, n, "count", e);

	if (err == 0)
		err = yaml_known_keys(f, n, "count", keys, e);
	if (err == 0 && !bytes == !class)
		err = yaml_error(f, n, e, "count: expected either `bytes` or `class`");
	if (err == 0)
		err = bytes ? set_read(f, bytes, x.set, e) : class_read(f, class, x.set, e);
	if (err == 0)
		err = window_read(f, n, REGEX_WITHIN_MAX, &x.window, e);
	if (err == 0)
		err = count_bounds_read(f, n, &x, e);
	if (err < 0)
		return err;
	out->kind = CONDITION_COUNT;
	out->count = x;
	return 0;
}

/* log2(value) in units of 2^-LOG2_BITS, value > 0: the bits of the fraction come from repeated
 * squaring. */
static uint64_t log2_fixed(uint32_t value)
{
	unsigned int whole = 31u - (unsigned int)__builtin_clz(value);
	uint64_t x = (uint64_t)value << (31 - whole); /* 1 <= x / 2^31 < 2 */
	uint64_t out = whole;

	for (int i = 0; i < LOG2_BITS; i++) {
		x = x * x >> 31;
		out = out << 1 | x >> 32;
		x >>= x >> 32;
	}
	return out;
}

static int bits_read(const struct yaml_file *f, const struct yaml_node *n, const char *key,
		     uint32_t *out, struct error *e)
{
	const char *text;
	int err = n ? yaml_string(f, n, key, &text, e) : 0;

	if (err < 0 || !n)
		return err;
	if (decimal_parse(text, strlen(text), 3, out) < 0 || *out > 8000)
		return yaml_error(f, n, e, "%s: expected bits per byte from 0 to 8, found `%.64s`",
				  key, text);
	return 0;
}

int condition_read_entropy(const struct yaml_file *f, const struct yaml_node *n,
			   struct condition *out, struct error *e)
{
	static const char *const keys[] = {"offset", "within", "min", "max", NULL};
	const struct yaml_node *low = yaml_get(n, "min"), *high = yaml_get(n, "max");
	struct entropy_condition x = {.max = UINT32_MAX};
	int err = yaml_mapping(f, n, "entropy", e);

	if (err == 0)
		err = yaml_known_keys(f, n, "entropy", keys, e);
	if (err == 0 && !yaml_get(n, "within"))
		err = yaml_error(f, n, e, "entropy: `within` is missing");
	if (err == 0)
		err = window_read(f, n, ENTROPY_WITHIN_MAX, &x.window, e);
	if (err == 0)
		err = bits_read(f, low, "min", &x.min, e);
	if (err == 0)
		err = bits_read(f, high, "max", &x.max, e);
	if (err == 0 && !low && !high)
		err = yaml_error(f, n, e, "entropy: expected `min` or `max`");
	if (err == 0 && x.min > x.max)
		err = yaml_error(f, n, e, "min is above max");
	if (err < 0)
		return err;
	x.terms = calloc(x.window.within + 1, sizeof(*x.terms));
	if (!x.terms)
		return -ENOMEM;
	for (uint32_t i = 1; i <= x.window.within; i++)
		x.terms[i] = (uint32_t)(i * log2_fixed(i));
	out->kind = CONDITION_ENTROPY;
	out->entropy = x;
	return 0;
}

/* The part of the window that is present. Returns whether more of it may follow. */
static bool window_get(const struct window *w, const struct classify_input *in,
		       const uint8_t **data, uint32_t *len)
{
	size_t have = in->len > w->offset ? in->len - w->offset : 0;

	*len = have > w->within ? w->within : (uint32_t)have;
	*data = in->data + (have ? w->offset : 0);
	return *len < w->within && !in->complete;
}

enum tri count_eval(const struct count_condition *x, const struct classify_input *in)
{
	const uint8_t *data;
	uint64_t scale, count = 0;
	uint32_t len;
	bool open = window_get(&x->window, in, &data, &len);

	if (x->percent && (open || len == 0))
		return open ? TRI_MAYBE : TRI_FALSE;
	for (uint32_t i = 0; i < len; i++)
		count += x->set[data[i] >> 5] >> (data[i] & 31) & 1;
	scale = x->percent ? len : 1;
	count *= x->percent ? 100 : 1;
	if (count > x->max * scale)
		return TRI_FALSE;
	if (open && (count < x->min || x->max != UINT32_MAX))
		return TRI_MAYBE;
	return count >= x->min * scale ? TRI_TRUE : TRI_FALSE;
}

enum tri entropy_eval(const struct entropy_condition *x, const struct classify_input *in)
{
	uint16_t seen[256] = {0};
	const uint8_t *data;
	uint64_t sum = 0, scaled;
	uint32_t len;

	if (window_get(&x->window, in, &data, &len) || len == 0)
		return len < x->window.within && !in->complete ? TRI_MAYBE : TRI_FALSE;
	for (uint32_t i = 0; i < len; i++)
		seen[data[i]]++;
	for (int b = 0; b < 256; b++)
		sum += x->terms[seen[b]];
	/* n times the entropy is n log n minus the sum of c log c; rounding may make it
	 * negative. */
	scaled = x->terms[len] > sum ? (x->terms[len] - sum) * 1000 : 0;
	if (scaled < (uint64_t)x->min * len << LOG2_BITS)
		return TRI_FALSE;
	return x->max == UINT32_MAX || scaled <= (uint64_t)x->max * len << LOG2_BITS ? TRI_TRUE
										     : TRI_FALSE;
}
