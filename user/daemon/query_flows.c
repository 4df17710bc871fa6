// SPDX-License-Identifier: GPL-2.0-only
/* Live flows, filtered. */
#include <arpa/inet.h>
#include <string.h>

#include "daemon/weir.h"

#define FLOWS_LIMIT_DEFAULT 1000
#define FLOWS_LIMIT_MAX	    100000

struct flow_filter {
	struct weir *w;
	const char *category; /* NULL = any */
	int app;	      /* -1 = any */
	bool by_address;
	bool all; /* closed ones too */
	uint32_t address[4];
	size_t limit;
	uint32_t clock_ds;
	uint64_t now_ns;
	json_t *list;
	bool more;
	bool any_parked;
};

static const char *source_name(uint8_t source)
{
	static const char *const names[] = {
#define X(id, name, help) [WEIR_SOURCE_##id] = name,
		WEIR_SOURCES(X)
#undef X
	};

	return source < ARRAY_SIZE(names) ? names[source] : "";
}

static const char *state_name(const struct weir_flow *f)
{
	static const char *const names[] = {
#define X(id, name, help) [WEIR_FLOW_STATE_##id] = name,
		WEIR_FLOW_STATES(X)
#undef X
	};

	return names[weir_flow_state(f->flags)];
}

static const char *decision_name(const struct weir_flow *f)
{
	if (f->action == WEIR_ACTION_UNDECIDED)
		return "undecided";
	return f->flags & (WEIR_FLOW_HANDOVER(0) | WEIR_FLOW_HANDOVER(1)) ? "handover" : "decided";
}

static const char *interface_name(const struct weir *w, uint8_t port)
{
	return port < WEIR_PORTS_MAX ? w->ports[port].name : "";
}

/* What either host was told of the other. False when the flow is not known by an endpoint, or its
 * time is over. */
static bool flow_endpoint(const struct flow_filter *q, const struct weir_flow_key *k,
			  const struct weir_flow *f, struct weir_peer *peer)
{
	if (f->method != WEIR_METHOD_ENDPOINT)
		return false;
	for (unsigned int host = 0; host < 2; host++) {
		struct weir_endpoint_key key = {.port = k->port[!host], .domain = k->domain};

		memcpy(key.host, k->addr[host], sizeof(key.host));
		memcpy(key.peer, k->addr[!host], sizeof(key.peer));
		if (endpoints_find(q->w->endpoints, &key, q->now_ns, peer))
			return true;
	}
	return false;
}

static void flow_source(json_t *o, const struct flow_filter *q, const struct weir_flow_key *k,
			const struct weir_flow *f)
{
	struct weir_peer peer;
	bool told = flow_endpoint(q, k, f, &peer);

	json_object_set_new(o, "source", json_string(told ? source_name(peer.source) : ""));
	if (told)
		json_object_set_new(
			o, "source_expires_in_seconds",
			json_integer((json_int_t)((peer.expires_ns - q->now_ns) / 1000000000)));
}

static bool flow_matches(const struct flow_filter *q, const struct weir_flow_key *k,
			 const struct weir_flow *f, const struct app_info *app)
{
	if (f->flags & WEIR_FLOW_MOVED)
		return false;
	if (!q->all && weir_flow_closed(f->flags))
		return false;
	if (q->app >= 0 && f->app != q->app)
		return false;
	if (q->category && (!app || strcmp(app->category, q->category) != 0))
		return false;
	return !q->by_address || memcmp(k->addr[0], q->address, sizeof(q->address)) == 0 ||
	       memcmp(k->addr[1], q->address, sizeof(q->address)) == 0;
}

static json_t *flow_vlans(const struct weir_flow_key *k)
{
	json_t *list = json_array();

	for (unsigned int i = 0; i < WEIR_VLAN_TAGS_MAX; i++)
		if (k->vlan[i])
			json_array_append_new(list, json_integer(ntohs(k->vlan[i])));
	return list;
}

static void flow_tuple(json_t *o, const struct weir_flow_key *k, unsigned int origin)
{
	char src[ADDRESS_TEXT_MAX], dst[ADDRESS_TEXT_MAX], proto[EVE_PROTOCOL_MAX];
	bool ports = eve_has_ports(k->proto);
	json_t *tuple =
		json_pack("{s:s, s:s, s:i, s:s, s:i, s:o}", "proto", eve_protocol(k->proto, proto),
			  "src_ip", address_format(k->addr[origin], src), "src_port",
			  ports ? (int)ntohs(k->port[origin]) : 0, "dest_ip",
			  address_format(k->addr[!origin], dst), "dest_port",
			  ports ? (int)ntohs(k->port[!origin]) : 0, "vlan", flow_vlans(k));

	json_object_update_missing(o, tuple);
	json_decref(tuple);
}

