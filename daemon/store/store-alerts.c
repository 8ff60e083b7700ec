/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "store-alerts.h"

#include "log.h"

const char *
stp_alert_level_name(StpAlertLevel level)
{
	switch (level) {
	case STP_ALERT_NOTICE:
		return "notice";
	case STP_ALERT_WARNING:
		return "warning";
	case STP_ALERT_CRITICAL:
		return "critical";
	}
	g_return_val_if_reached("warning");
}

StpAlert *
stp_alert_copy(const StpAlert *alert)
{
	StpAlert *copy = g_new(StpAlert, 1);

	*copy = *alert;
	copy->kind = g_strdup(alert->kind);
	copy->subject = g_strdup(alert->subject);
	copy->text = g_strdup(alert->text);
	copy->hint = g_strdup(alert->hint);
	return copy;
}

void
stp_alert_free(StpAlert *alert)
{
	if (alert == NULL)
		return;
	g_free(alert->kind);
	g_free(alert->subject);
	g_free(alert->text);
	g_free(alert->hint);
	g_free(alert);
}

static gboolean
forget_old(StpDatabase *db, GError **error)
{
	static const char sql[] = "DELETE FROM alert WHERE ended <> 0 AND alert NOT IN"
				  " (SELECT alert FROM alert WHERE ended <> 0 ORDER BY alert DESC LIMIT ?)";

	return stp_database_run(db, sql, STP_VALUES(STP_INT(STP_ALERTS_KEPT)), error);
}

gboolean
stp_alerts_put(StpDatabase *db, const StpAlert *alert, GError **error)
{
	static const char sql[] =
		"INSERT INTO alert (kind, subject, level, text, hint, since, last, count, ended, acknowledged)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, ?9)"
		" ON CONFLICT (kind, subject) WHERE ended = 0 DO UPDATE SET level = ?3, text = ?4, hint = ?5,"
		"  since = ?6, last = ?7, count = ?8, acknowledged = ?9";
	static const char end[] = "UPDATE alert SET ended = ?3 WHERE kind = ?1 AND subject = ?2 AND ended = 0";

	if (!stp_database_run(db, sql,
			      STP_VALUES(STP_TEXT(alert->kind), STP_TEXT(alert->subject), STP_INT(alert->level),
					 STP_TEXT(alert->text), STP_TEXT(alert->hint), STP_INT(alert->since),
					 STP_INT(alert->last), STP_INT(alert->count),
					 STP_INT(alert->acknowledged)),
			      error))
		return FALSE;
	if (alert->ended == 0)
		return TRUE;
	return stp_database_run(
		       db, end,
		       STP_VALUES(STP_TEXT(alert->kind), STP_TEXT(alert->subject), STP_INT(alert->ended)),
		       error) &&
	       forget_old(db, error);
}

static StpAlert *
read_alert(StpRows *rows)
{
	gint64 level = stp_rows_int(rows, 2);
	StpAlert *alert = g_new0(StpAlert, 1);

	alert->kind = g_strdup(stp_rows_text(rows, 0));
	alert->subject = g_strdup(stp_rows_text(rows, 1));
	/* A file is not trusted to hold only what we wrote. */
	alert->level = level >= STP_ALERT_NOTICE && level <= STP_ALERT_CRITICAL ? (StpAlertLevel)level :
										  STP_ALERT_WARNING;
	alert->text = g_strdup(stp_rows_text(rows, 3));
	alert->hint = g_strdup(stp_rows_text(rows, 4));
	alert->since = stp_rows_int(rows, 5);
	alert->last = stp_rows_int(rows, 6);
	alert->count = (guint)stp_rows_int(rows, 7);
	alert->ended = stp_rows_int(rows, 8);
	alert->acknowledged = stp_rows_int(rows, 9);
	return alert;
}

GPtrArray *
stp_alerts_list(StpDatabase *db, gboolean open, GError **error)
{
	static const char columns_open[] =
		"SELECT kind, subject, level, text, hint, since, last, count, ended, acknowledged FROM alert"
		" WHERE ended = 0 ORDER BY since, alert";
	static const char columns_ended[] =
		"SELECT kind, subject, level, text, hint, since, last, count, ended, acknowledged FROM alert"
		" WHERE ended <> 0 ORDER BY ended DESC, alert DESC";
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)stp_alert_free);
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows =
		stp_database_query(db, open ? columns_open : columns_ended, NULL, error);

	if (rows == NULL)
		return NULL;
	while (stp_rows_next(rows, &local))
		g_ptr_array_add(list, read_alert(rows));
	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return NULL;
	}
	return g_steal_pointer(&list);
}
