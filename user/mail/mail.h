/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Lock-free single-producer, single-consumer ring of records, between threads or processes. It is a
 * memfd of sealed size: another process needs the descriptor and nothing else. Records contain no
 * pointers. Neither side waits: a record that does not fit is refused and counted by its type. Each
 * side treats the other as untrusted: positions and lengths are read once and checked before use; a
 * ring that fails a check is reported as broken and not read again.
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
 * Makes a ring. bytes: capacity for records including their 8-byte headers, a power of two of at
 * least MAIL_BYTES_MIN. Returns a descriptor (close-on-exec), -EINVAL, or the error of a system
 * call.
 */
int mail_new(uint32_t bytes);

struct mail_writer;
struct mail_reader;
/*
 * Map the ring as its writer or its reader; fd may be closed afterwards. An end that is opened
 * again continues at the position of its predecessor. 0; -ENOMEM; -EINVAL: fd is not a ring of
 * mail_new() (size, content, or size not sealed); -EBADMSG: the positions are inconsistent. Heap.
 */
int mail_writer_open(int fd, struct mail_writer **out);
int mail_reader_open(int fd, struct mail_reader **out);
/* NULL is allowed. */
void mail_writer_close(struct mail_writer *w);
void mail_reader_close(struct mail_reader *r);

/* The eventfd that wakes a sleeping reader; it stays the caller's. -1 (the default): none. */
void mail_writer_wake_by(struct mail_writer *w, int event_fd);
/* Refuses a record of this type if the ring would then hold more than `bytes`, so that a flood of
 * one type leaves room for others. Default: the whole ring. */
void mail_writer_limit(struct mail_writer *w, unsigned int type, uint32_t bytes);
/*
 * Adds a record. 0; -ENOBUFS: it does not fit (counted); -EBADMSG: the reader's position is invalid
 * (counted); -EINVAL: type or length out of range. A system call is made only to wake the reader.
 */
int mail_put(struct mail_writer *w, unsigned int type, const void *payload, size_t len);
/* Likewise, with the payload in pieces. */
int mail_put_pieces(struct mail_writer *w, unsigned int type, const struct iovec *pieces,
		    unsigned int count);
/* Records of the type refused since mail_new(); a number that the writer writes. */
uint64_t mail_writer_refused(const struct mail_writer *w, unsigned int type);
uint64_t mail_reader_refused(const struct mail_reader *r, unsigned int type);

/* A private copy of the record, aligned to 8 bytes, valid during the call. Type and content are not
 * checked. */
struct mail_record {
	uint16_t type;
	uint32_t len;
	const void *payload;
};
/*
 * Calls fn for each record in the ring at the time of the call; records added meanwhile are left
 * for the next call, which bounds this one. Returns their number; -EBADMSG once the ring was found
 * to be broken. fn may not close the reader.
 */
int mail_read(struct mail_reader *r, void (*fn)(const struct mail_record *, void *), void *arg);
/* The same for at most max records. The payload of the last one stays valid until the next call. */
int mail_read_some(struct mail_reader *r, unsigned int max,
		   void (*fn)(const struct mail_record *, void *), void *arg);
/*
 * Asks the writer to signal its eventfd once the ring holds at least `bytes` (1: any record).
 * False: it holds that much already, and there will be no signal. The next mail_read() cancels the
 * request.
 */
bool mail_reader_sleep(struct mail_reader *r, uint32_t bytes);

#endif
