// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a byte of a file costs that the slow path reads to its end, beside what cannot be had for
 * less: copying it and SHA-256.
 *
 *   stream [--runs N] [--bytes N]
 *
 * The frames of a whole transfer lie in memory, full-size TCP segments in order. Prints "CASE <tab>
 * UNIT <tab> VALUE" for each measurement of a run; the cases take turns.
 */
#include <arpa/inet.h>
#include <gcrypt.h>
#include <getopt.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "app/record.h"
#include "inspect/inspect.h"
#include "packet/packet.h"
#include "unit/frame_build.h"
#include "util/util.h"

#define SECOND_NS UINT64_C(1000000000)
#define CLIENT	  "10.0.0.1"
#define SERVER	  "10.0.0.2"
#define SEGMENT	  1460
#define SLOT	  1536 /* bytes of a frame in the store */

struct frames {
	uint8_t *store;
	uint32_t *len;
	size_t count, room;
	size_t from; /* first one with bytes of the file */
};

struct bench {
	uint64_t bytes;
	uint8_t hash[32];
	struct app_registry *registry;
	struct signatures *signatures;
	struct frames http, ftp;
	struct app_record told;
};

/* ---- frames ---- */

static int frames_make(struct frames *f, uint64_t bytes)
{
	f->room = (size_t)(bytes / SEGMENT) + 64;
	f->store = malloc(f->room * SLOT);
	f->len = calloc(f->room, sizeof(*f->len));
	return f->store && f->len ? 0 : -1;
}

/* A connection in the making: numbers of the next bytes, by sender. */
struct talk {
	struct frames *f;
	uint16_t cport, sport;
	uint32_t seq[2];
};

static void segment(struct talk *t, bool from_client, uint8_t flags, const void *data, size_t len)
{
	uint8_t frame[FRAME_MAX];
	struct frame_spec s = {
		.src = from_client ? CLIENT : SERVER,
		.dst = from_client ? SERVER : CLIENT,
		.proto = IPPROTO_TCP,
		.sport = from_client ? t->cport : t->sport,
		.dport = from_client ? t->sport : t->cport,
		.seq = t->seq[from_client],
		.ack = t->seq[!from_client],
		.flags = flags,
		.payload = data,
		.len = len,
	};
	size_t n = t->f->count++;

	t->f->len[n] = (uint32_t)frame_build(frame, &s);
	memcpy(t->f->store + n * SLOT, frame, t->f->len[n]);
	t->seq[from_client] += (uint32_t)len + (flags & (FRAME_SYN | FRAME_FIN) ? 1 : 0);
}

static struct talk talk_begin(struct frames *f, uint16_t cport, uint16_t sport)
{
	struct talk t = {.f = f, .cport = cport, .sport = sport, .seq = {7000, 3000}};

	segment(&t, true, FRAME_SYN, NULL, 0);
	segment(&t, false, FRAME_SYN | FRAME_ACK, NULL, 0);
	segment(&t, true, FRAME_ACK, NULL, 0);
	return t;
}

static void say(struct talk *t, bool from_client, const char *text)
{
	segment(t, from_client, FRAME_ACK | FRAME_PUSH, text, strlen(text));
}

static void file_bytes(uint8_t *out, uint64_t at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		out[i] = (uint8_t)((at + i) * 2654435761u >> 13);
}

static void send_file(struct talk *t, uint64_t bytes)
{
	uint8_t piece[SEGMENT];

	t->f->from = t->f->count;
	for (uint64_t at = 0; at < bytes; at += SEGMENT) {
		size_t len = bytes - at < SEGMENT ? (size_t)(bytes - at) : SEGMENT;

		file_bytes(piece, at, len);
		segment(t, false, FRAME_ACK, piece, len);
	}
}

static void end(struct talk *t)
{
	segment(t, false, FRAME_FIN | FRAME_ACK, NULL, 0);
	segment(t, true, FRAME_FIN | FRAME_ACK, NULL, 0);
}

static void http_make(struct bench *b)
{
	struct talk t = talk_begin(&b->http, 40000, 80);
	char head[128];

	say(&t, true, "GET /dir/file.bin HTTP/1.1\r\nHost: www.example.org\r\n\r\n");
	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %llu\r\n\r\n",
		 (unsigned long long)b->bytes);
	say(&t, false, head);
	send_file(&t, b->bytes);
	end(&t);
}

static void ftp_make(struct bench *b)
{
	struct talk control = talk_begin(&b->ftp, 40001, 21), data;

	say(&control, false, "220 FTP server ready\r\n");
	say(&control, true, "USER anonymous\r\n");
	say(&control, false, "331 Please specify the password.\r\n");
	say(&control, true, "PASS x\r\n");
	say(&control, false, "230 Login successful.\r\n");
	say(&control, true, "PASV\r\n");
	say(&control, false, "227 Entering Passive Mode (10,0,0,2,156,66).\r\n");
	data = talk_begin(&b->ftp, 40003, 40002);
	say(&control, true, "RETR file.bin\r\n");
	say(&control, false, "150 Opening data connection.\r\n");
	send_file(&data, b->bytes);
	end(&data);
}

