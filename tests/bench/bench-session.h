/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>
#include <sqlite3.h>

#include "session-generator.h"

/*
 * A session as a pen keeps it, and the table with a row per sample that benchmarks measure
 * against: the fastest layout we know, without an index and with the small columns packed.
 */

#define BENCH_SAMPLES 180000	/* half an hour at 100 Hz */
#define BENCH_SERIAL "BENCH-1"
#define BENCH_EPOCH 1

typedef struct {
	struct stp_sample *samples;
	guint8 *raw;
	gsize size;
} BenchSession;

BenchSession bench_session_make(guint number);
void bench_session_free(BenchSession *session);

typedef struct {
	sqlite3 *db;
	sqlite3_stmt *insert;
} BenchRows;

BenchRows bench_rows_open(const char *path);
/* One transaction; returns the seconds it took. */
double bench_rows_put(BenchRows *rows, const BenchSession *session, guint number);
void bench_rows_close(BenchRows *rows);

/* End the program with a word on stderr unless ok. */
void bench_must(gboolean ok, const char *what);
/* Seconds. */
double bench_now(void);
/* Sorts them. */
double bench_median(double *values, guint count);
/* Remove a directory and what is in it. */
void bench_remove(const char *directory);
