// SPDX-License-Identifier: GPL-2.0-only
/* Metric families written from the snapshot, in one list for each service. */
#include <inttypes.h>

#include "stats/stats.h"

/* One line: the value, then labels as pairs of name and text. */
#define sample metric_sample

static void write_build_info(FILE *out, const char *name, const struct stats_snapshot *s)
{
	sample(out, name, 1, "version", WEIR_VERSION);
}

static void write_port_info(FILE *out, const char *name, const struct stats_snapshot *s)
{
	for (size_t i = 0; i < s->port_count; i++) {
		const struct stats_port *p = &s->ports[i];

		sample(out, name, p->enabled && p->present, "port", p->name, "interface",
		       p->interface, "hook", p->hook, "mode", p->mode);
	}
}

static void write_port_frames(FILE *out, const char *name, const struct stats_snapshot *s)
{
	for (size_t i = 0; i < s->port_count; i++) {
		const struct stats_port *p = &s->ports[i];

		sample(out, name, stats_port_received(p).frames, "port", p->name, "direction",
		       "rx");
		sample(out, name, stats_port_sent(p).frames, "port", p->name, "direction", "tx");
	}
}

static void write_port_bytes(FILE *out, const char *name, const struct stats_snapshot *s)
{
	for (size_t i = 0; i < s->port_count; i++) {
		const struct stats_port *p = &s->ports[i];

		sample(out, name, stats_port_received(p).bytes, "port", p->name, "direction", "rx");
		sample(out, name, stats_port_sent(p).bytes, "port", p->name, "direction", "tx");
	}
}

static void write_port_segments(FILE *out, const char *name, const struct stats_snapshot *s)
{
	for (size_t i = 0; i < s->port_count; i++) {
		struct stats_balance b;

		stats_port_balance(s, i, &b);
		sample(out, name, b.received, "port", s->ports[i].name);
	}
}

static void write_verdicts(FILE *out, const char *name, const struct stats_snapshot *s)
{
	for (size_t i = 0; i < s->port_count; i++) {
		const char *port = s->ports[i].name;
		struct stats_balance b;

		stats_port_balance(s, i, &b);
		sample(out, name, b.redirected, "port", port, "verdict", "redirect");
		sample(out, name, b.stack, "port", port, "verdict", "stack");
		sample(out, name, b.dropped, "port", port, "verdict", "drop");
	}
}

static void write_reasons(FILE *out, const char *name, const struct stats_snapshot *s,
			  enum weir_reason_kind kind)
{
	for (size_t i = 0; i < s->port_count; i++) {
		const struct stats_port *p = &s->ports[i];

		for (unsigned int r = 0; r < WEIR_REASON_COUNT; r++)
			if (stats_reason_kind(r) == kind)
				sample(out, name, stats_port_dropped(p, r), "port", p->name,
				       "reason", stats_reason_name(r));
	}
}

static void write_dropped(FILE *out, const char *name, const struct stats_snapshot *s)
{
	write_reasons(out, name, s, WEIR_KIND_DROP);
}

static void write_stack(FILE *out, const char *name, const struct stats_snapshot *s)
{
	write_reasons(out, name, s, WEIR_KIND_STACK);
}

/* One reason's frames on every port. */
static void write_reason(FILE *out, const char *name, const struct stats_snapshot *s,
			 enum weir_reason r)
{
	for (size_t i = 0; i < s->port_count; i++)
		sample(out, name, stats_port_dropped(&s->ports[i], r), "port", s->ports[i].name);
}

static void write_punted(FILE *out, const char *name, const struct stats_snapshot *s)
{
	write_reason(out, name, s, WEIR_REASON_PUNTED);
}

