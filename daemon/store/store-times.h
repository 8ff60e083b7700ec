/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "database.h"
#include "store-types.h"

/*
 * What pens say of their log and their clock.  A session's place is its boot and tick; its
 * wall time is worked out from the anchors of that boot, and again when a better one comes.
 */

/* A pen's clock may run wrong by so much: 100 ppm are 1 us in 10 ms. */
#define STP_DRIFT_MS_PER_US 10

gboolean stp_times_put_state(StpDatabase *db, const char *serial, guint32 epoch, guint32 oldest, guint32 newest,
			     const struct stp_time_anchor *anchor, GPtrArray *made, GError **error);
/* Work out when a session began, from its boot and tick. */
gboolean stp_times_place_session(StpDatabase *db, gint64 session, GError **error);
