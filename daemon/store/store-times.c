/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "store-times.h"

#include "clock.h"
#include "host-clock.h"
#include "store-coverage.h"
#include "store-live.h"
#include "store-pens.h"
#include "store-sessions.h"
#include "time-limits.h"
#include "time-zone.h"

/* A pen that is asked every ten minutes for a month; more make no time surer, and each is compared with each. */
#define ANCHORS_MAX 128
/* A time that moves by less is not worth telling. */
#define MOVED_US (1 * G_USEC_PER_SEC)
/* A pen that says it was earlier has lost its clock, and counts from what it was made with. */
#define PEN_EARLIEST_MS G_GUINT64_CONSTANT(1420070400000)	/* 2015 */

void
stp_time_news_clear(StpTimeNews *news)
{
	g_clear_pointer(&news->timed, g_ptr_array_unref);
}

static gboolean
take_error(GError *local, GError **error)
{
	if (local == NULL)
		return TRUE;
	g_propagate_error(error, local);
	return FALSE;
}

/* ---- what is known of a power-up ---- */

/*
 * A contact of when nobody vouched for this computer's clock counts as well as any when somebody did
 * so before or after it without the computer having been switched off in between: its clock that nobody can set
 * tells how long that was.
 */
static void
vouch_afterwards(StpAnchor *anchor, StpRows *rows, gint64 host_us)
{
	gint64 apart_us = host_us - stp_rows_int(rows, 7);

	anchor->class = STP_ANCHOR_SYNCHRONISED;
	anchor->utc_us = stp_rows_int(rows, 6) + apart_us;
	anchor->uncertainty_us = stp_rows_int(rows, 2) + stp_rows_int(rows, 8) +
				 ABS(apart_us) / 1000 * STP_HOST_SLEW_PPB / 1000000 + 1;
}

static gboolean
load_contacts(StpDatabase *db, gint64 pen, guint32 epoch, guint32 boot_id, GArray *anchors, GError **error)
{
	static const char sql[] =
		"SELECT a.tick_ms, a.utc, a.uncertainty_us, a.host_error_us, a.trust, a.host_us,"
		"  ref.utc, ref.host_us, ref.host_error_us, a.anchor"
		" FROM anchor AS a LEFT JOIN anchor AS ref ON ref.anchor = coalesce("
		"  (SELECT anchor FROM anchor WHERE a.trust < ?4 AND a.host_boot <> '' AND host_boot = a.host_boot"
		"   AND trust = ?4 AND host_us >= a.host_us ORDER BY host_us LIMIT 1),"
		"  (SELECT anchor FROM anchor WHERE a.trust < ?4 AND a.host_boot <> '' AND host_boot = a.host_boot"
		"   AND trust = ?4 AND host_us < a.host_us ORDER BY host_us DESC LIMIT 1))"
		" WHERE a.pen = ?1 AND a.boot_id = ?3 AND a.epoch IN (0, ?2) ORDER BY a.tick_ms, a.anchor";
	GError *local = NULL;
	g_autoptr(StpRows) rows = stp_database_query(db, sql,
						     STP_VALUES(STP_INT(pen), STP_INT(epoch), STP_INT(boot_id),
								STP_INT(STP_CLOCK_SYNCHRONISED)),
						     error);

	if (rows == NULL)
		return FALSE;
	while (stp_rows_next(rows, &local)) {
		StpClockTrust trust = (StpClockTrust)stp_rows_int(rows, 4);
		StpAnchor anchor = {
			.tick_ms = stp_rows_int(rows, 0),
			.utc_us = stp_rows_int(rows, 1),
			.uncertainty_us = stp_rows_int(rows, 2) + stp_rows_int(rows, 3),
			.class = trust == STP_CLOCK_SYNCHRONISED ? STP_ANCHOR_SYNCHRONISED : STP_ANCHOR_UNSYNCHRONISED,
			.contact = stp_rows_int(rows, 9),
		};

		if (!stp_rows_is_null(rows, 6))
			vouch_afterwards(&anchor, rows, stp_rows_int(rows, 5));
		else if (trust == STP_CLOCK_IMPOSSIBLE)
			continue;
		g_array_append_val(anchors, anchor);
	}
	return take_error(local, error);
}

