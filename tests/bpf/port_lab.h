/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Four ports of one pool on two veth pairs, and a program that steers frames to workers:
 *
 *     gen ══ in       frames are made on gen, received on in, sent on out, received on sink
 *     out ══ sink
 */
#ifndef WEIR_PORT_LAB_H
#define WEIR_PORT_LAB_H

#include "port_fixture.h"

#include <bpf/bpf.h>
#include <linux/if_link.h>
#include <net/if.h>

#include "xsk/socket.h"

enum lab_port { LAB_GEN = 1, LAB_IN, LAB_OUT, LAB_SINK, LAB_PORTS };

#define LAB_XSKS    64 /* of the map: port * 16 + queue * workers + worker */
#define LAB_MAGIC   0x77656972
#define LAB_STEER   14 /* byte of the frame that names the worker */
#define LAB_NUMBER  16 /* byte where the test's number begins */
#define LAB_LEN	    60
#define LAB_TIME_NS 20000000000ULL

struct lab {
	struct frame_pool *pool;
	struct xsk_sockets *ports[LAB_PORTS];
	uint32_t workers, queues, ring_frames;
	uint32_t tx_queues; /* of the interfaces */
	int map;
	int progs[LAB_PORTS];
};

static const char *const lab_names[] = {
	[LAB_GEN] = "gen", [LAB_IN] = "in", [LAB_OUT] = "out", [LAB_SINK] = "sink"};

#define INSN(c, d, s, o, i)                                                                        \
	((struct bpf_insn){.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)})
#define MOV(d, s)	     INSN(BPF_ALU64 | BPF_MOV | BPF_X, d, s, 0, 0)
#define MOV_I(d, i)	     INSN(BPF_ALU64 | BPF_MOV | BPF_K, d, 0, 0, i)
#define ALU(op, d, s)	     INSN(BPF_ALU64 | (op) | BPF_X, d, s, 0, 0)
#define ALU_I(op, d, i)	     INSN(BPF_ALU64 | (op) | BPF_K, d, 0, 0, i)
#define LOAD(sz, d, s, o)    INSN(BPF_LDX | (sz) | BPF_MEM, d, s, o, 0)
#define STORE_I(sz, d, o, i) INSN(BPF_ST | (sz) | BPF_MEM, d, 0, o, i)
#define JUMP(op, d, s, o)    INSN(BPF_JMP | (op) | BPF_X, d, s, o, 0)
#define JUMP_I(op, d, i, o)  INSN(BPF_JMP | (op) | BPF_K, d, 0, o, i)
#define CALL(f)		     INSN(BPF_JMP | BPF_CALL, 0, 0, 0, f)
#define EXIT()		     INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)

/* Puts a weir_punt with a known flow_id in front and redirects to the worker that the frame names;
 * what is too short goes to the stack. */
static inline int lab_program(int map, uint32_t base, uint32_t workers)
{
	const struct bpf_insn insns[] = {
		MOV(6, 1),
		MOV_I(2, -(int)sizeof(struct weir_punt)),
		CALL(BPF_FUNC_xdp_adjust_meta),
		JUMP_I(BPF_JNE, 0, 0, 21),
		LOAD(BPF_W, 2, 6, offsetof(struct xdp_md, data_meta)),
		LOAD(BPF_W, 3, 6, offsetof(struct xdp_md, data)),
		LOAD(BPF_W, 4, 6, offsetof(struct xdp_md, data_end)),
		MOV(5, 2),
		ALU_I(BPF_ADD, 5, sizeof(struct weir_punt)),
		JUMP(BPF_JGT, 5, 3, 15),
		MOV(5, 3),
		ALU_I(BPF_ADD, 5, LAB_LEN),
		JUMP(BPF_JGT, 5, 4, 12),
		STORE_I(BPF_W, 2, 0, LAB_MAGIC),
		STORE_I(BPF_W, 2, 4, 0),
		LOAD(BPF_B, 7, 3, LAB_STEER),
		ALU_I(BPF_MOD, 7, (int)workers),
		LOAD(BPF_W, 2, 6, offsetof(struct xdp_md, rx_queue_index)),
		ALU_I(BPF_MUL, 2, (int)workers),
		ALU(BPF_ADD, 2, 7),
		ALU_I(BPF_ADD, 2, (int)base),
		INSN(BPF_LD | BPF_DW | BPF_IMM, 1, BPF_PSEUDO_MAP_FD, 0, map),
		INSN(0, 0, 0, 0, 0),
		MOV_I(3, XDP_DROP),
		CALL(BPF_FUNC_redirect_map),
		EXIT(),
		MOV_I(0, XDP_PASS),
		EXIT(),
	};
	char log[16384] = "";
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .log_buf = log, .log_size = sizeof(log));
	/* Every early jump above goes to the XDP_PASS at the end. */
	struct bpf_insn fixed[ARRAY_SIZE(insns)];
	int fd, pass = (int)ARRAY_SIZE(insns) - 2;

	memcpy(fixed, insns, sizeof(insns));
	for (int i = 0; i < pass; i++) {
		uint8_t class = BPF_CLASS(fixed[i].code), op = BPF_OP(fixed[i].code);

		if (class == BPF_JMP && (op == BPF_JNE || op == BPF_JGT))
			fixed[i].off = (int16_t)(pass - i - 1);
	}
	fd = bpf_prog_load(BPF_PROG_TYPE_XDP, "port_lab", "GPL", fixed, ARRAY_SIZE(fixed), &opts);
	if (fd < 0)
		fail_msg("%s: %s", strerror(-fd), log);
	return fd;
}

