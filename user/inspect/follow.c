// SPDX-License-Identifier: GPL-2.0-only
/*
 * Inspected flows: a module keeps reading the payload after the decision, in order. A gap that does
 * not close before the data after it exceeds the window is skipped.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "inspect/state.h"
#include "util/util.h"

/* Ends the inspection by the module. */
static void module_leaves(struct glance *g)
{
	bool stays = g->i->settings.follow_all && g->f->key.proto == IPPROTO_TCP && !g->f->tunnel;

	g->f->inspect = stays;
	g->j->module_done = stays;
	modules_release(g->i, g->j);
	g->out->decided_now |= !stays;
}

/* Applies a module's finding about an inspected flow. */
static void apply_finding(struct glance *g, const struct app_finding *finding)
{
	struct flow *f = g->f;

	if (finding->app && finding->app != f->app) {
		f->app = finding->app;
		f->method = finding->method;
		f->confidence = finding->confidence;
		f->decided_after = f->frames;
		g->out->decided_now = true;
	}
	if (finding->done)
		module_leaves(g);
	if (g->out->decided_now)
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

	if (g->j->module_done)
		return;
	judge_message_of(g, dir, data, len, &m);
	m.complete = m.proto == IPPROTO_UDP;
	if (module && module->inspected && !module_is_off(g->i, module))
		state = module_state(g->i, g->j, module);
	memcpy(g->i->source, m.src, sizeof(g->i->source));
	if (state)
		module->inspected(&g->i->services, &m, state, &finding);
	else
		finding.done = true;
	apply_finding(g, &finding);
}

/* Shows the module the contiguous bytes that it has not seen. */
static void show_unread(struct glance *g, uint8_t dir)
{
	size_t len;
	const uint8_t *data = flow_stream_unread(g->f, dir, &len);

	if (len > 0)
		show_module(g, dir, data, len);
	flow_stream_read(g->f, dir);
}

static void follow_segment(struct glance *g)
{
	uint8_t dir = g->p->dir;
	int64_t have = segment_add(g);

	while (have == -ENOSPC && g->f->inspect &&
	       flow_stream_skip(g->i->table, g->f, dir, g->p->seq)) {
		show_unread(g, dir);
		have = segment_retry(g);
	}
	if (g->f->inspect)
		show_unread(g, dir);
}

void follow_packet(struct glance *g)
{
	const struct packet *p = g->p;

	if (p->proto == IPPROTO_TCP)
		follow_segment(g);
	else
		show_module(g, p->dir, p->frame + p->payload, p->payload_len);
}
