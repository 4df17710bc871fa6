// SPDX-License-Identifier: GPL-2.0-only
/* Conditions of rules: what is accepted, what they mean, and random policies against a reader that
 * asks rule by rule. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "packet/tunnel.h"
#include "policy/draft.h"
#include "unit/policy_words.h"
#include "weir/anomaly.h"

#define HEAD                                                                                       \
	"version: 1\n"                                                                             \
	"ports: { lan: { interface: eth1 }, wan: { interface: eth0 } }\n"                          \
	"forward: [ { mode: bridge, bridge: br0, ports: [lan, wan] } ]\n"

#define APPS 3
/* Numbers of unknown, a1 and a2. */
static uint32_t apps[APPS];

static struct app_registry *registry(void)
{
	struct app_registry *r = app_registry_new();

	apps[1] = (uint32_t)app_registry_add(r, "a1", "p2p");
	apps[2] = (uint32_t)app_registry_add(r, "a2", "web");
	assert_true(apps[1] < WEIR_APPS_MAX && apps[2] < WEIR_APPS_MAX);
	return r;
}

static struct policy *parse(const char *text)
{
	struct app_registry *r = registry();
	struct policy *p = NULL;
	struct error e = {0};

	if (policy_parse("p.yaml", text, strlen(text), r, &p, NULL, &e) < 0)
		fail_msg("%s\n%s", e.text, text);
	app_registry_free(r);
	return p;
}

/* The error of a list of rules, or its warnings. */
static void expect_words(const char *rules, int result, const char *words)
{
	char text[16384];

	snprintf(text, sizeof(text), HEAD "rules:\n%s", rules);
	policy_expect_words(registry(), text, result, words);
}

/* What is known of a flow. */
struct sample {
	const char *from, *to;
	uint32_t app;
	unsigned int confidence;
	struct weir_trait_facts facts;
	uint8_t mac[6];
	struct policy_seen seen;
};

static const char *rule_of(const struct policy *p, const struct sample *s)
{
	struct weir_subject subject = {.app = apps[s->app]};
	uint32_t addr[4];

	if (s->from) {
		assert_int_equal(address_parse(s->from, addr), 0);
		subject.from = policy_class(p, addr);
		assert_int_equal(address_parse(s->to, addr), 0);
		subject.to = policy_class(p, addr);
	}
	subject.traits = policy_traits(p, &s->facts, s->mac) |
			 (uint64_t)policy_user_traits(p, &s->seen) << WEIR_GATE_TRAITS;
	return policy_rule_name(p, policy_cell(p, &subject, s->confidence)->rule);
}
#define RULE(p, ...) rule_of(p, &(struct sample){__VA_ARGS__})

