/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "scripted-bluez-parts.h"

#include <stipple/gatt.h>
#include <string.h>
#include <unistd.h>

struct failure {
	char *name, *message;
};

static void
free_failure(gpointer data)
{
	struct failure *failure = data;

	g_free(failure->name);
	g_free(failure->message);
	g_free(failure);
}

static void
free_failures(gpointer data)
{
	g_queue_free_full(data, free_failure);
}

void
scripted_bluez_fail(ScriptedBluez *self, const char *method, const char *name, const char *message)
{
	struct failure *failure = g_new0(struct failure, 1);
	GQueue *queue = g_hash_table_lookup(self->failures, method);

	if (queue == NULL) {
		queue = g_queue_new();
		g_hash_table_insert(self->failures, g_strdup(method), queue);
	}
	failure->name = name != NULL ? g_strconcat("org.bluez.Error.", name, NULL) : NULL;
	failure->message = g_strdup(message);
	g_queue_push_tail(queue, failure);
}

guint
scripted_bluez_calls(ScriptedBluez *self, const char *method)
{
	return GPOINTER_TO_UINT(g_hash_table_lookup(self->calls, method));
}

/* Count the call; TRUE when it is to fail and has been dealt with. */
gboolean
scripted_fails(ScriptedBluez *self, GDBusMethodInvocation *invocation)
{
	const char *method = g_dbus_method_invocation_get_method_name(invocation);
	GQueue *queue = g_hash_table_lookup(self->failures, method);
	struct failure *failure = queue != NULL ? g_queue_pop_head(queue) : NULL;

	g_hash_table_insert(self->calls, g_strdup(method),
			    GUINT_TO_POINTER(scripted_bluez_calls(self, method) + 1));
	if (failure == NULL)
		return FALSE;
	if (failure->name != NULL)
		g_dbus_method_invocation_return_dbus_error(invocation, failure->name, failure->message);
	free_failure(failure);
	return TRUE;
}

void
scripted_reply(GDBusMethodInvocation *invocation)
{
	g_dbus_method_invocation_return_value(invocation, NULL);
}

static gboolean
on_plain(GDBusInterfaceSkeleton *skeleton, GDBusMethodInvocation *invocation, ScriptedBluez *self)
{
	if (!scripted_fails(self, invocation))
		scripted_reply(invocation);
	return TRUE;
}

static gboolean
on_set_filter(BluezAdapter1 *adapter, GDBusMethodInvocation *invocation, GVariant *filter, ScriptedBluez *self)
{
	self->duplicates = FALSE;
	g_variant_lookup(filter, "DuplicateData", "b", &self->duplicates);
	return on_plain(NULL, invocation, self);
}

static gboolean
on_start_discovery(BluezAdapter1 *adapter, GDBusMethodInvocation *invocation, ScriptedBluez *self)
{
	if (scripted_fails(self, invocation))
		return TRUE;
	bluez_adapter1_set_discovering(adapter, TRUE);
	scripted_reply(invocation);
	return TRUE;
}

static void
disconnected(ScriptedBluez *self)
{
	if (self->notify_fd >= 0)
		close(self->notify_fd);
	self->notify_fd = -1;
	self->signals = FALSE;
	bluez_device1_set_services_resolved(self->device, FALSE);
	bluez_device1_set_connected(self->device, FALSE);
	g_dbus_interface_skeleton_flush(G_DBUS_INTERFACE_SKELETON(self->device));
	scripted_remove_characteristics(self);
	self->stale = FALSE;
}

static gboolean
on_remove_device(BluezAdapter1 *adapter, GDBusMethodInvocation *invocation, const char *path, ScriptedBluez *self)
{
	if (scripted_fails(self, invocation))
		return TRUE;
	disconnected(self);
	self->bonded = FALSE;
	g_dbus_object_manager_server_unexport(self->objects, self->device_path);
	self->seen = FALSE;
	scripted_reply(invocation);
	return TRUE;
}

void
scripted_export(ScriptedBluez *self, const char *path, gpointer interface)
{
	g_autoptr(GDBusObjectSkeleton) object = g_dbus_object_skeleton_new(path);

	g_dbus_object_skeleton_add_interface(object, interface);
	g_dbus_object_manager_server_export(self->objects, object);
}

