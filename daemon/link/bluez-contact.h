/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "bluez-open.h"
#include "bluez-pairing.h"
#include "bluez-stations.h"

/*
 * Getting in contact with a pen, whatever it takes: choose the adapter, wait for one of its
 * connections, reach the pen, wait for its services, and pair where that is wanted.  A failure
 * that may be the adapter's is tried over another one that hears the pen, within the time for
 * all tries (bluez-timing.h).
 *
 * source: of the result, a GTask: of a StpLink for connect (g_task_propagate_pointer()), of TRUE
 * for pair (g_task_propagate_boolean()).
 */
typedef struct {
	gpointer source;
	StpBluezClient *client;
	StpBluezStations *stations;
	StpBluezPairing *pairing;
	StpLinkMemory *memory;
} StpBluezContact;

void stp_bluez_contact_connect_async(const StpBluezContact *with, const char *pen, GCancellable *cancellable,
				     GAsyncReadyCallback callback, gpointer user_data);
void stp_bluez_contact_pair_async(const StpBluezContact *with, const char *pen, StpPairingAsk ask,
				  gpointer ask_data, GCancellable *cancellable, GAsyncReadyCallback callback,
				  gpointer user_data);
