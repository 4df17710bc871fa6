// SPDX-License-Identifier: GPL-2.0-only
/* The daemon from start to stop, and what its loop waits for: signals, control socket, interface
 * changes, the clock. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include "daemon/daemon_private.h"
#include "loop/loop.h"

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

/* SIGHUP loads the policy file again. */
static int on_reload(sd_event_source *s _unused_, const struct signalfd_siginfo *si _unused_,
		     void *arg)
{
	json_t *data = NULL;
	struct error e = {0};

	change_policy(arg, NULL, &data, &e);
	json_decref(data);
	return 0;
}

static int on_control(sd_event_source *s _unused_, int fd _unused_, uint32_t events _unused_,
		      void *arg)
{
	control_server_work(arg);
	return 0;
}

static int on_monitor(sd_event_source *s _unused_, int fd _unused_, uint32_t events _unused_,
		      void *arg)
{
	port_monitor_read(arg);
	return 0;
}

/* More than can wait for the next tick. */
static int on_news(sd_event_source *s _unused_, int fd _unused_, uint32_t events _unused_,
		   void *arg)
{
	news_read(arg);
	return 0;
}

static void on_tick(void *arg)
{
	weir_tick(arg);
}

static int watch(struct weir *w, struct error *e)
{
	int err = loop_end_on_signals(w->loop);

	if (err >= 0)
		err = sd_event_add_signal(w->loop, NULL, SIGHUP, on_reload, w);
	if (err >= 0)
		err = sd_event_add_io(w->loop, NULL, control_server_fd(w->control), EPOLLIN,
				      on_control, w->control);
	if (err >= 0)
		err = sd_event_add_io(w->loop, NULL, port_monitor_fd(w->monitor), EPOLLIN,
				      on_monitor, w->monitor);
	for (uint32_t i = 0; err >= 0 && i < w->worker_count; i++)
		err = sd_event_add_io(w->loop, NULL, worker_news_fd(w->workers[i]), EPOLLIN,
				      on_news, w);
	if (err >= 0)
		err = loop_every(w->loop, DAEMON_TICK_MS, on_tick, w, NULL);
	return err < 0 ? error_set(e, err, "cannot set up the event loop: %s", strerror(-err)) : 0;
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

static int serve(struct weir *w, struct error *e)
{
	int err = watch(w, e);

	if (err < 0)
		return err;
	log_info("running: %u ports, %u workers, policy %s%s", w->policy->port_count,
		 w->worker_count, w->policy->path, w->adopted ? ", adopted what was running" : "");
	err = loop_run(w->loop, &w->lock);
	log_info("stopping");
	return err < 0 ? error_set(e, err, "the event loop failed: %s", strerror(-err)) : 0;
}

int daemon_run(const struct daemon_options *o, struct error *e)
{
	_cleanup_free_ struct weir *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return error_set(e, -ENOMEM, "no memory");
	w->options = *o;
	pthread_mutex_init(&w->lock, NULL);
	err = loop_open(&w->loop, e);
	if (err < 0)
		return err;
	err = control_server_open(o->socket, handle, w, &w->control, e);
	if (!err)
		err = weir_start(w, e);
	if (!err) {
		err = open_services(w, e);
		/* What changed before the monitor listened. */
		if (!err)
			ports_look(w, true);
		if (!err)
			err = serve(w, e);
		stats_server_stop(w->metrics);
		port_monitor_close(w->monitor);
		weir_stop(w, true);
	}
	control_server_close(w->control);
	sd_event_unref(w->loop);
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