static void conditions_of_the_first_packet(void **state)
{
	struct policy *p = parse(
		HEAD "rules:\n"
		     "- { name: web, port: [80, 8000-8009], proto: tcp, action: drop }\n"
		     "- { name: dns, port: 53, action: drop }\n"
		     "- { name: tag, vlan: [100, 200-202], action: drop }\n"
		     "- { name: plain-lan, vlan: 0, direction: lan, proto: icmp, action: drop }\n"
		     "- { name: card, mac: \"02:11:22:33:44:55\", action: drop }\n"
		     "- { name: maker, mac: [\"02:11:20:00:00:00/22\", \"0a:00:00:00:00:00/8\"],\n"
		     "    action: drop }\n"
		     "- { name: late, midstream: yes, action: drop }\n"
		     "- { name: outside, direction: [wan], midstream: no, action: drop }\n"
		     "- { name: old, proto: 94, action: drop }\n");

	assert_string_equal(RULE(p, .facts = {.port = {5, 80}, .proto = IPPROTO_TCP}), "web");
	assert_string_equal(RULE(p, .facts = {.port = {5, 8009}, .proto = IPPROTO_TCP}), "web");
	assert_string_equal(RULE(p, .facts = {.port = {5, 8010}, .proto = IPPROTO_TCP}), "default");
	assert_string_equal(RULE(p, .facts = {.port = {5, 80}, .proto = IPPROTO_UDP}), "default");
	/* The responder's port, of a flow whose start was not seen either's. */
	assert_string_equal(RULE(p, .facts = {.port = {80, 5}, .proto = IPPROTO_TCP}), "default");
	assert_string_equal(
		RULE(p, .facts = {.port = {80, 5}, .proto = IPPROTO_TCP, .midstream = 1}), "web");
	assert_string_equal(RULE(p, .facts = {.port = {5, 53}, .proto = IPPROTO_UDP}), "dns");
	assert_string_equal(RULE(p, .facts = {.vlan = 201}), "tag");
	assert_string_equal(RULE(p, .facts = {.vlan = 203, .in_port = 1}), "default");
	assert_string_equal(RULE(p, .facts = {.proto = IPPROTO_ICMPV6, .in_port = 1}), "plain-lan");
	assert_string_equal(RULE(p, .mac = {2, 0x11, 0x22, 0x33, 0x44, 0x55}), "card");
	assert_string_equal(RULE(p, .mac = {2, 0x11, 0x23, 0x33, 0x44, 0x55}), "maker");
	assert_string_equal(RULE(p, .mac = {2, 0x11, 0x24, 0x33, 0x44, 0x55}), "default");
	assert_string_equal(RULE(p, .mac = {10, 1, 2, 3, 4, 5}), "maker");
	assert_string_equal(RULE(p, .facts = {.midstream = 1, .in_port = 2}), "late");
	assert_string_equal(RULE(p, .facts = {.in_port = 2}), "outside");
	assert_string_equal(RULE(p, .facts = {.proto = 94}), "old");
	policy_free(p);
}

static void conditions_that_user_space_judges(void **state)
{
	struct policy *p = parse(
		HEAD
		"rules:\n"
		"- { name: names, hostname: [\"*.example.ORG\", \"cdn?.test\"], action: drop }\n"
		"- { name: odd, anomaly: [stream.syn_data, stream.data_after_fin],\n"
		"    action: drop }\n"
		"- { name: inside, via: [gre, vxlan], action: drop }\n"
		"- { name: middle, hostname: \"a*b*c\", action: drop }\n");

	assert_true(policy_asks(p, POLICY_CONDITION_HOSTNAME));
	assert_string_equal(RULE(p, .seen = {.hostname = "www.Example.org"}), "names");
	assert_string_equal(RULE(p, .seen = {.hostname = "a.b.example.org"}), "names");
	assert_string_equal(RULE(p, .seen = {.hostname = "example.org"}), "default");
	assert_string_equal(RULE(p, .seen = {.hostname = "www.example.org.evil"}), "default");
	assert_string_equal(RULE(p, .seen = {.hostname = "cdn7.test"}), "names");
	assert_string_equal(RULE(p, .seen = {.hostname = "cdn77.test"}), "default");
	assert_string_equal(RULE(p, .seen = {.hostname = "axxbxbxc"}), "middle");
	assert_string_equal(RULE(p, .seen = {.hostname = "axxbxbx"}), "default");
	assert_string_equal(RULE(p, .seen = {.hostname = ""}), "default");
	assert_string_equal(RULE(p, .seen = {.anomalies = 1u << WEIR_ANOMALY_SYN_DATA}), "odd");
	assert_string_equal(RULE(p, .seen = {.anomalies = 1u << WEIR_ANOMALY_GAP}), "default");
	assert_string_equal(RULE(p, .seen = {.tunnel = PACKET_TUNNEL_VXLAN}), "inside");
	assert_string_equal(RULE(p, .seen = {.tunnel = PACKET_TUNNEL_GTP}), "default");
	policy_free(p);
	p = parse(HEAD);
	assert_false(policy_asks(p, POLICY_CONDITION_HOSTNAME));
	policy_free(p);
}

