// SPDX-License-Identifier: GPL-2.0-only
/* Evaluates all conditions except regexes. */
#include <string.h>

#include "classify/scratch.h"

/* Result of a condition that extends beyond the end of the message. */
static enum tri beyond(const struct classify_input *in)
{
	return in->complete ? TRI_FALSE : TRI_MAYBE;
}

static bool ranges_have(const struct ranges *r, uint32_t value)
{
	for (size_t i = 0; i < r->count; i++)
		if (value >= r->list[i].min && value <= r->list[i].max)
			return true;
	return false;
}

static enum tri port_eval(const struct port_condition *p, const struct classify_input *in)
{
	if (p->source && ranges_have(&p->ports, in->sport))
		return TRI_TRUE;
	return p->destination && ranges_have(&p->ports, in->dport) ? TRI_TRUE : TRI_FALSE;
}

static enum tri length_eval(const struct ranges *r, const struct classify_input *in)
{
	if (ranges_have(r, (uint32_t)in->len))
		return TRI_TRUE;
	for (size_t i = 0; i < r->count; i++)
		if (in->len < r->list[i].min)
			return beyond(in);
	return TRI_FALSE;
}

static enum tri mask_eval(const struct mask_condition *m, const struct classify_input *in)
{
	size_t have = in->len > m->offset ? in->len - m->offset : 0;

	if (have > m->len)
		have = m->len;
	for (size_t i = 0; i < have; i++)
		if ((in->data[m->offset + i] & m->mask[i]) != m->bytes[i])
			return TRI_FALSE;
	return have == m->len ? TRI_TRUE : beyond(in);
}

static bool integer_get(const struct integer *x, const struct classify_input *in, uint64_t *out)
{
	uint64_t value = 0;

	if (in->len < (size_t)x->offset + x->bytes)
		return false;
	for (uint32_t i = 0; i < x->bytes; i++) {
		uint32_t at = x->little ? x->bytes - 1 - i : i;

		value = value << 8 | in->data[x->offset + at];
	}
	*out = value & x->mask;
	return true;
}

/* Result of a number that is only partly there: false if the bytes present already rule out min to
 * max. */
static enum tri integer_open(const struct integer *x, const struct classify_input *in, uint64_t min,
			     uint64_t max)
{
	uint64_t low = 0, high = 0;

	for (uint32_t i = 0; i < x->bytes; i++) {
		size_t at = x->offset + (x->little ? x->bytes - 1 - i : i);
		bool there = at < in->len;

		low = low << 8 | (there ? in->data[at] : 0);
		high = high << 8 | (there ? in->data[at] : 0xff);
	}
	return (low & x->mask) > max || (high & x->mask) < min ? TRI_FALSE : beyond(in);
}

static enum tri field_eval(const struct field_condition *f, const struct classify_input *in)
{
	uint64_t value;

	if (!integer_get(&f->integer, in, &value))
		return integer_open(&f->integer, in, f->value.min, f->value.max);
	return value >= f->value.min && value <= f->value.max ? TRI_TRUE : TRI_FALSE;
}

/* The message length according to the field, or -1 if the field is invalid. */
static int64_t length_field_span(const struct length_field_condition *f, uint64_t value)
{
	/* No length exceeds 2^32; the bound keeps the product within 64 bits. */
	if (value < f->min || value > f->max || value > UINT32_MAX)
		return -1;
	return (int64_t)(value * f->unit) + f->add;
}

static enum tri length_field_eval(const struct length_field_condition *f,
				  const struct classify_input *in)
{
	uint64_t value;
	int64_t span;

	if (!integer_get(&f->integer, in, &value))
		return integer_open(&f->integer, in, f->min,
				    f->max < UINT32_MAX ? f->max : UINT32_MAX);
	span = length_field_span(f, value);
	if (span < 0 || (span < (int64_t)in->len && !f->more))
		return TRI_FALSE;
	return span > (int64_t)in->len ? beyond(in) : TRI_TRUE;
}

size_t feature_span(const struct feature *f, const struct classify_input *in, bool *whole)
{
	size_t len = in->len;

	*whole = in->complete;
	for (uint16_t i = 0; i < f->cheap; i++) {
		const struct length_field_condition *x = &f->conditions[i].length_field;
		uint64_t value;
		int64_t span;

		if (f->conditions[i].kind != CONDITION_LENGTH_FIELD ||
		    !integer_get(&x->integer, in, &value))
			continue;
		span = length_field_span(x, value);
		if (span < 0 || (uint64_t)span > in->len)
			continue;
		*whole = true;
		len = (size_t)span < len ? (size_t)span : len;
	}
	return len;
}

enum tri condition_eval(const struct condition *x, const struct classify_input *in)
{
	switch (x->kind) {
	case CONDITION_PORT:
		return port_eval(&x->port, in);
	case CONDITION_LENGTH:
		return length_eval(&x->length, in);
	case CONDITION_MASK:
		return mask_eval(&x->mask, in);
	case CONDITION_FIELD:
		return field_eval(&x->field, in);
	case CONDITION_LENGTH_FIELD:
		return length_field_eval(&x->length_field, in);
	case CONDITION_COUNT:
		return count_eval(&x->count, in);
	case CONDITION_ENTROPY:
		return entropy_eval(&x->entropy, in);
	case CONDITION_REGEX:
		break;
	}
	return TRI_FALSE;
}
