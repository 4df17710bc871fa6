// SPDX-License-Identifier: GPL-2.0-only
/*
 * uTP's streams and BitTorrent's peer wire. Input: a byte that says which, then pieces: a byte of
 * choices, one of length, and the bytes (of a packet behind its first half, which is made here).
 */
#include "harness.h"
#include "proto/peer_wire.h"
#include "proto/utp.h"

#define FNV 0x100000001b3u

/* What was given, however it was cut. */
struct digest {
	uint64_t events, bytes[2], next[2];
	bool over[2];
};

static void mix(uint64_t *sum, uint64_t value)
{
	*sum = (*sum ^ value) * FNV + 1;
}

static void see_wire(void *arg, const void *event)
{
	const struct peer_wire_event *e = event;
	struct digest *d = arg;

	check(e->side < 2);
	if (e->kind == PEER_WIRE_PAYLOAD) {
		check((uint64_t)e->at + e->size <= e->len);
		for (uint32_t i = 0; i < e->size; i++)
			mix(&d->bytes[e->side], e->data[i]);
		return;
	}
	check(e->len < PEER_WIRE_LENGTH_MAX);
	for (int i = 0; e->kind == PEER_WIRE_GREETED && i < 20; i++)
		mix(&d->bytes[e->side], e->info_hash[i] + e->peer_id[i]);
	mix(&d->events, e->kind << 8 | e->side);
	mix(&d->events, e->offset ^ e->id ^ (uint64_t)e->number << 32);
	mix(&d->events, e->len ^ (uint64_t)e->index << 32);
	mix(&d->events, e->begin ^ (uint64_t)e->length << 32 ^ e->port);
}

static void play_wire(const uint8_t *data, size_t size, size_t cut, struct digest *d)
{
	struct peer_wire w = {0};
	int rc = 0;

	while (size > 2 && rc == 0) {
		struct stream_event e = {.side = data[0] & 1, .len = data[1]};
		unsigned int kind = data[0] >> 1 & 7;
		size_t len;

		e.kind = kind == 7 ? STREAM_RESET : kind == 6 ? STREAM_GAP : STREAM_DATA;
		data += 2;
		size -= 2;
		if (e.kind != STREAM_DATA) {
			rc = peer_wire_read(&w, &e, see_wire, d);
			continue;
		}
		len = e.len < size ? e.len : size;
		for (size_t at = 0; at < len && rc == 0; at += e.len) {
			uint8_t *copy;

			e.len = len - at < cut ? len - at : cut;
			e.data = copy = exact_copy(data + at, e.len);
			rc = peer_wire_read(&w, &e, see_wire, d);
			free(copy);
		}
		data += len;
		size -= len;
	}
	mix(&d->events, (uint64_t)(rc != 0));
}

/* Offsets follow each other, and nothing comes behind an end. */
static void see_stream(void *arg, const void *event)
{
	static volatile uint8_t sum;
	const struct stream_event *e = event;
	struct digest *d = arg;

	check(e->side < 2 && !(d->over[e->side] && e->kind != STREAM_RESET));
	if (e->kind == STREAM_RESET) {
		*d = (struct digest){0};
		return;
	}
	check(e->kind != STREAM_DATAGRAM && (e->kind == STREAM_DATA) == (e->len > 0));
	check(e->offset == d->next[e->side]);
	for (size_t i = 0; i < e->len; i++)
		sum ^= e->data[i];
	d->next[e->side] += e->len;
	d->over[e->side] |= e->kind == STREAM_END;
}

static void play_utp(const uint8_t *data, size_t size)
{
	struct utp u = {0};
	struct digest d = {0};

	while (size > 6) {
		size_t len = data[5] < size - 6 ? data[5] : size - 6;
		uint8_t *packet = calloc(1, 20 + len);
		struct stream_event e = {.kind = STREAM_DATAGRAM, .side = data[0] & 1};

		/* Few numbers, so that packets belong together. */
		packet[0] = (uint8_t)((data[0] >> 1 & 7) << 4 | 1);
		packet[1] = data[0] >> 7;
		packet[3] = data[1];
		packet[16] = packet[17] = data[2] & 0x80 ? 0xff : 0;
		packet[17] ^= data[2] & 0x3f;
		packet[18] = packet[19] = data[3] & 0x80 ? 0xff : 0;
		packet[19] ^= data[3] & 0x3f;
		memcpy(packet + 20, data + 6, len);
		e.data = packet;
		e.len = 20 + len;
		check(reader_utp.read(&u, &e, see_stream, &d) == 0 || u.others >= 64);
		for (int i = 0; i < 2; i++)
			check(u.side[i].held <= UTP_HELD_MAX && u.side[i].used <= UTP_HELD_BYTES);
		free(packet);
		data += 6 + len;
		size -= 6 + len;
	}
	reader_utp.fini(&u);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct digest whole = {0}, cut = {0};

	if (size == 0)
		return 0;
	if (data[0] & 1) {
		play_utp(data + 1, size - 1);
		return 0;
	}
	play_wire(data + 1, size - 1, SIZE_MAX, &whole);
	for (size_t n = 1; n < 8; n += 3) {
		cut = (struct digest){0};
		play_wire(data + 1, size - 1, n, &cut);
		check(memcmp(&cut, &whole, sizeof(cut)) == 0);
	}
	return 0;
}
