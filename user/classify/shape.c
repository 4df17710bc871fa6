// SPDX-License-Identifier: GPL-2.0-only
/* Derives the shape of a feature from its masks, numbers, lengths and regexes. */
#include <string.h>

#include "classify/index.h"

static void shape_need(struct shape *s, uint64_t bytes)
{
	if (bytes > s->min)
		s->min = bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes;
}

static void shape_narrow(struct shape *s, uint64_t position, const struct byte_set *set)
{
	if (position >= SHAPE_POSITIONS)
		return;
	for (int i = 0; i < 8; i++)
		s->at[position].bits[i] &= set->bits[i];
}

static void shape_mask(struct shape *s, uint64_t position, uint8_t byte, uint8_t mask)
{
	struct byte_set set = {0};

	if (position >= SHAPE_POSITIONS && position < SHAPE_KNOWN) {
		s->mask[position] |= mask;
		s->value[position] |= byte;
		return;
	}
	for (unsigned int b = 0; b < 256; b++)
		if ((b & mask) == byte)
			byte_set_add(&set, (uint8_t)b);
	shape_narrow(s, position, &set);
}

/* A number between two bounds: its upper bytes are fixed as far as both bounds agree, and the next
 * byte lies between theirs. */
static void shape_integer(struct shape *s, const struct integer *x, uint64_t min, uint64_t max)
{
	uint64_t all = x->bytes == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * x->bytes) - 1;
	bool agree = true;

	shape_need(s, (uint64_t)x->offset + x->bytes);
	max = max > all ? all : max;
	if (min > max || (min == max && (min & x->mask) != min))
		s->min = UINT32_MAX; /* no number is within the bounds */
	for (uint32_t i = 0; i < x->bytes; i++) {
		uint32_t shift = 8 * (x->bytes - 1 - i);
		uint64_t at = (uint64_t)x->offset + (x->little ? x->bytes - 1 - i : i);
		uint8_t low = (uint8_t)(min >> shift), high = (uint8_t)(max >> shift);
		struct byte_set set = {0};

		if (min == max) {
			shape_mask(s, at, low, (uint8_t)(x->mask >> shift));
			continue;
		}
		if ((x->mask & all) != all || !agree)
			return;
		for (unsigned int b = low; b <= high; b++)
			byte_set_add(&set, (uint8_t)b);
		shape_narrow(s, at, &set);
		agree = low == high;
	}
}

static void shape_length_field(struct shape *s, const struct feature *f,
			       const struct length_field_condition *x)
{
	uint64_t max = x->max > UINT32_MAX ? UINT32_MAX : x->max;
	int64_t most = ((int64_t)SET_OFFSET_MAX - x->add) / x->unit;

	/* A datagram has a known length. */
	if (f->transports == TRANSPORT_UDP && (uint64_t)most < max)
		max = (uint64_t)most;
	shape_integer(s, &x->integer, x->min, max);
}

static void shape_length(struct shape *s, const struct ranges *r)
{
	uint32_t min = UINT32_MAX, max = 0;

	for (size_t i = 0; i < r->count; i++) {
		min = r->list[i].min < min ? r->list[i].min : min;
		max = r->list[i].max > max ? r->list[i].max : max;
	}
	shape_need(s, min);
	s->max = max < s->max ? max : s->max;
}

static void shape_regex(struct shape *s, const struct regex_condition *x)
{
	shape_need(s, (uint64_t)x->offset + x->min);
	if (x->min > x->within)
		s->min = UINT32_MAX;
	for (uint32_t i = 0; i < x->prefix_len; i++)
		shape_narrow(s, (uint64_t)x->offset + i, &x->prefix[i]);
}

static void shape_window(struct shape *s, const struct window *w, bool any)
{
	if (!any)
		shape_need(s, (uint64_t)w->offset + 1);
}

static void shape_condition(struct shape *s, const struct feature *f, const struct condition *c)
{
	switch (c->kind) {
	case CONDITION_PORT:
		break;
	case CONDITION_LENGTH:
		shape_length(s, &c->length);
		break;
	case CONDITION_MASK:
		shape_need(s, (uint64_t)c->mask.offset + c->mask.len);
		for (uint32_t i = 0; i < c->mask.len; i++)
			shape_mask(s, (uint64_t)c->mask.offset + i, c->mask.bytes[i],
				   c->mask.mask[i]);
		break;
	case CONDITION_FIELD:
		shape_integer(s, &c->field.integer, c->field.value.min, c->field.value.max);
		break;
	case CONDITION_LENGTH_FIELD:
		shape_length_field(s, f, &c->length_field);
		break;
	case CONDITION_COUNT:
		shape_window(s, &c->count.window, !c->count.percent && c->count.min == 0);
		break;
	case CONDITION_ENTROPY:
		shape_window(s, &c->entropy.window, false);
		break;
	case CONDITION_REGEX:
		shape_regex(s, &c->regex);
		break;
	}
}

/* Adds the length bytes of the lengths min to max. */
static void length_allow(struct shape *s, uint32_t min, uint32_t max)
{
	uint32_t from = min >> 8, to = max >> 8;

	for (uint32_t b = from; b <= to && b < 255; b++)
		byte_set_add(&s->at[SHAPE_LENGTH_HIGH], (uint8_t)b);
	if (to >= 255)
		byte_set_add(&s->at[SHAPE_LENGTH_HIGH], 255);
	for (uint32_t i = 0; i < 256 && i <= max - min; i++)
		byte_set_add(&s->at[SHAPE_LENGTH_LOW], (uint8_t)(min + i));
}

