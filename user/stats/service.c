// SPDX-License-Identifier: GPL-2.0-only
/* Service: the metrics listener; section `metrics` of the policy. */
#include <string.h>

#include "policy/section.h"
#include "service/service.h"
#include "stats/stats.h"

/* "127.0.0.1:9477" or "[::1]:9477". Names are not resolved: a policy means the same everywhere. */
static bool listen_is_valid(const char *text)
{
	const char *colon = strrchr(text, ':');
	bool six = text[0] == '[';
	char host[ADDRESS_TEXT_MAX];
	uint32_t addr[4];
	unsigned long port;
	size_t len;
	char *end;

	if (!colon || colon[1] < '0' || colon[1] > '9')
		return false;
	port = strtoul(colon + 1, &end, 10);
	len = (size_t)(colon - text);
	if (*end || port == 0 || port > 65535 || len < 3 || len >= sizeof(host))
		return false;
	if (six && colon[-1] != ']')
		return false;
	len -= six ? 2 : 0;
	memcpy(host, text + six, len);
	host[len] = '\0';
	return address_parse(host, addr) == 0 && six == (strchr(host, ':') != NULL);
}

static int metrics_read(struct draft *d, const struct yaml_node *n, void *data)
{
	struct stats_settings *s = data;
	static const char *const known[] = {"listen", NULL};
	const struct yaml_node *listen = yaml_get(n, "listen");
	const char *text = NULL;
	int err = n ? draft_mapping(d, n, "metrics", known) : 0;

	if (err < 0 || !n)
		return err;
	if (!listen)
		return draft_error(d, n, "metrics: `listen` is missing");
	err = yaml_string(draft_file(d), listen, "listen", &text, draft_cause(d));
	if (err < 0)
		return err;
	if (!listen_is_valid(text) || strlen(text) >= sizeof(s->listen))
		return draft_error(d, listen,
				   "listen: expected address:port such as \"127.0.0.1:9477\" or "
				   "\"[::1]:9477\", found `%.64s`",
				   text);
	memcpy(s->listen, text, strlen(text) + 1);
	return 0;
}

static bool metrics_same(const void *running, const void *next)
{
	const struct stats_settings *a = running, *b = next;

	return strcmp(a->listen, b->listen) == 0;
}

/* Restart only: stopping the listener joins its thread, which may wait for the lock that a reload
 * holds. */
POLICY_SECTION(metrics) = {
	.key = "metrics",
	.size = sizeof(struct stats_settings),
	.read = metrics_read,
	POLICY_RESTART(metrics_same),
};

/* No listener configured: self is NULL, and close is not called. */
static int listener_open(struct host *h, const struct policy *p, void **self, struct error *e)
{
	const struct stats_settings *s = policy_section_data(p, &policy_section_metrics);
	struct stats_server *server = NULL;
	int err = s && s->listen[0]
			  ? stats_server_start(s->listen, h->metrics, h->daemon, &server, e)
			  : 0;

	if (err < 0)
		return err;
	*self = server;
	return 0;
}

static void listener_close(void *self)
{
	stats_server_stop(self);
}

SERVICE(metrics) = {
	.name = "metrics",
	.stage = SERVICE_ASKING,
	.open = listener_open,
	.close = listener_close,
};
