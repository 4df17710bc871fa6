// SPDX-License-Identifier: GPL-2.0-only
/* `groups`, and the `from` and `to` of rules: names and prefixes to atoms. */
#include "policy/draft.h"

static int prefix_add(struct draft *d, const struct yaml_node *n, uint32_t atom,
		      const struct weir_class_key *key)
{
	if (d->prefix_count == DRAFT_PREFIXES_MAX)
		return draft_error(d, n, "more than %u prefixes", DRAFT_PREFIXES_MAX);
	if (d->prefix_count == d->prefix_room) {
		size_t room = d->prefix_room ? d->prefix_room * 2 : 64;
		void *bigger = reallocarray(d->prefixes, room, sizeof(*d->prefixes));

		if (!bigger)
			return draft_memory(d);
		d->prefixes = bigger;
		d->prefix_room = room;
	}
	d->prefixes[d->prefix_count++] = (struct draft_prefix){.key = *key, .atom = atom};
	return 0;
}

static int atom_add(struct draft *d, const struct yaml_node *n, const struct draft_atom *atom)
{
	if (d->atom_count == DRAFT_ATOMS_MAX)
		return draft_error(d, n, "more than %u groups and prefixes in rules",
				   DRAFT_ATOMS_MAX);
	d->atoms[d->atom_count++] = *atom;
	return 0;
}

/* Why the text is no prefix: usually a host's address with a network's length. */
static int prefix_refuse(const struct draft *d, const struct yaml_node *n, const char *text)
{
	char host[ADDRESS_TEXT_MAX];
	size_t len = strcspn(text, "/");
	uint32_t addr[4];
	unsigned int bits;

	snprintf(host, sizeof(host), "%.*s", (int)(len < sizeof(host) ? len : 0), text);
	if (!text[len] || address_parse(host, addr) < 0)
		return draft_error(d, n, "`%.64s` is not a prefix", text);
	/* The same length must do for the all-zero address when only the host part is wrong. */
	snprintf(host, sizeof(host), "%s%.8s", strchr(host, ':') ? "::" : "0.0.0.0", text + len);
	if (prefix_parse(host, addr, &bits) < 0)
		return draft_error(d, n, "`%.64s` is not a prefix: wrong length", text);
	return draft_error(d, n, "`%.64s` is not a prefix: address bits are set beyond its length",
			   text);
}

static int prefix_read(struct draft *d, const struct yaml_node *n, const char *what,
		       struct weir_class_key *key)
{
	const char *text = NULL;
	unsigned int bits = 0;
	int err = yaml_string(d->file, n, what, &text, d->e);

	if (err < 0)
		return err;
	if (prefix_parse(text, key->addr, &bits) < 0)
		return prefix_refuse(d, n, text);
	key->prefixlen = bits;
	return 0;
}

static int group_read(struct draft *d, const struct yaml_node *key, const struct yaml_node *n)
{
	char name[WEIR_APP_NAME_LEN], what[WEIR_APP_NAME_LEN + 16];
	struct weir_class_key prefix;
	uint32_t addr[4];
	int err = draft_name(d, key, "group name", name, sizeof(name));

	if (err < 0)
		return err;
	if (strcmp(name, "any") == 0 || address_parse(name, addr) == 0)
		return draft_error(d, key, "a group cannot be called `%s`", name);
	snprintf(what, sizeof(what), "group `%s`", name);
	err = draft_list(d, n, what);
	if (err == 0)
		err = atom_add(d, key, &(struct draft_atom){.group = key->text});
	for (size_t i = 0; err == 0 && i < n->count; i++) {
		err = prefix_read(d, n->items[i], what, &prefix);
		if (err == 0)
			err = prefix_add(d, n->items[i], (uint32_t)d->atom_count - 1, &prefix);
	}
	return err;
}

static int groups_read(struct draft *d, const struct yaml_node *n, void *data _unused_)
{
	int err = n ? yaml_mapping(d->file, n, "groups", d->e) : 0;

	d->atoms = calloc(DRAFT_ATOMS_MAX, sizeof(*d->atoms));
	if (!d->atoms)
		return draft_memory(d);
	for (size_t i = 0; n && err == 0 && i < n->count; i++)
		err = group_read(d, n->keys[i], n->items[i]);
	return err;
}

POLICY_SECTION(groups) = {
	.key = "groups",
	.phase = POLICY_NAMES,
	.read = groups_read,
	POLICY_LIVE,
};

static int group_find(const struct draft *d, const char *name)
{
	for (size_t i = 0; i < d->atom_count; i++)
		if (d->atoms[i].group && strcmp(d->atoms[i].group, name) == 0)
			return (int)i;
	return -ENOENT;
}

static int group_unknown(const struct draft *d, const struct yaml_node *n, const char *name)
{
	_cleanup_free_ const char **names = calloc(d->atom_count + 1, sizeof(*names));
	const char *nearest = NULL;
	size_t count = 0;

	if (!names)
		return draft_memory(d);
	for (size_t i = 0; i < d->atom_count; i++)
		if (d->atoms[i].group)
			names[count++] = d->atoms[i].group;
	nearest = text_nearest(name, names, count);
	if (!nearest)
		return draft_error(d, n, "unknown group `%.64s`", name);
	return draft_error(d, n, "unknown group `%.64s`, did you mean `%s`?", name, nearest);
}

/* A prefix written in a rule: the atom it has, or a new one. */
static int literal_read(struct draft *d, const struct yaml_node *n, const char *what,
			unsigned int *atom)
{
	struct draft_atom literal = {.group = NULL};
	int err = prefix_read(d, n, what, &literal.key);

	if (err < 0)
		return err;
	for (size_t i = 0; i < d->atom_count; i++) {
		if (d->atoms[i].group ||
		    memcmp(&d->atoms[i].key, &literal.key, sizeof(literal.key)))
			continue;
		*atom = (unsigned int)i;
		return 0;
	}
	err = atom_add(d, n, &literal);
	if (err == 0)
		err = prefix_add(d, n, (uint32_t)d->atom_count - 1, &literal.key);
	if (err == 0)
		*atom = (unsigned int)d->atom_count - 1;
	return err;
}

static int side_item_read(struct draft *d, const struct yaml_node *n, const char *what,
			  struct draft_side *out)
{
	const char *text = NULL;
	unsigned int atom = 0;
	int found, err = yaml_string(d->file, n, what, &text, d->e);

	if (err < 0)
		return err;
	if (strcmp(text, "any") == 0) {
		out->any = true;
		return 0;
	}
	found = group_find(d, text);
	if (found >= 0)
		atom = (unsigned int)found;
	else if (strpbrk(text, "/:") || (text[0] >= '0' && text[0] <= '9'))
		err = literal_read(d, n, what, &atom);
	else
		err = group_unknown(d, n, text);
	if (err == 0)
		bits_set(&out->atoms, atom);
	return err;
}

int draft_read_side(struct draft *d, const struct yaml_node *n, const char *what,
		    struct draft_side *out)
{
	int err;

	if (!n) {
		out->any = true;
		return 0;
	}
	if (n->kind == YAML_SCALAR)
		return side_item_read(d, n, what, out);
	err = draft_list(d, n, what);
	for (size_t i = 0; err == 0 && i < n->count; i++)
		err = side_item_read(d, n->items[i], what, out);
	return err;
}