static void shape_lengths(struct shape *s, const struct feature *f)
{
	struct range whole = {0, UINT32_MAX};
	struct ranges all = {&whole, 1};
	const struct ranges *lengths = &all;

	for (uint16_t i = 0; i < f->cheap; i++)
		if (f->conditions[i].kind == CONDITION_LENGTH)
			lengths = &f->conditions[i].length;
	memset(&s->at[SHAPE_LENGTH_HIGH], 0, 2 * sizeof(s->at[0]));
	for (size_t i = 0; i < lengths->count; i++) {
		uint32_t min = lengths->list[i].min, max = lengths->list[i].max;

		min = min < s->min ? s->min : min;
		if (min <= max)
			length_allow(s, min, max);
	}
}

void shape_read(const struct feature *f, struct shape *out)
{
	*out = (struct shape){.min = 1,
			      .max = UINT32_MAX,
			      .transports = f->transports,
			      .directions = f->directions};
	memset(out->at, 0xff, sizeof(out->at));
	memcpy(out->at[0].bits, f->first, sizeof(f->first));
	for (uint16_t i = 0; i < f->count; i++)
		shape_condition(out, f, &f->conditions[i]);
	shape_lengths(out, f);
}

bool shape_empty(const struct shape *s)
{
	for (int i = 0; i < SHAPE_SETS; i++)
		if (byte_set_count(&s->at[i]) == 0)
			return true;
	return s->min > s->max || s->min == UINT32_MAX;
}

unsigned int shape_bits(const struct shape *s)
{
	unsigned int bits = 0;

	for (int i = 0; i < SHAPE_POSITIONS; i++) {
		unsigned int count = byte_set_count(&s->at[i]);

		for (unsigned int c = 128; c >= count && count > 0 && count <= 64; c /= 2)
			bits++;
	}
	return bits;
}

static void shape_and(struct shape *s, const struct shape *other)
{
	for (int i = 0; i < SHAPE_SETS; i++)
		for (int w = 0; w < 8; w++)
			s->at[i].bits[w] &= other->at[i].bits[w];
	for (int p = SHAPE_POSITIONS; p < SHAPE_KNOWN; p++) {
		s->mask[p] |= other->mask[p];
		s->value[p] |= other->value[p];
	}
	s->min = other->min > s->min ? other->min : s->min;
	s->max = other->max < s->max ? other->max : s->max;
	s->transports &= other->transports;
	s->directions &= other->directions;
}

static void shape_or(struct shape *s, const struct shape *other)
{
	for (int i = 0; i < SHAPE_SETS; i++)
		for (int w = 0; w < 8; w++)
			s->at[i].bits[w] |= other->at[i].bits[w];
	for (int p = SHAPE_POSITIONS; p < SHAPE_KNOWN; p++) {
		s->mask[p] &= other->mask[p] & (uint8_t) ~(s->value[p] ^ other->value[p]);
		s->value[p] &= s->mask[p];
	}
	s->min = other->min < s->min ? other->min : s->min;
	s->max = other->max > s->max ? other->max : s->max;
	s->transports |= other->transports;
	s->directions |= other->directions;
}

static void shape_any(struct shape *s)
{
	*s = (struct shape){.max = UINT32_MAX, .transports = 3, .directions = 3};
	memset(s->at, 0xff, sizeof(s->at));
}

void shape_read_rule(const struct shape *features, const struct rule *rule, struct shape *out)
{
	struct shape stack[RULE_STACK_MAX];
	size_t depth = 0;

	shape_any(&stack[0]);
	for (uint16_t at = 0; at < rule->count; at++) {
		const struct op *op = &rule->ops[at];

		switch ((enum op_kind)op->kind) {
		case OP_FEATURE:
			stack[depth++] = features[op->arg];
			break;
		case OP_NOT:
			shape_any(&stack[depth - 1]);
			break;
		case OP_AND:
			depth--;
			shape_and(&stack[depth - 1], &stack[depth]);
			break;
		case OP_OR:
			depth--;
			shape_or(&stack[depth - 1], &stack[depth]);
			break;
		case OP_JUMP_FALSE:
		case OP_JUMP_TRUE:
			break;
		}
	}
	*out = stack[0];
	for (unsigned int p = 0; p < SHAPE_POSITIONS; p++)
		byte_set_bits(&out->at[p], &out->mask[p], &out->value[p]);
}

/* How selective a byte is: zeros are common. */
static unsigned int byte_tells(uint8_t mask, uint8_t value)
{
	return mask ? (unsigned int)__builtin_popcount(mask) * (value & mask ? 8 : 3) : 0;
}

/* Of equally selective windows the first one. */
void candidate_make(const struct shape *s, const struct rule *rule, uint16_t number,
		    const struct position_set *tested, struct candidate *out)
{
	unsigned int tells[SHAPE_KNOWN], sum = 0, most = 0;
	uint8_t mask[SHAPE_KNOWN];

	*out = (struct candidate){.rule = number, .confidence = rule->confidence};
	for (unsigned int p = 0; p < SHAPE_KNOWN; p++) {
		mask[p] = p < SHAPE_POSITIONS && position_set_has(tested, p) ? 0 : s->mask[p];
		tells[p] = byte_tells(mask[p], s->value[p]);
		sum += tells[p] - (p < 4 ? 0 : tells[p - 4]);
		if (p < 3 || sum <= most)
			continue;
		most = sum;
		out->offset = (uint8_t)(p - 3);
	}
	memcpy(&out->mask, mask + out->offset, 4);
	memcpy(&out->value, s->value + out->offset, 4);
	out->value &= out->mask;
}
