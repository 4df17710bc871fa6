// SPDX-License-Identifier: GPL-2.0-only
/*
 * Nanoseconds per packet of the gate's cached pass, against an empty program, the parser alone and
 * plain hash lookups, by BPF_PROG_TEST_RUN on one CPU.
 *
 *   gate [RUNS [REPEAT]]
 *
 * Prints "FLOWS CASE NANOSECONDS" for each measurement. Needs root; namespaces and pins are its own
 * and end with it.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <netinet/if_ether.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "gate.skel.h"
#include "gate/gate.h"
#include "gate/table.h"
#include "gate_variants.h"
#include "gate_variants.skel.h"

#define BATCH	       4096
#define LOOPBACK       1 /* test runs arrive on the namespace's loopback */
#define PORT_IN	       1
#define PORT_OUT       2
#define FRAME_BYTES    66
#define SERVER_ADDRESS 0xc0000201 /* 192.0.2.1 */
#define SERVER_PORT    443
#define FLOWS_MAX      1000000

static const char *const case_names[VARIANTS] = {"empty program", "parse", "parse and hash lookup",
						 "parse and LRU hash lookup", "weir gate"};

struct bench {
	char bpffs[64];
	char pins[96];
	struct gate *gate;
	struct gate_variants_bpf *variants;
	int enter[VARIANTS];
	int tags, decided;
	uint8_t frame[FRAME_BYTES];
};

static int fail(const char *what, int err)
{
	fprintf(stderr, "gate: %s: %s\n", what, strerror(err < 0 ? -err : errno));
	return -1;
}

static int world_make(struct bench *b)
{
	cpu_set_t cpu;

	CPU_ZERO(&cpu);
	CPU_SET(0, &cpu);
	snprintf(b->bpffs, sizeof(b->bpffs), "/tmp/weir-bench-gate-%d", getpid());
	snprintf(b->pins, sizeof(b->pins), "%s/weir", b->bpffs);
	if (sched_setaffinity(0, sizeof(cpu), &cpu) || unshare(CLONE_NEWNET | CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || mkdir(b->bpffs, 0700) ||
	    mount("bpf", b->bpffs, "bpf", 0, NULL))
		return fail("namespaces (needs root)", 0);
	return 0;
}

static void world_end(struct bench *b)
{
	if (b->gate) {
		gate_unpin(b->gate);
		gate_close(b->gate);
	}
	gate_variants_bpf__destroy(b->variants);
	umount2(b->bpffs, MNT_DETACH);
	rmdir(b->bpffs);
}

static void frame_make(uint8_t *frame)
{
	struct ether_header *eth = (struct ether_header *)frame;
	struct iphdr *ip = (struct iphdr *)(eth + 1);
	struct tcphdr *tcp = (struct tcphdr *)(ip + 1);

	memset(frame, 2, 2 * ETH_ALEN);
	eth->ether_type = htons(ETHERTYPE_IP);
	*ip = (struct iphdr){.version = 4,
			     .ihl = 5,
			     .ttl = 64,
			     .protocol = IPPROTO_TCP,
			     .tot_len = htons(FRAME_BYTES - sizeof(*eth)),
			     .daddr = htonl(SERVER_ADDRESS)};
	*tcp = (struct tcphdr){.dest = htons(SERVER_PORT), .doff = 5, .ack = 1};
}

/* As the gate would have entered it: side 0 first. Returns the direction of the frames sent. */
static int flow_make(uint32_t i, uint32_t generation, struct weir_flow_key *key,
		     struct weir_flow *flow)
{
	const uint32_t src[4] = {0, 0, htonl(0xffff), htonl(FLOW_ADDRESS(i))};
	const uint32_t dst[4] = {0, 0, htonl(0xffff), htonl(SERVER_ADDRESS)};
	const uint16_t sport = htons(FLOW_PORT(i)), dport = htons(SERVER_PORT);
	int dir = weir_side_before(src, sport, dst, dport) ? 0 : 1;

	*key = (struct weir_flow_key){.proto = IPPROTO_TCP, .domain = 1};
	memcpy(key->addr[dir], src, sizeof(src));
	memcpy(key->addr[!dir], dst, sizeof(dst));
	key->port[dir] = sport;
	key->port[!dir] = dport;
	*flow = (struct weir_flow){.id = i + 1,
				   .frames = {1, 1},
				   .bytes = {FRAME_BYTES, FRAME_BYTES},
				   .decided_ns = 1,
				   .generation = generation,
				   .flags = WEIR_FLOW_TWOWAY | (dir ? WEIR_FLOW_ORIGIN : 0),
				   .rule = WEIR_RULE_DEFAULT,
				   .action = WEIR_ACTION_PASS};
	flow->in_port[dir] = PORT_IN;
	flow->in_port[!dir] = PORT_OUT;
	return dir;
}

/* The gate's own table: a set that is full takes no more, and such flows would be measured as
 * misses.
 */
static int gate_fill(const struct bench *b, uint32_t count)
{
	struct gate_table table;
	uint32_t full = 0;
	int r = gate_table_map(&table, b->tags, b->decided, gate_ctl(b->gate)->sets_mask + 1,
			       gate_ctl(b->gate)->hash_key);

	for (uint32_t i = 0; !r && i < count; i++) {
		struct weir_flow_key key;
		struct weir_flow flow;

		flow_make(i, gate_ctl(b->gate)->generation, &key, &flow);
		full += gate_table_put(&table, &key, &flow) < 0;
	}
	if (full)
		fprintf(stderr, "gate: %u of %u flows found their set full\n", full, count);
	gate_table_unmap(&table);
	return r;
}

static int table_fill(int fd, uint32_t count)
{
	LIBBPF_OPTS(bpf_map_batch_opts, opts);
	_cleanup_free_ struct weir_flow_key *keys = calloc(BATCH, sizeof(*keys));
	_cleanup_free_ struct plain_flow *flows = calloc(BATCH, sizeof(*flows));

	if (!keys || !flows)
		return -ENOMEM;
	for (uint32_t base = 0; base < count; base += BATCH) {
		uint32_t n = count - base < BATCH ? count - base : BATCH;
		int r;

		for (uint32_t i = 0; i < n; i++) {
			struct weir_flow flow;

			flow_make(base + i, 1, &keys[i], &flow);
			flows[i] = (struct plain_flow){.id = flow.id, .action = flow.action};
		}
		r = bpf_map_update_batch(fd, keys, flows, &n, &opts);
		if (r)
			return r;
	}
	return 0;
}

static int tables_fill(const struct bench *b, uint32_t count)
{
	const int tables[] = {bpf_map__fd(b->variants->maps.plain_hash),
			      bpf_map__fd(b->variants->maps.plain_lru)};

	if (gate_fill(b, count))
		return fail("cannot fill the gate's table", 0);
	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		int r = table_fill(tables[i], count);

		if (r)
			return fail("cannot fill a table", r);
	}
	return 0;
}

