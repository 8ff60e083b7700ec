/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "link-bluez.h"

#include "link-bluez-parts.h"

#include "bluez-error.h"
#include "bluez-gatt.h"
#include "bluez-notify.h"
#include "bluez-reach.h"
#include "bluez-timing.h"
#include "bluez-writes.h"
#include "log.h"
#include "pending.h"

static void stp_link_bluez_init_interface(StpLinkInterface *interface);

G_DEFINE_FINAL_TYPE_WITH_CODE(StpLinkBluez, stp_link_bluez, G_TYPE_OBJECT,
			      G_IMPLEMENT_INTERFACE(STP_TYPE_LINK, stp_link_bluez_init_interface))

/* Whatever failed because the link ended is told with the reason for which it ended. */
static GError *
translate(StpLinkBluez *self, const GError *error, GCancellable *cancellable, const char *doing)
{
	if (self->reason != NULL && !(cancellable != NULL && g_cancellable_is_cancelled(cancellable)))
		return g_error_copy(self->reason);
	return stp_bluez_error_translate(error, self->address, doing);
}

static GError *
explain_write(gpointer source, const GError *error, GCancellable *cancellable)
{
	return translate(source, error, cancellable, "Writing to the pen");
}

static void
on_written(gpointer source, GDBusProxy *characteristic, GBytes *value)
{
	StpLinkBluez *self = source;

	if (self->notify != NULL && self->reason == NULL &&
	    characteristic == self->characteristics[STP_CHANNEL_LOG_CONTROL])
		stp_bluez_notify_accepted(self->notify, value);
}

static void
receive(StpLinkBluez *self, StpChannel channel, GVariant *changed)
{
	g_autoptr(GVariant) array = g_variant_lookup_value(changed, "Value", G_VARIANT_TYPE_BYTESTRING);
	g_autoptr(GBytes) value = NULL;

	if (array == NULL)
		return;
	value = g_variant_get_data_as_bytes(array);
	if (channel == STP_CHANNEL_LOG_DATA) {
		stp_bluez_notify_take(self->notify, value);
		return;
	}
	if (channel == STP_CHANNEL_LIVE) {
		if (self->reason == NULL)
			stp_link_emit_received(STP_LINK(self), channel, value);
		return;
	}
	/* The pen's data before its answer: they may still be in the descriptor. */
	if (self->notify != NULL)
		stp_bluez_notify_drain(self->notify);
	if (self->reason != NULL)
		return;
	if (self->notify != NULL)
		stp_bluez_notify_answered(self->notify, value);
	stp_link_emit_received(STP_LINK(self), channel, value);
}

static void
on_properties(StpBluezClient *client, GDBusProxy *proxy, GVariant *changed, StpLinkBluez *self)
{
	g_autoptr(StpLinkBluez) keep = g_object_ref(self);
	gboolean connected = TRUE;

	/* A read, too, changes Value; these are never read. */
	if (proxy == self->characteristics[STP_CHANNEL_LOG_CONTROL])
		receive(self, STP_CHANNEL_LOG_CONTROL, changed);
	else if (proxy == self->characteristics[STP_CHANNEL_LOG_DATA] && self->notify != NULL)
		receive(self, STP_CHANNEL_LOG_DATA, changed);
	else if (self->listening && proxy == self->characteristics[STP_CHANNEL_LIVE])
		receive(self, STP_CHANNEL_LIVE, changed);
	else if (proxy == self->device && g_variant_lookup(changed, "Connected", "b", &connected) && !connected)
		stp_link_bluez_end_lost(self);
}

StpLink *
stp_link_bluez_new(StpBluezClient *client, GDBusProxy *device, StpLinkMemory *memory,
		   const StpLinkOrigin *origin, GError **error)
{
	StpLinkBluez *self;

	if (!stp_bluez_is_connected(device)) {
		g_set_error(error, STP_ERROR, STP_ERROR_LINK_FAILED,
			    "The pen dropped the connection at once. Bring it closer and try again.");
		return NULL;
	}
	self = g_object_new(STP_TYPE_LINK_BLUEZ, NULL);
	self->client = g_object_ref(client);
	self->device = g_object_ref(device);
	self->address = stp_bluez_get_string(device, "Address");
	self->bonded = stp_bluez_is_bonded(device);
	self->memory = stp_link_memory_ref(memory);
	self->figures.rssi = origin->rssi;
	self->figures.connect_tries = origin->tries;
	self->figures.connect_ms = origin->milliseconds;
	self->figures.refreshes = origin->refreshes;
	stp_link_bluez_watch(self);
	g_signal_connect(client, "properties-changed", G_CALLBACK(on_properties), self);
	return STP_LINK(self);
}

