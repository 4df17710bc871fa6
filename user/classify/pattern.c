// SPDX-License-Identifier: GPL-2.0-only
/* Parses a regex into a tree: the subset of PCRE2's syntax that protocol patterns use. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "classify/pattern.h"
#include "util/util.h"

#define REPEAT_MAX 65535u

struct reader {
	struct pattern *p;
	const char *at;
	bool caseless;
	unsigned int depth;
	int err;
};

static uint32_t read_alternatives(struct reader *r);

unsigned int byte_set_count(const struct byte_set *s)
{
	unsigned int count = 0;

	for (int i = 0; i < 8; i++)
		count += (unsigned int)__builtin_popcount(s->bits[i]);
	return count;
}

void byte_set_bits(const struct byte_set *s, uint8_t *mask, uint8_t *value)
{
	static const uint32_t has_bit[5] = {0xaaaaaaaa, 0xcccccccc, 0xf0f0f0f0, 0xff00ff00,
					    0xffff0000};
	uint8_t all = 0xff, any = 0;
	uint32_t low = 0; /* set of the lower five bits of its bytes */

	for (unsigned int word = 0; word < 8; word++) {
		low |= s->bits[word];
		all &= s->bits[word] ? (uint8_t)(word << 5 | 31) : 0xff;
		any |= s->bits[word] ? (uint8_t)(word << 5) : 0;
	}
	for (unsigned int b = 0; b < 5; b++) {
		any |= low & has_bit[b] ? (uint8_t)(1u << b) : 0;
		all &= low & ~has_bit[b] ? (uint8_t) ~(1u << b) : 0xff;
	}
	*mask = (uint8_t) ~(all ^ any);
	*value = all & *mask;
}

void pattern_fini(struct pattern *p)
{
	free(p->nodes);
	*p = (struct pattern){0};
}

static uint32_t refuse(struct reader *r, int err)
{
	if (r->err == 0)
		r->err = err;
	return 0;
}

static uint32_t node_add(struct reader *r, enum pattern_kind kind)
{
	struct pattern *p = r->p;

	if (p->count == PATTERN_NODES_MAX)
		return refuse(r, -ENOTSUP);
	if (p->count == p->room) {
		uint32_t room = p->room ? p->room * 2 : 64;
		struct pattern_node *moved = reallocarray(p->nodes, room, sizeof(*moved));

		if (!moved)
			return refuse(r, -ENOMEM);
		p->nodes = moved;
		p->room = room;
	}
	p->nodes[p->count] = (struct pattern_node){.kind = kind};
	return p->count++;
}

static void set_fold(struct byte_set *s)
{
	/* The lower case of a letter is the same bit in the next word. */
	uint32_t letters = (s->bits['A' >> 5] | s->bits['a' >> 5]) & 0x07fffffe;

	s->bits['A' >> 5] |= letters;
	s->bits['a' >> 5] |= letters;
}

static void set_invert(struct byte_set *s)
{
	for (int i = 0; i < 8; i++)
		s->bits[i] = ~s->bits[i];
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return isxdigit((unsigned char)c) ? (c | 0x20) - 'a' + 10 : -1;
}

/* Reads what follows `\x`: at most two hexadecimal digits, or some in braces. */
static int read_hex(struct reader *r)
{
	bool braces = *r->at == '{';
	int value = 0, digits = 0;

	r->at += braces;
	for (; digits < 2 && hex_value(*r->at) >= 0; digits++)
		value = value * 16 + hex_value(*r->at++);
	if (braces && (*r->at != '}' || digits == 0))
		return -1;
	r->at += braces;
	return value;
}

/* Reads a byte that an escape stands for; r->at is after the backslash. -1: it stands for none. */
static int read_escaped_byte(struct reader *r)
{
	static const char from[] = "ntrfea", to[] = "\n\t\r\f\x1b\a";
	const char *known;
	char c = *r->at;

	if (!c)
		return -1;
	r->at++;
	if (c == 'x')
		return read_hex(r);
	if (c == '0') {
		int value = 0;

		for (int i = 0; i < 2 && *r->at >= '0' && *r->at <= '7'; i++)
			value = value * 8 + (*r->at++ - '0');
		return value;
	}
	known = strchr(from, c);
	if (known)
		return (unsigned char)to[known - from];
	return isalnum((unsigned char)c) ? -1 : (unsigned char)c;
}

static bool in_class(char class, int b)
{
	switch (class) {
	case 'd':
		return b >= '0' && b <= '9';
	case 'w':
		return b < 128 && (isalnum(b) || b == '_');
	default: /* s */
		return b == ' ' || (b >= '\t' && b <= '\r');
	}
}