static void flow_volume(json_t *o, const struct weir_flow *f, unsigned int origin)
{
	json_object_set_new(o, "pkts_toserver", json_integer((json_int_t)f->frames[origin]));
	json_object_set_new(o, "pkts_toclient", json_integer((json_int_t)f->frames[!origin]));
	json_object_set_new(o, "bytes_toserver", json_integer((json_int_t)f->bytes[origin]));
	json_object_set_new(o, "bytes_toclient", json_integer((json_int_t)f->bytes[!origin]));
}

static json_t *age_seconds(const struct flow_filter *q, const struct weir_flow *f)
{
	return json_real(q->now_ns > f->created_ns ? (double)(q->now_ns - f->created_ns) / 1e9 : 0);
}

/* Since a moment of the gate's clock, which may be a tick ahead of ours. */
static json_t *seconds_since(const struct flow_filter *q, uint32_t then_ds)
{
	int32_t age_ds = (int32_t)(q->clock_ds - then_ds);

	return json_real(age_ds > 0 ? age_ds / 10.0 : 0);
}

static json_t *park_reasons(uint32_t reasons)
{
	static const char *const names[] = {
#define X(id, name, help) [WEIR_PARK_##id] = name,
		WEIR_PARKS(X)
#undef X
	};
	json_t *list = json_array();

	for (unsigned int r = 0; r < WEIR_PARK_COUNT; r++)
		if (reasons >> r & 1)
			json_array_append_new(list, json_string(names[r]));
	return list;
}

/* Directions whose frames wait in the slow path. */
static void flow_parked(json_t *o, const struct flow_filter *q, const struct weir_flow *f)
{
	unsigned int origin = f->flags & WEIR_FLOW_ORIGIN ? 1 : 0;
	json_t *list = json_array();
	struct weir_parked v;

	for (uint8_t dir = 0; q->any_parked && dir < 2; dir++) {
		uint64_t left_ns;

		if (gate_get_parked(q->w->gate, f->id, dir, &v) < 0)
			continue;
		left_ns = v.deadline_ns > q->now_ns ? v.deadline_ns - q->now_ns : 0;
		json_array_append_new(list, json_pack("{s:s, s:o, s:s, s:f}", "direction",
						      dir == origin ? "toserver" : "toclient",
						      "reasons", park_reasons(v.reasons), "answer",
						      policy_action_name(v.answer), "seconds_left",
						      (double)left_ns / 1e9));
	}
	json_object_set_new(o, "parked", list);
}

static json_t *flow_json(const struct flow_filter *q, const struct weir_flow_key *k,
			 const struct weir_flow *f, const struct app_info *app)
{
	unsigned int origin = f->flags & WEIR_FLOW_ORIGIN ? 1 : 0;
	const char *rule = f->action == WEIR_ACTION_UNDECIDED ? "" : rule_name_of(q->w, f);
	unsigned int method = f->method < WEIR_METHOD_COUNT ? f->method : WEIR_METHOD_NONE;
	uint8_t name_source = FLOW_NAME_NONE;
	const char *hostname = hostnames_get(q->w->hostnames, f->id, &name_source);
	json_t *o = json_object();

	json_object_set_new(o, "flow_id", json_integer(eve_flow_id(f->id)));
	flow_tuple(o, k, origin);
	json_object_set_new(o, "app_proto", json_string(app ? app->name : "unknown"));
	json_object_set_new(o, "category", json_string(app ? app->category : ""));
	json_object_set_new(o, "state", json_string(state_name(f)));
	json_object_set_new(o, "decision", json_string(decision_name(f)));
	json_object_set_new(o, "action", json_string(policy_action_name(f->action)));
	json_object_set_new(o, "exit", json_string(policy_exit_name(f->exit)));
	json_object_set_new(o, "rule", json_string(rule));
	json_object_set_new(o, "method", json_string(stats_method_name(method)));
	json_object_set_new(o, "confidence", json_integer(f->confidence));
	json_object_set_new(o, "decided_after_payload", json_integer(f->payloads));
	flow_source(o, q, k, f);
	json_object_set_new(o, "hostname", json_string(hostname));
	if (hostname[0])
		json_object_set_new(o, "hostname_source",
				    json_string(flow_name_source_name(name_source)));
	flow_volume(o, f, origin);
	json_object_set_new(o, "age_seconds", age_seconds(q, f));
	json_object_set_new(o, "idle_seconds", seconds_since(q, f->seen_ds));
	json_object_set_new(o, "in_port", json_string(interface_name(q->w, f->in_port[origin])));
	json_object_set_new(o, "out_port", json_string(interface_name(q->w, f->in_port[!origin])));
	json_object_set_new(o, "generation", json_integer(f->generation));
	flow_parked(o, q, f);
	return o;
}

