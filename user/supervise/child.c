// SPDX-License-Identifier: GPL-2.0-only
#include "supervise/child.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>

#define FD_FIRST 3

static _Noreturn void fail(int status)
{
	int err = errno;

	(void)!write(status, &err, sizeof(err));
	_exit(127);
}

/* Blocked and ignored signals would otherwise be inherited through execve. */
static void reset_signals(void)
{
	const struct sigaction action = {.sa_handler = SIG_DFL};
	sigset_t none;

	for (int i = 1; i < NSIG; i++)
		sigaction(i, &action, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

/* First out of the way of the numbers that are to be taken, then onto them. Returns the status
 * pipe, which is the one descriptor behind those. */
static int place_fds(const struct supervise_spec *spec, int status, int heartbeat)
{
	int at[SUPERVISE_FDS_MAX] = {0}, top = FD_FIRST;

	status = fcntl(status, F_DUPFD_CLOEXEC, SUPERVISE_FDS_MAX);
	for (size_t i = 0; i < spec->fd_count; i++)
		if ((at[spec->fds[i].at] = fcntl(spec->fds[i].fd, F_DUPFD, SUPERVISE_FDS_MAX)) < 0)
			fail(status);
	if (heartbeat >= 0 &&
	    (at[spec->heartbeat_at] = fcntl(heartbeat, F_DUPFD, SUPERVISE_FDS_MAX)) < 0)
		fail(status);
	for (int i = FD_FIRST; i < SUPERVISE_FDS_MAX; i++) {
		if (!at[i])
			continue;
		if (dup2(at[i], i) < 0)
			fail(status);
		top = i + 1;
	}
	if (dup3(status, top, O_CLOEXEC) < 0)
		fail(status);
	for (int i = FD_FIRST; i < top; i++)
		if (!at[i])
			close(i);
	if (close_range((unsigned int)top + 1, ~0u, 0) < 0)
		fail(top);
	return top;
}

static void set_limits(const struct supervise_spec *spec, int status)
{
	for (size_t i = 0; i < spec->limit_count; i++) {
		const struct supervise_limit *l = &spec->limits[i];
		const struct rlimit r = {.rlim_cur = l->value, .rlim_max = l->value};

		if (setrlimit((__rlimit_resource_t)l->resource, &r) < 0)
			fail(status);
	}
}

_Noreturn void child_become(const struct supervise_spec *spec, int status, int heartbeat,
			    pid_t parent)
{
	int null;

	reset_signals();
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	/* Signals of the terminal (Ctrl-C) are the daemon's to handle. */
	setsid();
	null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null < 0 || dup2(null, STDIN_FILENO) < 0)
		fail(status);
	status = place_fds(spec, status, heartbeat);
	set_limits(spec, status);
	if (!spec->path) {
		close(status);
		_exit(spec->run(spec->run_arg));
	}
	execve(spec->path, (char *const *)spec->arguments, (char *const *)spec->environment);
	fail(status);
}
