/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of user/inspect share. */
#ifndef WEIR_INSPECT_STATE_H
#define WEIR_INSPECT_STATE_H

#include <netinet/in.h>

#include "inspect/flights.h"
#include "inspect/inspect.h"
#include "inspect/quic.h"
#include "util/slab.h"

/* An answer below this is a guess, and a guess does not decide a flow. */
#define DECIDE_CONFIDENCE 50
/* Below are well-known services (RFC 6335, 6): no shape alone may cost a host its web or mail, and
 * they are not for one host to give away to everyone. */
#define SERVICE_PORTS 1024

/* Whose first message has been read for details. */
#define DESCRIBED_CLIENT 1
#define DESCRIBED_SERVER 2
#define DESCRIBED_ALL	 3

/* The inspector's part of a flow (flow.module), as long as its payload is wanted. */
struct judgement {
	uint32_t isn[2];
	bool isn_valid[2];
	bool ended[2];	  /* its FIN was seen: at fin_seq */
	bool resumed;	  /* inspected since before this table knew it: its beginning is gone */
	bool module_done; /* followed, but by no module any more */
	uint32_t fin_seq[2];
	uint8_t looks;		      /* of describe_flow() */
	uint8_t described;	      /* DESCRIBED_* */
	size_t judged[2];	      /* bytes of each first message that were classified */
	struct classify_memo memo[2]; /* what is left to look at of each */
	struct flights flights;
	const struct app_module *reader; /* of an inspected flow */
	void **states;			 /* by module, NULL until one has some */
	uint16_t dtls_sequence[2];	 /* of the handshake message that is put together */
	uint32_t read_frame;		 /* number of the last datagram that was read for details */
	struct quic_connection quic;
	struct app_finding held; /* QUIC, while its hello is incomplete */
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
	uint32_t source[4]; /* the sender of what a module is shown */
	const struct app_module *const *modules;
	size_t module_count;
	/* Whom messages of undecided flows are shown to, whatever the engine named: those of TCP,
	 * those of UDP. Each list ends with NULL. */
	const struct app_module **shown[2];
	/* What module_of() found for the signatures at hand. */
	const struct app_module *owner[WEIR_APPS_MAX];
	bool owner_known[WEIR_APPS_MAX];
	struct flow_table *table;
	struct slab judgements;
	struct slab states; /* of judgement.states */
	struct fragments *fragments;
	struct secret *secret;
	uint16_t tunnel_app[PACKET_TUNNEL_COUNT]; /* applications that are tunnels */
	void (*on_release)(struct flow *f, void *arg);
	void *release_arg;
	uint64_t now_ns; /* of the packet at hand */
	struct expect_stats expect;
	struct record **records; /* offline flows that left the table */
	size_t record_count, record_room;
	bool closing;
	struct {
		uint16_t bittorrent, directconnect, encrypted, tls, stun, dtls;
	} apps; /* 0: the registry has none */
};

/* One packet on its way through the inspector. */
struct glance {
	struct inspector *i;
	const struct packet *p;
	uint32_t frames;	   /* it came in, more than one for a fragmented datagram */
	uint64_t bytes;		   /* of those */
	enum packet_tunnel tunnel; /* it was in */
	unsigned int depth;	   /* tunnels around it */
	struct flow *f;
	struct judgement *j; /* NULL: decided, and nothing more is wanted of it */
	struct inspect_outcome *out;
	struct inspect_outcome *inner; /* who is told of inner flows */
};

static inline struct judgement *judgement_of(const struct flow *f)
{
	return f->module;
}

/* A capture is read, not a wire: everything that is found is kept for who asks at the end. Not to
 * be told by a flow without a number: on a wire, what is inside of a tunnel has none either. */
static inline bool is_offline(const struct inspector *i)
{
	return !i->settings.online;
}

static inline bool flow_has_ports(const struct flow *f)
{
	return f->key.proto == IPPROTO_TCP || f->key.proto == IPPROTO_UDP;
}

/* inspect.c */
/* One packet as a receiver takes it: all but f and j of g are set. */
void judge_packet(struct glance *g, const struct weir_punt *punt);

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
/* Notes what the bytes that are there say of the flow (flow->details), and whether it is worth
 * reading on (flow->reading). */
void describe_flow(struct glance *g, bool may_wait);

enum describe_quic {
	DESCRIBE_NONE,	  /* no QUIC, or none that can be read */
	DESCRIBE_PENDING, /* more of the client's hello is to come */
	DESCRIBE_HELLO,
};
/* Reads the datagram at hand of an undecided flow. hello: the client's whole one, from its
 * handshake type on, with DESCRIBE_HELLO. */
enum describe_quic describe_quic(struct glance *g, const uint8_t **hello, size_t *len);

/* modules.c */
/* Lists the modules. 0 or -ENOMEM. */
int modules_init(struct inspector *i);
bool module_is_off(const struct inspector *i, const struct app_module *module);
void modules_fini(struct inspector *i);
const struct app_module *module_of(struct inspector *i, unsigned int app);
/* Where module's state of this flow lies; NULL on ENOMEM. */
void **module_state(struct inspector *i, struct judgement *j, const struct app_module *module);
void modules_undecided(struct glance *g, const struct app_message *m, struct app_finding *finding);
void modules_release(struct inspector *i, struct judgement *j);
/* app_services.learn: arg is the inspector. */
void modules_learn(void *arg, const struct weir_endpoint_key *key, uint16_t app,
		   enum weir_source source);
/* app_services.answered: arg is the inspector. */
void modules_answered(void *arg, const struct app_message *m, const struct app_dns *answer);

/* expect.c */
/* app_services.expect: arg is the inspector. */
bool expect_endpoint(void *arg, const struct app_message *m, const uint32_t *addr, uint16_t port,
		     const char *app, bool anyone);
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
