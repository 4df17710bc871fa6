// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "proto/certificate.h"
#include "util/util.h"

/* Names and extensions that are parsed at most; no certificate has more. */
#define ITEMS_MAX 256

enum tag {
	TAG_SEQUENCE = 0x30,
	TAG_SET = 0x31,
	TAG_OBJECT = 0x06,
	TAG_OCTETS = 0x04,
	TAG_BOOLEAN = 0x01,
	TAG_INTEGER = 0x02,
	TAG_VERSION = 0xa0,    /* [0] of TBSCertificate */
	TAG_EXTENSIONS = 0xa3, /* [3] */
	TAG_DNS_NAME = 0x82,   /* [2] of GeneralName */
};

static const uint8_t oid_common_name[] = {0x55, 0x04, 0x03};	  /* RFC 5280, appendix A.1 */
static const uint8_t oid_alternative_name[] = {0x55, 0x1d, 0x11}; /* 4.2.1.6 */

/* Consumes one element (X.690, 8.1). An incomplete one is marked `more`. False at the end, and for
 * encodings that certificates do not use: tags of several bytes, lengths beyond 2^24. */
static bool take_element(struct bytes *b, uint8_t *tag, struct bytes *out)
{
	struct bytes head = {0}, count = {0};
	size_t len;

	if (bytes_take(b, 2, &head) <= 0 || (head.at[0] & 0x1f) == 0x1f)
		return false;
	len = head.at[1];
	if (len & 0x80) {
		size_t width = len & 0x7f;

		if (width == 0 || width > 3 || bytes_take(b, width, &count) <= 0)
			return false;
		len = bytes_number(count.at, width);
	}
	*tag = head.at[0];
	if (len > b->len) {
		*out = *b;
		b->at += b->len;
		b->len = 0;
		return out->more;
	}
	return bytes_take(b, len, out) > 0;
}

static bool take_tagged(struct bytes *b, uint8_t want, struct bytes *out)
{
	struct bytes copy = *b;
	uint8_t tag = 0;

	if (!take_element(&copy, &tag, out) || tag != want)
		return false;
	*b = copy;
	return true;
}

static bool is_object(const struct bytes *object, const uint8_t *oid, size_t len)
{
	return object->len == len && memcmp(object->at, oid, len) == 0;
}

static bool copy_text(const struct bytes *text, char *out, size_t cap)
{
	if (text->len == 0 || text->len >= cap || text->more)
		return false;
	for (size_t i = 0; i < text->len; i++)
		if (text->at[i] < 0x20 || text->at[i] >= 0x7f)
			return false;
	memcpy(out, text->at, text->len);
	out[text->len] = 0;
	return true;
}

/* Name (RFC 5280, 4.1.2.4): a sequence of sets of type and value. The last commonName is the most
 * specific one. */
static bool common_name(struct bytes name, char *out, size_t cap)
{
	struct bytes set = {0}, pair = {0}, object = {0}, text = {0};
	bool found = false;

	for (int i = 0; i < ITEMS_MAX && take_tagged(&name, TAG_SET, &set); i++) {
		uint8_t tag = 0;

		if (take_tagged(&set, TAG_SEQUENCE, &pair) &&
		    take_tagged(&pair, TAG_OBJECT, &object) &&
		    is_object(&object, oid_common_name, sizeof(oid_common_name)) &&
		    take_element(&pair, &tag, &text))
			found |= copy_text(&text, out, cap);
	}
	return found;
}

/* The first dNSName of the GeneralNames in the extension's octets. */
static bool first_dns_name(struct bytes octets, char *out, size_t cap)
{
	struct bytes names = {0}, name = {0};
	uint8_t tag = 0;

	if (!take_tagged(&octets, TAG_SEQUENCE, &names))
		return false;
	for (int i = 0; i < ITEMS_MAX && take_element(&names, &tag, &name); i++)
		if (tag == TAG_DNS_NAME && copy_text(&name, out, cap))
			return true;
	return false;
}

static bool alternative_name(struct bytes wrapped, char *out, size_t cap)
{
	struct bytes list = {0}, extension = {0}, object = {0}, critical = {0}, octets = {0};

	if (!take_tagged(&wrapped, TAG_SEQUENCE, &list))
		return false;
	for (int i = 0; i < ITEMS_MAX && take_tagged(&list, TAG_SEQUENCE, &extension); i++) {
		if (!take_tagged(&extension, TAG_OBJECT, &object) ||
		    !is_object(&object, oid_alternative_name, sizeof(oid_alternative_name)))
			continue;
		take_tagged(&extension, TAG_BOOLEAN, &critical);
		return take_tagged(&extension, TAG_OCTETS, &octets) &&
		       first_dns_name(octets, out, cap);
	}
	return false;
}

/* Finds the extensions in what follows the subject in TBSCertificate: key, two unique identifiers,
 * extensions. */
static bool extensions_of(struct bytes rest, struct bytes *out)
{
	uint8_t tag = 0;

	for (int i = 0; i < 4 && take_element(&rest, &tag, out); i++)
		if (tag == TAG_EXTENSIONS)
			return true;
	return false;
}

int certificate_name(struct bytes der, char *out, size_t cap)
{
	struct bytes certificate = {0}, body = {0}, skipped = {0}, subject = {0}, wrapped = {0};

	if (!take_tagged(&der, TAG_SEQUENCE, &certificate) ||
	    !take_tagged(&certificate, TAG_SEQUENCE, &body))
		return 0;
	take_tagged(&body, TAG_VERSION, &skipped);
	if (!take_tagged(&body, TAG_INTEGER, &skipped) ||  /* serial number */
	    !take_tagged(&body, TAG_SEQUENCE, &skipped) || /* signature */
	    !take_tagged(&body, TAG_SEQUENCE, &skipped) || /* issuer */
	    !take_tagged(&body, TAG_SEQUENCE, &skipped) || /* validity */
	    !take_tagged(&body, TAG_SEQUENCE, &subject))
		return 0;
	if (extensions_of(body, &wrapped) && alternative_name(wrapped, out, cap))
		return 1;
	return common_name(subject, out, cap);
}
