/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#include "bus.h"

#include <string.h>

#include "paths.h"

#define DBUS_PROPERTIES "org.freedesktop.DBus.Properties"
#define DBUS_MANAGER	"org.freedesktop.DBus.ObjectManager"

struct FakeBus {
	GDBusConnection *connection;
	GPtrArray *objects;
	FakeOwners *owners;
	FakePaths *paths;
	guint manager;
	GDBusNodeInfo *manager_info;
	FakeIntercept intercept;
	gpointer intercept_data;
};

struct FakeObject {
	FakeBus *bus;
	char *path;
	GPtrArray *ifaces;
	gboolean published;
};

struct FakeIface {
	FakeObject *object;
	GDBusInterfaceInfo *info;
	const FakeMethods *methods;
	gpointer self;
	GHashTable *properties;
	guint registration;
};

static const char manager_xml[] =
	"<node><interface name='" DBUS_MANAGER "'>"
	"<method name='GetManagedObjects'><arg type='a{oa{sa{sv}}}' direction='out'/></method>"
	"<signal name='InterfacesAdded'><arg type='o'/><arg type='a{sa{sv}}'/></signal>"
	"<signal name='InterfacesRemoved'><arg type='o'/><arg type='as'/></signal>"
	"</interface></node>";

static GVariant *
iface_properties(FakeIface *iface)
{
	g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);

	for (guint i = 0; iface->info->properties && iface->info->properties[i]; i++) {
		const char *name = iface->info->properties[i]->name;
		GVariant *value = g_hash_table_lookup(iface->properties, name);

		if (value)
			g_variant_builder_add(&builder, "{sv}", name, value);
	}
	return g_variant_builder_end(&builder);
}

static GVariant *
object_interfaces(FakeObject *object)
{
	g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a{sa{sv}}"));

	for (guint i = 0; i < object->ifaces->len; i++) {
		FakeIface *iface = g_ptr_array_index(object->ifaces, i);

		g_variant_builder_add(&builder, "{s@a{sv}}", iface->info->name, iface_properties(iface));
	}
	return g_variant_builder_end(&builder);
}

static void
on_manager_call(GDBusConnection *connection, const char *sender, const char *path, const char *interface,
		const char *method, GVariant *args, GDBusMethodInvocation *invocation, gpointer data)
{
	FakeBus *bus = data;
	g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a{oa{sa{sv}}}"));

	for (guint i = 0; i < bus->objects->len; i++) {
		FakeObject *object = g_ptr_array_index(bus->objects, i);

		if (object->published)
			g_variant_builder_add(&builder, "{o@a{sa{sv}}}", object->path,
					      object_interfaces(object));
	}
	g_dbus_method_invocation_return_value(invocation,
					      g_variant_new("(a{oa{sa{sv}}})", &builder));
}

static const GDBusInterfaceVTable manager_vtable = { .method_call = on_manager_call };

FakeBus *
fake_bus_new(GDBusConnection *connection)
{
	FakeBus *bus = g_new0(FakeBus, 1);

	bus->connection = g_object_ref(connection);
	bus->objects = g_ptr_array_new();
	bus->manager_info = g_dbus_node_info_new_for_xml(manager_xml, NULL);
	bus->manager = g_dbus_connection_register_object(connection, "/", bus->manager_info->interfaces[0],
							 &manager_vtable, bus, NULL, NULL);
	bus->owners = fake_owners_new(connection);
	bus->paths = fake_paths_new(connection);
	fake_paths_add(bus->paths, "/");
	return bus;
}

void
fake_bus_free(FakeBus *bus)
{
	g_assert(bus->objects->len == 0);
	fake_paths_free(bus->paths);
	fake_owners_free(bus->owners);
	g_dbus_connection_unregister_object(bus->connection, bus->manager);
	g_ptr_array_free(bus->objects, TRUE);
	g_dbus_node_info_unref(bus->manager_info);
	g_object_unref(bus->connection);
	g_free(bus);
}

GDBusConnection *
fake_bus_connection(FakeBus *bus)
{
	return bus->connection;
}

