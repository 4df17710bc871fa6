// SPDX-License-Identifier: GPL-2.0-only
/* The library of a tap's program: include/weir-tap.h. Linked into that program, so it knows nothing
 * of weir but the rings. */
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "mail/mail.h"
#include "util/util.h"
#include "weir-tap.h"
#include "weir/tap.h"

#define WORKERS_MAX    ((WEIR_TAP_FDS_MAX - 1) / 3)
#define HELLO_LIMIT_MS 5000

struct lane {
	struct mail_reader *frames;
	struct mail_writer *answers;
	int wake_fd; /* the worker's */
};

struct weir_tap {
	int socket, wake_fd, epoll_fd;
	struct weir_tap_welcome welcome;
	struct lane lane[WORKERS_MAX];
	unsigned int turn; /* lane to look at first */
	struct weir_tap_item item;
	char app[WEIR_TAP_NAME_LEN + 1];
	int found; /* of the record at hand: 1, 0 not for the program, or a negative errno */
};

static __thread char last_error[WEIR_TAP_TEXT_LEN + 1];

const char *weir_tap_error(void)
{
	return last_error;
}

static int fail(int err, const char *text)
{
	strncpy(last_error, text, WEIR_TAP_TEXT_LEN);
	return err;
}

/* ---- connecting ---- */

static int connect_to(const char *path)
{
	_cleanup_close_ int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	const struct timeval limit = {.tv_sec = HELLO_LIMIT_MS / 1000};
	struct sockaddr_un to = {.sun_family = AF_UNIX};

	if (strlen(path) >= sizeof(to.sun_path))
		return -ENAMETOOLONG;
	memcpy(to.sun_path, path, strlen(path));
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
	    connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	return TAKE_FD(fd);
}

/* Descriptors that came; those beyond WEIR_TAP_FDS_MAX the kernel does not pass on. */
struct gift {
	int fd[WEIR_TAP_FDS_MAX];
	unsigned int count;
};

static void gift_close(struct gift *g)
{
	for (unsigned int i = 0; i < g->count; i++)
		util_closep(&g->fd[i]);
}

static void gift_take(struct msghdr *m, struct gift *out)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		size_t bytes = c->cmsg_len - CMSG_LEN(0);

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
		    out->count + bytes / sizeof(int) > WEIR_TAP_FDS_MAX)
			continue;
		memcpy(&out->fd[out->count], CMSG_DATA(c), bytes);
		out->count += (unsigned int)(bytes / sizeof(int));
	}
}

static int receive_welcome(int socket, struct weir_tap_welcome *out, struct gift *gift)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int) * WEIR_TAP_FDS_MAX)];
	} control;
	struct iovec io = {.iov_base = out, .iov_len = sizeof(*out)};
	struct msghdr m = {
		.msg_iov = &io,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(socket, &m, MSG_CMSG_CLOEXEC);

	if (n < 0)
		return -errno;
	gift_take(&m, gift);
	if (n != (ssize_t)sizeof(*out) || out->magic != WEIR_TAP_MAGIC)
		return fail(-EPROTO, "it does not answer like weir");
	out->text[sizeof(out->text) - 1] = '\0';
	if (out->error < 0)
		return fail(out->error, out->text);
	if (out->abi != WEIR_TAP_ABI || out->workers == 0 || out->workers > WORKERS_MAX ||
	    gift->count != out->workers * 3 + 1)
		return fail(-EPROTO, "weir is of another version");
	return 0;
}

static int watch(int epoll_fd, int fd)
{
	struct epoll_event e = {.events = EPOLLIN, .data.fd = fd};

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0 ? -errno : 0;
}

static int lanes_open(struct weir_tap *tap, struct gift *gift)
{
	int err = 0;

	for (unsigned int i = 0; !err && i < tap->welcome.workers; i++) {
		struct lane *lane = &tap->lane[i];

		err = mail_reader_open(gift->fd[i * 3], &lane->frames);
		if (!err)
			err = mail_writer_open(gift->fd[i * 3 + 1], &lane->answers);
		if (err < 0)
			return err;
		lane->wake_fd = TAKE_FD(gift->fd[i * 3 + 2]);
		mail_writer_wake_by(lane->answers, lane->wake_fd);
	}
	tap->wake_fd = TAKE_FD(gift->fd[gift->count - 1]);
	tap->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (tap->epoll_fd < 0)
		return -errno;
	err = watch(tap->epoll_fd, tap->wake_fd);
	return err ? err : watch(tap->epoll_fd, tap->socket);
}

