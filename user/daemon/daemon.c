// SPDX-License-Identifier: GPL-2.0-only
/* The daemon's loop: signals, control socket, interface changes, the clock. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>

#include "daemon/daemon_private.h"

struct verb {
	const char *name;
	int (*answer)(struct weir *w, const json_t *args, json_t **data, struct error *e);
};

static int follow_events(struct weir *w _unused_, const json_t *args, json_t **data,
			 struct error *e)
{
	const char *type;
	int err = query_event_type(args, &type, e);

	if (!err)
		*data = json_object();
	return err;
}

static const struct verb verbs[] = {
	{"status", query_status},  {"flows", query_flows},   {"apps", query_apps},
	{"blocks", query_blocks},  {"stats", query_stats},   {"top", query_top},
	{"policy", query_policy},  {"ports", query_ports},   {"port", change_port},
	{"load", change_policy},   {"block", change_block},  {"unblock", change_unblock},
	{"events", follow_events}, {"recent", query_recent}, {"modules", query_modules},
};

static int handle(const char *verb, const json_t *args, json_t **data, bool *follow, void *arg,
		  struct error *e)
{
	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		if (strcmp(verbs[i].name, verb) != 0)
			continue;
		*follow = verbs[i].answer == follow_events;
		return verbs[i].answer(arg, args, data, e);
	}
	return error_set(e, -ENOSYS, "the daemon does not know %s", verb);
}

static void publish(const char *type, const char *line, void *arg)
{
	control_server_publish(arg, type, line);
}

static char *render_metrics(void *arg)
{
	struct stats_snapshot *s;
	struct weir *w = arg;
	char *text;

	pthread_mutex_lock(&w->lock);
	s = snapshot_take(w);
	pthread_mutex_unlock(&w->lock);
	if (!s)
		return NULL;
	text = stats_prometheus(s);
	stats_snapshot_free(s);
	return text;
}

static int open_signals(struct error *e)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? error_set(e, -errno, "signalfd: %s", strerror(errno)) : fd;
}

static int open_timer(struct error *e)
{
	struct itimerspec every = {
		.it_value = {.tv_nsec = DAEMON_TICK_MS * 1000000L},
		.it_interval = {.tv_nsec = DAEMON_TICK_MS * 1000000L},
	};
	_cleanup_close_ int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

	if (fd < 0 || timerfd_settime(fd, 0, &every, NULL) < 0)
		return error_set(e, -errno, "timer: %s", strerror(errno));
	return TAKE_FD(fd);
}

/* Whether to go on. SIGHUP loads the policy file again. */
static bool read_signal(struct weir *w, int fd)
{
	struct signalfd_siginfo si;

	while (read(fd, &si, sizeof(si)) == sizeof(si)) {
		json_t *data = NULL;
		struct error e = {0};

		if (si.ssi_signo != SIGHUP)
			return false;
		change_policy(w, NULL, &data, &e);
		json_decref(data);
	}
	return true;
}

static void loop(struct weir *w, int signals, int timer)
{
	enum { SIGNALS, TIMER, CONTROL, MONITOR, COUNT };
	struct pollfd fds[COUNT] = {
		[SIGNALS] = {.fd = signals, .events = POLLIN},
		[TIMER] = {.fd = timer, .events = POLLIN},
		[CONTROL] = {.fd = control_server_fd(w->control), .events = POLLIN},
		[MONITOR] = {.fd = port_monitor_fd(w->monitor), .events = POLLIN},
	};
	bool stop = false;

	while (!stop) {
		uint64_t ticks;

		if (poll(fds, COUNT, -1) < 0)
			continue;
		pthread_mutex_lock(&w->lock);
		if (fds[MONITOR].revents)
			port_monitor_read(w->monitor);
		if (fds[CONTROL].revents)
			control_server_work(w->control);
		if (fds[TIMER].revents && read(timer, &ticks, sizeof(ticks)) > 0)
			weir_tick(w);
		stop = fds[SIGNALS].revents && !read_signal(w, signals);
		pthread_mutex_unlock(&w->lock);
	}
}

static int open_services(struct weir *w, struct error *e)
{
	int err = port_monitor_open(&w->monitor, ports_changed, w, e);

	if (!err && w->policy->metrics_listen[0])
		err = stats_server_start(w->policy->metrics_listen, render_metrics, w, &w->metrics,
					 e);
	if (!err)
		audit_set_sink(w->audit, publish, w->control);
	return err;
}

static void serve(struct weir *w, int signals, int timer)
{
	log_info("running: %u ports, %u workers, policy %s%s", w->policy->port_count,
		 w->worker_count, w->policy->path, w->adopted ? ", adopted what was running" : "");
	loop(w, signals, timer);
	log_info("stopping");
}

int daemon_run(const struct daemon_options *o, struct error *e)
{
	_cleanup_close_ int signals = -1, timer = -1;
	_cleanup_free_ struct weir *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return error_set(e, -ENOMEM, "no memory");
	w->options = *o;
	pthread_mutex_init(&w->lock, NULL);
	signals = open_signals(e);
	timer = open_timer(e);
	if (signals < 0 || timer < 0)
		return -EMFILE;
	err = control_server_open(o->socket, handle, w, &w->control, e);
	if (err < 0)
		return err;
	err = weir_start(w, e);
	if (!err) {
		err = open_services(w, e);
		/* What changed before the monitor listened. */
		if (!err)
			ports_look(w, true);
		if (!err)
			serve(w, signals, timer);
		stats_server_stop(w->metrics);
		port_monitor_close(w->monitor);
		weir_stop(w, true);
	}
	control_server_close(w->control);
	return err;
}

int daemon_detach(const struct daemon_options *o, struct error *e)
{
	struct port_changes *changes = NULL;
	json_t *data = NULL;
	int err;

	if (control_request(o->socket, "status", NULL, &data, NULL) == 0) {
		json_decref(data);
		return error_set(e, -EBUSY, "a daemon is running on %s: stop it instead",
				 o->socket);
	}
	err = gate_remove(o->pins, e);
	if (err < 0)
		return err;
	err = port_changes_open(o->changes, &changes, e);
	if (!err)
		err = port_changes_undo(changes);
	port_changes_close(changes);
	return err;
}