static void write_reinjected(FILE *out, const char *name, const struct stats_snapshot *s)
{
	static const struct {
		enum weir_reason reason;
		const char *exit;
	} exits[] = {
		{WEIR_REASON_REINJECTED, "wire"},
		{WEIR_REASON_REINJECTED_STACK, "stack"},
		{WEIR_REASON_REINJECTED_SHAPED, "shaped"},
	};

	for (size_t i = 0; i < s->port_count; i++)
		for (size_t k = 0; k < ARRAY_SIZE(exits); k++)
			sample(out, name, stats_port_dropped(&s->ports[i], exits[k].reason), "port",
			       s->ports[i].name, "exit", exits[k].exit);
}

/* Without the wire segments of what is merged. */
static void write_stack_packets(FILE *out, const char *name, const struct stats_snapshot *s)
{
	for (size_t i = 0; i < s->port_count; i++) {
		const struct stats_port *p = &s->ports[i];
		uint64_t packets = 0;

		for (unsigned int r = 0; r < WEIR_REASON_COUNT; r++)
			if (stats_reason_kind(r) == WEIR_KIND_STACK)
				packets += p->gate[r].frames + p->slow[r];
		sample(out, name, packets, "port", p->name);
	}
}

static void write_made(FILE *out, const char *name, const struct stats_snapshot *s)
{
	write_reason(out, name, s, WEIR_REASON_MADE_RESET);
}

static void write_in_flight(FILE *out, const char *name, const struct stats_snapshot *s)
{
	for (size_t i = 0; i < s->port_count; i++) {
		struct stats_balance b;

		stats_port_balance(s, i, &b);
		/* Signed: counters are not read at one moment, and a sum that is wrong must show.
		 */
		fprintf(out, "%s{port=\"", name);
		metric_label(out, s->ports[i].name);
		fprintf(out, "\"} %" PRId64 "\n", b.in_flight);
	}
}

static void write_xsk(FILE *out, const char *name, const struct stats_snapshot *s)
{
	for (size_t i = 0; i < s->port_count; i++) {
		const struct stats_sockets *x = &s->ports[i].sockets;
		const char *port = s->ports[i].name;

		sample(out, name, x->rx_dropped, "port", port, "kind", "rx_dropped");
		sample(out, name, x->rx_invalid, "port", port, "kind", "rx_invalid");
		sample(out, name, x->tx_invalid, "port", port, "kind", "tx_invalid");
		sample(out, name, x->rx_ring_full, "port", port, "kind", "rx_ring_full");
		sample(out, name, x->rx_fill_ring_empty, "port", port, "kind", "fill_ring_empty");
		sample(out, name, x->tx_ring_empty, "port", port, "kind", "tx_ring_empty");
	}
}

static void write_link_tx_dropped(FILE *out, const char *name, const struct stats_snapshot *s)
{
	for (size_t i = 0; i < s->port_count; i++)
		sample(out, name, s->ports[i].link_tx_dropped, "port", s->ports[i].name);
}

static void write_losses_accounted(FILE *out, const char *name, const struct stats_snapshot *s)
{
	sample(out, name, s->losses_accounted);
}

static void write_flows(FILE *out, const char *name, const struct stats_snapshot *s)
{
	sample(out, name, s->flows_decided, "state", "decided");
	sample(out, name, s->flows_undecided, "state", "undecided");
}

static void write_flow_table(FILE *out, const char *name, const struct stats_snapshot *s)
{
	sample(out, name, s->cache_evicted, "event", "evicted");
	sample(out, name, s->cache_refused, "event", "refused");
}

static void write_flow_cache(FILE *out, const char *name, const struct stats_snapshot *s)
{
	sample(out, name, s->cache_decided, "port", "all", "result", "decided");
	sample(out, name, s->cache_undecided, "port", "all", "result", "undecided");
	sample(out, name, s->cache_new, "port", "all", "result", "new");
}

static void write_reconnection_drops(FILE *out, const char *name, const struct stats_snapshot *s)
{
	uint64_t drops = 0;

	for (size_t i = 0; i < s->port_count; i++)
		drops += stats_port_dropped(&s->ports[i], WEIR_REASON_DROP_RECONNECTION);
	sample(out, name, drops);
}

