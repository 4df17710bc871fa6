// SPDX-License-Identifier: GPL-2.0-only
/*
 * PPStream over UDP. A message has: its total length (LE, 15 bits) and the flag of a masked
 * message, a byte for its family ("C" to "U"), a type (LE, 2 bytes), and the fields of that type. A
 * mask covers the first 128 bytes: each byte except the second is xored with the masked one before
 * it, and the first with the last. So the length is right only if both ends of the mask agree.
 * (There is no public specification; derived from the exchange of many peers, and consistent with
 * the constants that nDPI's dissector uses.)
 */
#include <netinet/in.h>

#include "app/finding.h"
#include "app/module.h"

#define NAME	   "ppstream"
#define LEN_MIN	   14
#define MASK_MAX   128
#define MASKED	   0x80
#define FAMILY_MIN 0x43
#define FAMILY_MAX 0x55
#define NUMBER_MAX 0x5f

/* Whether unmasking the datagram gives a consistent message; one random datagram in 2^28 does. */
static bool is_masked_message(const uint8_t *data, size_t len)
{
	size_t last = (len < MASK_MAX ? len : MASK_MAX) - 1;
	unsigned int family, number;

	if (len < LEN_MIN || !(data[1] & MASKED))
		return false;
	if (len != ((size_t)(data[1] & ~MASKED & 0xff) << 8 | (data[0] ^ data[last])))
		return false;
	family = data[2] ^ data[0];
	number = data[3] ^ data[2];
	return family >= FAMILY_MIN && family <= FAMILY_MAX && number > 0 && number <= NUMBER_MAX &&
	       data[4] == data[3];
}

static void ppstream_undecided(const struct app_services *s, const struct app_message *m,
			       void **state, struct app_finding *finding)
{
	if (m->proto != IPPROTO_UDP || !is_masked_message(m->data, m->len))
		return;
	(void)finding_name(s, NAME, WEIR_METHOD_SIGNATURE, 90, finding);
}

const struct app_module ppstream_module = {
	.name = NAME,
	.category = "p2p",
	.help = "PPStream's masked datagrams",
	.proto = IPPROTO_UDP,
	.undecided = ppstream_undecided,
};
