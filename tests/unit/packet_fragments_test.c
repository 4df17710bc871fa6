// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

#include "packet/fragments.h"
#include "unit/frame_build.h"
#include "util/util.h"

#define SECOND	    UINT64_C(1000000000)
#define PAYLOAD_MAX 70000

static const struct fragments_limits limits = {
	.datagrams = 8,
	.bytes = 200000,
	.ipv4_ns = 30 * SECOND,
	.ipv6_ns = 60 * SECOND,
};

struct bench {
	struct fragments *f;
	uint64_t now_ns;
	uint8_t payload[PAYLOAD_MAX];
};

/* One fragment of a UDP datagram, made by hand. */
struct piece {
	bool v6;
	uint16_t id;
	unsigned int from, len;
	bool more;
	uint8_t chain; /* bytes of destination options before the IPv6 fragment header */
	uint8_t proto; /* 0 = UDP */
	uint8_t host;  /* last byte of the source */
	uint8_t flip;  /* changes the bytes */
};

static int setup(void **state)
{
	struct bench *b = calloc(1, sizeof(*b));

	b->f = fragments_new(&limits);
	b->now_ns = SECOND;
	for (size_t i = 0; i < sizeof(b->payload); i++)
		b->payload[i] = (uint8_t)(i * 7 + i / 256);
	/* Begins as a UDP header, so that what is put together can be decoded. */
	frame_put16(b->payload, 1000);
	frame_put16(b->payload + 2, 2000);
	*state = b;
	return b->f ? 0 : -1;
}

static int teardown(void **state)
{
	struct bench *b = *state;
	struct fragments_stats s;

	fragments_stats(b->f, &s);
	fragments_free(b->f);
	free(b);
	return s.bytes <= limits.bytes ? 0 : -1;
}

static size_t put_ipv4(uint8_t *p, const struct piece *c)
{
	static const uint8_t addresses[8] = {10, 0, 0, 1, 10, 0, 0, 2};

	memset(p, 0, 20);
	p[0] = 0x45;
	frame_put16(p + 2, 20 + c->len);
	frame_put16(p + 4, c->id);
	frame_put16(p + 6, c->from / 8 | (c->more ? 0x2000 : 0));
	p[8] = 64;
	p[9] = c->proto ? c->proto : IPPROTO_UDP;
	memcpy(p + 12, addresses, 8);
	p[15] = (uint8_t)(p[15] + c->host);
	frame_put16(p + 10, ~frame_sum(0, p, 20) & 0xffff);
	return 20;
}

static size_t put_ipv6(uint8_t *p, const struct piece *c)
{
	uint8_t *at = p + 40;

	memset(p, 0, 40u + c->chain);
	p[0] = 0x60;
	frame_put16(p + 4, 8u + c->chain + c->len);
	p[6] = c->chain ? IPPROTO_DSTOPTS : IPPROTO_FRAGMENT;
	p[8] = p[24] = 0x20;
	p[23] = (uint8_t)(1 + c->host);
	p[39] = 2;
	if (c->chain) {
		at[0] = IPPROTO_FRAGMENT;
		at[1] = (uint8_t)(c->chain / 8 - 1);
		at += c->chain;
	}
	at[0] = c->proto ? c->proto : IPPROTO_UDP;
	at[1] = 0;
	frame_put16(at + 2, c->from | c->more);
	frame_put32(at + 4, c->id);
	return 48u + c->chain;
}

/* Pushes a piece; the frame is gone when it returns. */
static int push(struct bench *b, const struct piece *c, struct fragments_whole *whole)
{
	uint8_t *frame = calloc(1, 400 + c->len);
	size_t at = c->v6 ? put_ipv6(frame, c) : put_ipv4(frame, c);
	struct packet p;
	int rc;

	for (unsigned int i = 0; i < c->len && c->from + i < PAYLOAD_MAX; i++)
		frame[at + i] = b->payload[c->from + i] ^ c->flip;
	assert_int_equal(packet_decode(frame, at + c->len, PACKET_LINK_RAW, &p), PACKET_FRAGMENT);
	rc = fragments_push(b->f, &p, b->now_ns, whole);
	memset(frame, 0xee, at + c->len);
	free(frame);
	return rc;
}

static uint64_t count(const struct bench *b, enum fragment_event e)
{
	struct fragments_stats s;

	fragments_stats(b->f, &s);
	return s.events[e];
}

