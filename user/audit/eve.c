// SPDX-License-Identifier: GPL-2.0-only
/* Events of flows, drops and anomalies. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "audit/icmp.h"
#include "audit/parts.h"
#include "util/util.h"
#include "weir/anomaly.h"
#include "weir/policy.h"
#include "weir/reason.h"

#define NS_PER_S INT64_C(1000000000)

/* ---- the part that all events of a flow have ---- */

struct head {
	enum eve_type type;
	uint64_t time_ns;
	uint64_t flow_id, parent_id;
	const struct weir_flow_key *key;
	unsigned int source; /* key side in src_ip */
	unsigned int port;   /* in_iface */
	bool icmp, icmp_reply;
	uint8_t icmp_type, icmp_code;
};

static void set_vlan(json_t *o, const struct weir_flow_key *key)
{
	json_t *list;

	if (key->vlan[0] == 0 && key->vlan[1] == 0)
		return;
	list = json_array();
	for (unsigned int i = 0; i < WEIR_VLAN_TAGS_MAX; i++)
		if (key->vlan[i] != 0)
			json_array_append_new(list, json_integer(ntohs(key->vlan[i])));
	eve_set(o, "vlan", list);
}

static void set_tuple(json_t *o, const struct weir_flow_key *key, unsigned int source)
{
	char text[ADDRESS_TEXT_MAX], proto[EVE_PROTOCOL_MAX];
	bool ports = eve_has_ports(key->proto);

	eve_set(o, "src_ip", json_string(address_format(key->addr[source], text)));
	if (ports)
		eve_set_number(o, "src_port", ntohs(key->port[source]));
	eve_set(o, "dest_ip", json_string(address_format(key->addr[!source], text)));
	if (ports)
		eve_set_number(o, "dest_port", ntohs(key->port[!source]));
	eve_set(o, "proto", json_string(eve_protocol(key->proto, proto)));
}

static void set_icmp(json_t *o, const struct head *h)
{
	int reply = icmp_counterpart(h->key->proto, h->icmp_type);

	if (!h->icmp)
		return;
	eve_set_number(o, "icmp_type", h->icmp_type);
	eve_set_number(o, "icmp_code", h->icmp_code);
	if (!h->icmp_reply || reply < 0)
		return;
	eve_set_number(o, "response_icmp_type", (uint64_t)reply);
	eve_set_number(o, "response_icmp_code", 0);
}

static void set_community(json_t *o, const struct eve *e, const struct head *h)
{
	uint8_t icmp[2] = {h->icmp_type, h->icmp_code};
	char text[EVE_COMMUNITY_MAX];
	int reply = -1;

	if (!e->community_id)
		return;
	if (h->icmp)
		reply = icmp_counterpart(h->key->proto, h->icmp_type);
	if (reply >= 0)
		icmp[1] = (uint8_t)reply;
	if (eve_community_id(h->key, h->source, h->icmp ? icmp : NULL, e->community_seed, text))
		eve_set(o, "community_id", json_string(text));
}

static json_t *head_json(const struct eve *e, struct head *h)
{
	const char *interface = e->interface ? e->interface(e->arg, h->port) : NULL;
	char timestamp[EVE_TIMESTAMP_MAX];
	json_t *o = json_object();

	eve_set(o, "timestamp", json_string(eve_timestamp(e, h->time_ns, timestamp)));
	if (h->flow_id)
		eve_set(o, "flow_id", json_integer(eve_flow_id(h->flow_id)));
	if (h->parent_id)
		eve_set(o, "parent_id", json_integer(eve_flow_id(h->parent_id)));
	eve_set_text(o, "in_iface", interface);
	eve_set(o, "event_type", json_string(eve_type_name(h->type)));
	set_vlan(o, h->key);
	set_tuple(o, h->key, h->source);
	set_icmp(o, h);
	set_community(o, e, h);
	return o;
}

/* The originator's side; without a flow, the sender of the frame. */
static unsigned int event_origin(const struct weir_event *ev)
{
	if (ev->flow.id == 0)
		return ev->dir & 1;
	return ev->flow.flags & WEIR_FLOW_ORIGIN ? 1 : 0;
}

/* The port of the originator, or that of the frame. */
static unsigned int event_port(const struct weir_event *ev)
{
	uint8_t port = ev->flow.in_port[event_origin(ev)];

	return ev->flow.id && port && port < WEIR_PORTS_MAX ? port : ev->in_port;
}

