// SPDX-License-Identifier: GPL-2.0-only
/* What a policy file may say, and what weir answers to what it may not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "app/app.h"
#include "policy/draft.h"
#include "stats/stats.h"

/* A file that is right but for what a case puts before or after it. */
#define HEAD                                                                                       \
	"version: 1\n"                                                                             \
	"ports: { lan: { interface: eth1 }, wan: { interface: eth0 } }\n"                          \
	"forward: [ { mode: bridge, bridge: br0, ports: [lan, wan] } ]\n"
#define GROUPS "groups: { staff: [10.1.0.0/16, \"2001:db8:1::/48\"], students: [10.2.0.0/16] }\n"

static struct app_registry *registry(void)
{
	struct app_registry *r = app_registry_new();

	assert_non_null(r);
	assert_true(app_registry_add(r, "bittorrent", "p2p") > 0);
	assert_true(app_registry_add(r, "edonkey", "p2p") > 0);
	assert_true(app_registry_add(r, "http", "web") > 0);
	assert_true(app_registry_add(r, "irc", "chat") > 0);
	return r;
}

/* Returns the policy, or NULL with e filled; warnings go to *warned (malloc'd). */
static struct policy *parse(const char *text, char **warned, struct error *e)
{
	struct app_registry *r = registry();
	struct policy *p = NULL;
	size_t size = 0;
	FILE *w = open_memstream(warned, &size);
	int err = policy_parse("p.yaml", text, strlen(text), r, &p, w, e);

	assert_true(err <= 0 && (err == 0) == (p != NULL));
	fclose(w);
	app_registry_free(r);
	return p;
}

/* What a section says that keeps its own data. */
static const char *listener(const struct policy *p)
{
	extern POLICY_SECTION(metrics);
	const struct stats_settings *s = policy_section_data(p, &policy_section_metrics);

	assert_non_null(s);
	return s->listen;
}

static void assert_refused(const char *text, const char *message)
{
	struct error e = {0};
	char *warned = NULL;
	struct policy *p = parse(text, &warned, &e);

	if (p)
		fail_msg("accepted, wanted: %s", message);
	assert_string_equal(e.text, message);
	free(warned);
}

static struct policy *assert_accepted(const char *text, const char *warnings)
{
	struct error e = {0};
	char *warned = NULL;
	struct policy *p = parse(text, &warned, &e);

	if (!p)
		fail_msg("%s", e.text);
	assert_string_equal(warned, warnings);
	free(warned);
	return p;
}

struct refusal {
	const char *text, *message;
};

static void refuse_all(const struct refusal *cases, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_refused(cases[i].text, cases[i].message);
}

static uint32_t module_bit(const char *name)
{
	const struct app_module *const *modules = app_modules();
	unsigned int n = 0;

	while (modules[n] != app_module_find(name))
		n++;
	return 1u << n;
}

