/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* Power-ups in which nobody met the pen: they lie between those before and after them. */

#include "store-times.h"

#include "time-limits.h"

/* A power-up within one log.  Their ids ascend, so that each ended before the next one began. */
typedef struct {
	guint32 epoch, boot_id;
	gint64 last_tick_ms;	/* it lasted until then at least */
	gboolean wanted;	/* it has sessions that want a time */
	gboolean loaded;
	StpBootClock *clock;	/* NULL: no contact that counts */
	/* When it began; for those without a clock. */
	gint64 earliest_us, latest_us;
} Boot;

static void
boot_clear(gpointer data)
{
	g_clear_pointer(&((Boot *)data)->clock, stp_boot_clock_free);
}

static gboolean
take_error(GError *local, GError **error)
{
	if (local == NULL)
		return TRUE;
	g_propagate_error(error, local);
	return FALSE;
}

static Boot *
boot_at(GArray *boots, guint i)
{
	return &g_array_index(boots, Boot, i);
}

/* All that the pen's records, sessions and contacts name, in order. */
static GArray *
list_boots(StpDatabase *db, gint64 pen, GError **error)
{
	static const char sql[] =
		"SELECT epoch, boot_id, max(tick), max(wanted) FROM ("
		" SELECT epoch, listed_boot_id AS boot_id, listed_tick_ms AS tick, 0 AS wanted FROM record WHERE pen = ?1"
		" UNION ALL SELECT epoch, part.boot_id, part.start_tick_ms + part.duration_ms, 0"
		"  FROM part JOIN session USING (session) WHERE session.pen = ?1"
		" UNION ALL SELECT epoch, boot_id, tick_ms, 0 FROM anchor WHERE pen = ?1 AND epoch <> 0"
		" UNION ALL SELECT epoch, boot_id, tick_ms, 0 FROM pen_time WHERE pen = ?1"
		" UNION ALL SELECT epoch, boot_id, start_tick_ms, 1 FROM session WHERE pen = ?1 AND quality IN (?2, ?3))"
		" WHERE boot_id <> 0 GROUP BY epoch, boot_id ORDER BY epoch, boot_id";
	g_autoptr(GArray) boots = g_array_new(FALSE, TRUE, sizeof(Boot));
	GError *local = NULL;
	g_autoptr(StpRows) rows = stp_database_query(
		db, sql, STP_VALUES(STP_INT(pen), STP_INT(STP_TIME_UNKNOWN), STP_INT(STP_TIME_BOUNDED)), error);

	if (rows == NULL)
		return NULL;
	g_array_set_clear_func(boots, boot_clear);
	while (stp_rows_next(rows, &local)) {
		Boot boot = {
			.epoch = (guint32)stp_rows_int(rows, 0),
			.boot_id = (guint32)stp_rows_int(rows, 1),
			.last_tick_ms = stp_rows_int(rows, 2),
			.wanted = stp_rows_int(rows, 3) != 0,
		};

		g_array_append_val(boots, boot);
	}
	return take_error(local, error) ? g_steal_pointer(&boots) : NULL;
}

/* A clock that nobody vouched for bounds nothing. */
static gboolean
load(StpDatabase *db, gint64 pen, Boot *boot, GError **error)
{
	StpPlace place;

	if (boot->loaded)
		return TRUE;
	boot->loaded = TRUE;
	if (!stp_times_load_clock(db, pen, boot->epoch, boot->boot_id, &boot->clock, error))
		return FALSE;
	if (boot->clock == NULL)
		return TRUE;
	stp_boot_clock_place(boot->clock, 0, &place);
	if (place.quality == STP_TIME_UNCONFIRMED)
		g_clear_pointer(&boot->clock, stp_boot_clock_free);
	return TRUE;
}

/* The shortest that so many ticks can have taken. */
static gint64
least_us(gint64 ms)
{
	return ms * 1000 - ms / 1000000 * STP_DRIFT_ASSUMED_PPB - ms % 1000000 * STP_DRIFT_ASSUMED_PPB / 1000000 - 1;
}

static gint64
most_us(gint64 ms)
{
	return 2 * ms * 1000 - least_us(ms);
}

/* When a power-up without contact can have begun at the earliest: when the one before it was over. */
static gboolean
bound_below(StpDatabase *db, gint64 pen, GArray *boots, guint i, GError **error)
{
	Boot *boot = boot_at(boots, i), *before = i > 0 ? boot_at(boots, i - 1) : NULL;
	StpPlace place;

	boot->earliest_us = G_MININT64;
	if (before == NULL || before->epoch != boot->epoch)
		return TRUE;
	if (!load(db, pen, before, error))
		return FALSE;
	if (before->clock != NULL) {
		stp_boot_clock_place(before->clock, before->last_tick_ms, &place);
		boot->earliest_us = place.earliest_us;
	} else if (before->earliest_us != G_MININT64) {
		boot->earliest_us = before->earliest_us + least_us(before->last_tick_ms);
	}
	return TRUE;
}

