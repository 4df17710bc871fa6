// SPDX-License-Identifier: GPL-2.0-only
/* Collects the numbers of gate, workers, sockets and interfaces in one snapshot. */
#include <string.h>

#include "daemon/weir.h"

/* Frames of a port that the workers ended. */
static uint64_t ended_of(struct weir *w, unsigned int port)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < WEIR_WORKERS_MAX; i++)
		sum += gate_ended(w->gate)[i * WEIR_PORTS_MAX + port];
	return sum;
}

/* Frames in the pool, the rings or the parking of a daemon that was killed died with it. */
static void begin_port(struct weir *w, unsigned int port, bool known)
{
	struct weir_counter c[WEIR_REASON_COUNT];
	uint64_t taken, ended;

	if (gate_read_counters(w->gate, port, c) < 0)
		return;
	taken = c[WEIR_REASON_PUNTED].segments - c[WEIR_REASON_DROP_PUNT_LOST].segments;
	ended = ended_of(w, port);
	w->punted_before[port] = taken;
	if (known && taken > ended) {
		w->stale_before[port] = taken - ended;
		w->punted_before[port] = ended;
	}
	/* The next daemon counts from here. */
	gate_ended(w->gate)[port] += taken - ended;
}

void snapshot_begin(struct weir *w)
{
	uint64_t *kept = &gate_ended(w->gate)[WEIR_WORKERS_MAX * WEIR_PORTS_MAX];

	/* The daemon of a gate that had no such counts did not keep them. */
	for (unsigned int i = 1; w->adopted && i < WEIR_PORTS_MAX; i++)
		begin_port(w, i, *kept);
	*kept = 1;
}

static const char *hook_name(enum port_hook hook)
{
	switch (hook) {
	case PORT_HOOK_NATIVE:
		return "native";
	case PORT_HOOK_GENERIC:
		return "generic";
	case PORT_HOOK_TC:
		return "tc";
	}
	return "";
}

static const char *mode_name(const struct daemon_port *p)
{
	if (!p->sockets)
		return "";
	return xsk_sockets_mode(p->sockets) == XSK_MODE_ZEROCOPY ? "zerocopy" : "copy";
}

void *workers_numbers(void *arg)
{
	const struct weir *w = arg;
	struct worker_numbers *n = calloc(1, sizeof(*n) + w->worker_count * sizeof(n->workers[0]));

	if (!n)
		return NULL;
	n->worker_count = w->worker_count;
	for (uint32_t i = 0; i < w->worker_count; i++)
		worker_counters(w->workers[i], &n->workers[i]);
	return n;
}

SERVICE(workers) = {
	.name = "workers",
	.stage = SERVICE_RUNNING,
	.metrics = worker_metrics,
	.numbers = workers_numbers,
};

static void snapshot_heartbeat(struct weir *w, struct stats_snapshot *s)
{
	const struct weir_ctl *ctl = gate_ctl(w->gate);
	uint64_t oldest_ns = s->time_ns;

	for (uint32_t i = 0; i < w->worker_count; i++) {
		uint64_t beat_ns = __atomic_load_n(&ctl->heartbeat_ns[i], __ATOMIC_RELAXED);

		if (beat_ns < oldest_ns)
			oldest_ns = beat_ns;
	}
	s->heartbeat_age_seconds = (double)(s->time_ns - oldest_ns) / 1e9;
}

/* What the workers counted of a port. */
static void snapshot_slow(const struct worker_numbers *n, unsigned int port, struct stats_port *out)
{
	for (size_t i = 0; i < n->worker_count; i++) {
		const struct worker_counters *c = &n->workers[i];

		for (unsigned int r = 0; r < WEIR_REASON_COUNT; r++) {
			out->slow[r] += c->reasons[port][r];
			out->slow_bytes[r] += c->bytes[port][r];
		}
		out->slow_sent += c->sent_frames[port];
		out->slow_sent_bytes += c->sent_bytes[port];
	}
}