static void what_is_refused(void **state)
{
	char many[8192] = "";

	expect_words("- { name: a, port: 0, action: drop }\n", -EINVAL,
		     "p.yaml:5:20: port: expected a number from 1 to 65535 or a range of them, "
		     "found `0`");
	expect_words("- { name: a, port: 90-80, action: drop }\n", -EINVAL, "found `90-80`");
	expect_words("- { name: a, port: [80, 65536], action: drop }\n", -EINVAL,
		     "p.yaml:5:25: port");
	expect_words("- { name: a, port: [], action: drop }\n", -EINVAL, "at least one entry");
	expect_words("- { name: a, proto: tcpp, action: drop }\n", -EINVAL,
		     "p.yaml:5:21: proto: expected tcp, udp, icmp");
	expect_words("- { name: a, proto: 256, action: drop }\n", -EINVAL, "found `256`");
	expect_words("- { name: a, vlan: 4095, action: drop }\n", -EINVAL,
		     "vlan: expected a number from 0 to 4094");
	expect_words("- { name: a, mac: \"02:11:22:33:44\", action: drop }\n", -EINVAL,
		     "mac: expected an address");
	expect_words("- { name: a, mac: \"02:11:22:33:44:55/24\", action: drop }\n", -EINVAL,
		     "without bits beyond its length");
	expect_words("- { name: a, direction: lam, action: drop }\n", -EINVAL,
		     "direction: no port `lam`, did you mean `lan`?");
	expect_words("- { name: a, midstream: maybe, action: drop }\n", -EINVAL,
		     "midstream: expected no or yes");
	expect_words("- { name: a, hostname: \"exa mple\", action: drop }\n", -EINVAL,
		     "p.yaml:5:24: hostname: expected a name");
	expect_words("- { name: a, anomaly: stream.syn_dat, action: drop }\n", -EINVAL,
		     "unknown anomaly `stream.syn_dat`, did you mean `stream.syn_data`?");
	expect_words("- { name: a, via: socks, action: drop }\n", -EINVAL,
		     "via: `socks` is not yet supported");
	for (int i = 0; i < 33; i++)
		sprintf(many + strlen(many), "- { name: r%d, port: %d, action: drop }\n", i, i + 1);
	expect_words(many, -EINVAL, "more than 32 different conditions by port");
	many[0] = '\0';
	for (int i = 0; i < 33; i++)
		sprintf(many + strlen(many), "- { name: r%d, hostname: h%d, action: drop }\n", i,
			i);
	expect_words(many, -EINVAL, "more than 32 different conditions by hostname");
	/* What says the same is one. */
	many[0] = '\0';
	for (int i = 0; i < 40; i++)
		sprintf(many + strlen(many),
			"- { name: r%d, from: 10.0.0.%d, port: [80, 81-90], hostname: h,\n"
			"    action: drop }\n",
			i, i);
	expect_words(many, 0, NULL);
}

static void rules_that_are_never_reached(void **state)
{
	expect_words("- { name: a, port: 1-1024, action: drop }\n"
		     "- { name: b, port: 80, proto: tcp, action: drop }\n",
		     0, "rule `b` is never reached: rule `a` matches first");
	expect_words("- { name: a, port: 80, action: drop }\n"
		     "- { name: b, port: 1-1024, action: drop }\n",
		     0, NULL);
	expect_words("- { name: a, port: 80, proto: tcp, action: drop }\n"
		     "- { name: b, port: 80, action: drop }\n"
		     "- { name: c, action: drop }\n",
		     0, NULL);
	expect_words("- { name: a, mac: \"02:00:00:00:00:00/16\", action: drop }\n"
		     "- { name: b, mac: \"02:00:11:00:00:00/24\", action: drop }\n",
		     0, "rule `b` is never reached: rule `a` matches first");
	expect_words("- { name: a, hostname: x.test, application: a1, action: drop }\n"
		     "- { name: b, hostname: x.test, application: a2, action: drop }\n"
		     "- { name: c, hostname: x.test, port: 5, application: [a1, a2],\n"
		     "    action: drop }\n",
		     0, "rule `c` is never reached: earlier rules match first");
	expect_words("- { name: a, confidence: 50, action: drop }\n"
		     "- { name: b, confidence: 70, action: drop }\n",
		     0, "rule `b` is never reached: rule `a` matches first");
	expect_words("- { name: a, from: 10.0.0.0/8, action: drop }\n"
		     "- { name: b, from: 10.1.0.0/16, port: 80, action: drop }\n",
		     0, "rule `b` is never reached: rule `a` matches first");
}

