// SPDX-License-Identifier: GPL-2.0-only
/* Gives the events of decided flows to readers and consumers, and merges what these answer. */
#include <errno.h>
#include <string.h>

#include "inspect/reading.h"

static const uint8_t side_bits[] = {CONSUMER_CLIENT, CONSUMER_SERVER};

/* The event that is being given. */
struct giving {
	struct glance *g;
	const struct stream_event *event;
	struct app_message m;
	unsigned int reader; /* whose fields are given */
};

/* ---- answers ---- */

static void apply_finding(struct glance *g, const struct app_finding *finding)
{
	struct flow *f = g->f;

	if (!finding->app || finding->app == f->app)
		return;
	f->app = finding->app;
	f->method = finding->method;
	f->confidence = finding->confidence;
	f->decided_after = f->frames;
	g->out->decided_now = true;
	g->out->changed = true;
	g->out->reconnect |= finding->reconnect && f->two_way;
	attend(g, true);
}

static void give(const struct giving *t, unsigned int n, const void *event)
{
	struct flow_consumer *c = &t->g->j->reading->consumer[n];
	struct consumer_answer answer = {
		.verb = CONSUMER_GO, .sides = c->sides, .handle = holds_next(t->g->i)};

	if (t->g->i->audience->off >> c->index & 1) {
		attend_leave(t->g, n);
		return;
	}
	memcpy(t->g->i->source, t->m.src, sizeof(t->g->i->source));
	c->row->event(&t->g->i->services, &t->m, event, &c->state, &answer);
	answer.sides &= CONSUMER_BOTH;
	if (answer.verb == CONSUMER_HOLD)
		holds_take(t->g, t->m.dir, &answer);
	if (answer.verb == CONSUMER_LEAVE || !answer.sides) {
		attend_leave(t->g, n);
	} else {
		c->unjoined |=
			c->reader == READERS_FLOW_MAX ? answer.sides & (uint8_t)~c->sides : 0;
		c->sides = answer.sides;
	}
	apply_finding(t->g, &answer.finding);
}

/* ---- events ---- */

/* What somebody is told who joins in the middle of a side. */
static struct stream_event missing(const struct stream_event *e)
{
	return (struct stream_event){
		.kind = STREAM_GAP,
		.side = e->side,
		.offset = e->offset,
		.time_ns = e->time_ns,
	};
}

/* Whether a GAP has to come first; that is then told. */
static bool joins(uint8_t *unjoined, const struct stream_event *e)
{
	bool is = *unjoined & side_bits[e->side];

	*unjoined &= (uint8_t)~side_bits[e->side];
	return is && e->kind == STREAM_DATA;
}

static bool is_for(uint8_t sides, const struct stream_event *e)
{
	return e->kind == STREAM_RESET || sides & side_bits[e->side];
}

static void give_stream(struct giving *t, unsigned int n)
{
	struct flow_consumer *c = &t->g->j->reading->consumer[n];
	struct stream_event gap = missing(t->event);

	if (!c->row || c->reader != READERS_FLOW_MAX || !is_for(c->sides, t->event))
		return;
	if (joins(&c->unjoined, t->event)) {
		struct giving before = *t;

		before.m.data = NULL;
		before.m.len = 0;
		give(&before, n, &gap);
		if (!c->row)
			return;
	}
	give(t, n, t->event);
}

static void give_fields(void *arg, const void *event)
{
	const struct giving *t = arg;
	struct reading *x = t->g->j->reading;

	for (unsigned int n = 0; n < x->consumers; n++)
		if (x->consumer[n].row && x->consumer[n].reader == t->reader &&
		    is_for(x->consumer[n].sides, t->event))
			give(t, n, event);
}

static void read_event(struct giving *t, struct flow_reader *r)
{
	struct stream_event gap = missing(t->event);
	struct reading *x = t->g->j->reading;
	int err = 0;

	if (r->off || !is_for(r->sides, t->event))
		return;
	if (joins(&r->unjoined, t->event))
		err = r->row->read(r->state, &gap, give_fields, t);
	if (err == 0)
		err = r->row->read(r->state, t->event, give_fields, t);
	if (err == 0)
		return;
	r->off = true;
	for (unsigned int n = 0; n < x->consumers; n++)
		if (x->consumer[n].reader == t->reader)
			attend_leave(t->g, n);
	audience_reader_free(t->g->i, r);
	r->state = NULL;
}

/* Gives one event to all that want it. Those who join meanwhile begin with the next. */
static void deliver(struct glance *g, uint8_t dir, struct stream_event *e)
{
	struct reading *x = g->j->reading;
	unsigned int present = x->consumers, begun = x->readers;
	bool bytes = stream_has_bytes(e);
	struct giving t = {.g = g, .event = e};

	e->time_ns = g->i->now_ns;
	judge_message_of(g, dir, bytes ? e->data : NULL, bytes ? e->len : 0, &t.m);
	t.m.complete = e->kind == STREAM_DATAGRAM;
	x->delivers = true;
	for (unsigned int n = 0; n < present; n++)
		give_stream(&t, n);
	t.m.data = NULL;
	t.m.len = 0;
	for (t.reader = 0; t.reader < begun; t.reader++)
		read_event(&t, &x->reader[t.reader]);
	x->delivers = false;
}

