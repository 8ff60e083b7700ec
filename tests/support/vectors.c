/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vectors.h"

static char *
trim(char *text)
{
	char *end;

	while (isspace((unsigned char)*text))
		text++;
	end = text + strlen(text);
	while (end > text && isspace((unsigned char)end[-1]))
		*--end = '\0';
	return text;
}

static int
nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

/* Two digits a byte, blanks between bytes; in place, as bytes are shorter than their hex. */
static int
unhex(char *text, size_t *size)
{
	uint8_t *out = (uint8_t *)text;

	*size = 0;
	while (*text) {
		int high, low;

		if (isspace((unsigned char)*text)) {
			text++;
			continue;
		}
		high = nibble(text[0]);
		low = high < 0 ? -1 : nibble(text[1]);
		if (low < 0)
			return -1;
		out[(*size)++] = (uint8_t)(high << 4 | low);
		text += 2;
	}
	return 0;
}

/* 1: a vector; 0: nothing to see; -1: neither. */
static int
parse(char *line, struct vector *vector)
{
	char *hex, *expectation;

	line = trim(line);
	if (!*line || *line == '#')
		return 0;
	hex = strchr(line, '|');
	expectation = hex ? strchr(hex + 1, '|') : NULL;
	if (!expectation)
		return -1;
	*hex++ = '\0';
	*expectation++ = '\0';
	vector->name = trim(line);
	vector->expectation = trim(expectation);
	vector->bytes = (const uint8_t *)hex;
	return unhex(hex, &vector->size) ? -1 : 1;
}

int
vectors_each(const char *file, vector_fn fn, void *user)
{
	const char *folder = getenv("STIPPLE_VECTORS");
	char path[4096], *line = NULL;
	struct vector vector = { .file = file };
	size_t capacity = 0;
	int count = 0;
	FILE *stream;

	snprintf(path, sizeof(path), "%s/%s", folder ? folder : "proto/vectors", file);
	stream = fopen(path, "r");
	if (!stream) {
		fprintf(stderr, "%s: %s; set STIPPLE_VECTORS to the folder proto/vectors\n", path,
			strerror(errno));
		return -1;
	}
	while (count >= 0 && getline(&line, &capacity, stream) >= 0) {
		int found;

		vector.line++;
		found = parse(line, &vector);
		if (found < 0) {
			fprintf(stderr, "%s:%u: not \"name | hex | expectation\"\n", path, vector.line);
			count = -1;
		} else if (found) {
			fn(&vector, user);
			count++;
		}
	}
	free(line);
	fclose(stream);
	return count;
}
