// SPDX-License-Identifier: GPL-2.0-only
/* Applications that the IP protocol number identifies. */
#include <netinet/in.h>

#include "classify/set.h"

static int number_read(struct signatures *s, const struct yaml_file *f, const struct yaml_node *n,
		       struct error *e)
{
	unsigned long number = 0;
	int err = yaml_uint(f, n, "protocol", 0, 255, &number, e);

	if (err < 0)
		return err;
	if (number == IPPROTO_TCP || number == IPPROTO_UDP)
		return yaml_error(
			f, n, e, "protocol: %s has ports, and many applications: describe features",
			number == IPPROTO_TCP ? "TCP" : "UDP");
	if (s->by_protocol[number])
		return yaml_error(f, n, e, "protocol: %lu is `%s` already", number,
				  s->applications[s->by_protocol[number] - 1].name);
	s->by_protocol[number] = (uint16_t)s->application_count;
	return 0;
}

int protocols_read(struct signatures *s, const struct yaml_file *f, const struct yaml_node *n,
		   struct error *e)
{
	int err = 0;

	if (n->kind != YAML_SEQUENCE)
		return number_read(s, f, n, e);
	if (n->count == 0)
		return yaml_error(f, n, e, "protocol: an empty list");
	for (size_t i = 0; i < n->count && err == 0; i++)
		err = number_read(s, f, n->items[i], e);
	return err;
}

unsigned int signatures_by_protocol(const struct signatures *s, const struct app_registry *r,
				    uint8_t proto)
{
	return s && s->by_protocol[proto] ? s->applications[s->by_protocol[proto] - 1].app
					  : app_registry_by_protocol(r, proto);
}
