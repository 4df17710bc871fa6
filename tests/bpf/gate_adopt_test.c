// SPDX-License-Identifier: GPL-2.0-only
/* Pins of another layout or other sizes are taken over, while frames pass. Needs root. */
#include "gate_fixture.h"

#include <arpa/inet.h>
#include <linux/if_link.h>
#include <netinet/ip.h>
#include <poll.h>
#include <pthread.h>

#include "bpf/layout3.h"
#include "bpf/layout4.h"
#include "gate/table.h"

#define FLOWS 1500

/* ---- pins of layout 3 ---- */

struct old {
	const struct fixture *f;
};

static void pin(const struct old *o, int fd, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/maps/%s", o->f->pins, name);
	assert_true(fd >= 0);
	assert_int_equal(bpf_obj_pin(fd, path), 0);
	close(fd);
}

static int old_map(const struct old *o, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "maps/%s", name);
	return pin_open(o->f, path);
}

static void old_put(const struct old *o, const char *name, const void *key, const void *value)
{
	_cleanup_close_ int fd = old_map(o, name);

	if (bpf_map_update_elem(fd, key, value, BPF_ANY))
		fail_msg("%s: %s", name, strerror(errno));
}

static void old_make_map(const struct old *o, const char *name, enum bpf_map_type type,
			 uint32_t key, uint32_t value, uint32_t entries, uint32_t flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);

	pin(o, bpf_map_create(type, name, key, value, entries, &opts), name);
}

static void old_make_outer(const struct old *o, const char *name, enum bpf_map_type type,
			   uint32_t key, uint32_t value, uint32_t flags)
{
	LIBBPF_OPTS(bpf_map_create_opts, inner_opts, .map_flags = flags);
	_cleanup_close_ int inner =
		bpf_map_create(type, NULL, key, value, 4 * WEIR_APPS_MAX, &inner_opts);
	LIBBPF_OPTS(bpf_map_create_opts, opts, .inner_map_fd = (uint32_t)inner);

	assert_true(inner >= 0);
	pin(o, bpf_map_create(BPF_MAP_TYPE_ARRAY_OF_MAPS, name, 4, 4, 2, &opts), name);
	for (uint32_t slot = 0; slot < 2; slot++)
		old_put(o, name, &slot, &inner);
}

/* A per-CPU element of so many words: on every CPU word i is first + i. Returns the sum of word 0.
 */
static uint64_t old_count(const struct old *o, const char *name, uint32_t index, size_t words,
			  uint64_t first)
{
	int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ uint64_t *values = calloc((size_t)cpus * words, sizeof(*values));

	assert_non_null(values);
	for (size_t i = 0; i < cpus * words; i++)
		values[i] = first + i % words;
	old_put(o, name, &index, values);
	return first * (uint64_t)cpus;
}

