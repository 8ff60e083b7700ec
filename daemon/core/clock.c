/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "clock.h"

/* Whoever adds a function here adds it to the virtual clock, or no test that uses that links. */

gint64
stp_clock_monotonic(void)
{
	return g_get_monotonic_time();
}

gint64
stp_clock_turn(void)
{
	GSource *source = g_main_current_source();

	return source != NULL ? g_source_get_time(source) : g_get_monotonic_time();
}

gint64
stp_clock_wall(void)
{
	return g_get_real_time();
}

GSource *
stp_clock_source_new(guint ms)
{
	return g_timeout_source_new(ms);
}

GSource *
stp_clock_source_new_seconds(guint s)
{
	return g_timeout_source_new_seconds(s);
}

guint
stp_clock_add(guint ms, GSourceFunc function, gpointer data)
{
	return g_timeout_add(ms, function, data);
}

guint
stp_clock_add_seconds(guint s, GSourceFunc function, gpointer data)
{
	return g_timeout_add_seconds(s, function, data);
}

guint
stp_clock_add_seconds_full(guint s, GSourceFunc function, gpointer data, GDestroyNotify notify)
{
	return g_timeout_add_seconds_full(G_PRIORITY_DEFAULT, s, function, data, notify);
}
