// SPDX-License-Identifier: GPL-2.0-only
/* Verbs that change something at run time. Everything is checked before anything is changed. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "daemon/daemon_private.h"

#define HANDOVER_MAX_MS 250

void policy_to_ctl(struct weir *w)
{
	struct weir_ctl *ctl = gate_ctl(w->gate);
	uint32_t flags = ctl->flags & (WEIR_CTL_BLOCKS | WEIR_CTL_BLOCKS_SLOT);

	if (w->policy->on_failure_drop)
		flags |= WEIR_CTL_FAILURE_DROP;
	if (w->policy->on_overload_drop)
		flags |= WEIR_CTL_OVERLOAD_DROP;
	ctl->flags = flags | WEIR_CTL_EVENTS;
	ctl->handover_max_ms = HANDOVER_MAX_MS;
	ctl->mark_mask = w->policy->mark_mask;
}

int change_port(void *arg, const json_t *args, json_t **data, struct error *e)
{
	struct weir *w = arg;
	const char *name = json_string_value(json_object_get(args, "port"));
	bool enable = json_is_true(json_object_get(args, "enabled"));
	struct daemon_port *p;
	unsigned int index;
	int err;

	if (!name)
		return error_set(e, -EINVAL, "which port?");
	p = port_find(w, name, &index);
	if (!p)
		return error_set(e, -ENOENT, "no port or interface %s in the policy", name);
	if (!p->attached)
		return error_set(e, -ENODEV, "port %s: %s", p->name, p->degraded);
	if (enable && p->stripped) {
		err = port_attach_program(w, index, e);
		if (err < 0)
			return err;
	}
	if (enable)
		p->cfg.flags |= WEIR_PORT_ENABLED;
	else
		p->cfg.flags &= ~WEIR_PORT_ENABLED;
	err = port_configure(w, index);
	if (err < 0)
		return error_set(e, err, "port %s: %s", p->name, strerror(-err));
	p->enabled = enable;
	/* Switched on again after what made it lose frames was put right. */
	p->lossy = p->lossy && !enable;
	port_refresh(w, index);
	log_info("port %s %s", p->name, enable ? "enabled" : "disabled");
	audit_change(w->audit, EVE_PORT, enable ? "enabled" : "disabled", p->name);
	*data = json_pack("{s:s, s:b}", "port", p->name, "enabled", enable);
	return 0;
}

/* Hits are shown per rule name and go on over a reload. */
void carry_rule_hits(struct weir *w, const struct policy *next, uint64_t out[WEIR_RULES_MAX + 1])
{
	for (unsigned int i = 0; i <= next->rule_count; i++) {
		unsigned int id = i < next->rule_count ? i : WEIR_RULE_DEFAULT;
		const char *name = policy_rule_name(next, id);

		out[i] = 0;
		for (unsigned int k = 0; k <= w->policy->rule_count; k++) {
			unsigned int old = k < w->policy->rule_count ? k : WEIR_RULE_DEFAULT;
			uint64_t hits = 0;

			if (strcmp(policy_rule_name(w->policy, old), name) != 0)
				continue;
			gate_read_rule_hits(w->gate, w->generation, old, &hits);
			out[i] = w->rule_hits_before[k] + hits;
		}
	}
}

static int policy_swap(struct weir *w, struct worker_settings *next, struct error *e)
{
	uint64_t hits[WEIR_RULES_MAX + 1] = {0};
	struct policy *p = next->policy;
	uint32_t changed = 0;
	int err;

	news_read(w);
	err = traits_number(w, p, &changed, e);
	if (err < 0)
		return err;
	err = gate_save_apps(w->gate, w->registry, next->signatures, p->inspect_tunnels);
	if (err < 0)
		return error_set(e, err, "cannot write the application names: %s", strerror(-err));
	carry_rule_hits(w, p, hits);
	err = gate_stage_policy(w->gate, p);
	if (err < 0) {
		gate_save_apps(w->gate, w->registry, w->signatures, w->policy->inspect_tunnels);
		return error_set(e, err, "cannot load the policy into the gate: %s",
				 strerror(-err));
	}
	memcpy(w->rule_hits_before, hits, sizeof(hits));
	rule_names_keep(w);
	worker_settings_give(next, w->settings, w->workers, w->worker_count);
	w->settings = w->shared.settings = next;
	w->policy = next->policy;
	w->signatures = next->signatures;
	/* From here on workers judge flows by the new conditions; those that they are done with are
	 * judged before the gate asks. */
	traits_tell(w, p, changed);
	gate_switch_policy(w->gate, p);
	w->generation = p->generation;
	policy_to_ctl(w);
	return 0;
}

static int read_settings(struct weir *w, const char *path, struct worker_settings **out,
			 struct error *e)
{
	struct signatures *s = NULL;
	struct policy *p = NULL;
	int err = policy_reload(path, w->policy, w->registry, &p, &s, stderr, e);

	if (!err && worker_settings_new(p, s, out) < 0)
		err = error_set(e, -ENOMEM, "no memory");
	if (err < 0) {
		policy_free(p);
		signatures_free(s);
	}
	return err;
}

static int load(struct weir *w, const char *path, struct error *e)
{
	struct worker_settings *next = NULL;
	int err = read_settings(w, path, &next, e);

	if (!err)
		err = services_reload(&w->host, w->policy, next->policy, e);
	if (!err) {
		err = policy_swap(w, next, e);
		if (err < 0)
			services_reload(&w->host, next->policy, w->policy, NULL);
	}
	if (err < 0)
		worker_settings_free(next);
	return err;
}

int change_policy(void *arg, const json_t *args, json_t **data, struct error *e)
{
	struct weir *w = arg;
	const char *path = json_string_value(json_object_get(args, "path"));
	int err;

	if (!path)
		path = w->policy->path;
	err = load(w, path, e);
	if (err < 0) {
		w->loads_failed++;
		log_error("policy not loaded: %s", e->text);
		return err;
	}
	w->loads_ok++;
	log_info("policy %s loaded, generation %u", w->policy->path, w->generation);
	audit_change(w->audit, EVE_POLICY, "loaded", w->policy->path);
	*data = json_pack("{s:s, s:I, s:I}", "path", w->policy->path, "generation",
			  (json_int_t)w->generation, "rules", (json_int_t)w->policy->rule_count);
	return 0;
}

/* SIGHUP loads the policy file again. */
static int on_hangup(sd_event_source *s _unused_, const struct signalfd_siginfo *si _unused_,
		     void *arg)
{
	json_t *data = NULL;
	struct error e = {0};

	change_policy(arg, NULL, &data, &e);
	json_decref(data);
	return 0;
}

static int reloads_open(struct host *h, const struct policy *p _unused_, void **self,
			struct error *e _unused_)
{
	*self = h->daemon;
	return sd_event_add_signal(h->loop, NULL, SIGHUP, on_hangup, h->daemon);
}

static const struct service_verb verbs[] = {
	{.name = "load", .answer = change_policy},
	{.name = "policy", .answer = query_policy},
	{.name = NULL},
};
static const char *const events[] = {"policy", NULL};

SERVICE(policy) = {
	.name = "policy",
	.stage = SERVICE_RUNNING,
	.open = reloads_open,
	.verbs = verbs,
	.metrics = stats_policy_metrics,
	.events = events,
};
