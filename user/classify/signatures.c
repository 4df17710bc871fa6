// SPDX-License-Identifier: GPL-2.0-only
/*
 * Loads a signature set from YAML. All files are read and compiled before the registry is changed,
 * so a file that does not load has no effect.
 */
#include <string.h>

#include "classify/index.h"
#include "weir/identification.h"

/* Limits of a match: backtracking steps, nested calls, KiB of heap. */
#define MATCH_LIMIT	  20000
#define MATCH_DEPTH_LIMIT 500
#define MATCH_HEAP_KIB	  256

#define PATTERN_LEN_MAX	     4096
#define PATTERN_PARENS_MAX   40
#define FILES_MAX	     64
#define CONFIDENCE_SIGNATURE 90
#define CONFIDENCE_PORT	     40

struct files {
	struct yaml_file *list[FILES_MAX];
	size_t count;
};

static void files_close(struct files *files)
{
	for (size_t i = 0; i < files->count; i++)
		yaml_close(files->list[i]);
}

void signatures_free(struct signatures *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->feature_count; i++)
		feature_fini(&s->features[i]);
	for (size_t i = 0; i < s->application_count; i++)
		free(s->applications[i].module);
	for (size_t i = 0; i < s->rule_count; i++)
		free(s->rules[i].ops);
	for (size_t i = 0; i < s->file_count; i++)
		free(s->files[i]);
	free(s->files);
	free(s->features);
	free(s->applications);
	free(s->rules);
	index_free(s->index);
	pcre2_compile_context_free(s->compile);
	pcre2_match_context_free(s->match);
	free(s);
}

static void signatures_freep(struct signatures **s)
{
	signatures_free(*s);
}

static struct signatures *signatures_new(void)
{
	_cleanup_(signatures_freep) struct signatures *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->serial = time_now_ns();
	s->compile = pcre2_compile_context_create(NULL);
	s->match = pcre2_match_context_create(NULL);
	if (!s->compile || !s->match)
		return NULL;
	pcre2_set_max_pattern_length(s->compile, PATTERN_LEN_MAX);
	pcre2_set_parens_nest_limit(s->compile, PATTERN_PARENS_MAX);
	pcre2_set_match_limit(s->match, MATCH_LIMIT);
	pcre2_set_depth_limit(s->match, MATCH_DEPTH_LIMIT);
	pcre2_set_heap_limit(s->match, MATCH_HEAP_KIB);
	return TAKE_PTR(s);
}

struct place place_of(const struct signatures *s, const struct yaml_node *n)
{
	return (struct place){(uint16_t)(s->file_at), n->line, n->column};
}

static int given_twice(const struct yaml_file *f, const struct yaml_node *key, const char *what,
		       const struct yaml_file *first_file, const struct yaml_node *first,
		       struct error *e)
{
	return yaml_error(f, key, e, "%s `%.64s` is already defined at %s:%u:%u", what, key->text,
			  yaml_name(first_file), first->line, first->column);
}

static int name_check(const struct yaml_file *f, const struct yaml_node *n, const char *what,
		      struct error *e)
{
	if (app_name_valid(n->text))
		return 0;
	return yaml_error(f, n, e,
			  "%s: expected a name of at most %d characters of a-z 0-9 . - _ +, found "
			  "`%.64s`",
			  what, WEIR_APP_NAME_LEN - 1, n->text);
}

/* Keywords of expressions cannot be names. */
static int feature_name_check(const struct yaml_file *f, const struct yaml_node *key,
			      struct error *e)
{
	if (strcmp(key->text, "and") == 0 || strcmp(key->text, "or") == 0 ||
	    strcmp(key->text, "not") == 0)
		return yaml_error(f, key, e, "feature: `%s` is a word of expressions", key->text);
	return name_check(f, key, "feature", e);
}