/* And at the latest: so that it was over when the next one began. */
static gboolean
bound_above(StpDatabase *db, gint64 pen, GArray *boots, guint i, GError **error)
{
	Boot *boot = boot_at(boots, i), *after = i + 1 < boots->len ? boot_at(boots, i + 1) : NULL;
	StpPlace place;

	boot->latest_us = G_MAXINT64;
	if (after == NULL || after->epoch != boot->epoch)
		return TRUE;
	if (!load(db, pen, after, error))
		return FALSE;
	if (after->clock != NULL) {
		stp_boot_clock_place(after->clock, 0, &place);
		boot->latest_us = place.latest_us - least_us(boot->last_tick_ms);
	} else if (after->latest_us != G_MAXINT64) {
		boot->latest_us = after->latest_us - least_us(boot->last_tick_ms);
	}
	return TRUE;
}

static gboolean
place_within(StpDatabase *db, gint64 pen, const Boot *boot, StpTimeNews *news, GError **error)
{
	g_autoptr(GPtrArray) sessions = stp_times_sessions(db, pen, boot->epoch, boot->boot_id, error);
	gboolean bounded = boot->earliest_us != G_MININT64 && boot->latest_us != G_MAXINT64 &&
			   boot->earliest_us <= boot->latest_us;

	if (sessions == NULL)
		return FALSE;
	for (guint i = 0; i < sessions->len; i++) {
		const StpTimedSession *session = g_ptr_array_index(sessions, i);
		StpPlace place = { .quality = STP_TIME_UNKNOWN };

		if (session->quality != STP_TIME_UNKNOWN && session->quality != STP_TIME_BOUNDED)
			continue;
		if (bounded) {
			place.earliest_us = boot->earliest_us + least_us(session->start_tick_ms);
			place.latest_us = boot->latest_us + most_us(session->start_tick_ms);
			place.utc_us = place.earliest_us + (place.latest_us - place.earliest_us) / 2;
			if (place.latest_us - place.earliest_us <= 2 * STP_BOUND_MAX_US)
				place.quality = STP_TIME_BOUNDED;
		}
		if (!stp_times_note(db, session, &place, news, error))
			return FALSE;
	}
	return TRUE;
}

/* Neighbours without a contact bound each other by how long they lasted, so all of a stretch are gone through. */
static gboolean
settle_boots(StpDatabase *db, gint64 pen, GArray *boots, StpTimeNews *news, GError **error)
{
	for (guint i = 0; i < boots->len; i++)
		if (!load(db, pen, boot_at(boots, i), error) || !bound_below(db, pen, boots, i, error))
			return FALSE;
	for (guint i = boots->len; i-- > 0;)
		if (!bound_above(db, pen, boots, i, error))
			return FALSE;
	for (guint i = 0; i < boots->len; i++) {
		const Boot *boot = boot_at(boots, i);

		if (boot->wanted && boot->clock == NULL && !place_within(db, pen, boot, news, error))
			return FALSE;
	}
	return TRUE;
}

gboolean
stp_times_settle(StpDatabase *db, gint64 pen, StpTimeNews *news, GError **error)
{
	static const char wanted[] = "SELECT EXISTS (SELECT 1 FROM session WHERE pen = ? AND quality IN (?, ?))";
	g_autoptr(GArray) boots = NULL;
	gint64 some;

	if (!stp_database_get_int(db, wanted,
				  STP_VALUES(STP_INT(pen), STP_INT(STP_TIME_UNKNOWN), STP_INT(STP_TIME_BOUNDED)), 0,
				  &some, error))
		return FALSE;
	if (some == 0)
		return TRUE;
	boots = list_boots(db, pen, error);
	return boots != NULL && settle_boots(db, pen, boots, news, error);
}

gboolean
stp_times_settle_all(StpDatabase *db, GError **error)
{
	static const char sql[] = "SELECT pen FROM pen WHERE pen > ? ORDER BY pen LIMIT 1";
	gint64 pen = 0;

	for (;;) {
		gint64 last = pen;

		if (!stp_database_get_int(db, sql, STP_VALUES(STP_INT(last)), 0, &pen, error))
			return FALSE;
		if (pen == 0)
			return TRUE;
		if (!stp_times_settle(db, pen, NULL, error))
			return FALSE;
	}
}
