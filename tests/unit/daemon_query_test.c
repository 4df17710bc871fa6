// SPDX-License-Identifier: GPL-2.0-only
/* The daemon's answers, over a gate, workers and interfaces made of arrays. */
#include "unit/daemon_fixture.h"

static const json_t *first(const json_t *o, const char *key)
{
	const json_t *item = json_array_get(json_object_get(o, key), 0);

	assert_non_null(item);
	return item;
}

static void counts(struct fixture *f, enum weir_reason r, uint64_t frames)
{
	f->gate.counters[2][r] = (struct weir_counter){frames, frames * 100, frames};
}

static void status_has_every_ports_balance_and_reasons(void **state)
{
	struct fixture *f = *state;
	const json_t *port, *reasons;
	json_t *s;

	counts(f, WEIR_REASON_REDIRECTED, 50);
	counts(f, WEIR_REASON_PUNTED, 20);
	counts(f, WEIR_REASON_STACK_FAILURE, 3);
	counts(f, WEIR_REASON_DROP_FAILURE, 4);
	f->worker.counters.reasons[2][WEIR_REASON_REINJECTED] = 12;
	f->worker.counters.reasons[2][WEIR_REASON_DROP_VERDICT] = 5;
	f->worker.counters.sent_frames[2] = 9;
	f->gate.sent[2] = (struct weir_volume){30, 3000};
	s = ask(query_status, f, NULL);
	assert_int_equal(json_array_size(json_object_get(s, "ports")), 1);
	port = first(s, "ports");
	assert_string_equal(text_at(port, "name"), "lan");
	assert_string_equal(text_at(port, "hook"), "tc");
	assert_string_equal(text_at(port, "hook_reason"), "a veth");
	assert_string_equal(text_at(port, "mode"), "zerocopy");
	assert_int_equal(int_at(port, "received"), 77);
	assert_int_equal(int_at(port, "redirected"), 62);
	assert_int_equal(int_at(port, "stack"), 3);
	assert_int_equal(int_at(port, "dropped"), 9);
	assert_int_equal(int_at(port, "in_flight"), 3);
	assert_int_equal(int_at(port, "punted"), 20);
	assert_int_equal(int_at(port, "sent"), 39);
	assert_int_equal(int_at(port, "link_tx_dropped"), 10);
	reasons = json_object_get(port, "reasons");
	assert_int_equal(json_object_size(reasons), WEIR_REASON_COUNT);
	assert_int_equal(int_at(reasons, "redirected"), 50);
	assert_int_equal(int_at(reasons, "verdict"), 5);
	assert_int_equal(int_at(reasons, "stack_failure"), 3);
	assert_int_equal(int_at(reasons, "drop_failure"), 4);
	assert_int_equal(int_at(json_object_get(s, "policy"), "generation"), 5);
	assert_int_equal(json_array_size(json_object_get(s, "degraded")), 0);
	assert_true(json_number_value(json_object_get(s, "uptime_seconds")) >= 5);
	json_decref(s);
}

static void status_says_what_is_degraded(void **state)
{
	struct fixture *f = *state;
	json_t *s;
	char *text;

	f->gate.accounts = false;
	f->gate.ctl.heartbeat_ns[0] -= 2 * WEIR_HEARTBEAT_MAX_NS;
	strcpy(f->w.ports[2].degraded, "copy mode");
	f->w.ports[2].enabled = false;
	f->w.ports[4] =
		(struct daemon_port){.name = "wan", .interface = "eth9", .configured = true};
	s = ask(query_status, f, NULL);
	text = json_dumps(json_object_get(s, "degraded"), JSON_COMPACT);
	assert_non_null(strstr(text, "port lan: copy mode"));
	assert_non_null(strstr(text, "port lan: disabled"));
	assert_non_null(strstr(text, "port wan: interface eth9 is gone"));
	assert_non_null(strstr(text, "worker 0: no heartbeat for 1."));
	assert_non_null(strstr(text, "not counted"));
	assert_int_equal(json_array_size(json_object_get(s, "ports")), 2);
	free(text);
	json_decref(s);
}

static void sockets_bear_witness_where_nothing_else_does(void **state)
{
	struct fixture *f = *state;
	const json_t *port;
	json_t *s;

	counts(f, WEIR_REASON_PUNTED, 20);
	f->sockets.counters = (struct xsk_counters){.rx_dropped = 4, .rx_ring_full = 6};
	s = ask(query_status, f, NULL);
	port = first(s, "ports");
	assert_int_equal(int_at(port, "in_flight"), 20);
	json_decref(s);
	f->gate.accounts = false;
	s = ask(query_status, f, NULL);
	port = first(s, "ports");
	assert_int_equal(int_at(port, "in_flight"), 10);
	assert_int_equal(int_at(json_object_get(port, "reasons"), "punt_lost"), 10);
	json_decref(s);
}

