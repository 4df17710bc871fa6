/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A program of a tap that does as it is told, well or badly:
 *
 *	tapclient SOCKET TAP pass | copy | drop | grow BYTES | shrink BYTES | flip | twice | strange
 *| slow MS | idle | broken | drown
 *
 * copy: only takes. grow, shrink: the payload by so many bytes at its beginning. flip: one bit of
 * the payload's last byte. twice: each answer twice, with another verdict. strange: answers that
 * make no sense. idle: reads nothing. broken: writes an impossible position into its rings. drown:
 * signals the worker without end.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "weir-tap.h"

#define MAPS_LINE 512

static void grow(struct weir_tap *tap, const struct weir_tap_item *item, size_t more)
{
	uint8_t out[4096];

	memset(out, '+', more);
	memcpy(out + more, item->data + item->payload_at, item->payload_len);
	if (!item->payload_len || weir_tap_change(tap, item, out, item->payload_len + more) < 0)
		weir_tap_pass(tap, item);
}

static void shrink(struct weir_tap *tap, const struct weir_tap_item *item, size_t less)
{
	if (less > item->payload_len)
		less = item->payload_len;
	if (!item->payload_len || weir_tap_change(tap, item, item->data + item->payload_at + less,
						  item->payload_len - less) < 0)
		weir_tap_pass(tap, item);
}

static void flip(struct weir_tap *tap, const struct weir_tap_item *item)
{
	uint8_t out[4096];

	memcpy(out, item->data + item->payload_at, item->payload_len);
	if (item->payload_len)
		out[item->payload_len - 1] ^= 1;
	if (!item->payload_len || weir_tap_change(tap, item, out, item->payload_len) < 0)
		weir_tap_pass(tap, item);
}

static void strange(struct weir_tap *tap, const struct weir_tap_item *item, unsigned int turn)
{
	static const uint8_t big[1700];
	struct weir_tap_item other = *item;

	other.id += (uint64_t)(turn % 7 + 1) << (turn % 60);
	other.payload_min = 0;
	other.payload_max = sizeof(big);
	other.asked = 1;
	if (turn % 3 == 0)
		weir_tap_drop(tap, &other);
	else
		weir_tap_change(tap, &other, big, turn % 3 == 1 ? sizeof(big) : 0);
}

/* Overwrites positions in all rings that are mapped. */
static void break_rings(void)
{
	char line[MAPS_LINE];
	FILE *maps = fopen("/proc/self/maps", "r");

	while (maps && fgets(line, sizeof(line), maps)) {
		unsigned long from = strtoul(line, NULL, 16);

		if (strstr(line, "weir-mail"))
			*(volatile uint64_t *)(from + 64) += 12345;
	}
	if (maps)
		fclose(maps);
}

static void drown(void)
{
	const uint64_t one = 1;

	for (;;)
		for (int fd = 3; fd < 32; fd++)
			(void)!write(fd, &one, sizeof(one));
}

static void answer(struct weir_tap *tap, const struct weir_tap_item *item, const char *how,
		   size_t number, unsigned int turn)
{
	if (!strcmp(how, "drop")) {
		weir_tap_drop(tap, item);
	} else if (!strcmp(how, "grow")) {
		grow(tap, item, number);
	} else if (!strcmp(how, "shrink")) {
		shrink(tap, item, number);
	} else if (!strcmp(how, "flip")) {
		flip(tap, item);
	} else if (!strcmp(how, "strange")) {
		strange(tap, item, turn);
	} else if (strcmp(how, "copy")) {
		if (!strcmp(how, "slow"))
			usleep((useconds_t)number * 1000);
		weir_tap_pass(tap, item);
		if (!strcmp(how, "twice"))
			weir_tap_drop(tap, item);
	}
}

int main(int argc, char **argv)
{
	const struct weir_tap_item *item;
	const char *how = argc > 3 ? argv[3] : "";
	size_t number = argc > 4 ? strtoul(argv[4], NULL, 10) : 0;
	struct weir_tap *tap;
	unsigned int turn = 0;
	int err = argc > 3 ? weir_tap_open(argv[2], argv[1], &tap) : -22;

	if (err < 0) {
		fprintf(stderr, "refused: %s: %s\n", strerror(-err), weir_tap_error());
		return 1;
	}
	printf("connected\n");
	fflush(stdout);
	if (!strcmp(how, "idle"))
		for (;;)
			pause();
	if (!strcmp(how, "drown"))
		drown();
	while ((err = weir_tap_next(tap, -1, &item)) > 0) {
		if (!strcmp(how, "broken"))
			break_rings();
		answer(tap, item, how, number, turn++);
	}
	printf("ended: %s\n", strerror(-err));
	weir_tap_close(tap);
	return 0;
}
