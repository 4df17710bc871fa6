// SPDX-License-Identifier: GPL-2.0-only
/*
 * TCP reassembly against a plain model: what is read is what came first, once and in order, and
 * other bytes at the same place are told of. Input: segments, each a byte of flags, two of place,
 * one of length and one that its bytes are made of.
 */
#include <errno.h>

#include "flow/flow.h"
#include "harness.h"

#define PLACES	 65536
#define LIMIT	 1024
#define WINDOW	 4096
#define SEGMENT	 5 /* bytes of input for one */
#define FAR	 1 /* flags: somewhere in all numbers */
#define FOLLOW	 2
#define ACKED	 4
#define ODD	 8  /* one byte differs from the others of its kind */
#define START	 16 /* with FOLLOW: from the first byte on */
#define ISN	 0xffffff00u
#define DATA_MAX 1024
#define PUT_MAX	 1024

struct model {
	uint8_t first[PLACES + DATA_MAX];
	bool have[PLACES + DATA_MAX];
	/* Where the last input put bytes, to take them away before the next. */
	struct {
		uint32_t place, len;
	} put[PUT_MAX];
	size_t put_count;
	uint32_t read;	 /* places before this were read or given up; those from PLACES on are not
			    known */
	uint64_t offset; /* where the events have come to */
};

static void check_message(const struct flow *f, const struct model *m)
{
	size_t len;
	const uint8_t *message = flow_stream_data(f, 0, &len);

	check(len <= LIMIT);
	check(len == 0 || memcmp(message, m->first, len) == 0);
	check(f->follow || len >= LIMIT || !m->have[len]);
}

/* One event: its bytes are those that came first, and behind those that were given before. */
static void read_event(const struct flow *f, struct model *m, const struct stream_event *e)
{
	uint32_t next = 0;

	check(e->offset >= m->offset);
	check(e->kind == STREAM_GAP || (e->kind == STREAM_DATA && e->offset == m->offset));
	m->offset = e->offset + e->len;
	flow_stream_next(f, 0, &next);
	next -= ISN + 1;
	if (e->kind == STREAM_DATA && next <= PLACES && next >= e->len) {
		check(next - e->len >= m->read);
		check(memcmp(e->data, m->first + next - e->len, e->len) == 0);
		m->read = next;
	}
}

static void read_on(struct flow *f, struct model *m)
{
	struct stream_event e;

	while (flow_stream_take(f, 0, &e))
		read_event(f, m, &e);
}

static void model_clear(struct model *m)
{
	while (m->put_count > 0) {
		uint32_t place = m->put[--m->put_count].place, len = m->put[m->put_count].len;

		memset(m->first + place, 0, len);
		memset(m->have + place, 0, len);
	}
	m->read = 0;
	m->offset = 0;
}

/* What was taken of a segment, beside what is there. Whether it contradicts that. */
static bool model_push(struct model *m, uint32_t place, const uint8_t *data, size_t len)
{
	bool differs = false;

	check(m->put_count < PUT_MAX);
	m->put[m->put_count].place = place;
	m->put[m->put_count++].len = (uint32_t)len;
	for (size_t i = 0; i < len; i++) {
		differs |= m->have[place + i] && m->first[place + i] != data[i];
		if (!m->have[place + i])
			m->first[place + i] = data[i];
		m->have[place + i] = true;
	}
	return differs;
}

static void push(struct flow_table *t, struct flow *f, struct model *m, uint32_t place,
		 const uint8_t *bytes, size_t len)
{
	uint32_t seq = ISN + 1 + place;
	int64_t have = flow_stream_push(t, f, 0, true, ISN, seq, bytes, len);
	bool differs;

	for (int i = 0; have == -ENOSPC && i < 64 && flow_stream_skip(t, f, 0, seq); i++) {
		read_on(f, m);
		have = flow_stream_push(t, f, 0, true, ISN, seq, bytes, len);
	}
	check(have != -ENOSPC || f->follow);
	if (have < 0 || place >= PLACES)
		return;
	if (!f->follow && place < LIMIT && len > LIMIT - place)
		len = LIMIT - place;
	if (!f->follow && place >= LIMIT)
		return;
	differs = model_push(m, place, bytes, len);
	/* Beyond the first message what slid away is told of in another way. */
	if (differs && !f->follow && len > 1)
		check(f->anomalies >> WEIR_ANOMALY_CONTRADICTION & 1);
	if (f->follow)
		read_on(f, m);
}

static void one_segment(struct flow_table *t, struct flow *f, struct model *m, const uint8_t *in)
{
	uint32_t place = (uint32_t)in[1] << 8 | in[2];
	size_t len = (size_t)in[3] * 4;
	uint8_t bytes[DATA_MAX];

	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)(place + i);
	if (len && in[0] & ODD)
		bytes[in[4] % len] ^= 0x55;
	if (in[0] & FOLLOW && !f->follow) {
		uint32_t next;

		flow_stream_follow(t, f, in[0] & START);
		if (flow_stream_next(f, 0, &next))
			m->offset = m->read = next - ISN - 1;
		if (in[0] & START)
			m->offset = m->read = 0;
	}
	if (in[0] & ACKED)
		flow_stream_acked(f, 0, ISN + 1 + place);
	if (in[0] & FAR)
		/* A window may move there, but not all the way round. */
		place = place << (f->follow ? 12 : 16) | in[4];
	push(t, f, m, place, bytes, len);
	check_message(f, m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct flow_limits limits = {
		.flows = 2,
		.stream_bytes = LIMIT,
		.window_bytes = WINDOW,
		.stream_bytes_all = 6000,
		.idle_ns = 1,
	};
	static struct model m;
	const struct weir_flow_key key = {.proto = 6};
	struct flow_table *t = flow_table_new(&limits, NULL, NULL);
	struct flow *f = t ? flow_table_get(t, 1, &key, 0, 1, NULL) : NULL;
	struct flow_table_stats stats;

	model_clear(&m);
	for (; f && size >= SEGMENT && m.put_count < PUT_MAX; data += SEGMENT, size -= SEGMENT) {
		one_segment(t, f, &m, data);
		flow_table_stats(t, &stats);
		check(stats.stream_bytes <= limits.stream_bytes_all);
	}
	if (f)
		flow_release_streams(t, f);
	if (t) {
		flow_table_stats(t, &stats);
		check(stats.stream_bytes == 0);
	}
	flow_table_free(t);
	return 0;
}
