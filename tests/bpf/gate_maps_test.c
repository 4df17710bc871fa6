// SPDX-License-Identifier: GPL-2.0-only
/* Policy generations, ports, and what is read out of the maps. Needs root. */
#include "gate_fixture.h"

#include "gate/table.h"

#include <arpa/inet.h>

#define FLOWS 1500 /* of 16384 places: no set of 8 has more */

static int map_open(const struct fixture *f, const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "maps/%s", name);
	return pin_open(f, path);
}

/* The inner map in a slot of an outer one. */
static int inner_open(const struct fixture *f, const char *name, uint32_t slot)
{
	_cleanup_close_ int outer = map_open(f, name);
	uint32_t id;
	int fd;

	assert_int_equal(bpf_map_lookup_elem(outer, &slot, &id), 0);
	fd = bpf_map_get_fd_by_id(id);
	assert_true(fd >= 0);
	return fd;
}

/* A policy of two classes and two rules; the default names rule `mark`. */
struct small_policy {
	struct policy p;
	struct policy_class classes[2];
	struct weir_rule_set sets[WEIR_SETS_COUNT(2)];
	struct weir_rule rules[3];
	uint32_t traits[WEIR_TRAITS_VLAN_AT];
	struct policy_mac mac;
};

static struct small_policy *policy_make(uint16_t mark)
{
	const struct weir_rules_head head = {.rules = 2, .words = 1, .classes = 2};
	struct small_policy *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	s->classes[0] = (struct policy_class){{120, {0, 0, htonl(0xffff), htonl(0x0a010000)}}, 1};
	s->classes[1] = (struct policy_class){{48, {htonl(0x20010db8), htonl(0x00010000)}}, 1};
	memcpy(s->sets, &head, sizeof(head));
	s->sets[WEIR_SETS_APP(2, 1023)].word[0] = mark;
	s->rules[0] = (struct weir_rule){.traits = 5, .cell = {.action = WEIR_ACTION_DROP}};
	s->rules[2] = (struct weir_rule){.cell = {.action = WEIR_ACTION_PASS, .rule = mark}};
	s->traits[WEIR_TRAITS_PROTO_AT + 6] = mark;
	s->mac = (struct policy_mac){{.prefixlen = 24, .mac = {2, 1, 1}}, mark};
	s->p = (struct policy){.classes = s->classes,
			       .class_count = 2,
			       .class_ids = 2,
			       .rule_count = 2,
			       .sets = s->sets,
			       .compiled = s->rules,
			       .traits = s->traits,
			       .trait_count = WEIR_TRAITS_VLAN_AT,
			       .macs = &s->mac,
			       .mac_count = 1};
	return s;
}

static void check_slot(const struct fixture *f, uint32_t slot, uint16_t mark)
{
	_cleanup_close_ int classes = inner_open(f, "weir_classes", slot);
	_cleanup_close_ int sets = inner_open(f, "weir_rule_sets", slot);
	_cleanup_close_ int rules = inner_open(f, "weir_rules", slot);
	_cleanup_close_ int traits = inner_open(f, "weir_traits", slot);
	_cleanup_close_ int macs = inner_open(f, "weir_mac_traits", slot);
	struct weir_class_key key = {128, {0, 0, htonl(0xffff), htonl(0x0a010042)}};
	struct weir_mac_trait_key mac = {48, {2, 1, 1, 4, 5, 6}, {0}};
	struct weir_rule_set set;
	struct weir_rule rule;
	uint32_t class = 0, index = 0, bits = 0;

	assert_int_equal(bpf_map_lookup_elem(classes, &key, &class), 0);
	assert_int_equal(class, 1);
	key.addr[3] = htonl(0x0a020042);
	assert_int_not_equal(bpf_map_lookup_elem(classes, &key, &class), 0);
	assert_int_equal(bpf_map_lookup_elem(sets, &index, &set), 0);
	assert_int_equal(((struct weir_rules_head *)&set)->classes, 2);
	index = WEIR_SETS_COUNT(2) - 1;
	assert_int_equal(bpf_map_lookup_elem(sets, &index, &set), 0);
	assert_int_equal(set.word[0], mark);
	index = 0;
	assert_int_equal(bpf_map_lookup_elem(rules, &index, &rule), 0);
	assert_int_equal(rule.traits, 5);
	assert_int_equal(rule.cell.action, WEIR_ACTION_DROP);
	index = 2;
	assert_int_equal(bpf_map_lookup_elem(rules, &index, &rule), 0);
	assert_int_equal(rule.cell.rule, mark);
	index = WEIR_TRAITS_PROTO_AT + 6;
	assert_int_equal(bpf_map_lookup_elem(traits, &index, &bits), 0);
	assert_int_equal(bits, mark);
	assert_int_equal(bpf_map_lookup_elem(macs, &mac, &bits), 0);
	assert_int_equal(bits, mark);
	mac.mac[2] = 2;
	assert_int_not_equal(bpf_map_lookup_elem(macs, &mac, &bits), 0);
}

