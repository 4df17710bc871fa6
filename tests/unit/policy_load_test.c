// SPDX-License-Identifier: GPL-2.0-only
/* policy_load: files, the signature set a policy names, and what a failure leaves behind. */
#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policy/policy.h"

#define HEAD                                                                                       \
	"version: 1\n"                                                                             \
	"ports: { lan: { interface: eth1 } }\n"                                                    \
	"forward: [ { mode: bridge, bridge: br0, ports: [lan] } ]\n"
#define SIGNATURES                                                                                 \
	"features:\n"                                                                              \
	"  hello: { transport: tcp, mask: { offset: 0, bytes: \"68 65 6c 6c 6f\" } }\n"            \
	"applications:\n"                                                                          \
	"  hello-app: { category: greetings, when: hello }\n"

/* A folder with the files of one test. */
struct folder {
	char path[64];
	char policy[128], signatures[128];
};

static int folder_make(void **state)
{
	struct folder *f = calloc(1, sizeof(*f));

	if (!f)
		return -1;
	strcpy(f->path, "/tmp/weir-policy-XXXXXX");
	if (!mkdtemp(f->path))
		return -1;
	snprintf(f->policy, sizeof(f->policy), "%s/weir.yaml", f->path);
	snprintf(f->signatures, sizeof(f->signatures), "%s/own.yaml", f->path);
	*state = f;
	return 0;
}

static int folder_remove(void **state)
{
	struct folder *f = *state;

	unlink(f->policy);
	unlink(f->signatures);
	rmdir(f->path);
	free(f);
	return 0;
}

