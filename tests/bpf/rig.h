/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The gate's objects loaded over one set of maps, and frames run through them one at a time. The
 * loopback device stands for whichever port a frame comes in on: two ports, 1 and 2, of domain 1.
 */
#ifndef WEIR_TEST_RIG_H
#define WEIR_TEST_RIG_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "bpf/shape.h"
#include "gate/table.h"
#include "policy/policy.h"
#include "util/util.h"
#include "weir/ctl.h"
#include "weir/flow.h"
#include "weir/identification.h"
#include "weir/policy.h"
#include "weir/reason.h"
#include "weir/rules.h"

enum rig_hook { RIG_XDP, RIG_TC };

#define RIG_SLOTS  65536 /* so many that no two flows of a test share an element of weir_done */
#define RIG_SETS   128
#define RIG_A	   1 /* port of host A */
#define RIG_B	   2
#define RIG_BROKEN -1 /* not exactly one reason was counted */

/* Applications of the rig's policy. */
enum { RIG_UNKNOWN, RIG_WEB, RIG_P2P, RIG_CHAT, RIG_PING, RIG_APPS };

struct rig {
	enum rig_hook hook;
	struct bpf_object *gate, *queue;
	struct weir_ctl *ctl;
	struct gate_table table;
	uint64_t *done;
	uint32_t *sent, *read;
	int xsk;		     /* an AF_XDP socket for the XSKMAP */
	bool hung;		     /* the workers' heartbeat stands still */
	uint32_t gso_size, gso_segs; /* of the next frame, TC */
};

struct outcome {
	int action; /* what the program returned */
	int reason; /* the one counted, or RIG_BROKEN */
	int port;   /* it was counted on */
	uint64_t bytes, segments;
	bool punted;
	struct weir_punt punt;
	struct weir_prefix prefix; /* TC */
	uint8_t data[4096];
	size_t len;
};

/* For cmocka: *state is a hook at first and then a rig. */
int rig_setup(void **state);
int rig_teardown(void **state);
/* A test for each hook: initial state &rig_hooks[...]. */
extern enum rig_hook rig_hooks[2];
#define RIG_TEST(f)                                                                                \
	{#f "(xdp)", f, rig_setup, rig_teardown, &rig_hooks[RIG_XDP]},                             \
	{                                                                                          \
#f "(tc)", f, rig_setup, rig_teardown, &rig_hooks[RIG_TC]                          \
	}

/* Sends a frame, given as members of struct shape, and expects its reason. */
#define SEND(r, reason, ...)                                                                       \
	assert_int_equal(rig_send(r, &(struct shape){__VA_ARGS__}, NULL), WEIR_REASON_##reason)
#define BACK .reverse = true
#define DATA .payload = 40
#define UDP  .proto = IPPROTO_UDP, .payload = 40

int rig_map(const struct rig *r, const char *name);
int rig_prog(const struct rig *r);
void rig_put(const struct rig *r, const char *map, const void *key, const void *value);
/* Runs a frame that comes in on a port. */
void rig_run(struct rig *r, int port, const void *data, size_t len, struct outcome *out);
/* The same for a shape, on its sender's port; returns the reason. */
int rig_send(struct rig *r, const struct shape *s, struct outcome *out);
/* The slow path has finished everything it was given. */
void rig_finish(struct rig *r);
/* Forgets the flows. */
void rig_forget(struct rig *r);
/* Puts actions (by application) into the slot of a generation and switches to it. rule = app. */
void rig_policy(struct rig *r, uint32_t generation, const uint8_t action[RIG_APPS]);
/* From now on the generation's rules ask for this confidence; what does not reach it passes. */
void rig_confidence(struct rig *r, uint8_t asked);
/* Traits that an application's rule of the generation needs; that a value of a table gives (index
 * as in rules.h); that an originator's link-layer address gives. */
void rig_needs(struct rig *r, uint16_t app, uint64_t traits);
void rig_trait(struct rig *r, uint32_t index, uint32_t traits);
void rig_mac_trait(struct rig *r, const struct weir_mac_trait_key *key, uint32_t traits);
/* These are blocked, and nothing else. */
void rig_blocks(struct rig *r, const struct policy_block *list, size_t count);
/* Host B, or its service at a port. */
struct policy_block rig_block_of_b(uint16_t port, uint64_t expires_ns);
void rig_port_flags(struct rig *r, int port, uint32_t flags);
#define RIG_PORT_USUAL                                                                             \
	(WEIR_PORT_ENABLED | WEIR_PORT_REDIRECT | WEIR_PORT_FORWARDING) /* and _TC on TC */

/* The worker has published that nothing before `number` is in the slow path, nor it. */
void rig_done(struct rig *r, const struct weir_flow *flow, uint8_t dir, uint32_t number);
bool rig_flow(const struct rig *r, bool decided, const struct shape *s, struct weir_flow *out);
void rig_tell(struct rig *r, uint64_t id, uint16_t app, uint8_t flags);
/* Punts a flow's first frame and says what the flow is; nothing stays in the slow path. Returns its
 * id. */
uint64_t rig_identify(struct rig *r, const struct shape *s, uint16_t app);
/* Host A was found to be an application's at host B, TCP port 80. */
void rig_reconnect(struct rig *r, uint16_t app, uint64_t expires_ns, uint8_t flags);
/* Gives the application's cell in the running policy WEIR_CELL_* flags. */
void rig_watch(struct rig *r, uint16_t app, uint8_t flags);
/* Gives it an exit and a pipe. */
void rig_exit(struct rig *r, uint16_t app, uint8_t exit, uint16_t pipe);
uint64_t rig_soon(void); /* a minute from now */
/* weir_counters, weir_sent and weir_cache with what weir_redirected adds to them. */
uint64_t rig_sum(const struct rig *r, const char *map, uint32_t index);
/* Drains the ring of events: how many of a kind, and the last one. */
unsigned int rig_events(struct rig *r, enum weir_event_kind kind, struct weir_event *last);

#endif
