/* SPDX-License-Identifier: GPL-2.0-only */
/* Prometheus metric families as rows: name, type, labels, help, and the writer of the samples. */
#ifndef WEIR_METRIC_H
#define WEIR_METRIC_H

#include <stdint.h>
#include <stdio.h>

struct stats_snapshot;

struct metric_info {
	const char *name, *type, *labels, *help;
};

/* Exactly one of write and write_own is set. */
struct metric {
	struct metric_info info;
	/* From the daemon's snapshot (stats/stats.h). */
	void (*write)(FILE *out, const char *name, const struct stats_snapshot *s);
	/* From what the service's .numbers returned, or its self. */
	void (*write_own)(FILE *out, const char *name, const void *numbers);
};

/* Writes a label value, escaped. */
void metric_label(FILE *out, const char *value);
/* Writes one sample: the value, then labels as pairs of name and text. */
#define metric_sample(out, name, ...)                                                              \
	metric_sample_write(out, name, __VA_ARGS__, (const char *)NULL)
__attribute__((sentinel)) void metric_sample_write(FILE *out, const char *name, uint64_t value,
						   ...);
/* Writes # HELP, # TYPE and samples of each row up to the one without a name. numbers NULL:
 * families with write_own get no samples. */
void metrics_write(FILE *out, const struct metric *list, const struct stats_snapshot *s,
		   const void *numbers);

#endif
