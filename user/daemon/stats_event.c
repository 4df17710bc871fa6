// SPDX-License-Identifier: GPL-2.0-only
/* `stats` events: the daemon's counters under the names of Suricata's. */
#include "daemon/weir.h"
#include "weir/reason.h"

#define NS_PER_S 1000000000ull

struct sums {
	uint64_t frames, bytes;	    /* received */
	uint64_t accepted, blocked; /* ended by passing, by a verdict */
	uint64_t lost;		    /* by the kernel, on the way to the slow path or behind it */
	uint64_t rules, malformed;
};

static void add_drops(struct sums *s, enum weir_reason r, uint64_t frames)
{
	switch (r) {
	case WEIR_REASON_DROP_PUNT_LOST:
	case WEIR_REASON_DROP_REDIRECT_LOST:
	case WEIR_REASON_DROP_PAIR_LOST:
	case WEIR_REASON_DROP_QDISC:
		s->lost += frames;
		return;
	case WEIR_REASON_DROP_MALFORMED:
		s->malformed += frames;
		break;
	case WEIR_REASON_DROP_VERDICT:
	case WEIR_REASON_DROP_RECONNECTION:
	case WEIR_REASON_DROP_ENDPOINT:
	case WEIR_REASON_DROP_BLOCKED:
	case WEIR_REASON_DROP_RESET:
	case WEIR_REASON_DROP_TUNNEL:
		s->rules += frames;
		break;
	default:
		break;
	}
	s->blocked += frames;
}

static void add_port(struct sums *s, const struct stats_snapshot *snapshot, size_t port)
{
	const struct stats_port *p = &snapshot->ports[port];
	struct weir_volume in = stats_port_received(p);
	struct stats_balance balance;

	stats_port_balance(snapshot, port, &balance);
	s->frames += in.frames;
	s->bytes += in.bytes;
	s->accepted += balance.redirected + balance.stack;
	for (unsigned int r = 0; r < WEIR_REASON_COUNT; r++)
		if (stats_reason_kind(r) == WEIR_KIND_DROP)
			add_drops(s, r, stats_port_dropped(p, r));
}

void stats_event(void *arg)
{
	struct weir *w = arg;
	struct stats_snapshot *snapshot = snapshot_take(w);
	struct sums s = {0};

	if (!snapshot)
		return;
	for (size_t i = 0; i < snapshot->port_count; i++)
		add_port(&s, snapshot, i);
	audit_event(w->audit, EVE_STATS,
		    json_pack("{s:I, s:{s:I, s:I}, s:{s:I, s:I, s:I}, s:{s:I, s:I, s:{s:I, s:I}}, "
			      "s:{s:I}}",
			      "uptime", (json_int_t)((time_now_ns() - w->started_ns) / NS_PER_S),
			      "capture", "kernel_packets", (json_int_t)s.frames, "kernel_drops",
			      (json_int_t)s.lost, "decoder", "pkts", (json_int_t)s.frames, "bytes",
			      (json_int_t)s.bytes, "invalid", (json_int_t)s.malformed, "ips",
			      "accepted", (json_int_t)s.accepted, "blocked", (json_int_t)s.blocked,
			      "drop_reason", "rules", (json_int_t)s.rules, "decode_error",
			      (json_int_t)s.malformed, "flow", "active",
			      (json_int_t)(snapshot->flows_decided + snapshot->flows_undecided)));
	stats_snapshot_free(snapshot);
}
