/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bluez-client.h"

#include "bluez-error.h"
#include "bluez-timing.h"
#include "log.h"

#include <string.h>

struct _StpBluezClient {
	GObject parent;
	GDBusConnection *connection;
	guint watch;
	char *owner;			/* of the name org.bluez */
	GCancellable *mirroring;	/* of the GetManagedObjects under way */
	GDBusObjectManager *objects;
	guint retry;
	StpBluezState state;
};

G_DEFINE_FINAL_TYPE(StpBluezClient, stp_bluez_client, G_TYPE_OBJECT)

enum { STATE_CHANGED, INTERFACE_ADDED, INTERFACE_REMOVED, PROPERTIES_CHANGED, SIGNAL_COUNT };
static guint signals[SIGNAL_COUNT];

static void begin_mirror(StpBluezClient *self);

static void
set_state(StpBluezClient *self, StpBluezState state)
{
	if (self->state == state)
		return;
	self->state = state;
	g_signal_emit(self, signals[STATE_CHANGED], 0);
}

static void
on_object_added(GDBusObjectManager *objects, GDBusObject *object, StpBluezClient *self)
{
	GList *interfaces = g_dbus_object_get_interfaces(object);

	for (GList *i = interfaces; i != NULL; i = i->next)
		g_signal_emit(self, signals[INTERFACE_ADDED], 0, i->data);
	g_list_free_full(interfaces, g_object_unref);
}

static void
on_object_removed(GDBusObjectManager *objects, GDBusObject *object, StpBluezClient *self)
{
	GList *interfaces = g_dbus_object_get_interfaces(object);

	for (GList *i = interfaces; i != NULL; i = i->next)
		g_signal_emit(self, signals[INTERFACE_REMOVED], 0, i->data);
	g_list_free_full(interfaces, g_object_unref);
}

static void
on_interface_added(GDBusObjectManager *objects, GDBusObject *object, GDBusInterface *interface,
		   StpBluezClient *self)
{
	g_signal_emit(self, signals[INTERFACE_ADDED], 0, interface);
}

static void
on_interface_removed(GDBusObjectManager *objects, GDBusObject *object, GDBusInterface *interface,
		     StpBluezClient *self)
{
	g_signal_emit(self, signals[INTERFACE_REMOVED], 0, interface);
}

static void
on_properties_changed(GDBusObjectManagerClient *objects, GDBusObjectProxy *object, GDBusProxy *proxy,
		      GVariant *changed, const char *const *invalidated, StpBluezClient *self)
{
	g_signal_emit(self, signals[PROPERTIES_CHANGED], 0, proxy, changed);
}

static void
drop_mirror(StpBluezClient *self)
{
	if (self->mirroring != NULL)
		g_cancellable_cancel(self->mirroring);
	g_clear_object(&self->mirroring);
	g_clear_handle_id(&self->retry, g_source_remove);
	if (self->objects != NULL)
		g_signal_handlers_disconnect_by_data(self->objects, self);
	g_clear_object(&self->objects);
}

static gboolean
mirror_again(gpointer user_data)
{
	StpBluezClient *self = user_data;

	self->retry = 0;
	begin_mirror(self);
	return G_SOURCE_REMOVE;
}

static void
on_mirrored(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(StpBluezClient) self = user_data;
	g_autoptr(GError) error = NULL;
	GDBusObjectManager *objects = g_dbus_object_manager_client_new_finish(result, &error);

	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		return;
	g_clear_object(&self->mirroring);
	if (objects == NULL) {
		stp_warning("link", NULL, "bluetoothd does not show its objects: %s", error->message);
		self->retry = g_timeout_add(STP_BLUEZ_SCAN_RETRY, mirror_again, self);
		set_state(self, stp_bluez_error_is_access_denied(error) ? STP_BLUEZ_DENIED : STP_BLUEZ_FAILED);
		return;
	}

	self->objects = objects;
	g_signal_connect(objects, "object-added", G_CALLBACK(on_object_added), self);
	g_signal_connect(objects, "object-removed", G_CALLBACK(on_object_removed), self);
	g_signal_connect(objects, "interface-added", G_CALLBACK(on_interface_added), self);
	g_signal_connect(objects, "interface-removed", G_CALLBACK(on_interface_removed), self);
	g_signal_connect(objects, "interface-proxy-properties-changed", G_CALLBACK(on_properties_changed), self);
	stp_debug("link", NULL, "bluetoothd is there");
	set_state(self, STP_BLUEZ_PRESENT);
}

static void
begin_mirror(StpBluezClient *self)
{
	self->mirroring = g_cancellable_new();
	/* By its unique name: a successor must never be taken for the one whose objects these are. */
	g_dbus_object_manager_client_new(self->connection, G_DBUS_OBJECT_MANAGER_CLIENT_FLAGS_DO_NOT_AUTO_START,
					 self->owner, "/", NULL, NULL, NULL, self->mirroring, on_mirrored,
					 g_object_ref(self));
}

static void
on_vanished(GDBusConnection *connection, const char *name, gpointer user_data)
{
	StpBluezClient *self = user_data;

	drop_mirror(self);
	g_clear_pointer(&self->owner, g_free);
	set_state(self, STP_BLUEZ_ABSENT);
}

static void
on_appeared(GDBusConnection *connection, const char *name, const char *owner, gpointer user_data)
{
	StpBluezClient *self = user_data;

	if (self->owner != NULL)
		on_vanished(connection, name, self);
	self->owner = g_strdup(owner);
	begin_mirror(self);
}

StpBluezClient *
stp_bluez_client_new(GDBusConnection *connection)
{
	StpBluezClient *self = g_object_new(STP_TYPE_BLUEZ_CLIENT, NULL);

	self->connection = g_object_ref(connection);
	return self;
}