static int feature_add(struct signatures *s, const struct yaml_file *f, const struct yaml_node *key,
		       const struct yaml_node *n, struct error *e)
{
	struct feature x = {.file = f, .node = key, .place = place_of(s, key)};
	int err = feature_name_check(f, key, e);

	for (size_t i = 0; i < s->feature_count && err == 0; i++)
		if (strcmp(s->features[i].name, key->text) == 0)
			err = given_twice(f, key, "feature", s->features[i].file,
					  s->features[i].node, e);
	if (err == 0 && s->feature_count == SET_FEATURES_MAX)
		err = yaml_error(f, key, e, "more than %d features", SET_FEATURES_MAX);
	if (err == 0)
		err = list_reserve(&s->features, &s->feature_room, s->feature_count, sizeof(x));
	if (err < 0)
		return err;
	x.name = strdup(key->text);
	err = x.name ? feature_read(s, f, n, &x, e) : -ENOMEM;
	if (err < 0) {
		feature_fini(&x);
		return err;
	}
	s->features[s->feature_count++] = x;
	return 0;
}

static int method_read(const struct yaml_file *f, const struct yaml_node *n, uint8_t *out,
		       struct error *e)
{
	const char *text = "signature";
	int err = n ? yaml_string(f, n, "method", &text, e) : 0;

	if (err < 0)
		return err;
	*out = WEIR_METHOD_SIGNATURE;
	if (strcmp(text, "port") == 0)
		*out = WEIR_METHOD_PORT;
	else if (strcmp(text, "signature") != 0)
		return yaml_error(f, n, e, "method: expected `signature` or `port`, found `%.64s`",
				  text);
	return 0;
}

/* `when`, `method`, `confidence` and `wait` of an application or of one of its rules. */
static int rule_add(struct signatures *s, const struct yaml_file *f, const struct yaml_node *n,
		    struct error *e)
{
	const struct yaml_node *when = yaml_get(n, "when"), *level = yaml_get(n, "confidence");
	const struct yaml_node *wait = yaml_get(n, "wait");
	struct rule rule = {.application = (uint16_t)(s->application_count - 1)};
	unsigned long confidence;
	int err = method_read(f, yaml_get(n, "method"), &rule.method, e);

	confidence = rule.method == WEIR_METHOD_PORT ? CONFIDENCE_PORT : CONFIDENCE_SIGNATURE;
	if (err == 0 && level)
		err = yaml_uint(f, level, "confidence", 1, 100, &confidence, e);
	if (err == 0 && wait)
		err = yaml_bool(f, wait, "wait", &rule.wait, e);
	if (err == 0 && !when)
		err = yaml_error(f, n, e, "application: `when` is missing");
	if (err < 0)
		return err;
	rule.confidence = (uint8_t)confidence;
	return rules_compile(s, f, when, &rule, e);
}

static int rules_add(struct signatures *s, const struct yaml_file *f, const struct yaml_node *n,
		     struct error *e)
{
	static const char *const keys[] = {"when", "confidence", "method", "wait", NULL};
	const struct yaml_node *rules = yaml_get(n, "rules");
	int err;

	if (!rules)
		return rule_add(s, f, n, e);
	for (size_t i = 0; keys[i]; i++)
		if (yaml_get(n, keys[i]))
			return yaml_error(f, rules, e,
					  "application: `rules` takes the place of `%s`", keys[i]);
	err = yaml_sequence(f, rules, "rules", e);
	if (err == 0 && rules->count == 0)
		err = yaml_error(f, rules, e, "rules: an empty list");
	for (size_t i = 0; i < rules->count && err == 0; i++) {
		err = yaml_mapping(f, rules->items[i], "rules", e);
		if (err == 0)
			err = yaml_known_keys(f, rules->items[i], "rules", keys, e);
		if (err == 0)
			err = rule_add(s, f, rules->items[i], e);
	}
	return err;
}

