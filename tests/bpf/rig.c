// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <linux/if_xdp.h>
#include <linux/pkt_cls.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "bpf/rig.h"
#include "gate.skel.h"
#include "queue.skel.h"

enum rig_hook rig_hooks[2] = {RIG_XDP, RIG_TC};

static const struct {
	const char *name;
	uint32_t entries;
} sizes[] = {
	{"weir_decided", 1024},	   {"weir_undecided", 256}, {"weir_done", 2 * RIG_SLOTS},
	{"weir_xsk", 8},	   {"weir_xsk_sent", 8},    {"weir_xsk_read", 8},
	{"weir_identified", 1024}, {"weir_reconnects", 64}, {"weir_endpoints", 64},
	{"weir_blocks", 64},	   {"weir_events", 4096},   {"weir_fragments", 64},
};

int rig_map(const struct rig *r, const char *name)
{
	int fd = bpf_object__find_map_fd_by_name(r->gate, name);

	if (fd < 0)
		fail_msg("no map %s", name);
	return fd;
}

int rig_prog(const struct rig *r)
{
	const char *name = r->hook == RIG_TC ? "weir_queue" : "weir_gate";

	return bpf_program__fd(
		bpf_object__find_program_by_name(r->hook == RIG_TC ? r->queue : r->gate, name));
}

static struct bpf_object *object_open(const void *elf, size_t len, const char *name)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = name);
	struct bpf_object *object = bpf_object__open_mem(elf, len, &opts);

	assert_non_null(object);
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++)
		assert_int_equal(bpf_map__set_max_entries(
					 bpf_object__find_map_by_name(object, sizes[i].name),
					 sizes[i].entries),
				 0);
	return object;
}

static void objects_load(struct rig *r)
{
	const void *elf;
	struct bpf_map *map;
	size_t len;

	elf = gate_bpf__elf_bytes(&len);
	r->gate = object_open(elf, len, "gate");
	assert_int_equal(bpf_object__load(r->gate), 0);
	elf = queue_bpf__elf_bytes(&len);
	r->queue = object_open(elf, len, "queue");
	bpf_object__for_each_map(map, r->queue)
	{
		assert_int_equal(bpf_map__reuse_fd(map, rig_map(r, bpf_map__name(map))), 0);
	}
	assert_int_equal(bpf_object__load(r->queue), 0);
}

#define RIG_DONE_BYTES (2 * RIG_SLOTS * sizeof(uint64_t))

