// SPDX-License-Identifier: GPL-2.0-only
/* Captures in, frames through the inspector, events out. */
#include <netinet/in.h>
#include <string.h>

#include "replay/state.h"

#define SECOND	       UINT64_C(1000000000)
#define BEFORE_NS      (3600 * SECOND) /* frames may be older than the first one */
#define SWEEP_NS       SECOND
#define EXPIRE_EVERY   1024 /* frames */
#define EXPIRE_BUDGET  1024
#define PROGRESS_EVERY 65536
#define FLOWS_MAX      (1u << 20)
#define FLOW_IDLE_NS   (300 * SECOND)
#define NAMES	       65536
#define ENDPOINTS      65536
#define ENDPOINT_NS    (3600 * SECOND)
#define ALL_EVENTS     (~0u)

/* ---- what events need to know ---- */

static const char *interface_of(void *arg, unsigned int port)
{
	const struct replay *r = arg;

	return port && port <= r->policy->port_count ? r->policy->ports[port - 1].interface : "";
}

static const char *rule_of(void *arg, const struct weir_flow *flow)
{
	const struct replay *r = arg;

	return policy_rule_name(r->policy, flow->rule);
}

static const char *hostname_of(void *arg, uint64_t flow_id)
{
	const struct replay *r = arg;

	return r->telling && r->telling->flow.id == flow_id ? r->telling->hostname : NULL;
}

/* ---- what the inspector tells: of a flow that the frame at hand began when that is counted ----
 */

static const struct replay_flow *flow_told_of(const struct replay *r, const struct flow *f)
{
	const struct replay_flow *rf = replay_flows_find(r->flows, &f->key);

	return rf && rf->serial == f->serial ? rf : NULL;
}

static struct told *told_next(struct replay *r, const struct flow *f)
{
	struct told *t = r->told_count < TOLD_MAX ? &r->told[r->told_count++] : NULL;

	if (t)
		*t = (struct told){.flow = f, .app = f->app};
	return t;
}

static void answered(void *arg, const struct app_message *m, const struct app_dns *d)
{
	const struct replay_flow *rf = flow_told_of(arg, m->flow);
	struct told *t;

	if (rf) {
		tell_dns(arg, rf, d);
		return;
	}
	t = told_next(arg, m->flow);
	if (!t)
		return;
	t->dns = malloc(sizeof(*d));
	if (t->dns)
		*t->dns = *d;
}

static void told(void *arg, const struct app_message *m, const struct app_record *record)
{
	const struct replay_flow *rf = flow_told_of(arg, m->flow);
	struct told *t;

	if (rf) {
		tell_record(arg, rf, m->flow->app, record);
		return;
	}
	t = told_next(arg, m->flow);
	if (!t)
		return;
	t->record = malloc(sizeof(*record));
	if (t->record)
		memcpy(t->record, record, app_record_bytes(record));
}

static void told_flush(struct replay *r)
{
	for (unsigned int i = 0; i < r->told_count; i++) {
		struct told *t = &r->told[i];
		const struct replay_flow *rf = replay_flows_find(r->flows, &t->flow->key);

		if (rf && t->dns)
			tell_dns(r, rf, t->dns);
		if (rf && t->record)
			tell_record(r, rf, t->app, t->record);
		free(t->dns);
		free(t->record);
	}
	r->told_count = 0;
}

/* A flow that was dropped, or ended before its first messages were read to their end. */
static void released(struct flow *f, void *arg)
{
	struct replay *r = arg;
	struct replay_flow *rf = replay_flows_find(r->flows, &f->key);

	if (rf && rf->serial == f->serial &&
	    (rf->known || rf->flow.action != WEIR_ACTION_UNDECIDED))
		tell_details(r, rf, f);
}

/* ---- frames ---- */

/* What a bridge's gate leaves to the kernel: it makes no flow. */
static bool is_control(const struct sight *s)
{
	const struct packet *p = &s->packet;
	uint8_t type = s->header.icmp_type;

	if (s->frame->link == PACKET_LINK_ETHERNET && s->frame->data[0] & 1)
		return true;
	if (!s->header.icmp)
		return false;
	if (p->proto == IPPROTO_ICMP)
		return (type >= 3 && type <= 5) || (type >= 9 && type <= 12);
	return type < 128 || (type >= 130 && type <= 137) || (type >= 141 && type <= 143) ||
	       (type >= 148 && type <= 149) || (type >= 151 && type <= 153);
}