static void policies_alternate_between_slots(void **state)
{
	struct fixture *f = *state;
	struct gate *g = fixture_open(f, false);
	_cleanup_free_ struct small_policy *first = policy_make(11), *second = policy_make(22);
	uint32_t generation = 0;

	gate_redecide(g);
	assert_int_equal(gate_ctl(g)->generation, 0);
	assert_int_equal(gate_load_policy(g, &first->p, &generation), 0);
	assert_int_equal(generation, 1);
	assert_int_equal(gate_ctl(g)->generation, 1);
	assert_int_equal(gate_ctl(g)->loaded, 1);
	check_slot(f, 1, 11);
	assert_int_equal(gate_load_policy(g, &second->p, &generation), 0);
	assert_int_equal(generation, 2);
	check_slot(f, 0, 22);
	check_slot(f, 1, 11);
	gate_redecide(g);
	assert_int_equal(gate_ctl(g)->generation, 4);
	assert_int_equal(gate_ctl(g)->loaded, 2);
	assert_int_equal(gate_load_policy(g, &first->p, &generation), 0);
	assert_int_equal(generation, 5);
	check_slot(f, 1, 11);
	/* Zero means "none": it is stepped over into the same slot. */
	gate_ctl(g)->generation = UINT32_MAX;
	assert_int_equal(gate_load_policy(g, &second->p, &generation), 0);
	assert_int_equal(generation, 2);
	gate_close(g);
	fixture_remove(f);
}

static void a_policy_that_fails_changes_nothing(void **state)
{
	struct fixture *f = *state;
	struct gate *g = fixture_open(f, false);
	_cleanup_free_ struct small_policy *good = policy_make(1), *bad = policy_make(2);
	uint32_t generation = 0;

	assert_int_equal(gate_load_policy(g, &good->p, &generation), 0);
	bad->classes[1].key.prefixlen = 129;
	assert_int_equal(gate_load_policy(g, &bad->p, &generation), -EINVAL);
	assert_int_equal(generation, 1);
	assert_int_equal(gate_ctl(g)->generation, 1);
	check_slot(f, 1, 1);
	gate_close(g);
	fixture_remove(f);
}

/* What is staged is obeyed from the switch on. */
static void a_policy_is_staged_first(void **state)
{
	struct fixture *f = *state;
	struct gate *g = fixture_open(f, false);
	_cleanup_free_ struct small_policy *first = policy_make(1), *second = policy_make(2);
	uint32_t generation = 0;

	assert_int_equal(gate_load_policy(g, &first->p, &generation), 0);
	assert_int_equal(gate_stage_policy(g, &second->p), 0);
	assert_int_equal(second->p.generation, 2);
	assert_int_equal(gate_ctl(g)->generation, 1);
	assert_int_equal(gate_ctl(g)->loaded, 1);
	check_slot(f, 0, 2);
	gate_switch_policy(g, &second->p);
	assert_int_equal(gate_ctl(g)->generation, 2);
	assert_int_equal(gate_ctl(g)->loaded, 2);
	gate_close(g);
	fixture_remove(f);
}

