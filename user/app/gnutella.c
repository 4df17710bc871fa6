// SPDX-License-Identifier: GPL-2.0-only
/*
 * Gnutella 0.4 and 0.6 (the Gnutella developer forum's protocol documents): a handshake of lines
 * (2.2; its X-Try headers name other hosts), then descriptors: 16 bytes of identifier, type, time
 * to live, hops, length in little endian (2.3). Pongs, query hits and pushes name the address and
 * port on which a host listens. Over UDP a descriptor is a datagram, and a pong repeats the
 * identifier of its ping.
 */
#include <netinet/in.h>
#include <string.h>

#include "app/consumer.h"
#include "app/finding.h"
#include "app/midstream.h"
#include "app/module.h"
#include "app/peers.h"
#include "proto/lines.h"
#include "util/load.h"

#define NAME	    "gnutella"
#define GUID	    16
#define HEADER	    23
#define KEEP	    32 /* bytes of a descriptor's payload: all addresses are within the first 26 */
#define LENGTH_MAX  65536
#define PONG	    14 /* port, address, number of files, kilobytes */
#define HIT	    11 /* count, port, address, speed */
#define PUSH	    26 /* identifier, index, address, port */
#define LEARNED_MAX 256
#define STREAM_MAX  65536
#define DATAGRAMS   32
#define ASKED_MAX   8
#define REQUEST_0_4 "GNUTELLA CONNECT/0.4"

enum type { PING = 0x00, PONG_TYPE = 0x01, PUSH_TYPE = 0x40, HIT_TYPE = 0x81 };

/* One direction of a connection. */
struct half {
	uint8_t blocks; /* blocks of lines still to come before the descriptors */
	uint16_t line_len;
	uint8_t have;	      /* bytes of the header */
	uint8_t kept;	      /* of the payload */
	uint32_t left;	      /* of the payload */
	char line[LINES_MAX]; /* line_len LINES_MAX: the rest of the line is discarded */
	uint8_t header[HEADER];
	uint8_t keep[KEEP];
};

struct gnutella {
	bool packed; /* the data after the handshake is compressed */
	bool broken;
	uint16_t learned;
	uint32_t bytes;
	uint16_t datagrams;
	struct {
		uint8_t guid[GUID];
		bool waits, from_origin;
	} asked[ASKED_MAX]; /* pings; the oldest is replaced */
	uint8_t next;
	struct half half[2]; /* TCP only; 1: of the originator */
};

/* The current message. */
struct reading {
	const struct app_services *s;
	const struct app_message *m;
	struct gnutella *g;
};

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Learns an endpoint for the host at the other end only, because a peer names it to that host. */
static void learn(const struct reading *r, const uint32_t addr[4], uint16_t port)
{
	if (r->g->learned >= LEARNED_MAX || !peer_is_third_party(r->m, addr, port))
		return;
	r->g->learned++;
	peer_learn_app(r->s, NAME, r->m->domain, r->m->dst, addr, port, WEIR_SOURCE_GNUTELLA);
}

static void learn_v4(const struct reading *r, const uint8_t *address, uint16_t port)
{
	uint32_t addr[4], v4;

	memcpy(&v4, address, sizeof(v4));
	address_from_v4(addr, v4);
	learn(r, addr, port);
}

/* ---- the handshake ---- */

/* Parses "address:port" at *at and moves *at behind it. */
static bool take_place(const char **at, uint32_t addr[4], uint16_t *port)
{
	int64_t number;

	if (text_address(at, ":,", addr) < 0 || **at != ':')
		return false;
	++*at;
	number = text_number(at, UINT16_MAX);
	*port = (uint16_t)number;
	return number > 0;
}

/* Parses a comma-separated list of addresses; other fields of an entry (a hub's age) are
 * ignored. */
static void read_places(const struct reading *r, const char *text)
{
	uint32_t addr[4];
	uint16_t port;

	while (*text) {
		text += strspn(text, " \t,");
		if (take_place(&text, addr, &port))
			learn(r, addr, port);
		text += strcspn(text, ",");
	}
}

/* The sender's own listening port. Behind NAT the address differs, but the port is usually the
 * same. On a TCP connection the source is not spoofed. */
static void read_own_place(const struct reading *r, const char *text)
{
	uint32_t addr[4];
	uint16_t port;

	text += strspn(text, " \t");
	if (take_place(&text, addr, &port))
		peer_learn_app(r->s, NAME, r->m->domain, NULL, r->m->src, port,
			       WEIR_SOURCE_GNUTELLA);
}