static gboolean
load_pen_times(StpDatabase *db, gint64 pen, guint32 epoch, guint32 boot_id, GArray *anchors, GError **error)
{
	static const char sql[] = "SELECT p.tick_ms, p.utc, p.uncertainty_us, r.number FROM pen_time AS p"
				  " JOIN record AS r USING (record) WHERE p.pen = ? AND p.epoch = ? AND p.boot_id = ?"
				  " ORDER BY p.tick_ms, p.record";
	GError *local = NULL;
	g_autoptr(StpRows) rows = stp_database_query(
		db, sql, STP_VALUES(STP_INT(pen), STP_INT(epoch), STP_INT(boot_id)), error);

	if (rows == NULL)
		return FALSE;
	while (stp_rows_next(rows, &local)) {
		StpAnchor anchor = {
			.tick_ms = stp_rows_int(rows, 0),
			.utc_us = stp_rows_int(rows, 1),
			.uncertainty_us = stp_rows_int(rows, 2),
			.class = stp_rows_int(rows, 2) > 0 ? STP_ANCHOR_PEN : STP_ANCHOR_PEN_VAGUE,
			.contact = stp_rows_int(rows, 3),
		};

		g_array_append_val(anchors, anchor);
	}
	return take_error(local, error);
}

/* Some of them, from the first to the last, and of each timeline one at least. */
static void
thin_out(GArray *anchors)
{
	guint step = (anchors->len + ANCHORS_MAX - 1) / ANCHORS_MAX, kept = 0;
	g_autoptr(GHashTable) timelines = g_hash_table_new(NULL, NULL);

	if (step < 2)
		return;
	for (guint i = 0; i < anchors->len; i++) {
		StpAnchor anchor = g_array_index(anchors, StpAnchor, i);

		if (g_hash_table_add(timelines, GUINT_TO_POINTER(anchor.timeline)) || i % step == 0 ||
		    i == anchors->len - 1)
			g_array_index(anchors, StpAnchor, kept++) = anchor;
	}
	g_array_set_size(anchors, kept);
}

static guint
last_timeline(const GArray *anchors)
{
	guint last = 0;

	for (guint i = 0; i < anchors->len; i++)
		last = MAX(last, g_array_index(anchors, StpAnchor, i).timeline);
	return last;
}

/* Else thinning out may take the few that count, and leave many that do not. */
static void
keep_best(GArray *anchors)
{
	guint count = last_timeline(anchors) + 1, kept = 0;
	g_autofree StpAnchorClass *best = g_new0(StpAnchorClass, count);	/* of each timeline; the vaguest is 0 */

	for (guint i = 0; i < anchors->len; i++) {
		const StpAnchor *anchor = &g_array_index(anchors, StpAnchor, i);

		best[anchor->timeline] = MAX(best[anchor->timeline], anchor->class);
	}
	for (guint i = 0; i < anchors->len; i++) {
		StpAnchor anchor = g_array_index(anchors, StpAnchor, i);

		if (anchor.class == best[anchor.timeline])
			g_array_index(anchors, StpAnchor, kept++) = anchor;
	}
	g_array_set_size(anchors, kept);
}

static void
tell_timelines(GArray *anchors)
{
	stp_boot_clock_tell_timelines((StpAnchor *)(void *)anchors->data, anchors->len);
}