static void write_app_bytes(FILE *out, const char *name, const struct stats_snapshot *s)
{
	for (size_t i = 0; i < s->app_count; i++) {
		const struct stats_app *a = &s->apps[i];

		sample(out, name, a->volume[0].bytes, "application", a->name, "direction",
		       "toserver");
		sample(out, name, a->volume[1].bytes, "application", a->name, "direction",
		       "toclient");
	}
}

static void write_app_frames(FILE *out, const char *name, const struct stats_snapshot *s)
{
	for (size_t i = 0; i < s->app_count; i++) {
		const struct stats_app *a = &s->apps[i];

		sample(out, name, a->volume[0].frames, "application", a->name, "direction",
		       "toserver");
		sample(out, name, a->volume[1].frames, "application", a->name, "direction",
		       "toclient");
	}
}

static void write_app_flows(FILE *out, const char *name, const struct stats_snapshot *s)
{
	for (size_t i = 0; i < s->app_count; i++)
		for (unsigned int m = 0; m < WEIR_METHOD_COUNT; m++)
			if (s->apps[i].flows[m] > 0)
				sample(out, name, s->apps[i].flows[m], "application",
				       s->apps[i].name, "method", stats_method_name(m));
}

static void write_rule_hits(FILE *out, const char *name, const struct stats_snapshot *s)
{
	for (size_t i = 0; i < s->rule_count; i++)
		sample(out, name, s->rules[i].hits, "rule", s->rules[i].name);
}

static void write_generation(FILE *out, const char *name, const struct stats_snapshot *s)
{
	sample(out, name, s->generation);
}

static void write_loads(FILE *out, const char *name, const struct stats_snapshot *s)
{
	sample(out, name, s->loads_ok, "result", "ok");
	sample(out, name, s->loads_failed, "result", "failed");
}

static void write_policies(FILE *out, const char *name, const struct stats_snapshot *s)
{
	sample(out, name, s->policies);
}

static void write_heartbeat(FILE *out, const char *name, const struct stats_snapshot *s)
{
	fprintf(out, "%s %.6f\n", name, s->heartbeat_age_seconds);
}

static void write_endpoints(FILE *out, const char *name, const struct stats_snapshot *s)
{
	sample(out, name, s->endpoints);
}

static void write_events_lost(FILE *out, const char *name, const struct stats_snapshot *s)
{
	sample(out, name, s->events_lost, "place", "gate");
	sample(out, name, s->events_unwritten, "place", "file");
}

const struct metric stats_daemon_metrics[] = {
	{{"weir_build_info", "gauge", "version", "1, with the version of the running daemon"},
	 .write = write_build_info},
	{{"weir_losses_accounted", "gauge", "",
	  "1 when the kernel's losses after a redirect are counted by their tracepoints"},
	 .write = write_losses_accounted},
	{{"weir_heartbeat_age_seconds", "gauge", "", "Age of the slowest worker's heartbeat"},
	 .write = write_heartbeat},
	{.info.name = NULL},
};