static void *map_memory(const struct rig *r, const char *name, size_t bytes)
{
	void *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, rig_map(r, name), 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

void rig_put(const struct rig *r, const char *map, const void *key, const void *value)
{
	if (bpf_map_update_elem(rig_map(r, map), key, value, BPF_ANY))
		fail_msg("%s: %s", map, strerror(errno));
}

void rig_port_flags(struct rig *r, int port, uint32_t flags)
{
	struct weir_port cfg = {.ifindex = 1,
				.punt_ifindex = 1,
				.max_frame = 1518,
				.xsk_base = port - 1,
				.queues = 1,
				.flags = flags,
				.domain = 1,
				.local_mac = {2, 0, 0, 0, 0, 0xee}};

	rig_put(r, "weir_ports", &port, &cfg);
}

static void ports_set(struct rig *r)
{
	uint32_t flags = RIG_PORT_USUAL | (r->hook == RIG_TC ? WEIR_PORT_TC : 0);
	uint32_t lo = 1;

	r->xsk = socket(AF_XDP, SOCK_RAW, 0);
	assert_true(r->xsk >= 0);
	for (uint32_t port = RIG_A; port <= RIG_B; port++) {
		struct weir_mac_key mac = {.mac = {2, 0, 0, 0, 0, 9 + port}, .domain = 1};
		uint32_t index = port - 1;

		rig_port_flags(r, port, flags);
		rig_put(r, "weir_devmap", &port, &lo);
		rig_put(r, "weir_xsk", &index, &r->xsk);
		rig_put(r, "weir_macs", &mac, &port);
		mac.vlan = htons(100);
		rig_put(r, "weir_macs", &mac, &port);
	}
}

static void ctl_set(struct weir_ctl *ctl)
{
	ctl->abi = WEIR_ABI;
	ctl->clock_ds = 100;
	ctl->flags = WEIR_CTL_EVENTS;
	ctl->workers = 1;
	ctl->slots_mask = RIG_SLOTS - 1;
	ctl->sets_mask = RIG_SETS - 1;
	ctl->ring_frames = 64;
	ctl->handover_max_ms = 1000;
	for (uint64_t i = 0; i < WEIR_HASH_KEYS; i++)
		ctl->hash_key[i] = (i + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;
}

int rig_setup(void **state)
{
	static const uint8_t usual[RIG_APPS] = {
		[RIG_UNKNOWN] = WEIR_ACTION_PASS, [RIG_WEB] = WEIR_ACTION_PASS,
		[RIG_P2P] = WEIR_ACTION_DROP,	  [RIG_CHAT] = WEIR_ACTION_RESET,
		[RIG_PING] = WEIR_ACTION_PASS,
	};
	struct rig *r = calloc(1, sizeof(*r));
	uint32_t icmp[] = {1, 58}, app = RIG_PING;

	assert_non_null(r);
	r->hook = *(enum rig_hook *)*state;
	objects_load(r);
	r->ctl = map_memory(r, "weir_ctl", 4096);
	r->done = map_memory(r, "weir_done", RIG_DONE_BYTES);
	r->sent = map_memory(r, "weir_xsk_sent", 4096);
	r->read = map_memory(r, "weir_xsk_read", 4096);
	ctl_set(r->ctl);
	assert_int_equal(gate_table_map(&r->table, rig_map(r, "weir_tags"),
					rig_map(r, "weir_decided"), RIG_SETS, r->ctl->hash_key),
			 0);
	ports_set(r);
	rig_put(r, "weir_proto_apps", &icmp[0], &app);
	rig_put(r, "weir_proto_apps", &icmp[1], &app);
	rig_policy(r, 1, usual);
	*state = r;
	return 0;
}

int rig_teardown(void **state)
{
	struct rig *r = *state;

	r->table.sets = RIG_SETS;
	gate_table_unmap(&r->table);
	munmap(r->ctl, 4096);
	munmap(r->done, RIG_DONE_BYTES);
	munmap(r->sent, 4096);
	munmap(r->read, 4096);
	bpf_object__close(r->queue);
	bpf_object__close(r->gate);
	close(r->xsk);
	free(r);
	return 0;
}

static int inner_new(enum bpf_map_type type, uint32_t key_bytes, uint32_t value_bytes,
		     uint32_t entries)
{
	uint32_t flags = type == BPF_MAP_TYPE_LPM_TRIE ? BPF_F_NO_PREALLOC : BPF_F_INNER_MAP;
	LIBBPF_OPTS(bpf_map_create_opts, opts, .map_flags = flags);
	int fd = bpf_map_create(type, NULL, key_bytes, value_bytes, entries, &opts);

	assert_true(fd >= 0);
	return fd;
}

static int inner_open(const struct rig *r, const char *outer)
{
	uint32_t slot = r->ctl->generation & 1, id;
	int fd;

	assert_int_equal(bpf_map_lookup_elem(rig_map(r, outer), &slot, &id), 0);
	fd = bpf_map_get_fd_by_id(id);
	assert_true(fd >= 0);
	return fd;
}

static void inner_put(int fd, const void *key, const void *value)
{
	assert_int_equal(bpf_map_update_elem(fd, key, value, BPF_ANY), 0);
}

/* Rules by application, for all destinations and for sources of class 0. */
static void sets_fill(int sets, struct weir_rules_head head)
{
	struct weir_rule_set all = {{(1u << RIG_APPS) - 1}};
	uint32_t index = 0;

	inner_put(sets, &index, &head);
	index = WEIR_SETS_FROM(0);
	inner_put(sets, &index, &all);
	for (uint32_t class = 0; class < head.classes; class ++) {
		index = WEIR_SETS_TO(head.classes, class);
		inner_put(sets, &index, &all);
	}
	for (uint32_t app = 0; app < RIG_APPS; app++) {
		struct weir_rule_set one = {{1u << app}};

		index = WEIR_SETS_APP(head.classes, app);
		inner_put(sets, &index, &one);
	}
}

/* Class 1 is 10.0.0.64/26: as a source no rule has it, and it passes. */
void rig_policy(struct rig *r, uint32_t generation, const uint8_t action[RIG_APPS])
{
	const struct weir_rules_head head = {.rules = RIG_APPS, .words = 1, .classes = 2};
	const struct weir_rule pass = {
		.cell = {.action = WEIR_ACTION_PASS, .rule = WEIR_RULE_DEFAULT}};
	_cleanup_close_ int classes = inner_new(BPF_MAP_TYPE_LPM_TRIE, 20, 4, 16);
	_cleanup_close_ int sets =
		inner_new(BPF_MAP_TYPE_ARRAY, 4, sizeof(struct weir_rule_set), WEIR_SETS_COUNT(2));
	_cleanup_close_ int rules = inner_new(BPF_MAP_TYPE_ARRAY, 4, sizeof(pass), RIG_APPS + 1);
	_cleanup_close_ int traits = inner_new(BPF_MAP_TYPE_ARRAY, 4, 4, WEIR_TRAITS_MAX);
	_cleanup_close_ int macs =
		inner_new(BPF_MAP_TYPE_LPM_TRIE, sizeof(struct weir_mac_trait_key), 4, 16);
	struct weir_class_key key = {122, {0, 0, htonl(0xffff), htonl(0x0a000040)}};
	uint32_t slot = generation & 1, one = 1, last = RIG_APPS;

	inner_put(classes, &key, &one);
	sets_fill(sets, head);
	for (uint32_t app = 0; app < RIG_APPS; app++) {
		struct weir_rule rule = {.cell = {.action = action[app], .rule = app}};

		inner_put(rules, &app, &rule);
	}
	inner_put(rules, &last, &pass);
	rig_put(r, "weir_classes", &slot, &classes);
	rig_put(r, "weir_rule_sets", &slot, &sets);
	rig_put(r, "weir_rules", &slot, &rules);
	rig_put(r, "weir_traits", &slot, &traits);
	rig_put(r, "weir_mac_traits", &slot, &macs);
	r->ctl->generation = generation;
}

void rig_watch(struct rig *r, uint16_t app, uint8_t flags)
{
	_cleanup_close_ int rules = inner_open(r, "weir_rules");
	uint32_t index = app;
	struct weir_rule rule;

	assert_int_equal(bpf_map_lookup_elem(rules, &index, &rule), 0);
	rule.cell.flags = flags;
	inner_put(rules, &index, &rule);
}

void rig_exit(struct rig *r, uint16_t app, uint8_t exit, uint16_t pipe)
{
	_cleanup_close_ int rules = inner_open(r, "weir_rules");
	uint32_t index = app;
	struct weir_rule rule;

	assert_int_equal(bpf_map_lookup_elem(rules, &index, &rule), 0);
	rule.cell.exit = exit;
	rule.cell.pipe = pipe;
	inner_put(rules, &index, &rule);
}

void rig_needs(struct rig *r, uint16_t app, uint64_t traits)
{
	_cleanup_close_ int rules = inner_open(r, "weir_rules");
	uint32_t index = app;
	struct weir_rule rule;

	assert_int_equal(bpf_map_lookup_elem(rules, &index, &rule), 0);
	rule.traits = traits;
	inner_put(rules, &index, &rule);
}

void rig_trait(struct rig *r, uint32_t index, uint32_t traits)
{
	_cleanup_close_ int fd = inner_open(r, "weir_traits");

	inner_put(fd, &index, &traits);
}

void rig_mac_trait(struct rig *r, const struct weir_mac_trait_key *key, uint32_t traits)
{
	_cleanup_close_ int fd = inner_open(r, "weir_mac_traits");

	inner_put(fd, key, &traits);
}

void rig_blocks(struct rig *r, const struct policy_block *list, size_t count)
{
	struct policy_blocks made;
	uint32_t slot = 0;
	LIBBPF_OPTS(bpf_map_create_opts, trie_opts, .map_flags = BPF_F_NO_PREALLOC);
	_cleanup_close_ int trie =
		bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, NULL, 20, 4, 64, &trie_opts);
	_cleanup_close_ int set =
		bpf_map_create(BPF_MAP_TYPE_HASH, NULL, sizeof(struct weir_block_key), 8, 64, NULL);

	assert_true(trie >= 0 && set >= 0);
	assert_int_equal(policy_blocks_compile(list, count, &made), 0);
	for (size_t i = 0; i < made.prefix_count; i++)
		inner_put(trie, &made.prefixes[i].key, &made.prefixes[i].class);
	for (size_t i = 0; i < made.count; i++)
		inner_put(set, &made.entries[i].key, &made.entries[i].expires_ns);
	policy_blocks_fini(&made);
	rig_put(r, "weir_block_tries", &slot, &trie);
	rig_put(r, "weir_block_sets", &slot, &set);
	if (count)
		r->ctl->flags |= WEIR_CTL_BLOCKS;
	else
		r->ctl->flags &= ~WEIR_CTL_BLOCKS;
}

struct policy_block rig_block_of_b(uint16_t port, uint64_t expires_ns)
{
	struct policy_block block = {.block = {.from_bits = 128,
					       .to_bits = WEIR_BLOCK_ONE_SIDE,
					       .port = htons(port),
					       .app = WEIR_BLOCK_ANY_APP},
				     .expires_ns = expires_ns};

	shape_address(&(struct shape){0}, true, block.block.from);
	return block;
}

void rig_confidence(struct rig *r, uint8_t asked)
{
	for (uint32_t value = asked; value <= 100; value++)
		rig_trait(r, WEIR_TRAITS_CONFIDENCE_AT + value, 1);
	for (uint16_t app = 0; app < RIG_APPS; app++)
		rig_needs(r, app, 1);
}

uint64_t rig_identify(struct rig *r, const struct shape *s, uint16_t app)
{
	struct weir_flow flow;

	assert_int_equal(rig_send(r, s, NULL), WEIR_REASON_PUNTED);
	assert_true(rig_flow(r, false, s, &flow));
	rig_tell(r, flow.id, app, 0);
	rig_finish(r);
	return flow.id;
}

void rig_reconnect(struct rig *r, uint16_t app, uint64_t expires_ns, uint8_t flags)
{
	struct weir_reconnect_key key = {.dport = htons(80), .proto = IPPROTO_TCP, .domain = 1};
	struct weir_peer peer = {
		.expires_ns = expires_ns, .app = app, .confidence = 80, .flags = flags};

	shape_address(&(struct shape){0}, false, key.src);
	shape_address(&(struct shape){0}, true, key.dst);
	rig_put(r, "weir_reconnects", &key, &peer);
}

uint64_t rig_soon(void)
{
	return time_now_ns() + 60000000000ULL;
}

/* Sums over CPUs of the first words of an element. */
static void words_sum(const struct rig *r, const char *map, uint32_t index, uint64_t sum[3])
{
	int cpus = libbpf_num_possible_cpus();
	struct bpf_map *m = bpf_object__find_map_by_name(r->gate, map);
	size_t words = bpf_map__value_size(m) / 8;
	uint64_t values[256 * 3];

	assert_true(cpus <= 256);
	assert_int_equal(bpf_map_lookup_elem(bpf_map__fd(m), &index, values), 0);
	memset(sum, 0, 3 * sizeof(*sum));
	for (size_t i = 0; i < cpus * words; i++)
		sum[i % words] += values[i];
}

/* Frames that were redirected, from and to a port; 0 = any. */
static struct weir_volume redirected(const struct rig *r, uint32_t from, uint32_t to)
{
	struct weir_volume sum = {};

	for (uint32_t in = RIG_A; in <= RIG_B; in++)
		for (uint32_t out = RIG_A; out <= RIG_B; out++) {
			uint64_t words[3];

			if ((from && from != in) || (to && to != out))
				continue;
			words_sum(r, "weir_redirected", in * WEIR_PORTS_MAX + out, words);
			sum.frames += words[0];
			sum.bytes += words[1];
		}
	return sum;
}

uint64_t rig_sum(const struct rig *r, const char *map, uint32_t index)
{
	uint64_t words[3];

	words_sum(r, map, index, words);
	if (!strcmp(map, "weir_counters") && index % WEIR_REASON_STRIDE == WEIR_REASON_REDIRECTED)
		words[0] += index < WEIR_REASON_STRIDE
				    ? 0
				    : redirected(r, index / WEIR_REASON_STRIDE, 0).frames;
	if (!strcmp(map, "weir_sent"))
		words[0] += redirected(r, 0, index).frames;
	if (!strcmp(map, "weir_cache") && index == 0)
		words[0] += redirected(r, 0, 0).frames;
	return words[0];
}

#define RIG_COUNTERS ((RIG_B + 1) * WEIR_REASON_STRIDE) /* no other port exists */

static void counters_read(const struct rig *r, struct weir_counter *out)
{
	int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ struct weir_counter *all = calloc(RIG_COUNTERS, cpus * sizeof(*all));
	uint32_t keys[RIG_COUNTERS], count = RIG_COUNTERS, batch;
	int err = bpf_map_lookup_batch(rig_map(r, "weir_counters"), NULL, &batch, keys, all, &count,
				       NULL);

	assert_non_null(all);
	assert_false(err);
	assert_int_equal(count, RIG_COUNTERS);
	memset(out, 0, RIG_COUNTERS * sizeof(*out));
	for (int i = 0; i < RIG_COUNTERS; i++)
		for (int cpu = 0; cpu < cpus; cpu++) {
			out[i].frames += all[i * cpus + cpu].frames;
			out[i].bytes += all[i * cpus + cpu].bytes;
			out[i].segments += all[i * cpus + cpu].segments;
		}
	for (uint32_t port = RIG_A; port <= RIG_B; port++) {
		struct weir_volume v = redirected(r, port, 0);
		struct weir_counter *c = &out[port * WEIR_REASON_STRIDE + WEIR_REASON_REDIRECTED];

		c->frames += v.frames;
		c->segments += v.frames;
		c->bytes += v.bytes;
	}
}

/* Finds the one reason whose counter moved. */
static void counters_compare(const struct weir_counter *before, const struct weir_counter *after,
			     struct outcome *out)
{
	uint64_t frames = 0;

	out->reason = RIG_BROKEN;
	for (int i = 0; i < RIG_COUNTERS; i++) {
		if (!memcmp(&before[i], &after[i], sizeof(*before)))
			continue;
		frames += after[i].frames - before[i].frames;
		out->reason = i % WEIR_REASON_STRIDE;
		out->port = i / WEIR_REASON_STRIDE;
		out->bytes = after[i].bytes - before[i].bytes;
		out->segments = after[i].segments - before[i].segments;
	}
	if (frames != 1)
		out->reason = RIG_BROKEN;
}

static void outcome_unpack(const struct rig *r, size_t sent_len, struct outcome *out)
{
	if (r->hook == RIG_XDP) {
		out->punted =
			out->action == XDP_REDIRECT && out->len == sent_len + sizeof(out->punt);
		memcpy(&out->punt, out->data, sizeof(out->punt));
		return;
	}
	memcpy(&out->prefix, out->data, sizeof(out->prefix));
	out->punt = out->prefix.punt;
	out->punted = out->action == TC_ACT_REDIRECT && out->prefix.eth[12] == 0x88 &&
		      out->prefix.eth[13] == 0xb5;
}

void rig_run(struct rig *r, int port, const void *data, size_t len, struct outcome *out)
{
	static struct weir_counter before[RIG_COUNTERS], after[RIG_COUNTERS];
	struct weir_port_of of = {.ifindex = 1, .port = port};
	struct __sk_buff skb = {.gso_size = r->gso_size, .gso_segs = r->gso_segs};
	uint32_t lo = 1;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = data, .data_size_in = len,
		    .data_out = out->data, .data_size_out = sizeof(out->data));

	if (r->gso_size) {
		opts.ctx_in = &skb;
		opts.ctx_size_in = sizeof(skb);
	}
	rig_put(r, "weir_port_of", &lo, &of);
	if (!r->hung)
		r->ctl->heartbeat_ns[0] = time_now_ns();
	memset(out->data, 0, sizeof(out->prefix));
	counters_read(r, before);
	if (bpf_prog_test_run_opts(rig_prog(r), &opts))
		fail_msg("test run of %zu bytes: %s", len, strerror(errno));
	counters_read(r, after);
	out->action = (int)opts.retval;
	out->len = opts.data_size_out;
	counters_compare(before, after, out);
	outcome_unpack(r, len, out);
}

