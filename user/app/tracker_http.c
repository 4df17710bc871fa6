// SPDX-License-Identifier: GPL-2.0-only
/* Announces and scrapes over HTTP, and their answers. */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "app/bittorrent.h"
#include "app/consumer.h"
#include "app/finding.h"
#include "proto/bencode.h"
#include "proto/http.h"

/* ---- requests ---- */

struct span {
	const char *at;
	size_t len;
};

static bool span_is(struct span s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.at, text, s.len) == 0;
}

/* Cuts off and returns the part of s before the first `stop`; `stop` itself is removed. */
static struct span span_cut(struct span *s, char stop)
{
	const char *end = s->len ? memchr(s->at, stop, s->len) : NULL;
	struct span part = {s->at, end ? (size_t)(end - s->at) : s->len};
	size_t gone = part.len + (end ? 1 : 0);

	s->at += gone;
	s->len -= gone;
	return part;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Length of a percent-encoded value after decoding; 0 if the encoding is invalid. */
static size_t decoded_len(struct span s)
{
	size_t count = 0;

	for (size_t i = 0; i < s.len; i++, count++) {
		if (s.at[i] != '%')
			continue;
		if (s.len - i < 3 || !is_hex(s.at[i + 1]) || !is_hex(s.at[i + 2]))
			return 0;
		i += 2;
	}
	return count;
}

static uint16_t decimal_port(struct span s)
{
	unsigned long port = 0;

	if (s.len == 0 || s.len > 5)
		return 0;
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] < '0' || s.at[i] > '9')
			return 0;
		port = port * 10 + (unsigned long)(s.at[i] - '0');
	}
	return port <= 65535 ? (uint16_t)port : 0;
}

static bool path_is_scrape(struct span path)
{
	struct span last = path;

	while (path.len)
		last = span_cut(&path, '/');
	/* BEP 48: `announce` in the last part of the path becomes `scrape`; what follows it is
	 * unchanged. */
	return last.len >= 6 && memcmp(last.at, "scrape", 6) == 0;
}

static bool target_parse(struct span target, struct tracker_request *out)
{
	struct span path = span_cut(&target, '?');
	bool hash = false, peer = false;

	while (target.len) {
		struct span value = span_cut(&target, '&');
		struct span name = span_cut(&value, '=');

		if (span_is(name, "info_hash"))
			hash = decoded_len(value) == 20;
		else if (span_is(name, "peer_id"))
			peer = decoded_len(value) == 20;
		else if (span_is(name, "port"))
			out->port = decimal_port(value);
	}
	out->announce = hash && peer && out->port;
	return out->announce || (hash && path_is_scrape(path));
}

static bool request_of(const struct http_head *h, struct tracker_request *out)
{
	struct tracker_request request = {.port = 0};
	struct span target;

	target.at = http_head_text(h, HTTP_TARGET, &target.len);
	if (!http_head_is(h, HTTP_METHOD, "GET") || !target_parse(target, &request))
		return false;
	*out = request;
	return true;
}

bool tracker_request_parse(const uint8_t *data, size_t len, struct tracker_request *out)
{
	char text[HTTP_HEAD_BYTES];
	struct http_head head;

	return len >= 4 && memcmp(data, "GET ", 4) == 0 &&
	       http_head_request_line(data, len, text, &head) && head.versioned &&
	       request_of(&head, out);
}

/* ---- answers ---- */

/* A connection on which a tracker was asked. */
struct tracker {
	struct bencode body;
	uint16_t waits;	  /* requests to a tracker that are not answered */
	bool close;	  /* the last of them asked to close the connection */
	bool until_close; /* the connection's end ends this response */
	bool readable;	  /* this response can contain peers */
	bool failure;	  /* the tracker refused */
	uint16_t own;	  /* port that the client announced, 0 = none, or learned already */
	uint16_t peers;
	uint32_t body_bytes;
	uint8_t part[18]; /* compact entry */
	char ip[ADDRESS_TEXT_MAX];
	uint8_t ip_len; /* length of `ip`; sizeof(ip): too long */
	int64_t port;	/* -1: none so far */
};

