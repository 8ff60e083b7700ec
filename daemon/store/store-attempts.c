/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "store-attempts.h"

#include "store-pens.h"

void
stp_attempt_free(StpAttempt *attempt)
{
	if (attempt == NULL)
		return;
	g_free((char *)attempt->serial);
	g_free((char *)attempt->stage);
	g_free((char *)attempt->error);
	g_free((char *)attempt->notify);
	g_free((char *)attempt->link_end);
	g_free((char *)attempt->link_end_text);
	g_free((char *)attempt->trouble);
	g_free(attempt);
}

static const char *
or_empty(const char *text)
{
	return text != NULL ? text : "";
}

static gboolean
forget_old(StpDatabase *db, gint64 pen, GError **error)
{
	static const char sql[] = "DELETE FROM attempt WHERE pen = ?1 AND started <"
				  " (SELECT started FROM attempt WHERE pen = ?1 ORDER BY started DESC"
				  "  LIMIT 1 OFFSET ?2)";

	return stp_database_run(db, sql, STP_VALUES(STP_INT(pen), STP_INT(STP_ATTEMPTS_KEPT - 1)), error);
}

static gboolean
insert(StpDatabase *db, gint64 pen, const StpAttempt *attempt, GError **error)
{
	static const char sql[] =
		"INSERT INTO attempt (pen, started, ended, stage, records, damaged, given_up, bytes, mtu, error,"
		"  notify, switches, rssi, connect_tries, connect_ms, refreshes, data_ms, link_end,"
		"  link_end_text, trouble)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

	return stp_database_run(
		db, sql,
		STP_VALUES(STP_INT(pen), STP_INT(attempt->started), STP_INT(attempt->ended),
			   STP_TEXT(or_empty(attempt->stage)), STP_INT(attempt->records),
			   STP_INT(attempt->damaged), STP_INT(attempt->given_up), STP_INT(attempt->bytes),
			   STP_INT(attempt->mtu), STP_TEXT(or_empty(attempt->error)),
			   STP_TEXT(or_empty(attempt->notify)), STP_INT(attempt->switches),
			   attempt->has_rssi ? STP_INT(attempt->rssi) : STP_NULL,
			   STP_INT(attempt->connect_tries), STP_INT(attempt->connect_ms),
			   STP_INT(attempt->refreshes), STP_INT(attempt->data_ms),
			   STP_TEXT(or_empty(attempt->link_end)), STP_TEXT(or_empty(attempt->link_end_text)),
			   STP_TEXT(or_empty(attempt->trouble))),
		error);
}

gboolean
stp_attempts_put(StpDatabase *db, const StpAttempt *attempt, GError **error)
{
	static const char synced[] = "UPDATE pen SET last_sync = max(last_sync, ?2) WHERE pen = ?1";
	static const char room[] = "UPDATE pen SET log_capacity = ?2 WHERE pen = ?1 AND ?2 <> 0";
	gint64 pen;

	if (!stp_pens_ensure(db, attempt->serial, &pen, error) || !insert(db, pen, attempt, error) ||
	    !forget_old(db, pen, error) ||
	    !stp_database_run(db, room, STP_VALUES(STP_INT(pen), STP_INT(attempt->capacity)), error))
		return FALSE;
	if (*or_empty(attempt->error) != '\0' || g_strcmp0(attempt->stage, "yielded") == 0 ||
	    g_strcmp0(attempt->stage, "chosen") == 0)
		return TRUE;
	return stp_database_run(db, synced, STP_VALUES(STP_INT(pen), STP_INT(attempt->ended)), error);
}

static StpAttempt *
read_attempt(StpRows *rows)
{
	StpAttempt *attempt = g_new0(StpAttempt, 1);
	int column = 0;

	attempt->serial = g_strdup(stp_rows_text(rows, column++));
	attempt->started = stp_rows_int(rows, column++);
	attempt->ended = stp_rows_int(rows, column++);
	attempt->stage = g_strdup(stp_rows_text(rows, column++));
	attempt->records = (guint)stp_rows_int(rows, column++);
	attempt->damaged = (guint)stp_rows_int(rows, column++);
	attempt->given_up = (guint)stp_rows_int(rows, column++);
	attempt->bytes = (guint64)stp_rows_int(rows, column++);
	attempt->mtu = (guint)stp_rows_int(rows, column++);
	attempt->error = g_strdup(stp_rows_text(rows, column++));
	attempt->notify = g_strdup(stp_rows_text(rows, column++));
	attempt->switches = (guint)stp_rows_int(rows, column++);
	attempt->has_rssi = !stp_rows_is_null(rows, column);
	attempt->rssi = (int)stp_rows_int(rows, column++);
	attempt->connect_tries = (guint)stp_rows_int(rows, column++);
	attempt->connect_ms = (guint)stp_rows_int(rows, column++);
	attempt->refreshes = (guint)stp_rows_int(rows, column++);
	attempt->data_ms = (guint64)stp_rows_int(rows, column++);
	attempt->link_end = g_strdup(stp_rows_text(rows, column++));
	attempt->link_end_text = g_strdup(stp_rows_text(rows, column++));
	attempt->trouble = g_strdup(stp_rows_text(rows, column));
	return attempt;
}

GPtrArray *
stp_attempts_list(StpDatabase *db, const char *serial, guint limit, GError **error)
{
	static const char sql[] =
		"SELECT serial, started, ended, stage, records, damaged, given_up, bytes, mtu, error, notify,"
		" switches, rssi, connect_tries, connect_ms, refreshes, data_ms, link_end, link_end_text, trouble"
		" FROM attempt JOIN pen USING (pen) WHERE ?1 IS NULL OR serial = ?1"
		" ORDER BY started DESC, attempt DESC LIMIT ?2";
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)stp_attempt_free);
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows = stp_database_query(
		db, sql, STP_VALUES(serial != NULL ? STP_TEXT(serial) : STP_NULL, STP_INT(limit)), error);

	if (rows == NULL)
		return NULL;
	while (stp_rows_next(rows, &local))
		g_ptr_array_add(list, read_attempt(rows));
	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return NULL;
	}
	return g_steal_pointer(&list);
}
