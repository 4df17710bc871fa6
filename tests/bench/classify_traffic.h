/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Captures in memory, to be played again and again as new flows: each loop has other addresses and
 * flow ids, and all checksums are right. To be included by classify.c alone.
 */
#ifndef TESTS_BENCH_CLASSIFY_TRAFFIC_H
#define TESTS_BENCH_CLASSIFY_TRAFFIC_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>

#include "flow/flow.h"
#include "packet/packet.h"
#include "pcap/pcap_file.h"

/* Some captures have no clock to speak of: more than this is no length. */
#define TRAFFIC_LENGTH_NS (3600 * UINT64_C(1000000000))

struct traffic_packet {
	size_t at; /* of its frame in the store */
	uint32_t len, wire_len;
	uint32_t flow;	       /* number over all captures */
	uint64_t time_ns;      /* since the capture's first frame */
	uint16_t l3;	       /* offset of the IP header */
	uint8_t link;	       /* enum packet_link */
	bool payload;	       /* has some */
	bool from_origin;      /* sent by the side that sent the flow's first frame */
	bool inspect;	       /* came for an inspected flow when weir saw it first */
	bool two_way;	       /* both sides had sent something */
	bool isn_seen[2];      /* by role: 0 for the originator */
	uint32_t isn[2];       /* by role */
	uint8_t loop;	       /* that its addresses are of */
	struct weir_punt punt; /* of this loop */
};

struct traffic {
	uint8_t *store;
	size_t store_len, store_room;
	struct traffic_packet *packets;
	size_t count, room;
	size_t skipped; /* frames that belong to no flow: not IP, fragments, damaged */
	bool whole;	/* take every frame, as it is */
	uint32_t flows;
	uint64_t length_ns; /* of the longest capture */
};

/* What the gate would know of a flow; hangs in flow.module while a capture is read. */
struct traffic_flow {
	uint32_t number;
	bool fin[2], reset, two_way;
	bool isn_seen[2];
	uint32_t isn[2];
};

static void *traffic_grow(void *list, size_t *room, size_t need, size_t size)
{
	while (*room < need)
		*room = *room ? *room * 2 : 1024;
	list = realloc(list, *room * size);
	if (!list)
		abort();
	return list;
}

static void traffic_forget(struct flow *f, void *arg)
{
	free(f->module);
}

static bool traffic_flow_is_over(const struct traffic_flow *x, const struct packet *p)
{
	return p->proto == IPPROTO_TCP && (p->tcp_flags & (TH_SYN | TH_ACK)) == TH_SYN &&
	       (x->reset || (x->fin[0] && x->fin[1]));
}

/* The flow of a packet, as the gate would find it or make it. */
static struct flow *traffic_flow_of(struct traffic *t, struct flow_table *table,
				    const struct packet *p)
{
	bool created;
	struct flow *f = flow_table_get(table, 0, &p->key, p->dir, 1, &created);

	if (f && !created && traffic_flow_is_over(f->module, p)) {
		flow_table_remove(table, f);
		f = flow_table_get(table, 0, &p->key, p->dir, 1, &created);
	}
	if (f && created) {
		struct traffic_flow *x = calloc(1, sizeof(*x));

		if (!x)
			abort();
		x->number = t->flows++;
		f->module = x;
	}
	return f;
}

static void traffic_flow_note(struct traffic_flow *x, const struct packet *p, unsigned int role)
{
	x->two_way |= role == 1;
	if (p->proto != IPPROTO_TCP)
		return;
	if (p->tcp_flags & TH_SYN && !x->isn_seen[role]) {
		x->isn_seen[role] = true;
		x->isn[role] = p->seq;
	}
	x->fin[role] |= !!(p->tcp_flags & TH_FIN);
	x->reset |= !!(p->tcp_flags & TH_RST);
}

static struct traffic_packet *traffic_store(struct traffic *t, const struct pcap_frame *c)
{
	struct traffic_packet *x;

	t->packets = traffic_grow(t->packets, &t->room, t->count + 1, sizeof(*t->packets));
	t->store = traffic_grow(t->store, &t->store_room, t->store_len + c->len + 64, 1);
	x = &t->packets[t->count++];
	*x = (struct traffic_packet){
		.at = t->store_len,
		.len = (uint32_t)c->len,
		.wire_len = (uint32_t)c->wire_len,
		.link = (uint8_t)c->link,
	};
	memcpy(t->store + t->store_len, c->data, c->len);
	/* Frames begin on a line of their own, as in the pool. */
	t->store_len = (t->store_len + c->len + 63) & ~(size_t)63;
	return x;
}

