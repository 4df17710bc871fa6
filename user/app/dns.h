/* SPDX-License-Identifier: GPL-2.0-only */
/* Messages of the DNS (RFC 1035), for user/app alone. */
#ifndef WEIR_APP_DNS_H
#define WEIR_APP_DNS_H

#include "app/app.h"

enum dns_type { DNS_TYPE_A = 1, DNS_TYPE_CNAME = 5, DNS_TYPE_AAAA = 28 };

/* The head of a message with one question. */
struct dns_question {
	uint16_t id, type;
	bool response;
	uint8_t rcode;
	uint16_t answers;
	size_t end; /* of the question within the message */
	char name[NAME_TEXT_MAX + 1];
};
/* Reads header and question of a standard query or its response. False for anything else. */
bool dns_read_question(const uint8_t *data, size_t len, struct dns_question *out);
/*
 * Reads the answers to q, of the same message: aliases from the name asked for to the last one, and
 * that one's addresses. What does not belong to the name is left out, and so is what is behind a
 * broken record. Fills all of out.
 */
void dns_read_answers(const uint8_t *data, size_t len, const struct dns_question *q,
		      struct app_dns *out);
/*
 * A domain name at *at (RFC 1035, 3.1 and 4.1.4), lower case, '?' for what is not printable or is a
 * dot within a label. *at then stands behind it. False when it is broken, too long, or its pointers
 * do not lead backwards.
 */
bool dns_read_name(const uint8_t *data, size_t len, size_t *at, char out[NAME_TEXT_MAX + 1]);

#endif