static int begin(struct weir_tap *tap, const char *name, const char *path, struct gift *gift)
{
	struct weir_tap_hello hello = {.magic = WEIR_TAP_MAGIC, .abi = WEIR_TAP_ABI};
	int err;

	if (strlen(name) >= sizeof(hello.name))
		return fail(-ESRCH, "no tap has so long a name");
	memcpy(hello.name, name, strlen(name));
	tap->socket = connect_to(path);
	if (tap->socket < 0)
		return fail(tap->socket, strerror(-tap->socket));
	if (send(tap->socket, &hello, sizeof(hello), MSG_NOSIGNAL) < 0)
		return fail(-errno, strerror(errno));
	err = receive_welcome(tap->socket, &tap->welcome, gift);
	return err ? err : lanes_open(tap, gift);
}

int weir_tap_open(const char *name, const char *socket, struct weir_tap **out)
{
	struct weir_tap *tap = calloc(1, sizeof(*tap));
	struct gift gift = {.count = 0};
	int err;

	last_error[0] = '\0';
	if (!tap)
		return -ENOMEM;
	tap->socket = tap->wake_fd = tap->epoll_fd = -1;
	for (unsigned int i = 0; i < WORKERS_MAX; i++)
		tap->lane[i].wake_fd = -1;
	err = begin(tap, name, socket ? socket : WEIR_TAP_SOCKET, &gift);
	gift_close(&gift);
	if (err < 0) {
		weir_tap_close(tap);
		return err;
	}
	*out = tap;
	return 0;
}

void weir_tap_close(struct weir_tap *tap)
{
	if (!tap)
		return;
	for (unsigned int i = 0; i < WORKERS_MAX; i++) {
		mail_reader_close(tap->lane[i].frames);
		mail_writer_close(tap->lane[i].answers);
		util_closep(&tap->lane[i].wake_fd);
	}
	util_closep(&tap->epoll_fd);
	util_closep(&tap->wake_fd);
	util_closep(&tap->socket);
	free(tap);
}

/* ---- what there is to see ---- */

static void take_head(struct weir_tap *tap, const struct weir_tap_head *h)
{
	memcpy(tap->app, h->app, WEIR_TAP_NAME_LEN);
	tap->item = (struct weir_tap_item){
		.flow = h->flow_id,
		.number = h->number,
		.time_ns = h->time_ns,
		.app = tap->app,
		.from_server = h->from_server,
		.port = h->in_port,
		.asked = h->flags & WEIR_TAP_ASKS,
		.id = h->id,
		.worker = tap->turn,
	};
}

static int take_frame(struct weir_tap *tap, const struct mail_record *m)
{
	const struct weir_tap_frame_record *r = m->payload;
	struct weir_tap_item *item = &tap->item;

	if (m->len < sizeof(*r) || r->len != m->len - sizeof(*r) ||
	    (uint32_t)r->payload + r->payload_len > r->len || r->l3 > r->l4 || r->l4 > r->payload)
		return -EBADMSG;
	take_head(tap, &r->head);
	item->kind = WEIR_TAP_FRAME;
	item->data = (const uint8_t *)(r + 1);
	item->len = r->len;
	item->ip_at = r->l3;
	item->transport_at = r->l4;
	item->payload_at = r->payload;
	item->payload_len = r->payload_len;
	item->ip_version = r->ip_version;
	item->protocol = r->proto;
	if (r->head.flags & WEIR_TAP_RESIZE)
		item->payload_max = r->room;
	else if (r->head.flags & WEIR_TAP_REPLACE)
		item->payload_min = item->payload_max = r->payload_len;
	return 1;
}

static int take_stream(struct weir_tap *tap, const struct mail_record *m)
{
	static const enum weir_tap_kind kinds[] = {
		[WEIR_TAP_RECORD_DATA] = WEIR_TAP_DATA,
		[WEIR_TAP_RECORD_GAP] = WEIR_TAP_GAP,
		[WEIR_TAP_RECORD_END] = WEIR_TAP_END,
		[WEIR_TAP_RECORD_RESET] = WEIR_TAP_RESET,
	};
	const struct weir_tap_stream_record *r = m->payload;
	struct weir_tap_item *item = &tap->item;

	if (m->len < sizeof(*r) ||
	    (m->type == WEIR_TAP_RECORD_DATA && r->len != m->len - sizeof(*r)))
		return -EBADMSG;
	take_head(tap, &r->head);
	item->kind = kinds[m->type];
	item->offset = r->offset;
	item->len = (size_t)r->len;
	item->data = m->type == WEIR_TAP_RECORD_DATA ? (const uint8_t *)(r + 1) : NULL;
	item->protocol = r->proto;
	for (unsigned int i = 0; i < 2; i++) {
		item->address[i] = r->addr[i];
		item->address_port[i] = r->port[i];
	}
	return 1;
}

