// SPDX-License-Identifier: GPL-2.0-only
/* Metric families written from the counters of the workers. */
#include "worker/worker.h"

#define sample metric_sample

/* A worker's number as a label. */
static const char *worker_label(size_t index, char buf[24])
{
	snprintf(buf, 24, "%zu", index);
	return buf;
}

static void write_queue(FILE *out, const char *name, const void *numbers)
{
	const struct worker_numbers *s = numbers;
	char label[24];

	for (size_t i = 0; i < s->worker_count; i++)
		sample(out, name, s->workers[i].queue_frames, "worker", worker_label(i, label));
}

static void write_slowpath_events(FILE *out, const char *name, const void *numbers)
{
	const struct worker_numbers *s = numbers;
	char label[24];

	for (size_t i = 0; i < s->worker_count; i++) {
		const struct worker_counters *c = &s->workers[i];

		worker_label(i, label);
		sample(out, name, c->bad_checksums, "worker", label, "event", "bad_checksum");
		sample(out, name, c->finished_checksums, "worker", label, "event",
		       "finished_checksum");
		sample(out, name, c->classified, "worker", label, "event", "classified");
		sample(out, name, c->decided, "worker", label, "event", "decided");
		sample(out, name, c->changed, "worker", label, "event", "changed");
		sample(out, name, c->cut, "worker", label, "event", "cut");
		sample(out, name, c->learned, "worker", label, "event", "learned");
		sample(out, name, c->expect.expected, "worker", label, "event", "expected");
		sample(out, name, c->expect.refused, "worker", label, "event",
		       "expectation_refused");
		sample(out, name, c->stalls, "worker", label, "event", "stall");
	}
}

static void write_slowpath_flows(FILE *out, const char *name, const void *numbers)
{
	const struct worker_numbers *s = numbers;
	char label[24];

	for (size_t i = 0; i < s->worker_count; i++)
		sample(out, name, s->workers[i].flows.flows, "worker", worker_label(i, label));
}

static void write_slowpath_flow_events(FILE *out, const char *name, const void *numbers)
{
	const struct worker_numbers *s = numbers;
	char label[24];

	for (size_t i = 0; i < s->worker_count; i++) {
		const struct flow_table_stats *f = &s->workers[i].flows;

		worker_label(i, label);
		sample(out, name, f->created, "worker", label, "event", "created");
		sample(out, name, f->expired, "worker", label, "event", "expired");
		sample(out, name, f->evicted, "worker", label, "event", "evicted");
	}
}

static void write_stream_bytes(FILE *out, const char *name, const void *numbers)
{
	const struct worker_numbers *s = numbers;
	char label[24];

	for (size_t i = 0; i < s->worker_count; i++)
		sample(out, name, s->workers[i].flows.stream_bytes, "worker",
		       worker_label(i, label));
}

static void write_fragments(FILE *out, const char *name, const struct worker_numbers *s)
{
	for (unsigned int e = 0; e < FRAGMENT_EVENT_COUNT; e++) {
		uint64_t sum = 0;

		for (size_t i = 0; i < s->worker_count; i++)
			sum += s->workers[i].fragments.events[e];
		sample(out, name, sum, "event", fragment_event_name(e));
	}
}

static void write_waiting(FILE *out, const char *name, const void *numbers)
{
	const struct worker_numbers *s = numbers;
	char label[24];

	for (size_t i = 0; i < s->worker_count; i++)
		sample(out, name, s->workers[i].waiting_frames, "worker", worker_label(i, label));
}

/* What became of segments out of order. */
static void write_holds(FILE *out, const char *name, const struct worker_numbers *s)
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