void
fake_bus_set_intercept(FakeBus *bus, FakeIntercept intercept, gpointer data)
{
	bus->intercept = intercept;
	bus->intercept_data = data;
}

guint
fake_bus_watch_owner(FakeBus *bus, const char *owner, FakeGone gone, gpointer data)
{
	return fake_owners_watch(bus->owners, owner, gone, data);
}

void
fake_bus_unwatch(FakeBus *bus, guint id)
{
	fake_owners_unwatch(bus->owners, id);
}

FakeObject *
fake_object_new(FakeBus *bus, const char *path)
{
	FakeObject *object = g_new0(FakeObject, 1);

	object->bus = bus;
	object->path = g_strdup(path);
	object->ifaces = g_ptr_array_new();
	g_ptr_array_add(bus->objects, object);
	fake_paths_add(bus->paths, path);
	return object;
}

static void
on_call(GDBusConnection *connection, const char *sender, const char *path, const char *interface,
	const char *method, GVariant *args, GDBusMethodInvocation *invocation, gpointer data)
{
	FakeIface *iface = data;
	FakeBus *bus = iface->object->bus;
	g_autofree char *full = g_strconcat(strrchr(interface, '.') + 1, ".", method, NULL);

	if (bus->intercept && bus->intercept(bus->intercept_data, full, invocation))
		return;
	iface->methods->call(iface->self, method, args, invocation);
}

static GVariant *
on_get(GDBusConnection *connection, const char *sender, const char *path, const char *interface,
       const char *name, GError **error, gpointer data)
{
	FakeIface *iface = data;
	GVariant *value = g_hash_table_lookup(iface->properties, name);

	if (value)
		return g_variant_ref(value);
	g_set_error(error, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS, "No such property '%s'", name);
	return NULL;
}

static gboolean
on_set(GDBusConnection *connection, const char *sender, const char *path, const char *interface,
       const char *name, GVariant *value, GError **error, gpointer data)
{
	FakeIface *iface = data;

	if (iface->methods && iface->methods->set)
		return iface->methods->set(iface->self, name, value, error);
	g_set_error(error, G_DBUS_ERROR, G_DBUS_ERROR_PROPERTY_READ_ONLY, "Property '%s' is not writable",
		    name);
	return FALSE;
}

static const GDBusInterfaceVTable iface_vtable = {
	.method_call = on_call,
	.get_property = on_get,
	.set_property = on_set,
};

FakeIface *
fake_object_add(FakeObject *object, GDBusInterfaceInfo *info, const FakeMethods *methods, gpointer self)
{
	FakeIface *iface = g_new0(FakeIface, 1);
	g_autoptr(GError) error = NULL;

	iface->object = object;
	iface->info = info;
	iface->methods = methods;
	iface->self = self;
	iface->properties = g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
						  (GDestroyNotify)g_variant_unref);
	iface->registration = g_dbus_connection_register_object(object->bus->connection, object->path, info,
								&iface_vtable, iface, NULL, &error);
	if (!iface->registration)
		g_error("cannot export %s: %s", object->path, error->message);
	g_ptr_array_add(object->ifaces, iface);
	return iface;
}

static void
emit_manager_signal(FakeBus *bus, const char *signal, GVariant *args)
{
	g_dbus_connection_emit_signal(bus->connection, NULL, "/", DBUS_MANAGER, signal, args, NULL);
}

void
fake_object_publish(FakeObject *object)
{
	object->published = TRUE;
	emit_manager_signal(object->bus, "InterfacesAdded",
			    g_variant_new("(o@a{sa{sv}})", object->path, object_interfaces(object)));
}

static void
iface_free(FakeIface *iface)
{
	g_dbus_connection_unregister_object(iface->object->bus->connection, iface->registration);
	g_hash_table_unref(iface->properties);
	g_free(iface);
}

