/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "pensim-world.h"

/* Any signal wakes whoever waits. */
static void
wake(GDBusConnection *bus, const char *sender, const char *path, const char *interface, const char *signal,
     GVariant *arguments, gpointer data)
{
}

int
pensim_set_up(void **state)
{
	struct world *world = g_new0(struct world, 1);

	world->bus = private_bus_new();
	assert_non_null(world->bus);
	world->central = private_bus_connect(world->bus, NULL);
	assert_non_null(world->central);
	g_dbus_connection_signal_subscribe(world->central, "org.bluez", NULL, NULL, NULL, NULL,
					   G_DBUS_SIGNAL_FLAGS_NONE, wake, NULL, NULL);
	*state = world;
	return 0;
}

int
pensim_tear_down(void **state)
{
	struct world *world = *state;

	g_dbus_connection_close_sync(world->central, NULL, NULL);
	g_object_unref(world->central);
	private_bus_free(world->bus);
	g_free(world);
	return 0;
}

void
start_fake(struct world *world, const char *adapters)
{
	const char *argv[] = { STIPPLE_FAKE_BLUEZ, "--adapters", adapters, NULL };

	world->fake = private_bus_spawn(world->bus, argv, NULL);
	assert_non_null(world->fake);
	assert_true(private_bus_wait_for_name(world->bus, "org.bluez", WAIT_MS));
}

PrivateChild *
start_pens(struct world *world, ...)
{
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	const char *argument;
	va_list args;

	g_ptr_array_add(argv, (gpointer)STIPPLE_PENSIM);
	va_start(args, world);
	while ((argument = va_arg(args, const char *)))
		g_ptr_array_add(argv, (gpointer)argument);
	va_end(args);
	g_ptr_array_add(argv, NULL);
	return private_bus_spawn(world->bus, (const char *const *)argv->pdata, NULL);
}

void
expect(PrivateChild *pens, const char *text)
{
	g_autofree char *line = private_child_wait_line(pens, text, WAIT_MS);

	if (!line)
		fail_msg("no line with '%s' came; there was:\n%s", text, private_child_output(pens));
}

GVariant *
call(struct world *world, const char *path, const char *method, GVariant *arguments, GError **error)
{
	g_autofree char *interface = g_strndup(method, (gsize)(strrchr(method, '.') - method));

	return g_dbus_connection_call_sync(world->central, "org.bluez", path, interface,
					   strrchr(method, '.') + 1, arguments, NULL, G_DBUS_CALL_FLAGS_NONE,
					   WAIT_MS, NULL, error);
}

void
call_well(struct world *world, const char *path, const char *method, GVariant *arguments)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) answer = call(world, path, method, arguments, &error);

	if (!answer)
		fail_msg("%s: %s", method, error->message);
}

GVariant *
no_options(void)
{
	return g_variant_new_array(G_VARIANT_TYPE("{sv}"), NULL, 0);
}

static GVariant *
objects(struct world *world)
{
	g_autoptr(GVariant) answer =
		call(world, "/", "org.freedesktop.DBus.ObjectManager.GetManagedObjects", NULL, NULL);

	assert_non_null(answer);
	return g_variant_get_child_value(answer, 0);
}

/* The object below prefix whose interface has UUID uuid; NULL: none yet. */
static char *
find_object(struct world *world, const char *prefix, const char *interface, const char *uuid)
{
	g_autoptr(GVariant) all = objects(world);
	GVariantIter iter;
	const char *path;
	GVariant *interfaces;
	char *found = NULL;

	g_variant_iter_init(&iter, all);
	while (g_variant_iter_next(&iter, "{&o@a{sa{sv}}}", &path, &interfaces)) {
		g_autoptr(GVariant) properties = g_variant_lookup_value(interfaces, interface, NULL);
		const char *value;

		if (!found && properties && g_str_has_prefix(path, prefix) &&
		    g_variant_lookup(properties, "UUID", "&s", &value) && strcmp(value, uuid) == 0)
			found = g_strdup(path);
		g_variant_unref(interfaces);
	}
	return found;
}

struct search {
	struct world *world;
	const char *prefix, *uuid;
	char *found;
};

static gboolean
look(gpointer data)
{
	struct search *search = data;

	search->found =
		find_object(search->world, search->prefix, "org.bluez.GattCharacteristic1", search->uuid);
	return search->found != NULL;
}

char *
wait_characteristic(struct world *world, const char *device, const char *uuid)
{
	struct search search = { world, device, uuid, NULL };

	assert_true(private_wait(look, &search, WAIT_MS));
	return search.found;
}


struct sight {
	struct world *world;
	const char *device;
};

static gboolean
device_is_seen(gpointer data)
{
	struct sight *sight = data;
	g_autoptr(GVariant) all = objects(sight->world);
	g_autoptr(GVariant) device = g_variant_lookup_value(all, sight->device, NULL);

	return device != NULL;
}

void
discover(struct world *world, const char *adapter, const char *device)
{
	struct sight sight = { world, device };

	call_well(world, adapter, "org.bluez.Adapter1.StartDiscovery", NULL);
	assert_true(private_wait(device_is_seen, &sight, WAIT_MS));
}
