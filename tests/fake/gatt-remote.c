/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#include "gatt-remote.h"

#include <bluez-dbus.h>

#include "battery.h"
#include "faults.h"
#include "gatt-db.h"
#include "fake-link.h"
#include "remote-chr.h"

#define BATTERY_UUID "0000180f-0000-1000-8000-00805f9b34fb"
#define LEVEL_UUID   "00002a19-0000-1000-8000-00805f9b34fb"

typedef struct {
	char *uuid;
	guint16 handle;
	FakeObject *object;
	GPtrArray *chrs;	/* FakeRemoteChr */
} Service;

struct FakeRemote {
	FakeDevice *device;
	GPtrArray *services;	/* Service, in order of their handles */
	GHashTable *by_handle;	/* value handle to FakeRemoteChr */
	gboolean ready;
	guint change_timer;
};

static void
service_free(FakeRemote *remote, Service *service)
{
	while (service->chrs->len) {
		FakeRemoteChr *chr = g_ptr_array_steal_index(service->chrs, service->chrs->len - 1);

		g_hash_table_remove(remote->by_handle, GUINT_TO_POINTER((guint)fake_remote_chr_handle(chr)));
		fake_remote_chr_free(chr);
	}
	if (g_str_equal(service->uuid, BATTERY_UUID))
		fake_battery_stop(remote->device);
	g_ptr_array_remove(remote->services, service);
	fake_object_free(service->object);
	g_ptr_array_free(service->chrs, TRUE);
	g_free(service->uuid);
	g_free(service);
}

FakeRemote *
fake_remote_new(FakeDevice *device)
{
	FakeRemote *remote = g_new0(FakeRemote, 1);

	remote->device = device;
	remote->services = g_ptr_array_new();
	remote->by_handle = g_hash_table_new(NULL, NULL);
	return remote;
}

void
fake_remote_free(FakeRemote *remote)
{
	if (remote->change_timer)
		g_source_remove(remote->change_timer);
	while (remote->services->len)
		service_free(remote, g_ptr_array_index(remote->services, remote->services->len - 1));
	g_ptr_array_free(remote->services, TRUE);
	g_hash_table_unref(remote->by_handle);
	g_free(remote);
}

static void
export_service(FakeRemote *remote, const FakeService *local)
{
	g_autofree char *path = g_strdup_printf("%s/service%04x", fake_device_path(remote->device),
						local->handle);
	Service *service = g_new0(Service, 1);
	FakeIface *iface;

	service->uuid = g_strdup(local->uuid);
	service->handle = local->handle;
	service->chrs = g_ptr_array_new();
	service->object = fake_object_new(remote->device->adapter->air->bus, path);
	iface = fake_object_add(service->object, bluez_gatt_service1_interface_info(), NULL, NULL);
	fake_iface_set(iface, "UUID", g_variant_new_string(local->uuid));
	fake_iface_set(iface, "Primary", g_variant_new_boolean(local->primary));
	fake_iface_set(iface, "Device", g_variant_new_object_path(fake_device_path(remote->device)));
	fake_object_publish(service->object);
	for (guint i = 0; i < local->chrs->len; i++) {
		FakeRemoteChr *chr =
			fake_remote_chr_new(remote->device, path, g_ptr_array_index(local->chrs, i));

		g_ptr_array_add(service->chrs, chr);
		g_hash_table_insert(remote->by_handle, GUINT_TO_POINTER((guint)fake_remote_chr_handle(chr)), chr);
	}
	g_ptr_array_add(remote->services, service);
}

/* What BlueZ's own battery profile does at each connection, and with a new service. */
static void
watch_battery(FakeRemote *remote)
{
	for (guint s = 0; s < remote->services->len; s++) {
		Service *service = g_ptr_array_index(remote->services, s);

		for (guint i = 0; g_str_equal(service->uuid, BATTERY_UUID) && i < service->chrs->len; i++) {
			FakeRemoteChr *chr = g_ptr_array_index(service->chrs, i);

			if (fake_remote_chr_is(chr, LEVEL_UUID) && remote->device->link)
				fake_battery_start(remote->device, chr);
		}
	}
}

