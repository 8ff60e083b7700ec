/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include <glib.h>

#include "samples-writer.h"

/* "1234," for CSV, "1234" for NDJSON, where what follows differs. */
static struct samples_digits *
make_values(enum samples_format format)
{
	struct samples_digits *values = g_new0(struct samples_digits, SAMPLES_VALUES);
	const char *after = format == SAMPLES_CSV ? "," : "";

	for (unsigned i = 0; i <= SAMPLES_VALUE_MAX; i++) {
		char *end = samples_put_u32(values[i].text, i);

		if (*after)
			*end++ = *after;
		values[i].size = (uint8_t)(end - values[i].text);
	}
	struct samples_digits *absent = &values[SAMPLES_VALUE_MAX + 1];
	const char *text = format == SAMPLES_CSV ? "," : "null";

	absent->size = (uint8_t)strlen(text);
	memcpy(absent->text, text, absent->size);
	return values;
}

struct samples_writer *
samples_writer_new(enum samples_format format, int fd)
{
	/* Not cleared: the buffer is a quarter of a megabyte that is written before it is read. */
	struct samples_writer *writer = g_malloc(sizeof(*writer));

	writer->format = format;
	writer->fd = fd;
	writer->error = 0;
	writer->used = 0;
	writer->prefix = NULL;
	writer->prefix_size = 0;
	writer->values = make_values(format);
	return writer;
}

void
samples_writer_free(struct samples_writer *writer)
{
	if (!writer)
		return;
	g_free(writer->values);
	g_free(writer->prefix);
	g_free(writer);
}

char *
samples_put_u32(char *at, uint32_t value)
{
	char digits[10];
	int count = 0;

	do {
		digits[count++] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	while (count)
		*at++ = digits[--count];
	return at;
}

void
samples_drain(struct samples_writer *writer)
{
	size_t done = 0;

	while (done < writer->used && !writer->error) {
		ssize_t wrote = write(writer->fd, writer->buffer + done, writer->used - done);

		if (wrote > 0)
			done += (size_t)wrote;
		else if (wrote == 0)
			writer->error = EIO;
		else if (errno != EINTR)
			writer->error = errno;
	}
	writer->used = 0;
}

int
samples_flush(struct samples_writer *writer)
{
	samples_drain(writer);
	return writer->error;
}

int
samples_error(const struct samples_writer *writer)
{
	return writer->error;
}

void
samples_begin(struct samples_writer *writer, const char *id)
{
	if (writer->format == SAMPLES_CSV)
		samples_csv_begin(writer);
	else
		samples_ndjson_begin(writer, id);
}

void
samples_add(struct samples_writer *writer, const struct stp_sample *samples, size_t count)
{
	if (writer->format == SAMPLES_CSV)
		samples_csv_add(writer, samples, count);
	else
		samples_ndjson_add(writer, samples, count);
}