/* The whole datagram is what was taken apart, and decodes as such. */
static void check_whole(struct bench *b, struct fragments_whole *whole, bool v6, size_t len,
			uint32_t frames)
{
	struct packet p;

	assert_int_equal(packet_decode(whole->packet, whole->len, PACKET_LINK_RAW, &p), PACKET_OK);
	assert_int_equal(p.ip_version, v6 ? 6 : 4);
	assert_int_equal(p.l4_len, len);
	assert_int_equal(p.key.proto, IPPROTO_UDP);
	assert_int_equal(ntohs(p.key.port[p.dir]), 1000);
	assert_int_equal(ntohs(p.key.port[!p.dir]), 2000);
	assert_memory_equal(whole->packet + p.l4, b->payload, len);
	assert_true(packet_header_checksum_ok(&p));
	assert_int_equal(whole->frames, frames);
	fragments_release(b->f, whole);
}

/* Every order of four fragments. */
static void assembles_any_order(void **state)
{
	struct bench *b = *state;
	uint32_t done = 0;

	frame_put16(b->payload + 4, 100);
	for (int v6 = 0; v6 < 2; v6++) {
		for (unsigned int n = 0; n < 256; n++) {
			unsigned int order[4] = {n & 3, n >> 2 & 3, n >> 4 & 3, n >> 6};
			struct fragments_whole whole;

			if ((1 << order[0] | 1 << order[1] | 1 << order[2] | 1 << order[3]) != 15)
				continue;
			for (int i = 0; i < 4; i++) {
				struct piece c = {.v6 = v6,
						  .id = (uint16_t)n,
						  .from = order[i] * 32,
						  .len = order[i] == 3 ? 4 : 32,
						  .more = order[i] != 3};

				assert_int_equal(push(b, &c, &whole), i == 3);
			}
			check_whole(b, &whole, v6, 100, 4);
			done++;
		}
	}
	assert_int_equal(done, 48);
	assert_int_equal(count(b, FRAGMENT_EVENT_COMPLETED), 48);
	assert_int_equal(count(b, FRAGMENT_EVENT_CREATED), 48);
}

/* What stood before the fragment header stays, without it. */
static void keeps_extension_headers(void **state)
{
	struct bench *b = *state;
	const struct piece pieces[] = {
		{.v6 = true, .id = 1, .from = 16, .len = 8, .chain = 16},
		{.v6 = true, .id = 1, .from = 0, .len = 16, .more = true, .chain = 24},
	};
	struct fragments_whole whole;
	struct packet p;

	frame_put16(b->payload + 4, 24);
	assert_int_equal(push(b, &pieces[0], &whole), 0);
	assert_int_equal(push(b, &pieces[1], &whole), 1);
	assert_int_equal(whole.len, 40 + 24 + 24);
	assert_int_equal(packet_decode(whole.packet, whole.len, PACKET_LINK_RAW, &p), PACKET_OK);
	assert_int_equal(p.l4, 64);
	check_whole(b, &whole, true, 24, 2);
}

/* The first part says what the datagram is (RFC 8200, 4.5), the others may say anything. */
static void takes_the_first_parts_protocol(void **state)
{
	struct bench *b = *state;
	const struct piece pieces[] = {
		{.v6 = true, .id = 1, .from = 16, .len = 8, .proto = IPPROTO_TCP},
		{.v6 = true, .id = 1, .from = 0, .len = 16, .more = true},
	};
	struct fragments_whole whole;

	frame_put16(b->payload + 4, 24);
	assert_int_equal(push(b, &pieces[0], &whole), 0);
	assert_int_equal(push(b, &pieces[1], &whole), 1);
	check_whole(b, &whole, true, 24, 2);
}

static void ignores_duplicates(void **state)
{
	struct bench *b = *state;
	const struct piece first = {.id = 1, .from = 0, .len = 64, .more = true};
	const struct piece last = {.id = 1, .from = 128, .len = 9};
	const struct piece middle = {.id = 1, .from = 64, .len = 64, .more = true};
	struct fragments_whole whole;

	frame_put16(b->payload + 4, 137);
	assert_int_equal(push(b, &first, &whole), 0);
	assert_int_equal(push(b, &first, &whole), 0);
	assert_int_equal(push(b, &last, &whole), 0);
	assert_int_equal(push(b, &last, &whole), 0);
	assert_int_equal(push(b, &middle, &whole), 1);
	check_whole(b, &whole, false, 137, 5);
	assert_int_equal(count(b, FRAGMENT_EVENT_DUPLICATE), 2);
	assert_int_equal(count(b, FRAGMENT_EVENT_OVERLAP), 0);
}