/* Of the packet, or of the flow's first one; a flow without frames that has type 0 has no type. */
static void head_icmp(struct head *h, const struct weir_event *ev,
		      const struct packet_header *packet)
{
	const struct weir_flow *f = &ev->flow;

	if (h->key->proto != IPPROTO_ICMP && h->key->proto != IPPROTO_ICMPV6)
		return;
	h->icmp = packet ? packet->icmp : f->icmp[0] || f->frames[0] || f->frames[1];
	h->icmp_type = packet ? packet->icmp_type : f->icmp[0];
	h->icmp_code = packet ? packet->icmp_code : f->icmp[1];
}

static struct head event_head(const struct weir_event *ev, enum eve_type type, unsigned int source,
			      const struct packet_header *packet)
{
	struct head h = {
		.type = type,
		.time_ns = ev->time_ns,
		.flow_id = ev->flow.id,
		.key = &ev->key,
		.source = source,
		.port = event_port(ev),
		.icmp_reply = type == EVE_FLOW && ev->flow.frames[!source] > 0,
	};

	head_icmp(&h, ev, packet);
	return h;
}

/* Suricata calls what it gave up on "failed", and leaves out what it has not decided. */
static void set_app(json_t *o, const struct app_info *app, unsigned int number, bool decided)
{
	if (number && app)
		eve_set(o, "app_proto", json_string(app->name));
	else if (decided)
		eve_set(o, "app_proto", json_string("failed"));
}

/* ---- weir's own ---- */

static const struct app_info *event_app(const struct eve *e, const struct weir_event *ev)
{
	return ev->flow.app ? app_registry_get(e->registry, ev->flow.app) : NULL;
}

static const char *event_rule(const struct eve *e, const struct weir_event *ev)
{
	bool blocked = ev->flow.flags & WEIR_FLOW_BLOCKED ||
		       (ev->kind == WEIR_EVENT_DROPPED && ev->reason == WEIR_REASON_DROP_BLOCKED);

	return e->rule && !blocked ? e->rule(e->arg, &ev->flow) : NULL;
}

static uint8_t event_action(const struct weir_event *ev)
{
	/* A frame dropped by a block has no flow, and so no action. */
	if (ev->kind == WEIR_EVENT_DROPPED && ev->flow.action == WEIR_ACTION_UNDECIDED)
		return WEIR_ACTION_DROP;
	return ev->flow.action;
}

static json_t *weir_json(const struct eve *e, const struct weir_event *ev, const char *reason)
{
	const struct app_info *app = event_app(e, ev);
	uint8_t action = event_action(ev);
	const char *hostname = NULL;
	json_t *o = json_object();

	if (action != WEIR_ACTION_UNDECIDED) {
		eve_set(o, "verdict", json_string(name_of_action(action)));
		eve_set_text(o, "rule", event_rule(e, ev));
		eve_set(o, "method", json_string(name_of_method(ev->flow.method)));
		eve_set_number(o, "confidence", ev->flow.confidence);
	}
	eve_set_text(o, "reason", reason);
	if (ev->flow.payloads)
		eve_set_number(o, "decided_after_payload", ev->flow.payloads);
	eve_set_text(o, "category", app ? app->category : NULL);
	if (ev->flow.id && e->hostname)
		hostname = e->hostname(e->arg, ev->flow.id);
	if (hostname && hostname[0])
		eve_set(o, "hostname", eve_lower(hostname, strlen(hostname)));
	return o;
}

/* ---- flow, identified ---- */

static void set_totals(json_t *o, const struct eve *e, const struct weir_event *ev)
{
	const struct weir_flow *f = &ev->flow;
	unsigned int origin = event_origin(ev);
	char start[EVE_TIMESTAMP_MAX];

	eve_set_number(o, "pkts_toserver", f->frames[origin]);
	eve_set_number(o, "pkts_toclient", f->frames[!origin]);
	eve_set_number(o, "bytes_toserver", f->bytes[origin]);
	eve_set_number(o, "bytes_toclient", f->bytes[!origin]);
	eve_set(o, "start", json_string(eve_timestamp(e, flow_start_ns(f), start)));
}

/* Whole seconds of a clock that shows no parts of them, as Suricata counts. */
static int64_t seconds_at(const struct eve *e, uint64_t time_ns)
{
	return ((int64_t)time_ns + e->clock_offset_ns) / NS_PER_S;
}

