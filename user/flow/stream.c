// SPDX-License-Identifier: GPL-2.0-only
/* TCP reassembly (RFC 9293, 3.4 and 3.10.7.4): first message, then a sliding window. */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include "flow/table.h"
#include "util/util.h"

/* Ranges of contiguous bytes in one stream; a network does not cause more gaps than this. */
#define STREAM_RANGES_MAX 32
/* Ranges that are enough for nearly every stream. */
#define STREAM_RANGES_FEW 2
/* Memory for bytes comes in lines: the first segment has what it needs, later ones double it. */
#define STREAM_LINE 64
/* The largest window there is: 65535 << 14 (RFC 7323, 2.3). */
#define STREAM_AHEAD_MAX (1 << 30)
/* So many segments in a row beyond the window are where the stream is: weir missed the rest. */
#define STREAM_STRAYS_MAX 8

struct range {
	uint32_t from, to;
};

struct stream {
	uint64_t offset; /* of data[0] in the direction */
	uint32_t base;	 /* number of data[0] */
	uint32_t limit;	 /* bytes of the first message at most */
	uint32_t capacity;
	uint32_t read;	/* followed: bytes from data[0] on that were taken */
	uint32_t acked; /* receiver's acknowledgement; valid with was_acked */
	uint32_t fin;	/* number behind the last byte; valid with has_fin */
	uint32_t gap;	/* bytes before data[read] that are missing, to be told */
	uint8_t ranges;
	uint8_t strays;
	bool slid : 1; /* bytes before data[0] were here */
	bool was_acked : 1;
	bool has_fin : 1;
	bool cut : 1;	  /* bytes behind the first message were left */
	bool unknown : 1; /* a gap of unknown length is to be told, before any other */
	bool paused : 1;  /* goes on wherever the next segment is */
	bool ended : 1;	  /* its end was told, or that of the conversation */
	bool many : 1;	  /* more than a few ranges: they are in `more` */
	union {		  /* what data holds: ascending, not touching */
		struct range few[STREAM_RANGES_FEW];
		struct range *more; /* STREAM_RANGES_MAX on the heap */
	};
	uint8_t *data;
};
_Static_assert(sizeof(struct stream) <= 64, "two of them for every undecided TCP flow");

static struct range *ranges_of(struct stream *s)
{
	return s->many ? s->more : s->few;
}

static const struct range *ranges_in(const struct stream *s)
{
	return s->many ? s->more : s->few;
}

/* Ranges on their way to be a stream's. */
struct islands {
	uint32_t count;
	struct range range[STREAM_RANGES_MAX];
};

/* ---- events ---- */

void flow_stream_note(struct flow_table *t, struct flow *f, enum flow_stream_event event)
{
	static const uint16_t bits[FLOW_STREAM_EVENT_COUNT] = {
		[FLOW_STREAM_CONTRADICTION] = 1u << WEIR_ANOMALY_CONTRADICTION,
		[FLOW_STREAM_UNCOMPARED] = 1u << WEIR_ANOMALY_UNCOMPARED,
		[FLOW_STREAM_GAP] = 1u << WEIR_ANOMALY_GAP,
		[FLOW_STREAM_OUT_OF_WINDOW] = 1u << WEIR_ANOMALY_OUT_OF_WINDOW,
		[FLOW_STREAM_SYN_DATA] = 1u << WEIR_ANOMALY_SYN_DATA,
		[FLOW_STREAM_AFTER_FIN] = 1u << WEIR_ANOMALY_AFTER_FIN,
		[FLOW_STREAM_REFUSED] = 1u << WEIR_ANOMALY_REFUSED,
	};

	/* The pieces of a QUIC handshake are put together here too, and are no TCP. */
	if (f->key.proto != IPPROTO_TCP)
		return;
	t->stats.stream[event]++;
	f->anomalies |= bits[event];
}

static int refuse(struct flow_table *t, struct flow *f)
{
	flow_stream_note(t, f, FLOW_STREAM_REFUSED);
	return -ENOMEM;
}

/* ---- bytes and ranges ---- */

static uint32_t contiguous(const struct stream *s)
{
	const struct range *first = ranges_in(s);

	return s->ranges && first->from == 0 ? first->to : 0;
}

/* Where the last island ends. */
static uint32_t used(const struct stream *s)
{
	return s->ranges ? ranges_in(s)[s->ranges - 1].to : 0;
}

