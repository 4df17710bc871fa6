/* SPDX-License-Identifier: GPL-2.0-only */
/* A flow through one module and the consumers that belong to it, as the inspector does it. */
#ifndef WEIR_TESTS_CONSUME_H
#define WEIR_TESTS_CONSUME_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "app/consumer.h"

#define CONSUME_READERS_MAX 4

struct consume {
	const struct app_module *module;
	struct flow *flow;
	struct app_finding finding; /* what the flow is known as */
	void *undecided;	    /* the module's state */
	bool decided;
	unsigned int reading; /* consumers that have not left */
	struct consume_one {
		const struct consumer *row;
		void *state, *reader;
		unsigned int sides;
	} one[CONSUMERS_FLOW_MAX];
	unsigned int count;
	uint64_t offset[2];
	/* The first message of each direction of a TCP flow. */
	uint8_t *first[2];
	size_t first_len[2];
};

static inline void consume_leave(struct consume *c, struct consume_one *o)
{
	if (!o->row)
		return;
	if (o->row->release)
		o->row->release(o->state);
	if (o->row->reader && o->row->reader->fini)
		o->row->reader->fini(o->reader);
	free(o->reader);
	*o = (struct consume_one){0};
	c->reading--;
}

static inline void consume_end(struct consume *c)
{
	for (unsigned int n = 0; n < c->count; n++)
		consume_leave(c, &c->one[n]);
	if (c->undecided && c->module->release)
		c->module->release(c->undecided);
	free(c->first[0]);
	free(c->first[1]);
	*c = (struct consume){.module = c->module, .flow = c->flow};
}

struct consume_giving {
	const struct app_services *s;
	const struct app_message *m;
	struct consume *c;
	struct consume_one *o;
};

static inline void consume_give(void *arg, const void *event)
{
	struct consume_giving *t = arg;
	struct consumer_answer answer = {.sides = (uint8_t)t->o->sides};

	if (!t->o->row)
		return;
	t->o->row->event(t->s, t->m, event, &t->o->state, &answer);
	if (answer.finding.app) {
		t->c->finding = answer.finding;
		t->c->flow->app = answer.finding.app;
	}
	t->o->sides = answer.sides;
	if (answer.verb == CONSUMER_LEAVE || !answer.sides)
		t->o->sides = 0;
}

/* An event to all; m: of its sender. */
static inline void consume_event(struct consume *c, const struct app_services *s,
				 const struct app_message *m, struct stream_event e)
{
	e.side = m->from_origin ? STREAM_CLIENT : STREAM_SERVER;
	e.offset = c->offset[e.side];
	if (e.kind == STREAM_DATA || e.kind == STREAM_GAP)
		c->offset[e.side] += e.len;
	if (e.kind == STREAM_DATAGRAM)
		c->offset[e.side]++;
	for (unsigned int n = 0; n < c->count; n++) {
		struct consume_giving t = {.s = s, .m = m, .c = c, .o = &c->one[n]};

		if (!t.o->row || (!(t.o->sides & 1u << e.side) && e.kind != STREAM_RESET))
			continue;
		if (!t.o->row->reader)
			consume_give(&t, &e);
		else if (t.o->row->reader->read(t.o->reader, &e, consume_give, &t) < 0)
			t.o->sides = 0;
		if (!t.o->sides)
			consume_leave(c, t.o);
	}
}

static inline void consume_message(struct consume *c, const struct app_services *s,
				   const struct app_message *m)
{
	struct stream_event e = {
		.kind = m->proto == IPPROTO_UDP ? STREAM_DATAGRAM : STREAM_DATA,
		.data = m->data,
		.len = m->len,
	};

	if (m->len || m->proto == IPPROTO_UDP)
		consume_event(c, s, m, e);
}

static inline bool consume_lists(const char *const *apps, struct app_registry *r, unsigned int app)
{
	const struct app_info *info = r ? app_registry_get(r, app) : NULL;

	for (; info && *apps; apps++)
		if (strcmp(*apps, info->name) == 0 || strcmp(*apps, "*") == 0)
			return true;
	return false;
}

