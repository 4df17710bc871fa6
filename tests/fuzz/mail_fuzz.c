// SPDX-License-Identifier: GPL-2.0-only
/*
 * A reader against a writer that lies: everything in the ring that is the writer's comes from the
 * input, also while the reader is at work. Input: the writer's position (8 bytes), then what it
 * writes from the beginning; before each record that is read, the next bytes replace some others.
 */
#include "harness.h"

#include <sys/mman.h>
#include <unistd.h>

#include "mail/mail.h"

#define AT_HEAD 64
#define AT_TAIL 256
#define AT_DATA 4096

struct liar {
	uint8_t *raw;
	const uint8_t *data;
	size_t size;
	unsigned int calls;
	uint32_t sum;
};

/* A later lie: where, and what. */
static void lie(struct liar *l)
{
	size_t at;

	if (l->size < 4)
		return;
	at = (size_t)(l->data[0] | l->data[1] << 8) % (MAIL_BYTES_MIN - 2);
	memcpy(l->raw + AT_DATA + at, l->data + 2, 2);
	if (l->data[1] & 0x80)
		memcpy(l->raw + AT_HEAD, l->data, 4);
	l->data += 4;
	l->size -= 4;
}

static void see(const struct mail_record *m, void *arg)
{
	struct liar *l = arg;

	check(m->len <= MAIL_PAYLOAD_MAX);
	/* No more than a ring of records without payload can hold. */
	check(++l->calls <= MAIL_BYTES_MIN / 8);
	for (uint32_t i = 0; i < m->len; i++)
		l->sum += ((const uint8_t *)m->payload)[i];
	lie(l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct mail_reader *r = NULL;
	struct liar l = {.data = data, .size = size};
	int fd = mail_new(MAIL_BYTES_MIN), first;
	uint64_t head = 0;
	size_t len;

	check(fd >= 0);
	check(mail_reader_open(fd, &r) == 0);
	l.raw = mmap(NULL, AT_DATA + MAIL_BYTES_MIN, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	check(l.raw != MAP_FAILED);
	if (size >= 8) {
		memcpy(&head, data, 8);
		/* Most positions are impossible at once; some bits say to be likely. */
		if (head >> 63)
			head = head % (MAIL_BYTES_MIN + 16) & ~(uint64_t)7;
		memcpy(l.raw + AT_HEAD, &head, 8);
		len = size - 8 < 512 ? size - 8 : 512;
		memcpy(l.raw + AT_DATA, data + 8, len);
		l.data += 8 + len;
		l.size -= 8 + len;
	}
	first = mail_read(r, see, &l);
	check(first < 0 || (unsigned int)first == l.calls);
	l.calls = 0;
	check(mail_read(r, see, &l) < 0 || first >= 0);
	mail_reader_sleep(r, 1);
	mail_reader_close(r);
	munmap(l.raw, AT_DATA + MAIL_BYTES_MIN);
	close(fd);
	return 0;
}
