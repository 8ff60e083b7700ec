/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "bluez-scanner.h"
#include "bluez-sightings.h"

/*
 * For adapters that look healthy and hear nothing (LD8, P12).  Only while an advertisement is to be
 * expected, for a pen was in sight lately or somebody waits for one: after STP_BLUEZ_SILENCE it begins
 * anew with BlueZ and listens to everything there is, pen or not; when that hears something the
 * adapter is well and the pens are just gone, and the watchdog rests.  After the third time it
 * switches the adapter off and on, if nobody has a connection over it.  If that does not help either
 * it says so.  It never resets USB.
 *
 * Signal: changed ()  of what is_silent tells
 */
#define STP_TYPE_BLUEZ_WATCHDOG (stp_bluez_watchdog_get_type())
G_DECLARE_FINAL_TYPE(StpBluezWatchdog, stp_bluez_watchdog, STP, BLUEZ_WATCHDOG, GObject)

StpBluezWatchdog *stp_bluez_watchdog_new(StpBluezClient *client, StpBluezAdapter *adapter,
					 StpBluezScanner *scanner, StpBluezSightings *sightings);
/* Everything was tried, and the adapter still hears nothing. */
gboolean stp_bluez_watchdog_is_silent(StpBluezWatchdog *self);
/* A file that says that it is just switching the adapter off and on: see power-mark.h. */
void stp_bluez_watchdog_set_mark(StpBluezWatchdog *self, const char *path);
/* The adapter is ours to use: when it is off because a process before this one was killed, it is switched on. */
void stp_bluez_watchdog_put_right(StpBluezWatchdog *self);
/* Others than those of bluez-timing.h, for what begins from now on. */
void stp_bluez_watchdog_set_times(StpBluezWatchdog *self, guint silence_ms, guint probe_ms, guint off_ms);
