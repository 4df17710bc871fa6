// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fragments from nowhere, in any order. An input is a list of fragments, each behind six bytes:
 * flags and identification, offset, length and how the bytes vary. What comes out whole must be
 * what was put in.
 */
#include "harness.h"
#include "packet/fragments.h"

#define DATAGRAMS  8
#define BYTES	   100000
#define PART_MAX   2048
#define SECOND_NS  UINT64_C(1000000000)
#define STEP_BYTES 6

/* Bits of the first byte; the three lowest are the identification. */
#define IS_IPV6	   0x08
#define HAS_MORE   0x10
#define IS_LATE	   0x20
#define HAS_CHAIN  0x40
#define HAS_OPTION 0x80

static void put16(uint8_t *p, size_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static size_t put_header(uint8_t *p, const uint8_t *step, size_t offset, size_t len)
{
	bool more = step[0] & HAS_MORE;
	size_t chain = step[0] & HAS_CHAIN ? 16 : 0;
	size_t header = step[0] & HAS_OPTION ? 32 : 20;

	memset(p, 0, 80);
	if (step[0] & IS_IPV6) {
		p[0] = 0x60;
		put16(p + 4, 8 + chain + len);
		p[6] = chain ? 0 : 44;
		p[40] = 44;
		p[41] = chain ? 1 : 0;
		p[40 + chain] = step[5] & 0x80 ? 60 : 17;
		put16(p + 42 + chain, (offset & 0xfff8) | more);
		p[47 + chain] = step[0] & 7;
		return 48 + chain;
	}
	p[0] = (uint8_t)(0x40 | header / 4);
	put16(p + 2, header + len);
	put16(p + 4, step[0] & 7);
	put16(p + 6, offset / 8 | (more ? 0x2000 : 0));
	p[9] = 17;
	return header;
}

/* Every byte tells its place, so that a whole datagram can be checked; now and then one lies. */
static const uint8_t *bytes_from(size_t at)
{
	static uint8_t bytes[65536 + PART_MAX];

	for (size_t i = 1; !bytes[1] && i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 5 + i / 256);
	return bytes + at;
}

/* A lie is the lowest bit. */
static bool bytes_agree(const uint8_t *a, const uint8_t *b, size_t len)
{
	uint64_t x, y, differs = 0;
	size_t i = 0;

	for (; i + sizeof(x) <= len; i += sizeof(x)) {
		memcpy(&x, a + i, sizeof(x));
		memcpy(&y, b + i, sizeof(y));
		differs |= (x ^ y) & UINT64_C(0xfefefefefefefefe);
	}
	for (; i < len; i++)
		differs |= (a[i] ^ b[i]) & 0xfe;
	return !differs;
}

static void check_whole(const struct fragments_whole *w)
{
	bool v6 = w->packet[0] >> 4 == 6;
	size_t header = v6 ? (w->packet[6] == 0 ? 56 : 40) : (size_t)(w->packet[0] & 15) * 4;
	struct packet p;
	enum packet_status status = packet_decode(w->packet, w->len, PACKET_LINK_RAW, &p);

	/* The bytes need not make sense as a transport; the headers must. */
	check(status != PACKET_TRUNCATED && status != PACKET_NOT_IP);
	check(v6 || status != PACKET_FRAGMENT);
	check(w->frames >= 2 && w->len <= 65535 + 40 && w->len > header);
	check(bytes_agree(w->packet + header, bytes_from(0), w->len - header));
}

static void push(struct fragments *f, const uint8_t *step, uint64_t now_ns)
{
	size_t offset = ((size_t)step[1] << 8 | step[2]) & 0xfff8;
	size_t len = ((size_t)step[3] << 8 | step[4]) % PART_MAX;
	uint8_t *frame = malloc(96 + len);
	struct fragments_whole whole;
	struct packet p;
	size_t header;

	check(frame != NULL);
	header = put_header(frame, step, offset, len);
	memcpy(frame + header, bytes_from(offset), len);
	if (len > 0 && step[5] & 1)
		frame[header] ^= 1;
	if (packet_decode(frame, header + len, PACKET_LINK_RAW, &p) == PACKET_FRAGMENT &&
	    fragments_push(f, &p, now_ns, &whole) == 1) {
		check_whole(&whole);
		fragments_release(f, &whole);
	}
	free(frame);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct fragments_limits limits = {
		.datagrams = DATAGRAMS,
		.bytes = BYTES,
		.ipv4_ns = 30 * SECOND_NS,
		.ipv6_ns = 60 * SECOND_NS,
	};
	struct fragments *f = fragments_new(&limits);
	struct fragments_stats s;
	uint64_t now_ns = SECOND_NS;

	for (; f && size >= STEP_BYTES; data += STEP_BYTES, size -= STEP_BYTES) {
		now_ns += data[0] & IS_LATE ? 40 * SECOND_NS : 1;
		push(f, data, now_ns);
		fragments_stats(f, &s);
		check(s.datagrams <= DATAGRAMS && s.bytes <= BYTES);
	}
	if (f) {
		fragments_expire(f, now_ns + 61 * SECOND_NS, DATAGRAMS);
		fragments_stats(f, &s);
		check(s.datagrams == 0 && s.bytes == 0);
	}
	fragments_free(f);
	return 0;
}
