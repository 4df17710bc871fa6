// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "cli/table.h"
#include "cli/verb.h"
#include "policy/policy.h"

int cli_policy_check(const struct call *c)
{
	struct app_registry *r = app_registry_new();
	struct signatures *s = NULL;
	struct policy *p = NULL;
	struct error e = {0};
	int err;

	if (!r)
		return cli_fail(&(struct error){"out of memory"});
	err = policy_load(c->args[0], r, &p, &s, stderr, &e);
	if (err < 0)
		/* As a compiler says it, so that an editor finds the place. */
		fprintf(stderr, "%s\n", e.text);
	else
		printf("%s: ok, %u ports, %u rules, %u applications, default %s\n", c->args[0],
		       p->port_count, p->rule_count, app_registry_count(r),
		       policy_action_name(p->default_action));
	policy_free(p);
	signatures_free(s);
	app_registry_free(r);
	return err < 0 ? CLI_FAILED : CLI_DONE;
}

int cli_policy_load(const struct call *c)
{
	/* The daemon has another working folder. */
	_cleanup_free_ char *path = realpath(c->args[0], NULL);
	json_auto_t *data = NULL;
	int status;

	if (!path) {
		struct error e = {0};

		error_set(&e, -errno, "%s: %s", c->args[0], strerror(errno));
		return cli_fail(&e);
	}
	status = cli_ask(c, "load", json_pack("{s:s}", "path", path), &data);
	if (status == CLI_DONE)
		printf("%s: loaded, generation %lld, %lld rules\n", json_text(data, "path"),
		       (long long)json_number(data, "generation"),
		       (long long)json_number(data, "rules"));
	return status;
}

void show_policy(const json_t *p, FILE *out)
{
	static const char *const headers[] = {"RULE", "ACTION", ">HITS", ">LINE", "SCHEDULE", NULL};
	struct table *t = table_new(headers);
	const json_t *rule;
	size_t i;

	fprintf(out, "%s, generation %lld (%lld loaded since start, %lld failed)\n",
		json_text(p, "path"), (long long)json_number(p, "generation"),
		(long long)json_number(p, "loads_ok"), (long long)json_number(p, "loads_failed"));
	fprintf(out,
		"on failure %s, on overload %s, tunnels %s; %lld address classes from %lld "
		"prefixes\n\n",
		json_text(p, "on_failure"), json_text(p, "on_overload"), json_text(p, "tunnels"),
		(long long)json_number(p, "classes"), (long long)json_number(p, "prefixes"));
	json_array_foreach(json_object_get(p, "rules"), i, rule)
	{
		table_cell(t, "%s", json_text(rule, "name"));
		table_cell(t, "%s", json_text(rule, "action"));
		table_cell(t, "%lld", (long long)json_number(rule, "hits"));
		table_cell(t, "%lld", (long long)json_number(rule, "line"));
		table_cell(t, "%s%s", json_text(rule, "schedule"),
			   json_is_false(json_object_get(rule, "active")) ? " (inactive now)" : "");
	}
	table_cell(t, "default");
	table_cell(t, "%s", json_text(p, "default"));
	table_cell(t, "%lld", (long long)json_number(p, "default_hits"));
	table_cell(t, "-");
	table_cell(t, "%s", "");
	table_print(t, out);
	table_free(t);
}

int cli_policy_show(const struct call *c)
{
	return cli_list(c, "policy", NULL, show_policy);
}
