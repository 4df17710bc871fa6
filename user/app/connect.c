// SPDX-License-Identifier: GPL-2.0-only
/*
 * What an HTTP proxy's tunnel (RFC 9110, 9.3.6) carries is judged like a connection of its own. The
 * flow becomes the application inside, except where that is the web: the host that was asked for is
 * known from the request.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "app/consumer.h"
#include "proto/http.h"

/* Bytes of a side's first message in the tunnel, and pieces that are looked at. */
#define FIRST_MAX  2048
#define PIECES_MAX 16
#define CONFIDENT  50

struct connect {
	uint16_t port; /* that was asked for */
	uint8_t pieces;
	uint16_t len[2]; /* by enum stream_side */
	uint8_t first[2][FIRST_MAX];
};

static const char *const web[] = {"http", "tls", NULL};

static bool is_web(const struct app_services *s, unsigned int app)
{
	for (const char *const *name = web; *name; name++)
		if (app_registry_find(s->registry, *name) == (int)app)
			return true;
	return false;
}

static void judge(const struct connect *c, const struct app_services *s,
		  const struct app_message *m, uint8_t side, struct app_finding *finding)
{
	struct app_message inside = app_message_of(m, side == STREAM_CLIENT);
	struct app_finding found = {0};

	inside.data = c->first[side];
	inside.len = c->len[side];
	*(side == STREAM_CLIENT ? &inside.dport : &inside.sport) = c->port;
	s->judge(s->arg, &inside, &found);
	if (found.app && found.confidence >= CONFIDENT && !is_web(s, found.app))
		*finding = found;
}

/* Whether more may tell something. */
static bool tunnel_read(struct connect *c, const struct app_services *s,
			const struct app_message *m, const struct http_event *e,
			struct app_finding *finding)
{
	size_t room = FIRST_MAX - c->len[e->side], len = (size_t)e->stream.len;

	if (e->tunnel != HTTP_TUNNEL_CONNECT || e->stream.kind != STREAM_DATA)
		return false;
	len = len < room ? len : room;
	memcpy(c->first[e->side] + c->len[e->side], e->stream.data, len);
	c->len[e->side] = (uint16_t)(c->len[e->side] + len);
	if (len)
		judge(c, s, m, e->side, finding);
	return !finding->app && ++c->pieces < PIECES_MAX &&
	       (c->len[STREAM_CLIENT] < FIRST_MAX || c->len[STREAM_SERVER] < FIRST_MAX);
}

static void connect_event(const struct app_services *s, const struct app_message *m,
			  const void *event, void **state, struct consumer_answer *answer)
{
	const struct http_event *e = event;
	struct connect *c = *state;
	char name[HTTP_HOSTNAME_BYTES];
	bool asks;

	if (e->kind == HTTP_REQUEST) {
		asks = http_head_is(e->head, HTTP_METHOD, "CONNECT");
		if (asks && !c)
			c = *state = calloc(1, sizeof(*c));
		if (asks && c)
			(void)http_head_hostname(e->head, name, &c->port);
		answer->sides = asks && c ? CONSUMER_BOTH : CONSUMER_CLIENT;
	} else if (e->kind == HTTP_TUNNEL) {
		if (!c || !tunnel_read(c, s, m, e, &answer->finding))
			answer->verb = CONSUMER_LEAVE;
	} else if (e->kind == HTTP_LOST || e->kind == HTTP_CLOSE) {
		answer->verb = CONSUMER_LEAVE;
	}
}

static unsigned int connect_wants(const struct app_services *s, const struct flow *f)
{
	size_t len;
	const uint8_t *data = flow_stream_data(f, f->origin, &len);

	if (!s->judge || f->key.proto != IPPROTO_TCP || f->method == WEIR_METHOD_ENDPOINT ||
	    f->method == WEIR_METHOD_STATISTICS)
		return 0;
	if (len && reader_http.guess(STREAM_CLIENT, data, len) == READER_NO)
		return 0;
	/* The answer, and what follows it, may be here already. */
	return len >= 8 && memcmp(data, "CONNECT ", 8) == 0 ? CONSUMER_BOTH : CONSUMER_CLIENT;
}

CONSUMER(connect) = {
	.abi = CONSUMER_ABI,
	.name = "connect",
	.help = "the application inside a tunnel through an HTTP proxy",
	.module = "http",
	.reader = &reader_http,
	.wants = connect_wants,
	.event = connect_event,
	.release = free,
};
