// SPDX-License-Identifier: GPL-2.0-only
/* Access to a loaded policy. Not in load.c, because that refers to the table of sections and so
 * links every feature that has one. */
#include "policy/draft.h"

static void sections_free(struct policy *p)
{
	for (size_t i = 0; i < p->section_count; i++) {
		struct policy_data *one = &p->sections[i];

		if (one->data && one->row->fini)
			one->row->fini(one->data);
		free(one->data);
	}
	free(p->sections);
}

static void conditions_free(struct policy *p)
{
	for (size_t i = 0; i < p->condition_count; i++) {
		for (size_t j = 0; j < p->conditions[i].glob_count; j++)
			free(p->conditions[i].globs[j]);
		free(p->conditions[i].globs);
	}
	free(p->conditions);
}

void policy_free(struct policy *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->signature_count; i++)
		free(p->signatures[i]);
	free(p->signatures);
	sections_free(p);
	free(p->path);
	free(p->events_file);
	free(p->rules);
	free(p->taps);
	free(p->classes);
	free(p->sets);
	free(p->compiled);
	free(p->traits);
	free(p->macs);
	conditions_free(p);
	policy_schedules_free(p);
	free(p);
}

const void *policy_section_data(const struct policy *p, const struct policy_section *s)
{
	for (size_t i = 0; i < p->section_count; i++)
		if (p->sections[i].row == s)
			return p->sections[i].data;
	return NULL;
}

const char *policy_rule_name(const struct policy *p, unsigned int rule)
{
	return rule < p->rule_count ? p->rules[rule].name : "default";
}

const char *policy_exit_name(enum weir_exit exit)
{
	static const char *const names[] = {
#define X(id, name, help) [WEIR_EXIT_##id] = name,
		WEIR_EXITS(X)
#undef X
	};

	return (size_t)exit < ARRAY_SIZE(names) ? names[exit] : "?";
}

const char *policy_action_name(enum weir_action a)
{
	static const char *const names[] = {
#define X(id, name, help) [WEIR_ACTION_##id] = name,
		WEIR_ACTIONS(X)
#undef X
	};

	return (size_t)a < ARRAY_SIZE(names) ? names[a] : "?";
}
