// SPDX-License-Identifier: GPL-2.0-only
/* Watches an interface on the receiver's side: did a TCP sender's segments arrive in their order?
 */
#include <arpa/inet.h>
#include <getopt.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "packet/packet.h"
#include "util/util.h"

#define KEPT_BYTES 256 /* of a frame: all headers */
#define FLOWS_MAX  1024
#define HOLES_MAX  4096

static const char usage_text[] =
	"usage: tcporder [options] IFACE PORT\n"
	"\n"
	"Watches TCP frames that arrive on IFACE for destination PORT and checks each sender's\n"
	"order. Prints `ready` to stderr when it listens and one JSON line at its end:\n"
	"  {\"flows\":[{\"src\",\"sport\",\"dst\",\"dport\",...}],\"segments\",\"reordered\",\n"
	"   \"retransmitted\",\"refilled\",\"gaps\",\"gap_bytes\",\"kernel_dropped\"}\n"
	"  segments       frames with payload\n"
	"  reordered      below the highest number seen and not seen before: first arrivals out "
	"of\n"
	"                 order\n"
	"  retransmitted  seen before, or refilled\n"
	"  refilled       not seen before, but sent after what is ahead of it (by the IPv4\n"
	"                 identification, which Linux counts up per connection): lost on the way\n"
	"                 and sent again, no reordering\n"
	"  gaps           ranges below the highest number that never came\n"
	"  kernel_dropped frames this program was too slow for: then gaps prove nothing\n"
	"Receive offloads join segments before they can be seen: switch gro and lro off on IFACE.\n"
	"\n"
	"  --from            watch source PORT instead\n"
	"  --outgoing        watch what IFACE sends instead\n"
	"  --idle SECONDS    end after so long without a matching frame, once there was one (2)\n"
	"  --seconds N       end at the latest (60)\n"
	"SIGINT and SIGTERM end it too.\n";

struct options {
	const char *interface;
	uint16_t port;
	bool from, outgoing;
	double idle_s, seconds;
};

struct range {
	uint32_t from, to;
};

/* One sender. */
struct flow_order {
	struct weir_flow_key key;
	uint8_t dir;
	bool started, has_id;
	uint32_t highest; /* number behind the last byte seen */
	uint16_t newest_id;
	uint64_t segments, reordered, retransmitted, refilled;
	struct range hole[HOLES_MAX]; /* below highest, not seen; unordered */
	unsigned int holes;
	uint64_t holes_forgotten;
};

struct watch {
	struct flow_order *flow[FLOWS_MAX];
	unsigned int flows;
	uint64_t flows_ignored;
};

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
	stopped = 1;
}

