// SPDX-License-Identifier: GPL-2.0-only
/* Any bytes as a policy file: what is accepted must be sound in every table. */
#include "harness.h"
#include "policy/draft.h"

static void check_tables(const struct policy *p)
{
	check(p->class_ids >= 1 && p->class_ids <= WEIR_CLASSES_MAX);
	for (size_t i = 0; i < p->class_count; i++) {
		check(p->classes[i].class < p->class_ids);
		check(p->classes[i].key.prefixlen <= 128);
		check(policy_class(p, p->classes[i].key.addr) < p->class_ids);
	}
	for (unsigned int i = 0; i <= p->rule_count; i++) {
		const struct weir_cell *cell = &p->compiled[i].cell;

		check(cell->action > 0 && cell->action < WEIR_ACTION_COUNT);
		check(cell->rule == (i < p->rule_count ? i : WEIR_RULE_DEFAULT));
	}
	for (uint32_t i = 0; i < 64; i++) {
		const struct weir_subject s = {.from = i % p->class_ids,
					       .to = i * 7 % p->class_ids,
					       .app = i * 31 % WEIR_APPS_MAX,
					       .traits = (uint64_t)i * 0x9e3779b97f4a7c15};

		check(policy_cell(p, &s, i) != NULL);
	}
	for (size_t i = 0; i < p->condition_count; i++)
		check(p->conditions[i].bit < WEIR_USER_TRAITS && p->conditions[i].id);
	policy_user_traits(p, &(struct policy_seen){"a.b-c.example.org", 0xffff, 5});
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct app_registry *r;
	struct policy *p = NULL;
	struct error e = {0};
	int err;

	if (!r) {
		r = registry_with("bittorrent", "p2p");
		check(app_registry_add(r, "http", "web") > 0);
	}
	err = policy_parse("fuzz", (const char *)data, size, r, &p, NULL, &e);
	check((err == 0) == (p != NULL) && (err == 0 || e.text[0]));
	if (p) {
		policy_schedule_apply(p, 1793000000);
		check_tables(p);
	}
	policy_free(p);
	return 0;
}