void
fake_object_free(FakeObject *object)
{
	g_auto(GVariantBuilder) names = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("as"));

	for (guint i = 0; i < object->ifaces->len; i++) {
		FakeIface *iface = g_ptr_array_index(object->ifaces, i);

		g_variant_builder_add(&names, "s", iface->info->name);
		iface_free(iface);
	}
	if (object->published)
		emit_manager_signal(object->bus, "InterfacesRemoved",
				    g_variant_new("(oas)", object->path, &names));
	g_ptr_array_remove(object->bus->objects, object);
	fake_paths_remove(object->bus->paths, object->path);
	g_ptr_array_free(object->ifaces, TRUE);
	g_free(object->path);
	g_free(object);
}

void
fake_object_publish_iface(FakeIface *iface)
{
	FakeObject *object = iface->object;
	g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("a{sa{sv}}"));

	g_variant_builder_add(&builder, "{s@a{sv}}", iface->info->name, iface_properties(iface));
	emit_manager_signal(object->bus, "InterfacesAdded",
			    g_variant_new("(oa{sa{sv}})", object->path, &builder));
}

void
fake_object_remove_iface(FakeIface *iface)
{
	FakeObject *object = iface->object;
	const char *const names[] = { iface->info->name, NULL };

	g_ptr_array_remove(object->ifaces, iface);
	emit_manager_signal(object->bus, "InterfacesRemoved",
			    g_variant_new("(o@as)", object->path, g_variant_new_strv(names, -1)));
	iface_free(iface);
}

const char *
fake_object_path(FakeObject *object)
{
	return object->path;
}

/* The property table keeps the names of the interface's description, which lives for ever. */
static const char *
property_name(FakeIface *iface, const char *name)
{
	GDBusPropertyInfo *info = g_dbus_interface_info_lookup_property(iface->info, name);

	g_assert(info);
	return info->name;
}

void
fake_iface_set_quietly(FakeIface *iface, const char *name, GVariant *value)
{
	if (value)
		g_hash_table_insert(iface->properties, (gpointer)property_name(iface, name),
				    g_variant_ref_sink(value));
	else
		g_hash_table_remove(iface->properties, name);
}

void
fake_iface_signal(FakeIface *iface, const char *name)
{
	GVariant *value = g_hash_table_lookup(iface->properties, name);
	g_auto(GVariantBuilder) changed = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);
	g_auto(GVariantBuilder) invalid = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("as"));

	if (!iface->object->published)
		return;
	if (value)
		g_variant_builder_add(&changed, "{sv}", name, value);
	else
		g_variant_builder_add(&invalid, "s", name);
	g_dbus_connection_emit_signal(iface->object->bus->connection, NULL, iface->object->path,
				      DBUS_PROPERTIES, "PropertiesChanged",
				      g_variant_new("(sa{sv}as)", iface->info->name, &changed, &invalid),
				      NULL);
}

void
fake_iface_emit(FakeIface *iface, const char *name, GVariant *value)
{
	fake_iface_set_quietly(iface, name, value);
	fake_iface_signal(iface, name);
}

void
fake_iface_set(FakeIface *iface, const char *name, GVariant *value)
{
	g_autoptr(GVariant) new_value = value ? g_variant_ref_sink(value) : NULL;
	GVariant *old = g_hash_table_lookup(iface->properties, name);

	if (old == new_value || (old && new_value && g_variant_equal(old, new_value)))
		return;
	fake_iface_emit(iface, name, new_value);
}

GVariant *
fake_iface_get(FakeIface *iface, const char *name)
{
	return g_hash_table_lookup(iface->properties, name);
}

gboolean
fake_iface_get_boolean(FakeIface *iface, const char *name)
{
	GVariant *value = fake_iface_get(iface, name);

	return value && g_variant_get_boolean(value);
}

void
fake_refuse(GDBusMethodInvocation *invocation, const char *name, const char *text)
{
	g_autofree char *full = g_strconcat("org.bluez.Error.", name, NULL);

	if (invocation)
		g_dbus_method_invocation_return_dbus_error(invocation, full, text);
}

void
fake_agree(GDBusMethodInvocation *invocation)
{
	if (invocation)
		g_dbus_method_invocation_return_value(invocation, NULL);
}