/* A policy without a single group, and the largest there may be. */
static void policies_of_any_size(void **state)
{
	struct fixture *f = *state;
	struct gate *g = fixture_open(f, false);
	const uint32_t sets = WEIR_SETS_COUNT(WEIR_CLASSES_MAX);
	_cleanup_free_ struct small_policy *none = policy_make(3);
	_cleanup_free_ struct weir_rule_set *many = calloc(sets, sizeof(*many));
	_cleanup_free_ struct weir_rule *rules = calloc(WEIR_RULES_MAX + 1, sizeof(*rules));
	_cleanup_free_ uint32_t *traits = calloc(WEIR_TRAITS_MAX, sizeof(*traits));
	_cleanup_close_ int last_set = -1, last_rule = -1, last_trait = -1;
	uint32_t generation, index = sets - 1, bits = 0;
	struct weir_rule_set set;
	struct weir_rule rule;

	none->p.class_count = none->p.mac_count = none->p.trait_count = none->p.rule_count = 0;
	none->p.class_ids = 1;
	assert_int_equal(gate_load_policy(g, &none->p, &generation), 0);
	many[index].word[WEIR_RULE_WORDS - 1] = 77;
	rules[WEIR_RULES_MAX].cell.rule = 1023;
	traits[WEIR_TRAITS_MAX - 1] = 78;
	none->p.class_ids = WEIR_CLASSES_MAX;
	none->p.sets = many;
	none->p.compiled = rules;
	none->p.rule_count = WEIR_RULES_MAX;
	none->p.traits = traits;
	none->p.trait_count = WEIR_TRAITS_MAX;
	assert_int_equal(gate_load_policy(g, &none->p, &generation), 0);
	last_set = inner_open(f, "weir_rule_sets", generation & 1);
	assert_int_equal(bpf_map_lookup_elem(last_set, &index, &set), 0);
	assert_int_equal(set.word[WEIR_RULE_WORDS - 1], 77);
	last_rule = inner_open(f, "weir_rules", generation & 1);
	index = WEIR_RULES_MAX;
	assert_int_equal(bpf_map_lookup_elem(last_rule, &index, &rule), 0);
	assert_int_equal(rule.cell.rule, 1023);
	last_trait = inner_open(f, "weir_traits", generation & 1);
	index = WEIR_TRAITS_MAX - 1;
	assert_int_equal(bpf_map_lookup_elem(last_trait, &index, &bits), 0);
	assert_int_equal(bits, 78);
	gate_close(g);
	fixture_remove(f);
}

static void trait_numbers_are_kept(void **state)
{
	struct fixture *f = *state;
	struct gate *g = fixture_open(f, false);
	uint64_t ids[WEIR_USER_TRAITS] = {0}, again[WEIR_USER_TRAITS];

	assert_int_equal(gate_read_trait_ids(g, again), 0);
	assert_memory_equal(again, ids, sizeof(ids));
	ids[3] = 1ULL << 40;
	ids[31] = 9;
	assert_int_equal(gate_write_trait_ids(g, ids), 0);
	gate_close(g);
	g = fixture_open(f, true);
	assert_int_equal(gate_read_trait_ids(g, again), 0);
	assert_memory_equal(again, ids, sizeof(ids));
	gate_close(g);
	fixture_remove(f);
}

/* Writes value to CPU 0 and value + 1, value + 2 ... to the others; returns their sum. */
static uint64_t percpu_put(int fd, uint32_t index, size_t words, size_t word, uint64_t value)
{
	int cpus = libbpf_num_possible_cpus();
	_cleanup_free_ uint64_t *values = calloc((size_t)cpus * words, sizeof(*values));
	uint64_t sum = 0;

	assert_non_null(values);
	assert_int_equal(bpf_map_lookup_elem(fd, &index, values), 0);
	for (int cpu = 0; cpu < cpus; cpu++) {
		values[cpu * words + word] = value + cpu;
		sum += value + cpu;
	}
	assert_int_equal(bpf_map_update_elem(fd, &index, values, BPF_ANY), 0);
	return sum;
}

static void rule_hits_start_at_zero(void **state)
{
	struct fixture *f = *state;
	struct gate *g = fixture_open(f, false);
	_cleanup_free_ struct small_policy *s = policy_make(1);
	_cleanup_close_ int fd = map_open(f, "weir_rule_hits");
	uint64_t hits, ours, others;
	uint32_t generation;

	assert_int_equal(gate_load_policy(g, &s->p, &generation), 0);
	ours = percpu_put(fd, 1025 + 7, 1, 0, 100);
	others = percpu_put(fd, 1025 + 1024, 1, 0, 200);
	percpu_put(fd, 1024, 1, 0, 300);
	assert_int_equal(gate_read_rule_hits(g, 1, 7, &hits), 0);
	assert_int_equal(hits, ours);
	assert_int_equal(gate_read_rule_hits(g, 1, WEIR_RULE_DEFAULT, &hits), 0);
	assert_int_equal(hits, others);
	/* Generation 2 clears its own half and leaves that of 1. */
	assert_int_equal(gate_load_policy(g, &s->p, &generation), 0);
	assert_int_equal(gate_read_rule_hits(g, 2, WEIR_RULE_DEFAULT, &hits), 0);
	assert_int_equal(hits, 0);
	assert_int_equal(gate_read_rule_hits(g, 1, 7, &hits), 0);
	assert_int_equal(hits, ours);
	assert_int_equal(gate_read_rule_hits(g, 1, 1025, &hits), -EINVAL);
	gate_close(g);
	fixture_remove(f);
}

