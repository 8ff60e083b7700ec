/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* The pen's characteristics, as the scripted BlueZ shows them. */

#include "scripted-bluez-parts.h"

#include <gio/gunixfdlist.h>
#include <stipple/gatt.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static GVariant *
value_of(ScriptedBluez *self, const char *uuid)
{
	const struct stp_features features = { .schema_rev = self->schema_rev, .max_window = 64,
					       .sample_period_ms = 10, .log_capacity_kb = 1024,
					       .collector_slots = 4 };
	guint8 bytes[STP_FEATURES_SIZE];

	stp_features_encode(&features, bytes);
	if (strcmp(uuid, STP_UUID_FEATURES) == 0 && !self->stale)
		return g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, bytes, sizeof bytes, 1);
	if (strcmp(uuid, STP_UUID_SERIAL_NUMBER) == 0)
		return g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, SCRIPTED_SERIAL, strlen(SCRIPTED_SERIAL), 1);
	return g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, "value", strlen("value"), 1);
}

static gboolean
on_read(BluezGattCharacteristic1 *characteristic, GDBusMethodInvocation *invocation, GVariant *options,
	ScriptedBluez *self)
{
	const char *uuid = bluez_gatt_characteristic1_get_uuid(characteristic);

	if (!scripted_fails(self, invocation))
		bluez_gatt_characteristic1_complete_read_value(characteristic, invocation, value_of(self, uuid));
	return TRUE;
}

static gboolean
on_write(BluezGattCharacteristic1 *characteristic, GDBusMethodInvocation *invocation, GVariant *value,
	 GVariant *options, ScriptedBluez *self)
{
	const char *type = "none";
	gsize size;
	const guint8 *bytes = g_variant_get_fixed_array(value, &size, 1);

	if (scripted_fails(self, invocation))
		return TRUE;
	g_variant_lookup(options, "type", "&s", &type);
	g_string_append_printf(self->written, "%s%s ", self->written->len > 0 ? "," : "", type);
	for (gsize i = 0; i < size; i++)
		g_string_append_printf(self->written, "%02x", bytes[i]);
	scripted_reply(invocation);
	return TRUE;
}

static gboolean
on_start_notify(BluezGattCharacteristic1 *characteristic, GDBusMethodInvocation *invocation,
		ScriptedBluez *self)
{
	if (scripted_fails(self, invocation))
		return TRUE;
	if (strcmp(bluez_gatt_characteristic1_get_uuid(characteristic), STP_UUID_LOG_DATA) == 0) {
		if (self->notify_fd >= 0) {
			g_dbus_method_invocation_return_dbus_error(invocation, "org.bluez.Error.NotPermitted",
								   "Notify acquired");
			return TRUE;
		}
		self->signals = TRUE;
	}
	scripted_reply(invocation);
	return TRUE;
}

/* As BlueZ does: of whoever has the descriptor, it takes it away. */
static gboolean
on_stop_notify(BluezGattCharacteristic1 *characteristic, GDBusMethodInvocation *invocation, ScriptedBluez *self)
{
	if (scripted_fails(self, invocation))
		return TRUE;
	if (self->notify_fd >= 0)
		close(self->notify_fd);
	self->notify_fd = -1;
	self->signals = FALSE;
	scripted_reply(invocation);
	return TRUE;
}

static gboolean
on_acquire_notify(BluezGattCharacteristic1 *characteristic, GDBusMethodInvocation *invocation,
		  GUnixFDList *none, GVariant *options, ScriptedBluez *self)
{
	g_autoptr(GUnixFDList) list = NULL;
	int ends[2];

	if (scripted_fails(self, invocation))
		return TRUE;
	if (self->notify_fd >= 0 || self->signals) {
		g_dbus_method_invocation_return_dbus_error(
			invocation, self->signals ? "org.bluez.Error.InProgress" : "org.bluez.Error.NotPermitted",
			self->signals ? "In Progress" : "Notify acquired");
		return TRUE;
	}
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0)
		g_error("socketpair: %s", g_strerror(errno));
	self->notify_fd = ends[0];
	list = g_unix_fd_list_new_from_array(&ends[1], 1);
	bluez_gatt_characteristic1_complete_acquire_notify(characteristic, invocation, list,
							   g_variant_new_handle(0), self->mtu);
	return TRUE;
}

static const char *const uuids[] = {
	STP_UUID_FEATURES, STP_UUID_LOG_CONTROL, STP_UUID_LOG_DATA, STP_UUID_CURRENT_ELAPSED_TIME,
	STP_UUID_SERIAL_NUMBER,
};

