/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "bluez-adapter.h"

/*
 * Passive scanning: asks BlueZ to watch for the pens' service data on one adapter
 * (org.bluez.AdvertisementMonitorManager1, which bluetoothd 5.66 has with --experimental only).
 *
 * While it is ACTIVE bluetoothd keeps the devices it hears up to date with no discovery at all,
 * and says when one comes and goes.  It does not say that one is still there.
 *
 * Signals:
 *   changed ()                 of state or reason
 *   found (const char *path)   that Device1 is heard from now on
 *   lost (const char *path)    it was not heard for STP_BLUEZ_MONITOR_LOST
 */
typedef enum {
	STP_BLUEZ_MONITOR_OFF,		/* no adapter, or not wanted */
	STP_BLUEZ_MONITOR_ABSENT,	/* this BlueZ has none */
	STP_BLUEZ_MONITOR_WAITING,	/* for BlueZ to activate it */
	STP_BLUEZ_MONITOR_ACTIVE,
	STP_BLUEZ_MONITOR_FAILED,
} StpBluezMonitorState;

#define STP_TYPE_BLUEZ_MONITOR (stp_bluez_monitor_get_type())
G_DECLARE_FINAL_TYPE(StpBluezMonitor, stp_bluez_monitor, STP, BLUEZ_MONITOR, GObject)

/* At first it is wanted. */
StpBluezMonitor *stp_bluez_monitor_new(StpBluezClient *client, StpBluezAdapter *adapter);
void stp_bluez_monitor_set_wanted(StpBluezMonitor *self, gboolean wanted);
/* Begin anew, also after a failure. */
void stp_bluez_monitor_restart(StpBluezMonitor *self);
StpBluezMonitorState stp_bluez_monitor_get_state(StpBluezMonitor *self);
/* Why there is none, half a sentence; "" while OFF, WAITING or ACTIVE. */
const char *stp_bluez_monitor_get_why(StpBluezMonitor *self);
