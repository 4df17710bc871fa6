/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A flow between a client and a server through one application module. Input: messages, each a byte
 * of direction (the highest bit: from the client) and length (doubled while small) and its bytes.
 */
#ifndef WEIR_FUZZ_SESSION_H
#define WEIR_FUZZ_SESSION_H

#include <netinet/in.h>

#include "app/app.h"
#include "app/peers.h"
#include "harness.h"
#include "unit/consume.h"

struct session {
	const struct app_module *module;
	struct flow flow;
	struct app_services services;
	struct consume consume;
	uint8_t choices, proto;
	uint16_t port[2]; /* the client's, the server's */
	uint32_t addr[2][4];
	unsigned int learned, expected;
	size_t shown; /* bytes, and two for each message */
};

/* For app_services.learn. */
static inline void session_learn(void *arg, const struct weir_endpoint_key *key, uint16_t app,
				 enum weir_source source)
{
	struct session *s = arg;

	check(app != 0 && source != WEIR_SOURCE_NONE && key->pad == 0);
	check(peer_is_acceptable(key->peer, ntohs(key->port)));
	s->learned++;
}

static inline void session_begin(struct session *s, struct app_registry *r, bool ipv6, bool tcp,
				 uint16_t server_port)
{
	check(address_parse(ipv6 ? "2001:db8::1" : "10.0.0.1", s->addr[0]) == 0);
	check(address_parse(ipv6 ? "2001:db8::2" : "192.0.2.1", s->addr[1]) == 0);
	s->proto = tcp ? IPPROTO_TCP : IPPROTO_UDP;
	s->port[0] = 50000;
	s->port[1] = server_port;
	s->services.registry = r;
	s->services.arg = s;
	s->consume.module = s->module;
	s->consume.flow = &s->flow;
}

static inline struct app_message session_message(struct session *s, bool from_client,
						 const uint8_t *data, size_t len)
{
	struct app_message m = {
		.flow = &s->flow,
		.data = data,
		.len = len,
		.proto = s->proto,
		.from_origin = from_client,
		.sport = s->port[!from_client],
		.dport = s->port[from_client],
	};

	memcpy(m.src, s->addr[!from_client], sizeof(m.src));
	memcpy(m.dst, s->addr[from_client], sizeof(m.dst));
	return m;
}

static inline void session_run(struct session *s, const uint8_t *data, size_t size,
			       void (*show)(struct session *s, bool from_client,
					    const uint8_t *data, size_t len))
{
	while (size) {
		bool from_client = data[0] & 0x80;
		size_t len = (size_t)(data[0] & 0x7f) * 2;
		uint8_t *copy;

		data++;
		size--;
		if (len > size)
			len = size;
		copy = exact_copy(data, len);
		show(s, from_client, copy, len);
		free(copy);
		data += len;
		size -= len;
	}
	consume_end(&s->consume);
}

#endif
