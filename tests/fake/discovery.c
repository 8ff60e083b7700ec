/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#include "discovery.h"

#include <string.h>

#include "adv-monitor.h"
#include "device.h"

#define NO_RSSI 127

/* A sender that discovers, or has only set a filter so far. */
typedef struct {
	FakeDiscovery *discovery;
	char *owner;
	guint watch;
	gboolean running;
	gboolean filtered;
	GStrv uuids;	/* NULL: any */
	char *pattern;	/* NULL: none */
	gint16 rssi;
	gboolean duplicates;
} Client;

struct FakeDiscovery {
	FakeAdapter *adapter;
	GPtrArray *clients;
	GHashTable *found;	/* addresses that got an RSSI in this discovery */
};

FakeDiscovery *
fake_discovery_new(FakeAdapter *adapter)
{
	FakeDiscovery *discovery = g_new0(FakeDiscovery, 1);

	discovery->adapter = adapter;
	discovery->clients = g_ptr_array_new();
	discovery->found = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	return discovery;
}

static void
clear_filter(Client *client)
{
	g_clear_pointer(&client->uuids, g_strfreev);
	g_clear_pointer(&client->pattern, g_free);
	client->filtered = FALSE;
	client->duplicates = FALSE;
	client->rssi = NO_RSSI;
}

static void
client_free(Client *client)
{
	if (client->watch)
		fake_bus_unwatch(client->discovery->adapter->air->bus, client->watch);
	g_ptr_array_remove(client->discovery->clients, client);
	clear_filter(client);
	g_free(client->owner);
	g_free(client);
}

gboolean
fake_discovery_running(FakeDiscovery *discovery)
{
	for (guint i = 0; i < discovery->clients->len; i++)
		if (((Client *)g_ptr_array_index(discovery->clients, i))->running)
			return TRUE;
	return FALSE;
}

/* After the last session the devices lose their RSSI, as it tells nothing any more. */
static void
state_changed(FakeDiscovery *discovery)
{
	FakeAdapter *adapter = discovery->adapter;
	gboolean running = fake_discovery_running(discovery);
	GHashTableIter iter;
	gpointer address;

	if (!running) {
		g_hash_table_iter_init(&iter, discovery->found);
		while (g_hash_table_iter_next(&iter, &address, NULL)) {
			FakeDevice *device = fake_adapter_find(adapter, address);

			if (device)
				fake_iface_set(device->iface, "RSSI", NULL);
		}
		g_hash_table_remove_all(discovery->found);
	}
	fake_iface_set(adapter->iface, "Discovering", g_variant_new_boolean(running));
	fake_air_changed(adapter->air);
}

void
fake_discovery_reset(FakeDiscovery *discovery)
{
	while (discovery->clients->len)
		client_free(g_ptr_array_index(discovery->clients, 0));
	state_changed(discovery);
}

void
fake_discovery_free(FakeDiscovery *discovery)
{
	while (discovery->clients->len)
		client_free(g_ptr_array_index(discovery->clients, 0));
	g_ptr_array_free(discovery->clients, TRUE);
	g_hash_table_unref(discovery->found);
	g_free(discovery);
}

static void
on_owner_gone(gpointer data)
{
	Client *client = data;
	FakeDiscovery *discovery = client->discovery;

	client->watch = 0;
	client_free(client);
	state_changed(discovery);
}

static Client *
find_client(FakeDiscovery *discovery, const char *owner, gboolean make)
{
	Client *client;

	for (guint i = 0; i < discovery->clients->len; i++) {
		client = g_ptr_array_index(discovery->clients, i);
		if (g_str_equal(client->owner, owner))
			return client;
	}
	if (!make)
		return NULL;
	client = g_new0(Client, 1);
	client->discovery = discovery;
	client->owner = g_strdup(owner);
	client->rssi = NO_RSSI;
	client->watch = fake_bus_watch_owner(discovery->adapter->air->bus, owner, on_owner_gone, client);
	g_ptr_array_add(discovery->clients, client);
	return client;
}

void
fake_discovery_start(FakeDiscovery *discovery, GDBusMethodInvocation *invocation)
{
	Client *client = find_client(discovery, g_dbus_method_invocation_get_sender(invocation), TRUE);

	if (client->running) {
		fake_refuse(invocation, "InProgress", "Operation already in progress");
		return;
	}
	client->running = TRUE;
	fake_adapter_begins_to_listen(discovery->adapter);
	state_changed(discovery);
	fake_agree(invocation);
}

void
fake_discovery_stop(FakeDiscovery *discovery, GDBusMethodInvocation *invocation)
{
	Client *client = find_client(discovery, g_dbus_method_invocation_get_sender(invocation), FALSE);

	if (!client || !client->running) {
		fake_refuse(invocation, "Failed", "No discovery started");
		return;
	}
	/* A filter outlives the session it was set for. */
	client->running = FALSE;
	if (!client->filtered)
		client_free(client);
	state_changed(discovery);
	fake_agree(invocation);
}

