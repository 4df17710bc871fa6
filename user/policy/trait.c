// SPDX-License-Identifier: GPL-2.0-only
/*
 * Conditions that the gate judges: `port`, `proto`, `vlan`, `mac`, `direction`, `midstream` and
 * `confidence`. Each is a set of values of one table (include/weir/rules.h) or a list of link-layer
 * addresses, and has a bit; two rules that say the same share it.
 */
#include <ctype.h>
#include <netinet/in.h>

#include "policy/draft.h"

#define MAC_BITS 48

/* In the order of enum weir_trait_table. */
static const struct {
	unsigned int at, values;
} tables[] = {
#define X(id, first, values) {first, values},
	WEIR_TRAIT_TABLES(X)
#undef X
};

static void trait_free(struct draft_trait *t)
{
	free(t->set);
	free(t->macs);
	*t = (struct draft_trait){0};
}

void draft_traits_free(struct draft *d)
{
	for (size_t i = 0; i < d->trait_count; i++)
		trait_free(&d->traits[i]);
	d->trait_count = 0;
}

static size_t set_bytes(const struct draft_trait *t)
{
	return (tables[t->table].values + 63) / 64 * sizeof(uint64_t);
}

static bool trait_has(const struct draft_trait *t, unsigned int value)
{
	return t->set[value / 64] >> (value % 64) & 1;
}

static void trait_add(struct draft_trait *t, unsigned int from, unsigned int to)
{
	for (unsigned int value = from; value <= to; value++)
		t->set[value / 64] |= 1ULL << (value % 64);
}

static int trait_new(const struct draft *d, int table, struct draft_trait *t)
{
	*t = (struct draft_trait){.table = table};
	if (table < 0)
		return 0;
	t->set = calloc(1, set_bytes(t));
	return t->set ? 0 : draft_memory(d);
}

static bool mac_contains(const struct weir_mac_trait_key *outer,
			 const struct weir_mac_trait_key *inner)
{
	unsigned int whole = outer->prefixlen / 8, rest = outer->prefixlen % 8;

	if (outer->prefixlen > inner->prefixlen || memcmp(outer->mac, inner->mac, whole))
		return false;
	return !rest || (outer->mac[whole] ^ inner->mac[whole]) >> (8 - rest) == 0;
}

static bool macs_cover(const struct draft_trait *a, const struct draft_trait *b)
{
	for (size_t i = 0; i < b->mac_count; i++) {
		bool covered = false;

		for (size_t j = 0; j < a->mac_count && !covered; j++)
			covered = mac_contains(&a->macs[j], &b->macs[i]);
		if (!covered)
			return false;
	}
	return true;
}

/* Whether whatever meets b meets a. */
static bool trait_covers(const struct draft_trait *a, const struct draft_trait *b)
{
	if (a->table != b->table)
		return false;
	if (a->table < 0)
		return macs_cover(a, b);
	for (size_t i = 0; i < set_bytes(a) / sizeof(uint64_t); i++)
		if (b->set[i] & ~a->set[i])
			return false;
	return true;
}

/* Takes over *t: a bit that says the same, or a new one. */
static int trait_take(struct draft *d, const struct yaml_node *n, struct draft_trait *t,
		      struct policy_rule *rule)
{
	for (size_t i = 0; i < d->trait_count; i++) {
		if (!trait_covers(&d->traits[i], t) || !trait_covers(t, &d->traits[i]))
			continue;
		rule->traits |= 1u << i;
		trait_free(t);
		return 0;
	}
	if (d->trait_count == WEIR_GATE_TRAITS) {
		trait_free(t);
		return draft_error(d, n,
				   "rules: more than %u different conditions by port, proto, vlan, "
				   "mac, direction, midstream and confidence",
				   WEIR_GATE_TRAITS);
	}
	d->mac_count += t->mac_count;
	rule->traits |= 1u << d->trait_count;
	d->traits[d->trait_count++] = *t;
	return 0;
}

/* "80" or "6881-6889". */
static bool range_parse(const char *text, unsigned long min, unsigned long max, unsigned long *from,
			unsigned long *to)
{
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	*from = *to = strtoul(text, &end, 10);
	if (*end == '-' && isdigit((unsigned char)end[1]))
		*to = strtoul(end + 1, &end, 10);
	return !*end && *from >= min && *to <= max && *from <= *to;
}

static int range_read(struct draft *d, const struct yaml_node *n, const char *key,
		      unsigned long min, unsigned long max, struct draft_trait *t)
{
	unsigned long from, to;
	const char *text = NULL;
	int err = yaml_string(d->file, n, key, &text, d->e);

	if (err < 0)
		return err;
	if (!range_parse(text, min, max, &from, &to))
		return draft_error(
			d, n,
			"%s: expected a number from %lu to %lu or a range of them, found `%.64s`",
			key, min, max, text);
	trait_add(t, (unsigned int)from, (unsigned int)to);
	return 0;
}

