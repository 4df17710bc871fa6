// SPDX-License-Identifier: GPL-2.0-only
/* `ports` and `forward`. */
#include "policy/draft.h"

/* Port number 0 stands for "no port of ours". */
#define PORTS_MAX (WEIR_PORTS_MAX - 1)

static const char *const hooks[] = {"auto", "native", "generic", "tc"};
static const char *const modes[] = {"bridge", "route", "host"};

const char *policy_hook_name(enum policy_hook h)
{
	return (size_t)h < ARRAY_SIZE(hooks) ? hooks[h] : "?";
}

static int port_read(struct draft *d, const struct yaml_node *key, const struct yaml_node *n)
{
	static const char *const known[] = {"interface", "hook", NULL};
	struct policy *p = d->policy;
	struct policy_port *port = &p->ports[p->port_count];
	const struct yaml_node *hook, *interface;
	unsigned int choice = POLICY_HOOK_AUTO;
	int err = draft_name(d, key, "port name", port->name, sizeof(port->name));

	if (err == 0)
		err = draft_mapping(d, n, port->name, known);
	if (err < 0)
		return err;
	interface = yaml_get(n, "interface");
	if (!interface)
		return draft_error(d, key, "port `%s`: `interface` is missing", port->name);
	err = draft_interface(d, interface, "interface", port->interface);
	hook = yaml_get(n, "hook");
	if (err == 0 && hook)
		err = draft_choice(d, hook, "hook", hooks, ARRAY_SIZE(hooks), &choice);
	if (err < 0)
		return err;
	for (unsigned int i = 0; i < p->port_count; i++)
		if (strcmp(p->ports[i].interface, port->interface) == 0)
			return draft_error(d, interface,
					   "interface `%s` is already that of port `%s`",
					   port->interface, p->ports[i].name);
	port->hook = (enum policy_hook)choice;
	port->line = key->line;
	port->column = key->column;
	p->port_count++;
	return 0;
}

static int ports_read(struct draft *d, const struct yaml_node *n, void *data _unused_)
{
	int err = yaml_mapping(d->file, n, "ports", d->e);

	if (err < 0)
		return err;
	if (n->count == 0)
		return draft_error(d, n, "ports: expected at least one port");
	for (size_t i = 0; i < n->count; i++) {
		if (i == PORTS_MAX)
			return draft_error(d, n->keys[i], "more than %u ports", PORTS_MAX);
		err = port_read(d, n->keys[i], n->items[i]);
		if (err < 0)
			return err;
	}
	return 0;
}

/* Their numbers are places in the file, and stand in flow entries. */
static bool ports_same(const void *running, const void *next)
{
	const struct policy *a = running, *b = next;

	if (a->port_count != b->port_count)
		return false;
	for (unsigned int i = 0; i < a->port_count; i++)
		if (strcmp(a->ports[i].interface, b->ports[i].interface) != 0 ||
		    strcmp(a->ports[i].name, b->ports[i].name) != 0 ||
		    a->ports[i].hook != b->ports[i].hook)
			return false;
	return true;
}

POLICY_SECTION(ports) = {
	.key = "ports",
	.phase = POLICY_NAMES,
	.required = true,
	.read = ports_read,
	POLICY_RESTART(ports_same),
};

static int port_unknown(const struct draft *d, const struct yaml_node *n, const char *name)
{
	const char *names[WEIR_PORTS_MAX], *nearest;

	for (unsigned int i = 0; i < d->policy->port_count; i++)
		names[i] = d->policy->ports[i].name;
	nearest = text_nearest(name, names, d->policy->port_count);
	if (!nearest)
		return draft_error(d, n, "unknown port `%.64s`", name);
	return draft_error(d, n, "unknown port `%.64s`, did you mean `%s`?", name, nearest);
}

/* used: bit i = port i already belongs to an entry. */
static int forward_port_read(struct draft *d, const struct yaml_node *n, struct policy_forward *f,
			     uint32_t *used)
{
	const char *name = NULL;
	int err = yaml_string(d->file, n, "port", &name, d->e);

	if (err < 0)
		return err;
	for (unsigned int i = 0; i < d->policy->port_count; i++) {
		if (strcmp(d->policy->ports[i].name, name) != 0)
			continue;
		if (*used >> i & 1)
			return draft_error(d, n, "port `%s` is already forwarded", name);
		*used |= 1u << i;
		f->ports[f->port_count++] = i;
		return 0;
	}
	return port_unknown(d, n, name);
}

