/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of this folder share. */
#ifndef WEIR_DAEMON_PRIVATE_H
#define WEIR_DAEMON_PRIVATE_H

#include "daemon/weir.h"

#define DAEMON_TICK_MS 100
/* How the punt pairs' interfaces begin; followed by the port number and the end. */
#define PAIR_PREFIX "weir"

/* start.c: builds everything in *w; on failure what was built is torn down again. */
int weir_start(struct weir *w, struct error *e);
/* Tears down. leave_no_trace: detach, undo every change, remove pins; otherwise the pinned gate
 * goes on alone. */
void weir_stop(struct weir *w, bool leave_no_trace);

/* ports.c */
/* Bridges of the policy, and membership of its ports. */
int ports_bridge(struct weir *w, struct error *e);
/* Membership of one port in its bridge. */
int port_join(struct weir *w, unsigned int index, struct error *e);
/* Prepares port `index` (1..): hook, offloads, pair. */
int port_prepare(struct weir *w, unsigned int index, struct error *e);
/* The port's pair, made or adapted to link_at_attach.mtu. An XDP port can do without. */
int port_pair(struct weir *w, unsigned int index, struct error *e);
/* Opens the sockets of a prepared port and fills in cfg; not yet attached. */
int port_open(struct weir *w, unsigned int index, struct error *e);
/* Sockets into the XSKMAP, configuration into the gate, program onto the interface. No worker may
 * run, or none that knows the port. */
int port_attach(struct weir *w, unsigned int index, struct error *e);
/* Tells the workers of the port's sockets. */
void port_share(struct weir *w, unsigned int index);
/* The program alone, onto the interface of a port that is otherwise attached. */
int port_attach_program(struct weir *w, unsigned int index, struct error *e);
/* The program off the interface, if that is still there; sockets closed. Workers must be paused or
 * not running. */
void port_detach(struct weir *w, unsigned int index);
/* Writes cfg after its flags changed. */
int port_configure(struct weir *w, unsigned int index);

/* lookup.c */
/* The forward entry a port belongs to, or NULL. Port numbers are policy indexes plus one. */
const struct policy_forward *port_forward(const struct weir *w, unsigned int index,
					  uint8_t *domain);
/* By the policy's name or the interface's; by the interface's alone. NULL: no such port. */
struct daemon_port *port_find(struct weir *w, const char *name, unsigned int *index);
struct daemon_port *port_find_interface(struct weir *w, const char *interface, unsigned int *index);

/* state.c */
/* Brings cfg and the reason why the port does less than asked up to what the interface and its
 * bridge are now. Returns whether cfg changed. */
bool port_follow(struct weir *w, unsigned int index, const struct port_link *l);

/* follow.c */
/* Reads the interface of an attached port again and tells the gate. */
void port_refresh(struct weir *w, unsigned int index);
/* Looks at the ports that are not attached, or at all, and takes back those whose interface is
 * there. */
void ports_look(struct weir *w, bool all);
/* The monitor's callback: an interface changed. arg: struct weir. */
void ports_changed(const char *name, unsigned int ifindex, bool present, void *arg);

/* ending: as worker_pause(). */
void workers_pause(struct weir *w, unsigned int ending);
void workers_resume(struct weir *w);

/* losses.c */
/* Losses behind redirects of a port are watched from here on. */
void port_begin_losses(struct weir *w, unsigned int index);
/* Frames redirected from a port since the last call, and those of them that were lost. False when
 * the counters cannot be read; the outputs are untouched then. */
bool port_losses(struct weir *w, unsigned int index, uint64_t *lost, uint64_t *sent);
/* blocks.c */
/* blocks.c: compiles what an earlier daemon blocked; deletes expired blocks. */
void blocks_open(struct weir *w);
void blocks_refresh(struct weir *w);
/* traits.c: gives the conditions of a policy their bits, before it is staged. *changed as in
 * policy_number_traits(). */
int traits_number(struct weir *w, struct policy *p, uint32_t *changed, struct error *e);
/* Judges the flows that were decided before by a policy that is to be switched to. */
void traits_tell(struct weir *w, const struct policy *p, uint32_t changed);
/* schedule.c: once a second. */
void schedule_tick(struct weir *w);
/* change.c: hits by rule, to go on from, for a policy that takes the live one's place. */
void carry_rule_hits(struct weir *w, const struct policy *next, uint64_t out[WEIR_RULES_MAX + 1]);
/* change.c: weir_ctl.flags and what else follows the policy. */
void policy_to_ctl(struct weir *w);

#endif
