// SPDX-License-Identifier: GPL-2.0-only
/*
 * Frames from nowhere: decode, checksums, resets, and the whole of the slow path's judgement. An
 * input is a list of frames, each behind two bytes: its length, and what to do with it.
 */
#include "harness.h"
#include "inspect/inspect.h"

/* Bits of a frame's second byte. */
#define TAKE_RAW  0x01 /* begins with IP */
#define TAKE_PUNT 0x02 /* comes with the gate's metadata */
#define TAKE_FIX  0x04 /* its checksum is made right first: else few inputs get far */
#define TAKE_LATE 0x08 /* long after the one before */
#define TAKE_CUT  0x10 /* a capture cut it */

struct fuzz {
	struct app_registry *registry;
	struct signatures *signatures;
};

/* Loaded once: compiling the set takes longer than any input. */
static const struct fuzz *fuzz_get(void)
{
	static struct fuzz f;
	struct error e = {0};

	if (!f.registry) {
		f.registry = app_registry_new();
		check(f.registry && signatures_load_builtin(f.registry, &f.signatures, &e) == 0);
	}
	return &f;
}

static void check_resets(const struct packet *p)
{
	uint8_t out[128];

	for (int to_sender = 0; to_sender < 2; to_sender++) {
		int len = packet_make_reset(p, to_sender, out, sizeof(out));
		struct packet reset;

		if (len < 0)
			continue;
		/* What is made can be read, and its sums are right. */
		check(packet_decode(out, (size_t)len,
				    p->l3 ? PACKET_LINK_ETHERNET : PACKET_LINK_RAW,
				    &reset) == PACKET_OK);
		check(packet_checksum(&reset) == PACKET_CHECKSUM_OK);
		check(packet_header_checksum_ok(&reset));
	}
}

/* Whatever the packet is, each tunnel's header is looked for. What is inside stays inside. */
static void check_tunnels(const struct packet *p)
{
	for (unsigned int t = 0; t < PACKET_TUNNEL_COUNT; t++) {
		struct packet inner;
		uint32_t id;

		if (packet_decode_inner(p, t, &inner, &id) != PACKET_OK)
			continue;
		check(inner.frame >= p->frame);
		check(inner.frame + inner.frame_len <= p->frame + p->payload + p->payload_len);
		check(inner.payload + inner.payload_len <= inner.frame_len);
	}
}

static void check_quote(const struct packet *p)
{
	struct packet quoted;

	if (packet_decode_quote(p, &quoted) == PACKET_OK)
		check(quoted.payload <= p->payload + p->payload_len && !quoted.payload_len);
}

static void judge(struct inspector *i, uint8_t *frame, size_t len, uint8_t how, uint64_t now_ns)
{
	enum packet_link link = how & TAKE_RAW ? PACKET_LINK_RAW : PACKET_LINK_ETHERNET;
	struct weir_punt punt = {.flow_id = 1 + (how >> 6), .flags = how, .isn = how};
	struct inspect_outcome outcome;
	enum packet_status status;
	struct packet p;

	status = packet_decode_cut(frame, len, len + (how & TAKE_CUT ? 100 : 0), link, &p);
	if (status == PACKET_OK) {
		check(p.payload + p.payload_len <= len);
		check_resets(&p);
		check_tunnels(&p);
		check_quote(&p);
		if (how & TAKE_FIX)
			packet_checksum_finish(&p, frame);
	}
	inspector_packet(i, &p, status, how & TAKE_PUNT ? &punt : NULL, now_ns, &outcome);
}

static void see_flow(struct flow *f, void *arg)
{
	check(f->decided && f->frames > 0 && strlen(flow_hostname(f)) <= 255);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct inspect_settings settings = {
		.packets = 8,
		.tunnels = INSPECT_TUNNELS_INNER,
		.limits = {.flows = 8,
			   .stream_bytes = 4096,
			   .stream_bytes_all = 16384,
			   .idle_ns = 1000},
		.fragmented = 8,
		.endpoint_ttl_ns = 1000000,
	};
	const struct fuzz *f = fuzz_get();
	struct endpoints *endpoints = endpoints_new(16, 1000000);
	struct inspector *i =
		inspector_new(&settings, f->signatures, f->registry, endpoints, NULL, NULL);
	uint64_t now_ns = 1;

	while (i && size >= 2) {
		size_t len = data[0] * 8u < size - 2 ? data[0] * 8u : size - 2;
		uint8_t *frame = exact_copy(data + 2, len);

		now_ns += data[1] & TAKE_LATE ? 400000000000 : 100;
		judge(i, frame, len, data[1], now_ns);
		inspector_expire(i, now_ns, 2);
		free(frame);
		data += 2 + len;
		size -= 2 + len;
	}
	if (i)
		inspector_finish(i, see_flow, NULL);
	inspector_free(i);
	endpoints_free(endpoints);
	return 0;
}
