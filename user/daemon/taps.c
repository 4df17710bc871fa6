// SPDX-License-Identifier: GPL-2.0-only
/* Service: the socket that programs of taps connect to (weir/tap.h, docs/tap.md). */
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "daemon/weir.h"
#include "tap/tap.h"

#define GUESTS_MAX   (TAP_SLOTS + 16)
#define HELLO_NS     5000000000ULL /* until then a program has to say what it wants */
#define GROUPS_MAX   1024
#define SWEEP_MS     100
#define RING_MIN     MAIL_BYTES_MIN
#define LISTEN_QUEUE 16

struct desk;

/* A connection. */
struct guest {
	struct desk *desk;
	int fd;	  /* -1: the place is free */
	int slot; /* -1: it has not said yet what it wants */
	uint64_t since_ns;
	sd_event_source *source;
};

struct desk {
	struct weir *w;
	struct taps *taps;
	int fd;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	sd_event_source *source, *sweep;
	struct guest guest[GUESTS_MAX];
};

static void guest_end(struct guest *g, const char *why)
{
	if (g->slot >= 0 && taps_socket(g->desk->taps, (unsigned int)g->slot) == g->fd)
		taps_disconnect(g->desk->taps, (unsigned int)g->slot, why);
	loop_forget(g->source);
	g->source = NULL;
	util_closep(&g->fd);
	g->fd = g->slot = -1;
}

/* ---- who may ---- */

static bool is_in_group(int fd, const struct ucred *who, uint32_t gid)
{
	gid_t groups[GROUPS_MAX];
	socklen_t len = sizeof(groups);

	if (gid == POLICY_TAP_NOBODY)
		return false;
	if (who->gid == gid)
		return true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return false;
	for (size_t i = 0; i < len / sizeof(groups[0]); i++)
		if (groups[i] == gid)
			return true;
	return false;
}

static bool may_serve(int fd, const struct ucred *who, const struct policy_tap *tap)
{
	return who->uid == 0 || (tap->uid != POLICY_TAP_NOBODY && who->uid == tap->uid) ||
	       is_in_group(fd, who, tap->gid);
}

static const struct policy_tap *tap_find(const struct policy *p, const char *name)
{
	for (unsigned int i = 0; i < p->tap_count; i++)
		if (strcmp(p->taps[i].name, name) == 0)
			return &p->taps[i];
	return NULL;
}

/* ---- saying hello ---- */

static int refuse(struct weir_tap_welcome *out, int err, const char *name, const char *why)
{
	out->error = err;
	snprintf(out->text, sizeof(out->text), "tap %s: %s", name, why);
	return err;
}

static uint32_t ring_bytes(const struct policy_tap *tap)
{
	uint32_t bytes = RING_MIN;

	while (bytes < tap->ring_bytes)
		bytes *= 2;
	return bytes;
}

/* Fills the answer, and the descriptors that go with it. */
static int admit(struct guest *g, const struct weir_tap_hello *hello, struct weir_tap_welcome *out,
		 int *fds)
{
	const struct policy_tap *tap = tap_find(g->desk->w->policy, hello->name);
	struct ucred who = {0};
	socklen_t len = sizeof(who);
	int slot = tap ? taps_find(g->desk->taps, tap->name) : -1, err;
	struct tap_peer peer;

	if (hello->abi != WEIR_TAP_ABI)
		return refuse(out, -EPROTO, hello->name, "weir is of another version");
	if (slot < 0)
		return refuse(out, -ESRCH, hello->name, "the policy has no such tap");
	if (getsockopt(g->fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0 ||
	    !may_serve(g->fd, &who, tap))
		return refuse(out, -EACCES, tap->name, "not for this user");
	peer = (struct tap_peer){.pid = who.pid, .uid = who.uid, .fd = g->fd};
	err = taps_connect(g->desk->taps, (unsigned int)slot, ring_bytes(tap), &peer, fds);
	if (err == -EBUSY)
		return refuse(out, err, tap->name, "it has a program already");
	if (err < 0)
		return refuse(out, err, tap->name, "no memory for its rings");
	g->slot = slot;
	out->workers = g->desk->w->shared.workers;
	out->timeout_ns = tap->timeout_ns;
	out->stream = tap->stream;
	out->copy = tap->copy;
	return 0;
}

static bool send_welcome(int fd, const struct weir_tap_welcome *welcome, const int *fds,
			 unsigned int count)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int) * WEIR_TAP_FDS_MAX)];
	} control = {0};
	struct iovec io = {.iov_base = (void *)welcome, .iov_len = sizeof(*welcome)};
	struct msghdr m = {.msg_iov = &io, .msg_iovlen = 1};

	if (count) {
		m.msg_control = &control;
		m.msg_controllen = CMSG_SPACE(sizeof(int) * count);
		control.head = (struct cmsghdr){
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
			.cmsg_len = CMSG_LEN(sizeof(int) * count),
		};
		memcpy(CMSG_DATA(&control.head), fds, sizeof(int) * count);
	}
	return sendmsg(fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)sizeof(*welcome);
}