static void the_whole_file(void **state)
{
	struct policy *p = assert_accepted(
		"version: 1\n"
		"ports:\n"
		"  lan: { interface: eth1, hook: tc }\n"
		"  wan: { interface: eth0 }\n"
		"  dmz: { interface: eth2, hook: native }\n"
		"forward:\n"
		"  - { mode: bridge, bridge: br0, create: true, ports: [lan, wan] }\n"
		"  - { mode: bridge, bridge: br1, ports: [dmz] }\n"
		"inspect: { packets: 4, bytes: 8KiB, mode: copy }\n"
		"on_failure: drop\n"
		"on_overload: drop\n"
		"tunnels: inspect\n"
		"modules: { disable: [irc, bittorrent] }\n"
		"workers: 2\n"
		"limits: { decided: 2048, undecided: 4096, reconnects: 300, endpoints: 301,\n"
		"          blocks: 17, fragments: 302, slots: 8192, fragmented: 99, parked: 77 }\n"
		"parking: { flow: 1MiB, share: 10%, total: 20% }\n"
		"reassembly: { flow: 128KiB, total: 32MiB, hold: 500ms, fast_pass: false, "
		"follow: all }\n"
		"rings: { frames: 512, pool: 9000 }\n" GROUPS "rules:\n"
		"  - { name: a, application: bittorrent, action: drop }\n"
		"  - { name: b, from: students, to: 203.0.113.0/24, action: reset }\n"
		"default: reset\n"
		"metrics: { listen: \"[::1]:9477\" }\n"
		"events: { file: /var/log/weir/events.json, protocols: [dns, tls, files], alerts: "
		"true, "
		"community_id: false, community_seed: 7, rate: 0, stats: 1m }\n",
		"");

	assert_string_equal(p->path, "p.yaml");
	assert_int_equal(p->port_count, 3);
	assert_string_equal(p->ports[0].name, "lan");
	assert_string_equal(p->ports[0].interface, "eth1");
	assert_int_equal(p->ports[0].hook, POLICY_HOOK_TC);
	assert_int_equal(p->ports[1].hook, POLICY_HOOK_AUTO);
	assert_int_equal(p->ports[2].hook, POLICY_HOOK_NATIVE);
	assert_int_equal(p->ports[2].line, 5);
	assert_int_equal(p->ports[2].column, 3);
	assert_int_equal(p->forward_count, 2);
	assert_true(p->forwards[0].create);
	assert_false(p->forwards[1].create);
	assert_string_equal(p->forwards[1].bridge, "br1");
	assert_int_equal(p->forwards[0].port_count, 2);
	assert_int_equal(p->forwards[1].ports[0], 2);
	assert_int_equal(p->inspect_packets, 4);
	assert_int_equal(p->inspect_bytes, 8192);
	assert_int_equal(p->reassembly_flow, 131072);
	assert_int_equal(p->reassembly_total, 33554432);
	assert_int_equal(p->reassembly_hold_ns, 500000000);
	assert_true(p->hold_out_of_order);
	assert_true(p->follow_all);
	assert_true(p->inspect_copy && p->on_failure_drop && p->on_overload_drop);
	assert_true(p->inspect_tunnels);
	assert_int_equal(p->modules_off, module_bit("irc") | module_bit("bittorrent"));
	assert_int_equal(p->workers, 2);
	assert_int_equal(p->limit_decided, 2048);
	assert_int_equal(p->limit_undecided, 4096);
	assert_int_equal(p->limit_reconnects, 300);
	assert_int_equal(p->limit_endpoints, 301);
	assert_int_equal(p->limit_blocks, 17);
	assert_int_equal(p->limit_fragments, 302);
	assert_int_equal(p->limit_slots, 8192);
	assert_int_equal(p->limit_fragmented, 99);
	assert_int_equal(p->limit_parked, 77);
	assert_int_equal(p->parking_flow, 1 << 20);
	assert_int_equal(p->parking_share, 10);
	assert_int_equal(p->parking_total, 20);
	assert_int_equal(p->ring_frames, 512);
	assert_int_equal(p->pool_frames, 9000);
	assert_int_equal(p->rule_count, 2);
	assert_string_equal(policy_rule_name(p, 1), "b");
	assert_string_equal(policy_rule_name(p, WEIR_RULE_DEFAULT), "default");
	assert_int_equal(p->rules[1].action, WEIR_ACTION_RESET);
	assert_int_equal(p->rules[1].column, 5);
	assert_int_equal(p->default_action, WEIR_ACTION_RESET);
	assert_string_equal(listener(p), "[::1]:9477");
	assert_string_equal(p->events_file, "/var/log/weir/events.json");
	assert_int_equal(p->event_protocols,
			 POLICY_EVENT_DNS | POLICY_EVENT_TLS | POLICY_EVENT_FILES);
	assert_true(p->events_alerts);
	assert_true(p->events_plain);
	assert_int_equal(p->events_seed, 7);
	assert_int_equal(p->events_rate, 0);
	assert_int_equal(p->events_stats_ns, 60000000000);
	policy_free(p);
}

