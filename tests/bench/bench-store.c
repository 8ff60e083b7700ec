/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * The store against the best table with a row per sample that SQLite allows, and against the
 * least that any store must do: append the bytes to a file, force them to the disk, and decode
 * them to see that they are sound.  They take turns within one run and the median of the
 * ratios counts, so that a busy machine does not decide.  The files lie in the current
 * directory, which should be on a disk.
 */

#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bench-session.h"
#include "session-store.h"

#define SAMPLES BENCH_SAMPLES
#define ROUNDS 15
#define STORED 100		/* sessions in the end, to weigh the file */
#define SESSIONS 100000
#define PENS 20
#define QUERIES 201

/* ---- ours ---- */

static void
on_stored(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(StpStoredOutcome) outcome = stp_store_put_record_finish(STP_STORE(source), result, NULL);

	bench_must(outcome != NULL && outcome->acknowledge && outcome->session_id != NULL, "the store refused a record");
	*(gboolean *)user_data = TRUE;
}

static double
put_ours(StpStore *store, const BenchSession *session, guint number)
{
	g_autoptr(GBytes) raw = g_bytes_new(session->raw, session->size);
	StpArrival arrival = { .serial = "BENCH-1", .epoch = 1, .number = number, .raw = raw, .authenticated = TRUE };
	gboolean done = FALSE;
	double begin = bench_now();

	stp_store_put_record_async(store, &arrival, NULL, on_stored, &done);
	while (!done)
		g_main_context_iteration(NULL, TRUE);
	return bench_now() - begin;
}

/* ---- the least ---- */

static void
verify(const BenchSession *session)
{
	static struct stp_sample samples[STP_BLOCK_SAMPLES_DEFAULT];
	struct stp_block_decoder decoder;
	struct stp_record *record = NULL;

	stp_block_decoder_init(&decoder);
	bench_must(stp_record_decode(session->raw, session->size, &record) == STP_OK, "decode");
	for (size_t i = 0; i < stp_record_block_count(record); i++) {
		size_t size, count;
		const uint8_t *block = stp_record_block(record, i, &size);

		bench_must(stp_block_decoder_next(&decoder, block, size, samples, STP_BLOCK_SAMPLES_DEFAULT,
						  &count) == STP_OK, "block");
	}
	stp_record_free(record);
}

static double
put_log(int fd, const BenchSession *session)
{
	double begin = bench_now();

	bench_must(write(fd, session->raw, session->size) == (ssize_t)session->size && fdatasync(fd) == 0, "the log");
	verify(session);
	return bench_now() - begin;
}

/* ---- ingest ---- */

static gint64
file_size(const char *path)
{
	GStatBuf info;

	return g_stat(path, &info) == 0 ? (gint64)info.st_size : 0;
}

static void
print_ingest(double *ours, double *rows, double *least, double *to_rows, double *to_least)
{
	printf("durable ingest of sessions of %d samples, %d in turn, WAL and FULL\n\n", SAMPLES, ROUNDS);
	printf("  %-44s %9s %12s\n", "", "ms", "Msamples/s");
	double mine = bench_median(ours, ROUNDS), theirs = bench_median(rows, ROUNDS), limit = bench_median(least, ROUNDS);

	printf("  %-44s %9.2f %12.2f\n", "stipple: raw record, decoded and summed up", mine * 1e3, SAMPLES / mine * 1e-6);
	printf("  %-44s %9.2f %12.2f\n", "row per sample: session<<20|seq, no index", theirs * 1e3,
	       SAMPLES / theirs * 1e-6);
	printf("  %-44s %9.2f %12.2f\n", "append, fdatasync, decode", limit * 1e3, SAMPLES / limit * 1e-6);
	printf("\n  faster than rows: %.1f times (must be 25)\n", bench_median(to_rows, ROUNDS));
	printf("  of append, fdatasync, decode: %.0f %% (would be good: 90)\n\n", 100 * bench_median(to_least, ROUNDS));
}

