/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "boot-clock.h"
#include "database.h"
#include "store-types.h"

/*
 * When sessions were.  A session's place is its log, power-up and tick, and no clock moves it; its wall time is
 * worked out from what is known of that power-up, and again when more is.  Raw records and anchors
 * are never changed.  Writers run inside the caller's transaction.
 */

/* What came of a contact, for people. */
typedef struct {
	GPtrArray *timed;	/* (element-type utf8), sessions of before that have another time now */
	gboolean has_report;
	StpBootReport report;	/* of the power-up the contact fell into */
} StpTimeNews;

void stp_time_news_clear(StpTimeNews *news);

/* A contact: what the pen says it has, and what its clock showed.  news may be NULL. */
gboolean stp_times_put_state(StpDatabase *db, const char *serial, guint32 epoch, guint32 oldest, guint32 newest,
			     const StpContact *contact, StpTimeNews *news, GError **error);

/* What is known of one power-up; *clock NULL without an error: nothing. */
gboolean stp_times_load_clock(StpDatabase *db, gint64 pen, guint32 epoch, guint32 boot_id, StpBootClock **clock,
			      GError **error);

/* Work out when a session began, as soon as its parts are known. */
gboolean stp_times_place_session(StpDatabase *db, gint64 session, GError **error);

typedef struct {
	gint64 session, start_tick_ms;
	gint64 start, uncertainty_us;
	StpTimeQuality quality;
	char *id, *zone;
} StpTimedSession;

/* (element-type StpTimedSession), those of one power-up, by tick. */
GPtrArray *stp_times_sessions(StpDatabase *db, gint64 pen, guint32 epoch, guint32 boot_id, GError **error);
/* Note the session's time, if it is another one; news as above. */
gboolean stp_times_note(StpDatabase *db, const StpTimedSession *session, const StpPlace *place, StpTimeNews *news,
			GError **error);

/* A pen's event record that says what the pen took for UTC. */
gboolean stp_times_put_event(StpDatabase *db, gint64 pen, gint64 record, const struct stp_record_head *head,
			     const struct stp_event *event, GError **error);
/* Before all records are looked into anew. */
gboolean stp_times_forget_events(StpDatabase *db, GError **error);

/*
 * Sessions of power-ups without a contact lie between those before and after them.  To be called when a sync
 * is over, as each record may show how long a power-up lasted.  store-bounds.c.
 */
gboolean stp_times_settle(StpDatabase *db, gint64 pen, StpTimeNews *news, GError **error);
gboolean stp_times_settle_all(StpDatabase *db, GError **error);

/* When the pen's own UTC was set last; boot_id 0: never. */
gboolean stp_times_get_clock_set(StpDatabase *db, const char *serial, StpClockSet *set, GError **error);
gboolean stp_times_put_clock_set(StpDatabase *db, const char *serial, const StpClockSet *set,
				 GError **error);
