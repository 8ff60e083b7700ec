/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#include "test-central.h"

#include <bluez-dbus.h>
#include <gio/gunixfdlist.h>
#include <string.h>

#include "test-pen.h"

#define WAIT_MS 5000
#define CHR	"org.bluez.GattCharacteristic1"
#define DEVICE	"org.bluez.Device1"

static void
answer_passkey(TestCentral *central, GDBusMethodInvocation *invocation)
{
	g_dbus_method_invocation_return_value(
		invocation, g_variant_new("(u)", (*central->passkey + central->offset) % 1000000));
}

/* A person types what the other end shows, when it shows it. */
static gboolean
on_look_again(gpointer data)
{
	TestCentral *central = data;

	if (!*central->passkey_shown)
		return G_SOURCE_CONTINUE;
	central->waiting_source = 0;
	answer_passkey(central, g_steal_pointer(&central->waiting));
	return G_SOURCE_REMOVE;
}

static void
on_agent_call(gpointer self, const char *method, GVariant *args, GDBusMethodInvocation *invocation)
{
	TestCentral *central = self;

	if (g_str_equal(method, "RequestPasskey")) {
		if (!central->passkey) {
			fake_refuse(invocation, "Rejected", "nothing to type");
		} else {
			central->waiting = invocation;
			central->waiting_source = g_timeout_add(5, on_look_again, central);
		}
		return;
	}
	if (g_str_equal(method, "RequestConfirmation")) {
		g_variant_get(args, "(ou)", NULL, &central->compared);
		central->confirmations++;
	}
	fake_agree(invocation);
}

static const FakeMethods agent_methods = { on_agent_call, NULL };

static void
on_value(GDBusConnection *connection, const char *sender, const char *path, const char *interface,
	 const char *signal, GVariant *args, gpointer data)
{
	TestCentral *central = data;
	g_autoptr(GVariant) changed = g_variant_get_child_value(args, 1);
	GVariant *value = g_variant_lookup_value(changed, "Value", G_VARIANT_TYPE_BYTESTRING);

	if (!value)
		return;
	central->signals++;
	g_hash_table_insert(central->values, g_strdup(path), value);
}

TestCentral *
test_central_new(PrivateBus *bus, const char *capability)
{
	TestCentral *central = g_new0(TestCentral, 1);
	g_autoptr(GVariant) reply = NULL;

	central->connection = private_bus_connect(bus, NULL);
	central->bus = fake_bus_new(central->connection);
	central->values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_variant_unref);
	central->manager = g_dbus_object_manager_client_new_sync(central->connection,
								 G_DBUS_OBJECT_MANAGER_CLIENT_FLAGS_NONE,
								 "org.bluez", "/", NULL, NULL, NULL, NULL, NULL);
	g_dbus_connection_signal_subscribe(central->connection, "org.bluez", "org.freedesktop.DBus.Properties",
					   "PropertiesChanged", NULL, CHR, G_DBUS_SIGNAL_FLAGS_NONE, on_value,
					   central, NULL);
	if (capability) {
		central->agent = fake_object_new(central->bus, "/agent");
		fake_object_add(central->agent, bluez_agent1_interface_info(), &agent_methods, central);
		reply = test_call(central->connection, "/org/bluez", "org.bluez.AgentManager1", "RegisterAgent",
				  g_variant_new("(os)", "/agent", capability), NULL, NULL);
		g_assert(reply);
	}
	return central;
}

void
test_central_free(TestCentral *central)
{
	if (!central)
		return;
	g_dbus_connection_close_sync(central->connection, NULL, NULL);
	if (central->waiting_source)
		g_source_remove(central->waiting_source);
	g_clear_object(&central->waiting);
	if (central->agent)
		fake_object_free(central->agent);
	g_object_unref(central->manager);
	fake_bus_free(central->bus);
	g_hash_table_unref(central->values);
	g_object_unref(central->connection);
	g_free(central);
}

char *
test_device_path(const char *address)
{
	g_autofree char *name = g_strdelimit(g_strdup(address), ":", '_');

	return g_strconcat("/org/bluez/hci0/dev_", name, NULL);
}

GVariant *
test_central_adapter(TestCentral *central, const char *method, GVariant *args, GError **error)
{
	return test_call(central->connection, "/org/bluez/hci0", "org.bluez.Adapter1", method, args, NULL, error);
}

GVariant *
test_central_device(TestCentral *central, const char *address, const char *method, GError **error)
{
	g_autofree char *path = test_device_path(address);

	return test_call(central->connection, path, DEVICE, method, NULL, NULL, error);
}

