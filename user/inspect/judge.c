// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "inspect/evidence.h"
#include "inspect/mse.h"
#include "inspect/reading.h"
#include "proto/hello.h"
#include "util/util.h"

/* Random bytes in both directions: docs/encrypted.md. */
#define ENCRYPTED_CONFIDENCE 60

static void decide(struct glance *g, const struct app_finding *finding)
{
	struct flow *f = g->f;

	f->decided = true;
	f->app = finding->app;
	f->method = finding->app ? finding->method : WEIR_METHOD_NONE;
	f->confidence = finding->app ? finding->confidence : 0;
	f->decided_after = f->frames;
	if (f->method != WEIR_METHOD_ENDPOINT)
		f->source = WEIR_SOURCE_NONE;
	g->out->decided_now = true;
	f->peer = finding->reconnect && !evidence_is_service(g);
	g->out->reconnect = f->peer && f->two_way;
	evidence_note(g);
	describe_flow(g, is_offline(g->i) || g->i->settings.read_on);
	reading_begin(g);
	modules_release(g->i, g->j);
	if (!f->reading && !f->inspect)
		flow_release_streams(g->i->table, f);
}

/* As the gate does for a first packet: either end may have learned the other. */
static bool decide_by_endpoint(struct glance *g)
{
	struct weir_peer peer;
	struct app_finding finding = {.method = WEIR_METHOD_ENDPOINT};

	/* Anyone may announce a WebRTC candidate of another host, so only a flow that carries STUN
	 * or DTLS is identified by it. */
	if (!evidence_endpoint(g, &peer) || peer.source == WEIR_SOURCE_WS_TRACKER)
		return false;
	g->f->source = peer.source;
	expect_note(g, &peer);
	finding.app = peer.app;
	finding.confidence = peer.confidence;
	decide(g, &finding);
	return true;
}

/* Protocols without a constant byte: the shape of the exchange from its beginning. */
static void decide_by_flights(struct glance *g)
{
	unsigned int confidence = evidence_of_shape(g, mse_confidence(&g->j->flights));
	struct app_finding finding = {
		.app = g->i->apps.bittorrent,
		.method = WEIR_METHOD_STATISTICS,
		.confidence = (uint8_t)confidence,
	};
	uint16_t service;

	if (confidence < DECIDE_CONFIDENCE || !finding.app || g->f->midstream)
		return;
	service = ntohs(g->f->key.port[!g->f->origin]);
	if (g->j->flights.known_key)
		finding.method = WEIR_METHOD_SIGNATURE;
	else if (service < SERVICE_PORTS)
		return;
	finding.reconnect = service >= SERVICE_PORTS;
	decide(g, &finding);
}

void judge_first(struct glance *g)
{
	struct app_finding finding = {.method = WEIR_METHOD_PORT, .confidence = 100};

	if (flow_has_ports(g->f)) {
		/* A datagram is classified first: a signature is preferred to a learned
		 * endpoint. */
		if (g->p->payload_len == 0)
			decide_by_endpoint(g);
		return;
	}
	finding.app =
		(uint16_t)signatures_by_protocol(g->i->signatures, g->i->registry, g->f->key.proto);
	decide(g, &finding);
}

void judge_message_of(const struct glance *g, uint8_t dir, const uint8_t *data, size_t len,
		      struct app_message *out)
{
	const struct weir_flow_key *k = &g->f->key;

	*out = (struct app_message){
		.flow = g->f,
		.data = data,
		.len = len,
		.dir = dir,
		.proto = k->proto,
		.from_origin = dir == g->f->origin,
		.sport = ntohs(k->port[dir]),
		.dport = ntohs(k->port[!dir]),
		.now_ns = g->i->now_ns,
		.domain = k->domain,
	};
	memcpy(out->src, k->addr[dir], sizeof(out->src));
	memcpy(out->dst, k->addr[!dir], sizeof(out->dst));
}

/*
 * Matches a QUIC client's hello with the rules for TLS, in the record that it would have over TCP.
 * A finding with higher confidence than that of QUIC (by ALPN, which names the application)
 * identifies the flow.
 */