/* Frames that were handed up and whose end nobody told. */
static uint64_t port_unended(const struct stats_port *p)
{
	uint64_t ended = p->ended_before + p->gate[WEIR_REASON_DROP_PUNT_LOST].segments;
	uint64_t punted = p->gate[WEIR_REASON_PUNTED].segments;

	for (unsigned int r = 0; r < WEIR_REASON_COUNT; r++)
		if (stats_reason_kind(r) != WEIR_KIND_MADE && !stats_reason_is_behind(r))
			ended += p->slow[r];
	return punted > ended ? punted - ended : 0;
}

static void snapshot_sockets(const struct daemon_port *p, struct stats_sockets *out)
{
	struct xsk_counters c = {0};

	if (!p->sockets)
		return;
	xsk_sockets_counters(p->sockets, &c);
	*out = (struct stats_sockets){
		.rx_dropped = c.rx_dropped,
		.rx_invalid = c.rx_invalid,
		.tx_invalid = c.tx_invalid,
		.rx_ring_full = c.rx_ring_full,
		.rx_fill_ring_empty = c.rx_fill_ring_empty,
		.tx_ring_empty = c.tx_ring_empty,
	};
}

static void snapshot_port(struct weir *w, const struct stats_snapshot *s,
			  const struct worker_numbers *n, unsigned int port, struct stats_port *out)
{
	const struct daemon_port *p = &w->ports[port];
	const struct port_pair_lost *pair = port_pair_losses(w, port);
	struct port_link link;

	memcpy(out->name, p->name, sizeof(out->name));
	memcpy(out->interface, p->interface, sizeof(out->interface));
	strncpy(out->hook, hook_name(p->hook), sizeof(out->hook) - 1);
	strncpy(out->mode, mode_name(p), sizeof(out->mode) - 1);
	out->enabled = p->enabled;
	out->present = p->present;
	out->ended_before = w->punted_before[port];
	gate_read_counters(w->gate, port, out->gate);
	gate_read_sent(w->gate, port, &out->sent);
	snapshot_slow(n, port, out);
	snapshot_sockets(p, &out->sockets);
	/* Without the tracepoints the sockets are the only witnesses. */
	if (!s->losses_accounted)
		out->slow[WEIR_REASON_DROP_PUNT_LOST] +=
			out->sockets.rx_dropped + out->sockets.rx_ring_full;
	out->slow[WEIR_REASON_DROP_STALE] += w->stale_before[port];
	/* What was on its way up when the sockets closed went with them. */
	out->slow[WEIR_REASON_DROP_PUNT_LOST] += p->lost_at_close;
	out->slow[WEIR_REASON_DROP_QDISC] += port_qdisc_losses(w, port);
	out->slow[WEIR_REASON_DROP_PAIR_LOST] += pair->out;
	out->slow[WEIR_REASON_DROP_PUNT_LOST] += pair->up;
	if (!p->attached)
		out->slow[WEIR_REASON_DROP_PUNT_LOST] += port_unended(out);
	if (p->present && port_link_read(p->interface, &link, NULL) == 0 &&
	    link.tx_dropped >= p->link_at_attach.tx_dropped)
		out->link_tx_dropped = link.tx_dropped - p->link_at_attach.tx_dropped;
}

static void snapshot_ports(struct weir *w, struct stats_snapshot *s, const struct worker_numbers *n)
{
	for (unsigned int i = 1; i < WEIR_PORTS_MAX; i++)
		if (w->ports[i].configured)
			snapshot_port(w, s, n, i, &s->ports[s->port_count++]);
}

/* Keeps a name beyond the policy and the registry: the text is written without the daemon's lock.
 */
static const char *snapshot_name(char **at, const char *name)
{
	size_t size = strlen(name) + 1;
	char *copy = *at;

	memcpy(copy, name, size);
	*at += size;
	return copy;
}

static bool app_had_traffic(const struct stats_app *a)
{
	bool any = a->volume[0].frames || a->volume[1].frames;

	for (unsigned int m = 0; m < WEIR_METHOD_COUNT; m++)
		any |= a->flows[m] > 0;
	return any;
}

