// SPDX-License-Identifier: GPL-2.0-only
/* Rings of records: order, bounds, hostile ends, threads and processes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mail/mail.h"

#define BYTES MAIL_BYTES_MIN
/* Where the ring keeps what its ends tell each other: part of what processes agree on. */
#define AT_HEAD 64
#define AT_TAIL 256
#define AT_DATA 4096

struct fixture {
	int fd;
	struct mail_writer *w;
	struct mail_reader *r;
	uint8_t *raw; /* what another process that has the descriptor can write to */
	unsigned int seen;
	struct mail_record last;
	uint8_t bytes[MAIL_PAYLOAD_MAX];
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	f->fd = mail_new(BYTES);
	assert_true(f->fd >= 0);
	assert_int_equal(mail_writer_open(f->fd, &f->w), 0);
	assert_int_equal(mail_reader_open(f->fd, &f->r), 0);
	f->raw = mmap(NULL, AT_DATA + BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
	assert_true(f->raw != MAP_FAILED);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	munmap(f->raw, AT_DATA + BYTES);
	mail_writer_close(f->w);
	mail_reader_close(f->r);
	close(f->fd);
	free(f);
	return 0;
}

static void see(const struct mail_record *m, void *arg)
{
	struct fixture *f = arg;

	f->seen++;
	f->last = *m;
	memcpy(f->bytes, m->payload, m->len);
}

static uint64_t raw_get(const struct fixture *f, size_t at)
{
	uint64_t v;

	memcpy(&v, f->raw + at, sizeof(v));
	return v;
}

static void raw_set(struct fixture *f, size_t at, uint64_t v)
{
	memcpy(f->raw + at, &v, sizeof(v));
}

static void records_come_in_order(void **state)
{
	struct fixture *f = *state;
	const struct iovec pieces[] = {{(void *)"abc", 3}, {(void *)"", 0}, {(void *)"defgh", 5}};

	assert_int_equal(mail_read(f->r, see, f), 0);
	assert_int_equal(mail_put(f->w, 3, "x", 1), 0);
	assert_int_equal(mail_put(f->w, 4, NULL, 0), 0);
	assert_int_equal(mail_put_pieces(f->w, 5, pieces, 3), 0);
	assert_int_equal(mail_read(f->r, see, f), 3);
	assert_int_equal(f->last.type, 5);
	assert_int_equal(f->last.len, 8);
	assert_memory_equal(f->bytes, "abcdefgh", 8);
	assert_int_equal((uintptr_t)f->last.payload % 8, 0);
	assert_int_equal(mail_read(f->r, see, f), 0);
}

/* Every length meets the end of the memory at every distance sooner or later. */
static void records_wrap_around(void **state)
{
	struct fixture *f = *state;
	uint8_t payload[700];

	for (unsigned int i = 0; i < 20000; i++) {
		size_t len = (i * 37) % sizeof(payload);

		memset(payload, (int)i, len);
		assert_int_equal(mail_put(f->w, i % MAIL_TYPES_MAX, payload, len), 0);
		f->seen = 0;
		assert_int_equal(mail_read(f->r, see, f), 1);
		assert_int_equal(f->last.type, i % MAIL_TYPES_MAX);
		assert_int_equal(f->last.len, len);
		assert_memory_equal(f->bytes, payload, len);
	}
	assert_true(raw_get(f, AT_HEAD) > 100ull * BYTES);
}

static void what_does_not_fit_is_counted_by_type(void **state)
{
	struct fixture *f = *state;
	unsigned int fit = 0;

	while (mail_put(f->w, 1, "12345678", 8) == 0)
		fit++;
	assert_int_equal(fit, BYTES / 16);
	assert_int_equal(mail_put(f->w, 2, "12345678", 8), -ENOBUFS);
	assert_int_equal(mail_put(f->w, 2, "12345678", 8), -ENOBUFS);
	assert_int_equal(mail_writer_refused(f->w, 1), 1);
	assert_int_equal(mail_reader_refused(f->r, 2), 2);
	assert_int_equal(mail_read(f->r, see, f), (int)fit);
	assert_int_equal(mail_put(f->w, 2, "12345678", 8), 0);
}

static void a_limit_leaves_room_for_others(void **state)
{
	struct fixture *f = *state;
	unsigned int fit = 0;

	mail_writer_limit(f->w, 1, BYTES / 2);
	while (mail_put(f->w, 1, "12345678", 8) == 0)
		fit++;
	assert_int_equal(fit, BYTES / 32);
	for (fit = 0; mail_put(f->w, 2, "12345678", 8) == 0; fit++)
		;
	assert_int_equal(fit, BYTES / 32);
}

static void lengths_and_types_have_bounds(void **state)
{
	struct fixture *f = *state;
	static uint8_t big[MAIL_PAYLOAD_MAX + 1];

	assert_int_equal(mail_put(f->w, MAIL_TYPES_MAX, "", 0), -EINVAL);
	assert_int_equal(mail_put(f->w, 0, big, sizeof(big)), -EINVAL);
	assert_int_equal(mail_put(f->w, 0, big, MAIL_PAYLOAD_MAX), 0);
	assert_int_equal(mail_read(f->r, see, f), 1);
	assert_int_equal(f->last.len, MAIL_PAYLOAD_MAX);
	assert_int_equal(mail_new(BYTES / 2), -EINVAL);
	assert_int_equal(mail_new(BYTES + 4096), -EINVAL);
}

/* ---- a hostile writer ---- */

static void broken_for_good(struct fixture *f)
{
	f->seen = 0;
	assert_int_equal(mail_read(f->r, see, f), -EBADMSG);
	assert_int_equal(f->seen, 0);
	raw_set(f, AT_HEAD, raw_get(f, AT_TAIL));
	assert_int_equal(mail_read(f->r, see, f), -EBADMSG);
}

static void a_head_too_far_is_told(void **state)
{
	struct fixture *f = *state;

	raw_set(f, AT_HEAD, BYTES + 8);
	broken_for_good(f);
}

static void a_head_behind_the_tail_is_told(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mail_put(f->w, 1, "12345678", 8), 0);
	assert_int_equal(mail_read(f->r, see, f), 1);
	raw_set(f, AT_HEAD, 8);
	broken_for_good(f);
}

