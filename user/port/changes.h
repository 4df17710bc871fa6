/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The journal of what was changed on the machine. Every change is a JSON object {"kind",
 * "interface", "ifindex", "address", ...}; its kind names the function that takes it back. Private
 * to user/port.
 */
#ifndef WEIR_PORT_CHANGES_H
#define WEIR_PORT_CHANGES_H

#include <jansson.h>

#include "port/port.h"

/* Takes one change back. 0 also when there is nothing left to take back. */
struct changes_kind {
	const char *kind;
	int (*undo)(const json_t *change, void *arg);
};

/* As port_changes_open(), with kinds of its own (ended by an empty one); arg is handed to them. */
int changes_open(const char *path, const struct changes_kind *kinds, void *arg,
		 struct port_changes **out, struct error *e);
/*
 * Writes a change to the file; to be called before it is made. Takes over the reference (also on
 * failure; NULL is -ENOMEM). One that is in the journal already is not written twice.
 */
int changes_add(struct port_changes *c, json_t *change);
/* The newest change of that kind to that interface, NULL = none. */
const json_t *changes_find(const struct port_changes *c, const char *kind, const char *interface);
/* Strikes out the newest change of that kind: making it failed and left nothing behind. */
void changes_forget(struct port_changes *c, const char *kind, const char *interface);

/* A change to an interface that is there, by which it is found again under another name; to be
 * completed. NULL on ENOMEM. */
json_t *changes_of_link(const char *kind, const struct port_link *l);

/* The kinds that weir makes. */
extern const struct changes_kind changes_kinds[];

#endif