static void clock_set(struct replay *r, uint64_t time_ns)
{
	if (!r->began) {
		r->began = true;
		r->base_ns = time_ns > BEFORE_NS ? time_ns - BEFORE_NS : 0;
		r->eve.clock_offset_ns = (int64_t)r->base_ns;
		r->summary.first_ns = time_ns;
	}
	r->now_ns = time_ns > r->base_ns ? time_ns - r->base_ns : 0;
	if (time_ns > r->summary.last_ns)
		r->summary.last_ns = time_ns;
	if (policy_schedule_due(r->policy, (int64_t)(time_ns / SECOND))) {
		policy_schedule_apply(r->policy, (int64_t)(time_ns / SECOND));
		r->generation++;
	}
	if (r->now_ns >= r->sweep_ns) {
		r->sweep_ns = r->now_ns + SWEEP_NS;
		replay_flows_sweep(r->flows, r->now_ns);
	}
}

static void inspect(struct replay *r, struct sight *s)
{
	struct inspect_outcome o;
	struct replay_flow *rf;

	inspector_packet(r->inspector, &s->packet, s->status, NULL, r->now_ns, &o);
	if (o.flow && !is_control(s)) {
		rf = gate_see(r, s, o.flow);
		told_flush(r);
		if (rf && o.anomalies)
			tell_anomalies(r, s, rf, o.anomalies);
		if (rf)
			gate_hear(r, s, rf, &o);
	}
	told_flush(r);
}

static void frame(struct replay *r, const struct pcap_frame *f)
{
	struct sight s = {.frame = f, .bytes = f->wire_len};

	clock_set(r, f->time_ns);
	r->summary.frames++;
	r->summary.bytes += f->wire_len;
	s.status = packet_decode_cut(f->data, f->len, f->wire_len, f->link, &s.packet);
	if (s.status != PACKET_OK && s.status != PACKET_FRAGMENT) {
		r->summary.unread++;
		return;
	}
	s.packet.key.domain = REPLAY_DOMAIN;
	packet_header_read(&s.packet, s.status, &s.header);
	if (s.status == PACKET_OK && !is_control(&s) && gate_ends(r, &s))
		return;
	inspect(r, &s);
}

static void pcap_file_closep(struct pcap_file **c)
{
	pcap_file_close(*c);
}

static int unwritable(const struct replay *r, struct error *e)
{
	return r->failed ? error_set(e, -EPIPE, "events: cannot be written: %s", strerror(errno))
			 : 0;
}

static uint64_t event_count(const struct replay *r)
{
	uint64_t sum = 0;

	for (unsigned int i = 0; i < EVE_TYPE_COUNT; i++)
		sum += r->summary.events[i];
	return sum;
}

int replay_capture(struct replay *r, const char *path, struct error *e)
{
	_cleanup_(pcap_file_closep) struct pcap_file *capture = NULL;
	struct pcap_frame f;
	int rc = pcap_file_open(path, &capture, e);

	if (rc < 0)
		return rc;
	r->summary.captures++;
	while (!r->failed && (rc = pcap_file_next(capture, &f, e)) > 0) {
		frame(r, &f);
		if (r->summary.frames % EXPIRE_EVERY == 0)
			inspector_expire(r->inspector, r->now_ns, EXPIRE_BUDGET);
		if (r->options.progress && r->summary.frames % PROGRESS_EVERY == 0)
			r->options.progress(r->options.arg, path, r->summary.frames,
					    event_count(r));
	}
	return r->failed ? unwritable(r, e) : rc;
}

static void count_undecided(struct replay_flow *rf, void *arg)
{
	struct replay *r = arg;

	r->summary.undecided += rf->flow.action == WEIR_ACTION_UNDECIDED && !rf->known;
}

static void nobody(struct flow *f _unused_, void *arg _unused_)
{
}