static uint32_t clamp_bytes(size_t bytes)
{
	return bytes < INT32_MAX ? (uint32_t)bytes : INT32_MAX;
}

static struct stream *stream_new(struct flow_table *t, uint32_t base)
{
	struct stream *s = slab_take(&t->streams);

	if (!s)
		return NULL;
	s->base = base;
	s->limit = clamp_bytes(t->limits.stream_bytes);
	return s;
}

/* Bytes kept at most, once the stream is followed. */
static uint32_t window_of(const struct flow_table *t, const struct stream *s)
{
	uint32_t window = clamp_bytes(t->limits.window_bytes);

	return window < s->limit ? s->limit : window;
}

static int stream_reserve(struct flow_table *t, struct stream *s, uint32_t size, uint32_t limit)
{
	uint64_t capacity = ((uint64_t)size + STREAM_LINE - 1) / STREAM_LINE * STREAM_LINE;
	uint8_t *data;

	if (size <= s->capacity)
		return 0;
	if (capacity < 2 * (uint64_t)s->capacity)
		capacity = 2 * (uint64_t)s->capacity;
	if (capacity > limit)
		capacity = limit;
	if (t->stats.stream_bytes + (capacity - s->capacity) > t->limits.stream_bytes_all)
		return -ENOMEM;
	data = realloc(s->data, capacity);
	if (!data)
		return -ENOMEM;
	t->stats.stream_bytes += capacity - s->capacity;
	s->data = data;
	s->capacity = (uint32_t)capacity;
	return 0;
}

/* Copies into the gaps alone: what came first stays. */
static void fill_gaps(struct stream *s, uint32_t from, uint32_t to, const uint8_t *data)
{
	const struct range *range = ranges_in(s);
	uint32_t at = from;

	for (uint32_t i = 0; i <= s->ranges && at < to; i++) {
		uint32_t gap_end = i < s->ranges ? range[i].from : to;

		if (gap_end > to)
			gap_end = to;
		if (gap_end > at)
			memcpy(s->data + at, data + (at - from), gap_end - at);
		if (i < s->ranges && range[i].to > at)
			at = range[i].to;
	}
}

/* Joins [from, to) with every range it touches; false when there is no room for one more. */
static bool islands_join(struct islands *x, uint32_t from, uint32_t to)
{
	uint32_t first = 0;
	uint32_t last;

	while (first < x->count && x->range[first].to < from)
		first++;
	for (last = first; last < x->count && x->range[last].from <= to; last++) {
		if (x->range[last].from < from)
			from = x->range[last].from;
		if (x->range[last].to > to)
			to = x->range[last].to;
	}
	if (first == last && x->count == STREAM_RANGES_MAX)
		return false;
	memmove(&x->range[first + 1], &x->range[last], (x->count - last) * sizeof(x->range[0]));
	x->count = x->count - (last - first) + 1;
	x->range[first] = (struct range){from, to};
	return true;
}

/* Room for so many ranges in the stream. 0 or -ENOMEM. */
static int ranges_reserve(struct stream *s, uint32_t count)
{
	struct range *more;

	if (count <= STREAM_RANGES_FEW || s->many)
		return 0;
	more = calloc(STREAM_RANGES_MAX, sizeof(*more));
	if (!more)
		return -ENOMEM;
	memcpy(more, s->few, sizeof(s->few));
	s->more = more;
	s->many = true;
	return 0;
}

/* Forgets the first n bytes. */
static void stream_slide(struct stream *s, uint32_t n)
{
	struct range *range = ranges_of(s);
	uint32_t end = used(s);
	uint8_t kept = 0;

	if (n == 0)
		return;
	for (uint32_t i = 0; i < s->ranges; i++) {
		struct range r = range[i];

		if (r.to <= n)
			continue;
		range[kept++] = (struct range){r.from > n ? r.from - n : 0, r.to - n};
	}
	s->ranges = kept;
	if (end > n)
		memmove(s->data, s->data + n, end - n);
	s->base += n;
	s->offset += n;
	s->read -= n < s->read ? n : s->read;
	s->slid = true;
}

/* Bytes that were read and stay for comparison: fewer when memory runs short. */
static uint32_t history_max(const struct flow_table *t, const struct stream *s)
{
	return t->stats.stream_bytes > t->limits.stream_bytes_all / 2 ? 0 : window_of(t, s) / 4;
}