static int port_read(struct draft *d, const struct yaml_node *n, struct draft_trait *t)
{
	return range_read(d, n, "port", 1, 65535, t);
}

static int vlan_read(struct draft *d, const struct yaml_node *n, struct draft_trait *t)
{
	return range_read(d, n, "vlan", 0, 4094, t);
}

static int proto_read(struct draft *d, const struct yaml_node *n, struct draft_trait *t)
{
	static const struct {
		const char *name;
		uint8_t proto, other;
	} names[] = {
		{"tcp", IPPROTO_TCP, IPPROTO_TCP},	{"udp", IPPROTO_UDP, IPPROTO_UDP},
		{"icmp", IPPROTO_ICMP, IPPROTO_ICMPV6}, {"sctp", IPPROTO_SCTP, IPPROTO_SCTP},
		{"gre", IPPROTO_GRE, IPPROTO_GRE},	{"esp", IPPROTO_ESP, IPPROTO_ESP},
	};
	unsigned long from, to;
	const char *text = NULL;
	int err = yaml_string(d->file, n, "proto", &text, d->e);

	if (err < 0)
		return err;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		if (strcmp(names[i].name, text) != 0)
			continue;
		trait_add(t, names[i].proto, names[i].proto);
		trait_add(t, names[i].other, names[i].other);
		return 0;
	}
	if (!range_parse(text, 0, 255, &from, &to) || from != to)
		return draft_error(
			d, n,
			"proto: expected tcp, udp, icmp, sctp, gre, esp or a number from "
			"0 to 255, found `%.64s`",
			text);
	trait_add(t, (unsigned int)from, (unsigned int)to);
	return 0;
}

static int direction_read(struct draft *d, const struct yaml_node *n, struct draft_trait *t)
{
	const struct policy *p = d->policy;
	const char *names[WEIR_PORTS_MAX], *nearest, *text = NULL;
	int err = yaml_string(d->file, n, "direction", &text, d->e);

	if (err < 0)
		return err;
	for (unsigned int i = 0; i < p->port_count; i++) {
		names[i] = p->ports[i].name;
		if (strcmp(text, names[i]) != 0)
			continue;
		/* Port number 0 stands for "no port of ours". */
		trait_add(t, i + 1, i + 1);
		return 0;
	}
	nearest = text_nearest(text, names, p->port_count);
	if (!nearest)
		return draft_error(d, n, "direction: no port `%.64s`", text);
	return draft_error(d, n, "direction: no port `%.64s`, did you mean `%s`?", text, nearest);
}

/* "02:11:22:33:44:55" or "02:11:22:00:00:00/24". */
static bool mac_parse(const char *text, struct weir_mac_trait_key *out)
{
	unsigned long bits = MAC_BITS;
	char *end;

	*out = (struct weir_mac_trait_key){0};
	for (unsigned int i = 0; i < sizeof(out->mac); i++) {
		int byte = hex_byte(text);

		if (byte < 0)
			return false;
		out->mac[i] = (uint8_t)byte;
		text += 2;
		if (i + 1 < sizeof(out->mac) && *text++ != ':')
			return false;
	}
	if (*text == '/' && isdigit((unsigned char)text[1])) {
		bits = strtoul(text + 1, &end, 10);
		text = end;
	}
	if (*text || bits < 1 || bits > MAC_BITS)
		return false;
	for (unsigned long bit = bits; bit < MAC_BITS; bit++)
		if (out->mac[bit / 8] & 0x80 >> (bit % 8))
			return false;
	out->prefixlen = (uint32_t)bits;
	return true;
}

static int mac_read(struct draft *d, const struct yaml_node *n, struct draft_trait *t)
{
	struct weir_mac_trait_key key;
	const char *text = NULL;
	void *bigger;
	int err = yaml_string(d->file, n, "mac", &text, d->e);

	if (err < 0)
		return err;
	if (!mac_parse(text, &key))
		return draft_error(d, n,
				   "mac: expected an address as 02:11:22:33:44:55 or a prefix as "
				   "02:11:22:00:00:00/24 without bits beyond its length, found "
				   "`%.64s`",
				   text);
	if (d->mac_count + t->mac_count == DRAFT_MACS_MAX)
		return draft_error(d, n, "mac: more than %u addresses", DRAFT_MACS_MAX);
	bigger = reallocarray(t->macs, t->mac_count + 1, sizeof(*t->macs));
	if (!bigger)
		return draft_memory(d);
	t->macs = bigger;
	t->macs[t->mac_count++] = key;
	return 0;
}

