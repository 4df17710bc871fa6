// SPDX-License-Identifier: GPL-2.0-only
/* weir classify: the flows of capture files with their applications. */
#include <arpa/inet.h>
#include <getopt.h>
#include <jansson.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "audit/details.h"
#include "cli/cli.h"
#include "cli/table.h"
#include "inspect/inspect.h"
#include "pcap/pcap_file.h"
#include "util/util.h"

#define SIGNATURE_FILES_MAX 16
#define NS_PER_SECOND	    UINT64_C(1000000000)
#define EXPIRE_EVERY	    1024 /* frames */

static const struct inspect_settings settings = {
	.packets = 8,
	.limits =
		{
			.flows = 1 << 20,
			.stream_bytes = 16384,
			.window_bytes = 65536,
			.stream_bytes_all = (size_t)256 << 20,
			.idle_ns = 300 * NS_PER_SECOND,
		},
	.endpoint_ttl_ns = 3600 * NS_PER_SECOND,
};

struct arguments {
	const char *signatures[SIGNATURE_FILES_MAX];
	size_t signature_count;
	char **captures;
	int capture_count;
	bool json;
	bool tunnels; /* flows inside of others are shown beside them */
};

struct run {
	struct app_registry *registry;
	struct signatures *signatures;
	struct table *table; /* NULL: JSON */
	bool tunnels;
	bool failed; /* nothing more can be written */
};

/* ---- what is printed ---- */

/* Keywords of the IANA protocol numbers that captures have, as Suricata writes them. */
static const char *protocol_name(uint8_t proto, char buf[8])
{
	static const struct {
		uint8_t proto;
		const char *name;
	} names[] = {
		{0, "HOPOPT"}, {1, "ICMP"},	{2, "IGMP"},	  {4, "IPV4"},	 {6, "TCP"},
		{8, "EGP"},    {17, "UDP"},	{27, "RDP"},	  {33, "DCCP"},	 {41, "IPV6"},
		{46, "RSVP"},  {47, "GRE"},	{50, "ESP"},	  {51, "AH"},	 {58, "ICMPV6"},
		{59, "NONXT"}, {88, "EIGRP"},	{89, "OSPF"},	  {94, "IPIP"},	 {97, "ETHERIP"},
		{103, "PIM"},  {108, "IPCOMP"}, {112, "VRRP"},	  {113, "PGM"},	 {115, "L2TP"},
		{132, "SCTP"}, {133, "FC"},	{136, "UDPLITE"}, {137, "MPLS"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].proto == proto)
			return names[i].name;
	snprintf(buf, 8, "%u", proto);
	return buf;
}

static const char *method_name(uint8_t method)
{
	static const char *const names[] = {
#define X(id, name, help) [WEIR_METHOD_##id] = name,
		WEIR_METHODS(X)
#undef X
	};

	return method < WEIR_METHOD_COUNT ? names[method] : names[WEIR_METHOD_NONE];
}

/* NULL where nothing was learned. */
static const char *source_name(uint8_t source)
{
	static const char *const names[] = {
#define X(id, name, help) [WEIR_SOURCE_##id] = name,
		WEIR_SOURCES(X)
#undef X
	};

	return source && source < WEIR_SOURCE_COUNT ? names[source] : NULL;
}

/* A flow as words and numbers. */
struct line {
	char src[ADDRESS_TEXT_MAX], dest[ADDRESS_TEXT_MAX];
	unsigned int src_port, dest_port;
	char number[8];
	const char *proto, *app, *category, *method;
};

static void line_fill(const struct run *r, const struct flow *f, struct line *out)
{
	const struct app_info *info = app_registry_get(r->registry, f->app);
	const struct weir_flow_key *k = &f->key;
	bool ports = k->proto == IPPROTO_TCP || k->proto == IPPROTO_UDP;

	address_format(k->addr[f->origin], out->src);
	address_format(k->addr[!f->origin], out->dest);
	/* The key's ports are an identifier for ICMP. */
	out->src_port = ports ? ntohs(k->port[f->origin]) : 0;
	out->dest_port = ports ? ntohs(k->port[!f->origin]) : 0;
	out->proto = protocol_name(k->proto, out->number);
	out->app = f->app && info ? info->name : "unknown";
	out->category = f->app && info && info->category[0] ? info->category : "unknown";
	out->method = method_name(f->method);
}

