// SPDX-License-Identifier: GPL-2.0-only
/* What the gate makes of a flow's first frame for the rules, and when it does so again. */
#include "bpf/rig.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "policy/draft.h"

static const struct shape tcp = {DATA};

/* Has the rule of P2P, which drops, need a trait; then says that this flow is P2P's. */
static void expect_drop(struct rig *r, const struct shape *s, bool drops)
{
	struct shape next = *s;

	rig_identify(r, s, RIG_P2P);
	next.seq += 40;
	assert_int_equal(rig_send(r, &next, NULL),
			 drops ? WEIR_REASON_DROP_VERDICT : WEIR_REASON_REDIRECTED);
}
#define EXPECT(r, drops, ...) expect_drop(r, &(struct shape){__VA_ARGS__}, drops)

static void each_value_of_the_key(void **state)
{
	struct rig *r = *state;

	rig_needs(r, RIG_P2P, 1u << 7);
	EXPECT(r, false, UDP, .dport = 53);
	rig_trait(r, WEIR_TRAITS_PORT_AT + 53, 1u << 7);
	EXPECT(r, true, UDP, .dport = 53, .sport = 1);
	EXPECT(r, false, UDP, .dport = 54, .sport = 2);
	/* The port of the side that opened the flow is none. */
	EXPECT(r, false, UDP, .dport = 54, .sport = 53);
	rig_trait(r, WEIR_TRAITS_PORT_AT + 53, 0);
	EXPECT(r, false, UDP, .dport = 53, .sport = 3);

	rig_trait(r, WEIR_TRAITS_PROTO_AT + IPPROTO_UDP, 1u << 7);
	EXPECT(r, true, UDP, .sport = 4);
	EXPECT(r, false, DATA, .sport = 4);
	rig_trait(r, WEIR_TRAITS_PROTO_AT + IPPROTO_UDP, 0);

	rig_trait(r, WEIR_TRAITS_VLAN_AT + 100, 1u << 7);
	EXPECT(r, true, UDP, .tags = 1, .sport = 5);
	EXPECT(r, true, UDP, .tags = 2, .vid = {100, 101}, .sport = 5);
	EXPECT(r, false, UDP, .sport = 5);
	rig_trait(r, WEIR_TRAITS_VLAN_AT + 100, 0);
	rig_trait(r, WEIR_TRAITS_VLAN_AT + 101, 1u << 7);
	EXPECT(r, false, UDP, .tags = 2, .vid = {100, 101}, .sport = 6);
	rig_trait(r, WEIR_TRAITS_VLAN_AT, 1u << 7);
	EXPECT(r, true, UDP, .sport = 7);
	EXPECT(r, false, UDP, .tags = 1, .sport = 7);
}

static void where_it_comes_in(void **state)
{
	struct rig *r = *state;

	rig_needs(r, RIG_P2P, 1u << 31);
	rig_trait(r, WEIR_TRAITS_IN_PORT_AT + RIG_B, 1u << 31);
	EXPECT(r, false, UDP, .sport = 1);
	expect_drop(r, &(struct shape){UDP, BACK, .sport = 2}, true);
}

static void midstream(void **state)
{
	struct rig *r = *state;

	rig_needs(r, RIG_P2P, 2);
	rig_trait(r, WEIR_TRAITS_MIDSTREAM_AT, 2);
	rig_trait(r, WEIR_TRAITS_MIDSTREAM_AT + 1, 1);
	EXPECT(r, false, DATA, .sport = 1);
	EXPECT(r, true, UDP, .sport = 1);
	rig_needs(r, RIG_P2P, 1);
	EXPECT(r, true, DATA, .sport = 2);
	EXPECT(r, false, UDP, .sport = 2);
	/* Nobody knows which side of such a flow opened it. */
	rig_needs(r, RIG_P2P, 4);
	rig_trait(r, WEIR_TRAITS_PORT_AT + 6000, 4);
	EXPECT(r, true, DATA, .sport = 6000);
	EXPECT(r, false, UDP, .sport = 6000);
	EXPECT(r, false, DATA, .sport = 6001);
}

static void link_addresses(void **state)
{
	const struct weir_mac_trait_key host_a = {48, {2, 0, 0, 0, 0, 0x0a}, {0}};
	const struct weir_mac_trait_key all = {8, {2}, {0}};
	struct rig *r = *state;

	rig_needs(r, RIG_P2P, 8);
	rig_mac_trait(r, &host_a, 8);
	EXPECT(r, true, UDP, .sport = 1);
	expect_drop(r, &(struct shape){UDP, BACK, .sport = 2}, false);
	/* The longest prefix alone is asked. */
	rig_mac_trait(r, &all, 8);
	expect_drop(r, &(struct shape){UDP, BACK, .sport = 3}, true);
	rig_mac_trait(r, &host_a, 0);
	EXPECT(r, false, UDP, .sport = 4);
}

