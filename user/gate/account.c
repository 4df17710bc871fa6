// SPDX-License-Identifier: GPL-2.0-only
/* Raw tracepoints that count frames dropped by the kernel after a redirect; pinned, so that they
 * count while no daemon runs. */
#include <string.h>

#include "gate/gate_private.h"

#define PIN_NAME "account"

static int tracepoint_attach(struct gate *g, enum gate_prog prog)
{
	_cleanup_close_ int fd = -1;
	char path[GATE_PATH_MAX];
	int r = gate_link_path(g->pins, gate_prog_name(prog), PIN_NAME, path);

	if (r)
		return r;
	if (g->progs[prog] < 0)
		return -ENOENT;
	/* Such a link takes no new program, and two of them would count every loss twice. */
	if (unlink(path) && errno != ENOENT)
		return -errno;
	fd = bpf_raw_tracepoint_open(g->tracepoints[prog], g->progs[prog]);
	if (fd < 0)
		return fd;
	return bpf_obj_pin(fd, path) ? -errno : 0;
}

void gate_account_attach(struct gate *g)
{
	static const enum gate_prog wanted[] = {GATE_PROG_REDIRECT_ERR, GATE_PROG_DEVMAP_XMIT};

	g->accounts = true;
	for (size_t i = 0; i < ARRAY_SIZE(wanted); i++) {
		int r = tracepoint_attach(g, wanted[i]);

		if (!r)
			continue;
		g->accounts = false;
		log_warning("%s is not counted: %s", gate_prog_name(wanted[i]), strerror(-r));
	}
}

bool gate_accounts_losses(const struct gate *g)
{
	return g->accounts;
}
