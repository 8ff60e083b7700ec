/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stddef.h>

#include <stipple/telemetry.h>

/*
 * Samples as text, fast: integers are written by hand into a large buffer that goes out with
 * write(2).  A value the pen did not measure is an empty field in CSV and null in JSON.
 */

enum samples_format { SAMPLES_CSV, SAMPLES_NDJSON };

struct samples_writer;

/* Text goes to the descriptor, which stays the caller's. */
struct samples_writer *samples_writer_new(enum samples_format format, int fd);
void samples_writer_free(struct samples_writer *writer);

/* Begin a session; id is used by NDJSON, where every line names its session. */
void samples_begin(struct samples_writer *writer, const char *id);
void samples_add(struct samples_writer *writer, const struct stp_sample *samples, size_t count);

/* Write out what is buffered.  0, or the errno of the first write that failed. */
int samples_flush(struct samples_writer *writer);
/* The same without writing anything. */
int samples_error(const struct samples_writer *writer);
