// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fragments of one datagram must not overlap (RFC 5722 for IPv6; applied to IPv4 as well, as Linux
 * does since 4.19). So a datagram is complete as soon as the lengths of its parts add up to its
 * length, and no list of holes is needed.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/random.h>

#include "packet/checksum.h"
#include "packet/fragments.h"
#include "packet/wire.h"
#include "util/util.h"

#define DATAGRAMS_MIN 8
#define PARTS_MAX     128 /* 65535 bytes at an MTU of 576 are 119 fragments */
#define FIRST_BYTES   4096
#define HEADER_BYTES                                                                               \
	256 /* for the IP header and the extension headers before the fragment header */
#define LENGTH_MAX    65535
#define TOTAL_UNKNOWN UINT32_MAX
#define EXPIRE_ALWAYS 2 /* datagrams checked for expiry at each fragment */

struct datagram_key {
	uint32_t addr[2][4]; /* source, destination */
	uint32_t id;
	__be16 vlan[WEIR_VLAN_TAGS_MAX];
	uint8_t version;
	uint8_t proto; /* 0 for IPv6, where it is not part of the identity */
	uint8_t domain;
	uint8_t pad;
	uint16_t tunnel;
	uint16_t pad2;
};

struct part {
	uint16_t from, len;
};

struct datagram {
	struct datagram_key key;
	struct datagram *next; /* next in its bucket, or in the free list */
	struct datagram *newer, *older;
	uint64_t created_ns;
	uint64_t frame_bytes;
	uint32_t frames;
	uint32_t held;	  /* bytes of all parts */
	uint32_t total;	  /* payload length, known with the last part */
	uint32_t room;	  /* size of data, bytes */
	uint16_t header;  /* bytes before the fragment header; 0 until the first part arrived */
	uint16_t next_at; /* offset in those of the next-header field that names the fragment
			     header, IPv6 */
	uint8_t proto;	  /* protocol of the first part */
	bool given_up;	  /* fragments contradicted each other: further ones are ignored */
	unsigned int part_count;
	struct part parts[PARTS_MAX]; /* ascending, not overlapping */
	uint8_t *first;		      /* buffer of FIRST_BYTES */
	uint8_t *data;		      /* HEADER_BYTES, then the payload */
};

/* Datagrams in order of creation; each IP version has its own timeout. */
struct age {
	struct datagram *newest, *oldest;
};

struct fragments {
	struct fragments_limits limits;
	struct fragments_stats stats;
	uint64_t seed[2];
	struct age age[2]; /* IPv4, IPv6 */
	struct datagram *pool, *unused;
	uint8_t *firsts; /* first buffers of all datagrams */
	size_t mask;	 /* number of buckets - 1 */
	struct datagram **bucket;
};

/* ---- creation ---- */

static void fragments_freep(struct fragments **f)
{
	fragments_free(*f);
}

struct fragments *fragments_new(const struct fragments_limits *limits)
{
	_cleanup_(fragments_freep) struct fragments *f = calloc(1, sizeof(*f));
	size_t buckets = 16;
	size_t n;

	if (!f || getrandom(f->seed, sizeof(f->seed), 0) != (ssize_t)sizeof(f->seed))
		return NULL;
	f->limits = *limits;
	if (f->limits.datagrams < DATAGRAMS_MIN)
		f->limits.datagrams = DATAGRAMS_MIN;
	n = f->limits.datagrams;
	while (buckets < n)
		buckets *= 2;
	f->mask = buckets - 1;
	f->bucket = calloc(buckets, sizeof(struct datagram *));
	f->pool = calloc(n, sizeof(struct datagram));
	f->firsts = calloc(n, FIRST_BYTES);
	if (!f->bucket || !f->pool || !f->firsts)
		return NULL;
	for (size_t i = n; i-- > 0;) {
		f->pool[i].first = f->firsts + i * FIRST_BYTES;
		f->pool[i].next = f->unused;
		f->unused = &f->pool[i];
	}
	return TAKE_PTR(f);
}

static void free_data(struct fragments *f, struct datagram *d)
{
	if (d->data != d->first) {
		f->stats.bytes -= d->room;
		free(d->data);
	}
	d->data = d->first;
	d->room = FIRST_BYTES;
}

void fragments_free(struct fragments *f)
{
	if (!f)
		return;
	for (size_t i = 0; f->pool && i < f->limits.datagrams; i++)
		if (f->pool[i].data)
			free_data(f, &f->pool[i]);
	free(f->pool);
	free(f->firsts);
	free(f->bucket);
	free(f);
}

/* ---- the table ---- */

