/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#include "gatt-db.h"

#include <bluez-dbus.h>
#include <string.h>

#include "advertising.h"
#include "device.h"
#include "gatt-local.h"
#include "gatt-remote.h"
#include "fake-link.h"

#define GATT_SERVICE  "org.bluez.GattService1"
#define GATT_CHR      "org.bluez.GattCharacteristic1"
#define GATT_UUID     "00001801-0000-1000-8000-00805f9b34fb"
#define GAP_UUID      "00001800-0000-1000-8000-00805f9b34fb"
#define FIRST_HANDLE  0x0008
#define DEVICE_HANDLE 0x0012

/* Every link of this adapter as a peripheral learns that the services changed. */
static void
services_changed(FakeDb *db)
{
	GPtrArray *links = db->adapter->air->links;

	for (guint i = 0; i < links->len; i++) {
		FakeLink *link = g_ptr_array_index(links, i);

		if (link->peripheral == db->adapter)
			fake_remote_services_changed(link->at_central->remote);
	}
}

static void
chr_free(gpointer data)
{
	FakeChr *chr = data;

	fake_local_stop(chr);
	g_hash_table_unref(chr->ccc);
	g_object_unref(chr->cancellable);
	g_clear_pointer(&chr->value, g_variant_unref);
	g_free(chr->path);
	g_free(chr->uuid);
	g_free(chr);
}

static void
service_free(gpointer data)
{
	FakeService *service = data;

	g_ptr_array_free(service->chrs, TRUE);
	g_free(service->path);
	g_free(service->uuid);
	g_free(service);
}

static void
app_free(FakeApp *app)
{
	FakeDb *db = app->db;
	FakeBus *bus = db->adapter->air->bus;
	gboolean registered = app->registered;

	g_cancellable_cancel(app->cancellable);
	if (app->watch)
		fake_bus_unwatch(bus, app->watch);
	if (app->changes)
		g_dbus_connection_signal_unsubscribe(fake_bus_connection(bus), app->changes);
	fake_refuse(app->invocation, "Failed", "Canceled");
	g_ptr_array_remove(db->apps, app);
	g_ptr_array_free(app->services, TRUE);
	g_object_unref(app->cancellable);
	g_free(app->owner);
	g_free(app->path);
	g_free(app);
	if (registered)
		services_changed(db);
}

static FakeApp *
app_new(FakeDb *db, const char *owner, const char *path)
{
	FakeApp *app = g_new0(FakeApp, 1);

	app->db = db;
	app->owner = g_strdup(owner);
	app->path = g_strdup(path);
	app->services = g_ptr_array_new_with_free_func(service_free);
	app->cancellable = g_cancellable_new();
	g_ptr_array_add(db->apps, app);
	return app;
}

static void
on_owner_gone(gpointer data)
{
	FakeApp *app = data;

	app->watch = 0;
	app_free(app);
}

static FakeService *
find_service(FakeApp *app, const char *path)
{
	for (guint i = 0; i < app->services->len; i++) {
		FakeService *service = g_ptr_array_index(app->services, i);

		if (g_strcmp0(service->path, path) == 0)
			return service;
	}
	return NULL;
}

static FakeService *
add_service(FakeApp *app, const char *path, const char *uuid, gboolean primary)
{
	FakeService *service = g_new0(FakeService, 1);

	service->app = app;
	service->path = g_strdup(path);
	service->uuid = g_strdup(uuid);
	fake_uuid_normalise(&service->uuid);
	service->primary = primary;
	service->chrs = g_ptr_array_new_with_free_func(chr_free);
	g_ptr_array_add(app->services, service);
	return service;
}

static FakeChr *
add_chr(FakeService *service, const char *path, const char *uuid)
{
	FakeChr *chr = g_new0(FakeChr, 1);

	chr->service = service;
	chr->path = g_strdup(path);
	chr->uuid = g_strdup(uuid);
	fake_uuid_normalise(&chr->uuid);
	chr->ccc = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	chr->notify_fd = chr->write_fd = -1;
	chr->cancellable = g_cancellable_new();
	g_queue_init(&chr->writes);
	g_ptr_array_add(service->chrs, chr);
	return chr;
}

static gboolean
parse_service(FakeApp *app, const char *path, GVariant *properties)
{
	const char *uuid;
	gboolean primary;
	FakeService *service;

	if (!g_variant_lookup(properties, "UUID", "&s", &uuid) ||
	    !g_variant_lookup(properties, "Primary", "b", &primary))
		return FALSE;
	service = add_service(app, path, uuid, primary);
	/* BlueZ has these two itself, and nobody else. */
	return !g_str_equal(service->uuid, GAP_UUID) && !g_str_equal(service->uuid, GATT_UUID);
}

