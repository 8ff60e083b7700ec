/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "store-times.h"

#include "clock.h"
#include "store-coverage.h"
#include "store-findings.h"
#include "store-pens.h"

/*
 * Anchors of one boot that differ by more than they may, and this: one of our clock and the
 * pen's was set in between, and nothing tells which anchor is right.
 */
#define CLOCK_SLACK_US "2000000"

#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)

/* The nearest anchor is the surest one, unless it was taken over a slow link. */
gboolean
stp_times_place_session(StpDatabase *db, gint64 session, GError **error)
{
	static const char sql[] =
		"UPDATE session SET (start, uncertainty_us, quality) = ("
		" SELECT max(1, utc + (start_tick_ms - tick_ms) * 1000),"
		"  uncertainty_us + doubt_us + abs(start_tick_ms - tick_ms) / " TEXT(STP_DRIFT_MS_PER_US) " AS unsure, ?2"
		"  FROM (SELECT anchor, tick_ms, utc, uncertainty_us, doubt_us FROM anchor"
		"   WHERE anchor.pen = session.pen AND anchor.boot_id = session.boot_id)"
		"  ORDER BY unsure, anchor LIMIT 1)"
		" WHERE session = ?1 AND EXISTS (SELECT 1 FROM anchor"
		"  WHERE anchor.pen = session.pen AND anchor.boot_id = session.boot_id)";
	static const char forget[] = "UPDATE session SET start = 0, uncertainty_us = 0, quality = 0 WHERE session = ?";

	return stp_database_run(db, forget, STP_VALUES(STP_INT(session)), error) &&
	       stp_database_run(db, sql, STP_VALUES(STP_INT(session), STP_INT(STP_TIME_ANCHORED)), error);
}

/* The sessions of a boot whose anchors are not what they were. */
static gboolean
place_again(StpDatabase *db, gint64 pen, guint32 boot_id, GError **error)
{
	g_autoptr(GArray) sessions = g_array_new(FALSE, FALSE, sizeof(gint64));
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows = stp_database_query(db, "SELECT session FROM session WHERE pen = ? AND boot_id = ?",
						     STP_VALUES(STP_INT(pen), STP_INT(boot_id)), error);

	if (rows == NULL)
		return FALSE;
	while (stp_rows_next(rows, &local)) {
		gint64 session = stp_rows_int(rows, 0);

		g_array_append_val(sessions, session);
	}
	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	for (guint i = 0; i < sessions->len; i++)
		if (!stp_times_place_session(db, g_array_index(sessions, gint64, i), error))
			return FALSE;
	return TRUE;
}

/* By how much the boot's other anchors contradict this one at the most; 0: they do not. */
static gboolean
find_doubt(StpDatabase *db, gint64 pen, const struct stp_time_anchor *anchor, gint64 *doubt_us, GError **error)
{
	static const char sql[] =
		"SELECT coalesce(max(apart), 0) FROM ("
		" SELECT abs(?4 - (utc + (?3 - tick_ms) * 1000)) AS apart,"
		"  uncertainty_us + ?5 + abs(?3 - tick_ms) / " TEXT(STP_DRIFT_MS_PER_US) " + " CLOCK_SLACK_US " AS allowed"
		"  FROM anchor WHERE pen = ?1 AND boot_id = ?2) WHERE apart > allowed";
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows =
		stp_database_query(db, sql,
				   STP_VALUES(STP_INT(pen), STP_INT(anchor->boot_id), STP_INT(anchor->tick_ms),
					      STP_INT(anchor->utc_us), STP_INT(anchor->uncertainty_us)),
				   error);

	if (rows == NULL)
		return FALSE;
	*doubt_us = stp_rows_next(rows, &local) ? stp_rows_int(rows, 0) : 0;
	if (local == NULL)
		return TRUE;
	g_propagate_error(error, g_steal_pointer(&local));
	return FALSE;
}

/*
 * Doubt all that contradict each other, the new one (which is in already) too: the times of their
 * sessions then say how unsure they are, whichever anchor they go by.
 */
