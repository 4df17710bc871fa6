// SPDX-License-Identifier: GPL-2.0-only
#include <fcntl.h>
#include <grp.h>
#include <string.h>

#include "audit/file.h"

#define MODE  0640
#define GROUP "adm" /* reads logs on Debian */

/* Of a new file: MODE whatever the umask, and GROUP where there is one and we may give it away. */
static void audit_file_own(int fd, const char *path)
{
	struct group group, *found = NULL;
	char names[4096];

	if (fchmod(fd, MODE) < 0)
		log_warning("%s: cannot set its mode: %s", path, strerror(errno));
	if (geteuid() != 0)
		return;
	(void)getgrnam_r(GROUP, &group, names, sizeof(names), &found);
	if (fchown(fd, 0, found ? found->gr_gid : 0) < 0)
		log_warning("%s: cannot set its owner: %s", path, strerror(errno));
}

static int audit_file_create(const char *path)
{
	/* Non-blocking, so that a slow or missing reader of a FIFO costs lines but does not block
	 * the daemon. */
	const int flags = O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK | O_NOCTTY;
	int fd = open(path, flags | O_EXCL, MODE);

	if (fd >= 0) {
		audit_file_own(fd, path);
		return fd;
	}
	return errno == EEXIST ? open(path, flags, MODE) : fd;
}

static int audit_file_reopen(struct audit_file *f)
{
	_cleanup_close_ int fd = audit_file_create(f->path);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	util_closep(&f->fd);
	f->fd = TAKE_FD(fd);
	f->dev = st.st_dev;
	f->ino = st.st_ino;
	return 0;
}

int audit_file_open(struct audit_file *f, const char *path, struct error *e)
{
	struct audit_file next = {.fd = -1};
	int err;

	next.path = strdup(path);
	if (!next.path)
		return error_set(e, -ENOMEM, "out of memory");
	err = audit_file_reopen(&next);
	if (err < 0) {
		free(next.path);
		return error_set(e, err, "%s: %s", path, strerror(-err));
	}
	*f = next;
	return 0;
}

void audit_file_close(struct audit_file *f)
{
	util_closep(&f->fd);
	free(f->path);
	f->fd = -1;
	f->path = NULL;
}

/* logrotate renames the file: write to the path again. */
static int audit_file_follow_name(struct audit_file *f)
{
	struct stat st;

	if (f->fd >= 0 && stat(f->path, &st) == 0 && st.st_dev == f->dev && st.st_ino == f->ino)
		return 0;
	return audit_file_reopen(f);
}

static int audit_file_append(struct audit_file *f, const char *text, size_t len)
{
	struct stat st;
	ssize_t n;

	do
		n = write(f->fd, text, len);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if ((size_t)n == len)
		return 0;
	/* The disk is full: remove the partial line, so that the file stays readable. */
	if (fstat(f->fd, &st) == 0 && st.st_size >= n && ftruncate(f->fd, st.st_size - n) < 0)
		log_debug("%s: %s", f->path, strerror(errno));
	return -ENOSPC;
}

void audit_file_write(struct audit_file *f, const char *text, size_t len)
{
	int err = audit_file_follow_name(f);

	if (!err)
		err = audit_file_append(f, text, len);
	if (err < 0) {
		f->lost++;
		if (!f->failing)
			log_warning("%s: events are not written: %s", f->path, strerror(-err));
	}
	f->failing = err < 0;
}
