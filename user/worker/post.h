/* SPDX-License-Identifier: GPL-2.0-only */
/* A worker's two rings (mail/mail.h) and the records in them. Private to user/worker. */
#ifndef WEIR_WORKER_POST_H
#define WEIR_WORKER_POST_H

#include "mail/mail.h"
#include "worker/worker.h"

/* At a million events a second, about ten milliseconds of them. */
#define POST_OUT_BYTES (2u << 20)
#define POST_IN_BYTES  MAIL_BYTES_MIN
/* The daemon reads ten times a second, and is woken when this much is in the ring. */
#define POST_WAKE_BYTES (POST_OUT_BYTES / 8)

/* Records from the daemon to a worker. */
enum worker_order {
	WORKER_ORDER_SETTINGS, /* uint64_t: others are to be used, of this number or a later one */
	WORKER_ORDER_BLOCK,    /* struct weir_block: what is parked of such flows is dropped */
	WORKER_ORDER_RELEASE,  /* struct worker_release: what a consumer holds ends */
};

struct worker_release {
	uint64_t handle;
	uint32_t action; /* enum weir_action */
	uint32_t pad;
};

/* The head of a note; the flow's details follow, or a DNS answer without its unused records. */
struct post_note {
	uint64_t time_ns;
	uint64_t flow_id;
	struct weir_flow_key key;
	uint8_t origin;
	uint8_t in_port;
	uint16_t app;
};

/* Both ends of both rings: worker and daemon are threads of one process. */
struct post {
	struct mail_writer *out; /* the worker's */
	struct mail_reader *in;
	struct mail_reader *news; /* the daemon's */
	struct mail_writer *orders;
	int news_fd;	  /* eventfd: POST_WAKE_BYTES are in the ring */
	bool broken;	  /* logged already */
	uint64_t unsound; /* records that failed a check */
	uint64_t in_use;  /* number of the settings that the worker last said it uses */
	bool untold;	  /* the order to take other settings did not fit */
};

/* wake_fd: the worker's eventfd, which stays the caller's. 0 or a negative errno; to be closed in
 * either case. p is zeroed. */
int post_open(struct post *p, int wake_fd);
void post_close(struct post *p);

#endif
