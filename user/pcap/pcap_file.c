// SPDX-License-Identifier: GPL-2.0-only
#include <pcap/pcap.h>
#include <string.h>

#include "pcap/pcap_file.h"
#include "pcap/pcap_link.h"

#define ETHERNET_BYTES 14

struct pcap_file {
	pcap_t *pcap;
	int dlt;
	uint8_t *made; /* buffer of a frame with a synthetic Ethernet header */
	size_t made_room;
	char path[]; /* for messages */
};

void pcap_file_close(struct pcap_file *c)
{
	if (!c)
		return;
	if (c->pcap)
		pcap_close(c->pcap);
	free(c->made);
	free(c);
}

static void pcap_file_freep(struct pcap_file **c)
{
	pcap_file_close(*c);
}

static int check_link(const struct pcap_file *c, struct error *e)
{
	const char *name = pcap_datalink_val_to_name(c->dlt);

	if (link_is_known(c->dlt))
		return 0;
	return error_set(e, -EPROTONOSUPPORT, "%s: link type %d (%s) is not supported", c->path,
			 c->dlt, name ? name : "unknown");
}

int pcap_file_open(const char *path, struct pcap_file **out, struct error *e)
{
	_cleanup_(pcap_file_freep) struct pcap_file *c = calloc(1, sizeof(*c) + strlen(path) + 1);
	char text[PCAP_ERRBUF_SIZE] = "";
	int err;

	if (!c)
		return error_set(e, -ENOMEM, "%s: out of memory", path);
	memcpy(c->path, path, strlen(path) + 1);
	errno = 0;
	c->pcap = pcap_open_offline_with_tstamp_precision(path, PCAP_TSTAMP_PRECISION_NANO, text);
	if (!c->pcap) {
		err = errno ? -errno : -EINVAL;
		/* libpcap names the file in some of its messages. */
		if (strncmp(text, path, strlen(path)) == 0)
			return error_set(e, err, "%s", text);
		return error_set(e, err, "%s: %s", path, text);
	}
	c->dlt = pcap_datalink(c->pcap);
	err = check_link(c, e);
	if (err < 0)
		return err;
	*out = TAKE_PTR(c);
	return 0;
}

/* Copies the packet at content->skip behind a synthetic Ethernet header with zero addresses. */
static int make_frame(struct pcap_file *c, const struct link_content *content, struct pcap_frame *f)
{
	size_t len = f->len - content->skip;
	uint8_t *made;

	if (c->made_room < ETHERNET_BYTES + len) {
		made = realloc(c->made, ETHERNET_BYTES + len);
		if (!made)
			return -ENOMEM;
		c->made = made;
		c->made_room = ETHERNET_BYTES + len;
	}
	memset(c->made, 0, ETHERNET_BYTES);
	c->made[12] = (uint8_t)(content->type >> 8);
	c->made[13] = (uint8_t)content->type;
	memcpy(c->made + ETHERNET_BYTES, f->data + content->skip, len);
	f->data = c->made;
	f->len = ETHERNET_BYTES + len;
	f->wire_len = f->wire_len - content->skip + ETHERNET_BYTES;
	return 0;
}

static int take_frame(struct pcap_file *c, const struct pcap_pkthdr *h, const uint8_t *data,
		      struct pcap_frame *out)
{
	struct link_content content;
	struct pcap_frame f = {
		.data = data,
		.len = h->caplen,
		.wire_len = h->len > h->caplen ? h->len : h->caplen,
		.time_ns = (uint64_t)h->ts.tv_sec * 1000000000 + (uint64_t)h->ts.tv_usec,
		.link = PACKET_LINK_ETHERNET,
	};
	int err = 0;

	link_parse(c->dlt, data, f.len, &content);
	if (content.ethernet) {
		f.data += content.skip;
		f.len -= content.skip;
		f.wire_len -= content.skip;
	} else if (content.skip == 0 && content.type != 0 && c->dlt != DLT_PPP_ETHER) {
		f.link = PACKET_LINK_RAW;
	} else {
		err = make_frame(c, &content, &f);
	}
	if (err == 0)
		*out = f;
	return err;
}

int pcap_file_next(struct pcap_file *c, struct pcap_frame *out, struct error *e)
{
	struct pcap_pkthdr *header;
	const u_char *data;
	int rc = pcap_next_ex(c->pcap, &header, &data);

	if (rc == PCAP_ERROR_BREAK)
		return 0;
	if (rc != 1)
		return error_set(e, -EIO, "%s: %s", c->path, pcap_geterr(c->pcap));
	rc = take_frame(c, header, data, out);
	return rc < 0 ? error_set(e, rc, "%s: out of memory", c->path) : 1;
}