static gboolean
on_connect(BluezDevice1 *device, GDBusMethodInvocation *invocation, ScriptedBluez *self)
{
	if (scripted_fails(self, invocation))
		return TRUE;
	bluez_device1_set_connected(device, TRUE);
	g_dbus_interface_skeleton_flush(G_DBUS_INTERFACE_SKELETON(device));
	scripted_reply(invocation);
	if (!self->holds_services)
		scripted_add_characteristics(self);
	return TRUE;
}

static gboolean
on_disconnect(BluezDevice1 *device, GDBusMethodInvocation *invocation, ScriptedBluez *self)
{
	if (scripted_fails(self, invocation))
		return TRUE;
	disconnected(self);
	scripted_reply(invocation);
	return TRUE;
}

static void
end_pairing(ScriptedBluez *self, const char *error)
{
	GDBusMethodInvocation *pair = g_steal_pointer(&self->pair);

	if (pair == NULL)
		return;
	if (error != NULL) {
		g_dbus_method_invocation_return_dbus_error(pair, error, "Authentication");
		return;
	}
	self->bonded = TRUE;
	bluez_device1_set_paired(self->device, TRUE);
	bluez_device1_set_bonded(self->device, TRUE);
	g_dbus_interface_skeleton_flush(G_DBUS_INTERFACE_SKELETON(self->device));
	scripted_reply(pair);
}

static void
on_agent_answered(GObject *source, GAsyncResult *result, gpointer user_data)
{
	ScriptedBluez *self = user_data;
	g_autoptr(GVariant) answer = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, NULL);
	guint32 passkey = SCRIPTED_PASSKEY;

	if (answer != NULL && g_variant_is_of_type(answer, G_VARIANT_TYPE("(u)")))
		g_variant_get(answer, "(u)", &passkey);
	end_pairing(self, answer != NULL && passkey == SCRIPTED_PASSKEY
				  ? NULL
				  : "org.bluez.Error.AuthenticationFailed");
}

static gboolean
on_pair(BluezDevice1 *device, GDBusMethodInvocation *invocation, ScriptedBluez *self)
{
	if (scripted_fails(self, invocation))
		return TRUE;
	self->pair = invocation;
	if (self->pairing == SCRIPTED_JUST_WORKS)
		end_pairing(self, NULL);
	else if (self->agent == NULL)
		end_pairing(self, "org.bluez.Error.AuthenticationFailed");
	else
		g_dbus_connection_call(self->connection, self->agent_owner, self->agent, "org.bluez.Agent1",
				       self->pairing == SCRIPTED_COMPARISON ? "RequestConfirmation"
									    : "RequestPasskey",
				       self->pairing == SCRIPTED_COMPARISON
					       ? g_variant_new("(ou)", self->device_path, SCRIPTED_PASSKEY)
					       : g_variant_new("(o)", self->device_path),
				       NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, on_agent_answered, self);
	return TRUE;
}

static gboolean
on_cancel_pairing(BluezDevice1 *device, GDBusMethodInvocation *invocation, ScriptedBluez *self)
{
	if (scripted_fails(self, invocation))
		return TRUE;
	end_pairing(self, "org.bluez.Error.AuthenticationCanceled");
	scripted_reply(invocation);
	return TRUE;
}

static gboolean
on_register_agent(BluezAgentManager1 *manager, GDBusMethodInvocation *invocation, const char *path,
		  const char *capability, ScriptedBluez *self)
{
	if (scripted_fails(self, invocation))
		return TRUE;
	g_free(self->agent);
	g_free(self->agent_owner);
	self->agent = g_strdup(path);
	self->agent_owner = g_strdup(g_dbus_method_invocation_get_sender(invocation));
	scripted_reply(invocation);
	return TRUE;
}

static gboolean
on_unregister_agent(BluezAgentManager1 *manager, GDBusMethodInvocation *invocation, const char *path,
		    ScriptedBluez *self)
{
	if (scripted_fails(self, invocation))
		return TRUE;
	g_clear_pointer(&self->agent, g_free);
	scripted_reply(invocation);
	return TRUE;
}

