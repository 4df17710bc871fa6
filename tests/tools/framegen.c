// SPDX-License-Identifier: GPL-2.0-only
/* Sends UDP frames out of one interface as fast as one CPU can and counts what arrives at another.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <getopt.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "framegen.skel.h"
#include "util/util.h"

#define FRAME_MAX 1514
#define BURST	  65536 /* frames of one test run */

struct options {
	const char *out_ns, *out_if, *in_ns, *in_if, *src_mac, *dst_mac, *src, *dst;
	bool sink_tc, reverse;
	unsigned int flows, size, cpu;
	double seconds;
	uint64_t frames;
};

static const char usage[] =
	"usage: framegen --out-ns NS --out IF --in-ns NS --in IF --src-mac M --dst-mac M --src A "
	"--dst A\n"
	"                [--sink xdp|tc|none] [--flows N] [--size BYTES] [--seconds S | --frames "
	"N] [--reverse] [--cpu N]\n"
	"Sends UDP frames to port 9 from --flows source ports (from 10000) out of IF and drops and "
	"counts what\n"
	"arrives at the other. Prints one JSON object: sent, received, seconds, ns_per_frame.\n";

static int enter(const char *ns)
{
	char path[256];
	_cleanup_close_ int fd = -1;

	snprintf(path, sizeof(path), "/run/netns/%s", ns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0) {
		fprintf(stderr, "framegen: namespace %s: %s\n", ns, strerror(errno));
		return -errno;
	}
	return 0;
}

static uint16_t ip_sum(const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)p[i] << 8 | p[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static int fill_template(const struct options *o, uint8_t *frame)
{
	struct ether_header *eth = (void *)frame;
	struct iphdr *ip = (void *)(eth + 1);
	struct udphdr *udp = (void *)(ip + 1);

	memset(frame, 0, FRAME_MAX);
	if (!ether_aton_r(o->src_mac, (void *)eth->ether_shost) ||
	    !ether_aton_r(o->dst_mac, (void *)eth->ether_dhost) ||
	    inet_pton(AF_INET, o->src, &ip->saddr) != 1 ||
	    inet_pton(AF_INET, o->dst, &ip->daddr) != 1)
		return -EINVAL;
	eth->ether_type = htons(ETHERTYPE_IP);
	ip->version = 4;
	ip->ihl = 5;
	ip->ttl = 64;
	ip->protocol = IPPROTO_UDP;
	ip->tot_len = htons((uint16_t)(o->size - sizeof(*eth)));
	ip->check = ip_sum(ip, sizeof(*ip));
	udp->len = htons((uint16_t)(o->size - sizeof(*eth) - sizeof(*ip)));
	return 0;
}

static uint64_t tally_read(struct framegen_bpf *skel, uint32_t which)
{
	int cpus = libbpf_num_possible_cpus();
	struct {
		uint64_t frames, bytes;
	} values[256];
	uint64_t sum = 0;

	if (cpus > 256 || bpf_map_lookup_elem(bpf_map__fd(skel->maps.tallies), &which, values))
		return 0;
	for (int i = 0; i < cpus; i++)
		sum += values[i].frames;
	return sum;
}

static int attach_sink(struct framegen_bpf *skel, const struct options *o)
{
	unsigned int ifindex = if_nametoindex(o->in_if);
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, opts, .prog_fd = bpf_program__fd(skel->progs.sink_tc));
	int err;

	if (!o->sink_tc)
		return bpf_xdp_attach((int)ifindex, bpf_program__fd(skel->progs.sink_xdp), 0, NULL);
	err = bpf_tc_hook_create(&hook);
	return err && err != -EEXIST ? err : bpf_tc_attach(&hook, &opts);
}

static void detach_sink(const struct options *o)
{
	unsigned int ifindex = if_nametoindex(o->in_if);
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);

	if (o->sink_tc)
		bpf_tc_hook_destroy(&hook);
	else
		bpf_xdp_detach((int)ifindex, 0, NULL);
}

static int generate(struct framegen_bpf *skel, const struct options *o, uint8_t *frame,
		    double *seconds)
{
	struct xdp_md ctx = {.data_end = o->size};
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = o->size,
		    .ctx_in = &ctx, .ctx_size_in = sizeof(ctx), .flags = BPF_F_TEST_XDP_LIVE_FRAMES,
		    .batch_size = 64);
	uint64_t start = time_now_ns(), now = start, sent = 0;

	while (o->frames ? sent < o->frames : now - start < o->seconds * 1e9) {
		uint64_t left = o->frames ? o->frames - sent : BURST;
		int err;

		run.repeat = (int)(left < BURST ? left : BURST);
		err = bpf_prog_test_run_opts(bpf_program__fd(skel->progs.framegen), &run);
		if (err < 0)
			return err;
		sent += (uint64_t)run.repeat;
		now = time_now_ns();
	}
	*seconds = (double)(now - start) / 1e9;
	return 0;
}

