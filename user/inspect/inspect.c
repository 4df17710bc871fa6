// SPDX-License-Identifier: GPL-2.0-only
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "inspect/state.h"
#include "util/util.h"

/* Offline: the same tuple after so long a silence is another flow. */
#define IDLE_TCP_NS	 (300 * UINT64_C(1000000000))
#define IDLE_OTHER_NS	 (120 * UINT64_C(1000000000))
#define TELL_AGAIN	 256		 /* frames */
#define FRAGMENTED	 256		 /* datagrams */
#define FRAGMENTED_BYTES ((size_t)16384) /* room for each, beyond its first buffer */
/* As long as Linux waits; RFC 8200, 4.5. */
#define FRAGMENTS_IPV4_NS (30 * UINT64_C(1000000000))
#define FRAGMENTS_IPV6_NS (60 * UINT64_C(1000000000))

/* ---- life ---- */

/* An offline flow that leaves undecided gets its last look. */
static void settle(struct inspector *i, struct flow *f)
{
	struct inspect_outcome outcome = {.flow = f};
	struct glance g = {.i = i, .f = f, .j = judgement_of(f), .out = &outcome};

	if (!f->decided)
		judge_finally(&g);
	if (g.j->want_host)
		judge_hostname(&g, false);
}

static void release_flow(struct flow *f, void *arg)
{
	struct inspector *i = arg;
	struct judgement *j = judgement_of(f);

	if (!j)
		return;
	if (!i->closing) {
		if (f->id == 0)
			settle(i, f);
		if (i->on_release)
			i->on_release(f, i->release_arg);
		else if (f->id == 0)
			record_keep(i, f);
	}
	modules_release(i, j);
	free(j);
	f->module = NULL;
}

static void inspector_freep(struct inspector **i)
{
	inspector_free(*i);
}

static struct fragments *new_fragments(const struct inspect_settings *settings)
{
	struct fragments_limits limits = {
		.datagrams = settings->fragmented ? settings->fragmented : FRAGMENTED,
		.ipv4_ns = FRAGMENTS_IPV4_NS,
		.ipv6_ns = FRAGMENTS_IPV6_NS,
	};

	limits.bytes = limits.datagrams * FRAGMENTED_BYTES;
	return fragments_new(&limits);
}

struct inspector *inspector_new(const struct inspect_settings *settings, struct signatures *s,
				struct app_registry *r, struct endpoints *endpoints,
				void (*learn)(void *arg, const struct weir_endpoint_key *key,
					      const struct weir_peer *peer),
				void *arg)
{
	_cleanup_(inspector_freep) struct inspector *i = calloc(1, sizeof(*i));

	if (!i)
		return NULL;
	i->settings = *settings;
	i->registry = r;
	i->endpoints = endpoints;
	i->learn = learn;
	i->learn_arg = arg;
	i->services.registry = r;
	i->services.learn = endpoints ? modules_learn : NULL;
	i->services.arg = i;
	i->modules = app_modules();
	while (i->modules[i->module_count])
		i->module_count++;
	i->table = flow_table_new(&settings->limits, release_flow, i);
	i->fragments = new_fragments(settings);
	if (!i->table || !i->fragments || inspector_set_signatures(i, s) < 0)
		return NULL;
	return TAKE_PTR(i);
}

void inspector_free(struct inspector *i)
{
	if (!i)
		return;
	i->closing = true;
	flow_table_free(i->table);
	fragments_free(i->fragments);
	record_free(i);
	classify_scratch_free(i->scratch);
	free(i);
}

int inspector_set_signatures(struct inspector *i, struct signatures *s)
{
	struct classify_scratch *scratch = classify_scratch_new(s);

	if (!scratch)
		return -ENOMEM;
	classify_scratch_free(i->scratch);
	i->scratch = scratch;
	i->signatures = s;
	return 0;
}

void inspector_set_packets(struct inspector *i, unsigned int packets)
{
	i->settings.packets = packets;
}

void inspector_set_follow_all(struct inspector *i, bool follow_all)
{
	i->settings.follow_all = follow_all;
}

/* ---- packets ---- */

static bool is_other_flow(const struct judgement *j, const struct packet *p, uint64_t now_ns)
{
	uint64_t idle = p->proto == IPPROTO_TCP ? IDLE_TCP_NS : IDLE_OTHER_NS;
	bool opens = p->proto == IPPROTO_TCP && (p->tcp_flags & (TH_SYN | TH_ACK)) == TH_SYN;

	if (now_ns > j->last_ns && now_ns - j->last_ns > idle)
		return true;
	return opens && (j->reset || (j->fin[0] && j->fin[1]));
}

