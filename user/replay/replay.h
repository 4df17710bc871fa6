/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The slow path over capture files, without a daemon: frames go through the inspector, what it says
 * through a policy, and both become the events that the daemon would have written. What the gate
 * does for live frames (flows, totals, verdicts of first packets) is done here by the same rules.
 */
#ifndef WEIR_REPLAY_H
#define WEIR_REPLAY_H

#include <stdio.h>

#include "audit/eve.h"
#include "policy/policy.h"
#include "util/util.h"

struct replay_options {
	const char *policy; /* path of its file */
	/* Where hosts are: "PORT=WHERE,..." with the policy's port names; WHERE is a prefix or a
	 * link-layer address. The first that fits counts. NULL: not known. */
	const char *ports;
	FILE *out;	/* gets the events, one a line */
	FILE *warnings; /* gets those of the policy, or NULL */
	/* Called now and then; may be NULL. */
	void (*progress)(void *arg, const char *capture, uint64_t frames, uint64_t events);
	void *arg;
};

struct replay_summary {
	uint64_t captures, frames, bytes, flows, undecided;
	uint64_t unread; /* frames that are not IP, or whose headers contradict themselves */
	uint64_t dropped_frames, dropped_flows;
	uint64_t events[EVE_TYPE_COUNT];
	uint64_t first_ns, last_ns; /* times of the first and the last frame, since 1970 */
};

struct replay;
/* Loads the policy. 0 or a negative errno with e filled, which names file and place. Heap. */
int replay_open(const struct replay_options *o, struct replay **out, struct error *e);
/*
 * Reads a capture; flows go on from one to the next, which is to follow in time. 0; -EIO with e
 * filled where it is damaged (what came before counts); the errno of opening; -EPIPE: the events
 * cannot be written.
 */
int replay_capture(struct replay *r, const char *path, struct error *e);
/* Ends all flows and tells of them. 0, or -EPIPE with e filled. */
int replay_finish(struct replay *r, struct error *e);
const struct replay_summary *replay_summary(const struct replay *r);
/* NULL is allowed. */
void replay_close(struct replay *r);

#endif
