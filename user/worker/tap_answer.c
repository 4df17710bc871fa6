// SPDX-License-Identifier: GPL-2.0-only
/* What the programs of taps answer. They are not trusted: an answer is about a frame that waits for
 * it, or about nothing. */
#include <netinet/in.h>
#include <poll.h>

#include "packet/rewrite.h"
#include "worker/tap.h"

#define ANSWERS_MAX 1024 /* of one program, read at a time */
/* Signals without an answer in a row: the program means to keep the worker busy. */
#define EMPTY_SIGNALS_MAX 10000

static struct frame frame_of(const struct tap_wait *x, uint32_t chunk)
{
	return (struct frame){.addr = (uint64_t)chunk * WEIR_FRAME_BYTES + x->addr_low,
			      .len = x->len};
}

/* The gate goes on handing over a flow whose numbers are translated, whatever becomes of its rule.
 */
static void keep(struct worker *w, struct tap_flow *flow)
{
	struct weir_identification v;

	if (flow->kept || gate_get_identification(w->shared->gate, flow->id, &v) < 0)
		return;
	v.flags |= WEIR_IDENTIFIED_TAP;
	gate_put_identification(w->shared->gate, flow->id, &v);
	flow->kept = true;
}

static int change_stream(struct worker *w, const struct tap_wait *x, const struct packet *p,
			 const void *payload, uint32_t len)
{
	struct tap_flow *flow = tap_flow_of(w, x->key.flow_id);
	int err;

	if (!flow)
		return -ENOENT;
	err = edits_add(&flow->edits[p->dir], tap_flows_budget(w->taps->flows), p->seq,
			p->payload_len, payload, len);
	if (!err && flow->edits[p->dir].ever)
		keep(w, flow);
	return err;
}

/* Writes another payload into a frame that waits. */
static int change(struct worker *w, struct tap_wait *x, uint32_t chunk, const void *payload,
		  uint32_t len)
{
	struct frame f = frame_of(x, chunk);
	uint8_t *data = frame_data(w->shared->pool, &f);
	struct packet p;
	int n;

	if (!x->replace || len > x->room)
		return -EMSGSIZE;
	if (packet_decode(data, f.len, PACKET_LINK_ETHERNET, &p) != PACKET_OK ||
	    (!x->resize && len != p.payload_len))
		return -EMSGSIZE;
	if (p.proto == IPPROTO_TCP)
		return change_stream(w, x, &p, payload, len);
	n = packet_set_payload(&p, data, tap_room(&f), payload, len);
	if (n < 0)
		return n;
	x->len = (uint32_t)n;
	w->taps->use[x->slot].counters->changed++;
	return 0;
}

static void take(struct worker *w, struct tap_use *u, const struct weir_tap_answer *a,
		 const void *payload, uint32_t len)
{
	uint32_t chunk = (uint32_t)a->id;
	struct tap_wait *x = &w->taps->waits[chunk];

	switch (a->verdict) {
	case WEIR_TAP_VERDICT_PASS:
		u->counters->pass++;
		tap_wait_decide(w, x, WEIR_ACTION_PASS);
		break;
	case WEIR_TAP_VERDICT_DROP:
		u->counters->drop++;
		tap_wait_decide(w, x, WEIR_ACTION_DROP);
		break;
	default:
		if (change(w, x, chunk, payload, len) == 0) {
			u->counters->change++;
			tap_wait_decide(w, x, WEIR_ACTION_PASS);
			break;
		}
		u->counters->refused++;
		tap_wait_decide(w, x, u->on_timeout);
	}
}

static void on_answer(const struct mail_record *m, void *arg)
{
	struct worker *w = arg;
	struct worker_taps *t = w->taps;
	struct tap_use *u = &t->use[t->reading];
	const struct weir_tap_answer *a = m->payload;
	uint32_t chunk, serial, len;

	if (m->type != 0 || m->len < sizeof(*a) || a->verdict >= WEIR_TAP_VERDICT_COUNT ||
	    (a->verdict != WEIR_TAP_VERDICT_CHANGE && m->len != sizeof(*a))) {
		u->counters->malformed++;
		return;
	}
	u->missing = u->empty = 0;
	chunk = (uint32_t)a->id;
	serial = (uint32_t)(a->id >> 32);
	len = m->len - (uint32_t)sizeof(*a);
	if (chunk >= t->wait_count || serial == 0 || (int32_t)(serial - t->serial) > 0)
		u->counters->unknown++;
	else if (t->waits[chunk].state != WAIT_ASKED || t->waits[chunk].serial != serial ||
		 t->waits[chunk].slot != t->reading)
		u->counters->late++;
	else
		take(w, u, a, a + 1, len);
}

static uint32_t answers_read(struct worker *w, unsigned int slot)
{
	struct tap_use *u = &w->taps->use[slot];
	int n;

	w->taps->reading = slot;
	n = mail_read_some(u->link->answers, ANSWERS_MAX, on_answer, w);
	if (n >= 0)
		return (uint32_t)n;
	/* The daemon ends it; until then nothing is asked. */
	atomic_store(&u->link->broken, true);
	u->dead = true;
	tap_flush(w, u);
	return 0;
}

static void expire(struct worker *w, struct tap_use *u)
{
	struct worker_taps *t = w->taps;

	while (u->oldest != TAP_NONE && t->waits[u->oldest].due_ns <= w->now_ns) {
		u->counters->timeouts++;
		u->missing++;
		tap_wait_decide(w, &t->waits[u->oldest], u->on_timeout);
	}
}

uint32_t worker_tap_read(struct worker *w)
{
	struct worker_taps *t = w->taps;
	uint32_t n = 0;

	if (!t || !t->waits)
		return 0;
	tap_links_take(w);
	for (unsigned int i = 0; i < TAP_SLOTS; i++) {
		if (t->use[i].link && !t->use[i].dead)
			n += answers_read(w, i);
		expire(w, &t->use[i]);
	}
	return n;
}

uint64_t worker_tap_next_ns(const struct worker *w)
{
	const struct worker_taps *t = w->taps;
	uint64_t next_ns = UINT64_MAX;

	for (unsigned int i = 0; t && t->waits && i < TAP_SLOTS; i++)
		if (t->use[i].oldest != TAP_NONE && t->waits[t->use[i].oldest].due_ns < next_ns)
			next_ns = t->waits[t->use[i].oldest].due_ns;
	return next_ns;
}

bool worker_tap_sleep(struct worker *w, struct pollfd *fds, nfds_t *n, nfds_t room)
{
	struct worker_taps *t = w->taps;

	for (unsigned int i = 0; t && t->waits && i < TAP_SLOTS; i++) {
		struct tap_use *u = &t->use[i];
		uint64_t count;

		if (!u->link || u->dead || *n == room)
			continue;
		if (read(u->link->wake_fd, &count, sizeof(count)) > 0 &&
		    ++u->empty > EMPTY_SIGNALS_MAX) {
			atomic_store(&u->link->broken, true);
			continue;
		}
		if (!mail_reader_sleep(u->link->answers, 1))
			return false;
		fds[(*n)++] = (struct pollfd){.fd = u->link->wake_fd, .events = POLLIN};
	}
	return true;
}
