// SPDX-License-Identifier: GPL-2.0-only
/* Children that do what children do: work, crash, hang, exit at once, refuse to stop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mail/mail.h"
#include "supervise/supervise.h"

#define MS 1000000ull

extern char **environ;

/* ---- children ---- */

/* What a program sees of itself, on descriptor 5. */
static int look_around(void)
{
	char text[512];
	struct rlimit files, core;
	sigset_t blocked;
	uint64_t fds = 0;
	struct dirent *d;
	DIR *dir;
	int len, masked = 0;

	sigprocmask(SIG_BLOCK, NULL, &blocked);
	for (int i = 1; i < NSIG; i++)
		masked += sigismember(&blocked, i) == 1;
	getrlimit(RLIMIT_NOFILE, &files);
	getrlimit(RLIMIT_CORE, &core);
	dir = opendir("/proc/self/fd");
	while (dir && (d = readdir(dir)))
		if (d->d_name[0] != '.' && atoi(d->d_name) != dirfd(dir))
			fds |= 1ull << atoi(d->d_name);
	closedir(dir);
	len = snprintf(text, sizeof(text),
		       "fds %lx files %lu core %lu masked %d env %s,%s stdin %ld", fds,
		       files.rlim_cur, core.rlim_max, masked, environ[0],
		       environ[1] ? environ[1] : "-", (long)read(0, text, 1));
	return write(5, text, (size_t)len) == len ? 0 : 1;
}

static int crash(void *arg)
{
	signal(SIGSEGV, SIG_DFL);
	raise(SIGSEGV);
	return 0;
}

static int leave(void *arg)
{
	return 7;
}

static int hang(void *arg)
{
	while (pause() < 0)
		;
	return 0;
}

static int be_stubborn(void *arg)
{
	signal(SIGTERM, SIG_IGN);
	(void)!write(5, "x", 1);
	return hang(arg);
}

/* Shows signs of life on descriptor 4 for a while. */
static int beat(void *arg)
{
	const struct timespec pause = {.tv_nsec = 20 * MS};
	const uint64_t one = 1;

	for (int i = 0; i < 25; i++) {
		(void)!write(4, &one, sizeof(one));
		nanosleep(&pause, NULL);
	}
	return 0;
}

static int post_a_record(void *arg)
{
	struct mail_writer *w = NULL;

	if (mail_writer_open(3, &w) < 0)
		return 1;
	return mail_put(w, 1, "from a child", 12) < 0 ? 2 : 0;
}

static int live_a_little(void *arg)
{
	const struct timespec pause = {.tv_nsec = 60 * MS};

	nanosleep(&pause, NULL);
	return 0;
}

/* ---- who watches them ---- */

struct fixture {
	struct supervisor *s;
	struct supervise_spec spec;
	struct supervised *c;
	unsigned int reports;
	struct supervise_report first, last;
	bool stop_it;
};

static void on_report(const struct supervise_report *r, void *arg)
{
	struct fixture *f = arg;

	if (f->reports++ == 0)
		f->first = *r;
	f->last = *r;
	if (f->stop_it)
		supervised_stop(f->c);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	assert_int_equal(supervisor_new(&f->s), 0);
	f->spec = (struct supervise_spec){
		.name = "child",
		.stop_ns = 2000 * MS,
		.pause_ns = 10 * MS,
		.pause_max_ns = 80 * MS,
		.steady_ns = 10000 * MS,
		.report = on_report,
		.report_arg = f,
	};
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	supervisor_free(f->s);
	/* None is left, neither running nor unburied. */
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	free(f);
	return 0;
}

static void begin(struct fixture *f)
{
	assert_int_equal(supervisor_add(f->s, &f->spec, &f->c), 0);
}

static void work(struct fixture *f)
{
	struct pollfd p = {.fd = supervisor_fd(f->s), .events = POLLIN};

	poll(&p, 1, 50);
	supervisor_work(f->s);
}

static void work_until_report(struct fixture *f, unsigned int count)
{
	uint64_t until = time_now_ns() + 10000 * MS;

	while (f->reports < count && time_now_ns() < until)
		work(f);
	assert_true(f->reports >= count);
}

