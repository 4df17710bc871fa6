// SPDX-License-Identifier: GPL-2.0-only
#include <cap-ng.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include "gate/gate_private.h"

int gate_check_privilege(struct error *e)
{
	bool bpf, net;

	if (capng_get_caps_process())
		return error_set(e, -EPERM, "cannot read this process's capabilities");
	bpf = capng_have_capability(CAPNG_EFFECTIVE, CAP_SYS_ADMIN) ||
	      (capng_have_capability(CAPNG_EFFECTIVE, CAP_BPF) &&
	       capng_have_capability(CAPNG_EFFECTIVE, CAP_PERFMON));
	net = capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN);
	if (!bpf || !net)
		return error_set(e, -EPERM,
				 "loading BPF programs needs root (or CAP_BPF, CAP_PERFMON, "
				 "CAP_NET_ADMIN and CAP_NET_RAW)");
	return 0;
}

/* Kernels before 5.11 charge maps to this limit; without CAP_SYS_RESOURCE it stays, and map
 * creation says so. */
static void raise_memlock(void)
{
	struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};

	if (setrlimit(RLIMIT_MEMLOCK, &unlimited))
		log_debug("RLIMIT_MEMLOCK stays as it is: %s", strerror(errno));
}

static int check_af_xdp(struct error *e)
{
	_cleanup_close_ int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		return 0;
	if (errno == EPERM || errno == EACCES)
		return error_set(e, -EPERM, "AF_XDP sockets need root or CAP_NET_RAW");
	return error_set(e, -ENOTSUP, "this kernel has no AF_XDP sockets (CONFIG_XDP_SOCKETS): %s",
			 strerror(errno));
}

static int check_map_types(struct error *e)
{
	static const struct {
		enum bpf_map_type type;
		const char *name;
	} needed[] = {
		{BPF_MAP_TYPE_LRU_HASH, "LRU hash (Linux 4.10)"},
		{BPF_MAP_TYPE_LPM_TRIE, "LPM trie (Linux 4.11)"},
		{BPF_MAP_TYPE_ARRAY_OF_MAPS, "array-of-maps (Linux 4.12)"},
		{BPF_MAP_TYPE_DEVMAP, "DEVMAP (Linux 4.14)"},
		{BPF_MAP_TYPE_XSKMAP, "XSKMAP (CONFIG_XDP_SOCKETS, Linux 4.18)"},
		{BPF_MAP_TYPE_RINGBUF, "ring buffer (Linux 5.8)"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(needed); i++)
		if (libbpf_probe_bpf_map_type(needed[i].type, NULL) == 0)
			return error_set(e, -ENOTSUP, "this kernel lacks the BPF map type %s",
					 needed[i].name);
	return 0;
}

int gate_check_kernel(struct error *e)
{
	_cleanup_close_ int fd = -1;
	int r;

	raise_memlock();
	fd = bpf_map_create(BPF_MAP_TYPE_ARRAY, "weir_probe", 4, 4, 1, NULL);
	if (fd == -ENOSYS)
		return error_set(e, -ENOTSUP,
				 "this kernel is built without BPF (CONFIG_BPF_SYSCALL)");
	if (fd == -EPERM)
		return error_set(e, -EPERM,
				 "the kernel refuses BPF maps to this process "
				 "(RLIMIT_MEMLOCK, a container, or lockdown)");
	if (fd < 0)
		return error_set(e, fd, "cannot make a BPF map: %s", strerror(-fd));
	r = check_af_xdp(e);
	return r ? r : check_map_types(e);
}

/* kernel.unprivileged_bpf_disabled barred every call of bpf(2) until 5.19; since then it bars the
 * making of objects, and a descriptor is permission enough. */
bool gate_map_writes_need_bpf(void)
{
	_cleanup_close_ int fd =
		open("/proc/sys/kernel/unprivileged_bpf_disabled", O_RDONLY | O_CLOEXEC);
	unsigned int major, minor;
	struct utsname kernel;
	char value = '1';

	if (uname(&kernel) || sscanf(kernel.release, "%u.%u", &major, &minor) != 2)
		return true;
	if (major > 5 || (major == 5 && minor >= 19))
		return false;
	return fd < 0 || read(fd, &value, 1) != 1 || value != '0';
}