static struct datagram **bucket_of(struct fragments *f, const struct datagram_key *k)
{
	return &f->bucket[hash_keyed(f->seed, k, sizeof(*k)) & f->mask];
}

static struct age *age_of(struct fragments *f, const struct datagram *d)
{
	return &f->age[d->key.version == 6];
}

/* Removes a datagram from the table; its buffers remain. */
static void take_out(struct fragments *f, struct datagram *d)
{
	struct datagram **at = bucket_of(f, &d->key);
	struct age *age = age_of(f, d);

	while (*at != d)
		at = &(*at)->next;
	*at = d->next;
	*(d->newer ? &d->newer->older : &age->newest) = d->older;
	*(d->older ? &d->older->newer : &age->oldest) = d->newer;
	f->stats.datagrams--;
}

static void put_back(struct fragments *f, struct datagram *d)
{
	free_data(f, d);
	d->next = f->unused;
	f->unused = d;
}

static void end(struct fragments *f, struct datagram *d, enum fragment_event why)
{
	/* A datagram that was given up is counted already. */
	if (!d->given_up)
		f->stats.events[why]++;
	take_out(f, d);
	put_back(f, d);
}

/* RFC 5722, 3: the fragments received so far are discarded, and so are later ones. */
static int give_up(struct fragments *f, struct datagram *d)
{
	f->stats.events[FRAGMENT_EVENT_OVERLAP]++;
	d->given_up = true;
	free_data(f, d);
	return -EBADMSG;
}

static bool is_late(const struct fragments *f, const struct datagram *d, uint64_t now_ns)
{
	uint64_t limit = d->key.version == 6 ? f->limits.ipv6_ns : f->limits.ipv4_ns;

	return now_ns > d->created_ns && now_ns - d->created_ns > limit;
}

unsigned int fragments_expire(struct fragments *f, uint64_t now_ns, unsigned int budget)
{
	unsigned int ended = 0;

	for (int v = 0; v < 2; v++) {
		while (ended < budget && f->age[v].oldest && is_late(f, f->age[v].oldest, now_ns)) {
			end(f, f->age[v].oldest, FRAGMENT_EVENT_TIMEOUT);
			ended++;
		}
	}
	return ended;
}

/* Gives up the oldest datagram; with `outgrown`, the oldest that outgrew its first buffer; never
 * `keep`. False if there is none. */
static bool evict_oldest(struct fragments *f, const struct datagram *keep, bool outgrown)
{
	struct datagram *oldest = NULL;

	for (int v = 0; v < 2; v++) {
		struct datagram *d = f->age[v].oldest;

		while (d && (d == keep || (outgrown && d->data == d->first)))
			d = d->newer;
		if (d && (!oldest || d->created_ns < oldest->created_ns))
			oldest = d;
	}
	if (!oldest)
		return false;
	end(f, oldest, FRAGMENT_EVENT_EVICTED);
	return true;
}

static void key_fill(const struct packet *p, struct datagram_key *k)
{
	memset(k, 0, sizeof(*k));
	memcpy(k->addr[0], p->key.addr[p->dir], sizeof(k->addr[0]));
	memcpy(k->addr[1], p->key.addr[!p->dir], sizeof(k->addr[1]));
	memcpy(k->vlan, p->key.vlan, sizeof(k->vlan));
	k->id = p->fragment_id;
	k->version = p->ip_version;
	k->proto = p->ip_version == 4 ? p->proto : 0;
	k->domain = p->key.domain;
	k->tunnel = p->key.tunnel;
}

static struct datagram *create(struct fragments *f, const struct datagram_key *k, uint64_t now_ns)
{
	struct datagram *d, **bucket;
	struct age *age;
	uint8_t *first;

	if (!f->unused && !evict_oldest(f, NULL, false))
		return NULL;
	d = f->unused;
	f->unused = d->next;
	first = d->first;
	memset(d, 0, offsetof(struct datagram, parts));
	d->key = *k;
	d->created_ns = now_ns;
	d->total = TOTAL_UNKNOWN;
	d->first = d->data = first;
	d->room = FIRST_BYTES;
	bucket = bucket_of(f, k);
	d->next = *bucket;
	*bucket = d;
	age = age_of(f, d);
	d->older = age->newest;
	*(age->newest ? &age->newest->newer : &age->oldest) = d;
	age->newest = d;
	f->stats.datagrams++;
	f->stats.events[FRAGMENT_EVENT_CREATED]++;
	return d;
}

static struct datagram *find_or_create(struct fragments *f, const struct packet *p, uint64_t now_ns)
{
	struct datagram_key k;
	struct datagram *d;

