/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A ring of records between one writer and one reader, which may be threads or processes. It lives
 * in a memfd of sealed size, so its descriptor is all that another process needs. Records hold no
 * pointers. Neither side ever waits: what does not fit is refused and counted by the record's type.
 * Each side takes the other for hostile: positions and lengths are copied once and checked, and
 * what contradicts itself is reported as broken and never read again.
 */
#ifndef WEIR_MAIL_H
#define WEIR_MAIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define MAIL_TYPES_MAX	 16    /* types are 0 .. 15 */
#define MAIL_PAYLOAD_MAX 16384 /* bytes of one record */
#define MAIL_BYTES_MIN	 65536

/*
 * Makes the memory of a ring. bytes: room for records and their 8-byte headers, a power of two from
 * MAIL_BYTES_MIN on. Returns a descriptor (close-on-exec), -EINVAL, or what memfd_create gives.
 */
int mail_new(uint32_t bytes);

struct mail_writer;
struct mail_reader;
/*
 * Attach one end to the ring of the descriptor, which may be closed afterwards. An end that is
 * opened again goes on where its predecessor was. 0, -ENOMEM, -EINVAL where the descriptor is no
 * ring of mail_new() (other size or content, or its size is not sealed), -EBADMSG where its
 * positions contradict each other. Heap.
 */
int mail_writer_open(int fd, struct mail_writer **out);
int mail_reader_open(int fd, struct mail_reader **out);
/* NULL is allowed. */
void mail_writer_close(struct mail_writer *w);
void mail_reader_close(struct mail_reader *r);

/* Where the writer tells a sleeping reader of news: an eventfd, which stays the caller's. -1 (at
 * first): nowhere. */
void mail_writer_wake_by(struct mail_writer *w, int event_fd);
/* Records of the type are refused where the ring would hold more than this many bytes, so that a
 * flood of them leaves room for others. At first: all of the ring. */
void mail_writer_limit(struct mail_writer *w, unsigned int type, uint32_t bytes);
/*
 * Adds a record. 0; -ENOBUFS where it does not fit, and counted; -EBADMSG where the reader's
 * position is impossible, counted too; -EINVAL for a type or length that no record has. Makes a
 * system call only where the reader sleeps.
 */
int mail_put(struct mail_writer *w, unsigned int type, const void *payload, size_t len);
/* The same for a payload in pieces. */
int mail_put_pieces(struct mail_writer *w, unsigned int type, const struct iovec *pieces,
		    unsigned int count);
/* Records of the type that were refused since mail_new(), as the writer says. */
uint64_t mail_writer_refused(const struct mail_writer *w, unsigned int type);
uint64_t mail_reader_refused(const struct mail_reader *r, unsigned int type);

/* A copy of what the writer wrote, aligned to 8 bytes; gone after the call. Type and content are
 * not checked: unknown types are the receiver's to skip. */
struct mail_record {
	uint16_t type;
	uint32_t len;
	const void *payload;
};
/*
 * Hands fn what is in the ring at this moment; records that come meanwhile are left for the next
 * call, so that it ends. Returns how many, or -EBADMSG where the ring is broken: from then on
 * always. fn may not close the reader.
 */
int mail_read(struct mail_reader *r, void (*fn)(const struct mail_record *, void *), void *arg);
/*
 * Announces that the reader goes to sleep until the ring holds `bytes` more (1: anything), or for
 * as long as it likes. False where that much is there already: then the writer will not wake it.
 * Withdrawn by the next mail_read().
 */
bool mail_reader_sleep(struct mail_reader *r, uint32_t bytes);

#endif
