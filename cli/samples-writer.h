/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stdint.h>
#include <string.h>

#include "samples.h"

/* Inside the writers: the buffer, and the digits of every value a sample can have. */

#define SAMPLES_BUFFER_SIZE (256 * 1024)
/* Room that is kept for one line in either format. */
#define SAMPLES_LINE_MAX 512
/* Depth, rate and current are at most 10,000; one entry more is for absent values. */
#define SAMPLES_VALUE_MAX 10000
#define SAMPLES_VALUES (SAMPLES_VALUE_MAX + 2)

/* Up to five digits and what follows them, eight bytes copied at once. */
struct samples_digits {
	char text[7];
	uint8_t size;
};

struct samples_writer {
	enum samples_format format;
	int fd, error;
	size_t used;
	char *prefix;		/* NDJSON: a line up to the time's digits */
	size_t prefix_size;
	struct samples_digits *values;	/* SAMPLES_VALUES, the last one for absent */
	char buffer[SAMPLES_BUFFER_SIZE];
};

/* Out of the known range only for a sample nobody checked: then it is as good as absent. */
static inline char *
samples_put_value(char *at, const struct samples_digits *values, unsigned value)
{
	const struct samples_digits *digits =
		&values[value <= SAMPLES_VALUE_MAX ? value : SAMPLES_VALUE_MAX + 1];

	memcpy(at, digits, sizeof(*digits));
	return at + digits->size;
}

char *samples_put_u32(char *at, uint32_t value);

/* Make room for a line. */
void samples_drain(struct samples_writer *writer);

void samples_csv_begin(struct samples_writer *writer);
void samples_csv_add(struct samples_writer *writer, const struct stp_sample *samples, size_t count);
void samples_ndjson_begin(struct samples_writer *writer, const char *id);
void samples_ndjson_add(struct samples_writer *writer, const struct stp_sample *samples, size_t count);
