// SPDX-License-Identifier: GPL-2.0-only
/* Shell completion from the table. */
#include <string.h>

#include "cli/verb.h"

/* First words, each once, separated by blanks. */
static void first_words(FILE *out)
{
	const struct verb *v, *before = NULL;

	for (size_t i = 0; (v = verb_at(i)); i++) {
		size_t len = strcspn(v->words, " ");

		/* Verbs of a group stand together in the table. */
		if (!before || strncmp(before->words, v->words, len + 1) != 0)
			fprintf(out, "%s%.*s", before ? " " : "", (int)len, v->words);
		before = v;
	}
}

static void objects_of(FILE *out, const char *word, size_t len)
{
	const struct verb *v;
	const char *separator = "";

	for (size_t i = 0; (v = verb_at(i)); i++) {
		if (strncmp(v->words, word, len) != 0 || v->words[len] != ' ')
			continue;
		fprintf(out, "%s%s", separator, v->words + len + 1);
		separator = " ";
	}
}

static void options_of(FILE *out, const struct verb *v)
{
	for (size_t i = 0; v->options[i]; i++)
		fprintf(out, "%s ", v->options[i]->name);
	fputs("--help", out);
}

/* case rows "VERB WORDS) NAME='...' ;;" for every verb, then one for every group. */
static void case_rows(FILE *out)
{
	const struct verb *v, *before = NULL;

	for (size_t i = 0; (v = verb_at(i)); i++) {
		size_t len = strcspn(v->words, " ");

		fprintf(out, "\t\t\"%s\") words=\"", v->words);
		options_of(out, v);
		if (strcmp(v->arguments, "PORT") == 0)
			fputs(" $(weir port list 2>/dev/null | awk 'NR > 1 { print $1 }')", out);
		fputs("\" ;;\n", out);
		if (v->words[len] && (!before || strncmp(before->words, v->words, len + 1) != 0)) {
			fprintf(out, "\t\t\"%.*s \") words=\"", (int)len, v->words);
			objects_of(out, v->words, len);
			fputs("\" ;;\n", out);
		}
		before = v;
	}
}

/* Whether an earlier place of the table has this option: verbs share their rows. */
static bool seen_before(const struct option_info *o, const struct verb *until)
{
	const struct verb *v;

	for (size_t i = 0; (v = verb_at(i)) != until; i++)
		for (size_t k = 0; v->options[k]; k++)
			if (v->options[k] == o)
				return true;
	return false;
}

static bool takes_file(const struct option_info *o)
{
	static const char *const kinds[] = {"FILE", "PATH", "DIR"};

	for (size_t i = 0; o->value && i < ARRAY_SIZE(kinds); i++)
		if (strcmp(o->value, kinds[i]) == 0)
			return true;
	return false;
}

/* Options whose value is the name of a file. */
static void file_options(FILE *out)
{
	const struct verb *v;
	const char *separator = "";

	for (size_t i = 0; (v = verb_at(i)); i++) {
		for (size_t k = 0; v->options[k]; k++) {
			const struct option_info *o = v->options[k];

			if (!takes_file(o) || seen_before(o, v))
				continue;
			fprintf(out, "%s%s", separator, o->name);
			separator = "|";
			if (o->brief)
				fprintf(out, "|%s", o->brief);
		}
	}
}

/* Verbs whose argument is one. */
static void file_verbs(FILE *out)
{
	const struct verb *v;
	const char *separator = "";

	for (size_t i = 0; (v = verb_at(i)); i++) {
		if (strncmp(v->arguments, "FILE", 4) != 0 &&
		    strcmp(v->arguments, "CAPTURE...") != 0)
			continue;
		fprintf(out, "%s\"%s\"", separator, v->words);
		separator = "|";
	}
}

/* First words that need a second one, as a pattern. */
static void groups(FILE *out)
{
	const struct verb *v, *before = NULL;
	const char *separator = "";

	for (size_t i = 0; (v = verb_at(i)); i++) {
		size_t len = strcspn(v->words, " ");

		if (v->words[len] && (!before || strncmp(before->words, v->words, len + 1) != 0)) {
			fprintf(out, "%s%.*s", separator, (int)len, v->words);
			separator = "|";
		}
		before = v;
	}
}

/* The function both shells use; zsh runs it through bashcompinit. */
static void completion_function(FILE *out)
{
	fputs("_weir() {\n"
	      "\tlocal cur=\"${COMP_WORDS[COMP_CWORD]}\" prev=\"${COMP_WORDS[COMP_CWORD-1]}\" "
	      "words=\"\" verb\n"
	      "\tCOMPREPLY=()\n"
	      "\tif [ \"$COMP_CWORD\" -eq 1 ]; then\n"
	      "\t\tCOMPREPLY=($(compgen -W \"",
	      out);
	first_words(out);
	fputs("\" -- \"$cur\"))\n"
	      "\t\treturn\n"
	      "\tfi\n"
	      "\tcase \"$prev\" in\n\t",
	      out);
	file_options(out);
	fputs(") COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n"
	      "\tesac\n"
	      "\tverb=\"${COMP_WORDS[1]}\"\n"
	      "\tcase \"$verb\" in\n\t",
	      out);
	groups(out);
	fputs(") if [ \"$COMP_CWORD\" -eq 2 ]; then verb=\"$verb \"; else verb=\"$verb "
	      "${COMP_WORDS[2]}\"; fi ;;\n"
	      "\tesac\n"
	      "\tcase \"$verb\" in\n",
	      out);
	case_rows(out);
	fputs("\tesac\n"
	      "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	      "\tcase \"$verb\" in\n\t",
	      out);
	file_verbs(out);
	fputs(") COMPREPLY+=($(compgen -f -- \"$cur\")) ;;\n"
	      "\tesac\n"
	      "}\n",
	      out);
}

void completion_bash(FILE *out)
{
	fputs("# bash completion for weir\n", out);
	completion_function(out);
	fputs("complete -o filenames -F _weir weir\n", out);
}

void completion_zsh(FILE *out)
{
	fputs("#compdef weir\n"
	      "autoload -U +X bashcompinit && bashcompinit\n",
	      out);
	completion_function(out);
	fputs("complete -o filenames -F _weir weir\n", out);
}
