/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/*
 * Zones, by their names in the time zone database ("Europe/Berlin").  A session is kept in UTC with the name
 * of the zone it was collected in; an offset alone would be wrong for half of the year.
 */

/* Where this computer is set to be, as of now; "": not known by name. */
char *stp_zone_here(void);
/* How far local time was ahead of UTC there and then.  FALSE: there is no such zone. */
gboolean stp_zone_offset(const char *zone, gint64 utc_us, int *offset_min);
