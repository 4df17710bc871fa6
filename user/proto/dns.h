/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DNS messages (RFC 1035). READER(dns), over TCP, and READER(dns_datagrams), over UDP, give struct
 * dns_event for each message with one question.
 */
#ifndef WEIR_PROTO_DNS_H
#define WEIR_PROTO_DNS_H

#include "proto/reader.h"

#define DNS_NAME_MAX	253
#define DNS_MESSAGE_MAX 4096 /* bytes over TCP; longer messages are passed over */
#define DNS_CLASS_IN	1

enum dns_type { DNS_TYPE_A = 1, DNS_TYPE_CNAME = 5, DNS_TYPE_AAAA = 28 };

/* Header and question of a message with one question. */
struct dns_question {
	uint16_t id, type;
	uint16_t flags; /* second word of the header */
	bool response;
	uint8_t rcode;
	uint16_t answers, authorities, additional; /* records that the header announces */
	size_t end; /* offset of the end of the question in the message: of its records */
	char name[DNS_NAME_MAX + 1];
};
/* Parses header and question of a standard query or response. False for anything else. */
bool dns_read_question(const uint8_t *data, size_t len, struct dns_question *out);

struct dns_record {
	char owner[DNS_NAME_MAX + 1];
	uint16_t type, class;
	uint32_t ttl_seconds;
	size_t at; /* offset of its data in the message */
	uint16_t len;
};
/* The record at *at, which is moved behind it. False: there is none, or it is malformed. */
bool dns_next_record(const uint8_t *data, size_t len, size_t *at, struct dns_record *out);
/*
 * Parses a domain name at *at (RFC 1035, 3.1 and 4.1.4): lower case, '?' for unprintable characters
 * and dots within a label. Afterwards *at is behind it. False if it is malformed, too long, or has
 * a pointer that does not point backwards.
 */
bool dns_read_name(const uint8_t *data, size_t len, size_t *at, char out[DNS_NAME_MAX + 1]);

struct dns_event {
	uint8_t side; /* enum stream_side: the sender */
	struct dns_question question;
	const uint8_t *data; /* the message; valid during the call */
	size_t len;
};

/* State of both readers. */
struct dns_stream {
	uint16_t others; /* messages in a row that are not of DNS */
	struct dns_side {
		uint8_t head[2]; /* the message's length */
		uint8_t head_have;
		bool lost; /* a gap was given */
		uint16_t have;
		uint8_t *room; /* DNS_MESSAGE_MAX from the first message in pieces on */
	} side[2];
};

extern const struct reader reader_dns, reader_dns_datagrams;

#endif
