/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#include "adapter.h"

#include <bluez-dbus.h>

#include "adv-monitor.h"
#include "advertising.h"
#include "connect.h"
#include "device.h"
#include "discovery.h"
#include "gatt-db.h"
#include "fake-link.h"

FakeDevice *
fake_adapter_find(FakeAdapter *adapter, const char *address)
{
	for (guint i = 0; i < adapter->devices->len; i++) {
		FakeDevice *device = g_ptr_array_index(adapter->devices, i);

		if (g_ascii_strcasecmp(device->address, address) == 0)
			return device;
	}
	return NULL;
}

FakeDevice *
fake_adapter_ensure(FakeAdapter *adapter, const char *address)
{
	FakeDevice *device = fake_adapter_find(adapter, address);

	if (!device) {
		device = fake_device_new(adapter, address);
		g_ptr_array_add(adapter->devices, device);
	}
	return device;
}

void
fake_adapter_drop_device(FakeAdapter *adapter, FakeDevice *device)
{
	if (device->link)
		fake_link_drop(device->link);
	fake_connect_cancel(device);
	g_ptr_array_remove(adapter->devices, device);
	fake_monitors_forget(adapter->monitors, device->address);
	fake_device_free(device);
}

gboolean
fake_adapter_is_peripheral(FakeAdapter *adapter)
{
	for (guint i = 0; i < adapter->air->links->len; i++)
		if (((FakeLink *)g_ptr_array_index(adapter->air->links, i))->peripheral == adapter)
			return TRUE;
	return FALSE;
}

gboolean
fake_adapter_powered(FakeAdapter *adapter)
{
	return fake_iface_get_boolean(adapter->iface, "Powered");
}

void
fake_adapter_set_powered(FakeAdapter *adapter, gboolean powered)
{
	if (powered == fake_adapter_powered(adapter))
		return;
	fake_iface_set(adapter->iface, "Powered", g_variant_new_boolean(powered));
	if (powered && adapter->deaf == FAKE_DEAF_TILL_POWER)
		adapter->deaf = FAKE_HEARS;
	if (!powered) {
		fake_discovery_reset(adapter->discovery);
		for (guint i = adapter->devices->len; i-- > 0;) {
			FakeDevice *device = g_ptr_array_index(adapter->devices, i);

			if (device->link)
				fake_link_drop(device->link);
			fake_connect_cancel(device);
			if (device->temporary)
				fake_adapter_drop_device(adapter, device);
		}
	}
	fake_air_changed(adapter->air);
}

void
fake_adapter_begins_to_listen(FakeAdapter *adapter)
{
	if (adapter->deaf == FAKE_DEAF_TILL_SCAN)
		adapter->deaf = FAKE_HEARS;
}

static void
remove_device(FakeAdapter *adapter, const char *path, GDBusMethodInvocation *invocation)
{
	FakeDevice *device = NULL;

	for (guint i = 0; i < adapter->devices->len && !device; i++) {
		FakeDevice *candidate = g_ptr_array_index(adapter->devices, i);

		if (g_str_equal(fake_device_path(candidate), path))
			device = candidate;
	}
	if (!device)
		fake_refuse(invocation, "DoesNotExist", "Does Not Exist");
	else if (!fake_adapter_powered(adapter))
		fake_refuse(invocation, "NotReady", "Resource Not Ready");
	else
		fake_device_remove(device, invocation);
}

static void
on_call(gpointer self, const char *method, GVariant *args, GDBusMethodInvocation *invocation)
{
	FakeAdapter *adapter = self;

	if (g_str_equal(method, "RemoveDevice")) {
		const char *path;

		g_variant_get(args, "(&o)", &path);
		remove_device(adapter, path, invocation);
	} else if (!fake_adapter_powered(adapter)) {
		fake_refuse(invocation, "NotReady", "Resource Not Ready");
	} else if (g_str_equal(method, "StartDiscovery")) {
		fake_discovery_start(adapter->discovery, invocation);
	} else if (g_str_equal(method, "StopDiscovery")) {
		fake_discovery_stop(adapter->discovery, invocation);
	} else {
		g_autoptr(GVariant) properties = g_variant_get_child_value(args, 0);

		fake_discovery_set_filter(adapter->discovery, properties, invocation);
	}
}