/* \d \w \s and their opposites. */
static bool read_class_escape(struct reader *r, struct byte_set *out)
{
	char c = *r->at;

	if (!c || !strchr("dwsDWS", c))
		return false;
	for (int b = 0; b < 256; b++)
		if (in_class((char)(c | 0x20), b) == (c >= 'a'))
			byte_set_add(out, (uint8_t)b);
	r->at++;
	return true;
}

/* [:alpha:] and the like, within brackets. */
static bool read_posix_class(struct reader *r, struct byte_set *out)
{
	static const struct {
		const char *name;
		int (*has)(int c);
	} classes[] = {
		{"[:alpha:]", isalpha},	  {"[:digit:]", isdigit}, {"[:alnum:]", isalnum},
		{"[:upper:]", isupper},	  {"[:lower:]", islower}, {"[:space:]", isspace},
		{"[:punct:]", ispunct},	  {"[:print:]", isprint}, {"[:graph:]", isgraph},
		{"[:xdigit:]", isxdigit}, {"[:cntrl:]", iscntrl}, {"[:blank:]", isblank},
	};

	for (size_t i = 0; i < ARRAY_SIZE(classes); i++) {
		size_t len = strlen(classes[i].name);

		if (strncmp(r->at, classes[i].name, len) != 0)
			continue;
		for (int b = 0; b < 128; b++)
			if (classes[i].has(b))
				byte_set_add(out, (uint8_t)b);
		r->at += len;
		return true;
	}
	return false;
}

/* Reads one byte within brackets; -1 if it is not a single byte. */
static int read_bracket_byte(struct reader *r)
{
	if (*r->at == '\\') {
		r->at++;
		if (*r->at == 'b') {
			r->at++;
			return '\b';
		}
		return read_escaped_byte(r);
	}
	if (!*r->at || (r->at[0] == '[' && (r->at[1] == ':' || r->at[1] == '.' || r->at[1] == '=')))
		return -1;
	return (unsigned char)*r->at++;
}

static bool read_bracket_item(struct reader *r, struct byte_set *out)
{
	int from, to;

	if (read_posix_class(r, out))
		return true;
	if (r->at[0] == '\\' && r->at[1] && strchr("dwsDWS", r->at[1])) {
		r->at++;
		/* A class cannot begin a range. */
		return read_class_escape(r, out) && (r->at[0] != '-' || r->at[1] == ']');
	}
	from = to = read_bracket_byte(r);
	if (r->at[0] == '-' && r->at[1] && r->at[1] != ']') {
		r->at++;
		to = r->at[0] == '\\' && r->at[1] && strchr("dwsDWS", r->at[1])
			     ? -1
			     : read_bracket_byte(r);
	}
	if (from < 0 || to < from)
		return false;
	for (int b = from; b <= to; b++)
		byte_set_add(out, (uint8_t)b);
	return true;
}

/* Called after `[`. */
static uint32_t read_brackets(struct reader *r)
{
	struct byte_set set = {0};
	bool negated = *r->at == '^';
	uint32_t node;

	r->at += negated;
	for (bool first = true; first || *r->at != ']'; first = false)
		if (!read_bracket_item(r, &set))
			return refuse(r, -ENOTSUP);
	r->at++;
	if (r->caseless)
		set_fold(&set);
	if (negated)
		set_invert(&set);
	node = node_add(r, PATTERN_SET);
	if (node)
		r->p->nodes[node].set = set;
	return node;
}

static uint32_t read_byte(struct reader *r, int byte)
{
	uint32_t node = byte < 0 ? refuse(r, -ENOTSUP) : node_add(r, PATTERN_SET);

	if (!node)
		return 0;
	byte_set_add(&r->p->nodes[node].set, (uint8_t)byte);
	if (r->caseless)
		set_fold(&r->p->nodes[node].set);
	return node;
}

/* Called after the backslash. */
static uint32_t read_escape(struct reader *r)
{
	struct byte_set set = {0};
	uint32_t node;

	if (*r->at && strchr("bBzZAG", *r->at)) {
		node = node_add(r, *r->at == 'A' ? PATTERN_START : PATTERN_ASSERT);
		r->at++;
		return node;
	}
	if (!read_class_escape(r, &set))
		return read_byte(r, read_escaped_byte(r));
	node = node_add(r, PATTERN_SET);
	if (node)
		r->p->nodes[node].set = set;
	return node;
}

/* Called after `(`. The content of a lookaround is parsed and ignored, because it only narrows the
 * match. */
