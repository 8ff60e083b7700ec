/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "store-times.h"

#include "store-coverage.h"
#include "store-pens.h"

#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

/* The nearest anchor is the surest one, unless it was taken over a slow link. */
gboolean
stp_times_place_session(StpDatabase *db, gint64 session, GError **error)
{
	static const char sql[] =
		"UPDATE session SET (start, uncertainty_us, quality) = ("
		" SELECT max(1, utc + (start_tick_ms - tick_ms) * 1000),"
		"  uncertainty_us + abs(start_tick_ms - tick_ms) / " TEXT(STP_DRIFT_MS_PER_US) " AS unsure, ?2"
		"  FROM (SELECT anchor, tick_ms, utc, uncertainty_us FROM anchor"
		"   WHERE anchor.pen = session.pen AND anchor.boot_id = session.boot_id)"
		"  ORDER BY unsure, anchor LIMIT 1)"
		" WHERE session = ?1 AND EXISTS (SELECT 1 FROM anchor"
		"  WHERE anchor.pen = session.pen AND anchor.boot_id = session.boot_id)";
	static const char forget[] = "UPDATE session SET start = 0, uncertainty_us = 0, quality = 0 WHERE session = ?";

	return stp_database_run(db, forget, STP_VALUES(STP_INT(session)), error) &&
	       stp_database_run(db, sql, STP_VALUES(STP_INT(session), STP_INT(STP_TIME_ANCHORED)), error);
}

/* A new anchor can only make sessions of its boot surer. */
static gboolean
place_sessions(StpDatabase *db, gint64 pen, const struct stp_time_anchor *anchor, GError **error)
{
	static const char sql[] =
		"UPDATE session SET start = max(1, ?4 + (start_tick_ms - ?3) * 1000),"
		"  uncertainty_us = ?5 + abs(start_tick_ms - ?3) / " TEXT(STP_DRIFT_MS_PER_US) ", quality = ?6"
		" WHERE pen = ?1 AND boot_id = ?2 AND (quality <> ?6 OR"
		"  uncertainty_us > ?5 + abs(start_tick_ms - ?3) / " TEXT(STP_DRIFT_MS_PER_US) ")";

	return stp_database_run(db, sql,
				STP_VALUES(STP_INT(pen), STP_INT(anchor->boot_id), STP_INT(anchor->tick_ms),
					   STP_INT(anchor->utc_us), STP_INT(anchor->uncertainty_us),
					   STP_INT(STP_TIME_ANCHORED)),
				error);
}

static gboolean
put_anchor(StpDatabase *db, gint64 pen, const struct stp_time_anchor *anchor, GError **error)
{
	static const char sql[] = "INSERT INTO anchor (pen, boot_id, tick_ms, utc, uncertainty_us, taken_at)"
				  " VALUES (?, ?, ?, ?, ?, ?)";

	return stp_database_run(db, sql,
				STP_VALUES(STP_INT(pen), STP_INT(anchor->boot_id), STP_INT(anchor->tick_ms),
					   STP_INT(anchor->utc_us), STP_INT(anchor->uncertainty_us),
					   STP_INT(g_get_real_time())),
				error) &&
	       place_sessions(db, pen, anchor, error);
}

gboolean
stp_times_put_state(StpDatabase *db, const char *serial, guint32 epoch, guint32 oldest, guint32 newest,
		    const struct stp_time_anchor *anchor, GError **error)
{
	static const char put[] = "UPDATE epoch SET oldest = ?3, newest = max(newest, ?4), last_seen = ?5"
				  " WHERE pen = ?1 AND epoch = ?2";
	static const char name[] = "UPDATE pen SET current_epoch = ?2 WHERE pen = ?1";
	gint64 pen;

	if (!stp_pens_ensure(db, serial, &pen, error) || !stp_epoch_ensure(db, pen, epoch, error))
		return FALSE;
	if (!stp_database_run(db, put,
			      STP_VALUES(STP_INT(pen), STP_INT(epoch), STP_INT(oldest), STP_INT(newest),
					 STP_INT(g_get_real_time())),
			      error) ||
	    !stp_database_run(db, name, STP_VALUES(STP_INT(pen), STP_INT(epoch)), error))
		return FALSE;
	return anchor == NULL || put_anchor(db, pen, anchor, error);
}
