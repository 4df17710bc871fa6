/* SPDX-License-Identifier: GPL-2.0-only */
/* Which readers and consumers take a flow: docs/architecture.md, "Streams, readers, consumers". */
#ifndef WEIR_INSPECT_READING_H
#define WEIR_INSPECT_READING_H

#include "app/consumer.h"
#include "inspect/state.h"

#define READERS_FLOW_MAX 4
#define READERS_MAX	 32

/* A reader of one flow. */
struct flow_reader {
	const struct reader *row;
	void *state;
	uint8_t sides;	  /* that its consumers want */
	uint8_t unjoined; /* sides of which it has not been told that it did not see the beginning
			   */
	bool off;	  /* it is not, or no longer, its protocol */
};

/* A consumer of one flow. */
struct flow_consumer {
	const struct consumer *row; /* NULL: it has left */
	void *state;
	uint8_t index;	/* of its row */
	uint8_t reader; /* index in reading.reader, READERS_FLOW_MAX: the stream's own events */
	uint8_t sides;
	uint8_t unjoined; /* as above */
};

/* Who takes a decided flow. */
struct reading {
	uint64_t asked; /* rows that were asked, bits */
	uint64_t datagrams[2];
	uint8_t readers, consumers;
	bool delivers; /* an event is being delivered */
	struct flow_reader reader[READERS_FLOW_MAX];
	struct flow_consumer consumer[CONSUMERS_FLOW_MAX];
};

/* The tables' rows, as an inspector uses them. */
struct audience {
	struct slab readings;
	struct slab reader_states[READERS_MAX];
	size_t readers, consumers;
	uint64_t usable; /* consumers with the right ABI, bits */
	uint64_t off;	 /* those of disabled modules */
	/* Consumers that may want a flow, by application; valid with known. */
	uint64_t may_want[WEIR_APPS_MAX];
	bool known[WEIR_APPS_MAX];
};

/* audience.c: 0 or -ENOMEM. */
int audience_init(struct inspector *i);
void audience_fini(struct inspector *i);
/* The signatures or the disabled modules have changed. */
void audience_changed(struct inspector *i);
/* Consumers that may want flows of an application, bits. */
uint64_t audience_of(struct inspector *i, unsigned int app);
/* State for a reader, set up; NULL with *ok false on ENOMEM. */
void *audience_reader_state(struct inspector *i, const struct reader *row, bool *ok);
void audience_reader_free(struct inspector *i, const struct flow_reader *r);

/* attend.c */
/* Asks the consumers that may want the flow, and have not been asked. late: they do not see its
 * beginning. */
void attend(struct glance *g, bool late);
/* Lets consumer n go. */
void attend_leave(struct glance *g, unsigned int n);
/* Sides that are wanted, bits; forgets the consumers that have left, and readers without one. */
uint8_t attend_union(struct glance *g);

/* reading.c */
/* A flow was decided: attends it and gives what its streams hold, or the datagram at hand. */
void reading_begin(struct glance *g);
/* Gives the events that the streams of a followed flow have. */
void reading_streams(struct glance *g, uint8_t dir);
/* After reading_streams(): what was answered takes effect. */
void reading_settle(struct glance *g);
void reading_datagram(struct glance *g);
/* The sender of the packet at hand has reset the connection. */
void reading_reset(struct glance *g);
/* Nobody reads any more; tell: they are told that the conversation is over. */
void reading_end(struct glance *g, bool tell);

/* holds.c */
/* The handle that the next hold gets; 0: nothing can be held. */
uint64_t holds_next(const struct inspector *i);
/* A consumer's answer to an event of direction dir is to hold that. */
void holds_take(struct glance *g, uint8_t dir, const struct consumer_answer *a);
/* app_services.release_hold: arg is the inspector. */
void holds_release(void *arg, uint64_t handle, uint8_t action);

#endif