static void
stand_at(ScriptedBluez *self, guint hci)
{
	g_free(self->adapter_path);
	g_free(self->device_path);
	self->adapter_path = g_strdup_printf("/org/bluez/hci%u", hci);
	self->device_path = g_strconcat(self->adapter_path, DEVICE_NAME, NULL);
}

void
scripted_bluez_start(ScriptedBluez *self)
{
	g_autoptr(BluezAgentManager1) agents = bluez_agent_manager1_skeleton_new();

	self->objects = g_dbus_object_manager_server_new("/");
	stand_at(self, 0);
	self->adapter = bluez_adapter1_skeleton_new();
	bluez_adapter1_set_address(self->adapter, "00:AA:01:00:00:00");
	bluez_adapter1_set_powered(self->adapter, TRUE);
	g_signal_connect(self->adapter, "handle-set-discovery-filter", G_CALLBACK(on_set_filter), self);
	g_signal_connect(self->adapter, "handle-start-discovery", G_CALLBACK(on_start_discovery), self);
	g_signal_connect(self->adapter, "handle-stop-discovery", G_CALLBACK(on_plain), self);
	g_signal_connect(self->adapter, "handle-remove-device", G_CALLBACK(on_remove_device), self);
	g_signal_connect(agents, "handle-register-agent", G_CALLBACK(on_register_agent), self);
	g_signal_connect(agents, "handle-unregister-agent", G_CALLBACK(on_unregister_agent), self);
	scripted_export(self, self->adapter_path, self->adapter);
	scripted_export(self, "/org/bluez", agents);
	g_dbus_object_manager_server_set_connection(self->objects, self->connection);
	self->name = g_bus_own_name_on_connection(self->connection, "org.bluez", G_BUS_NAME_OWNER_FLAGS_NONE, NULL,
						  NULL, NULL, NULL);
}

void
scripted_bluez_stop(ScriptedBluez *self)
{
	end_pairing(self, "org.freedesktop.DBus.Error.NoReply");
	if (self->notify_fd >= 0)
		close(self->notify_fd);
	self->notify_fd = -1;
	self->seen = FALSE;
	g_clear_handle_id(&self->name, g_bus_unown_name);
	g_dbus_object_manager_server_set_connection(self->objects, NULL);
	g_clear_object(&self->objects);
	g_clear_object(&self->device);
	g_clear_object(&self->adapter);
	g_clear_pointer(&self->agent, g_free);
}

ScriptedBluez *
scripted_bluez_new(GDBusConnection *connection)
{
	ScriptedBluez *self = g_new0(ScriptedBluez, 1);

	self->connection = g_object_ref(connection);
	self->failures = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_failures);
	self->calls = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	self->written = g_string_new(NULL);
	self->notify_fd = -1;
	self->mtu = 247;
	self->schema_rev = STP_SCHEMA_REV;
	self->service = 1;
	scripted_bluez_start(self);
	return self;
}

void
scripted_bluez_free(ScriptedBluez *self)
{
	if (self->objects != NULL)
		scripted_bluez_stop(self);
	g_hash_table_unref(self->failures);
	g_hash_table_unref(self->calls);
	g_string_free(self->written, TRUE);
	g_free(self->agent_owner);
	g_free(self->hidden);
	g_free(self->adapter_path);
	g_free(self->device_path);
	g_object_unref(self->connection);
	g_free(self);
}

void
scripted_bluez_set_powered(ScriptedBluez *self, gboolean powered)
{
	bluez_adapter1_set_powered(self->adapter, powered);
	g_dbus_interface_skeleton_flush(G_DBUS_INTERFACE_SKELETON(self->adapter));
	if (!powered && self->device != NULL && bluez_device1_get_connected(self->device))
		disconnected(self);
	if (!powered)
		end_pairing(self, "org.bluez.Error.AuthenticationCanceled");
}

void
scripted_bluez_remove_adapter(ScriptedBluez *self)
{
	g_dbus_object_manager_server_unexport(self->objects, self->adapter_path);
}

void
scripted_bluez_unplug(ScriptedBluez *self)
{
	if (self->device != NULL && bluez_device1_get_connected(self->device))
		disconnected(self);
	end_pairing(self, "org.bluez.Error.AuthenticationCanceled");
	if (self->seen)
		g_dbus_object_manager_server_unexport(self->objects, self->device_path);
	self->seen = FALSE;
	scripted_bluez_remove_adapter(self);
}