/* Category and module of an application. */
static int application_describe(struct application *a, const struct yaml_file *f,
				const struct yaml_node *n, struct error *e)
{
	const struct yaml_node *category = yaml_get(n, "category"), *module = yaml_get(n, "module");
	const char *text = NULL;
	int err = 0;

	if (category)
		err = yaml_string(f, category, "category", &text, e);
	if (err == 0 && category)
		err = name_check(f, category, "category", e);
	if (err == 0 && category)
		memcpy(a->category, text, strlen(text) + 1);
	if (err == 0 && module)
		err = yaml_string(f, module, "module", &text, e);
	if (err == 0 && module)
		err = name_check(f, module, "module", e);
	if (err == 0 && module)
		err = (a->module = strdup(text)) ? 0 : -ENOMEM;
	return err;
}

static bool has_rules(const struct yaml_node *n)
{
	static const char *const keys[] = {"when", "rules", "confidence", "method", "wait"};
	bool any = false;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		any |= yaml_get(n, keys[i]) != NULL;
	return any;
}

static int application_add(struct signatures *s, const struct yaml_file *f,
			   const struct yaml_node *key, const struct yaml_node *n, struct error *e)
{
	static const char *const keys[] = {"category", "when", "module",   "rules", "confidence",
					   "method",   "wait", "protocol", NULL};
	const struct yaml_node *protocol = yaml_get(n, "protocol");
	struct application *a;
	int err = name_check(f, key, "application", e);

	for (size_t i = 0; i < s->application_count && err == 0; i++)
		if (strcmp(s->applications[i].name, key->text) == 0)
			err = given_twice(f, key, "application", s->applications[i].file,
					  s->applications[i].node, e);
	if (err == 0 && strcmp(key->text, "unknown") == 0)
		err = yaml_error(f, key, e, "application: `unknown` is what matches nothing");
	if (err == 0)
		err = yaml_mapping(f, n, "application", e);
	if (err == 0)
		err = yaml_known_keys(f, n, "application", keys, e);
	if (err == 0)
		err = list_reserve(&s->applications, &s->application_room, s->application_count,
				   sizeof(*a));
	if (err < 0)
		return err;
	a = &s->applications[s->application_count++];
	*a = (struct application){.file = f, .node = key, .place = place_of(s, key)};
	memcpy(a->name, key->text, strlen(key->text) + 1);
	err = application_describe(a, f, n, e);
	if (err == 0 && protocol)
		err = protocols_read(s, f, protocol, e);
	if (err < 0 || (protocol && !has_rules(n)))
		return err;
	return rules_add(s, f, n, e);
}

/* Calls add for every entry of the file's mapping of that name. */
static int section_read(struct signatures *s, const struct yaml_file *f, const char *name,
			int (*add)(struct signatures *s, const struct yaml_file *f,
				   const struct yaml_node *key, const struct yaml_node *n,
				   struct error *e),
			struct error *e)
{
	const struct yaml_node *n = yaml_get(yaml_root(f), name);
	int err = n ? yaml_mapping(f, n, name, e) : 0;

	for (size_t i = 0; n && err == 0 && i < n->count; i++)
		err = add(s, f, n->keys[i], n->items[i], e);
	return err;
}

/* Everything read from now on belongs to this file. */
static int file_begin(struct signatures *s, size_t at, const struct yaml_file *f)
{
	s->file_at = at;
	if (at < s->file_count)
		return 0;
	if (list_reserve(&s->files, &s->file_room, s->file_count, sizeof(*s->files)) < 0)
		return -ENOMEM;
	s->files[s->file_count] = strdup(yaml_name(f));
	return s->files[s->file_count++] ? 0 : -ENOMEM;
}

static int file_check(const struct yaml_file *f, struct error *e)
{
	static const char *const keys[] = {"features", "applications", NULL};
	const struct yaml_node *root = yaml_root(f);
	int err = yaml_mapping(f, root, "signatures", e);

	return err < 0 ? err : yaml_known_keys(f, root, "signatures", keys, e);
}