static GDBusProxy *
get_characteristic(StpLinkBluez *self, StpChannel channel, GError **error)
{
	if (self->reason != NULL) {
		g_set_error(error, STP_ERROR, STP_ERROR_LINK_FAILED,
			    "The link to the pen is closed. Connect again.");
		return NULL;
	}
	if (self->characteristics[channel] == NULL)
		self->characteristics[channel] = stp_bluez_gatt_find(
			self->client, g_dbus_proxy_get_object_path(self->device), channel);
	if (self->characteristics[channel] == NULL)
		g_set_error(error, STP_ERROR, STP_ERROR_NOT_FOUND,
			    "The pen has no characteristic '%s'. Its firmware may need an update.",
			    stp_channel_name(channel));
	return self->characteristics[channel];
}

static void
on_read(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(GTask) task = user_data;
	StpLinkBluez *self = g_task_get_source_object(task);
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = g_dbus_proxy_call_finish(G_DBUS_PROXY(source), result, &error);
	g_autoptr(GVariant) array = NULL;

	if (reply == NULL) {
		g_task_return_error(task, translate(self, error, g_task_get_task_data(task),
						    "Reading from the pen"));
		return;
	}
	array = g_variant_get_child_value(reply, 0);
	g_task_return_pointer(task, g_variant_get_data_as_bytes(array), (GDestroyNotify)g_bytes_unref);
}

static void
stp_link_bluez_read_async(StpLink *link, StpChannel channel, GCancellable *cancellable,
			  GAsyncReadyCallback callback, gpointer user_data)
{
	StpLinkBluez *self = STP_LINK_BLUEZ(link);
	g_autoptr(GTask) task = g_task_new(self, NULL, callback, user_data);
	g_autoptr(GCancellable) both = NULL;
	GDBusProxy *characteristic;
	GError *error = NULL;
	GVariantBuilder options;

	if (channel == STP_CHANNEL_BATTERY && self->reason == NULL) {
		GBytes *level = stp_bluez_gatt_battery(
			self->client, g_dbus_proxy_get_object_path(self->device));

		if (level != NULL) {
			g_task_return_pointer(task, level, (GDestroyNotify)g_bytes_unref);
			return;
		}
	}
	if (channel == STP_CHANNEL_FEATURES && self->features != NULL && self->reason == NULL) {
		g_task_return_pointer(task, g_steal_pointer(&self->features), (GDestroyNotify)g_bytes_unref);
		return;
	}
	characteristic = get_characteristic(self, channel, &error);
	if (characteristic == NULL) {
		g_task_return_error(task, error);
		return;
	}
	if (cancellable != NULL)
		g_task_set_task_data(task, g_object_ref(cancellable), g_object_unref);
	both = stp_cancellable_either(self->calls, cancellable);
	g_variant_builder_init(&options, G_VARIANT_TYPE_VARDICT);
	g_dbus_proxy_call(characteristic, "ReadValue", g_variant_new("(a{sv})", &options),
			  G_DBUS_CALL_FLAGS_NONE, STP_BLUEZ_GATT, both, on_read, g_steal_pointer(&task));
}

static GBytes *
stp_link_bluez_read_finish(StpLink *link, GAsyncResult *result, GError **error)
{
	return g_task_propagate_pointer(G_TASK(result), error);
}

