/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "pen-errand.h"
#include "pen-keeper.h"

/*
 * Retiring a pen: what it holds is in the store or somebody insists; the pen is emptied and its slot
 * freed, when that is wanted; then the enrolment ends, and this host's key goes.  Records and the row
 * stay, with when and how.  What fails before the enrolment ended leaves it as it was.
 */

typedef struct {
	gboolean force;		/* although it holds, or may hold, records that are not in the store */
	gboolean erase;		/* its log, as far as the store has it; somebody presses its button */
	gboolean free_slot;	/* this collector's, so that another has room; somebody presses its button */
} StpRemoval;

/*
 * Errors: INCOMPLETE (see force; also another collector lacks records that erase would take), NOT_FOUND (it is not
 * enrolled any more), those of errands (pen-errand.h), STORE_*.
 */
void stp_pen_remove_async(StpPenKeeper *keeper, StpRadio *radio, StpStore *store, const StpRemoval *removal,
			  StpErrandConfirm confirm, gpointer confirm_data, GCancellable *cancellable,
			  GAsyncReadyCallback callback, gpointer user_data);
gboolean stp_pen_remove_finish(StpPenKeeper *keeper, GAsyncResult *result, StpRetiredFlags *how, GError **error);