static void read_line(const struct reading *r, const char *line)
{
	static const char *const others[] = {"X-Try:", "X-Try-Ultrapeers:", "X-Try-Hubs:"};
	static const char *const own[] = {"Node:", "X-Node:", "Listen-IP:", "X-My-Address:"};
	const char *value;

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		if ((value = text_after(line, others[i])))
			read_places(r, value);
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if ((value = text_after(line, own[i])))
			read_own_place(r, value);
	value = text_after(line, "Content-Encoding:");
	if (value && strstr(value, "deflate"))
		r->g->packed = true;
	/* The oldest handshake has one message in each direction. */
	if (r->m->from_origin && text_after(line, REQUEST_0_4))
		r->g->half[1].blocks = 1;
	/* Any answer, also a refusal, shows that Gnutella is served at the port. */
	if (!r->m->from_origin && text_after(line, "GNUTELLA"))
		peer_learn_app(r->s, NAME, r->m->domain, NULL, r->m->src, r->m->sport,
			       WEIR_SOURCE_HANDSHAKE);
}

/* The line is complete. */
static void line_end(const struct reading *r, struct half *h)
{
	size_t len = h->line_len;

	h->line_len = 0;
	if (len == LINES_MAX)
		return;
	if (len > 0 && h->line[len - 1] == '\r')
		len--;
	h->line[len] = '\0';
	if (len == 0)
		h->blocks--;
	else
		read_line(r, h->line);
}

/* Consumes bytes of a line. Returns their number. */
static size_t take_line(const struct reading *r, struct half *h, const uint8_t *data, size_t len)
{
	const uint8_t *end = memchr(data, '\n', len);
	size_t piece = end ? (size_t)(end - data) : len;
	size_t room = least(LINES_MAX - h->line_len, piece);

	memcpy(h->line + h->line_len, data, room);
	h->line_len = (uint16_t)(h->line_len + room);
	if (!end)
		return len;
	line_end(r, h);
	return piece + 1;
}

/* ---- descriptors ---- */

static bool is_answer(struct gnutella *g, const uint8_t *guid, bool from_origin)
{
	for (size_t i = 0; i < ASKED_MAX; i++) {
		if (!g->asked[i].waits || g->asked[i].from_origin == from_origin ||
		    memcmp(g->asked[i].guid, guid, GUID) != 0)
			continue;
		g->asked[i].waits = false;
		return true;
	}
	return false;
}

static void note_ping(struct gnutella *g, const uint8_t *guid, bool from_origin)
{
	memcpy(g->asked[g->next].guid, guid, GUID);
	g->asked[g->next].waits = true;
	g->asked[g->next].from_origin = from_origin;
	g->next = (uint8_t)((g->next + 1) % ASKED_MAX);
}

/* payload: the first len bytes of the descriptor's payload. */
static void read_descriptor(const struct reading *r, uint8_t type, const uint8_t *payload,
			    size_t len)
{
	if (type == PONG_TYPE && len >= PONG)
		learn_v4(r, payload + 2, load_le16(payload));
	else if (type == HIT_TYPE && len >= HIT)
		learn_v4(r, payload + 3, load_le16(payload + 1));
	else if (type == PUSH_TYPE && len >= PUSH)
		learn_v4(r, payload + 20, load_le16(payload + 24));
}

static bool header_done(struct half *h)
{
	h->left = (uint32_t)load_le16(h->header + 19) | (uint32_t)load_le16(h->header + 21) << 16;
	h->kept = 0;
	return h->left <= LENGTH_MAX;
}

/* Consumes bytes of a stream of descriptors. Returns their number. */
static size_t take_bytes(const struct reading *r, struct half *h, const uint8_t *data, size_t len)
{
	size_t used, room;

	if (h->have < HEADER) {
		used = least(HEADER - h->have, len);
		memcpy(h->header + h->have, data, used);
		h->have = (uint8_t)(h->have + used);
		if (h->have < HEADER)
			return used;
		r->g->broken = !header_done(h);
	} else {
		used = least(h->left, len);
		room = least(KEEP - h->kept, used);
		memcpy(h->keep + h->kept, data, room);
		h->kept = (uint8_t)(h->kept + room);
		h->left -= (uint32_t)used;
	}
	if (h->left > 0 || r->g->broken)
		return used;
	h->have = 0;
	read_descriptor(r, h->header[GUID], h->keep, h->kept);
	return used;
}

