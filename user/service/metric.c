// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdarg.h>

#include "service/metric.h"

/* Backslash, quote and newline are escaped in a label's value; the text format wants no more. */
void metric_label(FILE *out, const char *value)
{
	for (; *value; value++) {
		if (*value == '\n')
			fputs("\\n", out);
		else if (*value == '\\' || *value == '"')
			fprintf(out, "\\%c", *value);
		else
			fputc(*value, out);
	}
}

/* name{label="value",...} and a space; pairs of strings up to NULL. */
static void series_write(FILE *out, const char *name, va_list labels)
{
	const char *label, *open = "{", *close = "";

	fputs(name, out);
	while ((label = va_arg(labels, const char *))) {
		fprintf(out, "%s%s=\"", open, label);
		metric_label(out, va_arg(labels, const char *));
		fputc('"', out);
		open = ",";
		close = "}";
	}
	fprintf(out, "%s ", close);
}

void metric_sample_write(FILE *out, const char *name, uint64_t value, ...)
{
	va_list labels;

	va_start(labels, value);
	series_write(out, name, labels);
	va_end(labels);
	fprintf(out, "%" PRIu64 "\n", value);
}

void metrics_write(FILE *out, const struct metric *list, const struct stats_snapshot *s,
		   const void *numbers)
{
	for (; list && list->info.name; list++) {
		const struct metric_info *m = &list->info;

		fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name, m->type);
		if (list->write)
			list->write(out, m->name, s);
		else if (numbers)
			list->write_own(out, m->name, numbers);
	}
}
