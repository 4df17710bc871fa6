// SPDX-License-Identifier: GPL-2.0-only
/*
 * HTTP connections that were upgraded to WebSocket (RFC 6455), as far as needed to identify
 * trackers of WebTorrent: JSON messages (bittorrent-tracker, "websocket-tracker") in which a client
 * announces an info_hash with offers, and the tracker relays those of others. Offers are session
 * descriptions (RFC 8866) whose candidates (RFC 8839, 5.1) contain the addresses and ports of a
 * peer.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "app/consumer.h"
#include "app/module.h"
#include "app/peers.h"
#include "proto/http.h"

#define TRACKED		  "bittorrent"
#define BYTES_MAX	  65536 /* bytes read of a connection that is not a tracker's */
#define TRACKER_BYTES_MAX (1u << 20)
#define WINDOW		  1024
#define CANDIDATE_MAX	  160 /* bytes of a candidate's line */
#define TAIL		  40  /* bytes at the end of a piece that may be the beginning of a match */
#define OWN_MAX		  4
#define CANDIDATES_MAX	  512

/* One direction. */
struct half {
	uint8_t frame[14]; /* header of the current frame */
	uint8_t have;
	uint8_t key_at; /* position of the next byte in the mask */
	uint64_t left;
	uint32_t kept;
	char window[WINDOW]; /* text that is not searched yet */
};

struct websocket {
	struct half half[2]; /* of the responder, of the originator */
	uint32_t bytes;
	uint32_t candidates;
	bool announced, hashed; /* the client's keywords were seen */
	bool failed;
	uint32_t own[OWN_MAX][4]; /* addresses that the client announced as its own */
	unsigned int own_count;
};

/* ---- candidates ---- */

static void keep_own(struct websocket *w, const uint32_t addr[4])
{
	for (unsigned int i = 0; i < w->own_count; i++)
		if (memcmp(w->own[i], addr, sizeof(w->own[i])) == 0)
			return;
	if (w->own_count < OWN_MAX)
		memcpy(w->own[w->own_count++], addr, sizeof(w->own[0]));
}

/* "foundation component transport priority address port ...", NUL-terminated. */
static void read_candidate(struct websocket *w, const struct app_services *s,
			   const struct app_message *m, const char *text)
{
	char transport[8], address[48];
	unsigned int port = 0;
	uint32_t addr[4];

	if (++w->candidates > CANDIDATES_MAX ||
	    sscanf(text, "%*32[^ ] %*u %7[A-Za-z] %*u %47[0-9A-Fa-f.:] %5u", transport, address,
		   &port) != 3)
		return;
	if (strcasecmp(transport, "udp") != 0 || port > UINT16_MAX || address_parse(address, addr))
		return;
	if (m->from_origin) {
		keep_own(w, addr);
		return;
	}
	peer_learn_app(s, TRACKED, m->domain, m->dst, addr, (uint16_t)port, WEIR_SOURCE_WS_TRACKER);
	for (unsigned int i = 0; i < w->own_count; i++)
		peer_learn_app(s, TRACKED, m->domain, w->own[i], addr, (uint16_t)port,
			       WEIR_SOURCE_WS_TRACKER);
}

/* Parses the complete candidates. Returns the offset at which an incomplete one begins. */
static uint32_t read_candidates(struct websocket *w, const struct app_services *s,
				const struct app_message *m, const struct half *h)
{
	static const char mark[] = "candidate:";
	const size_t mark_len = sizeof(mark) - 1;
	uint32_t at = 0;

	for (;;) {
		const char *from = memmem(h->window + at, h->kept - at, mark, mark_len);
		char line[CANDIDATE_MAX];
		size_t len = 0, room;

		if (!from)
			return h->kept > at + TAIL ? h->kept - TAIL : at;
		at = (uint32_t)(from - h->window);
		from += mark_len;
		room = (size_t)(h->window + h->kept - from);
		while (len < room && len < sizeof(line) - 1 && from[len] != '\\' &&
		       from[len] != '"')
			len++;
		if (len == room && len < sizeof(line) - 1)
			return at;
		memcpy(line, from, len);
		line[len] = '\0';
		read_candidate(w, s, m, line);
		at += (uint32_t)(mark_len + len);
	}
}

/* Keywords that make a client's message an announce or an answer. */
static void read_words(struct websocket *w, const struct app_message *m, const struct half *h)
{
	static const char action[] = "\"action\":\"announce\"", hash[] = "\"info_hash\":\"";

	if (!m->from_origin)
		return;
	w->announced |= memmem(h->window, h->kept, action, sizeof(action) - 1) != NULL;
	w->hashed |= memmem(h->window, h->kept, hash, sizeof(hash) - 1) != NULL;
}

static void read_text(struct websocket *w, const struct app_services *s,
		      const struct app_message *m, struct half *h)
{
	uint32_t from;

	read_words(w, m, h);
	from = read_candidates(w, s, m, h);
	if (h->kept - from > CANDIDATE_MAX)
		from = h->kept - CANDIDATE_MAX;
	memmove(h->window, h->window + from, h->kept - from);
	h->kept -= from;
}

/* ---- frames ---- */

static size_t frame_header_len(const struct half *h)
{
	size_t len = 2;

	if (h->have < 2)
		return len;
	if ((h->frame[1] & 0x7f) == 126)
		len += 2;
	if ((h->frame[1] & 0x7f) == 127)
		len += 8;
	return h->frame[1] & 0x80 ? len + 4 : len;
}

