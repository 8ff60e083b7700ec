/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "link-bluez.h"

/*
 * From a connected device to a link that can be trusted: waits for its services, and checks that
 * BlueZ' idea of them is not from before an update of the pen's firmware.
 *
 * BlueZ keeps the services of a pen from one connection to the next ([GATT] Cache).  At a new
 * connection it compares the pen's database hash, and explores anew when that differs; a pen that
 * has none, or changed while BlueZ did not look, is left with handles that mean something else.
 * Signs of that: a required characteristic is missing, Features cannot be read or makes no sense,
 * its schema_rev is not that of the last link.  Then the pen is disconnected, left alone for
 * STP_BLUEZ_REFRESH_PAUSE and connected again, once.  The bond is never touched: removing the
 * device would mend it, too, but is for a person to decide.
 */

/* origin: of the connection as it is now.  Errors: those of stp_bluez_gatt_resolve_async(). */
void stp_bluez_open_async(StpBluezClient *client, GDBusProxy *device, StpLinkMemory *memory,
			  const StpLinkOrigin *origin, GCancellable *cancellable, GAsyncReadyCallback callback,
			  gpointer user_data);
StpLink *stp_bluez_open_finish(StpBluezClient *client, GAsyncResult *result, GError **error);
