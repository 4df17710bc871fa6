// SPDX-License-Identifier: GPL-2.0-only
/*
 * Applications by number. Entries are only added, in an array that is never moved, so readers in
 * other threads need nothing but the count. An open-addressing hash finds entries by name, because
 * modules look up names for every message.
 */
#include <netinet/in.h>
#include <stdatomic.h>
#include <string.h>

#include "classify/set.h"

struct text {
	struct text *next;
	char text[];
};

#define NAME_SLOTS (4 * WEIR_APPS_MAX) /* a power of two, sparsely filled */

struct app_registry {
	_Atomic unsigned int count;
	_Atomic uint16_t slots[NAME_SLOTS]; /* number + 1, 0 = empty; at the hash of the name or the
					       next free slot */
	uint16_t by_protocol[256];
	struct text *texts; /* strings that app_info.module points to */
	struct app_info apps[WEIR_APPS_MAX];
};

/* Protocols without ports, identified by the protocol number of the IP header (IANA, "Assigned
 * Internet Protocol Numbers"). */
static const struct {
	uint8_t proto;
	const char *name, *category;
} protocols[] = {
	{IPPROTO_ICMP, "icmp", "network"},
	{IPPROTO_IGMP, "igmp", "network"},
	{IPPROTO_IPIP, "ipip", "tunnel"},
	{8, "egp", "network"},
	{33, "dccp", "network"},
	{IPPROTO_IPV6, "6in4", "tunnel"},
	{IPPROTO_RSVP, "rsvp", "network"},
	{IPPROTO_GRE, "gre", "tunnel"},
	{IPPROTO_ESP, "ipsec", "vpn"},
	{IPPROTO_AH, "ipsec", "vpn"},
	{IPPROTO_ICMPV6, "icmpv6", "network"},
	{88, "eigrp", "network"},
	{89, "ospf", "network"},
	{IPPROTO_PIM, "pim", "network"},
	{108, "ipcomp", "network"},
	{112, "vrrp", "network"},
	{113, "pgm", "network"},
	{115, "l2tp", "vpn"},
	{IPPROTO_SCTP, "sctp", "network"},
	{139, "hip", "vpn"},
};

bool app_name_valid(const char *name)
{
	size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-_+");

	return len > 0 && !name[len] && len < WEIR_APP_NAME_LEN && strchr("._-+", name[0]) == NULL;
}

struct app_registry *app_registry_new(void)
{
	struct app_registry *r = calloc(1, sizeof(*r));
	int app;

	if (!r)
		return NULL;
	app_registry_add(r, "unknown", NULL);
	app = app_registry_add(r, APP_ENCRYPTED, "tunnel");
	r->apps[app].enabled = true;
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++) {
		app = app_registry_add(r, protocols[i].name, protocols[i].category);
		r->apps[app].enabled = true;
		r->by_protocol[protocols[i].proto] = (uint16_t)app;
	}
	return r;
}

void app_registry_free(struct app_registry *r)
{
	if (!r)
		return;
	while (r->texts) {
		struct text *next = r->texts->next;

		free(r->texts);
		r->texts = next;
	}
	free(r);
}

/* FNV-1a. */
static unsigned int name_slot(const char *name)
{
	uint32_t h = 2166136261u;

	for (; *name; name++)
		h = (h ^ (uint8_t)*name) * 16777619u;
	return (h ^ h >> 16) % NAME_SLOTS;
}

int app_registry_find(const struct app_registry *r, const char *name)
{
	unsigned int slot = name_slot(name);
	uint16_t number;

	while ((number = atomic_load_explicit(&r->slots[slot], memory_order_acquire)) > 0) {
		if (strcmp(r->apps[number - 1].name, name) == 0)
			return number - 1;
		slot = (slot + 1) % NAME_SLOTS;
	}
	return -ENOENT;
}

static void name_publish(struct app_registry *r, unsigned int app)
{
	unsigned int slot = name_slot(r->apps[app].name);

	while (atomic_load_explicit(&r->slots[slot], memory_order_relaxed))
		slot = (slot + 1) % NAME_SLOTS;
	atomic_store_explicit(&r->slots[slot], (uint16_t)(app + 1), memory_order_release);
}

int app_registry_add(struct app_registry *r, const char *name, const char *category)
{
	int app = app_registry_find(r, name);
	unsigned int count = app_registry_count(r);

	if (!app_name_valid(name) || (category && !app_name_valid(category)))
		return -EINVAL;
	if (app < 0 && count == WEIR_APPS_MAX)
		return -ENOSPC;
	if (app < 0) {
		app = (int)count;
		memcpy(r->apps[app].name, name, strlen(name) + 1);
	}
	if (category && !r->apps[app].category[0])
		memcpy(r->apps[app].category, category, strlen(category) + 1);
	if ((unsigned int)app == count) {
		atomic_store_explicit(&r->count, count + 1, memory_order_release);
		name_publish(r, count);
	}
	return app;
}

const struct app_info *app_registry_get(const struct app_registry *r, unsigned int app)
{
	return app < app_registry_count(r) ? &r->apps[app] : NULL;
}

unsigned int app_registry_count(const struct app_registry *r)
{
	return atomic_load_explicit(&r->count, memory_order_acquire);
}

unsigned int app_registry_by_protocol(const struct app_registry *r, uint8_t proto)
{
	return r->by_protocol[proto];
}

const char *app_registry_intern(struct app_registry *r, const char *text)
{
	size_t size = strlen(text) + 1;
	struct text *t;

	for (t = r->texts; t; t = t->next)
		if (strcmp(t->text, text) == 0)
			return t->text;
	t = malloc(sizeof(*t) + size);
	if (!t)
		return NULL;
	memcpy(t->text, text, size);
	t->next = r->texts;
	r->texts = t;
	return t->text;
}

void app_registry_disable_all(struct app_registry *r)
{
	for (unsigned int i = 0; i < app_registry_count(r); i++) {
		r->apps[i].enabled = false;
		r->apps[i].signatures = 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(protocols); i++)
		r->apps[r->by_protocol[protocols[i].proto]].enabled = true;
}

void app_registry_enable(struct app_registry *r, unsigned int app, const char *category,
			 const char *module, unsigned int signatures)
{
	struct app_info *info = &r->apps[app];

	info->enabled = true;
	info->signatures = signatures;
	info->module = module;
	if (category[0] && strcmp(category, info->category) != 0)
		memcpy(info->category, category, strlen(category) + 1);
}
