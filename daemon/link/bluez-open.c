/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bluez-open.h"

#include "bluez-error.h"
#include "bluez-gatt.h"
#include "bluez-reach.h"
#include "bluez-timing.h"
#include "error.h"
#include "log.h"

struct opening {
	StpBluezClient *client;
	GDBusProxy *device;
	StpLinkMemory *memory;
	StpLinkOrigin origin;
	gint64 began;			/* monotonic, microseconds */
	char *address;
	StpLink *link;
	GCancellable *cancellable;	/* the caller's, may be NULL */
};

static void resolve(GTask *task);

static void
free_opening(gpointer data)
{
	struct opening *opening = data;

	g_clear_object(&opening->link);
	g_clear_object(&opening->cancellable);
	g_object_unref(opening->device);
	g_object_unref(opening->client);
	stp_link_memory_unref(opening->memory);
	g_free(opening->address);
	g_free(opening);
}

static StpLinkMemo *
memo_of(struct opening *opening)
{
	return stp_link_memory_of(opening->memory, opening->address);
}

static gboolean
is_cancelled(struct opening *opening)
{
	return opening->cancellable != NULL && g_cancellable_is_cancelled(opening->cancellable);
}

/* Takes task and error. */
static void
fail(GTask *task, GError *error)
{
	g_task_return_error(task, error);
	g_object_unref(task);
}

static void
on_connected_again(GObject *source, GAsyncResult *result, gpointer user_data)
{
	GTask *task = user_data;
	struct opening *opening = g_task_get_task_data(task);
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = g_dbus_proxy_call_finish(G_DBUS_PROXY(source), result, &error);

	if (reply == NULL)
		fail(task, stp_bluez_error_translate(error, opening->address, "Connecting to the pen again"));
	else
		resolve(task);
}

static gboolean
on_paused(gpointer user_data)
{
	GTask *task = user_data;
	struct opening *opening = g_task_get_task_data(task);

	if (is_cancelled(opening)) {
		fail(task, g_error_new_literal(STP_ERROR, STP_ERROR_CANCELLED, "Cancelled."));
		return G_SOURCE_REMOVE;
	}
	opening->origin.tries++;
	g_dbus_proxy_call(opening->device, "Connect", NULL, G_DBUS_CALL_FLAGS_NONE, STP_BLUEZ_CONNECT_TRY, NULL,
			  on_connected_again, task);
	return G_SOURCE_REMOVE;
}

static void
on_let_go(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_timeout_add(STP_BLUEZ_REFRESH_PAUSE, on_paused, user_data);
}

static gboolean
may_refresh(struct opening *opening)
{
	gint64 last = memo_of(opening)->refreshed;

	return opening->origin.refreshes == 0 && !is_cancelled(opening) &&
	       (last == 0 ||
		g_get_monotonic_time() - last >= STP_BLUEZ_REFRESH_AGAIN * G_TIME_SPAN_MILLISECOND);
}

/* Takes task. */
static void
refresh(GTask *task, const char *why)
{
	struct opening *opening = g_task_get_task_data(task);

	stp_notice("link", opening->address,
		   "%s: BlueZ' idea of the pen's services may be from before an update of its firmware. The pen "
		   "is connected anew; its bond stays.",
		   why);
	opening->origin.refreshes++;
	memo_of(opening)->refreshed = g_get_monotonic_time();
	g_clear_object(&opening->link);
	stp_bluez_disconnect_async(opening->device, on_let_go, task);
}

/* Takes task. */
static void
end_stale(GTask *task, const char *why)
{
	fail(task, g_error_new(STP_ERROR, STP_ERROR_PROTOCOL_FAILED,
			       "%s, also after connecting anew. If the pen's firmware was updated, put 'Cache = no' "
			       "under [GATT] in /etc/bluetooth/main.conf and restart the Bluetooth service; that "
			       "keeps the pairing. Only if it stays so, remove the pen with 'stipplectl pens remove' "
			       "and add it again: that ends the pairing, and keeps its records.",
			       why));
}