static void defaults(void **state)
{
	struct policy *p = assert_accepted(HEAD, "");

	assert_int_equal(p->inspect_packets, 8);
	assert_int_equal(p->inspect_bytes, 16384);
	assert_int_equal(p->reassembly_flow, 65536);
	assert_int_equal(p->parking_flow, 256 << 10);
	assert_int_equal(p->parking_share, 25);
	assert_int_equal(p->parking_total, 50);
	assert_int_equal(p->limit_parked, 16384);
	assert_int_equal(p->reassembly_total, 67108864);
	assert_int_equal(p->reassembly_hold_ns, 1000000000);
	assert_false(p->hold_out_of_order);
	assert_false(p->follow_all);
	assert_false(p->inspect_copy || p->on_failure_drop || p->on_overload_drop);
	assert_false(p->inspect_tunnels);
	assert_int_equal(p->modules_off, 0);
	assert_int_equal(p->workers, 0);
	assert_int_equal(p->limit_decided, 262144);
	assert_int_equal(p->limit_undecided, 65536);
	assert_int_equal(p->limit_reconnects, 65536);
	assert_int_equal(p->limit_endpoints, 65536);
	assert_int_equal(p->limit_blocks, 4096);
	assert_int_equal(p->limit_fragments, 16384);
	assert_int_equal(p->limit_slots, 65536);
	assert_int_equal(p->limit_fragmented, 1024);
	assert_int_equal(p->ring_frames, 2048);
	assert_int_equal(p->pool_frames, 0);
	assert_int_equal(p->rule_count, 0);
	assert_int_equal(p->default_action, WEIR_ACTION_PASS);
	assert_string_equal(listener(p), "");
	assert_null(p->events_file);
	assert_false(p->events_alerts);
	assert_false(p->events_plain);
	assert_int_equal(p->events_rate, 50000);
	assert_int_equal(p->events_stats_ns, 0);
	assert_int_equal(p->class_ids, 1);
	assert_int_equal(policy_cell(p, &(struct weir_subject){0}, 100)->action, WEIR_ACTION_PASS);
	assert_int_equal(policy_cell(p, &(struct weir_subject){.app = 1023}, 100)->rule,
			 WEIR_RULE_DEFAULT);
	assert_null(policy_cell(p, &(struct weir_subject){.from = 1}, 100));
	assert_null(policy_cell(p, &(struct weir_subject){.app = 1024}, 100));
	policy_free(p);
}

static void not_yet_supported(void **state)
{
	static const struct refusal cases[] = {
		{HEAD "pipes: { p2p: { rate: 300KB/s } }\n",
		 "p.yaml:4:1: `pipes` is not yet supported"},
		{HEAD "rules:\n- { name: a, action: pass, scan: true }\n",
		 "p.yaml:5:28: `scan` is not yet supported"},
		{HEAD "rules:\n- { name: a, action: pass, audit: [messages] }\n",
		 "p.yaml:5:28: `audit` is not yet supported"},
		{HEAD "rules:\n- { name: a, action: pipe, pipe: p2p }\n",
		 "p.yaml:5:28: `pipe` is not yet supported"},
		{HEAD "rules:\n- { name: a, action: pipe }\n",
		 "p.yaml:5:22: action `pipe` is not yet supported"},
		{HEAD "default: pipe\n", "p.yaml:4:10: action `pipe` is not yet supported"},
		{"version: 1\nports: { lan: { interface: eth1 } }\n"
		 "forward: [ { mode: route, ports: [lan] } ]\n",
		 "p.yaml:3:20: mode `route` is not yet supported"},
		{"version: 1\nports: { lan: { interface: eth1 } }\n"
		 "forward: [ { mode: host, ports: [lan] } ]\n",
		 "p.yaml:3:20: mode `host` is not yet supported"},
	};

	refuse_all(cases, ARRAY_SIZE(cases));
}