gboolean
stp_times_load_clock(StpDatabase *db, gint64 pen, guint32 epoch, guint32 boot_id, StpBootClock **clock,
		     GError **error)
{
	g_autoptr(GArray) anchors = g_array_new(FALSE, FALSE, sizeof(StpAnchor));
	g_autoptr(GArray) pens = g_array_new(FALSE, FALSE, sizeof(StpAnchor));

	*clock = NULL;
	if (!load_contacts(db, pen, epoch, boot_id, anchors, error) ||
	    !load_pen_times(db, pen, epoch, boot_id, pens, error))
		return FALSE;
	tell_timelines(anchors);
	tell_timelines(pens);
	/* Where the ticks began anew between contacts, nothing tells in which count the pen said what. */
	if (last_timeline(anchors) == 0)
		g_array_append_vals(anchors, pens->data, pens->len);
	keep_best(anchors);
	thin_out(anchors);
	*clock = stp_boot_clock_new((const StpAnchor *)(const void *)anchors->data, anchors->len);
	return TRUE;
}

/* ---- sessions ---- */

static void
timed_session_free(gpointer data)
{
	StpTimedSession *session = data;

	g_free(session->id);
	g_free(session->zone);
	g_free(session);
}

static GPtrArray *
read_sessions(StpRows *rows, GError **error)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func(timed_session_free);
	GError *local = NULL;

	while (stp_rows_next(rows, &local)) {
		StpTimedSession *session = g_new0(StpTimedSession, 1);

		session->session = stp_rows_int(rows, 0);
		session->start_tick_ms = stp_rows_int(rows, 1);
		session->start = stp_rows_int(rows, 2);
		session->uncertainty_us = stp_rows_int(rows, 3);
		session->quality = (StpTimeQuality)stp_rows_int(rows, 4);
		session->id = stp_session_id(stp_rows_text(rows, 5), (guint32)stp_rows_int(rows, 6),
					     (guint32)stp_rows_int(rows, 7));
		session->zone = g_strdup(stp_rows_text(rows, 8));
		g_ptr_array_add(list, session);
	}
	return take_error(local, error) ? g_steal_pointer(&list) : NULL;
}

#define TIMED_COLUMNS \
	"session, start_tick_ms, start, uncertainty_us, quality, serial, session.epoch, session.number, zone"

GPtrArray *
stp_times_sessions(StpDatabase *db, gint64 pen, guint32 epoch, guint32 boot_id, GError **error)
{
	static const char sql[] = "SELECT " TIMED_COLUMNS " FROM session JOIN pen USING (pen)"
				  " WHERE session.pen = ? AND boot_id = ? AND epoch = ? ORDER BY start_tick_ms, session";
	g_autoptr(StpRows) rows = stp_database_query(
		db, sql, STP_VALUES(STP_INT(pen), STP_INT(boot_id), STP_INT(epoch)), error);

	return rows != NULL ? read_sessions(rows, error) : NULL;
}

gboolean
stp_times_note(StpDatabase *db, const StpTimedSession *session, const StpPlace *place, StpTimeNews *news,
	       GError **error)
{
	static const char sql[] = "UPDATE session SET start = ?, uncertainty_us = ?, quality = ?, offset_min = ?"
				  " WHERE session = ?";
	gboolean known = place->quality != STP_TIME_UNKNOWN;
	/* 0 is "unknown", so no session begins before 1970. */
	gint64 start = known ? MAX(place->utc_us, 1) : 0;
	gint64 unsure = known ? MAX(place->utc_us - place->earliest_us, place->latest_us - place->utc_us) : 0;
	int offset_min = 0;
	gboolean has_offset = known && stp_zone_offset(session->zone, start, &offset_min);

	if (start == session->start && unsure == session->uncertainty_us && place->quality == session->quality)
		return TRUE;
	if (news != NULL && news->timed != NULL &&
	    (place->quality != session->quality || ABS(start - session->start) >= MOVED_US))
		g_ptr_array_add(news->timed, g_strdup(session->id));
	return stp_database_run(db, sql,
				STP_VALUES(STP_INT(start), STP_INT(unsure), STP_INT(place->quality),
					   has_offset ? STP_INT(offset_min) : STP_NULL, STP_INT(session->session)),
				error);
}

