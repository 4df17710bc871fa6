// SPDX-License-Identifier: GPL-2.0-only
/* Help and the man page from the table. */
#include <string.h>

#include "cli/verb.h"

#define HELP_WIDTH 80

static bool takes_arguments(const struct verb *v)
{
	return v->arguments[0] != '\0';
}

void help_usage(FILE *out, const struct verb *v)
{
	fprintf(out, "usage: weir %s%s%s", v->words, takes_arguments(v) ? " " : "", v->arguments);
	for (size_t i = 0; v->options[i]; i++) {
		const struct option_info *o = v->options[i];

		fprintf(out, " [%s%s%s%s%s]", o->brief ? o->brief : "", o->brief ? "|" : "",
			o->name, o->value ? " " : "", o->value ? o->value : "");
	}
	fputc('\n', out);
}

/* Words broken at HELP_WIDTH. */
static void help_paragraph(FILE *out, const char *text)
{
	size_t column = 0;

	while (*text) {
		size_t len = strcspn(text, " ");

		if (column > 0 && column + 1 + len > HELP_WIDTH) {
			fputc('\n', out);
			column = 0;
		}
		fprintf(out, "%s%.*s", column > 0 ? " " : "", (int)len, text);
		column += len + (column > 0);
		text += len;
		text += strspn(text, " ");
	}
	fputc('\n', out);
}

static void help_options(FILE *out, const struct verb *v)
{
	char left[64];

	for (size_t i = 0; v->options[i]; i++) {
		const struct option_info *o = v->options[i];

		snprintf(left, sizeof(left), "%s%s%s%s%s", o->brief ? o->brief : "",
			 o->brief ? ", " : "", o->name, o->value ? " " : "",
			 o->value ? o->value : "");
		fprintf(out, "  %-22s %s\n", left, o->help);
	}
	fprintf(out, "  %-22s %s\n", "-h, --help", "this help");
}

void help_verb(FILE *out, const struct verb *v)
{
	help_usage(out, v);
	fprintf(out, "\n%s\n", v->help);
	if (v->more) {
		fputc('\n', out);
		help_paragraph(out, v->more);
	}
	fputs("\noptions:\n", out);
	help_options(out, v);
}

static void help_row(FILE *out, const struct verb *v)
{
	char left[64];

	snprintf(left, sizeof(left), "%s%s%s", v->words, takes_arguments(v) ? " " : "",
		 v->arguments);
	fprintf(out, "  %-22s %s\n", left, v->help);
}

void help_group(FILE *out, const char *word)
{
	const struct verb *v;
	size_t len = strlen(word);

	for (size_t i = 0; (v = verb_at(i)); i++)
		if (strncmp(v->words, word, len) == 0 && v->words[len] == ' ')
			help_row(out, v);
	fprintf(out, "\n`weir %s OBJECT -h` tells more.\n", word);
}

static const char *const exit_statuses[] = {
	[CLI_DONE] = "done",
	[CLI_FAILED] = "failed; the reason is on stderr",
	[CLI_USAGE] = "wrong usage",
	[CLI_NO_DAEMON] = "no daemon answers on the socket",
};

void help_program(FILE *out)
{
	const struct verb *v;

	fputs("usage: weir VERB [OBJECT] [options]\n\n"
	      "An inline gateway that knows which application every connection belongs to.\n\n",
	      out);
	for (size_t i = 0; (v = verb_at(i)); i++)
		help_row(out, v);
	fputs("\n`weir VERB -h` tells more; `weir --version` prints the version.\n"
	      "Exit status:",
	      out);
	for (size_t i = 0; i < ARRAY_SIZE(exit_statuses); i++)
		fprintf(out, "%s %zu %s", i ? "," : "", i, exit_statuses[i]);
	fputs(".\n", out);
}

/* Text for roff: what begins a request or an escape is made harmless. */
static void roff(FILE *out, const char *text)
{
	if (*text == '.' || *text == '\'')
		fputs("\\&", out);
	for (; *text; text++) {
		if (*text == '\\')
			fputs("\\e", out);
		else if (*text == '-')
			fputs("\\-", out);
		else
			fputc(*text, out);
	}
}

static void man_option(FILE *out, const struct option_info *o)
{
	fputs(".TP\n", out);
	if (o->brief) {
		fputs("\\fB", out);
		roff(out, o->brief);
		fputs("\\fR, ", out);
	}
	fputs("\\fB", out);
	roff(out, o->name);
	fputs("\\fR", out);
	if (o->value)
		fprintf(out, " \\fI%s\\fR", o->value);
	fputc('\n', out);
	roff(out, o->help);
	fputc('\n', out);
}

static void man_verb(FILE *out, const struct verb *v)
{
	fprintf(out, ".SS \"weir %s%s%s\"\n", v->words, takes_arguments(v) ? " " : "",
		v->arguments);
	roff(out, v->help);
	fputs(".\n", out);
	if (v->more) {
		fputs(".PP\n", out);
		roff(out, v->more);
		fputc('\n', out);
	}
	for (size_t i = 0; v->options[i]; i++)
		man_option(out, v->options[i]);
}

void help_man(FILE *out)
{
	const struct verb *v;

	fprintf(out,
		".TH WEIR 8 \"\" \"weir %s\"\n.SH NAME\nweir \\- inline network gateway that "
		"knows applications\n.SH SYNOPSIS\n.B weir\n\\fIVERB\\fR [\\fIOBJECT\\fR] "
		"[\\fIoptions\\fR]\n.SH DESCRIPTION\n",
		WEIR_VERSION);
	fputs("weir stands between a network and its uplink, decides almost every packet in the "
	      "kernel (XDP or TC), identifies applications from the first packets of a connection, "
	      "and passes, drops or resets them by a policy file.\n.PP\n"
	      "Listing verbs print aligned columns, or one JSON document with \\fB\\-\\-json\\fR. "
	      "Words of the command line are never abbreviated.\n.SH COMMANDS\n",
	      out);
	for (size_t i = 0; (v = verb_at(i)); i++)
		man_verb(out, v);
	fputs(".SH EXIT STATUS\n", out);
	for (size_t i = 0; i < ARRAY_SIZE(exit_statuses); i++)
		fprintf(out, ".TP\n.B %zu\n%s\n", i, exit_statuses[i]);
	fputs(".SH SIGNALS\nThe daemon ends and cleans up on SIGTERM and SIGINT, and loads its "
	      "policy "
	      "file again on SIGHUP.\n",
	      out);
}
