/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "bluez-scanner.h"
#include "bluez-sightings.h"

/*
 * Connect to a pen by its address, whatever it takes: wait until it is heard, let Connect() try
 * again after BlueZ' passing failures, take it back when it does not end.  The result is its
 * Device1.  Errors: LINK_FAILED, NO_BLUETOOTH, NO_ADAPTER, DENIED, CANCELLED.
 */
void stp_bluez_reach_async(StpBluezClient *client, StpBluezScanner *scanner, StpBluezSightings *sightings,
			   const char *address, GCancellable *cancellable, GAsyncReadyCallback callback,
			   gpointer user_data);
/* How often Connect() was called, as long as result lives. */
guint stp_bluez_reach_get_calls(GAsyncResult *result);
GDBusProxy *stp_bluez_reach_finish(StpBluezClient *client, GAsyncResult *result, GError **error);

/* Ask for the end of a connection, or of the try to set one up.  Never fails. */
void stp_bluez_disconnect_async(GDBusProxy *device, GAsyncReadyCallback callback, gpointer user_data);