static void traffic_add(struct traffic *t, struct flow_table *table, const struct pcap_frame *c,
			uint64_t since_ns)
{
	struct traffic_packet *x;
	struct traffic_flow *known;
	struct packet p;
	struct flow *f;

	if (t->whole) {
		traffic_store(t, c)->time_ns = since_ns;
		return;
	}
	if (packet_decode_cut(c->data, c->len, c->wire_len, c->link, &p) != PACKET_OK) {
		t->skipped++;
		return;
	}
	f = traffic_flow_of(t, table, &p);
	if (!f)
		abort();
	known = f->module;
	traffic_flow_note(known, &p, p.dir != f->origin);
	x = traffic_store(t, c);
	x->time_ns = since_ns;
	x->flow = known->number;
	x->l3 = p.l3;
	x->payload = p.payload_len > 0;
	x->from_origin = p.dir == f->origin;
	x->two_way = known->two_way;
	for (unsigned int role = 0; role < 2; role++) {
		x->isn_seen[role] = known->isn_seen[role];
		x->isn[role] = known->isn[role];
	}
}

/* Adds the flows of a capture. Returns 0, or a negative errno with e filled when it cannot be
 * opened; a damaged end is left out silently. */
static int traffic_load(struct traffic *t, const char *path, struct error *e)
{
	static const struct flow_limits limits = {.flows = 1 << 20, .idle_ns = UINT64_MAX};
	struct flow_table *table;
	struct pcap_frame frame;
	struct pcap_file *c;
	struct error end = {0};
	uint64_t first_ns = 0;
	int rc = pcap_file_open(path, &c, e);

	if (rc < 0)
		return rc;
	table = flow_table_new(&limits, traffic_forget, NULL);
	for (bool first = true; table && pcap_file_next(c, &frame, &end) > 0; first = false) {
		uint64_t since_ns;

		if (first)
			first_ns = frame.time_ns;
		since_ns = frame.time_ns > first_ns ? frame.time_ns - first_ns : 0;
		if (since_ns > TRAFFIC_LENGTH_NS)
			since_ns = TRAFFIC_LENGTH_NS;
		if (since_ns > t->length_ns)
			t->length_ns = since_ns;
		traffic_add(t, table, &frame, since_ns);
	}
	flow_table_free(table);
	pcap_file_close(c);
	return 0;
}

static void traffic_free(struct traffic *t)
{
	free(t->store);
	free(t->packets);
	*t = (struct traffic){0};
}

/* Addresses of groups and of nobody stay: they mean something. */
static void traffic_move_v4(uint8_t *addr, uint8_t by)
{
	if (addr[0] != 0 && addr[0] < 224)
		addr[2] ^= by;
}

static void traffic_move_v6(uint8_t *addr, uint8_t by)
{
	if (addr[0] != 0xff && addr[0] != 0)
		addr[7] ^= by;
}

static void traffic_move(uint8_t *ip, uint8_t by)
{
	if (ip[0] >> 4 == 4) {
		traffic_move_v4(ip + 12, by);
		traffic_move_v4(ip + 16, by);
	} else {
		traffic_move_v6(ip + 8, by);
		traffic_move_v6(ip + 24, by);
	}
}

/* Fills in what both checksums have to be; a datagram without one stays so. */
static void traffic_sum(const struct packet *p, uint8_t *frame)
{
	uint8_t *ip = frame + p->l3;
	uint32_t sum = 0;

	if (p->ip_version == 4) {
		ip[10] = ip[11] = 0;
		for (unsigned int i = 0; i < (ip[0] & 15u) * 4; i += 2)
			sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
		sum = (sum & 0xffff) + (sum >> 16);
		sum = ~((sum & 0xffff) + (sum >> 16));
		ip[10] = (uint8_t)(sum >> 8);
		ip[11] = (uint8_t)sum;
	}
	if (p->proto != IPPROTO_UDP || frame[p->l4 + 6] || frame[p->l4 + 7])
		packet_checksum_finish(p, frame);
}

/* A flow's id in a loop: never 0, and spread as the gate's random ones are. */
static uint64_t traffic_id(uint32_t flow, unsigned int loop)
{
	return (((uint64_t)loop << 32 | flow) + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
}

/* What the gate would write in front of the packet. */
static void traffic_punt(const struct traffic_packet *x, const struct packet *p, unsigned int loop,
			 struct weir_punt *out)
{
	uint8_t origin = x->from_origin ? p->dir : !p->dir, role = !x->from_origin;

	*out = (struct weir_punt){
		.flow_id = traffic_id(x->flow, loop),
		.segments = 1,
		.isn = x->isn[role],
		.flags = (p->dir ? WEIR_PUNT_DIR : 0) | (origin ? WEIR_PUNT_ORIGIN : 0) |
			 (x->two_way ? WEIR_PUNT_TWOWAY : 0) |
			 (x->isn_seen[role] ? WEIR_PUNT_ISN : 0) |
			 (x->inspect ? WEIR_PUNT_INSPECT : 0),
	};
}

/* Makes a packet one of loop n (0 to 255 differ in their addresses, all in their ids). */
static void traffic_turn(struct traffic *t, struct traffic_packet *x, unsigned int n)
{
	uint8_t *frame = t->store + x->at;
	struct packet p;

	traffic_move(frame + x->l3, (uint8_t)(x->loop ^ n));
	x->loop = (uint8_t)n;
	if (packet_decode_cut(frame, x->len, x->wire_len, (enum packet_link)x->link, &p) !=
	    PACKET_OK)
		abort();
	traffic_sum(&p, frame);
	traffic_punt(x, &p, n, &x->punt);
}

#endif