/* Decided again by a frame of the other direction, whose destination the originator is. */
static void a_generation_computes_them_anew(void **state)
{
	static const uint8_t drop[RIG_APPS] = {[RIG_WEB] = WEIR_ACTION_DROP};
	const struct weir_mac_trait_key host_a = {48, {2, 0, 0, 0, 0, 0x0a}, {0}};
	const struct weir_mac_trait_key host_b = {48, {2, 0, 0, 0, 0, 0x0b}, {0}};
	struct rig *r = *state;
	struct weir_flow flow;

	rig_trait(r, WEIR_TRAITS_PROTO_AT + IPPROTO_TCP, 16);
	rig_identify(r, &tcp, RIG_WEB);
	SEND(r, REDIRECTED, DATA);
	SEND(r, REDIRECTED, DATA, BACK);
	assert_true(rig_flow(r, true, &tcp, &flow));
	assert_int_equal(flow.traits, 16);
	rig_policy(r, 2, drop);
	rig_needs(r, RIG_WEB, 1 | 2);
	rig_trait(r, WEIR_TRAITS_PORT_AT + 80, 1);
	rig_mac_trait(r, &host_a, 2);
	rig_mac_trait(r, &host_b, 4);
	SEND(r, DROP_VERDICT, DATA, BACK);
	assert_true(rig_flow(r, true, &tcp, &flow));
	assert_int_equal(flow.traits, 3);
	assert_int_equal(flow.generation, 2);
}

/* An undecided flow whose generation moved, too; the slow path hears of what holds now. */
static void undecided_flows_are_described(void **state)
{
	static const uint8_t pass[RIG_APPS] = {0};
	struct rig *r = *state;
	struct outcome out;
	struct shape c = {DATA, .a = 64, .sport = 9};

	rig_trait(r, WEIR_TRAITS_PROTO_AT + IPPROTO_TCP, 16);
	assert_int_equal(rig_send(r, &tcp, &out), WEIR_REASON_PUNTED);
	assert_int_equal(out.punt.traits, 16);
	assert_int_equal(out.punt.class[0] | out.punt.class[1], 0);
	assert_int_equal(WEIR_PUNT_GENERATION_OF(out.punt.flags), 1);
	rig_policy(r, 2, pass);
	rig_trait(r, WEIR_TRAITS_PORT_AT + 80, 32);
	assert_int_equal(rig_send(r, &tcp, &out), WEIR_REASON_PUNTED);
	assert_int_equal(out.punt.traits, 32);
	assert_int_equal(WEIR_PUNT_GENERATION_OF(out.punt.flags), 2);
	assert_int_equal(rig_send(r, &c, &out), WEIR_REASON_PUNTED);
	assert_int_equal(out.punt.class[0] + out.punt.class[1], 1);
}

/* The half that user space judges: with the identification, and later. */
static void user_space_adds_its_own(void **state)
{
	struct rig *r = *state;
	struct weir_identification v = {.app = RIG_P2P,
					.method = WEIR_METHOD_SIGNATURE,
					.confidence = 90,
					.flags = WEIR_IDENTIFIED_INSPECT};
	struct weir_flow flow;

	rig_needs(r, RIG_P2P, WEIR_TRAIT_USER(3) | 1);
	rig_trait(r, WEIR_TRAITS_PORT_AT + 80, 1);
	SEND(r, PUNTED, DATA);
	assert_true(rig_flow(r, false, &tcp, &flow));
	rig_put(r, "weir_identified", &flow.id, &v);
	rig_finish(r);
	SEND(r, PUNTED, DATA);
	/* Of an inspected flow they are heard without another generation: its next frame still goes
	 * up, to who said so. */
	v.traits = 1u << 3;
	rig_put(r, "weir_identified", &flow.id, &v);
	SEND(r, PUNTED, DATA);
	SEND(r, DROP_VERDICT, DATA);
	assert_true(rig_flow(r, true, &tcp, &flow));
	assert_int_equal(flow.traits, WEIR_TRAIT_USER(3) | 1);
	/* Of a decided one with the next. */
	v.traits = 0;
	rig_put(r, "weir_identified", &flow.id, &v);
	SEND(r, DROP_VERDICT, DATA);
	r->ctl->generation += 2;
	rig_finish(r);
	assert_int_not_equal(rig_send(r, &tcp, NULL), WEIR_REASON_DROP_VERDICT);
}

