// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "cli/verb.h"
#include "control/control.h"
#include "daemon/daemon.h"

static const char *or_default(const struct call *c, const char *option, const char *otherwise)
{
	const char *value = call_value(c, option);

	return value ? value : otherwise;
}

static struct daemon_options options(const struct call *c)
{
	return (struct daemon_options){
		.policy = or_default(c, "--config", DAEMON_POLICY_DEFAULT),
		.pins = or_default(c, "--pins", DAEMON_PINS_DEFAULT),
		.socket = call_socket(c),
		.changes = or_default(c, "--state", DAEMON_CHANGES_DEFAULT),
	};
}

static int done_or_failed(int err, struct error *e)
{
	if (err >= 0)
		return CLI_DONE;
	/* Keeps the text of whoever knew the cause. */
	error_set(e, err, "%s", strerror(-err));
	return cli_fail(e);
}

int cli_run(const struct call *c)
{
	struct daemon_options o = options(c);
	struct error e = {0};
	int err;

	log_set_level(call_has(c, "--verbose") ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
	err = daemon_run(&o, &e);
	return done_or_failed(err, &e);
}

int cli_detach(const struct call *c)
{
	struct daemon_options o = options(c);
	struct error e = {0};
	int err = daemon_detach(&o, &e);

	if (!err)
		err = control_socket_clear(o.socket, &e);
	return done_or_failed(err, &e);
}
