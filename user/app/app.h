/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Application modules: protocol processing that signatures cannot express. One file and one
 * descriptor each, listed in app_modules(). A module sees the messages of flows that were
 * identified as its application (by a signature, a learned endpoint or the module itself) and of
 * undecided flows, and returns findings. It never blocks and never sees frames.
 */
#ifndef WEIR_APP_H
#define WEIR_APP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "classify/classify.h"
#include "flow/flow.h"
#include "learn/learn.h"

/* A module's finding about a message. */
struct app_finding {
	uint16_t app; /* 0 = none */
	uint8_t method;
	uint8_t confidence;
	bool inspect;	/* keep sending the flow's payload to user space */
	bool reconnect; /* the responder's port serves this application only, so later flows to it
			   may be identified by it (never set for trackers or web servers) */
	bool done;	/* an inspected flow needs no further inspection */
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

/* Services that modules can call. */
struct app_services {
	struct app_registry *registry;
	/* Learns an endpoint; key->host zero: the peer announced itself. NULL: nothing is
	 * learned. */
	void (*learn)(void *arg, const struct weir_endpoint_key *key, uint16_t app,
		      enum weir_source source);
	/* Reports a DNS question of m's sender, or an answer to its receiver. May be NULL. */
	void (*answered)(void *arg, const struct app_message *m, const struct app_dns *answer);
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
	void *arg;
	struct facts *facts; /* facts that identified flows have shown; may be NULL */
};

struct app_message {
	const struct flow *flow;
	const uint8_t *data; /* undecided flows over TCP: the direction's first message so far;
				inspected flows: the next bytes in order, following those of the
				previous call unless a gap was skipped */
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
	/* Called for a message of a flow of this application that is inspected. May be NULL. */
	void (*inspected)(const struct app_services *s, const struct app_message *m, void **state,
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
