// SPDX-License-Identifier: GPL-2.0-only
#include "supervise/supervise.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/pidfd.h>
#include <sys/timerfd.h>
#include <sys/wait.h>

#include "supervise/child.h"

#define NEVER UINT64_MAX
/* Time for the kernel to end a process after SIGKILL. */
#define KILL_NS 1000000000ULL

enum state {
	RUNNING,
	STOPPING, /* SIGTERM was sent; due_ns: SIGKILL */
	KILLED,	  /* SIGKILL was sent */
	PAUSED,	  /* due_ns: the next start */
	STOPPED,
};

struct supervised {
	struct supervisor *owner;
	struct supervised *next;
	const struct supervise_spec *spec;
	enum state state;
	bool stop; /* requested */
	bool hung;
	pid_t pid;
	int pidfd, heartbeat, status; /* -1 = none */
	uint64_t started_ns, due_ns, starts;
	unsigned int failures; /* in a row */
};

struct supervisor {
	int epoll, timer;
	struct supervised *children;
};

const char *supervise_end_name(enum supervise_end end)
{
	static const char *const names[] = {
#define X(id, name) [SUPERVISE_##id] = name,
		SUPERVISE_ENDS(X)
#undef X
	};

	return names[end];
}

/* ---- the clock ---- */

static void set_timer(const struct supervisor *s)
{
	struct itimerspec at = {0};
	uint64_t due_ns = NEVER;

	for (const struct supervised *c = s->children; c; c = c->next)
		if (c->due_ns < due_ns)
			due_ns = c->due_ns;
	if (due_ns != NEVER) {
		at.it_value.tv_sec = (time_t)(due_ns / 1000000000);
		at.it_value.tv_nsec = (long)(due_ns % 1000000000);
	}
	timerfd_settime(s->timer, TFD_TIMER_ABSTIME, &at, NULL);
}

static uint64_t pause_ns(const struct supervised *c)
{
	uint64_t ns = c->spec->pause_ns;

	for (unsigned int i = 1; i < c->failures && ns < c->spec->pause_max_ns; i++)
		ns *= 2;
	return ns < c->spec->pause_max_ns ? ns : c->spec->pause_max_ns;
}

/* ---- start and end ---- */

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void close_all(struct supervised *c)
{
	close_fd(&c->pidfd);
	close_fd(&c->heartbeat);
	close_fd(&c->status);
}

/* The instance has ended in this way. */
static void ended(struct supervised *c, enum supervise_end end, int code)
{
	uint64_t now = time_now_ns();
	struct supervise_report r = {
		.name = c->spec->name,
		.end = c->stop ? SUPERVISE_STOPPED : end,
		.code = c->stop && end != SUPERVISE_KILLED ? 0 : code,
		.ran_ns = now - c->started_ns,
	};

	close_all(c);
	c->pid = 0;
	c->hung = false;
	c->state = c->stop ? STOPPED : PAUSED;
	c->due_ns = NEVER;
	if (!c->stop) {
		c->failures = r.ran_ns >= c->spec->steady_ns ? 1 : c->failures + 1;
		r.again_ns = pause_ns(c);
		c->due_ns = now + r.again_ns;
	}
	if (c->spec->report)
		c->spec->report(&r, c->spec->report_arg);
}

static int add_source(const struct supervisor *s, int fd)
{
	struct epoll_event e = {.events = EPOLLIN};

	return epoll_ctl(s->epoll, EPOLL_CTL_ADD, fd, &e);
}

static int fork_child(struct supervised *c, int status)
{
	pid_t parent = getpid(), pid;

	if (c->spec->heartbeat_at) {
		c->heartbeat = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (c->heartbeat < 0 || add_source(c->owner, c->heartbeat) < 0)
			return -errno;
	}
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		child_become(c->spec, status, c->heartbeat, parent);
	c->pid = pid;
	/* The pid is not reused before it is waited for, which is done below only. */
	c->pidfd = pidfd_open(pid, 0);
	if (c->pidfd >= 0 && add_source(c->owner, c->pidfd) == 0)
		return 0;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	return -EMFILE;
}

static void start(struct supervised *c)
{
	int pipe[2], err;

	c->starts++;
	c->started_ns = time_now_ns();
	c->due_ns = c->spec->heartbeat_at ? c->started_ns + c->spec->heartbeat_ns : NEVER;
	c->state = RUNNING;
	if (pipe2(pipe, O_CLOEXEC | O_NONBLOCK) < 0) {
		ended(c, SUPERVISE_FAILED, errno);
		return;
	}
	c->status = pipe[0];
	err = fork_child(c, pipe[1]);
	close(pipe[1]);
	if (err < 0)
		ended(c, SUPERVISE_FAILED, -err);
}

