// SPDX-License-Identifier: GPL-2.0-only
/* What the gate costs: nanoseconds of a cached frame, and the verifier's work. */
#include <arpa/inet.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "baseline.skel.h"
#include "bpf/rig.h"
#include "gate.skel.h"
#include "queue.skel.h"

#define REPEAT	  200000
#define ROUNDS	  9
#define BUDGET_NS 60 /* a cached pass over reading the frame and one lookup */

/* The best of several rounds: other work on the machine only ever adds. */
static uint32_t best_ns(int prog, const struct built *frame, uint32_t action)
{
	uint32_t best = UINT32_MAX;

	for (int i = 0; i < ROUNDS; i++) {
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame->data,
			    .data_size_in = frame->len, .repeat = REPEAT);

		assert_int_equal(bpf_prog_test_run_opts(prog, &opts), 0);
		assert_int_equal(opts.retval, action);
		if (opts.duration < best)
			best = opts.duration;
	}
	return best;
}

static uint32_t baseline_ns(const struct shape *s, const struct built *frame)
{
	struct baseline_bpf *base = baseline_bpf__open_and_load();
	struct weir_flow_key key;
	struct weir_flow flow = {};
	uint32_t ns;

	assert_non_null(base);
	shape_key(s, &key, NULL);
	assert_int_equal(bpf_map_update_elem(bpf_map__fd(base->maps.flows), &key, &flow, 0), 0);
	ns = best_ns(bpf_program__fd(base->progs.baseline), frame, XDP_PASS);
	baseline_bpf__destroy(base);
	return ns;
}

static void cached_pass(void **state)
{
	const struct shape shapes[] = {{.name = "ipv4", .payload = 10},
				       {.name = "ipv6", .ip = 6, .payload = 10}};
	struct rig *r = *state;

	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		struct built frame;
		struct weir_flow flow;
		uint32_t base, gate;

		assert_int_equal(rig_send(r, &shapes[i], NULL), WEIR_REASON_PUNTED);
		assert_true(rig_flow(r, false, &shapes[i], &flow));
		rig_verdict(r, flow.id, RIG_WEB, 0);
		rig_finish(r);
		assert_int_equal(rig_send(r, &shapes[i], NULL), WEIR_REASON_REDIRECTED);
		/* The other direction, so that its port is known. */
		shape_build(&shapes[i], &frame);
		rig_send(r, &(struct shape){.ip = shapes[i].ip, .reverse = true}, NULL);
		rig_send(r, &shapes[i], NULL);
		base = baseline_ns(&shapes[i], &frame);
		gate = best_ns(rig_prog(r), &frame, XDP_REDIRECT);
		printf("cached pass, %s: %u ns; reading and one lookup: %u ns\n", shapes[i].name,
		       gate, base);
		assert_true(gate <= base + BUDGET_NS);
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
	struct bpf_program *prog;

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