/* Features of all files first: an application may use those of any file. */
static int files_compile(struct signatures *s, const struct files *files, struct error *e)
{
	int err = 0;

	for (size_t i = 0; i < files->count && err == 0; i++) {
		err = file_begin(s, i, files->list[i]);
		if (err == 0)
			err = file_check(files->list[i], e);
		if (err == 0)
			err = section_read(s, files->list[i], "features", feature_add, e);
	}
	for (size_t i = 0; i < files->count && err == 0; i++) {
		err = file_begin(s, i, files->list[i]);
		if (err == 0)
			err = section_read(s, files->list[i], "applications", application_add, e);
	}
	return err < 0 ? err : index_new(s, &s->index);
}

static void features_count(struct signatures *s, size_t application, uint8_t *seen)
{
	struct application *a = &s->applications[application];

	memset(seen, 0, s->feature_count);
	for (unsigned int proto = 0; proto < 256; proto++)
		a->features += s->by_protocol[proto] == application + 1;
	for (size_t i = 0; i < s->rule_count; i++) {
		const struct rule *rule = &s->rules[i];

		for (uint16_t k = 0; rule->application == application && k < rule->count; k++)
			if (rule->ops[k].kind == OP_FEATURE && !seen[rule->ops[k].arg]++)
				a->features++;
	}
}

/* Assigns numbers to the set's applications. Everything that can fail comes first. */
static int signatures_register(struct signatures *s, struct app_registry *r, struct error *e)
{
	_cleanup_free_ const char **modules = calloc(s->application_count + 1, sizeof(*modules));
	_cleanup_free_ uint8_t *seen = malloc(s->feature_count + 1);
	size_t added = 0;

	if (!modules || !seen)
		return -ENOMEM;
	for (size_t i = 0; i < s->application_count; i++) {
		const struct application *a = &s->applications[i];

		added += app_registry_find(r, a->name) < 0;
		modules[i] = a->module ? app_registry_intern(r, a->module) : NULL;
		if (a->module && !modules[i])
			return -ENOMEM;
	}
	if (app_registry_count(r) + added > WEIR_APPS_MAX)
		return error_set(e, -ENOSPC, "signatures: more than %d applications",
				 WEIR_APPS_MAX - 1);
	app_registry_disable_all(r);
	for (size_t i = 0; i < s->application_count; i++) {
		struct application *a = &s->applications[i];

		features_count(s, i, seen);
		a->app = (uint16_t)app_registry_add(r, a->name, NULL);
		app_registry_enable(r, a->app, a->category, modules[i], a->features);
	}
	return 0;
}

static int signatures_make(const struct files *files, struct app_registry *r,
			   struct signatures **out, struct error *e)
{
	_cleanup_(signatures_freep) struct signatures *s = signatures_new();
	int err = s ? files_compile(s, files, e) : -ENOMEM;

	if (err == 0)
		err = signatures_register(s, r, e);
	if (err == -ENOMEM)
		error_set(e, err, "signatures: out of memory");
	if (err < 0)
		return err;
	*out = TAKE_PTR(s);
	return 0;
}

int signatures_load(const char *const *paths, size_t count, struct app_registry *r,
		    struct signatures **out, struct error *e)
{
	_cleanup_(files_close) struct files files = {.count = 0};

	if (count > FILES_MAX)
		return error_set(e, -EINVAL, "signatures: more than %d files", FILES_MAX);
	for (size_t i = 0; i < count; i++) {
		int err = yaml_open(paths[i], &files.list[i], e);

		if (err < 0)
			return err;
		files.count++;
	}
	return signatures_make(&files, r, out, e);
}

int signatures_parse(const char *name, const char *text, size_t len, struct app_registry *r,
		     struct signatures **out, struct error *e)
{
	_cleanup_(files_close) struct files files = {.count = 0};
	int err = yaml_parse(name, text, len, &files.list[0], e);

	if (err < 0)
		return err;
	files.count = 1;
	return signatures_make(&files, r, out, e);
}

/* builtin.S */
extern const char signatures_builtin_text[];
extern const uint64_t signatures_builtin_len;

int signatures_load_builtin(struct app_registry *r, struct signatures **out, struct error *e)
{
	return signatures_parse("built-in signatures", signatures_builtin_text,
				signatures_builtin_len, r, out, e);
}