int replay_finish(struct replay *r, struct error *e)
{
	inspector_finish(r->inspector, nobody, r);
	replay_flows_each(r->flows, count_undecided, r);
	replay_flows_each(r->flows, gate_flow_cut, r);
	if (fflush(r->options.out) != 0)
		r->failed = true;
	return unwritable(r, e);
}

const struct replay_summary *replay_summary(const struct replay *r)
{
	return &r->summary;
}

/* ---- opening ---- */

void replay_close(struct replay *r)
{
	if (!r)
		return;
	inspector_free(r->inspector);
	told_flush(r);
	replay_flows_free(r->flows);
	endpoints_free(r->endpoints);
	names_free(r->names);
	policy_free(r->policy);
	signatures_free(r->signatures);
	app_registry_free(r->registry);
	free(r->reconnects);
	free(r);
}

static int inspector_open(struct replay *r)
{
	const struct policy *p = r->policy;
	const struct inspect_settings settings = {
		.packets = p->inspect_packets,
		.follow_all = p->follow_all,
		.limits =
			{
				.flows = FLOWS_MAX,
				.stream_bytes = p->inspect_bytes,
				.window_bytes = p->reassembly_flow,
				.stream_bytes_all = p->reassembly_total,
				.idle_ns = FLOW_IDLE_NS,
			},
		.tunnels = p->inspect_tunnels ? INSPECT_TUNNELS_INNER : INSPECT_TUNNELS_OUTER,
		.modules_off = p->modules_off,
		.fragmented = p->limit_fragmented,
		.names = r->names,
		.answered = answered,
		.told = told,
		.records = r->wanted == ALL_EVENTS ? ALL_EVENTS : policy_event_records(p),
		.endpoint_ttl_ns = ENDPOINT_NS,
	};

	r->inspector = inspector_new(&settings, r->signatures, r->registry, r->endpoints, NULL, r);
	if (!r->inspector)
		return -ENOMEM;
	inspector_on_release(r->inspector, released, r);
	return 0;
}

static int tables_open(struct replay *r)
{
	uint64_t idle_ns[WEIR_IDLE_COUNT];

	for (unsigned int i = 0; i < WEIR_IDLE_COUNT; i++)
		idle_ns[i] = policy_idle_ns(r->policy, i);
	r->flows = replay_flows_new(idle_ns, gate_flow_quiet, r);
	r->names = names_new(NAMES);
	r->endpoints = endpoints_new(ENDPOINTS, ENDPOINT_NS);
	r->reconnects = calloc(RECONNECTS, sizeof(*r->reconnects));
	if (!r->flows || !r->names || !r->endpoints || !r->reconnects)
		return -ENOMEM;
	return inspector_open(r);
}

static void context_fill(struct replay *r)
{
	const struct policy *p = r->policy;

	/* A policy without `events` says nothing of which are wanted. */
	r->wanted = p->events_file ? p->event_protocols : ALL_EVENTS;
	r->eve = (struct eve){
		.registry = r->registry,
		.community_id = !p->events_plain,
		.community_seed = (uint16_t)p->events_seed,
		.alerts = p->events_alerts,
		.arg = r,
		.interface = interface_of,
		.rule = rule_of,
		.hostname = hostname_of,
	};
}

static void replay_closep(struct replay **r)
{
	replay_close(*r);
}

int replay_open(const struct replay_options *o, struct replay **out, struct error *e)
{
	_cleanup_(replay_closep) struct replay *r = calloc(1, sizeof(*r));
	int err;

	if (!r)
		return error_set(e, -ENOMEM, "out of memory");
	r->options = *o;
	r->registry = app_registry_new();
	if (!r->registry)
		return error_set(e, -ENOMEM, "out of memory");
	err = policy_load(o->policy, r->registry, &r->policy, &r->signatures, o->warnings, e);
	if (err < 0)
		return err;
	context_fill(r);
	err = replay_ports_read(r, e);
	if (!err)
		err = tables_open(r);
	if (err < 0)
		return error_set(e, err, "%s", strerror(-err));
	*out = TAKE_PTR(r);
	return 0;
}
