// SPDX-License-Identifier: GPL-2.0-only
/* Any bytes as a policy file: what is accepted must be sound in every table. */
#include "harness.h"
#include "policy/draft.h"

static void check_tables(const struct policy *p)
{
	check(p->class_ids >= 1 && p->class_ids <= WEIR_CLASSES_MAX);
	for (uint32_t i = 0; i < p->class_ids * p->class_ids; i++)
		check(p->rows[i] < p->row_count);
	for (size_t i = 0; i < p->class_count; i++) {
		check(p->classes[i].class < p->class_ids);
		check(p->classes[i].key.prefixlen <= 128);
		check(policy_class(p, p->classes[i].key.addr) < p->class_ids);
	}
	for (size_t i = 0; i < (size_t)p->row_count * WEIR_APPS_MAX; i++) {
		check(p->cells[i].action > 0 && p->cells[i].action < WEIR_ACTION_COUNT);
		check(p->cells[i].rule < p->rule_count || p->cells[i].rule == WEIR_RULE_DEFAULT);
	}
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
	if (p)
		check_tables(p);
	policy_free(p);
	return 0;
}
