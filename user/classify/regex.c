// SPDX-License-Identifier: GPL-2.0-only
/* Regexes: PCRE2 on bytes, compiled once, with limits on the cost of a match. */
#include <string.h>

#include "classify/set.h"

#define REGEX_OPTIONS                                                                              \
	(PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP |                 \
	 PCRE2_NEVER_BACKSLASH_C)

/* Reports PCRE2's compile error with the column of the offending character. */
static int regex_error(const struct yaml_file *f, const struct yaml_node *n, int code,
		       size_t offset, struct error *e)
{
	struct yaml_node at = *n;
	PCRE2_UCHAR text[128];

	at.column += n->quoted + (unsigned int)offset;
	if (pcre2_get_error_message(code, text, sizeof(text)) < 0)
		text[0] = '\0';
	return yaml_error(f, &at, e, "regex: %s", (const char *)text);
}

static bool regex_is_anchored(const pcre2_code *code)
{
	uint32_t options = 0;

	pcre2_pattern_info(code, PCRE2_INFO_ALLOPTIONS, &options);
	return options & PCRE2_ANCHORED;
}

static int regex_keep(struct regex_condition *out, const struct pattern *p)
{
	struct byte_set prefix[PATTERN_PREFIX_MAX];
	struct literal literals[PATTERN_LITERALS_MAX];

	pattern_length(p, &out->min, &out->max);
	out->prefix_len = out->anchored ? pattern_prefix(p, prefix) : 0;
	out->literal_count = pattern_literals(p, literals);
	out->prefix = calloc(out->prefix_len + 1, sizeof(*prefix));
	out->literals = calloc(out->literal_count + 1, sizeof(*literals));
	if (!out->prefix || !out->literals)
		return -ENOMEM;
	memcpy(out->prefix, prefix, out->prefix_len * sizeof(*prefix));
	memcpy(out->literals, literals, out->literal_count * sizeof(*literals));
	out->plain = out->anchored && pattern_is_prefix(p) && out->prefix_len == out->min;
	return 0;
}

/* Stores what the pattern's text implies; if it cannot be parsed, a match may have any length. */
static int regex_understand(struct regex_condition *out, bool caseless)
{
	struct pattern p;
	int err = pattern_parse(out->text, caseless, &p);

	out->max = PATTERN_UNBOUNDED;
	if (err < 0)
		return err == -ENOTSUP ? 0 : err;
	err = regex_keep(out, &p);
	pattern_fini(&p);
	return err;
}

static int regex_compile(const struct signatures *s, const struct yaml_file *f,
			 const struct yaml_node *n, bool caseless, struct regex_condition *out,
			 struct error *e)
{
	uint32_t options = REGEX_OPTIONS | (caseless ? PCRE2_CASELESS : 0);
	const char *pattern;
	PCRE2_SIZE offset;
	int code, err = yaml_string(f, n, "regex", &pattern, e);

	if (err < 0)
		return err;
	out->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED, options, &code,
				  &offset, s->compile);
	if (!out->code)
		return regex_error(f, n, code, offset, e);
	/* Without JIT, or without executable memory, the interpreter gives the same results. */
	out->jit = pcre2_jit_compile(out->code, PCRE2_JIT_COMPLETE | PCRE2_JIT_PARTIAL_SOFT) == 0;
	out->anchored = regex_is_anchored(out->code);
	out->options = options;
	out->text = strdup(pattern);
	return out->text ? regex_understand(out, caseless) : -ENOMEM;
}

static int regex_read_mapping(const struct signatures *s, const struct yaml_file *f,
			      const struct yaml_node *n, struct regex_condition *out,
			      struct error *e)
{
	static const char *const keys[] = {"pattern", "caseless", "offset", "within", NULL};
	const struct yaml_node *pattern = yaml_get(n, "pattern");
	const struct yaml_node *offset = yaml_get(n, "offset"), *within = yaml_get(n, "within");
	const struct yaml_node *fold = yaml_get(n, "caseless");
	unsigned long from = 0, span = REGEX_WITHIN;
	bool caseless = false;
	int err = yaml_known_keys(f, n, "regex", keys, e);

	if (err == 0 && !pattern)
		err = yaml_error(f, n, e, "regex: `pattern` is missing");
	if (err == 0 && fold)
		err = yaml_bool(f, fold, "caseless", &caseless, e);
	if (err == 0 && offset)
		err = yaml_uint(f, offset, "offset", 0, SET_OFFSET_MAX, &from, e);
	if (err == 0 && within)
		err = yaml_uint(f, within, "within", 1, REGEX_WITHIN_MAX, &span, e);
	if (err < 0)
		return err;
	out->offset = (uint32_t)from;
	out->within = (uint32_t)span;
	return regex_compile(s, f, pattern, caseless, out, e);
}

int regex_read(const struct signatures *s, const struct yaml_file *f, const struct yaml_node *n,
	       struct condition *out, struct error *e)
{
	out->kind = CONDITION_REGEX;
	out->regex.within = REGEX_WITHIN;
	if (n->kind == YAML_MAPPING)
		return regex_read_mapping(s, f, n, &out->regex, e);
	return regex_compile(s, f, n, false, &out->regex, e);
}

/* Adds both cases of a letter, since the pattern may be case-insensitive. */
static void first_allow(uint32_t allowed[8], uint8_t byte)
{
	uint8_t other = byte ^ 0x20;

	allowed[byte >> 5] |= 1u << (byte & 31);
	if ((other | 0x20) >= 'a' && (other | 0x20) <= 'z')
		allowed[other >> 5] |= 1u << (other & 31);
}

/*
 * PCRE2 computes the possible first bytes only for patterns that are not anchored. An anchored
 * pattern is compiled again without its `^`: the possible first bytes stay the same.
 */
void regex_first_bytes(const struct signatures *s, const struct regex_condition *x,
		       uint32_t first[8])
{
	uint32_t allowed[8] = {0}, type = 0, unit = 0, min = 0;
	const uint8_t *bitmap = NULL;
	PCRE2_SIZE offset;
	pcre2_code *code;
	int err;

	if (x->prefix_len > 0 && x->offset == 0)
		for (int i = 0; i < 8; i++)
			first[i] &= x->prefix[0].bits[i];
	if (x->prefix_len > 0 || x->offset || x->text[0] != '^' || !x->anchored)
		return;
	code = pcre2_compile((PCRE2_SPTR)x->text + 1, PCRE2_ZERO_TERMINATED, x->options, &err,
			     &offset, s->compile);
	if (!code)
		return;
	pcre2_pattern_info(code, PCRE2_INFO_FIRSTCODETYPE, &type);
	pcre2_pattern_info(code, PCRE2_INFO_FIRSTCODEUNIT, &unit);
	pcre2_pattern_info(code, PCRE2_INFO_FIRSTBITMAP, &bitmap);
	pcre2_pattern_info(code, PCRE2_INFO_MINLENGTH, &min);
	if (type == 1)
		first_allow(allowed, (uint8_t)unit);
	for (int b = 0; bitmap && type != 1 && b < 256; b++)
		if (bitmap[b >> 3] & 1u << (b & 7))
			allowed[b >> 5] |= 1u << (b & 31);
	for (int i = 0; min > 0 && (type == 1 || bitmap) && i < 8; i++)
		first[i] &= allowed[i];
	pcre2_code_free(code);
}
