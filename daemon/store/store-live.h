/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "database.h"
#include "store-types.h"

/*
 * What was seen of a pen while it worked, against what its log has afterwards.  Inside the caller's
 * transaction.
 *
 * Seen is what GET_STATE says at each contact: that the motor runs, at such a tick.  The session under
 * way then is written when it ends.  Once the pen has been switched on again all of that power-up is
 * written, or never will be; when the log is whole here and has no session of that tick, one was lost before
 * it was ever a record, and no coverage can show it.
 */

/*
 * Seen, too, is what live frames told in passing: from when to when the motor ran, and how many strokes it had
 * made.  Once the session is whole, its record has to tell the same, else there is a finding "live-mismatch".
 */

gboolean stp_live_put_tally(StpDatabase *db, gint64 pen, const StpLiveTally *tally, GError **error);
/* With the sessions that are whole by now.  made: (element-type StpFinding) */
gboolean stp_live_compare(StpDatabase *db, gint64 pen, const char *serial, GPtrArray *made, GError **error);

gboolean stp_live_put(StpDatabase *db, gint64 pen, gint64 anchor, GError **error);
/* The log is whole here, as far as the pen has it.  made: (element-type StpFinding) */
gboolean stp_live_reconcile(StpDatabase *db, gint64 pen, const char *serial, GPtrArray *made, GError **error);
