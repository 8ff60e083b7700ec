/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "store-enrolment.h"

#include "clock.h"
#include "error.h"
#include "store-coverage.h"
#include "store-pens.h"

void
stp_pen_address_free(StpPenAddress *address)
{
	if (address == NULL)
		return;
	g_free(address->address);
	g_free(address->adapter);
	g_free(address);
}

static const char *
or_empty(const char *text)
{
	return text != NULL ? text : "";
}

static gboolean
note_address(StpDatabase *db, gint64 pen, const StpPenRow *row, GError **error)
{
	static const char sql[] =
		"INSERT INTO pen_address (pen, address, adapter, first_seen, last_seen) VALUES (?1, ?2, '', ?3, ?3)"
		" ON CONFLICT (pen, address, adapter) DO UPDATE SET last_seen = max(last_seen, ?3)";

	if (*or_empty(row->address) == '\0')
		return TRUE;
	return stp_database_run(db, sql,
				STP_VALUES(STP_INT(pen), STP_TEXT(row->address), STP_INT(row->last_seen)), error);
}

gboolean
stp_enrolment_put(StpDatabase *db, const StpPenRow *row, GError **error)
{
	static const char sql[] = "INSERT INTO enrolment (pen, bond) VALUES (?1, ?2)"
				  " ON CONFLICT (pen) DO UPDATE SET bond = ?2";
	gint64 pen;

	return stp_pens_ensure(db, row->serial, &pen, error) &&
	       stp_database_run(db, sql, STP_VALUES(STP_INT(pen), STP_INT(row->bond)), error) &&
	       note_address(db, pen, row, error);
}

gboolean
stp_enrolment_put_identity(StpDatabase *db, const StpPenRow *row, GError **error)
{
	static const char sql[] =
		"UPDATE pen SET maker = ?2, model = ?3, hardware = ?5, battery = ?6,"
		"  last_seen = max(last_seen, ?7), firmware = ?4,"
		"  firmware_since = iif(firmware NOT IN ('', ?4), ?8, firmware_since) WHERE pen = ?1";
	gint64 pen;

	/*
	 * Where it is looked for is said by who enrols it: a sync that ends after the pen was enrolled at another
	 * address knows the old one.
	 */
	return stp_pens_ensure(db, row->serial, &pen, error) &&
	       stp_database_run(db, sql,
				STP_VALUES(STP_INT(pen), STP_TEXT(or_empty(row->maker)),
					   STP_TEXT(or_empty(row->model)), STP_TEXT(or_empty(row->firmware)),
					   STP_TEXT(or_empty(row->hardware)), STP_INT(row->battery),
					   STP_INT(row->last_seen), STP_INT(stp_clock_wall())),
				error) &&
	       note_address(db, pen, row, error);
}

/* Over all of its logs. */
static gboolean
count_missing(StpDatabase *db, const char *serial, gint64 *missing, GError **error)
{
	g_autoptr(GPtrArray) logs = stp_coverage_list(db, serial, error);

	if (logs == NULL)
		return FALSE;
	*missing = 0;
	for (guint i = 0; i < logs->len; i++) {
		const StpCoverage *log = g_ptr_array_index(logs, i);

		*missing += (gint64)log->missing + log->damaged;
	}
	return TRUE;
}

gboolean
stp_enrolment_retire(StpDatabase *db, const char *serial, StpRetiredFlags how, gint64 now, GError **error)
{
	static const char end[] = "UPDATE pen SET enrolled = 0 WHERE pen = ?1";
	/* The key is gone with the enrolment: a later bond has to prove itself again. */
	static const char note[] =
		"INSERT INTO enrolment (pen, bond, retired_at, retired_how, retired_missing) VALUES (?1, 0, ?2, ?3, ?4)"
		" ON CONFLICT (pen) DO UPDATE SET bond = 0, retired_at = ?2, retired_how = ?3, retired_missing = ?4";
	gint64 pen = 0, missing = 0;

	if (!stp_database_get_int(db, "SELECT pen FROM pen WHERE serial = ? AND enrolled <> 0",
				  STP_VALUES(STP_TEXT(serial)), 0, &pen, error))
		return FALSE;
	if (pen == 0) {
		g_set_error(error, STP_ERROR, STP_ERROR_NOT_FOUND,
			    "No pen %s is enrolled. 'stipplectl pens list' shows those that are.", serial);
		return FALSE;
	}
	return count_missing(db, serial, &missing, error) &&
	       stp_database_run(db, end, STP_VALUES(STP_INT(pen)), error) &&
	       stp_database_run(db, note, STP_VALUES(STP_INT(pen), STP_INT(now), STP_INT(how), STP_INT(missing)),
				error);
}

GPtrArray *
stp_enrolment_addresses(StpDatabase *db, const char *serial, GError **error)
{
	static const char sql[] =
		"SELECT at.address, at.adapter, at.first_seen, at.last_seen FROM pen_address AS at JOIN pen USING (pen)"
		" WHERE serial = ? ORDER BY at.last_seen DESC, at.address";
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)stp_pen_address_free);
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows = stp_database_query(db, sql, STP_VALUES(STP_TEXT(serial)), error);

	if (rows == NULL)
		return NULL;
	while (stp_rows_next(rows, &local)) {
		StpPenAddress *address = g_new0(StpPenAddress, 1);

		address->address = g_strdup(stp_rows_text(rows, 0));
		address->adapter = g_strdup(stp_rows_text(rows, 1));
		address->first_seen = stp_rows_int(rows, 2);
		address->last_seen = stp_rows_int(rows, 3);
		g_ptr_array_add(list, address);
	}
	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return NULL;
	}
	return g_steal_pointer(&list);
}

char *
stp_enrolment_find_former(StpDatabase *db, const char *address, GError **error)
{
	static const char sql[] =
		"SELECT serial FROM pen_address AS at JOIN pen USING (pen)"
		" WHERE at.address = ?1 COLLATE NOCASE AND enrolled <> 0 AND pen.address <> '' AND NOT EXISTS"
		"  (SELECT 1 FROM pen AS now WHERE now.enrolled <> 0 AND now.address = ?1 COLLATE NOCASE)"
		" ORDER BY at.last_seen DESC LIMIT 1";
	g_autoptr(StpRows) rows = stp_database_query(db, sql, STP_VALUES(STP_TEXT(address)), error);

	return rows != NULL && stp_rows_next(rows, error) ? g_strdup(stp_rows_text(rows, 0)) : NULL;
}