static struct flow *find_flow(struct inspector *i, const struct packet *p,
			      const struct weir_punt *punt, uint64_t now_ns, bool *created)
{
	uint64_t id = punt ? punt->flow_id : 0;
	uint8_t dir = p->dir;
	struct flow *f;

	if (punt)
		dir = punt->flags & WEIR_PUNT_ORIGIN ? 1 : 0;
	f = flow_table_get(i->table, id, &p->key, dir, now_ns, created);
	if (f && !*created && id == 0 && is_other_flow(judgement_of(f), p, now_ns)) {
		flow_table_remove(i->table, f);
		f = flow_table_get(i->table, id, &p->key, dir, now_ns, created);
	}
	if (!f || !*created)
		return f;
	f->module = calloc(1, sizeof(struct judgement));
	if (!f->module) {
		flow_table_remove(i->table, f);
		return NULL;
	}
	judgement_of(f)->serial = i->serials++;
	return f;
}

static void note_tcp(struct glance *g, const struct weir_punt *punt, bool created)
{
	const struct packet *p = g->p;
	struct judgement *j = g->j;

	if (punt) {
		for (int dir = 0; dir < 2; dir++) {
			if (punt->flags & WEIR_PUNT_ISN(dir)) {
				j->isn_valid[dir] = true;
				j->isn[dir] = punt->isn[dir];
			}
		}
		g->f->midstream = !j->isn_valid[0] && !j->isn_valid[1];
		return;
	}
	if (created)
		g->f->midstream = !(p->tcp_flags & TH_SYN);
	if (p->tcp_flags & TH_SYN && !j->isn_valid[p->dir]) {
		j->isn_valid[p->dir] = true;
		j->isn[p->dir] = p->seq;
	}
	if (p->tcp_flags & TH_FIN)
		j->fin[p->dir] = true;
	j->reset |= !!(p->tcp_flags & TH_RST);
}

static void note_frame(struct glance *g, const struct weir_punt *punt, uint64_t now_ns,
		       bool created)
{
	struct flow *f = g->f;

	f->frames += g->frames;
	f->bytes += g->bytes;
	g->j->last_ns = now_ns;
	if (g->p->dir != f->origin || (punt && punt->flags & WEIR_PUNT_TWOWAY))
		f->two_way = true;
	if (g->p->proto == IPPROTO_TCP)
		note_tcp(g, punt, created);
}

/* The gate knows the flow and this table has lost it: goes on as far as that is possible. */
static void resume_inspected(struct glance *g, const struct weir_punt *punt)
{
	g->f->decided = true;
	g->f->inspect = true;
	g->f->app = punt->app;
	g->j->resumed = true;
	flow_stream_follow(g->i->table, g->f);
}

/* Adds the segment to its direction's first message, which grows by *fresh bytes. False when it did
 * not. */
static bool assemble(struct glance *g, size_t *fresh)
{
	const struct packet *p = g->p;
	int64_t have = segment_add(g);

	if (have <= 0 || (size_t)have <= g->j->judged[p->dir])
		return false;
	*fresh = (size_t)have - g->j->judged[p->dir];
	g->j->judged[p->dir] = (size_t)have;
	return true;
}

static void judge_packet(struct glance *g)
{
	const struct packet *p = g->p;
	const uint8_t *data = p->frame + p->payload;
	size_t len = p->payload_len;
	size_t fresh;

	g->f->payload_frames++;
	if (p->proto == IPPROTO_UDP) {
		judge_message(g, p->dir, data, len, true);
	} else if (assemble(g, &fresh)) {
		data = flow_stream_data(g->f, p->dir, &len);
		flights_note(&g->j->flights, p->dir != g->f->origin, data, len, fresh);
		judge_message(g, p->dir, data, len,
			      flow_stream_full(g->f, p->dir) || p->tcp_flags & TH_FIN);
	}
	if (!g->f->decided && g->f->payload_frames >= g->i->settings.packets)
		judge_finally(g);
}

/* Decided, but its head is still read for the host name. added: the segment is in its stream. */
static void read_hostname(struct glance *g, bool added)
{
	size_t fresh;

	if (added || g->p->proto == IPPROTO_UDP || assemble(g, &fresh))
		judge_hostname(g, true);
}

static bool wants_payload(const struct flow *f)
{
	return !f->decided || f->inspect || judgement_of(f)->want_host;
}

/*
 * A frame that no receiver takes is not inspected. Offline, a wrong IP header beside a wrong
 * transport sum tells that the capture was edited (addresses replaced, sums left alone): no router
 * would have carried such a frame, so its sums say nothing.
 */
static bool is_bad(const struct packet *p, bool offline)
{
	bool bad = packet_checksum(p) == PACKET_CHECKSUM_BAD;

	return offline ? bad && packet_header_checksum_ok(p) : bad || !packet_header_checksum_ok(p);
}

static void judge_payload(struct glance *g)
{
	bool read_host = g->j->want_host, follows = g->f->decided && g->f->inspect;

	if (is_bad(g->p, g->f->id == 0)) {
		g->out->bad_checksum = true;
		return;
	}
	if (!g->f->decided) {
		judge_packet(g);
		return;
	}
	if (follows)
		follow_packet(g);
	if (read_host)
		read_hostname(g, follows);
	if (!wants_payload(g->f))
		flow_release_streams(g->i->table, g->f);
}

