/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "adapter.h"
#include "advertising.h"

typedef struct FakeRemote FakeRemote;

/* org.bluez.Device1: what an adapter knows of a peer. */
struct FakeDevice {
	FakeAdapter *adapter;
	char address[18];
	FakeObject *object;
	FakeIface *iface;
	gboolean published;
	FakeLink *link;		/* NULL while not connected */
	gboolean central;	/* this end is the link's central */
	gboolean temporary;
	guint temporary_timer;
	gboolean ever_resolved;	/* from then on advertised UUIDs are ignored */
	gboolean paired_untold;	/* Paired is announced after the services */
	FakeRemote *remote;
	FakeIface *battery;	/* NULL: its level is not known */
	guint ghost_timer;	/* shown as connected since before a restart */
	/* Calls that wait. */
	GDBusMethodInvocation *connect;
	GDBusMethodInvocation *pair;
	char *pair_sender;
	guint pair_watch;
	gboolean pair_when_resolved;
	GPtrArray *disconnects;
	guint disconnect_timer;
	gboolean remove_after;
	guint resolve_timer;
	/* Its place in the adapter's queue; see connect.c. */
	guint connect_timeout;
};

/* Temporary and not published yet. */
FakeDevice *fake_device_new(FakeAdapter *adapter, const char *address);
void fake_device_free(FakeDevice *device);
void fake_device_publish(FakeDevice *device);
const char *fake_device_path(FakeDevice *device);

/* Temporary devices vanish when they were not seen for a while. */
void fake_device_set_temporary(FakeDevice *device, gboolean temporary);
void fake_device_seen(FakeDevice *device);
/* Take over what it advertises; filtered and duplicates as the running discoveries have it. */
void fake_device_heard(FakeDevice *device, const FakeAdvert *advert, gint16 rssi, gboolean filtered,
		       gboolean duplicates);

gboolean fake_device_bonded(FakeDevice *device);
FakeRecord *fake_device_record(FakeDevice *device);
/* Remember what a restart must not lose. */
void fake_device_store(FakeDevice *device);
/* A pairing succeeded, or the bond is gone. */
void fake_device_set_bond(FakeDevice *device, FakeSecurity security, guint32 key);
void fake_device_forget_bond(FakeDevice *device);

/* RemoveDevice of the adapter: disconnects first; answers the invocation. */
void fake_device_remove(FakeDevice *device, GDBusMethodInvocation *invocation);

/* After a restart: it is not connected any more. */
void fake_device_end_ghost(FakeDevice *device);

/* The link began, or ended. */
void fake_device_connected(FakeDevice *device, FakeLink *link, gboolean central);
void fake_device_disconnected(FakeDevice *device);
/* The peer's name, as its GAP service has it. */
void fake_device_set_name(FakeDevice *device, const char *name);
/* The peer's services are exported. */
void fake_device_resolved(FakeDevice *device);
/* Replace the UUIDs of the peer's services. */
void fake_device_set_uuids(FakeDevice *device, const char *const *uuids);