static void
bench_ingest(const char *directory)
{
	g_autofree char *ours_path = g_build_filename(directory, "ours", NULL);
	g_autofree char *database = g_build_filename(ours_path, "stipple.db", NULL);
	g_autofree char *rows_path = g_build_filename(directory, "rows.db", NULL);
	g_autofree char *log_path = g_build_filename(directory, "log", NULL);
	g_autoptr(GError) error = NULL;
	g_autoptr(StpStore) store = stp_store_open(ours_path, &error);
	BenchRows rows = bench_rows_open(rows_path);
	int log = open(log_path, O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
	double ours[ROUNDS], theirs[ROUNDS], least[ROUNDS], to_rows[ROUNDS], to_least[ROUNDS];
	gint64 encoded = 0;

	bench_must(store != NULL, error != NULL ? error->message : "open");
	for (guint i = 0; i < STORED; i++) {
		BenchSession session = bench_session_make(i + 1);
		double spent = put_ours(store, &session, i + 1);

		encoded += (gint64)session.size;
		if (i < ROUNDS) {
			ours[i] = spent;
			theirs[i] = bench_rows_put(&rows, &session, i + 1);
			least[i] = put_log(log, &session);
			to_rows[i] = theirs[i] / ours[i];
			to_least[i] = least[i] / ours[i];
		}
		bench_session_free(&session);
	}
	print_ingest(ours, theirs, least, to_rows, to_least);

	stp_store_close(store);
	bench_rows_close(&rows);
	close(log);
	printf("disk, bytes per sample\n\n");
	printf("  %-44s %9.3f\n", "encoded records", (double)encoded / SAMPLES / STORED);
	printf("  %-44s %9.3f   %.4f of encoded (must be 1.03, would be good: 1.01)\n", "stipple.db",
	       (double)file_size(database) / SAMPLES / STORED, (double)file_size(database) / (double)encoded);
	printf("  %-44s %9.3f\n\n", "row per sample", (double)file_size(rows_path) / SAMPLES / ROUNDS);
}

/* ---- lists ---- */

/* As the store itself would have left them, but in seconds. */
static void
fill_sessions(const char *directory)
{
	g_autofree char *path = g_build_filename(directory, "stipple.db", NULL);
	g_autofree char *sql = g_strdup_printf(
		"BEGIN;"
		"INSERT INTO pen (serial) SELECT 'BENCH-' || value FROM generate_numbers WHERE value <= %d;"
		"INSERT INTO session (pen, epoch, number, start, quality, complete, parts, records, samples,"
		"  duration_ms, firmware, cartridge)"
		" SELECT 1 + value %% %d, 1, value, 1700000000000000 + (value * 7919 %% %d) * 60000000, 2, value %% 50 > 0,"
		"  1, x'01000000', 180000, 1800000, '1.2.3', x'deadbeef' FROM generate_numbers;"
		"COMMIT",
		PENS, PENS, SESSIONS);
	g_autofree char *numbers = g_strdup_printf(
		"CREATE TEMP TABLE generate_numbers AS WITH RECURSIVE n(value) AS"
		" (SELECT 1 UNION ALL SELECT value + 1 FROM n WHERE value < %d) SELECT value FROM n",
		SESSIONS);
	sqlite3 *db = NULL;

	bench_must(sqlite3_open(path, &db) == SQLITE_OK && sqlite3_exec(db, numbers, NULL, NULL, NULL) == SQLITE_OK &&
		     sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK,
	     db != NULL ? sqlite3_errmsg(db) : "open");
	sqlite3_close(db);
}

static void
time_query(StpStore *store, const char *what, const StpSessionFilter *filter, guint limit)
{
	double times[QUERIES];

	for (guint i = 0; i < QUERIES; i++) {
		guint64 next;
		double begin = bench_now();
		g_autoptr(GPtrArray) list = stp_store_list_sessions(store, filter, limit, 0, &next, NULL);

		times[i] = bench_now() - begin;
		bench_must(list != NULL && list->len == limit, "the list is not as long as asked for");
	}
	printf("  %-44s %9.0f us\n", what, bench_median(times, QUERIES) * 1e6);
}

static void
bench_lists(const char *directory)
{
	g_autofree char *path = g_build_filename(directory, "lists", NULL);
	g_autoptr(StpStore) store = stp_store_open(path, NULL);
	gint64 since = G_GINT64_CONSTANT(1700000000000000) + 10000 * G_GINT64_CONSTANT(60000000);
	double begin;

	bench_must(store != NULL, "open");
	stp_store_close(store);
	g_clear_object(&store);
	fill_sessions(path);
	begin = bench_now();
	store = stp_store_open(path, NULL);
	bench_must(store != NULL, "open again");
	printf("%d sessions of %d pens, as structures in memory\n\n", SESSIONS, PENS);
	printf("  %-44s %9.0f us\n", "open, with its check", (bench_now() - begin) * 1e6);
	time_query(store, "newest 50 (must be 100)", &(StpSessionFilter){ .complete = -1 }, 50);
	time_query(store, "newest 50 of a pen, complete, since",
		   &(StpSessionFilter){ .serial = "BENCH-7", .complete = 1, .since = since }, 50);
	time_query(store, "newest 50 incomplete", &(StpSessionFilter){ .complete = 0 }, 50);
	time_query(store, "newest 1 of a pen", &(StpSessionFilter){ .serial = "BENCH-7", .complete = -1 }, 1);
	printf("\n");
	stp_store_close(store);
}

int
main(void)
{
	char directory[] = "bench-store-XXXXXX";

	bench_must(g_mkdtemp(directory) != NULL, "no directory for the files");
	bench_ingest(directory);
	bench_lists(directory);
	bench_remove(directory);
	return 0;
}
