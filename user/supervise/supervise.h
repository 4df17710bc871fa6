/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Child processes: started with the descriptors, limits and environment they are given and nothing
 * else, watched, restarted, stopped. Built on pidfds: no SIGCHLD handler, and children started
 * elsewhere are not affected. All calls from one thread, which must live as long as the children:
 * the kernel kills them when it ends.
 */
#ifndef WEIR_SUPERVISE_H
#define WEIR_SUPERVISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "util/util.h"

/* Descriptors in the child are numbered from 3 to below SUPERVISE_FDS_MAX - 1. */
#define SUPERVISE_FDS_MAX 64

/* A descriptor of this process, which stays the caller's, and its number in the child. */
struct supervise_fd {
	int fd, at;
};

struct supervise_limit {
	int resource; /* RLIMIT_NOFILE ... */
	rlim_t value; /* soft and hard */
};

/* How an instance ended: id, name. */
#define SUPERVISE_ENDS(X)                                                                          \
	X(EXITED, "exited")	 /* code: exit status */                                           \
	X(KILLED, "killed")	 /* code: signal */                                                \
	X(HUNG, "hung")		 /* missed its heartbeat and was killed */                         \
	X(FAILED, "not started") /* code: errno of fork, dup2, setrlimit, execve */                \
	X(STOPPED, "stopped")	 /* on request. code: the signal that ended it, 0: it exited */

enum supervise_end {
#define X(id, name) SUPERVISE_##id,
	SUPERVISE_ENDS(X)
#undef X
		SUPERVISE_END_COUNT
};
const char *supervise_end_name(enum supervise_end end);

struct supervise_report {
	const char *name;
	enum supervise_end end;
	int code;
	uint64_t ran_ns;
	uint64_t again_ns; /* until the restart; none after STOPPED */
};

/* Describes a child. It stays the caller's and is read again at each start. */
struct supervise_spec {
	const char *name; /* for people */
	/* A program, its arguments (the first is its name) and its whole environment. */
	const char *path;
	const char *const *arguments, *const *environment;
	/* If path is NULL, a function, which returns the exit status. It runs in a fork of this
	 * process: locks that other threads held at that moment are never released there. */
	int (*run)(void *arg);
	void *run_arg;
	/* All descriptors besides standard output and error; standard input is /dev/null. */
	const struct supervise_fd *fds;
	size_t fd_count;
	const struct supervise_limit *limits;
	size_t limit_count;
	/* Number of an eventfd in the child to which it must write at least every heartbeat_ns,
	 * the first time within that of its start. 0: none. */
	int heartbeat_at;
	uint64_t heartbeat_ns;
	uint64_t stop_ns; /* between SIGTERM and SIGKILL */
	/* Delay of a restart: pause_ns, doubled with each further end up to pause_max_ns; pause_ns
	 * again after an instance that ran for steady_ns. */
	uint64_t pause_ns, pause_max_ns, steady_ns;
	/* Called when an instance has ended; may be NULL, may call supervised_stop(). */
	void (*report)(const struct supervise_report *r, void *arg);
	void *report_arg;
};

struct supervisor;
struct supervised; /* a child over all its restarts */

/* 0 or a negative errno. Heap. */
int supervisor_new(struct supervisor **out);
/* Stops all children and waits until they have ended, for the longest stop_ns and a second at most.
 */
void supervisor_free(struct supervisor *s);
/* Readable when supervisor_work() is due, for an event loop. */
int supervisor_fd(const struct supervisor *s);
/* Handles ends, heartbeats and deadlines. Does not wait. */
void supervisor_work(struct supervisor *s);

/*
 * Adds a child and starts it. A failed start is reported and retried like any other end. -ENOMEM;
 * -EINVAL: descriptor numbers out of range or used twice, or not exactly one of path and run.
 */
int supervisor_add(struct supervisor *s, const struct supervise_spec *spec,
		   struct supervised **out);
/* Sends SIGTERM, and SIGKILL after stop_ns; the child is not restarted. Does not wait. */
void supervised_stop(struct supervised *c);
/* 0: not running. */
pid_t supervised_pid(const struct supervised *c);
/* Number of starts so far. */
uint64_t supervised_starts(const struct supervised *c);

#endif
