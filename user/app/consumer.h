/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A consumer draws conclusions from what flows carry: it takes the fields that one reader gives, or
 * the stream's own events. Several consumers may take the same flow; each has its own state, side
 * wishes and answers. A consumer is a row in its own file, CONSUMER(name). It never blocks.
 *
 * It begins at the first byte of both directions, which is given when the flow is decided: what
 * undecided() saw of a stream comes again, once, so undecided() has nothing to remember of it. Of
 * datagrams the one that decided the flow is the first that is given (see `inherits`).
 */
#ifndef WEIR_APP_CONSUMER_H
#define WEIR_APP_CONSUMER_H

#include "app/app.h"
#include "proto/reader.h"
#include "proto/stream.h"
#include "weir/park.h"
#include "weir/policy.h"

/* Bumped when struct consumer or struct consumer_answer changes its meaning. */
#define CONSUMER_ABI 1
/* Rows at most, and consumers of one flow. */
#define CONSUMERS_MAX	   64
#define CONSUMERS_FLOW_MAX 12

/* Sides that are wanted: bits by enum stream_side. */
#define CONSUMER_CLIENT (1u << STREAM_CLIENT)
#define CONSUMER_SERVER (1u << STREAM_SERVER)
#define CONSUMER_BOTH	(CONSUMER_CLIENT | CONSUMER_SERVER)

enum consumer_verb {
	CONSUMER_GO,	/* go on */
	CONSUMER_HOLD,	/* keep the frames of the event's direction, from the one at hand on */
	CONSUMER_LEAVE, /* nothing more is wanted; release() is called, the others stay */
};

/* What a consumer says to an event; what it leaves alone is: go on, with the same sides. */
struct consumer_answer {
	uint8_t verb;  /* enum consumer_verb */
	uint8_t sides; /* CONSUMER_*: wanted from now on; set to those wanted so far. A side that
			  was given up and is wanted again begins with a GAP. 0: as LEAVE */
	/* HOLD. The last of several holds decides when the frames go, the strictest answer (reset,
	 * drop, pass) what becomes of them. */
	uint8_t reason;	      /* enum weir_park */
	uint8_t on_deadline;  /* enum weir_action: the answer when the deadline passes */
	uint64_t deadline_ns; /* clock of the events */
	uint64_t handle;      /* set before the call: for app_services.release_hold() */
	/* app 0: nothing new. Otherwise the flow is this application from now on: its rule, pipe
	 * and exit are chosen anew, and its consumers stay. */
	struct app_finding finding;
};

struct consumer {
	uint32_t abi; /* CONSUMER_ABI: a row with another number is not used */
	const char *name;
	const char *help;
	/* The module (policy: modules) it belongs to, and is disabled with; NULL: none. */
	const char *module;
	/* Applications whose flows it may want, NULL-terminated; "*": every application, and
	 * wants() is asked for each flow. NULL: those of its module, without a module every one. */
	const char *const *apps;
	/* Whose fields it takes: event() gets what the reader's header says. NULL: the stream's
	 * events (struct stream_event). */
	const struct reader *reader;
	/* event() is first given the state that its module's undecided() has left. Meant for
	 * datagrams, which are not kept. */
	bool inherits;
	/* The sides that it wants of a flow that was just decided, or became another application.
	 * NULL: both, if payload identified the flow (method signature or handshake), or if the
	 * flow was expected with the wish to be read. */
	unsigned int (*wants)(const struct app_services *s, const struct flow *f);
	/*
	 * m: who sent what led to the event, with the bytes of a DATA or DATAGRAM event in data and
	 * len (none otherwise). *state: NULL at first. After the last event, also of a flow that
	 * the table lost sight of, comes STREAM_RESET or STREAM_END, then release().
	 */
	void (*event)(const struct app_services *s, const struct app_message *m, const void *event,
		      void **state, struct consumer_answer *answer);
	/* Frees the state, which may be NULL. NULL: there is none. */
	void (*release)(void *state);
};

/* Defines a consumer: CONSUMER(http) = { ... }; scripts/rows.sh lists them. */
#define CONSUMER(row) const struct consumer consumer_##row
/* All consumers, NULL-terminated. */
extern const struct consumer *const consumers[];

/* Whether the event has bytes: of a consumer without a reader. */
static inline bool stream_has_bytes(const struct stream_event *e)
{
	return e->kind == STREAM_DATA || e->kind == STREAM_DATAGRAM;
}

#endif
