/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "store-parts.h"

#include "store-types.h"
#include "store-times.h"

/* What a session is as the sum of its parts. */
typedef struct {
	guint parts;
	gboolean contiguous, ended;
	GByteArray *records;
	gint64 boot_id, start_tick_ms;
	gint64 duration_ms, motor_on_ms, strokes, samples;
	gint64 period_ms, set_depth_min_um, set_depth_max_um, set_rate_dhz, needles;
	GByteArray *cartridge;
	char *firmware;
	gint64 received;
	gboolean authenticated;
	StpSummary *summary;
} Sum;

static void
sum_clear(Sum *self)
{
	g_clear_pointer(&self->records, g_byte_array_unref);
	g_clear_pointer(&self->cartridge, g_byte_array_unref);
	g_clear_pointer(&self->firmware, g_free);
	g_clear_pointer(&self->summary, stp_summary_free);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Sum, sum_clear)

static gboolean
make_session(StpDatabase *db, const StpPartOrigin *origin, guint32 number, gint64 *session, GError **error)
{
	static const char find[] = "SELECT session FROM session WHERE pen = ? AND epoch = ? AND number = ?";
	static const char make[] = "INSERT INTO session (pen, epoch, number) VALUES (?, ?, ?)";
	const StpValue *name = STP_VALUES(STP_INT(origin->pen), STP_INT(origin->epoch), STP_INT(number));

	if (!stp_database_get_int(db, find, name, 0, session, error))
		return FALSE;
	if (*session != 0)
		return TRUE;
	if (!stp_database_run(db, make, name, error))
		return FALSE;
	*session = stp_database_last_row(db);
	return TRUE;
}

static gboolean
insert_part(StpDatabase *db, const StpPartOrigin *origin, const StpRecordDigest *digest, gint64 session,
	    GError **error)
{
	static const char sql[] =
		"INSERT INTO part (session, part, record, number, is_last, boot_id, start_tick_ms, duration_ms,"
		"  motor_on_ms, strokes, samples, period_ms, set_depth_min_um, set_depth_max_um, set_rate_dhz,"
		"  needles, cartridge, firmware, summary)"
		" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
	const struct stp_session_part *part = &digest->part;
	g_autoptr(GByteArray) summary = stp_summary_encode(digest->summary, part->part == 0 && part->last);

	return stp_database_run(
		db, sql,
		STP_VALUES(STP_INT(session), STP_INT(part->part), STP_INT(origin->record), STP_INT(origin->number),
			   STP_INT(part->last), STP_INT(digest->head.boot_id), STP_INT(digest->head.start_tick_ms),
			   STP_INT(part->duration_ms), STP_INT(part->motor_on_ms), STP_INT(part->strokes),
			   STP_INT(part->sample_count), STP_INT(part->period_ms), STP_INT(part->set_depth_min_um),
			   STP_INT(part->set_depth_max_um), STP_INT(part->set_rate_dhz), STP_INT(part->needles),
			   STP_BLOB(part->cartridge_uid, part->cartridge_uid_size),
			   STP_TEXT(digest->head.firmware), STP_BLOB(summary->data, summary->len)),
		error);
}

static void
add_first(Sum *sum, StpRows *rows)
{
	gsize size;
	const guint8 *cartridge = stp_rows_blob(rows, 14, &size);

	sum->contiguous = TRUE;
	sum->authenticated = TRUE;
	sum->boot_id = stp_rows_int(rows, 3);
	sum->start_tick_ms = stp_rows_int(rows, 4);
	sum->period_ms = stp_rows_int(rows, 9);
	sum->needles = stp_rows_int(rows, 13);
	sum->set_depth_min_um = sum->set_depth_max_um = sum->set_rate_dhz = STP_ABSENT;
	sum->cartridge = g_byte_array_new();
	g_byte_array_append(sum->cartridge, cartridge, (guint)size);
	sum->firmware = g_strdup(stp_rows_text(rows, 15));
}

static void
add_row(Sum *sum, StpRows *rows)
{
	guint32 number = GUINT32_TO_LE((guint32)stp_rows_int(rows, 1));
	gint64 set_min = stp_rows_int(rows, 10), set_max = stp_rows_int(rows, 11);
	gsize size;
	const guint8 *summary = stp_rows_blob(rows, 16, &size);

	if (sum->parts == 0)
		add_first(sum, rows);
	sum->contiguous = sum->contiguous && !sum->ended && stp_rows_int(rows, 0) == sum->parts;
	sum->ended = sum->ended || stp_rows_int(rows, 2) != 0;
	sum->parts++;
	g_byte_array_append(sum->records, (const guint8 *)&number, sizeof(number));
	sum->duration_ms += stp_rows_int(rows, 5);
	sum->motor_on_ms += stp_rows_int(rows, 6);
	sum->strokes += stp_rows_int(rows, 7);
	sum->samples += stp_rows_int(rows, 8);
	/* Absent is the largest number, so it never is the smaller one. */
	sum->set_depth_min_um = MIN(sum->set_depth_min_um, set_min);
	if (set_max != STP_ABSENT && (sum->set_depth_max_um == STP_ABSENT || set_max > sum->set_depth_max_um))
		sum->set_depth_max_um = set_max;
	if (sum->set_rate_dhz == STP_ABSENT)
		sum->set_rate_dhz = stp_rows_int(rows, 12);
	sum->received = MAX(sum->received, stp_rows_int(rows, 17));
	sum->authenticated = sum->authenticated && stp_rows_int(rows, 18) != 0;
	stp_summary_add_encoded(sum->summary, summary, size);
}

