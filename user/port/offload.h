/* SPDX-License-Identifier: GPL-2.0-only */
/* Switching offload settings by the kernel's names for them. Private to user/port. */
#ifndef WEIR_PORT_OFFLOAD_H
#define WEIR_PORT_OFFLOAD_H

#include <jansson.h>

#include "port/port.h"

/* Switches on what a "features" change switched off: an array of names. */
int offload_switch_on(const char *ifname, const json_t *names);
/* Remembers LRO where it is on: joining a bridge switches it off, leaving one not on again. */
int offload_remember_lro(struct port_changes *c, const struct port_link *l);
/* Switches off, for good, everything on the transmit side that leaves work to a device: the frame
 * then leaves whole, with its tags in it. */
int offload_switch_off_transmit(const char *ifname);

#endif
