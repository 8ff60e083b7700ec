/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * Feeds every file of the folders (or files) named on the command line to a fuzz
 * target, so that a corpus runs as a plain test with any compiler.
 */

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "fuzz-target.h"

static size_t fed;

static bool
feed_file(const char *path, size_t size)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes;
	bool whole;

	if (!file) {
		perror(path);
		return false;
	}
	/* Of exactly the file's size, so that a sanitizer sees any byte too far. */
	bytes = malloc(size > 0 ? size : 1);
	whole = bytes && fread(bytes, 1, size, file) == size;
	fclose(file);
	if (whole) {
		fprintf(stderr, "%s\n", path);
		LLVMFuzzerTestOneInput(bytes, size);
		fed++;
	} else {
		fprintf(stderr, "%s: could not be read whole\n", path);
	}
	free(bytes);
	return whole;
}

static bool
feed(const char *path)
{
	struct dirent **names;
	struct stat status;
	bool ok = true;
	int count;

	if (stat(path, &status) != 0) {
		perror(path);
		return false;
	}
	if (!S_ISDIR(status.st_mode))
		return feed_file(path, (size_t)status.st_size);
	count = scandir(path, &names, NULL, alphasort);
	if (count < 0) {
		perror(path);
		return false;
	}
	for (int i = 0; i < count; i++) {
		char inner[4096];

		if (names[i]->d_name[0] != '.') {
			snprintf(inner, sizeof(inner), "%s/%s", path, names[i]->d_name);
			ok = feed(inner) && ok;
		}
		free(names[i]);
	}
	free(names);
	return ok;
}

int
main(int argc, char **argv)
{
	bool ok = true;

	for (int i = 1; i < argc; i++)
		ok = feed(argv[i]) && ok;
	printf("%zu inputs\n", fed);
	return ok && fed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
