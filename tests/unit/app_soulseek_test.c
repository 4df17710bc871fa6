// SPDX-License-Identifier: GPL-2.0-only
#include "app_bench.h"

#define ROOM 512
#define KEYS 5

/* Appends a message: its length, then body. */
static size_t put(uint8_t *out, size_t at, const void *body, size_t len)
{
	memset(out + at, 0, 4);
	out[at] = (uint8_t)len;
	memcpy(out + at + 4, body, len);
	return at + 4 + len;
}

/* What it is taken for when it is all that was seen of the client. */
static unsigned int found(bool midstream, bool from_client, const uint8_t *data, size_t len)
{
	struct bench *b = bench_of("soulseek", IPPROTO_TCP, 2234);
	unsigned int confidence;

	b->flow.midstream = midstream;
	message(b, from_client, data, len);
	confidence = b->consume.finding.app ? b->consume.finding.confidence : 0;
	bench_free(b);
	return confidence;
}

/* The key in front, turned left by one bit before each four bytes of the message. */
static size_t obfuscate(uint8_t *out, uint32_t key, const uint8_t *plain, size_t len)
{
	for (size_t i = 0; i < 4; i++)
		out[i] = (uint8_t)(key >> 8 * i);
	for (size_t i = 0; i < len; i++) {
		if (i % 4 == 0)
			key = key << 1 | key >> 31;
		out[4 + i] = plain[i] ^ (uint8_t)(key >> 8 * (i % 4));
	}
	return 4 + len;
}

static const uint32_t keys[KEYS] = {1, 0x80000000, 0xffffffff, 0x12345678, 0xdeadbeef};

static void peers_that_obfuscate(void **state)
{
	static const char init[] = "\1\3\0\0\0bob\1\0\0\0P\0\0\0\0";
	static const char call[] = "\0\x21\x91\x10\0";
	uint8_t plain[ROOM], data[ROOM];

	for (size_t i = 0; i < KEYS; i++) {
		size_t len = put(plain, 0, init, sizeof(init) - 1);
		size_t size = obfuscate(data, keys[i], plain, len);

		assert_int_equal(found(false, true, data, size), 92);
		assert_int_equal(found(false, false, data, size), 0);
		assert_int_equal(found(true, true, data, size), 0);
		for (size_t cut = 0; cut < size; cut++)
			assert_int_equal(found(false, true, data, cut), 0);
		/* The next message is behind it. */
		assert_int_equal(found(false, true, data, size + 16), 92);
		for (size_t at = 4; at < 4 + 9; at++) {
			data[at] ^= 0x80;
			assert_int_equal(found(false, true, data, size), 0);
			data[at] ^= 0x80;
		}
		size = obfuscate(data, keys[i], plain, put(plain, 0, call, sizeof(call) - 1));
		assert_int_equal(found(false, true, data, size), 92);
		assert_int_equal(found(false, true, data, size + 1), 0);
		assert_int_equal(found(false, true, data, size - 1), 0);
		data[8] ^= 1;
		assert_int_equal(found(false, true, data, size), 0);
	}
}

struct part {
	const char *body;
	size_t len;
};
#define PART(text)                                                                                 \
	{                                                                                          \
		text, sizeof(text) - 1                                                             \
	}

static size_t session(uint8_t *out, const struct part *parts, size_t count)
{
	size_t at = 0;

	for (size_t i = 0; i < count; i++)
		at = put(out, at, parts[i].body, parts[i].len);
	return at;
}

static void sessions_that_go_on(void **state)
{
	static const struct part server[] = {
		PART("\x12\0\0\0\3\0\0\0bob\1\0\0\0F\7\2\0\xc0\xba\x08\0\0\x21\x91\x10\0\0"),
	};
	static const struct part peer[] = {
		PART("\x2b\0\0\0\x0b\0\0\0music\\a.mp3"),
		PART("\x2c\0\0\0\x0b\0\0\0music\\a.mp3\3\0\0\0"),
	};
	static const struct part search[] = {
		PART("\3\x31\0\0\0\3\0\0\0bob\1\2\3\4\4\0\0\0blue"),
	};
	static const struct part wrong[] = {
		PART("\x12\0\0\0\3\0\0\0bob\1\0\0\0X\7\2\0\xc0\xba\x08\0\0\x21\x91\x10\0\0"),
		PART("\x12\0\0\0\3\0\0\0bob\1\0\0\0F\7\2\0\xc0\xba\x08\0\0\x21\x91\x10\0\2"),
		PART("\x12\0\0\0\3\0\0\0b\0b\1\0\0\0F\7\2\0\xc0\xba\x08\0\0\x21\x91\x10\0\0"),
		PART("\3\x32\0\0\0\3\0\0\0bob\1\2\3\4\4\0\0\0blue"),
		PART("\3\x31\0\0\0\3\0\0\0bob\1\2\3\4\5\0\0\0blue"),
		PART("\3\x31\0\0\0\3\0\0\0bob\1\2\3\4\3\0\0\0blue"),
		/* True, but of little weight. */
		PART("\x2b\0\0\0\x0b\0\0\0music\\a.mp3"),
		PART("\x07\0\0\0\3\0\0\0bob\2\0\0\0\0"),
		PART("\x04\0\0\0"),
	};
	uint8_t data[ROOM];
	size_t len;

	len = session(data, server, 1);
	assert_int_equal(found(true, false, data, len), 92);
	assert_int_equal(found(true, true, data, len), 92);
	assert_int_equal(found(true, false, data, len - 1), 0);
	assert_int_equal(found(false, false, data, len), 0);
	len = session(data, peer, 2);
	assert_int_equal(found(true, true, data, len), 92);
	assert_int_equal(found(true, true, data, len - 1), 0);
	/* No path. */
	data[17] = '/';
	assert_int_equal(found(true, true, data, len), 0);
	len = session(data, search, 1);
	assert_int_equal(found(true, false, data, len), 92);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		len = session(data, &wrong[i], 1);
		assert_int_equal(found(true, false, data, len), 0);
	}
	/* One that is none spoils those before it. */
	len = put(data, session(data, peer, 1), "\xff\0\0\0", 4);
	len = put(data, len, server[0].body, server[0].len);
	assert_int_equal(found(true, true, data, len), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peers_that_obfuscate),
		cmocka_unit_test(sessions_that_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