static void take(const struct mail_record *m, void *arg)
{
	struct weir_tap *tap = arg;

	if (m->type == WEIR_TAP_RECORD_FRAME)
		tap->found = take_frame(tap, m);
	else if (m->type <= WEIR_TAP_RECORD_RESET)
		tap->found = take_stream(tap, m);
}

/* One record, of the lanes in turn. 0: there is none. */
static int look(struct weir_tap *tap)
{
	for (unsigned int i = 0; i < tap->welcome.workers; i++) {
		int n;

		tap->turn = (tap->turn + 1) % tap->welcome.workers;
		do {
			tap->found = 0;
			n = mail_read_some(tap->lane[tap->turn].frames, 1, take, tap);
		} while (n > 0 && tap->found == 0);
		if (n != 0)
			return n < 0 ? n : tap->found;
	}
	return 0;
}

/* Asks all workers for a sign; false: there is something already. */
static bool fall_asleep(struct weir_tap *tap)
{
	for (unsigned int i = 0; i < tap->welcome.workers; i++)
		if (!mail_reader_sleep(tap->lane[i].frames, 1))
			return false;
	return true;
}

static int wait_for_sign(struct weir_tap *tap, int timeout_ms)
{
	struct epoll_event events[2];
	int n = epoll_wait(tap->epoll_fd, events, ARRAY_SIZE(events), timeout_ms);
	uint64_t count;

	/* Also after SIGCONT, without any handler: signal(7). */
	if (n < 0)
		return errno == EINTR ? 1 : -errno;
	for (int i = 0; i < n; i++) {
		/* The daemon sends nothing more. */
		if (events[i].data.fd == tap->socket)
			return -EPIPE;
		(void)!read(tap->wake_fd, &count, sizeof(count));
	}
	return n;
}

int weir_tap_next(struct weir_tap *tap, int timeout_ms, const struct weir_tap_item **out)
{
	for (;;) {
		int n = look(tap);

		if (n == 0 && fall_asleep(tap)) {
			n = wait_for_sign(tap, timeout_ms);
			if (n == 0)
				return 0;
		} else if (n > 0) {
			*out = &tap->item;
			return 1;
		}
		if (n < 0)
			return n;
	}
}

int weir_tap_fd(const struct weir_tap *tap)
{
	return tap->epoll_fd;
}

/* ---- answers ---- */

static int answer(struct weir_tap *tap, const struct weir_tap_item *item,
		  enum weir_tap_verdict verdict, const void *payload, size_t len)
{
	const struct weir_tap_answer a = {.id = item->id, .verdict = (uint8_t)verdict};
	const struct iovec pieces[] = {
		{.iov_base = (void *)&a, .iov_len = sizeof(a)},
		{.iov_base = (void *)payload, .iov_len = len},
	};

	if (!item->asked)
		return 0;
	if (item->worker >= tap->welcome.workers)
		return -EINVAL;
	return mail_put_pieces(tap->lane[item->worker].answers, 0, pieces, len ? 2 : 1);
}

int weir_tap_pass(struct weir_tap *tap, const struct weir_tap_item *item)
{
	return answer(tap, item, WEIR_TAP_VERDICT_PASS, NULL, 0);
}

int weir_tap_drop(struct weir_tap *tap, const struct weir_tap_item *item)
{
	return answer(tap, item, WEIR_TAP_VERDICT_DROP, NULL, 0);
}

int weir_tap_change(struct weir_tap *tap, const struct weir_tap_item *item, const void *payload,
		    size_t len)
{
	if (len < item->payload_min || len > item->payload_max)
		return -EMSGSIZE;
	return answer(tap, item, WEIR_TAP_VERDICT_CHANGE, payload, len);
}

uint64_t weir_tap_timeout_ns(const struct weir_tap *tap)
{
	return tap->welcome.timeout_ns;
}

int weir_tap_is_stream(const struct weir_tap *tap)
{
	return tap->welcome.stream;
}

int weir_tap_is_copy(const struct weir_tap *tap)
{
	return tap->welcome.copy;
}

uint64_t weir_tap_lost(const struct weir_tap *tap)
{
	uint64_t lost = 0;

	for (unsigned int i = 0; i < tap->welcome.workers; i++)
		for (unsigned int type = 0; type <= WEIR_TAP_RECORD_RESET; type++)
			lost += mail_reader_refused(tap->lane[i].frames, type);
	return lost;
}