static char *
path_of(ScriptedBluez *self, const char *uuid)
{
	for (guint i = 0; i < G_N_ELEMENTS(uuids); i++) {
		if (strcmp(uuids[i], uuid) == 0)
			return g_strdup_printf("%s/service%04x/char%04x", self->device_path, self->service, i);
	}
	g_error("no characteristic %s", uuid);
}

void
scripted_add_characteristics(ScriptedBluez *self)
{
	for (guint i = 0; i < G_N_ELEMENTS(uuids); i++) {
		g_autoptr(BluezGattCharacteristic1) characteristic = bluez_gatt_characteristic1_skeleton_new();
		g_autofree char *path = path_of(self, uuids[i]);

		if (g_strcmp0(uuids[i], self->hidden) == 0)
			continue;
		bluez_gatt_characteristic1_set_uuid(characteristic, uuids[i]);
		bluez_gatt_characteristic1_set_mtu(characteristic, self->mtu != 247 ? self->mtu : 185);
		g_signal_connect(characteristic, "handle-read-value", G_CALLBACK(on_read), self);
		g_signal_connect(characteristic, "handle-write-value", G_CALLBACK(on_write), self);
		g_signal_connect(characteristic, "handle-start-notify", G_CALLBACK(on_start_notify), self);
		g_signal_connect(characteristic, "handle-stop-notify", G_CALLBACK(on_stop_notify), self);
		g_signal_connect(characteristic, "handle-acquire-notify", G_CALLBACK(on_acquire_notify), self);
		scripted_export(self, path, characteristic);
	}
	bluez_device1_set_services_resolved(self->device, TRUE);
	g_dbus_interface_skeleton_flush(G_DBUS_INTERFACE_SKELETON(self->device));
}

void
scripted_remove_characteristics(ScriptedBluez *self)
{
	g_autoptr(GList) paths = NULL;
	GList *objects = g_dbus_object_manager_get_objects(G_DBUS_OBJECT_MANAGER(self->objects));

	for (GList *i = objects; i != NULL; i = i->next) {
		const char *path = g_dbus_object_get_object_path(i->data);

		if (g_str_has_prefix(path, self->device_path) && path[strlen(self->device_path)] == '/')
			g_dbus_object_manager_server_unexport(self->objects, path);
	}
	g_list_free_full(objects, g_object_unref);
}

static void
emit_value(ScriptedBluez *self, const char *uuid, const void *bytes, gsize size)
{
	g_autofree char *path = path_of(self, uuid);
	GVariantBuilder changed;

	g_variant_builder_init(&changed, G_VARIANT_TYPE_VARDICT);
	g_variant_builder_add(&changed, "{sv}", "Value",
			      g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, bytes, size, 1));
	g_dbus_connection_emit_signal(self->connection, NULL, path, "org.freedesktop.DBus.Properties",
				      "PropertiesChanged",
				      g_variant_new("(sa{sv}as)", "org.bluez.GattCharacteristic1", &changed, NULL),
				      NULL);
}

void
scripted_bluez_indicate(ScriptedBluez *self, const void *bytes, gsize size)
{
	emit_value(self, STP_UUID_LOG_CONTROL, bytes, size);
}

void
scripted_bluez_notify(ScriptedBluez *self, const void *bytes, gsize size)
{
	if (self->mute)
		return;
	if (self->signals)
		emit_value(self, STP_UUID_LOG_DATA, bytes, size);
	else if (send(self->notify_fd, bytes, size, MSG_NOSIGNAL) < 0)
		g_error("notify: %s", g_strerror(errno));
}

void
scripted_bluez_hang_up(ScriptedBluez *self)
{
	close(self->notify_fd);
	self->notify_fd = -1;
}

void
scripted_bluez_mute(ScriptedBluez *self, gboolean mute)
{
	self->mute = mute;
}

void
scripted_bluez_set_mtu(ScriptedBluez *self, guint16 mtu)
{
	self->mtu = mtu;
}

void
scripted_bluez_set_schema(ScriptedBluez *self, guint16 schema_rev)
{
	self->schema_rev = schema_rev;
}

void
scripted_bluez_go_stale(ScriptedBluez *self)
{
	self->stale = TRUE;
}

void
scripted_bluez_resolve(ScriptedBluez *self, guint service)
{
	scripted_remove_characteristics(self);
	self->service = service;
	scripted_add_characteristics(self);
}

void
scripted_bluez_say_resolved(ScriptedBluez *self)
{
	bluez_device1_set_services_resolved(self->device, TRUE);
	g_dbus_interface_skeleton_flush(G_DBUS_INTERFACE_SKELETON(self->device));
}