static const FakeService *
find_local(GPtrArray *services, guint16 handle)
{
	for (guint i = 0; i < services->len; i++)
		if (((FakeService *)g_ptr_array_index(services, i))->handle == handle)
			return g_ptr_array_index(services, i);
	return NULL;
}

static gboolean
is_exported(FakeRemote *remote, guint16 handle)
{
	for (guint i = 0; i < remote->services->len; i++)
		if (((Service *)g_ptr_array_index(remote->services, i))->handle == handle)
			return TRUE;
	return FALSE;
}

static void
update_uuids(FakeRemote *remote)
{
	g_autoptr(GPtrArray) uuids = g_ptr_array_new();

	g_ptr_array_add(uuids, (gpointer) "00001800-0000-1000-8000-00805f9b34fb");
	for (guint i = 0; i < remote->services->len; i++)
		g_ptr_array_add(uuids, ((Service *)g_ptr_array_index(remote->services, i))->uuid);
	g_ptr_array_add(uuids, NULL);
	fake_device_set_uuids(remote->device, (const char *const *)uuids->pdata);
}

/* Handles are never used twice, so a service at a known handle is a known service. */
static void
bring_up_to_date(FakeRemote *remote)
{
	FakeLink *link = remote->device->link;
	g_autoptr(GPtrArray) services = fake_db_services(link->peripheral->db);

	for (guint i = remote->services->len; i-- > 0;) {
		Service *service = g_ptr_array_index(remote->services, i);

		if (!find_local(services, service->handle))
			service_free(remote, service);
	}
	for (guint i = 0; i < services->len; i++) {
		const FakeService *local = g_ptr_array_index(services, i);

		if (!is_exported(remote, local->handle))
			export_service(remote, local);
	}
	update_uuids(remote);
}

void
fake_remote_connected(FakeRemote *remote)
{
	GHashTableIter iter;
	gpointer chr;

	remote->ready = TRUE;
	if (remote->services->len == 0 ||
	    !fake_faults_stale(remote->device->adapter->air->faults, remote->device->address))
		bring_up_to_date(remote);
	g_hash_table_iter_init(&iter, remote->by_handle);
	/* Subscribing anew may cost the link. */
	while (remote->device->link && g_hash_table_iter_next(&iter, NULL, &chr))
		fake_remote_chr_connected(chr);
	watch_battery(remote);
}

void
fake_remote_disconnected(FakeRemote *remote)
{
	GHashTableIter iter;
	gpointer chr;

	remote->ready = FALSE;
	if (remote->change_timer)
		g_source_remove(remote->change_timer);
	remote->change_timer = 0;
	g_hash_table_iter_init(&iter, remote->by_handle);
	while (g_hash_table_iter_next(&iter, NULL, &chr))
		fake_remote_chr_disconnected(chr);
}

static gboolean
on_change_timer(gpointer data)
{
	FakeRemote *remote = data;

	remote->change_timer = 0;
	if (!fake_faults_stale(remote->device->adapter->air->faults, remote->device->address))
		bring_up_to_date(remote);
	if (!remote->device->battery)
		watch_battery(remote);
	return G_SOURCE_REMOVE;
}

void
fake_remote_services_changed(FakeRemote *remote)
{
	if (remote->ready && !remote->change_timer)
		remote->change_timer = g_timeout_add(
			(guint)remote->device->adapter->air->options->resolve_delay, on_change_timer, remote);
}

void
fake_remote_notified(FakeRemote *remote, guint16 handle, gconstpointer value, gsize size)
{
	FakeRemoteChr *chr = g_hash_table_lookup(remote->by_handle, GUINT_TO_POINTER((guint)handle));

	if (chr)
		fake_remote_chr_notified(chr, value, size);
}
