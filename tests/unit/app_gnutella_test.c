// SPDX-License-Identifier: GPL-2.0-only
#include "app_bench.h"

#define PORT 6346
#define ASK  "GNUTELLA CONNECT/0.6\r\n"
#define OK   "GNUTELLA/0.6 200 OK\r\n"

/* A flow whose first message, from the client, a signature knew. */
static struct bench *known(uint8_t proto, const void *data, size_t len)
{
	struct bench *b = bench_of("gnutella", proto, PORT);

	name(b);
	message(b, true, data, len);
	return b;
}

static struct bench *connected(const char *text)
{
	return known(IPPROTO_TCP, text, strlen(text));
}

/* A descriptor behind its header; returns all its bytes. */
static size_t descriptor(uint8_t *out, uint8_t id, uint8_t type, const void *payload, size_t len)
{
	memset(out, id, 16);
	out[16] = type;
	out[17] = 1;
	out[18] = 0;
	out[19] = (uint8_t)len;
	out[20] = (uint8_t)(len >> 8);
	out[21] = out[22] = 0;
	memcpy(out + 23, payload, len);
	return 23 + len;
}

static const uint8_t pong[14] = {0x9a, 0x1e, 198, 51, 100, 7};
static const uint8_t hit[40] = {1, 0x9b, 0x1e, 198, 51, 100, 8};
static const uint8_t push[26] = {[20] = 198, 51, 100, 9, 0x9c, 0x1e};

static void an_answer_names_other_hosts(void **state)
{
	struct bench *b = connected(ASK "Node: 203.0.113.4:28681\r\nX-Ultrapeer: False\r\n\r\n");

	assert_true(is_read(b));
	/* The address is the one outside of its NAT. */
	assert_learned(b, 0, NULL, CLIENT, 28681, WEIR_SOURCE_GNUTELLA);
	server_text(b, "GNUTELLA/0.6 503 Full\r\nX-Try-Ultrapeers: 198.51.100.7:6348,198.51.");
	server_text(b, "100.8:6349 , 198.51.100.9\r\nx-try: 198.51.100.10:80,:1,a:b,"
		       "10.1.0.5:7000,198.51.100.11:65536\r\n"
		       "X-Try-Hubs: 198.51.100.12:8255 2022-03-07T03:22Z,198.51.100.13:1025\r\n"
		       "X-Tried: 198.51.100.14:6346\r\n\r\n");
	assert_learned(b, 1, NULL, TRACKER, PORT, WEIR_SOURCE_HANDSHAKE);
	assert_learned(b, 2, CLIENT, "198.51.100.7", 6348, WEIR_SOURCE_GNUTELLA);
	assert_learned(b, 3, CLIENT, "198.51.100.8", 6349, WEIR_SOURCE_GNUTELLA);
	assert_learned(b, 4, CLIENT, "198.51.100.12", 8255, WEIR_SOURCE_GNUTELLA);
	assert_learned(b, 5, CLIENT, "198.51.100.13", 1025, WEIR_SOURCE_GNUTELLA);
	assert_int_equal(b->count, 6);
	bench_free(b);
}

static void descriptors_name_other_hosts(void **state)
{
	struct bench *b = connected(ASK "\r\n");
	uint8_t data[256];
	size_t len;

	server_text(b, OK "X-Ultrapeer: True\r\n\r\n");
	assert_int_equal(b->count, 1);
	client_text(b, OK "\r\n");
	len = descriptor(data, 1, 0x80, "query", 6);
	len += descriptor(data + len, 2, 0x01, pong, sizeof(pong));
	/* In two pieces that part a header. */
	message(b, false, data, 40);
	message(b, false, data + 40, len - 40);
	assert_learned(b, 1, CLIENT, "198.51.100.7", 7834, WEIR_SOURCE_GNUTELLA);
	len = descriptor(data, 3, 0x81, hit, sizeof(hit));
	len += descriptor(data + len, 4, 0x40, push, sizeof(push));
	message(b, false, data, len);
	assert_learned(b, 2, CLIENT, "198.51.100.8", 7835, WEIR_SOURCE_GNUTELLA);
	assert_learned(b, 3, CLIENT, "198.51.100.9", 7836, WEIR_SOURCE_GNUTELLA);
	/* What is said to the other end counts for the other end. */
	len = descriptor(data, 5, 0x01, pong, sizeof(pong));
	message(b, true, data, len);
	assert_learned(b, 4, TRACKER, "198.51.100.7", 7834, WEIR_SOURCE_GNUTELLA);
	/* Too short for its kind. */
	len = descriptor(data, 6, 0x01, pong, sizeof(pong) - 1);
	len += descriptor(data + len, 7, 0x81, hit, 10);
	len += descriptor(data + len, 8, 0x40, push, 25);
	len += descriptor(data + len, 9, 0x02, "", 0);
	message(b, false, data, len);
	assert_int_equal(b->count, 5);
	assert_true(is_read(b));
	/* A length that nobody means. */
	descriptor(data, 9, 0x01, pong, sizeof(pong));
	data[22] = 1;
	message(b, false, data, 23);
	assert_false(is_read(b));
	bench_free(b);
}