/* ---- what comes twice ---- */

/*
 * A keep-alive probe repeats one byte, which some systems make up (RFC 9293, 3.8.4). The receiver
 * has said that it has that byte, so this one changes nothing.
 */
static bool is_keep_alive(const struct stream *s, uint32_t from, uint32_t to)
{
	return to - from == 1 && to == contiguous(s) && s->was_acked &&
	       (int32_t)(s->acked - (s->base + to)) >= 0;
}

static void compare_overlap(struct flow_table *t, struct flow *f, const struct stream *s,
			    uint32_t from, uint32_t to, const uint8_t *data)
{
	const struct range *range = ranges_in(s);
	bool overlaps = false, differs = false;

	for (uint32_t i = 0; i < s->ranges && range[i].from < to; i++) {
		uint32_t a = range[i].from > from ? range[i].from : from;
		uint32_t b = range[i].to < to ? range[i].to : to;

		if (a >= b)
			continue;
		overlaps = true;
		differs |= memcmp(s->data + a, data + (a - from), b - a) != 0;
	}
	if (overlaps)
		flow_stream_note(t, f, FLOW_STREAM_OVERLAP);
	if (differs && !is_keep_alive(s, from, to))
		flow_stream_note(t, f, FLOW_STREAM_CONTRADICTION);
}

/* ---- segments ---- */

/* In order behind all that is there, as nearly every segment is. */
static bool appends(const struct stream *s, uint32_t from)
{
	return from == contiguous(s) && s->ranges <= 1 && used(s) == from;
}

static int insert_island(struct flow_table *t, struct flow *f, struct stream *s, uint32_t from,
			 uint32_t to, const uint8_t *data)
{
	struct islands joined;

	joined.count = s->ranges;
	memcpy(joined.range, ranges_in(s), s->ranges * sizeof(joined.range[0]));
	if (!islands_join(&joined, from, to) || ranges_reserve(s, joined.count) < 0 ||
	    stream_reserve(t, s, to, f->follow ? window_of(t, s) : s->limit) < 0)
		return refuse(t, f);
	fill_gaps(s, from, to, data);
	memcpy(ranges_of(s), joined.range, joined.count * sizeof(joined.range[0]));
	s->ranges = (uint8_t)joined.count;
	return 0;
}

static int stream_insert(struct flow_table *t, struct flow *f, struct stream *s, uint32_t from,
			 uint32_t to, const uint8_t *data)
{
	int err;

	if (from > contiguous(s))
		flow_stream_note(t, f, FLOW_STREAM_OUT_OF_ORDER);
	if (!appends(s, from)) {
		err = insert_island(t, f, s, from, to, data);
	} else if (stream_reserve(t, s, to, f->follow ? window_of(t, s) : s->limit) < 0) {
		err = refuse(t, f);
	} else {
		memcpy(s->data + from, data, to - from);
		*ranges_of(s) = (struct range){0, to};
		s->ranges = 1;
		err = 0;
	}
	if (err == 0)
		s->strays = 0;
	return err;
}

/* How much of what was read has to go, so that bytes up to `to` have room. */
static uint32_t window_excess(const struct flow_table *t, const struct stream *s, uint32_t to)
{
	uint32_t keep = history_max(t, s), window = window_of(t, s), drop = 0;

	if (s->read > keep && (keep == 0 || to > window / 2))
		drop = s->read - keep;
	if (to > drop && to - drop > window)
		drop = s->read;
	return drop;
}

/* A segment that begins at or behind data[0] of a flow that is followed. */
static int window_push(struct flow_table *t, struct flow *f, struct stream *s, uint32_t from,
		       const uint8_t *data, size_t len)
{
	uint64_t to = (uint64_t)from + len;
	uint32_t drop, cut;

	if (to > UINT32_MAX)
		return -ENOSPC;
	drop = window_excess(t, s, (uint32_t)to);
	if (to > (uint64_t)drop + window_of(t, s))
		return -ENOSPC;
	/* Before what it may have to be compared with is gone. */
	compare_overlap(t, f, s, from, (uint32_t)to, data);
	stream_slide(s, drop);
	cut = from < drop ? drop - from : 0;
	if (cut >= len)
		return 0;
	return stream_insert(t, f, s, from + cut - drop, (uint32_t)to - drop, data + cut);
}