	key_fill(p, &k);
	for (d = *bucket_of(f, &k); d; d = d->next)
		if (memcmp(&d->key, &k, sizeof(k)) == 0)
			break;
	if (d && is_late(f, d, now_ns)) {
		end(f, d, FRAGMENT_EVENT_TIMEOUT);
		d = NULL;
	}
	return d ? d : create(f, &k, now_ns);
}

/* ---- one fragment ---- */

/* Bytes before the fragment's payload, without the fragment header. */
static size_t header_bytes(const struct packet *p)
{
	return (size_t)(p->l4 - p->l3) - (p->ip_version == 6 ? WIRE_FRAGMENT_BYTES : 0);
}

/*
 * RFC 7112, 5 and RFC 8200, 4.5: the first fragment of an IPv6 datagram contains all headers; hosts
 * drop one that does not. This keeps extension headers from hiding the transport header in a later
 * fragment.
 */
static bool has_whole_chain(const struct packet *p)
{
	const uint8_t *h = p->frame + p->payload;
	size_t left = p->payload_len;
	uint8_t proto = p->proto;

	while (wire_is_extension(proto)) {
		size_t len;

		if (left < 8)
			return false;
		len = wire_extension_bytes(proto, h);
		if (len > left)
			return false;
		proto = h[0];
		h += len;
		left -= len;
	}
	switch (proto) {
	case IPPROTO_TCP:
		return left >= WIRE_TCP_BYTES;
	case IPPROTO_UDP:
	case IPPROTO_ICMPV6:
		return left >= WIRE_UDP_BYTES;
	default:
		return true;
	}
}

/* Whether a receiver accepts this fragment, whatever others contain. */
static bool is_sound(const struct packet *p)
{
	size_t header = header_bytes(p);
	size_t counted = p->ip_version == 4 ? header : header - WIRE_IPV6_BYTES;

	if (p->l4_len == 0 || header > HEADER_BYTES)
		return false;
	if (p->fragment_more && p->l4_len % 8)
		return false;
	if (counted + p->fragment_offset + p->l4_len > LENGTH_MAX)
		return false;
	return p->ip_version == 4 || p->fragment_offset > 0 || has_whole_chain(p);
}

static int reserve(struct fragments *f, struct datagram *d, uint32_t need)
{
	size_t room = d->room;
	size_t counted = d->data == d->first ? 0 : d->room;
	uint8_t *data;

	if (need <= room)
		return 0;
	while (room < need)
		room *= 2;
	if (room > HEADER_BYTES + LENGTH_MAX)
		room = HEADER_BYTES + LENGTH_MAX;
	while (f->stats.bytes - counted + room > f->limits.bytes)
		if (!evict_oldest(f, d, true))
			return -ENOMEM;
	data = realloc(counted ? d->data : NULL, room);
	if (!data)
		return -ENOMEM;
	if (!counted)
		memcpy(data, d->first, FIRST_BYTES);
	f->stats.bytes += room - counted;
	d->data = data;
	d->room = (uint32_t)room;
	return 0;
}

/* Index of a part that begins at `from` among the others. */
static unsigned int part_place(const struct datagram *d, uint32_t from)
{
	unsigned int at = d->part_count;

	while (at > 0 && d->parts[at - 1].from >= from)
		at--;
	return at;
}

static bool is_duplicate(const struct datagram *d, unsigned int at, const struct packet *p)
{
	const struct part *same = &d->parts[at];

	return at < d->part_count && same->from == p->fragment_offset && same->len == p->l4_len &&
	       p->fragment_more == (d->total != (uint32_t)same->from + same->len) &&
	       memcmp(d->data + HEADER_BYTES + same->from, p->frame + p->payload, same->len) == 0;
}

static bool contradicts(const struct datagram *d, unsigned int at, const struct packet *p)
{
	uint32_t from = p->fragment_offset;
	uint32_t to = from + p->l4_len;
	const struct part *last = d->part_count ? &d->parts[d->part_count - 1] : NULL;

	if (at > 0 && (uint32_t)d->parts[at - 1].from + d->parts[at - 1].len > from)
		return true;
	if (at < d->part_count && d->parts[at].from < to)
		return true;
	if (p->fragment_more)
		return d->total != TOTAL_UNKNOWN && to >= d->total;
	return d->total != TOTAL_UNKNOWN || (last && (uint32_t)last->from + last->len > to);
}

