// SPDX-License-Identifier: GPL-2.0-only
/* Tunnels behind CONNECT and 101: which bytes are theirs. */
#include <errno.h>
#include <string.h>

#include "proto/http_private.h"

void http_tunnel_data(const struct http_reading *r, const uint8_t *data, size_t len)
{
	if (len)
		http_tell_piece(r, HTTP_TUNNEL, STREAM_DATA, data, len);
}

void http_tunnel_begin(const struct http_reading *r, enum http_tunnel kind)
{
	struct http_side *s = r->s;
	size_t line = s->line;

	r->c->tunnel = (uint8_t)kind;
	s->stage = IN_TUNNEL;
	s->doubt = HTTP_TUNNEL_NONE;
	s->line = 0;
	s->at = 0;
	s->gaps = false;
	http_tunnel_data(r, (const uint8_t *)s->head.text, line);
}

/* A line that may be the tunnel's first bytes: whether it is a request to the proxy or server. */
static int is_request(const struct http_side *s)
{
	static const char absolute[] = "http://";
	const char *line = s->head.text;
	int n = http_head_method(line, s->line);
	size_t rest;

	if (n <= 0 || s->doubt == HTTP_TUNNEL_UPGRADE || memcmp(line, "CONNECT ", 8) == 0)
		return n;
	/* A proxy is asked in absolute form, and what lies behind it is not. */
	rest = s->line - (size_t)n;
	if (memcmp(line + n, absolute, rest < 7 ? rest : 7) != 0)
		return 0;
	return rest < 7 ? -EAGAIN : 1;
}

size_t http_tunnel_doubt(const struct http_reading *r, const uint8_t *data, size_t len)
{
	struct http_side *s = r->s;
	size_t at = 0;
	int rc = -EAGAIN;

	if (s->line == 0)
		http_head_begin_side(r);
	s->long_line = false;
	while (at < len && rc == -EAGAIN) {
		s->head.text[s->line++] = (char)data[at++];
		rc = is_request(s);
	}
	if (rc == 0)
		http_tunnel_begin(r, s->doubt);
	else if (rc > 0)
		s->doubt = HTTP_TUNNEL_NONE;
	return at;
}

void http_tunnel_settle(const struct http_reading *r)
{
	if (http_is_client(r) && r->s->stage == AT_START && r->s->doubt &&
	    r->c->opened == r->s->doubt)
		http_tunnel_begin(r, r->s->doubt);
}

void http_tunnel_answer(const struct http_reading *r, enum http_tunnel opened)
{
	struct http_reading client = http_other_side(r);

	r->c->opened = (uint8_t)opened;
	if (opened)
		http_tunnel_settle(&client);
	else if (http_tx_now(client.s) == http_tx_now(r->s))
		client.s->doubt = HTTP_TUNNEL_NONE;
}
