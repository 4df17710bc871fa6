/* SPDX-License-Identifier: GPL-2.0-only */
/* Preloaded, it makes the kernel look as if it had no AF_XDP: socket() fails as it would there. */
#include <errno.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int socket(int domain, int type, int protocol)
{
	if (domain == AF_XDP) {
		errno = EAFNOSUPPORT;
		return -1;
	}
	return (int)syscall(SYS_socket, domain, type, protocol);
}
