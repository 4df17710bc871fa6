// SPDX-License-Identifier: GPL-2.0-only
/* The program as it is called: exit statuses, what goes to which stream, what the daemon is asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include "cli/cli.h"
#include "control/control.h"

#define WORDS_MAX 16

struct daemon {
	char folder[64], path[96], file[128];
	struct control_server *server;
	int stop;
	pthread_t thread;
	char asked[512]; /* the last request: verb and arguments */
};

/* What a run left. */
struct outcome {
	int status;
	char out[65536], err[8192];
};

/* Answers every verb with something; "load" refuses. */
static int handle(const char *verb, const json_t *args, json_t **data, bool *follow, void *arg,
		  struct error *e)
{
	struct daemon *d = arg;
	char *text = json_dumps(args, JSON_COMPACT | JSON_SORT_KEYS);

	snprintf(d->asked, sizeof(d->asked), "%s %s", verb, text);
	free(text);
	if (strcmp(verb, "load") == 0)
		return error_set(e, -EINVAL, "p.yaml:3:7: no application x");
	if (strcmp(verb, "stats") == 0)
		*data = json_pack("{s:s}", "text", "weir_flows 1\n");
	else if (strcmp(verb, "recent") == 0)
		*data = json_pack("{s:[{s:i},{s:i}]}", "events", "n", 1, "n", 2);
	else
		*data = json_object();
	return 0;
}

static void *serve(void *arg)
{
	struct daemon *d = arg;
	struct pollfd fds[2] = {{.fd = control_server_fd(d->server), .events = POLLIN},
				{.fd = d->stop, .events = POLLIN}};

	for (;;) {
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents)
			return NULL;
		control_server_work(d->server);
	}
}

static int setup(void **state)
{
	struct daemon *d = calloc(1, sizeof(*d));
	FILE *f;

	snprintf(d->folder, sizeof(d->folder), "/tmp/weir-cli-%d", (int)getpid());
	snprintf(d->path, sizeof(d->path), "%s/s", d->folder);
	snprintf(d->file, sizeof(d->file), "%s/p.yaml", d->folder);
	assert_int_equal(control_server_open(d->path, handle, d, &d->server, NULL), 0);
	f = fopen(d->file, "w");
	assert_non_null(f);
	fputs("version: 1\n", f);
	fclose(f);
	d->stop = eventfd(0, EFD_CLOEXEC);
	*state = d;
	return pthread_create(&d->thread, NULL, serve, d);
}

static int teardown(void **state)
{
	struct daemon *d = *state;
	uint64_t one = 1;

	assert_int_equal(write(d->stop, &one, sizeof(one)), sizeof(one));
	pthread_join(d->thread, NULL);
	control_server_close(d->server);
	close(d->stop);
	unlink(d->file);
	assert_int_equal(rmdir(d->folder), 0);
	free(d);
	return 0;
}

static void slurp(FILE *f, char *out, size_t cap)
{
	size_t n;

	rewind(f);
	n = fread(out, 1, cap - 1, f);
	out[n] = '\0';
	fclose(f);
}

/* Runs `weir WORDS...` as a process of its own. */
static struct outcome *weir(const char *words, ...)
{
	static struct outcome o;
	FILE *out = tmpfile(), *err = tmpfile();
	char *argv[WORDS_MAX] = {(char *)"weir"};
	int argc = 1, status;
	va_list ap;
	pid_t pid;

	va_start(ap, words);
	for (const char *w = words; w && argc < WORDS_MAX - 1; w = va_arg(ap, const char *))
		argv[argc++] = (char *)w;
	va_end(ap);
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		dup2(fileno(out), STDOUT_FILENO);
		dup2(fileno(err), STDERR_FILENO);
		status = cli_main(argc, argv);
		fflush(NULL);
		_exit(status);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	o.status = WEXITSTATUS(status);
	slurp(out, o.out, sizeof(o.out));
	slurp(err, o.err, sizeof(o.err));
	return &o;
}

/* A wrong call: status 2, nothing on stdout, the reason and the usage on stderr. */
static void assert_usage(const struct outcome *o, const char *reason)
{
	assert_int_equal(o->status, CLI_USAGE);
	assert_string_equal(o->out, "");
	if (!strstr(o->err, reason))
		fail_msg("%s lacks %s", o->err, reason);
}

