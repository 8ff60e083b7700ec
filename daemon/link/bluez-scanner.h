/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "bluez-adapter.h"
#include "radio.h"

/*
 * Keeps discovery going on the chosen adapter: without a pause while a pen is expected, in
 * windows otherwise (bluez-timing.h).
 *
 * Signal: changed ()  of what stp_bluez_scanner_get_state() tells
 */
#define STP_TYPE_BLUEZ_SCANNER (stp_bluez_scanner_get_type())
G_DECLARE_FINAL_TYPE(StpBluezScanner, stp_bluez_scanner, STP, BLUEZ_SCANNER, GObject)

StpBluezScanner *stp_bluez_scanner_new(StpBluezAdapter *adapter);
void stp_bluez_scanner_start(StpBluezScanner *self);
/* A pen is expected: scan without a pause for a while. */
void stp_bluez_scanner_hurry(StpBluezScanner *self);
/* STARTING, SCANNING (pausing counts as that), POWERED_OFF, DENIED or FAILED. */
StpRadioState stp_bluez_scanner_get_state(StpBluezScanner *self);