/* Each contradicts what came before: [0, 64), [96, 128) and in the last cases the end at 128. */
static void gives_up_contradictions(void **state)
{
	static const struct piece wrong[] = {
		{.from = 0, .len = 32, .more = true},
		{.from = 0, .len = 64, .more = true, .flip = 1},
		{.from = 0, .len = 72, .more = true},
		{.from = 56, .len = 16, .more = true},
		{.from = 64, .len = 40, .more = true},
		{.from = 64, .len = 64, .more = true},
		{.from = 88, .len = 48, .more = true},
		{.from = 8, .len = 8, .more = true},
		{.from = 64, .len = 8},
		{.from = 120, .len = 16, .more = true},
		{.from = 128, .len = 8},
		{.from = 128, .len = 8, .more = true},
		{.from = 200, .len = 8, .more = true},
		{.from = 96, .len = 32, .more = true},
	};
	struct bench *b = *state;
	struct fragments_whole whole;
	uint64_t overlaps = 0;

	for (int v6 = 0; v6 < 2; v6++) {
		for (unsigned int i = 0; i < ARRAY_SIZE(wrong); i++) {
			bool end = i >= 9;
			struct piece pieces[] = {
				{.v6 = v6, .id = i, .from = 0, .len = 64, .more = true},
				{.v6 = v6, .id = i, .from = 96, .len = 32, .more = !end},
				wrong[i],
				{.v6 = v6, .id = i, .from = 64, .len = 32, .more = true},
				{.v6 = v6, .id = i, .from = 128, .len = 8},
			};

			pieces[2].v6 = v6;
			pieces[2].id = (uint16_t)i;
			assert_int_equal(push(b, &pieces[0], &whole), 0);
			assert_int_equal(push(b, &pieces[1], &whole), 0);
			assert_int_equal(push(b, &pieces[2], &whole), -EBADMSG);
			assert_int_equal(count(b, FRAGMENT_EVENT_OVERLAP), ++overlaps);
			/* What would have completed it comes too late (RFC 5722, 3). */
			assert_int_equal(push(b, &pieces[3], &whole), -EBADMSG);
			assert_int_equal(push(b, &pieces[4], &whole), -EBADMSG);
		}
	}
	assert_int_equal(count(b, FRAGMENT_EVENT_COMPLETED), 0);
}

/* Fragments that receivers ignore, and go on with the datagram as if they had not come. */
static void ignores_what_no_receiver_takes(void **state)
{
	static const struct piece wrong[] = {
		{.from = 0, .len = 12, .more = true},
		{.from = 8, .len = 0},
		{.from = 8, .len = 0, .more = true},
		{.from = 65512, .len = 24},
		{.from = 65528, .len = 1000},
		{.v6 = true, .from = 0, .len = 12, .more = true},
		{.v6 = true, .from = 65528, .len = 8},
		{.v6 = true, .from = 65520, .len = 8, .chain = 8},
		/* The transport header is not in the first part. */
		{.v6 = true, .from = 0, .len = 16, .more = true, .proto = IPPROTO_TCP},
		{.v6 = true, .from = 0, .len = 8, .more = true, .proto = IPPROTO_DSTOPTS},
		{.v6 = true, .from = 0, .len = 8, .more = true, .chain = 240},
	};
	struct bench *b = *state;
	struct fragments_whole whole;

	memset(b->payload, 0, 8);
	for (unsigned int i = 0; i < ARRAY_SIZE(wrong); i++) {
		assert_int_equal(push(b, &wrong[i], &whole), -EINVAL);
		assert_int_equal(count(b, FRAGMENT_EVENT_MALFORMED), i + 1);
		assert_int_equal(count(b, FRAGMENT_EVENT_CREATED), 0);
	}
}