static void a_crooked_head_is_told(void **state)
{
	struct fixture *f = *state;

	raw_set(f, AT_HEAD, 12);
	broken_for_good(f);
}

static void a_record_longer_than_the_ring_holds_is_told(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mail_put(f->w, 1, "12345678", 8), 0);
	raw_set(f, AT_DATA, 9); /* one byte more than was written */
	broken_for_good(f);
}

static void a_record_longer_than_any_is_told(void **state)
{
	struct fixture *f = *state;

	while (mail_put(f->w, 1, "12345678", 8) == 0)
		;
	raw_set(f, AT_DATA, MAIL_PAYLOAD_MAX + 1);
	broken_for_good(f);
}

static void what_came_before_the_lie_is_read(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mail_put(f->w, 1, "12345678", 8), 0);
	assert_int_equal(mail_put(f->w, 1, "12345678", 8), 0);
	raw_set(f, AT_DATA + 16, UINT32_MAX);
	assert_int_equal(mail_read(f->r, see, f), -EBADMSG);
	assert_int_equal(f->seen, 1);
}

static void the_readers_position_is_its_own(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(mail_put(f->w, 1, "a", 1), 0);
	raw_set(f, AT_TAIL, 0x123456);
	assert_int_equal(mail_read(f->r, see, f), 1);
	assert_memory_equal(f->bytes, "a", 1);
	assert_int_equal(raw_get(f, AT_TAIL), 16);
}

struct endless {
	struct fixture *f;
	unsigned int calls;
};

static void write_more(const struct mail_record *m, void *arg)
{
	struct endless *e = arg;

	e->calls++;
	assert_int_equal(mail_put(e->f->w, 1, "a", 1), 0);
}

static void a_writer_that_never_stops_does_not_keep_the_reader(void **state)
{
	struct endless e = {.f = *state};

	for (unsigned int i = 0; i < 10; i++)
		assert_int_equal(mail_put(e.f->w, 1, "a", 1), 0);
	assert_int_equal(mail_read(e.f->r, write_more, &e), 10);
	assert_int_equal(e.calls, 10);
}

/* ---- a hostile reader ---- */

static void an_impossible_tail_refuses_until_it_is_possible(void **state)
{
	struct fixture *f = *state;

	while (mail_put(f->w, 1, "12345678", 8) == 0)
		;
	raw_set(f, AT_TAIL, BYTES + 16);
	assert_int_equal(mail_put(f->w, 1, "12345678", 8), -EBADMSG);
	raw_set(f, AT_TAIL, 4);
	assert_int_equal(mail_put(f->w, 1, "12345678", 8), -EBADMSG);
	assert_int_equal(mail_writer_refused(f->w, 1), 3);
	raw_set(f, AT_TAIL, 16);
	assert_int_equal(mail_put(f->w, 1, "12345678", 8), 0);
}

/* ---- what is no ring ---- */

static int open_both(int fd)
{
	struct mail_reader *r = NULL;
	struct mail_writer *w = NULL;
	int err = mail_reader_open(fd, &r);

	assert_int_equal(mail_writer_open(fd, &w), err);
	mail_reader_close(r);
	mail_writer_close(w);
	return err;
}