static void classify_hello(struct glance *g, const struct app_message *m, const uint8_t *hello,
			   size_t len, struct app_finding *finding)
{
	uint8_t record[HELLO_RECORD_MAX];
	struct classify_result result = {0};
	struct classify_input in = {
		.data = record,
		.len = hello_to_record(hello, len, record),
		.proto = IPPROTO_TCP,
		.from_origin = true,
		.complete = true,
		.sport = m->from_origin ? m->sport : m->dport,
		.dport = m->from_origin ? m->dport : m->sport,
	};

	if (in.len == 0 || !classify_message(g->i->signatures, g->i->scratch, &in, &result) ||
	    result.confidence <= finding->confidence)
		return;
	*finding = (struct app_finding){
		.app = result.app,
		.method = result.method,
		.confidence = result.confidence,
	};
}

/*
 * Classifies a message. A TLS hello that takes several records is classified as the one record that
 * it could have come in. -EAGAIN: it is not known yet whether it does; otherwise whether an
 * application was found.
 */
static int classify(struct glance *g, const struct classify_input *in, uint8_t dir,
		    struct classify_result *result)
{
	uint8_t record[HELLO_RECORD_MAX];
	struct classify_input united = *in;
	ssize_t len = 0;

	if (in->proto == IPPROTO_TCP)
		len = hello_unite_records(in->data, in->len, in->complete, record);
	if (len < 0)
		return -EAGAIN;
	if (len == 0)
		return classify_stream(g->i->signatures, g->i->scratch, in,
				       in->proto == IPPROTO_TCP ? &g->j->memo[dir] : NULL, result);
	united.data = record;
	united.len = (size_t)len;
	/* The memory of the message is of its own bytes. */
	return classify_message(g->i->signatures, g->i->scratch, &united, result);
}

/* Whether the decision has to wait for the rest of a QUIC client's hello. */
static bool waits_for_hello(struct glance *g, const struct app_message *m,
			    struct app_finding *finding)
{
	const uint8_t *hello = NULL;
	size_t len = 0;

	switch (describe_quic(g, &hello, &len)) {
	case DESCRIBE_HELLO:
		classify_hello(g, m, hello, len, finding);
		return false;
	case DESCRIBE_PENDING:
		if (finding->confidence >= g->j->held.confidence)
			g->j->held = *finding;
		return g->f->payload_frames < g->i->settings.packets;
	default:
		return false;
	}
}

void judge_message(struct glance *g, uint8_t dir, const uint8_t *data, size_t len, bool complete)
{
	struct app_finding finding = {0};
	struct classify_result result = {0};
	struct app_message m;
	struct classify_input in;
	int found;

	judge_message_of(g, dir, data, len, &m);
	m.complete = complete;
	in = (struct classify_input){
		.data = data,
		.len = len,
		.proto = m.proto,
		.from_origin = m.from_origin,
		.complete = complete,
		.sport = m.sport,
		.dport = m.dport,
	};
	found = classify(g, &in, dir, &result);
	if (found > 0) {
		finding.app = result.app;
		finding.method = result.method;
		finding.confidence = result.confidence;
	}
	modules_undecided(g, &m, &finding);
	evidence_weigh(g, &m, &finding);
	if (found == -EAGAIN || (m.proto == IPPROTO_UDP && waits_for_hello(g, &m, &finding)))
		return;
	if (finding.app && finding.confidence >= DECIDE_CONFIDENCE)
		decide(g, &finding);
	else if (!decide_by_endpoint(g))
		decide_by_flights(g);
}

void judge_finally(struct glance *g)
{
	struct app_finding unknown = {0};
	bool tcp = g->f->key.proto == IPPROTO_TCP;

	for (uint8_t dir = 0; dir < 2; dir++)
		/* The receiver may still get the missing bytes, but they will not be examined
		 * here. */
		if (flow_stream_has_gap(g->f, dir))
			flow_stream_note(g->i->table, g->f, FLOW_STREAM_GAP);
	if (g->j->held.confidence >= DECIDE_CONFIDENCE)
		decide(g, &g->j->held);
	for (uint8_t n = 0; n < 2 && tcp && !g->f->decided; n++) {
		uint8_t dir = n ? !g->f->origin : g->f->origin;
		size_t len;
		const uint8_t *data = flow_stream_data(g->f, dir, &len);

		if (len > 0 && !flow_stream_full(g->f, dir))
			judge_message(g, dir, data, len, true);
	}
	if (g->f->decided)
		return;
	if (flights_are_random(&g->j->flights) && !g->f->midstream) {
		unknown.app = g->i->apps.encrypted;
		unknown.method = WEIR_METHOD_STATISTICS;
		unknown.confidence = ENCRYPTED_CONFIDENCE;
	}
	decide(g, &unknown);
}
