/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

/*
 * An org.bluez with one adapter and one pen that does as it is told: for the answers of BlueZ
 * that its true self gives only on a bad day.  Lives in the test's own main loop.
 */
typedef struct ScriptedBluez ScriptedBluez;

#define SCRIPTED_PEN "00:AA:01:00:00:11"
#define SCRIPTED_SERIAL "SP-000123"
#define SCRIPTED_PASSKEY 123456

typedef enum {
	SCRIPTED_PASSKEY_ENTRY,		/* the agent types SCRIPTED_PASSKEY */
	SCRIPTED_COMPARISON,		/* the agent confirms SCRIPTED_PASSKEY */
	SCRIPTED_JUST_WORKS,		/* the agent is not asked */
} ScriptedPairing;

/* Owns org.bluez on that connection, which is not the one under test. */
ScriptedBluez *scripted_bluez_new(GDBusConnection *connection);
void scripted_bluez_free(ScriptedBluez *self);
/* Leave the bus as bluetoothd does when it is killed, and come back with nothing but the bond. */
void scripted_bluez_stop(ScriptedBluez *self);
void scripted_bluez_start(ScriptedBluez *self);

void scripted_bluez_set_powered(ScriptedBluez *self, gboolean powered);
void scripted_bluez_remove_adapter(ScriptedBluez *self);

/* With the pen's device; it comes back at another index. */
void scripted_bluez_unplug(ScriptedBluez *self);
void scripted_bluez_plug(ScriptedBluez *self, guint hci);

/* The pen appears, or is heard again, with that record as the newest one. */
void scripted_bluez_advertise(ScriptedBluez *self, guint32 newest_record);
void scripted_bluez_set_pairing(ScriptedBluez *self, ScriptedPairing pairing);
gboolean scripted_bluez_is_bonded(ScriptedBluez *self);
gboolean scripted_bluez_is_connected(ScriptedBluez *self);
gboolean scripted_bluez_is_discovering(ScriptedBluez *self);
/* Whether the last filter asks to be told of each advertisement. */
gboolean scripted_bluez_wants_duplicates(ScriptedBluez *self);
/* The characteristics that the pen lacks from its next connection on: a UUID, or NULL. */
void scripted_bluez_hide(ScriptedBluez *self, const char *uuid);
/* Services are not resolved by themselves. */
void scripted_bluez_hold_services(ScriptedBluez *self);
/* They are, from the next connection on. */
void scripted_bluez_release_services(ScriptedBluez *self);

/*
 * The next call of a method (of whatever object) fails with org.bluez.Error.<name>; NULL: it is
 * never answered.  More calls line up.
 */
void scripted_bluez_fail(ScriptedBluez *self, const char *method, const char *name, const char *message);
/* How often a method was called. */
guint scripted_bluez_calls(ScriptedBluez *self, const char *method);

/* From the pen: an indication, as PropertiesChanged; a notification, by the way that is on. */
void scripted_bluez_indicate(ScriptedBluez *self, const void *bytes, gsize size);
void scripted_bluez_notify(ScriptedBluez *self, const void *bytes, gsize size);
/* Close the descriptor of AcquireNotify, but not the connection. */
void scripted_bluez_hang_up(ScriptedBluez *self);
void scripted_bluez_drop_link(ScriptedBluez *self);
/* The services of the pen go while the connection stays. */
void scripted_bluez_drop_services(ScriptedBluez *self);
/* Everything written so far: "request 10,command 14"; the caller's. */
char *scripted_bluez_written(ScriptedBluez *self);

/* What the pen notifies is lost; it is not told. */
void scripted_bluez_mute(ScriptedBluez *self, gboolean mute);
/* As BlueZ tells it from now on. */
void scripted_bluez_set_mtu(ScriptedBluez *self, guint16 mtu);
void scripted_bluez_set_schema(ScriptedBluez *self, guint16 schema_rev);
/* Until the next connection BlueZ reads Features at a handle that means something else. */
void scripted_bluez_go_stale(ScriptedBluez *self);
/* With held services: they are resolved now, at that place; those that were there go first. */
void scripted_bluez_resolve(ScriptedBluez *self, guint service);
/* Only ServicesResolved becomes true. */
void scripted_bluez_say_resolved(ScriptedBluez *self);
/* As BlueZ tells it from 5.83 on: "org.bluez.Reason.Timeout". */
void scripted_bluez_drop_link_with(ScriptedBluez *self, const char *reason, const char *message);
