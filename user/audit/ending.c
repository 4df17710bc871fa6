// SPDX-License-Identifier: GPL-2.0-only
/* When a flow began and how it ended, in the words of EVE, and what TCP showed. */
#include <stdio.h>

#include "audit/parts.h"
#include "util/util.h"

#define NS_PER_DS 100000000ull

/* Bits of the header's byte 13 (RFC 9293, 3.1; RFC 3168). */
static const struct {
	const char *name;
	uint8_t bit;
} tcp_flags[] = {{"syn", 0x02}, {"fin", 0x01}, {"rst", 0x04}, {"psh", 0x08},
		 {"ack", 0x10}, {"urg", 0x20}, {"ecn", 0x40}, {"cwr", 0x80}};

enum { FIN = 0x01, SYN = 0x02, RST = 0x04, ACK = 0x10 };

uint64_t flow_start_ns(const struct weir_flow *f)
{
	return (uint64_t)f->created_ds * NS_PER_DS;
}

uint64_t flow_end_ns(const struct weir_event *ev)
{
	uint64_t start = flow_start_ns(&ev->flow);
	uint64_t end = ev->kind == WEIR_EVENT_EVICTED ? (uint64_t)ev->flow.seen_ds * NS_PER_DS
						      : ev->time_ns;

	/* The last packet is known to a tenth of a second. */
	return end > start ? end : start;
}

const char *flow_end_name(const struct weir_event *ev)
{
	if (ev->kind == WEIR_EVENT_EVICTED)
		return "evicted";
	return ev->flow.flags & WEIR_FLOW_RST ? "rst" : "fin";
}

const char *flow_reason_name(const struct weir_event *ev)
{
	/* Suricata keeps a closed flow until its time is over, and so says `timeout` of it. */
	return ev->kind == WEIR_EVENT_EVICTED ? "forced" : "timeout";
}

const char *flow_state_name(const struct weir_event *ev)
{
	uint32_t flags = ev->flow.flags, fins = WEIR_FLOW_FIN(0) | WEIR_FLOW_FIN(1);

	if (flags & WEIR_FLOW_RST || (flags & fins) == fins)
		return "closed";
	return flags & WEIR_FLOW_TWOWAY ? "established" : "new";
}

/* The state that these flags have led to; client, server: what either side has sent. */
static const char *tcp_state(uint8_t client, uint8_t server)
{
	if ((client | server) & RST || (client & server & FIN))
		return "closed";
	if (client & FIN)
		return "fin_wait1";
	if (server & FIN)
		return "close_wait";
	if (client & ACK || !(client & SYN))
		return "established";
	return server & SYN ? "syn_recv" : "syn_sent";
}

static void set_hex(json_t *o, const char *key, uint8_t flags)
{
	char text[3];

	snprintf(text, sizeof(text), "%02x", flags);
	eve_set(o, key, json_string(text));
}

json_t *tcp_json(uint8_t client, uint8_t server)
{
	json_t *o = json_object();

	set_hex(o, "tcp_flags", client | server);
	set_hex(o, "tcp_flags_ts", client);
	set_hex(o, "tcp_flags_tc", server);
	for (size_t i = 0; i < ARRAY_SIZE(tcp_flags); i++)
		if ((client | server) & tcp_flags[i].bit)
			eve_set(o, tcp_flags[i].name, json_true());
	eve_set(o, "state", json_string(tcp_state(client, server)));
	return o;
}

json_t *eve_tcp(const struct weir_flow *flow, unsigned int origin)
{
	uint8_t sent[2];

	for (unsigned int side = 0; side < 2; side++) {
		sent[side] = ACK;
		if (flow->flags & WEIR_FLOW_SYN(side))
			sent[side] |= SYN;
		if (flow->flags & WEIR_FLOW_FIN(side))
			sent[side] |= FIN;
		if (!flow->frames[side])
			sent[side] = 0;
	}
	return tcp_json(sent[origin], sent[!origin]);
}
