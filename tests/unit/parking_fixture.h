/* SPDX-License-Identifier: GPL-2.0-only */
/* A worker that has nothing but its parking, frames that are letters, and weir_parked as an array.
 */
#ifndef WEIR_PARKING_FIXTURE_H
#define WEIR_PARKING_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "worker/tap.h"
#include "worker/worker_private.h"

#define HOLD_NS 1000000

/* What left, in order: each frame by the letter that is its address. */
static char went[128];

static inline void note(const struct frame *f, const char *how)
{
	size_t used = strlen(went);

	snprintf(went + used, sizeof(went) - used, "%s%c", how, (char)f->addr);
}

void worker_frame_end(struct worker *w, const struct frame *f, enum weir_action action,
		      enum weir_reason drop)
{
	if (action == WEIR_ACTION_RESET)
		note(f, "*");
	else if (action == WEIR_ACTION_DROP)
		note(f, drop == WEIR_REASON_DROP_VERDICT ? "-" : "~");
	else
		note(f, "");
}

void worker_frame_lose(struct worker *w, const struct frame *f)
{
	note(f, "!");
}

/* weir_parked, as far as these tests fill it. */
static struct {
	uint64_t flow_id;
	uint8_t dir;
	bool used;
	struct weir_parked v;
} told[8];
static size_t told_room;
static enum weir_action verdict;
static struct weir_punt punt_of[128]; /* by the frame's letter */

static inline int told_find(uint64_t flow_id, uint8_t dir)
{
	for (size_t i = 0; i < told_room; i++)
		if (told[i].used && told[i].flow_id == flow_id && told[i].dir == dir)
			return (int)i;
	return -1;
}

static inline const struct weir_parked *told_of(uint64_t flow_id)
{
	int i = told_find(flow_id, 0);

	return i < 0 ? NULL : &told[i].v;
}

int gate_put_parked(struct gate *g, uint64_t flow_id, uint8_t dir, const struct weir_parked *v)
{
	int at = told_find(flow_id, dir);

	for (size_t i = 0; at < 0 && i < told_room; i++)
		if (!told[i].used)
			at = (int)i;
	if (at < 0)
		return -ENOSPC;
	told[at].flow_id = flow_id;
	told[at].dir = dir;
	told[at].used = true;
	told[at].v = *v;
	return 0;
}

int gate_del_parked(struct gate *g, uint64_t flow_id, uint8_t dir)
{
	int at = told_find(flow_id, dir);

	if (at >= 0)
		told[at].used = false;
	return at >= 0 ? 0 : -ENOENT;
}

int gate_each_parked(struct gate *g,
		     bool (*fn)(uint64_t flow_id, uint8_t dir, const struct weir_parked *, void *),
		     void *arg)
{
	for (size_t i = 0; i < told_room; i++)
		if (told[i].used && !fn(told[i].flow_id, told[i].dir, &told[i].v, arg))
			break;
	return 0;
}

enum weir_action worker_frame_action(struct worker *w, const struct frame *f)
{
	return verdict;
}

bool worker_owns(const struct worker *w, uint64_t flow_id)
{
	return flow_id != 1000;
}

uint32_t frame_pool_size(const struct frame_pool *p)
{
	return 64;
}

const struct weir_punt *frame_punt(struct frame_pool *p, const struct frame *f)
{
	return &punt_of[f->addr];
}

/* No program is asked about anything. */
void worker_tap_go(struct worker *w, const struct park_key *key)
{
}

bool worker_tap_hold_due(struct worker *w, const struct park_key *key)
{
	return true;
}

struct fixture {
	struct worker worker;
	struct worker_shared shared;
	struct policy policy;
	struct flow flow;
};

static inline int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->policy.hold_out_of_order = true;
	f->policy.reassembly_hold_ns = HOLD_NS;
	f->shared.policy = &f->policy;
	f->worker.shared = &f->shared;
	f->policy.parking_flow = 65536;
	f->policy.parking_share = f->policy.parking_total = 75;
	f->shared.workers = 1;
	f->worker.park = park_new(64, 16);
	f->worker.now_ns = 1;
	memset(told, 0, sizeof(told));
	told_room = ARRAY_SIZE(told);
	verdict = WEIR_ACTION_UNDECIDED;
	worker_park_reload(&f->worker);
	went[0] = '\0';
	*state = f;
	return 0;
}

static inline int teardown(void **state)
{
	struct fixture *f = *state;

	park_free(f->worker.park);
	free(f);
	return 0;
}

struct arrival {
	char name;
	uint64_t flow_id;
	uint8_t flags;
	uint32_t seq, len, next;
	bool read, out_of_order, bad;
	uint8_t in_port;
	uint32_t settle_ms;
	enum weir_action action;
};

/* As a frame goes that was judged so. */
static inline void arrive(struct fixture *f, struct arrival a)
{
	const struct weir_punt punt = {.flow_id = a.flow_id ? a.flow_id : 7};
	const struct frame frame = {.addr = (uint64_t)a.name, .len = a.len + 54};
	const struct packet p = {.proto = IPPROTO_TCP,
				 .tcp_flags = a.flags | TH_ACK,
				 .seq = a.seq,
				 .payload_len = a.len};
	const struct inspect_outcome o = {.flow = &f->flow,
					  .read = a.read,
					  .out_of_order = a.out_of_order,
					  .next = a.next,
					  .bad_checksum = a.bad};

	punt_of[(int)a.name].in_port = a.in_port;
	if (!a.action)
		a.action = WEIR_ACTION_PASS;
	if (a.action == WEIR_ACTION_PASS) {
		switch (worker_park(&f->worker, &frame, &punt, &p, &o, a.settle_ms)) {
		case PARKING_PARKED:
			return;
		case PARKING_DROP:
			worker_frame_end(&f->worker, &frame, WEIR_ACTION_DROP,
					 WEIR_REASON_DROP_PARKED);
			return;
		case PARKING_RESET:
			worker_frame_end(&f->worker, &frame, WEIR_ACTION_RESET,
					 WEIR_REASON_DROP_RESET);
			return;
		case PARKING_NONE:
			break;
		}
	}
	worker_frame_end(&f->worker, &frame, a.action, WEIR_REASON_DROP_VERDICT);
	worker_park_after(&f->worker, &punt, &o, a.action, WEIR_REASON_DROP_VERDICT);
}

static inline void early(struct fixture *f, char name, uint32_t seq)
{
	arrive(f, (struct arrival){.name = name,
				   .seq = seq,
				   .len = 10,
				   .read = true,
				   .out_of_order = true,
				   .next = 100});
}

static inline void in_order(struct fixture *f, char name, uint32_t seq, uint32_t next)
{
	arrive(f,
	       (struct arrival){.name = name, .seq = seq, .len = 10, .read = true, .next = next});
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