static gboolean
sum_parts(StpDatabase *db, gint64 session, Sum *sum, GError **error)
{
	static const char sql[] =
		"SELECT part, part.number, is_last, boot_id, start_tick_ms, duration_ms, motor_on_ms, strokes, samples,"
		"  period_ms, set_depth_min_um, set_depth_max_um, set_rate_dhz, needles, cartridge, firmware,"
		"  summary, received_at, authenticated"
		" FROM part JOIN record USING (record) WHERE session = ? ORDER BY part";
	g_autoptr(GError) local = NULL;
	g_autoptr(StpRows) rows = stp_database_query(db, sql, STP_VALUES(STP_INT(session)), error);

	if (rows == NULL)
		return FALSE;
	while (stp_rows_next(rows, &local))
		add_row(sum, rows);
	if (local != NULL) {
		g_propagate_error(error, g_steal_pointer(&local));
		return FALSE;
	}
	return TRUE;
}

static gboolean
update_session(StpDatabase *db, gint64 session, GError **error)
{
	static const char sql[] =
		"UPDATE session SET boot_id = ?, start_tick_ms = ?, complete = ?, parts = ?, records = ?,"
		"  duration_ms = ?, motor_on_ms = ?, strokes = ?, samples = ?, period_ms = ?,"
		"  set_depth_min_um = ?, set_depth_max_um = ?, set_rate_dhz = ?, depth_max_um = ?,"
		"  depth_p50_um = ?, zones = ?, passes = ?, needles = ?, cartridge = ?, firmware = ?,"
		"  received = ?, authenticated = ? WHERE session = ?";
	g_auto(Sum) sum = { .records = g_byte_array_new(), .summary = stp_summary_new() };

	if (!sum_parts(db, session, &sum, error))
		return FALSE;
	if (!stp_database_run(
		    db, sql,
		    STP_VALUES(STP_INT(sum.boot_id), STP_INT(sum.start_tick_ms),
			       STP_INT(sum.contiguous && sum.ended), STP_INT(sum.parts),
			       STP_BLOB(sum.records->data, sum.records->len), STP_INT(sum.duration_ms),
			       STP_INT(sum.motor_on_ms), STP_INT(sum.strokes), STP_INT(sum.samples),
			       STP_INT(sum.period_ms), STP_INT(sum.set_depth_min_um),
			       STP_INT(sum.set_depth_max_um), STP_INT(sum.set_rate_dhz),
			       STP_INT(sum.summary->depth_max_um), STP_INT(stp_summary_depth_p50(sum.summary)),
			       STP_INT(stp_summary_zones(sum.summary)), STP_INT(stp_summary_passes(sum.summary)),
			       STP_INT(sum.needles), STP_BLOB(sum.cartridge->data, sum.cartridge->len),
			       STP_TEXT(sum.firmware), STP_INT(sum.received), STP_INT(sum.authenticated),
			       STP_INT(session)),
		    error))
		return FALSE;
	return stp_times_place_session(db, session, error);
}

gboolean
stp_parts_add(StpDatabase *db, const StpPartOrigin *origin, const StpRecordDigest *digest, gint64 *session,
	      GError **error)
{
	static const char taken[] = "SELECT count(*) FROM session JOIN part USING (session)"
				    " WHERE pen = ? AND epoch = ? AND session.number = ? AND part = ?";
	const struct stp_session_part *part = &digest->part;
	gint64 count;

	*session = 0;
	if (!stp_database_get_int(db, taken,
				  STP_VALUES(STP_INT(origin->pen), STP_INT(origin->epoch), STP_INT(part->session_no),
					     STP_INT(part->part)),
				  0, &count, error))
		return FALSE;
	if (count > 0)
		return TRUE;
	return make_session(db, origin, part->session_no, session, error) &&
	       insert_part(db, origin, digest, *session, error) && update_session(db, *session, error);
}

gboolean
stp_parts_forget_all(StpDatabase *db, GError **error)
{
	return stp_database_run(db, "DELETE FROM part", NULL, error) &&
	       stp_database_run(db, "DELETE FROM session", NULL, error);
}
