// SPDX-License-Identifier: GPL-2.0-only
/* Service: ports; follows changes of their interfaces. */
#include <sys/epoll.h>

#include "daemon/daemon_private.h"

static int on_links(sd_event_source *s _unused_, int fd _unused_, uint32_t events _unused_,
		    void *arg)
{
	port_monitor_read(arg);
	return 0;
}

static void monitor_close(void *self)
{
	struct weir *w = self;

	loop_forget(w->monitor_source);
	port_monitor_close(w->monitor);
}

static int monitor_open(struct host *h, const struct policy *p _unused_, void **self,
			struct error *e)
{
	struct weir *w = h->daemon;
	int err = port_monitor_open(&w->monitor, ports_changed, w, e);

	if (err < 0)
		return err;
	err = sd_event_add_io(h->loop, &w->monitor_source, port_monitor_fd(w->monitor), EPOLLIN,
			      on_links, w->monitor);
	if (err < 0) {
		monitor_close(w);
		return err;
	}
	/* Changes between start and the subscription. */
	ports_look(w, true);
	*self = w;
	return 0;
}

static const struct service_verb verbs[] = {
	{.name = "port", .answer = change_port},
	{.name = "ports", .answer = query_ports},
	{.name = NULL},
};
static const char *const events[] = {"port", NULL};

SERVICE(ports) = {
	.name = "ports",
	.stage = SERVICE_RUNNING,
	.open = monitor_open,
	.close = monitor_close,
	.verbs = verbs,
	.metrics = stats_port_metrics,
	.events = events,
};