/* Whether the instance has ended. */
static bool reap(struct supervised *c)
{
	siginfo_t si = {0};
	int err = 0;

	if (c->pidfd < 0 || waitid(P_PIDFD, (id_t)c->pidfd, &si, WEXITED | WNOHANG) < 0 ||
	    !si.si_pid)
		return false;
	if (read(c->status, &err, sizeof(err)) == sizeof(err))
		ended(c, SUPERVISE_FAILED, err);
	else if (c->hung)
		ended(c, SUPERVISE_HUNG, 0);
	else
		ended(c, si.si_code == CLD_EXITED ? SUPERVISE_EXITED : SUPERVISE_KILLED,
		      si.si_status);
	return true;
}

static void kill_child(struct supervised *c)
{
	pidfd_send_signal(c->pidfd, SIGKILL, NULL, 0);
	c->state = KILLED;
	c->due_ns = NEVER;
}

static void look_for_life(struct supervised *c)
{
	uint64_t beats;

	if (c->heartbeat >= 0 && read(c->heartbeat, &beats, sizeof(beats)) == sizeof(beats) &&
	    c->state == RUNNING)
		c->due_ns = time_now_ns() + c->spec->heartbeat_ns;
}

static void on_due(struct supervised *c)
{
	switch (c->state) {
	case RUNNING:
		c->hung = true;
		kill_child(c);
		break;
	case STOPPING:
		kill_child(c);
		break;
	case PAUSED:
		start(c);
		break;
	case KILLED:
	case STOPPED:
		break;
	}
}

void supervised_stop(struct supervised *c)
{
	if (c->stop)
		return;
	c->stop = true;
	if (c->state == PAUSED) {
		c->started_ns = time_now_ns();
		ended(c, SUPERVISE_EXITED, 0);
	} else if (c->state == RUNNING) {
		pidfd_send_signal(c->pidfd, SIGTERM, NULL, 0);
		c->state = STOPPING;
		c->due_ns = time_now_ns() + c->spec->stop_ns;
	}
	set_timer(c->owner);
}

/* ---- the supervisor ---- */

int supervisor_new(struct supervisor **out)
{
	struct supervisor *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (s->epoll < 0 || s->timer < 0 || add_source(s, s->timer) < 0) {
		int err = -errno;

		supervisor_free(s);
		return err;
	}
	*out = s;
	return 0;
}

int supervisor_fd(const struct supervisor *s)
{
	return s->epoll;
}

void supervisor_work(struct supervisor *s)
{
	uint64_t expired;

	(void)!read(s->timer, &expired, sizeof(expired));
	for (struct supervised *c = s->children; c; c = c->next) {
		if (reap(c))
			continue;
		look_for_life(c);
		if (c->due_ns <= time_now_ns())
			on_due(c);
	}
	set_timer(s);
}

/* Whether the descriptor numbers are in range and distinct. */
static bool numbers_fit(const struct supervise_spec *spec)
{
	uint64_t taken = 0;

	for (size_t i = 0; i <= spec->fd_count; i++) {
		int at = i < spec->fd_count ? spec->fds[i].at : spec->heartbeat_at;

		if (i == spec->fd_count && !at)
			break;
		/* The last number is needed for the status pipe. */
		if (at < 3 || at >= SUPERVISE_FDS_MAX - 1 || taken >> at & 1)
			return false;
		taken |= 1ULL << at;
	}
	return true;
}

int supervisor_add(struct supervisor *s, const struct supervise_spec *spec, struct supervised **out)
{
	struct supervised *c;

	if (!numbers_fit(spec) || !spec->path == !spec->run)
		return -EINVAL;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	*c = (struct supervised){
		.owner = s, .spec = spec, .pidfd = -1, .heartbeat = -1, .status = -1};
	c->next = s->children;
	s->children = c;
	*out = c;
	start(c);
	set_timer(s);
	return 0;
}

pid_t supervised_pid(const struct supervised *c)
{
	return c->pid;
}

uint64_t supervised_starts(const struct supervised *c)
{
	return c->starts;
}

static bool any_runs(const struct supervisor *s)
{
	for (const struct supervised *c = s->children; c; c = c->next)
		if (c->state != STOPPED)
			return true;
	return false;
}

static void wait_for_all(struct supervisor *s, uint64_t until_ns)
{
	struct pollfd p = {.fd = s->epoll, .events = POLLIN};

	while (any_runs(s) && time_now_ns() < until_ns) {
		poll(&p, 1, 100);
		supervisor_work(s);
	}
}

void supervisor_free(struct supervisor *s)
{
	uint64_t longest_ns = 0;

	if (!s)
		return;
	for (struct supervised *c = s->children; c; c = c->next) {
		if (c->spec->stop_ns > longest_ns)
			longest_ns = c->spec->stop_ns;
		supervised_stop(c);
	}
	wait_for_all(s, time_now_ns() + longest_ns + KILL_NS);
	while (s->children) {
		struct supervised *c = s->children;

		s->children = c->next;
		close_all(c);
		free(c);
	}
	close_fd(&s->epoll);
	close_fd(&s->timer);
	free(s);
}
