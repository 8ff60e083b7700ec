/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bluez-gatt.h"

#include "bluez-error.h"
#include "bluez-timing.h"
#include "pending.h"

#include <string.h>

GDBusProxy *
stp_bluez_gatt_find(StpBluezClient *client, const char *device_path, StpChannel channel)
{
	g_autoptr(GPtrArray) all = stp_bluez_client_list(client, STP_BLUEZ_IFACE_CHARACTERISTIC);

	for (guint i = 0; i < all->len; i++) {
		const char *path = g_dbus_proxy_get_object_path(all->pdata[i]);
		g_autofree char *uuid = NULL;

		if (!g_str_has_prefix(path, device_path) || path[strlen(device_path)] != '/')
			continue;
		uuid = stp_bluez_get_string(all->pdata[i], "UUID");
		if (uuid != NULL && g_ascii_strcasecmp(uuid, stp_channel_uuid(channel)) == 0)
			return g_object_ref(all->pdata[i]);
	}
	return NULL;
}

GBytes *
stp_bluez_gatt_battery(StpBluezClient *client, const char *device_path)
{
	g_autoptr(GDBusProxy) battery = stp_bluez_client_find(client, device_path, STP_BLUEZ_IFACE_BATTERY);
	g_autoptr(GVariant) percentage =
		battery != NULL ? g_dbus_proxy_get_cached_property(battery, "Percentage") : NULL;
	guint8 level;

	if (percentage == NULL || !g_variant_is_of_type(percentage, G_VARIANT_TYPE_BYTE))
		return NULL;
	level = g_variant_get_byte(percentage);
	return g_bytes_new(&level, 1);
}

/* The paths of what a pen must have; NULL when *missing is not there. */
static char *
paths_of_required(StpBluezClient *client, const char *device_path, StpChannel *missing)
{
	static const StpChannel required[] = {
		STP_CHANNEL_FEATURES, STP_CHANNEL_LOG_CONTROL, STP_CHANNEL_LOG_DATA, STP_CHANNEL_ELAPSED_TIME,
		STP_CHANNEL_SERIAL,
	};
	g_autoptr(GString) paths = g_string_new(NULL);

	for (gsize i = 0; i < G_N_ELEMENTS(required); i++) {
		g_autoptr(GDBusProxy) found = stp_bluez_gatt_find(client, device_path, required[i]);

		*missing = required[i];
		if (found == NULL)
			return NULL;
		g_string_append_printf(paths, "%s ", g_dbus_proxy_get_object_path(found));
	}
	return g_string_free(g_steal_pointer(&paths), FALSE);
}

struct resolution {
	StpBluezClient *client;
	GDBusProxy *device;
	StpPending *pending;
	guint timer, stable_timer;
	char *paths;		/* of the required characteristics, when all were there */
};

static void
end(struct resolution *resolution, GError *error)
{
	StpPending *pending = resolution->pending;

	g_signal_handlers_disconnect_by_data(resolution->client, resolution);
	g_clear_handle_id(&resolution->timer, g_source_remove);
	g_clear_handle_id(&resolution->stable_timer, g_source_remove);
	g_free(resolution->paths);
	g_object_unref(resolution->device);
	g_object_unref(resolution->client);
	g_free(resolution);
	if (error != NULL)
		stp_pending_return_error(pending, error);
	else
		stp_pending_return_true(pending);
}

static gboolean look_again(gpointer user_data);

/*
 * BlueZ was seen to call the services resolved before it showed them all, and to take some away
 * and show them anew elsewhere just after; so they must have stood still for a moment.
 */
static void
look(struct resolution *resolution)
{
	StpChannel missing;
	g_autofree char *paths = NULL;

	if (stp_bluez_get_boolean(resolution->device, "ServicesResolved"))
		paths = paths_of_required(resolution->client, g_dbus_proxy_get_object_path(resolution->device),
					  &missing);
	if (paths != NULL && g_strcmp0(paths, resolution->paths) == 0)
		return;
	g_clear_handle_id(&resolution->stable_timer, g_source_remove);
	g_free(resolution->paths);
	resolution->paths = g_steal_pointer(&paths);
	if (resolution->paths != NULL)
		resolution->stable_timer = g_timeout_add(STP_BLUEZ_STABLE, look_again, resolution);
}

