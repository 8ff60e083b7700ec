/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "store-live.h"

#include "clock.h"
#include "store-findings.h"

/* A motor that still turns, or was just switched on, is at the edge of its session. */
#define EDGE_MS "5000"

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
	gint64 some;

	if (!stp_database_get_int(db, any, STP_VALUES(STP_INT(pen)), 0, &some, error))
		return FALSE;
	if (some == 0)
		return TRUE;
	return forget_found(db, pen, error) && note_missing(db, pen, serial, made, error) &&
	       stp_database_run(db, done, STP_VALUES(STP_INT(pen)), error);
}