/* The gate takes a verdict over with the flow's next frame: one that was dropped may have none. */
static void flow_look_up(const struct flow_filter *q, const struct weir_flow_key *k,
			 struct weir_flow *f)
{
	struct weir_identification v;

	if (f->action != WEIR_ACTION_UNDECIDED ||
	    gate_get_identification(q->w->gate, f->id, &v) < 0)
		return;
	f->app = v.app;
	f->method = v.method;
	f->confidence = v.confidence;
	f->payloads = v.payloads;
	f->traits = (uint32_t)f->traits | (uint64_t)v.traits << WEIR_GATE_TRAITS;
	flow_judge(q->w, k, f);
}

static bool flow_add(const struct weir_flow_key *k, const struct weir_flow *entry, void *arg)
{
	struct weir_flow judged = *entry, *f = &judged;
	struct flow_filter *q = arg;
	const struct app_info *app;

	flow_look_up(q, k, f);
	app = app_registry_get(q->w->registry, f->app);
	if (!flow_matches(q, k, f, app))
		return true;
	if (json_array_size(q->list) >= q->limit) {
		q->more = true;
		return false;
	}
	json_array_append_new(q->list, flow_json(q, k, f, app));
	return true;
}

static int filter_app(struct flow_filter *q, const char *name, struct error *e)
{
	static const char prefix[] = "category:";

	q->app = -1;
	if (!name)
		return 0;
	if (strncmp(name, prefix, sizeof(prefix) - 1) == 0) {
		q->category = name + sizeof(prefix) - 1;
		return 0;
	}
	q->app = app_registry_find(q->w->registry, name);
	if (q->app < 0)
		return error_set(e, -ENOENT, "no application %s (`weir apps` lists them)", name);
	return 0;
}

static int filter_parse(struct flow_filter *q, const json_t *args, struct error *e)
{
	const char *address = json_string_value(json_object_get(args, "address"));
	const json_t *limit = json_object_get(args, "limit");
	int err = filter_app(q, json_string_value(json_object_get(args, "app")), e);

	if (err < 0)
		return err;
	if (address && address_parse(address, q->address) < 0)
		return error_set(e, -EINVAL, "%s: not an IPv4 or IPv6 address", address);
	q->by_address = address != NULL;
	q->all = json_is_true(json_object_get(args, "all"));
	q->limit = FLOWS_LIMIT_DEFAULT;
	if (json_is_integer(limit) && json_integer_value(limit) >= 0)
		q->limit = (size_t)json_integer_value(limit);
	if (q->limit > FLOWS_LIMIT_MAX)
		q->limit = FLOWS_LIMIT_MAX;
	return 0;
}

static bool parked_seen(uint64_t flow_id _unused_, uint8_t dir _unused_,
			const struct weir_parked *v _unused_, void *arg)
{
	*(bool *)arg = true;
	return false;
}

int query_flows(void *arg, const json_t *args, json_t **data, struct error *e)
{
	struct weir *w = arg;
	struct flow_filter q = {.w = w, .now_ns = time_now_ns()};
	int err = filter_parse(&q, args, e);

	if (err < 0)
		return err;
	news_read(w);
	q.clock_ds = (uint32_t)(q.now_ns / 100000000);
	q.list = json_array();
	gate_each_parked(w->gate, parked_seen, &q.any_parked);
	err = gate_each_flow(w->gate, true, flow_add, &q);
	if (!err && !q.more)
		err = gate_each_flow(w->gate, false, flow_add, &q);
	if (err < 0) {
		json_decref(q.list);
		return error_set(e, err, "cannot read the flows: %s", strerror(-err));
	}
	*data = json_pack("{s:o, s:b}", "flows", q.list, "more", q.more);
	return *data ? 0 : error_set(e, -ENOMEM, "out of memory");
}

static const struct service_verb verbs[] = {
	{.name = "flows", .answer = query_flows},
	{.name = "top", .answer = query_top},
	{.name = NULL},
};
static const char *const events[] = {"flow", "identified", "drop", "alert", "anomaly", NULL};

SERVICE(flows) = {
	.name = "flows",
	.stage = SERVICE_RUNNING,
	.verbs = verbs,
	.metrics = stats_flow_metrics,
	.events = events,
};