/* Lines and descriptors in pieces of any size, a line that is too long among them. */
static void pieces_make_no_difference(void **state)
{
	static const char head[] = OK "X-Try: 198.51.100.7:6348\r\n\r\n";
	uint8_t data[2048];
	size_t len = sizeof(head) - 1 - 4;

	memcpy(data, head, len);
	memcpy(data + len, "\r\nX-Try: ", 9);
	memset(data + len + 9, 'a', 1200);
	len += 9 + 1200;
	memcpy(data + len, "\r\n\r\n", 4);
	len += 4;
	len += descriptor(data + len, 2, 0x01, pong, sizeof(pong));
	len += descriptor(data + len, 3, 0x81, hit, sizeof(hit));
	len += descriptor(data + len, 4, 0x40, push, sizeof(push));
	for (size_t piece = 1; piece <= len; piece++) {
		struct bench *b = connected(ASK "\r\n");

		client_text(b, OK "\r\n");
		for (size_t at = 0; at < len; at += piece)
			message(b, false, data + at, len - at < piece ? len - at : piece);
		assert_int_equal(b->count, 5);
		assert_learned(b, 1, CLIENT, "198.51.100.7", 6348, WEIR_SOURCE_GNUTELLA);
		assert_learned(b, 4, CLIENT, "198.51.100.9", 7836, WEIR_SOURCE_GNUTELLA);
		bench_free(b);
	}
}

static void the_oldest_handshake_has_one_step(void **state)
{
	struct bench *b = connected("GNUTELLA CONNECT/0.4\n\n");
	uint8_t data[64];

	server_text(b, "GNUTELLA OK\n\n");
	message(b, true, data, descriptor(data, 1, 0x01, pong, sizeof(pong)));
	assert_learned(b, 1, TRACKER, "198.51.100.7", 7834, WEIR_SOURCE_GNUTELLA);
	bench_free(b);
}

static void what_is_compressed_is_left_alone(void **state)
{
	struct bench *b = connected(ASK "Accept-Encoding: deflate\r\n\r\n");

	server_text(b, OK "Content-Encoding: deflate\r\n\r\n");
	assert_true(is_read(b));
	client_text(b, OK "Content-Encoding: deflate\r\nX-Try: 198.51.100.7:6348\r\n\r\n");
	assert_learned(b, 1, TRACKER, "198.51.100.7", 6348, WEIR_SOURCE_GNUTELLA);
	assert_false(is_read(b));
	bench_free(b);
}

static void reading_is_bounded(void **state)
{
	struct bench *b = connected(ASK);
	char line[512] = "X-Try:";

	/* A line that does not end is no place for anything. */
	memset(line + 6, ' ', sizeof(line) - 7);
	for (int i = 0; i < 4; i++)
		client_text(b, line);
	client_text(b, " 198.51.100.7:6348\r\n");
	assert_int_equal(b->count, 0);
	for (int i = 0; is_read(b) && i < 2000; i++)
		client_text(b, "X-Try: 198.51.100.7:6348,198.51.100.7:6349,198.51.100.7:6350\r\n");
	assert_false(is_read(b));
	assert_int_equal(b->count, 256);
	bench_free(b);

	b = known(IPPROTO_TCP, "GET /uri-res/N2R?urn:sha1:x HTTP/1.1\r\n", 38);
	assert_false(is_read(b));
	bench_free(b);
}

static void a_datagram_must_answer_a_ping(void **state)
{
	uint8_t data[64];
	size_t len = descriptor(data, 1, 0x00, "", 0);
	struct bench *b = known(IPPROTO_UDP, data, len);

	assert_true(is_read(b));
	/* Another's identifier, and the pinging side's own word. */
	message(b, false, data, descriptor(data, 2, 0x01, pong, sizeof(pong)));
	message(b, true, data, descriptor(data, 1, 0x01, pong, sizeof(pong)));
	message(b, false, data, descriptor(data, 1, 0x81, hit, sizeof(hit)));
	message(b, false, data, 22);
	assert_int_equal(b->count, 0);
	len = descriptor(data, 1, 0x01, pong, sizeof(pong));
	message(b, false, data, len);
	assert_learned(b, 0, CLIENT, TRACKER, PORT, WEIR_SOURCE_GNUTELLA);
	assert_learned(b, 1, CLIENT, "198.51.100.7", 7834, WEIR_SOURCE_GNUTELLA);
	/* It counts once. */
	message(b, false, data, len);
	assert_int_equal(b->count, 2);
	for (int i = 0; i < 24; i++)
		message(b, false, data, len);
	assert_true(is_read(b));
	message(b, false, data, len);
	assert_false(is_read(b));
	bench_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_names_other_hosts),
		cmocka_unit_test(descriptors_name_other_hosts),
		cmocka_unit_test(pieces_make_no_difference),
		cmocka_unit_test(the_oldest_handshake_has_one_step),
		cmocka_unit_test(what_is_compressed_is_left_alone),
		cmocka_unit_test(reading_is_bounded),
		cmocka_unit_test(a_datagram_must_answer_a_ping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
