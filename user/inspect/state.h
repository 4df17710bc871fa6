/* SPDX-License-Identifier: GPL-2.0-only */
/* Internal state of user/inspect. */
#ifndef WEIR_INSPECT_STATE_H
#define WEIR_INSPECT_STATE_H

#include <netinet/in.h>

#include "inspect/flights.h"
#include "inspect/inspect.h"
#include "proto/quic.h"
#include "util/slab.h"

/* An identification below this confidence is a guess and does not decide a flow. */
#define DECIDE_CONFIDENCE 50
/*
 * Ports below are those of well-known services (RFC 6335, 6). A flow to them is not identified by
 * its shape alone, which could cost a host its web or mail, and a host cannot announce them for all
 * other hosts.
 */
#define SERVICE_PORTS 1024

/* Sides whose first message has been read for details. */
#define DESCRIBED_CLIENT 1
#define DESCRIBED_SERVER 2
#define DESCRIBED_ALL	 3

/* The inspector's state of a flow (flow.module), as long as its payload is needed. */
struct judgement {
	uint32_t isn[2];
	bool isn_valid[2];
	bool ended[2];	 /* its FIN was seen, with sequence number fin_seq */
	bool resumed;	 /* the flow was inspected before this table knew it, so its beginning is
			    missing */
	bool skipped[2]; /* payload of the direction went by unread: nobody wanted it */
	uint32_t fin_seq[2];
	uint8_t looks;	      /* number of calls of describe_flow() */
	uint8_t described;    /* DESCRIBED_* */
	uint32_t expectation; /* handle of the one by which the flow began, 0: none */
	size_t judged[2];     /* bytes of each direction's first message that were classified */
	struct classify_memo memo[2]; /* classifier state of each first message */
	struct flights flights;
	struct reading *reading;   /* who takes a decided flow; NULL: nobody */
	void **states;		   /* state of each module; NULL until one has some */
	uint16_t dtls_sequence[2]; /* message_seq of the handshake message that is being reassembled
				    */
	uint32_t read_frame;	   /* number of the last frame that was read for details */
	struct quic_connection quic;
	struct app_finding held; /* finding for a QUIC flow while its hello is incomplete */
};

/* What a consumer holds. */
#define HOLDS_MAX 256
struct hold {
	uint64_t handle; /* 0: free */
	uint64_t flow_id;
	uint64_t deadline_ns;
	uint8_t dir, reason;
	uint8_t answer;	   /* when the deadline passes */
	uint8_t strictest; /* of those of the direction that have ended */
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
	uint32_t source[4]; /* sender of the message that a module is shown */
	const struct app_module *const *modules;
	size_t module_count;
	/* Modules that are shown the messages of undecided flows whatever the signature engine
	 * found: for TCP, for UDP. Each list ends with NULL. */
	const struct app_module **shown[2];
	/* Cache of module_of() for the present signatures. */
	const struct app_module *owner[WEIR_APPS_MAX];
	bool owner_known[WEIR_APPS_MAX];
	struct flow_table *table;
	struct slab judgements;
	struct slab states; /* memory for judgement.states */
	struct audience *audience;
	struct fragments *fragments;
	struct secret *secret;
	uint16_t tunnel_app[PACKET_TUNNEL_COUNT]; /* applications that are tunnels */
	void (*on_release)(struct flow *f, void *arg);
	void *release_arg;
	uint64_t now_ns; /* time of the current packet */
	struct expect_stats expect;
	struct {
		uint64_t last;				    /* handle given */
		struct inspect_hold out[INSPECT_HOLDS_MAX]; /* of the packet at hand */
		struct hold hold[HOLDS_MAX];
	} holds;
	struct record **records; /* offline flows that left the table */
	size_t record_count, record_room;
	bool closing;
	struct {
		uint16_t bittorrent, directconnect, encrypted, tls, stun, dtls;
	} apps; /* 0: the registry has none */
};

/* The packet that is being inspected. */
struct glance {
	struct inspector *i;
	const struct packet *p;
	uint32_t frames; /* frames that it came in, more than one for a reassembled datagram */
	uint64_t bytes;	 /* bytes of these frames */
	enum packet_tunnel tunnel; /* tunnel that it was in */
	unsigned int depth;	   /* number of tunnels around it */
	struct flow *f;
	struct judgement *j; /* NULL: the flow is decided and its payload no longer needed */
	struct inspect_outcome *out;
	struct inspect_outcome *inner; /* outcome in which inner flows are reported */
};

static inline struct judgement *judgement_of(const struct flow *f)
{
	return f->module;
}

/*
 * Whether a pcap file is read instead of live traffic: then everything found is kept for
 * inspector_finish(). A flow without an id does not imply offline mode: in live mode flows inside a
 * tunnel have none either.
 */
