// SPDX-License-Identifier: GPL-2.0-only
/* A bad line between two interfaces: what one receives the other sends, later, not always, and not
 * always in order. */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <errno.h>
#include <getopt.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "util/util.h"

#define FRAME_ROOM  2048
#define LINE_FRAMES 16384 /* under way in one direction, a power of two */
#define LATE_FRAMES 1024  /* of these, those that are to be overtaken */
#define BATCH	    64
#define NS_PER_MS   1000000ULL

#ifndef PACKET_IGNORE_OUTGOING
#define PACKET_IGNORE_OUTGOING 23
#endif

static const char usage_text[] =
	"usage: impair [options] A B\n"
	"\n"
	"Forwards Ethernet frames between the interfaces A and B, each way with a delay and with\n"
	"losses. The frames must look as on a wire: switch tso, gso, gro and tx off on both ends.\n"
	"Prints `ready` to stderr; on SIGINT or SIGTERM one JSON line with what was done each way\n"
	"  {\"a_b\":{\"forwarded\",\"lost\",\"late\",\"overflow\",\"failed\"},\"b_a\":{...}}.\n"
	"  --delay MS        added to every frame, both ways (0)\n"
	"  --loss PERCENT    of the frames from A to B that are lost (0)\n"
	"  --loss-back PERCENT  of those from B to A (0)\n"
	"  --reorder PERCENT of the frames from A to B that come --late later (0)\n"
	"  --late MS         how much (5)\n"
	"  --seed N          of the random numbers: the same fate for the same frames (1)\n";

struct options {
	double delay_ms, loss[2], reorder, late_ms;
	uint64_t seed;
	const char *names[2];
};

struct held {
	uint64_t due_ns;
	uint32_t len;
	uint8_t data[FRAME_ROOM];
};

/* Frames with one delay: due in the order they came. */
struct line {
	uint32_t room; /* a power of two */
	uint32_t head, tail;
	struct held *frames;
};

/* One direction. */
struct way {
	int from, to; /* sockets */
	uint64_t random;
	double loss, reorder;
	struct line punctual, late;
	uint64_t punctual_ns, late_ns;
	uint64_t forwarded, lost, delayed, overflow, failed;
};

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	stopped = 1;
}

/* ---- chance ---- */

/* splitmix64 (Steele, Lea, Flood 2014). */
static uint64_t random_next(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static bool happens(struct way *w, double percent)
{
	return (double)(random_next(&w->random) >> 11) / (double)(1ULL << 53) * 100 < percent;
}

/* ---- lines ---- */

static bool line_new(struct line *l, uint32_t room)
{
	l->room = room;
	l->frames = malloc(room * sizeof(*l->frames));
	return l->frames;
}

static void line_put(struct way *w, struct line *l, const uint8_t *data, uint32_t len, uint64_t due)
{
	struct held *h = &l->frames[l->head & (l->room - 1)];

	if (l->head - l->tail == l->room) {
		w->overflow++;
		return;
	}
	h->due_ns = due;
	h->len = len;
	memcpy(h->data, data, len);
	l->head++;
}

static void line_send(struct way *w, struct line *l, uint64_t now)
{
	for (; l->head != l->tail; l->tail++) {
		const struct held *h = &l->frames[l->tail & (l->room - 1)];

		if (h->due_ns > now)
			return;
		if (send(w->to, h->data, h->len, 0) == (ssize_t)h->len) {
			w->forwarded++;
		} else if (errno == ENOBUFS || errno == EAGAIN) {
			return; /* soon */
		} else {
			w->failed++;
		}
	}
}

static uint64_t line_due(const struct line *l)
{
	return l->head == l->tail ? UINT64_MAX : l->frames[l->tail & (l->room - 1)].due_ns;
}

/* ---- frames ---- */

static void way_frame(struct way *w, const uint8_t *data, uint32_t len, uint64_t now)
{
	/* Both are drawn for every frame, so that one option does not change the other's luck. */
	bool lost = happens(w, w->loss), late = happens(w, w->reorder);

	if (len > FRAME_ROOM) {
		w->failed++;
	} else if (lost) {
		w->lost++;
	} else if (late) {
		w->delayed++;
		line_put(w, &w->late, data, len, now + w->late_ns);
	} else {
		line_put(w, &w->punctual, data, len, now + w->punctual_ns);
	}
}

static void way_read(struct way *w)
{
	static uint8_t frames[BATCH][FRAME_ROOM];
	struct mmsghdr messages[BATCH] = {0};
	struct iovec parts[BATCH];
	int n;

	for (int i = 0; i < BATCH; i++) {
		parts[i] = (struct iovec){frames[i], FRAME_ROOM};
		messages[i].msg_hdr.msg_iov = &parts[i];
		messages[i].msg_hdr.msg_iovlen = 1;
	}
	while ((n = recvmmsg(w->from, messages, BATCH, MSG_DONTWAIT | MSG_TRUNC, NULL)) > 0) {
		uint64_t now = time_now_ns();

		for (int i = 0; i < n; i++)
			way_frame(w, frames[i], messages[i].msg_len, now);
		if (n < BATCH)
			return;
	}
}

static void way_send(struct way *w, uint64_t now)
{
	line_send(w, &w->punctual, now);
	line_send(w, &w->late, now);
}

static void wait_for_work(struct way ways[2])
{
	struct pollfd fds[2] = {{.fd = ways[0].from, .events = POLLIN},
				{.fd = ways[1].from, .events = POLLIN}};
	uint64_t now = time_now_ns(), due = now + 100 * NS_PER_MS, left;
	struct timespec limit;

	for (int i = 0; i < 2; i++) {
		uint64_t first = line_due(&ways[i].punctual), late = line_due(&ways[i].late);

		if (late < first)
			first = late;
		if (first < due)
			due = first;
	}
	left = due > now ? due - now : 0;
	limit = (struct timespec){.tv_nsec = (long)left};
	ppoll(fds, 2, &limit, NULL);
}

/* ---- interfaces ---- */

static int open_interface(const char *name)
{
	struct sockaddr_ll where = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(name),
	};
	struct packet_mreq promiscuous = {.mr_ifindex = where.sll_ifindex,
					  .mr_type = PACKET_MR_PROMISC};
	_cleanup_close_ int fd = -1;
	int one = 1, room = 32 << 20;

	if (!where.sll_ifindex) {
		fprintf(stderr, "impair: %s: no such interface\n", name);
		return -1;
	}
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof(promiscuous)) <
		    0 ||
	    bind(fd, (struct sockaddr *)&where, sizeof(where)) < 0) {
		perror("impair: packet socket");
		return -1;
	}
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	return TAKE_FD(fd);
}

