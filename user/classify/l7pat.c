// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pattern files of l7-filter. Lines that begin with # are comments, two of which are used:
 * "Protocol groups:" and "Pattern attributes:". The first other line is the protocol's name. The
 * next one is the regular expression (egrep syntax, \xHH for a byte, no braces, no other escapes);
 * it is matched without regard to case against the stream without its NUL bytes. The lines after it
 * (`userspace pattern=`, `userspace flags=`) are for another matcher and ignored.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "classify/set.h"

#define OUT_MAX 4000 /* longest pattern that is given to PCRE2 */

struct writer {
	char text[OUT_MAX];
	size_t len;
	bool full;
	bool binary; /* allow NUL bytes before every byte of the pattern */
};

static void put(struct writer *w, const char *text, size_t len)
{
	if (w->len + len >= sizeof(w->text)) {
		w->full = true;
		return;
	}
	memcpy(w->text + w->len, text, len);
	w->len += len;
	w->text[w->len] = '\0';
}

static void put_text(struct writer *w, const char *text)
{
	put(w, text, strlen(text));
}

/* Writes one byte: as itself if it has no special meaning to PCRE2 or YAML, else escaped. */
static void put_byte(struct writer *w, uint8_t byte)
{
	char text[8];

	if (isalnum(byte) || (byte < 0x7f && byte > 0x20 && !strchr("\\^$.[]|()*+?{}-'#\"", byte)))
		snprintf(text, sizeof(text), "%c", byte);
	else
		snprintf(text, sizeof(text), "\\x%02x", byte);
	put_text(w, text);
}

static bool hex_escape(const char *at, const char *end, uint8_t *out)
{
	int byte = end - at < 4 || at[0] != '\\' || at[1] != 'x' ? -1 : hex_byte(at + 2);

	if (byte < 0)
		return false;
	*out = (uint8_t)byte;
	return true;
}

/* Reads a byte within brackets, where a backslash is literal unless it begins \xHH. */
static uint8_t bracket_byte(const char **at, const char *end)
{
	uint8_t byte;

	if (hex_escape(*at, end, &byte)) {
		*at += 4;
		return byte;
	}
	return (uint8_t) * (*at)++;
}

/* Called after `[`: translates up to `]`, which may be the first character of the set. */
static int put_brackets(struct writer *w, const char **at, const char *end, struct error *e)
{
	bool negated = *at < end && **at == '^', first = true;

	*at += negated;
	put_text(w, negated ? "[^" : "[");
	if (negated && w->binary)
		put_text(w, "\\x00");
	for (; *at < end && (first || **at != ']'); first = false) {
		uint8_t from, to;

		if (end - *at > 1 && (*at)[0] == '[' && strchr(":.=", (*at)[1]))
			return error_set(e, -EINVAL, "a class of characters by name");
		from = to = bracket_byte(at, end);
		if (end - *at > 1 && (*at)[0] == '-' && (*at)[1] != ']') {
			++*at;
			to = bracket_byte(at, end);
		}
		if (from > to)
			return error_set(e, -EINVAL, "a range of bytes that goes backwards");
		put_byte(w, from);
		if (from != to) {
			put_text(w, "-");
			put_byte(w, to);
		}
	}
	if (*at == end)
		return error_set(e, -EINVAL, "a bracket that is not closed");
	++*at;
	put_text(w, "]");
	return 0;
}

static int put_atom(struct writer *w, const char **at, const char *end, struct error *e)
{
	uint8_t byte;

	if (hex_escape(*at, end, &byte)) {
		*at += 4;
		put_byte(w, byte);
		return 0;
	}
	byte = (uint8_t) * (*at)++;
	if (byte == '[')
		return put_brackets(w, at, end, e);
	if (byte == '.') {
		put_text(w, w->binary ? "[^\\x00]" : ".");
		return 0;
	}
	if (byte == '\\' && *at == end)
		return error_set(e, -EINVAL, "a backslash at the end");
	put_byte(w, byte == '\\' ? (uint8_t) * (*at)++ : byte);
	return 0;
}

