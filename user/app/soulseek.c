// SPDX-License-Identifier: GPL-2.0-only
/*
 * Soulseek (the protocol as nicotine+ documents it, "SLSKPROTOCOL"), as far as signatures cannot
 * identify it. Peers may obfuscate their messages ("rotated"): a key of four bytes, then the
 * message xored with the key, which is rotated left by one bit before each four bytes. A connection
 * whose beginning was not seen is identified by messages whose fields fill them exactly: a length,
 * a code of four bytes (one in the distributed network), numbers (all LE) and length-prefixed
 * strings.
 */
#include <netinet/in.h>
#include <string.h>

#include "app/finding.h"
#include "app/module.h"
#include "util/load.h"

#define NAME	       "soulseek"
#define CONFIDENCE     92
#define KEY	       4
#define INIT_MAX       64 /* bytes of a message that opens a connection, its length included */
#define USER_MAX       30
#define MESSAGE_MAX    65536
#define BITS_ENOUGH    40
#define SEARCH_UNKNOWN 0x31

/*
 * Fields of a message: i a number (4 bytes), b a byte of 0 or 1, o any byte, h two bytes, q eight
 * bytes, s a string, p a path (a string with a backslash), u a user name, t a connection type, x
 * the constant of searches. bits: how unlikely it is, as a power of two, that all of it fits by
 * chance.
 */
struct form {
	uint8_t code;
	uint8_t bits;
	const char *fields;
};

/* With the server (by code, "Server Messages"), and between peers ("Peer Messages"). */
static const struct form messages[] = {
	{3, 4, "u"},
	{3, 12, "uii"},
	{3, 12, "uiiih"},
	{4, 0, ""},
	{5, 4, "u"},
	{5, 6, "ub"},
	{5, 20, "ubiiiii"},
	{5, 24, "ubiiiiis"},
	{7, 4, "u"},
	{7, 12, "uib"},
	{13, 16, "sus"},
	{15, 0, ""},
	{16, 32, "suiiiiiiis"},
	{17, 10, "su"},
	{18, 24, "iut"},
	{18, 40, "utiiib"},
	{18, 40, "utiiibii"},
	{22, 20, "iiusb"},
	{23, 2, "i"},
	{26, 10, "is"},
	{26, 16, "uis"},
	{28, 2, "i"},
	{32, 0, ""},
	{35, 2, "ii"},
	{36, 4, "u"},
	{36, 14, "uiiiii"},
	{36, 24, "ip"},
	{40, 28, "iip"},
	{40, 32, "iipq"},
	{41, 4, "ib"},
	{41, 10, "ibs"},
	{41, 6, "ibq"},
	{43, 24, "p"},
	{44, 24, "pi"},
	{46, 24, "p"},
	{50, 28, "ps"},
	{51, 24, "p"},
	{71, 2, "b"},
	{83, 2, "i"},
	{84, 2, "i"},
	{92, 2, "i"},
	{92, 0, ""},
	{93, 44, "oxuis"},
	{100, 2, "b"},
	{103, 10, "is"},
	{104, 2, "i"},
	{126, 2, "i"},
	{127, 4, "u"},
	{0, 0, NULL},
};
/* "Distributed Messages". */
static const struct form branch[] = {
	{0, 0, ""},  {3, 44, "xuis"},	{4, 2, "i"},  {5, 4, "u"},
	{7, 2, "i"}, {93, 44, "oxuis"}, {0, 0, NULL},
};

static bool is_text(const uint8_t *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (text[i] < 0x20 || text[i] == 0x7f)
			return false;
	return true;
}

/* Size of a string with its length, 0 if it is not of this kind. */
static size_t text_size(char kind, const uint8_t *p, size_t left)
{
	size_t len = left < 4 ? 0 : load_le32(p);

	if (left < 4 || len > left - 4 || (len == 0 && kind != 's') || !is_text(p + 4, len))
		return 0;
	if ((kind == 'u' && len > USER_MAX) || (kind == 'p' && !memchr(p + 4, '\\', len)) ||
	    (kind == 't' && (len != 1 || !strchr("PFD", p[4]))))
		return 0;
	return 4 + len;
}