static void
stp_link_bluez_write_async(StpLink *link, StpChannel channel, GBytes *value, gboolean with_response,
			   GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
	StpLinkBluez *self = STP_LINK_BLUEZ(link);
	g_autoptr(GTask) task = g_task_new(self, NULL, callback, user_data);
	GError *error = NULL;
	GDBusProxy *characteristic = get_characteristic(self, channel, &error);
	gboolean request = channel == STP_CHANNEL_LOG_CONTROL;

	/* What it asks for would come before anybody listens, and be lost. */
	if (characteristic != NULL && request &&
	    (self->notify == NULL || !stp_bluez_notify_is_started(self->notify)))
		error = g_error_new(STP_ERROR, STP_ERROR_INVALID_ARGUMENT,
				    "Nothing can be asked of the pen before its answers are turned on. "
				    "Subscribe first.");
	if (error != NULL) {
		g_task_return_error(task, error);
		return;
	}
	if (request)
		stp_bluez_notify_asked(self->notify, value);
	stp_bluez_writes_add(self->writes, g_steal_pointer(&task), characteristic, value, with_response,
			     cancellable, self->calls);
}

static gboolean
finish_boolean(StpLink *link, GAsyncResult *result, GError **error)
{
	return g_task_propagate_boolean(G_TASK(result), error);
}

static void
on_value(GBytes *value, gpointer data)
{
	g_autoptr(StpLinkBluez) keep = g_object_ref(data);

	stp_link_emit_received(STP_LINK(keep), STP_CHANNEL_LOG_DATA, value);
}

static void
on_hold(gboolean hold, gpointer data)
{
	stp_bluez_writes_hold(((StpLinkBluez *)data)->writes, hold);
}

static void
on_data_lost(const GError *error, gpointer data)
{
	g_autoptr(StpLinkBluez) self = g_object_ref(data);

	if (g_error_matches(error, STP_ERROR, STP_ERROR_NO_BLUETOOTH)) {
		stp_link_bluez_end_unserved(self);
		return;
	}
	stp_bluez_disconnect_async(self->device, NULL, NULL);
	if (g_error_matches(error, STP_ERROR, STP_ERROR_PROTOCOL_FAILED))
		stp_link_bluez_end(self, STP_LINK_END_NOTIFY, STP_ERROR_LINK_FAILED, error->message);
	else
		stp_link_bluez_end_lost(self);
}

static GError *
explain_notify(gpointer data, const GError *error, GCancellable *cancellable, const char *doing)
{
	return translate(data, error, cancellable, doing);
}

static void
stp_link_bluez_subscribe_async(StpLink *link, GCancellable *cancellable, GAsyncReadyCallback callback,
			       gpointer user_data)
{
	static const StpBluezNotifyEvents events = { on_value, on_hold, on_data_lost, explain_notify };
	StpLinkBluez *self = STP_LINK_BLUEZ(link);
	g_autoptr(GTask) task = g_task_new(self, NULL, callback, user_data);
	GError *error = NULL;
	GDBusProxy *control = get_characteristic(self, STP_CHANNEL_LOG_CONTROL, &error);
	GDBusProxy *data = control != NULL ? get_characteristic(self, STP_CHANNEL_LOG_DATA, &error) : NULL;

	if (data == NULL) {
		g_task_return_error(task, error);
		return;
	}
	if (self->notify == NULL)
		self->notify = stp_bluez_notify_new(control, data, self->address,
						    stp_link_memory_of(self->memory, self->address), &events,
						    G_OBJECT(self), self->calls);
	stp_bluez_notify_start(self->notify, g_steal_pointer(&task), cancellable);
}

static void
on_listening(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(GTask) task = user_data;
	StpLinkBluez *self = g_task_get_source_object(task);
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = g_dbus_proxy_call_finish(G_DBUS_PROXY(source), result, &error);

	/* InProgress: BlueZ turns on what this connection had the last time. */
	if (reply == NULL && !stp_bluez_error_is(error, "InProgress"))
		g_task_return_error(task, translate(self, error, g_task_get_task_data(task),
						    "Listening to the pen"));
	else
		g_task_return_boolean(task, TRUE);
}

