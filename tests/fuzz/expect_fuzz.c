// SPDX-License-Identifier: GPL-2.0-only
/* A flow through one of the modules for control connections and media. Input: a byte of choices
 * (the module in the lower bits), then a session's messages. */
#include "session.h"

#define CHOICE_MODULE 7
#define CHOICE_V6     8
#define CHOICE_UDP    16

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
	struct app_message m = session_message(s, from_client, data, len);

	s->shown += len + 2;
	if (!s->consume.decided)
		s->consume.finding = (struct app_finding){
			.app = 1, .method = WEIR_METHOD_SIGNATURE, .confidence = 95};
	consume_show(&s->consume, &s->services, &m);
	/* A line may have begun in messages before. */
	check(s->expected <= s->shown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const modules[] = {"ftp",  "irc", "rtsp", "sip",
					      "tftp", "rtp", "stun", "ftp"};
	static struct app_registry *r;
	struct session s = {.services = {.expect = expect}};

	if (!r) {
		r = registry_with("rtp", "voip");
		check(app_registry_add(r, "dtls", "voip") > 0);
	}
	s.choices = size ? data[0] : 0;
	s.module = app_module_find(modules[s.choices & CHOICE_MODULE]);
	session_begin(&s, r, s.choices & CHOICE_V6, !(s.choices & CHOICE_UDP), 21);
	session_run(&s, data + 1, size ? size - 1 : 0, show);
	return 0;
}
