/* SPDX-License-Identifier: GPL-2.0-only */
/* What is learned about hosts from the traffic: endpoints, facts, names and expectations. */
#ifndef WEIR_LEARN_H
#define WEIR_LEARN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/util.h"
#include "weir/identification.h"

/*
 * Learned endpoints of this process (the daemon mirrors them into weir_endpoints). Bounded; entries
 * expire; thread-safe.
 */
/* Confidence of an endpoint that another host named, as long as no payload has confirmed it. */
#define ENDPOINT_CONFIDENCE 90
struct endpoints;
struct endpoints *endpoints_new(size_t max, uint64_t ttl_ns);
void endpoints_free(struct endpoints *e);
/* Time to live of endpoints added or renewed from now on. */
void endpoints_set_ttl(struct endpoints *e, uint64_t ttl_ns);
/*
 * Adds or renews an endpoint. key->host: the host that learned of the peer; zero: the peer
 * announced itself, so the endpoint holds for every host. peer->expires_ns 0: now (CLOCK_MONOTONIC)
 * plus the table's time to live. When the table is full, the least recently learned entry is
 * removed. 1: new, 0: renewed, -EINVAL: port 0, or a multicast, broadcast, loopback or unspecified
 * address.
 */
int endpoints_add(struct endpoints *e, const struct weir_endpoint_key *key,
		  const struct weir_peer *peer);
/* Looks up the endpoint that key->host learned, then the one with host zero. True: found, and
 * copied into out. */
bool endpoints_find(struct endpoints *e, const struct weir_endpoint_key *key, uint64_t now_ns,
		    struct weir_peer *out);
size_t endpoints_count(const struct endpoints *e);
/* Removes the entry of exactly this key. Returns whether there was one. */
bool endpoints_withdraw(struct endpoints *e, const struct weir_endpoint_key *key);
/*
 * Adds an expectation: a data connection of app to key's peer is expected within 60 seconds; flags:
 * WEIR_PEER_*. 1:
 * *out is the new entry, which the caller publishes to the gate; 0: already expected; -EEXIST: the
 * endpoint was learned from another source as another application; or an error of endpoints_add().
 */
int expectation_add(struct endpoints *e, const struct weir_endpoint_key *key, uint16_t app,
		    uint8_t flags, uint64_t now_ns, struct weir_peer *out);
/* The facts table that belongs to e and is freed with it. */
struct facts *endpoints_facts(const struct endpoints *e);

/* What the data flow of an expectation is part of. Bounded; the oldest goes first; thread-safe. */
#define DATA_FLOWS_MAX	     1024
#define DATA_FLOW_NAME_BYTES 256
#define DATA_FLOW_USER_BYTES 64
struct data_flow {
	uint64_t parent; /* id of the control connection's flow */
	char name[DATA_FLOW_NAME_BYTES];
	char user[DATA_FLOW_USER_BYTES];
};
struct data_flows;
/* NULL on ENOMEM. */
struct data_flows *data_flows_new(void);
void data_flows_free(struct data_flows *d);
/* The table that belongs to e and is freed with it. */
struct data_flows *endpoints_data_flows(const struct endpoints *e);
/* Adds what is expected at an endpoint; name and user may be NULL, and are cut. Returns its handle,
 * which is not 0. */
uint64_t data_flows_add(struct data_flows *d, const struct weir_endpoint_key *key, uint64_t parent,
			const char *name, const char *user);
/* Names it later. False: it is not known any more. */
bool data_flows_name(struct data_flows *d, uint64_t handle, const char *name);
bool data_flows_get(struct data_flows *d, uint64_t handle, struct data_flow *out);
/* The latest of exactly this key; 0: none. */
uint64_t data_flows_find(struct data_flows *d, const struct weir_endpoint_key *key);

/*
 * Facts that identified flows have shown about hosts and services. They count for or against an
 * identification but never identify a flow alone. Bounded; entries expire; thread-safe. Ports are
 * in network order, addresses as in the maps (network order, v4-mapped); now_ns is in any clock, as
 * long as all callers use the same.
 */
