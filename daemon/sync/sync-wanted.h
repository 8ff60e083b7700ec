/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include <stipple/host.h>

#include "session-store.h"

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
 */
gboolean stp_sync_choose(StpStore *store, const char *serial, const struct stp_host_state *state, GArray **held,
			 GArray **wanted, gboolean *went_back, GError **error);

/* What somebody chose; all 0: everything. */
typedef struct {
	guint32 from, to;	/* record numbers; to 0: no end */
	gint64 since;		/* what began before is left out, as far as that is known */
} StpSyncChoice;

gboolean stp_sync_choice_is_all(const StpSyncChoice *choice);
/* Leave in wanted, ascending ranges, what was chosen by number. */
void stp_sync_choice_narrow(const StpSyncChoice *choice, GArray *wanted);
