/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "collector-id.h"

#include <string.h>
#include <sys/random.h>

#include "log.h"

/* What stands there and is no name goes to *rest; that stays NULL when nothing does. */
static gboolean
read_name(StpDatabase *db, guint8 out[STP_COLLECTOR_ID_SIZE], gboolean *found, GBytes **rest, GError **error)
{
	static const char find[] = "SELECT value FROM setting WHERE name = 'collector-id'";
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows = stp_database_query(db, find, NULL, error);
	const guint8 *id;
	gsize size;

	*found = FALSE;
	*rest = NULL;
	if (rows == NULL)
		return FALSE;
	if (stp_rows_next(rows, &local)) {
		id = stp_rows_blob(rows, 0, &size);
		*found = id != NULL && size == STP_COLLECTOR_ID_SIZE;
		if (*found)
			memcpy(out, id, STP_COLLECTOR_ID_SIZE);
		else
			*rest = g_bytes_new(id, size);
	}
	if (local == NULL)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&local));
	return FALSE;
}

/* What stood there is kept, for whoever has to find out what became of it. */
static gboolean
put_name(StpDatabase *db, const guint8 id[STP_COLLECTOR_ID_SIZE], GBytes *rest, GError **error)
{
	static const char put[] = "INSERT INTO setting (name, value) VALUES (?1, ?2)"
				  " ON CONFLICT (name) DO UPDATE SET value = ?2";
	gsize size = 0;
	const guint8 *bytes = rest != NULL ? g_bytes_get_data(rest, &size) : NULL;

	if (!stp_database_begin(db, error))
		return FALSE;
	if ((rest == NULL ||
	     stp_database_run(db, put, STP_VALUES(STP_TEXT("collector-id-unreadable"), STP_BLOB(bytes, size)), error)) &&
	    stp_database_run(db, put, STP_VALUES(STP_TEXT("collector-id"), STP_BLOB(id, STP_COLLECTOR_ID_SIZE)), error))
		return stp_database_commit(db, error);
	stp_database_rollback(db);
	return FALSE;
}

gboolean
stp_collector_id_read(StpDatabase *writer, guint8 out[STP_COLLECTOR_ID_SIZE], gboolean *lost, GError **error)
{
	g_autoptr(GBytes) rest = NULL;
	gboolean found;

	*lost = FALSE;
	if (!read_name(writer, out, &found, &rest, error))
		return FALSE;
	if (found)
		return TRUE;
	if (getrandom(out, STP_COLLECTOR_ID_SIZE, 0) != STP_COLLECTOR_ID_SIZE) {
		g_set_error(error, STP_ERROR, STP_ERROR_STORE_FAILED,
			    "The system gives no random numbers to name this collector with. Restart it.");
		return FALSE;
	}
	*lost = rest != NULL;
	if (*lost)
		stp_warning("store", NULL, "%s holds no name of this collector, but %" G_GSIZE_FORMAT " bytes of "
			    "something else; it gets a new one.", stp_database_path(writer), g_bytes_get_size(rest));
	return put_name(writer, out, rest, error);
}
