// SPDX-License-Identifier: GPL-2.0-only
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
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "control/control.h"

struct fixture {
	char folder[64], path[96];
	struct control_server *server;
	int stop; /* eventfd of the server's thread, -1 = the test calls work itself */
	pthread_t thread;
};

/* echo gives its arguments back, fail refuses, mute fails without a text, big is large, events
 * follows. */
static int handle(const char *verb, const json_t *args, json_t **data, bool *follow, void *arg,
		  struct error *e)
{
	if (strcmp(verb, "echo") == 0) {
		*data = json_deep_copy(args);
		return 0;
	}
	if (strcmp(verb, "null") == 0)
		return 0;
	if (strcmp(verb, "mute") == 0)
		return -ENODEV;
	if (strcmp(verb, "big") == 0) {
		*data = json_array();
		for (int i = 0; i < 200000; i++)
			json_array_append_new(*data, json_integer(i));
		return 0;
	}
	if (strcmp(verb, "huge") == 0) {
		char *text = malloc(70u << 20);

		memset(text, 'x', 70u << 20);
		*data = json_stringn(text, 70u << 20);
		free(text);
		return 0;
	}
	if (strcmp(verb, "events") == 0) {
		*follow = true;
		*data = json_object();
		return 0;
	}
	return error_set(e, -EINVAL, "no such verb: %s", verb);
}

static void *serve(void *arg)
{
	struct fixture *f = arg;
	struct pollfd fds[2] = {{.fd = control_server_fd(f->server), .events = POLLIN},
				{.fd = f->stop, .events = POLLIN}};

	for (;;) {
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents)
			return NULL;
		control_server_work(f->server);
	}
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct error e = {0};

	snprintf(f->folder, sizeof(f->folder), "/tmp/weir-control-%d", (int)getpid());
	snprintf(f->path, sizeof(f->path), "%s/weir.sock", f->folder);
	f->stop = -1;
	assert_int_equal(control_server_open(f->path, handle, f, &f->server, &e), 0);
	*state = f;
	return 0;
}

static int setup_threaded(void **state)
{
	struct fixture *f;

	setup(state);
	f = *state;
	f->stop = eventfd(0, EFD_CLOEXEC);
	return pthread_create(&f->thread, NULL, serve, f);
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	uint64_t one = 1;

	if (f->stop >= 0) {
		assert_int_equal(write(f->stop, &one, sizeof(one)), sizeof(one));
		pthread_join(f->thread, NULL);
		close(f->stop);
	}
	control_server_close(f->server);
	assert_int_equal(access(f->path, F_OK), -1);
	assert_int_equal(rmdir(f->folder), 0);
	free(f);
	return 0;
}

