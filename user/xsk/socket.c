// SPDX-License-Identifier: GPL-2.0-only
#include "xsk/socket.h"

#include <linux/if_xdp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>

#ifndef SOL_XDP
#define SOL_XDP 283
#endif
#ifndef AF_XDP
#define AF_XDP 44
#endif
/* Since Linux 6.17: frames sent by one system call in copy mode; older kernels send 32. */
#ifndef XDP_MAX_TX_SKB_BUDGET
#define XDP_MAX_TX_SKB_BUDGET 9
#endif
#define TX_BUDGET 256

/* The kernel releases a queue in a work item, some time after the last close(). */
#define BUSY_TRIES    100
#define BUSY_PAUSE_NS 10000000

static int set_option(int fd, int option, const void *value, socklen_t len)
{
	return setsockopt(fd, SOL_XDP, option, value, len) < 0 ? -errno : 0;
}

static int set_entries(int fd, int option, uint32_t entries)
{
	return set_option(fd, option, &entries, sizeof(entries));
}

static int register_area(int fd, const struct socket_setup *c)
{
	struct xdp_umem_reg reg = {
		.addr = (uintptr_t)c->area,
		.len = c->area_bytes,
		.chunk_size = WEIR_FRAME_BYTES,
	};

	return set_option(fd, XDP_UMEM_REG, &reg, sizeof(reg));
}

/* The four kinds of ring differ in their mmap offset and entry size. */
struct ring_place {
	off_t pgoff;
	struct xdp_ring_offset at;
	size_t entry_bytes;
	uint32_t entries;
};

static int map_ring(int fd, const struct ring_place *r, struct socket_map *map)
{
	size_t bytes = r->at.desc + r->entries * r->entry_bytes;
	void *base =
		mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, r->pgoff);

	if (base == MAP_FAILED)
		return -errno;
	*map = (struct socket_map){.base = base, .bytes = bytes};
	return 0;
}

static void *inside(const struct socket_map *map, uint64_t offset)
{
	return (uint8_t *)map->base + offset;
}

static int map_producer(int fd, const struct ring_place *r, struct socket_map *map,
			struct xsk_ring_prod *out)
{
	int err = map_ring(fd, r, map);

	if (err)
		return err;
	*out = (struct xsk_ring_prod){
		.mask = r->entries - 1,
		.size = r->entries,
		.producer = inside(map, r->at.producer),
		.consumer = inside(map, r->at.consumer),
		.flags = inside(map, r->at.flags),
		.ring = inside(map, r->at.desc),
		/* libxdp's accessors keep cached_cons one ring size ahead. */
		.cached_cons = r->entries,
	};
	return 0;
}

static int map_consumer(int fd, const struct ring_place *r, struct socket_map *map,
			struct xsk_ring_cons *out)
{
	int err = map_ring(fd, r, map);

	if (err)
		return err;
	*out = (struct xsk_ring_cons){
		.mask = r->entries - 1,
		.size = r->entries,
		.producer = inside(map, r->at.producer),
		.consumer = inside(map, r->at.consumer),
		.flags = inside(map, r->at.flags),
		.ring = inside(map, r->at.desc),
	};
	return 0;
}

static int open_queue(const struct socket_setup *c, int fd, const struct xdp_mmap_offsets *off,
		      struct xsk_queue *q)
{
	struct ring_place fill = {XDP_UMEM_PGOFF_FILL_RING, off->fr, sizeof(uint64_t),
				  c->ring_frames};
	struct ring_place completion = {XDP_UMEM_PGOFF_COMPLETION_RING, off->cr, sizeof(uint64_t),
					c->completion_frames};
	int err = set_entries(fd, XDP_UMEM_FILL_RING, c->ring_frames);

	if (!err)
		err = set_entries(fd, XDP_UMEM_COMPLETION_RING, c->completion_frames);
	if (!err)
		err = map_producer(fd, &fill, &q->maps[0], &q->fill);
	if (!err)
		err = map_consumer(fd, &completion, &q->maps[1], &q->completion);
	return err;
}

