// SPDX-License-Identifier: GPL-2.0-only
/* What is remembered of tapped flows, and how their frames are rewritten. */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "packet/rewrite.h"
#include "worker/tap.h"

#define FLOWS	       16384
#define BUCKETS	       (FLOWS * 2)
#define EDITS	       8192 /* changed ranges of all flows: 14 MB */
#define RECENT_NS      10000000000ULL
#define IDLE_NS	       120000000000ULL
#define IDLE_EDITED_NS 7200000000000ULL /* TCP's own keep-alive comes after two hours */
#define EXPIRE_BUDGET  1024

struct tap_flows {
	struct tap_flow *bucket[BUCKETS];
	struct tap_flow *free;
	struct tap_flow *newest, *oldest;
	struct edits_budget budget;
	uint32_t count[TAP_SLOTS];
	struct tap_flow flow[FLOWS];
};

struct tap_flows *tap_flows_new(void)
{
	struct tap_flows *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	edits_budget_init(&t->budget, EDITS);
	for (unsigned int i = 0; i < FLOWS; i++) {
		t->flow[i].next = t->free;
		t->free = &t->flow[i];
	}
	return t;
}

void tap_flows_free(struct tap_flows *t)
{
	if (!t)
		return;
	for (struct tap_flow *f = t->oldest; f; f = f->newer)
		for (unsigned int dir = 0; dir < 2; dir++)
			edits_fini(&f->edits[dir], &t->budget);
	edits_budget_fini(&t->budget);
	free(t);
}

/* Flow ids are random. */
static struct tap_flow **bucket_of(struct tap_flows *t, uint64_t id)
{
	return &t->bucket[(id ^ id >> 32) % BUCKETS];
}

static void age_unlink(struct tap_flows *t, struct tap_flow *f)
{
	*(f->newer ? &f->newer->older : &t->newest) = f->older;
	*(f->older ? &f->older->newer : &t->oldest) = f->newer;
}

static void age_link(struct tap_flows *t, struct tap_flow *f, uint64_t now_ns)
{
	f->seen_ns = now_ns;
	f->newer = NULL;
	f->older = t->newest;
	*(t->newest ? &t->newest->newer : &t->oldest) = f;
	t->newest = f;
}

static void forget(struct tap_flows *t, struct tap_flow *f)
{
	struct tap_flow **at = bucket_of(t, f->id);

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	age_unlink(t, f);
	for (unsigned int dir = 0; dir < 2; dir++)
		edits_fini(&f->edits[dir], &t->budget);
	t->count[f->slot]--;
	*f = (struct tap_flow){.next = t->free};
	t->free = f;
}

struct tap_flow *tap_flows_find(struct tap_flows *t, uint64_t id, uint64_t now_ns)
{
	struct tap_flow *f = *bucket_of(t, id);

	while (f && f->id != id)
		f = f->next;
	if (f && f != t->newest) {
		age_unlink(t, f);
		age_link(t, f, now_ns);
	} else if (f) {
		f->seen_ns = now_ns;
	}
	return f;
}

struct tap_flow *tap_flows_take(struct tap_flows *t, uint64_t id, uint64_t now_ns)
{
	struct tap_flow *f = tap_flows_find(t, id, now_ns), **bucket = bucket_of(t, id);

	if (f || !id)
		return f;
	if (!t->free && now_ns - t->oldest->seen_ns > RECENT_NS)
		forget(t, t->oldest);
	f = t->free;
	if (!f)
		return NULL;
	t->free = f->next;
	*f = (struct tap_flow){.id = id, .next = *bucket};
	*bucket = f;
	age_link(t, f, now_ns);
	t->count[0]++;
	return f;
}

static bool is_edited(const struct tap_flow *f)
{
	return f->edits[0].ever || f->edits[1].ever;
}

void tap_flows_expire(struct tap_flows *t, uint64_t now_ns)
{
	struct tap_flow *f = t->oldest;

	for (unsigned int i = 0; f && i < EXPIRE_BUDGET; i++) {
		struct tap_flow *newer = f->newer;

		if (now_ns - f->seen_ns < IDLE_NS)
			return;
		if (!is_edited(f) || now_ns - f->seen_ns > IDLE_EDITED_NS)
			forget(t, f);
		f = newer;
	}
}

