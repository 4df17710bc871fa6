/* SPDX-License-Identifier: GPL-2.0-only */
/* Reads pcap and pcapng files as frames for packet_decode(), whatever their link type. */
#ifndef WEIR_PCAP_FILE_H
#define WEIR_PCAP_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "packet/packet.h"
#include "util/util.h"

struct pcap_frame {
	const uint8_t *data; /* valid until the next call */
	size_t len;	     /* bytes of the frame that the file contains */
	size_t wire_len;     /* bytes of the frame on the wire, never less than len */
	uint64_t time_ns;    /* since 1970, from the file */
	enum packet_link link;
};

struct pcap_file;
/*
 * Opens a file ("-": standard input). Link types: Ethernet, raw IP, Linux cooked (both), BSD
 * loopback, PPP, PPPoE, Cisco HDLC, and PPI around one of them. Frames that begin with neither
 * Ethernet nor IP are given a synthetic Ethernet header. 0; -EPROTONOSUPPORT for another link type;
 * -EINVAL or the errno of opening for a file that cannot be read. e names the file and the cause.
 */
int pcap_file_open(const char *path, struct pcap_file **out, struct error *e);
void pcap_file_close(struct pcap_file *c);
/* 1 with the next frame; 0 at the end; -EIO with e filled where the file is truncated or damaged
 * (all complete frames before that were returned). */
int pcap_file_next(struct pcap_file *c, struct pcap_frame *out, struct error *e);

#endif