/* ---- the module ---- */

/* Parses the next bytes. Returns whether to continue reading. */
static bool read_stream(const struct reading *r)
{
	struct half *h = &r->g->half[r->m->from_origin];
	const uint8_t *data = r->m->data;
	size_t len = r->m->len;

	while (len > 0 && !r->g->broken) {
		size_t used;

		if (h->blocks)
			used = take_line(r, h, data, len);
		else if (!r->g->packed)
			used = take_bytes(r, h, data, len);
		else
			break;
		data += used;
		len -= used;
	}
	r->g->bytes += (uint32_t)r->m->len;
	return !r->g->broken && r->g->bytes < STREAM_MAX &&
	       (!r->g->packed || r->g->half[0].blocks || r->g->half[1].blocks);
}

/* A pong that answers a ping shows that Gnutella is served at its source. Hits may come from any
 * host: over UDP nothing shows that they were requested. */
static bool read_datagram(const struct reading *r)
{
	const uint8_t *data = r->m->data;

	r->g->datagrams++;
	if (r->m->len < HEADER)
		return r->g->datagrams < DATAGRAMS;
	if (data[GUID] == PING)
		note_ping(r->g, data, r->m->from_origin);
	if (data[GUID] == PONG_TYPE && is_answer(r->g, data, r->m->from_origin)) {
		peer_learn_app(r->s, NAME, r->m->domain, r->m->dst, r->m->src, r->m->sport,
			       WEIR_SOURCE_GNUTELLA);
		read_descriptor(r, PONG_TYPE, data + HEADER, r->m->len - HEADER);
	}
	return r->g->datagrams < DATAGRAMS;
}

static bool feed(const struct app_services *s, const struct app_message *m, struct gnutella *g)
{
	const struct reading r = {.s = s, .m = m, .g = g};

	return m->proto == IPPROTO_TCP ? read_stream(&r) : read_datagram(&r);
}

static struct gnutella *state_new(uint8_t proto)
{
	struct gnutella *g;

	if (proto != IPPROTO_TCP)
		return calloc(1, offsetof(struct gnutella, half));
	g = calloc(1, sizeof(*g));
	if (!g)
		return NULL;
	/* 0.6: request, answer and confirmation of the originator. */
	g->half[0].blocks = 1;
	g->half[1].blocks = 2;
	return g;
}

static void gnutella_undecided(const struct app_services *s, const struct app_message *m,
			       void **state, struct app_finding *finding)
{
	(void)state;
	if (!finding->app && m->proto == IPPROTO_TCP && m->flow->midstream &&
	    gnutella_goes_on(m->data, m->len))
		(void)finding_name(s, NAME, WEIR_METHOD_SIGNATURE, 92, finding);
}

static unsigned int gnutella_wants(const struct app_services *s, const struct flow *f)
{
	return s->learn && f->method == WEIR_METHOD_SIGNATURE ? CONSUMER_BOTH : 0;
}

/* Requests for files use the same ports. */
static struct gnutella *begin(const struct app_message *m)
{
	if (m->proto == IPPROTO_TCP && (m->len < 8 || memcmp(m->data, "GNUTELLA", 8) != 0))
		return NULL;
	return state_new(m->proto);
}

static void gnutella_event(const struct app_services *s, const struct app_message *m,
			   const void *event, void **state, struct consumer_answer *answer)
{
	const struct stream_event *e = event;

	if (stream_has_bytes(e) && !*state)
		*state = begin(m);
	/* Nothing tells where the next descriptor begins. */
	if (e->kind == STREAM_GAP || (stream_has_bytes(e) && (!*state || !feed(s, m, *state))))
		answer->verb = CONSUMER_LEAVE;
}

CONSUMER(gnutella) = {
	.abi = CONSUMER_ABI,
	.name = NAME,
	.help = "places where peers wait",
	.module = NAME,
	.wants = gnutella_wants,
	.event = gnutella_event,
	.release = free,
};

const struct app_module gnutella_module = {
	.name = NAME,
	.category = "p2p",
	.help = "learns from peers where others wait; connections whose beginning was not seen",
	.proto = IPPROTO_TCP,
	.undecided = gnutella_undecided,
};