static void an_adopted_gates_past_is_not_in_flight(void **state)
{
	struct fixture *f = *state;
	json_t *s;

	counts(f, WEIR_REASON_PUNTED, 20);
	counts(f, WEIR_REASON_DROP_PUNT_LOST, 2);
	snapshot_begin(&f->w);
	s = ask(query_status, f, NULL);
	assert_int_equal(int_at(first(s, "ports"), "in_flight"), 18);
	json_decref(s);
	f->w.adopted = true;
	snapshot_begin(&f->w);
	counts(f, WEIR_REASON_PUNTED, 25);
	s = ask(query_status, f, NULL);
	assert_int_equal(int_at(first(s, "ports"), "in_flight"), 5);
	json_decref(s);
}

/* Adds a flow 10.0.0.1:1000 -> 192.0.2.N:80 of application app. */
static struct weir_flow *add_flow(struct fixture *f, bool decided, uint8_t n, uint16_t app)
{
	size_t i = f->gate.flow_count[decided]++;
	struct weir_flow_key *k = &f->gate.keys[decided][i];
	struct weir_flow *flow = &f->gate.flows[decided][i];
	char text[32];

	snprintf(text, sizeof(text), "192.0.2.%u", n);
	address_parse(text, k->addr[0]);
	address_parse("10.0.0.1", k->addr[1]);
	k->port[0] = htons(80);
	k->port[1] = htons(1000);
	k->proto = IPPROTO_TCP;
	k->domain = 1;
	*flow = (struct weir_flow){.id = 0xfff0000000000000 + n,
				   .app = app,
				   .action = decided ? WEIR_ACTION_DROP : WEIR_ACTION_UNDECIDED,
				   .flags = WEIR_FLOW_ORIGIN,
				   .bytes = {10, 20},
				   .frames = {1, 2},
				   .created_ns = time_now_ns() - 5000000000,
				   .in_port = {WEIR_PORT_NONE, 2}};
	return flow;
}

static size_t flow_count(struct fixture *f, json_t *args)
{
	json_t *data = ask(query_flows, f, args);
	size_t n = json_array_size(json_object_get(data, "flows"));

	json_decref(data);
	return n;
}

static void flows_read_from_their_originator(void **state)
{
	struct fixture *f = *state;
	const json_t *flow;
	json_t *data;

	add_flow(f, true, 7, 0)->rule = 0;
	data = ask(query_flows, f, NULL);
	flow = first(data, "flows");
	assert_int_equal(int_at(flow, "flow_id"), 7);
	assert_string_equal(text_at(flow, "proto"), "TCP");
	assert_string_equal(text_at(flow, "src_ip"), "10.0.0.1");
	assert_int_equal(int_at(flow, "src_port"), 1000);
	assert_string_equal(text_at(flow, "dest_ip"), "192.0.2.7");
	assert_int_equal(int_at(flow, "dest_port"), 80);
	assert_int_equal(int_at(flow, "bytes_toserver"), 20);
	assert_int_equal(int_at(flow, "bytes_toclient"), 10);
	assert_string_equal(text_at(flow, "action"), "drop");
	assert_string_equal(text_at(flow, "rule"), "no-p2p");
	assert_string_equal(text_at(flow, "state"), "new");
	assert_string_equal(text_at(flow, "decision"), "decided");
	assert_string_equal(text_at(flow, "in_port"), "lan");
	assert_string_equal(text_at(flow, "out_port"), "");
	assert_in_range((int)json_number_value(json_object_get(flow, "age_seconds")), 5, 6);
	assert_true(json_is_false(json_object_get(data, "more")));
	json_decref(data);
}

/* Their states; closed ones are asked for. */
static void closed_flows_are_shown_when_asked(void **state)
{
	struct fixture *f = *state;
	struct weir_flow *flow = add_flow(f, true, 1, 0);
	json_t *data;

	add_flow(f, true, 2, 0)->flags |= WEIR_FLOW_RST | WEIR_FLOW_TWOWAY;
	add_flow(f, false, 3, 0)->flags |= WEIR_FLOW_FIN(0) | WEIR_FLOW_FIN(1);
	flow->flags |= WEIR_FLOW_TWOWAY | WEIR_FLOW_FIN(0);
	flow->seen_ds = (uint32_t)(time_now_ns() / 100000000) - 30;
	assert_int_equal(flow_count(f, json_pack("{s:b}", "all", 1)), 3);
	data = ask(query_flows, f, NULL);
	assert_int_equal(json_array_size(json_object_get(data, "flows")), 1);
	assert_string_equal(text_at(first(data, "flows"), "state"), "established");
	assert_in_range(
		(int)json_number_value(json_object_get(first(data, "flows"), "idle_seconds")), 2,
		4);
	json_decref(data);
}

