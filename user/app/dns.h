/* SPDX-License-Identifier: GPL-2.0-only */
/* DNS messages (RFC 1035). Private to user/app. */
#ifndef WEIR_APP_DNS_H
#define WEIR_APP_DNS_H

#include "app/app.h"

enum dns_type { DNS_TYPE_A = 1, DNS_TYPE_CNAME = 5, DNS_TYPE_AAAA = 28 };

/* Header and question of a message with one question. */
struct dns_question {
	uint16_t id, type, flags;
	bool response;
	uint8_t rcode;
	uint16_t answers;
	size_t end; /* offset of the end of the question in the message */
	char name[NAME_TEXT_MAX + 1];
};
/* Parses header and question of a standard query or response. False for anything else. */
bool dns_read_question(const uint8_t *data, size_t len, struct dns_question *out);
/*
 * Parses the answers to q in the same message: the chain of aliases from the name in question to
 * the last one, and its addresses. Records of other names are skipped, and everything after a
 * malformed record. All of *out is filled.
 */
void dns_read_answers(const uint8_t *data, size_t len, const struct dns_question *q,
		      struct app_dns *out);
/*
 * Parses a domain name at *at (RFC 1035, 3.1 and 4.1.4): lower case, '?' for unprintable characters
 * and dots within a label. Afterwards *at is behind it. False if it is malformed, too long, or has
 * a pointer that does not point backwards.
 */
bool dns_read_name(const uint8_t *data, size_t len, size_t *at, char out[NAME_TEXT_MAX + 1]);

#endif
