/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "database.h"

/*
 * What was seen of a pen while it worked, against what its log has afterwards.  Inside the caller's
 * transaction.
 *
 * Seen is what GET_STATE says at each contact: that the motor runs, at such a tick.  The session under
 * way then is written when it ends.  Once the pen has been switched on again all of that power-up is
 * written, or never will be; when the log is whole here and has no session of that tick, one was lost before
 * it was ever a record, and no coverage can show it.
 */

gboolean stp_live_put(StpDatabase *db, gint64 pen, gint64 anchor, GError **error);
/* The log is whole here, as far as the pen has it.  made: (element-type StpFinding) */
gboolean stp_live_reconcile(StpDatabase *db, gint64 pen, const char *serial, GPtrArray *made, GError **error);
