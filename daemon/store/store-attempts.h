/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "database.h"
#include "store-types.h"

/* The table of attempts to sync.  Writers run inside the caller's transaction. */

/* How many are kept of each pen: years of a clinic, months of a pen that nothing can be had of. */
#define STP_ATTEMPTS_KEPT 5000

gboolean stp_attempts_put(StpDatabase *db, const StpAttempt *attempt, GError **error);
/* (element-type StpAttempt), latest first; serial NULL: of all pens. */
GPtrArray *stp_attempts_list(StpDatabase *db, const char *serial, guint limit, GError **error);