static void snapshot_apps(struct weir *w, struct stats_snapshot *s, char **names)
{
	unsigned int count = app_registry_count(w->registry);

	for (unsigned int i = 0; i < count; i++) {
		const struct app_info *info = app_registry_get(w->registry, i);
		struct stats_app *a = &s->apps[s->app_count];

		if (!info || gate_read_app(w->gate, i, a->volume, a->flows) < 0 ||
		    !app_had_traffic(a))
			continue;
		a->name = snapshot_name(names, info->name);
		a->category = snapshot_name(names, info->category);
		s->app_count++;
	}
	/* What the last refusal left behind is beyond the end. */
}

static void snapshot_rules(struct weir *w, struct stats_snapshot *s, char **names)
{
	for (unsigned int i = 0; i <= w->policy->rule_count; i++) {
		unsigned int rule = i < w->policy->rule_count ? i : WEIR_RULE_DEFAULT;
		struct stats_rule *r = &s->rules[s->rule_count++];

		gate_read_rule_hits(w->gate, w->generation, rule, &r->hits);
		r->hits += w->rule_hits_before[i];
		r->name = snapshot_name(names, policy_rule_name(w->policy, rule));
	}
}

/* Room for everything, so that filling cannot fail. */
static struct stats_snapshot *snapshot_new(const struct weir *w)
{
	size_t apps = app_registry_count(w->registry), rules = w->policy->rule_count + 1;
	struct stats_snapshot *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->ports = calloc(WEIR_PORTS_MAX, sizeof(*s->ports));
	s->apps = calloc(apps + 1, sizeof(*s->apps));
	s->rules = calloc(rules, sizeof(*s->rules));
	s->names = malloc(apps * sizeof(((struct app_info *)0)->name) * 2 +
			  rules * sizeof(((struct policy_rule *)0)->name));
	if (!s->ports || !s->apps || !s->rules || !s->names) {
		stats_snapshot_free(s);
		return NULL;
	}
	return s;
}

void snapshot_settle(struct weir *w, unsigned int port)
{
	_cleanup_free_ struct worker_numbers *n = workers_numbers(w);
	struct stats_snapshot *s = n ? snapshot_new(w) : NULL;
	struct stats_port p = {0};

	if (!s)
		return;
	s->losses_accounted = gate_accounts_losses(w->gate);
	snapshot_port(w, s, n, port, &p);
	w->ports[port].lost_at_close =
		p.slow[WEIR_REASON_DROP_PUNT_LOST] - w->ports[port].pair_lost.up;
	stats_snapshot_free(s);
}

struct stats_snapshot *snapshot_take(struct weir *w)
{
	/* Outcomes before arrivals: what moves meanwhile shows as in flight, never as made up. */
	_cleanup_free_ struct worker_numbers *n = workers_numbers(w);
	struct stats_snapshot *s = n ? snapshot_new(w) : NULL;
	uint64_t cache[GATE_CACHE_COUNT] = {0};
	char *names;

	if (!s)
		return NULL;
	names = s->names;
	s->time_ns = time_now_ns();
	s->losses_accounted = gate_accounts_losses(w->gate);
	snapshot_heartbeat(w, s);
	snapshot_ports(w, s, n);
	snapshot_apps(w, s, &names);
	snapshot_rules(w, s, &names);
	gate_read_cache(w->gate, cache);
	s->events_lost = cache[GATE_CACHE_EVENTS_LOST];
	s->cache_decided = cache[GATE_CACHE_DECIDED];
	s->cache_undecided = cache[GATE_CACHE_UNDECIDED];
	s->cache_new = cache[GATE_CACHE_NEW];
	s->cache_evicted = cache[GATE_CACHE_EVICTED];
	s->cache_refused = cache[GATE_CACHE_REFUSED];
	s->events_unwritten = audit_lost(w->audit);
	s->flows_decided = w->flows_decided;
	s->flows_undecided = w->flows_undecided;
	s->generation = gate_ctl(w->gate)->generation;
	s->policies = worker_settings_count(w->settings);
	s->loads_ok = w->loads_ok;
	s->loads_failed = w->loads_failed;
	s->endpoints = endpoints_count(w->endpoints);
	return s;
}
