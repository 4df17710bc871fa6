// SPDX-License-Identifier: GPL-2.0-only
/* The balance of a port: frames received against frames ended (docs/metrics.md). */
#include "stats/stats.h"

struct reason_info {
	enum weir_reason_kind kind;
	const char *name;
};

static const struct reason_info reasons[] = {
#define X(id, kind, name, help) [WEIR_REASON_##id] = {WEIR_KIND_##kind, name},
	WEIR_REASONS(X)
#undef X
};
_Static_assert(ARRAY_SIZE(reasons) == WEIR_REASON_COUNT, "every reason has a kind and a name");

enum weir_reason_kind stats_reason_kind(enum weir_reason r)
{
	return reasons[r].kind;
}

const char *stats_reason_name(enum weir_reason r)
{
	return reasons[r].name;
}

bool stats_reason_is_behind(enum weir_reason r)
{
	return r == WEIR_REASON_DROP_QDISC || r == WEIR_REASON_DROP_PAIR_LOST;
}

const char *stats_method_name(enum weir_method m)
{
	static const char *const names[] = {
#define X(id, name, help) [WEIR_METHOD_##id] = name,
		WEIR_METHODS(X)
#undef X
	};

	return names[m];
}

/*
 * Whether the gate's counter of a reason is a frame's first and only appearance there. What the
 * kernel lost after a redirect was counted as redirected or punted before.
 */
static bool reason_is_arrival(enum weir_reason r)
{
	return r != WEIR_REASON_DROP_REDIRECT_LOST && r != WEIR_REASON_DROP_PUNT_LOST &&
	       !stats_reason_is_behind(r);
}

uint64_t stats_port_dropped(const struct stats_port *p, enum weir_reason r)
{
	return p->gate[r].segments + p->slow[r];
}

struct weir_volume stats_port_received(const struct stats_port *p)
{
	struct weir_volume v = {0};

	for (unsigned int r = 0; r < WEIR_REASON_COUNT; r++) {
		if (!reason_is_arrival(r))
			continue;
		v.frames += p->gate[r].frames;
		v.bytes += p->gate[r].bytes;
	}
	return v;
}

struct weir_volume stats_port_sent(const struct stats_port *p)
{
	return (struct weir_volume){
		.frames = p->sent.frames + p->slow_sent,
		.bytes = p->sent.bytes + p->slow_sent_bytes,
	};
}

void stats_port_balance(const struct stats_snapshot *s, size_t port, struct stats_balance *out)
{
	const struct stats_port *p = &s->ports[port];
	struct stats_balance b = {0};

	for (unsigned int r = 0; r < WEIR_REASON_COUNT; r++) {
		uint64_t ended = stats_port_dropped(p, r);

		if (stats_reason_is_behind(r))
			continue;
		if (reason_is_arrival(r))
			b.received += p->gate[r].segments;
		switch (reasons[r].kind) {
		case WEIR_KIND_REDIRECT:
			b.redirected += ended;
			break;
		case WEIR_KIND_STACK:
			b.stack += ended;
			break;
		case WEIR_KIND_DROP:
			b.dropped += ended;
			break;
		case WEIR_KIND_MADE:
			b.made += ended;
			break;
		case WEIR_KIND_PUNT:
			break;
		}
	}
	b.received -= p->ended_before;
	b.redirected += b.made;
	b.redirected -= stats_port_dropped(p, WEIR_REASON_DROP_REDIRECT_LOST);
	b.in_flight = (int64_t)(b.received + b.made - b.redirected - b.stack - b.dropped);
	*out = b;
}
