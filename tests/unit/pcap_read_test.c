// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "frame_build.h"
#include "pcap/pcap_file.h"
#include "pcap_build.h"

/* <pcap/dlt.h> values as they stand in files. */
#define LINK_NULL	0
#define LINK_ETHERNET	1
#define LINK_PPP	9
#define LINK_RAW	101
#define LINK_LOOP	108
#define LINK_PPP_SERIAL 50
#define LINK_PPP_ETHER	51
#define LINK_C_HDLC	104
#define LINK_SLL	113
#define LINK_PPI	192
#define LINK_PPP_DIR	204
#define LINK_IPV4	228
#define LINK_IPV6	229
#define LINK_SLL2	276
#define LINK_BLUETOOTH	256

#define UDP4                                                                                       \
	{                                                                                          \
		.raw = true, .src = "10.0.0.1", .dst = "10.0.0.2", .proto = IPPROTO_UDP,           \
		.sport = 1, .dport = 2, .payload = "hello", .len = 5                               \
	}
#define UDP6                                                                                       \
	{                                                                                          \
		.raw = true, .src = "fe80::1", .dst = "fe80::2", .proto = IPPROTO_UDP, .sport = 1, \
		.dport = 2, .payload = "hello", .len = 5                                           \
	}

struct link_case {
	const char *name;
	uint32_t link;
	uint8_t head[32];
	size_t head_len;
	struct frame_spec spec;
	enum packet_status status;
	uint16_t vlan;
};

static const struct link_case cases[] = {
	{"raw IPv4", LINK_RAW, {0}, 0, UDP4, PACKET_OK, 0},
	{"raw IPv6", LINK_RAW, {0}, 0, UDP6, PACKET_OK, 0},
	{"IPv4", LINK_IPV4, {0}, 0, UDP4, PACKET_OK, 0},
	{"IPv6", LINK_IPV6, {0}, 0, UDP6, PACKET_OK, 0},
	{"cooked",
	 LINK_SLL,
	 {0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0x08, 0x00},
	 16,
	 UDP4,
	 PACKET_OK,
	 0},
	{"cooked, tagged",
	 LINK_SLL,
	 {0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0x81, 0x00, 0, 5, 0x86, 0xdd},
	 20,
	 UDP6,
	 PACKET_OK,
	 5},
	{"cooked ARP",
	 LINK_SLL,
	 {0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0, 0x08, 0x06},
	 16,
	 UDP4,
	 PACKET_NOT_IP,
	 0},
	{"cooked 2",
	 LINK_SLL2,
	 {0x86, 0xdd, 0, 0, 0, 0, 0, 2, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0},
	 20,
	 UDP6,
	 PACKET_OK,
	 0},
	{"BSD loopback", LINK_NULL, {2, 0, 0, 0}, 4, UDP4, PACKET_OK, 0},
	{"BSD loopback, other order", LINK_NULL, {0, 0, 0, 30}, 4, UDP6, PACKET_OK, 0},
	{"BSD loopback, NetBSD's IPv6", LINK_NULL, {24, 0, 0, 0}, 4, UDP6, PACKET_OK, 0},
	{"BSD loopback, another family", LINK_NULL, {7, 0, 0, 0}, 4, UDP4, PACKET_NOT_IP, 0},
	{"OpenBSD loopback", LINK_LOOP, {0, 0, 0, 28}, 4, UDP6, PACKET_OK, 0},
	{"PPP", LINK_PPP, {0xff, 0x03, 0x00, 0x21}, 4, UDP4, PACKET_OK, 0},
	{"PPP without address", LINK_PPP, {0x00, 0x57}, 2, UDP6, PACKET_OK, 0},
	{"PPP, short protocol", LINK_PPP, {0x21}, 1, UDP4, PACKET_OK, 0},
	{"PPP LCP", LINK_PPP, {0xff, 0x03, 0xc0, 0x21}, 4, UDP4, PACKET_NOT_IP, 0},
	{"PPP that is Cisco HDLC", LINK_PPP, {0x0f, 0x00, 0x08, 0x00}, 4, UDP4, PACKET_OK, 0},
	{"PPP serial", LINK_PPP_SERIAL, {0xff, 0x03, 0x00, 0x57}, 4, UDP6, PACKET_OK, 0},
	{"PPP with direction", LINK_PPP_DIR, {0x01, 0xff, 0x03, 0x00, 0x21}, 5, UDP4, PACKET_OK, 0},
	{"PPPoE",
	 LINK_PPP_ETHER,
	 {0x11, 0x00, 0x00, 0x01, 0x00, 0x23, 0x00, 0x21},
	 8,
	 UDP4,
	 PACKET_OK,
	 0},
	{"Cisco HDLC", LINK_C_HDLC, {0x0f, 0x00, 0x86, 0xdd}, 4, UDP6, PACKET_OK, 0},
	{"Cisco SLARP", LINK_C_HDLC, {0x8f, 0x00, 0x80, 0x35}, 4, UDP4, PACKET_NOT_IP, 0},
	{"PPI around raw", LINK_PPI, {0, 0, 8, 0, 101, 0, 0, 0}, 8, UDP4, PACKET_OK, 0},
	{"PPI around Cisco HDLC",
	 LINK_PPI,
	 {0, 0, 12, 0, 104, 0, 0, 0, 9, 9, 9, 9, 0x0f, 0, 0x08, 0},
	 16,
	 UDP4,
	 PACKET_OK,
	 0},
	{"PPI around PPI", LINK_PPI, {0, 0, 8, 0, 192, 0, 0, 0}, 8, UDP4, PACKET_NOT_IP, 0},
	{"PPI longer than the frame",
	 LINK_PPI,
	 {0, 0, 255, 255, 104, 0, 0, 0},
	 8,
	 UDP4,
	 PACKET_NOT_IP,
	 0},
};

