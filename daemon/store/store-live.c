/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "store-live.h"

#include "clock.h"
#include "store-findings.h"

/* A motor that still turns, or was just switched on, is at the edge of its session. */
#define EDGE 5000
#define EDGE_MS G_STRINGIFY(EDGE)

gboolean
stp_live_put(StpDatabase *db, gint64 pen, gint64 anchor, GError **error)
{
	static const char sql[] = "INSERT OR IGNORE INTO seen_running (anchor, pen, epoch, boot_id, tick_ms)"
				  " SELECT anchor, pen, epoch, boot_id, tick_ms FROM anchor WHERE anchor = ? AND pen = ?";

	return stp_database_run(db, sql, STP_VALUES(STP_INT(anchor), STP_INT(pen)), error);
}

/* Seen, and written: nothing is left to be asked. */
static gboolean
forget_found(StpDatabase *db, gint64 pen, GError **error)
{
	static const char sql[] =
		"DELETE FROM seen_running WHERE pen = ?1 AND EXISTS (SELECT 1 FROM session JOIN part USING (session)"
		"  WHERE session.pen = ?1 AND session.epoch = seen_running.epoch"
		"   AND part.boot_id = seen_running.boot_id"
		"   AND seen_running.tick_ms BETWEEN part.start_tick_ms - " EDGE_MS
		"    AND part.start_tick_ms + part.duration_ms + " EDGE_MS ")";

	return stp_database_run(db, sql, STP_VALUES(STP_INT(pen)), error);
}

/* Those of power-ups that are over, one for each. */
#define OVER \
	"pen = ?1 AND EXISTS (SELECT 1 FROM anchor WHERE anchor.pen = ?1 AND anchor.epoch = seen_running.epoch" \
	" AND anchor.boot_id > seen_running.boot_id)"

static gboolean
note_missing(StpDatabase *db, gint64 pen, const char *serial, GPtrArray *made, GError **error)
{
	static const char sql[] = "SELECT epoch, boot_id, count(*), min(tick_ms), max(tick_ms) FROM seen_running WHERE " OVER
				  " GROUP BY epoch, boot_id ORDER BY epoch, boot_id";
	g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GArray) epochs = g_array_new(FALSE, FALSE, sizeof(guint32));
	GError *local = NULL;
	g_autoptr(StpRows) rows = stp_database_query(db, sql, STP_VALUES(STP_INT(pen)), error);

	if (rows == NULL)
		return FALSE;
	while (stp_rows_next(rows, &local)) {
		guint32 epoch = (guint32)stp_rows_int(rows, 0);

		g_array_append_val(epochs, epoch);
		g_ptr_array_add(texts, g_strdup_printf(
			"The pen's motor ran at %" G_GINT64_FORMAT " contacts, %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT
			" s after its power-up %" G_GINT64_FORMAT ", and its log has 0 sessions of that time.",
			stp_rows_int(rows, 2), stp_rows_int(rows, 3) / 1000, stp_rows_int(rows, 4) / 1000,
			stp_rows_int(rows, 1)));
	}
	if (local != NULL) {
		g_propagate_error(error, local);
		return FALSE;
	}
	for (guint i = 0; i < texts->len; i++) {
		const StpNote note = {
			.pen = pen,
			.serial = serial,
			.epoch = g_array_index(epochs, guint32, i),
			.kind = "live",
			.text = g_ptr_array_index(texts, i),
			.hint = "A session was lost before it was a record, as when the battery is taken out. Write down by "
				"hand what was done then, and have the pen looked at if it happens again.",
			.at = stp_clock_wall(),
		};

		if (!stp_findings_note(db, &note, made, error))
			return FALSE;
	}
	return TRUE;
}

