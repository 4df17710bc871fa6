// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <jansson.h>

#include "cli/cli.h"
#include "frame_build.h"
#include "pcap_build.h"
#include "util/util.h"

#define OUTPUT_MAX 8192

static const char yaml[] = "features:\n"
			   "  hello: { transport: tcp, mask: { offset: 0, text: 'GET ' } }\n"
			   "applications:\n"
			   "  http: { category: web, when: hello, confidence: 90 }\n";

struct result {
	int status;
	char out[OUTPUT_MAX], err[OUTPUT_MAX];
};

static void take_text(FILE *f, char *out)
{
	size_t n;

	rewind(f);
	n = fread(out, 1, OUTPUT_MAX - 1, f);
	out[n] = 0;
	fclose(f);
}

/* Runs the verb with both outputs in files. */
static void run(struct result *r, int argc, char **argv)
{
	FILE *out = tmpfile(), *err = tmpfile();
	int old_out, old_err;

	fflush(stdout);
	fflush(stderr);
	old_out = dup(STDOUT_FILENO);
	old_err = dup(STDERR_FILENO);
	dup2(fileno(out), STDOUT_FILENO);
	dup2(fileno(err), STDERR_FILENO);
	r->status = cli_classify(argc, argv);
	fflush(stdout);
	fflush(stderr);
	dup2(old_out, STDOUT_FILENO);
	dup2(old_err, STDERR_FILENO);
	close(old_out);
	close(old_err);
	take_text(out, r->out);
	take_text(err, r->err);
}

#define RUN(r, ...)                                                                                \
	do {                                                                                       \
		char *argv[] = {"classify", __VA_ARGS__, NULL};                                    \
		run(r, (int)ARRAY_SIZE(argv) - 1, argv);                                           \
	} while (0)

static void put_spec(FILE *f, uint64_t time_ns, const struct frame_spec *s)
{
	uint8_t frame[FRAME_MAX];
	uint32_t len = (uint32_t)frame_build(frame, s);

	capture_put_frame(f, time_ns, frame, len, len);
}

/* An HTTP flow of four frames, an echo in 6in4, an unknown datagram. */
static void write_capture(char *path, bool broken)
{
	struct frame_spec there = {.src = "10.0.0.9",
				   .dst = "10.0.0.2",
				   .proto = IPPROTO_TCP,
				   .sport = 4000,
				   .dport = 80,
				   .flags = FRAME_SYN,
				   .seq = 99};
	struct frame_spec back = {.src = "10.0.0.2",
				  .dst = "10.0.0.9",
				  .proto = IPPROTO_TCP,
				  .sport = 80,
				  .dport = 4000,
				  .flags = FRAME_SYN | FRAME_ACK,
				  .seq = 499};
	struct frame_spec echo = {.raw = true,
				  .src = "2001:db8::1",
				  .dst = "2001:db8::2",
				  .proto = IPPROTO_ICMPV6,
				  .icmp_type = 128,
				  .sport = 77};
	struct frame_spec tunnel = {.src = "10.0.0.9", .dst = "10.0.0.2", .proto = IPPROTO_IPV6};
	struct frame_spec datagram = {.src = "10.0.0.9",
				      .dst = "10.0.0.2",
				      .proto = IPPROTO_UDP,
				      .sport = 5,
				      .dport = 6,
				      .payload = "?",
				      .len = 1};
	uint8_t inner[FRAME_MAX];
	FILE *f = capture_create(path);

	assert_non_null(f);
	capture_put_head(f, 1);
	put_spec(f, 1, &there);
	put_spec(f, 2, &back);
	there.seq = 100;
	there.flags = FRAME_ACK;
	there.payload = "GET / HTTP/1.1\r\nHost: www.example.org\r\n\r\n";
	there.len = strlen(there.payload);
	put_spec(f, 3, &there);
	tunnel.len = frame_build(inner, &echo);
	tunnel.payload = inner;
	put_spec(f, 4, &tunnel);
	put_spec(f, 5, &datagram);
	back.seq = 500;
	back.flags = FRAME_ACK;
	put_spec(f, 6, &back);
	if (broken)
		capture_put32(f, 7);
	fclose(f);
}

static void write_signatures(char *path)
{
	FILE *f = capture_create(path);

	fputs(yaml, f);
	fclose(f);
}

/* A pong tells of a host, which is then called. */
static void write_learned(char *path)
{
	/* As modern clients mark their identifiers; an extension follows. */
	static const uint8_t ping[24] = "01234567\xff"
					"9abcdef\0\1\0\1\0\0\0\xc3";
	static const uint8_t pong[37] = "01234567\xff"
					"9abcdef\1\1\0\x0e\0\0\0\x9a\x1e\xc6\x33\x64\x07";
	struct frame_spec ask = {.src = "10.0.0.9",
				 .dst = "192.0.2.1",
				 .proto = IPPROTO_UDP,
				 .sport = 6346,
				 .dport = 6347,
				 .payload = ping,
				 .len = sizeof(ping)};
	struct frame_spec answer = {.src = "192.0.2.1",
				    .dst = "10.0.0.9",
				    .proto = IPPROTO_UDP,
				    .sport = 6347,
				    .dport = 6346,
				    .payload = pong,
				    .len = sizeof(pong)};
	struct frame_spec call = {.src = "10.0.0.9",
				  .dst = "198.51.100.7",
				  .proto = IPPROTO_TCP,
				  .sport = 4000,
				  .dport = 7834,
				  .flags = FRAME_SYN,
				  .seq = 99};
	FILE *f = capture_create(path);

	assert_non_null(f);
	capture_put_head(f, 1);
	put_spec(f, 1, &ask);
	put_spec(f, 2, &answer);
	put_spec(f, 3, &call);
	fclose(f);
}

