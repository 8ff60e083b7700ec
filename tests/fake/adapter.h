/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "air.h"

typedef struct FakeDiscovery FakeDiscovery;
typedef struct FakeAdverts FakeAdverts;
typedef struct FakeDb FakeDb;
typedef struct FakeMonitors FakeMonitors;

/* It looks healthy and hears nothing, until that. */
typedef enum {
	FAKE_HEARS,
	FAKE_DEAF_TILL_SCAN,	/* a discovery or a monitor begins */
	FAKE_DEAF_TILL_POWER,	/* it is switched off and on */
	FAKE_DEAF,		/* the fault is taken back */
} FakeDeafness;

/* org.bluez.Adapter1, and what belongs to the adapter. */
struct FakeAdapter {
	FakeAir *air;
	int index;
	char *path;
	char address[18];
	FakeObject *object;
	FakeIface *iface;
	FakeDiscovery *discovery;
	FakeAdverts *adverts;
	FakeDb *db;
	FakeMonitors *monitors;
	GPtrArray *devices;	/* FakeDevice */
	GQueue connecting;	/* FakeDevice, waiting in turn; see connect.c */
	guint connect_timer;
	FakeDeafness deaf;
	gint64 quiet_until;	/* no connectable advertising before; monotonic, microseconds */
};

FakeAdapter *fake_adapter_new(FakeAir *air, int index);
void fake_adapter_free(FakeAdapter *adapter);

gboolean fake_adapter_powered(FakeAdapter *adapter);
/* Off: ends discoveries and links, and forgets devices nobody connected to. */
void fake_adapter_set_powered(FakeAdapter *adapter, gboolean powered);

/* Listening begins: may end deafness. */
void fake_adapter_begins_to_listen(FakeAdapter *adapter);

/* Whether it is the peripheral of a link. */
gboolean fake_adapter_is_peripheral(FakeAdapter *adapter);

/* NULL when it has no such device. */
FakeDevice *fake_adapter_find(FakeAdapter *adapter, const char *address);
/* The same, made (temporary, unpublished) when missing. */
FakeDevice *fake_adapter_ensure(FakeAdapter *adapter, const char *address);
/* Ends its link, takes it from the bus and frees it; its bond stays in the store. */
void fake_adapter_drop_device(FakeAdapter *adapter, FakeDevice *device);
