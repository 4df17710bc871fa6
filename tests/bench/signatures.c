// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nanoseconds per message of classify_message, by signature set and kind of message.
 *
 * usage: signatures RUNS MESSAGES CAPTURES FILE...
 *
 * Each FILE is a set ("-": the built-in one). Messages are made here, the same ones on every run;
 * where CAPTURES is a folder, the payloads of its captures are another kind. The sets take turns,
 * RUNS times, on all messages. Prints KIND, FILE, nanoseconds and the share identified, by tabs.
 */
#include <dirent.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "classify/classify.h"
#include "pcap/pcap_file.h"

#define CAPTURED_MAX 200000
#define PER_CAPTURE  2000
#define PAYLOAD_MAX  1500
#define SETS_MAX     8

struct messages {
	const char *kind;
	struct classify_input *list;
	size_t count, room;
};

struct set {
	const char *name;
	struct app_registry *registry;
	struct signatures *signatures;
	struct classify_scratch *scratch;
};

/* xorshift64*: Vigna 2016. */
static uint64_t random_next(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * UINT64_C(2685821657736338717);
}

static void die(const char *what)
{
	fprintf(stderr, "signatures: %s\n", what);
	exit(1);
}

static void messages_add(struct messages *m, const struct classify_input *like, const void *data,
			 size_t len)
{
	uint8_t *copy = malloc(len);

	if (m->count == m->room) {
		m->room = m->room ? m->room * 2 : 1024;
		m->list = reallocarray(m->list, m->room, sizeof(*m->list));
	}
	if (!copy || !m->list)
		die("out of memory");
	memcpy(copy, data, len);
	m->list[m->count] = *like;
	m->list[m->count].data = copy;
	m->list[m->count++].len = len;
}

/* What a network carries, by weight: how a message begins, what follows, and how long it is. */
enum filling { RANDOM, ZEROS, WORDS };
static const struct shape {
	unsigned int weight;
	uint8_t proto;
	bool from_origin;
	uint16_t port;
	uint16_t head_len, min, max;
	enum filling filling;
	const char *head;
} shapes[] = {
#define HEAD(text) sizeof(text) - 1
#define SHAPE(weight, proto, origin, port, min, max, filling, head)                                \
	{                                                                                          \
		weight, proto, origin, port, HEAD(head), min, max, filling, head                   \
	}
	SHAPE(14, IPPROTO_TCP, true, 80, 120, 700, WORDS, "GET /index.html HTTP/1.1\r\nHost: "),
	SHAPE(3, IPPROTO_TCP, true, 80, 200, 1400, WORDS, "POST /api/v1/items HTTP/1.1\r\nHost: "),
	SHAPE(10, IPPROTO_TCP, false, 80, 300, 1448, RANDOM,
	      "HTTP/1.1 200 OK\r\nServer: nginx\r\nContent-Type: image/png\r\n\r\n"),
	SHAPE(16, IPPROTO_TCP, true, 443, 250, 700, RANDOM,
	      "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"),
	SHAPE(8, IPPROTO_TCP, false, 443, 800, 1448, RANDOM,
	      "\x16\x03\x03\x00\x5a\x02\x00\x00\x56\x03\x03"),
	SHAPE(14, IPPROTO_UDP, true, 53, 29, 29, ZEROS,
	      "\x3c\x7e\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07"
	      "example\x03org\x00\x00\x01\x00\x01"),
	SHAPE(6, IPPROTO_UDP, false, 53, 60, 300, RANDOM,
	      "\x3c\x7e\x81\x80\x00\x01\x00\x02\x00\x00\x00\x00\x07"
	      "example\x03org\x00\x00\x01\x00\x01"),
	SHAPE(8, IPPROTO_UDP, true, 443, 1200, 1357, RANDOM, "\xc3\x00\x00\x00\x01\x08"),
	SHAPE(4, IPPROTO_UDP, true, 51413, 68, 120, RANDOM, "d1:ad2:id20:"),
	SHAPE(3, IPPROTO_UDP, true, 6881, 20, 1400, RANDOM, "\x01\x00\x2f\x11"),
	SHAPE(3, IPPROTO_TCP, true, 6881, 68, 68, RANDOM,
	      "\x13"
	      "BitTorrent protocol"),
	SHAPE(6, IPPROTO_TCP, true, 40000, 60, 1448, RANDOM, ""),
	SHAPE(6, IPPROTO_UDP, true, 40000, 20, 1400, RANDOM, ""),
	SHAPE(4, IPPROTO_UDP, true, 16384, 172, 172, RANDOM, "\x80\x00"),
	SHAPE(3, IPPROTO_UDP, true, 3478, 20, 120, RANDOM, "\x00\x01\x00\x00\x21\x12\xa4\x42"),
	SHAPE(3, IPPROTO_TCP, true, 22, 30, 41, WORDS, "SSH-2.0-OpenSSH_9.2 "),
	SHAPE(2, IPPROTO_TCP, false, 25, 30, 90, WORDS, "220 mail.example.org ESMTP "),
	SHAPE(3, IPPROTO_UDP, true, 123, 48, 48, ZEROS, "\x23\x02\x06\xe8"),
	SHAPE(2, IPPROTO_TCP, true, 4662, 80, 120, RANDOM, "\xe3\x5c\x00\x00\x00\x01\x10"),
	SHAPE(2, IPPROTO_TCP, true, 9000, 20, 900, ZEROS, "\x00\x00\x00\x10"),
	SHAPE(4, IPPROTO_TCP, true, 5000, 40, 900, WORDS, ""),
};

