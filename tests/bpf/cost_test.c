// SPDX-License-Identifier: GPL-2.0-only
/* What the gate costs: nanoseconds of a cached frame, and the verifier's work. */
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "account.skel.h"
#include "baseline.skel.h"
#include "bpf/rig.h"
#include "gate.skel.h"
#include "queue.skel.h"
#include "sweep.skel.h"

#define REPEAT	  50000
#define ROUNDS	  30
#define BUDGET_NS 60 /* a cached pass over reading the frame and one lookup */

static void run_ns(int prog, const struct built *frame, uint32_t action, uint32_t *best)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->data, .data_size_in = frame->len,
		    .repeat = REPEAT);

	assert_int_equal(bpf_prog_test_run_opts(prog, &opts), 0);
	assert_int_equal(opts.retval, action);
	if (opts.duration < *best)
		*best = opts.duration;
}

/* The best of many short rounds in turn: other work on the machine only ever adds. */
static void compare(const struct rig *r, const struct shape *s)
{
	struct baseline_bpf *base = baseline_bpf__open_and_load();
	uint32_t base_ns = UINT32_MAX, gate_ns = UINT32_MAX;
	struct weir_flow_key key;
	struct weir_flow flow = {};
	struct built frame;

	assert_non_null(base);
	shape_build(s, &frame);
	shape_key(s, &key, NULL);
	assert_int_equal(bpf_map_update_elem(bpf_map__fd(base->maps.flows), &key, &flow, 0), 0);
	for (int i = 0; i < ROUNDS; i++) {
		run_ns(bpf_program__fd(base->progs.baseline), &frame, XDP_PASS, &base_ns);
		run_ns(rig_prog(r), &frame, XDP_REDIRECT, &gate_ns);
	}
	baseline_bpf__destroy(base);
	printf("cached pass, %s: %u ns; reading and one lookup: %u ns\n", s->name, gate_ns,
	       base_ns);
	assert_true(gate_ns <= base_ns + BUDGET_NS);
}

static void cached_pass(void **state)
{
	const struct shape shapes[] = {{.name = "ipv4", .payload = 10},
				       {.name = "ipv6", .ip = 6, .payload = 10}};
	struct rig *r = *state;

	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		rig_identify(r, &shapes[i], RIG_WEB);
		/* The other direction first, so that its port is known and the last is this. */
		SEND(r, REDIRECTED, .ip = shapes[i].ip, BACK);
		SEND(r, REDIRECTED, .ip = shapes[i].ip, .payload = 10);
		compare(r, &shapes[i]);
	}
}

static unsigned int verified(const char *object, const struct bpf_program *prog)
{
	struct bpf_prog_info info = {};
	uint32_t len = sizeof(info);

	assert_int_equal(bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len), 0);
	printf("%s %s: %u instructions, %u verified\n", object, bpf_program__name(prog),
	       info.xlated_prog_len / 8, info.verified_insns);
	return info.verified_insns;
}

/* A tenth of the verifier's limit leaves room for kernels that prune less. */
static void verifier_cost(void **state)
{
	const struct rig *r = *state;
	struct account_bpf *account = account_bpf__open_and_load();
	struct sweep_bpf *sweep = sweep_bpf__open_and_load();
	struct bpf_program *prog;

	assert_non_null(account);
	bpf_object__for_each_program(prog, account->obj)
	{
		assert_in_range(verified("account", prog), 1, 100000);
	}
	account_bpf__destroy(account);
	assert_non_null(sweep);
	bpf_object__for_each_program(prog, sweep->obj)
	{
		assert_in_range(verified("sweep", prog), 1, 100000);
	}
	sweep_bpf__destroy(sweep);
	bpf_object__for_each_program(prog, r->gate)
	{
		assert_in_range(verified("gate", prog), 1, 100000);
	}
	bpf_object__for_each_program(prog, r->queue)
	{
		assert_in_range(verified("queue", prog), 1, 100000);
	}
}

/* cost_test [PATTERN]: without a pattern every test. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		{"cached_pass", cached_pass, rig_setup, rig_teardown, &rig_hooks[RIG_XDP]},
		{"verifier_cost", verifier_cost, rig_setup, rig_teardown, &rig_hooks[RIG_XDP]},
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