static void guest_greet(struct guest *g, struct weir_tap_hello *hello)
{
	struct weir_tap_welcome welcome = {.magic = WEIR_TAP_MAGIC, .abi = WEIR_TAP_ABI};
	int fds[WEIR_TAP_FDS_MAX];
	unsigned int count = 0;
	bool sent;

	hello->name[sizeof(hello->name) - 1] = '\0';
	if (admit(g, hello, &welcome, fds) == 0)
		count = welcome.workers * 3 + 1;
	sent = send_welcome(g->fd, &welcome, fds, count);
	for (unsigned int i = 0; i < count; i++)
		close(fds[i]);
	if (welcome.error)
		log_warning("a tap's program was refused: %s", welcome.text);
	if (!sent || welcome.error)
		guest_end(g, "it did not take its rings");
}

static int on_guest(sd_event_source *s _unused_, int fd, uint32_t events _unused_, void *arg)
{
	struct weir_tap_hello hello;
	struct guest *g = arg;
	ssize_t n = recv(fd, &hello, sizeof(hello), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n == (ssize_t)sizeof(hello) && hello.magic == WEIR_TAP_MAGIC && g->slot < 0)
		guest_greet(g, &hello);
	else
		guest_end(g, n <= 0 ? "it is gone" : "it says what makes no sense");
	return 0;
}

static int on_knock(sd_event_source *s _unused_, int fd, uint32_t events _unused_, void *arg)
{
	_cleanup_close_ int guest = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct desk *d = arg;

	for (unsigned int i = 0; guest >= 0 && i < GUESTS_MAX; i++) {
		struct guest *g = &d->guest[i];

		if (g->fd >= 0)
			continue;
		if (sd_event_add_io(d->w->host.loop, &g->source, guest, EPOLLIN, on_guest, g) < 0)
			return 0;
		g->fd = TAKE_FD(guest);
		g->since_ns = time_now_ns();
		return 0;
	}
	return 0;
}

/* ---- the service ---- */

static void sweep(void *arg)
{
	struct desk *d = arg;
	uint64_t now = time_now_ns();

	taps_sweep(d->taps, d->w->policy);
	for (unsigned int i = 0; i < GUESTS_MAX; i++)
		if (d->guest[i].fd >= 0 && d->guest[i].slot < 0 &&
		    now - d->guest[i].since_ns > HELLO_NS)
			guest_end(&d->guest[i], "it said nothing");
}

/* Beside the control socket. Whoever may is checked for each tap, so the socket is everybody's. */
static int listen_open(struct desk *d, struct error *e)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	const char *control = d->w->options.socket, *slash = strrchr(control, '/');
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int folder = slash ? (int)(slash - control) : 1;

	if (snprintf(d->path, sizeof(d->path), "%.*s/tap.sock", folder, slash ? control : ".") >=
	    (int)sizeof(d->path))
		return error_set(e, -ENAMETOOLONG, "no name for the socket of taps beside %s",
				 control);
	memcpy(a.sun_path, d->path, sizeof(a.sun_path));
	/* The control socket, which is opened before, has shown that no other daemon is there. */
	unlink(d->path);
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || chmod(d->path, 0666) < 0 ||
	    listen(fd, LISTEN_QUEUE) < 0)
		return error_set(e, -errno, "cannot listen on %s: %s", d->path, strerror(errno));
	if (sd_event_add_io(d->w->host.loop, &d->source, fd, EPOLLIN, on_knock, d) < 0)
		return error_set(e, -ENOMEM, "no memory");
	d->fd = TAKE_FD(fd);
	return 0;
}

