// SPDX-License-Identifier: GPL-2.0-only
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "app/module.h"
#include "app/rtp.h"

#define HEADER_BYTES 12
/* Largest gap of sequence numbers that packet loss explains; a repeated or reordered packet starts
 * over. */
#define SEQUENCE_STEP_MAX 4
/* Half a minute at the clock rate of video, 90 kHz (RFC 3551, 5). */
#define TIMESTAMP_STEP_MAX (30u * 90000)
/*
 * Three packets agree in 2 bits each, in 32 bits of the source and twice in 14 of the sequence
 * number: by chance once in 2^98. Other protocols with counters at the same place remain possible.
 */
#define CONFIDENCE 85

static uint16_t load16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static uint32_t load32(const uint8_t *p)
{
	return (uint32_t)load16(p) << 16 | load16(p + 2);
}

bool rtp_parse(const uint8_t *data, size_t len, struct rtp_header *out)
{
	size_t need = HEADER_BYTES;

	if (len < HEADER_BYTES || data[0] >> 6 != 2)
		return false;
	need += (size_t)(data[0] & 0x0f) * 4;
	if (data[0] & 0x10) {
		if (len < need + 4)
			return false;
		need += 4 + (size_t)load16(data + need + 2) * 4;
	}
	if (data[0] & 0x20)
		need += data[len - 1] ? data[len - 1] : SIZE_MAX / 2;
	out->type = data[1] & 0x7f;
	out->sequence = load16(data + 2);
	out->timestamp = load32(data + 4);
	out->ssrc = load32(data + 8);
	return len >= need && (out->type < 64 || out->type > 95);
}

static bool follows(const struct rtp_header *last, const struct rtp_header *h)
{
	uint16_t step = (uint16_t)(h->sequence - last->sequence);

	return h->ssrc == last->ssrc && step >= 1 && step <= SEQUENCE_STEP_MAX &&
	       h->timestamp - last->timestamp <= TIMESTAMP_STEP_MAX;
}

static bool source_packet(struct rtp_source *s, const struct rtp_header *h)
{
	bool more = s->packets > 0 && follows(&s->last, h);

	if (!more)
		s->packets = 0;
	/* A counter followed by zeros is not RTP. */
	s->moved = h->ssrc || (more && (s->moved || h->timestamp != s->last.timestamp));
	s->last = *h;
	if (s->packets < RTP_PACKETS_MIN)
		s->packets++;
	return s->packets == RTP_PACKETS_MIN && s->moved;
}

bool rtp_watch_packet(struct rtp_watch *w, bool from_origin, const struct rtp_header *h)
{
	struct rtp_source *sources = w->sources[from_origin];

	for (unsigned int i = 0; i < RTP_SOURCES_MAX; i++)
		if (sources[i].packets && sources[i].last.ssrc == h->ssrc)
			return source_packet(&sources[i], h);
	sources += w->next[from_origin];
	w->next[from_origin] = (uint8_t)((w->next[from_origin] + 1) % RTP_SOURCES_MAX);
	sources->packets = 0;
	return source_packet(sources, h);
}

bool rtp_is_framed(const uint8_t *data, size_t len)
{
	struct rtp_watch watch = {0};
	struct rtp_header h;

	for (unsigned int i = 0; i < RTP_PACKETS_MIN; i++) {
		size_t size;

		/* Of the last packet the header is enough. */
		if (len < 2 + HEADER_BYTES)
			return false;
		size = load16(data);
		if (size < HEADER_BYTES || (size + 2 > len && i + 1 < RTP_PACKETS_MIN))
			return false;
		if (!rtp_parse(data + 2, size + 2 > len ? len - 2 : size, &h))
			return false;
		if (rtp_watch_packet(&watch, true, &h))
			return true;
		data += size + 2;
		len -= size + 2;
	}
	return false;
}

static void found(const struct app_services *s, struct app_finding *f)
{
	int app = app_registry_find(s->registry, "rtp");

	if (app <= 0)
		return;
	*f = (struct app_finding){
		.app = (uint16_t)app,
		.method = WEIR_METHOD_STATISTICS,
		.confidence = CONFIDENCE,
	};
}

/* Only flows that are not identified yet: an identification by a signature is more reliable. */
static void rtp_undecided(const struct app_services *s, const struct app_message *m, void **state,
			  struct app_finding *finding)
{
	struct rtp_header h;

	if (finding->app)
		return;
	if (m->proto == IPPROTO_TCP) {
		if (rtp_is_framed(m->data, m->len))
			found(s, finding);
		return;
	}
	if (m->proto != IPPROTO_UDP || !rtp_parse(m->data, m->len, &h))
		return;
	if (!*state)
		*state = calloc(1, sizeof(struct rtp_watch));
	if (*state && rtp_watch_packet(*state, m->from_origin, &h))
		found(s, finding);
}

const struct app_module rtp_module = {
	.name = "rtp",
	.category = "voip",
	.help = "RTP by the headers of packets in a row",
	.undecided = rtp_undecided,
	.release = free,
};