static int32_t ahead(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

/* ---- one sender ---- */

static void hole_add(struct flow_order *f, uint32_t from, uint32_t to)
{
	if (f->holes < HOLES_MAX)
		f->hole[f->holes++] = (struct range){from, to};
	else
		f->holes_forgotten++;
}

/* Takes [from, to) out of the holes. Whether any of it was one. */
static bool holes_fill(struct flow_order *f, uint32_t from, uint32_t to)
{
	bool filled = false;

	for (unsigned int i = f->holes; i-- > 0;) {
		struct range h = f->hole[i];

		if (ahead(to, h.from) <= 0 || ahead(h.to, from) <= 0)
			continue;
		filled = true;
		f->hole[i] = f->hole[--f->holes];
		if (ahead(from, h.from) > 0)
			hole_add(f, h.from, from);
		if (ahead(h.to, to) > 0)
			hole_add(f, to, h.to);
	}
	return filled;
}

/* Whether this frame was sent after all that came before it; false where that cannot be known. */
static bool was_sent_last(const struct flow_order *f, const struct packet *p)
{
	const uint8_t *ip = p->frame + p->l3;
	uint16_t id = (uint16_t)(ip[4] << 8 | ip[5]);

	return f->has_id && (int16_t)(id - f->newest_id) > 0;
}

static void note_id(struct flow_order *f, const struct packet *p)
{
	const uint8_t *ip = p->frame + p->l3;
	uint16_t id = (uint16_t)(ip[4] << 8 | ip[5]);

	/* Zero on every frame: the sender does not count. */
	if (p->ip_version != 4 || id == 0)
		return;
	if (!f->has_id || (int16_t)(id - f->newest_id) > 0)
		f->newest_id = id;
	f->has_id = true;
}

static void note_segment(struct flow_order *f, const struct packet *p, uint32_t len)
{
	uint32_t from = p->seq + !!(p->tcp_flags & TH_SYN);
	uint32_t to = from + len;

	f->segments++;
	if (!f->started)
		f->highest = from;
	f->started = true;
	if (ahead(from, f->highest) >= 0) {
		if (from != f->highest)
			hole_add(f, f->highest, from);
		f->highest = to;
	} else {
		bool sent_last = was_sent_last(f, p);

		if (!holes_fill(f, from, to)) {
			f->retransmitted++;
		} else if (sent_last) {
			f->refilled++;
			f->retransmitted++;
		} else {
			f->reordered++;
		}
		if (ahead(to, f->highest) > 0)
			f->highest = to;
	}
}

/* ---- all of them ---- */

static struct flow_order *flow_find(struct watch *w, const struct packet *p)
{
	struct flow_order *f;

	for (unsigned int i = 0; i < w->flows; i++)
		if (w->flow[i]->dir == p->dir &&
		    memcmp(&w->flow[i]->key, &p->key, sizeof(p->key)) == 0)
			return w->flow[i];
	f = w->flows < FLOWS_MAX ? calloc(1, sizeof(*f)) : NULL;
	if (!f) {
		w->flows_ignored++;
		return NULL;
	}
	f->key = p->key;
	f->dir = p->dir;
	w->flow[w->flows++] = f;
	return f;
}

/* Whether the frame is one of those watched. */
static bool take_frame(struct watch *w, const struct options *o, const uint8_t *frame, size_t len,
		       size_t wire_len)
{
	struct flow_order *f;
	struct packet p;
	uint32_t payload;

	if (packet_decode_cut(frame, len, wire_len, PACKET_LINK_ETHERNET, &p) != PACKET_OK ||
	    p.proto != IPPROTO_TCP || ntohs(p.key.port[o->from ? p.dir : !p.dir]) != o->port)
		return false;
	f = flow_find(w, &p);
	if (!f)
		return true;
	/* A SYN begins a connection, also one on used ports. */
	if (p.tcp_flags & TH_SYN && f->holes == 0)
		f->started = false;
	payload = p.l4_len - (uint32_t)(p.payload - p.l4);
	if (payload > 0)
		note_segment(f, &p, payload);
	note_id(f, &p);
	return true;
}

static uint64_t gap_bytes(const struct flow_order *f)
{
	uint64_t bytes = 0;

	for (unsigned int i = 0; i < f->holes; i++)
		bytes += f->hole[i].to - f->hole[i].from;
	return bytes;
}

static void print_counts(const struct flow_order *f)
{
	printf("\"segments\":%llu,\"reordered\":%llu,\"retransmitted\":%llu,\"refilled\":%llu,"
	       "\"gaps\":%llu",
	       (unsigned long long)f->segments, (unsigned long long)f->reordered,
	       (unsigned long long)f->retransmitted, (unsigned long long)f->refilled,
	       (unsigned long long)(f->holes + f->holes_forgotten));
}

static void print_flow(const struct flow_order *f)
{
	char src[ADDRESS_TEXT_MAX], dst[ADDRESS_TEXT_MAX];

	printf("{\"src\":\"%s\",\"sport\":%u,\"dst\":\"%s\",\"dport\":%u,",
	       address_format(f->key.addr[f->dir], src), ntohs(f->key.port[f->dir]),
	       address_format(f->key.addr[!f->dir], dst), ntohs(f->key.port[!f->dir]));
	print_counts(f);
	printf(",\"gap_bytes\":%llu}", (unsigned long long)gap_bytes(f));
}

static void print_watch(const struct watch *w, unsigned int dropped)
{
	static struct flow_order all;
	uint64_t bytes = 0;

	printf("{\"flows\":[");
	for (unsigned int i = 0; i < w->flows; i++) {
		const struct flow_order *f = w->flow[i];

		printf("%s", i ? "," : "");
		print_flow(f);
		all.segments += f->segments;
		all.reordered += f->reordered;
		all.retransmitted += f->retransmitted;
		all.refilled += f->refilled;
		all.holes_forgotten += f->holes + f->holes_forgotten;
		bytes += gap_bytes(f);
	}
	printf("],");
	print_counts(&all);
	printf(",\"gap_bytes\":%llu,\"flows_ignored\":%llu,\"kernel_dropped\":%u}\n",
	       (unsigned long long)bytes, (unsigned long long)w->flows_ignored, dropped);
}

/* ---- the interface ---- */

static int open_interface(const char *name)
{
	struct sockaddr_ll where = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(name),
	};
	_cleanup_close_ int fd = -1;
	int room = 128 << 20;

	if (!where.sll_ifindex) {
		fprintf(stderr, "tcporder: %s: no such interface\n", name);
		return -1;
	}
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) < 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if (fd < 0 || bind(fd, (struct sockaddr *)&where, sizeof(where)) < 0) {
		perror("tcporder: packet socket");
		return -1;
	}
	return TAKE_FD(fd);
}

