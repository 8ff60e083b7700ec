/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "collector-id.h"

#include <string.h>
#include <sys/random.h>

#include "log.h"
#include "machine-id.h"

static const char put_sql[] = "INSERT INTO setting (name, value) VALUES (?1, ?2)"
			      " ON CONFLICT (name) DO UPDATE SET value = ?2";

/* What stands there and is not so long goes to *rest; that stays NULL when nothing does. */
static gboolean
read_bytes(StpDatabase *db, const char *name, guint8 *out, gsize wanted, gboolean *found, GBytes **rest, GError **error)
{
	static const char find[] = "SELECT value FROM setting WHERE name = ?";
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows = stp_database_query(db, find, STP_VALUES(STP_TEXT(name)), error);
	const guint8 *bytes;
	gsize size;

	*found = FALSE;
	*rest = NULL;
	if (rows == NULL)
		return FALSE;
	if (stp_rows_next(rows, &local)) {
		bytes = stp_rows_blob(rows, 0, &size);
		*found = bytes != NULL && size == wanted;
		if (*found)
			memcpy(out, bytes, wanted);
		else
			*rest = g_bytes_new(bytes, size);
	}
	if (local == NULL)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&local));
	return FALSE;
}

static gboolean
put_bytes(StpDatabase *db, const char *name, const guint8 *bytes, gsize size, GError **error)
{
	return stp_database_run(db, put_sql, STP_VALUES(STP_TEXT(name), STP_BLOB(bytes, size)), error);
}

/* Both, as the one goes with the other.  What stood there is kept, for whoever has to find out what became of it. */
static gboolean
put_name(StpDatabase *db, const guint8 id[STP_COLLECTOR_ID_SIZE], const guint8 *machine, GBytes *rest, GError **error)
{
	gsize size = 0;
	const guint8 *bytes = rest != NULL ? g_bytes_get_data(rest, &size) : NULL;

	if (!stp_database_begin(db, error))
		return FALSE;
	if ((rest == NULL || put_bytes(db, "collector-id-unreadable", bytes, size, error)) &&
	    (machine == NULL || put_bytes(db, "machine", machine, STP_MACHINE_ID_SIZE, error)) &&
	    put_bytes(db, "collector-id", id, STP_COLLECTOR_ID_SIZE, error))
		return stp_database_commit(db, error);
	stp_database_rollback(db);
	return FALSE;
}

/* Of a store from before it was noted.  A disk that is full just now is no reason not to start. */
static void
note_machine(StpDatabase *db, const guint8 machine[STP_MACHINE_ID_SIZE])
{
	g_autoptr(GError) error = NULL;

	if (!put_bytes(db, "machine", machine, STP_MACHINE_ID_SIZE, &error))
		stp_info("store", NULL, "Which computer the store is on was not noted: %s", error->message);
}

gboolean
stp_collector_id_read(StpDatabase *writer, guint8 out[STP_COLLECTOR_ID_SIZE], StpCollectorIdNews *news, GError **error)
{
	g_autoptr(GBytes) rest = NULL, no_machine = NULL;
	guint8 here[STP_MACHINE_ID_SIZE], then[STP_MACHINE_ID_SIZE];
	gboolean found, has_machine, has_here = stp_machine_id_read(here), moved;

	*news = STP_COLLECTOR_ID_KEPT;
	if (!read_bytes(writer, "collector-id", out, STP_COLLECTOR_ID_SIZE, &found, &rest, error) ||
	    !read_bytes(writer, "machine", then, sizeof(then), &has_machine, &no_machine, error))
		return FALSE;
	moved = found && has_here && has_machine && memcmp(here, then, sizeof(here)) != 0;
	if (found && !moved) {
		if (!has_machine && has_here)
			note_machine(writer, here);
		return TRUE;
	}
	if (getrandom(out, STP_COLLECTOR_ID_SIZE, 0) != STP_COLLECTOR_ID_SIZE) {
		g_set_error(error, STP_ERROR, STP_ERROR_STORE_FAILED,
			    "The system gives no random numbers to name this collector with. Restart it.");
		return FALSE;
	}
	if (moved)
		*news = STP_COLLECTOR_ID_MOVED;
	else if (rest != NULL)
		*news = STP_COLLECTOR_ID_LOST;
	if (rest != NULL)
		stp_warning("store", NULL, "%s holds no name of this collector, but %" G_GSIZE_FORMAT " bytes of "
			    "something else; it gets a new one.", stp_database_path(writer), g_bytes_get_size(rest));
	return put_name(writer, out, has_here ? here : NULL, rest, error);
}
