/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "time-zone.h"

#include <string.h>

/* A name in a file is no longer than this; a record keeps it. */
#define ZONE_MAX 64

char *
stp_zone_here(void)
{
	/* Read each time, so that a person who sets the zone need not restart anything. */
	g_autoptr(GTimeZone) here = g_time_zone_new_local();
	const char *name = g_time_zone_get_identifier(here);

	return g_strdup(name != NULL && strlen(name) <= ZONE_MAX ? name : "");
}

gboolean
stp_zone_offset(const char *zone, gint64 utc_us, int *offset_min)
{
	g_autoptr(GTimeZone) there = *zone != '\0' ? g_time_zone_new_identifier(zone) : NULL;
	gint64 seconds = utc_us / G_USEC_PER_SEC - (utc_us % G_USEC_PER_SEC < 0 ? 1 : 0);
	int interval = there != NULL ? g_time_zone_find_interval(there, G_TIME_TYPE_UNIVERSAL, seconds) : -1;

	if (interval < 0)
		return FALSE;
	*offset_min = g_time_zone_get_offset(there, interval) / 60;
	return TRUE;
}