static void wrong_top_level(void **state)
{
	static const struct refusal cases[] = {
		{"", "p.yaml:1:1: policy: expected a mapping, found nothing"},
		{"- a\n", "p.yaml:1:1: policy: expected a mapping, found a list"},
		{"a: [\n",
		 "p.yaml:2:1: while parsing a flow node did not find expected node content"},
		{HEAD "rule: []\n",
		 "p.yaml:4:1: policy: unknown key `rule`, did you mean `rules`?"},
		{HEAD "zzz: []\n", "p.yaml:4:1: policy: unknown key `zzz`"},
		{HEAD "version: 1\n", "p.yaml:4:1: key `version` is given twice"},
		{"ports: {}\n", "p.yaml:1:1: `version` is missing"},
		{"version: 2\n", "p.yaml:1:10: version: expected a number from 1 to 1, found `2`"},
		{"version: \"1\"\n",
		 "p.yaml:1:10: version: expected a number from 1 to 1, found \"1\""},
		{"version: 1\n", "p.yaml:1:1: `ports` is missing"},
		{"version: 1\nports: { a: { interface: eth0 } }\n",
		 "p.yaml:1:1: `forward` is missing"},
	};

	refuse_all(cases, ARRAY_SIZE(cases));
}

static void wrong_ports(void **state)
{
	static const struct refusal cases[] = {
		{"version: 1\nports: []\n", "p.yaml:2:8: ports: expected a mapping, found a list"},
		{"version: 1\nports: {}\n", "p.yaml:2:8: ports: expected at least one port"},
		{"version: 1\nports: { lan: eth0 }\n",
		 "p.yaml:2:15: lan: expected a mapping, found `eth0`"},
		{"version: 1\nports: { lan: {} }\n",
		 "p.yaml:2:10: port `lan`: `interface` is missing"},
		{"version: 1\nports: { lan: { interfaces: eth0 } }\n",
		 "p.yaml:2:17: lan: unknown key `interfaces`, did you mean `interface`?"},
		{"version: 1\nports: { l/n: { interface: eth0 } }\n",
		 "p.yaml:2:10: port name: expected letters, digits, `-`, `_` and `.`, found `l/n`"},
		{"version: 1\nports: { abcdefghijabcdefghijabcdefghijab: { interface: eth0 } }\n",
		 "p.yaml:2:10: port name: `abcdefghijabcdefghijabcdefghijab` is longer than 31 "
		 "characters"},
		{"version: 1\nports: { lan: { interface: abcdefghijklmnop } }\n",
		 "p.yaml:2:28: interface: `abcdefghijklmnop` is longer than 15 characters"},
		{"version: 1\nports: { lan: { interface: a/b } }\n",
		 "p.yaml:2:28: interface: `a/b` is not an interface name"},
		{"version: 1\nports: { lan: { interface: .. } }\n",
		 "p.yaml:2:28: interface: `..` is not an interface name"},
		{"version: 1\nports: { lan: { interface: \"\" } }\n",
		 "p.yaml:2:28: interface: `` is not an interface name"},
		{"version: 1\nports: { lan: { interface: [a] } }\n",
		 "p.yaml:2:28: interface: expected text, found a list"},
		{"version: 1\nports: { lan: { interface: a, hook: xdp } }\n",
		 "p.yaml:2:37: hook: expected auto, native, generic or tc, found `xdp`"},
		{"version: 1\nports: { lan: { interface: a }, wan: { interface: a } }\n",
		 "p.yaml:2:51: interface `a` is already that of port `lan`"},
	};

	refuse_all(cases, ARRAY_SIZE(cases));
}

static void too_many_ports(void **state)
{
	char text[2048] = "version: 1\nports:\n";
	size_t at = strlen(text);

	for (int i = 0; i < WEIR_PORTS_MAX; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, " p%d: { interface: e%d }\n",
				       i, i);
	assert_refused(text, "p.yaml:34:2: more than 31 ports");
}

