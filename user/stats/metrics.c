// SPDX-License-Identifier: GPL-2.0-only
/* The table of metrics, and Prometheus text from it. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "stats/stats.h"

struct metric {
	struct stats_metric_info info;
	void (*write)(FILE *out, const char *name, const struct stats_snapshot *s);
};

/* Backslash, quote and newline are escaped in a label's value; the text format wants no more. */
static void label_write(FILE *out, const char *value)
{
	for (; *value; value++) {
		if (*value == '\n')
			fputs("\\n", out);
		else if (*value == '\\' || *value == '"')
			fprintf(out, "\\%c", *value);
		else
			fputc(*value, out);
	}
}

/* name{label="value",...} and a space; pairs of strings up to NULL. */
static void series_write(FILE *out, const char *name, va_list labels)
{
	const char *label, *open = "{", *close = "";

	fputs(name, out);
	while ((label = va_arg(labels, const char *))) {
		fprintf(out, "%s%s=\"", open, label);
		label_write(out, va_arg(labels, const char *));
		fputc('"', out);
		open = ",";
		close = "}";
	}
	fprintf(out, "%s ", close);
}

__attribute__((sentinel)) static void sample_write(FILE *out, const char *name, uint64_t value, ...)
{
	va_list labels;

	va_start(labels, value);
	series_write(out, name, labels);
	va_end(labels);
	fprintf(out, "%" PRIu64 "\n", value);
}

/* One line: the value, then labels as pairs of name and text. */
#define sample(out, name, ...) sample_write(out, name, __VA_ARGS__, (const char *)NULL)

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
	write_reason(out, name, s, WEIR_REASON_REINJECTED);
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
		label_write(out, s->ports[i].name);
		fprintf(out, "\"} %" PRId64 "\n", b.in_flight);
	}
}

