/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Child processes: started with nothing but what they are given, watched, started again, stopped.
 * By pidfd, so that no signal handler is needed and other children are nobody's business here. One
 * thread; it has to live as long as the children, which the kernel kills when it ends.
 */
#ifndef WEIR_SUPERVISE_H
#define WEIR_SUPERVISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#include "util/util.h"

/* Numbers of descriptors in the child: 3 to before this. */
#define SUPERVISE_FDS_MAX 64

/* A descriptor of ours, and its number in the child; it stays the caller's. Several children can
 * have the same. */
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
	X(HUNG, "hung")		 /* no sign of life in time: we killed it */                       \
	X(FAILED, "not started") /* code: errno of fork, of a limit or descriptor, of execve */    \
	X(STOPPED, "stopped")	 /* it was asked for. code: signal that ended it, 0: it exited */

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
	uint64_t again_ns; /* until it is started again; after STOPPED it is not */
};

/* What a child is. All of it stays the caller's, and is read again at each start. */
struct supervise_spec {
	const char *name; /* for people */
	/* Either a program with its arguments (the first is its name) and its whole environment ...
	 */
	const char *path;
	const char *const *arguments, *const *environment;
	/* ... or, where path is NULL, a function, whose result is the exit status. It runs in a
	 * copy of this process that has one thread: what other threads had locked stays locked. */
	int (*run)(void *arg);
	void *run_arg;
	/* Besides standard output and error it has these and no others; standard input is empty. */
	const struct supervise_fd *fds;
	size_t fd_count;
	const struct supervise_limit *limits;
	size_t limit_count;
	/* Number of an eventfd in the child to which it has to write at least every heartbeat_ns,
	 * also after its start. 0: no signs of life are asked for. */
	int heartbeat_at;
	uint64_t heartbeat_ns;
	uint64_t stop_ns; /* from SIGTERM to SIGKILL */
	/* Pause before the first start after a failure; it doubles with each up to the longest, and
	 * begins anew once an instance has run for steady_ns. */
	uint64_t pause_ns, pause_max_ns, steady_ns;
	/* An instance has ended. May be NULL. It may stop children. */
	void (*report)(const struct supervise_report *r, void *arg);
	void *report_arg;
};

struct supervisor;
struct supervised; /* a child, whichever instance of it runs */

/* 0 or a negative errno. Heap. */
int supervisor_new(struct supervisor **out);
/* Stops all children and waits for that, at most their longest stop_ns and a second. */
void supervisor_free(struct supervisor *s);
/* Readable when supervisor_work() has something to do: for any event loop. */
int supervisor_fd(const struct supervisor *s);
/* Ends, signs of life, and what is due. Waits for nothing. */
void supervisor_work(struct supervisor *s);

/*
 * Adds a child and starts it. A start that fails is reported and tried again like any end. -ENOMEM;
 * -EINVAL for numbers of descriptors out of range or given twice.
 */
int supervisor_add(struct supervisor *s, const struct supervise_spec *spec,
		   struct supervised **out);
/* SIGTERM, and SIGKILL after stop_ns; it is not started again. Returns at once. */
void supervised_stop(struct supervised *c);
/* 0 when none runs. */
pid_t supervised_pid(const struct supervised *c);
/* How often it was started. */
uint64_t supervised_starts(const struct supervised *c);

#endif