/* A segment whose payload is wanted, or that says where the payload ends. */
static void judge_segment(struct glance *g)
{
	const struct packet *p = g->p;

	if (p->payload_len > 0)
		judge_payload(g);
	else if (p->proto == IPPROTO_TCP && p->tcp_flags & TH_FIN && !is_bad(p, g->f->id == 0))
		segment_end(g);
	if (p->payload_len > 0 && p->proto == IPPROTO_TCP && !g->out->bad_checksum)
		segment_place(g);
}

/*
 * The gate does not seem to know what was decided: some frames were on their way then, but a
 * verdict can also be pushed out of its map. Now and then it is told again.
 */
static void tell_again(struct glance *g, const struct weir_punt *punt)
{
	bool told = g->f->inspect && punt->flags & WEIR_PUNT_INSPECT;

	if (!told && ++g->j->unheard % TELL_AGAIN == 0)
		g->out->decided_now = true;
}

/* One packet as a receiver takes it. g: inspector, packet, outcome, frames and bytes. */
static void judge_whole(struct glance *g, const struct weir_punt *punt)
{
	struct inspector *i = g->i;
	bool created = false;
	uint16_t known;

	g->f = find_flow(i, g->p, punt, i->now_ns, &created);
	if (!g->f)
		return;
	g->j = judgement_of(g->f);
	g->out->flow = g->f;
	known = g->f->anomalies;
	note_frame(g, punt, i->now_ns, created);
	if (punt && punt->flags & WEIR_PUNT_DECIDED)
		return;
	if (punt && g->f->decided)
		tell_again(g, punt);
	if (punt && punt->flags & WEIR_PUNT_INSPECT && !g->f->decided)
		resume_inspected(g, punt);
	if (created && !g->f->decided)
		judge_first(g);
	if (flow_has_ports(g->f) && wants_payload(g->f))
		judge_segment(g);
	g->out->anomalies = g->f->anomalies & (uint16_t)~known;
}

/*
 * A fragment whose header is wrong never gets to the receiver: taking it would let a sender make us
 * give up a datagram that arrives. Offline the header of an edited capture says nothing (is_bad).
 */
static void judge_fragment(struct glance *g, const struct weir_punt *punt)
{
	const struct packet *fragment = g->p;
	struct fragments_whole whole;
	struct packet p;

	if (punt && !packet_header_checksum_ok(fragment)) {
		g->out->bad_checksum = true;
		return;
	}
	if (fragments_push(g->i->fragments, fragment, g->i->now_ns, &whole) <= 0)
		return;
	if (packet_decode(whole.packet, whole.len, PACKET_LINK_RAW, &p) == PACKET_OK) {
		p.key.domain = fragment->key.domain;
		memcpy(p.key.vlan, fragment->key.vlan, sizeof(p.key.vlan));
		g->p = &p;
		g->frames = whole.frames;
		g->bytes = whole.bytes;
		judge_whole(g, punt);
		g->p = fragment;
	}
	fragments_release(g->i->fragments, &whole);
}

void inspector_packet(struct inspector *i, const struct packet *p, enum packet_status status,
		      const struct weir_punt *punt, uint64_t now_ns, struct inspect_outcome *out)
{
	struct glance g = {
		.i = i,
		.p = p,
		.frames = 1,
		.bytes = (uint64_t)p->frame_len + p->cut_len,
		.out = out,
	};

	*out = (struct inspect_outcome){0};
	i->now_ns = now_ns;
	if (status == PACKET_OK)
		judge_whole(&g, punt);
	else if (status == PACKET_FRAGMENT)
		judge_fragment(&g, punt);
}

/* ---- the rest ---- */

static void remove_flow(struct flow *f, void *arg)
{
	struct inspector *i = arg;

	flow_table_remove(i->table, f);
}

void inspector_finish(struct inspector *i, void (*fn)(struct flow *, void *), void *arg)
{
	flow_table_each(i->table, remove_flow, i);
	record_emit(i, fn, arg);
	record_free(i);
}

void inspector_on_release(struct inspector *i, void (*fn)(struct flow *, void *), void *arg)
{
	i->on_release = fn;
	i->release_arg = arg;
}

unsigned int inspector_expire(struct inspector *i, uint64_t now_ns, unsigned int budget)
{
	fragments_expire(i->fragments, now_ns, budget);
	return flow_table_expire(i->table, now_ns, budget);
}

void inspector_stats(const struct inspector *i, struct flow_table_stats *out)
{
	flow_table_stats(i->table, out);
}

void inspector_fragments_stats(const struct inspector *i, struct fragments_stats *out)
{
	fragments_stats(i->fragments, out);
}