/* Copies the headers to the place before the payload. */
static void keep_header(struct datagram *d, const struct packet *p)
{
	size_t len = header_bytes(p);
	uint8_t *to = d->data + HEADER_BYTES - len;
	size_t at = WIRE_IPV6_BYTES;
	size_t named = 6;

	memcpy(to, p->frame + p->l3, len);
	d->header = (uint16_t)len;
	d->proto = p->proto;
	if (p->ip_version == 4)
		return;
	while (at < len) {
		uint8_t proto = to[named];

		named = at;
		at += wire_extension_bytes(proto, to + at);
	}
	d->next_at = (uint16_t)named;
}

static int place(struct fragments *f, struct datagram *d, const struct packet *p)
{
	unsigned int at = part_place(d, p->fragment_offset);

	if (is_duplicate(d, at, p)) {
		f->stats.events[FRAGMENT_EVENT_DUPLICATE]++;
		return 0;
	}
	if (contradicts(d, at, p))
		return give_up(f, d);
	if (d->part_count == PARTS_MAX ||
	    reserve(f, d, HEADER_BYTES + p->fragment_offset + p->l4_len) < 0) {
		end(f, d, FRAGMENT_EVENT_EVICTED);
		return -ENOMEM;
	}
	memmove(&d->parts[at + 1], &d->parts[at], (d->part_count - at) * sizeof(d->parts[0]));
	d->parts[at] = (struct part){p->fragment_offset, (uint16_t)p->l4_len};
	d->part_count++;
	d->held += p->l4_len;
	memcpy(d->data + HEADER_BYTES + p->fragment_offset, p->frame + p->payload, p->l4_len);
	if (!p->fragment_more)
		d->total = p->fragment_offset + p->l4_len;
	if (p->fragment_offset == 0)
		keep_header(d, p);
	return d->held == d->total;
}

/* ---- complete datagrams ---- */

/* Writes a word of the header and updates the checksum, so that a wrong one stays wrong (RFC
 * 1624). */
static void change_word(uint8_t *ip, size_t at, uint16_t v)
{
	uint8_t terms[6];

	wire_put16(terms, (uint16_t)~wire_get16(ip + 10));
	wire_put16(terms + 2, (uint16_t)~wire_get16(ip + at));
	wire_put16(terms + 4, v);
	wire_put16(ip + at, v);
	wire_put16(ip + 10, (uint16_t)~checksum_fold(checksum_add(0, terms, sizeof(terms))));
}

static int assemble(struct fragments *f, struct datagram *d, struct fragments_whole *whole)
{
	uint8_t *ip = d->data + HEADER_BYTES - d->header;
	size_t len = d->header + (size_t)d->total;
	size_t counted = d->key.version == 4 ? len : len - WIRE_IPV6_BYTES;

	/* The first fragment's header is longer than those of the others. */
	if (counted > LENGTH_MAX) {
		end(f, d, FRAGMENT_EVENT_MALFORMED);
		return -EINVAL;
	}
	if (d->key.version == 4) {
		change_word(ip, 2, (uint16_t)counted);
		change_word(ip, 6, 0);
	} else {
		wire_put16(ip + 4, (uint16_t)counted);
		ip[d->next_at] = d->proto;
	}
	f->stats.events[FRAGMENT_EVENT_COMPLETED]++;
	take_out(f, d);
	*whole = (struct fragments_whole){
		.packet = ip,
		.len = len,
		.frames = d->frames,
		.bytes = d->frame_bytes,
		.datagram = d,
	};
	return 1;
}

int fragments_push(struct fragments *f, const struct packet *p, uint64_t now_ns,
		   struct fragments_whole *whole)
{
	struct datagram *d;
	int rc;

	if (p->payload_len < p->l4_len)
		return -EINVAL;
	if (!is_sound(p)) {
		f->stats.events[FRAGMENT_EVENT_MALFORMED]++;
		return -EINVAL;
	}
	fragments_expire(f, now_ns, EXPIRE_ALWAYS);
	d = find_or_create(f, p, now_ns);
	if (!d)
		return -ENOMEM;
	d->frames++;
	d->frame_bytes += (uint64_t)p->frame_len + p->cut_len;
	rc = d->given_up ? -EBADMSG : place(f, d, p);
	return rc > 0 ? assemble(f, d, whole) : rc;
}

void fragments_release(struct fragments *f, struct fragments_whole *whole)
{
	put_back(f, whole->datagram);
	whole->datagram = NULL;
	whole->packet = NULL;
}

void fragments_stats(const struct fragments *f, struct fragments_stats *out)
{
	*out = f->stats;
}

const char *fragment_event_name(enum fragment_event e)
{
	static const char *const names[] = {
#define X(id, name, help) [FRAGMENT_EVENT_##id] = name,
		FRAGMENT_EVENTS(X)
#undef X
	};

	return e < FRAGMENT_EVENT_COUNT ? names[e] : "?";
}
