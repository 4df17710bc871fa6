// SPDX-License-Identifier: GPL-2.0-only
/* Sums over CPUs, and the event ring. */
#include <string.h>

#include "gate/gate_private.h"

int gate_sum(struct gate *g, enum gate_map map, uint32_t index, uint64_t *words, size_t count)
{
	_cleanup_free_ uint64_t *values = calloc((size_t)g->cpus * count, sizeof(*values));

	if (!values)
		return -ENOMEM;
	if (bpf_map_lookup_elem(g->maps[map], &index, values))
		return -errno;
	memset(words, 0, count * sizeof(*words));
	for (size_t i = 0; i < g->cpus * count; i++)
		words[i % count] += values[i];
	return 0;
}

/* Adds up the rows of weir_redirected that begin at `first` and lie `step` apart. */
static int read_redirected(struct gate *g, uint32_t first, uint32_t step, uint32_t count,
			   uint64_t sum[2])
{
	sum[0] = sum[1] = 0;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t words[2];
		int r = gate_sum(g, GATE_MAP_REDIRECTED, first + i * step, words, 2);

		if (r)
			return r;
		sum[0] += words[0];
		sum[1] += words[1];
	}
	return 0;
}

int gate_read_counters(struct gate *g, unsigned int port, struct weir_counter *out)
{
	struct weir_counter counters[WEIR_REASON_COUNT];
	uint64_t redirected[2];
	int r;

	if (port >= WEIR_PORTS_MAX)
		return -EINVAL;
	for (uint32_t i = 0; i < WEIR_REASON_COUNT; i++) {
		uint64_t words[3];

		r = gate_sum(g, GATE_MAP_COUNTERS, port * WEIR_REASON_STRIDE + i, words, 3);

		if (r)
			return r;
		counters[i] = (struct weir_counter){words[0], words[1], words[2]};
	}
	r = read_redirected(g, port * WEIR_PORTS_MAX, 1, WEIR_PORTS_MAX, redirected);
	if (r)
		return r;
	counters[WEIR_REASON_REDIRECTED].frames += redirected[0];
	counters[WEIR_REASON_REDIRECTED].segments += redirected[0];
	counters[WEIR_REASON_REDIRECTED].bytes += redirected[1];
	memcpy(out, counters, sizeof(counters));
	return 0;
}

static int read_volume(struct gate *g, enum gate_map map, uint32_t index, struct weir_volume *out)
{
	uint64_t words[2];
	int r = gate_sum(g, map, index, words, ARRAY_SIZE(words));

	if (!r)
		*out = (struct weir_volume){words[0], words[1]};
	return r;
}

int gate_read_sent(struct gate *g, unsigned int port, struct weir_volume *out)
{
	struct weir_volume volume;
	uint64_t redirected[2];
	int r;

	if (port >= WEIR_PORTS_MAX)
		return -EINVAL;
	r = read_volume(g, GATE_MAP_SENT, port, &volume);
	if (!r)
		r = read_redirected(g, port, WEIR_PORTS_MAX, WEIR_PORTS_MAX, redirected);
	if (!r)
		*out = (struct weir_volume){volume.frames + redirected[0],
					    volume.bytes + redirected[1]};
	return r;
}

int gate_read_app(struct gate *g, unsigned int app, struct weir_volume out[2],
		  uint64_t flows[WEIR_METHOD_COUNT])
{
	struct weir_volume volumes[2];
	uint64_t counts[WEIR_METHOD_COUNT];
	int r = 0;

	if (app >= WEIR_APPS_MAX)
		return -EINVAL;
	for (uint32_t i = 0; !r && i < ARRAY_SIZE(volumes); i++)
		r = read_volume(g, GATE_MAP_APP_BYTES, app * 2 + i, &volumes[i]);
	for (uint32_t i = 0; !r && i < WEIR_METHOD_COUNT; i++)
		r = gate_sum(g, GATE_MAP_APP_FLOWS, app * WEIR_METHOD_STRIDE + i, &counts[i], 1);
	if (r)
		return r;
	memcpy(out, volumes, sizeof(volumes));
	memcpy(flows, counts, sizeof(counts));
	return 0;
}

int gate_read_rule_hits(struct gate *g, uint32_t generation, unsigned int rule, uint64_t *hits)
{
	uint32_t index = rule == WEIR_RULE_DEFAULT ? WEIR_RULES_MAX : rule;

	if (index > WEIR_RULES_MAX)
		return -EINVAL;
	return gate_sum(g, GATE_MAP_RULE_HITS, (generation & 1) * (WEIR_RULES_MAX + 1) + index,
			hits, 1);
}

int gate_read_cache(struct gate *g, uint64_t out[GATE_CACHE_COUNT])
{
	uint64_t counts[GATE_CACHE_COUNT], redirected[2];
	int err = read_redirected(g, 0, 1, WEIR_PORTS_MAX * WEIR_PORTS_MAX, redirected);

	if (err)
		return err;
	for (uint32_t i = 0; i < ARRAY_SIZE(counts); i++) {
		int r = gate_sum(g, GATE_MAP_CACHE, i, &counts[i], 1);

		if (r)
			return r;
	}
	counts[GATE_CACHE_DECIDED] += redirected[0];
	memcpy(out, counts, sizeof(counts));
	return 0;
}

static int event_read(void *ctx, void *data, size_t len)
{
	struct gate *g = ctx;

	if (len >= sizeof(struct weir_event))
		g->event_fn(data, g->event_arg);
	return 0;
}

int gate_events_init(struct gate *g)
{
	g->events = ring_buffer__new(g->maps[GATE_MAP_EVENTS], event_read, g, NULL);
	return g->events ? 0 : -errno;
}

int gate_events_fd(struct gate *g)
{
	return ring_buffer__epoll_fd(g->events);
}

int gate_read_events(struct gate *g, void (*fn)(const struct weir_event *, void *), void *arg)
{
	int r;

	g->event_fn = fn;
	g->event_arg = arg;
	r = ring_buffer__consume(g->events);
	return r < 0 ? r : 0;
}
