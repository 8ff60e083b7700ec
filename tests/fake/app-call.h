/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "att.h"
#include "gatt-db.h"

/* Calls to the application that registered a characteristic. */

#define FAKE_GATT_CHR "org.bluez.GattCharacteristic1"

GDBusConnection *fake_app_connection(FakeChr *chr);

/* reply_type and callback may be NULL. */
void fake_app_call(FakeChr *chr, const char *method, GVariant *args, const char *reply_type,
		   GAsyncReadyCallback callback, gpointer data);

/* The a{sv} that BlueZ gives along: device, link, mtu, and offset unless 0.  Floating. */
GVariant *fake_app_options(FakeLink *link, guint16 offset);

/* What BlueZ makes of an application's error; permission: the code for NotPermitted. */
guint8 fake_app_error(const GError *error, guint8 permission);
