// SPDX-License-Identifier: GPL-2.0-only
/*
 * Details from a flow's first messages beyond its application: TLS, DTLS, QUIC, HTTP. Those of TCP
 * are in the flow's streams; handshakes in datagrams are reassembled into the same streams.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "inspect/state.h"
#include "proto/certificate.h"
#include "proto/dtls.h"
#include "proto/hello.h"
#include "proto/hostname.h"
#include "proto/http_head.h"
#include "proto/ja4.h"
#include "util/util.h"

/* A header section that is incomplete after so many calls is sent byte by byte on purpose. */
#define LOOKS_MAX      64
#define TLS_13	       0x0304
#define DTLS_HELLO_MAX 1024

static bool is_done(const struct glance *g, unsigned int what)
{
	return g->j->described & what;
}

/* Whether details other than the host name are used, by listings or events. */
static bool is_shown(const struct glance *g)
{
	return is_offline(g->i) || g->i->settings.read_on;
}

/* Details from one message, stored together at its end. */
struct notes {
	struct flow_value value[6];
	size_t count;
};

static void note(struct notes *n, enum flow_text which, const void *text, size_t len)
{
	n->value[n->count++] = (struct flow_value){.which = which, .text = text, .len = len};
}

static void note_hostname(struct notes *n, const char *name, enum flow_name_source source)
{
	note(n, FLOW_HOSTNAME, name, strlen(name));
	n->value[n->count - 1].source = source;
}

static void notes_keep(struct glance *g, const struct notes *n)
{
	flow_set_texts(g->f, n->value, n->count);
}

static void set_text(struct glance *g, enum flow_text which, struct bytes text)
{
	if (is_shown(g))
		flow_set_text(g->f, which, text.at, text.len);
}

/* The flow's record of numeric details; NULL if nobody uses them. */
static struct flow_details *numbers_of(struct glance *g)
{
	return is_shown(g) ? flow_details_get(g->f) : NULL;
}

/* ---- TLS ---- */

/* Writes the names separated by commas. Returns the number of bytes. */
static size_t protocols_text(struct bytes list, char *text, size_t cap)
{
	size_t used = 0;
	struct bytes name = {0};

	while (hello_next_protocol(&list, &name) && used + name.len + 1 < cap) {
		if (used)
			text[used++] = ',';
		for (size_t i = 0; i < name.len; i++)
			text[used++] = name.at[i] == ',' ? '.' : (char)name.at[i];
	}
	return used;
}

static void note_version(struct glance *g, uint16_t version)
{
	struct flow_details *d = version ? numbers_of(g) : NULL;

	if (d)
		d->tls_version = version;
}

/* Notes what a complete hello contains. */
static void note_hello(struct glance *g, const struct client_hello *hello, char transport,
		       struct notes *n)
{
	char protocols[256], ja4[JA4_BYTES];

	note_version(g, hello->best_version);
	if (is_shown(g)) {
		note(n, FLOW_TLS_ALPN, protocols,
		     protocols_text(hello->protocols, protocols, sizeof(protocols)));
		if (ja4_make(hello, transport, ja4))
			note(n, FLOW_TLS_JA4, ja4, strlen(ja4));
	}
	notes_keep(g, n);
}

/* transport: as in ja4_make(). data begins with the handshake message. */
static int note_client_hello(struct glance *g, const uint8_t *data, size_t len, char transport)
{
	struct notes n = {.count = 0};
	struct client_hello hello;
	char name[HOSTNAME_BYTES];
	int rc = hello_read_client(data, len, transport == 'd', &hello);

	if (!flow_get_text(g->f, FLOW_TLS_SNI)[0] &&
	    hostname_copy(hello.name.at, hello.name.len, name, sizeof(name))) {
		note(&n, FLOW_TLS_SNI, name, strlen(name));
		note_hostname(&n, name, transport == 'q' ? FLOW_NAME_QUIC : FLOW_NAME_SNI);
	}
	if (rc > 0)
		note_hello(g, &hello, transport, &n);
	else
		notes_keep(g, &n);
	if (rc != -EAGAIN)
		g->j->described |= DESCRIBED_CLIENT;
	return rc == -EAGAIN ? rc : rc > 0;
}