static void wrong_forward(void **state)
{
#define PORTS "version: 1\nports: { lan: { interface: eth1 }, wan: { interface: eth0 } }\n"
	static const struct refusal cases[] = {
		{PORTS "forward: {}\n", "p.yaml:3:10: forward: expected a list, found a mapping"},
		{PORTS "forward: []\n", "p.yaml:3:10: forward: expected at least one entry"},
		{PORTS "forward: [ { bridge: br0, ports: [lan] } ]\n",
		 "p.yaml:3:12: forward: `mode` is missing"},
		{PORTS "forward: [ { mode: switch, bridge: br0, ports: [lan] } ]\n",
		 "p.yaml:3:20: mode: expected bridge, route or host, found `switch`"},
		{PORTS "forward: [ { mode: bridge, ports: [lan] } ]\n",
		 "p.yaml:3:12: forward: `bridge` is missing"},
		{PORTS "forward: [ { mode: bridge, bridge: br0 } ]\n",
		 "p.yaml:3:12: forward: `ports` is missing"},
		{PORTS "forward: [ { mode: bridge, bridge: br0, ports: [] } ]\n",
		 "p.yaml:3:48: ports: expected at least one entry"},
		{PORTS "forward: [ { mode: bridge, bridge: eth0, ports: [lan] } ]\n",
		 "p.yaml:3:36: bridge `eth0` is also the interface of port `wan`"},
		{PORTS "forward: [ { mode: bridge, bridge: br0, create: yes, ports: [lan] } ]\n",
		 "p.yaml:3:49: create: expected true or false, found `yes`"},
		{PORTS "forward: [ { mode: bridge, bridge: br0, ports: [lan, wam] } ]\n",
		 "p.yaml:3:54: unknown port `wam`, did you mean `wan`?"},
		{PORTS "forward: [ { mode: bridge, bridge: br0, ports: [lan, dmzdmz] } ]\n",
		 "p.yaml:3:54: unknown port `dmzdmz`"},
		{PORTS "forward: [ { mode: bridge, bridge: br0, ports: [lan, lan] } ]\n",
		 "p.yaml:3:54: port `lan` is already forwarded"},
		{PORTS "forward:\n- { mode: bridge, bridge: br0, ports: [lan] }\n"
		       "- { mode: bridge, bridge: br1, ports: [lan] }\n",
		 "p.yaml:5:40: port `lan` is already forwarded"},
		{PORTS "forward:\n- { mode: bridge, bridge: br0, ports: [lan] }\n"
		       "- { mode: bridge, bridge: br0, ports: [wan] }\n",
		 "p.yaml:5:27: bridge `br0` is already used"},
		{PORTS "forward: [ { mode: bridge, bridge: br0, ports: [lan] } ]\n",
		 "p.yaml:2:36: port `wan` is in no `forward` entry"},
	};
#undef PORTS

	refuse_all(cases, ARRAY_SIZE(cases));
}

