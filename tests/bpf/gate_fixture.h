/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A machine for one test program: a network namespace and a BPF file system of its own, both gone
 * when it exits. Only the mount table and the network are private; /sys stays as it is mounted.
 */
#ifndef WEIR_GATE_FIXTURE_H
#define WEIR_GATE_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "gate/gate.h"

struct fixture {
	char bpffs[64];
	char pins[96];
	struct gate_sizes sizes;
};

/* For cmocka's group set-up; *state is the fixture. */
static inline int fixture_setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	if (!f || unshare(CLONE_NEWNET | CLONE_NEWNS) ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))
		return -1;
	snprintf(f->bpffs, sizeof(f->bpffs), "/tmp/weir-gate-test-%d", getpid());
	snprintf(f->pins, sizeof(f->pins), "%s/run/weir", f->bpffs);
	f->sizes = (struct gate_sizes){.decided = 16384,
				       .undecided = 8192,
				       .reconnects = 256,
				       .endpoints = 256,
				       .blocks = 64,
				       .fragments = 64,
				       .parked = 64,
				       .slots = 1024,
				       .xsk = 32};
	if (mkdir(f->bpffs, 0700) || mount("bpf", f->bpffs, "bpf", 0, NULL))
		return -1;
	*state = f;
	return 0;
}

static inline int fixture_teardown(void **state)
{
	struct fixture *f = *state;
	int r = umount2(f->bpffs, MNT_DETACH) || rmdir(f->bpffs);

	free(f);
	return r;
}

static inline struct gate *fixture_open(struct fixture *f, bool want_adopted)
{
	struct error e = {};
	struct gate *g = NULL;
	bool adopted;

	if (gate_open(f->pins, &f->sizes, &g, &adopted, &e))
		fail_msg("gate_open: %s", e.text);
	assert_int_equal(adopted, want_adopted);
	return g;
}

/* Detaches and removes everything, and checks that nothing stayed. */
static inline void fixture_remove(struct fixture *f)
{
	struct error e = {};

	if (gate_remove(f->pins, &e))
		fail_msg("gate_remove: %s", e.text);
	assert_int_equal(access(f->pins, F_OK), -1);
}

static inline bool pinned(const struct fixture *f, const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%s", f->pins, name);
	return !access(path, F_OK);
}

static inline int pin_open(const struct fixture *f, const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", f->pins, name);
	fd = bpf_obj_get(path);
	if (fd < 0)
		fail_msg("%s: %s", path, strerror(errno));
	return fd;
}

static inline void run(const char *command)
{
	int status = system(command);

	if (!WIFEXITED(status) || WEXITSTATUS(status))
		fail_msg("`%s` failed", command);
}

/* A veth pair NAME0, NAME1, both up. Returns the ifindex of NAME0. */
static inline unsigned int veth_add(const char *name)
{
	char command[256], end[IF_NAMESIZE];

	snprintf(command, sizeof(command),
		 "ip link add %s0 type veth peer name %s1 && ip link set %s0 up && ip link set "
		 "%s1 up",
		 name, name, name, name);
	run(command);
	snprintf(end, sizeof(end), "%s0", name);
	return if_nametoindex(end);
}

static inline void veth_del(const char *name)
{
	char command[64];

	snprintf(command, sizeof(command), "ip link del %s0", name);
	run(command);
}

/* Sends count 64-byte frames of a type nobody knows out of an interface. */
static inline void frames_send(const char *ifname, unsigned int count)
{
	struct sockaddr_ll to = {.sll_family = AF_PACKET,
				 .sll_ifindex = (int)if_nametoindex(ifname),
				 .sll_halen = ETH_ALEN};
	_cleanup_close_ int fd = socket(AF_PACKET, SOCK_RAW, 0);
	uint8_t frame[64] = {2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5};

	assert_true(fd >= 0);
	for (unsigned int i = 0; i < count; i++)
		assert_int_equal(
			sendto(fd, frame, sizeof(frame), 0, (struct sockaddr *)&to, sizeof(to)),
			sizeof(frame));
}

/* Waits at most two seconds for the count of frames that an unconfigured port saw. */
static inline uint64_t frames_await(struct gate *g, uint64_t want)
{
	struct weir_counter counters[WEIR_REASON_COUNT];
	uint64_t deadline = time_now_ns() + 2000000000ULL, have;

	do {
		assert_int_equal(gate_read_counters(g, 0, counters), 0);
		have = counters[WEIR_REASON_STACK_DISABLED].frames;
	} while (have < want && time_now_ns() < deadline && !usleep(1000));
	return have;
}

static inline uint32_t xdp_prog(unsigned int ifindex)
{
	uint32_t id = 0;

	assert_int_equal(bpf_xdp_query_id((int)ifindex, 0, &id), 0);
	return id;
}

#endif
