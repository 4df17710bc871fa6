/* SPDX-License-Identifier: GPL-2.0-only */
/* Link-layer headers in pcap files. Private to user/pcap. */
#ifndef WEIR_PCAP_LINK_H
#define WEIR_PCAP_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The content of a frame after its link-layer header. */
struct link_content {
	bool ethernet; /* an Ethernet frame begins at skip; type is not set */
	uint16_t type; /* EtherType of the packet at skip; 0 = nothing that has an EtherType */
	size_t skip;
};

/* Whether frames of this DLT_* type are supported. */
bool link_is_known(int dlt);
/* Parses a frame's link-layer header. type is 0 for a frame that is too short. */
void link_parse(int dlt, const uint8_t *data, size_t len, struct link_content *out);

#endif