gboolean
stp_live_reconcile(StpDatabase *db, gint64 pen, const char *serial, GPtrArray *made, GError **error)
{
	static const char any[] = "SELECT EXISTS (SELECT 1 FROM seen_running WHERE pen = ?)";
	static const char done[] = "DELETE FROM seen_running WHERE " OVER;
	/* Whose session is not here now will not come: seen_running knows of it, too. */
	static const char unheard[] =
		"DELETE FROM heard_live WHERE pen = ?1 AND EXISTS (SELECT 1 FROM anchor WHERE anchor.pen = ?1"
		" AND anchor.epoch = heard_live.epoch AND anchor.boot_id > heard_live.boot_id)";
	gint64 some;

	if (!stp_database_run(db, unheard, STP_VALUES(STP_INT(pen)), error))
		return FALSE;

	if (!stp_database_get_int(db, any, STP_VALUES(STP_INT(pen)), 0, &some, error))
		return FALSE;
	if (some == 0)
		return TRUE;
	return forget_found(db, pen, error) && note_missing(db, pen, serial, made, error) &&
	       stp_database_run(db, done, STP_VALUES(STP_INT(pen)), error);
}

/* ---- what live frames told ---- */

/* As fast as a motor can go, 5000 in 0.1 Hz: what it may have made between two moments. */
#define STROKES_PER_S 500

gboolean
stp_live_put_tally(StpDatabase *db, gint64 pen, const StpLiveTally *tally, GError **error)
{
	static const char sql[] = "INSERT INTO heard_live (pen, epoch, boot_id, first_tick_ms, last_tick_ms,"
				  " stopped_tick_ms, strokes, frames, lost) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";

	if (tally->frames == 0)
		return TRUE;
	return stp_database_run(db, sql,
				STP_VALUES(STP_INT(pen), STP_INT(tally->epoch), STP_INT(tally->boot_id),
					   STP_INT(tally->first_tick_ms), STP_INT(tally->last_tick_ms),
					   STP_INT(tally->stopped_tick_ms), STP_INT(tally->strokes),
					   STP_INT(tally->frames), STP_INT(tally->lost)),
				error);
}

/* No edge here: a motor may be switched on again within seconds, and is not to be held against the record before. */
#define SESSION_OF_HEARD \
	"session.pen = heard_live.pen AND session.epoch = heard_live.epoch AND session.boot_id = heard_live.boot_id" \
	" AND session.complete AND session.start_tick_ms <= heard_live.last_tick_ms" \
	" AND (SELECT max(part.start_tick_ms + part.duration_ms) FROM part WHERE part.session = session.session)" \
	"  >= heard_live.first_tick_ms"

typedef struct {
	guint32 epoch, record;
	gint64 first, last, stopped, strokes, frames, lost;	/* heard */
	gint64 start, end, written, parts, period;		/* the session's */
} Pair;

/* NULL: they agree. */
static char *
disagreement(const Pair *pair)
{
	/* Each part may round its own, and ends with a whole sample. */
	const gint64 round = pair->parts + pair->period * STROKES_PER_S / 1000;
	const gint64 later = (pair->stopped - pair->last) * STROKES_PER_S / 1000 + round;
	const gint64 more = pair->written - pair->strokes;

	if (pair->first < pair->start - EDGE || pair->last > pair->end + EDGE)
		return g_strdup_printf("Live, the motor ran from %" G_GINT64_FORMAT " to %" G_GINT64_FORMAT
				       " s after power-up; by its record, the session lasted from %" G_GINT64_FORMAT
				       " to %" G_GINT64_FORMAT " s.", pair->first / 1000, pair->last / 1000,
				       pair->start / 1000, pair->end / 1000);
	/* It may have gone on after a pause; then there are only more. */
	if (more >= -round && (pair->stopped == 0 || pair->end > pair->stopped + EDGE || (more & 0xFFFF) <= later ||
			       more < 0))
		return NULL;
	return g_strdup_printf("Live, the motor had made %s%" G_GINT64_FORMAT " strokes%s (%" G_GINT64_FORMAT
			       " frames, %" G_GINT64_FORMAT " lost); by its record, the session has %" G_GINT64_FORMAT ".",
			       pair->stopped == 0 ? "at least " : "", pair->strokes,
			       pair->stopped == 0 ? "" : " when it stopped", pair->frames, pair->lost, pair->written);
}

