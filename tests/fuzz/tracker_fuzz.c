// SPDX-License-Identifier: GPL-2.0-only
/*
 * A flow between a client and a tracker or a peer, through the BitTorrent module. Input: a byte of
 * choices, then messages, each a byte of direction and length (doubled while small) and its bytes.
 */
#include <netinet/in.h>
#include <string.h>

#include "app/app.h"
#include "app/bittorrent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHOICE_TCP     1
#define CHOICE_V6      2
#define CHOICE_REQUEST 4 /* begin with a request, so that answers are reached at once */

struct session {
	struct flow flow;
	struct app_services services;
	struct app_finding finding;
	void *state;
	uint8_t choices;
	bool inspecting;
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
	const char *client = s->choices & CHOICE_V6 ? "2001:db8::1" : "10.0.0.1";
	const char *tracker = s->choices & CHOICE_V6 ? "2001:db8::2" : "192.0.2.1";
	struct app_message m = {
		.flow = &s->flow,
		.data = data,
		.len = len,
		.proto = s->choices & CHOICE_TCP ? IPPROTO_TCP : IPPROTO_UDP,
		.from_origin = from_client,
		.sport = from_client ? 50000 : 6969,
		.dport = from_client ? 6969 : 50000,
	};
	const struct app_module *module = app_module_find("bittorrent");
	unsigned int before = s->learned;

	check(address_parse(from_client ? client : tracker, m.src) == 0);
	check(address_parse(from_client ? tracker : client, m.dst) == 0);
	if (!s->finding.app) {
		module->undecided(&s->services, &m, &s->state, &s->finding);
		s->inspecting = s->finding.inspect;
	} else if (s->inspecting) {
		struct app_finding f = {.app = s->finding.app, .inspect = true};

		module->inspected(&s->services, &m, &s->state, &f);
		s->inspecting = !f.done;
	}
	check(s->learned - before <= len / 2 + 2);
}

static void show_request(struct session *s)
{
	static const char http[] = "GET /announce?info_hash=aaaaaaaaaaaaaaaaaaaa&"
				   "peer_id=bbbbbbbbbbbbbbbbbbbb&port=6881 HTTP/1.1\r\n\r\n";
	static const uint8_t connect[16] = {0, 0, 4, 0x17, 0x27, 0x10, 0x19, 0x80};
	uint8_t announce[98] = {[11] = 1, [83] = 2, [96] = 0x1a, [97] = 0xe1};

	if (s->choices & CHOICE_TCP) {
		show(s, true, (const uint8_t *)http, sizeof(http) - 1);
	} else {
		show(s, true, connect, sizeof(connect));
		show(s, true, announce, sizeof(announce));
	}
	check(s->inspecting);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct app_registry *r = app_registry_new();
	struct session s = {.services = {.registry = r, .learn = learn}};

	check(r && app_registry_add(r, "bittorrent", "p2p") > 0);
	s.services.arg = &s;
	if (size) {
		s.choices = data[0];
		data++;
		size--;
	}
	if (s.choices & CHOICE_REQUEST)
		show_request(&s);
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
		show(&s, from_client, copy, len);
		free(copy);
		data += len;
		size -= len;
	}
	app_module_find("bittorrent")->release(s.state);
	app_registry_free(r);
	return 0;
}
