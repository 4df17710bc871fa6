// SPDX-License-Identifier: GPL-2.0-only
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>

#include "cli/terminal.h"

/* ECMA-48 and xterm: the other screen, and the cursor's visibility. */
#define SCREEN_ENTER "\033[?1049h\033[?25l"
#define SCREEN_LEAVE "\033[?25h\033[?1049l"

bool terminal_is_there(void)
{
	return isatty(STDIN_FILENO) && isatty(STDOUT_FILENO);
}

int terminal_open(struct terminal *t)
{
	_cleanup_close_ int signals = -1;
	struct termios raw;
	sigset_t set;

	if (tcgetattr(STDIN_FILENO, &t->before) < 0)
		return -errno;
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGWINCH);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signals < 0)
		return -errno;
	raw = t->before;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);
	if (tcsetattr(STDIN_FILENO, TCSAFLUSH, &raw) < 0)
		return -errno;
	t->signals = TAKE_FD(signals);
	fputs(SCREEN_ENTER, stdout);
	return 0;
}

void terminal_close(struct terminal *t)
{
	fputs(SCREEN_LEAVE, stdout);
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &t->before);
	close(t->signals);
}

enum terminal_event terminal_wait(const struct terminal *t, int ms)
{
	struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
				{.fd = t->signals, .events = POLLIN}};
	struct signalfd_siginfo si;
	char key;

	if (poll(fds, 2, ms) <= 0)
		return TERMINAL_TIME;
	if (fds[1].revents && read(t->signals, &si, sizeof(si)) == sizeof(si))
		return si.ssi_signo == SIGWINCH ? TERMINAL_RESIZE : TERMINAL_QUIT;
	if (fds[0].revents && (read(STDIN_FILENO, &key, 1) != 1 || key == 'q' || key == 'Q'))
		return TERMINAL_QUIT;
	return TERMINAL_RESIZE;
}

unsigned int terminal_rows(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_row == 0)
		return 24;
	return size.ws_row;
}