static void taps_close(void *self)
{
	struct desk *d = self;

	for (unsigned int i = 0; i < GUESTS_MAX; i++)
		if (d->guest[i].fd >= 0)
			guest_end(&d->guest[i], "weir stops");
	loop_forget(d->source);
	loop_forget(d->sweep);
	if (d->fd >= 0)
		unlink(d->path);
	util_closep(&d->fd);
	d->w->shared.taps = NULL;
	taps_free(d->taps);
	free(d);
}

static int reserve(struct desk *d, const struct policy *p, struct error *e)
{
	if (taps_reserve(d->taps, p) < 0)
		return error_set(e, -ENOSPC,
				 "too many taps have lately been renamed: wait ten seconds");
	return 0;
}

static int taps_open(struct host *h, const struct policy *p, void **self, struct error *e)
{
	struct desk *d = calloc(1, sizeof(*d));
	int err;

	if (!d)
		return error_set(e, -ENOMEM, "no memory");
	d->w = h->daemon;
	d->fd = -1;
	for (unsigned int i = 0; i < GUESTS_MAX; i++)
		d->guest[i] = (struct guest){.desk = d, .fd = -1, .slot = -1};
	d->taps = taps_new(d->w->shared.workers);
	err = d->taps ? reserve(d, p, e) : error_set(e, -ENOMEM, "no memory");
	if (!err)
		err = listen_open(d, e);
	if (!err && loop_every(h->loop, SWEEP_MS, sweep, d, &d->sweep) < 0)
		err = error_set(e, -ENOMEM, "no memory");
	if (err < 0) {
		taps_close(d);
		return err;
	}
	d->w->shared.taps = d->taps;
	*self = d;
	return 0;
}

static int taps_reload(void *self, const struct policy *next, struct error *e)
{
	return reserve(self, next, e);
}

/* ---- what there is to tell ---- */

static json_t *counts_json(const struct tap_counters *c)
{
	json_t *o = json_object();

#define X(member, label, help) json_object_set_new(o, label, json_integer((json_int_t)c->member));
	TAP_COUNTS(X)
#undef X
	return o;
}

static json_t *tap_json(const struct policy_tap *tap, const struct tap_state *s)
{
	uint64_t now = time_now_ns();
	json_t *o = json_pack("{s:s, s:s, s:b, s:f, s:I, s:I, s:f, s:o}", "name", tap->name, "mode",
			      tap->stream ? "stream" : "frames", "copy", tap->copy, "timeout",
			      (double)tap->timeout_ns / 1e9, "flows", (json_int_t)s->sum.flows,
			      "waiting", (json_int_t)s->sum.waiting, "lag",
			      s->sum.oldest_ns && s->sum.oldest_ns < now
				      ? (double)(now - s->sum.oldest_ns) / 1e9
				      : 0.0,
			      "counts", counts_json(&s->sum));

	if (s->connected)
		json_object_set_new(o, "client",
				    json_pack("{s:i, s:I, s:f}", "pid", (int)s->pid, "uid",
					      (json_int_t)s->uid, "age",
					      (double)(now - s->since_ns) / 1e9));
	else
		json_object_set_new(o, "client", json_null());
	return o;
}

static int query_taps(void *self, const json_t *args _unused_, json_t **data, struct error *e)
{
	const struct desk *d = self;
	const struct policy *p = d->w->policy;
	json_t *list = json_array();

	for (unsigned int i = 0; i < p->tap_count; i++) {
		int slot = taps_find(d->taps, p->taps[i].name);
		struct tap_state s;

		if (slot < 0)
			continue;
		taps_state(d->taps, (unsigned int)slot, &s);
		json_array_append_new(list, tap_json(&p->taps[i], &s));
	}
	*data = json_pack("{s:s, s:o}", "socket", d->path, "taps", list);
	return *data ? 0 : error_set(e, -ENOMEM, "out of memory");
}

static void each_tap(FILE *out, const char *name, const struct desk *d,
		     void (*write)(FILE *out, const char *name, const struct tap_state *s))
{
	for (unsigned int i = 0; i < TAP_SLOTS; i++) {
		struct tap_state s;

		taps_state(d->taps, i, &s);
		if (s.name)
			write(out, name, &s);
	}
}