static void work_for(struct fixture *f, uint64_t ns)
{
	uint64_t until = time_now_ns() + ns;

	while (time_now_ns() < until)
		work(f);
}

static void a_program_has_what_it_is_given_and_no_more(void **state)
{
	struct fixture *f = *state;
	const char *const arguments[] = {"child", "look", NULL};
	const char *const environment[] = {"ONLY=this", NULL};
	const struct supervise_limit limits[] = {{RLIMIT_NOFILE, 40}, {RLIMIT_CORE, 0}};
	int pipe_fds[2], others[8];
	char text[512] = "";
	sigset_t blocked;

	assert_int_equal(pipe(pipe_fds), 0);
	for (unsigned int i = 0; i < 8; i++)
		others[i] = dup(1);
	/* Numbers that are in each other's way. */
	struct supervise_fd fds[] = {{pipe_fds[1], 5}, {others[0], pipe_fds[1] == 4 ? 7 : 4}};
	uint64_t expected = 7 | 1ull << fds[0].at | 1ull << fds[1].at;

	f->spec.path = "/proc/self/exe";
	f->spec.arguments = arguments;
	f->spec.environment = environment;
	f->spec.fds = fds;
	f->spec.fd_count = ARRAY_SIZE(fds);
	f->spec.limits = limits;
	f->spec.limit_count = ARRAY_SIZE(limits);
	f->stop_it = true;
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	begin(f);
	work_until_report(f, 1);
	sigprocmask(SIG_UNBLOCK, &blocked, NULL);
	assert_int_equal(f->first.end, SUPERVISE_EXITED);
	assert_int_equal(f->first.code, 0);
	assert_true(read(pipe_fds[0], text, sizeof(text) - 1) > 0);
	{
		char wanted[512];

		snprintf(wanted, sizeof(wanted),
			 "fds %lx files 40 core 0 masked 0 env ONLY=this,- stdin 0", expected);
		assert_string_equal(text, wanted);
	}
	for (unsigned int i = 0; i < 8; i++)
		close(others[i]);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static void a_crash_is_told_and_mended(void **state)
{
	struct fixture *f = *state;

	f->spec.run = crash;
	begin(f);
	assert_true(supervised_pid(f->c) > 0);
	work_until_report(f, 3);
	assert_int_equal(f->last.end, SUPERVISE_KILLED);
	assert_int_equal(f->last.code, SIGSEGV);
	assert_string_equal(f->last.name, "child");
	assert_string_equal(supervise_end_name(f->last.end), "killed");
	assert_int_equal(supervised_starts(f->c), 3);
}

static void an_exit_tells_its_status(void **state)
{
	struct fixture *f = *state;

	f->spec.run = leave;
	begin(f);
	work_until_report(f, 1);
	assert_int_equal(f->first.end, SUPERVISE_EXITED);
	assert_int_equal(f->first.code, 7);
	assert_int_equal(f->first.again_ns, 10 * MS);
	assert_int_equal(supervised_pid(f->c), 0);
}

/* 10, 20, 40 and then 80 ms between the starts. */
static void a_flood_of_restarts_is_slowed_down(void **state)
{
	struct fixture *f = *state;

	f->spec.run = leave;
	begin(f);
	work_for(f, 600 * MS);
	assert_in_range(supervised_starts(f->c), 4, 11);
	assert_int_equal(f->last.again_ns, 80 * MS);
}

static void a_steady_one_starts_anew_soon(void **state)
{
	struct fixture *f = *state;

	f->spec.run = live_a_little;
	f->spec.steady_ns = 50 * MS;
	begin(f);
	work_until_report(f, 4);
	assert_int_equal(f->last.again_ns, 10 * MS);
}

static void one_that_hangs_is_killed_and_started_again(void **state)
{
	struct fixture *f = *state;

	f->spec.run = hang;
	f->spec.heartbeat_at = 4;
	f->spec.heartbeat_ns = 100 * MS;
	begin(f);
	work_until_report(f, 2);
	assert_int_equal(f->last.end, SUPERVISE_HUNG);
	assert_in_range(f->last.ran_ns, 100 * MS, 2000 * MS);
}

static void signs_of_life_keep_it_alive(void **state)
{
	struct fixture *f = *state;

	f->spec.run = beat;
	f->spec.heartbeat_at = 4;
	f->spec.heartbeat_ns = 250 * MS;
	begin(f);
	work_until_report(f, 1);
	assert_int_equal(f->first.end, SUPERVISE_EXITED);
	assert_true(f->first.ran_ns > 400 * MS);
}

static void a_stop_is_final(void **state)
{
	struct fixture *f = *state;

	f->spec.run = hang;
	begin(f);
	supervised_stop(f->c);
	work_until_report(f, 1);
	work_for(f, 100 * MS);
	assert_int_equal(f->reports, 1);
	assert_int_equal(f->last.end, SUPERVISE_STOPPED);
	assert_int_equal(f->last.code, SIGTERM);
	assert_int_equal(f->last.again_ns, 0);
	assert_int_equal(supervised_starts(f->c), 1);
}

static void who_does_not_stop_is_killed(void **state)
{
	struct fixture *f = *state;
	struct supervise_fd fd;
	int pipe_fds[2];
	char x;

	assert_int_equal(pipe(pipe_fds), 0);
	fd = (struct supervise_fd){pipe_fds[1], 5};
	f->spec.fds = &fd;
	f->spec.fd_count = 1;
	f->spec.run = be_stubborn;
	f->spec.stop_ns = 100 * MS;
	begin(f);
	assert_int_equal(read(pipe_fds[0], &x, 1), 1);
	supervised_stop(f->c);
	work_until_report(f, 1);
	assert_int_equal(f->last.end, SUPERVISE_STOPPED);
	assert_int_equal(f->last.code, SIGKILL);
	assert_true(f->last.ran_ns >= 100 * MS);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
}

static void a_stop_in_the_pause_is_final_too(void **state)
{
	struct fixture *f = *state;

	f->spec.run = leave;
	f->spec.pause_ns = f->spec.pause_max_ns = 50 * MS;
	begin(f);
	work_until_report(f, 1);
	supervised_stop(f->c);
	assert_int_equal(f->last.end, SUPERVISE_STOPPED);
	work_for(f, 150 * MS);
	assert_int_equal(supervised_starts(f->c), 1);
}

static void a_report_may_stop_it(void **state)
{
	struct fixture *f = *state;

	f->spec.run = leave;
	f->stop_it = true;
	begin(f);
	work_until_report(f, 2);
	work_for(f, 50 * MS);
	assert_int_equal(f->reports, 2);
	assert_int_equal(f->first.end, SUPERVISE_EXITED);
	assert_int_equal(f->last.end, SUPERVISE_STOPPED);
}

static void what_cannot_start_says_why(void **state)
{
	struct fixture *f = *state;
	const char *const arguments[] = {"none", NULL};

	f->spec.path = "/nonexistent/program";
	f->spec.arguments = arguments;
	f->spec.environment = arguments + 1;
	begin(f);
	work_until_report(f, 2);
	assert_int_equal(f->last.end, SUPERVISE_FAILED);
	assert_int_equal(f->last.code, ENOENT);
	assert_int_equal(supervised_starts(f->c), 2);
}

static void a_limit_that_cannot_be_set_says_why(void **state)
{
	struct fixture *f = *state;
	const struct supervise_limit limit = {1000, 1};

	f->spec.run = leave;
	f->spec.limits = &limit;
	f->spec.limit_count = 1;
	begin(f);
	work_until_report(f, 1);
	assert_int_equal(f->last.end, SUPERVISE_FAILED);
	assert_int_equal(f->last.code, EINVAL);
}

static void impossible_numbers_are_refused(void **state)
{
	struct fixture *f = *state;
	struct supervise_fd fds[] = {{1, 3}, {1, 3}};

	f->spec.run = leave;
	f->spec.fds = fds;
	f->spec.fd_count = 2;
	assert_int_equal(supervisor_add(f->s, &f->spec, &f->c), -EINVAL);
	fds[1].at = 2;
	assert_int_equal(supervisor_add(f->s, &f->spec, &f->c), -EINVAL);
	fds[1].at = SUPERVISE_FDS_MAX;
	assert_int_equal(supervisor_add(f->s, &f->spec, &f->c), -EINVAL);
	fds[1].at = 4;
	f->spec.heartbeat_at = 4;
	assert_int_equal(supervisor_add(f->s, &f->spec, &f->c), -EINVAL);
	f->spec.heartbeat_at = 0;
	f->spec.path = "/bin/true";
	assert_int_equal(supervisor_add(f->s, &f->spec, &f->c), -EINVAL);
}

static void see_text(const struct mail_record *m, void *arg)
{
	assert_int_equal(m->len, 12);
	assert_memory_equal(m->payload, "from a child", 12);
	++*(unsigned int *)arg;
}

static void a_ring_needs_its_descriptor_alone(void **state)
{
	struct fixture *f = *state;
	struct supervise_fd fd = {mail_new(MAIL_BYTES_MIN), 3};
	struct mail_reader *r = NULL;
	unsigned int seen = 0;

	assert_int_equal(mail_reader_open(fd.fd, &r), 0);
	f->spec.fds = &fd;
	f->spec.fd_count = 1;
	f->spec.run = post_a_record;
	f->stop_it = true;
	begin(f);
	work_until_report(f, 1);
	assert_int_equal(f->first.code, 0);
	assert_int_equal(mail_read(r, see_text, &seen), 1);
	assert_int_equal(seen, 1);
	mail_reader_close(r);
	close(fd.fd);
}

static void other_children_are_not_its_business(void **state)
{
	struct fixture *f = *state;
	int status;
	pid_t own = fork();

	if (own == 0)
		_exit(3);
	f->spec.run = leave;
	f->stop_it = true;
	begin(f);
	work_until_report(f, 2);
	assert_int_equal(waitpid(own, &status, 0), own);
	assert_int_equal(WEXITSTATUS(status), 3);
}

/* Killed itself, the daemon takes its children along. */
static void children_do_not_outlive_their_parent(void **state)
{
	struct fixture *f = *state;
	struct pollfd p = {.events = POLLIN};
	struct supervise_fd fd;
	int pipe_fds[2];
	pid_t middle;
	char x;

	assert_int_equal(pipe(pipe_fds), 0);
	middle = fork();
	assert_true(middle >= 0);
	if (middle == 0) {
		struct supervisor *s = NULL;

		fd = (struct supervise_fd){pipe_fds[1], 5};
		f->spec.fds = &fd;
		f->spec.fd_count = 1;
		f->spec.run = be_stubborn;
		if (supervisor_new(&s) < 0 || supervisor_add(s, &f->spec, &f->c) < 0)
			_exit(1);
		pause();
	}
	close(pipe_fds[1]);
	assert_int_equal(read(pipe_fds[0], &x, 1), 1);
	kill(middle, SIGKILL);
	assert_int_equal(waitpid(middle, NULL, 0), middle);
	p.fd = pipe_fds[0];
	assert_int_equal(poll(&p, 1, 5000), 1);
	assert_int_equal(read(pipe_fds[0], &x, 1), 0); /* nobody has the other end */
	close(pipe_fds[0]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		TEST(a_program_has_what_it_is_given_and_no_more),
		TEST(a_crash_is_told_and_mended),
		TEST(an_exit_tells_its_status),
		TEST(a_flood_of_restarts_is_slowed_down),
		TEST(a_steady_one_starts_anew_soon),
		TEST(one_that_hangs_is_killed_and_started_again),
		TEST(signs_of_life_keep_it_alive),
		TEST(a_stop_is_final),
		TEST(who_does_not_stop_is_killed),
		TEST(a_stop_in_the_pause_is_final_too),
		TEST(a_report_may_stop_it),
		TEST(what_cannot_start_says_why),
		TEST(a_limit_that_cannot_be_set_says_why),
		TEST(impossible_numbers_are_refused),
		TEST(a_ring_needs_its_descriptor_alone),
		TEST(other_children_are_not_its_business),
		TEST(children_do_not_outlive_their_parent),
	};

	if (argc == 2 && strcmp(argv[1], "look") == 0)
		return look_around();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
