// SPDX-License-Identifier: GPL-2.0-only
#include "app/midstream.h"

#include "app_bench.h"

#define ROOM 256

/* At their exact size on the heap, so that a sanitizer sees a byte read too many. */
static bool is(bool (*goes_on)(const uint8_t *, size_t), const uint8_t *data, size_t len)
{
	uint8_t *copy = malloc(len ? len : 1);
	bool result;

	memcpy(copy, data, len);
	result = goes_on(copy, len);
	free(copy);
	return result;
}

static const uint8_t piece[] = {0, 0, 0x40, 9, 7, 0, 0, 1, 2, 0, 1, 0x40, 0};
static const uint8_t request[] = {0, 0, 0, 13, 6, 0, 0, 1, 2, 0, 1, 0x40, 0, 0, 0, 0x40, 0};
static const uint8_t have[] = {0, 0, 0, 5, 4, 0, 0, 1, 2};

/* The message at offset: known whole, unknown when cut or when one of these bytes is another. */
static void only_so(bool (*goes_on)(const uint8_t *, size_t), const uint8_t *m, size_t size,
		    size_t at, const uint8_t *bytes, size_t count)
{
	uint8_t data[ROOM];

	memset(data, 0x5a, sizeof(data));
	memcpy(data + at, m, size);
	assert_true(is(goes_on, data, at + size));
	assert_true(is(goes_on, data, sizeof(data)));
	assert_false(is(goes_on, data, at + size - 1));
	for (size_t i = 0; i < count; i++) {
		data[at + bytes[i]] ^= 0x21;
		assert_false(is(goes_on, data, sizeof(data)));
		data[at + bytes[i]] ^= 0x21;
	}
}

static void blocks_and_requests(void **state)
{
	static const uint8_t fixed[] = {0, 1, 2, 3, 4, 5, 11, 12};
	static const uint8_t asked[] = {0, 1, 2, 3, 4, 5, 11, 12, 13, 14, 15, 16};

	only_so(bittorrent_goes_on, piece, sizeof(piece), 0, fixed, sizeof(fixed));
	only_so(bittorrent_goes_on, piece, sizeof(piece), 37, fixed, sizeof(fixed));
	only_so(bittorrent_goes_on, request, sizeof(request), 0, asked, sizeof(asked));
	only_so(bittorrent_goes_on, request, sizeof(request), 9, asked, sizeof(asked));
}

static void pieces_that_peers_have(void **state)
{
	static const uint8_t fixed[] = {0, 1, 2, 3, 4, 5, 9, 13, 18, 22};
	uint8_t data[3 * sizeof(have)];

	for (size_t i = 0; i < 3; i++)
		memcpy(data + i * sizeof(have), have, sizeof(have));
	only_so(bittorrent_goes_on, data, sizeof(data), 0, fixed, sizeof(fixed));
	memset(data, 0, sizeof(data));
	assert_false(is(bittorrent_goes_on, data, sizeof(data)));
}

static void parts_of_files(void **state)
{
	static const uint8_t fixed[] = {0, 1, 2, 3, 4, 5, 22, 25, 26, 29};
	static const uint8_t ask_fixed[] = {0, 1, 2, 3, 4, 5};
	/* 10240 bytes of a part, from 0x2800 on; opcode, hash and two numbers before them. */
	uint8_t part[30] = {0xe3, 0x19, 0x28, 0, 0, 0x46, [23] = 0x28, [27] = 0x50};
	uint8_t ask[46] = {0xe3, 0x29, 0, 0, 0, 0x47, [23] = 0x28, [35] = 0x50};
	uint8_t large[70] = {0xc5, 0x41, 0, 0, 0, 0xa3};

	only_so(edonkey_goes_on, part, sizeof(part), 0, fixed, sizeof(fixed));
	only_so(edonkey_goes_on, part, sizeof(part), 61, fixed, sizeof(fixed));
	only_so(edonkey_goes_on, ask, sizeof(ask), 0, ask_fixed, sizeof(ask_fixed));
	only_so(edonkey_goes_on, large, sizeof(large), 0, ask_fixed, sizeof(ask_fixed));
	/* It ends where it begins; a file of 2^56 bytes. */
	ask[35] = 0x28;
	assert_false(is(edonkey_goes_on, ask, sizeof(ask)));
	large[29] = 1;
	assert_false(is(edonkey_goes_on, large, sizeof(large)));
	part[27] = 0x28;
	part[1] = 25;
	part[2] = 0;
	assert_false(is(edonkey_goes_on, part, sizeof(part)));
}

static void descriptors_in_a_row(void **state)
{
	static const uint8_t fixed[] = {16, 17, 18, 20, 22, 37 + 16, 37 + 17, 37 + 18, 37 + 22};
	uint8_t data[37 + 23] = {[16] = 1, 2, 1, 14, [37 + 16] = 0x80, 3, 0, 9};

	memset(data, 0x71, 16);
	memset(data + 37, 0x72, 16);
	only_so(gnutella_goes_on, data, sizeof(data), 0, fixed, sizeof(fixed));
	/* The same descriptor again; an empty identifier. */
	memset(data + 37, 0x71, 16);
	assert_false(is(gnutella_goes_on, data, sizeof(data)));
	memset(data, 0, 16);
	assert_false(is(gnutella_goes_on, data, sizeof(data)));
	memset(data, 0, sizeof(data));
	assert_false(is(gnutella_goes_on, data, sizeof(data)));
}

/* Only where the beginning was not seen. */
static void found_by(const char *module, const uint8_t *data, size_t len)
{
	for (int midstream = 0; midstream < 2; midstream++) {
		struct bench *b = bench_of(module, IPPROTO_TCP, 6881);

		b->flow.midstream = midstream;
		message(b, false, data, len);
		assert_int_equal(b->consume.finding.app != 0, midstream);
		assert_false(b->consume.finding.reconnect);
		bench_free(b);
	}
}

static void modules_ask_in_midstream_alone(void **state)
{
	uint8_t part[30] = {0xe3, 0x19, 0x28, 0, 0, 0x46, [23] = 0x28, [27] = 0x50};
	uint8_t pongs[37 + 23] = {
		7, 7, 7, 7, [16] = 1, 2, 1, 14, [37] = 8, 8, 8, 8, [37 + 16] = 0x80, 3, 0, 9};

	found_by("bittorrent", piece, sizeof(piece));
	found_by("edonkey", part, sizeof(part));
	found_by("gnutella", pongs, sizeof(pongs));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_and_requests),
		cmocka_unit_test(pieces_that_peers_have),
		cmocka_unit_test(parts_of_files),
		cmocka_unit_test(descriptors_in_a_row),
		cmocka_unit_test(modules_ask_in_midstream_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
