/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A reader turns the bytes of a conversation into fields of one protocol. It is a row in its own
 * file, READER(name); which flows it reads is decided elsewhere. Readers never allocate per packet,
 * give fields in the order of the bytes, and give no byte twice.
 */
#ifndef WEIR_PROTO_READER_H
#define WEIR_PROTO_READER_H

#include "proto/stream.h"

/* Bumped when struct reader or struct stream_event changes its meaning. */
#define READER_ABI 1

enum reader_guess {
	READER_NO,    /* this is another protocol, for good */
	READER_MAYBE, /* more bytes are needed */
	READER_YES,
};

/* Receives one event of a reader, of the type that its header names. */
typedef void reader_emit(void *arg, const void *event);

struct reader {
	uint32_t abi; /* READER_ABI */
	const char *name;
	const char *help;
	uint8_t proto; /* IPPROTO_TCP: it reads streams; IPPROTO_UDP: it reads datagrams */
	size_t size;   /* bytes of its state of one conversation */
	/* Sets up a new state, whose bytes are anything. NULL: they are zeroed. */
	void (*begin)(void *state);
	/*
	 * Whether the conversation is of this protocol, from the first bytes of one side. NULL: the
	 * first bytes do not tell, and the identification of the flow does.
	 */
	enum reader_guess (*guess)(enum stream_side side, const uint8_t *data, size_t len);
	/* Names of applications whose flows it reads whatever they begin with, NULL-terminated; may
	 * be NULL. */
	const char *const *apps;
	/*
	 * Reads one event and calls emit for what it completes. 0; -EPROTO: this is not, or no
	 * longer, its protocol, and it is not called again for this conversation. A reader that
	 * cannot go on behind a gap says so in the same way.
	 */
	int (*read)(void *state, const struct stream_event *e, reader_emit *emit, void *arg);
	/* Frees what the state refers to; NULL: it refers to nothing. */
	void (*fini)(void *state);
};

/* Defines a reader: READER(http) = { ... }; scripts/rows.sh lists them. */
#define READER(row) const struct reader reader_##row
/* All readers, NULL-terminated. */
extern const struct reader *const readers[];

#endif