static void old_make(const struct old *o)
{
	const struct gate_sizes *s = &o->f->sizes;
	struct layout3_ctl ctl = {.abi = 3,
				  .generation = 7,
				  .epoch = 1,
				  .clock_ds = 1000,
				  .workers = 1,
				  .slots_mask = s->slots - 1,
				  .ring_frames = 64,
				  .handover_max_ms = 900,
				  .classes = {1, 1},
				  .hash_seed = 4711};
	uint32_t zero = 0;
	char command[512];

	snprintf(command, sizeof(command), "mkdir -p %s/maps %s/progs %s/links", o->f->pins,
		 o->f->pins, o->f->pins);
	run(command);
#define X(name, type, key, value, entries, flags)                                                  \
	old_make_map(o, #name, BPF_MAP_TYPE_##type, key, value, entries, flags);
	LAYOUT3_MAPS(X)
#undef X
#define X(name, type, key, value, flags)                                                           \
	old_make_outer(o, #name, BPF_MAP_TYPE_##type, key, value, flags);
	LAYOUT3_OUTER(X)
#undef X
	old_put(o, "weir_ctl", &zero, &ctl);
}

static void flow_key(uint32_t i, struct weir_flow_key *key)
{
	*key = (struct weir_flow_key){.proto = 47, .domain = 1};
	key->addr[0][2] = key->addr[1][2] = htonl(0xffff);
	key->addr[0][3] = htonl(0x0a000000 + i);
	key->addr[1][3] = htonl(0xc0000201);
}

static struct layout3_flow old_flow(uint32_t i)
{
	return (struct layout3_flow){.id = 0x1234567800000001 + i * 2ULL,
				     .frames = {i, 2},
				     .bytes = {i * 100ULL, 300},
				     .decided_ns = 5,
				     .created_ds = 900,
				     .seen_ds = 999,
				     .isn = {11, 12},
				     .generation = 7,
				     .epoch = 1,
				     .slot = 3,
				     .flags = WEIR_FLOW_TWOWAY | WEIR_FLOW_HANDOVER(1),
				     .app = (uint16_t)(i % 5),
				     .rule = 4,
				     .class = {0, 1},
				     .action = i % 3 ? WEIR_ACTION_PASS : WEIR_ACTION_DROP,
				     .method = WEIR_METHOD_SIGNATURE,
				     .confidence = 90,
				     .port = {1, 2},
				     .payloads = 3};
}

static void old_put_flow(const struct old *o, uint32_t i, const struct weir_flow_key *key)
{
	struct layout3_flow flow = old_flow(i);

	old_put(o, "weir_decided", key, &flow);
}

static void old_fill(const struct old *o)
{
	struct layout3_block block = {.addr = {0, 0, htonl(0xffff), htonl(0x0a000009)},
				      .port = htons(25)};
	struct weir_flow_key key;
	uint64_t expires = 77;

	for (uint32_t i = 1; i <= FLOWS; i++) {
		flow_key(i, &key);
		old_put_flow(o, i, &key);
	}
	old_put(o, "weir_blocks", &block, &expires);
}

/* ---- tests ---- */

struct seen {
	uint32_t count;
};

static bool flow_seen(const struct weir_flow_key *key, const struct weir_flow *flow, void *arg)
{
	uint32_t i = ntohl(key->addr[0][3]) - 0x0a000000;
	struct layout3_flow old = old_flow(i);
	struct seen *seen = arg;

	seen->count++;
	assert_true(flow->id == old.id && flow->decided_ns == old.decided_ns);
	assert_memory_equal(flow->frames, old.frames, sizeof(old.frames));
	assert_memory_equal(flow->bytes, old.bytes, sizeof(old.bytes));
	assert_memory_equal(flow->isn, old.isn, sizeof(old.isn));
	assert_memory_equal(flow->class, old.class, sizeof(old.class));
	assert_int_equal(flow->generation, old.generation);
	assert_int_equal(flow->flags, WEIR_FLOW_TWOWAY);
	assert_true(flow->created_ns == old.created_ds * 100000000ULL);
	assert_int_equal(flow->seen_ds, old.seen_ds);
	assert_int_equal(flow->app, old.app);
	assert_int_equal(flow->rule, old.rule);
	assert_int_equal(flow->action, old.action);
	assert_int_equal(flow->method, old.method);
	assert_int_equal(flow->confidence, old.confidence);
	assert_int_equal(flow->payloads, old.payloads);
	assert_int_equal(flow->in_port[0], 1);
	assert_int_equal(flow->in_port[1], 2);
	assert_int_equal(flow->given[0] | flow->given[1], 0);
	return true;
}

static bool block_seen(const struct weir_block *b, uint64_t expires_ns, void *arg)
{
	const uint32_t addr[4] = {0, 0, htonl(0xffff), htonl(0x0a000009)};
	struct seen *seen = arg;

	assert_memory_equal(b->from, addr, sizeof(addr));
	assert_int_equal(b->from_bits, 128);
	assert_int_equal(b->to_bits, WEIR_BLOCK_ONE_SIDE);
	assert_int_equal(b->app, WEIR_BLOCK_ANY_APP);
	assert_int_equal(b->port, htons(25));
	assert_int_equal(expires_ns, 77);
	seen->count++;
	return true;
}

static void layout_3_is_taken_over(void **state)
{
	struct fixture *f = *state;
	const struct old o = {f};
	uint64_t methods[WEIR_METHOD_COUNT], cache[GATE_CACHE_COUNT], flows, lost, dropped;
	struct weir_counter counters[WEIR_REASON_COUNT];
	struct weir_volume volume[2];
	struct seen seen = {};
	struct gate *g;

	old_make(&o);
	old_fill(&o);
	dropped = old_count(&o, "weir_counters", 3 * LAYOUT3_REASONS + WEIR_REASON_DROP_VERDICT, 3,
			    40);
	flows = old_count(&o, "weir_app_flows", 9 * LAYOUT3_METHODS + WEIR_METHOD_PORT, 1, 50);
	lost = old_count(&o, "weir_cache", GATE_CACHE_EVENTS_LOST, 1, 60);

	g = fixture_open(f, true);
	assert_int_equal(gate_count_decided(g), FLOWS);
	assert_int_equal(gate_each_flow(g, true, flow_seen, &seen), 0);
	assert_int_equal(seen.count, FLOWS);
	seen = (struct seen){};
	assert_int_equal(gate_each_block(g, block_seen, &seen), 0);
	assert_int_equal(seen.count, 1);
	assert_int_equal(gate_read_counters(g, 3, counters), 0);
	assert_int_equal(counters[WEIR_REASON_DROP_VERDICT].frames, dropped);
	assert_int_equal(counters[WEIR_REASON_PUNTED].frames, 0);
	assert_int_equal(gate_read_app(g, 9, volume, methods), 0);
	assert_int_equal(methods[WEIR_METHOD_PORT], flows);
	assert_int_equal(gate_read_cache(g, cache), 0);
	assert_int_equal(cache[GATE_CACHE_EVENTS_LOST], lost);
	assert_int_equal(gate_ctl(g)->abi, WEIR_ABI);
	assert_int_equal(gate_ctl(g)->generation, 7);
	assert_int_equal(gate_ctl(g)->clock_ds, 1000);
	assert_int_equal(gate_ctl(g)->handover_max_ms, 900);
	assert_int_equal(gate_ctl(g)->slots_mask, f->sizes.slots - 1);
	assert_true(gate_ctl(g)->hash_key[0] && gate_ctl(g)->hash_key[11]);
	/* What this layout has no use for is gone. */
	assert_false(pinned(f, "maps/weir_given"));
	assert_false(pinned(f, "maps_new"));
	gate_close(g);

	/* From then on it is a gate like any other. */
	g = fixture_open(f, true);
	assert_int_equal(gate_count_decided(g), FLOWS);
	gate_close(g);
	fixture_remove(f);
}

static void other_sizes_are_taken_over(void **state)
{
	struct fixture f = *(struct fixture *)*state;
	const struct old o = {&f};
	struct seen seen = {};
	uint64_t key;
	struct gate *g;

	old_make(&o);
	old_fill(&o);
	gate_close(fixture_open(&f, true));
	f.sizes.decided *= 4;
	f.sizes.slots *= 2;
	f.sizes.blocks *= 2;
	g = fixture_open(&f, true);
	key = gate_ctl(g)->hash_key[5];
	assert_int_equal(gate_count_decided(g), FLOWS);
	assert_int_equal(gate_each_flow(g, true, flow_seen, &seen), 0);
	assert_int_equal(seen.count, FLOWS);
	assert_int_equal(gate_ctl(g)->slots_mask, f.sizes.slots - 1);
	assert_int_equal(gate_ctl(g)->generation, 7);
	seen = (struct seen){};
	assert_int_equal(gate_each_block(g, block_seen, &seen), 0);
	assert_int_equal(seen.count, 1);
	gate_close(g);
	/* Smaller than what is there: the flows that find room. */
	f.sizes.decided = 1024;
	g = fixture_open(&f, true);
	assert_in_range(gate_count_decided(g), 950, 1024);
	assert_true(gate_ctl(g)->hash_key[5] == key);
	gate_close(g);
	fixture_remove(&f);
}

/* ---- layout 4: the sizes of this one, with other contents ---- */

static const struct layout4_flow flow_4 = {
	.generation = 7,
	.flags = WEIR_FLOW_TWOWAY | WEIR_FLOW_INSPECT | WEIR_FLOW_ASKED_INSPECT,
	.seen_ds = 999,
	.app = 3,
	.action = WEIR_ACTION_PASS,
	.exit = WEIR_EXIT_SHAPED,
	.frames = {1, 2},
	.bytes = {3, 4},
	.in_port = {1, 2},
	.payloads = 5,
	.id = 0x1234567800000001,
	.decided_ns = 6,
	.traits = 7ULL << 32 | 8,
	.created_ds = 900,
	.isn = {11, 12},
	.given = {13, 14},
	.class = {15, 16},
	.rule = 17,
	.pipe = 18,
	.method = WEIR_METHOD_SIGNATURE,
	.confidence = 90,
	.resets = 1,
	.oversize = 2,
};

static bool flow_4_seen(const struct weir_flow_key *key, const struct weir_flow *f, void *arg)
{
	struct seen *seen = arg;

	seen->count++;
	assert_int_equal(f->generation, 7);
	assert_int_equal(f->flags, flow_4.flags);
	assert_int_equal(f->seen_ds, 999);
	assert_true(f->created_ns == 90000000000ULL && f->id == flow_4.id);
	assert_true(f->traits == flow_4.traits && f->decided_ns == 6);
	assert_int_equal(f->app * 100 + f->action * 10 + f->exit,
			 300 + WEIR_ACTION_PASS * 10 + WEIR_EXIT_SHAPED);
	assert_memory_equal(f->frames, flow_4.frames, sizeof(f->frames));
	assert_memory_equal(f->bytes, flow_4.bytes, sizeof(f->bytes));
	assert_memory_equal(f->in_port, flow_4.in_port, sizeof(f->in_port));
	assert_memory_equal(f->isn, flow_4.isn, sizeof(f->isn));
	assert_memory_equal(f->given, flow_4.given, sizeof(f->given));
	assert_memory_equal(f->class, flow_4.class, sizeof(f->class));
	assert_int_equal(f->payloads * 1000 + f->rule * 10 + f->resets, 5171);
	assert_int_equal(f->pipe * 1000 + f->method * 100 + f->confidence,
			 18000 + WEIR_METHOD_SIGNATURE * 100 + 90);
	assert_int_equal(f->tcp_flags[0] | f->tcp_flags[1], 0);
	return true;
}

static void layout_4_is_taken_over(void **state)
{
	struct fixture *f = *state;
	struct gate *g = fixture_open(f, false);
	struct weir_flow_key key;
	struct weir_flow flow;
	uint64_t secret;

	memcpy(&flow, &flow_4, sizeof(flow));
	flow_key(1, &key);
	{
		_cleanup_close_ int tags = pin_open(f, "maps/weir_tags");
		_cleanup_close_ int entries = pin_open(f, "maps/weir_decided");
		_cleanup_close_ int undecided = pin_open(f, "maps/weir_undecided");
		struct gate_table table;

		assert_int_equal(gate_table_map(&table, tags, entries, gate_ctl(g)->sets_mask + 1,
						gate_ctl(g)->hash_key),
				 0);
		assert_int_equal(gate_table_put(&table, &key, &flow), 0);
		gate_table_unmap(&table);
		flow_key(2, &key);
		assert_int_equal(bpf_map_update_elem(undecided, &key, &flow, BPF_ANY), 0);
	}
	gate_ctl(g)->abi = 4;
	gate_ctl(g)->generation = 7;
	secret = gate_ctl(g)->hash_key[3];
	gate_close(g);

	for (int opened = 0; opened < 2; opened++) {
		struct seen seen = {};

		g = fixture_open(f, true);
		assert_int_equal(gate_ctl(g)->abi, WEIR_ABI);
		assert_int_equal(gate_ctl(g)->generation, 7);
		assert_true(gate_ctl(g)->hash_key[3] == secret);
		assert_int_equal(gate_each_flow(g, true, flow_4_seen, &seen), 0);
		assert_int_equal(seen.count, 1);
		assert_int_equal(gate_each_flow(g, false, flow_4_seen, &seen), 0);
		assert_int_equal(seen.count, 2);
		gate_close(g);
	}
	fixture_remove(f);
}

/* ---- under traffic ---- */

#define FRAMES	     4000
#define FRAME_BYTES  64
#define PORT_A	     1
#define PORT_B	     2
#define FRAME_FLOW   1
#define FRAME_NUMBER 40

/* What stands for the old gate: hands each frame to the other port. */
static int old_program(const struct old *o)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_XDP);
	_cleanup_close_ int devmap = old_map(o, "weir_devmap");
	const struct bpf_insn insns[] = {
		{.code = BPF_LD | BPF_DW | BPF_IMM,
		 .dst_reg = 1,
		 .src_reg = BPF_PSEUDO_MAP_FD,
		 .imm = devmap},
		{},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 2, .imm = PORT_B},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 3, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_redirect_map},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "weir_gate", "GPL", insns, ARRAY_SIZE(insns),
			       &opts);

	assert_true(fd >= 0);
	return fd;
}

