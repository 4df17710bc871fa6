// SPDX-License-Identifier: GPL-2.0-only
/* A flow between a client and a tracker or a peer, through the BitTorrent module. Input: a byte of
 * choices, then a session's messages. */
#include "app/bittorrent.h"
#include "session.h"

#define CHOICE_TCP     1
#define CHOICE_V6      2
#define CHOICE_REQUEST 4 /* begin with a request, so that answers are reached at once */

static void show(struct session *s, bool from_client, const uint8_t *data, size_t len)
{
	struct app_message m = session_message(s, from_client, data, len);
	unsigned int before = s->learned;

	s->shown += len;
	consume_show(&s->consume, &s->services, &m);
	/* The first messages are given together. */
	check(s->learned - before <= s->shown / 2 + 2);
}

static void show_request(struct session *s)
{
	static const char http[] = "GET /announce?info_hash=aaaaaaaaaaaaaaaaaaaa&"
				   "peer_id=bbbbbbbbbbbbbbbbbbbb&port=6881 HTTP/1.1\r\n\r\n";
	static const uint8_t connect[16] = {0, 0, 4, 0x17, 0x27, 0x10, 0x19, 0x80};
	static const uint8_t announce[98] = {[11] = 1, [83] = 2, [96] = 0x1a, [97] = 0xe1};

	if (s->choices & CHOICE_TCP) {
		show(s, true, (const uint8_t *)http, sizeof(http) - 1);
	} else {
		show(s, true, connect, sizeof(connect));
		show(s, true, announce, sizeof(announce));
	}
	check(s->consume.reading > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct app_registry *r;
	struct session s = {.services = {.learn = session_learn}};

	if (!r)
		r = registry_with("bittorrent", "p2p");
	s.choices = size ? data[0] : 0;
	s.module = app_module_find("bittorrent");
	session_begin(&s, r, s.choices & CHOICE_V6, s.choices & CHOICE_TCP, 6969);
	if (s.choices & CHOICE_REQUEST)
		show_request(&s);
	session_run(&s, data + 1, size ? size - 1 : 0, show);
	return 0;
}