/* The longest datagram, and one that only its first part's longer header makes too long. */
static void holds_the_largest(void **state)
{
	struct bench *b = *state;
	struct fragments_whole whole;
	struct piece c = {.v6 = true, .len = 1024, .more = true};
	int rc = 0;

	frame_put16(b->payload + 4, 65512);
	for (c.from = 0; c.from < 65512; c.from += 1024) {
		c.len = c.from + 1024 > 65512 ? 65512 - c.from : 1024;
		c.more = c.from + c.len < 65512;
		rc = push(b, &c, &whole);
	}
	assert_int_equal(rc, 1);
	check_whole(b, &whole, true, 65512, 64);
	c.id = 2;
	for (c.from = 1024; c.from < 65512; c.from += 1024) {
		c.len = c.from + 1024 > 65512 ? 65512 - c.from : 1024;
		c.more = c.from + c.len < 65512;
		assert_int_equal(push(b, &c, &whole), 0);
	}
	c.from = 0;
	c.len = 1024;
	c.more = true;
	c.chain = 24;
	assert_int_equal(push(b, &c, &whole), -EINVAL);
	assert_int_equal(count(b, FRAGMENT_EVENT_MALFORMED), 1);
}

static void gives_up_in_time(void **state)
{
	struct bench *b = *state;
	struct fragments_whole whole;
	struct piece first = {.id = 1, .from = 0, .len = 16, .more = true};
	struct piece last = {.id = 1, .from = 16, .len = 8};

	frame_put16(b->payload + 4, 24);
	for (int v6 = 0; v6 < 2; v6++) {
		uint64_t limit = v6 ? limits.ipv6_ns : limits.ipv4_ns;

		first.v6 = last.v6 = v6;
		assert_int_equal(push(b, &first, &whole), 0);
		b->now_ns += limit;
		assert_int_equal(push(b, &last, &whole), 1);
		check_whole(b, &whole, v6, 24, 2);
		assert_int_equal(push(b, &first, &whole), 0);
		b->now_ns += limit + 1;
		assert_int_equal(push(b, &last, &whole), 0);
		assert_int_equal(count(b, FRAGMENT_EVENT_TIMEOUT), v6 * 2 + 1);
		assert_int_equal(fragments_expire(b->f, b->now_ns + limit, 9), 0);
		assert_int_equal(fragments_expire(b->f, b->now_ns + limit + 1, 9), 1);
	}
	assert_int_equal(count(b, FRAGMENT_EVENT_TIMEOUT), 4);
}

/* A clock that runs back ends nothing. */
static void bears_an_older_packet(void **state)
{
	struct bench *b = *state;
	struct fragments_whole whole;
	const struct piece first = {.id = 1, .from = 0, .len = 16, .more = true};
	const struct piece last = {.id = 1, .from = 16, .len = 8};

	frame_put16(b->payload + 4, 24);
	assert_int_equal(push(b, &first, &whole), 0);
	b->now_ns -= SECOND / 2;
	assert_int_equal(push(b, &last, &whole), 1);
	check_whole(b, &whole, false, 24, 2);
}

/* A flood of beginnings: the oldest make room, the newest live. */
static void oldest_goes_first(void **state)
{
	struct bench *b = *state;
	struct fragments_whole whole;

	frame_put16(b->payload + 4, 24);
	for (uint16_t id = 0; id < 100; id++) {
		const struct piece c = {.v6 = id & 1, .id = id, .from = 0, .len = 16, .more = true};

		b->now_ns++;
		assert_int_equal(push(b, &c, &whole), 0);
	}
	assert_int_equal(count(b, FRAGMENT_EVENT_EVICTED), 92);
	for (uint16_t id = 99; id > 90; id--) {
		const struct piece c = {.v6 = id & 1, .id = id, .from = 16, .len = 8};

		assert_int_equal(push(b, &c, &whole), id > 91);
		if (id > 91)
			check_whole(b, &whole, id & 1, 24, 2);
	}
}

/* Big datagrams share what there is, and leave small ones alone. */
static void bytes_are_bounded(void **state)
{
	struct bench *b = *state;
	struct fragments_whole whole;
	struct fragments_stats s;
	const struct piece small = {.id = 1, .from = 0, .len = 16, .more = true};
	const struct piece rest = {.id = 1, .from = 16, .len = 8};

	frame_put16(b->payload + 4, 24);
	assert_int_equal(push(b, &small, &whole), 0);
	for (uint16_t id = 2; id < 9; id++) {
		const struct piece c = {.id = id, .from = 60000, .len = 1000, .more = true};

		assert_int_equal(push(b, &c, &whole), 0);
		fragments_stats(b->f, &s);
		assert_true(s.bytes <= limits.bytes);
	}
	assert_int_equal(s.datagrams, 4);
	assert_int_equal(count(b, FRAGMENT_EVENT_EVICTED), 4);
	assert_int_equal(push(b, &rest, &whole), 1);
	check_whole(b, &whole, false, 24, 2);
}