const uint32_t *tap_flows_count(const struct tap_flows *t)
{
	return t->count;
}

void tap_flows_move(struct tap_flows *t, struct tap_flow *f, unsigned int slot)
{
	t->count[f->slot]--;
	f->slot = (uint8_t)slot;
	t->count[slot]++;
}

struct edits_budget *tap_flows_budget(struct tap_flows *t)
{
	return &t->budget;
}

/* ---- frames ---- */

static bool is_plain(const struct edits *e)
{
	return !e->ever && e->count == 0;
}

static bool map_block(uint32_t *left, uint32_t *right, void *arg)
{
	return edits_block_to_old(arg, left, right);
}

void tap_flow_arrive(struct tap_flows *t, struct tap_flow *f, struct packet *p, uint8_t *frame)
{
	struct edits *e = &f->edits[!p->dir];
	uint32_t ack = p->ack;

	if (is_plain(e) || p->proto != IPPROTO_TCP || !(p->tcp_flags & TH_ACK))
		return;
	if (packet_checksum_unfinished(p))
		packet_checksum_finish(p, frame);
	/* Nobody takes it, and to finish its sum would make it good. */
	if (packet_checksum(p) != PACKET_CHECKSUM_OK)
		return;
	if (e->ever) {
		packet_set_numbers(p, frame, p->seq, edits_to_old(e, ack));
		packet_map_sack(p, frame, map_block, e);
	}
	edits_acknowledged(e, &t->budget, ack);
}

/* An acknowledgement is all that such a segment can get: for bytes of which nothing is left. */
static int leave_empty(struct packet *p, uint8_t *frame, size_t cap, uint32_t seq)
{
	int len = packet_set_payload(p, frame, cap, "", 0);

	if (len >= 0)
		packet_set_numbers(p, frame, p->tcp_flags & TH_FIN ? seq : seq - 1, p->ack);
	return len;
}

static int leave_payload(struct tap_flow *f, struct packet *p, uint8_t *frame, size_t cap,
			 bool *changed)
{
	struct edits *e = &f->edits[p->dir];
	uint8_t out[WEIR_FRAME_BYTES];
	size_t room = cap > p->payload ? cap - p->payload : 0, n;
	uint32_t seq, taken;
	int len;

	n = edits_apply(e, p->seq, frame + p->payload, p->payload_len, out,
			room < sizeof(out) ? room : sizeof(out), &seq, &taken);
	*changed = true;
	if (taken == 0)
		return -ENODATA;
	edits_sent(e, p->seq + taken);
	/* The sender repeats the rest. */
	if (taken < p->payload_len && p->tcp_flags & TH_FIN)
		packet_clear_fin(p, frame);
	if (n == 0)
		return leave_empty(p, frame, cap, seq);
	len = packet_set_payload(p, frame, cap, out, n);
	if (len >= 0)
		packet_set_numbers(p, frame, seq, p->ack);
	return len < 0 ? -ENODATA : len;
}

int tap_flow_leave(struct tap_flow *f, struct packet *p, uint8_t *frame, size_t cap, bool *changed)
{
	struct edits *e = &f->edits[p->dir];
	uint32_t end = p->seq + p->payload_len;

	*changed = false;
	if (p->proto != IPPROTO_TCP)
		return (int)p->frame_len;
	if (!is_plain(e) || p->payload_len) {
		if (packet_checksum_unfinished(p))
			packet_checksum_finish(p, frame);
		if (packet_checksum(p) != PACKET_CHECKSUM_OK)
			return (int)p->frame_len;
	}
	if (p->payload_len && edits_touch(e, p->seq, p->payload_len))
		return leave_payload(f, p, frame, cap, changed);
	if (p->payload_len)
		edits_sent(e, end);
	if (e->ever)
		packet_set_numbers(p, frame, edits_to_new(e, p->seq), p->ack);
	return (int)p->frame_len;
}

struct packet tap_flow_reset(const struct tap_flow *f, const struct packet *p, bool to_sender)
{
	struct packet out = *p;

	if (to_sender)
		out.ack = edits_to_new(&f->edits[!p->dir], p->ack);
	else
		out.seq = edits_to_new(&f->edits[p->dir], p->seq);
	return out;
}
