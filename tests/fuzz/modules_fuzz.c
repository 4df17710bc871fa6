// SPDX-License-Identifier: GPL-2.0-only
/*
 * A flow through one application module: eDonkey, Direct Connect, HTTP's WebSocket, PPStream,
 * Gnutella, Soulseek, BitTorrent; of TCP also in mid-stream. Input: a byte of choices, then a
 * session's messages.
 */
#include "session.h"

#define CHOICE_TCP	 1
#define CHOICE_NAMED	 2 /* a signature named the application */
#define CHOICE_KNOWN	 4 /* what the peers go by was seen */
#define CHOICE_SHIFT	 3
#define CHOICE_MIDSTREAM 0x80 /* the beginning was not seen */

static const char *const names[] = {"edonkey",	"directconnect", "http",      "ppstream",
				    "gnutella", "soulseek",	 "bittorrent"};

static void show(struct session *s, bool from_client, const uint8_t *data, size_t len)
{
	struct app_message m = session_message(s, from_client, data, len);
	unsigned int before = s->learned;

	s->shown += len;
	consume_show(&s->consume, &s->services, &m);
	check(s->consume.finding.confidence <= 100);
	/* A message that was begun before may end here. */
	check(s->learned - before <= 5 * s->shown + 1024);
}

static void know(struct session *s)
{
	uint8_t identity[16] = "0123456789abcde";

	facts_identity_is(s->services.facts, s->addr[1], htons(4661), 0, identity, 0);
}

/* Each module knows of itself and of BitTorrent alone. */
static struct app_registry *registry_of(unsigned int module)
{
	static struct app_registry *registries[ARRAY_SIZE(names)];

	if (!registries[module]) {
		registries[module] = registry_with(names[module], "p2p");
		check(app_registry_add(registries[module], "bittorrent", "p2p") > 0);
	}
	return registries[module];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct session s = {.services = {.learn = session_learn}};
	unsigned int module;

	if (!size)
		return 0;
	s.choices = data[0];
	module = (s.choices & ~CHOICE_MIDSTREAM) >> CHOICE_SHIFT;
	module %= ARRAY_SIZE(names);
	s.module = app_module_find(names[module]);
	session_begin(&s, registry_of(module), false, s.choices & CHOICE_TCP, 4661);
	s.flow.midstream = (s.choices & CHOICE_MIDSTREAM) != 0;
	s.services.facts = facts_new(64, UINT64_C(1) << 60);
	check(s.module && s.services.facts);
	if (s.choices & CHOICE_KNOWN)
		know(&s);
	if (s.choices & CHOICE_NAMED) {
		s.consume.finding = (struct app_finding){
			.app = (uint16_t)app_registry_find(s.services.registry, names[module]),
			.method = WEIR_METHOD_SIGNATURE,
			.confidence = 97,
		};
	}
	session_run(&s, data + 1, size - 1, show);
	facts_free(s.services.facts);
	return 0;
}
