/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of this folder share. */
#ifndef WEIR_DAEMON_PRIVATE_H
#define WEIR_DAEMON_PRIVATE_H

#include "daemon/weir.h"

#define DAEMON_TICK_MS 100

/* start.c: builds everything in *w; on failure what was built is torn down again. */
int weir_start(struct weir *w, struct error *e);
/* Tears down. leave_no_trace: detach, undo every change, remove pins; otherwise the pinned gate
 * goes on alone. */
void weir_stop(struct weir *w, bool leave_no_trace);

/* ports.c */
/* Bridges of the policy, and membership of its ports. */
int ports_bridge(struct weir *w, struct error *e);
/* Prepares port `index` (1..): hook, offloads, pair, sockets; not yet attached. */
int port_prepare(struct weir *w, unsigned int index, struct error *e);
/* Sockets into the XSKMAP, configuration into the gate, program onto the interface. */
int port_attach(struct weir *w, unsigned int index, struct error *e);
/* The program off the interface; sockets closed. Workers must be paused or not running. */
void port_detach(struct weir *w, unsigned int index);
/* Closes what belonged to an interface that is gone. Workers must be paused. */
void port_forget(struct weir *w, unsigned int index);
/* Writes cfg after its flags changed. */
int port_configure(struct weir *w, unsigned int index);
/* The monitor's callback: an interface changed. arg: struct weir. */
void ports_changed(const char *name, unsigned int ifindex, bool present, void *arg);
struct daemon_port *port_find(struct weir *w, const char *name, unsigned int *index);

void workers_pause(struct weir *w);
int workers_resume(struct weir *w);

/* tick.c: what happens every DAEMON_TICK_MS. */
void weir_tick(struct weir *w);
/* Sets or clears WEIR_CTL_BLOCKS. */
void blocks_refresh(struct weir *w);
/* change.c: weir_ctl.flags and what else follows the policy. */
void policy_to_ctl(struct weir *w);
/* An event of type `policy` or `port`. */
void weir_event(struct weir *w, const char *type, const char *what, const char *name);

#endif
