/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <string.h>

#include "pensim-adapters.h"

/* hci2 before hci10. */
static int
by_number(gconstpointer a, gconstpointer b)
{
	const char *first = *(const char *const *)a, *second = *(const char *const *)b;
	gsize length = strlen(first), other = strlen(second);

	return length != other ? (length < other ? -1 : 1) : strcmp(first, second);
}

/* (element-type utf8): object paths of the adapters that can carry a pen, in order; NULL: no BlueZ. */
static GPtrArray *
list_adapters(GDBusConnection *bus, GError **error)
{
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GVariant) answer = NULL, objects = NULL;
	GVariantIter iter;
	const char *path;
	GVariant *interfaces;

	answer = g_dbus_connection_call_sync(bus, "org.bluez", "/", "org.freedesktop.DBus.ObjectManager",
					     "GetManagedObjects", NULL, G_VARIANT_TYPE("(a{oa{sa{sv}}})"),
					     G_DBUS_CALL_FLAGS_NO_AUTO_START, 5000, NULL, error);
	if (!answer)
		return NULL;
	objects = g_variant_get_child_value(answer, 0);
	g_variant_iter_init(&iter, objects);
	while (g_variant_iter_next(&iter, "{&o@a{sa{sv}}}", &path, &interfaces)) {
		g_autoptr(GVariant) gatt = g_variant_lookup_value(interfaces, "org.bluez.GattManager1", NULL);
		g_autoptr(GVariant) advert =
			g_variant_lookup_value(interfaces, "org.bluez.LEAdvertisingManager1", NULL);

		if (gatt && advert)
			g_ptr_array_add(paths, g_strdup(path));
		g_variant_unref(interfaces);
	}
	g_ptr_array_sort(paths, by_number);
	return g_steal_pointer(&paths);
}

/* Those of the command line, or all but the collector's; NULL: one is not there. */
static GPtrArray *
pick_adapters(const PensimOptions *options, GPtrArray *all, GError **error)
{
	g_autoptr(GPtrArray) picked = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; !options->adapters && i < all->len; i++) {
		const char *path = g_ptr_array_index(all, i);

		if (all->len == 1 || strcmp(path, "/org/bluez/hci0") != 0)
			g_ptr_array_add(picked, g_strdup(path));
	}
	for (guint i = 0; options->adapters && options->adapters[i]; i++) {
		g_autofree char *path = g_strdup_printf("/org/bluez/%s", options->adapters[i]);

		if (!g_ptr_array_find_with_equal_func(all, path, g_str_equal, NULL)) {
			g_set_error(error, SIM_ERROR, SIM_ERROR_USAGE,
				    "There is no adapter %s that can carry a pen.  'bluetoothctl list' names "
				    "those there are.",
				    options->adapters[i]);
			return NULL;
		}
		g_ptr_array_add(picked, g_steal_pointer(&path));
	}
	if (picked->len == 0 || picked->len < options->pens) {
		g_set_error(error, SIM_ERROR, SIM_ERROR_USAGE,
			    "%u adapters can carry a pen, %u are needed: one each. Plug in more, or ask for "
			    "fewer with --pens.",
			    picked->len, MAX(options->pens, 1));
		return NULL;
	}
	if (options->pens > 0)
		g_ptr_array_set_size(picked, (int)options->pens);
	return g_steal_pointer(&picked);
}

static GError *
not_answering(GError *error)
{
	g_dbus_error_strip_remote_error(error);
	g_prefix_error(&error, "bluetoothd does not answer; start it with 'systemctl start bluetooth'.  ");
	return error;
}

int
pensim_adapters_find(GDBusConnection *bus, const PensimOptions *options, GPtrArray **adapters, GError **error)
{
	gint64 until = g_get_monotonic_time() + (gint64)options->wait_s * G_USEC_PER_SEC;

	while (TRUE) {
		g_autoptr(GError) problem = NULL;
		g_autoptr(GPtrArray) all = list_adapters(bus, &problem);

		*adapters = all ? pick_adapters(options, all, &problem) : NULL;
		if (*adapters)
			return 0;
		if (g_get_monotonic_time() >= until) {
			if (!all)
				problem = not_answering(g_steal_pointer(&problem));
			g_propagate_error(error, g_steal_pointer(&problem));
			return all ? EXIT_NO_ADAPTER : EXIT_NO_BLUEZ;
		}
		g_usleep(100000);
	}
}
