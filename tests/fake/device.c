/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#include "device.h"

#include <bluez-dbus.h>
#include <string.h>

#include "battery.h"
#include "connect.h"
#include "gatt-remote.h"
#include "fake-link.h"

/* Without a filter, smaller changes of RSSI are not worth a signal. */
#define RSSI_STEP 8

const char *
fake_device_path(FakeDevice *device)
{
	return fake_object_path(device->object);
}

FakeRecord *
fake_device_record(FakeDevice *device)
{
	return fake_store_find(device->adapter->air->store, device->adapter->address, device->address);
}

gboolean
fake_device_bonded(FakeDevice *device)
{
	FakeRecord *record = fake_device_record(device);

	return record && record->bonded;
}

void
fake_device_store(FakeDevice *device)
{
	FakeStore *store = device->adapter->air->store;
	FakeRecord *record = fake_store_ensure(store, device->adapter->address, device->address);
	GVariant *name = fake_iface_get(device->iface, "Name");
	GVariant *uuids = fake_iface_get(device->iface, "UUIDs");

	g_free(record->name);
	record->name = name ? g_variant_dup_string(name, NULL) : NULL;
	g_strfreev(record->uuids);
	record->uuids = uuids ? g_variant_dup_strv(uuids, NULL) : NULL;
	record->trusted = fake_iface_get_boolean(device->iface, "Trusted");
	fake_store_save(store);
}

static void
stop_timer(guint *timer)
{
	if (*timer)
		g_source_remove(*timer);
	*timer = 0;
}

static gboolean
on_disappeared(gpointer data)
{
	FakeDevice *device = data;

	device->temporary_timer = 0;
	if (!device->link)
		fake_adapter_drop_device(device->adapter, device);
	return G_SOURCE_REMOVE;
}

void
fake_device_seen(FakeDevice *device)
{
	stop_timer(&device->temporary_timer);
	if (device->temporary && !device->link)
		device->temporary_timer = g_timeout_add(
			(guint)device->adapter->air->options->temporary_timeout, on_disappeared, device);
}

void
fake_device_set_temporary(FakeDevice *device, gboolean temporary)
{
	if (device->temporary == temporary)
		return;
	device->temporary = temporary;
	if (!temporary)
		fake_device_store(device);
	fake_device_seen(device);
}

static void
on_call(gpointer self, const char *method, GVariant *args, GDBusMethodInvocation *invocation)
{
	FakeDevice *device = self;

	if (g_str_equal(method, "Connect"))
		fake_device_call_connect(device, invocation);
	else if (g_str_equal(method, "Disconnect"))
		fake_device_call_disconnect(device, invocation);
	else if (g_str_equal(method, "Pair"))
		fake_device_call_pair(device, invocation);
	else
		fake_device_call_cancel_pairing(device, invocation);
}

static gboolean
on_set(gpointer self, const char *property, GVariant *value, GError **error)
{
	FakeDevice *device = self;

	fake_iface_set(device->iface, property, value);
	if (!device->temporary)
		fake_device_store(device);
	return TRUE;
}

static const FakeMethods methods = { on_call, on_set };

static void
set_name(FakeDevice *device, const char *name)
{
	g_autofree char *dashes = g_strdelimit(g_strdup(device->address), ":", '-');

	if (name)
		fake_iface_set(device->iface, "Name", g_variant_new_string(name));
	fake_iface_set(device->iface, "Alias", g_variant_new_string(name ? name : dashes));
}

void
fake_device_end_ghost(FakeDevice *device)
{
	if (!device->ghost_timer)
		return;
	stop_timer(&device->ghost_timer);
	fake_iface_set(device->iface, "Connected", g_variant_new_boolean(FALSE));
}

static gboolean
on_ghost_over(gpointer data)
{
	fake_device_end_ghost(data);
	return G_SOURCE_REMOVE;
}

/* The kernel's link outlives a daemon that dies, for a moment. */
static void
begin_ghost(FakeDevice *device, FakeRecord *record)
{
	if (!record || !record->connected)
		return;
	record->connected = FALSE;
	fake_iface_set(device->iface, "Connected", g_variant_new_boolean(TRUE));
	device->ghost_timer =
		g_timeout_add((guint)device->adapter->air->options->ghost_time, on_ghost_over, device);
}

