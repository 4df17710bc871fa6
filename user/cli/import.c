// SPDX-License-Identifier: GPL-2.0-only
/* weir signatures import: the pattern files of l7-filter as a signature set. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "classify/classify.h"
#include "cli/signatures_parts.h"

#define FILES_MAX 2048
#define BYTES_MAX 65536

struct import {
	FILE *features, *applications, *left_out;
	char (*names)[WEIR_APP_NAME_LEN];
	size_t count, files, refused;
};

/* A comment must not end early, nor hold what is no text to YAML. */
static void write_plain(FILE *f, const char *text)
{
	for (; *text; text++)
		fputc(*text < ' ' || *text >= 0x7f ? '?' : *text, f);
}

static void refuse(struct import *im, const char *path, const char *why)
{
	fprintf(stderr, "%s: left out: %s\n", path, why);
	fputs("#   ", im->left_out);
	write_plain(im->left_out, path);
	fputs(": ", im->left_out);
	write_plain(im->left_out, why);
	fputc('\n', im->left_out);
	im->refused++;
}

static void write_feature(FILE *f, const struct l7pat *p)
{
	fprintf(f, "  %s: { regex: { pattern: '%s', caseless: true, within: 2048 } }\n", p->name,
		p->pattern);
}

static void write_application(FILE *f, const struct l7pat *p)
{
	fprintf(f, "  %s: { ", p->name);
	if (p->category[0])
		fprintf(f, "category: %s, ", p->category);
	fprintf(f, "when: '%s', confidence: %u }\n", p->name, p->confidence);
}

/* Whether a set of this alone loads: the last word on what PCRE2 takes. */
static int try_pattern(const struct l7pat *p, struct error *e)
{
	struct app_registry *r = app_registry_new();
	struct signatures *s = NULL;
	size_t len = 0;
	char *text = NULL;
	FILE *f = open_memstream(&text, &len);
	int err = f && r ? 0 : -ENOMEM;

	if (f) {
		fputs("features:\n", f);
		write_feature(f, p);
		fputs("applications:\n", f);
		write_application(f, p);
		if (fclose(f) == EOF)
			err = -ENOMEM;
	}
	if (err == 0)
		err = signatures_parse("pattern", text, len, r, &s, e);
	signatures_free(s);
	app_registry_free(r);
	free(text);
	return err;
}

static bool is_taken(const struct import *im, const char *name)
{
	for (size_t i = 0; i < im->count; i++)
		if (strcmp(im->names[i], name) == 0)
			return true;
	return false;
}

static void take_text(struct import *im, const char *path, const char *text, size_t len)
{
	struct l7pat p = {.pattern = NULL};
	struct error e = {""};

	if (l7pat_read(text, len, &p, &e) < 0) {
		refuse(im, path, e.text);
		return;
	}
	if (is_taken(im, p.name)) {
		refuse(im, path, "another file has a pattern of this name");
	} else if (try_pattern(&p, &e) < 0) {
		refuse(im, path, e.text);
	} else {
		write_feature(im->features, &p);
		write_application(im->applications, &p);
		memcpy(im->names[im->count++], p.name, sizeof(p.name));
	}
	l7pat_fini(&p);
}

/* A regular file of a bounded size; what else has such a name is not opened for long. */
static void take_file(struct import *im, const char *path)
{
	_cleanup_free_ char *text = malloc(BYTES_MAX + 1);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	ssize_t len;

	if (!text || fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		refuse(im, path, fd < 0 ? "it cannot be opened" : "it is no regular file");
		return;
	}
	len = read(fd, text, BYTES_MAX + 1);
	if (len < 0 || len > BYTES_MAX)
		refuse(im, path, len < 0 ? "it cannot be read" : "it is too long");
	else
		take_text(im, path, text, (size_t)len);
}

static bool is_pattern_file(const char *name)
{
	size_t len = strlen(name);

	return len > 4 && strcmp(name + len - 4, ".pat") == 0;
}

/* The files of a folder and, as the original is laid out, those of the folders in it. */
static int take_folder(struct import *im, const char *folder, unsigned int depth)
{
	struct dirent **entries;
	int count = scandir(folder, &entries, NULL, alphasort);

	for (int i = 0; i < count; i++) {
		const char *name = entries[i]->d_name;
		char path[4096];
		int len = snprintf(path, sizeof(path), "%s/%s", folder, name);

		if (len < (int)sizeof(path) && is_pattern_file(name) && im->files < FILES_MAX) {
			im->files++;
			take_file(im, path);
		} else if (len < (int)sizeof(path) && name[0] != '.' && depth > 0 &&
			   entries[i]->d_type == DT_DIR) {
			take_folder(im, path, depth - 1);
		}
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return count < 0 ? -errno : 0;
}

static int write_set(FILE *out, const char *features, const char *applications,
		     const char *left_out, const struct import *im)
{
	fprintf(out,
		"# Signatures from %zu pattern files of l7-filter. Their streams had no NUL bytes: "
		"patterns of\n"
		"# binary protocols let some stand between what they ask for.\n",
		im->count);
	if (im->refused > 0)
		fprintf(out, "# Left out:\n%s", left_out);
	fprintf(out, "features:%s\n%sapplications:%s\n%s", im->count ? "" : " {}", features,
		im->count ? "" : " {}", applications);
	return fflush(out) == EOF || ferror(out) ? -EIO : 0;
}

static int finish(struct import *im, const char *path, char *const texts[3])
{
	FILE *out = path ? fopen(path, "we") : stdout;
	int err;

	if (!out) {
		fprintf(stderr, "weir: signatures: %s: %s\n", path, strerror(errno));
		return CLI_FAILED;
	}
	err = write_set(out, texts[0], texts[1], texts[2], im);
	if (path && fclose(out) == EOF)
		err = -EIO;
	if (err < 0)
		fputs("weir: signatures: cannot write the result\n", stderr);
	else
		fprintf(stderr, "%zu patterns of %zu files, %zu left out\n", im->count, im->files,
			im->refused);
	return err < 0 ? CLI_FAILED : CLI_DONE;
}

int cli_signatures_import(const char *folder, const char *output)
{
	struct import im = {.names = calloc(FILES_MAX, sizeof(*im.names))};
	char *texts[3] = {NULL, NULL, NULL};
	size_t lens[3];
	FILE *streams[3];
	bool ok = im.names != NULL;
	int status = CLI_FAILED, err = 0;

	for (int i = 0; i < 3; i++) {
		streams[i] = open_memstream(&texts[i], &lens[i]);
		ok = ok && streams[i];
	}
	im.features = streams[0];
	im.applications = streams[1];
	im.left_out = streams[2];
	if (ok)
		err = take_folder(&im, folder, 1);
	for (int i = 0; i < 3; i++)
		ok = streams[i] && fclose(streams[i]) != EOF && ok;
	if (!ok)
		fputs("weir: signatures: out of memory\n", stderr);
	else if (err < 0)
		fprintf(stderr, "weir: signatures: %s: %s\n", folder, strerror(-err));
	else if (im.files == 0)
		fprintf(stderr, "weir: signatures: %s: no .pat files\n", folder);
	else
		status = finish(&im, output, texts);
	for (int i = 0; i < 3; i++)
		free(texts[i]);
	free(im.names);
	return status;
}
