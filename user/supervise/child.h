/* SPDX-License-Identifier: GPL-2.0-only */
/* The child between fork and its own code. Private to user/supervise. */
#ifndef WEIR_SUPERVISE_CHILD_H
#define WEIR_SUPERVISE_CHILD_H

#include "supervise/supervise.h"

/*
 * Sets the forked process up as the spec says and runs it. status: a pipe to which the errno of a
 * failed step is written as an int; it is closed once the program runs. heartbeat: an eventfd or
 * -1. parent: the process that forked. Calls only functions that are safe after fork in a process
 * with threads.
 */
_Noreturn void child_become(const struct supervise_spec *spec, int status, int heartbeat,
			    pid_t parent);

#endif
