// SPDX-License-Identifier: GPL-2.0-only
/* `rules` and `default`. */
#include "policy/draft.h"

static const char *const actions[] = {"pass", "drop", "reset", "pipe"};
static const enum weir_action action_ids[] = {WEIR_ACTION_PASS, WEIR_ACTION_DROP,
					      WEIR_ACTION_RESET};

static int action_read(const struct draft *d, const struct yaml_node *n, const char *what,
		       enum weir_action *out)
{
	unsigned int choice = 0;
	int err = draft_choice(d, n, what, actions, ARRAY_SIZE(actions), &choice);

	if (err < 0)
		return err;
	if (choice >= ARRAY_SIZE(action_ids))
		return draft_error(d, n, "action `%s` is not yet supported", actions[choice]);
	*out = action_ids[choice];
	return 0;
}

static int rule_name_read(struct draft *d, const struct yaml_node *rule, struct policy_rule *out)
{
	const struct yaml_node *n = yaml_get(rule, "name");
	const struct policy *p = d->policy;
	int err;

	if (!n)
		return draft_error(d, rule, "rule: `name` is missing");
	err = draft_name(d, n, "rule name", out->name, sizeof(out->name));
	if (err < 0)
		return err;
	if (strcmp(out->name, "default") == 0)
		return draft_error(d, n, "a rule cannot be called `default`");
	for (unsigned int i = 0; i < p->rule_count; i++)
		if (strcmp(p->rules[i].name, out->name) == 0)
			return draft_error(d, n, "rule `%s` is already defined at line %u",
					   out->name, p->rules[i].line);
	return 0;
}

static int rule_keys_check(const struct draft *d, const struct yaml_node *rule)
{
	static const char *const known[] = {
		"name",	   "application", "confidence", "from", "to",	    "action",
		"pipe",	   "schedule",	  "audit",	"scan", "port",	    "proto",
		"vlan",	   "mac",	  "direction",	"exit", "hostname", "via",
		"anomaly", "midstream",	  "tap",	NULL,
	};
	static const char *const later[] = {"pipe", "audit", "scan"};
	int err = draft_mapping(d, rule, "rule", known);

	for (size_t i = 0; err == 0 && i < ARRAY_SIZE(later); i++)
		err = draft_unsupported(d, rule, later[i]);
	return err;
}

/* The exit of a rule that passes; without the key the wire. LOCAL is nothing that a rule can ask
 * for. */
static int exit_read(const struct draft *d, const struct yaml_node *n, struct policy_rule *rule)
{
	static const char *const exits[] = {"wire", "stack", "shaped"};
	unsigned int choice = WEIR_EXIT_WIRE;
	int err;

	_Static_assert(WEIR_EXIT_STACK == 1 && WEIR_EXIT_SHAPED == 2, "in the order of `exits`");
	if (!n)
		return 0;
	err = draft_choice(d, n, "exit", exits, ARRAY_SIZE(exits), &choice);
	if (err == 0 && rule->action != WEIR_ACTION_PASS)
		return draft_error(d, n, "rule `%s`: `exit` is for `action: pass`", rule->name);
	if (err == 0)
		rule->exit = choice;
	return err;
}

static int rule_read(struct draft *d, const struct yaml_node *n)
{
	struct policy *p = d->policy;
	struct policy_rule *rule = &p->rules[p->rule_count];
	struct draft_rule *draft = &d->rules[p->rule_count];
	const struct yaml_node *action;
	int err = rule_keys_check(d, n);

	if (err == 0)
		err = rule_name_read(d, n, rule);
	if (err < 0)
		return err;
	action = yaml_get(n, "action");
	if (!action)
		return draft_error(d, n, "rule `%s`: `action` is missing", rule->name);
	err = action_read(d, action, "action", &rule->action);
	if (err == 0)
		err = exit_read(d, yaml_get(n, "exit"), rule);
	if (err == 0)
		err = draft_read_tap(d, yaml_get(n, "tap"), rule);
	if (err == 0)
		err = draft_read_conditions(d, n, rule);
	if (err == 0)
		err = draft_read_schedule(d, yaml_get(n, "schedule"), &rule->schedule);
	if (err == 0)
		err = draft_read_side(d, yaml_get(n, "from"), "from", &draft->from);
	if (err == 0)
		err = draft_read_side(d, yaml_get(n, "to"), "to", &draft->to);
	if (err < 0)
		return err;
	draft->node = n;
	draft->application = yaml_get(n, "application");
	rule->line = n->line;
	rule->column = n->column;
	p->rule_count++;
	return 0;
}

static int default_read(struct draft *d, const struct yaml_node *n, void *data _unused_)
{
	d->policy->default_action = WEIR_ACTION_PASS;
	return n ? action_read(d, n, "default", &d->policy->default_action) : 0;
}