static void write_frame(char *path, uint32_t link, const uint8_t *frame, size_t len,
			size_t wire_len)
{
	FILE *f = capture_create(path);

	assert_non_null(f);
	capture_put_head(f, link);
	capture_put_frame(f, 1500000000123456789, frame, (uint32_t)len, (uint32_t)wire_len);
	fclose(f);
}

static void each_link_leads_to_the_packet(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct link_case *c = &cases[i];
		char path[CAPTURE_PATH_MAX];
		uint8_t frame[FRAME_MAX];
		struct pcap_frame got;
		struct pcap_file *capture = NULL;
		struct error e = {0};
		struct packet p;
		size_t len;

		print_message("  %s\n", c->name);
		memcpy(frame, c->head, c->head_len);
		len = c->head_len + frame_build(frame + c->head_len, &c->spec);
		write_frame(path, c->link, frame, len, len);
		assert_int_equal(pcap_file_open(path, &capture, &e), 0);
		assert_int_equal(pcap_file_next(capture, &got, &e), 1);
		assert_true(got.time_ns == 1500000000123456789);
		assert_int_equal(got.len, got.wire_len);
		assert_int_equal(packet_decode_cut(got.data, got.len, got.wire_len, got.link, &p),
				 c->status);
		if (c->status == PACKET_OK) {
			assert_int_equal(p.payload_len, 5);
			assert_memory_equal(got.data + p.payload, "hello", 5);
			assert_int_equal(p.cut_len, 0);
			assert_int_equal(ntohs(p.key.vlan[0]), c->vlan);
			assert_int_equal(packet_checksum(&p), PACKET_CHECKSUM_OK);
		}
		assert_int_equal(pcap_file_next(capture, &got, &e), 0);
		pcap_file_close(capture);
		unlink(path);
	}
}

/* Every length that a capture may have kept: no header is read beyond it. */
static void each_link_bears_cut_frames(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char path[CAPTURE_PATH_MAX];
		struct pcap_frame got;
		struct pcap_file *capture = NULL;
		struct error e = {0};
		uint8_t frame[FRAME_MAX];
		size_t whole, count = 0;
		FILE *f = capture_create(path);

		memcpy(frame, cases[i].head, cases[i].head_len);
		whole = cases[i].head_len + frame_build(frame + cases[i].head_len, &cases[i].spec);
		capture_put_head(f, cases[i].link);
		for (size_t n = 0; n < whole; n++)
			capture_put_frame(f, n, frame, (uint32_t)n, (uint32_t)whole);
		fclose(f);
		assert_int_equal(pcap_file_open(path, &capture, &e), 0);
		while (pcap_file_next(capture, &got, &e) == 1) {
			struct packet p;

			assert_true(got.wire_len > got.len);
			if (packet_decode_cut(got.data, got.len, got.wire_len, got.link, &p) ==
			    PACKET_OK)
				assert_int_equal(p.cut_len, whole - count);
			count++;
		}
		assert_int_equal(count, whole);
		assert_string_equal(e.text, "");
		pcap_file_close(capture);
		unlink(path);
	}
}

static void a_broken_off_file_yields_its_whole_frames(void **state)
{
	static const uint8_t frame[60] = {0};

	for (long cut = 1; cut < 76; cut++) {
		char path[CAPTURE_PATH_MAX];
		struct pcap_frame got;
		struct pcap_file *capture = NULL;
		struct error e = {0};
		FILE *f = capture_create(path);

		capture_put_head(f, LINK_ETHERNET);
		for (int n = 0; n < 3; n++)
			capture_put_frame(f, 1, frame, 60, 60);
		fflush(f);
		assert_int_equal(ftruncate(fileno(f), ftell(f) - cut), 0);
		fclose(f);
		assert_int_equal(pcap_file_open(path, &capture, &e), 0);
		assert_int_equal(pcap_file_next(capture, &got, &e), 1);
		assert_int_equal(pcap_file_next(capture, &got, &e), 1);
		assert_int_equal(pcap_file_next(capture, &got, &e), -EIO);
		assert_non_null(strstr(e.text, path));
		assert_non_null(strstr(e.text, "truncated"));
		pcap_file_close(capture);
		unlink(path);
	}
}

static void an_unknown_link_is_named(void **state)
{
	static const uint8_t frame[60] = {0};
	char path[CAPTURE_PATH_MAX];
	struct pcap_file *capture = NULL;
	struct error e = {0};

	write_frame(path, LINK_BLUETOOTH, frame, 60, 60);
	assert_int_equal(pcap_file_open(path, &capture, &e), -EPROTONOSUPPORT);
	assert_null(capture);
	assert_non_null(strstr(e.text, path));
	assert_non_null(strstr(e.text, "link type 256"));
	unlink(path);
}

static void what_is_no_capture(void **state)
{
	char path[CAPTURE_PATH_MAX];
	struct pcap_file *capture = NULL;
	struct error e = {0}, missing = {0};
	FILE *f = capture_create(path);

	fputs("neither pcap nor pcapng, yet long enough", f);
	fclose(f);
	assert_true(pcap_file_open(path, &capture, &e) < 0);
	assert_non_null(strstr(e.text, path));
	assert_non_null(strstr(e.text, "format"));
	unlink(path);
	assert_int_equal(pcap_file_open(path, &capture, &missing), -ENOENT);
	assert_non_null(strstr(missing.text, path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_link_leads_to_the_packet),
		cmocka_unit_test(each_link_bears_cut_frames),
		cmocka_unit_test(a_broken_off_file_yields_its_whole_frames),
		cmocka_unit_test(an_unknown_link_is_named),
		cmocka_unit_test(what_is_no_capture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
