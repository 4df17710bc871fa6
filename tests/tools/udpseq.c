// SPDX-License-Identifier: GPL-2.0-only
/* A numbered UDP stream and its receiver: what was lost, doubled, and came in another order. */
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "util/util.h"

#define DATAGRAM_MAX 9000
#define MAGIC	     0x77736571 /* in front of the number, at the datagram's end */
#define TRAILER	     16
#define COUNT_MAX    (UINT64_C(1) << 32)
#define NS_PER_S     UINT64_C(1000000000)

static const char usage_text[] =
	"usage: udpseq send [options] ADDRESS PORT\n"
	"       udpseq recv [options] PORT\n"
	"\n"
	"send: numbered datagrams to ADDRESS PORT, then one JSON line\n"
	"  {\"sent\",\"failed\",\"seconds\"} and, with --echo, \"echo\" as recv counts.\n"
	"  --count N       datagrams (1000)\n"
	"  --rate N        datagrams a second (1000); 0 = as fast as possible\n"
	"  --size BYTES    UDP payload (100); at least the prefix and 16\n"
	"  --prefix HEX    bytes in front of every datagram\n"
	"  --first HEX     bytes in front of the first datagram instead\n"
	"  --sport N       source port\n"
	"  --echo          also count what an echoing receiver sends back\n"
	"recv: prints `ready PORT` to stderr when bound, then counts and prints one JSON line\n"
	"  "
	"{\"received\",\"distinct\",\"lost\",\"duplicated\",\"reordered\",\"first\",\"last\","
	"\"foreign\"}.\n"
	"  A datagram is reordered when a higher number came before it and it had not been seen "
	"yet.\n"
	"  lost counts numbers that did not come, up to the last that did, or up to --count.\n"
	"  --count N       end when so many different datagrams came\n"
	"  --echo          send each back\n"
	"both:\n"
	"  --bind ADDRESS  local address\n"
	"  --idle SECONDS  end after so long without a datagram (2); recv waits --wait for the "
	"first\n"
	"  --wait SECONDS  how long recv waits for the first datagram (30)\n";

struct options {
	bool sends, echo;
	uint64_t count, rate;
	size_t size;
	uint8_t prefix[DATAGRAM_MAX], first[DATAGRAM_MAX];
	size_t prefix_len, first_len;
	const char *bind, *sport, *address, *port;
	double idle_s, wait_s;
};

/* What a receiver knows of a stream. */
struct tally {
	uint64_t received, distinct, duplicated, reordered, foreign;
	uint64_t first, last; /* numbers; last is the highest */
	uint8_t *seen;	      /* one bit a number */
	uint64_t seen_room;   /* numbers that it holds */
};

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	stopped = 1;
}

/* ---- counting ---- */

static bool tally_room(struct tally *t, uint64_t number)
{
	uint64_t room = t->seen_room ? t->seen_room : 4096;
	uint8_t *seen;

	if (number < t->seen_room)
		return true;
	while (room <= number)
		room *= 2;
	seen = realloc(t->seen, room / 8);
	if (!seen)
		return false;
	memset(seen + t->seen_room / 8, 0, (room - t->seen_room) / 8);
	t->seen = seen;
	t->seen_room = room;
	return true;
}

static void tally_number(struct tally *t, uint64_t number)
{
	uint8_t bit = (uint8_t)(1 << number % 8);

	if (number >= COUNT_MAX || !tally_room(t, number)) {
		t->foreign++;
		return;
	}
	if (t->received++ == 0)
		t->first = number;
	if (t->seen[number / 8] & bit) {
		t->duplicated++;
		return;
	}
	t->seen[number / 8] |= bit;
	t->distinct++;
	if (number < t->last)
		t->reordered++;
	else
		t->last = number;
}

static void tally_datagram(struct tally *t, const uint8_t *data, size_t len)
{
	uint32_t magic;
	uint64_t number;

	if (len >= TRAILER) {
		memcpy(&magic, data + len - TRAILER, 4);
		memcpy(&number, data + len - 8, 8);
		if (be32toh(magic) == MAGIC) {
			tally_number(t, be64toh(number));
			return;
		}
	}
	t->foreign++;
}

static void tally_print(const struct tally *t, uint64_t count)
{
	uint64_t expected = count ? count : t->distinct ? t->last + 1 : 0;

	printf("{\"received\":%llu,\"distinct\":%llu,\"lost\":%llu,\"duplicated\":%llu,"
	       "\"reordered\":%llu,\"first\":%llu,\"last\":%llu,\"foreign\":%llu}",
	       (unsigned long long)t->received, (unsigned long long)t->distinct,
	       (unsigned long long)(expected > t->distinct ? expected - t->distinct : 0),
	       (unsigned long long)t->duplicated, (unsigned long long)t->reordered,
	       (unsigned long long)t->first, (unsigned long long)t->last,
	       (unsigned long long)t->foreign);
}

