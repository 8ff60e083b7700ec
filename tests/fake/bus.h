/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

#include "owners.h"

/*
 * The bus side of the fake: objects with properties and an object manager.  GDBus skeletons
 * would batch PropertiesChanged in an idle callback and always show every property; BlueZ sends
 * each change at once and leaves absent properties out, and both matter to its clients.
 */
typedef struct FakeBus FakeBus;
typedef struct FakeObject FakeObject;
typedef struct FakeIface FakeIface;

typedef struct {
	/* Answers the invocation, now or later. */
	void (*call)(gpointer self, const char *method, GVariant *args, GDBusMethodInvocation *invocation);
	/* A write to a property; sets it with fake_iface_set() if it agrees.  NULL: read-only. */
	gboolean (*set)(gpointer self, const char *property, GVariant *value, GError **error);
} FakeMethods;

/* Takes a reference to the connection; has the object manager at "/". */
FakeBus *fake_bus_new(GDBusConnection *connection);
void fake_bus_free(FakeBus *bus);
GDBusConnection *fake_bus_connection(FakeBus *bus);

/*
 * Asked before each call with "Device1.Connect"; TRUE when it has answered the invocation.
 */
typedef gboolean (*FakeIntercept)(gpointer data, const char *method, GDBusMethodInvocation *invocation);
void fake_bus_set_intercept(FakeBus *bus, FakeIntercept intercept, gpointer data);

/* See owners.h. */
guint fake_bus_watch_owner(FakeBus *bus, const char *owner, FakeGone gone, gpointer data);
void fake_bus_unwatch(FakeBus *bus, guint id);

/* An object is invisible until it is published, and gone when it is freed. */
FakeObject *fake_object_new(FakeBus *bus, const char *path);
FakeIface *fake_object_add(FakeObject *object, GDBusInterfaceInfo *info, const FakeMethods *methods,
			   gpointer self);
void fake_object_publish(FakeObject *object);
void fake_object_free(FakeObject *object);
const char *fake_object_path(FakeObject *object);
/* An interface that comes, or goes, while the object is there. */
void fake_object_publish_iface(FakeIface *iface);
void fake_object_remove_iface(FakeIface *iface);

/* Sinks value; NULL makes the property absent.  Signals when that is a change. */
void fake_iface_set(FakeIface *iface, const char *name, GVariant *value);
/* The same, and signals in any case, or in none. */
void fake_iface_emit(FakeIface *iface, const char *name, GVariant *value);
void fake_iface_set_quietly(FakeIface *iface, const char *name, GVariant *value);
/* Signal the value it has. */
void fake_iface_signal(FakeIface *iface, const char *name);
/* Borrowed; NULL when absent. */
GVariant *fake_iface_get(FakeIface *iface, const char *name);
gboolean fake_iface_get_boolean(FakeIface *iface, const char *name);

/* Answer with org.bluez.Error.<name>; invocation may be NULL. */
void fake_refuse(GDBusMethodInvocation *invocation, const char *name, const char *text);
/* Answer with nothing; invocation may be NULL. */
void fake_agree(GDBusMethodInvocation *invocation);
