/* SPDX-License-Identifier: GPL-2.0-only */
/* The unix socket's name in the file system. Private to user/control. */
#ifndef WEIR_CONTROL_LISTENER_H
#define WEIR_CONTROL_LISTENER_H

#include <sys/stat.h>
#include <sys/un.h>

#include "control/control.h"

struct listener {
	int fd;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	dev_t dev; /* of the name that was made, so that only that one is removed */
	ino_t ino;
};

/* Fills a socket address. -ENAMETOOLONG with a text. */
int listener_address(const char *path, struct sockaddr_un *out, struct error *e);
/* control_server_open's contract for the name: folder, mode 0600, a living or a dead daemon. */
int listener_open(struct listener *l, const char *path, struct error *e);
/* Closes, and removes the name when it is still the one that was made. */
void listener_close(struct listener *l);
/* Whether the peer of an accepted connection is root or this very user. */
bool listener_peer_allowed(int fd);

#endif
