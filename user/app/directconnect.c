// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unencrypted Direct Connect hubs: ADC 1.0 (5.3: INF, CTM; lines end with a line feed) and NMDC
 * ($ConnectToMe, $Search; commands end with "|"). Hubs relay the addresses and ports at which
 * clients listen for each other.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "app/consumer.h"
#include "app/module.h"
#include "app/peers.h"

#define NAME	  "directconnect"
#define LINE_MAX_ 1024
#define SIDS_MAX  256
#define SID	  4
/* Bytes of a connection between clients that are read: files follow. */
#define PEER_BYTES_MAX 16384

struct line {
	uint16_t len; /* LINE_MAX_ and above: the rest was discarded */
	char text[LINE_MAX_];
};

struct session {
	char sid[SID];
	uint32_t v4; /* IPv4 address, network order, 0: none */
};

struct directconnect {
	struct line line[2];
	uint32_t bytes;
	bool hub;
	uint16_t next;
	struct session sessions[SIDS_MAX]; /* the oldest is replaced */
};

static void learn(const struct app_services *s, const struct app_message *m, uint32_t v4,
		  unsigned int port)
{
	uint32_t addr[4];

	if (!v4 || port > UINT16_MAX)
		return;
	address_from_v4(addr, v4);
	if (m->from_origin)
		/* A client may announce its own ports, not those of other hosts. */
		peer_learn_app(s, NAME, m->domain, NULL, m->src, (uint16_t)port,
			       WEIR_SOURCE_DC_HUB);
	else if (peer_is_third_party(m, addr, (uint16_t)port))
		peer_learn_app(s, NAME, m->domain, m->dst, addr, (uint16_t)port,
			       WEIR_SOURCE_DC_HUB);
}

/* ---- ADC ---- */

static struct session *session_of(struct directconnect *d, const char *sid, bool make)
{
	struct session *x;

	for (unsigned int i = 0; i < SIDS_MAX; i++)
		if (memcmp(d->sessions[i].sid, sid, SID) == 0)
			return &d->sessions[i];
	if (!make)
		return NULL;
	x = &d->sessions[d->next];
	d->next = (uint16_t)((d->next + 1) % SIDS_MAX);
	*x = (struct session){0};
	memcpy(x->sid, sid, SID);
	return x;
}

/* The value of a named parameter (two letters), without the rest of the line; NULL if there is
 * none. */
static const char *parameter(const char *line, const char *name, char out[64])
{
	for (const char *at = strchr(line, ' '); at; at = strchr(at + 1, ' ')) {
		size_t len = strcspn(at + 1, " ");

		if (strncmp(at + 1, name, 2) != 0 || len < 2 || len - 2 >= 64)
			continue;
		memcpy(out, at + 3, len - 2);
		out[len - 2] = '\0';
		return out;
	}
	return NULL;
}

/* BINF sid ... I4address ... U4port: a client of the hub and the port on which it receives search
 * results. */
static void read_inf(struct directconnect *d, const struct app_services *s,
		     const struct app_message *m, const char *line)
{
	struct session *x = session_of(d, line + 5, true);
	struct in_addr address;
	unsigned int port;
	char text[64];

	if (parameter(line, "I4", text) && inet_pton(AF_INET, text, &address) == 1)
		x->v4 = address.s_addr;
	if (parameter(line, "U4", text) && sscanf(text, "%5u", &port) == 1)
		learn(s, m, m->from_origin ? m->src[3] : x->v4, port);
}

/* DCTM from to protocol port token: client "from" listens for a connection. */
static void read_ctm(struct directconnect *d, const struct app_services *s,
		     const struct app_message *m, const char *line)
{
	const struct session *x = session_of(d, line + 5, false);
	unsigned int port;

	if (sscanf(line, "%*4s %*4s %*4s ADC%*60s %5u", &port) != 1)
		return;
	if (m->from_origin)
		learn(s, m, m->src[3], port);
	else if (x)
		learn(s, m, x->v4, port);
}

