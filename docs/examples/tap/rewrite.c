/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Replaces a text in the payload of TCP segments and datagrams by another, of the same length or
 * not. A text that is cut by the end of a segment is left alone.
 *
 *	weir-tap-rewrite [-s SOCKET] TAP TEXT WITH
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <weir-tap.h>

/* What the payload becomes, in out of cap bytes; 0: the text is not in it, or there is no room. */
static size_t replace(const uint8_t *in, size_t len, const char *text, const char *with,
		      uint8_t *out, size_t cap)
{
	size_t text_len = strlen(text), with_len = strlen(with), n = 0;
	const uint8_t *end = in + len;
	int found = 0;

	while (in < end) {
		const uint8_t *at = memmem(in, (size_t)(end - in), text, text_len);
		size_t before = (size_t)((at ? at : end) - in);

		if (n + before + (at ? with_len : 0) > cap)
			return 0;
		memcpy(out + n, in, before);
		n += before;
		in += before;
		if (!at)
			break;
		memcpy(out + n, with, with_len);
		n += with_len;
		in += text_len;
		found = 1;
	}
	return found ? n : 0;
}

static int serve(struct weir_tap *tap, const char *text, const char *with)
{
	const struct weir_tap_item *item;
	uint8_t out[2048];
	int err;

	while ((err = weir_tap_next(tap, -1, &item)) > 0) {
		size_t cap = item->payload_max < sizeof(out) ? item->payload_max : sizeof(out);
		size_t n = item->kind == WEIR_TAP_FRAME && cap
				   ? replace(item->data + item->payload_at, item->payload_len, text,
					     with, out, cap)
				   : 0;

		if (n == 0 || weir_tap_change(tap, item, out, n) < 0)
			weir_tap_pass(tap, item);
	}
	return err;
}

int main(int argc, char **argv)
{
	const char *socket = NULL;
	struct weir_tap *tap;
	int option, err;

	while ((option = getopt(argc, argv, "s:")) == 's')
		socket = optarg;
	if (option != -1 || argc - optind != 3 || !argv[optind + 1][0]) {
		fprintf(stderr, "usage: %s [-s SOCKET] TAP TEXT WITH\n", argv[0]);
		return 2;
	}
	err = weir_tap_open(argv[optind], socket, &tap);
	if (err < 0) {
		fprintf(stderr, "%s: %s\n", argv[0],
			*weir_tap_error() ? weir_tap_error() : strerror(-err));
		return 1;
	}
	err = serve(tap, argv[optind + 1], argv[optind + 2]);
	fprintf(stderr, "%s: %s\n", argv[0], strerror(-err));
	weir_tap_close(tap);
	return err == -EPIPE ? 0 : 1;
}