static unsigned int bit_of(const struct policy *p, const char *hostname)
{
	uint32_t bits = policy_user_traits(p, &(struct policy_seen){.hostname = hostname});

	assert_true(bits && !(bits & (bits - 1)));
	return (unsigned int)__builtin_ctz(bits);
}

static void numbers_stay_over_reloads(void **state)
{
	uint64_t ids[WEIR_USER_TRAITS] = {0};
	struct policy *p = parse(HEAD "rules:\n"
				      "- { name: a, hostname: [x, y], action: drop }\n"
				      "- { name: b, hostname: z, action: drop }\n");
	uint32_t changed = 0;
	unsigned int x, z;

	policy_number_traits(p, ids, &changed);
	assert_int_equal(changed, 3);
	x = bit_of(p, "x");
	z = bit_of(p, "z");
	assert_int_not_equal(x, z);
	policy_free(p);
	p = parse(HEAD "rules:\n"
		       "- { name: n, hostname: new, action: drop }\n"
		       "- { name: b, hostname: z, action: drop }\n"
		       "- { name: a, hostname: [Y, x], action: drop }\n");
	policy_number_traits(p, ids, &changed);
	assert_int_equal(changed, 4);
	assert_int_equal(bit_of(p, "x"), x);
	assert_int_equal(bit_of(p, "z"), z);
	assert_int_equal(bit_of(p, "new"), 2);
	assert_string_equal(RULE(p, .seen = {.hostname = "y"}), "a");
	assert_string_equal(RULE(p, .seen = {.hostname = "new"}), "n");
	policy_number_traits(p, ids, &changed);
	assert_int_equal(changed, 0);
	policy_free(p);
	/* All have stood for something: one that the policy does not use is given out again. */
	for (unsigned int i = 3; i < WEIR_USER_TRAITS; i++)
		ids[i] = 1000 + i;
	p = parse(HEAD "rules:\n"
		       "- { name: b, hostname: z, action: drop }\n"
		       "- { name: m, hostname: more, action: drop }\n");
	policy_number_traits(p, ids, &changed);
	assert_int_equal(bit_of(p, "z"), z);
	assert_int_not_equal(bit_of(p, "more"), z);
	assert_int_equal(changed, 1u << bit_of(p, "more"));
	policy_free(p);
}

/* ---- against a reader that asks rule by rule ---- */

static uint32_t random_state;

static uint32_t random_below(uint32_t n)
{
	random_state = random_state * 1664525u + 1013904223u;
	return (random_state >> 8) % n;
}

#define NONE UINT32_MAX

/* What a rule asks for; NONE: nothing. */
struct model {
	uint32_t from, to; /* group */
	uint32_t app, port, port_to, proto, vlan, mac, direction, midstream, host, confidence;
};

static uint32_t maybe(uint32_t n)
{
	return random_below(3) ? NONE : random_below(n);
}

static const uint8_t protos[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_ICMP};
static const char *const hosts[] = {"*.example.org", "www.*", "*"};
static const char *const names[] = {"", "www.example.org", "www.test", "other"};