/* What bounds the session may have is seen when the sync is over; until then it keeps what it had. */
static gboolean
place_by(StpDatabase *db, const StpTimedSession *session, const StpBootClock *clock, StpTimeNews *news,
	 GError **error)
{
	StpPlace place = { .quality = STP_TIME_UNKNOWN };

	if (clock != NULL)
		stp_boot_clock_place(clock, session->start_tick_ms, &place);
	else if (session->quality == STP_TIME_BOUNDED)
		return TRUE;
	return stp_times_note(db, session, &place, news, error);
}

typedef struct {
	gint64 pen;
	guint32 epoch, boot_id;
} Boot;

static gboolean
read_boots(StpRows *rows, GArray *boots, GError **error)
{
	GError *local = NULL;

	while (stp_rows_next(rows, &local)) {
		Boot boot = { stp_rows_int(rows, 0), (guint32)stp_rows_int(rows, 1), (guint32)stp_rows_int(rows, 2) };

		g_array_append_val(boots, boot);
	}
	return take_error(local, error);
}

static gboolean
find_boot(StpDatabase *db, gint64 session, GArray *boots, GError **error)
{
	static const char sql[] = "SELECT pen, epoch, boot_id FROM session WHERE session = ?";
	g_autoptr(StpRows) rows = stp_database_query(db, sql, STP_VALUES(STP_INT(session)), error);

	return rows != NULL && read_boots(rows, boots, error);
}

static GPtrArray *
find_session(StpDatabase *db, gint64 session, GError **error)
{
	static const char sql[] = "SELECT " TIMED_COLUMNS " FROM session JOIN pen USING (pen) WHERE session = ?";
	g_autoptr(StpRows) rows = stp_database_query(db, sql, STP_VALUES(STP_INT(session)), error);

	return rows != NULL ? read_sessions(rows, error) : NULL;
}

gboolean
stp_times_place_session(StpDatabase *db, gint64 session, GError **error)
{
	static const char zone[] = "UPDATE session SET zone = coalesce((SELECT zone FROM part JOIN record USING (record)"
				   " WHERE part.session = session.session ORDER BY part LIMIT 1), '') WHERE session = ?";
	g_autoptr(GArray) boots = g_array_new(FALSE, FALSE, sizeof(Boot));
	g_autoptr(StpBootClock) clock = NULL;
	g_autoptr(GPtrArray) found = NULL;
	StpTimedSession *one;
	const Boot *boot;

	if (!stp_database_run(db, zone, STP_VALUES(STP_INT(session)), error) || !find_boot(db, session, boots, error))
		return FALSE;
	found = find_session(db, session, error);
	if (found == NULL)
		return FALSE;
	if (found->len == 0 || boots->len == 0)
		return TRUE;
	boot = &g_array_index(boots, Boot, 0);
	if (!stp_times_load_clock(db, boot->pen, boot->epoch, boot->boot_id, &clock, error))
		return FALSE;
	/* An earlier part may have made it begin in another power-up: what it had counts no more. */
	one = g_ptr_array_index(found, 0);
	one->start = -1;
	one->quality = STP_TIME_UNKNOWN;
	return place_by(db, one, clock, NULL, error);
}

/* The sessions of a power-up of which more is known than before. */
static gboolean
place_boot(StpDatabase *db, gint64 pen, guint32 epoch, guint32 boot_id, StpTimeNews *news, StpBootReport *report,
	   GError **error)
{
	g_autoptr(StpBootClock) clock = NULL;
	g_autoptr(GPtrArray) sessions = NULL;

	if (!stp_times_load_clock(db, pen, epoch, boot_id, &clock, error))
		return FALSE;
	if (clock != NULL && report != NULL)
		*report = *stp_boot_clock_report(clock);
	sessions = stp_times_sessions(db, pen, epoch, boot_id, error);
	if (sessions == NULL)
		return FALSE;
	for (guint i = 0; i < sessions->len; i++)
		if (!place_by(db, g_ptr_array_index(sessions, i), clock, news, error))
			return FALSE;
	return TRUE;
}

/* ---- contacts ---- */