POLICY_SECTION(default) = {.key = "default", .read = default_read, POLICY_LIVE};

static int pipes_read(struct draft *d, const struct yaml_node *n, void *data _unused_)
{
	return n ? draft_unsupported(d, yaml_root(d->file), "pipes") : 0;
}

POLICY_SECTION(pipes) = {
	.key = "pipes",
	.phase = POLICY_NAMES,
	.read = pipes_read,
	POLICY_LIVE,
};

static int rules_read(struct draft *d, const struct yaml_node *n, void *data _unused_)
{
	int err = n ? yaml_sequence(d->file, n, "rules", d->e) : 0;

	if (err < 0 || !n || n->count == 0)
		return err;
	if (n->count > WEIR_RULES_MAX)
		return draft_error(d, n->items[WEIR_RULES_MAX], "more than %u rules",
				   WEIR_RULES_MAX);
	d->policy->rules = calloc(n->count, sizeof(*d->policy->rules));
	d->rules = calloc(n->count, sizeof(*d->rules));
	if (!d->policy->rules || !d->rules)
		return draft_memory(d);
	for (size_t i = 0; err == 0 && i < n->count; i++)
		err = rule_read(d, n->items[i]);
	return err;
}

POLICY_SECTION(rules) = {.key = "rules", .read = rules_read, POLICY_LIVE};

/* names has room for WEIR_APPS_MAX; every category once. */
static size_t category_list(const struct app_registry *r, const char **names)
{
	const struct app_info *app;
	size_t count = 0;

	for (unsigned int i = 0; (app = app_registry_get(r, i)); i++) {
		bool known = !app->category[0];

		for (size_t j = 0; !known && j < count; j++)
			known = strcmp(names[j], app->category) == 0;
		if (!known)
			names[count++] = app->category;
	}
	return count;
}

static size_t application_list(const struct app_registry *r, const char **names)
{
	const struct app_info *app;
	size_t count = 0;

	while ((app = app_registry_get(r, (unsigned int)count)))
		names[count++] = app->name;
	return count;
}

static int name_unknown(const struct draft *d, const struct yaml_node *n, const char *kind,
			const char *name, const char *const *names, size_t count)
{
	const char *nearest = text_nearest(name, names, count);

	if (!nearest)
		return draft_error(d, n, "unknown %s `%.64s`", kind, name);
	return draft_error(d, n, "unknown %s `%.64s`, did you mean `%s`?", kind, name, nearest);
}

static int category_resolve(const struct draft *d, const struct yaml_node *n, const char *name,
			    const struct app_registry *r, struct bits *apps)
{
	const char *names[WEIR_APPS_MAX];
	const struct app_info *app;
	bool found = false;

	for (unsigned int i = 0; (app = app_registry_get(r, i)); i++) {
		if (!name[0] || strcmp(app->category, name) != 0)
			continue;
		bits_set(apps, i);
		found = true;
	}
	if (found)
		return 0;
	return name_unknown(d, n, "category", name, names, category_list(r, names));
}

static int application_resolve(const struct draft *d, const struct yaml_node *n,
			       const struct app_registry *r, struct bits *apps)
{
	const char *names[WEIR_APPS_MAX], *text = NULL;
	int app, err = yaml_string(d->file, n, "application", &text, d->e);

	if (err < 0)
		return err;
	if (strcmp(text, "any") == 0) {
		bits_fill(apps);
		return 0;
	}
	if (strncmp(text, "category:", 9) == 0)
		return category_resolve(d, n, text + 9, r, apps);
	app = app_registry_find(r, text);
	if (app < 0)
		return name_unknown(d, n, "application", text, names, application_list(r, names));
	bits_set(apps, (unsigned int)app);
	return 0;
}

static int rule_resolve(const struct draft *d, struct draft_rule *rule,
			const struct app_registry *r)
{
	const struct yaml_node *n = rule->application;
	int err;

	memset(&rule->apps, 0, sizeof(rule->apps));
	if (!n) {
		bits_fill(&rule->apps);
		return 0;
	}
	if (n->kind == YAML_SCALAR)
		return application_resolve(d, n, r, &rule->apps);
	err = draft_list(d, n, "application");
	for (size_t i = 0; err == 0 && i < n->count; i++)
		err = application_resolve(d, n->items[i], r, &rule->apps);
	return err;
}

int draft_resolve(struct draft *d, const struct app_registry *r)
{
	int err = 0;

	for (unsigned int i = 0; err == 0 && i < d->policy->rule_count; i++)
		err = rule_resolve(d, &d->rules[i], r);
	return err;
}
