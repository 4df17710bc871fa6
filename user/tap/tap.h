/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Taps: programs that are given flows through rings in shared memory and answer what becomes of
 * them (docs/tap.md). A tap has a slot, which is its name's as long as the policy has the name; a
 * program that connects gets a pair of rings for each worker. The daemon's thread makes and ends
 * them, each worker uses its own. Whatever a program writes is checked like input from outside.
 */
#ifndef WEIR_USER_TAP_H
#define WEIR_USER_TAP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "mail/mail.h"
#include "policy/policy.h"
#include "util/util.h"
#include "weir/tap.h"

#define TAP_SLOTS 64 /* of taps in the policy, and of those lately removed from it */

/* X(member, "label", "help"): what a worker counts of a tap. */
#define TAP_COUNTS(X)                                                                              \
	X(given, "given", "frames, or parts of streams, that the program was given")               \
	X(pass, "pass", "answers that it may pass")                                                \
	X(drop, "drop", "answers that it is dropped")                                              \
	X(change, "change", "answers with another payload that was taken")                         \
	X(refused, "refused", "answers with another payload that was not possible")                \
	X(late, "late", "answers that came too late, or again")                                    \
	X(unknown, "unknown", "answers about nothing that was asked")                              \
	X(malformed, "malformed", "answers that make no sense")                                    \
	X(timeouts, "timeout", "no answer in time")                                                \
	X(absent, "absent", "no program was there")                                                \
	X(full, "full", "the program did not read, and its ring was full")                         \
	X(silent, "silent", "the program had not answered for long and was not waited for")        \
	X(no_room, "no_room", "no more frames could wait")                                         \
	X(dropped, "dropped", "frames dropped, for whatever of these reasons")                     \
	X(changed, "changed", "frames that left with another payload, repetitions included")

struct tap_counters {
#define X(member, label, help) uint64_t member;
	TAP_COUNTS(X)
#undef X
	/* Now: */
	uint64_t flows;
	uint64_t waiting;
	uint64_t oldest_ns; /* when the frame came that waits longest; 0: none waits */
};

/* A worker's end of a program's rings. */
struct tap_link {
	struct mail_writer *frames;
	struct mail_reader *answers;
	int wake_fd;	/* signalled when there are answers for a sleeping worker */
	int program_fd; /* wakes the program */
	/* Set by the worker: the program's ring makes no sense. It is disconnected. */
	atomic_bool broken;
	/* Set by the worker: it does not use the link any more. */
	atomic_bool released;
};

struct taps;
/* workers: 1 to WEIR_WORKERS_MAX. Heap; NULL on ENOMEM. */
struct taps *taps_new(uint32_t workers);
/* No worker runs. NULL is allowed. */
void taps_free(struct taps *t);

/* ---- the daemon's thread ---- */

/* Gives the taps of a policy slots, beside those that are there. -ENOSPC: none is left. */
int taps_reserve(struct taps *t, const struct policy *p);
/* Ends the programs of taps that the policy in force does not have, frees what workers have
 * released, and disconnects programs whose rings are broken. */
void taps_sweep(struct taps *t, const struct policy *in_force);

/* A program that is to be connected. */
struct tap_peer {
	pid_t pid;
	uid_t uid;
	int fd; /* its socket, which stays the caller's; shut down when the program is ended */
};
/*
 * Connects a program to a slot. fds gets the descriptors for it, in the order of weir/tap.h, which
 * are the caller's to close: 3 for each worker and one. -EBUSY: the slot has a program.
 */
int taps_connect(struct taps *t, unsigned int slot, uint32_t ring_bytes,
		 const struct tap_peer *peer, int *fds);
/* The program's socket was closed, or it is ended. reason: for the log. */
void taps_disconnect(struct taps *t, unsigned int slot, const char *reason);
/* The program's socket; -1: there is none. */
int taps_socket(const struct taps *t, unsigned int slot);

struct tap_state {
	const char *name; /* NULL: the slot is free */
	bool connected;
	pid_t pid;
	uid_t uid;
	uint64_t since_ns; /* CLOCK_MONOTONIC */
	struct tap_counters sum;
};
void taps_state(const struct taps *t, unsigned int slot, struct tap_state *out);

/* ---- any thread ---- */

/* The slot of a tap; -ENOENT. */
int taps_find(const struct taps *t, const char *name);

/* ---- a worker ---- */

/* Changes whenever some tap_link does. */
uint32_t taps_version(const struct taps *t);
/* The link to use from now on; NULL: no program. The one used before is to be released. */
struct tap_link *taps_link(const struct taps *t, unsigned int slot, uint32_t worker);
struct tap_counters *taps_counters(struct taps *t, unsigned int slot, uint32_t worker);

#endif
