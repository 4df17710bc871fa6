// SPDX-License-Identifier: GPL-2.0-only
/*
 * Inspected flows: a module reads on after the decision, bytes in order. What comes too early is
 * kept within small bounds; beyond them the gap is given up and reading goes on behind it.
 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "inspect/state.h"
#include "util/util.h"

#define HELD_SEGMENTS_MAX 8
#define HELD_BYTES_MAX	  32768

struct held {
	struct held *later;
	uint32_t seq;
	uint32_t len;
	uint8_t data[];
};

/* How far b lies behind a in the number space. */
static int32_t distance(uint32_t a, uint32_t b)
{
	return (int32_t)(b - a);
}

static void held_drop_first(struct follower *w)
{
	struct held *h = w->held;

	w->held = h->later;
	w->held_count--;
	w->held_bytes -= h->len;
	free(h);
}

static void follower_end(struct follower *w)
{
	while (w->held)
		held_drop_first(w);
	w->started = false;
}

void follow_end(struct judgement *j)
{
	follower_end(&j->follow[0]);
	follower_end(&j->follow[1]);
}

void follow_begin(struct flow *f)
{
	struct judgement *j = judgement_of(f);

	for (uint8_t dir = 0; dir < 2; dir++) {
		struct follower *w = &j->follow[dir];

		w->started = flow_stream_next(f, dir, &w->next);
		if (!w->started && j->isn_valid[dir]) {
			w->started = true;
			w->next = j->isn[dir] + 1;
		}
	}
}

/* What a module said about an inspected flow. */
static void apply_finding(struct glance *g, const struct app_finding *finding)
{
	struct flow *f = g->f;
	bool other = finding->app && finding->app != f->app;

	if (!other && !finding->done)
		return;
	if (other) {
		f->app = finding->app;
		f->method = finding->method;
		f->confidence = finding->confidence;
		f->decided_after = f->frames;
	}
	if (finding->done) {
		f->inspect = false;
		follow_end(g->j);
	}
	g->out->decided_now = true;
	g->out->reconnect |= finding->reconnect && f->two_way;
}

static void show_module(struct glance *g, uint8_t dir, const uint8_t *data, size_t len)
{
	const struct app_module *module = g->j->reader ? g->j->reader : module_of(g->i, g->f->app);
	struct app_finding finding = {
		.app = g->f->app,
		.method = g->f->method,
		.confidence = g->f->confidence,
		.inspect = true,
	};
	struct app_message m;
	void **state = NULL;

	judge_message_of(g, dir, data, len, &m);
	m.complete = m.proto == IPPROTO_UDP;
	if (module && module->inspected)
		state = module_state(g->i, g->j, module);
	if (state)
		module->inspected(&g->i->services, &m, state, &finding);
	else
		finding.done = true;
	apply_finding(g, &finding);
	if (!g->f->inspect)
		modules_release(g->i, g->j);
}

/* Delivers what is new of a segment that begins at or before the next byte. */
static void deliver(struct glance *g, uint8_t dir, uint32_t seq, const uint8_t *data, uint32_t len)
{
	struct follower *w = &g->j->follow[dir];
	uint32_t old = w->next - seq;

	if (old >= len)
		return;
	w->next = seq + len;
	show_module(g, dir, data + old, len - old);
}

/* Delivers held segments as far as they follow; with skip, across the first gap. */
static void deliver_held(struct glance *g, uint8_t dir, bool skip)
{
	struct follower *w = &g->j->follow[dir];

	while (w->held && (skip || distance(w->held->seq, w->next) >= 0)) {
		struct held *h = w->held;

		if (skip && distance(w->next, h->seq) > 0)
			w->next = h->seq;
		skip = false;
		w->held = h->later;
		w->held_count--;
		w->held_bytes -= h->len;
		deliver(g, dir, h->seq, h->data, h->len);
		free(h);
	}
}

static void hold(struct follower *w, uint32_t seq, const uint8_t *data, uint32_t len)
{
	struct held **at = &w->held;
	struct held *h;

	while (*at && distance((*at)->seq, seq) > 0)
		at = &(*at)->later;
	if (*at && (*at)->seq == seq && (*at)->len >= len)
		return;
	h = malloc(sizeof(*h) + len);
	if (!h)
		return;
	h->seq = seq;
	h->len = len;
	memcpy(h->data, data, len);
	h->later = *at;
	*at = h;
	w->held_count++;
	w->held_bytes += len;
}

static void follow_segment(struct glance *g, uint8_t dir, uint32_t seq, const uint8_t *data,
			   uint32_t len)
{
	struct follower *w = &g->j->follow[dir];

	if (!w->started) {
		w->started = true;
		w->next = seq;
	}
	if (distance(w->next, seq) <= 0) {
		deliver(g, dir, seq, data, len);
	} else {
		hold(w, seq, data, len);
		if (w->held_count > HELD_SEGMENTS_MAX || w->held_bytes > HELD_BYTES_MAX)
			deliver_held(g, dir, true);
	}
	if (g->f->inspect)
		deliver_held(g, dir, false);
}

void follow_packet(struct glance *g)
{
	const struct packet *p = g->p;
	const uint8_t *data = p->frame + p->payload;

	if (p->proto == IPPROTO_TCP)
		follow_segment(g, p->dir, p->seq + !!(p->tcp_flags & TH_SYN), data, p->payload_len);
	else
		show_module(g, p->dir, data, p->payload_len);
}
