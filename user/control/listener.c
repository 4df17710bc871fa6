// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "control/listener.h"

#define LISTENER_BACKLOG 32

int listener_address(const char *path, struct sockaddr_un *out, struct error *e)
{
	size_t len = strlen(path);

	if (len == 0)
		return error_set(e, -EINVAL, "control socket: empty path");
	if (len >= sizeof(out->sun_path))
		return error_set(e, -ENAMETOOLONG,
				 "%s: longer than the %zu bytes of a socket's name", path,
				 sizeof(out->sun_path) - 1);
	*out = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(out->sun_path, path, len + 1);
	return 0;
}

static int listener_make_folder(const char *path, struct error *e)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *folder = NULL;

	if (!slash || slash == path)
		return 0;
	folder = strndup(path, (size_t)(slash - path));
	if (!folder)
		return error_set(e, -ENOMEM, "out of memory");
	if (mkdir(folder, 0755) < 0 && errno != EEXIST)
		return error_set(e, -errno, "%s: cannot make the folder: %s", folder,
				 strerror(errno));
	return 0;
}

/* Tests whether a daemon accepts connections there. 0; -ECONNREFUSED: a socket without a daemon;
 * -ENOENT: nothing. */
static int listener_probe(const struct sockaddr_un *address)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 && errno != EAGAIN)
		return -errno;
	return 0;
}

/* Removes a socket without a daemon. */
static int listener_clear(const struct sockaddr_un *address, struct error *e)
{
	const char *path = address->sun_path;
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : error_set(e, -errno, "%s: %s", path, strerror(errno));
	if (!S_ISSOCK(st.st_mode))
		return error_set(e, -EEXIST, "%s: exists and is not a socket", path);
	switch (listener_probe(address)) {
	case 0:
		return error_set(e, -EADDRINUSE, "%s: another daemon answers there", path);
	case -ECONNREFUSED:
		break;
	default:
		return error_set(e, -EADDRINUSE, "%s: cannot tell whether a daemon answers there",
				 path);
	}
	if (unlink(path) < 0)
		return error_set(e, -errno, "%s: %s", path, strerror(errno));
	return 0;
}

int control_socket_clear(const char *path, struct error *e)
{
	struct sockaddr_un address;
	int err = listener_address(path, &address, e);

	return err < 0 ? err : listener_clear(&address, e);
}

static int listener_bind(int fd, const struct sockaddr_un *address)
{
	/* Set the mode before bind(), so that the path never exists with another mode. */
	if (fchmod(fd, 0600) < 0 ||
	    bind(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ||
	    listen(fd, LISTENER_BACKLOG) < 0)
		return -errno;
	return 0;
}

int listener_open(struct listener *l, const char *path, struct error *e)
{
	_cleanup_close_ int fd = -1;
	struct sockaddr_un address;
	struct stat st;
	int err;

	err = listener_address(path, &address, e);
	if (!err)
		err = listener_make_folder(path, e);
	if (!err)
		err = listener_clear(&address, e);
	if (err < 0)
		return err;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	err = fd < 0 ? -errno : listener_bind(fd, &address);
	if (!err && lstat(path, &st) < 0)
		err = -errno;
	if (err < 0)
		return error_set(e, err, "%s: %s", path, strerror(-err));
	l->dev = st.st_dev;
	l->ino = st.st_ino;
	memcpy(l->path, address.sun_path, sizeof(l->path));
	l->fd = TAKE_FD(fd);
	return 0;
}

void listener_close(struct listener *l)
{
	struct stat st;

	if (l->fd < 0)
		return;
	if (lstat(l->path, &st) == 0 && st.st_dev == l->dev && st.st_ino == l->ino)
		unlink(l->path);
	close(l->fd);
	l->fd = -1;
}

bool listener_peer_allowed(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return false;
	return peer.uid == 0 || peer.uid == geteuid();
}
