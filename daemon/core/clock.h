/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/*
 * Time, for all that waits or stamps.  This is GLib's own in the daemon; a test that has to see hours
 * pass links tests/support/virtual-clock.c in its place.  A room that waits by g_timeout_add()
 * is as correct, but cannot be tested in that way.
 *
 * Both clocks are in microseconds; the wall clock counts from 1970 UTC and may be set at any time.
 */
gint64 stp_clock_monotonic(void);
/* The monotonic clock as it was when the main loop woke: it costs nothing, for what is asked very often. */
gint64 stp_clock_turn(void);
gint64 stp_clock_wall(void);

/* As g_timeout_source_new() and g_timeout_source_new_seconds(). */
GSource *stp_clock_source_new(guint ms);
GSource *stp_clock_source_new_seconds(guint s);

/* As g_timeout_add() and its kin: to be ended by g_source_remove(). */
guint stp_clock_add(guint ms, GSourceFunc function, gpointer data);
guint stp_clock_add_seconds(guint s, GSourceFunc function, gpointer data);
/* notify frees the data when the source is gone. */
guint stp_clock_add_seconds_full(guint s, GSourceFunc function, gpointer data, GDestroyNotify notify);