/* Translates one item that matches one byte, preceded by optional NUL bytes if the pattern's
 * protocol is binary. */
static int put_one(struct writer *w, const char **at, const char *end, struct error *e)
{
	size_t begin = w->len;
	int err;

	put_text(w, w->binary ? "(?:\\x00*" : "");
	err = put_atom(w, at, end, e);
	if (err < 0 || !w->binary || w->full)
		return err;
	if (*at < end && strchr("*+?", **at)) {
		put_text(w, ")");
		return 0;
	}
	/* No quantifier follows, so no group is needed: remove its opening. */
	memmove(w->text + begin, w->text + begin + 3, w->len - begin - 2);
	w->len -= 3;
	return 0;
}

static int put_pattern(struct writer *w, const char *at, const char *end, struct error *e)
{
	int err = 0;

	while (at < end && err == 0) {
		char text[2] = {*at, '\0'};

		if (!strchr("^$|()*+?", *at) || !*at) {
			err = put_one(w, &at, end, e);
			continue;
		}
		put_text(w, *at == '(' ? "(?:" : text);
		/* `a*?` would be a lazy repetition in PCRE2; in egrep it is a repetition that is
		 * optional. */
		if (strchr("*+?", *at) && at + 1 < end && strchr("*+?", at[1]))
			return error_set(e, -EINVAL, "a repetition of a repetition");
		at++;
	}
	if (err == 0 && w->full)
		err = error_set(e, -EINVAL, "longer than %d characters", OUT_MAX - 1);
	return err;
}

/* Whether the pattern contains bytes that text does not have; the protocol may then have NUL
 * bytes. */
static bool is_binary(const char *at, const char *end)
{
	for (; at < end; at++) {
		uint8_t byte;

		if (hex_escape(at, end, &byte) &&
		    (byte >= 0x7f || (byte < 0x20 && !(byte >= '\t' && byte <= '\r'))))
			return true;
	}
	return false;
}

/* ---- the file ---- */

struct line {
	const char *text, *end; /* without surrounding blanks */
};

static bool line_next(const char **at, const char *end, struct line *out)
{
	const char *stop;

	if (*at == end)
		return false;
	stop = memchr(*at, '\n', (size_t)(end - *at));
	out->text = *at;
	out->end = stop ? stop : end;
	*at = stop ? stop + 1 : end;
	while (out->text < out->end && isspace((unsigned char)*out->text))
		out->text++;
	while (out->text < out->end && isspace((unsigned char)out->end[-1]))
		out->end--;
	return true;
}

/* The text after "# KEY:", or NULL. */
static const char *comment_value(const struct line *l, const char *key)
{
	const char *at = l->text;

	while (at < l->end && (*at == '#' || isspace((unsigned char)*at)))
		at++;
	if ((size_t)(l->end - at) <= strlen(key) || strncasecmp(at, key, strlen(key)) != 0)
		return NULL;
	return at + strlen(key);
}

/* Converts a name to weir's character set. */
static void name_make(const char *text, const char *end, char out[WEIR_APP_NAME_LEN])
{
	size_t len = 0;

	for (; text < end && len + 1 < WEIR_APP_NAME_LEN; text++) {
		char c = (char)tolower((unsigned char)*text);
		bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			    (len > 0 && (c == '.' || c == '-' || c == '_' || c == '+'));

		if (good || len > 0)
			out[len++] = good ? c : '-';
	}
	out[len] = '\0';
	if (strcmp(out, "and") == 0 || strcmp(out, "or") == 0 || strcmp(out, "not") == 0 ||
	    strcmp(out, "unknown") == 0)
		memcpy(out + strlen(out), "-1", 3);
}

