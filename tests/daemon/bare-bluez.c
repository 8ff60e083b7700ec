/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bare-bluez.h"

#include "bluez-dbus.h"

#include <stipple/gatt.h>
#include <string.h>

struct waiting {
	char *what;
	BluezDevice1 *device;
	GDBusMethodInvocation *call;
};

struct BareBluez {
	GDBusObjectManagerServer *objects;
	guint name;
	GQueue calls;	/* struct waiting */
	guint disconnects;
};

static char *
adapter_path(guint hci)
{
	return g_strdup_printf("/org/bluez/hci%u", hci);
}

static char *
device_path(guint hci, const char *pen)
{
	g_autofree char *name = g_strdelimit(g_strdup(pen), ":", '_');

	return g_strdup_printf("/org/bluez/hci%u/dev_%s", hci, name);
}

static gpointer
find(BareBluez *self, const char *path, const char *interface)
{
	g_autoptr(GDBusInterface) found =
		g_dbus_object_manager_get_interface(G_DBUS_OBJECT_MANAGER(self->objects), path, interface);

	/* Its object holds it. */
	return found;
}

static void
put(BareBluez *self, const char *path, gpointer interface)
{
	g_autoptr(GDBusObjectSkeleton) object = g_dbus_object_skeleton_new(path);

	g_dbus_object_skeleton_add_interface(object, interface);
	g_dbus_object_manager_server_export(self->objects, object);
}

static gboolean
on_plain(gpointer interface, GDBusMethodInvocation *call, gpointer user_data)
{
	g_dbus_method_invocation_return_value(call, NULL);
	return TRUE;
}

static gboolean
on_filter(gpointer interface, GDBusMethodInvocation *call, GVariant *filter, gpointer user_data)
{
	g_dbus_method_invocation_return_value(call, NULL);
	return TRUE;
}

static void
free_waiting(gpointer data)
{
	struct waiting *waiting = data;

	g_object_unref(waiting->device);
	g_free(waiting->what);
	g_free(waiting);
}

static gboolean
on_connect(BluezDevice1 *device, GDBusMethodInvocation *call, BareBluez *self)
{
	struct waiting *waiting = g_new0(struct waiting, 1);
	const char *adapter = strrchr(bluez_device1_get_adapter(device), '/') + 1;

	waiting->what = g_strdup_printf("%s %s", adapter, bluez_device1_get_address(device));
	waiting->device = g_object_ref(device);
	waiting->call = call;
	g_queue_push_tail(&self->calls, waiting);
	return TRUE;
}

static gboolean
on_disconnect(BluezDevice1 *device, GDBusMethodInvocation *call, BareBluez *self)
{
	self->disconnects++;
	bluez_device1_set_connected(device, FALSE);
	g_dbus_interface_skeleton_flush(G_DBUS_INTERFACE_SKELETON(device));
	g_dbus_method_invocation_return_value(call, NULL);
	return TRUE;
}

BareBluez *
bare_bluez_new(GDBusConnection *connection)
{
	BareBluez *self = g_new0(BareBluez, 1);

	g_queue_init(&self->calls);
	self->objects = g_dbus_object_manager_server_new("/");
	g_dbus_object_manager_server_set_connection(self->objects, connection);
	self->name = g_bus_own_name_on_connection(connection, "org.bluez", G_BUS_NAME_OWNER_FLAGS_NONE, NULL, NULL,
						  NULL, NULL);
	return self;
}

void
bare_bluez_free(BareBluez *self)
{
	while (self->calls.length > 0)
		bare_bluez_refuse(self, "org.freedesktop.DBus.Error.NoReply", "gone");
	g_bus_unown_name(self->name);
	g_dbus_object_manager_server_set_connection(self->objects, NULL);
	g_object_unref(self->objects);
	g_free(self);
}

void
bare_bluez_plug(BareBluez *self, guint hci, const char *address)
{
	g_autofree char *path = adapter_path(hci);
	g_autoptr(BluezAdapter1) adapter = bluez_adapter1_skeleton_new();

	bluez_adapter1_set_address(adapter, address);
	bluez_adapter1_set_powered(adapter, TRUE);
	g_signal_connect(adapter, "handle-set-discovery-filter", G_CALLBACK(on_filter), NULL);
	g_signal_connect(adapter, "handle-start-discovery", G_CALLBACK(on_plain), NULL);
	g_signal_connect(adapter, "handle-stop-discovery", G_CALLBACK(on_plain), NULL);
	put(self, path, adapter);
}

