/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <bluez-dbus.h>

/*
 * org.bluez.GattCharacteristic1 as an application offers it.  The generated skeleton would show
 * every property of the interface, and bluetoothd takes the mere presence of NotifyAcquired and
 * WriteAcquired as an offer of descriptors.  This one shows UUID, Service and Flags, and
 * NotifyAcquired where descriptors are offered.
 */
#define PEN_TYPE_CHARACTERISTIC (pen_characteristic_get_type())
G_DECLARE_FINAL_TYPE(PenCharacteristic, pen_characteristic, PEN, CHARACTERISTIC,
		     BluezGattCharacteristic1Skeleton)

PenCharacteristic *pen_characteristic_new(const char *uuid, const char *service_path,
					  const char *const *flags, gboolean offers_notify_fd);

/*
 * Send a value to whoever subscribed with StartNotify: PropertiesChanged(Value), one signal per
 * value, also when it equals the one before.
 */
void pen_characteristic_emit_value(PenCharacteristic *self, const guint8 *bytes, gsize size);

/* Take the offer of a descriptor back. */
void pen_characteristic_withdraw_fd(PenCharacteristic *self);
