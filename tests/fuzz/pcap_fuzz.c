// SPDX-License-Identifier: GPL-2.0-only
/* Capture files from nowhere, to the decoder: container, link headers, cut frames. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness.h"
#include "pcap/pcap_file.h"

#define FRAMES_MAX 1000

static void read_frames(struct pcap_file *c)
{
	struct pcap_frame frame;
	struct error e = {0};
	int rc;

	for (int n = 0; n < FRAMES_MAX && (rc = pcap_file_next(c, &frame, &e)) != 0; n++) {
		struct packet p;

		if (rc < 0) {
			check(e.text[0]);
			return;
		}
		check(frame.wire_len >= frame.len);
		if (packet_decode_cut(frame.data, frame.len, frame.wire_len, frame.link, &p) ==
		    PACKET_OK)
			packet_checksum(&p);
	}
}

/* The path of a file of memory that holds the input. */
static const char *file_of(const uint8_t *data, size_t size)
{
	static char path[64];
	static int fd = -1;

	if (fd < 0) {
		fd = memfd_create("capture", MFD_CLOEXEC);
		check(fd >= 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	}
	check(ftruncate(fd, (off_t)size) == 0);
	check(pwrite(fd, data, size, 0) == (ssize_t)size);
	return path;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pcap_file *c = NULL;
	struct error e = {0};

	if (pcap_file_open(file_of(data, size), &c, &e) == 0)
		read_frames(c);
	else
		check(e.text[0]);
	pcap_file_close(c);
	return 0;
}