static void sums_run_over_all_cpus(void **state)
{
	struct fixture *f = *state;
	struct gate *g = fixture_open(f, false);
	_cleanup_close_ int counters = map_open(f, "weir_counters");
	_cleanup_close_ int sent = map_open(f, "weir_sent");
	_cleanup_close_ int redirected = map_open(f, "weir_redirected");
	_cleanup_close_ int bytes = map_open(f, "weir_app_bytes");
	_cleanup_close_ int flows = map_open(f, "weir_app_flows");
	_cleanup_close_ int cache = map_open(f, "weir_cache");
	struct weir_counter out[WEIR_REASON_COUNT];
	struct weir_volume volume, app[2];
	uint64_t methods[WEIR_METHOD_COUNT], results[GATE_CACHE_COUNT], want, row;
	uint32_t index = 31 * WEIR_REASON_STRIDE + WEIR_REASON_DROP_VERDICT;

	want = percpu_put(counters, index, 3, 2, 1000);
	assert_int_equal(gate_read_counters(g, 31, out), 0);
	assert_int_equal(out[WEIR_REASON_DROP_VERDICT].segments, want);
	assert_int_equal(out[WEIR_REASON_DROP_VERDICT].frames, 0);
	assert_int_equal(out[WEIR_REASON_PUNTED].segments, 0);
	assert_int_equal(gate_read_counters(g, WEIR_PORTS_MAX, out), -EINVAL);

	want = percpu_put(sent, 4, 2, 1, 50);
	assert_int_equal(gate_read_sent(g, 4, &volume), 0);
	assert_int_equal(volume.frames, 0);
	assert_int_equal(volume.bytes, want);

	/* A frame that was redirected is counted once and shows in three places. */
	row = percpu_put(redirected, 3 * WEIR_PORTS_MAX + 4, 2, 0, 500);
	assert_int_equal(gate_read_sent(g, 4, &volume), 0);
	assert_int_equal(volume.frames, row);
	assert_int_equal(volume.bytes, want);
	assert_int_equal(gate_read_counters(g, 3, out), 0);
	assert_int_equal(out[WEIR_REASON_REDIRECTED].frames, row);
	assert_int_equal(out[WEIR_REASON_REDIRECTED].segments, row);
	assert_int_equal(gate_read_cache(g, results), 0);
	assert_int_equal(results[GATE_CACHE_DECIDED], row);

	want = percpu_put(bytes, 9 * 2 + 1, 2, 0, 60);
	percpu_put(flows, 9 * WEIR_METHOD_STRIDE + WEIR_METHOD_ENDPOINT, 1, 0, 70);
	assert_int_equal(gate_read_app(g, 9, app, methods), 0);
	assert_int_equal(app[0].frames, 0);
	assert_int_equal(app[1].frames, want);
	assert_true(methods[WEIR_METHOD_ENDPOINT] >= 70);
	assert_int_equal(methods[WEIR_METHOD_PORT], 0);
	assert_int_equal(gate_read_app(g, WEIR_APPS_MAX, app, methods), -EINVAL);

	want = percpu_put(cache, 3, 1, 0, 5);
	assert_int_equal(gate_read_cache(g, results), 0);
	assert_int_equal(results[GATE_CACHE_EVENTS_LOST], want);
	assert_int_equal(results[GATE_CACHE_NEW], 0);
	gate_close(g);
	fixture_remove(f);
}

struct seen {
	uint32_t count, stop_after;
	uint64_t ids;
};