static void write_reassembly(FILE *out, const char *name, const void *numbers)
{
	const struct worker_numbers *s = numbers;
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

static const char *const park_names[] = {
#define X(id, name, help) [WEIR_PARK_##id] = name,
	WEIR_PARKS(X)
#undef X
};

/* A counter of each reason, `offset` bytes into the workers'. */
static void write_by_park(FILE *out, const char *name, const struct worker_numbers *s,
			  size_t offset)
{
	for (unsigned int r = 0; r < WEIR_PARK_COUNT; r++) {
		uint64_t sum = 0;

		for (size_t i = 0; i < s->worker_count; i++)
			sum += ((const uint64_t *)((const char *)&s->workers[i] + offset))[r];
		sample(out, name, sum, "reason", park_names[r]);
	}
}

static void write_parked_frames(FILE *out, const char *name, const void *numbers)
{
	const struct worker_numbers *s = numbers;

	write_by_park(out, name, s, offsetof(struct worker_counters, parked_frames));
}

static void write_parked_bytes(FILE *out, const char *name, const void *numbers)
{
	const struct worker_numbers *s = numbers;

	write_by_park(out, name, s, offsetof(struct worker_counters, parked_bytes));
}

static void write_park_refused(FILE *out, const char *name, const void *numbers)
{
	const struct worker_numbers *s = numbers;

	write_by_park(out, name, s, offsetof(struct worker_counters, park_refused));
}

static void write_park_timeouts(FILE *out, const char *name, const void *numbers)
{
	const struct worker_numbers *s = numbers;

	for (unsigned int a = WEIR_ACTION_PASS; a < WEIR_ACTION_COUNT; a++) {
		uint64_t sum = 0;

		for (size_t i = 0; i < s->worker_count; i++)
			sum += s->workers[i].park_timeouts[a];
		sample(out, name, sum, "answer", policy_action_name(a));
	}
}

static void write_parking(FILE *out, const char *name, const void *numbers)
{
	const struct worker_numbers *s = numbers;
	uint64_t parked = 0, released = 0, repeated = 0;

	for (size_t i = 0; i < s->worker_count; i++) {
		parked += s->workers[i].parked;
		released += s->workers[i].park_released;
		repeated += s->workers[i].park_repeated;
	}
	sample(out, name, parked, "event", "parked");
	sample(out, name, released, "event", "released");
	sample(out, name, repeated, "event", "repeated");
}

static void write_news_lost(FILE *out, const char *name, const void *numbers)
{
	const struct worker_numbers *s = numbers;

	for (unsigned int kind = 0; kind < WORKER_NEWS_COUNT; kind++) {
		uint64_t sum = 0;

		for (size_t i = 0; i < s->worker_count; i++)
			sum += s->workers[i].news_lost[kind];
		sample(out, name, sum, "record", worker_news_name(kind));
	}
}

const struct metric worker_metrics[] = {
	{{"weir_slowpath_queue_frames", "gauge", "worker",
	  "Frames the worker read in its last batch"},
	 .write_own = write_queue},
	{{"weir_slowpath_waiting_frames", "gauge", "worker",
	  "Frames that are parked in the worker, whatever they wait for"},
	 .write_own = write_waiting},
	{{"weir_parked_frames", "gauge", "reason", "Frames that wait for an event"},
	 .write_own = write_parked_frames},
	{{"weir_parked_bytes", "gauge", "reason", "Their bytes; a frame counts at least 512"},
	 .write_own = write_parked_bytes},
	{{"weir_parking_total", "counter", "event",
	  "Frames that had to wait, that went on, and copies of waiting bytes that were dropped"},
	 .write_own = write_parking},
	{{"weir_parking_timeouts_total", "counter", "answer",
	  "Deadlines that passed, by what became of the frames"},
	 .write_own = write_park_timeouts},
	{{"weir_parking_refused_total", "counter", "reason",
	  "Times that a bound was reached, so that the answer applied at once"},
	 .write_own = write_park_refused},
	{{"weir_slowpath_events_total", "counter", "worker, event",
	  "What the worker did: classified and decided flows, those that became another "
	  "application and those cut for it, learned endpoints, expected "
	  "data connections and those refused, checksums"},
	 .write_own = write_slowpath_events},
	{{"weir_slowpath_flows", "gauge", "worker", "Flows the worker holds"},
	 .write_own = write_slowpath_flows},
	{{"weir_slowpath_flows_total", "counter", "worker, event",
	  "Flows of the worker created, expired, and evicted for want of room"},
	 .write_own = write_slowpath_flow_events},
	{{"weir_slowpath_stream_bytes", "gauge", "worker", "Bytes held for assembly"},
	 .write_own = write_stream_bytes},
	{{"weir_reassembly_total", "counter", "event",
	  "What happened to the TCP segments of flows that are read (tcp-...) and to IP fragments "
	  "(ip-...)"},
	 .write_own = write_reassembly},
	{{"weir_news_lost_total", "counter", "record",
	  "What workers had to tell and the daemon did not read in time"},
	 .write_own = write_news_lost},
	{.info.name = NULL},
};