static void help_goes_to_stdout(void **state)
{
	static const char *const asks[] = {"-h", "--help", "help"};

	for (size_t i = 0; i < 3; i++) {
		struct outcome *o = weir(asks[i], NULL);

		assert_int_equal(o->status, CLI_DONE);
		assert_non_null(strstr(o->out, "policy load FILE"));
		assert_string_equal(o->err, "");
	}
	assert_non_null(strstr(weir("flows", "--limit", "-h", NULL)->out, "usage: weir flows"));
	assert_non_null(strstr(weir("help", "port", "list", NULL)->out, "usage: weir port list"));
	assert_non_null(strstr(weir("port", "-h", NULL)->out, "disable PORT"));
	assert_non_null(strstr(weir("classify", "--help", NULL)->out, "CAPTURE..."));
	assert_non_null(strstr(weir("--version", NULL)->out, WEIR_VERSION));
	assert_int_equal(weir("run", "-h", NULL)->status, CLI_DONE);
}

static void wrong_words_are_usage_errors(void **state)
{
	struct outcome *o = weir(NULL);

	assert_int_equal(o->status, CLI_USAGE);
	assert_string_equal(o->out, "");
	assert_non_null(strstr(o->err, "usage: weir VERB"));
	assert_usage(weir("statsu", NULL), "did you mean stats");
	assert_usage(weir("stat", NULL), "no command stat");
	assert_usage(weir("flow", NULL), "no command flow");
	assert_usage(weir("port", NULL), "usage: weir port enable PORT");
	assert_usage(weir("port", "enabl", "lan", NULL), "port: no enabl");
	assert_usage(weir("port", "enable", NULL), "PORT is missing");
	assert_usage(weir("port", "enable", "a", "b", NULL), "too many arguments: b");
	assert_usage(weir("status", "x", NULL), "too many arguments: x");
	assert_usage(weir("--socket", "x", "status", NULL), "options follow the verb");
	assert_usage(weir("help", "nothing", NULL), "no command nothing");
	assert_usage(weir("", NULL), "no command");
}

static void options_are_whole_words(void **state)
{
	assert_usage(weir("status", "--js", NULL), "no option --js");
	assert_usage(weir("status", "--jso", NULL), "did you mean --json");
	assert_usage(weir("flows", "--addr", "192.0.2.1", NULL), "no option --addr");
	assert_usage(weir("run", "--conf", "x", NULL), "no option --conf");
	assert_usage(weir("status", "-j", NULL), "no option -j");
	assert_usage(weir("run", "-cx", NULL), "no option -cx");
	assert_usage(weir("status", "--json=1", NULL), "--json takes no value");
	assert_usage(weir("flows", "--limit", NULL), "--limit needs a value: N");
	assert_usage(weir("flows", "--app=", NULL), "--app needs a value");
	assert_usage(weir("flows", "--limit", "0", NULL), "--limit: expected 1 to");
	assert_usage(weir("flows", "--limit", "10x", NULL), "--limit: expected 1 to");
	assert_usage(weir("flows", "--limit", "-1", NULL), "--limit: expected 1 to");
	assert_usage(weir("flows", "--address", "example.org", NULL), "is not an IPv4");
	assert_usage(weir("flows", "--user", "eve", NULL), "not yet supported");
	assert_usage(weir("block", "10.0.0.1/8", NULL), "is not an IPv4");
	assert_usage(weir("block", "10.0.0.0/8", "--to", "host", NULL),
		     "--to: host is not an IPv4");
	assert_usage(weir("block", "10.0.0.1", "--port", "0", NULL), "--port: expected");
	assert_usage(weir("block", "10.0.0.1", "--port", "65536", NULL), "--port: expected");
	assert_usage(weir("block", "10.0.0.1", "--for", "ever", NULL), "--for: expected a time");
	assert_usage(weir("block", "10.0.0.1", "--for", "0s", NULL), "--for: expected a time");
}