static size_t field_size(char kind, const uint8_t *p, size_t left)
{
	switch (kind) {
	case 'b':
		return left > 0 && p[0] <= 1;
	case 'o':
		return left > 0;
	case 'h':
		return 2;
	case 'i':
		return 4;
	case 'q':
		return 8;
	case 'x':
		return left >= 4 && load_le32(p) == SEARCH_UNKNOWN ? 4 : 0;
	default:
		return text_size(kind, p, left);
	}
}

/* Whether the fields make up the whole message. */
static bool fits(const char *fields, const uint8_t *p, size_t left)
{
	for (; *fields; fields++) {
		size_t size = field_size(*fields, p, left);

		if (size == 0 || size > left)
			return false;
		p += size;
		left -= size;
	}
	return left == 0;
}

/* Bits of the best matching form of this code, -1 if none matches. */
static int message_bits(const struct form *forms, uint32_t code, const uint8_t *p, size_t len)
{
	int best = -1;

	for (; forms->fields; forms++)
		if (forms->code == code && forms->bits > best && fits(forms->fields, p, len))
			best = forms->bits;
	return best;
}

/* Whether consecutive complete messages, beginning with the first byte, give enough bits. */
static bool goes_on(const struct form *forms, size_t code_size, const uint8_t *data, size_t len)
{
	int bits = 0;

	while (len >= 4 + code_size && bits < BITS_ENOUGH) {
		size_t size = load_le32(data);
		uint32_t code;
		int more;

		if (size < code_size || size > MESSAGE_MAX)
			return false;
		if (size > len - 4)
			break;
		code = code_size == 1 ? data[4] : load_le32(data + 4);
		more = message_bits(forms, code, data + 4 + code_size, size - code_size);
		if (more < 0)
			return false;
		bits += more;
		data += 4 + size;
		len -= 4 + size;
	}
	return bits >= BITS_ENOUGH;
}

/* Obfuscated peer init messages: PierceFirewall (0) alone, or PeerInit (1). One in 2^40 random
 * streams passes. */
static bool opens_obfuscated(const uint8_t *data, size_t len)
{
	uint8_t plain[INIT_MAX];
	size_t size;
	uint32_t key;

	if (len < KEY + 9)
		return false;
	key = load_le32(data);
	data += KEY;
	len = len - KEY < sizeof(plain) ? len - KEY : sizeof(plain);
	for (size_t i = 0; i < len; i++) {
		if (i % KEY == 0)
			key = key << 1 | key >> 31;
		plain[i] = data[i] ^ (uint8_t)(key >> 8 * (i % KEY));
	}
	size = load_le32(plain);
	if (plain[4] == 0)
		return size == 5 && len == 9;
	return plain[4] == 1 && size >= 1 && size <= len - 4 && fits("uti", plain + 5, size - 1);
}

static void soulseek_undecided(const struct app_services *s, const struct app_message *m,
			       void **state, struct app_finding *finding)
{
	bool midstream = m->flow && m->flow->midstream;

	if (finding->app || m->len < 8)
		return;
	if (midstream
		    ? !goes_on(messages, 4, m->data, m->len) && !goes_on(branch, 1, m->data, m->len)
		    : !m->from_origin || !opens_obfuscated(m->data, m->len))
		return;
	(void)finding_name(s, NAME, WEIR_METHOD_SIGNATURE, CONFIDENCE, finding);
}

const struct app_module soulseek_module = {
	.name = NAME,
	.category = "p2p",
	.help = "obfuscated peers, connections whose beginning was not seen",
	.proto = IPPROTO_TCP,
	.undecided = soulseek_undecided,
};