static uint32_t read_group(struct reader *r)
{
	static const char *const openings[] = {"?:", "?>", "?=", "?!", "?<=", "?<!"};
	size_t kind = 0;
	uint32_t node;

	if (*r->at == '*')
		return refuse(r, -ENOTSUP);
	if (*r->at == '?') {
		while (kind < ARRAY_SIZE(openings) &&
		       strncmp(r->at, openings[kind], strlen(openings[kind])) != 0)
			kind++;
		if (kind == ARRAY_SIZE(openings))
			return refuse(r, -ENOTSUP);
		r->at += strlen(openings[kind]);
	}
	node = read_alternatives(r);
	if (!node || *r->at != ')')
		return refuse(r, -ENOTSUP);
	r->at++;
	return kind < 2 ? node : node_add(r, PATTERN_ASSERT);
}

static bool read_count(const char **at, uint32_t *out)
{
	uint32_t value = 0;

	if (!isdigit((unsigned char)**at))
		return false;
	for (; isdigit((unsigned char)**at) && value <= REPEAT_MAX; (*at)++)
		value = value * 10 + (uint32_t)(**at - '0');
	*out = value;
	return value <= REPEAT_MAX;
}

/* Reads {n} {n,} {n,m}; PCRE2 takes anything else in braces literally. */
static bool read_braces(struct reader *r, uint32_t *min, uint32_t *max)
{
	const char *at = r->at + 1;

	if (*r->at != '{' || !read_count(&at, min))
		return false;
	*max = *min;
	if (*at == ',') {
		at++;
		*max = PATTERN_UNBOUNDED;
		if (*at != '}' && (!read_count(&at, max) || *max < *min))
			return false;
	}
	if (*at != '}')
		return false;
	r->at = at + 1;
	return true;
}

static uint32_t read_atom(struct reader *r)
{
	uint32_t node;
	uint32_t min, max;
	char c = *r->at++;

	switch (c) {
	case '.':
		node = node_add(r, PATTERN_SET);
		if (node)
			set_invert(&r->p->nodes[node].set);
		return node;
	case '[':
		return read_brackets(r);
	case '(':
		return read_group(r);
	case '\\':
		return read_escape(r);
	case '^':
		return node_add(r, PATTERN_START);
	case '$':
		return node_add(r, PATTERN_ASSERT);
	case '{':
		/* A quantified quantifier, and syntax that some versions of PCRE2 treat as one, is
		 * not understood. */
		r->at--;
		if (r->at[1] == ',' || r->at[1] == ' ' || read_braces(r, &min, &max))
			return refuse(r, -ENOTSUP);
		r->at++;
		return read_byte(r, c);
	case '*':
	case '+':
	case '?':
		return refuse(r, -ENOTSUP);
	default:
		return read_byte(r, (unsigned char)c);
	}
}

static uint32_t read_quantified(struct reader *r)
{
	uint32_t atom = read_atom(r), min = 1, max = 1, node;

	if (!atom)
		return 0;
	if (*r->at == '*' || *r->at == '+' || *r->at == '?') {
		min = *r->at == '+';
		max = *r->at == '?' ? 1 : PATTERN_UNBOUNDED;
		r->at++;
	} else if (!read_braces(r, &min, &max)) {
		return atom;
	}
	if (*r->at == '?' || *r->at == '+')
		r->at++;
	node = node_add(r, PATTERN_REPEAT);
	if (!node)
		return 0;
	r->p->nodes[node].min = min;
	r->p->nodes[node].max = max;
	r->p->nodes[node].child = atom;
	return node;
}

/* Appends child to the children of parent. */
static void node_append(struct reader *r, uint32_t parent, uint32_t *last, uint32_t child)
{
	if (*last)
		r->p->nodes[*last].sibling = child;
	else
		r->p->nodes[parent].child = child;
	*last = child;
}

static uint32_t read_sequence(struct reader *r)
{
	uint32_t node = node_add(r, PATTERN_CAT), last = 0;

	while (node && *r->at && *r->at != '|' && *r->at != ')') {
		uint32_t child = read_quantified(r);

		if (!child)
			return 0;
		node_append(r, node, &last, child);
	}
	return node;
}

static uint32_t read_alternatives(struct reader *r)
{
	uint32_t node, last = 0;

	if (++r->depth > PATTERN_DEPTH_MAX)
		return refuse(r, -ENOTSUP);
	node = node_add(r, PATTERN_ALT);
	for (bool more = node != 0; more;) {
		uint32_t child = read_sequence(r);

		if (!child)
			return 0;
		node_append(r, node, &last, child);
		more = *r->at == '|';
		r->at += more;
	}
	r->depth--;
	return node;
}

int pattern_parse(const char *text, bool caseless, struct pattern *out)
{
	struct pattern p = {0};
	struct reader r = {.p = &p, .at = text, .caseless = caseless};

	node_add(&r, PATTERN_ASSERT);
	if (r.err == 0)
		p.root = read_alternatives(&r);
	if (r.err == 0 && *r.at)
		refuse(&r, -ENOTSUP);
	if (r.err < 0) {
		pattern_fini(&p);
		return r.err;
	}
	*out = p;
	return 0;
}