static void connected_write(FILE *out, const char *name, const struct tap_state *s)
{
	metric_sample(out, name, s->connected, "tap", s->name);
}

static void frames_write(FILE *out, const char *name, const struct tap_state *s)
{
	metric_sample(out, name, s->sum.given, "tap", s->name);
}

static void answers_write(FILE *out, const char *name, const struct tap_state *s)
{
	const struct tap_counters *c = &s->sum;

	metric_sample(out, name, c->pass, "tap", s->name, "answer", "pass");
	metric_sample(out, name, c->drop, "tap", s->name, "answer", "drop");
	metric_sample(out, name, c->change, "tap", s->name, "answer", "change");
	metric_sample(out, name, c->refused, "tap", s->name, "answer", "refused");
	metric_sample(out, name, c->late, "tap", s->name, "answer", "late");
	metric_sample(out, name, c->unknown, "tap", s->name, "answer", "unknown");
	metric_sample(out, name, c->malformed, "tap", s->name, "answer", "malformed");
}

static void unanswered_write(FILE *out, const char *name, const struct tap_state *s)
{
	const struct tap_counters *c = &s->sum;

	metric_sample(out, name, c->timeouts, "tap", s->name, "reason", "timeout");
	metric_sample(out, name, c->absent, "tap", s->name, "reason", "absent");
	metric_sample(out, name, c->full, "tap", s->name, "reason", "full");
	metric_sample(out, name, c->silent, "tap", s->name, "reason", "silent");
	metric_sample(out, name, c->no_room, "tap", s->name, "reason", "no_room");
}

static void dropped_write(FILE *out, const char *name, const struct tap_state *s)
{
	metric_sample(out, name, s->sum.dropped, "tap", s->name);
}

static void changed_write(FILE *out, const char *name, const struct tap_state *s)
{
	metric_sample(out, name, s->sum.changed, "tap", s->name);
}

static void flows_write(FILE *out, const char *name, const struct tap_state *s)
{
	metric_sample(out, name, s->sum.flows, "tap", s->name);
}

static void waiting_write(FILE *out, const char *name, const struct tap_state *s)
{
	metric_sample(out, name, s->sum.waiting, "tap", s->name);
}

#define TAP_METRIC(writer)                                                                         \
	static void writer##_metric(FILE *out, const char *name, const void *numbers)              \
	{                                                                                          \
		each_tap(out, name, numbers, writer##_write);                                      \
	}
TAP_METRIC(connected)
TAP_METRIC(frames)
TAP_METRIC(answers)
TAP_METRIC(unanswered)
TAP_METRIC(dropped)
TAP_METRIC(changed)
TAP_METRIC(flows)
TAP_METRIC(waiting)

#define ROW(metric, type, labels, help, writer)                                                    \
	{                                                                                          \
		{metric, type, labels, help}, .write_own = writer##_metric                         \
	}
static const struct metric metrics[] = {
	ROW("weir_tap_connected", "gauge", "tap", "Whether a program serves the tap", connected),
	ROW("weir_tap_given_total", "counter", "tap",
	    "Frames, or parts of streams, that the tap's program was given", frames),
	ROW("weir_tap_answers_total", "counter", "tap, answer",
	    "Answers of the tap's program; refused: a change that was not possible; late, unknown "
	    "and malformed ones change nothing",
	    answers),
	ROW("weir_tap_unanswered_total", "counter", "tap, reason",
	    "Frames that the policy decided about, because the program did not", unanswered),
	ROW("weir_tap_dropped_frames_total", "counter", "tap", "Frames dropped by the tap",
	    dropped),
	ROW("weir_tap_changed_frames_total", "counter", "tap",
	    "Frames that left with another payload than they came with", changed),
	ROW("weir_tap_flows", "gauge", "tap", "Flows that the tap has seen lately", flows),
	ROW("weir_tap_waiting_frames", "gauge", "tap", "Frames that wait for an answer", waiting),
	{.info = {.name = NULL}},
};

static const struct service_verb verbs[] = {
	{.name = "taps", .answer = query_taps},
	{.name = NULL},
};

SERVICE(taps) = {
	.name = "taps",
	.stage = SERVICE_BEFORE_PORTS,
	.open = taps_open,
	.reload = taps_reload,
	.close = taps_close,
	.verbs = verbs,
	.metrics = metrics,
};