/* The same of a first message: what is beyond it is left. */
static int message_push(struct flow_table *t, struct flow *f, struct stream *s, uint32_t from,
			const uint8_t *data, size_t len)
{
	s->cut |= from + len > s->limit;
	if (from >= s->limit)
		return 0;
	if (len > s->limit - from)
		len = s->limit - from;
	compare_overlap(t, f, s, from, from + (uint32_t)len, data);
	return stream_insert(t, f, s, from, from + (uint32_t)len, data);
}

/* Goes on at the segment that begins with number seq: all before it that was not taken is gone. */
static void stream_jump(struct stream *s, uint32_t seq)
{
	uint32_t have = contiguous(s);
	int32_t missing = (int32_t)(seq - (s->base + have));

	s->offset += have;
	if (missing < 0) {
		s->unknown = true;
	} else {
		s->offset += (uint32_t)missing;
		s->gap += have - s->read + (uint32_t)missing;
	}
	s->base = seq;
	s->ranges = 0;
	s->read = 0;
	s->strays = 0;
	s->slid = true;
}

static struct stream *stream_of(struct flow_table *t, struct flow *f, uint8_t dir, bool isn_valid,
				uint32_t base)
{
	struct stream *s = f->stream[dir];

	if (!s) {
		s = f->stream[dir] = stream_new(t, base);
		if (s)
			s->unknown = !isn_valid;
	} else if (s->paused) {
		s->base = base;
		s->paused = false;
	}
	return s;
}

void streams_init(struct flow_table *t)
{
	slab_init(&t->streams, sizeof(struct stream));
}

int64_t flow_stream_push(struct flow_table *t, struct flow *f, uint8_t dir, bool isn_valid,
			 uint32_t isn, uint32_t seq, const uint8_t *data, size_t len)
{
	struct stream *s;
	int32_t offset;
	int err;

	if (len == 0)
		return f->stream[dir] ? contiguous(f->stream[dir]) : 0;
	if (f->stream[dir] && f->stream[dir]->paused)
		isn_valid = false;
	s = stream_of(t, f, dir, isn_valid, isn_valid ? isn + 1 : seq);
	if (!s)
		return refuse(t, f);
	if (f->follow && s->cut && !flow_stream_has_gap(f, dir) &&
	    (int32_t)(seq - (s->base + contiguous(s))) > 0)
		stream_jump(s, seq);
	s->cut &= !f->follow;
	offset = (int32_t)(seq - s->base);
	if (offset > STREAM_AHEAD_MAX && f->follow)
		return -ENOSPC;
	if (offset > STREAM_AHEAD_MAX || offset < -STREAM_AHEAD_MAX) {
		flow_stream_note(t, f, FLOW_STREAM_OUT_OF_WINDOW);
		return contiguous(s);
	}
	if (offset < 0) {
		size_t before = -(int64_t)offset;

		if (s->slid)
			flow_stream_note(t, f, FLOW_STREAM_UNCOMPARED);
		if (before >= len)
			return contiguous(s);
		data += before;
		len -= before;
		offset = 0;
	}
	err = f->follow ? window_push(t, f, s, (uint32_t)offset, data, len)
			: message_push(t, f, s, (uint32_t)offset, data, len);
	return err < 0 ? err : (int64_t)contiguous(s);
}

/* ---- the first message ---- */

const uint8_t *flow_stream_data(const struct flow *f, uint8_t dir, size_t *len)
{
	const struct stream *s = f->stream[dir];

	*len = s && !s->slid ? contiguous(s) : 0;
	if (*len > 0 && *len > s->limit)
		*len = s->limit;
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

	return s && (s->slid || contiguous(s) >= s->limit);
}

bool flow_stream_has_gap(const struct flow *f, uint8_t dir)
{
	const struct stream *s = f->stream[dir];

	return s && used(s) > contiguous(s);
}

void flow_stream_acked(struct flow *f, uint8_t dir, uint32_t ack)
{
	struct stream *s = f->stream[dir];

	if (!s || (s->was_acked && (int32_t)(ack - s->acked) <= 0))
		return;
	s->was_acked = true;
	s->acked = ack;
}

/* ---- reading on ---- */

