/* SPDX-License-Identifier: GPL-2.0-only */
/* What is known of hosts from the traffic seen: learned endpoints, facts, names, expectations. */
#ifndef WEIR_LEARN_H
#define WEIR_LEARN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/util.h"
#include "weir/identification.h"

/*
 * Learned endpoints of this process (the daemon mirrors them into weir_endpoints): bounded, with
 * time to live, thread-safe.
 */
/* Confidence of an endpoint that another host named and no byte has confirmed. */
#define ENDPOINT_CONFIDENCE 90
struct endpoints;
struct endpoints *endpoints_new(size_t max, uint64_t ttl_ns);
void endpoints_free(struct endpoints *e);
/* For what is told from now on. */
void endpoints_set_ttl(struct endpoints *e, uint64_t ttl_ns);
/* host zero = the peer said it of itself. expires_ns 0 = now and the table's time to live. Refuses
 * (-EINVAL) port 0, multicast, broadcast, loopback, unspecified addresses. 1 new, 0 renewed. The
 * table full, the one told longest ago goes. */
int endpoints_add(struct endpoints *e, const struct weir_endpoint_key *key,
		  const struct weir_peer *peer);
/* Whether host was told that peer:port is something; also tries host zero. Copies into out. */
bool endpoints_find(struct endpoints *e, const struct weir_endpoint_key *key, uint64_t now_ns,
		    struct weir_peer *out);
size_t endpoints_count(const struct endpoints *e);
/* Forgets what host was told of peer:port. Whether there was something. */
bool endpoints_withdraw(struct endpoints *e, const struct weir_endpoint_key *key);
/*
 * Adds an expectation: app is expected at key for 60 seconds. 1 with the new entry in *out (to be
 * published to the gate), 0 where it is known already, -EEXIST where the endpoint was learned in
 * another way as another application, or what endpoints_add returns.
 */
int expectation_add(struct endpoints *e, const struct weir_endpoint_key *key, uint16_t app,
		    uint64_t now_ns, struct weir_peer *out);
/* What is kept beside them; lives as long as e. */
struct facts *endpoints_facts(const struct endpoints *e);

/*
 * What identified flows have shown of hosts and services: bounded, with time to live, thread-safe.
 * Evidence for or against other answers; a fact alone identifies nothing. Ports are in network
 * order, addresses as the maps keep them, now_ns is the clock of whoever asks.
 */
enum fact_kind {
	FACT_RUNS = 1, /* the host was an end of a flow of app; port 0 */
	FACT_SERVICE,  /* what answered at addr:port was app, by its bytes */
	FACT_IDENTITY, /* the 16 bytes that a peer at addr:port goes by */
	FACT_TOLD,     /* an endpoint was learned there; data: the host that was told of it last */
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
	bool shared;	 /* FACT_TOLD: by independent tellers to two hosts */
	uint32_t teller; /* FACT_TOLD: whose word it was last */
};
struct facts;
/* Room for max (rounded up to a power of two). Heap; NULL on ENOMEM or without random numbers. */
struct facts *facts_new(size_t max, uint64_t ttl_ns);
void facts_free(struct facts *f);
/* data: 16 bytes or NULL for none. */
void facts_put(struct facts *f, const struct fact_key *key, uint16_t app, const uint8_t *data,
	       uint64_t now_ns);
/*
 * Puts what host was told (FACT_TOLD). teller: the network of whoever told it, in any encoding; the
 * fact is shared from when another network has told another host the same, until it runs out or
 * something else is told.
 */
void facts_tell(struct facts *f, const struct fact_key *key, uint16_t app, const uint32_t host[4],
		uint32_t teller, uint64_t now_ns);
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
 * Names that hosts were told for addresses (DNS): bounded, with time to live, thread-safe. Times
 * are in the caller's clock.
 */
#define NAME_TEXT_MAX 253 /* RFC 1035, 2.3.4, as text without the last dot */
struct name_key {
	uint32_t host[4];    /* who was told */
	uint32_t address[4]; /* what was told to have the name */
	uint32_t domain;
};
struct names;
/* NULL on ENOMEM. */
struct names *names_new(size_t max);
void names_free(struct names *n);
/* The name told last counts. The table full, the one told longest ago goes. 0, -EINVAL for a name
 * that is none, -ENOMEM. */
int names_add(struct names *n, const struct name_key *key, const char *name, uint64_t expires_ns);
bool names_find(struct names *n, const struct name_key *key, uint64_t now_ns,
		char out[NAME_TEXT_MAX + 1]);

#endif