const struct metric stats_port_metrics[] = {
	{{"weir_port_up", "gauge", "port, interface, hook, mode",
	  "1 when the port is enabled and its interface present"},
	 .write = write_port_info},
	{{"weir_port_frames_total", "counter", "port, direction",
	  "Frames that came in (rx; skbs on a TC port) and that weir itself sent out (tx)"},
	 .write = write_port_frames},
	{{"weir_port_bytes_total", "counter", "port, direction",
	  "Bytes of the frames that came in and that weir itself sent out"},
	 .write = write_port_bytes},
	{{"weir_port_segments_total", "counter", "port",
	  "Wire frames that came in; the unit of everything per port below"},
	 .write = write_port_segments},
	{{"weir_verdict_frames_total", "counter", "port, verdict",
	  "How frames ended: redirect (left through weir), stack (the kernel's own path), drop"},
	 .write = write_verdicts},
	{{"weir_dropped_frames_total", "counter", "port, reason", "Frames dropped, by reason"},
	 .write = write_dropped},
	{{"weir_stack_frames_total", "counter", "port, reason",
	  "Frames left to the kernel's bridge or routing, by reason"},
	 .write = write_stack},
	{{"weir_stack_packets_total", "counter", "port",
	  "The same for all reasons, as the kernel counts: a merged packet (TC) is one"},
	 .write = write_stack_packets},
	{{"weir_punted_frames_total", "counter", "port", "Frames handed to the slow path"},
	 .write = write_punted},
	{{"weir_reinjected_frames_total", "counter", "port, exit",
	  "Frames of this port that the slow path sent on, by the exit they left by"},
	 .write = write_reinjected},
	{{"weir_made_frames_total", "counter", "port",
	  "Frames made by weir (resets) and sent out of this port"},
	 .write = write_made},
	{{"weir_in_flight_frames", "gauge", "port", "Frames received and not ended yet: 0 at rest"},
	 .write = write_in_flight},
	{{"weir_xsk_drops_total", "counter", "port, kind",
	  "What the kernel's statistics of the AF_XDP sockets say"},
	 .write = write_xsk},
	{{"weir_link_tx_dropped_total", "counter", "port",
	  "Frames the interface dropped at sending since weir was attached, whoever sent them"},
	 .write = write_link_tx_dropped},
	{.info.name = NULL},
};

const struct metric stats_flow_metrics[] = {
	{{"weir_flows", "gauge", "state", "Flows in the gate's tables, from the last scan"},
	 .write = write_flows},
	{{"weir_flow_cache_total", "counter", "port, result",
	  "Lookups that found a decided flow, an undecided one, or none (new)"},
	 .write = write_flow_cache},
	{{"weir_flow_table_total", "counter", "event",
	  "Decided flows that made room for others (evicted), and those to be decided for which "
	  "there was none (refused)"},
	 .write = write_flow_table},
	{{"weir_reconnection_drops_total", "counter", "",
	  "First packets dropped because they repeat a connection that was dropped"},
	 .write = write_reconnection_drops},
	{{"weir_application_bytes_total", "counter", "application, direction",
	  "Bytes of decided flows; toserver is sent by the side that opened the flow"},
	 .write = write_app_bytes},
	{{"weir_application_frames_total", "counter", "application, direction",
	  "Frames of decided flows"},
	 .write = write_app_frames},
	{{"weir_application_flows_total", "counter", "application, method",
	  "Flows decided, by how they were identified"},
	 .write = write_app_flows},
	{.info.name = NULL},
};

const struct metric stats_policy_metrics[] = {
	{{"weir_rule_hits_total", "counter", "rule", "Flows decided by a rule of the policy"},
	 .write = write_rule_hits},
	{{"weir_policy_generation", "gauge", "", "Generation of the live policy"},
	 .write = write_generation},
	{{"weir_policy_loads_total", "counter", "result", "Attempts to load another policy"},
	 .write = write_loads},
	{{"weir_policies_in_use", "gauge", "",
	  "Policies that workers use: more than 1 while one has not taken the newest"},
	 .write = write_policies},
	{.info.name = NULL},
};

const struct metric stats_learned_metrics[] = {
	{{"weir_endpoints", "gauge", "", "Learned endpoints that are still believed"},
	 .write = write_endpoints},
	{.info.name = NULL},
};

const struct metric stats_event_metrics[] = {
	{{"weir_events_lost_total", "counter", "place",
	  "Events that the gate's ring had no room for, or that the events file did not take"},
	 .write = write_events_lost},
	{.info.name = NULL},
};

void stats_snapshot_free(struct stats_snapshot *s)
{
	if (!s)
		return;
	free(s->ports);
	free(s->apps);
	free(s->rules);
	free(s->names);
	free(s);
}