static void
set_properties(FakeDevice *device)
{
	FakeRecord *record = fake_device_record(device);
	gboolean bonded = record && record->bonded;

	fake_iface_set(device->iface, "Address", g_variant_new_string(device->address));
	fake_iface_set(device->iface, "AddressType", g_variant_new_string("public"));
	set_name(device, record ? record->name : NULL);
	fake_iface_set(device->iface, "Adapter", g_variant_new_object_path(device->adapter->path));
	fake_iface_set(device->iface, "Paired", g_variant_new_boolean(bonded));
	fake_iface_set(device->iface, "Bonded", g_variant_new_boolean(bonded));
	fake_iface_set(device->iface, "Trusted", g_variant_new_boolean(record && record->trusted));
	fake_iface_set(device->iface, "Blocked", g_variant_new_boolean(FALSE));
	fake_iface_set(device->iface, "Connected", g_variant_new_boolean(FALSE));
	fake_iface_set(device->iface, "ServicesResolved", g_variant_new_boolean(FALSE));
	fake_iface_set(device->iface, "UUIDs",
		       g_variant_new_strv(record ? (const char *const *)record->uuids : NULL,
					  record && record->uuids ? -1 : 0));
	device->ever_resolved = record && record->uuids && *record->uuids;
	begin_ghost(device, record);
}

void
fake_device_set_name(FakeDevice *device, const char *name)
{
	set_name(device, name);
	if (!device->temporary)
		fake_device_store(device);
}

FakeDevice *
fake_device_new(FakeAdapter *adapter, const char *address)
{
	FakeDevice *device = g_new0(FakeDevice, 1);
	g_autofree char *underscored = g_strdelimit(g_strdup(address), ":", '_');
	g_autofree char *path = g_strconcat(adapter->path, "/dev_", underscored, NULL);

	device->adapter = adapter;
	g_strlcpy(device->address, address, sizeof(device->address));
	device->object = fake_object_new(adapter->air->bus, path);
	device->iface = fake_object_add(device->object, bluez_device1_interface_info(), &methods, device);
	device->disconnects = g_ptr_array_new();
	device->remote = fake_remote_new(device);
	device->temporary = TRUE;
	set_properties(device);
	fake_device_seen(device);
	return device;
}

void
fake_device_publish(FakeDevice *device)
{
	if (!device->published)
		fake_object_publish(device->object);
	device->published = TRUE;
}

void
fake_device_free(FakeDevice *device)
{
	stop_timer(&device->temporary_timer);
	stop_timer(&device->disconnect_timer);
	stop_timer(&device->resolve_timer);
	stop_timer(&device->ghost_timer);
	fake_remote_free(device->remote);
	fake_object_free(device->object);
	g_ptr_array_free(device->disconnects, TRUE);
	g_free(device);
}

static void
set_rssi(FakeDevice *device, gint16 rssi, gboolean always)
{
	GVariant *old = fake_iface_get(device->iface, "RSSI");

	if (!old || always || ABS(g_variant_get_int16(old) - rssi) >= RSSI_STEP)
		fake_iface_emit(device->iface, "RSSI", g_variant_new_int16(rssi));
}

static void
set_data(FakeDevice *device, const char *property, GVariant *value, gboolean always)
{
	if (!value)
		return;
	if (always)
		fake_iface_emit(device->iface, property, value);
	else
		fake_iface_set(device->iface, property, value);
}

void
fake_device_heard(FakeDevice *device, const FakeAdvert *advert, gint16 rssi, gboolean filtered,
		  gboolean duplicates)
{
	set_rssi(device, rssi, filtered);
	if (advert->name)
		set_name(device, advert->name);
	if (advert->uuids && !device->ever_resolved)
		fake_iface_set(device->iface, "UUIDs",
			       g_variant_new_strv((const char *const *)advert->uuids, -1));
	set_data(device, "ManufacturerData", advert->manufacturer_data, duplicates);
	set_data(device, "ServiceData", advert->service_data, duplicates);
	fake_device_publish(device);
}