/*
 * A veth takes what XDP redirects to it only while it polls: with GRO on, which would join frames,
 * or with a program of its own. This one passes everything, and goes with its link when we end.
 */
static int attach_pass(const char *name)
{
	const struct bpf_insn pass[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	_cleanup_close_ int program = bpf_prog_load(BPF_PROG_TYPE_XDP, "impair_pass", "GPL", pass,
						    ARRAY_SIZE(pass), NULL);
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);

	if (program < 0)
		return program;
	return bpf_link_create(program, (int)if_nametoindex(name), BPF_XDP, &opts);
}

static bool way_new(struct way *w, const struct options *o, int index, const int sockets[2])
{
	*w = (struct way){
		.from = sockets[index],
		.to = sockets[!index],
		.random = o->seed * 2 + (uint64_t)index,
		.loss = o->loss[index],
		.reorder = index ? 0 : o->reorder,
		.punctual_ns = (uint64_t)(o->delay_ms * (double)NS_PER_MS),
		.late_ns = (uint64_t)((o->delay_ms + o->late_ms) * (double)NS_PER_MS),
	};
	return line_new(&w->punctual, LINE_FRAMES) && line_new(&w->late, LATE_FRAMES);
}

static void print_way(const char *name, const struct way *w, const char *end)
{
	printf("\"%s\":{\"forwarded\":%llu,\"lost\":%llu,\"late\":%llu,\"overflow\":%llu,"
	       "\"failed\":%llu}%s",
	       name, (unsigned long long)w->forwarded, (unsigned long long)w->lost,
	       (unsigned long long)w->delayed, (unsigned long long)w->overflow,
	       (unsigned long long)w->failed, end);
}

static void forward(struct way ways[2])
{
	while (!stopped) {
		uint64_t now;

		wait_for_work(ways);
		way_read(&ways[0]);
		way_read(&ways[1]);
		now = time_now_ns();
		way_send(&ways[0], now);
		way_send(&ways[1], now);
	}
}

static bool number(const char *text, double max, double *out)
{
	char *end;

	*out = strtod(text, &end);
	return end != text && !*end && *out >= 0 && *out <= max;
}

static bool parse(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{"delay", required_argument, NULL, 'd'},
		{"loss", required_argument, NULL, 'l'},
		{"loss-back", required_argument, NULL, 'b'},
		{"reorder", required_argument, NULL, 'r'},
		{"late", required_argument, NULL, 't'},
		{"seed", required_argument, NULL, 's'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	bool ok = true;
	int c;

	while (ok && (c = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		if (c == 'd')
			ok = number(optarg, 10000, &o->delay_ms);
		else if (c == 'l')
			ok = number(optarg, 100, &o->loss[0]);
		else if (c == 'b')
			ok = number(optarg, 100, &o->loss[1]);
		else if (c == 'r')
			ok = number(optarg, 100, &o->reorder);
		else if (c == 't')
			ok = number(optarg, 10000, &o->late_ms);
		else if (c == 's')
			o->seed = strtoull(optarg, NULL, 10);
		else
			ok = false;
	}
	if (!ok || argc - optind != 2)
		return false;
	o->names[0] = argv[optind];
	o->names[1] = argv[optind + 1];
	return true;
}

int main(int argc, char **argv)
{
	struct options o = {.late_ms = 5, .seed = 1};
	struct sigaction act = {.sa_handler = on_signal};
	struct way ways[2];
	int sockets[2];

	if (!parse(&o, argc, argv)) {
		fputs(usage_text, stderr);
		return 2;
	}
	for (int i = 0; i < 2; i++) {
		sockets[i] = open_interface(o.names[i]);
		if (sockets[i] < 0)
			return 1;
		if (attach_pass(o.names[i]) < 0)
			fprintf(stderr,
				"impair: %s: no XDP program: what is redirected to it may be "
				"lost\n",
				o.names[i]);
	}
	for (int i = 0; i < 2; i++) {
		if (!way_new(&ways[i], &o, i, sockets)) {
			fputs("impair: out of memory\n", stderr);
			return 1;
		}
	}
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
	fputs("ready\n", stderr);
	forward(ways);
	putchar('{');
	print_way("a_b", &ways[0], ",");
	print_way("b_a", &ways[1], "}\n");
	return 0;
}
