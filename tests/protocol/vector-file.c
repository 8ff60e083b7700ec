/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vector-file.h"

static void
give_up(const char *path, size_t number, const char *what)
{
	fprintf(stderr, "%s:%zu: %s\n", path, number, what);
	exit(EXIT_FAILURE);
}

static char *
trimmed(char *text)
{
	char *end = text + strlen(text);

	while (end > text && isspace((unsigned char)end[-1]))
		*--end = '\0';
	while (isspace((unsigned char)*text))
		text++;
	return text;
}

static int
digit(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Returns false when the text is not pairs of lower-case hex digits. */
static int
unhex(const char *text, uint8_t *bytes)
{
	for (; *text; text += 2) {
		int high = digit(text[0]), low = high < 0 ? -1 : digit(text[1]);

		if (low < 0)
			return 0;
		*bytes++ = (uint8_t)(high << 4 | low);
	}
	return 1;
}

static void
use_line(const char *path, size_t number, char *line, void (*use)(const struct vector *vector))
{
	char *second = strchr(line, '|'), *third = second ? strchr(second + 1, '|') : NULL;
	struct vector vector;
	char *hex;

	if (!third)
		give_up(path, number, "is not \"name | hex | expectation\"");
	*second = *third = '\0';
	hex = trimmed(second + 1);
	vector.name = trimmed(line);
	vector.expectation = trimmed(third + 1);
	vector.size = strlen(hex) / 2;
	vector.bytes = malloc(vector.size > 0 ? vector.size : 1);
	if (strlen(hex) % 2 || !unhex(hex, vector.bytes))
		give_up(path, number, "has bad hex digits");
	use(&vector);
	free(vector.bytes);
}

size_t
vector_file_each(const char *name, void (*use)(const struct vector *vector))
{
	const char *folder = getenv("STIPPLE_VECTORS");
	size_t room = 0, number = 0, used = 0;
	char path[4096], *line = NULL;
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s.txt", folder ? folder : "proto/vectors", name);
	file = fopen(path, "r");
	if (!file)
		give_up(path, 0, "cannot be opened; STIPPLE_VECTORS names the folder");
	while (getline(&line, &room, file) >= 0) {
		char *text = trimmed(line);

		number++;
		if (*text == '\0' || *text == '#')
			continue;
		use_line(path, number, text, use);
		used++;
	}
	free(line);
	fclose(file);
	return used;
}
