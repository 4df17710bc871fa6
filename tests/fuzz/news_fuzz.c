// SPDX-License-Identifier: GPL-2.0-only
/* What a worker that was taken over may tell the daemon: records of any type and content. Input:
 * records, each a byte of type, two of length, and so many of content. */
#include "harness.h"

#include "audit/details.h"
#include "worker/worker_private.h"

static void see_event(const struct weir_event *e, void *arg)
{
	check(e->in_port < WEIR_PORTS_MAX && e->dir < 2);
	check(e->kind == WEIR_EVENT_DROPPED ? e->reason < WEIR_REASON_COUNT
					    : e->reason < WEIR_ANOMALY_COUNT);
}

/* As the daemon uses it: each text is read to its end. */
static void see_note(const struct worker_note *n, void *arg)
{
	check(n->in_port < WEIR_PORTS_MAX && n->origin < 2);
	for (unsigned int i = 0; n->details && i < FLOW_TEXT_COUNT; i++) {
		const char *text = flow_details_text(n->details, (enum flow_text)i);

		check(!text || strlen(text) < MAIL_PAYLOAD_MAX);
	}
	if (n->details)
		json_decref(details_tls_event(n->details));
	if (n->dns)
		json_decref(details_dns_event(n->dns));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct worker_reader reader = {.event = see_event, .note = see_note};
	static struct worker w;

	if (!w.post.out)
		check(post_open(&w.post, -1) == 0);
	while (size >= 3) {
		size_t len = (size_t)(data[1] | data[2] << 8), have = size - 3;

		if (len > have)
			len = have;
		if (len > MAIL_PAYLOAD_MAX)
			len = MAIL_PAYLOAD_MAX;
		mail_put(w.post.out, data[0] % MAIL_TYPES_MAX, data + 3, len);
		data += 3 + len;
		size -= 3 + len;
	}
	worker_read_news(&w, &reader, NULL);
	check(!w.post.broken);
	return 0;
}
