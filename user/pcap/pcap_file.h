/* SPDX-License-Identifier: GPL-2.0-only */
/* Capture files (pcap, pcapng) as frames that packet_decode takes, whatever link they came from. */
#ifndef WEIR_PCAP_FILE_H
#define WEIR_PCAP_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "packet/packet.h"
#include "util/util.h"

struct pcap_frame {
	const uint8_t *data; /* valid until the next call */
	size_t len;	     /* bytes that the capture kept */
	size_t wire_len;     /* bytes of the frame, never less than len */
	uint64_t time_ns;    /* since 1970, as the capture says it */
	enum packet_link link;
};

struct pcap_file;
/*
 * Opens a file ("-": standard input). Links: Ethernet, raw IP, Linux cooked (both), BSD loopback,
 * PPP, PPPoE, Cisco HDLC, and PPI around one of them; frames that are not Ethernet or IP to begin
 * with come behind a made Ethernet header. 0; -EPROTONOSUPPORT for another link; -EINVAL or the
 * errno of opening for a file that cannot be read. e says which and why.
 */
int pcap_file_open(const char *path, struct pcap_file **out, struct error *e);
void pcap_file_close(struct pcap_file *c);
/* 1 and the next frame; 0 at the end; -EIO with e filled where the file breaks off or is damaged:
 * the whole frames before that were given. */
int pcap_file_next(struct pcap_file *c, struct pcap_frame *out, struct error *e);

#endif
