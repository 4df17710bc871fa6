// SPDX-License-Identifier: GPL-2.0-only
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "inspect/evidence.h"
#include "inspect/reading.h"
#include "util/util.h"

/* Offline: after so long a silence, the same tuple is another flow. */
#define IDLE_TCP_NS	 (300 * UINT64_C(1000000000))
#define IDLE_OTHER_NS	 (120 * UINT64_C(1000000000))
#define FLOWS_MIN	 (2 * (INSPECT_TUNNELS_MAX + 1))
#define PUBLISH_AGAIN	 256		 /* frames */
#define FRAGMENTED	 256		 /* datagrams */
#define FRAGMENTED_BYTES ((size_t)16384) /* buffer of each datagram, beyond its first one */
/* Linux's timeout; RFC 8200, 4.5. */
#define FRAGMENTS_IPV4_NS (30 * UINT64_C(1000000000))
#define FRAGMENTS_IPV6_NS (60 * UINT64_C(1000000000))

/* ---- flows and their state ---- */

/* Classifies an undecided offline flow a last time when it leaves the table. */
static void settle(struct inspector *i, struct flow *f)
{
	struct inspect_outcome outcome = {.flow = f};
	struct glance g = {.i = i, .f = f, .j = judgement_of(f), .out = &outcome};

	if (!f->decided)
		judge_finally(&g);
	if (f->reading)
		describe_flow(&g, false);
}

/* Whether somebody is given what the flow carries. */
static bool is_taken(const struct flow *f)
{
	return judgement_of(f) && judgement_of(f)->reading;
}

/* Tells the consumers of a flow that leaves the table. */
static void tell_forgotten(struct inspector *i, struct flow *f)
{
	struct inspect_outcome outcome = {.flow = f};
	struct glance g = {.i = i, .f = f, .j = judgement_of(f), .out = &outcome};

	reading_end(&g, !i->closing);
}

/* Frees what is needed only while the flow's payload is inspected. */
static void judgement_end(struct inspector *i, struct flow *f)
{
	struct judgement *j = judgement_of(f);

	if (!j)
		return;
	if (is_taken(f))
		tell_forgotten(i, f);
	modules_release(i, j);
	slab_give(&i->judgements, j);
	f->module = NULL;
}

static void release_flow(struct flow *f, void *arg)
{
	struct inspector *i = arg;

	/* A flow for which memory ran out has no frames. */
	if (!i->closing && f->frames > 0) {
		if (is_offline(i))
			settle(i, f);
		if (is_taken(f))
			tell_forgotten(i, f);
		if (i->on_release)
			i->on_release(f, i->release_arg);
		else if (is_offline(i))
			record_keep(i, f);
	}
	judgement_end(i, f);
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
	/* The outer flows of a packet must not be evicted while its inner ones are inspected. */
	if (i->settings.limits.flows < FLOWS_MIN)
		i->settings.limits.flows = FLOWS_MIN;
	i->registry = r;
	i->endpoints = endpoints;
	i->learn = learn;
	i->learn_arg = arg;
	i->services.registry = r;
	i->services.learn = endpoints ? modules_learn : NULL;
	i->services.answered = modules_answered;
	i->services.tell = settings->told ? modules_told : NULL;
	i->services.records = settings->told ? settings->records : 0;
	i->services.expect = endpoints ? expect_endpoint : NULL;
	i->services.expect_data = endpoints ? expect_data : NULL;
	i->services.expect_name = endpoints ? expect_name : NULL;
	i->services.release_hold = holds_release;
	i->services.judge = modules_judge;
	i->services.parent = endpoints ? expect_parent : NULL;
	i->services.arg = i;
	i->services.facts = endpoints ? endpoints_facts(endpoints) : NULL;
	slab_init(&i->judgements, sizeof(struct judgement));
	i->table = flow_table_new(&i->settings.limits, release_flow, i);
	i->fragments = new_fragments(settings);
	i->secret = secret_new();
	if (modules_init(i) < 0 || audience_init(i) < 0 || !i->table || !i->fragments ||
	    !i->secret || inspector_set_signatures(i, s) < 0)
		return NULL;
	return TAKE_PTR(i);
}

void inspector_free(struct inspector *i)
{
	if (!i)
		return;
	i->closing = true;
	flow_table_free(i->table);
	slab_fini(&i->judgements);
	fragments_free(i->fragments);
	secret_free(i->secret);
	modules_fini(i);
	audience_fini(i);
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
	memset(i->owner_known, 0, sizeof(i->owner_known));
	audience_changed(i);
	evidence_resolve(i);
	for (unsigned int t = 1; t < PACKET_TUNNEL_COUNT; t++) {
		int app = app_registry_find(i->registry, packet_tunnel_name(t));

		i->tunnel_app[t] = app > 0 ? (uint16_t)app : 0;
	}
	return 0;
}

