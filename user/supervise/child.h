/* SPDX-License-Identifier: GPL-2.0-only */
/* The child's side, between fork and its own code. Private to user/supervise. */
#ifndef WEIR_SUPERVISE_CHILD_H
#define WEIR_SUPERVISE_CHILD_H

#include "supervise/supervise.h"

/*
 * Makes the forked process what the spec says, and runs it. status: a pipe that is closed when it
 * runs; before, what fails is written to it (an errno as int). heartbeat: our eventfd or -1.
 * parent: the process that forked. Only functions that are safe after fork in a process of threads.
 */
_Noreturn void child_become(const struct supervise_spec *spec, int status, int heartbeat,
			    pid_t parent);

#endif
