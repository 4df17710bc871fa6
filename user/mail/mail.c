// SPDX-License-Identifier: GPL-2.0-only
#include "mail/mail.h"

#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "util/util.h"

#define MAGIC	  0x314c4941u /* changes with the layout */
#define ALIGN	  8u
#define HEAD_ROOM 4096u
#define BYTES_MAX (1u << 30)

/*
 * Positions count bytes since the beginning and never wrap. `head` and `refused` belong to the
 * writer, `tail` and `wake_at` to the reader.
 */
struct shared {
	uint32_t magic;
	_Alignas(64) _Atomic uint64_t head;
	_Atomic uint64_t refused[MAIL_TYPES_MAX];
	_Alignas(64) _Atomic uint64_t tail;
	_Atomic uint64_t wake_at; /* the position of head at which the reader wants to be woken */
	_Alignas(HEAD_ROOM) uint8_t data[];
};
_Static_assert(offsetof(struct shared, data) == HEAD_ROOM, "records begin on the second page");

/* In front of each record, at a multiple of ALIGN: it does not wrap around. */
struct header {
	uint32_t len;
	uint16_t type;
	uint16_t zero;
};
_Static_assert(sizeof(struct header) == ALIGN, "read as one word");

#define AWAKE UINT64_MAX

struct mail_writer {
	struct shared *ring;
	uint32_t bytes;
	int event_fd;
	uint64_t head;
	uint64_t tail; /* as last read */
	uint32_t limit[MAIL_TYPES_MAX];
};

struct mail_reader {
	struct shared *ring;
	uint32_t bytes;
	bool broken, sleeping;
	uint64_t tail;
	_Alignas(8) uint8_t payload[MAIL_PAYLOAD_MAX];
};

/* ---- the memory ---- */

int mail_new(uint32_t bytes)
{
	_cleanup_close_ int fd = -1;
	const uint32_t magic = MAGIC;
	const uint64_t awake = AWAKE;

	if (bytes < MAIL_BYTES_MIN || bytes > BYTES_MAX || bytes & (bytes - 1))
		return -EINVAL;
	fd = memfd_new("weir-mail", HEAD_ROOM + (uint64_t)bytes);
	if (fd < 0)
		return fd;
	/* Allocates the pages: if memory is short this fails, rather than a later write by SIGBUS.
	 */
	if (fallocate(fd, 0, 0, (off_t)HEAD_ROOM + bytes) < 0 ||
	    pwrite(fd, &awake, sizeof(awake), offsetof(struct shared, wake_at)) != sizeof(awake) ||
	    pwrite(fd, &magic, sizeof(magic), offsetof(struct shared, magic)) != sizeof(magic))
		return -errno;
	return TAKE_FD(fd);
}

static int ring_map(int fd, struct shared **out, uint32_t *bytes)
{
	struct shared *ring;
	struct stat st;

	if (!memfd_is_sealed(fd) || fstat(fd, &st) < 0)
		return -EINVAL;
	if (st.st_size < HEAD_ROOM + MAIL_BYTES_MIN || st.st_size > (off_t)HEAD_ROOM + BYTES_MAX)
		return -EINVAL;
	*bytes = (uint32_t)(st.st_size - HEAD_ROOM);
	if (*bytes & (*bytes - 1))
		return -EINVAL;
	ring = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (ring == MAP_FAILED)
		return -errno;
	if (ring->magic != MAGIC) {
		munmap(ring, (size_t)st.st_size);
		return -EINVAL;
	}
	*out = ring;
	return 0;
}

static void ring_unmap(struct shared *ring, uint32_t bytes)
{
	if (ring)
		munmap(ring, (size_t)HEAD_ROOM + bytes);
}

/* Whether the positions are aligned and at most the ring's size apart. */
static bool positions_fit(uint64_t head, uint64_t tail, uint32_t bytes)
{
	return head - tail <= bytes && head % ALIGN == 0 && tail % ALIGN == 0;
}

static uint32_t record_bytes(uint32_t len)
{
	return (uint32_t)sizeof(struct header) + (len + ALIGN - 1) / ALIGN * ALIGN;
}