/* ---- sides ---- */

static bool is_followed_anyway(const struct glance *g)
{
	return g->i->settings.follow_all && g->f->key.proto == IPPROTO_TCP && !g->f->tunnel;
}

/* A side that nobody wants is not seen from now on: its stream goes on behind a gap. */
static void pause_unwanted(struct glance *g)
{
	struct flow *f = g->f;

	if (!f->inspect || f->key.proto != IPPROTO_TCP || f->reading)
		return;
	for (uint8_t dir = 0; dir < 2; dir++) {
		if (f->wanted & side_bits[dir != f->origin])
			continue;
		flow_stream_pause(g->i->table, f, dir);
		g->j->skipped[dir] = true;
	}
}

/* After events: publishes the wanted sides anew, where they have changed. */
static void settle_sides(struct glance *g)
{
	struct flow *f = g->f;
	uint8_t wanted = attend_union(g);
	bool had = f->inspect;

	if (!wanted)
		reading_end(g, false);
	if (is_followed_anyway(g))
		wanted = CONSUMER_BOTH;
	g->out->decided_now |= wanted != f->wanted || had != (wanted != 0);
	f->wanted = wanted;
	f->inspect = wanted != 0;
	pause_unwanted(g);
}

void reading_streams(struct glance *g, uint8_t dir)
{
	struct stream_event e;

	while (flow_stream_take(g->f, dir, &e))
		if (g->j->reading)
			deliver(g, dir, &e);
}

static void first_messages(struct glance *g)
{
	/* The originator's first, as they were sent. */
	reading_streams(g, g->f->origin);
	reading_streams(g, !g->f->origin);
}

void reading_datagram(struct glance *g)
{
	struct reading *x = g->j->reading;
	struct stream_event e = {
		.kind = STREAM_DATAGRAM,
		.side = g->p->dir == g->f->origin ? STREAM_CLIENT : STREAM_SERVER,
		.data = g->p->frame + g->p->payload,
		.len = g->p->payload_len,
	};

	if (!x)
		return;
	e.offset = x->datagrams[e.side]++;
	deliver(g, g->p->dir, &e);
	settle_sides(g);
}

void reading_settle(struct glance *g)
{
	settle_sides(g);
}

static void follow_from_start(struct glance *g)
{
	flow_stream_follow(g->i->table, g->f, g->j->reading);
	for (uint8_t dir = 0; dir < 2; dir++)
		if (g->j->ended[dir])
			segment_tell_end(g, dir);
}

/* The datagrams before were not seen. */
static void missed_datagrams(struct glance *g)
{
	for (uint8_t dir = 0; dir < 2; dir++) {
		struct stream_event gap = {
			.kind = STREAM_GAP,
			.side = dir == g->f->origin ? STREAM_CLIENT : STREAM_SERVER,
		};

		deliver(g, dir, &gap);
	}
	settle_sides(g);
}

void reading_begin(struct glance *g)
{
	struct flow *f = g->f;

	attend(g, false);
	f->wanted = attend_union(g);
	if (is_followed_anyway(g))
		f->wanted = CONSUMER_BOTH;
	f->inspect = f->wanted != 0;
	if (!f->inspect)
		return;
	if (f->key.proto == IPPROTO_TCP)
		follow_from_start(g);
	if (!g->j->reading)
		return;
	if (f->key.proto == IPPROTO_TCP) {
		first_messages(g);
		settle_sides(g);
	} else if (g->j->resumed) {
		missed_datagrams(g);
	} else if (g->p && g->p->payload_len) {
		reading_datagram(g);
	}
}

void reading_reset(struct glance *g)
{
	uint8_t dir = g->p->dir;
	struct stream_event e;

	if (flow_stream_reset(g->f, dir, &e) && g->j->reading)
		deliver(g, dir, &e);
	reading_end(g, false);
}

void reading_end(struct glance *g, bool tell)
{
	struct reading *x = g->j->reading;
	struct stream_event e;
	bool over = flow_stream_ended(g->f, 0) && flow_stream_ended(g->f, 1);

	if (!x)
		return;
	if (tell && !over && x->consumers) {
		flow_stream_reset(g->f, g->f->origin, &e);
		deliver(g, g->f->origin, &e);
	}
	for (unsigned int n = 0; n < x->consumers; n++)
		attend_leave(g, n);
	for (unsigned int n = 0; n < x->readers; n++)
		if (!x->reader[n].off)
			audience_reader_free(g->i, &x->reader[n]);
	slab_give(&g->i->audience->readings, x);
	g->j->reading = NULL;
}