static gboolean
parse_chr(FakeApp *app, const char *path, GVariant *properties)
{
	g_autofree const char **names = NULL;
	g_autoptr(GVariant) acquires_notify = g_variant_lookup_value(properties, "NotifyAcquired", NULL);
	g_autoptr(GVariant) acquires_write = g_variant_lookup_value(properties, "WriteAcquired", NULL);
	const char *uuid, *service_path;
	FakeService *service;
	FakeChr *chr;

	if (!g_variant_lookup(properties, "UUID", "&s", &uuid) ||
	    !g_variant_lookup(properties, "Service", "&o", &service_path) ||
	    !g_variant_lookup(properties, "Flags", "^a&s", &names))
		return FALSE;
	service = find_service(app, service_path);
	if (!service)
		return FALSE;
	chr = add_chr(service, path, uuid);
	chr->acquires_notify = acquires_notify != NULL;
	chr->acquires_write = acquires_write != NULL;
	for (const char **name = names; *name; name++)
		if (!fake_chr_add_flag(chr, *name))
			return FALSE;
	return TRUE;
}

static void
assign_handles(FakeApp *app)
{
	FakeDb *db = app->db;

	for (guint s = 0; s < app->services->len; s++) {
		FakeService *service = g_ptr_array_index(app->services, s);

		service->handle = db->next_handle++;
		for (guint c = 0; c < service->chrs->len; c++) {
			FakeChr *chr = g_ptr_array_index(service->chrs, c);

			chr->handle = db->next_handle;
			db->next_handle = (guint16)(db->next_handle + 2);
			if (chr->props & (FAKE_PROP_NOTIFY | FAKE_PROP_INDICATE))
				db->next_handle++;
		}
	}
}

/* Objects come in any order: services first, then what refers to them. */
static gboolean
parse_objects(FakeApp *app, GVariant *objects)
{
	GVariantIter iter;
	const char *path;
	GVariant *interfaces;
	gboolean good = TRUE;

	for (int pass = 0; pass < 2; pass++) {
		g_variant_iter_init(&iter, objects);
		while (g_variant_iter_next(&iter, "{&o@a{sa{sv}}}", &path, &interfaces)) {
			g_autoptr(GVariant) properties = g_variant_lookup_value(
				interfaces, pass ? GATT_CHR : GATT_SERVICE, G_VARIANT_TYPE_VARDICT);

			if (properties)
				good &= pass ? parse_chr(app, path, properties)
					     : parse_service(app, path, properties);
			g_variant_unref(interfaces);
		}
	}
	return good && app->services->len > 0;
}

static void
on_value_changed(GDBusConnection *connection, const char *sender, const char *path, const char *interface,
		 const char *signal, GVariant *args, gpointer data)
{
	FakeApp *app = data;
	g_autoptr(GVariant) changed = g_variant_get_child_value(args, 1);
	g_autoptr(GVariant) value = g_variant_lookup_value(changed, "Value", G_VARIANT_TYPE_BYTESTRING);

	for (guint s = 0; value && s < app->services->len; s++) {
		FakeService *service = g_ptr_array_index(app->services, s);

		for (guint c = 0; c < service->chrs->len; c++) {
			FakeChr *chr = g_ptr_array_index(service->chrs, c);

			if (g_str_equal(chr->path, path)) {
				fake_local_notify(chr, g_variant_get_data(value), g_variant_get_size(value));
				return;
			}
		}
	}
}

static void
on_objects(GObject *source, GAsyncResult *result, gpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);
	g_autoptr(GVariant) objects = NULL;
	FakeApp *app = data;

	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		return;
	objects = reply ? g_variant_get_child_value(reply, 0) : NULL;
	if (!objects || g_variant_n_children(objects) == 0) {
		fake_refuse(g_steal_pointer(&app->invocation), "Failed", "No object received");
		app_free(app);
		return;
	}
	if (!parse_objects(app, objects)) {
		fake_refuse(g_steal_pointer(&app->invocation), "Failed", "No valid service object found");
		app_free(app);
		return;
	}
	assign_handles(app);
	app->registered = TRUE;
	app->changes = g_dbus_connection_signal_subscribe(
		G_DBUS_CONNECTION(source), app->owner, "org.freedesktop.DBus.Properties",
		"PropertiesChanged", NULL, GATT_CHR, G_DBUS_SIGNAL_FLAGS_NONE, on_value_changed, app, NULL);
	fake_agree(g_steal_pointer(&app->invocation));
	services_changed(app->db);
}

