/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include "store-types.h"

/*
 * From a pen's ticks to wall time, for one power-up.  Pure: no database, no clock.
 *
 * Each anchor says that at one tick it was such a time, give or take so much, and a pen's clock gains or
 * loses no more than so much.  All that is claimed follows from these two: an anchor bounds the time
 * of any other tick, and of several anchors that agree the bounds are cut with each other.  So the
 * middle is not a guess between the anchors but the middle of what is possible, and later
 * ticks never get earlier times.
 *
 * Anchors that cannot all be right are not averaged.  In this order:
 *  - a class that deserves more trust wins over all others: see StpAnchorClass;
 *  - a minority that lies between two of the rest, which agree among themselves, was a clock that
 *    was wrong for a while: it is left out;
 *  - a difference that grows evenly with time, over two spans at least, is the pen's drift;
 *  - else one of the clocks was set, or ticks were lost: before it the earlier anchors count, after it the
 *    later ones, and in between it may have been either;
 *  - where ticks began anew without the pen having been switched off, nothing tells from which count a tick is: it was
 *    within what any of the counts makes of it, and nobody confirms which;
 *  - where nobody vouched for this computer's clock, the majority is taken; without one the time
 *    is as unsure as they differ.
 */

typedef enum {
	STP_ANCHOR_PEN_VAGUE,	/* what the pen took for UTC, it did not say how surely */
	STP_ANCHOR_UNSYNCHRONISED,	/* this computer's clock, for which nobody vouched */
	STP_ANCHOR_PEN,		/* what the pen took for UTC, give or take what it said */
	STP_ANCHOR_SYNCHRONISED,	/* this computer's clock, known to be right */
} StpAnchorClass;

typedef struct {
	gint64 tick_ms, utc_us, uncertainty_us;
	StpAnchorClass class;
	gint64 contact;		/* ascends with what happened, where that is known; 0: it is not */
	guint timeline;		/* see stp_boot_clock_tell_timelines() */
} StpAnchor;

typedef struct {
	gint64 earliest_us, latest_us;	/* it was within these */
	gint64 utc_us;			/* best guess; never decreases with the tick */
	StpTimeQuality quality;
} StpPlace;

/* What the anchors showed, for people. */
typedef struct {
	guint used, left_out;	/* anchors */
	guint timelines;	/* how often the ticks began to count, within one power-up: 1 */
	gint64 apart_us;	/* by how much the ones that counted, or those left out, contradict the others; 0: no */
	gboolean has_drift;	/* measured to better than what is assumed anyway */
	gint drift_ppb, drift_unsure_ppb;	/* positive: the pen's clock is slow */
	gboolean drifts;	/* beyond STP_DRIFT_TOLD_PPB for certain */
} StpBootReport;

typedef struct _StpBootClock StpBootClock;

/*
 * Number the timelines of anchors of one kind: a new one begins with each contact at a lower tick that was later, both
 * in their order and by UTC.
 */
void stp_boot_clock_tell_timelines(StpAnchor *anchors, guint count);

/* NULL: no anchor, so nothing is known.  In whatever order they are given. */
StpBootClock *stp_boot_clock_new(const StpAnchor *anchors, guint count);
void stp_boot_clock_free(StpBootClock *clock);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StpBootClock, stp_boot_clock_free)

void stp_boot_clock_place(const StpBootClock *clock, gint64 tick_ms, StpPlace *place);
const StpBootReport *stp_boot_clock_report(const StpBootClock *clock);
