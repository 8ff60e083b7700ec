/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "collector-id.h"

#include <string.h>
#include <sys/random.h>

gboolean
stp_collector_id_read(StpDatabase *writer, guint8 out[STP_COLLECTOR_ID_SIZE], GError **error)
{
	static const char find[] = "SELECT value FROM setting WHERE name = 'collector-id'";
	static const char make[] = "INSERT OR IGNORE INTO setting (name, value) VALUES ('collector-id', ?)";
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows = NULL;
	guint8 fresh[STP_COLLECTOR_ID_SIZE];
	const guint8 *id;
	gsize size;

	if (getrandom(fresh, sizeof(fresh), 0) != sizeof(fresh)) {
		g_set_error(error, STP_ERROR, STP_ERROR_STORE_FAILED,
			    "The system gives no random numbers to name this collector with. Restart it.");
		return FALSE;
	}
	if (!stp_database_run(writer, make, STP_VALUES(STP_BLOB(fresh, sizeof(fresh))), error))
		return FALSE;
	rows = stp_database_query(writer, find, NULL, error);
	if (rows == NULL)
		return FALSE;
	if (!stp_rows_next(rows, &local) || (id = stp_rows_blob(rows, 0, &size)) == NULL ||
	    size != sizeof(fresh)) {
		if (local != NULL)
			g_propagate_error(error, g_steal_pointer(&local));
		else
			g_set_error(
				error, STP_ERROR, STP_ERROR_STORE_FAILED,
				"The store %s does not hold this collector's name. Restore it from a backup.",
				stp_database_path(writer));
		return FALSE;
	}
	memcpy(out, id, STP_COLLECTOR_ID_SIZE);
	return TRUE;
}
