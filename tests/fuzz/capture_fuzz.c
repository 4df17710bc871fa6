// SPDX-License-Identifier: GPL-2.0-only
/* Capture files from nowhere, to the decoder: container, link headers, cut frames. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture/capture.h"

#define FRAMES_MAX 1000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_frames(struct capture *c)
{
	struct capture_frame frame;
	struct error e = {0};
	int rc;

	for (int n = 0; n < FRAMES_MAX && (rc = capture_next(c, &frame, &e)) != 0; n++) {
		struct packet p;

		if (rc < 0) {
			if (!e.text[0])
				abort();
			return;
		}
		if (frame.wire_len < frame.len)
			abort();
		if (packet_decode_cut(frame.data, frame.len, frame.wire_len, frame.link, &p) ==
		    PACKET_OK)
			packet_checksum(&p);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct capture *c = NULL;
	struct error e = {0};
	char path[64];
	int fd = memfd_create("capture", MFD_CLOEXEC);

	if (fd < 0)
		return 0;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (write(fd, data, size) == (ssize_t)size) {
		if (capture_open(path, &c, &e) == 0)
			read_frames(c);
		else if (!e.text[0])
			abort();
	}
	capture_close(c);
	close(fd);
	return 0;
}
