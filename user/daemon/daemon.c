// SPDX-License-Identifier: GPL-2.0-only
/* The daemon from start to stop. */
#include <string.h>

#include "daemon/daemon_private.h"

/* From the metrics listener's thread. */
static char *render_metrics(void *arg)
{
	struct stats_snapshot *s;
	struct weir *w = arg;
	char *text;

	pthread_mutex_lock(&w->lock);
	s = snapshot_take(w);
	text = s ? services_metrics(&w->host, s) : NULL;
	pthread_mutex_unlock(&w->lock);
	stats_snapshot_free(s);
	return text;
}

static void tell(void *arg, const char *type, json_t *body)
{
	struct weir *w = arg;

	audit_event(w->audit, eve_type_find(type), body);
}

static int serve(struct weir *w, struct error *e)
{
	int err = loop_end_on_signals(w->host.loop);

	if (err < 0)
		return error_set(e, err, "cannot wait for signals: %s", strerror(-err));
	log_info("running: %u ports, %u workers, policy %s%s", w->policy->port_count,
		 w->worker_count, w->policy->path, w->adopted ? ", adopted what was running" : "");
	err = loop_run(w->host.loop, &w->lock);
	log_info("stopping");
	return err < 0 ? error_set(e, err, "the event loop failed: %s", strerror(-err)) : 0;
}

/* Services that need frames to flow, and the loop. */
static int run(struct weir *w, struct error *e)
{
	int err = services_open(&w->host, SERVICE_RUNNING, w->policy, e);

	if (err < 0)
		return err;
	err = services_open(&w->host, SERVICE_ASKING, w->policy, e);
	if (!err) {
		err = serve(w, e);
		services_close(&w->host, SERVICE_ASKING);
	}
	services_close(&w->host, SERVICE_RUNNING);
	return err;
}

static int host_open(struct weir *w, struct error *e)
{
	w->host = (struct host){
		.services = services,
		.socket = w->options.socket,
		.daemon = w,
		.event = tell,
		.metrics = render_metrics,
	};
	pthread_mutex_init(&w->lock, NULL);
	if (services_new(&w->host) < 0)
		return error_set(e, -ENOMEM, "no memory");
	return loop_open(&w->host.loop, e);
}

int daemon_run(const struct daemon_options *o, struct error *e)
{
	_cleanup_free_ struct weir *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return error_set(e, -ENOMEM, "no memory");
	w->options = *o;
	err = host_open(w, e);
	if (!err)
		err = services_open(&w->host, SERVICE_FIRST, NULL, e);
	if (!err) {
		err = weir_start(w, e);
		if (!err) {
			err = run(w, e);
			weir_stop(w, true);
		}
		services_close(&w->host, SERVICE_FIRST);
	}
	sd_event_unref(w->host.loop);
	services_free(&w->host);
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
