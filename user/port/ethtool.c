// SPDX-License-Identifier: GPL-2.0-only
#include "port/ethtool.h"

#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "util/util.h"

#define WORDS (ETHTOOL_FEATURES_MAX / 32)

static int ethtool_ioctl(const char *ifname, void *command)
{
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct ifreq ifr = {.ifr_data = command};

	if (fd < 0)
		return -errno;
	if (strlen(ifname) >= sizeof(ifr.ifr_name))
		return -EINVAL;
	memcpy(ifr.ifr_name, ifname, strlen(ifname));
	return ioctl(fd, SIOCETHTOOL, &ifr) < 0 ? -errno : 0;
}

int ethtool_driver(const char *ifname, char driver[32])
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	int err = ethtool_ioctl(ifname, &info);

	driver[0] = 0;
	if (err)
		return err;
	snprintf(driver, 32, "%.31s", info.driver);
	return 0;
}

void ethtool_queues(const char *ifname, unsigned int *rx, unsigned int *tx)
{
	struct ethtool_channels ch = {.cmd = ETHTOOL_GCHANNELS};
	struct ethtool_rxnfc rings = {.cmd = ETHTOOL_GRXRINGS};

	*rx = *tx = 0;
	if (!ethtool_ioctl(ifname, &ch)) {
		*rx = ch.rx_count + ch.combined_count;
		*tx = ch.tx_count + ch.combined_count;
	} else if (!ethtool_ioctl(ifname, &rings)) {
		*rx = (unsigned int)rings.data;
	}
	*rx = *rx ? *rx : 1;
	*tx = *tx ? *tx : 1;
}

static int features_count(const char *ifname, unsigned int *count)
{
	union {
		struct ethtool_sset_info head;
		uint8_t room[sizeof(struct ethtool_sset_info) + sizeof(uint32_t)];
	} info = {.head = {.cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ULL << ETH_SS_FEATURES}};
	int err = ethtool_ioctl(ifname, &info);

	if (err)
		return err;
	if (!info.head.sset_mask)
		return -EOPNOTSUPP;
	memcpy(count, info.room + sizeof(info.head), sizeof(uint32_t));
	return *count > ETHTOOL_FEATURES_MAX ? -E2BIG : 0;
}

static int features_names(const char *ifname, struct ethtool_bits *b)
{
	size_t bytes = (size_t)b->count * ETH_GSTRING_LEN;
	_cleanup_free_ struct ethtool_gstrings *s = calloc(1, sizeof(*s) + bytes);
	int err;

	if (!s)
		return -ENOMEM;
	s->cmd = ETHTOOL_GSTRINGS;
	s->string_set = ETH_SS_FEATURES;
	s->len = b->count;
	err = ethtool_ioctl(ifname, s);
	if (err)
		return err;
	for (unsigned int i = 0; i < b->count; i++) {
		memcpy(b->name[i], s->data + (size_t)i * ETH_GSTRING_LEN, ETH_GSTRING_LEN);
		b->name[i][ETH_GSTRING_LEN - 1] = 0;
	}
	return 0;
}

static int features_values(const char *ifname, struct ethtool_bits *b)
{
	union {
		struct ethtool_gfeatures head;
		uint8_t room[sizeof(struct ethtool_gfeatures) +
			     WORDS * sizeof(struct ethtool_get_features_block)];
	} get = {.head = {.cmd = ETHTOOL_GFEATURES, .size = (b->count + 31) / 32}};
	int err = ethtool_ioctl(ifname, &get);

	if (err)
		return err;
	for (unsigned int i = 0; i < (b->count + 31) / 32; i++) {
		struct ethtool_get_features_block block;

		memcpy(&block, get.room + sizeof(get.head) + i * sizeof(block), sizeof(block));
		b->changeable[i] = block.available & ~block.never_changed;
		b->active[i] = block.active;
	}
	return 0;
}

int ethtool_bits_read(const char *ifname, struct ethtool_bits *out)
{
	int err;

	memset(out, 0, sizeof(*out));
	err = features_count(ifname, &out->count);
	if (!err)
		err = features_names(ifname, out);
	if (!err)
		err = features_values(ifname, out);
	return err;
}

int ethtool_bits_find(const struct ethtool_bits *b, const char *name)
{
	for (unsigned int i = 0; i < b->count; i++)
		if (!strcmp(b->name[i], name))
			return (int)i;
	return -1;
}

bool ethtool_bits_active(const struct ethtool_bits *b, int index)
{
	return b->active[index / 32] & (1u << (index % 32));
}

bool ethtool_bits_changeable(const struct ethtool_bits *b, int index)
{
	return b->changeable[index / 32] & (1u << (index % 32));
}

int ethtool_bits_write(const char *ifname, const struct ethtool_bits *b, const uint32_t mask[WORDS],
		       bool on)
{
	union {
		struct ethtool_sfeatures head;
		uint8_t room[sizeof(struct ethtool_sfeatures) +
			     WORDS * sizeof(struct ethtool_set_features_block)];
	} set = {.head = {.cmd = ETHTOOL_SFEATURES, .size = (b->count + 31) / 32}};

	for (unsigned int i = 0; i < (b->count + 31) / 32; i++) {
		struct ethtool_set_features_block block = {.valid = mask[i],
							   .requested = on ? mask[i] : 0};

		memcpy(set.room + sizeof(set.head) + i * sizeof(block), &block, sizeof(block));
	}
	return ethtool_ioctl(ifname, &set);
}