static const char *rule_shown(struct fixture *f, uint32_t generation)
{
	static char name[64];
	json_t *data;

	f->gate.flows[1][0].generation = generation;
	data = ask(query_flows, f, NULL);
	snprintf(name, sizeof(name), "%s", text_at(first(data, "flows"), "rule"));
	json_decref(data);
	return name;
}

/* A flow is shown with the rule that decided it, under the name of that time. */
static void rules_have_the_names_of_their_generation(void **state)
{
	struct fixture *f = *state;
	struct policy_rule *rule = &f->policy.rules[0];
	char now[sizeof(rule->name)];

	memcpy(now, rule->name, sizeof(now));
	add_flow(f, true, 7, 0)->rule = 0;
	f->policy.generation = 5;
	for (int load = 0; load < 12; load++) {
		rule_names_keep(&f->w);
		f->policy.generation += 3;
		snprintf(rule->name, sizeof(rule->name), "load-%d", load);
	}
	/* Decided by the running policy, first or again. */
	assert_string_equal(rule_shown(f, 41), "load-11");
	assert_string_equal(rule_shown(f, 43), "load-11");
	assert_string_equal(rule_shown(f, 40), "load-10");
	assert_string_equal(rule_shown(f, 38), "load-10");
	assert_string_equal(rule_shown(f, 35), "load-9");
	/* Eight are kept. */
	assert_string_equal(rule_shown(f, 17), "load-3");
	assert_string_equal(rule_shown(f, 16), "");
	f->gate.flows[1][0].rule = WEIR_RULE_DEFAULT;
	assert_string_equal(rule_shown(f, 16), "default");
	rule_names_free(&f->w);
	memcpy(rule->name, now, sizeof(now));
}

static void flows_are_filtered(void **state)
{
	struct fixture *f = *state;
	int bittorrent = app_registry_add(f->w.registry, "bittorrent", "p2p");
	int http = app_registry_add(f->w.registry, "http", NULL);
	json_t *data;

	add_flow(f, true, 1, (uint16_t)bittorrent);
	add_flow(f, true, 2, (uint16_t)http);
	add_flow(f, false, 3, 0);
	add_flow(f, false, 1, 0)->flags |= WEIR_FLOW_MOVED;
	assert_int_equal(flow_count(f, NULL), 3);
	assert_int_equal(flow_count(f, json_pack("{s:s}", "app", "bittorrent")), 1);
	assert_int_equal(flow_count(f, json_pack("{s:s}", "app", "category:p2p")), 1);
	assert_int_equal(flow_count(f, json_pack("{s:s}", "app", "unknown")), 1);
	assert_int_equal(flow_count(f, json_pack("{s:s}", "address", "192.0.2.2")), 1);
	assert_int_equal(flow_count(f, json_pack("{s:s}", "address", "10.0.0.1")), 3);
	assert_int_equal(flow_count(f, json_pack("{s:s}", "address", "10.0.0.9")), 0);
	data = ask(query_flows, f, json_pack("{s:i}", "limit", 2));
	assert_int_equal(json_array_size(json_object_get(data, "flows")), 2);
	assert_true(json_is_true(json_object_get(data, "more")));
	json_decref(data);
}