static json_t *flow_json(const struct eve *e, const struct weir_event *ev, uint64_t end_ns)
{
	uint64_t start_ns = flow_start_ns(&ev->flow);
	bool dropped = ev->flow.action == WEIR_ACTION_DROP || ev->flow.action == WEIR_ACTION_RESET;
	char end[EVE_TIMESTAMP_MAX];
	json_t *o = json_object();

	set_totals(o, e, ev);
	eve_set(o, "end", json_string(eve_timestamp(e, end_ns, end)));
	eve_set(o, "age", json_integer(seconds_at(e, end_ns) - seconds_at(e, start_ns)));
	eve_set(o, "state", json_string(flow_state_name(ev)));
	eve_set(o, "reason", json_string(flow_reason_name(ev)));
	eve_set(o, "alerted", json_boolean(e->alerts && dropped));
	if (dropped)
		eve_set(o, "action", json_string("drop"));
	else if (ev->flow.action == WEIR_ACTION_PASS)
		eve_set(o, "action", json_string("pass"));
	return o;
}

json_t *eve_flow(const struct eve *e, const struct weir_event *ev, uint64_t end_ns)
{
	unsigned int origin = event_origin(ev);
	struct head h = event_head(ev, EVE_FLOW, origin, NULL);
	json_t *o = head_json(e, &h);

	set_app(o, event_app(e, ev), ev->flow.app, ev->flow.action != WEIR_ACTION_UNDECIDED);
	eve_set(o, "flow", flow_json(e, ev, end_ns ? end_ns : flow_end_ns(ev)));
	if (ev->key.proto == IPPROTO_TCP)
		eve_set(o, "tcp", eve_tcp(&ev->flow, origin));
	eve_set(o, "weir", weir_json(e, ev, flow_end_name(ev)));
	return o;
}

json_t *eve_flow_cut(const struct eve *e, const struct weir_event *ev, uint64_t end_ns)
{
	json_t *o = eve_flow(e, ev, end_ns);

	eve_set(json_object_get(o, "flow"), "reason", json_string("shutdown"));
	eve_set(json_object_get(o, "weir"), "reason", json_string("shutdown"));
	return o;
}

json_t *eve_identified(const struct eve *e, const struct weir_event *ev)
{
	struct head h = event_head(ev, EVE_IDENTIFIED, event_origin(ev), NULL);
	json_t *o = head_json(e, &h), *body = json_object();

	set_app(o, event_app(e, ev), ev->flow.app, true);
	set_totals(body, e, ev);
	eve_set(o, "identified", body);
	eve_set(o, "weir", weir_json(e, ev, NULL));
	return o;
}

/* ---- drop, alert ---- */

static void set_packet_ip(json_t *o, const struct packet_header *p)
{
	if (p->ip_len)
		eve_set_number(o, "len", p->ip_len);
	if (!p->ip)
		return;
	eve_set_number(o, p->v6 ? "tc" : "tos", p->tos);
	eve_set_number(o, p->v6 ? "hoplimit" : "ttl", p->ttl);
	eve_set_number(o, p->v6 ? "flowlbl" : "ipid", p->ip_id);
}

static void set_packet_tcp(json_t *o, const struct packet_header *p)
{
	static const struct {
		const char *name;
		uint8_t bit;
	} flags[] = {{"syn", 2}, {"ack", 16}, {"psh", 8}, {"rst", 4}, {"urg", 32}, {"fin", 1}};

	eve_set_number(o, "tcpseq", p->seq);
	eve_set_number(o, "tcpack", p->ack);
	eve_set_number(o, "tcpwin", p->window);
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		eve_set(o, flags[i].name, json_boolean(p->tcp_flags & flags[i].bit));
	eve_set_number(o, "tcpres", 0);
	eve_set_number(o, "tcpurgp", p->urgent);
}

static json_t *drop_json(const struct weir_event *ev, const struct packet_header *p)
{
	json_t *o = json_object();

	if (p) {
		set_packet_ip(o, p);
		if (p->tcp)
			set_packet_tcp(o, p);
		if (p->udp_len)
			eve_set_number(o, "udplen", p->udp_len);
		if (p->icmp) {
			eve_set_number(o, "icmp_id", p->icmp_id);
			eve_set_number(o, "icmp_seq", p->icmp_seq);
		}
	}
	eve_set(o, "reason", json_string(name_of_drop(ev->reason)));
	return o;
}

static json_t *verdict_json(const struct weir_event *ev)
{
	if (event_action(ev) != WEIR_ACTION_RESET || ev->key.proto != IPPROTO_TCP)
		return json_pack("{s:s}", "action", "drop");
	return json_pack("{s:s, s:s, s:[s]}", "action", "drop", "reject-target", "both", "reject",
			 "tcp-reset");
}