static int pass_program(void)
{
	const struct bpf_insn insns[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "pass", "GPL", insns, ARRAY_SIZE(insns), NULL);

	assert_true(fd >= 0);
	return fd;
}

static void old_attach(const struct old *o, unsigned int ifindex)
{
	LIBBPF_OPTS(bpf_link_create_opts, opts, .flags = XDP_FLAGS_DRV_MODE);
	_cleanup_close_ int prog = old_program(o);
	_cleanup_close_ int link = bpf_link_create(prog, (int)ifindex, BPF_XDP, &opts);
	char path[256];

	assert_true(link >= 0);
	snprintf(path, sizeof(path), "%s/links/waa0_xdp", o->f->pins);
	assert_int_equal(bpf_obj_pin(link, path), 0);
}

static void old_port(const struct old *o, uint32_t port, unsigned int ifindex)
{
	const struct weir_port cfg = {.ifindex = ifindex,
				      .max_frame = 1518,
				      .queues = 1,
				      .flags = WEIR_PORT_ENABLED | WEIR_PORT_REDIRECT |
					       WEIR_PORT_FORWARDING,
				      .domain = 1};
	const struct weir_port_of of = {ifindex, port};
	uint32_t at = ifindex % WEIR_IFINDEX_SLOTS;

	old_put(o, "weir_ports", &port, &cfg);
	old_put(o, "weir_port_of", &at, &of);
	old_put(o, "weir_devmap", &port, &ifindex);
}