/* Power-ups, of whatever pen, with contacts of this run of the computer for which nobody could vouch until now. */
static GArray *
unvouched_boots(StpDatabase *db, const char *host_boot, GError **error)
{
	static const char sql[] = "SELECT DISTINCT pen, epoch, boot_id FROM anchor WHERE host_boot = ? AND trust < ?";
	g_autoptr(GArray) boots = g_array_new(FALSE, FALSE, sizeof(Boot));
	g_autoptr(StpRows) rows = stp_database_query(
		db, sql, STP_VALUES(STP_TEXT(host_boot), STP_INT(STP_CLOCK_SYNCHRONISED)), error);

	return rows != NULL && read_boots(rows, boots, error) ? g_steal_pointer(&boots) : NULL;
}

static gboolean
place_unvouched(StpDatabase *db, const StpContact *contact, StpTimeNews *news, GError **error)
{
	static const char before[] = "SELECT count(*) FROM anchor WHERE host_boot = ? AND trust = ?";
	g_autoptr(GArray) boots = NULL;
	gint64 count;

	if (contact->host.boot[0] == '\0' || contact->host.trust != STP_CLOCK_SYNCHRONISED)
		return TRUE;
	/* The first one that is right is the news; those after it say nothing new. */
	if (!stp_database_get_int(db, before,
				  STP_VALUES(STP_TEXT(contact->host.boot), STP_INT(STP_CLOCK_SYNCHRONISED)), 0, &count,
				  error))
		return FALSE;
	if (count > 1)
		return TRUE;
	boots = unvouched_boots(db, contact->host.boot, error);
	if (boots == NULL)
		return FALSE;
	for (guint i = 0; i < boots->len; i++) {
		const Boot *boot = &g_array_index(boots, Boot, i);

		if (!place_boot(db, boot->pen, boot->epoch, boot->boot_id, news, NULL, error))
			return FALSE;
	}
	return TRUE;
}

static gboolean
put_contact(StpDatabase *db, gint64 pen, guint32 epoch, const StpContact *contact, StpTimeNews *news,
	    GError **error)
{
	static const char sql[] = "INSERT INTO anchor (pen, epoch, boot_id, tick_ms, utc, uncertainty_us, taken_at, trust,"
				  "  host_error_us, host_boot, host_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
	const struct stp_time_anchor *anchor = &contact->anchor;
	gint64 host_us = contact->host.running_us - (contact->host.utc_us - anchor->utc_us);
	StpBootReport report = { 0 };

	if (!stp_database_run(db, sql,
			      STP_VALUES(STP_INT(pen), STP_INT(epoch), STP_INT(anchor->boot_id),
					 STP_INT(anchor->tick_ms), STP_INT(anchor->utc_us),
					 STP_INT(anchor->uncertainty_us), STP_INT(stp_clock_wall()),
					 STP_INT(contact->host.trust), STP_INT(contact->host.error_us),
					 STP_TEXT(contact->host.boot), STP_INT(host_us)),
			      error) ||
	    (contact->running && !stp_live_put(db, pen, stp_database_last_row(db), error)) ||
	    !place_boot(db, pen, epoch, anchor->boot_id, news, &report, error) ||
	    !place_unvouched(db, contact, news, error))
		return FALSE;
	if (news != NULL) {
		news->has_report = TRUE;
		news->report = report;
	}
	return TRUE;
}