/* Its first packet was dropped in the slow path, and the gate has seen no other. */
static void flows_know_what_the_gate_does_not_yet(void **state)
{
	struct fixture *f = *state;
	int bittorrent = app_registry_add(f->w.registry, "bittorrent", "p2p");
	static struct weir_rule_set sets[WEIR_SETS_COUNT(1)];
	const struct weir_rules_head head = {
		.rules = f->policy.rule_count, .words = 1, .classes = 1};
	struct weir_rule rules[WEIR_RULES_MAX + 1] = {
		{.traits = WEIR_TRAIT_USER(2) | 4, .cell = {.action = WEIR_ACTION_DROP}}};
	struct weir_flow *entry;
	const json_t *flow;
	json_t *data;

	memcpy(sets, &head, sizeof(head));
	sets[WEIR_SETS_FROM(0)].word[0] = sets[WEIR_SETS_TO(1, 0)].word[0] = 1;
	sets[WEIR_SETS_APP(1, bittorrent)].word[0] = 1;
	f->policy.class_ids = 1;
	f->policy.sets = sets;
	f->policy.compiled = rules;
	entry = add_flow(f, false, 3, 0);
	entry->traits = 4;
	f->gate.verdict_of = entry->id;
	f->gate.verdict = (struct weir_identification){.app = (uint16_t)bittorrent,
						       .method = WEIR_METHOD_SIGNATURE,
						       .confidence = 90,
						       .traits = 1u << 2};
	data = ask(query_flows, f, json_pack("{s:s}", "app", "bittorrent"));
	flow = first(data, "flows");
	assert_string_equal(text_at(flow, "app_proto"), "bittorrent");
	assert_string_equal(text_at(flow, "method"), "signature");
	assert_int_equal(int_at(flow, "confidence"), 90);
	assert_string_equal(text_at(flow, "action"), "drop");
	assert_string_equal(text_at(flow, "rule"), f->rules[0].name);
	json_decref(data);
}

static void flows_say_what_they_wait_for(void **state)
{
	struct fixture *f = *state;
	const struct weir_flow *flow = add_flow(f, false, 3, 0);
	const json_t *parked;
	json_t *data = ask(query_flows, f, NULL);

	assert_int_equal(json_array_size(json_object_get(first(data, "flows"), "parked")), 0);
	json_decref(data);
	f->gate.parked_id = flow->id;
	f->gate.parked_dir = flow->flags & WEIR_FLOW_ORIGIN ? 1 : 0;
	f->gate.parked = (struct weir_parked){
		.deadline_ns = time_now_ns() + 60000000000,
		.reasons = 1u << WEIR_PARK_SCAN | 1u << WEIR_PARK_SETTLE,
		.answer = WEIR_ACTION_DROP,
	};
	data = ask(query_flows, f, NULL);
	parked = first(first(data, "flows"), "parked");
	assert_string_equal(text_at(parked, "direction"), "toserver");
	assert_string_equal(text_at(parked, "answer"), "drop");
	assert_string_equal(
		json_string_value(json_array_get(json_object_get(parked, "reasons"), 1)), "settle");
	assert_in_range((int)json_number_value(json_object_get(parked, "seconds_left")), 58, 60);
	json_decref(data);
}

static void flows_refuse_what_they_cannot_filter_by(void **state)
{
	struct fixture *f = *state;
	json_t *args = json_pack("{s:s}", "app", "nonesuch"), *data = NULL;
	struct error e = {0};

	assert_int_equal(query_flows(&f->w, args, &data, &e), -ENOENT);
	assert_non_null(strstr(e.text, "nonesuch"));
	json_decref(args);
	args = json_pack("{s:s}", "address", "nowhere");
	e = (struct error){0};
	assert_int_equal(query_flows(&f->w, args, &data, &e), -EINVAL);
	json_decref(args);
	f->gate.fail = -EIO;
	args = json_object();
	assert_int_equal(query_flows(&f->w, args, &data, &e), -EIO);
	json_decref(args);
	assert_null(data);
}

static void flows_say_where_an_endpoint_was_learned(void **state)
{
	struct fixture *f = *state;
	struct weir_peer peer = {.expires_ns = time_now_ns() + 1000000000ull,
				 .app = 1,
				 .source = WEIR_SOURCE_DHT,
				 .confidence = 80};
	struct weir_endpoint_key key = {.port = htons(80), .domain = 1};
	struct weir_flow *flow = add_flow(f, true, 7, 1);
	json_t *data;

	flow->method = WEIR_METHOD_ENDPOINT;
	flow->confidence = 80;
	address_parse("192.0.2.7", key.peer);
	address_parse("10.0.0.1", key.host);
	assert_int_equal(endpoints_add(f->w.endpoints, &key, &peer), 1);
	data = ask(query_flows, f, NULL);
	assert_string_equal(text_at(first(data, "flows"), "source"), "dht");
	assert_string_equal(text_at(first(data, "flows"), "method"), "endpoint");
	json_decref(data);
}

