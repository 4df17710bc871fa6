/* SPDX-License-Identifier: GPL-2.0-only */
/* Fixed bounds that kernel and user space agree on; everything else is sized by configuration. */
#ifndef WEIR_LIMITS_H
#define WEIR_LIMITS_H

#define WEIR_PORTS_MAX                                                                             \
	32 /* port 0 is "no port of ours": what an unconfigured attach counts under */
#define WEIR_QUEUES_MAX	      64 /* receive queues of one port */
#define WEIR_WORKERS_MAX      16
#define WEIR_APPS_MAX	      1024 /* application 0 is "unknown" */
#define WEIR_CLASSES_MAX      1024 /* address classes; class 0 is "in no group" */
#define WEIR_RULES_MAX	      1024 /* rules of one generation; 0xffff is the policy's default */
#define WEIR_APP_NAME_LEN     32
#define WEIR_IFINDEX_SLOTS    4096 /* weir_port_of is indexed by ifindex modulo this */
#define WEIR_VLAN_TAGS_MAX    2
#define WEIR_FRAME_BYTES      2048  /* one chunk of the frame pool */
#define WEIR_PUNT_BYTES_MAX   1700u /* of a frame that fits a chunk behind headroom and metadata */
#define WEIR_HEARTBEAT_MAX_NS 500000000ULL
#define WEIR_PORT_NONE	      0xff
#define WEIR_RULE_DEFAULT     0xffff
#define WEIR_HASH_KEYS	      12 /* of weir_flow_hash(): one for each word of a key, one to add */
/* Changes when a struct here or a map's meaning changes. */
#define WEIR_ABI 5

#endif