gboolean
stp_times_put_state(StpDatabase *db, const char *serial, guint32 epoch, guint32 oldest, guint32 newest,
		    const StpContact *contact, StpTimeNews *news, GError **error)
{
	/* Nor does such a claim stay that was kept before they were left out. */
	static const char put[] =
		"UPDATE epoch SET oldest = ?3, last_seen = ?5,"
		"  newest = max(?4, iif(newest - max(?3, coalesce((SELECT max(last) FROM held"
		"   WHERE held.pen = ?1 AND held.epoch = ?2), 0)) >= ?6, 0, newest))"
		" WHERE pen = ?1 AND epoch = ?2";
	static const char name[] = "UPDATE pen SET current_epoch = ?2 WHERE pen = ?1";
	/* No pen has so many records: how far it goes is known by what it lists, and not by that. */
	const gboolean is_wide = (gint64)newest - MAX(oldest, 1) >= STP_LOG_SPAN_MAX;
	gint64 pen;

	if (!stp_pens_ensure(db, serial, &pen, error) || !stp_epoch_ensure(db, pen, epoch, error))
		return FALSE;
	if (!stp_database_run(db, put,
			      STP_VALUES(STP_INT(pen), STP_INT(epoch), STP_INT(oldest), STP_INT(is_wide ? 0 : newest),
					 STP_INT(stp_clock_wall()), STP_INT(STP_LOG_SPAN_MAX)),
			      error) ||
	    !stp_database_run(db, name, STP_VALUES(STP_INT(pen), STP_INT(epoch)), error))
		return FALSE;
	return contact == NULL || put_contact(db, pen, epoch, contact, news, error);
}

/* ---- what pens took for UTC ---- */

gboolean
stp_times_put_event(StpDatabase *db, gint64 pen, gint64 record, const struct stp_record_head *head,
		    const struct stp_event *event, GError **error)
{
	static const char sql[] = "INSERT OR REPLACE INTO pen_time (record, pen, epoch, boot_id, tick_ms, utc, uncertainty_us)"
				  " VALUES (?, ?, ?, ?, ?, ?, ?)";

	if (event->utc_ms < PEN_EARLIEST_MS || event->utc_ms >= STP_CLOCK_LATEST_US / 1000)
		return TRUE;
	return stp_database_run(db, sql,
				STP_VALUES(STP_INT(record), STP_INT(pen), STP_INT(head->epoch), STP_INT(head->boot_id),
					   STP_INT(head->start_tick_ms), STP_INT(event->utc_ms * 1000),
					   STP_INT((gint64)event->utc_uncertainty_ms * 1000)),
				error) &&
	       place_boot(db, pen, head->epoch, head->boot_id, NULL, NULL, error);
}

gboolean
stp_times_forget_events(StpDatabase *db, GError **error)
{
	return stp_database_run(db, "DELETE FROM pen_time", NULL, error);
}

/* ---- when a pen's own clock was set ---- */

gboolean
stp_times_get_clock_set(StpDatabase *db, const char *serial, StpClockSet *set, GError **error)
{
	static const char sql[] = "SELECT boot_id, tick_ms, utc, uncertainty_us, refused FROM clock_set JOIN pen USING (pen)"
				  " WHERE serial = ?";
	GError *local = NULL;
	g_autoptr(StpRows) rows = stp_database_query(db, sql, STP_VALUES(STP_TEXT(serial)), error);

	*set = (StpClockSet){ 0 };
	if (rows == NULL)
		return FALSE;
	if (stp_rows_next(rows, &local))
		*set = (StpClockSet){
			.at = { (guint32)stp_rows_int(rows, 0), (guint64)stp_rows_int(rows, 1), stp_rows_int(rows, 2),
				(guint32)stp_rows_int(rows, 3) },
			.refused = stp_rows_int(rows, 4) != 0,
		};
	return take_error(local, error);
}

gboolean
stp_times_put_clock_set(StpDatabase *db, const char *serial, const StpClockSet *set, GError **error)
{
	static const char sql[] = "INSERT OR REPLACE INTO clock_set (pen, boot_id, tick_ms, utc, uncertainty_us, refused)"
				  " VALUES (?, ?, ?, ?, ?, ?)";
	gint64 pen;

	return stp_pens_ensure(db, serial, &pen, error) &&
	       stp_database_run(db, sql,
				STP_VALUES(STP_INT(pen), STP_INT(set->at.boot_id), STP_INT(set->at.tick_ms),
					   STP_INT(set->at.utc_us), STP_INT(set->at.uncertainty_us),
					   STP_INT(set->refused != FALSE)),
				error);
}
