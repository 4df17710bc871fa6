// SPDX-License-Identifier: GPL-2.0-only
/* Gate events as JSON with Suricata's EVE field names. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "audit/audit.h"
#include "weir/anomaly.h"
#include "weir/policy.h"
#include "weir/reason.h"

#define NS_PER_S 1000000000ull

int64_t audit_flow_id(uint64_t id)
{
	return (int64_t)(id & 0x7ffffffffffff);
}

bool audit_has_ports(uint8_t proto)
{
	return proto == IPPROTO_TCP || proto == IPPROTO_UDP || proto == IPPROTO_SCTP ||
	       proto == IPPROTO_DCCP || proto == IPPROTO_UDPLITE;
}

const char *audit_protocol(uint8_t proto, char buf[AUDIT_PROTOCOL_MAX])
{
	static const struct {
		uint8_t proto;
		const char *name;
	} names[] = {
		{IPPROTO_TCP, "TCP"},	       {IPPROTO_UDP, "UDP"},   {IPPROTO_ICMP, "ICMP"},
		{IPPROTO_ICMPV6, "IPv6-ICMP"}, {IPPROTO_IGMP, "IGMP"}, {IPPROTO_SCTP, "SCTP"},
		{IPPROTO_GRE, "GRE"},	       {IPPROTO_ESP, "ESP"},   {IPPROTO_AH, "AH"},
		{IPPROTO_IPIP, "IPIP"},	       {IPPROTO_IPV6, "IPv6"}, {IPPROTO_DCCP, "DCCP"},
		{IPPROTO_UDPLITE, "UDPLite"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].proto == proto)
			return names[i].name;
	snprintf(buf, AUDIT_PROTOCOL_MAX, "%u", proto);
	return buf;
}

const char *audit_timestamp(uint64_t monotonic_ns, char buf[AUDIT_TIMESTAMP_MAX])
{
	char date[24], zone[8];
	struct timespec now;
	struct tm tm;
	int64_t real_ns;
	time_t seconds;

	clock_gettime(CLOCK_REALTIME, &now);
	real_ns = (int64_t)now.tv_sec * (int64_t)NS_PER_S + now.tv_nsec -
		  (int64_t)(time_now_ns() - monotonic_ns);
	seconds = real_ns / (int64_t)NS_PER_S;
	localtime_r(&seconds, &tm);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &tm);
	strftime(zone, sizeof(zone), "%z", &tm);
	snprintf(buf, AUDIT_TIMESTAMP_MAX, "%s.%06u%s", date,
		 (unsigned int)(real_ns % (int64_t)NS_PER_S / 1000), zone);
	return buf;
}

static const char *event_reason(uint8_t reason)
{
	static const char *const names[] = {
#define X(id, kind, name, help) [WEIR_REASON_##id] = name,
		WEIR_REASONS(X)
#undef X
	};

	return reason < ARRAY_SIZE(names) ? names[reason] : "unknown";
}

static const char *event_verdict(uint8_t action)
{
	static const char *const names[] = {
#define X(id, name, help) [WEIR_ACTION_##id] = name,
		WEIR_ACTIONS(X)
#undef X
	};

	return action < ARRAY_SIZE(names) ? names[action] : "unknown";
}

static const char *event_method(uint8_t method)
{
	static const char *const names[] = {
#define X(id, name, help) [WEIR_METHOD_##id] = name,
		WEIR_METHODS(X)
#undef X
	};

	return method < ARRAY_SIZE(names) ? names[method] : "unknown";
}

static void set(json_t *o, const char *key, json_t *value)
{
	/* When memory runs out, the field is missing, not the event. */
	json_object_set_new(o, key, value);
}

/* The originator's side; without a flow, the sender of the frame. */
static unsigned int event_origin(const struct weir_event *ev)
{
	if (ev->flow.id == 0)
		return ev->dir & 1;
	return ev->flow.flags & WEIR_FLOW_ORIGIN ? 1 : 0;
}

static void event_vlan(json_t *o, const struct weir_flow_key *key)
{
	json_t *list;

	if (key->vlan[0] == 0 && key->vlan[1] == 0)
		return;
	list = json_array();
	for (unsigned int i = 0; i < WEIR_VLAN_TAGS_MAX; i++)
		if (key->vlan[i] != 0)
			json_array_append_new(list, json_integer(ntohs(key->vlan[i])));
	set(o, "vlan", list);
}

static void event_tuple(json_t *o, const struct weir_flow_key *key, unsigned int origin)
{
	char text[ADDRESS_TEXT_MAX], proto[AUDIT_PROTOCOL_MAX];
	bool ports = audit_has_ports(key->proto);

	set(o, "src_ip", json_string(address_format(key->addr[origin], text)));
	if (ports)
		set(o, "src_port", json_integer(ntohs(key->port[origin])));
	set(o, "dest_ip", json_string(address_format(key->addr[!origin], text)));
	if (ports)
		set(o, "dest_port", json_integer(ntohs(key->port[!origin])));
	set(o, "proto", json_string(audit_protocol(key->proto, proto)));
}