void flow_stream_follow(struct flow_table *t, struct flow *f, bool from_start)
{
	f->follow = true;
	for (int dir = 0; dir < 2; dir++) {
		struct stream *s = f->stream[dir];

		if (s && !from_start) {
			s->read = contiguous(s);
			s->unknown = false;
		}
	}
}

void flow_stream_end(struct flow_table *t, struct flow *f, uint8_t dir, bool isn_valid,
		     uint32_t isn, uint32_t seq)
{
	struct stream *s;

	if (f->stream[dir] && f->stream[dir]->paused)
		isn_valid = false;
	s = stream_of(t, f, dir, isn_valid, isn_valid ? isn + 1 : seq);
	if (!s || s->has_fin)
		return;
	s->has_fin = true;
	s->fin = seq;
}

bool flow_stream_reset(struct flow *f, uint8_t dir, struct stream_event *e)
{
	const struct stream *sender = f->stream[dir];
	bool open = !sender || !sender->ended;

	for (int d = 0; d < 2; d++)
		if (f->stream[d])
			f->stream[d]->ended = true;
	*e = (struct stream_event){
		.kind = STREAM_RESET,
		.side = dir == f->origin ? STREAM_CLIENT : STREAM_SERVER,
		.offset = sender ? sender->offset + sender->read : 0,
	};
	return open;
}

void flow_stream_pause(struct flow_table *t, struct flow *f, uint8_t dir)
{
	struct stream *s = f->stream[dir];

	if (!s || s->paused)
		return;
	s->offset += contiguous(s);
	t->stats.stream_bytes -= s->capacity;
	free(s->data);
	s->data = NULL;
	s->capacity = 0;
	s->ranges = 0;
	s->read = 0;
	s->gap = 0;
	s->strays = 0;
	s->slid = true;
	s->unknown = true;
	s->paused = true;
}

bool flow_stream_ended(const struct flow *f, uint8_t dir)
{
	return f->stream[dir] && f->stream[dir]->ended;
}

bool flow_stream_take(struct flow *f, uint8_t dir, struct stream_event *e)
{
	struct stream *s = f->stream[dir];

	if (!s || s->ended || s->paused)
		return false;
	*e = (struct stream_event){
		.side = dir == f->origin ? STREAM_CLIENT : STREAM_SERVER,
		.offset = s->offset + s->read,
	};
	if (s->unknown) {
		e->kind = STREAM_GAP;
		e->offset -= s->gap;
		s->unknown = false;
	} else if (s->gap) {
		e->kind = STREAM_GAP;
		e->offset -= s->gap;
		e->len = s->gap;
		s->gap = 0;
	} else if (contiguous(s) > s->read) {
		e->kind = STREAM_DATA;
		e->data = s->data + s->read;
		e->len = contiguous(s) - s->read;
		s->read += (uint32_t)e->len;
	} else if (s->has_fin && (int32_t)(s->base + contiguous(s) - s->fin) >= 0) {
		e->kind = STREAM_END;
		s->ended = true;
	} else {
		return false;
	}
	return true;
}

bool flow_stream_skip(struct flow_table *t, struct flow *f, uint8_t dir, uint32_t seq)
{
	struct stream *s = f->stream[dir];
	const struct range *range;
	uint32_t end;

	if (!s)
		return false;
	range = ranges_in(s);
	end = used(s);
	if (end > contiguous(s) && (int32_t)(seq - (s->base + end)) <= (int32_t)window_of(t, s)) {
		/* The first island that is not the contiguous one. */
		uint32_t from = range[range[0].from == 0].from;

		s->gap += from - s->read;
		s->read = from;
		stream_slide(s, from);
	} else {
		if (++s->strays < STREAM_STRAYS_MAX) {
			flow_stream_note(t, f, FLOW_STREAM_OUT_OF_WINDOW);
			return false;
		}
		stream_jump(s, seq);
	}
	flow_stream_note(t, f, FLOW_STREAM_GAP);
	return true;
}

void flow_release_streams(struct flow_table *t, struct flow *f)
{
	for (int dir = 0; dir < 2; dir++) {
		struct stream *s = f->stream[dir];

		if (!s)
			continue;
		t->stats.stream_bytes -= s->capacity;
		if (s->many)
			free(s->more);
		free(s->data);
		slab_give(&t->streams, s);
		f->stream[dir] = NULL;
	}
}