static int measure(struct framegen_bpf *skel, const struct options *o, uint8_t *frame)
{
	uint64_t sent, received;
	double seconds = 0;
	int err;

	err = generate(skel, o, frame, &seconds);
	if (err < 0) {
		fprintf(stderr, "framegen: test run: %s\n", strerror(-err));
		return err;
	}
	usleep(50000); /* what is still on its way through softirqs */
	sent = tally_read(skel, 0);
	received = tally_read(skel, 1);
	printf("{\"sent\": %llu, \"received\": %llu, \"seconds\": %.6f, \"ns_per_frame\": %.1f}\n",
	       (unsigned long long)sent, (unsigned long long)received, seconds,
	       received ? seconds * 1e9 / (double)received : 0.0);
	return 0;
}

static int run(const struct options *o, bool sink)
{
	uint8_t frame[FRAME_MAX];
	struct framegen_bpf *skel;
	cpu_set_t cpus;
	int err;

	CPU_ZERO(&cpus);
	CPU_SET(o->cpu, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	if (fill_template(o, frame) < 0 || enter(o->out_ns) < 0)
		return 2;
	skel = framegen_bpf__open();
	if (!skel)
		return 1;
	skel->rodata->flows = o->flows;
	skel->rodata->reverse = o->reverse;
	skel->rodata->out_ifindex = if_nametoindex(o->out_if);
	memcpy((void *)skel->rodata->template, frame, sizeof(skel->rodata->template));
	err = framegen_bpf__load(skel);
	if (!err && sink)
		err = enter(o->in_ns) || attach_sink(skel, o) || enter(o->out_ns);
	if (!err)
		err = measure(skel, o, frame);
	if (sink && enter(o->in_ns) == 0)
		detach_sink(o);
	framegen_bpf__destroy(skel);
	return err ? 1 : 0;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"out-ns", 1, NULL, 'a'}, {"out", 1, NULL, 'b'},     {"in-ns", 1, NULL, 'c'},
		{"in", 1, NULL, 'd'},	  {"src-mac", 1, NULL, 'e'}, {"dst-mac", 1, NULL, 'f'},
		{"src", 1, NULL, 'g'},	  {"dst", 1, NULL, 'h'},     {"sink", 1, NULL, 'i'},
		{"flows", 1, NULL, 'j'},  {"size", 1, NULL, 'k'},    {"seconds", 1, NULL, 'l'},
		{"frames", 1, NULL, 'm'}, {"reverse", 0, NULL, 'n'}, {"cpu", 1, NULL, 'o'},
		{NULL, 0, NULL, 0},
	};
	struct options o = {.flows = 16, .size = 60, .seconds = 1};
	const char **strings[] = {&o.out_ns,  &o.out_if,  &o.in_ns, &o.in_if,
				  &o.src_mac, &o.dst_mac, &o.src,   &o.dst};
	bool sink = true;
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c >= 'a' && c <= 'h')
			*strings[c - 'a'] = optarg;
		else if (c == 'i')
			sink = strcmp(optarg, "none") != 0, o.sink_tc = !strcmp(optarg, "tc");
		else if (c == 'j')
			o.flows = (unsigned int)strtoul(optarg, NULL, 10);
		else if (c == 'k')
			o.size = (unsigned int)strtoul(optarg, NULL, 10);
		else if (c == 'l')
			o.seconds = strtod(optarg, NULL);
		else if (c == 'm')
			o.frames = strtoull(optarg, NULL, 10);
		else if (c == 'n')
			o.reverse = true;
		else if (c == 'o')
			o.cpu = (unsigned int)strtoul(optarg, NULL, 10);
		else
			return fputs(usage, stderr), 2;
	}
	for (size_t i = 0; i < ARRAY_SIZE(strings); i++) {
		if (!*strings[i])
			return fputs(usage, stderr), 2;
	}
	if (o.size < 60 || o.size > FRAME_MAX || !o.flows || o.seconds > 60)
		return fputs(usage, stderr), 2;
	return run(&o, sink);
}