void
bare_bluez_unplug(BareBluez *self, guint hci)
{
	g_autofree char *path = adapter_path(hci);
	g_autofree char *below = g_strconcat(path, "/", NULL);
	GList *objects = g_dbus_object_manager_get_objects(G_DBUS_OBJECT_MANAGER(self->objects));

	for (GList *i = objects; i != NULL; i = i->next) {
		const char *device = g_dbus_object_get_object_path(i->data);

		if (g_str_has_prefix(device, below))
			g_dbus_object_manager_server_unexport(self->objects, device);
	}
	g_list_free_full(objects, g_object_unref);
	g_dbus_object_manager_server_unexport(self->objects, path);
}

void
bare_bluez_power(BareBluez *self, guint hci, gboolean on)
{
	g_autofree char *path = adapter_path(hci);
	BluezAdapter1 *adapter = find(self, path, "org.bluez.Adapter1");

	bluez_adapter1_set_powered(adapter, on);
	g_dbus_interface_skeleton_flush(G_DBUS_INTERFACE_SKELETON(adapter));
}

void
bare_bluez_scan(BareBluez *self, guint hci, gboolean on)
{
	g_autofree char *path = adapter_path(hci);
	BluezAdapter1 *adapter = find(self, path, "org.bluez.Adapter1");

	bluez_adapter1_set_discovering(adapter, on);
	g_dbus_interface_skeleton_flush(G_DBUS_INTERFACE_SKELETON(adapter));
}

static GVariant *
service_data(void)
{
	const struct stp_advert advert = { .newest_record = 7, .battery_percent = 80 };
	guint8 bytes[STP_ADVERT_SIZE];
	GVariantBuilder builder;

	stp_advert_encode(&advert, bytes);
	g_variant_builder_init(&builder, G_VARIANT_TYPE_VARDICT);
	g_variant_builder_add(&builder, "{sv}", STP_UUID_SERVICE,
			      g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, bytes, sizeof bytes, 1));
	return g_variant_builder_end(&builder);
}

void
bare_bluez_hear(BareBluez *self, guint hci, const char *pen, gint16 rssi, gboolean bonded)
{
	g_autofree char *path = device_path(hci, pen), *adapter = adapter_path(hci);
	BluezDevice1 *known = find(self, path, "org.bluez.Device1");
	g_autoptr(BluezDevice1) device = NULL;

	if (known != NULL) {
		bluez_device1_set_rssi(known, rssi);
		bluez_device1_set_bonded(known, bonded);
		g_dbus_interface_skeleton_flush(G_DBUS_INTERFACE_SKELETON(known));
		return;
	}
	device = bluez_device1_skeleton_new();
	bluez_device1_set_address(device, pen);
	bluez_device1_set_adapter(device, adapter);
	bluez_device1_set_rssi(device, rssi);
	bluez_device1_set_bonded(device, bonded);
	bluez_device1_set_service_data(device, service_data());
	g_signal_connect(device, "handle-connect", G_CALLBACK(on_connect), self);
	g_signal_connect(device, "handle-disconnect", G_CALLBACK(on_disconnect), self);
	put(self, path, device);
}

void
bare_bluez_forget(BareBluez *self, guint hci, const char *pen)
{
	g_autofree char *path = device_path(hci, pen);

	g_dbus_object_manager_server_unexport(self->objects, path);
}

void
bare_bluez_set_connected(BareBluez *self, guint hci, const char *pen, gboolean connected)
{
	g_autofree char *path = device_path(hci, pen);
	BluezDevice1 *device = find(self, path, "org.bluez.Device1");

	bluez_device1_set_connected(device, connected);
	g_dbus_interface_skeleton_flush(G_DBUS_INTERFACE_SKELETON(device));
}

const char *
bare_bluez_waits(BareBluez *self)
{
	struct waiting *waiting = g_queue_peek_head(&self->calls);

	return waiting != NULL ? waiting->what : NULL;
}

guint
bare_bluez_waiting(BareBluez *self)
{
	return self->calls.length;
}

void
bare_bluez_refuse(BareBluez *self, const char *name, const char *message)
{
	struct waiting *waiting = g_queue_pop_head(&self->calls);
	g_autofree char *full = g_strconcat(strchr(name, '.') != NULL ? "" : "org.bluez.Error.", name, NULL);

	g_dbus_method_invocation_return_dbus_error(waiting->call, full, message);
	free_waiting(waiting);
}

void
bare_bluez_accept(BareBluez *self)
{
	struct waiting *waiting = g_queue_pop_head(&self->calls);

	bluez_device1_set_connected(waiting->device, TRUE);
	g_dbus_interface_skeleton_flush(G_DBUS_INTERFACE_SKELETON(waiting->device));
	g_dbus_method_invocation_return_value(waiting->call, NULL);
	free_waiting(waiting);
}

guint
bare_bluez_disconnects(BareBluez *self)
{
	return self->disconnects;
}
