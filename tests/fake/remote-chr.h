/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "device.h"
#include "gatt-db.h"

/* One characteristic of a peer: org.bluez.GattCharacteristic1 under the central's device. */
typedef struct FakeRemoteChr FakeRemoteChr;

FakeRemoteChr *fake_remote_chr_new(FakeDevice *device, const char *service_path, const FakeChr *chr);
/* Takes the object from the bus; what is under way is answered. */
void fake_remote_chr_free(FakeRemoteChr *chr);

/* BlueZ itself is told of each notification. */
void fake_remote_chr_listen(FakeRemoteChr *chr, void (*heard)(gconstpointer value, gsize size, gpointer data),
			    gpointer data);
gboolean fake_remote_chr_is(FakeRemoteChr *chr, const char *uuid);

guint16 fake_remote_chr_handle(FakeRemoteChr *chr);
void fake_remote_chr_connected(FakeRemoteChr *chr);
void fake_remote_chr_disconnected(FakeRemoteChr *chr);
void fake_remote_chr_notified(FakeRemoteChr *chr, gconstpointer value, gsize size);