/* Puts a compiled policy into the slot of a generation, as the daemon does. */
static void policy_put(struct rig *r, const struct policy *p, uint32_t generation)
{
	const uint32_t sets = WEIR_SETS_COUNT(p->class_ids), rules = p->rule_count + 1;
	LIBBPF_OPTS(bpf_map_create_opts, array, .map_flags = BPF_F_INNER_MAP);
	LIBBPF_OPTS(bpf_map_create_opts, trie, .map_flags = BPF_F_NO_PREALLOC);
	_cleanup_close_ int classes =
		bpf_map_create(BPF_MAP_TYPE_LPM_TRIE, NULL, 20, 4, (uint32_t)p->class_count, &trie);
	_cleanup_close_ int set_fd =
		bpf_map_create(BPF_MAP_TYPE_ARRAY, NULL, 4, sizeof(*p->sets), sets, &array);
	_cleanup_close_ int rule_fd =
		bpf_map_create(BPF_MAP_TYPE_ARRAY, NULL, 4, sizeof(*p->compiled), rules, &array);
	_cleanup_close_ int traits = bpf_map_create(BPF_MAP_TYPE_ARRAY, NULL, 4, 4, 1, &array);
	uint32_t slot = generation & 1;

	assert_true(classes >= 0 && set_fd >= 0 && rule_fd >= 0 && traits >= 0);
	for (size_t i = 0; i < p->class_count; i++)
		assert_int_equal(bpf_map_update_elem(classes, &p->classes[i].key,
						     &p->classes[i].class, BPF_ANY),
				 0);
	for (uint32_t i = 0; i < sets; i++)
		assert_int_equal(bpf_map_update_elem(set_fd, &i, &p->sets[i], BPF_ANY), 0);
	for (uint32_t i = 0; i < rules; i++)
		assert_int_equal(bpf_map_update_elem(rule_fd, &i, &p->compiled[i], BPF_ANY), 0);
	rig_put(r, "weir_classes", &slot, &classes);
	rig_put(r, "weir_rule_sets", &slot, &set_fd);
	rig_put(r, "weir_rules", &slot, &rule_fd);
	rig_put(r, "weir_traits", &slot, &traits);
	r->ctl->generation = generation;
}

/* One group for each host 10.0.0.N, 254 of them and some more: each has a rule of its own, and the
 * gate finds the one that user space finds. */
static void three_hundred_groups(void **state)
{
	struct rig *r = *state;
	struct app_registry *registry = app_registry_new();
	size_t room = 128 * 1024, at;
	char *text = malloc(room);
	struct policy *p = NULL;
	struct error e = {0};

	at = (size_t)snprintf(
		text, room,
		"version: 1\nports: { lan: { interface: eth1 } }\n"
		"forward: [ { mode: bridge, bridge: br0, ports: [lan] } ]\ngroups:\n");
	for (int i = 0; i < 300; i++)
		at += (size_t)snprintf(text + at, room - at, "  g%d: [10.0.%d.%d]\n", i, i / 256,
				       i % 256);
	at += (size_t)snprintf(text + at, room - at, "rules:\n");
	for (int i = 0; i < 300; i++)
		at += (size_t)snprintf(text + at, room - at,
				       "- { name: r%d, from: g%d, action: %s }\n", i, i,
				       i % 3 ? "pass" : "drop");
	if (policy_parse("p", text, at, registry, &p, NULL, &e) < 0)
		fail_msg("%s", e.text);
	policy_put(r, p, 2);
	for (int i = 3; i < 250; i += 7) {
		/* Host a is 10.0.0.1 moved by a. */
		struct shape s = {UDP, .a = (uint8_t)i, .sport = 7};
		struct weir_flow_key key;
		struct weir_subject subject = {0};
		struct weir_flow flow;
		uint32_t from[4], to[4];

		rig_identify(r, &s, RIG_WEB);
		assert_int_not_equal(rig_send(r, &s, NULL), RIG_BROKEN);
		assert_true(rig_flow(r, true, &s, &flow));
		shape_key(&s, &key, NULL);
		shape_address(&s, false, from);
		shape_address(&s, true, to);
		subject.from = policy_class(p, from);
		subject.to = policy_class(p, to);
		subject.app = RIG_WEB;
		assert_int_equal(flow.rule, policy_cell(p, &subject, 90)->rule);
		assert_int_equal(flow.rule, ntohl(from[3]) & 0xff);
		assert_int_equal(flow.action, flow.rule % 3 ? WEIR_ACTION_PASS : WEIR_ACTION_DROP);
	}
	policy_free(p);
	app_registry_free(registry);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		RIG_TEST(each_value_of_the_key),
		RIG_TEST(where_it_comes_in),
		RIG_TEST(midstream),
		RIG_TEST(link_addresses),
		RIG_TEST(a_generation_computes_them_anew),
		RIG_TEST(undecided_flows_are_described),
		RIG_TEST(user_space_adds_its_own),
		RIG_TEST(three_hundred_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