static gboolean
on_set(gpointer self, const char *property, GVariant *value, GError **error)
{
	FakeAdapter *adapter = self;

	if (g_str_equal(property, "Powered"))
		fake_adapter_set_powered(adapter, g_variant_get_boolean(value));
	else
		fake_iface_set(adapter->iface, property, value);
	return TRUE;
}

static const FakeMethods methods = { on_call, on_set };

static void
set_properties(FakeAdapter *adapter)
{
	const char *const roles[] = { "central", "peripheral", "central-peripheral", NULL };
	const char *const uuids[] = { "00001800-0000-1000-8000-00805f9b34fb",
				      "00001801-0000-1000-8000-00805f9b34fb", NULL };
	g_autofree char *name = g_strdup_printf("fake-%d", adapter->index);

	fake_iface_set(adapter->iface, "Address", g_variant_new_string(adapter->address));
	fake_iface_set(adapter->iface, "AddressType", g_variant_new_string("public"));
	fake_iface_set(adapter->iface, "Name", g_variant_new_string(name));
	fake_iface_set(adapter->iface, "Alias", g_variant_new_string(name));
	fake_iface_set(adapter->iface, "Powered", g_variant_new_boolean(TRUE));
	fake_iface_set(adapter->iface, "Discoverable", g_variant_new_boolean(FALSE));
	fake_iface_set(adapter->iface, "Pairable", g_variant_new_boolean(TRUE));
	fake_iface_set(adapter->iface, "Discovering", g_variant_new_boolean(FALSE));
	fake_iface_set(adapter->iface, "UUIDs", g_variant_new_strv(uuids, -1));
	fake_iface_set(adapter->iface, "Roles", g_variant_new_strv(roles, -1));
}

/* What the daemon would read from its storage: the devices somebody connected to. */
static void
restore_devices(FakeAdapter *adapter)
{
	g_autoptr(GPtrArray) peers = fake_store_peers(adapter->air->store, adapter->address);

	for (guint i = 0; i < peers->len; i++) {
		FakeDevice *device = fake_adapter_ensure(adapter, g_ptr_array_index(peers, i));

		fake_device_set_temporary(device, FALSE);
		fake_device_publish(device);
	}
}

FakeAdapter *
fake_adapter_new(FakeAir *air, int index)
{
	FakeAdapter *adapter = g_new0(FakeAdapter, 1);

	adapter->air = air;
	adapter->index = index;
	adapter->path = g_strdup_printf("/org/bluez/hci%d", index);
	g_snprintf(adapter->address, sizeof(adapter->address), "00:AA:01:%02X:00:42", index & 0xff);
	adapter->devices = g_ptr_array_new();
	g_queue_init(&adapter->connecting);
	adapter->object = fake_object_new(air->bus, adapter->path);
	adapter->iface = fake_object_add(adapter->object, bluez_adapter1_interface_info(), &methods, adapter);
	set_properties(adapter);
	adapter->discovery = fake_discovery_new(adapter);
	adapter->adverts = fake_adverts_new(adapter);
	adapter->db = fake_db_new(adapter);
	adapter->monitors = fake_monitors_new(adapter);
	fake_object_publish(adapter->object);
	restore_devices(adapter);
	return adapter;
}

void
fake_adapter_free(FakeAdapter *adapter)
{
	while (adapter->devices->len)
		fake_adapter_drop_device(adapter,
					 g_ptr_array_index(adapter->devices, adapter->devices->len - 1));
	if (adapter->connect_timer)
		g_source_remove(adapter->connect_timer);
	fake_monitors_free(adapter->monitors);
	fake_db_free(adapter->db);
	fake_adverts_free(adapter->adverts);
	fake_discovery_free(adapter->discovery);
	fake_object_free(adapter->object);
	g_ptr_array_free(adapter->devices, TRUE);
	g_free(adapter->path);
	g_free(adapter);
}