static void expired_blocks_are_not_shown(void **state)
{
	struct fixture *f = *state;
	json_t *data;

	for (size_t i = 0; i < 3; i++) {
		address_parse("192.0.2.0", f->gate.blocks[i].from);
		f->gate.blocks[i].from_bits = 120;
		f->gate.blocks[i].to_bits = WEIR_BLOCK_ONE_SIDE;
		f->gate.blocks[i].app = WEIR_BLOCK_ANY_APP;
	}
	f->gate.block_count = 3;
	f->gate.blocks[2].port = htons(443);
	f->gate.block_expires_ns[0] = 1;
	f->gate.block_expires_ns[1] = time_now_ns() + 60000000000ull;
	data = ask(query_blocks, f, NULL);
	assert_int_equal(json_array_size(json_object_get(data, "blocks")), 2);
	assert_in_range((int)json_number_value(
				json_object_get(first(data, "blocks"), "expires_in_seconds")),
			59, 60);
	assert_int_equal(int_at(json_array_get(json_object_get(data, "blocks"), 1), "port"), 443);
	assert_true(json_is_null(json_object_get(json_array_get(json_object_get(data, "blocks"), 1),
						 "expires_in_seconds")));
	json_decref(data);
}

static void hits_go_on_over_a_reload(void **state)
{
	struct fixture *f = *state;
	json_t *data = ask(query_policy, f, NULL);
	const json_t *rules = json_object_get(data, "rules");

	assert_string_equal(text_at(json_array_get(rules, 0), "action"), "drop");
	assert_int_equal(int_at(json_array_get(rules, 0), "hits"), 101);
	assert_int_equal(int_at(json_array_get(rules, 1), "hits"), 2);
	assert_int_equal(int_at(data, "default_hits"), 207);
	json_decref(data);
}

static void only_applications_with_traffic_are_counted(void **state)
{
	struct fixture *f = *state;
	json_t *data = ask(query_top, f, NULL);
	unsigned int count = app_registry_count(f->w.registry);

	assert_int_equal(json_array_size(json_object_get(data, "applications")), 1);
	assert_int_equal(int_at(first(data, "applications"), "bytes_toclient"), 5000);
	json_decref(data);
	data = ask(query_apps, f, NULL);
	assert_int_equal(json_array_size(json_object_get(data, "applications")), count);
	assert_string_equal(text_at(first(data, "applications"), "name"), "unknown");
	json_decref(data);
	data = ask(query_stats, f, NULL);
	assert_non_null(
		strstr(text_at(data, "text"), "weir_rule_hits_total{rule=\"default\"} 207"));
	assert_non_null(strstr(text_at(data, "text"), "weir_events_lost_total{place=\"gate\"} 4"));
	json_decref(data);
}

static void recent_events_are_objects(void **state)
{
	struct fixture *f = *state;
	json_t *data;

	audit_event(f->w.audit, EVE_PORT, json_pack("{s:s}", "name", "lan"));
	audit_event(f->w.audit, EVE_POLICY, NULL);
	data = ask(query_recent, f, json_pack("{s:s}", "type", "port"));
	assert_int_equal(json_array_size(json_object_get(data, "events")), 1);
	assert_string_equal(text_at(first(data, "events"), "event_type"), "port");
	json_decref(data);
}

static void events_of_no_type_are_refused(void **state)
{
	struct fixture *f = *state;
	json_t *args = json_pack("{s:s}", "type", "flwo"), *data = NULL;
	struct error e = {0};

	assert_int_equal(query_recent(&f->w, args, &data, &e), -EINVAL);
	assert_non_null(strstr(e.text, "flwo"));
	assert_non_null(strstr(e.text, "flow, identified, drop"));
	assert_null(data);
	json_decref(args);
}

static void ports_are_listed(void **state)
{
	struct fixture *f = *state;
	json_t *data = ask(query_ports, f, NULL);

	assert_string_equal(text_at(first(data, "ports"), "interface"), "eth1");
	assert_true(json_is_true(json_object_get(first(data, "ports"), "enabled")));
	json_decref(data);
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH(status_has_every_ports_balance_and_reasons),
		WITH(status_says_what_is_degraded),
		WITH(sockets_bear_witness_where_nothing_else_does),
		WITH(an_adopted_gates_past_is_not_in_flight),
		WITH(flows_read_from_their_originator),
		WITH(closed_flows_are_shown_when_asked),
		WITH(rules_have_the_names_of_their_generation),
		WITH(flows_are_filtered),
		WITH(flows_know_what_the_gate_does_not_yet),
		WITH(flows_say_what_they_wait_for),
		WITH(flows_refuse_what_they_cannot_filter_by),
		WITH(flows_say_where_an_endpoint_was_learned),
		WITH(expired_blocks_are_not_shown),
		WITH(hits_go_on_over_a_reload),
		WITH(only_applications_with_traffic_are_counted),
		WITH(recent_events_are_objects),
		WITH(events_of_no_type_are_refused),
		WITH(ports_are_listed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
