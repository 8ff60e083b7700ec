/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "radio.h"

/* The radio over BlueZ.  Comes up and recovers by itself as bluetoothd and the adapters do. */
#define STP_TYPE_BLUEZ_RADIO (stp_bluez_radio_get_type())
G_DECLARE_FINAL_TYPE(StpBluezRadio, stp_bluez_radio, STP, BLUEZ_RADIO, GObject)

typedef struct {
	const char *const *adapters;	/* addresses or "hci1"; NULL or empty: all; see bluez-stations.h */
	const char *lease_directory;	/* NULL: without a lease; see adapter-lease.h */
	const char *memory;		/* file; NULL: for this life only; see radio-memory.h */
} StpBluezRadioOptions;

/* connection: to the bus on which org.bluez lives.  options: NULL for none. */
StpRadio *stp_bluez_radio_new(GDBusConnection *connection, const StpBluezRadioOptions *options);
