/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Application modules: identification that signatures cannot express. One file and one descriptor
 * each, listed in app_modules(). A module sees the first messages of undecided flows and returns
 * findings. What is concluded from decided flows is the matter of consumers (consumer.h). Neither
 * blocks or sees frames.
 */
#ifndef WEIR_APP_H
#define WEIR_APP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "app/record.h"
#include "classify/classify.h"
#include "flow/flow.h"
#include "learn/learn.h"

/* A module's finding about a message. */
struct app_finding {
	uint16_t app; /* 0 = none */
	uint8_t method;
	uint8_t confidence;
	bool reconnect; /* the responder's port serves this application only, so later flows to it
			   may be identified by it (never set for trackers or web servers) */
};

/* A question to the DNS, or the response to one that was seen (RFC 1035). */
#define APP_DNS_RECORDS_MAX 16
struct app_dns_record {
	uint16_t type; /* A 1, AAAA 28, CNAME 5 */
	uint32_t ttl_seconds;
	uint32_t address[4];		/* A, AAAA: v4-mapped, network order */
	char target[NAME_TEXT_MAX + 1]; /* CNAME */
};
struct app_dns {
	bool query; /* a question: count is 0 */
	uint16_t id;
	uint16_t flags; /* second word of the header */
	uint16_t type;	/* type of the question */
	uint8_t rcode;
	char name[NAME_TEXT_MAX + 1]; /* name of the question; lower case, printable */
	uint8_t count;
	/* Aliases and addresses of the name, in the order in which they lead from it. */
	struct app_dns_record record[APP_DNS_RECORDS_MAX];
};

struct app_message;

/* A data connection that a control connection announces. */
#define APP_EXPECT_NAME_MAX 255 /* bytes of a name; longer ones are cut */
#define APP_EXPECT_USER_MAX 63
struct app_expectation {
	const uint32_t *addr; /* the address in the announcement, NULL if it has none */
	uint16_t port;	      /* host order */
	bool anyone;	      /* any host may connect; else the receiver of the announcement */
	bool inspect;	      /* the data flow's bytes are for consumers, from the first on */
	const char *app;      /* name of its application */
	const char *name;     /* of the file, if it is known yet; may be NULL */
	const char *user;     /* may be NULL */
};

/* What an expected flow is part of. */
struct app_parent {
	uint64_t flow_id; /* of the control connection; 0 offline */
	uint64_t handle;
	char name[APP_EXPECT_NAME_MAX + 1];
	char user[APP_EXPECT_USER_MAX + 1];
};

/* Services that modules can call. */
struct app_services {
	struct app_registry *registry;
	/* Learns an endpoint; key->host zero: the peer announced itself. NULL: nothing is
	 * learned. */
	void (*learn)(void *arg, const struct weir_endpoint_key *key, uint16_t app,
		      enum weir_source source);
	/* Reports a DNS question of m's sender, or an answer to its receiver. May be NULL. */
	void (*answered)(void *arg, const struct app_message *m, const struct app_dns *answer);
	/* Tells of something that becomes an event of m->flow. May be NULL: nobody listens. */
	void (*tell)(void *arg, const struct app_message *m, const struct app_record *r);
	uint32_t records; /* that somebody wants to hear of: bits by enum app_record_kind */
	/*
	 * Expects a data connection that a control connection announced: the sender of m listens at
	 * port (host order) for a flow of application app (a name) from the receiver or, with
	 * anyone, from any host. addr: the address in the announcement, NULL if it has none; an
	 * address other than the sender's own is refused and counted, because a host must not
	 * announce another host's port. Returns whether the connection is expected now. NULL:
	 * nothing is learned.
	 */
	bool (*expect)(void *arg, const struct app_message *m, const uint32_t *addr, uint16_t port,
		       const char *app, bool anyone);
	/*
	 * The same with all that an expectation can carry. Returns its handle, 0 when it is not
	 * expected. May be NULL.
	 */
	uint64_t (*expect_data)(void *arg, const struct app_message *m,
				const struct app_expectation *e);
	/* Names what is carried by the flow of a handle that expect_data() gave, also when that has
	 * begun: RETR comes after PASV. May be NULL. */
	void (*expect_name)(void *arg, uint64_t handle, const char *name);
	/* The expectation by which the flow began, as it is known now. False: there was none. May
	 * be NULL. */
	bool (*parent)(void *arg, const struct flow *f, struct app_parent *out);
	/*
	 * Judges m, whose bytes another protocol carries, as the first message of a direction so
	 * far: by the signatures, and by what modules conclude of it alone. Nothing is learned. May
	 * be NULL.
	 */
	void (*judge)(void *arg, const struct app_message *m, struct app_finding *finding);
	/* Ends a hold (consumer.h) before its deadline, by an enum weir_action. May be NULL. */
	void (*release_hold)(void *arg, uint64_t handle, uint8_t action);
	void *arg;
	struct facts *facts; /* facts that identified flows have shown; may be NULL */
};

struct app_message {
	const struct flow *flow;
	const uint8_t
		*data; /* undecided flows over TCP: the direction's first message so far, from
			  its first byte on with each call; decided flows: the event's bytes */
	size_t len;
	uint8_t dir;
	uint8_t proto;
	bool from_origin;
	uint16_t sport, dport;	 /* host order */
	uint32_t src[4], dst[4]; /* network order, v4-mapped */
	uint64_t now_ns;
	uint8_t domain;
	bool complete;
};

/* m as a message of one side, without bytes: what was waiting may become readable by a message of
 * the other. */
static inline struct app_message app_message_of(const struct app_message *m, bool from_origin)
{
	struct app_message of = *m;

	of.data = NULL;
	of.len = 0;
	if (from_origin == m->from_origin)
		return of;
	of.from_origin = from_origin;
	of.dir = !m->dir;
	of.sport = m->dport;
	of.dport = m->sport;
	for (unsigned int i = 0; i < 4; i++) {
		of.src[i] = m->dst[i];
		of.dst[i] = m->src[i];
	}
	return of;
}

struct app_module {
	const char *name;
	const char *category;
	const char *help;
	bool only_named; /* call undecided() only for flows that the signature engine identified as
			    this application */
	uint8_t proto;	 /* call undecided() only for IPPROTO_TCP or IPPROTO_UDP; 0: for both */
	/*
	 * Called for a message of an undecided flow, after the signature engine, whose result is
	 * *finding (app 0 if none). The module may confirm, change or add to the finding. *state:
	 * the module's state of this flow, NULL at first.
	 */
	void (*undecided)(const struct app_services *s, const struct app_message *m, void **state,
			  struct app_finding *finding);
	void (*release)(void *state);
};

/* Disabled modules are bits of a uint32_t. */
#define APP_MODULES_MAX 32
/* All modules, NULL-terminated, at most APP_MODULES_MAX. A module's index is its number while the
 * program runs. */
const struct app_module *const *app_modules(void);
const struct app_module *app_module_find(const char *name);

#endif