static inline void lab_open(struct lab *l, enum lab_port port)
{
	struct error e = {0};

	if (xsk_sockets_open(l->pool, lab_names[port], port, l->queues, l->workers, l->ring_frames,
			     false, &l->ports[port], &e))
		fail_msg("%s", e.text);
	for (uint32_t i = 0; i < l->queues * l->workers; i++) {
		uint32_t key = port * 16 + i;
		int fd = xsk_sockets_fd(l->ports[port], i / l->workers, i % l->workers);

		assert_int_equal(bpf_map_update_elem(l->map, &key, &fd, 0), 0);
	}
}

static inline void lab_close(struct lab *l, enum lab_port port)
{
	xsk_sockets_close(l->ports[port]);
	l->ports[port] = NULL;
}

static inline struct lab *lab_new(uint32_t frames, uint32_t ring_frames, uint32_t workers,
				  uint32_t queues, uint32_t tx_queues)
{
	struct lab *l = calloc(1, sizeof(*l));
	char command[512];
	struct error e = {0};

	if (namespace_setup(NULL))
		fail_msg("no network namespace");
	*l = (struct lab){.workers = workers,
			  .queues = queues,
			  .ring_frames = ring_frames,
			  .tx_queues = tx_queues};
	snprintf(command, sizeof(command),
		 "ip link add gen numrxqueues 2 numtxqueues 2 type veth "
		 "peer name in numrxqueues 2 numtxqueues 2 && "
		 "ip link add out numrxqueues 2 numtxqueues 2 type veth "
		 "peer name sink numrxqueues 2 numtxqueues 2 && "
		 "for i in gen in out sink; do ethtool -L $i rx %u tx %u 2>/dev/null; "
		 "echo 1 > /proc/sys/net/ipv6/conf/$i/disable_ipv6; ip link set $i up; done",
		 queues, tx_queues);
	run(command);
	if (frame_pool_new(frames, workers, &l->pool, &e))
		fail_msg("%s", e.text);
	l->map = bpf_map_create(BPF_MAP_TYPE_XSKMAP, "port_lab", 4, 4, LAB_XSKS + 16, NULL);
	assert_true(l->map >= 0);
	for (unsigned int i = LAB_GEN; i < LAB_PORTS; i++) {
		lab_open(l, i);
		l->progs[i] = lab_program(l->map, i * 16, workers);
		assert_int_equal(bpf_xdp_attach((int)if_nametoindex(lab_names[i]), l->progs[i],
						XDP_FLAGS_DRV_MODE, NULL),
				 0);
	}
	return l;
}

/* Every chunk is in exactly one place; with all ports closed that place is user space. */
static inline void lab_audit(const struct lab *l)
{
	struct frame_pool *p = l->pool;
	uint8_t *seen = calloc(p->frames, 1);
	uint32_t total = 0;

	assert_non_null(seen);
	for (uint32_t w = 0; w < p->workers; w++) {
		for (uint32_t i = 0; i < p->stocks[w]->count; i++, total++)
			assert_int_equal(seen[p->stocks[w]->chunks[i]]++, 0);
	}
	for (uint32_t i = 0; i < p->spare->count; i++, total++)
		assert_int_equal(seen[p->spare->chunks[i]]++, 0);
	for (uint32_t i = 0; i < p->frames; i++) {
		bool with_kernel = p->chunks[i].place != POOL_USER;

		if (with_kernel == seen[i])
			fail_msg("chunk %u: with the kernel %d, free %d", i, with_kernel, seen[i]);
		total += with_kernel;
	}
	assert_int_equal(total, p->frames);
	free(seen);
}

static inline void lab_free(struct lab *l)
{
	for (unsigned int i = LAB_GEN; i < LAB_PORTS; i++) {
		if (l->ports[i])
			lab_close(l, i);
		close(l->progs[i]);
	}
	lab_audit(l);
	for (uint32_t i = 0; i < l->pool->frames; i++)
		assert_int_equal(l->pool->chunks[i].place, POOL_USER);
	close(l->map);
	frame_pool_free(l->pool);
	free(l);
}

/* ---- frames ---- */

/* Makes a frame with a number and queues it; false when there is no chunk or no room. */
static inline bool lab_send(struct lab *l, enum lab_port port, uint32_t queue, uint32_t worker,
			    uint8_t steer, uint32_t number)
{
	struct frame f;
	uint8_t *data;

	if (!frame_take(l->pool, worker, &f))
		return false;
	f.len = LAB_LEN;
	f.cookie = number;
	data = frame_data(l->pool, &f);
	memset(data, 0, LAB_LEN);
	memset(data, 0x02, 12);
	data[12] = 0x88; /* a local experimental EtherType */
	data[13] = 0xb5;
	data[LAB_STEER] = steer;
	memcpy(data + LAB_NUMBER, &number, sizeof(number));
	if (xsk_send(l->ports[port], queue, worker, &f))
		return true;
	frame_give(l->pool, worker, &f);
	return false;
}

static inline uint32_t lab_number(const struct lab *l, const struct frame *f)
{
	const struct weir_punt *punt = frame_punt(l->pool, f);
	uint32_t number;

	assert_int_equal(f->len, LAB_LEN);
	assert_int_equal(punt->flow_id, LAB_MAGIC);
	memcpy(&number, frame_data(l->pool, f) + LAB_NUMBER, sizeof(number));
	return number;
}

#endif
