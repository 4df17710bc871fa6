// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <string.h>

#include "flow/table.h"
#include "util/util.h"

/* Islands of bytes that one message may consist of; more gaps than this are not a network's. */
#define STREAM_RANGES_MAX 16
#define STREAM_FIRST_SIZE 512

struct range {
	uint32_t from, to;
};

struct stream {
	uint32_t base;	/* number of the first byte */
	uint32_t limit; /* bytes of the message at most */
	uint32_t capacity;
	uint32_t ranges;
	struct range range[STREAM_RANGES_MAX]; /* what data holds: ascending, not touching */
	uint8_t *data;
};

static uint32_t contiguous(const struct stream *s)
{
	return s->ranges && s->range[0].from == 0 ? s->range[0].to : 0;
}

static int refuse(struct flow_table *t)
{
	t->stats.stream_refused++;
	return -ENOMEM;
}

static struct stream *stream_new(struct flow_table *t, uint32_t base)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->base = base;
	s->limit =
		t->limits.stream_bytes < INT32_MAX ? (uint32_t)t->limits.stream_bytes : INT32_MAX;
	return s;
}

static int stream_reserve(struct flow_table *t, struct stream *s, uint32_t size)
{
	uint32_t capacity = s->capacity ? s->capacity : STREAM_FIRST_SIZE;
	uint8_t *data;

	if (size <= s->capacity)
		return 0;
	while (capacity < size)
		capacity *= 2;
	if (capacity > s->limit)
		capacity = s->limit;
	if (t->stats.stream_bytes + (capacity - s->capacity) > t->limits.stream_bytes_all)
		return -ENOMEM;
	data = realloc(s->data, capacity);
	if (!data)
		return -ENOMEM;
	t->stats.stream_bytes += capacity - s->capacity;
	s->data = data;
	s->capacity = capacity;
	return 0;
}

/* Copies into the gaps alone: what came first stays. */
static void fill_gaps(struct stream *s, uint32_t from, uint32_t to, const uint8_t *data)
{
	uint32_t at = from;

	for (uint32_t i = 0; i <= s->ranges && at < to; i++) {
		uint32_t gap_end = i < s->ranges ? s->range[i].from : to;

		if (gap_end > to)
			gap_end = to;
		if (gap_end > at)
			memcpy(s->data + at, data + (at - from), gap_end - at);
		if (i < s->ranges && s->range[i].to > at)
			at = s->range[i].to;
	}
}

/* Joins [from, to) with every range it touches; false when there is no room for one more. */
static bool merge_range(struct stream *s, uint32_t from, uint32_t to)
{
	uint32_t first = 0;
	uint32_t last;

	while (first < s->ranges && s->range[first].to < from)
		first++;
	for (last = first; last < s->ranges && s->range[last].from <= to; last++) {
		if (s->range[last].from < from)
			from = s->range[last].from;
		if (s->range[last].to > to)
			to = s->range[last].to;
	}
	if (first == last && s->ranges == STREAM_RANGES_MAX)
		return false;
	memmove(&s->range[first + 1], &s->range[last], (s->ranges - last) * sizeof(s->range[0]));
	s->ranges = s->ranges - (last - first) + 1;
	s->range[first] = (struct range){from, to};
	return true;
}

static int stream_insert(struct flow_table *t, struct stream *s, uint32_t from, uint32_t to,
			 const uint8_t *data)
{
	struct stream merged = *s;

	if (!merge_range(&merged, from, to) || stream_reserve(t, s, to) < 0)
		return refuse(t);
	fill_gaps(s, from, to, data);
	memcpy(s->range, merged.range, sizeof(s->range));
	s->ranges = merged.ranges;
	return 0;
}

int64_t flow_stream_push(struct flow_table *t, struct flow *f, uint8_t dir, bool isn_valid,
			 uint32_t isn, uint32_t seq, const uint8_t *data, size_t len)
{
	struct stream *s = f->stream[dir];
	int32_t offset;
	int err;

	if (!s) {
		if (len == 0)
			return 0;
		s = stream_new(t, isn_valid ? isn + 1 : seq);
		if (!s)
			return refuse(t);
		f->stream[dir] = s;
	}
	offset = (int32_t)(seq - s->base);
	if (offset < 0) {
		size_t before = -(int64_t)offset;

		if (before >= len)
			return contiguous(s);
		data += before;
		len -= before;
		offset = 0;
	}
	if ((uint32_t)offset >= s->limit || len == 0)
		return contiguous(s);
	if (len > s->limit - (uint32_t)offset)
		len = s->limit - (uint32_t)offset;
	err = stream_insert(t, s, (uint32_t)offset, (uint32_t)offset + (uint32_t)len, data);
	return err < 0 ? err : (int64_t)contiguous(s);
}

const uint8_t *flow_stream_data(const struct flow *f, uint8_t dir, size_t *len)
{
	const struct stream *s = f->stream[dir];

	*len = s ? contiguous(s) : 0;
	return *len ? s->data : NULL;
}

bool flow_stream_next(const struct flow *f, uint8_t dir, uint32_t *seq)
{
	const struct stream *s = f->stream[dir];

	if (!s)
		return false;
	*seq = s->base + contiguous(s);
	return true;
}

bool flow_stream_full(const struct flow *f, uint8_t dir)
{
	const struct stream *s = f->stream[dir];

	return s && contiguous(s) >= s->limit;
}

void flow_release_streams(struct flow_table *t, struct flow *f)
{
	for (int dir = 0; dir < 2; dir++) {
		struct stream *s = f->stream[dir];

		if (!s)
			continue;
		t->stats.stream_bytes -= s->capacity;
		free(s->data);
		free(s);
		f->stream[dir] = NULL;
	}
}