static void what_was_learned_says_from_whom(void **state)
{
	char path[CAPTURE_PATH_MAX];
	struct result r;

	write_learned(path);
	RUN(&r, path);
	assert_int_equal(r.status, CLI_DONE);
	assert_non_null(strstr(r.out, "endpoint (gnutella)"));
	RUN(&r, "--json", path);
	assert_non_null(strstr(r.out, "\"learned_from\":\"gnutella\""));
	unlink(path);
}

static void one_object_a_line(void **state)
{
	char path[CAPTURE_PATH_MAX], signatures[CAPTURE_PATH_MAX];
	const char *want[] = {
		"{\"src_ip\":\"10.0.0.9\",\"src_port\":4000,\"dest_ip\":\"10.0.0.2\",\"dest_port\":"
		"80,\"proto\":\"TCP\","
		"\"app_proto\":\"http\",\"category\":\"web\",\"confidence\":90,\"method\":"
		"\"signature\",\"frames\":4,"
		"\"bytes\":257,\"decided_after\":3,\"hostname\":\"www.example.org\","
		"\"hostname_source\":\"http\",\"http\":{\"host\":\"www.example.org\","
		"\"method\":\"GET\",\"url\":\"/\"}}",
		"{\"src_ip\":\"2001:db8::1\",\"src_port\":0,\"dest_ip\":\"2001:db8::2\",\"dest_"
		"port\":0,\"proto\":\"ICMPV6\","
		"\"app_proto\":\"icmpv6\",\"category\":\"network\",\"confidence\":100,\"method\":"
		"\"port\",\"frames\":1,"
		"\"bytes\":48,\"decided_after\":1,\"hostname\":\"\"}",
		"{\"src_ip\":\"10.0.0.9\",\"src_port\":5,\"dest_ip\":\"10.0.0.2\",\"dest_port\":6,"
		"\"proto\":\"UDP\","
		"\"app_proto\":\"unknown\",\"category\":\"unknown\",\"confidence\":0,\"method\":"
		"\"none\",\"frames\":1,"
		"\"bytes\":43,\"decided_after\":1,\"hostname\":\"\"}",
	};
	struct result r;
	char *rest = r.out;

	write_capture(path, false);
	write_signatures(signatures);
	RUN(&r, "--json", path, "--signatures", signatures);
	assert_string_equal(r.err, "");
	assert_int_equal(r.status, CLI_DONE);
	for (size_t i = 0; i < ARRAY_SIZE(want); i++) {
		json_t *got = json_loads(strsep(&rest, "\n"), 0, NULL),
		       *expected = json_loads(want[i], 0, NULL);

		assert_non_null(got);
		assert_non_null(expected);
		assert_true(json_equal(got, expected));
		json_decref(got);
		json_decref(expected);
	}
	assert_string_equal(rest, "");
	unlink(path);
	unlink(signatures);
}

static void columns_for_people(void **state)
{
	char path[CAPTURE_PATH_MAX];
	struct result r;

	write_capture(path, false);
	RUN(&r, path);
	assert_int_equal(r.status, CLI_DONE);
	assert_non_null(strstr(r.out, "PROTO"));
	assert_non_null(strstr(r.out, "10.0.0.9:4000"));
	assert_non_null(strstr(r.out, "www.example.org"));
	unlink(path);
}

static unsigned int count_lines(const char *text)
{
	unsigned int n = 0;

	for (; *text; text++)
		n += *text == '\n';
	return n;
}

/* A file that breaks off: its flows, a message, status 1; the others are read all the same. */
static void broken_captures(void **state)
{
	char path[CAPTURE_PATH_MAX], broken[CAPTURE_PATH_MAX];
	struct result r;

	write_capture(path, false);
	write_capture(broken, true);
	RUN(&r, "--json", "/nonexistent.pcap", broken, path);
	assert_int_equal(r.status, CLI_FAILED);
	assert_non_null(strstr(r.err, "/nonexistent.pcap: No such file"));
	assert_non_null(strstr(r.err, broken));
	assert_non_null(strstr(r.err, "truncated"));
	assert_null(strstr(r.err, path));
	assert_int_equal(count_lines(r.out), 6);
	unlink(path);
	unlink(broken);
}

static void wrong_usage(void **state)
{
	char path[CAPTURE_PATH_MAX];
	struct result r;

	RUN(&r, "--json");
	assert_int_equal(r.status, CLI_USAGE);
	assert_string_equal(r.out, "");
	assert_non_null(strstr(r.err, "usage: weir classify"));
	RUN(&r, "--frobnicate", "x");
	assert_int_equal(r.status, CLI_USAGE);
	RUN(&r, "--help");
	assert_int_equal(r.status, CLI_DONE);
	assert_non_null(strstr(r.out, "usage: weir classify"));
	assert_string_equal(r.err, "");
	write_capture(path, false);
	RUN(&r, path, "--signatures", "/nonexistent.yaml");
	assert_int_equal(r.status, CLI_FAILED);
	assert_string_equal(r.out, "");
	assert_non_null(strstr(r.err, "/nonexistent.yaml"));
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_object_a_line),
		cmocka_unit_test(what_was_learned_says_from_whom),
		cmocka_unit_test(columns_for_people),
		cmocka_unit_test(broken_captures),
		cmocka_unit_test(wrong_usage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