static const struct {
	const char *group, *category;
} categories[] = {
	{"p2p", "p2p"},
	{"chat", "chat"},
	{"mail", "mail"},
	{"voip", "voip"},
	{"game", "game"},
	{"document_retrieval", "web"},
	{"networking", "network"},
	{"time_synchronization", "network"},
	{"monitoring", "network"},
	{"remote_access", "remote"},
	{"streaming_audio", "streaming"},
	{"streaming_video", "streaming"},
	{"video", "streaming"},
	{"file", "files"},
	{"worm", "malware"},
};

static bool next_word(const char **at, const char *end, char *out, size_t cap)
{
	size_t len = 0;

	while (*at < end && (isspace((unsigned char)**at) || **at == ','))
		++*at;
	for (; *at < end && !isspace((unsigned char)**at) && **at != ','; ++*at)
		if (len + 1 < cap)
			out[len++] = **at;
	out[len] = '\0';
	return len > 0;
}

/* Takes the first group that is a category; other groups say who made the protocol. */
static void read_groups(const char *at, const char *end, struct l7pat *out)
{
	char word[64];

	while (!out->category[0] && next_word(&at, end, word, sizeof(word)))
		for (size_t i = 0; i < ARRAY_SIZE(categories); i++)
			if (strcmp(categories[i].group, word) == 0)
				snprintf(out->category, sizeof(out->category), "%s",
					 categories[i].category);
}

/* Derives the confidence from the quality that the authors state; a pattern that they say also
 * matches other things stays below the rest. */
static void read_attributes(const char *at, const char *end, struct l7pat *out)
{
	static const struct {
		const char *word;
		uint8_t confidence;
	} levels[] = {{"great", 85}, {"good", 80}, {"ok", 70}, {"marginal", 60}, {"poor", 50}};
	bool overmatch = false;
	char word[64];

	while (next_word(&at, end, word, sizeof(word))) {
		overmatch |= strcmp(word, "overmatch") == 0;
		for (size_t i = 0; i < ARRAY_SIZE(levels); i++)
			if (strcmp(levels[i].word, word) == 0)
				out->confidence = levels[i].confidence;
	}
	if (overmatch)
		out->confidence = 50;
}

static int read_pattern(const struct line *l, struct l7pat *out, struct error *e)
{
	struct writer w = {.binary = is_binary(l->text, l->end)};
	uint32_t min = 1, max;
	struct pattern p;
	int err = put_pattern(&w, l->text, l->end, e);

	if (err < 0)
		return err;
	err = pattern_parse(w.text, true, &p);
	if (err == -ENOMEM)
		return err;
	if (err == 0) {
		pattern_length(&p, &min, &max);
		pattern_fini(&p);
	}
	if (min == 0)
		return error_set(e, -EINVAL, "it matches everything");
	out->pattern = strdup(w.text);
	return out->pattern ? 0 : -ENOMEM;
}

void l7pat_fini(struct l7pat *p)
{
	free(p->pattern);
	*p = (struct l7pat){.pattern = NULL};
}

int l7pat_read(const char *text, size_t len, struct l7pat *out, struct error *e)
{
	const char *at = text, *end = text + len, *value;
	struct l7pat p = {.confidence = 60};
	struct line l;

	while (line_next(&at, end, &l)) {
		if (l.text == l.end)
			continue;
		if (*l.text == '#') {
			value = comment_value(&l, "Protocol groups:");
			if (value)
				read_groups(value, l.end, &p);
			value = comment_value(&l, "Pattern attributes:");
			if (value)
				read_attributes(value, l.end, &p);
			continue;
		}
		if (!p.name[0]) {
			name_make(l.text, l.end, p.name);
			if (!p.name[0])
				return error_set(e, -EINVAL, "its name has no letter");
			continue;
		}
		if (read_pattern(&l, &p, e) < 0)
			return error_set(e, -EINVAL, "out of memory");
		*out = p;
		return 0;
	}
	return error_set(e, -EINVAL, p.name[0] ? "it has no pattern" : "it has no name");
}