static void frame_make(uint8_t frame[FRAME_BYTES], uint32_t number)
{
	struct ether_header *eth = (struct ether_header *)frame;
	struct iphdr ip = {.version = 4,
			   .ihl = 5,
			   .ttl = 64,
			   .protocol = 47,
			   .tot_len = htons(FRAME_BYTES - sizeof(*eth)),
			   .saddr = htonl(0x0a000000 + FRAME_FLOW),
			   .daddr = htonl(0xc0000201)};

	memset(frame, 0, FRAME_BYTES);
	memset(frame, 2, 2 * ETH_ALEN);
	eth->ether_type = htons(ETHERTYPE_IP);
	memcpy(frame + sizeof(*eth), &ip, sizeof(ip));
	memcpy(frame + FRAME_NUMBER, &number, sizeof(number));
}

static int packet_socket(const char *ifname, int protocol)
{
	struct sockaddr_ll at = {.sll_family = AF_PACKET,
				 .sll_protocol = htons((uint16_t)protocol),
				 .sll_ifindex = (int)if_nametoindex(ifname)};
	int fd = socket(AF_PACKET, SOCK_RAW, 0), bytes = 8 << 20;

	assert_true(fd >= 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)), 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
	return fd;
}

static void *frames_flow(void *arg)
{
	const int *fd = arg;
	uint8_t frame[FRAME_BYTES];

	for (uint32_t i = 0; i < FRAMES; i++) {
		frame_make(frame, i);
		if (send(*fd, frame, sizeof(frame), 0) != sizeof(frame))
			return (void *)1;
		usleep(200);
	}
	return NULL;
}