static bool flow_seen(const struct weir_flow_key *key, const struct weir_flow *flow, void *arg)
{
	struct seen *seen = arg;

	assert_int_equal(key->addr[0][3], (uint32_t)flow->id);
	seen->ids += flow->id;
	return ++seen->count != seen->stop_after;
}

static void every_flow_is_seen_once(void **state)
{
	struct fixture *f = *state;
	struct gate *g = fixture_open(f, false);
	_cleanup_close_ int tags = map_open(f, "weir_tags"), entries = map_open(f, "weir_decided");
	_cleanup_close_ int undecided = map_open(f, "weir_undecided");
	struct seen seen = {};
	struct gate_table table;

	assert_int_equal(gate_table_map(&table, tags, entries, gate_ctl(g)->sets_mask + 1,
					gate_ctl(g)->hash_key),
			 0);
	assert_int_equal(gate_each_flow(g, true, flow_seen, &seen), 0);
	assert_int_equal(seen.count, 0);
	for (uint32_t i = 1; i <= FLOWS; i++) {
		struct weir_flow_key key = {.addr[0][3] = i, .proto = 6};
		struct weir_flow flow = {.id = i};

		assert_int_equal(gate_table_put(&table, &key, &flow), 0);
	}
	assert_int_equal(gate_count_decided(g), FLOWS);
	assert_int_equal(gate_each_flow(g, true, flow_seen, &seen), 0);
	assert_int_equal(seen.count, FLOWS);
	assert_int_equal(seen.ids, (uint64_t)FLOWS * (FLOWS + 1) / 2);
	seen = (struct seen){.stop_after = 5};
	assert_int_equal(gate_each_flow(g, true, flow_seen, &seen), 0);
	assert_int_equal(seen.count, 5);

	for (uint32_t i = 1; i <= 10; i++) {
		struct weir_flow_key key = {.addr[0][3] = i, .proto = 6};
		struct weir_flow flow = {.id = i, .flags = i % 2 ? WEIR_FLOW_MOVED : 0};

		assert_int_equal(bpf_map_update_elem(undecided, &key, &flow, BPF_ANY), 0);
	}
	seen = (struct seen){};
	assert_int_equal(gate_each_flow(g, false, flow_seen, &seen), 0);
	assert_int_equal(seen.count, 5);
	assert_int_equal(seen.ids, 2 + 4 + 6 + 8 + 10);
	gate_table_unmap(&table);
	gate_close(g);
	fixture_remove(f);
}

static bool block_seen(const struct weir_block *key, uint64_t expires_ns, void *arg)
{
	struct seen *seen = arg;

	assert_int_equal(key->port, htons(6881));
	seen->ids += expires_ns;
	seen->count++;
	return true;
}

static bool endpoint_seen(const struct weir_endpoint_key *key, const struct weir_peer *peer,
			  void *arg)
{
	struct seen *seen = arg;

	assert_int_equal(key->domain, 1);
	seen->ids += peer->app;
	seen->count++;
	return true;
}

static void blocks_alternate_between_slots(void **state)
{
	struct fixture *f = *state;
	struct gate *g = fixture_open(f, false);
	struct policy_block list[2] = {{{.from = {0, 0, htonl(0xffff), htonl(0x0a000000)},
					 .from_bits = 104,
					 .to_bits = WEIR_BLOCK_ONE_SIDE,
					 .app = WEIR_BLOCK_ANY_APP},
					7},
				       {{.from = {0, 0, htonl(0xffff), htonl(0x0a010000)},
					 .from_bits = 112,
					 .to_bits = WEIR_BLOCK_ONE_SIDE,
					 .app = 9},
					0}};

	for (size_t count = 1; count <= 2; count++) {
		struct weir_class_key host = {128, {0, 0, htonl(0xffff), htonl(0x0a010203)}};
		struct weir_block_key key = {.to = WEIR_BLOCK_EITHER, .app = WEIR_BLOCK_ANY_APP};
		uint32_t slot = count & 1;
		_cleanup_close_ int trie = -1, set = -1;
		struct policy_blocks made;
		uint64_t expires_ns = 0;

		assert_int_equal(policy_blocks_compile(list, count, &made), 0);
		assert_int_equal(gate_load_blocks(g, &made), 0);
		policy_blocks_fini(&made);
		assert_true(gate_ctl(g)->flags & WEIR_CTL_BLOCKS);
		assert_int_equal(!!(gate_ctl(g)->flags & WEIR_CTL_BLOCKS_SLOT), slot);
		trie = inner_open(f, "weir_block_tries", slot);
		set = inner_open(f, "weir_block_sets", slot);
		assert_int_equal(bpf_map_lookup_elem(trie, &host, &key.from), 0);
		assert_int_equal(key.from, count);
		assert_int_equal(bpf_map_lookup_elem(set, &key, &expires_ns), 0);
		assert_int_equal(expires_ns, 7);
		key.app = 9;
		assert_int_equal(!bpf_map_lookup_elem(set, &key, &expires_ns), count == 2);
	}
	assert_int_equal(gate_load_blocks(g, &(struct policy_blocks){0}), 0);
	assert_false(gate_ctl(g)->flags & WEIR_CTL_BLOCKS);
	gate_close(g);
	fixture_remove(f);
}