static void wrong_settings(void **state)
{
	static const struct refusal cases[] = {
		{HEAD "inspect: 8\n", "p.yaml:4:10: inspect: expected a mapping, found `8`"},
		{HEAD "inspect: { packet: 8 }\n",
		 "p.yaml:4:12: inspect: unknown key `packet`, did you mean `packets`?"},
		{HEAD "inspect: { packets: 0 }\n",
		 "p.yaml:4:21: packets: expected a number from 1 to 64, found `0`"},
		{HEAD "inspect: { bytes: 65KiB }\n",
		 "p.yaml:4:19: bytes: expected a size from 1KiB to 64KiB, found `65KiB`"},
		{HEAD "inspect: { bytes: 16 kilo }\n",
		 "p.yaml:4:19: bytes: expected a size from 1KiB to 64KiB, found `16 kilo`"},
		{HEAD "parking: { flow: 1KiB }\n",
		 "p.yaml:4:18: flow: expected a size from 4KiB to 4MiB, found `1KiB`"},
		{HEAD "parking: { share: 80% }\n",
		 "p.yaml:4:19: share: expected 1% to 75%, found `80%`"},
		{HEAD "parking: { total: 20 }\n",
		 "p.yaml:4:19: total: expected 1% to 75%, found `20`"},
		{HEAD "parking: { totals: 20% }\n",
		 "p.yaml:4:12: parking: unknown key `totals`, did you mean `total`?"},
		{HEAD "reassembly: { flows: 1 }\n",
		 "p.yaml:4:15: reassembly: unknown key `flows`, did you mean `flow`?"},
		{HEAD "reassembly: { flow: 2KiB }\n",
		 "p.yaml:4:21: flow: expected a size from 4KiB to 1MiB, found `2KiB`"},
		{HEAD "reassembly: { total: 512KiB }\n",
		 "p.yaml:4:22: total: expected a size from 1MiB to 16GiB, found `512KiB`"},
		{HEAD "reassembly: { hold: 6s }\n",
		 "p.yaml:4:21: hold: expected a time from 10ms to 5s, found `6s`"},
		{HEAD "reassembly: { fast_pass: 1 }\n",
		 "p.yaml:4:26: fast_pass: expected true or false, found `1`"},
		{HEAD "reassembly: { follow: some }\n",
		 "p.yaml:4:23: follow: expected modules or all, found `some`"},
		{HEAD "inspect: { mode: peek }\n",
		 "p.yaml:4:18: mode: expected hold or copy, found `peek`"},
		{HEAD "on_failure: reset\n",
		 "p.yaml:4:13: on_failure: expected pass or drop, found `reset`"},
		{HEAD "on_overload: [pass]\n",
		 "p.yaml:4:14: on_overload: expected text, found a list"},
		{HEAD "workers: 17\n",
		 "p.yaml:4:10: workers: expected a number from 0 to 16, found `17`"},
		{HEAD "tunnels: inner\n",
		 "p.yaml:4:10: tunnels: expected outer or inspect, found `inner`"},
		{HEAD "modules: [irc]\n", "p.yaml:4:10: modules: expected a mapping, found a list"},
		{HEAD "modules: { disable: irc }\n", "p.yaml:4:21: disable: expected a list"},
		{HEAD "modules: { disable: [irx] }\n",
		 "p.yaml:4:22: disable: no module `irx`, did you mean `irc`?"},
		{HEAD "modules: { disable: [nonsense] }\n",
		 "p.yaml:4:22: disable: no module `nonsense` (`weir modules` lists them)"},
		{HEAD "limits: { flows: 1 }\n", "p.yaml:4:11: limits: unknown key `flows`"},
		{HEAD "limits: { slots: 5000 }\n",
		 "p.yaml:4:18: slots: expected a power of two, found `5000`"},
		{HEAD "limits: { decided: 5 }\n",
		 "p.yaml:4:20: decided: expected a number from 1024 to 16777216, found `5`"},
		{HEAD "rings: { frames: 1000 }\n",
		 "p.yaml:4:18: frames: expected a power of two, found `1000`"},
		{HEAD "metrics: { }\n", "p.yaml:4:10: metrics: `listen` is missing"},
		{HEAD "metrics: { listen: 9477 }\n",
		 "p.yaml:4:20: listen: expected address:port such as \"127.0.0.1:9477\" or "
		 "\"[::1]:9477\", found `9477`"},
		{HEAD "metrics: { listen: \"::1:9477\" }\n",
		 "p.yaml:4:20: listen: expected address:port such as \"127.0.0.1:9477\" or "
		 "\"[::1]:9477\", found `::1:9477`"},
		{HEAD "metrics: { listen: \"127.0.0.1:65536\" }\n",
		 "p.yaml:4:20: listen: expected address:port such as \"127.0.0.1:9477\" or "
		 "\"[::1]:9477\", found `127.0.0.1:65536`"},
		{HEAD "metrics: { listen: \"[::1:1\" }\n",
		 "p.yaml:4:20: listen: expected address:port such as \"127.0.0.1:9477\" or "
		 "\"[::1]:9477\", found `[::1:1`"},
		{HEAD "events: {}\n", "p.yaml:4:9: events: `file` is missing"},
		{HEAD "events: { file: \"\" }\n",
		 "p.yaml:4:17: file: expected a file name, found \"\""},
		{HEAD "events: { file: f, protocols: [tls, ssh] }\n",
		 "p.yaml:4:37: protocols: expected tls, http, dns, quic or files, found `ssh`"},
		{HEAD "events: { file: f, community_seed: 65536 }\n",
		 "p.yaml:4:36: community_seed: expected a number from 0 to 65535, found `65536`"},
		{HEAD "events: { file: f, stats: 10ms }\n",
		 "p.yaml:4:27: stats: expected a time from 1s to 24h, found `10ms`"},
		{HEAD "events: { file: f, alarms: true }\n",
		 "p.yaml:4:20: events: unknown key `alarms`, did you mean `alerts`?"},
		{HEAD "events: { file: f, protocols: tls }\n",
		 "p.yaml:4:31: protocols: expected a list, found `tls`"},
		{HEAD "signatures: x\n", "p.yaml:4:13: signatures: expected a list, found `x`"},
		{HEAD "signatures: []\n",
		 "p.yaml:4:13: signatures: expected at least one file; leave the key out for the "
		 "built-in set"},
		{HEAD "signatures: [no/such.yaml]\n",
		 "p.yaml:4:14: signatures: cannot find `no/such.yaml`"},
	};

	refuse_all(cases, ARRAY_SIZE(cases));
}

