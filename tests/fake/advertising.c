/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#include "advertising.h"

#include <bluez-dbus.h>
#include <string.h>

#define ADVERTISEMENT "org.bluez.LEAdvertisement1"
#define MAX_INSTANCES 5

/* One registered object of a client. */
typedef struct {
	FakeAdverts *adverts;
	char *owner;
	char *path;
	guint watch;
	guint changes;
	GHashTable *properties;		/* as the client shows them */
	FakeAdvert on_air;
	gboolean registered;
	GDBusMethodInvocation *invocation;	/* RegisterAdvertisement, until answered */
	GCancellable *cancellable;
} Instance;

struct FakeAdverts {
	FakeAdapter *adapter;
	FakeIface *iface;
	GPtrArray *instances;
};

static void
instance_free(Instance *instance)
{
	FakeBus *bus = instance->adverts->adapter->air->bus;

	g_cancellable_cancel(instance->cancellable);
	if (instance->watch)
		fake_bus_unwatch(bus, instance->watch);
	g_dbus_connection_signal_unsubscribe(fake_bus_connection(bus), instance->changes);
	fake_refuse(instance->invocation, "Failed", "Failed to complete registration");
	g_ptr_array_remove(instance->adverts->instances, instance);
	g_hash_table_unref(instance->properties);
	fake_advert_clear(&instance->on_air);
	g_object_unref(instance->cancellable);
	g_free(instance->owner);
	g_free(instance->path);
	g_free(instance);
}

static void
count_instances(FakeAdverts *adverts)
{
	guint n = adverts->instances->len;

	fake_iface_set(adverts->iface, "ActiveInstances", g_variant_new_byte((guint8)n));
	fake_iface_set(adverts->iface, "SupportedInstances", g_variant_new_byte((guint8)(MAX_INSTANCES - n)));
}

/* FALSE: what was on the air before, if anything, still is. */
static gboolean
put_on_air(Instance *instance)
{
	FakeAir *air = instance->adverts->adapter->air;
	FakeAdvert advert;

	if (!fake_advert_parse(&advert, instance->properties, air->options)) {
		fake_log(air, "%s is no advertisement, or too long", instance->path);
		return FALSE;
	}
	fake_advert_clear(&instance->on_air);
	instance->on_air = advert;
	return TRUE;
}

static void
on_owner_gone(gpointer data)
{
	Instance *instance = data;
	FakeAdverts *adverts = instance->adverts;

	instance->watch = 0;
	instance_free(instance);
	count_instances(adverts);
	fake_air_changed(adverts->adapter->air);
}

static void
on_properties_changed(GDBusConnection *connection, const char *sender, const char *path,
		      const char *interface, const char *signal, GVariant *args, gpointer data)
{
	Instance *instance = data;
	g_autoptr(GVariantIter) changed = NULL;
	g_autofree const char **invalidated = NULL;
	const char *name;
	GVariant *value;

	g_variant_get(args, "(&sa{sv}^a&s)", NULL, &changed, &invalidated);
	while (g_variant_iter_next(changed, "{sv}", &name, &value))
		g_hash_table_insert(instance->properties, (gpointer)name, value);
	for (const char **item = invalidated; *item; item++)
		g_hash_table_remove(instance->properties, *item);
	if (instance->registered)
		put_on_air(instance);
}

static void
on_all_properties(GObject *source, GAsyncResult *result, gpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);
	g_autoptr(GVariantIter) iter = NULL;
	Instance *instance = data;
	FakeAdverts *adverts;
	char *name;
	GVariant *value;

	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		return;
	adverts = instance->adverts;
	if (reply) {
		g_variant_get(reply, "(a{sv})", &iter);
		while (g_variant_iter_next(iter, "{sv}", &name, &value))
			g_hash_table_insert(instance->properties, name, value);
	}
	if (!reply || !put_on_air(instance)) {
		fake_refuse(g_steal_pointer(&instance->invocation), "Failed", "Failed to register advertisement");
		instance_free(instance);
		count_instances(adverts);
		return;
	}
	instance->registered = TRUE;
	count_instances(adverts);
	fake_agree(g_steal_pointer(&instance->invocation));
	fake_air_changed(adverts->adapter->air);
}

static Instance *
find_instance(FakeAdverts *adverts, const char *owner, const char *path)
{
	for (guint i = 0; i < adverts->instances->len; i++) {
		Instance *instance = g_ptr_array_index(adverts->instances, i);

		if (g_str_equal(instance->owner, owner) && g_str_equal(instance->path, path))
			return instance;
	}
	return NULL;
}

