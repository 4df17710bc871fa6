/* SPDX-License-Identifier: GPL-2.0-only */
/* Prefixes as the kernel's tables have them. */
#ifndef WEIR_POLICY_CLASS_KEY_H
#define WEIR_POLICY_CLASS_KEY_H

#include <stdbool.h>

#include "weir/policy.h"

/* Whether outer's prefix has inner in it, as the kernel's table sees it; and as people do: ::/0 is
 * IPv6 alone. */
bool class_key_contains(const struct weir_class_key *outer, const struct weir_class_key *inner);
bool class_key_inherits(const struct weir_class_key *outer, const struct weir_class_key *inner);
/* By address, then by length: a prefix comes after all that contain it. */
int class_key_compare(const struct weir_class_key *a, const struct weir_class_key *b);

#endif
