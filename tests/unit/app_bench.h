/* SPDX-License-Identifier: GPL-2.0-only */
/* A flow shown to one module, message by message. */
#ifndef WEIR_TESTS_APP_BENCH_H
#define WEIR_TESTS_APP_BENCH_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "app/app.h"
#include "app/bittorrent.h"
#include "unit/consume.h"

#define LEARNED_MAX 400
#define CLIENT	    "10.1.0.5"
#define TRACKER	    "192.0.2.10"

/* One flow between CLIENT:50000 and the tracker or peer, and what was learned from it. */
struct bench {
	const struct app_module *module;
	const char *name; /* of the module and its application */
	struct app_registry *registry;
	struct app_services services;
	struct flow flow;
	struct consume consume;
	uint8_t proto;
	const char *client, *server;
	uint16_t server_port;
	struct learned {
		struct weir_endpoint_key key;
		enum weir_source source;
	} learned[LEARNED_MAX];
	size_t count;
};

static inline void learn(void *arg, const struct weir_endpoint_key *key, uint16_t app,
			 enum weir_source source)
{
	struct bench *b = arg;

	assert_int_equal(app, app_registry_find(b->registry, b->name));
	assert_true(b->count < LEARNED_MAX);
	b->learned[b->count++] = (struct learned){.key = *key, .source = source};
}

static inline struct bench *bench_of(const char *name, uint8_t proto, uint16_t server_port)
{
	struct bench *b = calloc(1, sizeof(*b));

	b->name = name;
	b->module = app_module_find(name);
	assert_non_null(b->module);
	b->registry = app_registry_new();
	assert_true(app_registry_add(b->registry, name, "p2p") > 0);
	b->services = (struct app_services){.registry = b->registry,
					    .learn = learn,
					    .arg = b,
					    .facts = facts_new(64, UINT64_C(1) << 60)};
	b->consume = (struct consume){.module = b->module, .flow = &b->flow};
	b->proto = proto;
	b->client = CLIENT;
	b->server = TRACKER;
	b->server_port = server_port;
	return b;
}

static inline struct bench *bench_new(uint8_t proto, uint16_t server_port)
{
	return bench_of("bittorrent", proto, server_port);
}

static inline void bench_free(struct bench *b)
{
	consume_end(&b->consume);
	facts_free(b->services.facts);
	app_registry_free(b->registry);
	free(b);
}

static inline bool is_read(const struct bench *b)
{
	return b->consume.reading > 0;
}

/* Sides that somebody reads. */
static inline unsigned int sides_read(const struct bench *b)
{
	unsigned int sides = 0;

	for (unsigned int n = 0; n < b->consume.count; n++)
		sides |= b->consume.one[n].sides;
	return sides;
}

/* A signature has named the application. */
static inline void name(struct bench *b)
{
	b->consume.finding = (struct app_finding){
		.app = (uint16_t)app_registry_find(b->registry, b->name),
		.method = WEIR_METHOD_SIGNATURE,
		.confidence = 97,
	};
}

/* A message from the client or to it, as the inspector would show it: undecided until something was
 * found, then to consumers that ask for it. */
static inline void message(struct bench *b, bool from_client, const void *data, size_t len)
{
	struct app_message m = {
		.flow = &b->flow,
		.data = data,
		.len = len,
		.proto = b->proto,
		.from_origin = from_client,
		.sport = from_client ? 50000 : b->server_port,
		.dport = from_client ? b->server_port : 50000,
		.domain = 3,
		.complete = b->proto == IPPROTO_UDP,
	};
	/* On the heap at its exact size, so that a sanitizer sees every byte read too many. */
	uint8_t *copy = malloc(len ? len : 1);

	memcpy(copy, data, len);
	m.data = copy;
	assert_int_equal(address_parse(from_client ? b->client : b->server, m.src), 0);
	assert_int_equal(address_parse(from_client ? b->server : b->client, m.dst), 0);
	consume_show(&b->consume, &b->services, &m);
	free(copy);
}

static inline void client_text(struct bench *b, const char *text)
{
	message(b, true, text, strlen(text));
}

static inline void server_text(struct bench *b, const char *text)
{
	message(b, false, text, strlen(text));
}

static inline void assert_learned(const struct bench *b, size_t i, const char *host,
				  const char *peer, uint16_t port, enum weir_source source)
{
	uint32_t addr[4] = {0};
	char text[ADDRESS_TEXT_MAX];

	assert_true(i < b->count);
	if (host)
		assert_int_equal(address_parse(host, addr), 0);
	assert_memory_equal(b->learned[i].key.host, addr, sizeof(addr));
	assert_string_equal(address_format(b->learned[i].key.peer, text), peer);
	assert_int_equal(ntohs(b->learned[i].key.port), port);
	assert_int_equal(b->learned[i].key.domain, 3);
	assert_int_equal(b->learned[i].source, source);
}

static inline void assert_found(const struct bench *b, enum weir_method method, bool inspect,
				bool reconnect)
{
	assert_int_equal(b->consume.finding.app, app_registry_find(b->registry, b->name));
	assert_int_equal(b->consume.finding.method, method);
	assert_int_equal(b->consume.finding.confidence, 100);
	assert_int_equal(is_read(b), inspect);
	assert_int_equal(b->consume.finding.reconnect, reconnect);
}

#endif
