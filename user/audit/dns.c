// SPDX-License-Identifier: GPL-2.0-only
/* Bodies of `dns` events: version 2 of EVE's format, detailed and grouped. */
#include <stdio.h>
#include <string.h>

#include "audit/details.h"
#include "audit/parts.h"
#include "util/util.h"

#define DNS_VERSION	2
#define NUMBER_TEXT_MAX 8
#define TYPE_CNAME	5

/* Types that have a name in EVE (RFC 1035, 3596 and later); for others the number, in buf. */
static const char *type_text(uint16_t type, char buf[NUMBER_TEXT_MAX])
{
	static const struct {
		uint16_t type;
		const char *text;
	} names[] = {
		{1, "A"},	    {2, "NS"},	    {5, "CNAME"},   {6, "SOA"},	   {10, "NULL"},
		{12, "PTR"},	    {13, "HINFO"},  {15, "MX"},	    {16, "TXT"},   {17, "RP"},
		{18, "AFSDB"},	    {24, "SIG"},    {25, "KEY"},    {28, "AAAA"},  {29, "LOC"},
		{33, "SRV"},	    {35, "NAPTR"},  {36, "KX"},	    {37, "CERT"},  {39, "DNAME"},
		{41, "OPT"},	    {42, "APL"},    {43, "DS"},	    {44, "SSHFP"}, {45, "IPSECKEY"},
		{46, "RRSIG"},	    {47, "NSEC"},   {48, "DNSKEY"}, {49, "DHCID"}, {50, "NSEC3"},
		{51, "NSEC3PARAM"}, {52, "TLSA"},   {65, "HTTPS"},  {99, "SPF"},   {249, "TKEY"},
		{250, "TSIG"},	    {254, "MAILA"}, {255, "ANY"},   {256, "URI"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].type == type)
			return names[i].text;
	snprintf(buf, NUMBER_TEXT_MAX, "%u", type);
	return buf;
}

static const char *rcode_text(uint8_t rcode, char buf[NUMBER_TEXT_MAX])
{
	static const char *const names[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
					    "NOTIMP",  "REFUSED", "YXDOMAIN", "YXRRSET",
					    "NXRRSET", "NOTAUTH", "NOTZONE"};

	if (rcode < ARRAY_SIZE(names))
		return names[rcode];
	snprintf(buf, NUMBER_TEXT_MAX, "%u", rcode);
	return buf;
}

/* Flags are told where they are set. */
static void set_flags(json_t *o, uint16_t flags)
{
	static const struct {
		const char *name;
		uint16_t bit;
	} names[] = {{"qr", 0x8000}, {"aa", 0x0400}, {"rd", 0x0100}, {"ra", 0x0080}, {"z", 0x0040}};
	char text[NUMBER_TEXT_MAX];

	snprintf(text, sizeof(text), "%x", flags);
	eve_set(o, "flags", json_string(text));
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (flags & names[i].bit)
			eve_set(o, names[i].name, json_true());
}

/* {"A": ["192.0.2.1", ...], "CNAME": [...]} */
static void group_add(json_t *grouped, const char *type, const char *data)
{
	json_t *list = json_object_get(grouped, type);

	if (!list) {
		list = json_array();
		json_object_set_new(grouped, type, list);
	}
	json_array_append_new(list, json_string(data));
}

static void set_answers(json_t *o, const struct app_dns *d)
{
	json_t *list = json_array(), *grouped = json_object();
	char text[ADDRESS_TEXT_MAX], number[NUMBER_TEXT_MAX];
	const char *owner = d->name;

	for (unsigned int i = 0; i < d->count; i++) {
		const struct app_dns_record *r = &d->record[i];
		const char *type = type_text(r->type, number);
		const char *data = r->target[0] ? r->target : address_format(r->address, text);

		json_array_append_new(list, json_pack("{s:s, s:s, s:I, s:s}", "rrname", owner,
						      "rrtype", type, "ttl",
						      (json_int_t)r->ttl_seconds, "rdata", data));
		group_add(grouped, type, data);
		if (r->type == TYPE_CNAME)
			owner = r->target;
	}
	eve_set(o, "answers", list);
	eve_set(o, "grouped", grouped);
}

json_t *details_dns_event(const struct app_dns *d)
{
	char number[NUMBER_TEXT_MAX];
	json_t *o = json_object();

	eve_set_number(o, "version", DNS_VERSION);
	eve_set(o, "type", json_string(d->query ? "query" : "answer"));
	eve_set_number(o, "id", d->id);
	if (!d->query)
		set_flags(o, d->flags);
	eve_set(o, "rrname", json_string(d->name));
	eve_set(o, "rrtype", json_string(type_text(d->type, number)));
	eve_set_number(o, "opcode", d->flags >> 11 & 15);
	if (d->query)
		return o;
	eve_set(o, "rcode", json_string(rcode_text(d->rcode, number)));
	if (d->count)
		set_answers(o, d);
	return o;
}