static void what_was_put_is_found(void **state)
{
	struct fixture *f = *state;
	struct gate *g = fixture_open(f, false);
	struct weir_block block = {.from = {1, 2, 3, 4}, .port = htons(6881)};
	struct weir_endpoint_key endpoint = {.host = {1}, .peer = {2}, .domain = 1};
	struct weir_reconnect_key reconnect = {.src = {1}, .dst = {2}, .proto = 6};
	struct weir_identification verdict = {.app = 12}, found;
	struct weir_peer peer = {.expires_ns = 5, .app = 77}, found_peer;
	_cleanup_close_ int verdicts = map_open(f, "weir_identified");
	_cleanup_close_ int reconnects = map_open(f, "weir_reconnects");
	struct seen seen = {};
	uint64_t id = 0x1234567890ULL;

	assert_int_equal(gate_put_block(g, &block, 42), 0);
	assert_int_equal(gate_each_block(g, block_seen, &seen), 0);
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.ids, 42);
	assert_int_equal(gate_del_block(g, &block), 0);
	assert_int_equal(gate_del_block(g, &block), -ENOENT);
	seen = (struct seen){};
	assert_int_equal(gate_each_block(g, block_seen, &seen), 0);
	assert_int_equal(seen.count, 0);

	assert_int_equal(gate_put_endpoint(g, &endpoint, &peer), 0);
	assert_int_equal(gate_each_endpoint(g, endpoint_seen, &seen), 0);
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.ids, 77);

	assert_int_equal(gate_put_identification(g, id, &verdict), 0);
	assert_int_equal(bpf_map_lookup_elem(verdicts, &id, &found), 0);
	assert_int_equal(found.app, 12);
	assert_int_equal(gate_put_reconnect(g, &reconnect, &peer), 0);
	assert_int_equal(bpf_map_lookup_elem(reconnects, &reconnect, &found_peer), 0);
	assert_int_equal(found_peer.app, 77);
	gate_close(g);
	fixture_remove(f);
}

static struct weir_port_of port_of(const struct fixture *f, unsigned int ifindex)
{
	_cleanup_close_ int fd = map_open(f, "weir_port_of");
	uint32_t slot = ifindex % WEIR_IFINDEX_SLOTS;
	struct weir_port_of of;

	assert_int_equal(bpf_map_lookup_elem(fd, &slot, &of), 0);
	return of;
}

