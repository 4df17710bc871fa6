// SPDX-License-Identifier: GPL-2.0-only
/* The daemon's side of a worker's rings. Workers parse hostile input, so their records are checked
 * like input from outside. */
#include "worker/post.h"

#include <string.h>
#include <sys/eventfd.h>

#include "worker/worker_private.h"

static const uint8_t share_of[WORKER_NEWS_COUNT] = {
#define X(id, name, share, help) [WORKER_NEWS_##id] = (share),
	WORKER_NEWS(X)
#undef X
};
_Static_assert(WORKER_NEWS_COUNT <= MAIL_TYPES_MAX, "types of records");

static int ring_open(uint32_t bytes, struct mail_writer **w, struct mail_reader **r)
{
	_cleanup_close_ int fd = mail_new(bytes);
	int err = fd < 0 ? fd : mail_writer_open(fd, w);

	return err < 0 ? err : mail_reader_open(fd, r);
}

int post_open(struct post *p, int wake_fd)
{
	int err;

	p->news_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (p->news_fd < 0)
		return -errno;
	err = ring_open(POST_OUT_BYTES, &p->out, &p->news);
	if (!err)
		err = ring_open(POST_IN_BYTES, &p->orders, &p->in);
	if (err < 0)
		return err;
	mail_writer_wake_by(p->out, p->news_fd);
	mail_writer_wake_by(p->orders, wake_fd);
	for (unsigned int i = 0; i < WORKER_NEWS_COUNT; i++)
		mail_writer_limit(p->out, i, POST_OUT_BYTES / 8 * share_of[i]);
	mail_reader_sleep(p->news, POST_WAKE_BYTES);
	return 0;
}

void post_close(struct post *p)
{
	mail_writer_close(p->out);
	mail_reader_close(p->in);
	mail_reader_close(p->news);
	mail_writer_close(p->orders);
	if (p->news)
		close(p->news_fd);
}

/* ---- reading ---- */

struct visit {
	struct worker *w;
	const struct worker_reader *to;
	void *arg;
};

/* Checks the fields of an event that are used as indexes. */
static bool event_sound(const struct mail_record *m)
{
	const struct weir_event *e = m->payload;
	bool headers =
		m->type == WORKER_NEWS_DROP && m->len == sizeof(*e) + sizeof(struct packet_header);

	if (m->len != sizeof(*e) && !(headers && packet_header_sound(e + 1)))
		return false;
	if (e->in_port >= WEIR_PORTS_MAX || e->dir > 1)
		return false;
	return m->type == WORKER_NEWS_DROP
		       ? e->kind == WEIR_EVENT_DROPPED && e->reason < WEIR_REASON_COUNT
		       : e->kind == WEIR_EVENT_ANOMALY && e->reason < WEIR_ANOMALY_COUNT;
}

/* Of a sound event. */
static const struct packet_header *event_headers(const struct mail_record *m)
{
	const struct weir_event *e = m->payload;

	return m->len > sizeof(*e) ? (const struct packet_header *)(e + 1) : NULL;
}

static bool name_sound(const char name[NAME_TEXT_MAX + 1])
{
	size_t len = strnlen(name, NAME_TEXT_MAX + 1);

	for (size_t i = 0; i < len; i++)
		if (name[i] < 0x20 || name[i] >= 0x7f)
			return false;
	return len <= NAME_TEXT_MAX;
}

static bool answer_sound(const struct app_dns *d, size_t len)
{
	/* A bool that is neither 0 nor 1 must not be read as one. */
	if (len < offsetof(struct app_dns, record) || *(const uint8_t *)&d->query > 1 ||
	    d->count > APP_DNS_RECORDS_MAX || len != worker_answer_bytes(d) || !name_sound(d->name))
		return false;
	for (unsigned int i = 0; i < d->count; i++)
		if (!name_sound(d->record[i].target))
			return false;
	return true;
}

static bool note_read(const struct mail_record *m, struct worker_note *out)
{
	const struct post_note *n = m->payload;
	const void *rest = n + 1;
	size_t len = m->len - sizeof(*n);

	if (m->len < sizeof(*n) || n->origin > 1 || n->in_port >= WEIR_PORTS_MAX)
		return false;
	*out = (struct worker_note){
		.time_ns = n->time_ns,
		.flow_id = n->flow_id,
		.key = n->key,
		.origin = n->origin,
		.in_port = n->in_port,
		.app = n->app,
	};
	if (m->type == WORKER_NEWS_DETAILS) {
		out->details = rest;
		return flow_details_sound(rest, len);
	}
	if (m->type == WORKER_NEWS_RECORD) {
		out->record = rest;
		return app_record_sound(rest, len);
	}
	out->dns = rest;
	return answer_sound(rest, len);
}

static void visit(const struct mail_record *m, void *arg)
{
	struct visit *v = arg;
	struct worker_note note;

	switch (m->type) {
	case WORKER_NEWS_DROP:
	case WORKER_NEWS_ANOMALY:
		if (event_sound(m))
			v->to->event(m->payload, event_headers(m), v->arg);
		else
			v->w->post.unsound++;
		break;
	case WORKER_NEWS_DETAILS:
	case WORKER_NEWS_DNS:
	case WORKER_NEWS_RECORD:
		if (note_read(m, &note))
			v->to->note(&note, v->arg);
		else
			v->w->post.unsound++;
		break;
	case WORKER_NEWS_SETTINGS:
		if (m->len == sizeof(uint64_t))
			v->w->post.in_use = *(const uint64_t *)m->payload;
		break;
	default:
		v->w->post.unsound++;
	}
}

int worker_news_fd(const struct worker *w)
{
	return w->post.news_fd;
}

void worker_read_news(struct worker *w, const struct worker_reader *to, void *arg)
{
	struct visit v = {.w = w, .to = to, .arg = arg};
	uint64_t n;

	(void)!read(w->post.news_fd, &n, sizeof(n));
	if (mail_read(w->post.news, visit, &v) < 0 && !w->post.broken) {
		w->post.broken = true;
		log_error("worker %u: its mail is broken and not read any more", w->index);
	}
	/* If as much came in meanwhile the descriptor stays readable, and the event loop serves
	 * others before it calls again. */
	n = 1;
	if (!mail_reader_sleep(w->post.news, POST_WAKE_BYTES))
		(void)!write(w->post.news_fd, &n, sizeof(n));
}