/* ---- writing ---- */

int mail_writer_open(int fd, struct mail_writer **out)
{
	_cleanup_free_ struct mail_writer *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	err = ring_map(fd, &w->ring, &w->bytes);
	if (err < 0)
		return err;
	w->event_fd = -1;
	w->head = atomic_load(&w->ring->head);
	w->tail = atomic_load(&w->ring->tail);
	if (!positions_fit(w->head, w->tail, w->bytes)) {
		ring_unmap(w->ring, w->bytes);
		return -EBADMSG;
	}
	for (unsigned int i = 0; i < MAIL_TYPES_MAX; i++)
		w->limit[i] = w->bytes;
	*out = TAKE_PTR(w);
	return 0;
}

void mail_writer_close(struct mail_writer *w)
{
	if (!w)
		return;
	ring_unmap(w->ring, w->bytes);
	free(w);
}

void mail_writer_wake_by(struct mail_writer *w, int event_fd)
{
	w->event_fd = event_fd;
}

void mail_writer_limit(struct mail_writer *w, unsigned int type, uint32_t bytes)
{
	w->limit[type] = bytes < w->bytes ? bytes : w->bytes;
}

/* 0 if `bytes` more fit below the limit. */
static int room_for(struct mail_writer *w, uint32_t bytes, uint32_t limit)
{
	if (w->head + bytes - w->tail <= limit)
		return 0;
	w->tail = atomic_load_explicit(&w->ring->tail, memory_order_acquire);
	if (!positions_fit(w->head, w->tail, w->bytes)) {
		/* Treat the ring as full until the reader's position is valid again. */
		w->tail = w->head - w->bytes;
		return -EBADMSG;
	}
	return w->head + bytes - w->tail <= limit ? 0 : -ENOBUFS;
}

static void copy_in(struct mail_writer *w, uint64_t at, const void *from, size_t len)
{
	uint32_t offset = (uint32_t)at & (w->bytes - 1);
	size_t first = w->bytes - offset < len ? w->bytes - offset : len;

	memcpy(w->ring->data + offset, from, first);
	memcpy(w->ring->data, (const uint8_t *)from + first, len - first);
}

/* Pairs with mail_reader_sleep(), which writes wake_at and then reads head; here head is written
 * and then wake_at is read. The fences order the two on each side, so a wake-up cannot be missed.
 */
static void wake_reader(struct mail_writer *w)
{
	const uint64_t one = 1;
	uint64_t at;

	if (w->event_fd < 0)
		return;
	atomic_thread_fence(memory_order_seq_cst);
	at = atomic_load_explicit(&w->ring->wake_at, memory_order_relaxed);
	if (w->head < at)
		return;
	if (atomic_compare_exchange_strong(&w->ring->wake_at, &at, AWAKE))
		(void)!write(w->event_fd, &one, sizeof(one));
}

int mail_put_pieces(struct mail_writer *w, unsigned int type, const struct iovec *pieces,
		    unsigned int count)
{
	struct header h = {.type = (uint16_t)type};
	size_t len = 0;
	uint64_t at;
	int err;

	for (unsigned int i = 0; i < count; i++)
		len += pieces[i].iov_len <= MAIL_PAYLOAD_MAX ? pieces[i].iov_len
							     : MAIL_PAYLOAD_MAX + 1;
	if (type >= MAIL_TYPES_MAX || len > MAIL_PAYLOAD_MAX)
		return -EINVAL;
	h.len = (uint32_t)len;
	err = room_for(w, record_bytes(h.len), w->limit[type]);
	if (err < 0) {
		atomic_fetch_add_explicit(&w->ring->refused[type], 1, memory_order_relaxed);
		return err;
	}
	copy_in(w, w->head, &h, sizeof(h));
	at = w->head + sizeof(h);
	for (unsigned int i = 0; i < count; i++) {
		copy_in(w, at, pieces[i].iov_base, pieces[i].iov_len);
		at += pieces[i].iov_len;
	}
	w->head += record_bytes(h.len);
	atomic_store_explicit(&w->ring->head, w->head, memory_order_release);
	wake_reader(w);
	return 0;
}