/* Called with a complete header: determines the length of the frame. False for one that cannot be
 * read: compressed, or without the mask that clients must use (5.1). */
static bool frame_begin(struct half *h, bool from_client)
{
	uint8_t bits = h->frame[1] & 0x7f;
	unsigned int bytes = bits == 126 ? 2 : bits == 127 ? 8 : 0;

	if (h->frame[0] & 0x70 || !!(h->frame[1] & 0x80) != from_client)
		return false;
	h->left = bytes ? 0 : bits;
	for (unsigned int i = 0; i < bytes; i++)
		h->left = h->left << 8 | h->frame[2 + i];
	h->key_at = 0;
	return h->left < 1u << 24;
}

/* Consumes payload of a frame: unmasks it (5.3) and searches it window by window. */
static size_t frame_take(struct websocket *w, const struct app_services *s,
			 const struct app_message *m, struct half *h, const uint8_t *data,
			 size_t len)
{
	const uint8_t *key = h->frame + frame_header_len(h) - 4;
	size_t room = sizeof(h->window) - h->kept;

	if (len > h->left)
		len = (size_t)h->left;
	if (len > room)
		len = room;
	for (size_t i = 0; i < len; i++) {
		uint8_t byte = data[i];

		if (m->from_origin)
			byte ^= key[h->key_at++ & 3];
		h->window[h->kept++] = (char)byte;
	}
	h->left -= len;
	if (h->kept == sizeof(h->window) || h->left == 0)
		read_text(w, s, m, h);
	if (h->left == 0)
		h->have = 0;
	return len;
}

static void half_feed(struct websocket *w, const struct app_services *s,
		      const struct app_message *m, const uint8_t *data, size_t len)
{
	struct half *h = &w->half[m->from_origin];

	while (len > 0 && !w->failed) {
		size_t used = 1;

		if (h->left > 0) {
			used = frame_take(w, s, m, h, data, len);
		} else {
			h->frame[h->have++] = *data;
			if (h->have >= 2 && h->have == frame_header_len(h)) {
				w->failed = !frame_begin(h, m->from_origin);
				h->have = h->left ? h->have : 0;
			}
		}
		data += used;
		len -= used;
	}
}

/* ---- the module ---- */

static bool asks_upgrade(const struct http_head *h)
{
	return h->upgrade && http_head_lists(h, HTTP_UPGRADE, "websocket");
}

static unsigned int websocket_wants(const struct app_services *s, const struct flow *f)
{
	size_t len;
	const uint8_t *data = flow_stream_data(f, f->origin, &len);
	struct http_head head;
	char text[HTTP_HEAD_BYTES];
	int rc = http_head_parse(data, len, text, &head);

	(void)s;
	if (f->key.proto != IPPROTO_TCP || (len && !rc))
		return 0;
	/* Of a request that asks for the upgrade the answer may be here already. */
	return rc > 0 && asks_upgrade(&head) ? CONSUMER_BOTH : CONSUMER_CLIENT;
}

static void found_tracker(const struct app_services *s, struct app_finding *finding)
{
	int app = app_registry_find(s->registry, TRACKED);

	if (app <= 0)
		return;
	finding->app = (uint16_t)app;
	finding->method = WEIR_METHOD_HANDSHAKE;
	finding->confidence = 95;
}

/* Whether more is wanted. */
static bool tunnel_event(struct websocket *w, const struct app_services *s,
			 const struct app_message *m, const struct http_event *e)
{
	struct app_message of = app_message_of(m, e->side == STREAM_CLIENT);

	/* Nothing tells where the next frame begins. */
	if (!w || e->tunnel != HTTP_TUNNEL_UPGRADE || e->stream.kind == STREAM_GAP)
		return false;
	if (e->stream.kind != STREAM_DATA)
		return true;
	w->bytes += (uint32_t)e->stream.len;
	half_feed(w, s, &of, e->stream.data, (size_t)e->stream.len);
	return !w->failed &&
	       w->bytes <= (w->hashed && w->announced ? TRACKER_BYTES_MAX : BYTES_MAX);
}

static void websocket_event(const struct app_services *s, const struct app_message *m,
			    const void *event, void **state, struct consumer_answer *answer)
{
	const struct http_event *e = event;
	struct websocket *w = *state;

	if (e->kind == HTTP_REQUEST) {
		answer->sides = asks_upgrade(e->head) ? CONSUMER_BOTH : CONSUMER_CLIENT;
		if (!w && answer->sides == CONSUMER_BOTH)
			*state = calloc(1, sizeof(*w));
	} else if (e->kind == HTTP_RESPONSE && e->head->status != 101) {
		answer->sides = CONSUMER_CLIENT;
	} else if (e->kind == HTTP_LOST) {
		answer->verb = CONSUMER_LEAVE;
	} else if (e->kind == HTTP_TUNNEL) {
		if (!tunnel_event(w, s, m, e))
			answer->verb = CONSUMER_LEAVE;
		if (w && w->announced && w->hashed)
			found_tracker(s, &answer->finding);
	}
}

CONSUMER(websocket) = {
	.abi = CONSUMER_ABI,
	.name = "websocket",
	.help = "announces to trackers, and the candidates that these relay",
	.module = "http",
	.reader = &reader_http,
	.wants = websocket_wants,
	.event = websocket_event,
	.release = free,
};

const struct app_module http_module = {
	.name = "http",
	.category = "web",
	.help = "WebTorrent's trackers behind WebSocket; learns the peers they tell of",
};
