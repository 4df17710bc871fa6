// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <string.h>

#include "app/dns.h"
#include "util/util.h"

#define HEADER	    12
#define RECORDS_MAX 64 /* records of a section that are read at most */
#define CHAIN_MAX   8  /* length of an alias chain at most */
#define CLASS_IN    1
#define POINTER	    0xc0

static uint16_t u16_at(const uint8_t *data, size_t at)
{
	return (uint16_t)(data[at] << 8 | data[at + 1]);
}

static uint32_t u32_at(const uint8_t *data, size_t at)
{
	return (uint32_t)u16_at(data, at) << 16 | u16_at(data, at + 2);
}

static char label_char(uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c + ('a' - 'A'));
	return c > 0x20 && c < 0x7f && c != '.' ? (char)c : '?';
}

bool dns_read_name(const uint8_t *data, size_t len, size_t *at, char out[NAME_TEXT_MAX + 1])
{
	size_t pos = *at, limit = len, used = 0, behind = 0;

	for (;;) {
		uint8_t n;

		if (pos >= limit)
			return false;
		n = data[pos];
		if (n == 0)
			break;
		if (n >= POINTER) {
			size_t target;

			if (pos + 2 > len)
				return false;
			target = u16_at(data, pos) & 0x3fff;
			if (!behind)
				behind = pos + 2;
			/* Only backward pointers, so that parsing terminates. */
			if (target >= pos || target < HEADER)
				return false;
			limit = pos;
			pos = target;
			continue;
		}
		if (n >= 0x40 || pos + 1 + n > len || used + n + 1 > NAME_TEXT_MAX)
			return false;
		if (used)
			out[used++] = '.';
		for (size_t i = 0; i < n; i++)
			out[used++] = label_char(data[pos + 1 + i]);
		pos += 1u + n;
	}
	out[used] = 0;
	*at = behind ? behind : pos + 1;
	return true;
}

bool dns_read_question(const uint8_t *data, size_t len, struct dns_question *out)
{
	size_t at = HEADER;

	/* Opcode 0, one question (RFC 1035, 4.1.1). */
	if (len < HEADER || (data[2] & 0x78) != 0 || u16_at(data, 4) != 1)
		return false;
	if (!dns_read_name(data, len, &at, out->name) || len - at < 4 ||
	    (u16_at(data, at + 2) & 0x7fff) != CLASS_IN)
		return false;
	out->id = u16_at(data, 0);
	out->flags = u16_at(data, 2);
	out->response = data[2] & 0x80;
	out->rcode = data[3] & 0x0f;
	out->answers = u16_at(data, 6);
	out->type = u16_at(data, at);
	out->end = at + 4;
	return true;
}

struct record {
	char owner[NAME_TEXT_MAX + 1];
	uint16_t type, class;
	uint32_t ttl_seconds;
	size_t at; /* offset of the record's data */
	uint16_t len;
};

static bool take_record(const uint8_t *data, size_t len, size_t *at, struct record *out)
{
	size_t pos = *at;

	if (!dns_read_name(data, len, &pos, out->owner) || len - pos < 10)
		return false;
	out->type = u16_at(data, pos);
	out->class = u16_at(data, pos + 2);
	out->ttl_seconds = u32_at(data, pos + 4);
	out->len = u16_at(data, pos + 8);
	out->at = pos + 10;
	if (out->len > len - out->at)
		return false;
	*at = out->at + out->len;
	return true;
}

static struct app_dns_record *add_record(struct app_dns *out, const struct record *r)
{
	struct app_dns_record *slot = &out->record[out->count];

	if (out->count == APP_DNS_RECORDS_MAX)
		return NULL;
	memset(slot, 0, sizeof(*slot));
	slot->type = r->type;
	slot->ttl_seconds = r->ttl_seconds;
	out->count++;
	return slot;
}

/* Replaces name by its alias, if it has one. */
static bool follow_alias(const uint8_t *data, size_t len, const struct dns_question *q,
			 const char *name, struct app_dns *out)
{
	size_t at = q->end;
	struct record r;

	for (unsigned int n = 0; n < q->answers && n < RECORDS_MAX; n++) {
		struct app_dns_record *slot;
		size_t target;

		if (!take_record(data, len, &at, &r))
			return false;
		target = r.at;
		if (r.type != DNS_TYPE_CNAME || r.class != CLASS_IN || strcmp(r.owner, name) != 0)
			continue;
		slot = add_record(out, &r);
		if (!slot)
			return false;
		if (dns_read_name(data, r.at + r.len, &target, slot->target))
			return true;
		out->count--;
		return false;
	}
	return false;
}

static void add_address(const uint8_t *data, const struct record *r, struct app_dns *out)
{
	bool v4 = r->type == DNS_TYPE_A && r->len == 4;
	bool v6 = r->type == DNS_TYPE_AAAA && r->len == 16;
	struct app_dns_record *slot = v4 || v6 ? add_record(out, r) : NULL;
	uint32_t address;

	if (!slot)
		return;
	if (v4) {
		memcpy(&address, data + r->at, sizeof(address));
		address_from_v4(slot->address, address);
	} else {
		memcpy(slot->address, data + r->at, sizeof(slot->address));
	}
}

void dns_read_answers(const uint8_t *data, size_t len, const struct dns_question *q,
		      struct app_dns *out)
{
	const char *name = q->name;
	size_t at = q->end;
	struct record r;

	out->query = false;
	out->id = q->id;
	out->flags = q->flags;
	out->type = q->type;
	out->rcode = q->rcode;
	out->count = 0;
	memcpy(out->name, q->name, sizeof(out->name));
	for (unsigned int n = 0; n < CHAIN_MAX && follow_alias(data, len, q, name, out); n++)
		name = out->record[out->count - 1].target;
	for (unsigned int n = 0; n < q->answers && n < RECORDS_MAX; n++) {
		if (!take_record(data, len, &at, &r))
			return;
		if (r.class == CLASS_IN && strcmp(r.owner, name) == 0)
			add_address(data, &r, out);
	}
}