/* Context of the callbacks: the answer being parsed. */
struct reading {
	struct tracker *t;
	const struct app_services *s;
	const struct app_message *m;
};

static void compact_read(const struct reading *r, const struct bencode_event *e, size_t size)
{
	struct tracker *t = r->t;

	if (e->total % size)
		return;
	for (size_t i = 0; i < e->len && t->peers < TRACKER_PEERS_MAX; i++) {
		size_t at = (e->offset + i) % size;

		t->part[at] = e->data[i];
		if (at + 1 < size)
			continue;
		peer_learn_compact(r->s, r->m, t->part, size, WEIR_SOURCE_HTTP_TRACKER);
		t->peers++;
	}
}

static void ip_read(struct tracker *t, const struct bencode_event *e)
{
	if (e->total >= sizeof(t->ip)) {
		t->ip_len = sizeof(t->ip);
		return;
	}
	memcpy(t->ip + e->offset, e->data, e->len);
	t->ip_len = (uint8_t)(e->offset + e->len);
}

/* The end of a dictionary of the peer list. Host names are ignored, since they are not resolved
 * here. */
static void entry_end(const struct reading *r)
{
	struct tracker *t = r->t;
	uint32_t addr[4];

	if (t->peers == TRACKER_PEERS_MAX)
		return;
	t->peers++;
	if (t->ip_len == 0 || t->ip_len == sizeof(t->ip) || t->port < 1 || t->port > 65535)
		return;
	t->ip[t->ip_len] = '\0';
	t->ip_len = 0;
	if (address_parse(t->ip, addr) == 0)
		peer_learn_named(r->s, r->m, addr, (uint16_t)t->port, WEIR_SOURCE_HTTP_TRACKER);
}

static void entry_event(const struct reading *r, const struct bencode *b,
			const struct bencode_event *e)
{
	struct tracker *t = r->t;

	if (e->depth == 2 && e->kind == BENCODE_DICT) {
		t->ip_len = 0;
		t->port = -1;
	}
	if (e->depth == 2 && e->kind == BENCODE_END)
		entry_end(r);
	if (e->depth != 3)
		return;
	if (e->kind == BENCODE_TEXT && strcmp(bencode_key(b, 2), "ip") == 0)
		ip_read(t, e);
	if (e->kind == BENCODE_INTEGER && strcmp(bencode_key(b, 2), "port") == 0)
		t->port = e->integer;
}

/* d .. 5:peers <compact or list> 6:peers6 <compact> .. e */
static void answer_event(void *arg, const struct bencode *b, const struct bencode_event *e)
{
	const struct reading *r = arg;
	const char *key = bencode_key(b, 0);

	if (e->depth == 0 && e->kind == BENCODE_DICT) {
		peer_learn_own(r->s, r->m, r->t->own);
		r->t->own = 0;
	}
	/* Keys are sorted (BEP 3), so a refusal comes before any peer. */
	if (strcmp(key, "failure reason") == 0)
		r->t->failure = true;
	if (r->t->failure)
		return;
	if (strcmp(key, "peers6") == 0 && e->depth == 1 && e->kind == BENCODE_TEXT)
		compact_read(r, e, 18);
	if (strcmp(key, "peers") != 0)
		return;
	if (e->depth == 1 && e->kind == BENCODE_TEXT)
		compact_read(r, e, 6);
	else
		entry_event(r, b, e);
}

static void response_begin(struct tracker *t, const struct http_head *h)
{
	bencode_init(&t->body);
	/* A compressed body is not parsed: trackers answer in a few hundred bytes. */
	t->readable = h->status == 200 && !h->encoded && !h->coded;
	t->until_close = !h->chunked && h->length == HTTP_LENGTH_UNKNOWN;
	t->failure = false;
	t->peers = 0;
	t->ip_len = 0;
	t->body_bytes = 0;
}

/* Whether more of the response may say something. */
static bool body_read(const struct reading *r, const uint8_t *data, size_t len)
{
	struct tracker *t = r->t;

	if (len > TRACKER_BODY_MAX - t->body_bytes)
		len = TRACKER_BODY_MAX - t->body_bytes;
	t->body_bytes += (uint32_t)len;
	if (t->readable && bencode_feed(&t->body, data, len, NULL, answer_event, (void *)r) != 0)
		t->readable = false;
	/* No tracker sends this much. */
	return t->body_bytes < TRACKER_BODY_MAX;
}

