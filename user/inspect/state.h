/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of user/inspect share. */
#ifndef WEIR_INSPECT_STATE_H
#define WEIR_INSPECT_STATE_H

#include <netinet/in.h>

#include "inspect/flights.h"
#include "inspect/inspect.h"
#include "inspect/quic.h"

/* An answer below this is a guess, and a guess does not decide a flow. */
#define DECIDE_CONFIDENCE 50
/* What the gate was told by a peer and no byte has confirmed. */
#define ENDPOINT_CONFIDENCE 90

/* The inspector's part of a flow (flow.module). */
struct judgement {
	uint64_t serial;  /* order of first frames */
	uint64_t last_ns; /* of the frame before */
	uint32_t isn[2];
	bool isn_valid[2];
	bool fin[2];   /* seen, as is_other_flow() wants to know */
	bool ended[2]; /* seen, of a direction that is read: at fin_seq */
	uint32_t fin_seq[2];
	bool reset;
	uint32_t unheard; /* frames that came as if the decision were not known */
	bool want_host;	  /* decided, its head is read on for the host name */
	bool resumed;	  /* inspected since before this table knew it: its beginning is gone */
	bool module_done; /* followed, but by no module any more */
	size_t judged[2]; /* bytes of each first message that were classified */
	struct flights flights;
	void **states;		     /* by module, NULL until one has some */
	struct quic_connection quic; /* offline, while its host name is looked for */
};

struct inspector {
	struct inspect_settings settings;
	struct signatures *signatures;
	struct classify_scratch *scratch;
	struct app_registry *registry;
	struct endpoints *endpoints;
	void (*learn)(void *arg, const struct weir_endpoint_key *key, const struct weir_peer *peer);
	void *learn_arg;
	struct app_services services;
	const struct app_module *const *modules;
	size_t module_count;
	struct flow_table *table;
	struct fragments *fragments;
	void (*on_release)(struct flow *f, void *arg);
	void *release_arg;
	uint64_t now_ns; /* of the packet at hand */
	uint64_t serials;
	struct record **records; /* offline flows that left the table */
	size_t record_count, record_room;
	bool closing;
};

/* One packet on its way through the inspector. */
struct glance {
	struct inspector *i;
	const struct packet *p;
	uint32_t frames; /* it came in, more than one for a fragmented datagram */
	uint64_t bytes;	 /* of those */
	struct flow *f;
	struct judgement *j;
	struct inspect_outcome *out;
};

static inline struct judgement *judgement_of(const struct flow *f)
{
	return f->module;
}

static inline bool flow_has_ports(const struct flow *f)
{
	return f->key.proto == IPPROTO_TCP || f->key.proto == IPPROTO_UDP;
}

/* judge.c */
/* Decides a flow by its first frame alone where that is enough: a protocol without ports, a
 * learned endpoint. */
void judge_first(struct glance *g);
/* Classifies one message (TCP: the contiguous part of the direction's first message). */
void judge_message(struct glance *g, uint8_t dir, const uint8_t *data, size_t len, bool complete);
/* Nothing more will come or be looked at: looks at both messages as complete, then gives up. */
void judge_finally(struct glance *g);
void judge_message_of(const struct glance *g, uint8_t dir, const uint8_t *data, size_t len,
		      struct app_message *out);

/* describe.c */
/* Looks for the host name in what is assembled; clears want_host when there is nothing to wait
 * for. */
void judge_hostname(struct glance *g, bool may_wait);

/* modules.c */
const struct app_module *module_of(const struct inspector *i, unsigned int app);
/* Where module's state of this flow lies; NULL on ENOMEM. */
void **module_state(const struct inspector *i, struct judgement *j,
		    const struct app_module *module);
void modules_undecided(struct glance *g, const struct app_message *m, struct app_finding *finding);
void modules_release(const struct inspector *i, struct judgement *j);
/* app_services.learn: arg is the inspector. */
void modules_learn(void *arg, const struct weir_endpoint_key *key, uint16_t app,
		   enum weir_source source);

/* segment.c */
/* Adds the TCP segment at hand to its stream, as flow_stream_push() does, and notes what is odd
 * about it. */
int64_t segment_add(struct glance *g);
/* The same segment once more, after flow_stream_skip(). */
int64_t segment_retry(struct glance *g);
/* The segment at hand ends its direction. */
void segment_end(struct glance *g);
/* Tells in the outcome where the segment at hand lies in what is read. */
void segment_place(struct glance *g);

/* follow.c */
/* A packet with payload of an inspected flow. */
void follow_packet(struct glance *g);

/* record.c */
/* Takes the flow's details. */
void record_keep(struct inspector *i, struct flow *f);
void record_emit(struct inspector *i, void (*fn)(struct flow *, void *), void *arg);
void record_free(struct inspector *i);

#endif
