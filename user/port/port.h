/* SPDX-License-Identifier: GPL-2.0-only */
/* Interfaces: bridges, hooks, offload settings, the frame pool, AF_XDP sockets. Knows frames, not
 * packets. */
#ifndef WEIR_USER_PORT_H
#define WEIR_USER_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "util/util.h"
#include "weir/ctl.h"

/* ---- interfaces (link.c, offload.c, bridge.c, pair.c): what weir changes it records, and puts
 * back ---- */

enum port_hook { PORT_HOOK_NATIVE, PORT_HOOK_GENERIC, PORT_HOOK_TC };

struct port_link {
	char name[16];
	unsigned int ifindex;
	unsigned int mtu;
	unsigned int rx_queues;
	unsigned int master; /* ifindex of its bridge, 0 = none */
	bool up;
	bool bridge_forwarding; /* STP state is forwarding, or not in a bridge */
	char driver[32];
	uint8_t mac[6];
	uint64_t tx_dropped, rx_dropped, rx_frames, tx_frames;
};
/* Reads an interface of this network namespace. -ENODEV with a text naming it. */
int port_link_read(const char *name, struct port_link *out, struct error *e);
/* The hook that suits the interface: native where frames look like a wire, TC for veth and the
 * like. *why: static text. */
enum port_hook port_hook_choose(const struct port_link *l, const char **why);

/* The changes made to the machine, in order; kept in a JSON file so that a later daemon (or `weir
 * detach`) can undo them. */
struct port_changes;
int port_changes_open(const char *path, struct port_changes **out, struct error *e);
void port_changes_close(struct port_changes *c);
/* Undoes everything, newest first, and removes the file. */
int port_changes_undo(struct port_changes *c);
/* Undoes what concerns one interface (either end of a pair). */
int port_changes_undo_interface(struct port_changes *c, const char *name);

/* Makes bridge `name` when absent (create) and puts the interfaces into it; sets links up. ports
 * already in it are left as they are. */
int port_bridge_ensure(struct port_changes *c, const char *bridge, bool create,
		       const char *const *interfaces, size_t count, uint8_t mac_out[6],
		       struct error *e);
/* Whether weir may bypass the bridge by redirect: no VLAN filtering. *why: static text. */
bool port_bridge_redirect_ok(const char *bridge, const char **why);
/* Turns off what hides bytes from XDP (rxvlan, lro, gro-hw, rx-gro-list) and remembers it. */
int port_offload_prepare(struct port_changes *c, const char *name, enum port_hook hook,
			 struct error *e);
/* The veth pair through which a TC port punts: names from prefix and port number; near end tx, tso,
 * txvlan off; no IPv6; MTU for prefix. */
int port_pair_create(struct port_changes *c, const char *prefix, unsigned int port,
		     unsigned int mtu, unsigned int *near_end, unsigned int *far_end,
		     char far_name[16], struct error *e);

/* Whether the pair is the one that was made, with both ends up. */
bool port_pair_is_sound(const char *prefix, unsigned int port, unsigned int near_end,
			unsigned int far_end);

/* Calls fn when an interface appears, vanishes, changes state or leaves its bridge. */
struct port_monitor;
int port_monitor_open(struct port_monitor **out,
		      void (*fn)(const char *name, unsigned int ifindex, bool present, void *arg),
		      void *arg, struct error *e);
int port_monitor_fd(const struct port_monitor *m);
void port_monitor_read(struct port_monitor *m);
void port_monitor_close(struct port_monitor *m);

/* ---- frames (pool.c, xsk.c) ---- */

/*
 * One frame pool for all ports: 2 KiB chunks of one piece of memory, which every port registers as
 * its UMEM. Each worker has a stock of its own; a chunk is owned by exactly one of: a worker's
 * stock, the spare ones, a fill ring, a receive ring, a worker, a transmit ring, a completion ring.
 */
struct frame_pool;
int frame_pool_new(uint32_t frames, uint32_t workers, struct frame_pool **out, struct error *e);
void frame_pool_free(struct frame_pool *p);
/* How many frames it was made with. */
uint32_t frame_pool_size(const struct frame_pool *p);

/* What a worker holds: a frame with its metadata. */
struct frame {
	uint64_t addr; /* of the data in the UMEM */
	uint32_t len;
	uint32_t cookie; /* the worker's own, given back at completion */
};
uint8_t *frame_data(struct frame_pool *p, const struct frame *f);
/* The weir_punt in front of the data. */
const struct weir_punt *frame_punt(struct frame_pool *p, const struct frame *f);
/* An empty frame from the worker's stock (for resets); false when there is none. */
bool frame_take(struct frame_pool *p, uint32_t worker, struct frame *out);
/* Drops a frame: back to stock. */
void frame_give(struct frame_pool *p, uint32_t worker, const struct frame *f);

enum xsk_mode { XSK_MODE_COPY, XSK_MODE_ZEROCOPY };
struct xsk_counters { /* sums of XDP_STATISTICS */
	uint64_t rx_dropped, rx_invalid, tx_invalid, rx_ring_full, rx_fill_ring_empty,
		tx_ring_empty;
};
/* The sockets of one port: one per worker and queue. Fill and completion ring of a queue are shared
 * by the queue's sockets and served by whichever worker comes by. */
struct port_sockets;
/*
 * Opens sockets on the first `queues` receive queues of ifname: the port itself, or the far end of
 * its punt pair. port: 0..WEIR_PORTS_MAX-1, of no other open sockets. workers: as the pool has.
 * ring_frames is rounded up to a power of two. Workers may run meanwhile. -EBUSY (another program
 * has a queue; waits a second first), -ENODEV, -ENOBUFS (limit on locked memory), -EPERM, -EINVAL
 * (no such queue), each with a text.
 */
int port_sockets_open(struct frame_pool *p, const char *ifname, unsigned int port, uint32_t queues,
		      uint32_t workers, uint32_t ring_frames, bool generic,
		      struct port_sockets **out, struct error *e);
/*
 * Waits up to 50 ms for queued frames to leave, then closes. No worker may be inside a call on s,
 * nor make one later; they may run on other ports. The cookies of frames that were queued or under
 * way come back from their senders' next port_complete() of another port.
 */
void port_sockets_close(struct port_sockets *s);
int port_sockets_fd(const struct port_sockets *s, uint32_t queue, uint32_t worker);
enum xsk_mode port_sockets_mode(const struct port_sockets *s);
int port_sockets_counters(const struct port_sockets *s, struct xsk_counters *out);
uint32_t port_sockets_queues(const struct port_sockets *s);

/* Per-packet calls, by the worker that owns the ring; none allocates, logs or blocks. */
/* Takes up to max received frames of a queue. */
uint32_t port_receive(struct port_sockets *s, uint32_t queue, uint32_t worker, struct frame *out,
		      uint32_t max);
/* Queues a frame for sending; false when the ring is full, or the frame is empty or not within its
 * chunk (it stays the caller's). Ownership passes otherwise. A queue that the device only receives
 * on stands for one that it sends on, always the same. */
bool port_send(struct port_sockets *s, uint32_t queue, uint32_t worker, const struct frame *f);
/* Wakes the kernel where it asks for it: sends what is queued, refills. One call per batch. */
void port_kick(struct port_sockets *s, uint32_t worker);
/*
 * Takes back up to max sent frames of this worker (of other ports too, where another worker saw
 * them leave); the cookies tell what they were. The chunks are already back in stock. Also moves
 * chunks between workers and refills the fill rings. To be called even when nothing was sent.
 */
uint32_t port_complete(struct port_sockets *s, uint32_t worker, uint32_t *cookies, uint32_t max);

#endif
