// SPDX-License-Identifier: GPL-2.0-only
/* Service: the control socket. Opened first, so that a second daemon fails before it changes
 * anything. */
#include <sys/epoll.h>

#include "daemon/weir.h"

static int on_request(sd_event_source *s _unused_, int fd _unused_, uint32_t events _unused_,
		      void *arg)
{
	control_server_work(arg);
	return 0;
}

static int control_open(struct host *h, const struct policy *p _unused_, void **self,
			struct error *e)
{
	struct weir *w = h->daemon;
	int err = control_server_open(h->socket, services_answer, h, &w->control, e);

	if (err < 0)
		return err;
	err = sd_event_add_io(h->loop, &w->control_source, control_server_fd(w->control), EPOLLIN,
			      on_request, w->control);
	if (err < 0) {
		control_server_close(w->control);
		return err;
	}
	*self = w;
	return 0;
}

static void control_close(void *self)
{
	struct weir *w = self;

	loop_forget(w->control_source);
	control_server_close(w->control);
}

SERVICE(control) = {
	.name = "control",
	.stage = SERVICE_FIRST,
	.open = control_open,
	.close = control_close,
};