/* The consumers of the module that want the flow, which is decided. */
static inline void consume_attend(struct consume *c, const struct app_services *s)
{
	c->decided = true;
	for (size_t n = 0; consumers[n]; n++) {
		const struct consumer *row = consumers[n];
		struct consume_one *o = &c->one[c->count];
		bool known = c->flow->method == WEIR_METHOD_SIGNATURE ||
			     c->flow->method == WEIR_METHOD_HANDSHAKE || c->flow->expected;

		/* Those without a module take what they want of every application. */
		if (row->module ? strcmp(row->module, c->module->name) != 0 : !row->wants)
			continue;
		if (row->apps && !consume_lists(row->apps, s->registry, c->flow->app))
			continue;
		if (row->reader && row->reader->proto != c->flow->key.proto)
			continue;
		o->sides = row->wants ? row->wants(s, c->flow) : known ? CONSUMER_BOTH : 0;
		if (!o->sides)
			continue;
		o->row = row;
		if (row->inherits) {
			o->state = c->undecided;
			c->undecided = NULL;
		}
		if (row->reader) {
			o->reader = calloc(1, row->reader->size ? row->reader->size : 1);
			if (row->reader->begin)
				memset(o->reader, 0xa5, row->reader->size);
			if (row->reader->begin)
				row->reader->begin(o->reader);
		}
		c->count++;
		c->reading++;
	}
}

/* The flow was found to be c->finding: what was kept of it is given. m: the message at hand. */
static inline void consume_decide(struct consume *c, const struct app_services *s,
				  const struct app_message *m)
{
	struct flow *f = c->flow;

	f->key.proto = m->proto;
	f->key.port[0] = htons(m->from_origin ? m->sport : m->dport);
	f->key.port[1] = htons(m->from_origin ? m->dport : m->sport);
	f->app = c->finding.app;
	f->method = c->finding.method & 15;
	consume_attend(c, s);
	for (int origin = 1; origin >= 0; origin--) {
		struct app_message first = *m;

		if (m->from_origin == (origin == 1)) {
			consume_message(c, s, m);
			continue;
		}
		if (!c->first_len[origin])
			continue;
		first.from_origin = origin == 1;
		first.data = c->first[origin];
		first.len = c->first_len[origin];
		first.sport = m->dport;
		first.dport = m->sport;
		memcpy(first.src, m->dst, sizeof(first.src));
		memcpy(first.dst, m->src, sizeof(first.dst));
		consume_message(c, s, &first);
	}
}

/* The gate knows the flow and nothing else does. */
static inline void consume_resume(struct consume *c, const struct app_services *s, uint8_t proto,
				  uint16_t app)
{
	struct app_message m = {.flow = c->flow, .proto = proto};

	c->finding.app = app;
	c->flow->app = app;
	c->flow->key.proto = proto;
	c->flow->method = WEIR_METHOD_SIGNATURE;
	consume_attend(c, s);
	c->flow->method = WEIR_METHOD_NONE;
	for (int origin = 1; origin >= 0; origin--) {
		m.from_origin = origin == 1;
		consume_event(c, s, &m, (struct stream_event){.kind = STREAM_GAP});
	}
}

/* A message, of TCP the whole of its direction's first one each time until the flow is decided. */
static inline void consume_show(struct consume *c, const struct app_services *s,
				const struct app_message *m)
{
	int side = m->from_origin ? 1 : 0;

	if (c->decided) {
		consume_message(c, s, m);
		return;
	}
	if (c->module->undecided)
		c->module->undecided(s, m, &c->undecided, &c->finding);
	if (c->finding.app && c->finding.confidence >= 50) {
		consume_decide(c, s, m);
	} else if (m->proto == IPPROTO_TCP) {
		free(c->first[side]);
		c->first[side] = malloc(m->len ? m->len : 1);
		memcpy(c->first[side], m->data, m->len);
		c->first_len[side] = m->len;
	}
}

#endif