static void ports_are_found_by_interface(void **state)
{
	struct fixture *f = *state;
	struct gate *g = fixture_open(f, false);
	_cleanup_close_ int ports = map_open(f, "weir_ports");
	struct weir_port cfg = {.ifindex = 10, .punt_ifindex = 20, .domain = 1}, found;
	uint32_t port = 3;

	assert_int_equal(gate_set_port(g, 0, &cfg, 0), -EINVAL);
	assert_int_equal(gate_set_port(g, WEIR_PORTS_MAX, &cfg, 0), -EINVAL);
	assert_int_equal(gate_set_port(g, 3, &cfg, 21), 0);
	assert_int_equal(port_of(f, 10).port, 3);
	assert_int_equal(port_of(f, 20).port, 3);
	assert_int_equal(port_of(f, 21).port, 3);
	assert_int_equal(port_of(f, 21).ifindex, 21);
	assert_int_equal(bpf_map_lookup_elem(ports, &port, &found), 0);
	assert_memory_equal(&found, &cfg, sizeof(cfg));

	/* Two interfaces of one slot cannot both be ports, whosever they are. */
	cfg = (struct weir_port){.ifindex = 10 + WEIR_IFINDEX_SLOTS, .domain = 1};
	assert_int_equal(gate_set_port(g, 4, &cfg, 0), -EADDRINUSE);
	assert_int_equal(port_of(f, 10).ifindex, 10);
	cfg.punt_ifindex = cfg.ifindex + WEIR_IFINDEX_SLOTS;
	assert_int_equal(gate_set_port(g, 3, &cfg, 0), -EADDRINUSE);

	/* The port moves to another interface: the old ones lead nowhere. */
	cfg = (struct weir_port){.ifindex = 30, .domain = 1};
	assert_int_equal(gate_set_port(g, 3, &cfg, 0), 0);
	assert_int_equal(port_of(f, 10).port, 0);
	assert_int_equal(port_of(f, 21).port, 0);
	assert_int_equal(port_of(f, 30).port, 3);
	assert_int_equal(gate_set_port(g, 3, NULL, 0), 0);
	assert_int_equal(port_of(f, 30).port, 0);
	assert_int_equal(bpf_map_lookup_elem(ports, &port, &found), 0);
	assert_int_equal(found.ifindex, 0);
	gate_close(g);
	fixture_remove(f);
}

static void redirect_targets_come_and_go(void **state)
{
	struct fixture *f = *state;
	unsigned int ifindex = veth_add("wgd");
	struct gate *g = fixture_open(f, false);
	_cleanup_close_ int devmap = map_open(f, "weir_devmap");
	_cleanup_close_ int sent = map_open(f, "weir_xsk_sent");
	_cleanup_close_ int read = map_open(f, "weir_xsk_read");
	uint32_t port = 2, found[2] = {}, last = f->sizes.xsk - 1;
	uint32_t element = last / 2, frames[2] = {77, 1234};

	assert_int_equal(gate_set_devmap(g, 2, ifindex), 0);
	assert_int_equal(bpf_map_lookup_elem(devmap, &port, found), 0);
	assert_int_equal(found[0], ifindex);
	assert_int_equal(gate_set_devmap(g, 2, 0), 0);
	assert_int_not_equal(bpf_map_lookup_elem(devmap, &port, found), 0);
	assert_int_equal(gate_set_devmap(g, 2, 0), 0);
	assert_true(gate_set_devmap(g, 2, 4000) < 0);

	assert_int_equal(gate_set_xsk(g, f->sizes.xsk, -1), -EINVAL);
	assert_int_equal(gate_set_xsk(g, 1, -1), 0);
	/* Not a socket: refused. What an earlier socket did not read is nobody's any more. */
	assert_int_equal(bpf_map_update_elem(sent, &element, frames, BPF_ANY), 0);
	assert_true(gate_set_xsk(g, last, 0) < 0);
	assert_int_equal(gate_xsk_sent(g)[last], 1234);
	assert_int_equal(gate_xsk_read(g)[last], 1234);
	assert_int_equal(bpf_map_lookup_elem(read, &element, found), 0);
	assert_int_equal(found[1], 1234);
	assert_int_equal(found[0], 0);
	gate_close(g);
	fixture_remove(f);
	veth_del("wgd");
}