static void read_adc(struct directconnect *d, const struct app_services *s,
		     const struct app_message *m, const char *line)
{
	if (strncmp(line, "HSUP ", 5) == 0)
		d->hub = true;
	if (!d->hub || strlen(line) < 10)
		return;
	if (strncmp(line + 1, "INF ", 4) == 0 && strchr("BDEF", line[0]))
		read_inf(d, s, m, line);
	else if (strncmp(line + 1, "CTM ", 4) == 0 && strchr("DE", line[0]))
		read_ctm(d, s, m, line);
}

/* ---- NMDC ---- */

/* Parses "address:port" at the beginning of the text. */
static void read_nmdc_place(const struct app_services *s, const struct app_message *m,
			    const char *text)
{
	struct in_addr address;
	char place[16];
	unsigned int port;

	if (sscanf(text, "%15[0-9.]:%5u", place, &port) == 2 &&
	    inet_pton(AF_INET, place, &address) == 1)
		learn(s, m, address.s_addr, port);
}

static void read_nmdc(struct directconnect *d, const struct app_services *s,
		      const struct app_message *m, const char *line)
{
	const char *at;

	if (strncmp(line, "$HubName ", 9) == 0 || strncmp(line, "$ValidateNick ", 14) == 0)
		d->hub = true;
	if (!d->hub)
		return;
	if (strncmp(line, "$ConnectToMe ", 13) == 0) {
		at = strchr(line + 13, ' ');
		if (at)
			read_nmdc_place(s, m, at + 1);
	} else if (strncmp(line, "$Search ", 8) == 0) {
		read_nmdc_place(s, m, line + 8);
	}
}

/* ---- the module ---- */

static void line_end(struct directconnect *d, const struct app_services *s,
		     const struct app_message *m, struct line *l, char end)
{
	size_t len = l->len;

	l->len = 0;
	if (len == 0 || len >= LINE_MAX_)
		return;
	l->text[len] = '\0';
	if (end == '|' || l->text[0] == '$')
		read_nmdc(d, s, m, l->text);
	else
		read_adc(d, s, m, l->text);
}

/* Parses the next bytes. Returns whether to continue reading. */
static bool feed(struct directconnect *d, const struct app_services *s, const struct app_message *m,
		 const uint8_t *data, size_t len)
{
	struct line *l = &d->line[m->from_origin];

	for (size_t i = 0; i < len; i++) {
		if (data[i] == '\n' || data[i] == '|')
			line_end(d, s, m, l, (char)data[i]);
		else if (l->len < LINE_MAX_)
			l->text[l->len++] = (char)(data[i] ? data[i] : ' ');
	}
	d->bytes += (uint32_t)len;
	return d->hub || d->bytes < PEER_BYTES_MAX;
}

static unsigned int directconnect_wants(const struct app_services *s, const struct flow *f)
{
	return s->learn && f->key.proto == IPPROTO_TCP && f->method == WEIR_METHOD_SIGNATURE
		       ? CONSUMER_BOTH
		       : 0;
}

static void directconnect_event(const struct app_services *s, const struct app_message *m,
				const void *event, void **state, struct consumer_answer *answer)
{
	const struct stream_event *e = event;
	struct directconnect *d = *state;

	if (d && e->kind == STREAM_GAP)
		d->line[m->from_origin].len = LINE_MAX_; /* the rest of that line is skipped */
	if (!stream_has_bytes(e))
		return;
	if (!d && (m->data[0] == '$' || (m->len > 4 && memcmp(m->data + 1, "SUP", 3) == 0)))
		d = *state = calloc(1, sizeof(*d));
	if (!d || !feed(d, s, m, m->data, m->len))
		answer->verb = CONSUMER_LEAVE;
}

CONSUMER(directconnect) = {
	.abi = CONSUMER_ABI,
	.name = NAME,
	.help = "places where clients of a hub wait",
	.module = NAME,
	.wants = directconnect_wants,
	.event = directconnect_event,
	.release = free,
};

const struct app_module directconnect_module = {
	.name = NAME,
	.category = "p2p",
	.help = "learns from hubs where clients wait for each other",
};
