// SPDX-License-Identifier: GPL-2.0-only
/*
 * The consumer of DNS. Input: a byte (bit 0: TCP), then messages: a byte of direction (bit 0) and
 * whether a gap comes first (bit 1), two of length, the bytes.
 */
#include <netinet/in.h>

#include "app/app.h"
#include "harness.h"
#include "unit/consume.h"

static void see_answer(void *arg, const struct app_message *m, const struct app_dns *answer)
{
	check(answer->count <= APP_DNS_RECORDS_MAX);
	check(strlen(answer->name) <= NAME_TEXT_MAX);
	for (unsigned int i = 0; i < answer->count; i++)
		check(strlen(answer->record[i].target) <= NAME_TEXT_MAX);
}

static void say(const struct app_services *s, uint8_t proto, uint8_t how, const uint8_t *data,
		size_t len, struct consume *c)
{
	uint8_t *copy = exact_copy(data, len);
	struct app_message m = {
		.flow = c->flow,
		.data = copy,
		.len = len,
		.dir = how & 1,
		.proto = proto,
		.from_origin = !(how & 1),
		.sport = how & 1 ? 53 : 4000,
		.dport = how & 1 ? 4000 : 53,
	};

	if (how & 2 && c->decided)
		consume_event(c, s, &m, (struct stream_event){.kind = STREAM_GAP, .len = len});
	consume_show(c, s, &m);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct app_services s = {.answered = see_answer};
	uint8_t proto = size && data[0] & 1 ? IPPROTO_TCP : IPPROTO_UDP;
	struct flow flow = {0};
	struct consume c = {.module = app_module_find("dns"), .flow = &flow};

	if (!s.registry)
		s.registry = registry_with("dns", "network");
	c.finding = (struct app_finding){
		.app = (uint16_t)app_registry_find(s.registry, "dns"),
		.method = WEIR_METHOD_SIGNATURE,
		.confidence = 95,
	};
	for (size_t at = 1; at + 3 <= size;) {
		size_t len = (size_t)data[at + 1] << 8 | data[at + 2];
		uint8_t how = data[at];

		at += 3;
		if (len > size - at)
			len = size - at;
		say(&s, proto, how, data + at, len, &c);
		at += len;
	}
	consume_end(&c);
	return 0;
}
