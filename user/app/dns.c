// SPDX-License-Identifier: GPL-2.0-only
/*
 * DNS: answers give the names of the addresses that a host connects to next. An answer counts if
 * the same flow carried its question: same identifier, name and type, from the other side.
 */
#include <netinet/in.h>
#include <string.h>

#include "app/consumer.h"
#include "app/dns.h"
#include "app/module.h"
#include "util/util.h"

#define NAME		 "dns"
#define PENDING_MAX	 8    /* unanswered questions of a flow; the oldest is replaced */
#define MESSAGE_MAX	 4096 /* bytes over TCP; longer messages are skipped */
#define TCP_MESSAGES_MAX 256  /* messages of a flow that are read: a zone transfer is of no use */

struct pending {
	bool used, from_origin;
	uint16_t id, type;
	uint64_t name;
};

/* Reassembles the length-prefixed messages of one direction (RFC 1035, 4.2.2). */
struct assembly {
	uint8_t head[2];
	uint8_t head_have;
	uint16_t have;
	uint8_t *data; /* NULL while a message is skipped */
};

struct dns {
	struct pending pending[PENDING_MAX];
	uint8_t next;
	uint16_t messages;
	struct assembly stream[2]; /* TCP, by direction */
};

/* Names are compared by hash: a false match would also need the same identifier and ports. */
static uint64_t name_sum(const char *name)
{
	static const uint64_t key[2] = {0x646e73, 0x6e616d65};

	return hash_keyed(key, name, strlen(name));
}

static struct pending *pending_find(struct dns *d, const struct dns_question *q, bool from_origin)
{
	uint64_t name = name_sum(q->name);

	for (size_t i = 0; i < PENDING_MAX; i++) {
		struct pending *p = &d->pending[i];

		if (p->used && p->from_origin == from_origin && p->id == q->id &&
		    p->type == q->type && p->name == name)
			return p;
	}
	return NULL;
}

static void tell_question(const struct app_services *s, const struct app_message *m,
			  const struct dns_question *q)
{
	struct app_dns asked = {.query = true, .id = q->id, .flags = q->flags, .type = q->type};

	memcpy(asked.name, q->name, sizeof(asked.name));
	if (s->answered)
		s->answered(s->arg, m, &asked);
}

/* False: it is a repetition. */
static bool note_question(struct dns *d, const struct dns_question *q, bool from_origin)
{
	if (pending_find(d, q, from_origin))
		return false;
	d->pending[d->next] = (struct pending){
		.used = true,
		.from_origin = from_origin,
		.id = q->id,
		.type = q->type,
		.name = name_sum(q->name),
	};
	d->next = (d->next + 1) % PENDING_MAX;
	return true;
}

/* Reads a message. Returns whether it is a DNS message. */
static bool read_message(struct dns *d, const struct app_services *s, const struct app_message *m,
			 const uint8_t *data, size_t len)
{
	struct dns_question q;
	struct pending *asked;
	struct app_dns answer;

	if (!dns_read_question(data, len, &q))
		return false;
	if (!q.response) {
		if (note_question(d, &q, m->from_origin))
			tell_question(s, m, &q);
		return true;
	}
	asked = pending_find(d, &q, !m->from_origin);
	if (!asked)
		return true;
	asked->used = false;
	dns_read_answers(data, len, &q, &answer);
	if (s->answered)
		s->answered(s->arg, m, &answer);
	return true;
}

/* ---- TCP ---- */

static void assembly_reset(struct assembly *a)
{
	free(a->data);
	*a = (struct assembly){0};
}

/* Consumes the bytes of the current message. Returns their number. */
static size_t assembly_feed(struct assembly *a, const uint8_t *data, size_t len, uint16_t *whole)
{
	uint16_t need;
	size_t take;

	*whole = 0;
	if (a->head_have < sizeof(a->head)) {
		a->head[a->head_have++] = data[0];
		return 1;
	}
	need = (uint16_t)(a->head[0] << 8 | a->head[1]);
	take = len < (size_t)(need - a->have) ? len : (size_t)(need - a->have);
	if (!a->data && a->have == 0 && need <= MESSAGE_MAX)
		a->data = malloc(need ? need : 1);
	if (a->data && take)
		memcpy(a->data + a->have, data, take);
	a->have = (uint16_t)(a->have + take);
	if (a->have == need)
		*whole = need;
	return take;
}

static void read_stream(struct dns *d, const struct app_services *s, const struct app_message *m)
{
	struct assembly *a = &d->stream[m->dir & 1];
	size_t at = 0;

	while (at < m->len) {
		uint16_t whole;

		at += assembly_feed(a, m->data + at, m->len - at, &whole);
		if (a->head_have < sizeof(a->head) ||
		    a->have < (uint16_t)(a->head[0] << 8 | a->head[1]))
			continue;
		if (a->data)
			read_message(d, s, m, a->data, whole);
		d->messages++;
		assembly_reset(a);
	}
}

/* ---- the module ---- */

static void dns_read(struct dns *d, const struct app_services *s, const struct app_message *m,
		     struct consumer_answer *answer)
{
	if (m->proto == IPPROTO_TCP)
		read_stream(d, s, m);
	else if (!read_message(d, s, m, m->data, m->len))
		d->messages++;
	if (d->messages >= TCP_MESSAGES_MAX)
		answer->verb = CONSUMER_LEAVE;
}

static struct dns *state_get(void **state)
{
	if (!*state)
		*state = calloc(1, sizeof(struct dns));
	return *state;
}

static unsigned int dns_wants(const struct app_services *s, const struct flow *f)
{
	bool port = f->key.port[0] == htons(53) || f->key.port[1] == htons(53);

	(void)s;
	return port && f->method == WEIR_METHOD_SIGNATURE ? CONSUMER_BOTH : 0;
}

static void dns_event(const struct app_services *s, const struct app_message *m, const void *event,
		      void **state, struct consumer_answer *answer)
{
	const struct stream_event *e = event;
	struct dns *d = state_get(state);

	/* Nothing tells where the next message begins. */
	if (!d || (e->kind == STREAM_GAP && e->len))
		answer->verb = CONSUMER_LEAVE;
	else if (stream_has_bytes(e) && m->len)
		dns_read(d, s, m, answer);
}

static void dns_release(void *state)
{
	struct dns *d = state;

	if (!d)
		return;
	assembly_reset(&d->stream[0]);
	assembly_reset(&d->stream[1]);
	free(d);
}

static const char *const dns_apps[] = {NAME, NULL};

CONSUMER(dns) = {
	.abi = CONSUMER_ABI,
	.name = NAME,
	.help = "questions and answers",
	.module = NAME,
	.apps = dns_apps,
	.wants = dns_wants,
	.event = dns_event,
	.release = dns_release,
};

const struct app_module dns_module = {
	.name = NAME,
	.category = "network",
	.help = "learns from answers which names the addresses have that a host asked for",
};
