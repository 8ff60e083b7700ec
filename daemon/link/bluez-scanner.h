/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "bluez-monitor.h"
#include "radio.h"

/*
 * Looks for pens on one adapter.  Where BlueZ watches for them itself (bluez-monitor.h) that is
 * all, and discovery runs only for somebody who searches.  Otherwise discovery runs without a
 * pause while a pen is expected, in windows (bluez-timing.h) while there is one to watch for, and
 * else not at all.  There is never more than one discovery session, and a window's ends are all
 * that it wakes up for.
 *
 * Signal: changed ()  of anything that the getters tell
 */
#define STP_TYPE_BLUEZ_SCANNER (stp_bluez_scanner_get_type())
G_DECLARE_FINAL_TYPE(StpBluezScanner, stp_bluez_scanner, STP, BLUEZ_SCANNER, GObject)

StpBluezScanner *stp_bluez_scanner_new(StpBluezAdapter *adapter, StpBluezMonitor *monitor);
void stp_bluez_scanner_start(StpBluezScanner *self);

/* Whether there are pens to watch for although nobody waits for one; at first there are. */
void stp_bluez_scanner_watch(StpBluezScanner *self, gboolean watching);
/* A pen is expected: listen without a pause for a while. */
void stp_bluez_scanner_hurry(StpBluezScanner *self);
/* What was expected has come: windows do from now on. */
void stp_bluez_scanner_relax(StpBluezScanner *self);
/* A user looks for pens: discover for a while, which relax() does not end. */
void stp_bluez_scanner_look(StpBluezScanner *self);
/*
 * Somebody waits for a pen: listen without a pause until each hold is released.  One who searches,
 * for a pen that BlueZ may forget again, needs discovery also where BlueZ watches by itself.
 */
void stp_bluez_scanner_hold(StpBluezScanner *self, gboolean searching);
void stp_bluez_scanner_release(StpBluezScanner *self, gboolean searching);
/* Begin anew with BlueZ, and discover everything there is, pen or not, for a while. */
void stp_bluez_scanner_probe(StpBluezScanner *self);
void stp_bluez_scanner_end_probe(StpBluezScanner *self);

/* STARTING, SCANNING (also during a pause), POWERED_OFF, DENIED or FAILED. */
StpRadioState stp_bluez_scanner_get_state(StpBluezScanner *self);
StpScanMode stp_bluez_scanner_get_mode(StpBluezScanner *self);
/* Why it is not PASSIVE, half a sentence; "" when it is. */
const char *stp_bluez_scanner_get_why(StpBluezScanner *self);
/* Whether a discovery session of ours runs. */
gboolean stp_bluez_scanner_is_discovering(StpBluezScanner *self);
/* Whether one of somebody else does; while ours runs that cannot be told. */
gboolean stp_bluez_scanner_sees_foreign(StpBluezScanner *self);
/* How many holds there are. */
guint stp_bluez_scanner_get_waiting(StpBluezScanner *self);

/* Others than those of bluez-timing.h, for what begins from now on. */
void stp_bluez_scanner_set_times(StpBluezScanner *self, guint eager_ms, guint window_ms, guint period_ms);