static size_t model_write(struct model *m, unsigned int i, char *out, size_t room)
{
	size_t at = 0;

	*m = (struct model){.from = maybe(3),
			    .to = maybe(3),
			    .app = maybe(APPS),
			    .port = maybe(4),
			    .port_to = 0,
			    .proto = maybe(3),
			    .vlan = maybe(3),
			    .mac = maybe(3),
			    .direction = maybe(2),
			    .midstream = maybe(2),
			    .host = maybe(3),
			    .confidence = maybe(100)};
#define PUT(...) at += (size_t)snprintf(out + at, room - at, __VA_ARGS__)
	PUT("- { name: r%u, action: drop", i);
	if (m->from != NONE)
		PUT(", from: g%u", m->from);
	if (m->to != NONE)
		PUT(", to: g%u", m->to);
	if (m->app != NONE)
		PUT(", application: %s", m->app ? m->app == 1 ? "a1" : "a2" : "unknown");
	if (m->port != NONE) {
		m->port_to = m->port + random_below(3);
		PUT(", port: %u-%u", m->port + 80, m->port_to + 80);
	}
	if (m->proto != NONE)
		PUT(", proto: %s", m->proto ? m->proto == 1 ? "udp" : "icmp" : "tcp");
	if (m->vlan != NONE)
		PUT(", vlan: %u", m->vlan);
	/* 02:00:00:00:00:01, all of 02:00, all of 02 */
	if (m->mac != NONE)
		PUT(", mac: \"02:00:00:00:00:0%u/%u\"", !m->mac, m->mac ? 24 - 8 * m->mac : 48);
	if (m->direction != NONE)
		PUT(", direction: %s", m->direction ? "wan" : "lan");
	if (m->midstream != NONE)
		PUT(", midstream: %s", m->midstream ? "yes" : "no");
	if (m->host != NONE)
		PUT(", hostname: \"%s\"", hosts[m->host]);
	if (m->confidence != NONE)
		PUT(", confidence: %u", m->confidence + 1);
	PUT(" }\n");
#undef PUT
	return at;
}

/* A flow: the groups that its ends are in, and the rest. */
struct probe {
	unsigned int from, to, host;
	struct sample s;
};

static void probe_make(struct probe *b)
{
	/* In g0, in g0 and g1, in g2, in none. */
	static const char *const addresses[] = {"10.0.0.1", "10.1.0.1", "10.2.0.1", "192.0.2.1"};

	*b = (struct probe){
		.from = random_below(4), .to = random_below(4), .host = random_below(4)};
	b->s = (struct sample){
		.from = addresses[b->from],
		.to = addresses[b->to],
		.app = random_below(APPS),
		.confidence = random_below(101),
		.facts = {.port = {(uint16_t)(80 + random_below(7)),
				   (uint16_t)(80 + random_below(7))},
			  .vlan = (uint16_t)random_below(4),
			  .proto = protos[random_below(3)],
			  .in_port = (uint8_t)(1 + random_below(2)),
			  .midstream = (uint8_t)random_below(2)},
		.mac = {(uint8_t)(2 + random_below(2)), (uint8_t)random_below(2), 0, 0, 0,
			(uint8_t)random_below(2)},
		.seen = {.hostname = names[b->host]},
	};
}

static bool in_group(unsigned int address, uint32_t group)
{
	static const uint8_t groups[] = {1, 3, 4, 0};

	return group == NONE || groups[address] >> group & 1;
}

static bool host_fits(unsigned int name, uint32_t host)
{
	static const uint8_t fits[] = {0, 7, 6, 4};

	return host == NONE || fits[name] >> host & 1;
}

static bool mac_fits(const uint8_t mac[6], uint32_t what)
{
	if (what == NONE)
		return true;
	if (mac[0] != 2)
		return false;
	return what == 2 || (mac[1] == 0 && (what == 1 || mac[5] == 1));
}

static bool port_fits(const struct model *m, unsigned int port)
{
	return port >= m->port + 80 && port <= m->port_to + 80;
}