struct flow *inspector_find(const struct inspector *i, uint64_t flow_id)
{
	return flow_table_find_id(i->table, flow_id);
}

void inspector_prefetch(const struct inspector *i, const struct weir_punt *punt)
{
	flow_table_prefetch(i->table, punt->flow_id);
}

void inspector_set_read_on(struct inspector *i, bool read_on)
{
	i->settings.read_on = read_on;
}

void inspector_set_records(struct inspector *i, uint32_t records)
{
	i->settings.records = records;
	i->services.records = i->settings.told ? records : 0;
}

void inspector_set_packets(struct inspector *i, unsigned int packets)
{
	i->settings.packets = packets;
}

void inspector_set_follow_all(struct inspector *i, bool follow_all)
{
	i->settings.follow_all = follow_all;
}

void inspector_set_tunnels(struct inspector *i, enum inspect_tunnels tunnels)
{
	i->settings.tunnels = tunnels;
}

/* ---- packets ---- */

static bool is_other_flow(const struct flow *f, const struct packet *p, uint64_t quiet_ns)
{
	uint64_t idle = p->proto == IPPROTO_TCP ? IDLE_TCP_NS : IDLE_OTHER_NS;
	bool opens = p->proto == IPPROTO_TCP && (p->tcp_flags & (TH_SYN | TH_ACK)) == TH_SYN;

	return quiet_ns > idle || (opens && (f->reset || (f->fin[0] && f->fin[1])));
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
	if (f && !*created && id == 0 && is_other_flow(f, p, flow_table_quiet_ns(i->table))) {
		flow_table_remove(i->table, f);
		f = flow_table_get(i->table, id, &p->key, dir, now_ns, created);
	}
	if (!f || !*created)
		return f;
	f->module = slab_take(&i->judgements);
	if (!f->module) {
		flow_table_remove(i->table, f);
		return NULL;
	}
	return f;
}

/* Notes the sequence number of a direction's SYN, from the gate or from the packet. */
static void note_isn(struct glance *g, const struct weir_punt *punt)
{
	const struct packet *p = g->p;
	struct judgement *j = g->j;

	if (punt && punt->flags & WEIR_PUNT_ISN) {
		j->isn_valid[weir_punt_dir(punt)] = true;
		j->isn[weir_punt_dir(punt)] = punt->isn;
	}
	if (!punt && p->tcp_flags & TH_SYN && !j->isn_valid[p->dir]) {
		j->isn_valid[p->dir] = true;
		j->isn[p->dir] = p->seq;
	}
}

static void note_tcp(struct glance *g, const struct weir_punt *punt, bool created)
{
	const struct packet *p = g->p;
	struct flow *f = g->f;

	if (g->j)
		note_isn(g, punt);
	if (punt && g->j)
		f->midstream = !g->j->isn_valid[0] && !g->j->isn_valid[1];
	if (punt)
		return;
	if (created)
		f->midstream = !(p->tcp_flags & TH_SYN);
	f->fin[p->dir] |= !!(p->tcp_flags & TH_FIN);
	f->reset |= !!(p->tcp_flags & TH_RST);
}

static void note_frame(struct glance *g, const struct weir_punt *punt, bool created)
{
	struct flow *f = g->f;

	f->frames += g->frames;
	f->bytes += g->bytes;
	if (!f->two_way && (g->p->dir != f->origin || (punt && punt->flags & WEIR_PUNT_TWOWAY))) {
		f->two_way = true;
		if (f->decided)
			evidence_note(g);
	}
	if (g->p->proto == IPPROTO_TCP)
		note_tcp(g, punt, created);
}

/* Whether nothing of this direction was missed. */
static bool begins(const struct weir_punt *punt)
{
	return punt->number == 1 && punt->flags & WEIR_PUNT_ISN;
}

/* The gate knows the flow: it decided it by an expectation, or this table has evicted it, and the
 * inspection is resumed as far as possible. */
static void resume_inspected(struct glance *g, const struct weir_punt *punt)
{
	struct flow *f = g->f;

	f->decided = true;
	f->app = punt->app;
	g->j->resumed = !begins(punt) || !expect_begins(g);
	if (flow_has_ports(f))
		reading_begin(g);
	if (!f->inspect)
		g->out->decided_now = true; /* the gate may stop punting its payload */
}