/* weir's own fields, in the object named as the type. */
static void event_judgement(json_t *o, const struct weir_event *ev, const struct app_info *app,
			    const char *rule, const char *hostname)
{
	uint8_t action = ev->flow.action;

	/* A frame dropped by a block has no flow, and so no action. */
	if (ev->kind == WEIR_EVENT_DROPPED && action == WEIR_ACTION_UNDECIDED)
		action = WEIR_ACTION_DROP;
	set(o, "verdict", json_string(event_verdict(action)));
	if (rule && rule[0])
		set(o, "rule", json_string(rule));
	set(o, "method", json_string(event_method(ev->flow.method)));
	set(o, "confidence", json_integer(ev->flow.confidence));
	if (ev->flow.payloads)
		set(o, "decided_after_payload", json_integer(ev->flow.payloads));
	if (app && app->category[0])
		set(o, "category", json_string(app->category));
	if (hostname && hostname[0])
		set(o, "hostname", json_string(hostname));
}

static json_t *event_flow(const struct weir_event *ev, unsigned int origin)
{
	const struct weir_flow *f = &ev->flow;
	uint64_t created_ns = (uint64_t)f->created_ds * (NS_PER_S / 10);
	uint64_t age_ns = ev->time_ns > created_ns ? ev->time_ns - created_ns : 0;
	char start[AUDIT_TIMESTAMP_MAX], end[AUDIT_TIMESTAMP_MAX];
	bool closed = ev->kind == WEIR_EVENT_CLOSED, evicted = ev->kind == WEIR_EVENT_EVICTED;
	uint64_t end_ns = evicted ? (uint64_t)f->seen_ds * (NS_PER_S / 10) : ev->time_ns;
	json_t *o = json_object();

	set(o, "pkts_toserver", json_integer((json_int_t)f->frames[origin]));
	set(o, "pkts_toclient", json_integer((json_int_t)f->frames[!origin]));
	set(o, "bytes_toserver", json_integer((json_int_t)f->bytes[origin]));
	set(o, "bytes_toclient", json_integer((json_int_t)f->bytes[!origin]));
	set(o, "start", json_string(audit_timestamp(created_ns, start)));
	if (closed || evicted)
		set(o, "end", json_string(audit_timestamp(end_ns, end)));
	set(o, "age", json_integer((json_int_t)(age_ns / NS_PER_S)));
	set(o, "state", json_string(closed || evicted ? "closed" : "decided"));
	if (evicted)
		set(o, "reason", json_string("evicted"));
	if (closed)
		set(o, "reason", json_string(f->flags & WEIR_FLOW_RST ? "reset" : "fin"));
	return o;
}

json_t *audit_flow_json(const struct weir_event *ev, const struct app_registry *r,
			const char *port_interface, const char *rule, const char *hostname)
{
	const struct app_info *app = app_registry_get(r, ev->flow.app);
	const char *type = ev->kind == WEIR_EVENT_DROPPED ? "drop" : "flow";
	unsigned int origin = event_origin(ev);
	char timestamp[AUDIT_TIMESTAMP_MAX];
	json_t *o = json_object(), *body;

	set(o, "timestamp", json_string(audit_timestamp(ev->time_ns, timestamp)));
	if (ev->flow.id != 0)
		set(o, "flow_id", json_integer(audit_flow_id(ev->flow.id)));
	if (port_interface && port_interface[0])
		set(o, "in_iface", json_string(port_interface));
	set(o, "event_type", json_string(type));
	event_vlan(o, &ev->key);
	event_tuple(o, &ev->key, origin);
	set(o, "app_proto", json_string(app ? app->name : "unknown"));
	if (ev->kind == WEIR_EVENT_DROPPED) {
		body = json_object();
		set(body, "reason", json_string(event_reason(ev->reason)));
	} else {
		body = event_flow(ev, origin);
	}
	event_judgement(body, ev, app, rule, hostname);
	set(o, type, body);
	return o;
}

json_t *audit_note_json(const char *type, const struct audit_note *note, json_t *body)
{
	char timestamp[AUDIT_TIMESTAMP_MAX];
	json_t *o = json_object();

	set(o, "timestamp", json_string(audit_timestamp(note->time_ns, timestamp)));
	set(o, "flow_id", json_integer(audit_flow_id(note->flow_id)));
	if (note->interface[0])
		set(o, "in_iface", json_string(note->interface));
	set(o, "event_type", json_string(type));
	event_vlan(o, note->key);
	event_tuple(o, note->key, note->origin);
	set(o, "app_proto", json_string(note->app ? note->app->name : "unknown"));
	set(o, type, body);
	return o;
}

json_t *audit_anomaly_json(const struct weir_event *ev, const struct app_registry *r,
			   const char *port_interface)
{
	static const struct {
		const char *type, *event;
	} names[] = {
#define X(id, type, event, help) [WEIR_ANOMALY_##id] = {type, event},
		WEIR_ANOMALIES(X)
#undef X
	};
	const struct audit_note note = {
		.time_ns = ev->time_ns,
		.flow_id = ev->flow.id,
		.key = &ev->key,
		.origin = ev->dir & 1,
		.interface = port_interface ? port_interface : "",
		.app = app_registry_get(r, ev->flow.app),
	};
	json_t *body = json_object();

	if (ev->reason < ARRAY_SIZE(names)) {
		set(body, "type", json_string(names[ev->reason].type));
		set(body, "event", json_string(names[ev->reason].event));
	}
	return audit_note_json("anomaly", &note, body);
}
