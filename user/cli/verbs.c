// SPDX-License-Identifier: GPL-2.0-only
/* The table of verbs. */
#include "cli/verb.h"
#include "control/control.h"
#include "daemon/daemon.h"

static const struct option_info opt_json = {"--json", NULL, NULL, "print one JSON document"};
static const struct option_info opt_socket = {"--socket", NULL, "PATH",
					      "the daemon's socket (" CONTROL_SOCKET_DEFAULT ")"};
static const struct option_info opt_config = {"--config", "-c", "FILE",
					      "policy file (" DAEMON_POLICY_DEFAULT ")"};
static const struct option_info opt_pins = {"--pins", NULL, "DIR",
					    "bpffs folder of the gate (" DAEMON_PINS_DEFAULT ")"};
static const struct option_info opt_state = {
	"--state", NULL, "FILE",
	"remembers what was changed on the machine (" DAEMON_CHANGES_DEFAULT ")"};
static const struct option_info opt_verbose = {"--verbose", "-v", NULL, "say more on stderr"};
static const struct option_info opt_app = {"--app", NULL, "APPLICATION",
					   "only flows of this application"};
static const struct option_info opt_user = {"--user", NULL, "USER",
					    "only flows of this user: not yet supported"};
static const struct option_info opt_address = {"--address", NULL, "ADDRESS",
					       "only flows from or to this address"};
static const struct option_info opt_limit = {"--limit", NULL, "N",
					     "at most N flows (1000; 100000 at most)"};
static const struct option_info opt_all = {"--all", NULL, NULL,
					   "also connections that have closed"};
static const struct option_info opt_port = {
	"--port", NULL, "N", "only this service, TCP and UDP; otherwise the whole host"};
static const struct option_info opt_to = {
	"--to", NULL, "PREFIX", "only connections that ADDRESS opens to this address or prefix"};
static const struct option_info opt_block_app = {
	"--app", NULL, "APPLICATION", "only this application, from its identification on"};
static const struct option_info opt_for = {"--for", NULL, "TIME",
					   "as 30s, 10m, 2h; otherwise until lifted"};
static const struct option_info opt_follow = {"--follow", NULL, NULL,
					      "go on with events as they happen"};
static const struct option_info opt_type = {
	"--type", NULL, "TYPE",
	"only events of this type: flow, identified, drop, alert, anomaly, tls, quic, http, dns, "
	"fileinfo, stats, policy or port"};
static const struct option_info opt_once = {"--once", NULL, NULL,
					    "print once, as plain text, and end"};
static const struct option_info opt_tunnels = {
	"--tunnels", NULL, NULL, "also the flows inside of GRE, VXLAN, GTP, Teredo and IP in IP"};
static const struct option_info opt_signatures = {"--signatures", NULL, "FILE",
						  "instead of the built-in set; may be repeated"};
static const struct option_info opt_output = {"--output", "-o", "FILE",
					      "write there instead of to standard output"};
static const struct option_info opt_replay_config = {"--config", "-c", "FILE",
						     "policy file; needed"};
static const struct option_info opt_events = {"--events", NULL, "FILE",
					      "write events there instead of to standard output"};
static const struct option_info opt_ports = {
	"--ports", NULL, "PORT=WHERE,...",
	"hosts behind the policy's ports, as lan=10.1.0.0/16,wan=02:00:00:00:00:01"};
static const struct option_info opt_man = {"--man", NULL, NULL, "print the man page (roff)"};

