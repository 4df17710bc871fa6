// SPDX-License-Identifier: GPL-2.0-only
/*
 * Texts in a message, all in one pass (Aho and Corasick 1975): a deterministic automaton over
 * classes of bytes, letters of both cases in one class. While nothing has begun it looks only for a
 * pair of bytes that a text begins with.
 */
#include <ctype.h>
#include <string.h>

#include "classify/index.h"

#define STATES_MAX 60000
#define TEXT_MAX   8 /* of each text: enough to be rare, and few states */
#define PAIRS	   65536

struct output {
	uint32_t next; /* 0: none */
	uint16_t feature;
};

struct scan {
	uint8_t class_of[256];
	unsigned int classes;
	uint16_t *next; /* state * classes + class */
	uint32_t *outputs_of;
	uint8_t *final; /* whether the state or a shorter suffix has outputs */
	uint16_t *suffix;
	uint16_t states;
	struct output *outputs; /* 0 is none */
	size_t output_count, output_room;
	uint64_t *pairs; /* that a text can begin with, first byte low */
	/* while it is filled */
	struct text {
		struct literal literal;
		uint16_t feature;
	} * texts;
	size_t text_count, text_room, bytes;
};

struct scan *scan_new(void)
{
	return calloc(1, sizeof(struct scan));
}

void scan_free(struct scan *x)
{
	if (!x)
		return;
	free(x->next);
	free(x->outputs_of);
	free(x->final);
	free(x->suffix);
	free(x->outputs);
	free(x->pairs);
	free(x->texts);
	free(x);
}

int scan_add(struct scan *x, const struct literal *literals, size_t count, uint16_t feature)
{
	size_t bytes = x->bytes;

	for (size_t i = 0; i < count; i++)
		bytes += literals[i].len < TEXT_MAX ? literals[i].len : TEXT_MAX;
	if (bytes + 1 > STATES_MAX)
		return -ENOSPC;
	for (size_t i = 0; i < count; i++) {
		struct text t = {literals[i], feature};

		if (list_reserve(&x->texts, &x->text_room, x->text_count, sizeof(t)) < 0)
			return -ENOMEM;
		t.literal.len = t.literal.len < TEXT_MAX ? t.literal.len : TEXT_MAX;
		x->texts[x->text_count++] = t;
	}
	x->bytes = bytes;
	return 0;
}

static uint8_t fold(unsigned int b)
{
	return (uint8_t)(b >= 'A' && b <= 'Z' ? b | 0x20 : b);
}

/* Class 0 is all bytes that no text has. */
static void classes_assign(struct scan *x)
{
	x->classes = 1;
	for (size_t i = 0; i < x->text_count; i++)
		for (uint8_t k = 0; k < x->texts[i].literal.len; k++) {
			uint8_t *class = &x->class_of[x->texts[i].literal.bytes[k]];

			if (*class == 0)
				*class = (uint8_t)x->classes++;
		}
	for (unsigned int b = 'A'; b <= 'Z'; b++)
		x->class_of[b] = x->class_of[fold(b)];
}

static void pairs_mark(struct scan *x)
{
	for (size_t i = 0; i < x->text_count; i++) {
		const uint8_t *t = x->texts[i].literal.bytes;

		for (unsigned int a = 0; a < 256; a++)
			for (unsigned int b = 0; b < 256 && fold(a) == t[0]; b++)
				if (fold(b) == t[1])
					x->pairs[(a | b << 8) / 64] |= UINT64_C(1)
								       << (a | b << 8) % 64;
	}
}

static uint16_t *step(const struct scan *x, uint16_t state, uint8_t byte)
{
	return &x->next[(size_t)state * x->classes + x->class_of[byte]];
}

static int text_insert(struct scan *x, const struct text *t)
{
	uint16_t state = 0;

	for (uint8_t i = 0; i < t->literal.len; i++) {
		uint16_t *next = step(x, state, t->literal.bytes[i]);

		if (*next == 0)
			*next = x->states++;
		state = *next;
	}
	if (list_reserve(&x->outputs, &x->output_room, x->output_count, sizeof(*x->outputs)) < 0)
		return -ENOMEM;
	x->outputs[x->output_count] = (struct output){x->outputs_of[state], t->feature};
	x->outputs_of[state] = (uint32_t)x->output_count++;
	return 0;
}

/* Breadth first: the state of the longest proper suffix, and from there the missing steps. */
static void suffixes_link(struct scan *x, uint16_t *queue)
{
	size_t head = 0, count = 0;

	for (unsigned int c = 0; c < x->classes; c++)
		if (x->next[c])
			queue[count++] = x->next[c];
	while (head < count) {
		uint16_t state = queue[head++];
		uint16_t *own = &x->next[(size_t)state * x->classes];
		const uint16_t *other = &x->next[(size_t)x->suffix[state] * x->classes];

		x->final[state] = x->outputs_of[state] || x->final[x->suffix[state]];
		for (unsigned int c = 0; c < x->classes; c++) {
			if (own[c] == 0) {
				own[c] = other[c];
				continue;
			}
			x->suffix[own[c]] = other[c];
			queue[count++] = own[c];
		}
	}
}

int scan_finish(struct scan *x)
{
	size_t room = x->bytes + 1;
	_cleanup_free_ uint16_t *queue = calloc(room, sizeof(*queue));
	int err = 0;

	classes_assign(x);
	x->next = calloc(room * x->classes, sizeof(*x->next));
	x->outputs_of = calloc(room, sizeof(*x->outputs_of));
	x->final = calloc(room, sizeof(*x->final));
	x->suffix = calloc(room, sizeof(*x->suffix));
	x->pairs = calloc(PAIRS / 64, sizeof(*x->pairs));
	if (!queue || !x->next || !x->outputs_of || !x->final || !x->suffix || !x->pairs ||
	    list_reserve(&x->outputs, &x->output_room, 0, sizeof(*x->outputs)) < 0)
		return -ENOMEM;
	x->states = 1;
	x->output_count = 1;
	for (size_t i = 0; i < x->text_count && err == 0; i++)
		err = text_insert(x, &x->texts[i]);
	if (err < 0)
		return err;
	suffixes_link(x, queue);
	pairs_mark(x);
	free(x->texts);
	x->texts = NULL;
	return 0;
}

static void outputs_tell(const struct scan *x, uint16_t state,
			 void (*found)(void *arg, uint16_t feature), void *arg)
{
	for (; x->final[state]; state = x->suffix[state])
		for (uint32_t o = x->outputs_of[state]; o; o = x->outputs[o].next)
			found(arg, x->outputs[o].feature);
}

static bool pair_begins(const struct scan *x, const uint8_t *at)
{
	unsigned int pair = at[0] | (unsigned int)at[1] << 8;

	return x->pairs[pair / 64] >> (pair % 64) & 1;
}

void scan_run(const struct scan *x, const uint8_t *data, size_t len,
	      void (*found)(void *arg, uint16_t feature), void *arg)
{
	uint16_t state = 0;

	for (size_t i = 0; i < len; i++) {
		while (state == 0 && i + 1 < len && !pair_begins(x, data + i))
			i++;
		state = *step(x, state, data[i]);
		if (x->final[state])
			outputs_tell(x, state, found, arg);
	}
}