/* ---- sockets ---- */

static int resolve(const char *address, const char *port, bool passive, struct addrinfo **out)
{
	struct addrinfo hints = {
		.ai_socktype = SOCK_DGRAM,
		.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | (passive ? AI_PASSIVE : 0),
	};
	int rc = getaddrinfo(address, port, &hints, out);

	if (rc != 0)
		fprintf(stderr, "udpseq: %s port %s: %s\n", address ? address : "any", port,
			gai_strerror(rc));
	return rc == 0 ? 0 : -EINVAL;
}

static int open_bound(const char *address, const char *port, int family)
{
	_cleanup_close_ int fd = -1;
	struct addrinfo *a = NULL;
	int off = 0;
	int room = 64 << 20;

	if (!address)
		address = family == AF_INET ? "0.0.0.0" : "::";
	if (resolve(address, port, true, &a) < 0)
		return -EINVAL;
	fd = socket(a->ai_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 && a->ai_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	if (fd < 0 || bind(fd, a->ai_addr, a->ai_addrlen) < 0) {
		perror("udpseq: bind");
		freeaddrinfo(a);
		return -errno;
	}
	freeaddrinfo(a);
	/* A receiver that is not scheduled for a moment must not look like loss. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	return TAKE_FD(fd);
}

static bool wait_readable(int fd, double seconds)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, (int)(seconds * 1000)) > 0 && !stopped;
}

/* ---- recv ---- */

static unsigned int bound_port(int fd)
{
	struct sockaddr_storage local = {0};
	socklen_t len = sizeof(local);

	getsockname(fd, (struct sockaddr *)&local, &len);
	/* Both families have the port in the same place. */
	return ntohs(((struct sockaddr_in *)&local)->sin_port);
}

static int receive(const struct options *o)
{
	_cleanup_close_ int fd = open_bound(o->bind, o->port, AF_INET6);
	struct tally t = {0};

	if (fd < 0)
		return 1;
	fprintf(stderr, "ready %u\n", bound_port(fd));
	while ((!o->count || t.distinct < o->count) &&
	       wait_readable(fd, t.received ? o->idle_s : o->wait_s)) {
		uint8_t data[DATAGRAM_MAX];
		struct sockaddr_storage from;
		socklen_t from_len = sizeof(from);
		ssize_t len = recvfrom(fd, data, sizeof(data), MSG_DONTWAIT,
				       (struct sockaddr *)&from, &from_len);

		if (len < 0)
			continue;
		tally_datagram(&t, data, (size_t)len);
		if (o->echo)
			sendto(fd, data, (size_t)len, 0, (struct sockaddr *)&from, from_len);
	}
	tally_print(&t, o->count);
	putchar('\n');
	free(t.seen);
	return 0;
}

/* ---- send ---- */

static uint64_t now_ns(void)
{
	return time_now_ns();
}

static void sleep_until(uint64_t when_ns)
{
	struct timespec t = {
		.tv_sec = (time_t)(when_ns / NS_PER_S),
		.tv_nsec = (long)(when_ns % NS_PER_S),
	};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL);
}

static size_t make_datagram(const struct options *o, uint64_t number, uint8_t *data)
{
	const uint8_t *prefix = number == 0 && o->first_len ? o->first : o->prefix;
	size_t prefix_len = number == 0 && o->first_len ? o->first_len : o->prefix_len;
	size_t size = o->size < prefix_len + TRAILER ? prefix_len + TRAILER : o->size;
	uint32_t magic = htobe32(MAGIC);
	uint64_t be = htobe64(number);

	memset(data, 0, size);
	if (prefix_len)
		memcpy(data, prefix, prefix_len);
	memcpy(data + size - TRAILER, &magic, 4);
	memcpy(data + size - 8, &be, 8);
	return size;
}

static void take_echoes(int fd, struct tally *t)
{
	uint8_t data[DATAGRAM_MAX];
	ssize_t len;

	while ((len = recv(fd, data, sizeof(data), MSG_DONTWAIT)) >= 0)
		tally_datagram(t, data, (size_t)len);
}

static int open_connected(const struct options *o)
{
	_cleanup_close_ int fd = -1;
	struct addrinfo *a = NULL;

	if (resolve(o->address, o->port, false, &a) < 0)
		return -EINVAL;
	fd = open_bound(o->bind, o->sport, a->ai_family);
	if (fd >= 0 && connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
		perror("udpseq: connect");
		freeaddrinfo(a);
		return -errno;
	}
	freeaddrinfo(a);
	return TAKE_FD(fd);
}

static int transmit(const struct options *o)
{
	_cleanup_close_ int fd = open_connected(o);
	struct tally echo = {0};
	uint64_t start = now_ns(), sent = 0, failed = 0;

	if (fd < 0)
		return 1;
	for (uint64_t n = 0; n < o->count && !stopped; n++) {
		uint8_t data[DATAGRAM_MAX + TRAILER];
		uint64_t due = o->rate ? start + n * NS_PER_S / o->rate : 0;

		/* Sleeping takes some 50 us: small debts are left to pile up. */
		if (due > now_ns() + 50000)
			sleep_until(due);
		if (send(fd, data, make_datagram(o, n, data), 0) < 0)
			failed++;
		else
			sent++;
		if (o->echo)
			take_echoes(fd, &echo);
	}
	printf("{\"sent\":%llu,\"failed\":%llu,\"seconds\":%.6f", (unsigned long long)sent,
	       (unsigned long long)failed, (double)(now_ns() - start) / 1e9);
	if (o->echo) {
		while (echo.distinct < o->count && wait_readable(fd, o->idle_s))
			take_echoes(fd, &echo);
		printf(",\"echo\":");
		tally_print(&echo, o->count);
	}
	printf("}\n");
	free(echo.seen);
	return 0;
}

/* ---- arguments ---- */

static bool parse_hex(const char *text, uint8_t *out, size_t *len)
{
	size_t n = strlen(text);

	if (n % 2 || n / 2 > DATAGRAM_MAX - TRAILER)
		return false;
	for (size_t i = 0; i < n / 2; i++)
		if (sscanf(text + i * 2, "%2hhx", &out[i]) != 1)
			return false;
	*len = n / 2;
	return true;
}

static bool take_option(struct options *o, int option, const char *value)
{
	switch (option) {
	case 'c':
		o->count = strtoull(value, NULL, 10);
		return o->count > 0 && o->count < COUNT_MAX;
	case 'r':
		o->rate = strtoull(value, NULL, 10);
		return true;
	case 's':
		o->size = strtoull(value, NULL, 10);
		return o->size <= DATAGRAM_MAX;
	case 'p':
		return parse_hex(value, o->prefix, &o->prefix_len);
	case 'f':
		return parse_hex(value, o->first, &o->first_len);
	case 'b':
		o->bind = value;
		return true;
	case 'S':
		o->sport = value;
		return true;
	case 'i':
		o->idle_s = strtod(value, NULL);
		return o->idle_s > 0;
	case 'w':
		o->wait_s = strtod(value, NULL);
		return o->wait_s > 0;
	case 'e':
		o->echo = true;
		return true;
	default:
		return false;
	}
}

static bool parse(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{"count", required_argument, NULL, 'c'},
		{"rate", required_argument, NULL, 'r'},
		{"size", required_argument, NULL, 's'},
		{"prefix", required_argument, NULL, 'p'},
		{"first", required_argument, NULL, 'f'},
		{"bind", required_argument, NULL, 'b'},
		{"sport", required_argument, NULL, 'S'},
		{"idle", required_argument, NULL, 'i'},
		{"wait", required_argument, NULL, 'w'},
		{"echo", no_argument, NULL, 'e'},
		{0},
	};
	int option;

	if (argc < 2 || (strcmp(argv[1], "send") != 0 && strcmp(argv[1], "recv") != 0))
		return false;
	o->sends = strcmp(argv[1], "send") == 0;
	if (o->sends)
		o->count = 1000;
	optind = 2;
	while ((option = getopt_long(argc, argv, "", longs, NULL)) != -1)
		if (!take_option(o, option, optarg))
			return false;
	if (argc - optind != (o->sends ? 2 : 1))
		return false;
	o->address = o->sends ? argv[optind] : NULL;
	o->port = argv[argc - 1];
	return true;
}

int main(int argc, char **argv)
{
	static struct options o = {
		.rate = 1000, .size = 100, .sport = "0", .idle_s = 2, .wait_s = 30};
	struct sigaction action = {.sa_handler = on_signal};

	if (argc == 2 && (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0)) {
		fputs(usage_text, stdout);
		return 0;
	}
	if (!parse(&o, argc, argv)) {
		fputs(usage_text, stderr);
		return 2;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	return o.sends ? transmit(&o) : receive(&o);
}
