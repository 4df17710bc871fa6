/* SPDX-License-Identifier: GPL-2.0-only */
/* The unix socket's path in the file system. Private to user/control. */
#ifndef WEIR_CONTROL_LISTENER_H
#define WEIR_CONTROL_LISTENER_H

#include <sys/stat.h>
#include <sys/un.h>

#include "control/control.h"

struct listener {
	int fd;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	dev_t dev; /* of the socket that was created, so that no other one is removed */
	ino_t ino;
};

/* Fills a socket address. 0; -ENAMETOOLONG with a text in e. */
int listener_address(const char *path, struct sockaddr_un *out, struct error *e);
/* Creates the socket as control_server_open() describes: folder, mode 0600, existing sockets. */
int listener_open(struct listener *l, const char *path, struct error *e);
/* Closes the socket, and removes the path if it is still the one that was created. */
void listener_close(struct listener *l);
/* Whether the peer of an accepted connection is root or the daemon's own user. */
bool listener_peer_allowed(int fd);

#endif
