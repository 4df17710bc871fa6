/* SPDX-License-Identifier: GPL-2.0-only */
/* The ethtool ioctls the port layer needs. Private to user/port. */
#ifndef WEIR_PORT_ETHTOOL_H
#define WEIR_PORT_ETHTOOL_H

#include <stdbool.h>
#include <stdint.h>

#define ETHTOOL_FEATURES_MAX 192 /* kernels of 2025 have 64; a multiple of 32 */

/* Bits of one interface, named by the kernel ("rx-lro"). */
struct ethtool_bits {
	unsigned int count;
	char name[ETHTOOL_FEATURES_MAX][32];
	uint32_t changeable[ETHTOOL_FEATURES_MAX / 32];
	uint32_t active[ETHTOOL_FEATURES_MAX / 32];
};

/* Empty text where the driver does not say. */
int ethtool_driver(const char *ifname, char driver[32]);
/* Queues in use; one where the driver does not say. */
void ethtool_queues(const char *ifname, unsigned int *rx, unsigned int *tx);
/* The offload settings. Big: not for a small stack. */
int ethtool_bits_read(const char *ifname, struct ethtool_bits *out);
/* Index of a name, -1 when this kernel does not know it. */
int ethtool_bits_find(const struct ethtool_bits *b, const char *name);
bool ethtool_bits_active(const struct ethtool_bits *b, int index);
bool ethtool_bits_changeable(const struct ethtool_bits *b, int index);
/* Sets the bits of mask (by index) on or off. */
int ethtool_bits_write(const char *ifname, const struct ethtool_bits *b,
		       const uint32_t mask[ETHTOOL_FEATURES_MAX / 32], bool on);

#endif