static void applications_outlive_the_daemon(void **state)
{
	struct fixture *f = *state;
	struct gate *g = fixture_open(f, false);
	struct app_registry *before = app_registry_new(), *after = app_registry_new();
	struct app_registry *other = app_registry_new();
	_cleanup_close_ int protocols = map_open(f, "weir_proto_apps");
	uint32_t icmp = 1, gre = 47, app = 0;
	static const char yaml[] = "applications: { made-up: { protocol: 47 } }\n";
	struct signatures *s = NULL;
	struct error e = {""};
	int first = app_registry_add(before, "made-up", "test");
	int second = app_registry_add(before, "made-up-too", NULL);

	assert_true(first > 0 && second > first);
	assert_int_equal(signatures_parse("s", yaml, strlen(yaml), before, &s, &e), 0);
	assert_int_equal(gate_save_apps(g, before, s, false), 0);
	assert_int_equal(bpf_map_lookup_elem(protocols, &gre, &app), 0);
	assert_int_equal(app, first);
	assert_int_equal(gate_save_apps(g, before, NULL, true), 0);
	assert_int_equal(bpf_map_lookup_elem(protocols, &gre, &app), 0);
	assert_int_equal(app, app_registry_by_protocol(before, 47) | WEIR_PROTO_INSPECT);
	assert_int_equal(gate_save_apps(g, before, NULL, false), 0);
	assert_int_equal(bpf_map_lookup_elem(protocols, &gre, &app), 0);
	assert_int_equal(app, app_registry_by_protocol(before, 47));
	assert_int_equal(bpf_map_lookup_elem(protocols, &icmp, &app), 0);
	assert_int_not_equal(app, 0);
	assert_int_equal(app, app_registry_by_protocol(before, 1));

	assert_int_equal(gate_restore_apps(g, after), 0);
	assert_int_equal(app_registry_count(after), app_registry_count(before));
	assert_int_equal(app_registry_find(after, "made-up-too"), second);
	/* A number that already means something else is not taken over in silence. */
	assert_int_equal(app_registry_add(other, "made-up-too", NULL), first);
	assert_int_equal(gate_restore_apps(g, other), -ESTALE);
	signatures_free(s);
	app_registry_free(before);
	app_registry_free(after);
	app_registry_free(other);
	gate_close(g);
	fixture_remove(f);
}

static void event_seen(const struct weir_event *event, void *arg)
{
	struct seen *seen = arg;

	assert_int_equal(event->kind, WEIR_EVENT_DECIDED);
	assert_int_equal(event->key.proto, 1);
	assert_int_equal(event->in_port, 1);
	seen->count++;
}

/* An ICMP echo request through the gate: decided at once, which is an event. */
static void echo_run(const struct fixture *f)
{
	uint8_t frame[64] = {2,	   0, 0,  0,  0, 1, 2, 0, 0,  0, 0,    2,   8,	0,
			     0x45, 0, 0,  50, 0, 0, 0, 0, 64, 1, 0,    0,   10, 0,
			     0,	   1, 10, 0,  0, 2, 8, 0, 0,  0, 0x12, 0x34};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame));
	_cleanup_close_ int fd = pin_open(f, "progs/weir_gate");

	assert_int_equal(bpf_prog_test_run_opts(fd, &opts), 0);
}

static void events_are_handed_out(void **state)
{
	struct fixture *f = *state;
	struct gate *g = fixture_open(f, false);
	_cleanup_free_ struct small_policy *s = policy_make(1);
	/* Test runs arrive on the loopback of the namespace. */
	struct weir_port cfg = {.ifindex = 1,
				.max_frame = 1518,
				.queues = 1,
				.domain = 1,
				.flags = WEIR_PORT_ENABLED | WEIR_PORT_FORWARDING};
	struct seen seen = {};
	uint32_t generation;

	assert_int_equal(gate_load_policy(g, &s->p, &generation), 0);
	assert_int_equal(gate_set_port(g, 1, &cfg, 0), 0);
	gate_ctl(g)->flags = WEIR_CTL_EVENTS;
	assert_true(gate_events_fd(g) >= 0);
	assert_int_equal(gate_read_events(g, event_seen, &seen), 0);
	assert_int_equal(seen.count, 0);
	echo_run(f);
	assert_int_equal(gate_read_events(g, event_seen, &seen), 0);
	assert_int_equal(seen.count, 1);
	assert_int_equal(gate_read_events(g, event_seen, &seen), 0);
	assert_int_equal(seen.count, 1);
	gate_close(g);
	fixture_remove(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(policies_alternate_between_slots),
		cmocka_unit_test(a_policy_that_fails_changes_nothing),
		cmocka_unit_test(a_policy_is_staged_first),
		cmocka_unit_test(policies_of_any_size),
		cmocka_unit_test(trait_numbers_are_kept),
		cmocka_unit_test(rule_hits_start_at_zero),
		cmocka_unit_test(sums_run_over_all_cpus),
		cmocka_unit_test(every_flow_is_seen_once),
		cmocka_unit_test(blocks_alternate_between_slots),
		cmocka_unit_test(what_was_put_is_found),
		cmocka_unit_test(ports_are_found_by_interface),
		cmocka_unit_test(redirect_targets_come_and_go),
		cmocka_unit_test(applications_outlive_the_daemon),
		cmocka_unit_test(events_are_handed_out),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