static int forward_bridge_read(struct draft *d, const struct yaml_node *entry,
			       struct policy_forward *f)
{
	const struct yaml_node *n = yaml_get(entry, "bridge");
	const struct policy *p = d->policy;
	int err;

	if (!n)
		return draft_error(d, entry, "forward: `bridge` is missing");
	err = draft_interface(d, n, "bridge", f->bridge);
	if (err < 0)
		return err;
	for (unsigned int i = 0; i < p->forward_count; i++)
		if (strcmp(p->forwards[i].bridge, f->bridge) == 0)
			return draft_error(d, n, "bridge `%s` is already used", f->bridge);
	for (unsigned int i = 0; i < p->port_count; i++)
		if (strcmp(p->ports[i].interface, f->bridge) == 0)
			return draft_error(d, n, "bridge `%s` is also the interface of port `%s`",
					   f->bridge, p->ports[i].name);
	n = yaml_get(entry, "create");
	return n ? yaml_bool(d->file, n, "create", &f->create, d->e) : 0;
}

static int forward_mode_read(struct draft *d, const struct yaml_node *entry,
			     struct policy_forward *f)
{
	const struct yaml_node *n = yaml_get(entry, "mode");
	unsigned int mode = 0;
	int err;

	if (!n)
		return draft_error(d, entry, "forward: `mode` is missing");
	err = draft_choice(d, n, "mode", modes, ARRAY_SIZE(modes), &mode);
	if (err < 0)
		return err;
	if (mode != POLICY_MODE_BRIDGE)
		return draft_error(d, n, "mode `%s` is not yet supported", modes[mode]);
	f->mode = (enum policy_mode)mode;
	return 0;
}

static int forward_read(struct draft *d, const struct yaml_node *entry, uint32_t *used)
{
	static const char *const known[] = {"mode", "bridge", "create", "ports", NULL};
	struct policy_forward *f = &d->policy->forwards[d->policy->forward_count];
	const struct yaml_node *ports;
	int err = draft_mapping(d, entry, "forward", known);

	if (err == 0)
		err = forward_mode_read(d, entry, f);
	if (err == 0)
		err = forward_bridge_read(d, entry, f);
	if (err < 0)
		return err;
	ports = yaml_get(entry, "ports");
	if (!ports)
		return draft_error(d, entry, "forward: `ports` is missing");
	err = draft_list(d, ports, "ports");
	for (size_t i = 0; err == 0 && i < ports->count; i++)
		err = forward_port_read(d, ports->items[i], f, used);
	if (err == 0)
		d->policy->forward_count++;
	return err;
}

static int forwards_read(struct draft *d, const struct yaml_node *n, void *data _unused_)
{
	const struct yaml_node *ports = yaml_get(yaml_root(d->file), "ports");
	uint32_t used = 0;
	/* An entry holds a port that no other holds, so there are never more entries than ports. */
	int err = draft_list(d, n, "forward");

	for (size_t i = 0; err == 0 && i < n->count; i++)
		err = forward_read(d, n->items[i], &used);
	if (err < 0)
		return err;
	for (unsigned int i = 0; i < d->policy->port_count; i++)
		if (!(used >> i & 1))
			return draft_error(d, ports->keys[i], "port `%s` is in no `forward` entry",
					   d->policy->ports[i].name);
	return 0;
}

static bool forward_same(const struct policy_forward *a, const struct policy_forward *b)
{
	return a->mode == b->mode && a->create == b->create && a->port_count == b->port_count &&
	       strcmp(a->bridge, b->bridge) == 0 &&
	       memcmp(a->ports, b->ports, a->port_count * sizeof(a->ports[0])) == 0;
}

static bool forwards_same(const void *running, const void *next)
{
	const struct policy *a = running, *b = next;

	if (a->forward_count != b->forward_count)
		return false;
	for (unsigned int i = 0; i < a->forward_count; i++)
		if (!forward_same(&a->forwards[i], &b->forwards[i]))
			return false;
	return true;
}

POLICY_SECTION(forward) = {
	.key = "forward",
	.required = true,
	.read = forwards_read,
	POLICY_RESTART(forwards_same),
};
