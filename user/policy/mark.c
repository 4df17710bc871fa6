// SPDX-License-Identifier: GPL-2.0-only
/* `mark:`: the bits of skb->mark that weir uses on the way of a frame through the kernel. */
#include <errno.h>
#include <stdlib.h>

#include "policy/section.h"
#include "weir/exit.h"

/* A run of neighbouring bits whose values are no more than there are pipes. */
static bool mask_is_run(unsigned long mask)
{
	unsigned long run = mask && mask <= UINT32_MAX ? mask / (mask & -mask) : 0;

	return !(run & (run + 1)) && run >= 3 && run <= UINT16_MAX;
}

static int mask_read(struct draft *d, const struct yaml_node *n, const struct policy_setting *s,
		     void *field)
{
	const char *text = NULL;
	unsigned long mask;
	char *end;
	int err = yaml_string(draft_file(d), n, s->key, &text, draft_cause(d));

	if (err < 0)
		return err;
	errno = 0;
	mask = strtoul(text, &end, 16);
	if (text[0] != '0' || text[1] != 'x' || *end || errno || !mask_is_run(mask))
		return draft_error(d, n,
				   "%s: expected 2 to 16 neighbouring bits as a hexadecimal number "
				   "like 0xfff00000, found `%.64s`",
				   s->key, text);
	*(uint32_t *)field = (uint32_t)mask;
	return 0;
}

static const struct policy_setting mark[] = {
	{POLICY_FIELD(LIVE, "mask", struct policy, mark_mask, mask_read, uint32_t),
	 .initial = WEIR_MARK_DEFAULT},
};
POLICY_SECTION(mark) = {.key = "mark", POLICY_SETTINGS(mark)};