void
stp_bluez_client_start(StpBluezClient *self)
{
	if (self->watch == 0)
		self->watch = g_bus_watch_name_on_connection(self->connection, "org.bluez",
							     G_BUS_NAME_WATCHER_FLAGS_NONE, on_appeared,
							     on_vanished, self, NULL);
}

StpBluezState
stp_bluez_client_get_state(StpBluezClient *self)
{
	return self->state;
}

GDBusConnection *
stp_bluez_client_get_connection(StpBluezClient *self)
{
	return self->connection;
}

const char *
stp_bluez_client_get_owner(StpBluezClient *self)
{
	return self->state == STP_BLUEZ_PRESENT ? self->owner : NULL;
}

GDBusProxy *
stp_bluez_client_find(StpBluezClient *self, const char *path, const char *interface)
{
	GDBusInterface *found;

	if (self->objects == NULL)
		return NULL;
	found = g_dbus_object_manager_get_interface(self->objects, path, interface);
	return found != NULL ? G_DBUS_PROXY(found) : NULL;
}

static int
compare_paths(gconstpointer a, gconstpointer b)
{
	return strcmp(g_dbus_proxy_get_object_path(*(GDBusProxy *const *)a),
		      g_dbus_proxy_get_object_path(*(GDBusProxy *const *)b));
}

GPtrArray *
stp_bluez_client_list(StpBluezClient *self, const char *interface)
{
	GPtrArray *proxies = g_ptr_array_new_with_free_func(g_object_unref);
	GList *objects = self->objects != NULL ? g_dbus_object_manager_get_objects(self->objects) : NULL;

	for (GList *i = objects; i != NULL; i = i->next) {
		GDBusInterface *found = g_dbus_object_get_interface(i->data, interface);

		if (found != NULL)
			g_ptr_array_add(proxies, found);
	}
	g_list_free_full(objects, g_object_unref);
	g_ptr_array_sort(proxies, compare_paths);
	return proxies;
}

gboolean
stp_bluez_is(GDBusProxy *proxy, const char *interface)
{
	return strcmp(g_dbus_proxy_get_interface_name(proxy), interface) == 0;
}

static GVariant *
get_property(GDBusProxy *proxy, const char *property, const GVariantType *type)
{
	GVariant *value = g_dbus_proxy_get_cached_property(proxy, property);

	if (value != NULL && type != NULL && !g_variant_is_of_type(value, type))
		g_clear_pointer(&value, g_variant_unref);
	return value;
}

gboolean
stp_bluez_has(GDBusProxy *proxy, const char *property)
{
	g_autoptr(GVariant) value = get_property(proxy, property, NULL);

	return value != NULL;
}

gboolean
stp_bluez_get_boolean(GDBusProxy *proxy, const char *property)
{
	g_autoptr(GVariant) value = get_property(proxy, property, G_VARIANT_TYPE_BOOLEAN);

	return value != NULL && g_variant_get_boolean(value);
}

gboolean
stp_bluez_is_connected(GDBusProxy *device)
{
	return stp_bluez_get_boolean(device, "Connected") || stp_bluez_get_boolean(device, "ServicesResolved");
}

gboolean
stp_bluez_is_bonded(GDBusProxy *device)
{
	/* Before BlueZ 5.65 there was only Paired. */
	return stp_bluez_get_boolean(device, stp_bluez_has(device, "Bonded") ? "Bonded" : "Paired");
}

gint16
stp_bluez_get_int16(GDBusProxy *proxy, const char *property, gint16 otherwise)
{
	g_autoptr(GVariant) value = get_property(proxy, property, G_VARIANT_TYPE_INT16);

	return value != NULL ? g_variant_get_int16(value) : otherwise;
}

char *
stp_bluez_get_string(GDBusProxy *proxy, const char *property)
{
	g_autoptr(GVariant) value = g_dbus_proxy_get_cached_property(proxy, property);

	if (value == NULL || !(g_variant_is_of_type(value, G_VARIANT_TYPE_STRING) ||
			       g_variant_is_of_type(value, G_VARIANT_TYPE_OBJECT_PATH)))
		return NULL;
	return g_variant_dup_string(value, NULL);
}

static void
stp_bluez_client_dispose(GObject *object)
{
	StpBluezClient *self = STP_BLUEZ_CLIENT(object);

	g_clear_handle_id(&self->watch, g_bus_unwatch_name);
	drop_mirror(self);
	g_clear_pointer(&self->owner, g_free);
	g_clear_object(&self->connection);
	G_OBJECT_CLASS(stp_bluez_client_parent_class)->dispose(object);
}

static void
stp_bluez_client_class_init(StpBluezClientClass *class)
{
	G_OBJECT_CLASS(class)->dispose = stp_bluez_client_dispose;
	signals[STATE_CHANGED] = g_signal_new("state-changed", STP_TYPE_BLUEZ_CLIENT, G_SIGNAL_RUN_LAST, 0, NULL,
					      NULL, NULL, G_TYPE_NONE, 0);
	signals[INTERFACE_ADDED] = g_signal_new("interface-added", STP_TYPE_BLUEZ_CLIENT, G_SIGNAL_RUN_LAST, 0,
						NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_DBUS_PROXY);
	signals[INTERFACE_REMOVED] = g_signal_new("interface-removed", STP_TYPE_BLUEZ_CLIENT, G_SIGNAL_RUN_LAST,
						  0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_DBUS_PROXY);
	signals[PROPERTIES_CHANGED] = g_signal_new("properties-changed", STP_TYPE_BLUEZ_CLIENT,
						   G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2,
						   G_TYPE_DBUS_PROXY, G_TYPE_VARIANT);
}

static void
stp_bluez_client_init(StpBluezClient *self)
{
}