/* What a drop and its alert have in common: they are about a packet, so its sender is the source.
 */
static json_t *drop_head(const struct eve *e, const struct weir_event *ev, enum eve_type type,
			 const struct packet_header *packet)
{
	unsigned int sender = ev->dir & 1;
	struct head h = event_head(ev, type, sender, packet);
	json_t *o = head_json(e, &h);

	set_app(o, event_app(e, ev), ev->flow.app, ev->flow.action != WEIR_ACTION_UNDECIDED);
	if (ev->flow.id)
		eve_set(o, "direction",
			json_string(sender == event_origin(ev) ? "to_server" : "to_client"));
	return o;
}

json_t *eve_drop(const struct eve *e, const struct weir_event *ev,
		 const struct packet_header *packet)
{
	json_t *o = drop_head(e, ev, EVE_DROP, packet);

	eve_set(o, "drop", drop_json(ev, packet));
	eve_set(o, "verdict", verdict_json(ev));
	eve_set(o, "weir", weir_json(e, ev, name_of_reason(ev->reason)));
	return o;
}

#define ALERT_GROUP    1
#define ALERT_REVISION 1
#define ALERT_SEVERITY 3

/* The same for a rule's name in every policy, never 0, positive as an int32_t: FNV-1a. */
static uint32_t signature_id(const char *name)
{
	uint32_t hash = 2166136261u;

	for (; *name; name++)
		hash = (hash ^ (uint8_t)*name) * 16777619u;
	hash &= INT32_MAX;
	return hash ? hash : 1;
}

json_t *eve_alert(const struct eve *e, const struct weir_event *ev,
		  const struct packet_header *packet)
{
	const struct app_info *app = event_app(e, ev);
	const char *rule = event_rule(e, ev);
	json_t *o = drop_head(e, ev, EVE_ALERT, packet);
	const char *name = rule && rule[0] ? rule : "blocked";
	const char *category = app ? app->category : "";

	eve_set(o, "alert",
		json_pack("{s:s, s:i, s:I, s:i, s:s, s:s, s:i}", "action", "blocked", "gid",
			  ALERT_GROUP, "signature_id", (json_int_t)signature_id(name), "rev",
			  ALERT_REVISION, "signature", name, "category", category, "severity",
			  ALERT_SEVERITY));
	eve_set(o, "verdict", verdict_json(ev));
	eve_set(o, "weir", weir_json(e, ev, name_of_reason(ev->reason)));
	return o;
}

/* ---- anomaly, notes, plain events ---- */

json_t *eve_anomaly(const struct eve *e, const struct weir_event *ev)
{
	static const struct {
		const char *type, *event;
	} names[] = {
#define X(id, type, event, help) [WEIR_ANOMALY_##id] = {type, event},
		WEIR_ANOMALIES(X)
#undef X
	};
	struct head h = event_head(ev, EVE_ANOMALY, ev->dir & 1, NULL);
	json_t *o = head_json(e, &h), *body = json_object();

	set_app(o, event_app(e, ev), ev->flow.app, false);
	if (ev->reason < ARRAY_SIZE(names)) {
		eve_set(body, "type", json_string(names[ev->reason].type));
		eve_set(body, "event", json_string(names[ev->reason].event));
	} else {
		eve_set(body, "type", json_string("unknown"));
		eve_set_number(body, "code", ev->reason);
	}
	eve_set(o, "anomaly", body);
	return o;
}

json_t *eve_note(const struct eve *e, enum eve_type type, const struct eve_note *note, json_t *body,
		 json_t *weir)
{
	struct head h = {
		.type = type,
		.time_ns = note->time_ns,
		.flow_id = note->flow_id,
		.parent_id = note->parent_id,
		.key = note->key,
		.source = note->origin,
		.port = note->in_port,
	};
	const struct app_info *app = note->app ? app_registry_get(e->registry, note->app) : NULL;
	json_t *o = head_json(e, &h);

	set_app(o, app, note->app, false);
	if (note->tx >= 0)
		eve_set(o, "tx_id", json_integer(note->tx));
	eve_set(o, eve_type_name(type), body);
	if (weir)
		eve_set(o, "weir", weir);
	return o;
}

json_t *eve_plain(const struct eve *e, enum eve_type type, uint64_t time_ns, json_t *body)
{
	const char *name = eve_type_name(type);
	char timestamp[EVE_TIMESTAMP_MAX];

	return json_pack("{s:s, s:s, s:o}", "timestamp", eve_timestamp(e, time_ns, timestamp),
			 "event_type", name, name, body ? body : json_object());
}