/* More fragments than any network makes of a datagram. */
static void parts_are_bounded(void **state)
{
	struct bench *b = *state;
	struct fragments_whole whole;
	struct piece c = {.id = 1, .len = 8, .more = true};
	int rc = 0;

	for (c.from = 0; c.from < 8 * 129 && rc == 0; c.from += 8)
		rc = push(b, &c, &whole);
	assert_int_equal(rc, -ENOMEM);
	assert_int_equal(c.from, 8 * 129);
	assert_int_equal(count(b, FRAGMENT_EVENT_EVICTED), 1);
}

/* Hosts, protocols and versions do not mix; what is held may outlive other pushes. */
static void keeps_datagrams_apart(void **state)
{
	struct bench *b = *state;
	struct fragments_whole one, other;
	const struct piece first = {.id = 1, .from = 0, .len = 16, .more = true};
	const struct piece strangers[] = {
		{.id = 1, .from = 16, .len = 8, .host = 1},
		{.id = 2, .from = 16, .len = 8},
		{.id = 1, .from = 16, .len = 8, .proto = IPPROTO_ICMP},
		{.id = 1, .from = 16, .len = 8, .v6 = true},
	};
	const struct piece last = {.id = 1, .from = 16, .len = 8};

	frame_put16(b->payload + 4, 24);
	assert_int_equal(push(b, &first, &one), 0);
	for (size_t i = 0; i < ARRAY_SIZE(strangers); i++)
		assert_int_equal(push(b, &strangers[i], &one), 0);
	assert_int_equal(push(b, &last, &one), 1);
	assert_int_equal(push(b, &first, &other), 0);
	assert_int_equal(push(b, &last, &other), 1);
	assert_ptr_not_equal(one.packet, other.packet);
	check_whole(b, &other, false, 24, 2);
	check_whole(b, &one, false, 24, 2);
}

/* A capture that cut the fragment has not got its bytes. */
static void ignores_cut_fragments(void **state)
{
	struct bench *b = *state;
	struct fragments_whole whole;
	const struct piece c = {.id = 1, .from = 0, .len = 64, .more = true};
	uint8_t frame[84];
	struct packet p;

	put_ipv4(frame, &c);
	memset(frame + 20, 0, 64);
	assert_int_equal(packet_decode_cut(frame, 60, 84, PACKET_LINK_RAW, &p), PACKET_FRAGMENT);
	assert_int_equal(p.payload_len, 40);
	assert_int_equal(p.l4_len, 64);
	assert_int_equal(fragments_push(b->f, &p, b->now_ns, &whole), -EINVAL);
	assert_int_equal(count(b, FRAGMENT_EVENT_CREATED), 0);
}

/* A header sum that was wrong in the first part is wrong in the whole. */
static void keeps_a_wrong_sum_wrong(void **state)
{
	struct bench *b = *state;
	struct fragments_whole whole;
	const struct piece first = {.id = 1, .from = 0, .len = 16, .more = true};
	const struct piece last = {.id = 1, .from = 16, .len = 8};
	uint8_t frame[36];
	struct packet p;

	put_ipv4(frame, &first);
	memcpy(frame + 20, b->payload, 16);
	frame[11] ^= 1;
	assert_int_equal(packet_decode(frame, 36, PACKET_LINK_RAW, &p), PACKET_FRAGMENT);
	assert_int_equal(fragments_push(b->f, &p, b->now_ns, &whole), 0);
	assert_int_equal(push(b, &last, &whole), 1);
	packet_decode(whole.packet, whole.len, PACKET_LINK_RAW, &p);
	assert_false(packet_header_checksum_ok(&p));
	fragments_release(b->f, &whole);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(assembles_any_order),
		TEST(keeps_extension_headers),
		TEST(takes_the_first_parts_protocol),
		TEST(ignores_duplicates),
		TEST(gives_up_contradictions),
		TEST(ignores_what_no_receiver_takes),
		TEST(holds_the_largest),
		TEST(gives_up_in_time),
		TEST(bears_an_older_packet),
		TEST(oldest_goes_first),
		TEST(bytes_are_bounded),
		TEST(parts_are_bounded),
		TEST(keeps_datagrams_apart),
		TEST(ignores_cut_fragments),
		TEST(keeps_a_wrong_sum_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