/* Takes task. */
static void
doubt(GTask *task, const char *why)
{
	if (may_refresh(g_task_get_task_data(task)))
		refresh(task, why);
	else
		end_stale(task, why);
}

static void
on_features(GObject *source, GAsyncResult *result, gpointer user_data)
{
	GTask *task = user_data;
	struct opening *opening = g_task_get_task_data(task);
	StpLinkMemo *memo = memo_of(opening);
	struct stp_features features;
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) value = stp_link_read_finish(STP_LINK(source), result, &error);

	if (value == NULL && (g_error_matches(error, STP_ERROR, STP_ERROR_CANCELLED) || is_cancelled(opening) ||
			      !stp_bluez_is_connected(opening->device))) {
		fail(task, g_steal_pointer(&error));
		return;
	}
	if (value == NULL) {
		stp_debug("link", opening->address, "features: %s", error->message);
		doubt(task, "What should be the pen's features cannot be read");
		return;
	}
	if (stp_features_decode(g_bytes_get_data(value, NULL), g_bytes_get_size(value), &features) != STP_OK) {
		doubt(task, "What should be the pen's features makes no sense");
		return;
	}
	if (memo->has_schema && memo->schema_rev != features.schema_rev && may_refresh(opening)) {
		memo->schema_rev = features.schema_rev;
		refresh(task, "The pen has another schema than at the last link");
		return;
	}
	memo->has_schema = TRUE;
	memo->schema_rev = features.schema_rev;
	stp_link_bluez_keep_features(STP_LINK_BLUEZ(source), value);
	g_task_return_pointer(task, g_steal_pointer(&opening->link), g_object_unref);
	g_object_unref(task);
}

static void
on_resolved(GObject *source, GAsyncResult *result, gpointer user_data)
{
	GTask *task = user_data;
	struct opening *opening = g_task_get_task_data(task);
	GError *error = NULL;

	if (!stp_bluez_gatt_resolve_finish(STP_BLUEZ_CLIENT(source), result, &error)) {
		if (g_error_matches(error, STP_ERROR, STP_ERROR_PROTOCOL_FAILED) && may_refresh(opening)) {
			g_autoptr(GError) missing = error;

			refresh(task, "A characteristic is missing");
			stp_debug("link", opening->address, "%s", missing->message);
		} else {
			fail(task, error);
		}
		return;
	}
	opening->origin.milliseconds += (guint)((g_get_monotonic_time() - opening->began) / 1000);
	opening->link = stp_link_bluez_new(opening->client, opening->device, opening->memory, &opening->origin,
					   &error);
	if (opening->link == NULL)
		fail(task, error);
	else
		stp_link_read_async(opening->link, STP_CHANNEL_FEATURES, opening->cancellable, on_features, task);
}

static void
resolve(GTask *task)
{
	struct opening *opening = g_task_get_task_data(task);

	stp_bluez_gatt_resolve_async(opening->client, opening->device, opening->cancellable, on_resolved, task);
}

void
stp_bluez_open_async(StpBluezClient *client, GDBusProxy *device, StpLinkMemory *memory,
		     const StpLinkOrigin *origin, GCancellable *cancellable, GAsyncReadyCallback callback,
		     gpointer user_data)
{
	GTask *task = g_task_new(client, NULL, callback, user_data);
	struct opening *opening = g_new0(struct opening, 1);

	opening->client = g_object_ref(client);
	opening->device = g_object_ref(device);
	opening->memory = stp_link_memory_ref(memory);
	opening->origin = *origin;
	opening->began = g_get_monotonic_time();
	opening->address = stp_bluez_get_string(device, "Address");
	g_set_object(&opening->cancellable, cancellable);
	g_task_set_task_data(task, opening, free_opening);
	resolve(task);
}

StpLink *
stp_bluez_open_finish(StpBluezClient *client, GAsyncResult *result, GError **error)
{
	return g_task_propagate_pointer(G_TASK(result), error);
}
