/* SPDX-License-Identifier: GPL-2.0-only */
/* Link-layer headers of captures, for user/pcap alone. */
#ifndef WEIR_PCAP_LINK_H
#define WEIR_PCAP_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a frame of some link carries. */
struct link_content {
	bool ethernet; /* an Ethernet frame begins at skip; type is not set */
	uint16_t type; /* EtherType of what begins at skip; 0 = nothing that has one */
	size_t skip;
};

/* Whether frames of a DLT_* can be read. */
bool link_is_known(int dlt);
/* Reads the header of a frame. One too short for it has type 0. */
void link_parse(int dlt, const uint8_t *data, size_t len, struct link_content *out);

#endif