static int policy_pass(struct gate *g)
{
	struct weir_rule pass = {.cell = {.action = WEIR_ACTION_PASS, .rule = WEIR_RULE_DEFAULT}};
	_cleanup_free_ struct weir_rule_set *sets = calloc(WEIR_SETS_COUNT(1), sizeof(*sets));
	struct policy p = {.class_ids = 1, .sets = sets, .compiled = &pass};
	uint32_t generation;

	if (!sets)
		return -ENOMEM;
	((struct weir_rules_head *)sets)->classes = 1;
	return gate_load_policy(g, &p, &generation);
}

static int ports_make(struct gate *g)
{
	struct weir_port port = {.ifindex = LOOPBACK,
				 .max_frame = 1518,
				 .queues = 1,
				 .flags = WEIR_PORT_ENABLED | WEIR_PORT_REDIRECT |
					  WEIR_PORT_FORWARDING,
				 .domain = 1,
				 .local_mac = {6, 6, 6, 6, 6, 6}};
	int r = gate_set_port(g, PORT_IN, &port, 0);

	port.ifindex = LOOPBACK + 1;
	if (!r)
		r = gate_set_port(g, PORT_OUT, &port, 0);
	/* A test run decides on the redirect and does not carry it out: any interface serves. */
	return r ? r : gate_set_devmap(g, PORT_OUT, LOOPBACK);
}

static int gate_make(struct bench *b)
{
	const struct gate_sizes sizes = {.decided = 2 * 1048576,
					 .undecided = 4096,
					 .reconnects = 4096,
					 .endpoints = 4096,
					 .blocks = 4096,
					 .fragments = 4096,
					 .parked = 1024,
					 .slots = 65536,
					 .xsk = 64};
	struct error e = {};
	char path[128];
	bool adopted;
	int r = gate_open(b->pins, &sizes, &b->gate, &adopted, &e);

	if (r) {
		fprintf(stderr, "gate: %s\n", e.text);
		return -1;
	}
	gate_ctl(b->gate)->clock_ds = 1;
	r = policy_pass(b->gate);
	if (!r)
		r = ports_make(b->gate);
	if (r)
		return fail("cannot configure the gate", r);
	snprintf(path, sizeof(path), "%s/maps/weir_decided", b->pins);
	b->decided = bpf_obj_get(path);
	if (b->decided < 0)
		return fail(path, 0);
	snprintf(path, sizeof(path), "%s/maps/weir_tags", b->pins);
	b->tags = bpf_obj_get(path);
	return b->tags < 0 ? fail(path, 0) : 0;
}