static void fill(uint8_t *at, size_t len, enum filling how, uint64_t *state)
{
	static const char text[] = "etaoin shrdlu cmfwyp vbgkqj xz. /=&-_:0123456789\r\n";

	for (size_t i = 0; i < len; i++) {
		uint64_t r = random_next(state);

		at[i] = how == RANDOM  ? (uint8_t)(r >> 32)
			: how == ZEROS ? (uint8_t)(r >> 60 ? 0 : r >> 32)
				       : (uint8_t)text[(r >> 32) % (sizeof(text) - 1)];
	}
}

static void messages_make(struct messages *m, size_t count)
{
	uint64_t state = UINT64_C(0x9e3779b97f4a7c15);
	unsigned int total = 0;

	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++)
		total += shapes[i].weight;
	while (m->count < count) {
		unsigned int pick = (unsigned int)((random_next(&state) >> 32) % total);
		const struct shape *x = shapes;
		struct classify_input in = {0};
		uint8_t data[PAYLOAD_MAX];
		uint16_t other = (uint16_t)(32768 + (random_next(&state) >> 50));
		size_t len;

		for (; pick >= x->weight; x++)
			pick -= x->weight;
		len = x->min + (random_next(&state) >> 32) % (x->max - x->min + 1u);
		memcpy(data, x->head, x->head_len);
		fill(data + x->head_len, len > x->head_len ? len - x->head_len : 0, x->filling,
		     &state);
		in.proto = x->proto;
		in.from_origin = x->from_origin;
		in.complete = x->proto == IPPROTO_UDP;
		in.sport = x->from_origin ? other : x->port;
		in.dport = x->from_origin ? x->port : other;
		messages_add(m, &in, data, len > x->head_len ? len : x->head_len);
	}
}

static void capture_read(struct messages *m, const char *path)
{
	struct pcap_file *c;
	struct pcap_frame frame;
	struct error e = {""};
	size_t end = m->count + PER_CAPTURE;

	if (pcap_file_open(path, &c, &e) < 0)
		return;
	while (m->count < end && m->count < CAPTURED_MAX && pcap_file_next(c, &frame, &e) > 0) {
		struct packet p;
		struct classify_input in = {0};

		if (packet_decode_cut(frame.data, frame.len, frame.wire_len, frame.link, &p) !=
			    PACKET_OK ||
		    p.payload_len == 0 || (p.proto != IPPROTO_TCP && p.proto != IPPROTO_UDP))
			continue;
		in.proto = p.proto;
		in.complete = p.proto == IPPROTO_UDP;
		in.sport = ntohs(p.key.port[p.dir]);
		in.dport = ntohs(p.key.port[!p.dir]);
		in.from_origin = in.sport >= in.dport;
		messages_add(m, &in, frame.data + p.payload, p.payload_len);
	}
	pcap_file_close(c);
}

static void captures_read(struct messages *m, const char *folder)
{
	struct dirent **names;
	int count = scandir(folder, &names, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", folder, names[i]->d_name);
		if (strstr(names[i]->d_name, ".pcap"))
			capture_read(m, path);
		free(names[i]);
	}
	if (count >= 0)
		free(names);
}

static void set_open(struct set *s, const char *name)
{
	struct error e = {""};
	int err;

	s->name = name;
	s->registry = app_registry_new();
	err = strcmp(name, "-") == 0 ? signatures_load_builtin(s->registry, &s->signatures, &e)
				     : signatures_load(&name, 1, s->registry, &s->signatures, &e);
	if (err < 0)
		die(e.text);
	s->scratch = classify_scratch_new(s->signatures);
	if (!s->scratch)
		die("out of memory");
}

/* The thread's own time: what others take of the machine is no cost of a signature. */
static uint64_t spent_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

static void measure(const struct set *s, const struct messages *m)
{
	struct classify_result result;
	size_t found = 0;
	uint64_t start = spent_ns(), took;

	for (size_t i = 0; i < m->count; i++)
		found += classify_message(s->signatures, s->scratch, &m->list[i], &result);
	took = spent_ns() - start;
	printf("%s\t%s\t%.1f\t%.3f\n", m->kind, s->name, (double)took / (double)m->count,
	       (double)found / (double)m->count);
}

int main(int argc, char **argv)
{
	struct messages kinds[2] = {{.kind = "made"}, {.kind = "captured"}};
	struct set sets[SETS_MAX];
	int runs = argc > 4 ? atoi(argv[1]) : 0;
	int count = argc - 4;

	if (runs < 1 || count > SETS_MAX)
		die("usage: signatures RUNS MESSAGES CAPTURES FILE...");
	messages_make(&kinds[0], strtoul(argv[2], NULL, 10));
	captures_read(&kinds[1], argv[3]);
	for (int i = 0; i < count; i++)
		set_open(&sets[i], argv[4 + i]);
	for (int run = 0; run <= runs; run++)
		for (size_t k = 0; k < ARRAY_SIZE(kinds); k++)
			for (int i = 0; i < count && kinds[k].count > 0; i++) {
				/* The first round warms caches and pages. */
				if (run == 1 && k == 0 && i == 0)
					puts("warm");
				measure(&sets[i], &kinds[k]);
			}
	return 0;
}