static void other_descriptors_are_refused(void **state)
{
	struct fixture *f = *state;
	int fd = memfd_create("unsealed", MFD_ALLOW_SEALING);

	assert_int_equal(ftruncate(fd, AT_DATA + BYTES), 0);
	assert_int_equal(pwrite(fd, f->raw, 4, 0), 4);
	assert_int_equal(open_both(fd), -EINVAL); /* it could be cut short */
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
	assert_int_equal(open_both(fd), 0);
	assert_int_equal(pwrite(fd, "none", 4, 0), 4);
	assert_int_equal(open_both(fd), -EINVAL);
	close(fd);
	fd = memfd_create("odd", MFD_ALLOW_SEALING);
	assert_int_equal(ftruncate(fd, AT_DATA + BYTES + 4096), 0);
	assert_int_equal(pwrite(fd, f->raw, 4, 0), 4);
	assert_int_equal(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL), 0);
	assert_int_equal(open_both(fd), -EINVAL);
	close(fd);
	assert_int_equal(open_both(-1), -EINVAL);
	raw_set(f, AT_HEAD, 2 * BYTES);
	assert_int_equal(open_both(f->fd), -EBADMSG);
}

static void the_size_is_sealed(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(ftruncate(f->fd, 4096), -1);
	assert_int_equal(errno, EPERM);
}

static void ends_go_on_where_others_were(void **state)
{
	struct fixture *f = *state;

	for (unsigned int i = 0; i < 5000; i++) {
		assert_int_equal(mail_put(f->w, 1, &i, sizeof(i)), 0);
		assert_int_equal(mail_read(f->r, see, f), 1);
	}
	assert_int_equal(mail_put(f->w, 1, "old", 3), 0);
	mail_writer_close(f->w);
	mail_reader_close(f->r);
	assert_int_equal(mail_writer_open(f->fd, &f->w), 0);
	assert_int_equal(mail_put(f->w, 2, "new", 3), 0);
	assert_int_equal(mail_reader_open(f->fd, &f->r), 0);
	assert_int_equal(mail_read(f->r, see, f), 2);
	assert_memory_equal(f->bytes, "new", 3);
}

/* ---- waking ---- */

static bool woken(int fd)
{
	uint64_t n;

	return read(fd, &n, sizeof(n)) == sizeof(n);
}

static void only_a_sleeping_reader_is_woken(void **state)
{
	struct fixture *f = *state;
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	mail_writer_wake_by(f->w, fd);
	assert_int_equal(mail_put(f->w, 1, "a", 1), 0);
	assert_false(woken(fd));
	assert_false(mail_reader_sleep(f->r, 1)); /* there is news */
	assert_int_equal(mail_read(f->r, see, f), 1);
	assert_true(mail_reader_sleep(f->r, 1));
	assert_int_equal(mail_put(f->w, 1, "a", 1), 0);
	assert_true(woken(fd));
	assert_int_equal(mail_put(f->w, 1, "a", 1), 0);
	assert_false(woken(fd)); /* once a sleep */
	assert_int_equal(mail_read(f->r, see, f), 2);
	assert_true(mail_reader_sleep(f->r, 40));
	assert_int_equal(mail_put(f->w, 1, "a", 1), 0);
	assert_int_equal(mail_put(f->w, 1, "a", 1), 0);
	assert_false(woken(fd)); /* not yet that much */
	assert_int_equal(mail_put(f->w, 1, "a", 1), 0);
	assert_true(woken(fd));
	assert_int_equal(mail_read(f->r, see, f), 3);
	assert_true(mail_reader_sleep(f->r, 1));
	assert_int_equal(mail_read(f->r, see, f), 0); /* which ends the sleep */
	assert_int_equal(mail_put(f->w, 1, "a", 1), 0);
	assert_false(woken(fd));
	close(fd);
}

/* ---- threads ---- */

#define MANY 3000000u

struct news {
	uint64_t number;
	uint8_t rest[56];
};

static uint64_t cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

static void *write_many(void *arg)
{
	struct fixture *f = arg;
	struct news n = {0};
	uint64_t begin = cpu_ns(), waited = 0;

	for (n.number = 0; n.number < MANY; n.number++) {
		while (mail_put(f->w, 1, &n, sizeof(n)) < 0) {
			uint64_t from = cpu_ns();

			sched_yield();
			waited += cpu_ns() - from;
		}
	}
	return (void *)(uintptr_t)(cpu_ns() - begin - waited);
}

struct count {
	uint64_t next;
};

static void expect_next(const struct mail_record *m, void *arg)
{
	struct count *c = arg;
	struct news n;

	memcpy(&n, m->payload, sizeof(n));
	if (m->type != 1 || m->len != sizeof(n) || n.number != c->next++)
		fail_msg("record %lu is not the next one", n.number);
}