static gboolean
parse_filter(Client *client, GVariant *properties)
{
	GVariantIter iter;
	const char *name;
	GVariant *value;
	gboolean good = TRUE;

	g_variant_iter_init(&iter, properties);
	while (g_variant_iter_next(&iter, "{&sv}", &name, &value)) {
		if (g_str_equal(name, "UUIDs") && g_variant_is_of_type(value, G_VARIANT_TYPE_STRING_ARRAY)) {
			client->uuids = g_variant_dup_strv(value, NULL);
			for (char **uuid = client->uuids; *uuid; uuid++)
				fake_uuid_normalise(uuid);
			if (!*client->uuids)
				g_clear_pointer(&client->uuids, g_strfreev);
		} else if (g_str_equal(name, "RSSI") && g_variant_is_of_type(value, G_VARIANT_TYPE_INT16)) {
			client->rssi = g_variant_get_int16(value);
		} else if (g_str_equal(name, "DuplicateData") &&
			   g_variant_is_of_type(value, G_VARIANT_TYPE_BOOLEAN)) {
			client->duplicates = g_variant_get_boolean(value);
		} else if (g_str_equal(name, "Pattern") &&
			   g_variant_is_of_type(value, G_VARIANT_TYPE_STRING)) {
			client->pattern = g_variant_dup_string(value, NULL);
		} else if (g_str_equal(name, "Transport") &&
			   g_variant_is_of_type(value, G_VARIANT_TYPE_STRING)) {
			const char *transport = g_variant_get_string(value, NULL);

			good &= g_str_equal(transport, "le") || g_str_equal(transport, "auto");
		} else if (!g_str_equal(name, "Pathloss") && !g_str_equal(name, "Discoverable")) {
			good = FALSE;
		}
		client->filtered = TRUE;
		g_variant_unref(value);
	}
	return good;
}

void
fake_discovery_set_filter(FakeDiscovery *discovery, GVariant *properties,
			  GDBusMethodInvocation *invocation)
{
	Client *client = find_client(discovery, g_dbus_method_invocation_get_sender(invocation), TRUE);
	gboolean good;

	clear_filter(client);
	good = parse_filter(client, properties);
	if (!good)
		clear_filter(client);
	if (!client->filtered && !client->running)
		client_free(client);
	if (good)
		fake_agree(invocation);
	else
		fake_refuse(invocation, "InvalidArguments", "Invalid arguments in method call");
}

/* The lists of service UUIDs count; service data does not. */
static gboolean
lists_one_of(const FakeAdvert *advert, GStrv uuids)
{
	for (char **uuid = uuids; *uuid; uuid++)
		if (advert->uuids && g_strv_contains((const char *const *)advert->uuids, *uuid))
			return TRUE;
	return FALSE;
}

typedef struct {
	gboolean any_filter;
	gboolean matches;
	gboolean discoverable;
	gboolean duplicates;
} Verdict;

static Verdict
judge(FakeDiscovery *discovery, const char *address, const FakeAdvert *advert, gint16 rssi)
{
	Verdict verdict = { .discoverable = advert->discoverable };
	gboolean pattern_hit = FALSE, pattern_seen = FALSE;

	for (guint i = 0; i < discovery->clients->len; i++) {
		Client *client = g_ptr_array_index(discovery->clients, i);

		if (!client->running)
			continue;
		verdict.any_filter |= client->filtered;
		verdict.duplicates |= client->duplicates;
		verdict.matches |= (!client->uuids || lists_one_of(advert, client->uuids)) &&
				   (client->rssi == NO_RSSI || client->rssi <= rssi);
		if (client->pattern) {
			pattern_seen = TRUE;
			pattern_hit |= g_str_has_prefix(address, client->pattern) ||
				       (advert->name && g_str_has_prefix(advert->name, client->pattern));
		}
	}
	if (pattern_seen)
		verdict.discoverable = pattern_hit;
	else if (verdict.any_filter)
		verdict.discoverable = TRUE;
	return verdict;
}

/* Passive scanning hears no scan response: neither the name nor the UUIDs that it lists. */
static FakeAdvert
passive_part(const FakeAdvert *advert)
{
	FakeAdvert part = *advert;

	part.name = NULL;
	part.uuids = NULL;
	return part;
}

static void
report_passively(FakeDiscovery *discovery, const char *address, const FakeAdvert *advert, gint16 rssi)
{
	FakeAdvert part = passive_part(advert);
	FakeDevice *device = fake_adapter_ensure(discovery->adapter, address);

	fake_device_seen(device);
	fake_device_heard(device, &part, rssi, FALSE, FALSE);
}

void
fake_discovery_report(FakeDiscovery *discovery, const char *address, const FakeAdvert *advert,
		      gint16 rssi)
{
	Verdict verdict = judge(discovery, address, advert, rssi);
	FakeDevice *device = fake_adapter_find(discovery->adapter, address);
	gboolean monitored = fake_monitors_match(discovery->adapter->monitors, advert);

	if (!fake_discovery_running(discovery)) {
		if (monitored)
			report_passively(discovery, address, advert, rssi);
		if (monitored)
			fake_monitors_notify(discovery->adapter->monitors, advert, address, rssi);
		return;
	}
	/* The kernel keeps what matches no filter to itself. */
	if (!device && (!verdict.discoverable || !verdict.matches))
		return;
	if (!device)
		device = fake_adapter_ensure(discovery->adapter, address);
	fake_device_seen(device);
	if (!verdict.discoverable || (verdict.any_filter && !verdict.matches))
		return;
	fake_device_heard(device, advert, rssi, verdict.any_filter, verdict.duplicates);
	if (monitored)
		fake_monitors_notify(discovery->adapter->monitors, advert, address, rssi);
	g_hash_table_add(discovery->found, g_strdup(address));
}