static void no_daemon_is_three_and_says_what_to_do(void **state)
{
	static const char *const verbs[][2] = {
		{"status", NULL}, {"flows", NULL},  {"apps", NULL}, {"blocks", NULL},
		{"stats", NULL},  {"events", NULL}, {"top", NULL},  {"events", "--follow"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		struct outcome *o =
			weir(verbs[i][0], "--socket", "/tmp/weir-no-such", verbs[i][1], NULL);

		assert_int_equal(o->status, CLI_NO_DAEMON);
		assert_string_equal(o->out, "");
		assert_non_null(strstr(o->err, "weir: no daemon answers on /tmp/weir-no-such"));
		assert_non_null(strstr(o->err, "weir run"));
	}
	assert_int_equal(
		weir("port", "disable", "x", "--socket", "/tmp/weir-no-such", NULL)->status,
		CLI_NO_DAEMON);
}

static void what_the_daemon_refuses_has_failed(void **state)
{
	struct daemon *d = *state;
	struct outcome *o = weir("policy", "load", d->file, "--socket", d->path, NULL);

	assert_int_equal(o->status, CLI_FAILED);
	assert_string_equal(o->err, "weir: p.yaml:3:7: no application x\n");
	o = weir("policy", "load", "/nonexistent/p.yaml", "--socket", d->path, NULL);
	assert_int_equal(o->status, CLI_FAILED);
	assert_non_null(strstr(o->err, "/nonexistent/p.yaml: No such file"));
}

static void listing_verbs_give_one_document(void **state)
{
	static const char *const verbs[][2] = {
		{"status", NULL}, {"flows", NULL},  {"apps", NULL},   {"blocks", NULL},
		{"top", NULL},	  {"port", "list"}, {"events", NULL}, {"policy", "show"},
	};
	struct daemon *d = *state;

	for (size_t i = 0; i < ARRAY_SIZE(verbs); i++) {
		struct outcome *o =
			verbs[i][1] ? weir(verbs[i][0], verbs[i][1], "--json", "--socket", d->path,
					   NULL)
				    : weir(verbs[i][0], "--json", "--socket", d->path, NULL);
		json_t *document = json_loads(o->out, 0, NULL);

		assert_int_equal(o->status, CLI_DONE);
		assert_non_null(document);
		json_decref(document);
		assert_string_equal(o->err, "");
	}
}

static void the_daemon_is_asked_what_was_meant(void **state)
{
	struct daemon *d = *state;
	char load[256];

	assert_int_equal(weir("flows", "--app=bittorrent", "--limit", "7", "--address", "::1",
			      "--socket", d->path, NULL)
				 ->status,
			 CLI_DONE);
	assert_string_equal(d->asked,
			    "flows {\"address\":\"::1\",\"app\":\"bittorrent\",\"limit\":7}");
	weir("flows", "--socket", d->path, NULL);
	assert_string_equal(d->asked, "flows {}");
	weir("port", "disable", "--socket", d->path, "--", "-lan", NULL);
	assert_string_equal(d->asked, "port {\"enabled\":false,\"port\":\"-lan\"}");
	weir("port", "enable", "lan", "--socket", d->path, NULL);
	assert_string_equal(d->asked, "port {\"enabled\":true,\"port\":\"lan\"}");
	weir("block", "2001:db8::1", "--port", "80", "--for", "1500ms", "--socket", d->path, NULL);
	assert_string_equal(d->asked,
			    "block {\"address\":\"2001:db8::1\",\"port\":80,\"seconds\":2}");
	weir("block", "192.0.2.1", "--socket", d->path, NULL);
	assert_string_equal(d->asked, "block {\"address\":\"192.0.2.1\",\"port\":0,\"seconds\":0}");
	weir("block", "10.1.0.0/16", "--to", "203.0.113.0/24", "--port", "443", "--app",
	     "bittorrent", "--for", "10m", "--socket", d->path, NULL);
	assert_string_equal(d->asked,
			    "block {\"address\":\"10.1.0.0/16\",\"application\":\"bittorrent\","
			    "\"port\":443,\"seconds\":600,\"to\":\"203.0.113.0/24\"}");
	weir("unblock", "192.0.2.1", "--socket", d->path, NULL);
	assert_string_equal(d->asked, "unblock {\"address\":\"192.0.2.1\",\"port\":0}");
	weir("events", "--type", "drop", "--socket", d->path, NULL);
	assert_string_equal(d->asked, "recent {\"type\":\"drop\"}");
	/* The daemon's working folder is another one. */
	assert_int_equal(chdir(d->folder), 0);
	weir("policy", "load", "p.yaml", "--socket", d->path, NULL);
	assert_int_equal(chdir("/"), 0);
	snprintf(load, sizeof(load), "load {\"path\":\"%s\"}", d->file);
	assert_string_equal(d->asked, load);
}

static void results_go_to_stdout(void **state)
{
	struct daemon *d = *state;

	assert_string_equal(weir("stats", "--socket", d->path, NULL)->out, "weir_flows 1\n");
	assert_string_equal(weir("events", "--socket", d->path, NULL)->out,
			    "{\"n\":1}\n{\"n\":2}\n");
	assert_string_equal(weir("blocks", "--socket", d->path, NULL)->out,
			    "ADDRESS  TO  PORT  APPLICATION  EXPIRES IN\n");
}

#define WITH(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(help_goes_to_stdout),
		cmocka_unit_test(wrong_words_are_usage_errors),
		cmocka_unit_test(options_are_whole_words),
		cmocka_unit_test(no_daemon_is_three_and_says_what_to_do),
		WITH(what_the_daemon_refuses_has_failed),
		WITH(listing_verbs_give_one_document),
		WITH(the_daemon_is_asked_what_was_meant),
		WITH(results_go_to_stdout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
