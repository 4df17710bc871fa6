/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Hands the frames of a tap to a program that reads captures or an interface, and lets them pass.
 *
 *	weir-tap-feed [-s SOCKET] TAP | tcpdump -r - ...	pcap, to standard output
 *	weir-tap-feed [-s SOCKET] -i IFACE TAP			out of an interface, as one end of
 *								a veth pair whose other end
 *								Suricata listens on
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <weir-tap.h>

#define PCAP_MAGIC_NS  0xa1b23c4du /* times in nanoseconds */
#define PCAP_ETHERNET  1
#define PCAP_SNAPSHOT  65535
#define NS_PER_SECOND  1000000000u
#define OUTPUT_BYTES   (1 << 20)
#define FLUSH_AFTER_MS 100

struct pcap_head {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, sigfigs, snapshot, link;
};

struct pcap_record {
	uint32_t seconds, ns, len, wire_len;
};

static int pcap_begin(void)
{
	const struct pcap_head h = {
		.magic = PCAP_MAGIC_NS,
		.major = 2,
		.minor = 4,
		.snapshot = PCAP_SNAPSHOT,
		.link = PCAP_ETHERNET,
	};

	setvbuf(stdout, NULL, _IOFBF, OUTPUT_BYTES);
	if (fwrite(&h, sizeof(h), 1, stdout) != 1 || fflush(stdout))
		return -EPIPE;
	return 0;
}

static int pcap_write(const struct weir_tap_item *item)
{
	const struct pcap_record r = {
		.seconds = (uint32_t)(item->time_ns / NS_PER_SECOND),
		.ns = (uint32_t)(item->time_ns % NS_PER_SECOND),
		.len = (uint32_t)item->len,
		.wire_len = (uint32_t)item->len,
	};

	if (fwrite(&r, sizeof(r), 1, stdout) != 1 || fwrite(item->data, item->len, 1, stdout) != 1)
		return -EPIPE;
	return 0;
}

static int interface_open(const char *name)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_ifindex = (int)if_nametoindex(name),
	};
	/* Protocol 0: it receives nothing. */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd >= 0 && to.sll_ifindex && bind(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	fprintf(stderr, "%s: %s\n", name, strerror(to.sll_ifindex ? errno : ENODEV));
	exit(1);
}

/* An interface that is full loses frames, like one on a mirror port. */
static int hand_on(const struct weir_tap_item *item, int fd)
{
	if (item->kind != WEIR_TAP_FRAME)
		return 0;
	if (fd < 0)
		return pcap_write(item);
	(void)!send(fd, item->data, item->len, MSG_DONTWAIT);
	return 0;
}

static int serve(struct weir_tap *tap, int fd)
{
	const struct weir_tap_item *item;
	int err = fd < 0 ? pcap_begin() : 0;

	while (err >= 0) {
		err = weir_tap_next(tap, FLUSH_AFTER_MS, &item);
		if (err == 0 && fd < 0 && fflush(stdout))
			return -EPIPE;
		if (err <= 0)
			continue;
		/* Nobody waits for the reader behind the pipe. */
		weir_tap_pass(tap, item);
		err = hand_on(item, fd);
	}
	if (fd < 0)
		fflush(stdout);
	return err;
}

int main(int argc, char **argv)
{
	const char *socket = NULL;
	struct weir_tap *tap;
	int option, fd = -1, err;

	while ((option = getopt(argc, argv, "s:i:")) != -1) {
		if (option == 's')
			socket = optarg;
		else if (option == 'i')
			fd = interface_open(optarg);
		else
			break;
	}
	if (option != -1 || argc - optind != 1) {
		fprintf(stderr, "usage: %s [-s SOCKET] [-i INTERFACE] TAP\n", argv[0]);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	err = weir_tap_open(argv[optind], socket, &tap);
	if (err < 0) {
		fprintf(stderr, "%s: %s\n", argv[0],
			*weir_tap_error() ? weir_tap_error() : strerror(-err));
		return 1;
	}
	err = serve(tap, fd);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(-err));
	weir_tap_close(tap);
	return err == -EPIPE ? 0 : 1;
}
