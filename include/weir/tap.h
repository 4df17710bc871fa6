/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the daemon and the library of a tap's program (libweir-tap) exchange. Over the socket goes
 * one message each way, the daemon's with the descriptors of the rings (mail/mail.h): for each
 * worker the ring of frames, the ring of answers and the eventfd that wakes the worker; last the
 * eventfd that wakes the program. A closed socket ends it.
 */
#ifndef WEIR_TAP_ABI_H
#define WEIR_TAP_ABI_H

#include <stdint.h>

#define WEIR_TAP_MAGIC	   0x70617477u
#define WEIR_TAP_ABI	   1u /* changes with what is below, or the rings */
#define WEIR_TAP_NAME_LEN  32
#define WEIR_TAP_TEXT_LEN  160
#define WEIR_TAP_FDS_MAX   (16 * 3 + 1)
#define WEIR_TAP_BYTES_MAX 2048 /* of a frame, and of an answer's payload */

/* The program's message. */
struct weir_tap_hello {
	uint32_t magic, abi;
	char name[WEIR_TAP_NAME_LEN]; /* of the tap, zero-terminated */
};
_Static_assert(sizeof(struct weir_tap_hello) == 40, "weir_tap_hello");

/* The daemon's. */
struct weir_tap_welcome {
	uint32_t magic, abi;
	int32_t error; /* 0, or a negative errno: refused, and text says why */
	uint32_t workers;
	uint64_t timeout_ns;
	uint8_t stream, copy;
	uint8_t pad[6];
	char text[WEIR_TAP_TEXT_LEN];
};
_Static_assert(sizeof(struct weir_tap_welcome) == 192, "weir_tap_welcome");

/* Records to the program. */
enum weir_tap_record {
	WEIR_TAP_RECORD_FRAME, /* struct weir_tap_frame_record, then the frame */
	WEIR_TAP_RECORD_DATA,  /* struct weir_tap_stream_record, then bytes of the stream */
	WEIR_TAP_RECORD_GAP,   /* struct weir_tap_stream_record: `len` bytes are missing */
	WEIR_TAP_RECORD_END,   /* the side sends nothing more */
	WEIR_TAP_RECORD_RESET, /* both are over */
};

/* weir_tap_head.flags */
#define WEIR_TAP_ASKS	 (1u << 0) /* an answer is waited for */
#define WEIR_TAP_REPLACE (1u << 1) /* the payload may be replaced by one of the same length */
#define WEIR_TAP_RESIZE	 (1u << 2) /* and of another */

struct weir_tap_head {
	uint64_t id; /* to be given back with the answer */
	uint64_t flow_id;
	uint64_t time_ns; /* CLOCK_REALTIME */
	uint64_t number;  /* counts the records of the flow and direction, from 0 on */
	char app[WEIR_TAP_NAME_LEN];
	uint8_t from_server; /* 0: sent by the side that opened the flow */
	uint8_t flags;	     /* WEIR_TAP_* */
	uint8_t in_port;     /* weir's port number */
	uint8_t worker;
	uint32_t pad;
};
_Static_assert(sizeof(struct weir_tap_head) == 72, "weir_tap_head");

struct weir_tap_frame_record {
	struct weir_tap_head head;
	uint32_t len;		    /* of the frame */
	uint16_t l3, l4, payload;   /* offsets; 0: not decoded, payload_len is 0 */
	uint16_t payload_len, room; /* room: a replaced payload's length at most */
	uint8_t ip_version, proto;
};
_Static_assert(sizeof(struct weir_tap_frame_record) == 88, "weir_tap_frame_record");

struct weir_tap_stream_record {
	struct weir_tap_head head;
	uint64_t offset;     /* of the first byte in its direction */
	uint64_t len;	     /* bytes; of a GAP 0 where it is not known */
	uint8_t addr[2][16]; /* originator, responder; IPv4 as ::ffff:a.b.c.d */
	uint16_t port[2];    /* host order */
	uint8_t proto;
	uint8_t pad[3];
};
_Static_assert(sizeof(struct weir_tap_stream_record) == 128, "weir_tap_stream_record");

/* Records from the program. */
enum weir_tap_verdict {
	WEIR_TAP_VERDICT_PASS,
	WEIR_TAP_VERDICT_DROP,
	WEIR_TAP_VERDICT_CHANGE, /* pass, with the payload that follows the record */
	WEIR_TAP_VERDICT_COUNT,
};

struct weir_tap_answer {
	uint64_t id;
	uint8_t verdict; /* enum weir_tap_verdict */
	uint8_t pad[7];
};
_Static_assert(sizeof(struct weir_tap_answer) == 16, "weir_tap_answer");

#endif
