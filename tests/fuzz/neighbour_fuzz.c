// SPDX-License-Identifier: GPL-2.0-only
/* ARP and neighbour discovery from nowhere. An input is a frame behind a byte: bit 0, its checksum
 * is made right first; bit 1, its hop limit. Else few get as far as the options. */
#include <errno.h>

#include "harness.h"
#include "packet/neighbour.h"

static void mend(uint8_t *frame, size_t len, uint8_t how)
{
	struct packet p;

	if (packet_decode(frame, len, PACKET_LINK_ETHERNET, &p) != PACKET_OK || p.ip_version != 6)
		return;
	if (how & 2)
		frame[p.l3 + 7] = 255;
	if (how & 1)
		packet_checksum_finish(&p, frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct neighbour n, before;
	uint8_t *frame;
	int err;

	if (size < 2)
		return 0;
	frame = exact_copy(data + 1, size - 1);
	mend(frame, size - 1, data[0]);
	memset(&n, 0x5a, sizeof(n));
	before = n;
	err = neighbour_decode(frame, size - 1, &n);
	check(err == 0 || err == -ENOMSG || err == -EBADMSG);
	check(err == 0 || memcmp(&n, &before, sizeof(n)) == 0);
	if (err == 0) {
		check((unsigned int)n.kind < NEIGHBOUR_KIND_COUNT && n.vlan_count <= 2);
		check(!n.has_sender_mac || !(n.sender_mac[0] & 1));
	}
	free(frame);
	return 0;
}