static void response_event(const struct reading *r, const struct http_event *e,
			   struct consumer_answer *answer)
{
	struct tracker *t = r->t;

	if (e->kind == HTTP_RESPONSE) {
		response_begin(t, e->head);
	} else if (e->kind == HTTP_BODY) {
		if (e->stream.kind != STREAM_DATA)
			t->readable = false;
		else if (!body_read(r, e->stream.data, (size_t)e->stream.len))
			t->waits = 0;
		if (!t->readable && t->until_close)
			answer->verb = CONSUMER_LEAVE;
	} else if (e->kind == HTTP_END) {
		t->waits -= t->waits > 0;
		if (t->close || e->last)
			answer->verb = CONSUMER_LEAVE;
	} else if (e->kind == HTTP_LOST) {
		t->waits = 0;
	}
	if (e->kind != HTTP_END && !t->waits && t->body_bytes >= TRACKER_BODY_MAX)
		answer->sides = CONSUMER_CLIENT;
}

/* ---- the consumer ---- */

static void request_event(const struct app_services *s, const struct http_event *e, void **state,
			  struct consumer_answer *answer)
{
	struct tracker_request request;
	struct tracker *t = *state;

	if (!request_of(e->head, &request)) {
		/* Other answers on this connection are not read: they may be large. */
		if (!t || !t->waits)
			answer->sides = CONSUMER_CLIENT;
		return;
	}
	/* A web front end may serve other sites on the tracker's port: nothing is said of that. */
	(void)finding_name(s, BITTORRENT_NAME, WEIR_METHOD_SIGNATURE, 100, &answer->finding);
	if (!t && s->learn)
		t = *state = calloc(1, sizeof(*t));
	if (!t)
		return;
	t->waits += t->waits < UINT16_MAX;
	t->close = e->head->close;
	t->own = request.port;
	answer->sides = CONSUMER_BOTH;
}

static void tracker_event(const struct app_services *s, const struct app_message *m,
			  const void *event, void **state, struct consumer_answer *answer)
{
	const struct http_event *e = event;
	struct reading r = {.t = *state, .s = s, .m = m};

	if (e->kind == HTTP_REQUEST)
		request_event(s, e, state, answer);
	else if (e->side == STREAM_CLIENT && (e->kind == HTTP_TUNNEL || e->kind == HTTP_LOST))
		answer->verb = CONSUMER_LEAVE;
	else if (e->side == STREAM_SERVER && r.t)
		response_event(&r, e, answer);
}

/* Whether payload has identified the flow, or it goes on after a restart. */
static bool is_known(const struct flow *f)
{
	return f->method == WEIR_METHOD_SIGNATURE || f->method == WEIR_METHOD_HANDSHAKE ||
	       f->method == WEIR_METHOD_NONE;
}

/* Any connection that speaks HTTP may get a request to a tracker: a site's own, a proxy's. Of one
 * that began with it the answer may be here already. */
static unsigned int tracker_wants(const struct app_services *s, const struct flow *f)
{
	bool begins = f->app == app_registry_find(s->registry, BITTORRENT_NAME);
	unsigned int sides = begins ? CONSUMER_BOTH : CONSUMER_CLIENT;
	const uint8_t *data;
	size_t len;

	if (f->key.proto != IPPROTO_TCP || !is_known(f))
		return 0;
	data = flow_stream_data(f, f->origin, &len);
	return !len || reader_http.guess(STREAM_CLIENT, data, len) != READER_NO ? sides : 0;
}

static const char *const any[] = {"*", NULL};

CONSUMER(tracker) = {
	.abi = CONSUMER_ABI,
	.name = "tracker",
	.help = "announces and scrapes among the requests of HTTP connections, and their answers",
	.module = BITTORRENT_NAME,
	.apps = any,
	.reader = &reader_http,
	.wants = tracker_wants,
	.event = tracker_event,
	.release = free,
};
