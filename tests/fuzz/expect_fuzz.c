// SPDX-License-Identifier: GPL-2.0-only
/*
 * A flow through one of the modules for control connections and media. Input: a byte of choices
 * (the module in the lower bits), then messages, each a byte of direction and length (doubled while
 * small) and its bytes.
 */
#include <netinet/in.h>
#include <string.h>

#include "app/app.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHOICE_MODULE 7
#define CHOICE_V6     8
#define CHOICE_UDP    16

struct session {
	const struct app_module *module;
	struct flow flow;
	struct app_services services;
	void *state;
	uint8_t choices;
	bool begun, inspecting;
	unsigned int expected;
};

static void check(bool ok)
{
	if (!ok)
		__builtin_trap();
}

static bool expect(void *arg, const struct app_message *m, const uint32_t *addr, uint16_t port,
		   const char *app, bool anyone)
{
	struct session *s = arg;

	check(m && app && app[0]);
	s->expected++;
	return port != 0 && !anyone && (!addr || memcmp(addr, m->src, sizeof(m->src)) == 0);
}

static void show(struct session *s, bool from_client, const uint8_t *data, size_t len)
{
	const char *client = s->choices & CHOICE_V6 ? "2001:db8::1" : "10.0.0.1";
	const char *server = s->choices & CHOICE_V6 ? "2001:db8::2" : "192.0.2.1";
	struct app_finding f = {.app = 1};
	struct app_message m = {
		.flow = &s->flow,
		.data = data,
		.len = len,
		.proto = s->choices & CHOICE_UDP ? IPPROTO_UDP : IPPROTO_TCP,
		.from_origin = from_client,
		.sport = from_client ? 50000 : 21,
		.dport = from_client ? 21 : 50000,
	};
	unsigned int before = s->expected;

	check(address_parse(from_client ? client : server, m.src) == 0);
	check(address_parse(from_client ? server : client, m.dst) == 0);
	if (!s->begun || !s->module->inspected) {
		s->begun = true;
		s->module->undecided(&s->services, &m, &s->state, &f);
		s->inspecting = f.inspect;
		check(!f.inspect || s->module->inspected);
	} else if (s->inspecting) {
		f.inspect = true;
		s->module->inspected(&s->services, &m, &s->state, &f);
		s->inspecting = !f.done;
	}
	check(s->expected - before <= len + 2);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const modules[] = {"ftp",  "irc", "rtsp", "sip",
					      "tftp", "rtp", "stun", "ftp"};
	struct app_registry *r = app_registry_new();
	struct session s = {.services = {.registry = r, .expect = expect}};

	check(r && app_registry_add(r, "rtp", "voip") > 0 &&
	      app_registry_add(r, "dtls", "voip") > 0);
	s.services.arg = &s;
	if (size) {
		s.choices = data[0];
		data++;
		size--;
	}
	s.module = app_module_find(modules[s.choices & CHOICE_MODULE]);
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
	if (s.state)
		s.module->release(s.state);
	app_registry_free(r);
	return 0;
}
