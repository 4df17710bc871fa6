// SPDX-License-Identifier: GPL-2.0-only
/* Runs the programs that end flows. */
#include "gate/gate_private.h"

/* The kernel writes the context back to where it read it. */
static int sweep_run(const struct gate *g, enum gate_prog prog, struct weir_sweep *s)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = s, .ctx_size_in = sizeof(*s));

	if (g->progs[prog] < 0)
		return -ENOTSUP;
	return bpf_prog_test_run_opts(g->progs[prog], &opts) ? -errno : 0;
}

int gate_sweep(struct gate *g, struct weir_sweep *s)
{
	return sweep_run(g, GATE_PROG_SWEEP, s);
}

int gate_sweep_waiting(struct gate *g, struct weir_sweep *s)
{
	return sweep_run(g, GATE_PROG_SWEEP_WAITING, s);
}

uint32_t gate_sets(const struct gate *g)
{
	return g->sets;
}
