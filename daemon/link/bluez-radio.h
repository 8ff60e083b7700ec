/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "radio.h"

/* The radio over BlueZ.  Comes up and recovers by itself as bluetoothd and the adapter do. */
#define STP_TYPE_BLUEZ_RADIO (stp_bluez_radio_get_type())
G_DECLARE_FINAL_TYPE(StpBluezRadio, stp_bluez_radio, STP, BLUEZ_RADIO, GObject)

/*
 * connection: to the bus on which org.bluez lives.  adapter: an address or "hci1"; NULL takes
 * the powered adapter with the lowest address.
 */
StpRadio *stp_bluez_radio_new(GDBusConnection *connection, const char *adapter);
