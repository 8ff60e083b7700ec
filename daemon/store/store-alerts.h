/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "database.h"
#include "store-types.h"

/* The table of alerts.  Writers run inside the caller's transaction. */

/* How many that ended are kept. */
#define STP_ALERTS_KEPT 1000

/* The open one of that kind and subject becomes as given; there is one from here on. */
gboolean stp_alerts_put(StpDatabase *db, const StpAlert *alert, GError **error);
/* (element-type StpAlert); open: by since; those that ended: latest first. */
GPtrArray *stp_alerts_list(StpDatabase *db, gboolean open, GError **error);