static void note_certificate(struct glance *g, struct bytes der)
{
	char name[HOSTNAME_BYTES];

	if (!certificate_name(der, name, sizeof(name)))
		return;
	set_text(g, FLOW_TLS_CERTIFICATE,
		 (struct bytes){.at = (const uint8_t *)name, .len = strlen(name)});
	/* "*.example.org" is reported as a name; text with spaces is not. */
	if (strchr(name, '.') && !strpbrk(name, " @/:"))
		flow_set_hostname(g->f, name, FLOW_NAME_CERTIFICATE);
}

/* data begins with the ServerHello. open: messages may follow. */
static int note_server_hello(struct glance *g, const uint8_t *data, size_t len, bool open)
{
	struct bytes der = {0};
	uint16_t version = 0;
	int rc = hello_read_server(data, len, &version);

	if (rc > 0) {
		note_version(g, version);
		if (version >= TLS_13)
			rc = 0; /* the certificate is encrypted */
		else
			rc = hello_find_certificate(data, len, &der);
	}
	if (rc > 0)
		note_certificate(g, der);
	if (rc == -EAGAIN && open)
		return rc;
	if (rc == -EAGAIN && der.len)
		note_certificate(g, der);
	g->j->described |= DESCRIBED_SERVER;
	return rc > 0;
}

static int read_tls(struct glance *g, const uint8_t *data, size_t len, bool full)
{
	uint8_t hello[HELLO_MAX];
	bool open;
	ssize_t used = hello_join_records(data, len, hello, sizeof(hello), &open);

	if (used < 0 || (len > 1 && data[1] != 3))
		return 0;
	if (used == 0)
		return -EAGAIN;
	if (hello[0] == HELLO_CLIENT)
		return is_done(g, DESCRIBED_CLIENT)
			       ? 0
			       : note_client_hello(g, hello, (size_t)used, 't');
	if (hello[0] == HELLO_SERVER && !is_done(g, DESCRIBED_SERVER))
		return note_server_hello(g, hello, (size_t)used, open && !full);
	return 0;
}

/* ---- HTTP ---- */

static void note_text(struct notes *n, enum flow_text which, const struct http_head *head,
		      enum http_text from)
{
	size_t len;
	const char *text = http_head_text(head, from, &len);

	note(n, which, text, len);
}

static void note_request(struct glance *g, const struct http_head *head)
{
	struct notes n = {.count = 0};
	char name[HTTP_HOSTNAME_BYTES];

	if (http_head_hostname(head, name, NULL))
		note_hostname(&n, name, FLOW_NAME_HTTP);
	if (is_shown(g)) {
		note_text(&n, FLOW_HTTP_METHOD, head, HTTP_METHOD);
		note_text(&n, FLOW_HTTP_URL, head, HTTP_TARGET);
		note_text(&n, FLOW_HTTP_HOST, head, HTTP_HOST);
		note_text(&n, FLOW_HTTP_USER_AGENT, head, HTTP_USER_AGENT);
	}
	notes_keep(g, &n);
	g->j->described |= DESCRIBED_CLIENT;
}

static void note_response(struct glance *g, const struct http_head *head)
{
	struct flow_details *d = numbers_of(g);
	struct notes n = {.count = 0};

	if (d)
		d->http_status = head->status;
	if (is_shown(g))
		note_text(&n, FLOW_HTTP_CONTENT_TYPE, head, HTTP_CONTENT_TYPE);
	notes_keep(g, &n);
	g->j->described |= DESCRIBED_SERVER;
}

/* final: no more bytes will come. */
static int read_http(struct glance *g, const uint8_t *data, size_t len, bool final)
{
	struct http_head head;
	char text[HTTP_HEAD_BYTES];
	int rc = http_head_parse(data, len, text, &head);

	if (rc == 0 || (rc == -EAGAIN && !final))
		return rc;
	if (head.kept >> HTTP_METHOD & 1 && !is_done(g, DESCRIBED_CLIENT))
		note_request(g, &head);
	else if (head.status && !is_done(g, DESCRIBED_SERVER))
		note_response(g, &head);
	return 1;
}

