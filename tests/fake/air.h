/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "bus.h"
#include "options.h"
#include "store.h"

typedef struct FakeAir FakeAir;
typedef struct FakeAdapter FakeAdapter;
typedef struct FakeDevice FakeDevice;
typedef struct FakeLink FakeLink;
typedef struct FakeAgents FakeAgents;
typedef struct FakeFaults FakeFaults;

/* The medium, and what one run of the daemon owns. */
struct FakeAir {
	FakeBus *bus;
	const FakeOptions *options;
	FakeStore *store;	/* outlives a restart */
	FakeAgents *agents;
	FakeFaults *faults;
	GPtrArray *adapters;	/* FakeAdapter, in order of their index */
	GPtrArray *links;	/* FakeLink, open */
	guint tick;
	guint ticks;
};

/* Called on a request to restart: end the air and begin anew after so many milliseconds. */
typedef void (*FakeRestart)(guint after_ms, gpointer data);

FakeAir *fake_air_new(GDBusConnection *connection, const FakeOptions *options, FakeStore *store,
		      FakeRestart restart, gpointer restart_data);
void fake_air_free(FakeAir *air);
/* Before a restart: which devices are connected, for who comes after. */
void fake_air_remember_links(FakeAir *air);

/* By object path ("/org/bluez/hci0"), by name ("hci0") or by address; NULL when there is none. */
FakeAdapter *fake_air_adapter(FakeAir *air, const char *name);
/* A new adapter with the lowest free index. */
FakeAdapter *fake_air_add_adapter(FakeAir *air);
void fake_air_remove_adapter(FakeAir *air, FakeAdapter *adapter);

/* Somebody began or ended to scan, to advertise or to wait for a connection. */
void fake_air_changed(FakeAir *air);

/* A line on stderr, with --verbose. */
void fake_log(FakeAir *air, const char *format, ...) G_GNUC_PRINTF(2, 3);