static gboolean
look_again(gpointer user_data)
{
	struct resolution *resolution = user_data;

	resolution->stable_timer = 0;
	end(resolution, NULL);
	return G_SOURCE_REMOVE;
}

static gboolean
on_too_late(gpointer user_data)
{
	struct resolution *resolution = user_data;
	StpChannel missing = STP_CHANNEL_COUNT;

	resolution->timer = 0;
	g_free(paths_of_required(resolution->client, g_dbus_proxy_get_object_path(resolution->device), &missing));
	if (!stp_bluez_get_boolean(resolution->device, "ServicesResolved"))
		end(resolution, g_error_new(STP_ERROR, STP_ERROR_LINK_FAILED,
					    "The pen did not tell its services in time. Bring it closer and try "
					    "again; if it stays so, restart the Bluetooth service."));
	else
		end(resolution, g_error_new(STP_ERROR, STP_ERROR_PROTOCOL_FAILED,
					    "The pen has no characteristic '%s'. Update its firmware; if that was "
					    "just done, remove the pen and add it again.",
					    stp_channel_name(missing)));
	return G_SOURCE_REMOVE;
}

static void
on_state_changed(StpBluezClient *client, struct resolution *resolution)
{
	end(resolution, g_error_new(STP_ERROR, STP_ERROR_NO_BLUETOOTH,
				    "The Bluetooth service ended while connecting. It is tried again when it runs."));
}

static void
on_interface_added(StpBluezClient *client, GDBusProxy *proxy, struct resolution *resolution)
{
	look(resolution);
}

static void
end_lost(struct resolution *resolution)
{
	end(resolution, g_error_new(STP_ERROR, STP_ERROR_LINK_FAILED,
				    "The pen dropped the connection at once. Bring it closer and try again; if "
				    "it stays so, repair the pairing with 'stipplectl pens repair'."));
}

static void
on_interface_removed(StpBluezClient *client, GDBusProxy *proxy, struct resolution *resolution)
{
	if (proxy == resolution->device)
		end_lost(resolution);
	else
		look(resolution);
}

static void
on_properties(StpBluezClient *client, GDBusProxy *proxy, GVariant *changed, struct resolution *resolution)
{
	gboolean connected = TRUE;

	if (proxy != resolution->device)
		return;
	if (g_variant_lookup(changed, "Connected", "b", &connected) && !connected)
		end_lost(resolution);
	else
		look(resolution);
}

static void
on_cancelled(gpointer data)
{
	end(data, g_error_new_literal(STP_ERROR, STP_ERROR_CANCELLED, "Cancelled."));
}

void
stp_bluez_gatt_resolve_async(StpBluezClient *client, GDBusProxy *device, GCancellable *cancellable,
			     GAsyncReadyCallback callback, gpointer user_data)
{
	struct resolution *resolution = g_new0(struct resolution, 1);

	resolution->client = g_object_ref(client);
	resolution->device = g_object_ref(device);
	resolution->pending = stp_pending_new(client, cancellable, "Connecting to the pen", callback, user_data);
	stp_pending_on_cancel(resolution->pending, on_cancelled, resolution);
	resolution->timer = g_timeout_add(STP_BLUEZ_RESOLVE, on_too_late, resolution);
	g_signal_connect(client, "state-changed", G_CALLBACK(on_state_changed), resolution);
	g_signal_connect(client, "interface-added", G_CALLBACK(on_interface_added), resolution);
	g_signal_connect(client, "interface-removed", G_CALLBACK(on_interface_removed), resolution);
	g_signal_connect(client, "properties-changed", G_CALLBACK(on_properties), resolution);
	look(resolution);
}

gboolean
stp_bluez_gatt_resolve_finish(StpBluezClient *client, GAsyncResult *result, GError **error)
{
	return g_task_propagate_boolean(G_TASK(result), error);
}
