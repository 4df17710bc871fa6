/* SPDX-License-Identifier: GPL-2.0-only */
/* Writes small capture files for the unit tests. */
#ifndef TESTS_UNIT_CAPTURE_BUILD_H
#define TESTS_UNIT_CAPTURE_BUILD_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CAPTURE_PATH_MAX 64

/* A new file in path (CAPTURE_PATH_MAX); the caller unlinks it. */
static inline FILE *capture_create(char *path)
{
	int fd;

	snprintf(path, CAPTURE_PATH_MAX, "/tmp/weir-capture-XXXXXX");
	fd = mkstemp(path);
	return fd < 0 ? NULL : fdopen(fd, "wb");
}

static inline void capture_put32(FILE *f, uint32_t v)
{
	fwrite(&v, 4, 1, f);
}

/* Classic format, nanoseconds, of this machine's byte order. */
static inline void capture_put_head(FILE *f, uint32_t link)
{
	uint16_t version[2] = {2, 4};

	capture_put32(f, 0xa1b23c4d);
	fwrite(version, sizeof(version), 1, f);
	capture_put32(f, 0);
	capture_put32(f, 0);
	capture_put32(f, 65535);
	capture_put32(f, link);
}

static inline void capture_put_frame(FILE *f, uint64_t time_ns, const void *data, uint32_t len,
				     uint32_t wire_len)
{
	capture_put32(f, (uint32_t)(time_ns / 1000000000));
	capture_put32(f, (uint32_t)(time_ns % 1000000000));
	capture_put32(f, len);
	capture_put32(f, wire_len);
	fwrite(data, len, 1, f);
}

#endif