static void wrong_groups(void **state)
{
	static const struct refusal cases[] = {
		{HEAD "groups: []\n", "p.yaml:4:9: groups: expected a mapping, found a list"},
		{HEAD "groups: { a: [] }\n", "p.yaml:4:14: group `a`: expected at least one entry"},
		{HEAD "groups: { a: 10.0.0.0/8 }\n",
		 "p.yaml:4:14: group `a`: expected a list, found `10.0.0.0/8`"},
		{HEAD "groups: { any: [10.0.0.0/8] }\n",
		 "p.yaml:4:11: a group cannot be called `any`"},
		{HEAD "groups: { 10.0.0.1: [10.0.0.0/8] }\n",
		 "p.yaml:4:11: a group cannot be called `10.0.0.1`"},
		{HEAD "groups: { \"a b\": [10.0.0.0/8] }\n",
		 "p.yaml:4:11: group name: expected letters, digits, `-`, `_` and `.`, found "
		 "`a b`"},
		{HEAD "groups: { a: [10.0.0.0/33] }\n",
		 "p.yaml:4:15: `10.0.0.0/33` is not a prefix: wrong length"},
		{HEAD "groups: { a: [10.1.2.3/16] }\n",
		 "p.yaml:4:15: `10.1.2.3/16` is not a prefix: address bits are set beyond its "
		 "length"},
		{HEAD "groups: { a: [\"2001:db8::1/64\"] }\n",
		 "p.yaml:4:15: `2001:db8::1/64` is not a prefix: address bits are set beyond its "
		 "length"},
		{HEAD "groups: { a: [10.0.0/8] }\n", "p.yaml:4:15: `10.0.0/8` is not a prefix"},
		{HEAD "groups: { a: [example.org] }\n",
		 "p.yaml:4:15: `example.org` is not a prefix"},
		{HEAD "groups: { a: [[10.0.0.0/8]] }\n",
		 "p.yaml:4:15: group `a`: expected text, found a list"},
	};

	refuse_all(cases, ARRAY_SIZE(cases));
}