/* Adds the names of what was odd about the flow, where there was something. */
static void add_anomalies(json_t *o, const struct flow *f)
{
	static const char *const names[] = {
#define X(id, type, event, help) [WEIR_ANOMALY_##id] = event,
		WEIR_ANOMALIES(X)
#undef X
	};
	json_t *list = f->anomalies ? json_array() : NULL;

	for (size_t i = 0; list && i < ARRAY_SIZE(names); i++)
		if (f->anomalies >> i & 1)
			json_array_append_new(list, json_string(names[i]));
	if (list)
		json_object_set_new(o, "anomalies", list);
}

static void print_json(struct run *r, const struct flow *f, const struct line *l)
{
	json_t *o = json_pack("{ss si ss si ss ss ss si ss sI sI si ss}", "src_ip", l->src,
			      "src_port", (int)l->src_port, "dest_ip", l->dest, "dest_port",
			      (int)l->dest_port, "proto", l->proto, "app_proto", l->app, "category",
			      l->category, "confidence", (int)f->confidence, "method", l->method,
			      "frames", (json_int_t)f->frames, "bytes", (json_int_t)f->bytes,
			      "decided_after", (int)f->decided_after, "hostname", flow_hostname(f));

	if (o && source_name(f->source))
		json_object_set_new(o, "learned_from", json_string(source_name(f->source)));
	if (o && f->icmp_errors)
		json_object_set_new(o, "icmp_errors", json_integer(f->icmp_errors));
	if (o && f->tunnel)
		json_object_set_new(o, "tunnel", json_string(packet_tunnel_name(f->tunnel)));
	details_set_json(o, f->details);
	add_anomalies(o, f);
	if (!o || json_dumpf(o, stdout, JSON_COMPACT) < 0 || putchar('\n') == EOF)
		r->failed = true;
	json_decref(o);
}

static void add_row(const struct run *r, const struct flow *f, const struct line *l)
{
	char src[ADDRESS_TEXT_MAX + 8];
	char dest[ADDRESS_TEXT_MAX + 8];
	struct table *t = r->table;

	table_cell(t, "%s", l->proto);
	table_cell(t, "%s", human_endpoint(l->src, l->src_port, src, sizeof(src)));
	table_cell(t, "%s", human_endpoint(l->dest, l->dest_port, dest, sizeof(dest)));
	table_cell(t, "%s", l->app);
	table_cell(t, "%s", l->category);
	table_cell(t, "%u", f->confidence);
	if (f->method == WEIR_METHOD_ENDPOINT && f->source)
		table_cell(t, "%s (%s)", l->method, source_name(f->source));
	else
		table_cell(t, "%s", l->method);
	table_cell(t, "%u", f->frames);
	table_cell(t, "%llu", (unsigned long long)f->bytes);
	table_cell(t, "%u", f->decided_after);
	table_cell(t, "%s", flow_hostname(f));
	if (r->tunnels)
		table_cell(t, "%s", f->tunnel ? packet_tunnel_name(f->tunnel) : "");
}

static void print_flow(struct flow *f, void *arg)
{
	struct run *r = arg;
	struct line l;

	line_fill(r, f, &l);
	if (r->table)
		add_row(r, f, &l);
	else
		print_json(r, f, &l);
}

/* ---- captures ---- */

static void pcap_file_closep(struct pcap_file **c)
{
	pcap_file_close(*c);
}

static void inspector_freep(struct inspector **i)
{
	inspector_free(*i);
}

static void names_freep(struct names **n)
{
	names_free(*n);
}

static void endpoints_freep(struct endpoints **e)
{
	endpoints_free(*e);
}

static void judge_frame(struct inspector *i, const struct pcap_frame *f)
{
	struct inspect_outcome outcome;
	struct packet p;
	enum packet_status status;

	status = packet_decode_cut(f->data, f->len, f->wire_len, f->link, &p);
	inspector_packet(i, &p, status, NULL, f->time_ns, &outcome);
}

static int classify_capture(struct run *r, const char *path, struct error *e)
{
	_cleanup_(names_freep) struct names *names = NULL;
	_cleanup_(endpoints_freep) struct endpoints *endpoints = NULL;
	_cleanup_(inspector_freep) struct inspector *inspector = NULL;
	_cleanup_(pcap_file_closep) struct pcap_file *capture = NULL;
	struct inspect_settings mine = settings;
	struct pcap_frame frame;
	int rc = pcap_file_open(path, &capture, e);

	if (rc < 0)
		return rc;
	mine.tunnels = r->tunnels ? INSPECT_TUNNELS_INNER : INSPECT_TUNNELS_UNWRAP;
	endpoints = endpoints_new(65536, settings.endpoint_ttl_ns);
	mine.names = names = names_new(65536);
	if (endpoints && names)
		inspector = inspector_new(&mine, r->signatures, r->registry, endpoints, NULL, NULL);
	if (!inspector)
		return error_set(e, -ENOMEM, "%s: out of memory", path);
	for (uint64_t n = 1; (rc = pcap_file_next(capture, &frame, e)) > 0; n++) {
		judge_frame(inspector, &frame);
		if (n % EXPIRE_EVERY == 0)
			inspector_expire(inspector, frame.time_ns, EXPIRE_EVERY);
	}
	inspector_finish(inspector, print_flow, r);
	return rc;
}

