/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

/*
 * An org.bluez with any number of adapters, at any index, and pens that each of them hears as
 * told.  Connect() waits until the test answers it; nothing behind it: for the questions which
 * adapter, when, and what then.
 */
typedef struct BareBluez BareBluez;

BareBluez *bare_bluez_new(GDBusConnection *connection);
void bare_bluez_free(BareBluez *self);

/* An adapter comes, powered; goes, with its devices. */
void bare_bluez_plug(BareBluez *self, guint hci, const char *address);
void bare_bluez_unplug(BareBluez *self, guint hci);
void bare_bluez_power(BareBluez *self, guint hci, gboolean on);
/* As if another program had it scan; ours is not shown. */
void bare_bluez_scan(BareBluez *self, guint hci, gboolean on);

/* It hears a pen, for the first time or again. */
void bare_bluez_hear(BareBluez *self, guint hci, const char *pen, gint16 rssi, gboolean bonded);
/* Its device object goes. */
void bare_bluez_forget(BareBluez *self, guint hci, const char *pen);
void bare_bluez_set_connected(BareBluez *self, guint hci, const char *pen, gboolean connected);

/* Of the oldest Connect() that waits: "hci0 00:AA:..."; NULL: none does. */
const char *bare_bluez_waits(BareBluez *self);
guint bare_bluez_waiting(BareBluez *self);
/* Answer the oldest one; name: a D-Bus error, with org.bluez.Error. when it has no dot. */
void bare_bluez_refuse(BareBluez *self, const char *name, const char *message);
void bare_bluez_accept(BareBluez *self);
guint bare_bluez_disconnects(BareBluez *self);