/* Adds the segment to its direction's first message, which grows by *fresh bytes. False if it does
 * not grow. */
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

static void judge_undecided(struct glance *g)
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

/* A decided flow whose first messages are still read for details. added: the segment is already in
 * its stream. */
static void read_on(struct glance *g, bool added)
{
	struct flow *f = g->f;
	size_t fresh;

	if (added || g->p->proto == IPPROTO_UDP || assemble(g, &fresh))
		describe_flow(g, is_offline(g->i) || g->j->looks < g->i->settings.packets);
	if (f->reading)
		return;
	if (f->inspect)
		reading_settle(g);
	if (f->id)
		g->out->decided_now = true; /* the gate may stop punting its payload */
}

static bool wants_payload(const struct flow *f)
{
	return !f->decided || f->inspect || f->reading;
}

static bool follows(const struct flow *f)
{
	return f->decided && f->inspect;
}

/*
 * A frame that no receiver accepts is not inspected. Offline, a wrong IP header checksum together
 * with a wrong transport checksum shows that the file was edited (addresses replaced, checksums not
 * updated): no router would have forwarded such a frame, so its checksums mean nothing.
 */
static bool is_bad(const struct inspector *i, const struct packet *p)
{
	bool bad = packet_checksum(p) == PACKET_CHECKSUM_BAD;

	return is_offline(i) ? bad && packet_header_checksum_ok(p)
			     : bad || !packet_header_checksum_ok(p);
}

static void judge_payload(struct glance *g)
{
	bool reading = g->f->reading, followed = follows(g->f);

	if (is_bad(g->i, g->p)) {
		g->out->bad_checksum = true;
		return;
	}
	if (!g->f->decided) {
		judge_undecided(g);
		return;
	}
	if (followed)
		follow_packet(g);
	if (reading)
		read_on(g, followed);
	if (!wants_payload(g->f))
		flow_release_streams(g->i->table, g->f);
}

/* Processes a segment whose payload is needed, or which marks the end of the payload. */
static void judge_segment(struct glance *g)
{
	const struct packet *p = g->p;

	if (p->payload_len > 0)
		judge_payload(g);
	else if (p->proto == IPPROTO_TCP && p->tcp_flags & TH_FIN && !is_bad(g->i, p))
		follows(g->f) ? follow_end(g) : segment_end(g);
	if (p->proto == IPPROTO_TCP && p->tcp_flags & TH_RST && follows(g->f) && !is_bad(g->i, p))
		follow_reset(g);
	if (p->payload_len > 0 && p->proto == IPPROTO_TCP && !g->out->bad_checksum)
		segment_place(g);
}

/*
 * The gate seems not to know the flow's identification: frames may have been on their way when it
 * was published, but the entry can also have been evicted. Publish it again at intervals.
 */
static void publish_again(struct glance *g, const struct weir_punt *punt)
{
	bool on = g->f->inspect || g->f->reading || g->f->carries;
	bool known = on && punt->flags & WEIR_PUNT_INSPECT;

	if (!known && ++g->f->unheard % PUBLISH_AGAIN == 0)
		g->out->decided_now = true;
}

/*
 * An ICMP error is a packet of its own flow, and is also counted on the flow whose packet it
 * quotes. Flows with a gate id are not found here: the gate handles errors about them.
 */
static void note_quote(const struct glance *g)
{
	struct packet quoted;
	struct flow *f;

	if (packet_checksum(g->p) == PACKET_CHECKSUM_BAD ||
	    packet_decode_quote(g->p, &quoted) != PACKET_OK)
		return;
	f = flow_table_find(g->i->table, &quoted.key);
	if (f && f->icmp_errors < UINT8_MAX)
		f->icmp_errors++;
}

void judge_packet(struct glance *g, const struct weir_punt *punt)
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
	if (created)
		g->f->tunnel = (uint8_t)g->tunnel;
	note_frame(g, punt, created);
	if (punt && punt->flags & WEIR_PUNT_DECIDED)
		return;
	if (punt && g->f->decided)
		publish_again(g, punt);
	if (punt && punt->flags & WEIR_PUNT_INSPECT && !g->f->decided)
		resume_inspected(g, punt);
	if (created && !g->f->decided)
		judge_first(g);
	if (packet_is_icmp_error(g->p))
		note_quote(g);
	if (flow_has_ports(g->f) && wants_payload(g->f))
		judge_segment(g);
	g->out->anomalies = g->f->anomalies & (uint16_t)~known;
	if (!wants_payload(g->f))
		judgement_end(i, g->f);
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
