/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#include "air.h"

#include <stdio.h>
#include <string.h>

#include "adapter.h"
#include "adv-monitor.h"
#include "advertising.h"
#include "agent.h"
#include "connect.h"
#include "device.h"
#include "discovery.h"
#include "faults.h"
#include "fake-link.h"

/* No test needs more. */
#define MAX_ADAPTERS 64

void
fake_log(FakeAir *air, const char *format, ...)
{
	g_autofree char *text = NULL;
	va_list args;

	if (!air->options->verbose)
		return;
	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	fprintf(stderr, "fake-bluez %.3f: %s\n", (double)g_get_monotonic_time() / 1e6, text);
}

FakeAdapter *
fake_air_adapter(FakeAir *air, const char *name)
{
	for (guint i = 0; i < air->adapters->len; i++) {
		FakeAdapter *adapter = g_ptr_array_index(air->adapters, i);

		if (g_str_equal(name, adapter->path) || g_ascii_strcasecmp(name, adapter->address) == 0 ||
		    g_str_equal(name, strrchr(adapter->path, '/') + 1))
			return adapter;
	}
	return NULL;
}

FakeAdapter *
fake_air_add_adapter(FakeAir *air)
{
	FakeAdapter *adapter;

	for (int index = 0; index < MAX_ADAPTERS; index++) {
		g_autofree char *path = g_strdup_printf("/org/bluez/hci%d", index);

		if (fake_air_adapter(air, path))
			continue;
		adapter = fake_adapter_new(air, index);
		g_ptr_array_add(air->adapters, adapter);
		return adapter;
	}
	return NULL;
}

void
fake_air_remove_adapter(FakeAir *air, FakeAdapter *adapter)
{
	g_ptr_array_remove(air->adapters, adapter);
	fake_adapter_free(adapter);
	fake_air_changed(air);
}

/* Everybody who scans hears everybody who advertises, each tick a little differently loud. */
static void
report_adverts(FakeAir *air, FakeAdapter *listener)
{
	for (guint i = 0; i < air->adapters->len; i++) {
		FakeAdapter *speaker = g_ptr_array_index(air->adapters, i);
		gint16 rssi = (gint16)(-50 - 3 * speaker->index - (int)(air->ticks % 3));

		if (speaker == listener)
			continue;
		for (guint n = 0; n < fake_adverts_on_air(speaker->adverts); n++)
			fake_discovery_report(listener->discovery, speaker->address,
					      fake_adverts_nth(speaker->adverts, n), rssi);
	}
}

static gboolean
is_listening(FakeAdapter *adapter)
{
	return fake_adapter_powered(adapter) &&
	       (fake_discovery_running(adapter->discovery) || fake_monitors_active(adapter->monitors));
}

static gboolean
on_tick(gpointer data)
{
	FakeAir *air = data;

	air->ticks++;
	for (guint i = 0; i < air->adapters->len; i++) {
		FakeAdapter *adapter = g_ptr_array_index(air->adapters, i);

		if (is_listening(adapter) && adapter->deaf == FAKE_HEARS)
			report_adverts(air, adapter);
	}
	fake_air_changed(air);
	return G_SOURCE_CONTINUE;
}

void
fake_air_changed(FakeAir *air)
{
	gboolean needed = FALSE;

	for (guint i = 0; i < air->adapters->len; i++) {
		FakeAdapter *adapter = g_ptr_array_index(air->adapters, i);

		fake_connect_poll(adapter);
		needed |= is_listening(adapter) || fake_connect_waiting(adapter);
	}
	if (needed && !air->tick) {
		air->tick = g_timeout_add((guint)air->options->advert_interval, on_tick, air);
	} else if (!needed && air->tick) {
		g_source_remove(air->tick);
		air->tick = 0;
	}
}

FakeAir *
fake_air_new(GDBusConnection *connection, const FakeOptions *options, FakeStore *store,
	     FakeRestart restart, gpointer restart_data)
{
	FakeAir *air = g_new0(FakeAir, 1);

	air->bus = fake_bus_new(connection);
	air->options = options;
	air->store = store;
	air->adapters = g_ptr_array_new();
	air->links = g_ptr_array_new();
	air->agents = fake_agents_new(air->bus);
	air->faults = fake_faults_new(air, restart, restart_data);
	for (int i = 0; i < options->adapters; i++)
		fake_air_add_adapter(air);
	return air;
}

void
fake_air_remember_links(FakeAir *air)
{
	for (guint i = 0; i < air->links->len; i++) {
		FakeLink *link = g_ptr_array_index(air->links, i);
		FakeRecord *ends[] = { fake_device_record(link->at_central),
				       fake_device_record(link->at_peripheral) };

		for (guint end = 0; end < G_N_ELEMENTS(ends); end++)
			if (ends[end])
				ends[end]->connected = TRUE;
	}
}

void
fake_air_free(FakeAir *air)
{
	while (air->adapters->len)
		fake_air_remove_adapter(air, g_ptr_array_index(air->adapters, air->adapters->len - 1));
	g_assert(air->links->len == 0);
	if (air->tick)
		g_source_remove(air->tick);
	fake_faults_free(air->faults);
	fake_agents_free(air->agents);
	g_ptr_array_free(air->adapters, TRUE);
	g_ptr_array_free(air->links, TRUE);
	fake_bus_free(air->bus);
	g_free(air);
}
