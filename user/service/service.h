/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A service is a part of the daemon with a row that lists its functions, the verbs it answers, its
 * metrics and its event types. The row is defined in the folder of its feature:
 *
 *	SERVICE(blocks) = {.name = "blocks", .verbs = verbs, ...};
 *
 * scripts/rows.sh generates the table of all rows (services) from the sources.
 */
#ifndef WEIR_SERVICE_H
#define WEIR_SERVICE_H

#include <jansson.h>
#include <systemd/sd-event.h>

#include "service/metric.h"
#include "util/util.h"

struct policy;

/* When a service is opened. Closing is in reverse order. */
enum service_stage {
	SERVICE_FIRST,	      /* before anything on the machine is changed */
	SERVICE_BEFORE_PORTS, /* policy loaded, no port open, no worker running */
	SERVICE_RUNNING,      /* ports attached, workers running */
	SERVICE_ASKING,	      /* last: has threads that call into other services */
};

struct service;

/* What the daemon provides to its services. */
struct host {
	const struct service *const *services; /* NULL-terminated */
	void **self;			       /* by index of services; NULL: not open */
	sd_event *loop;	    /* for descriptors, timers and children (loop/loop.h) */
	const char *socket; /* path of the control socket */
	void *daemon;
	/* Emits an event; type is one of the service's .events. body is stolen. */
	void (*event)(void *daemon, const char *type, json_t *body);
	/* All metrics as Prometheus text, malloc'd; NULL on ENOMEM. Takes the daemon's lock: not to
	 * be called from the loop's thread. */
	char *(*metrics)(void *daemon);
};

/*
 * A verb of the control socket. answer sets *data (a new reference) and returns 0, or a negative
 * errno with e filled; on failure nothing has changed.
 */
struct service_verb {
	const char *name;
	int (*answer)(void *self, const json_t *args, json_t **data, struct error *e);
	bool follow; /* keep the connection and stream events to it, filtered by args.type */
};

/* All members but name are optional. */
struct service {
	const char *name;
	enum service_stage stage;
	/* Sets *self, which is passed to the other functions (without open: host.daemon). Adds
	 * descriptors and timers to host.loop. */
	int (*open)(struct host *h, const struct policy *p, void **self, struct error *e);
	/* Applies next, which is about to replace the policy in force. On failure nothing has
	 * changed. Called again with the policy in force when the load fails later. */
	int (*reload)(void *self, const struct policy *next, struct error *e);
	void (*close)(void *self);
	const struct service_verb *verbs; /* end in one without a name */
	const struct metric *metrics;	  /* end in one without a name */
	/* The argument of the metrics' write_own, malloc'd; NULL on ENOMEM. Without it: self. */
	void *(*numbers)(void *self);
	const char *const *events; /* types, NULL-terminated */
};

#define SERVICE(id) const struct service service_##id
/* All rows, NULL-terminated (generated). */
extern const struct service *const services[];

/* Allocates host.self. 0 or -ENOMEM. */
int services_new(struct host *h);
void services_free(struct host *h);
/* Opens the services of a stage. On failure those of this stage are closed again. */
int services_open(struct host *h, enum service_stage stage, const struct policy *p,
		  struct error *e);
void services_close(struct host *h, enum service_stage stage);
/* Calls .reload of every open service; on failure those that succeeded are called with running. */
int services_reload(struct host *h, const struct policy *running, const struct policy *next,
		    struct error *e);
/* Handler of the control socket (control_handler); host: struct host. -ENOSYS: no open service has
 * the verb. */
int services_answer(const char *verb, const json_t *args, json_t **data, bool *follow, void *host,
		    struct error *e);
/* Reads args.type, an event type; *type NULL: not given. -EINVAL: unknown; the error lists all
 * types. */
int services_event_type(const struct host *h, const json_t *args, const char **type,
			struct error *e);
/* Prometheus text format 0.0.4 of all services. malloc'd; NULL on ENOMEM. */
char *services_metrics(const struct host *h, const struct stats_snapshot *s);

#endif
