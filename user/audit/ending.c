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
	return f->created_ns;
}

uint64_t flow_end_ns(const struct weir_event *ev)
{
	uint64_t start = flow_start_ns(&ev->flow);
	uint64_t end = (uint64_t)ev->flow.seen_ds * NS_PER_DS;

	/* The last packet is known to a tenth of a second. */
	return end > start ? end : start;
}

const char *flow_end_name(const struct weir_event *ev)
{
	static const char *const names[] = {
#define X(id, name, help) [WEIR_END_##id] = name,
		WEIR_ENDS(X)
#undef X
	};

	return ev->reason < ARRAY_SIZE(names) ? names[ev->reason] : "unknown";
}

const char *flow_reason_name(const struct weir_event *ev)
{
	/* Suricata keeps a closed flow until its time is over, and so says `timeout` of it. */
	return ev->reason == WEIR_END_EVICTED || ev->reason == WEIR_END_FORCED ? "forced"
									       : "timeout";
}

const char *flow_state_name(const struct weir_event *ev)
{
	static const char *const names[] = {
#define X(id, name, help) [WEIR_FLOW_STATE_##id] = name,
		WEIR_FLOW_STATES(X)
#undef X
	};

	return names[weir_flow_state(ev->flow.flags)];
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
	return tcp_json(flow->tcp_flags[origin], flow->tcp_flags[!origin]);
}
