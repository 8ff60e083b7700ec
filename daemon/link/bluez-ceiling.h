/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/*
 * How many connections an adapter carries at once, as learned.  It begins with what common
 * adapters carry, goes down to what was up when another one was refused, and is raised again
 * by one after a while: the first time after an hour, after each refusal that follows after
 * twice as long, a day at most.  It is never raised above the beginning: more links at once
 * make no sync end sooner, the air is shared.
 *
 * Mostly BlueZ does not say that there was no room.  A pen that is refused time and again while others
 * are up may be at fault itself, and the others must not pay for it: two have to be.
 *
 * Times are monotonic, in microseconds.
 */
typedef struct {
	guint value;
	guint refusals;		/* since the adapter last carried all it is taken to carry at first */
	gint64 since;		/* that value holds */
	char suspect[18];	/* the address of a pen that was refused for reasons unknown; "": none was */
	guint suspect_others;	/* that were up */
	gint64 suspect_since;
} StpBluezCeiling;

StpBluezCeiling stp_bluez_ceiling_new(gint64 now);
/* As it was in an earlier life; what makes no sense is corrected. */
StpBluezCeiling stp_bluez_ceiling_restore(guint value, guint refusals, gint64 now);

/* One more was refused while others were up.  TRUE: it is lower now. */
gboolean stp_bluez_ceiling_refused(StpBluezCeiling *ceiling, guint others, gint64 now);
/*
 * That pen was refused, time and again, and BlueZ does not say why.  TRUE: so was another one within
 * STP_BLUEZ_SLOTS_RAISE, and no further one came up in between, so that there is no room.
 */
gboolean stp_bluez_ceiling_suspect(StpBluezCeiling *ceiling, const char *pen, guint others, gint64 now);
/* So many are up. */
void stp_bluez_ceiling_carried(StpBluezCeiling *ceiling, guint links);
/* Somebody waits although value are up.  TRUE: it is one higher now. */
gboolean stp_bluez_ceiling_consider(StpBluezCeiling *ceiling, gint64 now);
