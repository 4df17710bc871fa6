// SPDX-License-Identifier: GPL-2.0-only
/*
 * Files on FTP's data connections (RFC 959): the connection carries one file and its end is the
 * file's. The control connection has named it, which is known by the first byte: the command comes
 * before it. What has no name is a listing, and told by nobody.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "app/consumer.h"
#include "files/transfer.h"

struct ftp_data {
	struct transfer file[2]; /* by enum stream_side; one of them sends */
	bool unseen[2];		 /* the side's beginning was not seen */
	bool ended;		 /* `first` has ended without a byte */
	bool named;
	uint8_t first; /* enum stream_side */
	struct app_parent parent;
};

/* Whether the control connection has named a file, now or before. */
static bool look_up(struct ftp_data *d, const struct app_services *s, const struct flow *f)
{
	if (!d->named && s->parent)
		d->named = s->parent(s->arg, f, &d->parent) && d->parent.name[0];
	return d->named;
}

static void tell(struct ftp_data *d, const struct app_services *s, const struct app_message *m,
		 enum stream_side side, bool complete)
{
	struct app_record r;

	memset(&r, 0, offsetof(struct app_record, text));
	transfer_end(&d->file[side], complete, &r);
	if (!look_up(d, s, m->flow) || !s->tell)
		return;
	r.to_server = side == STREAM_CLIENT;
	r.parent_id = d->parent.flow_id;
	app_record_text(&r, APP_TEXT_FILENAME, d->parent.name, strlen(d->parent.name));
	s->tell(s->arg, m, &r);
}

static void begin(struct ftp_data *d, const struct app_services *s, const struct app_message *m,
		  const struct stream_event *e)
{
	transfer_begin(&d->file[e->side]);
	(void)look_up(d, s, m->flow);
	if (d->unseen[e->side])
		transfer_gap(&d->file[e->side]);
}

/* Whether the connection has carried what it carries. */
static bool end(struct ftp_data *d, const struct app_services *s, const struct app_message *m,
		enum stream_side side)
{
	if (d->file[side].begun) {
		tell(d, s, m, side, true);
		return true;
	}
	if (d->file[!side].begun)
		return false;
	if (!d->ended) {
		d->ended = true;
		d->first = side;
		return false;
	}
	/* Nobody has sent anything: an empty file, whose sender ends first. */
	transfer_begin(&d->file[d->first]);
	if (d->unseen[d->first])
		transfer_gap(&d->file[d->first]);
	tell(d, s, m, d->first, true);
	return true;
}

static void broken_off(struct ftp_data *d, const struct app_services *s,
		       const struct app_message *m)
{
	for (enum stream_side side = STREAM_CLIENT; side <= STREAM_SERVER; side++)
		if (d->file[side].begun)
			tell(d, s, m, side, false);
}

static void bytes(struct ftp_data *d, const struct app_services *s, const struct app_message *m,
		  const struct stream_event *e)
{
	struct transfer *file = &d->file[e->side];

	/* Its beginning was not seen, and whether it has any is not known. */
	if (e->kind == STREAM_GAP && e->len == 0 && !file->begun) {
		d->unseen[e->side] = true;
		return;
	}
	if (!file->begun)
		begin(d, s, m, e);
	if (e->kind == STREAM_GAP)
		transfer_gap(file);
	else
		transfer_data(file, e->data, (size_t)e->len);
}

static void ftp_files_event(const struct app_services *s, const struct app_message *m,
			    const void *event, void **state, struct consumer_answer *answer)
{
	const struct stream_event *e = event;
	struct ftp_data *d = *state;
	bool done = false;

	if (!d)
		d = *state = calloc(1, sizeof(*d));
	if (!d) {
		answer->verb = CONSUMER_LEAVE;
		return;
	}
	if (e->kind == STREAM_END) {
		done = end(d, s, m, e->side);
	} else if (e->kind == STREAM_RESET) {
		broken_off(d, s, m);
		done = true;
	} else {
		bytes(d, s, m, e);
	}
	if (done)
		answer->verb = CONSUMER_LEAVE;
}

static void ftp_files_release(void *state)
{
	struct ftp_data *d = state;

	if (!d)
		return;
	transfer_free(&d->file[0]);
	transfer_free(&d->file[1]);
	free(d);
}

static unsigned int ftp_files_wants(const struct app_services *s, const struct flow *f)
{
	return s->records & 1u << APP_RECORD_FILE && f->expected && f->key.proto == IPPROTO_TCP
		       ? CONSUMER_BOTH
		       : 0;
}

static const char *const ftp_files_apps[] = {"ftp-data", NULL};

CONSUMER(ftp_files) = {
	.abi = CONSUMER_ABI,
	.name = "ftp_files",
	.help = "files on FTP's data connections, for events",
	.apps = ftp_files_apps,
	.wants = ftp_files_wants,
	.event = ftp_files_event,
	.release = ftp_files_release,
};
