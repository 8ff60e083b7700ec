/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * One session of 180,000 samples as CSV, whole processes: stipplectl asking stippled, which
 * runs already, against sqlite3 on a table with a row per sample.  Both write to a file in the
 * current directory, take turns, and give the same bytes but for the header.
 *
 *   bench-export STIPPLED STIPPLECTL
 */

#include <gio/gio.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "bench-session.h"
#include "private-bus.h"
#include "session-store.h"

#define ROUNDS 15

static const char select_rows[] =
	"SELECT t_ms, nullif(depth_um, 65535) AS depth_um, nullif(rate_dHz, 65535) AS rate_dHz,"
	" nullif(current_mA, 65535) AS current_mA, flags & 1 AS contact, flags >> 1 & 255 AS pass, flags >> 9 AS zone"
	" FROM sample WHERE id BETWEEN 1 << 20 AND (2 << 20) - 1 ORDER BY id";

static void
on_stored(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(StpStoredOutcome) outcome = stp_store_put_record_finish(STP_STORE(source), result, NULL);

	bench_must(outcome != NULL && outcome->session_id != NULL, "the store refused a record");
	*(char **)user_data = g_strdup(outcome->session_id);
}

/* Returns the session's name. */
static char *
fill_store(const char *directory, const BenchSession *session)
{
	g_autoptr(StpStore) store = stp_store_open(directory, NULL);
	g_autoptr(GBytes) raw = g_bytes_new(session->raw, session->size);
	StpArrival arrival = { .serial = BENCH_SERIAL, .epoch = BENCH_EPOCH, .number = 1, .raw = raw };
	char *id = NULL;

	bench_must(store != NULL, "no store");
	stp_store_put_record_async(store, &arrival, NULL, on_stored, &id);
	while (id == NULL)
		g_main_context_iteration(NULL, TRUE);
	stp_store_close(store);
	return id;
}

static void
fill_rows(const char *path, const BenchSession *session)
{
	BenchRows rows = bench_rows_open(path);

	bench_rows_put(&rows, session, 1);
	bench_rows_close(&rows);
}

/* Seconds from its start to its end. */
static double
run(PrivateBus *bus, const char *const *argv, const char *output)
{
	g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_NONE);
	g_autoptr(GSubprocess) process = NULL;
	g_autoptr(GError) error = NULL;
	double begin;

	g_subprocess_launcher_setenv(launcher, "DBUS_SYSTEM_BUS_ADDRESS", private_bus_address(bus), TRUE);
	g_subprocess_launcher_set_stdout_file_path(launcher, output);
	begin = bench_now();
	process = g_subprocess_launcher_spawnv(launcher, argv, &error);
	bench_must(process != NULL && g_subprocess_wait_check(process, NULL, &error),
		   error != NULL ? error->message : argv[0]);
	return bench_now() - begin;
}

static void
check_same(const char *ours_path, const char *rows_path)
{
	g_autofree char *ours = NULL, *rows = NULL;
	g_autoptr(GString) text = NULL;

	bench_must(g_file_get_contents(ours_path, &ours, NULL, NULL) && g_file_get_contents(rows_path, &rows, NULL, NULL),
		   "an output is missing");
	/* sqlite3 ends the lines of CSV as RFC 4180 wants it. */
	text = g_string_new(rows);
	g_string_replace(text, "\r\n", "\n", 0);
	bench_must(g_str_equal(strchr(ours, '\n'), strchr(text->str, '\n')), "the two outputs differ");
}

int
main(int argc, char **argv)
{
	g_autoptr(PrivateBus) bus = private_bus_new();
	char directory[] = "bench-export-XXXXXX";
	double ours[ROUNDS], theirs[ROUNDS], ratios[ROUNDS];

	bench_must(argc == 3, "usage: bench-export STIPPLED STIPPLECTL");
	bench_must(bus != NULL && g_mkdtemp(directory) != NULL, "no bus or no directory");

	g_autofree char *here = g_get_current_dir();
	g_autofree char *state = g_build_filename(here, directory, "state", NULL);
	g_autofree char *rows = g_build_filename(here, directory, "rows.db", NULL);
	g_autofree char *out_ours = g_build_filename(here, directory, "ours.csv", NULL);
	g_autofree char *out_rows = g_build_filename(here, directory, "rows.csv", NULL);
	BenchSession session = bench_session_make(1);
	g_autofree char *id = fill_store(state, &session);
	const char *daemon[] = { argv[1], "--state-dir", state, NULL };
	const char *export[] = { argv[2], "sessions", "export", id, NULL };
	const char *select[] = { "sqlite3", "-csv", rows, select_rows, NULL };

	fill_rows(rows, &session);
	bench_must(private_bus_spawn(bus, daemon, NULL) != NULL && private_bus_wait_for_name(bus, "org.stipple1", 10000),
		   "stippled does not start");
	/* Once for the caches; then in turn. */
	run(bus, export, out_ours);
	run(bus, (const char *[]){ "sqlite3", "-header", "-csv", rows, select_rows, NULL }, out_rows);
	check_same(out_ours, out_rows);
	for (guint i = 0; i < ROUNDS; i++) {
		ours[i] = run(bus, export, out_ours);
		theirs[i] = run(bus, select, out_rows);
		ratios[i] = theirs[i] / ours[i];
	}
	printf("a session of %d samples as CSV, whole processes, %d in turn, to a file\n\n", BENCH_SAMPLES, ROUNDS);
	printf("  %-44s %9.1f ms\n", "stipplectl sessions export", bench_median(ours, ROUNDS) * 1e3);
	printf("  %-44s %9.1f ms\n", "sqlite3 -csv, row per sample", bench_median(theirs, ROUNDS) * 1e3);
	printf("\n  faster: %.1f times (must be 15)\n\n", bench_median(ratios, ROUNDS));
	bench_session_free(&session);
	private_bus_free(g_steal_pointer(&bus));
	bench_remove(directory);
	return 0;
}
