/* SPDX-License-Identifier: GPL-2.0-only */
/* The kernel's own types, as far as they are read: the loader finds each member's place by BTF. */
#ifndef WEIR_VMLINUX_H
#define WEIR_VMLINUX_H

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ns_common {
	unsigned int inum;
};

struct net {
	struct ns_common ns;
};

typedef struct {
	struct net *net;
} possible_net_t;

struct net_device {
	int ifindex;
	possible_net_t nd_net;
};

#pragma clang attribute pop

#endif
