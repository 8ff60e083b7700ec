/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "bluez-adapter.h"
#include "radio.h"

/*
 * Keeps discovery going on the chosen adapter: without a pause while a pen is expected, in
 * windows otherwise (bluez-timing.h), and not at all when no pen is watched for.  It wakes up
 * for the beginning and the end of a window and for nothing else.
 *
 * Signal: changed ()  of what stp_bluez_scanner_get_state() tells
 */
#define STP_TYPE_BLUEZ_SCANNER (stp_bluez_scanner_get_type())
G_DECLARE_FINAL_TYPE(StpBluezScanner, stp_bluez_scanner, STP, BLUEZ_SCANNER, GObject)

StpBluezScanner *stp_bluez_scanner_new(StpBluezAdapter *adapter);
void stp_bluez_scanner_start(StpBluezScanner *self);
/* A pen is expected: scan without a pause for a while. */
void stp_bluez_scanner_hurry(StpBluezScanner *self);
/* The same for a user who looks, which relax() does not end. */
void stp_bluez_scanner_look(StpBluezScanner *self);
/* What was expected has come: windows do from now on. */
void stp_bluez_scanner_relax(StpBluezScanner *self);
/* Somebody waits for a pen: scan without a pause until each hold is released. */
void stp_bluez_scanner_hold(StpBluezScanner *self);
void stp_bluez_scanner_release(StpBluezScanner *self);
/* Whether there are pens to watch for in windows; at first there are. */
void stp_bluez_scanner_watch(StpBluezScanner *self, gboolean watching);
/* Others than those of bluez-timing.h, for what begins from now on. */
void stp_bluez_scanner_set_times(StpBluezScanner *self, guint eager_ms, guint window_ms, guint period_ms);
/* STARTING, SCANNING (pausing counts as that), POWERED_OFF, DENIED or FAILED. */
StpRadioState stp_bluez_scanner_get_state(StpBluezScanner *self);
