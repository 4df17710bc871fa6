// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory layout of a frame pool: one memfd with the chunks, then free lists and mailboxes. Offsets
 * are computed from the numbers of frames and workers, so none is read from memory that another
 * process can write.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "xsk/pool.h"

/* Size of a mailbox. If a worker lets one run full, completions stay in the kernel's ring until it
 * reads its mail. */
#define MAIL_WORDS_MAX 4096
#define HUGE_BYTES     (2u << 20)

#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25 /* Linux 6.1; not in glibc before 2.37 */
#endif

struct layout {
	size_t state, spare, stocks, chunks, mail, bytes;
	size_t stock_bytes, box_bytes, closer_box_bytes;
};

static uint32_t power_of_two(uint32_t n)
{
	uint32_t p = 1;

	while (p < n)
		p <<= 1;
	return p;
}

static size_t round_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

static struct layout layout_of(const struct frame_pool *p)
{
	size_t list = p->frames * sizeof(uint32_t);
	struct layout l;

	l.stock_bytes = round_up(sizeof(struct pool_stock) + list, 64);
	l.box_bytes = ring_bytes(p->box_words);
	l.closer_box_bytes = ring_bytes(p->closer_box_words);
	l.state = round_up(p->area_bytes, 4096);
	l.spare = l.state + round_up(sizeof(struct pool_state), 64);
	l.stocks = l.spare + round_up(sizeof(struct pool_spare) + list, 64);
	l.chunks = l.stocks + l.stock_bytes * p->workers;
	l.mail = l.chunks + round_up(p->frames * sizeof(struct pool_chunk), 64);
	l.bytes = round_up(l.mail + l.box_bytes * p->workers * p->workers +
				   l.closer_box_bytes * p->workers,
			   4096);
	return l;
}

/* Maps at a multiple of the huge page size, which huge pages need. */
static uint8_t *map_aligned(int fd, size_t bytes)
{
	uint8_t *place, *begin;

	place = mmap(NULL, bytes + HUGE_BYTES, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (place == MAP_FAILED)
		return NULL;
	begin = (uint8_t *)round_up((uintptr_t)place, HUGE_BYTES);
	if (begin > place)
		munmap(place, (size_t)(begin - place));
	munmap(begin + bytes, (size_t)(place + HUGE_BYTES - begin));
	if (mmap(begin, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) != begin) {
		munmap(begin, bytes);
		return NULL;
	}
	return begin;
}

/*
 * Huge pages where the system gives them to anonymous memory ("always"). A memfd follows another
 * setting, off by default, but MADV_COLLAPSE works regardless; each huge page needs one page
 * present.
 */
static void ask_for_huge_pages(const struct frame_pool *p)
{
	_cleanup_close_ int fd =
		open("/sys/kernel/mm/transparent_hugepage/enabled", O_RDONLY | O_CLOEXEC);
	size_t bytes = p->area_bytes / HUGE_BYTES * HUGE_BYTES;
	char text[64] = "";

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0 || !strstr(text, "[always]"))
		return;
	for (size_t at = 0; at < bytes; at += HUGE_BYTES)
		p->area[at] = 0;
	madvise(p->area, bytes, MADV_COLLAPSE);
}

/* Allocates the pages of all chunks, so that no frame waits for a page fault. */
static int populate(const struct frame_pool *p)
{
	ask_for_huge_pages(p);
	return madvise(p->area, p->area_bytes, MADV_POPULATE_WRITE) < 0 ? -errno : 0;
}

static int map_pool(struct frame_pool *p, const struct layout *l)
{
	uint8_t *base = map_aligned(p->fd, l->bytes), *box;

	if (!base)
		return -ENOMEM;
	p->map_bytes = l->bytes;
	p->area = base;
	p->state = (void *)(base + l->state);
	p->spare = (void *)(base + l->spare);
	p->chunks = (void *)(base + l->chunks);
	box = base + l->mail;
	for (uint32_t w = 0; w < p->workers; w++)
		p->stocks[w] = (void *)(base + l->stocks + w * l->stock_bytes);
	for (uint32_t i = 0; i < (p->workers + 1) * p->workers; i++) {
		p->mail[i] = (void *)box;
		box += i < p->workers * p->workers ? l->box_bytes : l->closer_box_bytes;
	}
	return 0;
}

static void fill_stocks(struct frame_pool *p)
{
	for (uint32_t i = 0; i < p->frames; i++) {
		if (i < p->share * p->workers)
			pool_put(p, i % p->workers, i);
		else
			p->spare->chunks[p->spare->count++] = i;
	}
}

static int handle_new(uint32_t frames, uint32_t workers, struct frame_pool **out, struct error *e)
{
	struct frame_pool *p;

	if (!frames || frames > UINT32_MAX / WEIR_FRAME_BYTES || !workers ||
	    workers > WEIR_WORKERS_MAX)
		return error_set(e, -EINVAL, "no pool of %u frames for %u workers", frames,
				 workers);
	p = calloc(1, sizeof(*p));
	if (!p)
		return error_set(e, -ENOMEM, "no memory for the frame pool");
	p->fd = -1;
	p->frames = frames;
	p->workers = workers;
	p->share = frames / 2 / workers;
	p->area_bytes = (size_t)frames * WEIR_FRAME_BYTES;
	/* Closing a port must not wait for a worker to read its mail, so this mailbox has room
	 * for every chunk. */
	p->closer_box_words = power_of_two(frames);
	p->box_words = p->closer_box_words < MAIL_WORDS_MAX ? p->closer_box_words : MAIL_WORDS_MAX;
	*out = p;
	return 0;
}

static void pool_freep(struct frame_pool **p)
{
	frame_pool_free(*p);
}

static int make(struct frame_pool *p)
{
	struct layout l = layout_of(p);
	int err;

	p->fd = memfd_new("weir-frames", l.bytes);
	if (p->fd < 0)
		return p->fd;
	err = map_pool(p, &l);
	if (!err)
		err = populate(p);
	if (!err)
		fill_stocks(p);
	return err;
}

int frame_pool_new(uint32_t frames, uint32_t workers, struct frame_pool **out, struct error *e)
{
	_cleanup_(pool_freep) struct frame_pool *p = NULL;
	int err = handle_new(frames, workers, &p, e);

	if (err < 0)
		return err;
	err = make(p);
	if (err < 0)
		return error_set(e, err, "no memory for a pool of %u frames of 2 KiB", frames);
	*out = TAKE_PTR(p);
	return 0;
}

int frame_pool_open(int fd, uint32_t frames, uint32_t workers, struct frame_pool **out,
		    struct error *e)
{
	_cleanup_(pool_freep) struct frame_pool *p = NULL;
	int err = handle_new(frames, workers, &p, e);
	struct layout l;
	struct stat st;

	if (err < 0)
		return err;
	l = layout_of(p);
	if (!memfd_is_sealed(fd) || fstat(fd, &st) < 0 || st.st_size != (off_t)l.bytes)
		return error_set(e, -EINVAL, "no pool of %u frames for %u workers", frames,
				 workers);
	p->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	err = p->fd < 0 ? -errno : map_pool(p, &l);
	if (err < 0)
		return error_set(e, err, "cannot map the frame pool: %s", strerror(-err));
	*out = TAKE_PTR(p);
	return 0;
}

int frame_pool_fd(const struct frame_pool *p)
{
	return p->fd;
}

void frame_pool_free(struct frame_pool *p)
{
	if (!p)
		return;
	if (p->area)
		munmap(p->area, p->map_bytes);
	if (p->fd >= 0)
		close(p->fd);
	free(p);
}
