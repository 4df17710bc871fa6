/* SPDX-License-Identifier: GPL-2.0-only */
/* A terminal as a screen that is put back as it was. Private to user/cli. */
#ifndef WEIR_CLI_TERMINAL_H
#define WEIR_CLI_TERMINAL_H

#include <termios.h>

#include "util/util.h"

struct terminal {
	struct termios before;
	int signals; /* signalfd of SIGINT, SIGTERM, SIGHUP and SIGWINCH */
};

enum terminal_event {
	TERMINAL_TIME,	 /* the time is over */
	TERMINAL_RESIZE, /* draw again */
	TERMINAL_QUIT,	 /* q, end of input, or a signal */
};

/* Whether both ends of this program are a terminal. */
bool terminal_is_there(void);
/* Takes over the terminal: other screen, no echo, no cursor. 0 or a negative errno. */
int terminal_open(struct terminal *t);
void terminal_close(struct terminal *t);
/* Waits for a key, a signal or ms. */
enum terminal_event terminal_wait(const struct terminal *t, int ms);
/* Rows of the screen, 24 when it does not say. */
unsigned int terminal_rows(void);

#endif