/* ---- TCP ---- */

static int read_stream(struct glance *g, uint8_t dir, bool final)
{
	bool full = final || flow_stream_full(g->f, dir);
	const uint8_t *data;
	size_t len;
	int rc;

	data = flow_stream_data(g->f, dir, &len);
	if (len == 0)
		return 0;
	rc = data[0] == 0x16 ? read_tls(g, data, len, full) : read_http(g, data, len, full);
	return rc == -EAGAIN && full ? 0 : rc;
}

/* Whether there is more to wait for. If one side's message was recognised, the other's is waited
 * for. */
static bool read_tcp(struct glance *g, bool final)
{
	bool wait = false;

	for (uint8_t dir = 0; dir < 2; dir++)
		wait |= read_stream(g, dir, final) == -EAGAIN;
	return wait || g->j->described == DESCRIBED_CLIENT || g->j->described == DESCRIBED_SERVER;
}

/* ---- datagrams ---- */

/* Adds a piece of a handshake to the stream in which TCP has its first message. */
static void add_piece(struct glance *g, uint8_t dir, uint32_t offset, const uint8_t *data,
		      size_t len)
{
	flow_stream_push(g->i->table, g->f, dir, true, UINT32_MAX, offset, data, len);
}

/* Returns true until the hello is complete (RFC 8446, 4: type, 24 bits of length). */
static bool add_crypto(void *arg, uint32_t offset, const uint8_t *data, size_t len)
{
	struct glance *g = arg;
	const uint8_t *hello;
	size_t have;

	add_piece(g, g->f->origin, offset, data, len);
	hello = flow_stream_data(g->f, g->f->origin, &have);
	return have < 4 || have - 4 < bytes_number(hello + 1, 3);
}

/* A ServerHello is small, so one fragment contains all of it. */
static void note_dtls_version(struct glance *g, const struct dtls_fragment *f,
			      const uint8_t header[4])
{
	uint8_t message[4 + DTLS_HELLO_MAX];
	uint16_t version = 0;

	if (f->len != f->total || f->len > DTLS_HELLO_MAX)
		return;
	memcpy(message, header, 4);
	memcpy(message + 4, f->data, f->len);
	hello_read_server(message, 4 + f->len, &version);
	note_version(g, version);
}

/* Adds the message's header, then its fragments in order, as TLS would send it. */
static void add_fragment(void *arg, const struct dtls_fragment *f)
{
	struct glance *g = arg;
	uint8_t dir = g->p->dir;
	bool client = dir == g->f->origin;
	const uint8_t header[4] = {f->type, (uint8_t)(f->total >> 16), (uint8_t)(f->total >> 8),
				   (uint8_t)f->total};
	size_t have;

	flow_stream_data(g->f, dir, &have);
	if (!client && f->type == HELLO_SERVER)
		note_dtls_version(g, f, header);
	if (f->type != (client ? HELLO_CLIENT : HELLO_CERTIFICATE))
		return;
	/* After a HelloVerifyRequest the client repeats the hello with a cookie. */
	if (have == 0)
		g->j->dtls_sequence[dir] = f->sequence;
	else if (g->j->dtls_sequence[dir] != f->sequence)
		return;
	add_piece(g, dir, 0, header, sizeof(header));
	add_piece(g, dir, sizeof(header) + f->offset, f->data, f->len);
}

static bool read_dtls(struct glance *g)
{
	const struct packet *p = g->p;
	const uint8_t *data;
	struct bytes der = {0};
	size_t len;

	if (!dtls_read_handshake(p->frame + p->payload, p->payload_len, add_fragment, g))
		return false;
	data = flow_stream_data(g->f, p->dir, &len);
	if (len && p->dir == g->f->origin && !is_done(g, DESCRIBED_CLIENT)) {
		note_client_hello(g, data, len, 'd');
	} else if (len && p->dir != g->f->origin && !is_done(g, DESCRIBED_SERVER) &&
		   hello_find_certificate(data, len, &der) > 0) {
		note_certificate(g, der);
		g->j->described |= DESCRIBED_SERVER;
	}
	return true;
}

