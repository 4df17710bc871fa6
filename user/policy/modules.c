// SPDX-License-Identifier: GPL-2.0-only
/* Application modules by name: all are on that the file does not disable. */
#include "app/app.h"
#include "policy/draft.h"

static int module_unknown(const struct draft *d, const struct yaml_node *n, const char *name)
{
	const struct app_module *const *modules = app_modules();
	const char *names[APP_MODULES_MAX];
	const char *nearest;
	size_t count = 0;

	for (; modules[count]; count++)
		names[count] = modules[count]->name;
	nearest = text_nearest(name, names, count);
	if (nearest)
		return draft_error(d, n, "disable: no module `%.64s`, did you mean `%s`?", name,
				   nearest);
	return draft_error(d, n, "disable: no module `%.64s` (`weir modules` lists them)", name);
}

static int module_disable(struct draft *d, const struct yaml_node *n)
{
	const struct app_module *const *modules = app_modules();
	const char *name = NULL;
	int err = yaml_string(d->file, n, "disable", &name, d->e);

	if (err < 0)
		return err;
	for (unsigned int i = 0; modules[i]; i++) {
		if (strcmp(modules[i]->name, name) == 0) {
			d->policy->modules_off |= 1u << i;
			return 0;
		}
	}
	return module_unknown(d, n, name);
}

static int modules_read(struct draft *d, const struct yaml_node *n, void *data _unused_)
{
	static const char *const known[] = {"disable", NULL};
	const struct yaml_node *list = yaml_get(n, "disable");
	int err = n ? draft_mapping(d, n, "modules", known) : 0;

	if (err < 0 || !list)
		return err;
	if (list->kind != YAML_SEQUENCE)
		return draft_error(d, list, "disable: expected a list");
	for (size_t i = 0; err == 0 && i < list->count; i++)
		err = module_disable(d, list->items[i]);
	return err;
}

POLICY_SECTION(modules) = {.key = "modules", .read = modules_read, POLICY_LIVE};
