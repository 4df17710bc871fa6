/* SPDX-License-Identifier: GPL-2.0-only */
/* The daemon: wires ports, gate, workers, policy, control and stats together. */
#ifndef WEIR_DAEMON_H
#define WEIR_DAEMON_H

#include "util/util.h"

struct daemon_options {
	const char *policy;  /* file */
	const char *pins;    /* bpffs folder */
	const char *socket;  /* control socket */
	const char *changes; /* file that remembers what was changed on the machine */
	bool check_only;
};
#define DAEMON_POLICY_DEFAULT  "/etc/weir/weir.yaml"
#define DAEMON_PINS_DEFAULT    "/sys/fs/bpf/weir"
#define DAEMON_CHANGES_DEFAULT "/run/weir/changes.json"

/* Runs until SIGTERM or SIGINT, then leaves the machine as it was. 0 or a negative errno with e
 * filled. */
int daemon_run(const struct daemon_options *o, struct error *e);
/* Undoes what a dead daemon left behind: programs, pins, pairs, settings. Refuses while a daemon
 * answers on the socket. */
int daemon_detach(const struct daemon_options *o, struct error *e);

#endif
