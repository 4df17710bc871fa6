/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libweir-tap: a program that serves a tap of weir's policy (docs/tap.md).
 *
 *	struct weir_tap *tap;
 *	const struct weir_tap_item *item;
 *
 *	if (weir_tap_open("rewrite", NULL, &tap) < 0)
 *		...
 *	while (weir_tap_next(tap, -1, &item) > 0)
 *		weir_tap_pass(tap, item);
 *	weir_tap_close(tap);
 *
 * Not thread-safe: a handle belongs to one thread at a time. Functions return 0 or a negative
 * errno. The library starts no threads, handles no signals and prints nothing.
 */
#ifndef WEIR_TAP_H
#define WEIR_TAP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define WEIR_TAP_SOCKET "/run/weir/tap.sock"

struct weir_tap;

enum weir_tap_kind {
	WEIR_TAP_FRAME, /* mode frames: `data` is a frame, from its Ethernet header on */
	WEIR_TAP_DATA,	/* mode stream: `data` is the next part of what a side sends */
	WEIR_TAP_GAP,	/* bytes of it are missing, `len` of them or, where that is 0, unknown */
	WEIR_TAP_END,	/* the side sends nothing more */
	WEIR_TAP_RESET, /* the connection is over, in both directions */
};

/* What there is to see. Valid until the next weir_tap_next() or weir_tap_close(). */
struct weir_tap_item {
	enum weir_tap_kind kind;
	uint64_t flow;	   /* the same for all items of a connection, never reused */
	uint64_t number;   /* counts the items of the flow and direction, from 0 on */
	uint64_t offset;   /* DATA, GAP: of the first byte in its direction */
	uint64_t time_ns;  /* when weir saw it, nanoseconds since 1970 */
	const char *app;   /* the application, as weir's policy calls it */
	int from_server;   /* 0: sent by the side that opened the flow */
	unsigned int port; /* number of weir's port that it came in by */
	const uint8_t *data;
	size_t len;
	/* FRAME: the parts of it. Without an IP header that could be read all are 0. */
	size_t ip_at, transport_at, payload_at, payload_len; /* offsets from data; bytes */
	int ip_version, protocol;
	/* FRAME: how long a payload given to weir_tap_change() may be; 0: it cannot be changed. */
	size_t payload_min, payload_max;
	int asked; /* an answer is waited for, and the tap's timeout runs */
	/* DATA, GAP, END, RESET: the flow. Addresses as in IPv6, IPv4 as ::ffff:a.b.c.d; 0: the
	 * side that opened it. */
	const uint8_t *address[2];
	uint16_t address_port[2];
	uint64_t id; /* of the answer */
	unsigned int worker;
};

/*
 * Connects to the tap of this name. socket NULL: WEIR_TAP_SOCKET. -ENOENT or -ECONNREFUSED: no
 * weir; -ESRCH: its policy has no such tap; -EACCES: it is not for this user; -EBUSY: another
 * program serves it; -EPROTO: a weir of another version. weir_tap_error() has the reason in words.
 */
int weir_tap_open(const char *name, const char *socket, struct weir_tap **out);
void weir_tap_close(struct weir_tap *tap);
/* What the last weir_tap_open() of this thread that failed was told; "" where there is nothing. */
const char *weir_tap_error(void);

/*
 * The next item. timeout_ms: how long to wait for one, -1 without end; a signal begins the wait
 * anew. 1: *out is there; 0: none came in time; -EPIPE: weir has ended the connection, or the tap
 * is gone from its policy; -EBADMSG: what came makes no sense.
 */
int weir_tap_next(struct weir_tap *tap, int timeout_ms, const struct weir_tap_item **out);
/* A descriptor that is readable when weir_tap_next() has something to give, for programs with an
 * event loop of their own, which call weir_tap_next(tap, 0, ...) until it returns 0. */
int weir_tap_fd(const struct weir_tap *tap);

/*
 * Answers an item that is asked about. Each may be answered once, in any order, also after the next
 * one was taken (by the item's copy: id and worker are what counts). An answer that comes too late
 * or is about nothing is ignored. For items that nobody asks about they do nothing. -ENOBUFS: weir
 * has not read the answers before.
 */
int weir_tap_pass(struct weir_tap *tap, const struct weir_tap_item *item);
/* The frame is dropped; in mode stream all of the flow from here on. */
int weir_tap_drop(struct weir_tap *tap, const struct weir_tap_item *item);
/* The frame passes with another payload behind its TCP or UDP header; lengths and checksums follow.
 * -EMSGSIZE: shorter than payload_min or longer than payload_max. */
int weir_tap_change(struct weir_tap *tap, const struct weir_tap_item *item, const void *payload,
		    size_t len);

/* What the policy says of the tap. */
uint64_t weir_tap_timeout_ns(const struct weir_tap *tap);
int weir_tap_is_stream(const struct weir_tap *tap);
int weir_tap_is_copy(const struct weir_tap *tap);
/* Items that weir could not show, because this program was slow. */
uint64_t weir_tap_lost(const struct weir_tap *tap);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