/* By signals: ten short values a second at most, and the one descriptor is the log's. */
static void
stp_link_bluez_listen_async(StpLink *link, GCancellable *cancellable, GAsyncReadyCallback callback,
			    gpointer user_data)
{
	StpLinkBluez *self = STP_LINK_BLUEZ(link);
	g_autoptr(GTask) task = g_task_new(self, NULL, callback, user_data);
	g_autoptr(GCancellable) both = NULL;
	GError *error = NULL;
	GDBusProxy *live = get_characteristic(self, STP_CHANNEL_LIVE, &error);

	if (live == NULL) {
		g_task_return_error(task, error);
		return;
	}
	self->listening = TRUE;
	if (cancellable != NULL)
		g_task_set_task_data(task, g_object_ref(cancellable), g_object_unref);
	both = stp_cancellable_either(self->calls, cancellable);
	g_dbus_proxy_call(live, "StartNotify", NULL, G_DBUS_CALL_FLAGS_NONE, STP_BLUEZ_GATT, both, on_listening,
			  g_steal_pointer(&task));
}

void
stp_link_bluez_keep_features(StpLinkBluez *self, GBytes *features)
{
	g_clear_pointer(&self->features, g_bytes_unref);
	self->features = g_bytes_ref(features);
}

static void
stp_link_bluez_get_figures(StpLink *link, StpLinkFigures *figures)
{
	StpLinkBluez *self = STP_LINK_BLUEZ(link);

	*figures = self->figures;
	figures->mtu = STP_ATT_MTU_MIN;
	figures->end_text = self->end_text != NULL ? self->end_text : "";
	if (self->notify != NULL)
		stp_bluez_notify_get_figures(self->notify, figures);
}

static guint
stp_link_bluez_get_mtu(StpLink *link)
{
	StpLinkFigures figures;

	stp_link_bluez_get_figures(link, &figures);
	return figures.mtu;
}

static gboolean
stp_link_bluez_get_authenticated(StpLink *link)
{
	return STP_LINK_BLUEZ(link)->bonded;
}

static const char *
stp_link_bluez_get_address(StpLink *link)
{
	return STP_LINK_BLUEZ(link)->address;
}

static void
stp_link_bluez_finalize(GObject *object)
{
	StpLinkBluez *self = STP_LINK_BLUEZ(object);

	stp_link_bluez_release(self);
	g_signal_handlers_disconnect_by_data(self->device, self);
	stp_bluez_writes_free(self->writes);
	g_clear_pointer(&self->notify, stp_bluez_notify_free);
	for (int i = 0; i < STP_CHANNEL_COUNT; i++)
		g_clear_object(&self->characteristics[i]);
	g_clear_object(&self->calls);
	g_clear_object(&self->device);
	g_clear_object(&self->client);
	g_clear_error(&self->reason);
	g_clear_pointer(&self->memory, stp_link_memory_unref);
	g_clear_pointer(&self->features, g_bytes_unref);
	g_free(self->end_text);
	g_free(self->address);
	G_OBJECT_CLASS(stp_link_bluez_parent_class)->finalize(object);
}

static void
stp_link_bluez_class_init(StpLinkBluezClass *class)
{
	G_OBJECT_CLASS(class)->finalize = stp_link_bluez_finalize;
}

static void
stp_link_bluez_init(StpLinkBluez *self)
{
	static const StpBluezWritesEvents write_events = { explain_write, on_written };

	self->calls = g_cancellable_new();
	self->writes = stp_bluez_writes_new(&write_events);
	self->figures.rssi = STP_RSSI_UNKNOWN;
}

static void
stp_link_bluez_init_interface(StpLinkInterface *interface)
{
	interface->read_async = stp_link_bluez_read_async;
	interface->read_finish = stp_link_bluez_read_finish;
	interface->write_async = stp_link_bluez_write_async;
	interface->write_finish = finish_boolean;
	interface->subscribe_async = stp_link_bluez_subscribe_async;
	interface->subscribe_finish = finish_boolean;
	interface->listen_async = stp_link_bluez_listen_async;
	interface->close_async = stp_link_bluez_close_async;
	interface->close_finish = finish_boolean;
	interface->get_mtu = stp_link_bluez_get_mtu;
	interface->get_authenticated = stp_link_bluez_get_authenticated;
	interface->get_address = stp_link_bluez_get_address;
	interface->get_figures = stp_link_bluez_get_figures;
}
