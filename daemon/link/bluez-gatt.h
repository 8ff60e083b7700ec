/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "bluez-client.h"
#include "link.h"

/* The remote characteristics of a device, by channel. */

/* The GattCharacteristic1 of a channel, the caller's; NULL when the device shows none. */
GDBusProxy *stp_bluez_gatt_find(StpBluezClient *client, const char *device_path, StpChannel channel);
/*
 * The level, as its characteristic would give it; NULL: not known.  BlueZ keeps the battery service to itself,
 * and tells the level by an interface of its own.
 */
GBytes *stp_bluez_gatt_battery(StpBluezClient *client, const char *device_path);

/*
 * Wait until BlueZ has resolved the services of a connected device and shows all of them that
 * a pen must have, at paths that do not change any more.  Errors: PROTOCOL_FAILED (it lacks one), LINK_FAILED, NO_BLUETOOTH, CANCELLED.
 */
void stp_bluez_gatt_resolve_async(StpBluezClient *client, GDBusProxy *device, GCancellable *cancellable,
				  GAsyncReadyCallback callback, gpointer user_data);
gboolean stp_bluez_gatt_resolve_finish(StpBluezClient *client, GAsyncResult *result, GError **error);