static void file_write(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* What a load led to. */
struct outcome {
	int err;
	struct policy *policy;
	struct signatures *signatures;
	struct error e;
	char *warnings;
};

static void load(const char *path, struct app_registry *r, struct outcome *out)
{
	size_t size = 0;
	FILE *w;

	memset(out, 0, sizeof(*out));
	w = open_memstream(&out->warnings, &size);
	assert_non_null(w);
	out->err = policy_load(path, r, &out->policy, &out->signatures, w, &out->e);
	fclose(w);
	assert_int_equal(out->err == 0, out->policy != NULL);
	assert_int_equal(out->err == 0, out->signatures != NULL);
}

static void outcome_fini(struct outcome *o)
{
	policy_free(o->policy);
	signatures_free(o->signatures);
	free(o->warnings);
}

/* Every policy that weir comes with is right as it stands. */
static void ready_policies(void **state)
{
	size_t policies = 0;
	glob_t found;

	assert_int_equal(glob("policies/*.yaml", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		struct app_registry *r = app_registry_new();
		struct outcome o;

		if (strcmp(found.gl_pathv[i], "policies/signatures.yaml") != 0) {
			load(found.gl_pathv[i], r, &o);
			if (o.err < 0)
				fail_msg("%s", o.e.text);
			assert_string_equal(o.warnings, "");
			assert_string_equal(o.policy->path, found.gl_pathv[i]);
			outcome_fini(&o);
			policies++;
		}
		app_registry_free(r);
	}
	globfree(&found);
	assert_true(policies >= 4);
}

static void no_p2p_drops_p2p(void **state)
{
	struct app_registry *r = app_registry_new();
	struct outcome o;
	int app;

	load("policies/no-p2p.yaml", r, &o);
	assert_int_equal(o.err, 0);
	app = app_registry_find(r, "bittorrent");
	assert_true(app > 0);
	assert_int_equal(
		policy_cell(o.policy, &(struct weir_subject){.app = (uint32_t)app}, 100)->action,
		WEIR_ACTION_DROP);
	app = app_registry_find(r, "http");
	assert_true(app > 0);
	assert_int_equal(
		policy_cell(o.policy, &(struct weir_subject){.app = (uint32_t)app}, 100)->action,
		WEIR_ACTION_PASS);
	assert_int_equal(policy_cell(o.policy, &(struct weir_subject){0}, 100)->action,
			 WEIR_ACTION_PASS);
	outcome_fini(&o);
	app_registry_free(r);
}

static void signatures_beside_the_policy(void **state)
{
	struct folder *f = *state;
	struct app_registry *r = app_registry_new();
	struct outcome o;
	char want[256];

	file_write(f->signatures, SIGNATURES);
	file_write(f->policy,
		   HEAD "signatures: [own.yaml]\n"
			"rules:\n"
			"- { name: a, application: hello-app, action: drop }\n"
			"- { name: b, application: \"category:greetings\", action: drop }\n"
			"- { name: c, application: bittorrent, action: drop }\n");
	load(f->policy, r, &o);
	if (o.err < 0)
		fail_msg("%s", o.e.text);
	assert_int_equal(o.policy->signature_count, 1);
	assert_string_equal(o.policy->signatures[0], f->signatures);
	assert_true(app_registry_find(r, "hello-app") > 0);
	/* Modules know applications that no signature names. */
	assert_true(app_registry_find(r, "bittorrent") > 0);
	/* Said once, though the policy is rehearsed. */
	snprintf(want, sizeof(want),
		 "%s:7:3: warning: rule `b` is never reached: rule `a` matches first\n", f->policy);
	assert_string_equal(o.warnings, want);
	outcome_fini(&o);
	app_registry_free(r);
}

/* A relative path that is not beside the policy is looked for in the working folder. */
static void signatures_in_the_working_folder(void **state)
{
	struct folder *f = *state;
	struct app_registry *r = app_registry_new();
	struct outcome o;

	file_write(f->policy, HEAD "signatures: [policies/signatures.yaml]\n");
	load(f->policy, r, &o);
	if (o.err < 0)
		fail_msg("%s", o.e.text);
	assert_string_equal(o.policy->signatures[0], "policies/signatures.yaml");
	outcome_fini(&o);
	app_registry_free(r);
}

static void assert_unchanged(struct app_registry *r, unsigned int count, const char *path,
			     const char *message)
{
	char want[256];
	struct outcome o;

	load(path, r, &o);
	assert_true(o.err < 0);
	snprintf(want, sizeof(want), "%s%s", path, message);
	assert_string_equal(o.e.text, want);
	assert_int_equal(app_registry_count(r), count);
	assert_true(app_registry_find(r, "hello-app") < 0);
	outcome_fini(&o);
}

static void a_refused_policy_changes_nothing(void **state)
{
	struct folder *f = *state;
	struct app_registry *r = app_registry_new();
	unsigned int count = app_registry_count(r);

	assert_unchanged(r, count, f->policy, ": No such file or directory");
	file_write(f->signatures, SIGNATURES);
	file_write(f->policy, HEAD "signatures: [own.yaml]\n"
				   "rules: [ { name: a, application: helo-app, action: drop } ]\n");
	assert_unchanged(r, count, f->policy,
			 ":5:34: unknown application `helo-app`, did you mean `hello-app`?");
	/* What an earlier policy knew is no longer known: a policy means the same everywhere. */
	assert_true(app_registry_add(r, "left-over", "old") > 0);
	file_write(f->policy,
		   HEAD "signatures: [own.yaml]\n"
			"rules: [ { name: a, application: left-over, action: drop } ]\n");
	assert_unchanged(r, count + 1, f->policy, ":5:34: unknown application `left-over`");
	file_write(f->policy, HEAD "signatures: [own.yaml, none.yaml]\n");
	assert_unchanged(r, count + 1, f->policy, ":4:24: signatures: cannot find `none.yaml`");
	app_registry_free(r);
}

static void a_broken_signature_file(void **state)
{
	struct folder *f = *state;
	struct app_registry *r = app_registry_new();
	unsigned int count = app_registry_count(r);
	struct outcome o;

	file_write(f->signatures, "features: [\n");
	file_write(f->policy, HEAD "signatures: [own.yaml]\n");
	load(f->policy, r, &o);
	assert_true(o.err < 0);
	assert_int_equal(strncmp(o.e.text, f->signatures, strlen(f->signatures)), 0);
	assert_int_equal(app_registry_count(r), count);
	outcome_fini(&o);
	app_registry_free(r);
}

/* Numbers live longer than policies: the same names keep them over reloads. */
static void numbers_stay(void **state)
{
	struct folder *f = *state;
	struct app_registry *r = app_registry_new();
	struct outcome first, second;
	int hello;

	file_write(f->signatures, SIGNATURES);
	file_write(f->policy,
		   HEAD "signatures: [own.yaml]\n"
			"rules: [ { name: a, application: hello-app, action: drop } ]\n");
	load(f->policy, r, &first);
	assert_int_equal(first.err, 0);
	hello = app_registry_find(r, "hello-app");
	assert_true(hello > 0);
	load("policies/no-p2p.yaml", r, &second);
	assert_int_equal(second.err, 0);
	assert_int_equal(app_registry_find(r, "hello-app"), hello);
	assert_int_equal(
		policy_cell(first.policy, &(struct weir_subject){.app = (uint32_t)hello}, 100)
			->action,
		WEIR_ACTION_DROP);
	assert_int_equal(
		policy_cell(second.policy, &(struct weir_subject){.app = (uint32_t)hello}, 100)
			->action,
		WEIR_ACTION_PASS);
	outcome_fini(&first);
	outcome_fini(&second);
	app_registry_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ready_policies),
		cmocka_unit_test(no_p2p_drops_p2p),
		cmocka_unit_test_setup_teardown(signatures_beside_the_policy, folder_make,
						folder_remove),
		cmocka_unit_test_setup_teardown(signatures_in_the_working_folder, folder_make,
						folder_remove),
		cmocka_unit_test_setup_teardown(a_refused_policy_changes_nothing, folder_make,
						folder_remove),
		cmocka_unit_test_setup_teardown(a_broken_signature_file, folder_make,
						folder_remove),
		cmocka_unit_test_setup_teardown(numbers_stay, folder_make, folder_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