static bool model_matches(const struct model *m, const struct probe *b)
{
	const struct weir_trait_facts *f = &b->s.facts;

	if (!in_group(b->from, m->from) || !in_group(b->to, m->to) ||
	    !host_fits(b->host, m->host) || !mac_fits(b->s.mac, m->mac))
		return false;
	if (m->port != NONE && !port_fits(m, f->port[1]) &&
	    !(f->midstream && port_fits(m, f->port[0])))
		return false;
	return (m->app == NONE || m->app == b->s.app) &&
	       (m->proto == NONE || protos[m->proto] == f->proto) &&
	       (m->vlan == NONE || m->vlan == f->vlan) &&
	       (m->direction == NONE || m->direction + 1 == f->in_port) &&
	       (m->midstream == NONE || m->midstream == f->midstream) &&
	       (m->confidence == NONE || b->s.confidence >= m->confidence + 1);
}

/* As many different confidences as the bits allow. */
#define RULES 20

static void random_policies_equal_first_match(void **state)
{
	unsigned int hits[RULES + 1] = {0};

	for (unsigned int round = 0; round < 150; round++) {
		char text[16384];
		struct model rules[RULES];
		uint64_t ids[WEIR_USER_TRAITS] = {77, 0, 78};
		unsigned int count = 1 + round % RULES;
		struct app_registry *r = registry();
		struct policy *p = NULL;
		struct error e = {0};
		uint32_t changed;
		size_t at =
			(size_t)snprintf(text, sizeof(text),
					 HEAD "groups: { g0: [10.0.0.0/15], g1: [10.1.0.0/16],\n"
					      "  g2: [10.2.0.0/16] }\nrules:\n");

		random_state = 99 + round;
		for (unsigned int i = 0; i < count; i++)
			at += model_write(&rules[i], i, text + at, sizeof(text) - at);
		if (policy_parse("p.yaml", text, at, r, &p, NULL, &e) < 0)
			fail_msg("%s\n%s", e.text, text);
		app_registry_free(r);
		if (round % 2)
			policy_number_traits(p, ids, &changed);
		for (unsigned int n = 0; n < 400; n++) {
			char expected[16] = "default";
			struct probe b;
			unsigned int i = 0;

			probe_make(&b);
			while (i < count && !model_matches(&rules[i], &b))
				i++;
			if (i < count)
				snprintf(expected, sizeof(expected), "r%u", i);
			hits[i < count ? i : RULES]++;
			assert_string_equal(rule_of(p, &b.s), expected);
		}
		policy_free(p);
	}
	for (unsigned int i = 0; i <= RULES / 2; i++)
		assert_true(hits[i]);
	assert_true(hits[RULES]);
}

/* The word of a set, and the bit in it, of every rule. */
static void as_many_rules_as_there_may_be(void **state)
{
	size_t room = 256 * 1024, at;
	char *text = malloc(room), name[16];
	struct policy *p;

	at = (size_t)snprintf(text, room, HEAD "rules:\n");
	for (int i = 0; i < WEIR_RULES_MAX; i++)
		at += (size_t)snprintf(
			text + at, room - at,
			"- { name: r%d, from: 10.%d.%d.0/24, port: 80, action: drop }\n", i,
			i % 1000 / 250, i % 250);
	p = parse(text);
	for (int i = 0; i < 1000; i++) {
		char from[32];
		struct sample s = {.from = from, .to = "192.0.2.1", .facts = {.port = {1, 80}}};

		snprintf(from, sizeof(from), "10.%d.%d.5", i / 250, i % 250);
		snprintf(name, sizeof(name), "r%d", i);
		assert_string_equal(rule_of(p, &s), name);
		s.facts.port[1] = 81;
		assert_string_equal(rule_of(p, &s), "default");
	}
	policy_free(p);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions_of_the_first_packet),
		cmocka_unit_test(conditions_that_user_space_judges),
		cmocka_unit_test(what_is_refused),
		cmocka_unit_test(rules_that_are_never_reached),
		cmocka_unit_test(numbers_stay_over_reloads),
		cmocka_unit_test(random_policies_equal_first_match),
		cmocka_unit_test(as_many_rules_as_there_may_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