/* ---- the verb ---- */

static void usage(FILE *out)
{
	fputs("usage: weir classify CAPTURE... [--json] [--tunnels] [--signatures FILE]\n"
	      "\n"
	      "Shows the flows of pcap and pcapng files with their applications, in the order of\n"
	      "their first frames. Needs no privilege and no daemon.\n"
	      "\n"
	      "  --json             one JSON object a line\n"
	      "  --tunnels          also the flows inside of GRE, VXLAN, GTP, Teredo and IP in IP\n"
	      "  --signatures FILE  instead of the built-in set; may be given several times\n"
	      "  -h, --help         this text\n",
	      out);
}

static int parse_arguments(int argc, char **argv, struct arguments *out)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		{"tunnels", no_argument, NULL, 't'},
		{"signatures", required_argument, NULL, 's'},
		{"help", no_argument, NULL, 'h'},
		{0},
	};
	int option;

	optind = 0;
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'h') {
			usage(stdout);
			return 1;
		}
		if (option == 'j') {
			out->json = true;
		} else if (option == 't') {
			out->tunnels = true;
		} else if (option == 's' && out->signature_count < SIGNATURE_FILES_MAX) {
			out->signatures[out->signature_count++] = optarg;
		} else {
			usage(stderr);
			return -EINVAL;
		}
	}
	out->captures = argv + optind;
	out->capture_count = argc - optind;
	if (out->capture_count > 0)
		return 0;
	fputs("weir: classify: no capture named\n", stderr);
	usage(stderr);
	return -EINVAL;
}

static int load_signatures(const struct arguments *a, struct run *r, struct error *e)
{
	if (a->signature_count)
		return signatures_load(a->signatures, a->signature_count, r->registry,
				       &r->signatures, e);
	return signatures_load_builtin(r->registry, &r->signatures, e);
}

/* Classifies every capture, also behind one that failed. */
static int classify_all(const struct arguments *a, struct run *r)
{
	int status = CLI_DONE;

	for (int n = 0; n < a->capture_count; n++) {
		struct error e = {0};

		if (classify_capture(r, a->captures[n], &e) < 0) {
			fflush(stdout);
			fprintf(stderr, "weir: %s\n", e.text);
			status = CLI_FAILED;
		}
	}
	if (r->table)
		table_print(r->table, stdout);
	if (fflush(stdout) == EOF || ferror(stdout) || r->failed) {
		fputs("weir: classify: cannot write the result\n", stderr);
		status = CLI_FAILED;
	}
	return status;
}

/* The table keeps the headers: they outlive it. */
static struct table *new_table(bool tunnels)
{
#define HEADERS                                                                                    \
	"PROTO", "SOURCE", "DESTINATION", "APPLICATION", "CATEGORY", ">CONFIDENCE", "METHOD",      \
		">FRAMES", ">BYTES", ">AFTER", "HOSTNAME"
	static const char *const outer[] = {HEADERS, NULL};
	static const char *const inner[] = {HEADERS, "TUNNEL", NULL};
#undef HEADERS

	return table_new(tunnels ? inner : outer);
}

int cli_classify(int argc, char **argv)
{
	struct arguments a = {0};
	struct run r = {0};
	struct error e = {0};
	int status = parse_arguments(argc, argv, &a);

	if (status != 0)
		return status < 0 ? CLI_USAGE : CLI_DONE;
	r.tunnels = a.tunnels;
	if (!a.json)
		r.table = new_table(a.tunnels);
	r.registry = app_registry_new();
	if ((a.json || r.table) && r.registry && load_signatures(&a, &r, &e) == 0) {
		status = classify_all(&a, &r);
	} else {
		fprintf(stderr, "weir: %s\n", e.text[0] ? e.text : "out of memory");
		status = CLI_FAILED;
	}
	table_free(r.table);
	signatures_free(r.signatures);
	app_registry_free(r.registry);
	return status;
}