static double per_second(uint64_t ns)
{
	return MANY * 1e9 / (double)ns;
}

/* Neither thread loses, repeats or tears a record; each does more than a million a second of its
 * own time, of which other programs take nothing. */
static void two_threads_pass_a_million_a_second(void **state)
{
	struct fixture *f = *state;
	struct count c = {0};
	struct timespec from, to;
	uint64_t reads = 0, begin;
	pthread_t writer;
	void *writes;

	clock_gettime(CLOCK_MONOTONIC, &from);
	assert_int_equal(pthread_create(&writer, NULL, write_many, f), 0);
	while (c.next < MANY) {
		begin = cpu_ns();
		if (mail_read(f->r, expect_next, &c) > 0)
			reads += cpu_ns() - begin;
		else
			sched_yield();
	}
	pthread_join(writer, &writes);
	clock_gettime(CLOCK_MONOTONIC, &to);
	print_message("mail: %.1f million records a second written, %.1f read, %.1f from end to "
		      "end\n",
		      per_second((uintptr_t)writes) / 1e6, per_second(reads) / 1e6,
		      MANY / 1e6 /
			      ((double)(to.tv_sec - from.tv_sec) +
			       (double)(to.tv_nsec - from.tv_nsec) / 1e9));
	assert_true(per_second((uintptr_t)writes) > 1e6);
	assert_true(per_second(reads) > 1e6);
}

static void *write_slowly(void *arg)
{
	struct fixture *f = arg;

	for (uint64_t i = 0; i < 20000; i++) {
		struct news n = {.number = i};

		if (mail_put(f->w, 1, &n, sizeof(n)) < 0)
			abort();
		if (i % 7 == 0)
			sched_yield();
	}
	return NULL;
}

/* A wake-up that is missed would leave the reader in poll. */
static void no_wake_up_is_missed(void **state)
{
	struct fixture *f = *state;
	struct pollfd p = {.fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), .events = POLLIN};
	struct count c = {0};
	pthread_t writer;

	mail_reader_close(f->r);
	mail_writer_close(f->w);
	close(f->fd);
	f->fd = mail_new(4 << 20);
	assert_int_equal(mail_writer_open(f->fd, &f->w), 0);
	assert_int_equal(mail_reader_open(f->fd, &f->r), 0);
	mail_writer_wake_by(f->w, p.fd);
	assert_int_equal(pthread_create(&writer, NULL, write_slowly, f), 0);
	while (c.next < 20000) {
		assert_true(mail_read(f->r, expect_next, &c) >= 0);
		if (c.next == 20000 || !mail_reader_sleep(f->r, 1))
			continue;
		assert_int_equal(poll(&p, 1, 10000), 1);
		woken(p.fd);
	}
	pthread_join(writer, NULL);
	close(p.fd);
}

/* ---- processes ---- */

/* In a process that has nothing of ours but the descriptor. */
static void child(int fd)
{
	struct mail_writer *w = NULL;

	if (mail_writer_open(fd, &w) < 0)
		_exit(1);
	for (uint64_t i = 0; i < 500; i++) {
		struct news n = {.number = i};

		if (mail_put(w, 1, &n, sizeof(n)) < 0)
			_exit(2);
	}
	_exit(0);
}

static void another_process_needs_the_descriptor_alone(void **state)
{
	struct fixture *f = *state;
	struct count c = {0};
	int status;
	pid_t pid;

	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (dup2(f->fd, 3) != 3 || close_range(4, ~0u, 0) < 0)
			_exit(3);
		munmap(f->raw, AT_DATA + BYTES);
		child(3);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(mail_read(f->r, expect_next, &c), 500);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(records_come_in_order),
		TEST(records_wrap_around),
		TEST(what_does_not_fit_is_counted_by_type),
		TEST(a_limit_leaves_room_for_others),
		TEST(lengths_and_types_have_bounds),
		TEST(a_head_too_far_is_told),
		TEST(a_head_behind_the_tail_is_told),
		TEST(a_crooked_head_is_told),
		TEST(a_record_longer_than_the_ring_holds_is_told),
		TEST(a_record_longer_than_any_is_told),
		TEST(what_came_before_the_lie_is_read),
		TEST(the_readers_position_is_its_own),
		TEST(a_writer_that_never_stops_does_not_keep_the_reader),
		TEST(an_impossible_tail_refuses_until_it_is_possible),
		TEST(other_descriptors_are_refused),
		TEST(the_size_is_sealed),
		TEST(ends_go_on_where_others_were),
		TEST(only_a_sleeping_reader_is_woken),
		TEST(two_threads_pass_a_million_a_second),
		TEST(no_wake_up_is_missed),
		TEST(another_process_needs_the_descriptor_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
