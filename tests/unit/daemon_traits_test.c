// SPDX-License-Identifier: GPL-2.0-only
/* Conditions of rules that the daemon judges for flows that no worker reads any more. */
#include "daemon_fixture.h"

#include "daemon/daemon_private.h"
#include "policy/draft.h"

static struct policy *parse(const char *rules)
{
	struct app_registry *r = app_registry_new();
	struct policy *p = NULL;
	struct error e = {0};
	char text[2048];

	snprintf(text, sizeof(text),
		 "version: 1\nports: { lan: { interface: eth1 } }\n"
		 "forward: [ { mode: bridge, bridge: br0, ports: [lan] } ]\n%s",
		 rules);
	if (policy_parse("p", text, strlen(text), r, &p, NULL, &e) < 0)
		fail_msg("%s", e.text);
	app_registry_free(r);
	return p;
}

static struct weir_flow *flow_decided(struct fixture *f, uint64_t id, uint32_t traits)
{
	struct weir_flow *flow = &f->gate.flows[true][f->gate.flow_count[true]++];

	*flow = (struct weir_flow){.id = id,
				   .app = 7,
				   .confidence = 88,
				   .payloads = 2,
				   .action = WEIR_ACTION_PASS,
				   .traits = (uint64_t)traits << WEIR_GATE_TRAITS | 5};
	return flow;
}

static void the_name_is_judged_by_the_next_policy(void **state)
{
	struct fixture *f = *state;
	struct policy *p =
		parse("rules: [ { name: a, hostname: \"*.example.org\", action: drop } ]\n");
	struct error e = {0};
	uint32_t changed = 0;

	f->w.hostnames = hostnames_new(64);
	hostnames_put(f->w.hostnames, 70, "www.Example.org", FLOW_NAME_SNI);
	hostnames_put(f->w.hostnames, 71, "other.test", FLOW_NAME_SNI);
	flow_decided(f, 71, 0);
	flow_decided(f, 70, 0)->flags = WEIR_FLOW_ASKED_INSPECT;
	flow_decided(f, 72, 0);
	f->gate.trait_ids[0] = 1;
	assert_int_equal(traits_number(&f->w, p, &changed, &e), 0);
	assert_int_equal(changed, 2);
	traits_tell(&f->w, p, changed);
	assert_int_equal(f->gate.verdict_of, 70);
	assert_int_equal(f->gate.verdict.traits, 2);
	assert_int_equal(f->gate.verdict.app, 7);
	assert_int_equal(f->gate.verdict.confidence, 88);
	assert_int_equal(f->gate.verdict.payloads, 2);
	assert_int_equal(f->gate.verdict.flags, WEIR_IDENTIFIED_INSPECT);
	/* Once is enough. */
	f->gate.verdict.app = 9;
	traits_tell(&f->w, p, 0);
	assert_int_equal(f->gate.verdict.app, 9);
	hostnames_free(f->w.hostnames);
	policy_free(p);
}

static void a_bit_with_another_meaning_is_taken_back(void **state)
{
	struct fixture *f = *state;
	struct policy *p = parse("rules: [ { name: a, hostname: new, action: drop } ]\n");

	f->w.hostnames = hostnames_new(64);
	flow_decided(f, 70, 1 | 4);
	traits_tell(&f->w, p, 1);
	assert_int_equal(f->gate.verdict_of, 70);
	assert_int_equal(f->gate.verdict.traits, 4);
	hostnames_free(f->w.hostnames);
	policy_free(p);
}

/* A worker that had not taken the policy yet told of the flow too little. */
static void a_late_name_is_judged_when_it_comes(void **state)
{
	struct fixture *f = *state;
	struct policy *p = parse("rules: [ { name: a, hostname: [new, x], action: drop } ]\n");

	f->w.policy = p;
	f->gate.verdict_of = 70;
	f->gate.verdict = (struct weir_identification){.app = 3, .traits = 8};
	assert_false(traits_of_name(&f->w, 70, "old"));
	assert_false(traits_of_name(&f->w, 71, "new"));
	assert_true(traits_of_name(&f->w, 70, "new"));
	assert_int_equal(f->gate.verdict.traits, 9);
	assert_int_equal(f->gate.verdict.app, 3);
	assert_false(traits_of_name(&f->w, 70, "new"));
	policy_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_name_is_judged_by_the_next_policy, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_bit_with_another_meaning_is_taken_back, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_late_name_is_judged_when_it_comes, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