static int open_rings(const struct socket_setup *c, const struct xdp_mmap_offsets *off,
		      struct xsk_socket *s)
{
	struct ring_place rx = {XDP_PGOFF_RX_RING, off->rx, sizeof(struct xdp_desc),
				c->ring_frames};
	struct ring_place tx = {XDP_PGOFF_TX_RING, off->tx, sizeof(struct xdp_desc),
				c->ring_frames};
	int err = set_entries(s->fd, XDP_RX_RING, c->ring_frames);

	if (!err)
		err = map_consumer(s->fd, &rx, &s->maps[0], &s->rx);
	if (err || !s->sends)
		return err;
	err = set_entries(s->fd, XDP_TX_RING, c->ring_frames);
	if (!err)
		err = map_producer(s->fd, &tx, &s->maps[1], &s->tx);
	/* Older kernels refuse the option and send 32 frames a call. */
	if (c->ring_frames >= TX_BUDGET)
		set_entries(s->fd, XDP_MAX_TX_SKB_BUDGET, TX_BUDGET);
	return err;
}

static int bind_socket(const struct socket_setup *c, int fd)
{
	struct sockaddr_xdp a = {
		.sxdp_family = AF_XDP,
		.sxdp_ifindex = c->ifindex,
		.sxdp_queue_id = c->queue,
		.sxdp_flags = c->umem_fd < 0 ? c->bind_flags : XDP_SHARED_UMEM,
		.sxdp_shared_umem_fd = c->umem_fd < 0 ? 0 : (uint32_t)c->umem_fd,
	};
	struct timespec pause = {.tv_nsec = BUSY_PAUSE_NS};

	for (int i = 0; i < BUSY_TRIES; i++) {
		if (!bind(fd, (struct sockaddr *)&a, sizeof(a)))
			return 0;
		if (errno != EBUSY)
			return -errno;
		nanosleep(&pause, NULL);
	}
	return -EBUSY;
}

static int set_up(const struct socket_setup *c, struct xsk_socket *s, struct xsk_queue *q)
{
	struct xdp_mmap_offsets off;
	socklen_t len = sizeof(off);
	int err = 0;

	if (getsockopt(s->fd, SOL_XDP, XDP_MMAP_OFFSETS, &off, &len) < 0)
		return -errno;
	if (len != sizeof(off))
		return -EOPNOTSUPP; /* kernels before 5.4 have no wake-up flags */
	if (c->umem_fd < 0)
		err = register_area(s->fd, c);
	if (!err && q)
		err = open_queue(c, s->fd, &off, q);
	if (!err)
		err = open_rings(c, &off, s);
	return err ? err : bind_socket(c, s->fd);
}

int socket_open(const struct socket_setup *c, struct xsk_socket *s, struct xsk_queue *q)
{
	int err;

	s->fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return -errno;
	err = set_up(c, s, q);
	if (err) {
		socket_close(s);
		if (q)
			socket_unmap_queue(q);
	}
	return err;
}

static void unmap(struct socket_map maps[2])
{
	for (int i = 0; i < 2; i++) {
		if (maps[i].base)
			munmap(maps[i].base, maps[i].bytes);
		maps[i] = (struct socket_map){0};
	}
}

void socket_close(struct xsk_socket *s)
{
	unmap(s->maps);
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

void socket_unmap_queue(struct xsk_queue *q)
{
	unmap(q->maps);
}

/* If binding a socket to the queue succeeds, the kernel has released it. */
int socket_wait_released(unsigned int ifindex, uint32_t queue)
{
	struct xsk_socket s = {.fd = -1};
	struct xsk_queue q = {0};
	struct socket_setup c = {
		.ifindex = ifindex,
		.queue = queue,
		.ring_frames = 2,
		.completion_frames = 2,
		.area_bytes = 2 * WEIR_FRAME_BYTES,
		.umem_fd = -1,
		.bind_flags = XDP_COPY,
	};
	int err;

	c.area = mmap(NULL, c.area_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		      0);
	if (c.area == MAP_FAILED)
		return -errno;
	err = socket_open(&c, &s, &q);
	if (!err) {
		socket_close(&s);
		socket_unmap_queue(&q);
	}
	munmap(c.area, c.area_bytes);
	return err;
}
