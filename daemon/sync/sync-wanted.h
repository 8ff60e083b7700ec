/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include <stipple/host.h>

#include "session-store.h"

/* What somebody chose; all 0: everything. */
typedef struct {
	guint32 from, to;	/* record numbers; to 0: no end */
	gint64 since;		/* what began before is left out, as far as that is known */
} StpSyncChoice;

gboolean stp_sync_choice_is_all(const StpSyncChoice *choice);
/* Leave in wanted, ascending ranges, what was chosen by number. */
void stp_sync_choice_narrow(const StpSyncChoice *choice, GArray *wanted);

/*
 * When a record that was given up has to have been tried last, to be asked for once more: long ago, or before the pen
 * got the firmware that it has now, or at any time, as somebody chose what to ask for.
 */
gint64 stp_sync_again_before(StpStore *store, const char *serial, const char *firmware, const StpSyncChoice *choice);

/*
 * What to tell the engine, both (element-type struct stp_range), ascending, the caller's: what the store has of the
 * pen's log, of any number, and which record numbers to ask for.  FALSE: neither was set.
 *
 * When something is held above the newest, the pen's numbers went back.  That is told and kept as a finding, and in
 * this epoch the pen is asked for all it has from then on, and nothing counts as held: each number may stand for
 * another record.  What the store has stays; other bytes under the same number are kept beside it.
 *
 * That a pen claims more records than there can be is told and kept as a finding, and it is asked
 * only near what is held and near its newest.
 *
 * Records that were given up are asked for again if they were tried last before again_before.
 */
gboolean stp_sync_choose(StpStore *store, const char *serial, const struct stp_host_state *state, gint64 again_before,
			 GArray **held, GArray **wanted, gboolean *went_back, GError **error);