/* The number of the next frame of the flow; -1 after a second without one. */
static int64_t frame_next(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	uint8_t frame[2048];
	uint32_t number;

	while (poll(&p, 1, 1000) == 1) {
		if (recv(fd, frame, sizeof(frame), 0) != FRAME_BYTES || frame[23] != 47)
			continue;
		memcpy(&number, frame + FRAME_NUMBER, sizeof(number));
		return number;
	}
	return -1;
}

/* A flow goes on through two ports while its gate is replaced: no frame is lost or overtaken. */
static void adopted_under_traffic(void **state)
{
	struct fixture *f = *state;
	const struct old o = {f};
	unsigned int a = veth_add("waa"), b = veth_add("wab");
	_cleanup_close_ int from = packet_socket("waa1", 0), to = packet_socket("wab1", ETH_P_ALL);
	_cleanup_close_ int pass = pass_program();
	struct weir_counter counters[WEIR_REASON_COUNT];
	struct weir_flow_key key;
	struct weir_entry entry;
	pthread_t thread;
	uint32_t before;
	struct gate *g;
	void *result;

	old_make(&o);
	old_fill(&o);
	old_port(&o, PORT_A, a);
	old_port(&o, PORT_B, b);
	old_attach(&o, a);
	before = xdp_prog(a);
	/* A veth takes redirected frames when its peer has a program. */
	assert_int_equal(
		bpf_xdp_attach((int)if_nametoindex("wab1"), pass, XDP_FLAGS_DRV_MODE, NULL), 0);
	assert_int_equal(pthread_create(&thread, NULL, frames_flow, &from), 0);
	for (int64_t i = 0; i < FRAMES / 20; i++)
		assert_int_equal(frame_next(to), i);
	g = fixture_open(f, true);
	assert_int_not_equal(xdp_prog(a), before);
	for (int64_t i = FRAMES / 20; i < FRAMES; i++)
		assert_int_equal(frame_next(to), i);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_null(result);
	assert_int_equal(gate_read_counters(g, PORT_A, counters), 0);
	printf("%llu of %u frames were the new gate's\n",
	       (unsigned long long)counters[WEIR_REASON_REDIRECTED].frames, FRAMES);
	assert_in_range(counters[WEIR_REASON_REDIRECTED].frames, 1, FRAMES - FRAMES / 20);
	flow_key(FRAME_FLOW, &key);
	{
		_cleanup_close_ int tags = pin_open(f, "maps/weir_tags");
		_cleanup_close_ int entries = pin_open(f, "maps/weir_decided");
		struct gate_table table;

		assert_int_equal(gate_table_map(&table, tags, entries, gate_ctl(g)->sets_mask + 1,
						gate_ctl(g)->hash_key),
				 0);
		assert_true(gate_table_find(&table, &key, &entry));
		gate_table_unmap(&table);
	}
	assert_true(entry.flow.id == old_flow(FRAME_FLOW).id);
	assert_int_equal(entry.flow.frames[0],
			 FRAME_FLOW + counters[WEIR_REASON_REDIRECTED].frames);
	gate_close(g);
	fixture_remove(f);
	veth_del("waa");
	veth_del("wab");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout_3_is_taken_over),
		cmocka_unit_test(layout_4_is_taken_over),
		cmocka_unit_test(other_sizes_are_taken_over),
		cmocka_unit_test(adopted_under_traffic),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
