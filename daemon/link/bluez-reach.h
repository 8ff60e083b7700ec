/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "bluez-station.h"

/*
 * Connect to a pen over one adapter: wait until it is heard and for the adapter's turn, let
 * Connect() try again after BlueZ' passing failures, take it back when it does not end.  The
 * result is its Device1.  budget: microseconds for all of that, the turns of others not counted;
 * what is left of it comes back.  Errors: LINK_FAILED, NO_SLOT, NO_BLUETOOTH, NO_ADAPTER, DENIED,
 * PROTOCOL_FAILED, CANCELLED.
 */
void stp_bluez_reach_async(StpBluezClient *client, StpBluezStation *station, const char *address, gint64 budget,
			   GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
/* How often Connect() was called, as long as result lives. */
guint stp_bluez_reach_get_calls(GAsyncResult *result);
GDBusProxy *stp_bluez_reach_finish(StpBluezClient *client, GAsyncResult *result, gint64 *budget, GError **error);

/* Ask for the end of a connection, or of the try to set one up.  Never fails. */
void stp_bluez_disconnect_async(GDBusProxy *device, GAsyncReadyCallback callback, gpointer user_data);
