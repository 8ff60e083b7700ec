/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/*
 * Which pen is next, as a function of what is known and nothing else.
 *
 * Urgency is counted in seconds of waiting, so that whoever waits gets there: what a pen has going for it is
 * worth a head start, and no more.  A pen that soon overwrites what nobody has is ahead of all that have not
 * waited half an hour longer; one that somebody waits for, of those that have not waited ten minutes
 * longer; an old sync is worth up to five minutes.  The figures are in sync-timing.h.  Thus nobody
 * waits for more than 45 minutes longer than a new-comer, whoever that is.
 */
typedef struct {
	gboolean overrun;	/* it soon overwrites records that nobody has */
	gboolean asked;		/* somebody waits for it */
	gint64 complete_at;	/* end of the last complete sync, wall clock, microseconds; 0: never */
	gint64 waits_since;	/* for a link; monotonic, microseconds */
} StpSyncClaim;

/* What it counts now, in seconds. */
gint64 stp_sync_urgency(const StpSyncClaim *claim, gint64 monotonic_us, gint64 wall_us);

/* Which of the claims is the most urgent: an index; of equals, the first.  G_MAXUINT: there is none. */
guint stp_sync_most_urgent(const StpSyncClaim *claims, guint count, gint64 monotonic_us, gint64 wall_us);

/*
 * Whether a sync that has run since then has to let another claim go first: its time is over, and it would not
 * be the more urgent one if it asked anew.
 */
gboolean stp_sync_has_to_yield(const StpSyncClaim *running, gint64 runs_since, const StpSyncClaim *waiting,
			       gint64 monotonic_us, gint64 wall_us);