static inline bool is_offline(const struct inspector *i)
{
	return !i->settings.online;
}

static inline bool flow_has_ports(const struct flow *f)
{
	return f->key.proto == IPPROTO_TCP || f->key.proto == IPPROTO_UDP;
}

/* inspect.c */
/* Inspects one packet in the form its receiver would process it (reassembled, without tunnel); all
 * of g except f and j is set. */
void judge_packet(struct glance *g, const struct weir_punt *punt);

/* judge.c */
/* Decides a flow by its first frame alone if possible: a protocol without ports, or a learned
 * endpoint. */
void judge_first(struct glance *g);
/* Classifies one message (TCP: the contiguous part of the direction's first message). */
void judge_message(struct glance *g, uint8_t dir, const uint8_t *data, size_t len, bool complete);
/* No more bytes will come or be examined: classifies both messages as complete; if that identifies
 * nothing, the flow becomes unknown. */
void judge_finally(struct glance *g);
void judge_message_of(const struct glance *g, uint8_t dir, const uint8_t *data, size_t len,
		      struct app_message *out);

/* describe.c */
/* Extracts details from the bytes present (flow->details), and sets whether to continue reading
 * (flow->reading). */
void describe_flow(struct glance *g, bool may_wait);

enum describe_quic {
	DESCRIBE_NONE,	  /* not QUIC, or not readable */
	DESCRIBE_PENDING, /* the client's hello is incomplete */
	DESCRIBE_HELLO,
};
/* Reads the current datagram of an undecided flow. With DESCRIBE_HELLO, *hello is the complete
 * hello of the client, beginning with the handshake type. */
enum describe_quic describe_quic(struct glance *g, const uint8_t **hello, size_t *len);

/* modules.c */
/* Sets up the lists of modules. 0 or -ENOMEM. */
int modules_init(struct inspector *i);
bool module_is_off(const struct inspector *i, const struct app_module *module);
void modules_fini(struct inspector *i);
const struct app_module *module_of(struct inspector *i, unsigned int app);
/* Address of the module's state of this flow; NULL on ENOMEM. */
void **module_state(struct inspector *i, struct judgement *j, const struct app_module *module);
void modules_undecided(struct glance *g, const struct app_message *m, struct app_finding *finding);
void modules_release(struct inspector *i, struct judgement *j);
/* app_services.learn: arg is the inspector. */
void modules_learn(void *arg, const struct weir_endpoint_key *key, uint16_t app,
		   enum weir_source source);
/* app_services.answered: arg is the inspector. */
/* app_services.judge; carried.c */
void modules_judge(void *arg, const struct app_message *m, struct app_finding *finding);
void modules_told(void *arg, const struct app_message *m, const struct app_record *r);
void modules_answered(void *arg, const struct app_message *m, const struct app_dns *answer);

/* expect.c */
/* app_services.expect: arg is the inspector. */
bool expect_endpoint(void *arg, const struct app_message *m, const uint32_t *addr, uint16_t port,
		     const char *app, bool anyone);
/* app_services.expect_data, .expect_name and .parent */
uint64_t expect_data(void *arg, const struct app_message *m, const struct app_expectation *e);
void expect_name(void *arg, uint64_t handle, const char *name);
bool expect_parent(void *arg, const struct flow *f, struct app_parent *out);
/* Notes the expectation, if the flow was identified by one. */
void expect_note(struct glance *g, const struct weir_peer *peer);
/* Whether the flow was expected with the wish to be read; then that is noted. */
bool expect_begins(struct glance *g);
/* segment.c */
/* Adds the current TCP segment to its stream, as flow_stream_push() does, and records its
 * anomalies. */
int64_t segment_add(struct glance *g);
/* Adds the same segment again, after flow_stream_skip(). */
int64_t segment_retry(struct glance *g);
/* Records that the current segment ends its direction. */
void segment_end(struct glance *g);
/* Tells the stream of a followed direction about its end, which was recorded. */
void segment_tell_end(struct glance *g, uint8_t dir);
/* Sets in the outcome the position of the current segment in the stream. */
void segment_place(struct glance *g);

/* follow.c */
/* Whether what the packet's side sends is read of a decided flow. */
bool follow_wants(const struct glance *g);
/* Processes a packet with payload of an inspected flow; a bare FIN; an RST. */
void follow_packet(struct glance *g);
void follow_end(struct glance *g);
void follow_reset(struct glance *g);

/* record.c */
/* Keeps a copy of a flow that leaves the table; takes over the flow's details. */
void record_keep(struct inspector *i, struct flow *f);
void record_emit(struct inspector *i, void (*fn)(struct flow *, void *), void *arg);
void record_free(struct inspector *i);

#endif