int mail_put(struct mail_writer *w, unsigned int type, const void *payload, size_t len)
{
	const struct iovec piece = {.iov_base = (void *)payload, .iov_len = len};

	return mail_put_pieces(w, type, &piece, len ? 1 : 0);
}

uint64_t mail_writer_refused(const struct mail_writer *w, unsigned int type)
{
	return atomic_load_explicit(&w->ring->refused[type], memory_order_relaxed);
}

/* ---- reading ---- */

int mail_reader_open(int fd, struct mail_reader **out)
{
	_cleanup_free_ struct mail_reader *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return -ENOMEM;
	err = ring_map(fd, &r->ring, &r->bytes);
	if (err < 0)
		return err;
	r->tail = atomic_load(&r->ring->tail);
	if (!positions_fit(atomic_load(&r->ring->head), r->tail, r->bytes)) {
		ring_unmap(r->ring, r->bytes);
		return -EBADMSG;
	}
	*out = TAKE_PTR(r);
	return 0;
}

void mail_reader_close(struct mail_reader *r)
{
	if (!r)
		return;
	ring_unmap(r->ring, r->bytes);
	free(r);
}

uint64_t mail_reader_refused(const struct mail_reader *r, unsigned int type)
{
	return atomic_load_explicit(&r->ring->refused[type], memory_order_relaxed);
}

static void copy_out(const struct mail_reader *r, uint64_t at, void *to, size_t len)
{
	uint32_t offset = (uint32_t)at & (r->bytes - 1);
	size_t first = r->bytes - offset < len ? r->bytes - offset : len;

	memcpy(to, r->ring->data + offset, first);
	memcpy((uint8_t *)to + first, r->ring->data, len - first);
}

/* Copies the record at the reader's position; `left`: bytes up to the writer's position. */
static int record_take(struct mail_reader *r, uint64_t left, struct mail_record *out)
{
	const void *at = r->ring->data + ((uint32_t)r->tail & (r->bytes - 1));
	/* A single load: the length that is checked is the length that is used. */
	uint64_t word = __atomic_load_n((const uint64_t *)at, __ATOMIC_RELAXED);
	struct header h;

	memcpy(&h, &word, sizeof(h));
	if (h.len > MAIL_PAYLOAD_MAX || record_bytes(h.len) > left || h.zero)
		return -EBADMSG;
	copy_out(r, r->tail + sizeof(h), r->payload, h.len);
	*out = (struct mail_record){.type = h.type, .len = h.len, .payload = r->payload};
	return 0;
}

static void wake_up(struct mail_reader *r)
{
	if (r->sleeping)
		atomic_store_explicit(&r->ring->wake_at, AWAKE, memory_order_relaxed);
	r->sleeping = false;
}

int mail_read_some(struct mail_reader *r, unsigned int max,
		   void (*fn)(const struct mail_record *, void *), void *arg)
{
	uint64_t head = atomic_load_explicit(&r->ring->head, memory_order_acquire);
	unsigned int count = 0;

	wake_up(r);
	if (!positions_fit(head, r->tail, r->bytes))
		r->broken = true;
	while (!r->broken && r->tail != head && count < max) {
		struct mail_record record;

		if (record_take(r, head - r->tail, &record) < 0) {
			r->broken = true;
			break;
		}
		r->tail += record_bytes(record.len);
		atomic_store_explicit(&r->ring->tail, r->tail, memory_order_release);
		fn(&record, arg);
		count++;
	}
	return r->broken ? -EBADMSG : (int)count;
}

int mail_read(struct mail_reader *r, void (*fn)(const struct mail_record *, void *), void *arg)
{
	return mail_read_some(r, INT_MAX, fn, arg);
}

bool mail_reader_sleep(struct mail_reader *r, uint32_t bytes)
{
	uint64_t at = r->tail + bytes;

	r->sleeping = true;
	atomic_store_explicit(&r->ring->wake_at, at, memory_order_relaxed);
	atomic_thread_fence(memory_order_seq_cst);
	if (r->broken || atomic_load_explicit(&r->ring->head, memory_order_relaxed) < at)
		return true;
	wake_up(r);
	return false;
}