static void write_xsk(FILE *out, const char *name, const struct stats_snapshot *s)
{
	for (size_t i = 0; i < s->port_count; i++) {
		const struct xsk_counters *x = &s->ports[i].sockets;
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
	sample(out, name, s->cache[GATE_CACHE_EVICTED], "event", "evicted");
	sample(out, name, s->cache[GATE_CACHE_REFUSED], "event", "refused");
}

static void write_flow_cache(FILE *out, const char *name, const struct stats_snapshot *s)
{
	static const char *const results[GATE_CACHE_RESULTS] = {
		[GATE_CACHE_DECIDED] = "decided",
		[GATE_CACHE_UNDECIDED] = "undecided",
		[GATE_CACHE_NEW] = "new",
	};

	for (unsigned int i = 0; i < GATE_CACHE_RESULTS; i++)
		sample(out, name, s->cache[i], "port", "all", "result", results[i]);
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

/* A worker's number as a label. */
static const char *worker_label(size_t index, char buf[24])
{
	snprintf(buf, 24, "%zu", index);
	return buf;
}

static void write_queue(FILE *out, const char *name, const struct stats_snapshot *s)
{
	char label[24];

	for (size_t i = 0; i < s->worker_count; i++)
		sample(out, name, s->workers[i].queue_frames, "worker", worker_label(i, label));
}

static void write_slowpath_events(FILE *out, const char *name, const struct stats_snapshot *s)
{
	char label[24];

	for (size_t i = 0; i < s->worker_count; i++) {
		const struct worker_counters *c = &s->workers[i];

		worker_label(i, label);
		sample(out, name, c->bad_checksums, "worker", label, "event", "bad_checksum");
		sample(out, name, c->finished_checksums, "worker", label, "event",
		       "finished_checksum");
		sample(out, name, c->classified, "worker", label, "event", "classified");
		sample(out, name, c->decided, "worker", label, "event", "decided");
		sample(out, name, c->learned, "worker", label, "event", "learned");
		sample(out, name, c->expect.expected, "worker", label, "event", "expected");
		sample(out, name, c->expect.refused, "worker", label, "event",
		       "expectation_refused");
		sample(out, name, c->stalls, "worker", label, "event", "stall");
	}
}

static void write_slowpath_flows(FILE *out, const char *name, const struct stats_snapshot *s)
{
	char label[24];

	for (size_t i = 0; i < s->worker_count; i++)
		sample(out, name, s->workers[i].flows.flows, "worker", worker_label(i, label));
}

static void write_slowpath_flow_events(FILE *out, const char *name, const struct stats_snapshot *s)
{
	char label[24];

	for (size_t i = 0; i < s->worker_count; i++) {
		const struct flow_table_stats *f = &s->workers[i].flows;

		worker_label(i, label);
		sample(out, name, f->created, "worker", label, "event", "created");
		sample(out, name, f->expired, "worker", label, "event", "expired");
		sample(out, name, f->evicted, "worker", label, "event", "evicted");
	}
}

static void write_stream_bytes(FILE *out, const char *name, const struct stats_snapshot *s)
{
	char label[24];

	for (size_t i = 0; i < s->worker_count; i++)
		sample(out, name, s->workers[i].flows.stream_bytes, "worker",
		       worker_label(i, label));
}

static void write_fragments(FILE *out, const char *name, const struct stats_snapshot *s)
{
	for (unsigned int e = 0; e < FRAGMENT_EVENT_COUNT; e++) {
		uint64_t sum = 0;

		for (size_t i = 0; i < s->worker_count; i++)
			sum += s->workers[i].fragments.events[e];
		sample(out, name, sum, "event", fragment_event_name(e));
	}
}

static void write_waiting(FILE *out, const char *name, const struct stats_snapshot *s)
{
	char label[24];

	for (size_t i = 0; i < s->worker_count; i++)
		sample(out, name, s->workers[i].waiting_frames, "worker", worker_label(i, label));
}

/* What became of segments out of order. */
static void write_holds(FILE *out, const char *name, const struct stats_snapshot *s)
{
	uint64_t passed = 0, held = 0, expired = 0, full = 0;

	for (size_t i = 0; i < s->worker_count; i++) {
		passed += s->workers[i].fast_passed;
		held += s->workers[i].held;
		expired += s->workers[i].hold_expired;
		full += s->workers[i].hold_full;
	}
	sample(out, name, passed, "event", "tcp-fast-passed");
	sample(out, name, held, "event", "tcp-held");
	sample(out, name, expired, "event", "tcp-hold-expired");
	sample(out, name, full, "event", "tcp-hold-full");
}

static void write_reassembly(FILE *out, const char *name, const struct stats_snapshot *s)
{
	static const char *const names[] = {
#define X(id, label, help) [FLOW_STREAM_##id] = label,
		FLOW_STREAM_EVENTS(X)
#undef X
	};

	for (size_t e = 0; e < ARRAY_SIZE(names); e++) {
		uint64_t sum = 0;

		for (size_t i = 0; i < s->worker_count; i++)
			sum += s->workers[i].flows.stream[e];
		sample(out, name, sum, "event", names[e]);
	}
	write_holds(out, name, s);
	write_fragments(out, name, s);
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

/* One row a family, in the order of the reference (docs/metrics.md). */
static const struct metric metrics[] = {
	{{"weir_build_info", "gauge", "version", "1, with the version of the running daemon"},
	 write_build_info},
	{{"weir_port_up", "gauge", "port, interface, hook, mode",
	  "1 when the port is enabled and its interface present"},
	 write_port_info},
	{{"weir_port_frames_total", "counter", "port, direction",
	  "Frames that came in (rx; skbs on a TC port) and that weir itself sent out (tx)"},
	 write_port_frames},
	{{"weir_port_bytes_total", "counter", "port, direction",
	  "Bytes of the frames that came in and that weir itself sent out"},
	 write_port_bytes},
	{{"weir_port_segments_total", "counter", "port",
	  "Wire frames that came in; the unit of everything per port below"},
	 write_port_segments},
	{{"weir_verdict_frames_total", "counter", "port, verdict",
	  "How frames ended: redirect (left through weir), stack (the kernel's own path), drop"},
	 write_verdicts},
	{{"weir_dropped_frames_total", "counter", "port, reason", "Frames dropped, by reason"},
	 write_dropped},
	{{"weir_stack_frames_total", "counter", "port, reason",
	  "Frames left to the kernel's bridge or routing, by reason"},
	 write_stack},
	{{"weir_punted_frames_total", "counter", "port", "Frames handed to the slow path"},
	 write_punted},
	{{"weir_reinjected_frames_total", "counter", "port",
	  "Frames of this port that the slow path sent on"},
	 write_reinjected},
	{{"weir_made_frames_total", "counter", "port",
	  "Frames made by weir (resets) and sent out of this port"},
	 write_made},
	{{"weir_in_flight_frames", "gauge", "port", "Frames received and not ended yet: 0 at rest"},
	 write_in_flight},
	{{"weir_xsk_drops_total", "counter", "port, kind",
	  "What the kernel's statistics of the AF_XDP sockets say"},
	 write_xsk},
	{{"weir_link_tx_dropped_total", "counter", "port",
	  "Frames the interface dropped at sending since weir was attached, whoever sent them"},
	 write_link_tx_dropped},
	{{"weir_losses_accounted", "gauge", "",
	  "1 when the kernel's losses after a redirect are counted by their tracepoints"},
	 write_losses_accounted},
	{{"weir_flows", "gauge", "state", "Flows in the gate's tables, from the last scan"},
	 write_flows},
	{{"weir_flow_cache_total", "counter", "port, result",
	  "Lookups that found a decided flow, an undecided one, or none (new)"},
	 write_flow_cache},
	{{"weir_flow_table_total", "counter", "event",
	  "Decided flows that made room for others (evicted), and those to be decided for which "
	  "there was none (refused)"},
	 write_flow_table},
	{{"weir_reconnection_drops_total", "counter", "",
	  "First packets dropped because they repeat a connection that was dropped"},
	 write_reconnection_drops},
	{{"weir_application_bytes_total", "counter", "application, direction",
	  "Bytes of decided flows; toserver is sent by the side that opened the flow"},
	 write_app_bytes},
	{{"weir_application_frames_total", "counter", "application, direction",
	  "Frames of decided flows"},
	 write_app_frames},
	{{"weir_application_flows_total", "counter", "application, method",
	  "Flows decided, by how they were identified"},
	 write_app_flows},
	{{"weir_rule_hits_total", "counter", "rule", "Flows decided by a rule of the policy"},
	 write_rule_hits},
	{{"weir_slowpath_queue_frames", "gauge", "worker",
	  "Frames the worker read in its last batch"},
	 write_queue},
	{{"weir_slowpath_waiting_frames", "gauge", "worker",
	  "Frames that wait in the worker for something (fast_pass: false)"},
	 write_waiting},
	{{"weir_slowpath_events_total", "counter", "worker, event",
	  "What the worker did: classified and decided flows, learned endpoints, expected "
	  "data connections and those refused, checksums"},
	 write_slowpath_events},
	{{"weir_slowpath_flows", "gauge", "worker", "Flows the worker holds"},
	 write_slowpath_flows},
	{{"weir_slowpath_flows_total", "counter", "worker, event",
	  "Flows of the worker created, expired, and evicted for want of room"},
	 write_slowpath_flow_events},
	{{"weir_slowpath_stream_bytes", "gauge", "worker", "Bytes held for assembly"},
	 write_stream_bytes},
	{{"weir_reassembly_total", "counter", "event",
	  "What happened to the TCP segments of flows that are read (tcp-...) and to IP fragments "
	  "(ip-...)"},
	 write_reassembly},
	{{"weir_policy_generation", "gauge", "", "Generation of the live policy"},
	 write_generation},
	{{"weir_policy_loads_total", "counter", "result", "Attempts to load another policy"},
	 write_loads},
	{{"weir_heartbeat_age_seconds", "gauge", "", "Age of the slowest worker's heartbeat"},
	 write_heartbeat},
	{{"weir_endpoints", "gauge", "", "Learned endpoints that are still believed"},
	 write_endpoints},
	{{"weir_events_lost_total", "counter", "place",
	  "Events that were too many to tell of, or that the events file did not take"},
	 write_events_lost},
};

const struct stats_metric_info *stats_metric(size_t index)
{
	return index < ARRAY_SIZE(metrics) ? &metrics[index].info : NULL;
}

char *stats_prometheus(const struct stats_snapshot *s)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	bool failed;

	if (!out)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(metrics); i++) {
		const struct stats_metric_info *m = &metrics[i].info;

		fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name, m->type);
		metrics[i].write(out, m->name, s);
	}
	failed = ferror(out);
	if (fclose(out) != 0 || failed) {
		free(text);
		return NULL;
	}
	return text;
}

void stats_snapshot_free(struct stats_snapshot *s)
{
	if (!s)
		return;
	free(s->ports);
	free(s->apps);
	free(s->rules);
	free(s->workers);
	free(s->names);
	free(s);
}