char *
test_central_find(TestCentral *central, const char *address, const char *uuid)
{
	g_autofree char *prefix = test_device_path(address);
	GList *objects = g_dbus_object_manager_get_objects(central->manager);
	char *found = NULL;

	for (GList *item = objects; item && !found; item = item->next) {
		const char *path = g_dbus_object_get_object_path(item->data);
		g_autoptr(GVariant) value = g_str_has_prefix(path, prefix)
						    ? test_central_property(central, path, CHR, "UUID")
						    : NULL;

		if (value && g_str_equal(g_variant_get_string(value, NULL), uuid))
			found = g_strdup(path);
	}
	g_list_free_full(objects, g_object_unref);
	return found;
}

GVariant *
test_central_chr(TestCentral *central, const char *address, const char *uuid, const char *method,
		 GVariant *args, GUnixFDList **fds, GError **error)
{
	g_autofree char *path = test_central_find(central, address, uuid);

	if (!path) {
		g_variant_unref(g_variant_ref_sink(args ? args : g_variant_new("()")));
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "no characteristic %s", uuid);
		return NULL;
	}
	return test_call(central->connection, path, CHR, method, args, fds, error);
}

GVariant *
test_central_property(TestCentral *central, const char *path, const char *interface, const char *name)
{
	g_autoptr(GDBusInterface) proxy =
		g_dbus_object_manager_get_interface(central->manager, path, interface);

	return proxy ? g_dbus_proxy_get_cached_property(G_DBUS_PROXY(proxy), name) : NULL;
}

gboolean
test_central_is(TestCentral *central, const char *address, const char *name)
{
	g_autofree char *path = test_device_path(address);
	g_autoptr(GVariant) value = test_central_property(central, path, DEVICE, name);

	return value && g_variant_get_boolean(value);
}

typedef struct {
	TestCentral *central;
	const char *address;
	const char *name;
	gboolean value;
} Wait;

static gboolean
property_is(gpointer data)
{
	Wait *wait = data;

	return test_central_is(wait->central, wait->address, wait->name) == wait->value;
}

gboolean
test_central_wait(TestCentral *central, const char *address, const char *name, gboolean value)
{
	Wait wait = { central, address, name, value };

	return private_wait(property_is, &wait, WAIT_MS);
}

static gboolean
object_is(gpointer data)
{
	Wait *wait = data;
	g_autoptr(GDBusObject) object = g_dbus_object_manager_get_object(wait->central->manager, wait->name);

	return (object != NULL) == wait->value;
}

gboolean
test_central_wait_object(TestCentral *central, const char *path, gboolean there)
{
	Wait wait = { central, NULL, path, there };

	return private_wait(object_is, &wait, WAIT_MS);
}

gboolean
test_central_discover(TestCentral *central, const char *address, const char *uuid)
{
	g_autofree char *path = test_device_path(address);
	g_auto(GVariantBuilder) filter = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);
	const char *const uuids[] = { uuid, NULL };
	g_autoptr(GVariant) set = NULL, started = NULL, stopped = NULL;
	gboolean found;

	g_variant_builder_add(&filter, "{sv}", "UUIDs", g_variant_new_strv(uuids, -1));
	g_variant_builder_add(&filter, "{sv}", "Transport", g_variant_new_string("le"));
	set = test_central_adapter(central, "SetDiscoveryFilter", g_variant_new("(a{sv})", &filter), NULL);
	started = test_central_adapter(central, "StartDiscovery", NULL, NULL);
	found = test_central_wait_object(central, path, TRUE);
	stopped = test_central_adapter(central, "StopDiscovery", NULL, NULL);
	return found && set && started && stopped;
}

gboolean
test_central_connect(TestCentral *central, const char *address, GError **error)
{
	g_autoptr(GVariant) reply = NULL;
	g_autofree char *path = test_device_path(address);
	g_autoptr(GDBusObject) object = g_dbus_object_manager_get_object(central->manager, path);

	if (!object && !test_central_discover(central, address, TEST_SERVICE)) {
		g_set_error(error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "%s is not to be found", address);
		return FALSE;
	}
	reply = test_central_device(central, address, "Connect", error);
	return reply && test_central_wait(central, address, "ServicesResolved", TRUE);
}

char *
test_error_word(const GError *error)
{
	g_autofree char *name = error ? g_dbus_error_get_remote_error(error) : NULL;

	return name && g_str_has_prefix(name, "org.bluez.Error.") ? g_strdup(name + strlen("org.bluez.Error."))
								    : NULL;
}