void
scripted_bluez_plug(ScriptedBluez *self, guint hci)
{
	stand_at(self, hci);
	scripted_export(self, self->adapter_path, self->adapter);
}

static GVariant *
service_data(guint32 newest_record)
{
	struct stp_advert advert = { .newest_record = newest_record, .battery_percent = 80 };
	guint8 bytes[STP_ADVERT_SIZE];
	GVariantBuilder builder;

	stp_advert_encode(&advert, bytes);
	g_variant_builder_init(&builder, G_VARIANT_TYPE_VARDICT);
	g_variant_builder_add(&builder, "{sv}", STP_UUID_SERVICE,
			      g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, bytes, sizeof bytes, 1));
	return g_variant_builder_end(&builder);
}

void
scripted_bluez_advertise(ScriptedBluez *self, guint32 newest_record)
{
	const char *const services[] = { STP_UUID_SERVICE, NULL };

	if (self->seen) {
		bluez_device1_set_service_data(self->device, service_data(newest_record));
		bluez_device1_set_rssi(self->device, (gint16)(bluez_device1_get_rssi(self->device) == -50 ? -51
													  : -50));
		g_dbus_interface_skeleton_flush(G_DBUS_INTERFACE_SKELETON(self->device));
		return;
	}
	g_clear_object(&self->device);
	self->device = bluez_device1_skeleton_new();
	bluez_device1_set_address(self->device, SCRIPTED_PEN);
	bluez_device1_set_name(self->device, "Stipple-0123");
	bluez_device1_set_adapter(self->device, self->adapter_path);
	bluez_device1_set_paired(self->device, self->bonded);
	bluez_device1_set_bonded(self->device, self->bonded);
	bluez_device1_set_rssi(self->device, -50);
	bluez_device1_set_uuids(self->device, services);
	bluez_device1_set_service_data(self->device, service_data(newest_record));
	g_signal_connect(self->device, "handle-connect", G_CALLBACK(on_connect), self);
	g_signal_connect(self->device, "handle-disconnect", G_CALLBACK(on_disconnect), self);
	g_signal_connect(self->device, "handle-pair", G_CALLBACK(on_pair), self);
	g_signal_connect(self->device, "handle-cancel-pairing", G_CALLBACK(on_cancel_pairing), self);
	scripted_export(self, self->device_path, self->device);
	self->seen = TRUE;
}

void
scripted_bluez_set_pairing(ScriptedBluez *self, ScriptedPairing pairing)
{
	self->pairing = pairing;
}

gboolean
scripted_bluez_is_bonded(ScriptedBluez *self)
{
	return self->bonded;
}

gboolean
scripted_bluez_is_connected(ScriptedBluez *self)
{
	return self->device != NULL && bluez_device1_get_connected(self->device);
}

gboolean
scripted_bluez_is_discovering(ScriptedBluez *self)
{
	return self->adapter != NULL && bluez_adapter1_get_discovering(self->adapter);
}

gboolean
scripted_bluez_wants_duplicates(ScriptedBluez *self)
{
	return self->duplicates;
}

void
scripted_bluez_hide(ScriptedBluez *self, const char *uuid)
{
	g_free(self->hidden);
	self->hidden = g_strdup(uuid);
}

void
scripted_bluez_release_services(ScriptedBluez *self)
{
	self->holds_services = FALSE;
}

void
scripted_bluez_hold_services(ScriptedBluez *self)
{
	self->holds_services = TRUE;
}

void
scripted_bluez_drop_link(ScriptedBluez *self)
{
	disconnected(self);
}

void
scripted_bluez_drop_services(ScriptedBluez *self)
{
	scripted_remove_characteristics(self);
}

char *
scripted_bluez_written(ScriptedBluez *self)
{
	return g_strdup(self->written->str);
}

void
scripted_bluez_drop_link_with(ScriptedBluez *self, const char *reason, const char *message)
{
	disconnected(self);
	g_dbus_connection_emit_signal(self->connection, NULL, self->device_path, "org.bluez.Device1", "Disconnected",
				      g_variant_new("(ss)", reason, message), NULL);
}