/* Only programs that agree on multi-buffer frames may call each other. */
static int variants_load(struct bench *b)
{
	struct gate_bpf *gate = gate_bpf__open();
	struct bpf_program *p;
	uint32_t flags;

	if (!gate)
		return fail("cannot read the gate's object", 0);
	flags = bpf_program__flags(gate->progs.weir_gate);
	gate_bpf__destroy(gate);
	b->variants = gate_variants_bpf__open();
	if (!b->variants)
		return fail("cannot read the cases", 0);
	bpf_object__for_each_program(p, b->variants->obj) bpf_program__set_flags(p, flags);
	return gate_variants_bpf__load(b->variants) ? fail("cannot load the cases", 0) : 0;
}

static int variants_make(struct bench *b)
{
	const struct bpf_program *cases[VARIANTS];
	char path[128];
	_cleanup_close_ int gate = -1;

	if (variants_load(b))
		return -1;
	b->enter[VARIANT_EMPTY] = bpf_program__fd(b->variants->progs.enter_empty);
	b->enter[VARIANT_PARSE] = bpf_program__fd(b->variants->progs.enter_parse);
	b->enter[VARIANT_HASH] = bpf_program__fd(b->variants->progs.enter_hash);
	b->enter[VARIANT_LRU] = bpf_program__fd(b->variants->progs.enter_lru);
	b->enter[VARIANT_GATE] = bpf_program__fd(b->variants->progs.enter_gate);
	cases[VARIANT_EMPTY] = b->variants->progs.case_empty;
	cases[VARIANT_PARSE] = b->variants->progs.case_parse;
	cases[VARIANT_HASH] = b->variants->progs.case_hash;
	cases[VARIANT_LRU] = b->variants->progs.case_lru;
	cases[VARIANT_GATE] = NULL;
	snprintf(path, sizeof(path), "%s/progs/weir_gate", b->pins);
	gate = bpf_obj_get(path);
	for (uint32_t i = 0; i < VARIANTS; i++) {
		int fd = cases[i] ? bpf_program__fd(cases[i]) : gate;

		if (bpf_map_update_elem(bpf_map__fd(b->variants->maps.variants), &i, &fd, BPF_ANY))
			return fail(case_names[i], 0);
	}
	return 0;
}

/* Frames the gate sent out of the other port so far. */
static int64_t redirected(const struct bench *b)
{
	struct weir_counter counters[WEIR_REASON_COUNT];

	if (gate_read_counters(b->gate, PORT_IN, counters))
		return fail("counters", 0);
	return (int64_t)counters[WEIR_REASON_REDIRECTED].frames;
}

/*
 * Nanoseconds per packet as the kernel's loop measures them: a call as a whole takes some 20 ms
 * more. Negative when a packet did not take the path that is measured.
 */
static int measure(struct bench *b, uint32_t variant, uint32_t repeat)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = b->frame, .data_size_in = FRAME_BYTES,
		    .repeat = (int)repeat);
	uint64_t misses = b->variants->bss->misses;
	int64_t before = redirected(b);
	int r = bpf_prog_test_run_opts(b->enter[variant], &opts);

	if (r)
		return fail(case_names[variant], r);
	if (b->variants->bss->misses != misses ||
	    /* Of a million flows some find their set full and miss. */
	    (variant == VARIANT_GATE && (redirected(b) - before) * 100 < repeat * 98LL) ||
	    (variant != VARIANT_GATE && opts.retval != 2)) {
		fprintf(stderr, "gate: %s: not every packet took the measured path (%lld of %u)\n",
			case_names[variant], (long long)(redirected(b) - before), repeat);
		return -1;
	}
	return (int)opts.duration;
}

static int measure_all(struct bench *b, uint32_t flows, unsigned int runs, uint32_t repeat)
{
	if (tables_fill(b, flows))
		return -1;
	b->variants->bss->flows = flows;
	/* The first round warms caches and is not told. */
	for (unsigned int run = 0; run <= runs; run++) {
		for (uint32_t variant = 0; variant < VARIANTS; variant++) {
			int ns = measure(b, variant, repeat);

			if (ns < 0)
				return -1;
			if (run)
				printf("%u\t%s\t%d\n", flows, case_names[variant], ns);
		}
		fflush(stdout);
	}
	return 0;
}

int main(int argc, char **argv)
{
	static const uint32_t flows[] = {1, 1000, FLOWS_MAX};
	unsigned int runs = argc > 1 ? (unsigned int)strtoul(argv[1], NULL, 10) : 15;
	uint32_t repeat = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : 400000;
	struct bench b = {.tags = -1, .decided = -1};
	int r;

	frame_make(b.frame);
	r = world_make(&b);
	if (!r)
		r = gate_make(&b);
	if (!r)
		r = variants_make(&b);
	for (size_t i = 0; !r && i < ARRAY_SIZE(flows); i++)
		r = measure_all(&b, flows[i], runs, repeat);
	world_end(&b);
	return r ? 1 : 0;
}
