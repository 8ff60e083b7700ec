/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/*
 * Moments: microseconds since 1970-01-01 UTC.  People read local time with its offset,
 * programs ISO 8601 in UTC.
 */

/*
 * When clocks are set back an hour is there twice: "since" means from the first of the two on, "until" up to the
 * second, so that no session is left out.  An hour that is left out by the clocks is the moment they were set.
 */
enum when_edge { WHEN_SINCE, WHEN_UNTIL };

/*
 * What --since and --until take: "2026-01-31", "2026-01-31 10:30[:00]", either with an offset
 * or Z, "now", "today", "yesterday", "3 days ago".  Without an offset it is local time; a date
 * is its midnight.  FALSE: not understood.
 */
gboolean when_parse(const char *text, gint64 now_us, enum when_edge edge, gint64 *us);

/* "2026-01-31 10:30:00 +01:00" */
char *when_local(gint64 us);
/* The same, at another place: so many minutes ahead of UTC. */
char *when_at(gint64 us, int offset_min);
/* "2026-01-31T09:30:00.000000Z" */
char *when_utc(gint64 us);
