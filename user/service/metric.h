/* SPDX-License-Identifier: GPL-2.0-only */
/* Families of Prometheus' text format as rows: name, type, labels, help, and what writes the
 * samples. */
#ifndef WEIR_METRIC_H
#define WEIR_METRIC_H

#include <stdint.h>
#include <stdio.h>

struct stats_snapshot;

struct metric_info {
	const char *name, *type, *labels, *help;
};

/* One of the two writes the samples. */
struct metric {
	struct metric_info info;
	/* From the numbers of the whole daemon (stats/stats.h). */
	void (*write)(FILE *out, const char *name, const struct stats_snapshot *s);
	/* From the service's own: what its .numbers returned, or the service itself. */
	void (*write_own)(FILE *out, const char *name, const void *numbers);
};

/* Text in quotes as a label's value wants it. */
void metric_label(FILE *out, const char *value);
/* One line: the value, then labels as pairs of name and text. */
#define metric_sample(out, name, ...)                                                              \
	metric_sample_write(out, name, __VA_ARGS__, (const char *)NULL)
__attribute__((sentinel)) void metric_sample_write(FILE *out, const char *name, uint64_t value,
						   ...);
/* # HELP, # TYPE and the samples of a list that ends in a row without a name. numbers NULL: none
 * are written by write_own. */
void metrics_write(FILE *out, const struct metric *list, const struct stats_snapshot *s,
		   const void *numbers);

#endif