/* Reads what is there. Whether a watched frame was among it. */
static bool read_frames(int fd, struct watch *w, const struct options *o)
{
	bool matched = false;
	uint8_t frame[KEPT_BYTES];
	struct sockaddr_ll from;
	socklen_t from_len = sizeof(from);
	ssize_t len;

	while ((len = recvfrom(fd, frame, sizeof(frame), MSG_DONTWAIT | MSG_TRUNC,
			       (struct sockaddr *)&from, &from_len)) >= 0) {
		size_t kept = (size_t)len < sizeof(frame) ? (size_t)len : sizeof(frame);

		if ((from.sll_pkttype == PACKET_OUTGOING) == o->outgoing)
			matched |= take_frame(w, o, frame, kept, (size_t)len);
		from_len = sizeof(from);
	}
	return matched;
}

static void watch(int fd, struct watch *w, const struct options *o)
{
	uint64_t start = time_now_ns(), seen = 0;

	while (!stopped) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		uint64_t now = time_now_ns();

		if ((double)(now - start) / 1e9 > o->seconds)
			break;
		if (seen && (double)(now - seen) / 1e9 > o->idle_s)
			break;
		if (poll(&p, 1, 50) > 0 && read_frames(fd, w, o))
			seen = time_now_ns();
	}
}

static bool parse(struct options *o, int argc, char **argv)
{
	static const struct option longs[] = {
		{"from", no_argument, NULL, 'f'},	{"outgoing", no_argument, NULL, 'o'},
		{"idle", required_argument, NULL, 'i'}, {"seconds", required_argument, NULL, 's'},
		{"help", no_argument, NULL, 'h'},	{0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
		if (option == 'f')
			o->from = true;
		else if (option == 'o')
			o->outgoing = true;
		else if (option == 'i')
			o->idle_s = strtod(optarg, NULL);
		else if (option == 's')
			o->seconds = strtod(optarg, NULL);
		else
			return false;
	}
	if (argc - optind != 2)
		return false;
	o->interface = argv[optind];
	o->port = (uint16_t)strtoul(argv[optind + 1], NULL, 10);
	return o->port != 0;
}

int main(int argc, char **argv)
{
	struct options o = {.idle_s = 2, .seconds = 60};
	struct sigaction action = {.sa_handler = on_signal};
	struct tpacket_stats stats = {0};
	socklen_t stats_len = sizeof(stats);
	static struct watch w;
	_cleanup_close_ int fd = -1;

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
	fd = open_interface(o.interface);
	if (fd < 0)
		return 1;
	fprintf(stderr, "ready\n");
	watch(fd, &w, &o);
	getsockopt(fd, SOL_PACKET, PACKET_STATISTICS, &stats, &stats_len);
	print_watch(&w, stats.tp_drops);
	for (unsigned int i = 0; i < w.flows; i++)
		free(w.flow[i]);
	return 0;
}