enum fact_kind {
	FACT_RUNS = 1, /* the host took part in a flow of app; port 0 */
	FACT_SERVICE,  /* the server at addr:port speaks app, identified by its payload */
	FACT_IDENTITY, /* the 16-byte identifier of the peer at addr:port (user hash, node id) */
	FACT_LEARNED,  /* an endpoint was learned at addr:port; data: the host that learned of it
			  last */
};
struct fact_key {
	uint32_t addr[4];
	uint16_t port;
	uint8_t kind; /* enum fact_kind */
	uint8_t domain;
	uint16_t app; /* FACT_RUNS, else 0 */
	uint16_t pad;
};
_Static_assert(sizeof(struct fact_key) == 24, "compared byte by byte");
struct fact {
	uint64_t expires_ns;
	uint16_t app;
	uint8_t data[16];
	bool confirmed;	     /* FACT_LEARNED: confirmed by independent sources to two hosts */
	uint32_t source_net; /* FACT_LEARNED: network of the latest source */
};
struct facts;
/* Room for max facts (rounded up to a power of two). Heap; NULL on ENOMEM or without random numbers
 * for the hash. */
struct facts *facts_new(size_t max, uint64_t ttl_ns);
void facts_free(struct facts *f);
/* Adds or replaces a fact. data: 16 bytes, or NULL for zeros. */
void facts_put(struct facts *f, const struct fact_key *key, uint16_t app, const uint8_t *data,
	       uint64_t now_ns);
/*
 * Records that `host` learned of an endpoint (FACT_LEARNED). source_net: the network of the source,
 * as any number that is equal for sources in the same network. The fact is confirmed as soon as a
 * source in another network has named the same application to another host; it stays so until the
 * fact expires or another application is named.
 */
void facts_endpoint_learned(struct facts *f, const struct fact_key *key, uint16_t app,
			    const uint32_t host[4], uint32_t source_net, uint64_t now_ns);
bool facts_get(struct facts *f, const struct fact_key *key, uint64_t now_ns, struct fact *out);
void facts_host_runs(struct facts *f, const uint32_t host[4], uint8_t domain, uint16_t app,
		     uint64_t now_ns);
bool facts_does_host_run(struct facts *f, const uint32_t host[4], uint8_t domain, uint16_t app,
			 uint64_t now_ns);
void facts_service_is(struct facts *f, const uint32_t addr[4], uint16_t port, uint8_t domain,
		      uint16_t app, uint64_t now_ns);
bool facts_service(struct facts *f, const uint32_t addr[4], uint16_t port, uint8_t domain,
		   uint64_t now_ns, uint16_t *app);
void facts_identity_is(struct facts *f, const uint32_t addr[4], uint16_t port, uint8_t domain,
		       const uint8_t identity[16], uint64_t now_ns);
bool facts_identity(struct facts *f, const uint32_t addr[4], uint16_t port, uint8_t domain,
		    uint64_t now_ns, uint8_t identity[16]);

/*
 * Host names of addresses, as the DNS answered them to each host. Bounded; entries expire;
 * thread-safe. Times are in the caller's clock.
 */
#define NAME_TEXT_MAX 253 /* RFC 1035, 2.3.4, as text without the trailing dot */
struct name_key {
	uint32_t host[4];    /* the host that received the answer */
	uint32_t address[4]; /* the address that the name resolved to */
	uint32_t domain;
};
struct names;
/* NULL on ENOMEM. */
struct names *names_new(size_t max);
void names_free(struct names *n);
/* The latest name of a key replaces the earlier one. When the table is full, the least recently
 * added entry is removed. 0, -EINVAL for an invalid name, -ENOMEM. */
int names_add(struct names *n, const struct name_key *key, const char *name, uint64_t expires_ns);
bool names_find(struct names *n, const struct name_key *key, uint64_t now_ns,
		char out[NAME_TEXT_MAX + 1]);

#endif
