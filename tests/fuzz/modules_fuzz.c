// SPDX-License-Identifier: GPL-2.0-only
/*
 * A flow through one application module: eDonkey, Direct Connect, HTTP's WebSocket, PPStream,
 * Gnutella.
 * Input: a byte of choices, then messages, each a byte of direction and length (doubled) and its
 * bytes.
 */
#include <netinet/in.h>
#include <string.h>

#include "app/app.h"
#include "app/peers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHOICE_TCP   1
#define CHOICE_NAMED 2 /* a signature named the application */
#define CHOICE_KNOWN 4 /* what the peers go by was seen */
#define CHOICE_SHIFT 3

struct session {
	const struct app_module *module;
	struct flow flow;
	struct app_services services;
	struct app_finding finding;
	void *state;
	uint8_t choices;
	bool decided, inspecting;
	unsigned int learned;
};

static void check(bool ok)
{
	if (!ok)
		__builtin_trap();
}

static void learn(void *arg, const struct weir_endpoint_key *key, uint16_t app,
		  enum weir_source source)
{
	struct session *s = arg;

	check(app != 0 && source != WEIR_SOURCE_NONE && key->pad == 0);
	check(peer_is_acceptable(key->peer, ntohs(key->port)));
	s->learned++;
}

static void show(struct session *s, bool from_client, const uint8_t *data, size_t len)
{
	struct app_message m = {
		.flow = &s->flow,
		.data = data,
		.len = len,
		.proto = s->choices & CHOICE_TCP ? IPPROTO_TCP : IPPROTO_UDP,
		.from_origin = from_client,
		.sport = from_client ? 50000 : 4661,
		.dport = from_client ? 4661 : 50000,
	};
	unsigned int before = s->learned;

	check(address_parse(from_client ? "10.0.0.1" : "192.0.2.1", m.src) == 0);
	check(address_parse(from_client ? "192.0.2.1" : "10.0.0.1", m.dst) == 0);
	if (!s->decided) {
		struct app_finding f = s->finding;

		s->module->undecided(&s->services, &m, &s->state, &f);
		check(f.confidence <= 100);
		s->decided = f.app && f.confidence >= 50;
		s->inspecting = s->decided && f.inspect;
		s->finding.app = s->decided ? f.app : s->finding.app;
	} else if (s->inspecting && s->module->inspected) {
		struct app_finding f = {.app = s->finding.app, .inspect = true};

		s->module->inspected(&s->services, &m, &s->state, &f);
		s->inspecting = !f.done;
	}
	/* A message that was begun before may end here. */
	check(s->learned - before <= 5 * len + 1024);
}

static void know(struct session *s)
{
	uint8_t identity[16] = "0123456789abcde";
	uint32_t addr[4];

	check(address_parse("192.0.2.1", addr) == 0);
	facts_identity_is(s->services.facts, addr, htons(4661), 0, identity, 0);
}

static void run(struct session *s, const uint8_t *data, size_t size)
{
	while (size) {
		bool from_client = data[0] & 0x80;
		size_t len = (size_t)(data[0] & 0x7f) * 2;
		uint8_t *copy;

		data++;
		size--;
		if (len > size)
			len = size;
		copy = malloc(len + 1);
		check(copy != NULL);
		memcpy(copy, data, len);
		show(s, from_client, copy, len);
		free(copy);
		data += len;
		size -= len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"edonkey", "directconnect", "http", "ppstream",
					    "gnutella"};
	struct app_registry *r = app_registry_new();
	struct session s = {.services = {.registry = r, .learn = learn}};
	const char *name;

	if (!size) {
		app_registry_free(r);
		return 0;
	}
	s.choices = data[0];
	name = names[(s.choices >> CHOICE_SHIFT) % 5u];
	s.module = app_module_find(name);
	check(r && s.module && app_registry_add(r, name, "p2p") > 0);
	check(app_registry_add(r, "bittorrent", "p2p") > 0);
	s.services.arg = &s;
	s.services.facts = facts_new(64, UINT64_C(1) << 60);
	check(s.services.facts != NULL);
	if (s.choices & CHOICE_KNOWN)
		know(&s);
	if (s.choices & CHOICE_NAMED) {
		s.finding.app = (uint16_t)app_registry_find(r, name);
		s.finding.confidence = 97;
	}
	run(&s, data + 1, size - 1);
	if (s.module->release)
		s.module->release(s.state);
	facts_free(s.services.facts);
	app_registry_free(r);
	return 0;
}