void
fake_device_set_bond(FakeDevice *device, FakeSecurity security, guint32 key)
{
	FakeRecord *record = fake_store_ensure(device->adapter->air->store, device->adapter->address,
					       device->address);

	record->bonded = TRUE;
	record->security = security;
	record->key = key;
	fake_device_set_temporary(device, FALSE);
	fake_device_store(device);
	fake_iface_set(device->iface, "Bonded", g_variant_new_boolean(TRUE));
	/* As in BlueZ, a peer whose services are unknown is not called paired yet, though it is. */
	if (device->ever_resolved) {
		fake_iface_set(device->iface, "Paired", g_variant_new_boolean(TRUE));
	} else {
		fake_iface_set_quietly(device->iface, "Paired", g_variant_new_boolean(TRUE));
		device->paired_untold = TRUE;
	}
}

void
fake_device_forget_bond(FakeDevice *device)
{
	FakeRecord *record = fake_device_record(device);

	if (record)
		record->bonded = FALSE;
	fake_store_save(device->adapter->air->store);
	fake_iface_set(device->iface, "Bonded", g_variant_new_boolean(FALSE));
	fake_iface_set(device->iface, "Paired", g_variant_new_boolean(FALSE));
}

void
fake_device_remove(FakeDevice *device, GDBusMethodInvocation *invocation)
{
	FakeAdapter *adapter = device->adapter;

	if (device->link) {
		device->remove_after = TRUE;
		fake_device_request_disconnect(device, invocation);
		return;
	}
	fake_store_remove(adapter->air->store, adapter->address, device->address);
	fake_adapter_drop_device(adapter, device);
	fake_agree(invocation);
}

void
fake_device_connected(FakeDevice *device, FakeLink *link, gboolean central)
{
	device->link = link;
	device->central = central;
	fake_device_end_ghost(device);
	fake_device_seen(device);
	fake_iface_set(device->iface, "Connected", g_variant_new_boolean(TRUE));
	/* Who was never met before appears connected. */
	fake_device_publish(device);
}

static gboolean
on_removal(gpointer data)
{
	FakeDevice *device = data;

	device->disconnect_timer = 0;
	fake_device_remove(device, NULL);
	return G_SOURCE_REMOVE;
}

void
fake_device_disconnected(FakeDevice *device)
{
	device->link = NULL;
	stop_timer(&device->disconnect_timer);
	stop_timer(&device->resolve_timer);
	fake_battery_stop(device);
	fake_remote_disconnected(device->remote);
	fake_iface_set(device->iface, "ServicesResolved", g_variant_new_boolean(FALSE));
	fake_iface_set(device->iface, "Connected", g_variant_new_boolean(FALSE));
	if (device->connect)
		fake_refuse(g_steal_pointer(&device->connect), "Failed", "br-connection-canceled");
	fake_device_answer_pair(device, "AuthenticationCanceled", "Authentication Canceled");
	for (guint i = 0; i < device->disconnects->len; i++)
		fake_agree(g_ptr_array_index(device->disconnects, i));
	g_ptr_array_set_size(device->disconnects, 0);
	fake_device_seen(device);
	/* Not from here: others still hold on to the device. */
	if (device->remove_after)
		device->disconnect_timer = g_idle_add(on_removal, device);
}

void
fake_device_set_uuids(FakeDevice *device, const char *const *uuids)
{
	fake_iface_set(device->iface, "UUIDs", g_variant_new_strv(uuids, -1));
}

void
fake_device_resolved(FakeDevice *device)
{
	device->ever_resolved = TRUE;
	fake_iface_set(device->iface, "ServicesResolved", g_variant_new_boolean(TRUE));
	if (device->paired_untold)
		fake_iface_signal(device->iface, "Paired");
	device->paired_untold = FALSE;
	if (!device->temporary)
		fake_device_store(device);
	if (device->pair_when_resolved)
		fake_device_answer_pair(device, NULL, NULL);
}
