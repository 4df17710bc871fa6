/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A service is a part of the daemon that is opened and closed with it: a row, defined in the file
 * that has its functions, in whichever folder its feature lives:
 *
 *	SERVICE(blocks) = {.name = "blocks", .verbs = verbs, ...};
 *
 * What people see of it (verbs of the control socket, metrics, types of events) is in its row.
 * scripts/rows.sh finds the rows and writes the table of them.
 */
#ifndef WEIR_SERVICE_H
#define WEIR_SERVICE_H

#include <jansson.h>
#include <systemd/sd-event.h>

#include "service/metric.h"
#include "util/util.h"

struct policy;

/* When a service is opened; it is closed in the opposite order. */
enum service_stage {
	SERVICE_FIRST,	      /* before anything on the machine is touched */
	SERVICE_BEFORE_PORTS, /* the policy is read, no port is open, no worker runs */
	SERVICE_RUNNING,      /* frames flow */
	SERVICE_ASKING,	      /* last: its threads ask the others, which are open for as long */
};

struct service;

/* What the daemon offers to its services. */
struct host {
	const struct service *const *services; /* NULL-terminated */
	void **self;			       /* of each; NULL: not open */
	sd_event *loop;	    /* for descriptors, timers and children (loop/loop.h) */
	const char *socket; /* path of the control socket */
	void *daemon;
	/* An event of a type that the service's row names; body is stolen. */
	void (*event)(void *daemon, const char *type, json_t *body);
	/* All metrics as text, malloc'd; NULL on ENOMEM. For threads other than the loop's. */
	char *(*metrics)(void *daemon);
};

/*
 * A verb of the control socket. answer sets *data (a new reference) and returns 0, or a negative
 * errno with e filled; on failure nothing has changed.
 */
struct service_verb {
	const char *name;
	int (*answer)(void *self, const json_t *args, json_t **data, struct error *e);
	bool follow; /* the connection stays and gets events; args.type filters them */
};

/* Everything but name may be left out. */
struct service {
	const char *name;
	enum service_stage stage;
	/* *self is given to the other functions; a service without open gets host.daemon. It adds
	 * its descriptors and timers to host.loop. */
	int (*open)(struct host *h, const struct policy *p, void **self, struct error *e);
	/* next is about to take the place of the policy in force: takes what it says. On failure
	 * nothing has changed. When the load fails later, it is called with the one in force. */
	int (*reload)(void *self, const struct policy *next, struct error *e);
	void (*close)(void *self);
	const struct service_verb *verbs; /* end in one without a name */
	const struct metric *metrics;	  /* end in one without a name */
	/* What write_own of the metrics is given, from malloc; NULL on ENOMEM. */
	void *(*numbers)(void *self);
	const char *const *events; /* types, NULL-terminated */
};

#define SERVICE(id) const struct service service_##id
/* All rows, NULL-terminated; written by scripts/rows.sh. */
extern const struct service *const services[];

/* host.self for host.services. 0 or -ENOMEM. */
int services_new(struct host *h);
void services_free(struct host *h);
/* Opens those of a stage. On failure those of the stage that were opened are closed again. */
int services_open(struct host *h, enum service_stage stage, const struct policy *p,
		  struct error *e);
void services_close(struct host *h, enum service_stage stage);
/* All or none: on failure those that took next have been given running again. */
int services_reload(struct host *h, const struct policy *running, const struct policy *next,
		    struct error *e);
/* -ENOSYS for a verb that no open service has. The handler of the control socket; host: arg. */
int services_answer(const char *verb, const json_t *args, json_t **data, bool *follow, void *host,
		    struct error *e);
/* The {"type"} of a question for events: *type is NULL where there is none. -EINVAL for one that no
 * service has, with the list of those there are. */
int services_event_type(const struct host *h, const json_t *args, const char **type,
			struct error *e);
/* Prometheus text format 0.0.4 of all services. malloc'd; NULL on ENOMEM. */
char *services_metrics(const struct host *h, const struct stats_snapshot *s);

#endif