int rig_send(struct rig *r, const struct shape *s, struct outcome *out)
{
	struct outcome ignored;
	struct built frame;

	shape_build(s, &frame);
	if (!out)
		out = &ignored;
	rig_run(r, s->reverse ? RIG_B : RIG_A, frame.data, frame.len, out);
	return out->reason;
}

void rig_done(struct rig *r, const struct weir_flow *flow, uint8_t dir, uint32_t number)
{
	r->done[weir_done_index(flow->id, dir, r->ctl->slots_mask)] =
		weir_done_word(flow->id, number);
}

static void flow_finish(struct rig *r, const struct weir_flow *flow)
{
	for (uint8_t dir = 0; dir < 2; dir++)
		if (flow->given[dir])
			rig_done(r, flow, dir, flow->given[dir]);
}

/* A flow that was moved has its last numbers in the decided table. */
void rig_finish(struct rig *r)
{
	int map = rig_map(r, "weir_undecided");
	struct weir_flow_key key;
	struct weir_flow flow;
	struct weir_entry e;
	bool first = true;

	while (!bpf_map_get_next_key(map, first ? NULL : &key, &key)) {
		first = false;
		if (!bpf_map_lookup_elem(map, &key, &flow))
			flow_finish(r, &flow);
	}
	for (uint32_t i = 0; i < r->table.sets * WEIR_WAYS; i++)
		if (gate_table_read(&r->table, i, &e))
			flow_finish(r, &e.flow);
	for (uint32_t xsk = 0; xsk < 8; xsk++)
		r->read[xsk] = r->sent[xsk];
}