static gboolean
doubt_anchors(StpDatabase *db, gint64 pen, const struct stp_time_anchor *anchor, GError **error)
{
	static const char sql[] =
		"UPDATE anchor SET doubt_us = max(doubt_us, abs(?4 - (utc + (?3 - tick_ms) * 1000)))"
		" WHERE pen = ?1 AND boot_id = ?2 AND abs(?4 - (utc + (?3 - tick_ms) * 1000)) >"
		"  uncertainty_us + ?5 + abs(?3 - tick_ms) / " TEXT(STP_DRIFT_MS_PER_US) " + " CLOCK_SLACK_US;

	return stp_database_run(db, sql,
				STP_VALUES(STP_INT(pen), STP_INT(anchor->boot_id), STP_INT(anchor->tick_ms),
					   STP_INT(anchor->utc_us), STP_INT(anchor->uncertainty_us)),
				error) &&
	       place_again(db, pen, anchor->boot_id, error);
}

static gboolean
note_doubt(StpDatabase *db, gint64 pen, const char *serial, guint32 epoch, gint64 doubt_us, GPtrArray *made,
	   GError **error)
{
	g_autofree char *text = g_strdup_printf("The pen's clock and this computer's are %.1f s further apart than "
						"at an earlier contact.", (double)doubt_us / G_USEC_PER_SEC);
	const StpNote note = {
		.pen = pen,
		.serial = serial,
		.epoch = epoch,
		.kind = "clock",
		.text = text,
		.hint = "One of them was set in between. The times of this pen's sessions since it was switched on are "
			"that unsure, and say so; see to it that this computer's clock is right.",
		.at = stp_clock_wall(),
	};

	return stp_findings_note(db, &note, made, error);
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
put_anchor(StpDatabase *db, gint64 pen, const char *serial, guint32 epoch,
	   const struct stp_time_anchor *anchor, GPtrArray *made, GError **error)
{
	static const char sql[] = "INSERT INTO anchor (pen, boot_id, tick_ms, utc, uncertainty_us, taken_at, doubt_us)"
				  " VALUES (?, ?, ?, ?, ?, ?, ?)";
	gint64 doubt_us;

	if (!find_doubt(db, pen, anchor, &doubt_us, error) ||
	    !stp_database_run(db, sql,
				STP_VALUES(STP_INT(pen), STP_INT(anchor->boot_id), STP_INT(anchor->tick_ms),
					   STP_INT(anchor->utc_us), STP_INT(anchor->uncertainty_us),
					   STP_INT(stp_clock_wall()), STP_INT(doubt_us)),
				error))
		return FALSE;
	if (doubt_us == 0)
		return place_sessions(db, pen, anchor, error);
	return doubt_anchors(db, pen, anchor, error) && note_doubt(db, pen, serial, epoch, doubt_us, made, error);
}

gboolean
stp_times_put_state(StpDatabase *db, const char *serial, guint32 epoch, guint32 oldest, guint32 newest,
		    const struct stp_time_anchor *anchor, GPtrArray *made, GError **error)
{
	static const char put[] = "UPDATE epoch SET oldest = ?3, newest = max(newest, ?4), last_seen = ?5"
				  " WHERE pen = ?1 AND epoch = ?2";
	static const char name[] = "UPDATE pen SET current_epoch = ?2 WHERE pen = ?1";
	gint64 pen;

	if (!stp_pens_ensure(db, serial, &pen, error) || !stp_epoch_ensure(db, pen, epoch, error))
		return FALSE;
	if (!stp_database_run(db, put,
			      STP_VALUES(STP_INT(pen), STP_INT(epoch), STP_INT(oldest), STP_INT(newest),
					 STP_INT(stp_clock_wall())),
			      error) ||
	    !stp_database_run(db, name, STP_VALUES(STP_INT(pen), STP_INT(epoch)), error))
		return FALSE;
	return anchor == NULL || put_anchor(db, pen, serial, epoch, anchor, made, error);
}
