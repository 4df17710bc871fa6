// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "proto/ja4.h"
#include "proto/secret.h"
#include "util/util.h"

#define LIST_MAX     1024 /* entries of a list; the registries have some 350 */
#define ENTRY_BYTES  5	  /* "c02f," */
#define DIGEST_CHARS 12
#define SHOWN_MAX    99
#define SORTED_HERE  64

static const char digits[] = "0123456789abcdef";

struct list {
	size_t count;
	uint16_t value[LIST_MAX];
};

static bool list_add(struct list *l, uint16_t value)
{
	if (hello_is_grease(value))
		return true;
	if (l->count == LIST_MAX)
		return false;
	l->value[l->count++] = value;
	return true;
}

static bool list_read(struct bytes from, struct list *l)
{
	struct bytes one = {0};

	l->count = 0;
	while (bytes_take(&from, 2, &one) > 0)
		if (!list_add(l, (uint16_t)bytes_number(one.at, 2)))
			return false;
	return true;
}

/* Lists the types of the extensions except those that the first part contains; *count includes
 * these. */
static bool list_extensions(struct bytes from, struct list *l, size_t *count)
{
	struct bytes type = {0}, body = {0};

	l->count = 0;
	*count = 0;
	while (bytes_take(&from, 2, &type) > 0 && bytes_vector(&from, 2, &body) > 0) {
		uint16_t value = (uint16_t)bytes_number(type.at, 2);

		*count += !hello_is_grease(value);
		if (value != 0 && value != 16 && !list_add(l, value))
			return false;
	}
	return true;
}

static int by_value(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

/* In place and without calls, for lists of usual length. */
static void list_sort(struct list *l)
{
	if (l->count > SORTED_HERE) {
		qsort(l->value, l->count, sizeof(l->value[0]), by_value);
		return;
	}
	for (size_t i = 1; i < l->count; i++) {
		uint16_t value = l->value[i];
		size_t at = i;

		for (; at > 0 && l->value[at - 1] > value; at--)
			l->value[at] = l->value[at - 1];
		l->value[at] = value;
	}
}

static size_t list_print(const struct list *l, char *out)
{
	size_t at = 0;

	for (size_t i = 0; i < l->count; i++) {
		if (i)
			out[at++] = ',';
		for (int shift = 12; shift >= 0; shift -= 4)
			out[at++] = digits[l->value[i] >> shift & 15];
	}
	return at;
}

static void digest(const char *text, size_t len, char out[DIGEST_CHARS + 1])
{
	uint8_t hash[SECRET_HASH_BYTES];

	secret_hash((const uint8_t *)text, len, hash);
	for (size_t i = 0; i < DIGEST_CHARS; i++)
		out[i] = digits[hash[i / 2] >> (i % 2 ? 0 : 4) & 15];
	out[DIGEST_CHARS] = 0;
}

static const char *version_text(uint16_t version)
{
	static const struct {
		uint16_t version;
		const char *text;
	} names[] = {
		{0x0304, "13"}, {0x0303, "12"}, {0x0302, "11"}, {0x0301, "10"}, {0x0300, "s3"},
		{0x0002, "s2"}, {0xfeff, "d1"}, {0xfefd, "d2"}, {0xfefc, "d3"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].version == version)
			return names[i].text;
	return "00";
}

static bool is_alphanumeric(uint8_t c)
{
	return c < 0x80 && isalnum(c);
}

/* First and last character of the first protocol name. */
static void protocol_text(struct bytes protocols, char out[3])
{
	struct bytes first = {0};
	uint8_t a, z;

	memcpy(out, "00", 3);
	if (!hello_next_protocol(&protocols, &first) || first.len == 0)
		return;
	a = first.at[0];
	z = first.at[first.len - 1];
	if (is_alphanumeric(a) && is_alphanumeric(z)) {
		out[0] = (char)a;
		out[1] = (char)z;
	} else {
		out[0] = digits[a >> 4];
		out[1] = digits[z & 15];
	}
}

/* Writes two digits. Returns the position after them. */
static char *count_put(char *at, size_t count)
{
	unsigned int shown = count > SHOWN_MAX ? SHOWN_MAX : (unsigned int)count;

	*at++ = digits[shown / 10];
	*at++ = digits[shown % 10];
	return at;
}

/* Digest of the sorted extensions, then the signature algorithms in their order. */
static bool extensions_digest(const struct client_hello *hello, struct list *extensions,
			      char out[DIGEST_CHARS + 1])
{
	char text[2 * LIST_MAX * ENTRY_BYTES + 1];
	struct list signatures;
	size_t len;

	if (!list_read(hello->signatures, &signatures))
		return false;
	if (extensions->count == 0)
		return true;
	list_sort(extensions);
	len = list_print(extensions, text);
	if (signatures.count) {
		text[len++] = '_';
		len += list_print(&signatures, text + len);
	}
	digest(text, len, out);
	return true;
}

bool ja4_make(const struct client_hello *hello, char transport, char out[JA4_BYTES])
{
	char ciphers_text[DIGEST_CHARS + 1] = "000000000000";
	char extensions_text[DIGEST_CHARS + 1] = "000000000000";
	char text[LIST_MAX * ENTRY_BYTES], alpn[3];
	struct list ciphers, extensions;
	size_t extension_count;

	if (!list_read(hello->ciphers, &ciphers) ||
	    !list_extensions(hello->extensions, &extensions, &extension_count) ||
	    !extensions_digest(hello, &extensions, extensions_text))
		return false;
	if (ciphers.count) {
		list_sort(&ciphers);
		digest(text, list_print(&ciphers, text), ciphers_text);
	}
	protocol_text(hello->protocols, alpn);
	*out++ = transport;
	out = stpcpy(out, version_text(hello->best_version));
	*out++ = hello->has_name ? 'd' : 'i';
	out = count_put(out, ciphers.count);
	out = count_put(out, extension_count);
	out = stpcpy(out, alpn);
	*out++ = '_';
	out = stpcpy(out, ciphers_text);
	*out++ = '_';
	stpcpy(out, extensions_text);
	return true;
}
