/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib-object.h>

#include <stipple/host.h>

#include "pen-sync.h"
#include "session-store.h"

/*
 * An enrolled pen as it is now: its row of the store, and what is being done with it.  Holds
 * state and tells of its changes; what to do is the collector's business.
 */

typedef enum {
	STP_PEN_AWAY,		/* not in sight */
	STP_PEN_AT_REST,	/* in sight, nothing to fetch as far as is known */
	STP_PEN_QUEUED,		/* waits for a free link */
	STP_PEN_CONNECTING,
	STP_PEN_SYNCING,
	STP_PEN_WAITING,	/* a try failed; the next follows by itself */
} StpPenActivity;

/* "away", "idle", ...: as in the State property. */
const char *stp_pen_activity_name(StpPenActivity activity);

#define STP_TYPE_ENROLLED_PEN (stp_enrolled_pen_get_type())
G_DECLARE_FINAL_TYPE(StpEnrolledPen, stp_enrolled_pen, STP, ENROLLED_PEN, GObject)

/*
 * Signals:
 *   changed ()
 *   sync-ended (const char *error, const StpSyncResult *result)  error "" when it completed
 */

/* Takes the row. */
StpEnrolledPen *stp_enrolled_pen_new(StpPenRow *row);

const StpPenRow *stp_enrolled_pen_get_row(StpEnrolledPen *self);
/* Takes the row. */
void stp_enrolled_pen_set_row(StpEnrolledPen *self, StpPenRow *row);
/* It was heard; address NULL leaves that as it was. */
void stp_enrolled_pen_set_seen(StpEnrolledPen *self, const char *address, gint64 seen);

StpPenActivity stp_enrolled_pen_get_activity(StpEnrolledPen *self);
void stp_enrolled_pen_set_activity(StpEnrolledPen *self, StpPenActivity activity);

/* What people should know of it; "" nothing. */
const char *stp_enrolled_pen_get_warning(StpEnrolledPen *self);
void stp_enrolled_pen_set_warning(StpEnrolledPen *self, const char *warning);

/* How many more sessions its log has room for before one that nobody has is overwritten; STP_SYNC_ROOM_UNKNOWN. */
guint stp_enrolled_pen_get_sessions_left(StpEnrolledPen *self);
void stp_enrolled_pen_set_sessions_left(StpEnrolledPen *self, guint sessions);

/* What exactly is under way; "" nothing is.  Not copied: see stp_pen_sync_get_stage(); also "connect". */
const char *stp_enrolled_pen_get_stage(StpEnrolledPen *self);
void stp_enrolled_pen_set_stage(StpEnrolledPen *self, const char *stage);

/* Of the sync under way; all zero otherwise. */
const struct stp_host_progress *stp_enrolled_pen_get_progress(StpEnrolledPen *self);
guint64 stp_enrolled_pen_get_rate(StpEnrolledPen *self);	/* bytes a second */
/*
 * Until the sync under way has all, seconds, by how long it took for what is done; records differ in size, so it is
 * a rough word.  STP_PEN_TIME_UNKNOWN: nothing is under way, or too little is done to tell.
 */
#define STP_PEN_TIME_UNKNOWN G_MAXUINT32
guint32 stp_enrolled_pen_get_seconds_left(StpEnrolledPen *self);
/* NULL: there is none any more. */
void stp_enrolled_pen_set_progress(StpEnrolledPen *self, const struct stp_host_progress *progress);

/* Why the last sync failed, and what to do next; "" after one that completed. */
const char *stp_enrolled_pen_get_error(StpEnrolledPen *self);
const char *stp_enrolled_pen_get_hint(StpEnrolledPen *self);
/* NULL clears both.  What follows the message's first sentence is the hint. */
void stp_enrolled_pen_set_error(StpEnrolledPen *self, const GError *error);

void stp_enrolled_pen_emit_sync_ended(StpEnrolledPen *self, const char *error,
				      const StpSyncResult *result);