static gboolean
note_mismatch(StpDatabase *db, gint64 pen, const char *serial, const Pair *pair, GPtrArray *made, GError **error)
{
	g_autofree char *text = disagreement(pair);
	const StpNote note = {
		.pen = pen,
		.serial = serial,
		.epoch = pair->epoch,
		.record = pair->record,
		.kind = "live-mismatch",
		.text = text,
		.hint = "The record is kept as it came. Compare it with the pen's own display of that session; if it was "
			"not altered on its way, the pen counts wrongly: send both numbers to its maker.",
		.at = stp_clock_wall(),
	};

	return text == NULL || stp_findings_note(db, &note, made, error);
}

static GArray *
list_pairs(StpDatabase *db, gint64 pen, GError **error)
{
	/* Of several sessions, that with which it has most time in common. */
	static const char sql[] =
		"SELECT heard_live.epoch, (SELECT max(number) FROM part WHERE part.session = session.session),"
		" first_tick_ms, last_tick_ms, stopped_tick_ms, heard_live.strokes, frames, lost, session.start_tick_ms,"
		" (SELECT max(part.start_tick_ms + part.duration_ms) FROM part WHERE part.session = session.session),"
		" session.strokes, session.parts, session.period_ms,"
		" max(min(last_tick_ms, session.start_tick_ms + session.duration_ms)"
		"  - max(first_tick_ms, session.start_tick_ms))"
		" FROM heard_live JOIN session ON " SESSION_OF_HEARD " WHERE heard_live.pen = ? GROUP BY heard";
	g_autoptr(GArray) pairs = g_array_new(FALSE, FALSE, sizeof(Pair));
	GError *local = NULL;
	g_autoptr(StpRows) rows = stp_database_query(db, sql, STP_VALUES(STP_INT(pen)), error);

	if (rows == NULL)
		return NULL;
	while (stp_rows_next(rows, &local)) {
		const Pair pair = {
			.epoch = (guint32)stp_rows_int(rows, 0),
			.record = (guint32)stp_rows_int(rows, 1),
			.first = stp_rows_int(rows, 2),
			.last = stp_rows_int(rows, 3),
			.stopped = stp_rows_int(rows, 4),
			.strokes = stp_rows_int(rows, 5),
			.frames = stp_rows_int(rows, 6),
			.lost = stp_rows_int(rows, 7),
			.start = stp_rows_int(rows, 8),
			.end = stp_rows_int(rows, 9),
			.written = stp_rows_int(rows, 10),
			.parts = stp_rows_int(rows, 11),
			.period = stp_rows_int(rows, 12),
		};

		g_array_append_val(pairs, pair);
	}
	if (local != NULL) {
		g_propagate_error(error, local);
		return NULL;
	}
	return g_steal_pointer(&pairs);
}

gboolean
stp_live_compare(StpDatabase *db, gint64 pen, const char *serial, GPtrArray *made, GError **error)
{
	static const char any[] = "SELECT EXISTS (SELECT 1 FROM heard_live WHERE pen = ?)";
	static const char done[] = "DELETE FROM heard_live WHERE pen = ?1 AND EXISTS (SELECT 1 FROM session WHERE "
				   SESSION_OF_HEARD ")";
	g_autoptr(GArray) pairs = NULL;
	gint64 some;

	if (!stp_database_get_int(db, any, STP_VALUES(STP_INT(pen)), 0, &some, error))
		return FALSE;
	if (some == 0)
		return TRUE;
	pairs = list_pairs(db, pen, error);
	if (pairs == NULL)
		return FALSE;
	for (guint i = 0; i < pairs->len; i++)
		if (!note_mismatch(db, pen, serial, &g_array_index(pairs, Pair, i), made, error))
			return FALSE;
	return stp_database_run(db, done, STP_VALUES(STP_INT(pen)), error);
}