static void
register_advertisement(FakeAdverts *adverts, const char *path, GDBusMethodInvocation *invocation)
{
	const char *sender = g_dbus_method_invocation_get_sender(invocation);
	FakeBus *bus = adverts->adapter->air->bus;
	GDBusConnection *connection = fake_bus_connection(bus);
	Instance *instance;

	if (find_instance(adverts, sender, path)) {
		fake_refuse(invocation, "AlreadyExists", "Already Exists");
		return;
	}
	if (adverts->instances->len == MAX_INSTANCES) {
		fake_refuse(invocation, "NotPermitted", "Maximum advertisements reached");
		return;
	}
	instance = g_new0(Instance, 1);
	instance->adverts = adverts;
	instance->owner = g_strdup(sender);
	instance->path = g_strdup(path);
	instance->invocation = invocation;
	instance->cancellable = g_cancellable_new();
	instance->properties = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
						     (GDestroyNotify)g_variant_unref);
	instance->watch = fake_bus_watch_owner(bus, sender, on_owner_gone, instance);
	instance->changes = g_dbus_connection_signal_subscribe(
		connection, sender, "org.freedesktop.DBus.Properties", "PropertiesChanged", path,
		ADVERTISEMENT, G_DBUS_SIGNAL_FLAGS_NONE, on_properties_changed, instance, NULL);
	g_ptr_array_add(adverts->instances, instance);
	g_dbus_connection_call(connection, sender, path, "org.freedesktop.DBus.Properties", "GetAll",
			       g_variant_new("(s)", ADVERTISEMENT), G_VARIANT_TYPE("(a{sv})"),
			       G_DBUS_CALL_FLAGS_NONE, -1, instance->cancellable, on_all_properties, instance);
}

static void
on_call(gpointer self, const char *method, GVariant *args, GDBusMethodInvocation *invocation)
{
	FakeAdverts *adverts = self;
	Instance *instance;
	const char *path;

	g_variant_get_child(args, 0, "&o", &path);
	if (g_str_equal(method, "RegisterAdvertisement")) {
		register_advertisement(adverts, path, invocation);
		return;
	}
	instance = find_instance(adverts, g_dbus_method_invocation_get_sender(invocation), path);
	if (!instance) {
		fake_refuse(invocation, "DoesNotExist", "Does Not Exist");
		return;
	}
	instance_free(instance);
	count_instances(adverts);
	fake_air_changed(adverts->adapter->air);
	fake_agree(invocation);
}

static const FakeMethods methods = { on_call, NULL };

FakeAdverts *
fake_adverts_new(FakeAdapter *adapter)
{
	const char *const includes[] = { "tx-power", "appearance", "local-name", NULL };
	guint8 length = (guint8)fake_options_advert_length(adapter->air->options);
	g_auto(GVariantBuilder) abilities = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);
	FakeAdverts *adverts = g_new0(FakeAdverts, 1);

	adverts->adapter = adapter;
	adverts->instances = g_ptr_array_new();
	adverts->iface = fake_object_add(adapter->object, bluez_leadvertising_manager1_interface_info(),
					 &methods, adverts);
	g_variant_builder_add(&abilities, "{sv}", "MaxAdvLen", g_variant_new_byte(length));
	g_variant_builder_add(&abilities, "{sv}", "MaxScnRspLen", g_variant_new_byte(FAKE_SCAN_RESPONSE_LENGTH));
	fake_iface_set(adverts->iface, "SupportedIncludes", g_variant_new_strv(includes, -1));
	fake_iface_set(adverts->iface, "SupportedCapabilities", g_variant_builder_end(&abilities));
	count_instances(adverts);
	return adverts;
}

void
fake_adverts_free(FakeAdverts *adverts)
{
	while (adverts->instances->len)
		instance_free(g_ptr_array_index(adverts->instances, 0));
	g_ptr_array_free(adverts->instances, TRUE);
	g_free(adverts);
}

static const FakeAdvert *
nth_on_air(FakeAdverts *adverts, guint n)
{
	/* A connectable legacy advertiser is silent while it has the connection, and a little longer. */
	gboolean busy = fake_adapter_is_peripheral(adverts->adapter) ||
			g_get_monotonic_time() < adverts->adapter->quiet_until;

	for (guint i = 0; i < adverts->instances->len; i++) {
		Instance *instance = g_ptr_array_index(adverts->instances, i);

		if (instance->registered && !(busy && instance->on_air.connectable) && n-- == 0)
			return &instance->on_air;
	}
	return NULL;
}

guint
fake_adverts_on_air(FakeAdverts *adverts)
{
	guint n = 0;

	if (!fake_adapter_powered(adverts->adapter))
		return 0;
	while (nth_on_air(adverts, n))
		n++;
	return n;
}

const FakeAdvert *
fake_adverts_nth(FakeAdverts *adverts, guint n)
{
	return nth_on_air(adverts, n);
}

gboolean
fake_adverts_connectable(FakeAdverts *adverts)
{
	for (guint n = 0; n < fake_adverts_on_air(adverts); n++)
		if (fake_adverts_nth(adverts, n)->connectable)
			return TRUE;
	return FALSE;
}
