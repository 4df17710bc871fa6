// SPDX-License-Identifier: GPL-2.0-only
/*
 * DNS: answers give the names of the addresses that a host connects to next. An answer counts if
 * the same flow carried its question: same identifier, name and type, from the other side.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "app/consumer.h"
#include "app/module.h"
#include "proto/dns.h"
#include "util/util.h"

#define NAME		 "dns"
#define PENDING_MAX	 8   /* unanswered questions of a flow; the oldest is replaced */
#define TCP_MESSAGES_MAX 256 /* messages of a flow that are read: a zone transfer is of no use */
#define RECORDS_MAX	 64  /* records of a section that are read at most */
#define CHAIN_MAX	 8   /* length of an alias chain at most */

_Static_assert(NAME_TEXT_MAX == DNS_NAME_MAX, "names are kept whole");

struct pending {
	bool used, from_origin;
	uint16_t id, type;
	uint64_t name;
};

struct dns {
	struct pending pending[PENDING_MAX];
	uint8_t next;
	uint16_t messages;
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

/* ---- answers ---- */

static struct app_dns_record *add_record(struct app_dns *out, const struct dns_record *r)
{
	struct app_dns_record *slot = &out->record[out->count];

	if (out->count == APP_DNS_RECORDS_MAX)
		return NULL;
	memset(slot, 0, sizeof(*slot));
	slot->type = r->type;
	slot->ttl_seconds = r->ttl_seconds;
	out->count++;
	return slot;
}

/* Replaces name by its alias, if it has one. */
static bool follow_alias(const uint8_t *data, size_t len, const struct dns_question *q,
			 const char *name, struct app_dns *out)
{
	size_t at = q->end;
	struct dns_record r;

	for (unsigned int n = 0; n < q->answers && n < RECORDS_MAX; n++) {
		struct app_dns_record *slot;
		size_t target;

		if (!dns_next_record(data, len, &at, &r))
			return false;
		target = r.at;
		if (r.type != DNS_TYPE_CNAME || r.class != DNS_CLASS_IN ||
		    strcmp(r.owner, name) != 0)
			continue;
		slot = add_record(out, &r);
		if (!slot)
			return false;
		if (dns_read_name(data, r.at + r.len, &target, slot->target))
			return true;
		out->count--;
		return false;
	}
	return false;
}

static void add_address(const uint8_t *data, const struct dns_record *r, struct app_dns *out)
{
	bool v4 = r->type == DNS_TYPE_A && r->len == 4;
	bool v6 = r->type == DNS_TYPE_AAAA && r->len == 16;
	struct app_dns_record *slot = v4 || v6 ? add_record(out, r) : NULL;
	uint32_t address;

	if (!slot)
		return;
	if (v4) {
		memcpy(&address, data + r->at, sizeof(address));
		address_from_v4(slot->address, address);
	} else {
		memcpy(slot->address, data + r->at, sizeof(slot->address));
	}
}

/*
 * The answers to q in the same message: the chain of aliases from the name in question to the last
 * one, and its addresses. Records of other names are skipped, and everything after a malformed
 * record. All of *out is filled.
 */
static void read_answers(const uint8_t *data, size_t len, const struct dns_question *q,
			 struct app_dns *out)
{
	const char *name = q->name;
	size_t at = q->end;
	struct dns_record r;

	out->query = false;
	out->id = q->id;
	out->flags = q->flags;
	out->type = q->type;
	out->rcode = q->rcode;
	out->count = 0;
	memcpy(out->name, q->name, sizeof(out->name));
	for (unsigned int n = 0; n < CHAIN_MAX && follow_alias(data, len, q, name, out); n++)
		name = out->record[out->count - 1].target;
	for (unsigned int n = 0; n < q->answers && n < RECORDS_MAX; n++) {
		if (!dns_next_record(data, len, &at, &r))
			return;
		if (r.class == DNS_CLASS_IN && strcmp(r.owner, name) == 0)
			add_address(data, &r, out);
	}
}

/* ---- the consumer ---- */

static void take_message(struct dns *d, const struct app_services *s, const struct app_message *m,
			 const struct dns_event *e)
{
	const struct dns_question *q = &e->question;
	struct pending *asked;
	struct app_dns answer;

	if (!q->response) {
		if (note_question(d, q, m->from_origin))
			tell_question(s, m, q);
		return;
	}
	asked = pending_find(d, q, !m->from_origin);
	if (!asked)
		return;
	asked->used = false;
	read_answers(e->data, e->len, q, &answer);
	if (s->answered)
		s->answered(s->arg, m, &answer);
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
	struct dns *d = state_get(state);

	if (d)
		take_message(d, s, m, event);
	if (!d || (m->proto == IPPROTO_TCP && ++d->messages >= TCP_MESSAGES_MAX))
		answer->verb = CONSUMER_LEAVE;
}

static const char *const dns_apps[] = {NAME, NULL};

CONSUMER(dns) = {
	.abi = CONSUMER_ABI,
	.name = "dns",
	.help = "questions and answers, over TCP",
	.module = NAME,
	.apps = dns_apps,
	.reader = &reader_dns,
	.wants = dns_wants,
	.event = dns_event,
	.release = free,
};

CONSUMER(dns_datagrams) = {
	.abi = CONSUMER_ABI,
	.name = "dns-datagrams",
	.help = "questions and answers, over UDP",
	.module = NAME,
	.apps = dns_apps,
	.reader = &reader_dns_datagrams,
	.wants = dns_wants,
	.event = dns_event,
	.release = free,
};

const struct app_module dns_module = {
	.name = NAME,
	.category = "network",
	.help = "learns from answers which names the addresses have that a host asked for",
};
