/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bench-session.h"

#include <glib/gstdio.h>
#include <stdio.h>
#include <stdlib.h>
#include <stipple/record.h>

void
bench_must(gboolean ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "%s: %s\n", g_get_prgname(), what);
	exit(EXIT_FAILURE);
}

double
bench_now(void)
{
	return (double)g_get_monotonic_time() * 1e-6;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

double
bench_median(double *values, guint count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

/* ---- what is stored ---- */

static void
put_blocks(struct stp_record_writer *writer, const struct stp_sample *samples)
{
	static guint8 block[STP_BLOCK_SIZE_MAX(STP_BLOCK_SAMPLES_DEFAULT)];
	struct stp_block_encoder encoder;
	size_t size;

	stp_block_encoder_init(&encoder);
	for (guint at = 0; at < BENCH_SAMPLES;) {
		if (at == 0)
			bench_must(stp_block_encoder_begin(&encoder, 10, block, sizeof(block)) == STP_OK, "begin");
		else
			bench_must(stp_block_encoder_begin_chained(&encoder, block, sizeof(block)) == STP_OK,
				   "begin");
		for (guint i = 0; i < STP_BLOCK_SAMPLES_DEFAULT && at < BENCH_SAMPLES; i++, at++)
			bench_must(stp_block_encoder_add(&encoder, &samples[at]) == STP_OK, "add");
		bench_must(stp_block_encoder_finish(&encoder, &size) == STP_OK, "finish");
		stp_record_put_block(writer, block, size);
	}
}

BenchSession
bench_session_make(guint number)
{
	struct session_plan plan = session_plan_default(SESSION_WHITE, number, BENCH_SAMPLES);
	struct session_facts facts;
	struct stp_record_writer writer;
	struct stp_record_head head = {
		.serial = BENCH_SERIAL,
		.epoch = BENCH_EPOCH,
		.number = number,
		.boot_id = 1,
		.start_tick_ms = number * G_GUINT64_CONSTANT(3600000),
		.type = STP_RECORD_SESSION,
		.schema_rev = 1,
		.firmware = "1.0",
	};
	struct stp_session_part part = {
		.session_no = number, .last = true, .period_ms = 10, .sample_count = BENCH_SAMPLES, .needles = 12,
	};
	BenchSession session = { g_new(struct stp_sample, BENCH_SAMPLES), g_malloc(STP_RECORD_SIZE_MAX), 0 };

	session_generate(&plan, session.samples, &facts);
	part.duration_ms = facts.duration_ms;
	part.motor_on_ms = facts.motor_on_ms;
	part.strokes = facts.strokes;
	part.set_depth_min_um = facts.set_depth_min_um;
	part.set_depth_max_um = facts.set_depth_max_um;
	part.set_rate_dhz = facts.set_rate_dhz;
	stp_record_begin(&writer, session.raw, STP_RECORD_SIZE_MAX, &head);
	stp_record_put_session(&writer, &part);
	put_blocks(&writer, session.samples);
	bench_must(stp_record_finish(&writer, &session.size) == STP_OK, "the session does not fit a record");
	return session;
}

void
bench_session_free(BenchSession *session)
{
	g_free(session->samples);
	g_free(session->raw);
}

/* ---- a row per sample ---- */

BenchRows
bench_rows_open(const char *path)
{
	BenchRows rows = { NULL, NULL };

	bench_must(sqlite3_open(path, &rows.db) == SQLITE_OK &&
		     sqlite3_exec(rows.db,
				  "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
				  "CREATE TABLE sample (id INTEGER PRIMARY KEY, t_ms INTEGER, depth_um INTEGER,"
				  " rate_dHz INTEGER, current_mA INTEGER, flags INTEGER)",
				  NULL, NULL, NULL) == SQLITE_OK &&
		     sqlite3_prepare_v2(rows.db, "INSERT INTO sample VALUES (?, ?, ?, ?, ?, ?)", -1, &rows.insert,
					NULL) == SQLITE_OK,
	     "the table of rows");
	return rows;
}

double
bench_rows_put(BenchRows *rows, const BenchSession *session, guint number)
{
	double begin = bench_now();

	sqlite3_exec(rows->db, "BEGIN", NULL, NULL, NULL);
	for (guint i = 0; i < BENCH_SAMPLES; i++) {
		const struct stp_sample *sample = &session->samples[i];

		sqlite3_bind_int64(rows->insert, 1, (gint64)number << 20 | i);
		sqlite3_bind_int64(rows->insert, 2, sample->t_ms);
		sqlite3_bind_int(rows->insert, 3, sample->depth_um);
		sqlite3_bind_int(rows->insert, 4, sample->rate_dhz);
		sqlite3_bind_int(rows->insert, 5, sample->current_ma);
		sqlite3_bind_int(rows->insert, 6, sample->contact | sample->pass << 1 | sample->zone << 9);
		bench_must(sqlite3_step(rows->insert) == SQLITE_DONE, "a row");
		sqlite3_reset(rows->insert);
	}
	bench_must(sqlite3_exec(rows->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK, "commit");
	return bench_now() - begin;
}

void
bench_rows_close(BenchRows *rows)
{
	sqlite3_finalize(rows->insert);
	sqlite3_close(rows->db);
}

void
bench_remove(const char *directory)
{
	g_autoptr(GDir) dir = g_dir_open(directory, 0, NULL);
	const char *name;

	while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
		g_autofree char *path = g_build_filename(directory, name, NULL);

		if (g_file_test(path, G_FILE_TEST_IS_DIR))
			bench_remove(path);
		else
			g_remove(path);
	}
	g_rmdir(directory);
}
