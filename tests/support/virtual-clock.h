/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/*
 * The clock of daemon/core/clock.h for a test that has to see hours pass: it stands still while there is
 * anything to do, and jumps to the next timer when there is not.  A program that links this library
 * gets it in place of the daemon's.  Timers made by GLib itself (g_timeout_add()) do not know
 * it and must not be in the same main context.
 */

/* Begin anew: the monotonic clock at an hour, the wall clock at wall_us. */
void virtual_clock_reset(gint64 wall_us);
/* Somebody sets this computer's clock: the wall one jumps, the other does not. */
void virtual_clock_set_wall(gint64 wall_us);

/*
 * Do one step of the default main context: dispatch what is due, or let time pass until something is,
 * but not beyond until_us (monotonic).  FALSE: it is until_us, and nothing more is due.  What
 * other threads do in the meantime must have come back by then: it takes no time here.
 */
gboolean virtual_clock_step(gint64 until_us);
/* All steps until then. */
void virtual_clock_run(gint64 until_us);
/* Until *wanted is set; FALSE: not by until_us. */
gboolean virtual_clock_run_until(const gboolean *wanted, gint64 until_us);
