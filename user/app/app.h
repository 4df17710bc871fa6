/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Application modules: protocol processing beyond what a signature says. One file each, one
 * descriptor each, listed in app_modules(). A module sees the messages of flows that its
 * application was named for (by the signature engine, by an endpoint, by itself) and of undecided
 * flows, and answers with findings. It never blocks and never sees a frame.
 */
#ifndef WEIR_APP_H
#define WEIR_APP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "classify/classify.h"
#include "flow/flow.h"
#include "learn/learn.h"

/* What a module may say about a message. */
struct app_finding {
	uint16_t app; /* 0 = nothing */
	uint8_t method;
	uint8_t confidence;
	bool inspect;	/* keep the flow's payload coming */
	bool reconnect; /* the peer's port is this application's alone (never for trackers or web
			   servers) */
	bool done;	/* an inspected flow needs no further inspection */
};

/* An answer of the DNS to a question that was asked (RFC 1035). */
#define APP_DNS_RECORDS_MAX 16
struct app_dns_record {
	uint16_t type; /* A 1, AAAA 28, CNAME 5 */
	uint32_t ttl_seconds;
	uint32_t address[4];		/* A, AAAA: v4-mapped, network order */
	char target[NAME_TEXT_MAX + 1]; /* CNAME */
};
struct app_dns {
	uint16_t id;
	uint16_t type; /* asked for */
	uint8_t rcode;
	char name[NAME_TEXT_MAX + 1]; /* asked for; lower case, printable */
	uint8_t count;
	/* What leads from the name to its addresses, in this order. */
	struct app_dns_record record[APP_DNS_RECORDS_MAX];
};

struct app_message;

/* What a module can call. */
struct app_services {
	struct app_registry *registry;
	/* Learns an endpoint; host zero for what a peer says of itself. May be NULL (no learning).
	 */
	void (*learn)(void *arg, const struct weir_endpoint_key *key, uint16_t app,
		      enum weir_source source);
	/* An answer to the receiver of m. May be NULL. */
	void (*answered)(void *arg, const struct app_message *m, const struct app_dns *answer);
	/*
	 * A control connection announced a data connection of application app (its name): the
	 * sender of m waits at port (host order) for the receiver or, with anyone, for whoever
	 * comes. addr is the address as it was told, NULL where none was; any other than the
	 * sender's own is refused and counted, for a host must not name another's port. Whether it
	 * is expected now. May be NULL (no learning).
	 */
	bool (*expect)(void *arg, const struct app_message *m, const uint32_t *addr, uint16_t port,
		       const char *app, bool anyone);
	void *arg;
	struct facts *facts; /* what identified flows have shown; may be NULL */
};

struct app_message {
	const struct flow *flow;
	const uint8_t
		*data; /* TCP: all of the direction's first message so far; inspected flows:
			  bytes in order, behind those shown before unless a gap was given up */
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
	bool only_named; /* undecided() is of use only where the engine named this application */
	uint8_t proto;	 /* undecided() is of use with IPPROTO_TCP or IPPROTO_UDP alone; 0: both */
	/*
	 * A message of an undecided flow, after the signature engine (whose result is *finding: app
	 * 0 if none). The module may confirm, correct or add to the finding. state: flow.module,
	 * the module's own, NULL at first.
	 */
	void (*undecided)(const struct app_services *s, const struct app_message *m, void **state,
			  struct app_finding *finding);
	/* A message of a flow of this application that is inspected. May be NULL. */
	void (*inspected)(const struct app_services *s, const struct app_message *m, void **state,
			  struct app_finding *finding);
	void (*release)(void *state);
};

/* Bits of a uint32_t say which are disabled. */
#define APP_MODULES_MAX 32
/* NULL-terminated, APP_MODULES_MAX at most; a module's place is its number as long as the program
 * runs. */
const struct app_module *const *app_modules(void);
const struct app_module *app_module_find(const char *name);

#endif
