/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libndpi as its own example reader uses it: a struct per flow, every packet of the flow until the
 * protocol is known or the reader's limits are reached, then the answer for what is left. To be
 * included by classify.c alone; nothing else of weir knows libndpi.
 */
#ifndef TESTS_BENCH_CLASSIFY_PEER_H
#define TESTS_BENCH_CLASSIFY_PEER_H

#include <ndpi/ndpi_api.h>
#include <stdio.h>
#include <string.h>

#include "flow/flow.h"

#define PEER_UDP_PACKETS 24
#define PEER_TCP_PACKETS 80

struct peer_flow {
	struct ndpi_flow_struct *ndpi;
	unsigned int packets;
	bool done;
};

struct peer {
	struct ndpi_detection_module_struct *ndpi;
	struct flow_table *table;
	uint64_t found, given_up; /* flows */
};

static void peer_name(char *out, size_t cap)
{
	snprintf(out, cap, "libndpi %s", ndpi_revision());
}

static void peer_finish(struct peer *peer, struct peer_flow *x, bool known)
{
	uint8_t guessed;

	x->done = true;
	if (known)
		peer->found++;
	else
		peer->given_up++;
	if (!known)
		ndpi_detection_giveup(peer->ndpi, x->ndpi, 1, &guessed);
	ndpi_flow_free(x->ndpi);
	x->ndpi = NULL;
}

static void peer_forget(struct flow *f, void *arg)
{
	struct peer_flow *x = f->module;

	if (x && x->ndpi)
		peer_finish(arg, x, false);
	free(x);
}

static int peer_init(struct peer *peer, const struct flow_limits *limits)
{
	NDPI_PROTOCOL_BITMASK all;

	peer->ndpi = ndpi_init_detection_module(ndpi_no_prefs);
	peer->table = flow_table_new(limits, peer_forget, peer);
	if (!peer->ndpi || !peer->table)
		return -1;
	NDPI_BITMASK_SET_ALL(all);
	ndpi_set_protocol_detection_bitmask2(peer->ndpi, &all);
	ndpi_finalize_initialization(peer->ndpi);
	return 0;
}

static void peer_fini(struct peer *peer)
{
	flow_table_free(peer->table);
	if (peer->ndpi)
		ndpi_exit_detection_module(peer->ndpi);
}

static struct peer_flow *peer_flow_new(void)
{
	struct peer_flow *x = calloc(1, sizeof(*x));

	if (!x)
		abort();
	x->ndpi = ndpi_flow_malloc(ndpi_detection_get_sizeof_ndpi_flow_struct());
	if (!x->ndpi)
		abort();
	memset(x->ndpi, 0, ndpi_detection_get_sizeof_ndpi_flow_struct());
	return x;
}

/* One decoded packet of the flow that the gate calls id. Whether it was handed to detection. */
static bool peer_packet(struct peer *peer, const struct packet *p, uint64_t id, uint64_t now_ns)
{
	unsigned int limit = p->proto == IPPROTO_TCP   ? PEER_TCP_PACKETS
			     : p->proto == IPPROTO_UDP ? PEER_UDP_PACKETS
						       : UINT32_MAX;
	struct flow *f = flow_table_get(peer->table, id, &p->key, p->dir, now_ns, NULL);
	struct peer_flow *x;
	ndpi_protocol found;

	if (!f)
		abort();
	if (!f->module)
		f->module = peer_flow_new();
	x = f->module;
	if (x->done)
		return false;
	found = ndpi_detection_process_packet(peer->ndpi, x->ndpi, p->frame + p->l3,
					      (unsigned short)(p->frame_len - p->l3),
					      now_ns / 1000000);
	if (found.app_protocol != NDPI_PROTOCOL_UNKNOWN ||
	    found.master_protocol != NDPI_PROTOCOL_UNKNOWN)
		peer_finish(peer, x, true);
	else if (++x->packets > limit)
		peer_finish(peer, x, false);
	return true;
}

#endif
