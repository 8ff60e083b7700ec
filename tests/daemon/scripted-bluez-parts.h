/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "bluez-dbus.h"
#include "scripted-bluez.h"

/* What scripted-bluez.c and scripted-gatt.c share. */

#define DEVICE_NAME "/dev_00_AA_01_00_00_11"

struct ScriptedBluez {
	GDBusConnection *connection;
	guint name;
	char *adapter_path, *device_path;
	GDBusObjectManagerServer *objects;
	BluezAdapter1 *adapter;
	BluezDevice1 *device;
	ScriptedPairing pairing;
	gboolean bonded, seen, services, holds_services, signals, duplicates;
	char *hidden;
	char *agent, *agent_owner;
	GDBusMethodInvocation *pair;
	GHashTable *failures;	/* method -> GQueue of struct failure */
	GHashTable *calls;	/* method -> count */
	GString *written;
	int notify_fd;		/* ours; -1 none */
	gboolean mute;		/* notifications get lost */
	guint16 mtu;		/* as AcquireNotify and the property tell it */
	guint16 schema_rev;
	gboolean stale;		/* Features is read at the wrong handle until the next connection */
	guint service;		/* where the services stand */
};

/* Count the call; TRUE when it is to fail and has been dealt with. */
gboolean scripted_fails(ScriptedBluez *self, GDBusMethodInvocation *invocation);
void scripted_reply(GDBusMethodInvocation *invocation);
void scripted_export(ScriptedBluez *self, const char *path, gpointer interface);
void scripted_add_characteristics(ScriptedBluez *self);
void scripted_remove_characteristics(ScriptedBluez *self);