static int raw_connect(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/* Lets the server work while it has something to do at once. */
static void work(struct fixture *f)
{
	struct pollfd fd = {.fd = control_server_fd(f->server), .events = POLLIN};

	while (poll(&fd, 1, 0) > 0)
		control_server_work(f->server);
}

/* Reads what is there; returns the length, 0 at the end of the connection. */
static size_t raw_read(int fd, char *buf, size_t cap)
{
	ssize_t n = recv(fd, buf, cap - 1, MSG_DONTWAIT);

	if (n < 0)
		assert_int_equal(errno, ECONNRESET);
	n = n < 0 ? 0 : n;
	buf[n] = '\0';
	return (size_t)n;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void answers_a_request(void **state)
{
	struct fixture *f = *state;
	struct error e = {0};
	json_t *data = NULL;

	assert_int_equal(control_request(f->path, "echo",
					 json_pack("{s:s, s:i}", "a", "ä\n", "n", 7), &data, &e),
			 0);
	assert_string_equal(json_string_value(json_object_get(data, "a")), "ä\n");
	assert_int_equal(json_integer_value(json_object_get(data, "n")), 7);
	json_decref(data);
	data = NULL;
	assert_int_equal(control_request(f->path, "null", NULL, &data, &e), 0);
	assert_true(json_is_null(data));
}

static void carries_the_daemons_text(void **state)
{
	struct fixture *f = *state;
	struct error e = {0};
	json_t *data = NULL;

	assert_int_equal(control_request(f->path, "frobnicate", NULL, &data, &e), -EREMOTEIO);
	assert_string_equal(e.text, "no such verb: frobnicate");
	e = (struct error){0};
	assert_int_equal(control_request(f->path, "mute", NULL, &data, &e), -EREMOTEIO);
	assert_string_equal(e.text, strerror(ENODEV));
	assert_null(data);
}

static void answers_larger_than_a_socket_buffer(void **state)
{
	struct fixture *f = *state;
	struct error e = {0};
	json_t *data = NULL;

	assert_int_equal(control_request(f->path, "big", NULL, &data, &e), 0);
	assert_int_equal(json_array_size(data), 200000);
	assert_int_equal(json_integer_value(json_array_get(data, 199999)), 199999);
	json_decref(data);
	assert_int_equal(control_request(f->path, "huge", NULL, &data, &e), -EREMOTEIO);
	assert_non_null(strstr(e.text, "too large"));
}

struct seen {
	int count;
	char last[64];
};

static bool see(const char *line, void *arg)
{
	struct seen *s = arg;

	snprintf(s->last, sizeof(s->last), "%s", line);
	return ++s->count < 2;
}

static void *follow(void *arg)
{
	struct fixture *f = arg;
	static struct seen s;
	struct error e = {0};

	s = (struct seen){0};
	if (control_follow(f->path, "events", json_pack("{s:s}", "type", "flow"), see, &s, &e) < 0)
		s.count = -1;
	return &s;
}

static void streams_to_a_follower(void **state)
{
	struct fixture *f = *state;
	struct pollfd fd = {.fd = control_server_fd(f->server), .events = POLLIN};
	pthread_t thread;
	struct seen *s;

	assert_int_equal(pthread_create(&thread, NULL, follow, f), 0);
	/* Two events: the connection, and the request that makes it a follower. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(poll(&fd, 1, 5000), 1);
		control_server_work(f->server);
	}
	control_server_publish(f->server, "drop", "{\"n\":0}");
	control_server_publish(f->server, "flow", "{\"n\":1}");
	control_server_publish(f->server, "flow", "{\"n\":2}");
	pthread_join(thread, (void **)&s);
	assert_int_equal(s->count, 2);
	assert_string_equal(s->last, "{\"n\":2}");
}

static void follower_ends_with_the_daemon(void **state)
{
	struct fixture *f = *state;
	int fd = raw_connect(f->path);
	char buf[256];

	say(fd, "{\"verb\":\"events\"}\n");
	work(f);
	assert_int_not_equal(raw_read(fd, buf, sizeof(buf)), 0);
	assert_string_equal(buf, "{\"data\":{}}\n");
	control_server_close(f->server);
	assert_int_equal(raw_read(fd, buf, sizeof(buf)), 0);
	close(fd);
	assert_int_equal(control_server_open(f->path, handle, f, &f->server, NULL), 0);
}

static void cuts_off_a_follower_that_does_not_read(void **state)
{
	struct fixture *f = *state;
	int slow = raw_connect(f->path), fast = raw_connect(f->path);
	static char line[8192], buf[65536];
	size_t got = 0, n;

	memset(line, 'x', sizeof(line) - 1);
	say(slow, "{\"verb\":\"events\"}\n");
	say(fast, "{\"verb\":\"events\"}\n");
	work(f);
	raw_read(fast, buf, sizeof(buf));
	for (int i = 0; i < 400; i++) {
		control_server_publish(f->server, "flow", line);
		work(f);
		got += raw_read(fast, buf, sizeof(buf));
	}
	assert_int_equal(got, 400 * sizeof(line));
	for (got = 0; (n = raw_read(slow, buf, sizeof(buf))) > 0;)
		got += n;
	assert_true(got < 400 * sizeof(line));
	close(slow);
	close(fast);
}

static void refuses_garbage(void **state)
{
	static const struct {
		const char *request, *text;
	} cases[] = {
		{"hello\n", "not JSON"},
		{"\n", "not JSON"},
		{"[]\n", "not a JSON object"},
		{"{}\n", "without a verb"},
		{"{\"verb\":7}\n", "without a verb"},
		{"{\"verb\":\"\"}\n", "without a verb"},
		{"{\"verb\":\"echo\",\"args\":[]}\n", "not a JSON object"},
		{"{\"verb\":\"echo\",\"verb\":\"echo\"}\n", "not JSON"},
		{"{\"verb\":\"e\\u0000o\"}\n", "not JSON"},
		{"{\"verb\":\"\xff\"}\n", "not JSON"},
	};
	struct fixture *f = *state;
	char buf[1024];

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int fd = raw_connect(f->path);

		say(fd, cases[i].request);
		work(f);
		raw_read(fd, buf, sizeof(buf));
		assert_non_null(strstr(buf, "{\"error\":"));
		assert_non_null(strstr(buf, cases[i].text));
		assert_int_equal(raw_read(fd, buf, sizeof(buf)), 0);
		close(fd);
	}
}

static void refuses_a_request_without_end(void **state)
{
	struct fixture *f = *state;
	int fd = raw_connect(f->path);
	static char buf[CONTROL_REQUEST_MAX];

	memset(buf, ' ', sizeof(buf));
	assert_int_equal(send(fd, buf, sizeof(buf), MSG_NOSIGNAL), sizeof(buf));
	work(f);
	raw_read(fd, buf, sizeof(buf));
	assert_string_equal(buf, "{\"error\":\"request is too long\"}\n");
	assert_int_equal(raw_read(fd, buf, sizeof(buf)), 0);
	close(fd);
}

static void accepts_requests_in_pieces_and_in_a_row(void **state)
{
	struct fixture *f = *state;
	int fd = raw_connect(f->path);
	char buf[256];

	say(fd, "{\"verb\":");
	work(f);
	assert_int_equal(recv(fd, buf, sizeof(buf), MSG_DONTWAIT), -1);
	say(fd, "\"null\"}\n{\"verb\":\"null\"}\n{\"verb\":\"null\"}");
	shutdown(fd, SHUT_WR);
	work(f);
	raw_read(fd, buf, sizeof(buf));
	assert_string_equal(buf, "{\"data\":null}\n{\"data\":null}\n");
	assert_int_equal(raw_read(fd, buf, sizeof(buf)), 0);
	close(fd);
}

static void many_clients_are_bounded(void **state)
{
	struct fixture *f = *state;
	int fds[65];
	char buf[256];

	for (size_t i = 0; i < ARRAY_SIZE(fds); i++) {
		fds[i] = raw_connect(f->path);
		work(f);
	}
	raw_read(fds[64], buf, sizeof(buf));
	assert_string_equal(buf, "{\"error\":\"too many clients\"}\n");
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		close(fds[i]);
	work(f);
	fds[0] = raw_connect(f->path);
	say(fds[0], "{\"verb\":\"null\"}\n");
	work(f);
	raw_read(fds[0], buf, sizeof(buf));
	assert_string_equal(buf, "{\"data\":null}\n");
	close(fds[0]);
}

/* Another process that inherited the connection must not keep its events coming. */
static void a_copy_elsewhere_keeps_nothing_alive(void **state)
{
	struct fixture *f = *state;
	struct pollfd fd = {.fd = control_server_fd(f->server), .events = POLLIN};
	int client = raw_connect(f->path), hold[2], status;
	char buf[64];
	pid_t pid;

	say(client, "{\"verb\":\"null\"}\n");
	work(f);
	assert_int_equal(pipe(hold), 0);
	pid = fork();
	if (pid == 0) {
		close(client);
		close(hold[1]);
		_exit(read(hold[0], buf, 1) != 0);
	}
	close(hold[0]);
	raw_read(client, buf, sizeof(buf));
	shutdown(client, SHUT_RDWR);
	close(client);
	assert_int_equal(poll(&fd, 1, 5000), 1);
	control_server_work(f->server);
	assert_int_equal(poll(&fd, 1, 0), 0);
	close(hold[1]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void socket_is_the_owners_alone(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
}

static void refuses_a_second_daemon_and_replaces_a_dead_one(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct control_server *second = NULL;
	struct error e = {0};
	int fd;

	assert_int_equal(control_server_open(f->path, handle, f, &second, &e), -EADDRINUSE);
	assert_non_null(strstr(e.text, "another daemon answers"));
	control_server_close(f->server);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	strcpy(address.sun_path, f->path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	assert_int_equal(control_server_open(f->path, handle, f, &f->server, &e), 0);
}

static void clears_the_name_of_a_dead_daemon_only(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct error e = {0};
	int fd;

	assert_int_equal(control_socket_clear(f->path, &e), -EADDRINUSE);
	control_server_close(f->server);
	assert_int_equal(control_socket_clear(f->path, NULL), 0);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	strcpy(address.sun_path, f->path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	assert_int_equal(access(f->path, F_OK), 0);
	assert_int_equal(control_socket_clear(f->path, NULL), 0);
	assert_int_equal(access(f->path, F_OK), -1);
	assert_int_equal(control_server_open(f->path, handle, f, &f->server, NULL), 0);
}

static void never_removes_what_is_no_socket(void **state)
{
	struct fixture *f = *state;
	struct control_server *second = NULL;
	char path[128];
	struct error e = {0};
	FILE *file;

	snprintf(path, sizeof(path), "%s/precious", f->folder);
	file = fopen(path, "w");
	fclose(file);
	assert_int_equal(control_server_open(path, handle, f, &second, &e), -EEXIST);
	assert_int_equal(unlink(path), 0);
}

static void says_that_no_daemon_listens(void **state)
{
	struct error e = {0};
	json_t *data = NULL;
	char path[96];

	snprintf(path, sizeof(path), "/tmp/weir-nowhere-%d.sock", (int)getpid());
	assert_int_equal(control_request(path, "status", json_object(), &data, &e), -ENOENT);
	assert_non_null(strstr(e.text, path));
	assert_non_null(strstr(e.text, "weir run"));
}

static void refuses_a_name_too_long(void **state)
{
	struct control_server *server = NULL;
	struct error e = {0};
	char path[200];

	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(control_server_open(path, handle, NULL, &server, &e), -ENAMETOOLONG);
}

/* A server that talks nonsense. */
static void *babble(void *arg)
{
	int fd = accept(*(int *)arg, NULL, NULL);
	char buf[256];

	if (recv(fd, buf, sizeof(buf), 0) > 0 && send(fd, "HTTP/1.1 200 OK\n", 16, 0) < 0)
		return arg;
	close(fd);
	return NULL;
}

static void recognizes_nonsense(void **state)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	struct error e = {0};
	json_t *data = NULL;
	pthread_t thread;
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/weir-babble-%d", (int)getpid());
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(pthread_create(&thread, NULL, babble, &fd), 0);
	assert_int_equal(control_request(address.sun_path, "status", NULL, &data, &e), -EPROTO);
	pthread_join(thread, NULL);
	close(fd);
	unlink(address.sun_path);
}

#define WITH(test)     cmocka_unit_test_setup_teardown(test, setup, teardown)
#define THREADED(test) cmocka_unit_test_setup_teardown(test, setup_threaded, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		THREADED(answers_a_request),
		THREADED(carries_the_daemons_text),
		THREADED(answers_larger_than_a_socket_buffer),
		WITH(streams_to_a_follower),
		WITH(follower_ends_with_the_daemon),
		WITH(cuts_off_a_follower_that_does_not_read),
		WITH(refuses_garbage),
		WITH(refuses_a_request_without_end),
		WITH(accepts_requests_in_pieces_and_in_a_row),
		WITH(many_clients_are_bounded),
		WITH(a_copy_elsewhere_keeps_nothing_alive),
		WITH(socket_is_the_owners_alone),
		WITH(refuses_a_second_daemon_and_replaces_a_dead_one),
		WITH(clears_the_name_of_a_dead_daemon_only),
		WITH(never_removes_what_is_no_socket),
		cmocka_unit_test(says_that_no_daemon_listens),
		cmocka_unit_test(refuses_a_name_too_long),
		cmocka_unit_test(recognizes_nonsense),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