static void note_chlo(struct glance *g, const uint8_t *data, size_t len)
{
	char name[HOSTNAME_BYTES];

	if (hostname_from_chlo(data, len, name, sizeof(name)) <= 0)
		return;
	flow_set_hostname(g->f, name, FLOW_NAME_QUIC);
	g->j->described |= DESCRIBED_CLIENT | DESCRIBED_SERVER;
}

/* Reads a datagram. Returns whether the flow is QUIC, which is when the connection's version is
 * known. */
static bool read_quic(struct glance *g)
{
	const struct packet *p = g->p;
	const uint8_t *datagram = p->frame + p->payload, *data;
	struct flow_details *d;
	size_t len;

	if (p->dir != g->f->origin)
		return g->j->quic.version != 0;
	quic_read_initials(g->i->secret, datagram, p->payload_len, &g->j->quic, add_crypto, g);
	data = flow_stream_data(g->f, g->f->origin, &len);
	if (len == 0) {
		note_chlo(g, datagram, p->payload_len);
		return g->j->quic.version != 0;
	}
	d = numbers_of(g);
	if (d)
		d->quic_version = g->j->quic.version;
	if (data[0] != HELLO_CLIENT)
		note_chlo(g, data, len);
	else if (note_client_hello(g, data, len, 'q') != -EAGAIN)
		g->j->described |= DESCRIBED_SERVER; /* encrypted */
	return true;
}

/* Reads the current datagram, once. Returns whether further datagrams may add something. */
static bool read_datagram(struct glance *g)
{
	const struct packet *p = g->p;

	if (!p || p->payload_len == 0 || g->j->described == DESCRIBED_ALL)
		return false;
	if (g->j->read_frame != g->f->frames) {
		g->j->read_frame = g->f->frames;
		if (!read_dtls(g) && !read_quic(g))
			note_chlo(g, p->frame + p->payload, p->payload_len);
	}
	return g->j->described != DESCRIBED_ALL &&
	       (g->j->quic.version != 0 || g->f->stream[0] || g->f->stream[1]);
}

/* ---- the rest ---- */

enum describe_quic describe_quic(struct glance *g, const uint8_t **hello, size_t *len)
{
	const struct packet *p = g->p;

	if (!p || (!g->j->quic.version && !quic_version_of(p->frame + p->payload, p->payload_len)))
		return DESCRIBE_NONE;
	read_datagram(g);
	if (!g->j->quic.known || flow_stream_full(g->f, g->f->origin))
		return DESCRIBE_NONE;
	if (!is_done(g, DESCRIBED_CLIENT))
		return DESCRIBE_PENDING;
	*hello = flow_stream_data(g->f, g->f->origin, len);
	return *len ? DESCRIBE_HELLO : DESCRIBE_NONE;
}

/* Takes the name under which the originator resolved the responder's address. */
static void name_by_dns(struct glance *g)
{
	const struct flow *f = g->f;
	struct name_key key = {.domain = f->key.domain};
	char name[NAME_TEXT_MAX + 1];

	if (!g->i->settings.names || flow_hostname(f)[0])
		return;
	memcpy(key.host, f->key.addr[f->origin], sizeof(key.host));
	memcpy(key.address, f->key.addr[!f->origin], sizeof(key.address));
	if (names_find(g->i->settings.names, &key, g->i->now_ns, name))
		flow_set_hostname(g->f, name, FLOW_NAME_DNS);
}

void describe_flow(struct glance *g, bool may_wait)
{
	struct judgement *j = g->j;
	bool wait = false;

	if (g->f->key.proto == IPPROTO_UDP)
		wait = read_datagram(g);
	else if (g->f->key.proto == IPPROTO_TCP)
		wait = read_tcp(g, !may_wait);
	name_by_dns(g);
	if (j->looks < LOOKS_MAX)
		j->looks++;
	g->f->reading = may_wait && wait && j->looks < LOOKS_MAX && j->described != DESCRIBED_ALL;
}
