/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

/*
 * Knows from systemd-logind when this computer goes to sleep and when it is back, and may ask it
 * to wait a moment (a delay inhibitor: logind itself goes on after InhibitDelayMaxSec=, 5 s).
 * Where there is no logind nothing happens; and where it dies before it said that the sleep is over, or
 * forgets to, it counts as over: see STP_BLUEZ_SLEEP_UNTOLD.
 *
 * Signal: sleep (gboolean begins)
 */
#define STP_TYPE_SLEEP_GUARD (stp_sleep_guard_get_type())
G_DECLARE_FINAL_TYPE(StpSleepGuard, stp_sleep_guard, STP, SLEEP_GUARD, GObject)

StpSleepGuard *stp_sleep_guard_new(GDBusConnection *connection);

/* Whether sleep has to wait for us: only while something is under way that is to end in order. */
void stp_sleep_guard_hold(StpSleepGuard *self, gboolean hold);
