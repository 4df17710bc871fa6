// SPDX-License-Identifier: GPL-2.0-only
/*
 * STUN at the beginning of other protocols' flows: after ICE's connectivity checks (RFC 8445) the
 * same flow carries DTLS and SRTP, distinguished by their first bytes (RFC 7983). The flow is then
 * identified as what it carries.
 */
#include <netinet/in.h>
#include <stdlib.h>

#include "app/consumer.h"
#include "app/finding.h"
#include "app/module.h"
#include "app/rtp.h"

/* Datagrams that are examined: there are few checks, and the media follow at
 * once. */
#define MESSAGES_MAX 16
/* RFC 6347, 4.1: type, version, epoch, sequence number, length. */
#define DTLS_HEADER_BYTES 13

struct stun {
	struct rtp_watch watch;
	uint8_t messages;
};

/* RFC 6347, 4.1: a whole record of versions 1.0 or 1.2: change_cipher_spec to heartbeat. */
static bool is_dtls_record(const uint8_t *data, size_t len)
{
	return len > DTLS_HEADER_BYTES && data[0] >= 20 && data[0] <= 24 && data[1] == 0xfe &&
	       (data[2] == 0xff || data[2] == 0xfd) &&
	       DTLS_HEADER_BYTES + (size_t)(data[11] << 8 | data[12]) <= len;
}

static void found(const struct app_services *s, const char *name, enum weir_method method,
		  uint8_t confidence, struct consumer_answer *answer)
{
	if (finding_name(s, name, method, confidence, &answer->finding))
		answer->verb = CONSUMER_LEAVE;
}

static unsigned int stun_wants(const struct app_services *s, const struct flow *f)
{
	(void)s;
	return f->key.proto == IPPROTO_UDP && f->method == WEIR_METHOD_SIGNATURE ? CONSUMER_BOTH
										 : 0;
}

static void stun_event(const struct app_services *s, const struct app_message *m, const void *event,
		       void **state, struct consumer_answer *answer)
{
	struct rtp_header h;
	struct stun *t;

	if (!stream_has_bytes(event))
		return;
	if (!*state)
		*state = calloc(1, sizeof(*t));
	t = *state;
	if (!t || ++t->messages > MESSAGES_MAX)
		answer->verb = CONSUMER_LEAVE;
	if (!t || m->len == 0)
		return;
	if (is_dtls_record(m->data, m->len))
		found(s, "dtls", WEIR_METHOD_SIGNATURE, 92, answer);
	else if (rtp_parse(m->data, m->len, &h) && rtp_watch_packet(&t->watch, m->from_origin, &h))
		/* Media over ICE are encrypted (RFC 8827, 6.5); the RTP header does not show it. */
		found(s, "srtp", WEIR_METHOD_STATISTICS, 80, answer);
}

CONSUMER(stun) = {
	.abi = CONSUMER_ABI,
	.name = "stun",
	.help = "the DTLS and SRTP that follow on the same flow",
	.module = "stun",
	.wants = stun_wants,
	.event = stun_event,
	.release = free,
};

const struct app_module stun_module = {
	.name = "stun",
	.category = "voip",
	.help = "the DTLS and SRTP that follow on the same flow",
};
