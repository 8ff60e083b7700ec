/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

#include "enrolled-pen.h"
#include "radio.h"
#include "session-store.h"
#include "sync-order.h"

/*
 * The machine that keeps one enrolled pen in sync: hears its advertisements, decides when a
 * connection is worth it, connects, runs the sync, and tries again after failures.  Links are
 * few, so it asks for one ("wants-link") and goes when the collector says so.
 *
 * Signals:
 *   wants-link ()                   answered by stp_pen_keeper_go(), sooner or later
 *   finished ()                     the link is free again
 *   session-stored (const char *id)
 */

#define STP_TYPE_PEN_KEEPER (stp_pen_keeper_get_type())
G_DECLARE_FINAL_TYPE(StpPenKeeper, stp_pen_keeper, STP, PEN_KEEPER, GObject)

StpPenKeeper *stp_pen_keeper_new(StpEnrolledPen *pen, StpRadio *radio, StpStore *store);
StpEnrolledPen *stp_pen_keeper_get_pen(StpPenKeeper *self);

/* The pen was heard. */
void stp_pen_keeper_heard(StpPenKeeper *self, const StpSighting *sighting);

/* A link is free: connect and sync.  FALSE: it is not wanted any more. */
gboolean stp_pen_keeper_go(StpPenKeeper *self);
/* A link to the pen is up already (after enrolment): sync over it. */
void stp_pen_keeper_go_over(StpPenKeeper *self, StpLink *link);
gboolean stp_pen_keeper_is_busy(StpPenKeeper *self);
/* Whether it waits for stp_pen_keeper_go(), and whether its sync is under way. */
gboolean stp_pen_keeper_wants_link(StpPenKeeper *self);
gboolean stp_pen_keeper_is_syncing(StpPenKeeper *self);

/* What it has going for it, and since when its sync runs (monotonic; may be NULL). */
void stp_pen_keeper_get_claim(StpPenKeeper *self, StpSyncClaim *claim, gint64 *runs_since);
/*
 * Let another pen have the link: what arrived is kept, it asks for a link anew, and goes on there.  Who waits
 * for the sync goes on to wait.  This is no failure, and is not counted or told as one.  While it connects, that is
 * given up the same way.
 */
void stp_pen_keeper_yield(StpPenKeeper *self);
/* Its motor runs, and the link is held to hear it stop: letting another go first costs nothing. */
gboolean stp_pen_keeper_is_listening(StpPenKeeper *self);
/* The radio is there again: no reason to sit out a pause that was for its absence. */
void stp_pen_keeper_radio_is_back(StpPenKeeper *self);

/*
 * Sync now, news or not, and wait for the end of it; quick failures of the link are retried.
 * choice: what to ask for, NULL everything; when somebody else waits already, or a sync is under way, that one is
 * the answer, and when those who wait chose differently, everything is asked for.
 * away_timeout_s: how long to wait for a pen that is not in sight.  BUSY when STP_SYNC_WAITERS_MAX wait already.
 */
void stp_pen_keeper_sync_async(StpPenKeeper *self, const StpSyncChoice *choice, guint away_timeout_s,
			       GAsyncReadyCallback callback, gpointer user_data);
gboolean stp_pen_keeper_sync_finish(StpPenKeeper *self, GAsyncResult *result,
				    StpSyncResult *outcome, GError **error);

/*
 * Somebody else is to talk to the pen: begin nothing until that is over.  What is under way goes on;
 * "finished" tells its end.
 */
void stp_pen_keeper_hold(StpPenKeeper *self, gboolean hold);

/* Stop what is under way and forget what is planned; hearing news begins anew. */
void stp_pen_keeper_cancel(StpPenKeeper *self);
/* The same for good: the pen is no longer enrolled, or the daemon ends. */
void stp_pen_keeper_retire(StpPenKeeper *self);