static void wrong_rules(void **state)
{
#define RULE(text) HEAD GROUPS "rules:\n- { " text " }\n"
	static const struct refusal cases[] = {
		{HEAD "rules: {}\n", "p.yaml:4:8: rules: expected a list, found a mapping"},
		{HEAD "rules: [pass]\n", "p.yaml:4:9: rule: expected a mapping, found `pass`"},
		{HEAD "default: allow\n",
		 "p.yaml:4:10: default: expected pass, drop, reset or pipe, found `allow`"},
		{RULE("action: pass"), "p.yaml:6:3: rule: `name` is missing"},
		{RULE("name: a"), "p.yaml:6:3: rule `a`: `action` is missing"},
		{RULE("name: default, action: pass"),
		 "p.yaml:6:11: a rule cannot be called `default`"},
		{RULE("name: \"a b\", action: pass"),
		 "p.yaml:6:11: rule name: expected letters, digits, `-`, `_` and `.`, found `a b`"},
		{RULE("name: a, action: block"),
		 "p.yaml:6:22: action: expected pass, drop, reset or pipe, found `block`"},
		{RULE("name: a, action: pass, app: http"), "p.yaml:6:28: rule: unknown key `app`"},
		{RULE("name: a, action: pass, aplication: http"),
		 "p.yaml:6:28: rule: unknown key `aplication`, did you mean `application`?"},
		{RULE("name: a, action: pass, application: bittorent"),
		 "p.yaml:6:41: unknown application `bittorent`, did you mean `bittorrent`?"},
		{RULE("name: a, action: pass, application: [http, qqqqqq]"),
		 "p.yaml:6:48: unknown application `qqqqqq`"},
		{RULE("name: a, action: pass, application: []"),
		 "p.yaml:6:41: application: expected at least one entry"},
		{RULE("name: a, action: pass, application: { http: 1 }"),
		 "p.yaml:6:41: application: expected a list, found a mapping"},
		{RULE("name: a, action: pass, application: \"category:p2\""),
		 "p.yaml:6:41: unknown category `p2`, did you mean `p2p`?"},
		{RULE("name: a, action: pass, application: \"category:\""),
		 "p.yaml:6:41: unknown category ``"},
		{RULE("name: a, action: pass, from: student"),
		 "p.yaml:6:34: unknown group `student`, did you mean `students`?"},
		{RULE("name: a, action: pass, to: [staff, guests]"),
		 "p.yaml:6:40: unknown group `guests`"},
		{RULE("name: a, action: pass, to: 10.0.0.1/8"),
		 "p.yaml:6:32: `10.0.0.1/8` is not a prefix: address bits are set beyond its "
		 "length"},
		{RULE("name: a, action: pass, from: []"),
		 "p.yaml:6:34: from: expected at least one entry"},
		{RULE("name: a, action: drop }\n- { name: a, action: pass"),
		 "p.yaml:7:11: rule `a` is already defined at line 6"},
	};
#undef RULE

	refuse_all(cases, ARRAY_SIZE(cases));
}

static void too_many_rules(void **state)
{
	size_t room = 64 * (WEIR_RULES_MAX + 8), at;
	char *text = malloc(room);

	at = (size_t)snprintf(text, room, HEAD "rules:\n");
	for (int i = 0; i <= WEIR_RULES_MAX; i++)
		at += (size_t)snprintf(text + at, room - at, "- { name: r%d, action: pass }\n", i);
	assert_refused(text, "p.yaml:1029:3: more than 1024 rules");
	free(text);
}

static void unreachable_rules(void **state)
{
	policy_free(assert_accepted(
		HEAD GROUPS
		"rules:\n"
		"- { name: p2p, application: \"category:p2p\", action: drop }\n"
		"- { name: torrents, application: bittorrent, from: staff, action: pass }\n"
		"- { name: four, to: 0.0.0.0/0, action: pass }\n"
		"- { name: six, to: \"::/0\", action: drop }\n"
		"- { name: last, application: irc, from: staff, to: [0.0.0.0/0, \"::/0\"],\n"
		"    action: pass }\n",
		"p.yaml:7:3: warning: rule `torrents` is never reached: rule `p2p` matches first\n"
		"p.yaml:10:3: warning: rule `last` is never reached: earlier rules match first\n"));
}

static void nothing_is_unreachable_here(void **state)
{
	policy_free(assert_accepted(HEAD GROUPS
				    "rules:\n"
				    "- { name: a, from: 10.1.2.0/24, action: drop }\n"
				    "- { name: b, from: staff, action: pass }\n"
				    "- { name: c, application: unknown, action: pass }\n"
				    "- { name: d, application: any, action: drop }\n",
				    ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_whole_file),
		cmocka_unit_test(defaults),
		cmocka_unit_test(not_yet_supported),
		cmocka_unit_test(wrong_top_level),
		cmocka_unit_test(wrong_ports),
		cmocka_unit_test(too_many_ports),
		cmocka_unit_test(wrong_forward),
		cmocka_unit_test(wrong_settings),
		cmocka_unit_test(wrong_groups),
		cmocka_unit_test(wrong_rules),
		cmocka_unit_test(too_many_rules),
		cmocka_unit_test(unreachable_rules),
		cmocka_unit_test(nothing_is_unreachable_here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