static void forget(int map)
{
	_Static_assert(sizeof(struct weir_fragment_key) <= sizeof(struct weir_flow_key), "fits");
	struct weir_flow_key key;

	while (!bpf_map_get_next_key(map, NULL, &key))
		assert_int_equal(bpf_map_delete_elem(map, &key), 0);
}

void rig_forget(struct rig *r)
{
	memset(r->table.tags, 0, RIG_SETS * sizeof(*r->table.tags));
	forget(rig_map(r, "weir_undecided"));
	forget(rig_map(r, "weir_fragments"));
	rig_finish(r);
}

bool rig_flow(const struct rig *r, bool decided, const struct shape *s, struct weir_flow *out)
{
	struct weir_flow_key key;
	struct weir_entry e;

	shape_key(s, &key, NULL);
	if (!decided)
		return !bpf_map_lookup_elem(rig_map(r, "weir_undecided"), &key, out);
	if (!gate_table_find(&r->table, &key, &e))
		return false;
	*out = e.flow;
	return true;
}

void rig_tell(struct rig *r, uint64_t id, uint16_t app, uint8_t flags)
{
	struct weir_identification v = {.app = app,
					.method = WEIR_METHOD_SIGNATURE,
					.confidence = 90,
					.flags = flags,
					.payloads = 2};

	rig_put(r, "weir_identified", &id, &v);
}

struct events {
	enum weir_event_kind kind;
	unsigned int count;
	struct weir_event *last;
};

static int event_take(void *arg, void *data, size_t len)
{
	struct events *seen = arg;
	const struct weir_event *e = data;

	assert_int_equal(len, sizeof(*e));
	if (e->kind != seen->kind)
		return 0;
	seen->count++;
	if (seen->last)
		*seen->last = *e;
	return 0;
}

unsigned int rig_events(struct rig *r, enum weir_event_kind kind, struct weir_event *last)
{
	struct events seen = {.kind = kind, .last = last};
	struct ring_buffer *ring =
		ring_buffer__new(rig_map(r, "weir_events"), event_take, &seen, NULL);

	assert_non_null(ring);
	assert_true(ring_buffer__consume(ring) >= 0);
	ring_buffer__free(ring);
	return seen.count;
}
