/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Bytes of memory for a flow of each kind: what the C library's heap grew by while flows were made,
 * with everything in it. To be included by classify.c alone.
 */
#ifndef TESTS_BENCH_CLASSIFY_MEMORY_H
#define TESTS_BENCH_CLASSIFY_MEMORY_H

#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#include "../unit/hello_build.h"
#include "inspect/inspect.h"

#define MEMORY_FLOWS   100000u
#define MEMORY_PAYLOAD 100

struct memory_kind {
	const char *name;
	uint8_t proto;
	const char *text;  /* the originator's first message; NULL = bytes that mean nothing */
	const char *host;  /* in place of text: a TLS handshake with this name, read for details */
	bool answered;	   /* the other side sends as many */
	bool decided;	   /* what the flow has to be by then */
	unsigned int held; /* bytes of payload that have to be kept */
};

static const struct memory_kind memory_kinds[] = {
	{.name = "undecided TCP flow, no payload yet", .proto = IPPROTO_TCP, .text = ""},
	{.name = "undecided TCP flow, beyond 100 bytes held",
	 .proto = IPPROTO_TCP,
	 .held = MEMORY_PAYLOAD},
	{.name = "undecided TCP flow, beyond 2 x 100 bytes held",
	 .proto = IPPROTO_TCP,
	 .answered = true,
	 .held = 2 * MEMORY_PAYLOAD},
	{.name = "undecided UDP flow", .proto = IPPROTO_UDP},
	{.name = "decided TCP flow",
	 .proto = IPPROTO_TCP,
	 .text = "SSH-2.0-OpenSSH_9.2\r\n",
	 .decided = true},
	{.name = "decided TCP flow with a host name",
	 .proto = IPPROTO_TCP,
	 .text = "GET / HTTP/1.1\r\nHost: static.cdn-17.example.org\r\n\r\n",
	 .decided = true},
	{.name = "decided TLS flow with SNI, ALPN, JA4",
	 .proto = IPPROTO_TCP,
	 .host = "static.cdn-17.example.org",
	 .answered = true,
	 .decided = true},
};

static size_t memory_used(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

/* A hello in a record of its own (RFC 8446): TLS 1.3. */
static size_t memory_hello(const char *name, bool answer, uint8_t *out)
{
	const struct hello_spec spec = {.name = name,
					.protocol = "h2",
					.second_protocol = "http/1.1",
					.versions = (const uint16_t[]){0x0304, 0x0303, 0}};
	struct build hello = {.len = 0};

	if (answer)
		build_server_hello(&hello, 0x0303, 0x0304);
	else
		build_client_hello(&hello, &spec);
	memcpy(out, (const uint8_t[]){0x16, 3, 1, (uint8_t)(hello.len >> 8), (uint8_t)hello.len},
	       5);
	memcpy(out + 5, hello.at, hello.len);
	return 5 + hello.len;
}

static size_t memory_payload(const struct memory_kind *k, uint32_t flow, bool answer, uint8_t *out)
{
	uint64_t x = flow * UINT64_C(0x9e3779b97f4a7c15) + 1;

	if (k->host)
		return memory_hello(k->host, answer, out);
	if (k->text) {
		memcpy(out, k->text, strlen(k->text));
		return strlen(k->text);
	}
	for (size_t i = 0; i < MEMORY_PAYLOAD; i++) {
		x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
		out[i] = (uint8_t)(x >> 56);
	}
	/* Not the length of the message, which would mean something. */
	memset(out, 0x81, 4);
	return MEMORY_PAYLOAD;
}

/* An Ethernet frame of flow `flow`, with right sums. Returns its length. */
static size_t memory_frame(const struct memory_kind *k, uint32_t flow, bool answer, uint8_t *out)
{
	size_t head = k->proto == IPPROTO_TCP ? 20 : 8;
	size_t len = memory_payload(k, flow, answer, out + 34 + head);
	uint32_t inside = htonl(0x0a000000 | flow >> 8), outside = htonl(0xc0000201);
	uint16_t near = htons((uint16_t)(40000 + (flow & 255))), far = htons(20022);
	uint8_t *ip = out + 14, *l4 = ip + 20;
	struct packet p;
	uint32_t sum = 0;

	memset(out, 0, 34 + head);
	out[12] = 8;
	ip[0] = 0x45;
	ip[2] = (uint8_t)((20 + head + len) >> 8);
	ip[3] = (uint8_t)(20 + head + len);
	ip[8] = 64;
	ip[9] = k->proto;
	memcpy(ip + 12, answer ? &outside : &inside, 4);
	memcpy(ip + 16, answer ? &inside : &outside, 4);
	for (unsigned int i = 0; i < 20; i += 2)
		sum += (uint32_t)(ip[i] << 8 | ip[i + 1]);
	sum = ~((sum & 0xffff) + (sum >> 16));
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
	memcpy(l4, answer ? &far : &near, 2);
	memcpy(l4 + 2, answer ? &near : &far, 2);
	if (k->proto == IPPROTO_TCP) {
		l4[7] = 1; /* sequence number, the byte behind the SYN's */
		l4[12] = 5 << 4;
		l4[13] = len ? TH_ACK | TH_PUSH : TH_SYN;
	} else {
		l4[4] = (uint8_t)((8 + len) >> 8);
		l4[5] = (uint8_t)(8 + len);
	}
	packet_decode(out, 34 + head + len, PACKET_LINK_ETHERNET, &p);
	packet_checksum_finish(&p, out);
	return 34 + head + len;
}

static bool memory_feed(struct inspector *i, const struct memory_kind *k, uint32_t flow,
			bool answer)
{
	uint8_t frame[512];
	size_t len = memory_frame(k, flow, answer, frame);
	struct inspect_outcome o;
	struct packet p;
	enum packet_status status = packet_decode(frame, len, PACKET_LINK_ETHERNET, &p);
	uint8_t origin = answer ? !p.dir : p.dir;
	struct weir_punt punt = {
		.flow_id = flow + 1,
		.segments = 1,
		.flags = (p.dir ? WEIR_PUNT_DIR : 0) | (origin ? WEIR_PUNT_ORIGIN : 0) |
			 WEIR_PUNT_ISN,
	};

	inspector_packet(i, &p, status, &punt, 1000000000, &o);
	return o.flow && o.flow->decided == k->decided;
}

/* Bytes for each flow of the kind, or -1 where such flows could not be made. The table has room for
 * just these flows. */
static double memory_of(const struct memory_kind *k, struct signatures *s, struct app_registry *r)
{
	const struct inspect_settings settings = {
		.packets = 8,
		.online = true,
		.read_on = k->host != NULL,
		.limits = {.flows = MEMORY_FLOWS,
			   .stream_bytes = 16384,
			   .stream_bytes_all = (size_t)1 << 30,
			   .idle_ns = UINT64_MAX},
	};
	size_t before = memory_used();
	struct inspector *i = inspector_new(&settings, s, r, NULL, NULL, NULL);
	bool right = i;
	size_t used;

	for (uint32_t n = 0; n < MEMORY_FLOWS && right; n++)
		right = memory_feed(i, k, n, false) && (!k->answered || memory_feed(i, k, n, true));
	used = memory_used() - before;
	inspector_free(i);
	return right ? (double)used / MEMORY_FLOWS - k->held : -1;
}

#endif
