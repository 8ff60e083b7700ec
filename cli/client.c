/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <string.h>

#include "client.h"
#include "failure.h"

/* The name has no owner: have the bus start it, which also tells why it cannot. */
static gboolean
start_daemon(struct client *client, GError **error)
{
	g_autoptr(GVariant) reply = g_dbus_connection_call_sync(client->bus, "org.freedesktop.DBus",
		"/org/freedesktop/DBus", "org.freedesktop.DBus", "StartServiceByName",
		g_variant_new("(su)", CLIENT_BUS_NAME, 0), NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, error);

	return reply != NULL;
}

/* A daemon that may not be spoken to has no readable properties: ask for one aloud. */
static gboolean
ask_version(struct client *client, GError **error)
{
	g_autoptr(GVariant) reply = g_dbus_connection_call_sync(client->bus, CLIENT_BUS_NAME, CLIENT_PATH,
		"org.freedesktop.DBus.Properties", "Get",
		g_variant_new("(ss)", "org.stipple1.Manager1", "Version"), NULL,
		G_DBUS_CALL_FLAGS_NONE, -1, NULL, error);

	return reply != NULL;
}

static gboolean
connect_manager(struct client *client, GError **error)
{
	client->manager = stp_dbus_manager1_proxy_new_sync(client->bus,
		G_DBUS_PROXY_FLAGS_DO_NOT_AUTO_START, CLIENT_BUS_NAME, CLIENT_PATH, NULL, error);
	if (!client->manager)
		return FALSE;

	g_autofree char *owner = g_dbus_proxy_get_name_owner(G_DBUS_PROXY(client->manager));

	if (owner)
		return stp_dbus_manager1_get_version(client->manager) || ask_version(client, error);
	if (!start_daemon(client, error))
		return FALSE;
	g_clear_object(&client->manager);
	client->manager = stp_dbus_manager1_proxy_new_sync(client->bus,
		G_DBUS_PROXY_FLAGS_DO_NOT_AUTO_START, CLIENT_BUS_NAME, CLIENT_PATH, NULL, error);
	return client->manager != NULL;
}

int
client_open(struct client *client, struct cli *cli)
{
	g_autoptr(GError) error = NULL;

	*client = (struct client){ .cli = cli };
	client->bus = g_bus_get_sync(G_BUS_TYPE_SYSTEM, NULL, &error);
	if (client->bus) {
		/* The end of the bus is an error like another, not the end of this process. */
		g_dbus_connection_set_exit_on_close(client->bus, FALSE);
		if (connect_manager(client, &error))
			return EXIT_OK;
	}
	client_close(client);
	return cli_fail_error(cli, error);
}

void
client_close(struct client *client)
{
	/* What was sent last, without waiting for an answer, still has to go out. */
	if (client->bus)
		g_dbus_connection_flush_sync(client->bus, NULL, NULL);
	g_clear_object(&client->pens);
	g_clear_object(&client->manager);
	g_clear_object(&client->bus);
}

int
client_load_pens(struct client *client)
{
	g_autoptr(GError) error = NULL;

	if (client->pens)
		return EXIT_OK;
	client->pens = stp_dbus_object_manager_client_new_sync(client->bus,
		G_DBUS_OBJECT_MANAGER_CLIENT_FLAGS_DO_NOT_AUTO_START, CLIENT_BUS_NAME, CLIENT_PATH, NULL,
		&error);
	return client->pens ? EXIT_OK : cli_fail_error(client->cli, error);
}

static int
compare_serials(gconstpointer a, gconstpointer b)
{
	StpDbusPen1 *first = *(StpDbusPen1 *const *)a, *second = *(StpDbusPen1 *const *)b;

	return g_strcmp0(stp_dbus_pen1_get_serial(first), stp_dbus_pen1_get_serial(second));
}

GPtrArray *
client_list_pens(struct client *client)
{
	GPtrArray *pens = g_ptr_array_new_with_free_func(g_object_unref);
	GList *objects = g_dbus_object_manager_get_objects(client->pens);

	for (GList *at = objects; at; at = at->next) {
		StpDbusPen1 *pen = stp_dbus_object_get_pen1(STP_DBUS_OBJECT(at->data));

		if (pen)
			g_ptr_array_add(pens, pen);
	}
	g_list_free_full(objects, g_object_unref);
	g_ptr_array_sort(pens, compare_serials);
	return pens;
}

gboolean
client_store_knows(struct client *client, const char *serial)
{
	g_autoptr(GVariant) coverage = NULL;

	return stp_dbus_manager1_call_get_coverage_sync(client->manager, serial, &coverage, NULL, NULL) &&
	       g_variant_n_children(coverage) > 0;
}

static int
no_such_pen(struct client *client, const char *which)
{
	if (*which && client_store_knows(client, which))
		return cli_fail(client->cli, EXIT_NOT_FOUND, "not-enrolled",
				"'stipplectl pens show', 'sessions list --pen' and 'coverage' show them; 'stipplectl pens add' "
				"enrols it again.",
				"Pen %s is not enrolled any more; its records are in the store.", which);
	return cli_fail(client->cli, EXIT_NOT_FOUND, "not-found", "'stipplectl pens list' shows the pens.",
			"No enrolled pen has the label \"%s\" or a serial number that ends so.", which);
}

static int
ambiguous_pen(struct client *client, const char *which, guint count)
{
	return cli_fail(client->cli, EXIT_USAGE, "ambiguous",
			"Give the whole serial number; 'stipplectl pens list' shows it.",
			"\"%s\" could be any of %u pens.", which, count);
}

int
client_match_pen(struct client *client, const char *which, StpDbusPen1 **pen)
{
	int code = client_load_pens(client);

	if (code != EXIT_OK)
		return code;
	g_autoptr(GPtrArray) pens = client_list_pens(client);
	StpDbusPen1 *by_label = NULL, *by_end = NULL;
	guint labels = 0, ends = 0;

	for (guint i = 0; i < pens->len; i++) {
		StpDbusPen1 *candidate = pens->pdata[i];
		const char *serial = stp_dbus_pen1_get_serial(candidate);

		if (!g_strcmp0(serial, which)) {
			*pen = g_object_ref(candidate);
			return EXIT_OK;
		}
		if (!g_strcmp0(stp_dbus_pen1_get_label(candidate), which)) {
			by_label = candidate;
			labels++;
		}
		if (serial && *which && g_str_has_suffix(serial, which)) {
			by_end = candidate;
			ends++;
		}
	}
	/* A label that was given on purpose goes before an end that happens to fit. */
	if (labels > 1 || (!labels && ends > 1))
		return ambiguous_pen(client, which, MAX(labels, ends));
	if (labels || ends)
		*pen = g_object_ref(by_label ? by_label : by_end);
	return EXIT_OK;
}

int
client_find_pen(struct client *client, const char *which, StpDbusPen1 **pen)
{
	int code = client_match_pen(client, which, pen);

	return code == EXIT_OK && !*pen ? no_such_pen(client, which) : code;
}
