/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * bare-daemon DATABASE: the least that a daemon of GDBus and SQLite can be, to compare stippled with.
 *
 * Connects to the system bus, opens DATABASE with a write-ahead log, writes one row and then waits
 * for ever.  Prints "ready" when it does.
 */

#include <gio/gio.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

static const char rows[] = "PRAGMA journal_mode = WAL; CREATE TABLE IF NOT EXISTS row (value INTEGER);"
			   "INSERT INTO row VALUES (1);";

int
main(int argc, char **argv)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GDBusConnection) bus = g_bus_get_sync(G_BUS_TYPE_SYSTEM, NULL, &error);
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
	sqlite3 *database = NULL;

	if (argc != 2 || !bus || sqlite3_open(argv[1], &database) != SQLITE_OK ||
	    sqlite3_exec(database, rows, NULL, NULL, NULL) != SQLITE_OK) {
		fprintf(stderr, "bare-daemon: %s\n", error ? error->message : sqlite3_errmsg(database));
		return EXIT_FAILURE;
	}
	puts("ready");
	fflush(stdout);
	g_main_loop_run(loop);
	return EXIT_SUCCESS;
}