/* ---- cases ---- */

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* What a gateway does at least that passes on a copy and knows the file's hash. */
static double plain(struct bench *b, bool hashes)
{
	static uint8_t to[SLOT];
	const struct frames *f = &b->http;
	gcry_md_hd_t hash = NULL;
	double begun;

	if (gcry_md_open(&hash, GCRY_MD_SHA256, 0) != 0)
		return -1;
	begun = now_ns();
	for (size_t n = f->from; n < f->count; n++) {
		size_t header = 54, len = f->len[n];

		memcpy(to, f->store + n * SLOT, len);
		__asm__ volatile("" : : "r"(to) : "memory");
		if (hashes && len > header)
			gcry_md_write(hash, to + header, len - header);
	}
	if (hashes)
		memcpy(b->hash, gcry_md_read(hash, 0), sizeof(b->hash));
	begun = now_ns() - begun;
	gcry_md_close(hash);
	return begun / (double)b->bytes;
}

static void told(void *arg, const struct app_message *m, const struct app_record *r)
{
	struct bench *b = arg;

	(void)m;
	memcpy(&b->told, r, app_record_bytes(r));
}

static double weir(struct bench *b, const struct frames *f, bool files)
{
	struct inspect_settings settings = {
		.packets = 8,
		.limits = {.flows = 1024,
			   .stream_bytes = 1 << 20,
			   .stream_bytes_all = (size_t)64 << 20,
			   .idle_ns = 300 * SECOND_NS},
		.told = told,
		.records = files ? 1u << APP_RECORD_FILE : 0,
	};
	struct endpoints *endpoints = endpoints_new(1024, 3600 * SECOND_NS);
	struct inspector *i =
		inspector_new(&settings, b->signatures, b->registry, endpoints, NULL, b);
	double begun;

	if (!endpoints || !i)
		return -1;
	b->told = (struct app_record){0};
	begun = now_ns();
	for (size_t n = 0; n < f->count; n++) {
		const uint8_t *frame = f->store + n * SLOT;
		struct inspect_outcome out;
		struct packet p;
		enum packet_status status =
			packet_decode(frame, f->len[n], PACKET_LINK_ETHERNET, &p);

		inspector_packet(i, &p, status, NULL, 1000 * SECOND_NS + n * 1000, &out);
	}
	begun = now_ns() - begun;
	inspector_free(i);
	endpoints_free(endpoints);
	return begun / (double)b->bytes;
}

/* Whether the last case has told the whole file. */
static bool is_right(const struct bench *b)
{
	return b->told.size == b->bytes && b->told.closed && b->told.hashed &&
	       memcmp(b->told.sha256, b->hash, sizeof(b->hash)) == 0;
}

static void print_case(const char *name, double ns)
{
	printf("%s\tns per byte\t%.4f\n", name, ns);
}

static int run(struct bench *b)
{
	double http, ftp;

	print_case("copying", plain(b, false));
	print_case("copying and SHA-256", plain(b, true));
	print_case("weir, HTTP that nobody reads", weir(b, &b->http, false));
	http = weir(b, &b->http, true);
	if (!is_right(b))
		return fprintf(stderr, "stream: the file over HTTP was not told as it is\n"), -1;
	ftp = weir(b, &b->ftp, true);
	if (!is_right(b))
		return fprintf(stderr, "stream: the file over FTP was not told as it is\n"), -1;
	print_case("weir, a file over HTTP", http);
	print_case("weir, a file over FTP", ftp);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {{"runs", required_argument, NULL, 'r'},
						{"bytes", required_argument, NULL, 'b'},
						{0}};
	static struct bench b = {.bytes = 64u << 20};
	struct error e = {0};
	unsigned int runs = 3;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'r')
			runs = (unsigned int)strtoul(optarg, NULL, 10);
		else if (c == 'b')
			b.bytes = strtoull(optarg, NULL, 10);
		else
			return 2;
	}
	b.registry = app_registry_new();
	if (!b.registry || signatures_load_builtin(b.registry, &b.signatures, &e) < 0 ||
	    frames_make(&b.http, b.bytes) < 0 || frames_make(&b.ftp, b.bytes) < 0) {
		fprintf(stderr, "stream: %s\n", e.text[0] ? e.text : "out of memory");
		return 1;
	}
	http_make(&b);
	ftp_make(&b);
	while (runs--)
		if (run(&b) < 0)
			return 1;
	return 0;
}
