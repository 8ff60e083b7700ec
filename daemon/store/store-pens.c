/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "store-pens.h"

#include "clock.h"
#include "store-coverage.h"

void
stp_pen_row_free(StpPenRow *row)
{
	if (row == NULL)
		return;
	g_free(row->serial);
	g_free(row->maker);
	g_free(row->model);
	g_free(row->firmware);
	g_free(row->hardware);
	g_free(row->label);
	g_free(row->address);
	g_free(row);
}

gboolean
stp_pens_find(StpDatabase *db, const char *serial, gint64 *pen, GError **error)
{
	return stp_database_get_int(db, "SELECT pen FROM pen WHERE serial = ?", STP_VALUES(STP_TEXT(serial)), 0, pen,
				    error);
}

gboolean
stp_pens_ensure(StpDatabase *db, const char *serial, gint64 *pen, GError **error)
{
	if (!stp_pens_find(db, serial, pen, error))
		return FALSE;
	if (*pen != 0)
		return TRUE;
	if (!stp_database_run(db, "INSERT INTO pen (serial) VALUES (?)", STP_VALUES(STP_TEXT(serial)), error))
		return FALSE;
	*pen = stp_database_last_row(db);
	return TRUE;
}

static const char *
or_empty(const char *text)
{
	return text != NULL ? text : "";
}

gboolean
stp_pens_put(StpDatabase *db, const StpPenRow *row, GError **error)
{
	/* The caller's row may be older than what an attempt noted since. */
	static const char sql[] =
		"INSERT INTO pen (serial, maker, model, firmware, hardware, label, address, battery, enrolled,"
		"  enrolled_at, last_seen, last_sync)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
		" ON CONFLICT (serial) DO UPDATE SET maker = ?2, model = ?3, hardware = ?5,"
		"  firmware_since = iif(firmware NOT IN ('', ?4), ?13, firmware_since), firmware = ?4,"
		"  label = ?6, address = ?7, battery = ?8, enrolled = ?9, enrolled_at = ?10,"
		"  last_seen = max(last_seen, ?11), last_sync = max(last_sync, ?12)";
	/* One address leads to one pen: the one that was met there last. */
	static const char alone[] =
		"UPDATE pen SET address = '' WHERE serial <> ?1 AND address = ?2 COLLATE NOCASE AND ?2 <> ''";

	if (!stp_database_run(db, alone, STP_VALUES(STP_TEXT(row->serial), STP_TEXT(or_empty(row->address))), error))
		return FALSE;
	return stp_database_run(
		db, sql,
		STP_VALUES(STP_TEXT(row->serial), STP_TEXT(or_empty(row->maker)), STP_TEXT(or_empty(row->model)),
			   STP_TEXT(or_empty(row->firmware)), STP_TEXT(or_empty(row->hardware)),
			   STP_TEXT(or_empty(row->label)), STP_TEXT(or_empty(row->address)),
			   STP_INT(row->battery), STP_INT(row->enrolled != FALSE), STP_INT(row->enrolled_at),
			   STP_INT(row->last_seen), STP_INT(row->last_sync), STP_INT(stp_clock_wall())),
		error);
}

static StpPenRow *
read_pen(StpRows *rows)
{
	StpPenRow *row = g_new0(StpPenRow, 1);

	row->serial = g_strdup(stp_rows_text(rows, 1));
	row->maker = g_strdup(stp_rows_text(rows, 2));
	row->model = g_strdup(stp_rows_text(rows, 3));
	row->firmware = g_strdup(stp_rows_text(rows, 4));
	row->hardware = g_strdup(stp_rows_text(rows, 5));
	row->label = g_strdup(stp_rows_text(rows, 6));
	row->address = g_strdup(stp_rows_text(rows, 7));
	row->battery = (guint8)stp_rows_int(rows, 8);
	row->enrolled = stp_rows_int(rows, 9) != 0;
	row->enrolled_at = stp_rows_int(rows, 10);
	row->last_seen = stp_rows_int(rows, 11);
	row->last_sync = stp_rows_int(rows, 12);
	row->sessions = (guint)stp_rows_int(rows, 13);
	row->bond = (StpPenBond)stp_rows_int(rows, 14);
	row->retired_at = stp_rows_int(rows, 15);
	row->retired_how = (StpRetiredFlags)stp_rows_int(rows, 16);
	row->retired_missing = (guint)stp_rows_int(rows, 17);
	row->log_capacity = (guint64)MAX(stp_rows_int(rows, 18), 0);
	row->firmware_since = stp_rows_int(rows, 19);
	return row;
}

GPtrArray *
stp_pens_list(StpDatabase *db, const char *serial, GError **error)
{
	static const char sql[] =
		"SELECT pen, serial, maker, model, firmware, hardware, label, address, battery, enrolled, enrolled_at,"
		"  last_seen, last_sync, (SELECT count(*) FROM session WHERE session.pen = pen.pen),"
		"  coalesce(bond, 0), coalesce(retired_at, 0), coalesce(retired_how, 0),"
		"  coalesce(retired_missing, 0), log_capacity, firmware_since"
		" FROM pen LEFT JOIN enrolment USING (pen) WHERE ?1 IS NULL OR serial = ?1 ORDER BY serial";
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)stp_pen_row_free);
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows = stp_database_query(
		db, sql, STP_VALUES(serial != NULL ? STP_TEXT(serial) : STP_NULL), error);

	if (rows == NULL)
		return NULL;
	while (stp_rows_next(rows, &local)) {
		StpPenRow *row = read_pen(rows);

		g_ptr_array_add(list, row);
		if (!stp_coverage_of_pen(db, stp_rows_int(rows, 0), &row->coverage, error))
			return NULL;
	}
	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return NULL;
	}
	return g_steal_pointer(&list);
}