static void
on_call(gpointer self, const char *method, GVariant *args, GDBusMethodInvocation *invocation)
{
	FakeDb *db = self;
	const char *sender = g_dbus_method_invocation_get_sender(invocation);
	FakeBus *bus = db->adapter->air->bus;
	FakeApp *app = NULL;
	const char *path;

	g_variant_get_child(args, 0, "&o", &path);
	for (guint i = 0; i < db->apps->len && !app; i++) {
		FakeApp *candidate = g_ptr_array_index(db->apps, i);

		if (g_strcmp0(candidate->owner, sender) == 0 && g_str_equal(candidate->path, path))
			app = candidate;
	}
	if (g_str_equal(method, "UnregisterApplication")) {
		if (!app) {
			fake_refuse(invocation, "DoesNotExist", "Does Not Exist");
			return;
		}
		app_free(app);
		fake_agree(invocation);
		return;
	}
	if (app) {
		fake_refuse(invocation, "AlreadyExists", "Already Exists");
		return;
	}
	app = app_new(db, sender, path);
	app->invocation = invocation;
	app->watch = fake_bus_watch_owner(bus, sender, on_owner_gone, app);
	g_dbus_connection_call(fake_bus_connection(bus), sender, path, "org.freedesktop.DBus.ObjectManager",
			       "GetManagedObjects", NULL, G_VARIANT_TYPE("(a{oa{sa{sv}}})"),
			       G_DBUS_CALL_FLAGS_NONE, -1, app->cancellable, on_objects, app);
}

static const FakeMethods methods = { on_call, NULL };

static FakeChr *
add_own_chr(FakeService *service, const char *uuid, guint8 props, const guint8 *value, gsize size)
{
	FakeChr *chr = add_chr(service, NULL, uuid);

	chr->props = props;
	if (value)
		chr->value = g_variant_ref_sink(g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, value, size, 1));
	return chr;
}

/* What every BlueZ has, at the handles it has it; applications come after it. */
static void
add_own_services(FakeDb *db)
{
	static const guint8 pnp[] = { 0x02, 0x6b, 0x1d, 0x46, 0x02, 0x42, 0x05 };
	static const guint8 features[1];
	static const guint8 hash[16];
	FakeApp *gatt = app_new(db, NULL, "/");
	FakeApp *device = app_new(db, NULL, "/");
	FakeService *service;

	service = add_service(gatt, NULL, GATT_UUID, TRUE);
	add_own_chr(service, "2a05", FAKE_PROP_INDICATE, NULL, 0);
	add_own_chr(service, "2b29", FAKE_PROP_READ | FAKE_PROP_WRITE, features, sizeof(features));
	add_own_chr(service, "2b2a", FAKE_PROP_READ, hash, sizeof(hash));
	assign_handles(gatt);
	gatt->registered = TRUE;

	service = add_service(device, NULL, "180a", TRUE);
	add_own_chr(service, "2a50", FAKE_PROP_READ, pnp, sizeof(pnp));
	db->next_handle = DEVICE_HANDLE;
	assign_handles(device);
	device->registered = TRUE;
}

FakeDb *
fake_db_new(FakeAdapter *adapter)
{
	FakeDb *db = g_new0(FakeDb, 1);

	db->adapter = adapter;
	db->apps = g_ptr_array_new();
	db->next_handle = FIRST_HANDLE;
	fake_object_add(adapter->object, bluez_gatt_manager1_interface_info(), &methods, db);
	add_own_services(db);
	return db;
}

void
fake_db_free(FakeDb *db)
{
	while (db->apps->len)
		app_free(g_ptr_array_index(db->apps, 0));
	g_ptr_array_free(db->apps, TRUE);
	g_free(db);
}

GPtrArray *
fake_db_services(FakeDb *db)
{
	GPtrArray *services = g_ptr_array_new();

	for (guint i = 0; i < db->apps->len; i++) {
		FakeApp *app = g_ptr_array_index(db->apps, i);

		for (guint s = 0; app->registered && s < app->services->len; s++)
			g_ptr_array_add(services, g_ptr_array_index(app->services, s));
	}
	return services;
}

FakeChr *
fake_db_find(FakeDb *db, guint16 value_handle)
{
	g_autoptr(GPtrArray) services = fake_db_services(db);

	for (guint s = 0; s < services->len; s++) {
		FakeService *service = g_ptr_array_index(services, s);

		for (guint c = 0; c < service->chrs->len; c++) {
			FakeChr *chr = g_ptr_array_index(service->chrs, c);

			if (chr->handle + 1 == value_handle)
				return chr;
		}
	}
	return NULL;
}