static const struct verb verbs[] = {
	{
		.words = "run",
		.arguments = "",
		.help = "run the daemon in the foreground",
		.more = "Stands up the ports of the policy and works until SIGTERM or SIGINT, then "
			"leaves the machine as it was. SIGHUP loads the policy file again. Takes "
			"over "
			"what a daemon that died left running, without a frame lost.",
		.options = {&opt_config, &opt_socket, &opt_pins, &opt_state, &opt_verbose},
		.run = cli_run,
	},
	{
		.words = "detach",
		.arguments = "",
		.help = "undo what a dead daemon left behind",
		.more = "Removes programs, pins and punt pairs, and puts settings back. Refuses "
			"while "
			"a daemon answers on the socket: stop that one instead.",
		.options = {&opt_socket, &opt_pins, &opt_state},
		.run = cli_detach,
	},
	{
		.words = "status",
		.arguments = "",
		.help = "ports, workers, policy, rates, and what is degraded and why",
		.more = "Rates are taken over a fifth of a second. The columns RECEIVED to "
			"IN-FLIGHT "
			"are a port's balance, in wire frames since the gate was loaded.",
		.options = {&opt_json, &opt_socket},
		.run = cli_status,
	},
	{
		.words = "port list",
		.arguments = "",
		.help = "ports and whether they are enabled",
		.options = {&opt_json, &opt_socket},
		.run = cli_port_list,
	},
	{
		.words = "port enable",
		.arguments = "PORT",
		.min_args = 1,
		.max_args = 1,
		.help = "switch a port on",
		.options = {&opt_socket},
		.run = cli_port_enable,
	},
	{
		.words = "port disable",
		.arguments = "PORT",
		.min_args = 1,
		.max_args = 1,
		.help = "leave a port to the kernel's own bridge",
		.options = {&opt_socket},
		.run = cli_port_disable,
	},
	{
		.words = "policy check",
		.arguments = "FILE",
		.min_args = 1,
		.max_args = 1,
		.help = "check a policy file without a daemon",
		.more = "Runs the same code as a load. Errors and warnings are "
			"FILE:LINE:COLUMN: message, on stderr.",
		.run = cli_policy_check,
	},
	{
		.words = "policy load",
		.arguments = "FILE",
		.min_args = 1,
		.max_args = 1,
		.help = "load a policy into the running daemon, atomically",
		.more = "Every live flow is decided again by its next packet. A policy that does "
			"not "
			"load changes nothing.",
		.options = {&opt_socket},
		.run = cli_policy_load,
	},
	{
		.words = "policy show",
		.arguments = "",
		.help = "the live policy: rules with their hits",
		.options = {&opt_json, &opt_socket},
		.run = cli_policy_show,
	},
	{
		.words = "flows",
		.arguments = "",
		.help = "live flows: what they are, how that is known, what happens to them",
		.more = "STATE is new (one side was heard), established or closed; closed "
			"connections are shown with --all, for as long as the gate knows them. "
			"IDLE is the time since the last packet. RULE is the rule that decided the "
			"flow, under the name that it had then. "
			"IDENTIFIED is the method, the confidence in percent, and of an endpoint "
			"where it was learned and for how long that still counts. Names of "
			"applications are those of `weir apps`.",
		.options = {&opt_app, &opt_user, &opt_address, &opt_limit, &opt_all, &opt_json,
			    &opt_socket},
		.run = cli_flows,
	},
	{
		.words = "apps",
		.arguments = "",
		.help = "applications known: category, module, signatures",
		.options = {&opt_json, &opt_socket},
		.run = cli_apps,
	},
	{
		.words = "modules",
		.arguments = "",
		.help = "application modules: what they do, and whether they are enabled",
		.more = "The policy's `modules: { disable: [NAME...] }` disables them.",
		.options = {&opt_json, &opt_socket},
		.run = cli_modules,
	},
	{
		.words = "block",
		.arguments = "ADDRESS[/LENGTH]",
		.min_args = 1,
		.max_args = 1,
		.help = "drop all traffic of a host, a network, a service or an application",
		.more = "Without --to: all traffic from and to ADDRESS, and --port is a port of "
			"ADDRESS. With --to: connections that ADDRESS opens to the prefix, and "
			"--port is a port of the prefix. "
			"0.0.0.0/0 is all of IPv4, ::/0 all of IPv6.",
		.options = {&opt_to, &opt_port, &opt_block_app, &opt_for, &opt_socket},
		.run = cli_block,
	},
	{
		.words = "unblock",
		.arguments = "ADDRESS[/LENGTH]",
		.min_args = 1,
		.max_args = 1,
		.help = "lift a block; takes the same address and options that made it",
		.options = {&opt_to, &opt_port, &opt_block_app, &opt_socket},
		.run = cli_unblock,
	},
	{
		.words = "blocks",
		.arguments = "",
		.help = "blocks, and how long each still holds",
		.options = {&opt_json, &opt_socket},
		.run = cli_blocks,
	},
	{
		.words = "tap list",
		.arguments = "",
		.help = "the programs that flows are handed to, and what they answered",
		.more = "GIVEN to CHANGED count frames since the tap was in the policy, or parts "
			"of "
			"streams; LAG is how long the oldest frame has been waiting.",
		.options = {&opt_json, &opt_socket},
		.run = cli_tap_list,
	},
	{
		.words = "stats",
		.arguments = "",
		.help = "counters as Prometheus text",
		.options = {&opt_socket},
		.run = cli_stats,
	},
	{
		.words = "top",
		.arguments = "",
		.help = "applications by rate, live; q quits",
		.more = "Without a terminal it prints once, as with --once.",
		.options = {&opt_once, &opt_json, &opt_socket},
		.run = cli_top,
	},
	{
		.words = "events",
		.arguments = "",
		.help = "recent events as JSON lines, or the stream of them",
		.more = "Prints what the daemon still remembers (the last 1000) and ends; with "
			"--follow prints what happens from now on. One JSON object a line, as in "
			"the "
			"events file; --json gives one document instead, which a stream never is.",
		.options = {&opt_follow, &opt_type, &opt_json, &opt_socket},
		.run = cli_events,
	},
	{
		.words = "classify",
		.arguments = "CAPTURE...",
		.min_args = 1,
		.max_args = ~0u,
		.help = "flows of capture files with their applications; no daemon needed",
		.more = "Reads pcap and pcapng files. --json prints one object per flow, one a "
			"line. IP in IP is looked through; with --tunnels the outer flow is "
			"shown too.",
		.options = {&opt_json, &opt_tunnels, &opt_signatures},
		.raw = cli_classify,
	},
	{
		.words = "replay",
		.arguments = "CAPTURE...",
		.min_args = 1,
		.max_args = VERB_ARGS_MAX,
		.help = "the events that captures would have given under a policy; no daemon "
			"needed",
		.more = "Reads pcap and pcapng files one after the other, as one stretch of time, "
			"and writes the events that the daemon writes of live frames, with the "
			"times of the captures. What the policy drops is not inspected further, as "
			"if it had not arrived, but what others sent upon it is in the capture all "
			"the same. A summary goes to stderr; with --json it is a document on "
			"standard output, and --events is needed. A capture does not say which "
			"port a frame came in by: --ports names the hosts behind each, by prefix "
			"or link-layer address; without it there is no in_iface, and rules that "
			"ask for a direction do not match.",
		.options = {&opt_replay_config, &opt_events, &opt_ports, &opt_json},
		.run = cli_replay,
	},
	{
		.words = "signatures list",
		.arguments = "",
		.help = "applications of the signature set",
		.options = {&opt_json, &opt_signatures},
		.raw = cli_signatures,
	},
	{
		.words = "signatures check",
		.arguments = "FILE...",
		.min_args = 1,
		.max_args = ~0u,
		.help = "check signature files, read as one set",
		.more = "Errors are FILE:LINE:COLUMN: message. What can never match or never win, "
			"or is "
			"not used, is a warning. Lists which features make others true or false.",
		.options = {&opt_json},
		.raw = cli_signatures,
	},
	{
		.words = "signatures import",
		.arguments = "DIR",
		.min_args = 1,
		.max_args = 1,
		.help = "make a signature file of l7-filter's pattern files",
		.more = "Reads the .pat files of DIR and of the folders in it. What cannot be "
			"translated "
			"is listed on stderr, and in the output as comments.",
		.options = {&opt_output},
		.raw = cli_signatures,
	},
	{
		.words = "completion bash",
		.arguments = "",
		.help = "print the completion for bash",
		.run = cli_completion_bash,
	},
	{
		.words = "completion zsh",
		.arguments = "",
		.help = "print the completion for zsh",
		.run = cli_completion_zsh,
	},
	{
		.words = "help",
		.arguments = "[VERB [OBJECT]]",
		.max_args = 2,
		.help = "help on weir or on one verb",
		.options = {&opt_man},
		.run = cli_help,
	},
};

const struct verb *verb_at(size_t index)
{
	return index < ARRAY_SIZE(verbs) ? &verbs[index] : NULL;
}