static int midstream_read(struct draft *d, const struct yaml_node *n, struct draft_trait *t)
{
	static const char *const choices[] = {"no", "yes"};
	unsigned int choice = 0;
	int err = draft_choice(d, n, "midstream", choices, ARRAY_SIZE(choices), &choice);

	if (err == 0)
		trait_add(t, choice, choice);
	return err;
}

/* How sure the answer has to be. */
static int confidence_read(struct draft *d, const struct yaml_node *n, struct draft_trait *t)
{
	unsigned long value = 0;
	int err = yaml_uint(d->file, n, "confidence", 1, 100, &value, d->e);

	if (err == 0)
		trait_add(t, (unsigned int)value, 100);
	return err;
}

static const struct trait_key {
	const char *key;
	int table;
	bool list; /* may be one */
	int (*read)(struct draft *, const struct yaml_node *, struct draft_trait *);
} keys[] = {
	{"port", WEIR_TRAITS_PORT, true, port_read},
	{"proto", WEIR_TRAITS_PROTO, true, proto_read},
	{"vlan", WEIR_TRAITS_VLAN, true, vlan_read},
	{"mac", -1, true, mac_read},
	{"direction", WEIR_TRAITS_IN_PORT, true, direction_read},
	{"midstream", WEIR_TRAITS_MIDSTREAM, false, midstream_read},
	{"confidence", WEIR_TRAITS_CONFIDENCE, false, confidence_read},
};

static int key_read(struct draft *d, const struct yaml_node *n, const struct trait_key *k,
		    struct policy_rule *rule)
{
	struct draft_trait t;
	int err = trait_new(d, k->table, &t);

	if (err < 0)
		return err;
	if (n->kind == YAML_SCALAR || !k->list) {
		err = k->read(d, n, &t);
	} else {
		err = draft_list(d, n, k->key);
		for (size_t i = 0; err == 0 && i < n->count; i++)
			err = k->read(d, n->items[i], &t);
	}
	if (err == 0)
		return trait_take(d, n, &t, rule);
	trait_free(&t);
	return err;
}

int draft_read_conditions(struct draft *d, const struct yaml_node *rule, struct policy_rule *out)
{
	int err = 0;

	for (size_t i = 0; err == 0 && i < ARRAY_SIZE(keys); i++) {
		const struct yaml_node *n = yaml_get(rule, keys[i].key);

		if (n)
			err = key_read(d, n, &keys[i], out);
	}
	return err < 0 ? err : draft_read_user_conditions(d, rule, out);
}

/* The array ends behind the last value that gives a trait. */
static int tables_make(struct draft *d)
{
	struct policy *p = d->policy;
	uint32_t *all = calloc(WEIR_TRAITS_MAX, sizeof(*all)), *cut;

	if (!all)
		return draft_memory(d);
	p->trait_count = 0;
	p->trait_conditions = (uint32_t)d->trait_count;
	for (size_t i = 0; i < d->trait_count; i++) {
		const struct draft_trait *t = &d->traits[i];

		for (unsigned int value = 0; t->table >= 0 && value < tables[t->table].values;
		     value++) {
			unsigned int at = tables[t->table].at + value;

			if (!trait_has(t, value))
				continue;
			all[at] |= 1u << i;
			if (at >= p->trait_count)
				p->trait_count = at + 1;
		}
	}
	cut = reallocarray(all, p->trait_count + 1, sizeof(*all));
	free(p->traits);
	p->traits = cut ? cut : all;
	return 0;
}

/* The kernel finds the longest prefix alone, so each has what those around it say. */
static int macs_make(struct draft *d)
{
	struct policy *p = d->policy;

	free(p->macs);
	p->mac_count = 0;
	p->macs = calloc(d->mac_count + 1, sizeof(*p->macs));
	if (!p->macs)
		return draft_memory(d);
	for (size_t i = 0; i < d->trait_count; i++)
		for (size_t j = 0; j < d->traits[i].mac_count; j++)
			p->macs[p->mac_count++].key = d->traits[i].macs[j];
	for (size_t m = 0; m < p->mac_count; m++)
		for (size_t i = 0; i < d->trait_count; i++)
			for (size_t j = 0; j < d->traits[i].mac_count; j++)
				if (mac_contains(&d->traits[i].macs[j], &p->macs[m].key))
					p->macs[m].traits |= 1u << i;
	return 0;
}

int draft_compile_traits(struct draft *d)
{
	int err = tables_make(d);

	for (size_t i = 0; i < d->trait_count; i++)
		for (size_t j = 0; j < d->trait_count; j++)
			if (trait_covers(&d->traits[j], &d->traits[i]))
				d->traits[i].implied |= 1u << j;
	return err < 0 ? err : macs_make(d);
}
