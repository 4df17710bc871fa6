/* SPDX-License-Identifier: GPL-2.0-only */
/* A network namespace for each test, and what the port tests share. */
#ifndef WEIR_PORT_FIXTURE_H
#define WEIR_PORT_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>

#include "port/port.h"

/* For cmocka's set-ups. The one before it is gone, with all that is in it. */
static inline int namespace_setup(void **state)
{
	return unshare(CLONE_NEWNET);
}

static inline void run(const char *command)
{
	int status = system(command);

	if (!WIFEXITED(status) || WEXITSTATUS(status))
		fail_msg("`%s` failed", command);
}

/* What a command prints; the caller frees it. */
static inline char *output(const char *command)
{
	size_t room = 1 << 18, n;
	char *text = calloc(1, room);
	FILE *f = popen(command, "r");

	assert_non_null(text);
	assert_non_null(f);
	n = fread(text, 1, room - 1, f);
	assert_true(n < room - 1);
	if (pclose(f))
		fail_msg("`%s` failed", command);
	return text;
}

#endif
