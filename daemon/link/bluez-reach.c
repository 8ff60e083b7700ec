/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bluez-reach.h"

#include "bluez-error.h"
#include "bluez-timing.h"
#include "log.h"

#include <string.h>

/* Counted: each call under way holds one reference, so that it may come back after the end. */
struct reach {
	StpBluezClient *client;
	StpBluezScanner *scanner;	/* held until the end */
	StpBluezSightings *sightings;
	char *address;
	GTask *task;
	GSource *cancel_watch;
	GDBusProxy *device;
	gint64 give_up;			/* monotonic, microseconds */
	guint tries, transients;
	guint calls;			/* of Connect() */
	guint timer;
	gboolean elsewhere;		/* somebody else's Connect() is under way */
	gboolean searching;		/* BlueZ may forget it again */
	gboolean ended;
	GError *last;
};

static void try_to_connect(struct reach *reach);

static void
clear_reach(gpointer data)
{
	struct reach *reach = data;

	g_clear_object(&reach->device);
	g_clear_object(&reach->sightings);
	g_clear_object(&reach->scanner);
	g_clear_object(&reach->client);
	g_clear_object(&reach->task);
	g_clear_error(&reach->last);
	g_free(reach->address);
}

static void
release(struct reach *reach)
{
	g_rc_box_release_full(reach, clear_reach);
}

static void
stop_listening(struct reach *reach)
{
	reach->ended = TRUE;
	stp_bluez_scanner_release(reach->scanner, reach->searching);
	g_signal_handlers_disconnect_by_data(reach->client, reach);
	g_clear_handle_id(&reach->timer, g_source_remove);
	if (reach->cancel_watch != NULL) {
		g_source_destroy(reach->cancel_watch);
		g_clear_pointer(&reach->cancel_watch, g_source_unref);
	}
}

static void
answer(struct reach *reach, GError *error)
{
	g_task_set_task_data(reach->task, GUINT_TO_POINTER(reach->calls), NULL);
	if (error != NULL)
		g_task_return_error(reach->task, error);
	else
		g_task_return_pointer(reach->task, g_object_ref(reach->device), g_object_unref);
	release(reach);
}

/* error is taken; NULL means success. */
static void
end(struct reach *reach, GError *error)
{
	stop_listening(reach);
	answer(reach, error);
}

static void
on_given_up(GObject *source, GAsyncResult *result, gpointer user_data)
{
	struct reach *reach = user_data;

	answer(reach, g_steal_pointer(&reach->last));
}

/* The adapter is free for the next pen only when BlueZ has given this one up. */
static void
give_up(struct reach *reach, GError *error)
{
	stop_listening(reach);
	if (reach->device == NULL) {
		answer(reach, error);
		return;
	}
	g_clear_error(&reach->last);
	reach->last = error;
	stp_bluez_disconnect_async(reach->device, on_given_up, reach);
}

static gboolean
on_not_found(gpointer user_data)
{
	struct reach *reach = user_data;

	reach->timer = 0;
	end(reach, g_error_new(STP_ERROR, STP_ERROR_LINK_FAILED,
			       "The pen %s was not heard. Switch it on, bring it closer, and try again.",
			       reach->address));
	return G_SOURCE_REMOVE;
}

static gboolean
on_try_again(gpointer user_data)
{
	struct reach *reach = user_data;

	reach->timer = 0;
	reach->elsewhere = FALSE;
	try_to_connect(reach);
	return G_SOURCE_REMOVE;
}

static void
wait_and_try_again(struct reach *reach)
{
	static const guint backoff[] = STP_BLUEZ_BACKOFF;
	guint n = reach->tries + reach->transients;

	g_clear_handle_id(&reach->timer, g_source_remove);
	reach->timer = g_timeout_add(backoff[MIN(n, G_N_ELEMENTS(backoff)) - 1], on_try_again, reach);
}

static gboolean
may_try_again(struct reach *reach)
{
	return reach->tries < STP_BLUEZ_CONNECT_TRIES && reach->transients < STP_BLUEZ_CONNECT_TRANSIENT &&
	       g_get_monotonic_time() < reach->give_up;
}

static void
on_taken_back(GObject *source, GAsyncResult *result, gpointer user_data)
{
	struct reach *reach = user_data;

	if (!reach->ended)
		wait_and_try_again(reach);
	release(reach);
}

static void
on_connect_failed(struct reach *reach, const GError *error)
{
	gboolean slow = stp_bluez_error_is_timeout(error);

	g_clear_error(&reach->last);
	reach->last = stp_bluez_error_translate(error, reach->address, "Connecting to the pen");
	if (stp_bluez_error_is_absence(error) || stp_bluez_error_is_access_denied(error) ||
	    stp_bluez_error_is(error, "NotReady") || stp_bluez_error_is(error, "NotSupported")) {
		end(reach, g_steal_pointer(&reach->last));
		return;
	}
	/* Not a failure: another program connects this pen, or BlueZ itself does. */
	reach->elsewhere = stp_bluez_error_is(error, "InProgress");

	if (slow)
		reach->tries++;
	else
		reach->transients++;
	if (!may_try_again(reach))
		give_up(reach, g_steal_pointer(&reach->last));
	else if (slow)
		stp_bluez_disconnect_async(reach->device, on_taken_back, g_rc_box_acquire(reach));
	else
		wait_and_try_again(reach);
}

static void
on_connect_returned(GObject *source, GAsyncResult *result, gpointer user_data)
{
	struct reach *reach = user_data;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = g_dbus_proxy_call_finish(G_DBUS_PROXY(source), result, &error);

	if (!reach->ended && error != NULL)
		on_connect_failed(reach, error);
	else if (!reach->ended)
		end(reach, NULL);
	release(reach);
}

static void
try_to_connect(struct reach *reach)
{
	g_clear_object(&reach->device);
	reach->device = stp_bluez_sightings_find_device(reach->sightings, reach->address);
	if (reach->device == NULL) {
		if (reach->timer == 0)
			reach->timer = g_timeout_add(STP_BLUEZ_FIND, on_not_found, reach);
		return;
	}
	g_clear_handle_id(&reach->timer, g_source_remove);
	/*
	 * Also when it seems to be connected, for that may be about to end: BlueZ answers Disconnect
	 * before it tells that Connected became false.  On a connected device Connect succeeds at once.
	 */
	reach->calls++;
	g_dbus_proxy_call(reach->device, "Connect", NULL, G_DBUS_CALL_FLAGS_NONE, STP_BLUEZ_CONNECT_TRY,
			  NULL, on_connect_returned, g_rc_box_acquire(reach));
}

static void
on_interface_added(StpBluezClient *client, GDBusProxy *proxy, struct reach *reach)
{
	if (reach->device == NULL && stp_bluez_is(proxy, STP_BLUEZ_IFACE_DEVICE))
		try_to_connect(reach);
}

static void
on_properties(StpBluezClient *client, GDBusProxy *proxy, GVariant *changed, struct reach *reach)
{
	if (!stp_bluez_is(proxy, STP_BLUEZ_IFACE_DEVICE))
		return;
	if (reach->device == NULL)
		try_to_connect(reach);
	else if (reach->elsewhere && proxy == reach->device && stp_bluez_is_connected(proxy))
		end(reach, NULL);
}

static void
on_state_changed(StpBluezClient *client, struct reach *reach)
{
	end(reach, g_error_new(STP_ERROR, STP_ERROR_NO_BLUETOOTH,
			       "The Bluetooth service ended while connecting. It is tried again when it runs."));
}

static gboolean
on_cancelled(GCancellable *cancellable, gpointer user_data)
{
	struct reach *reach = user_data;

	give_up(reach, g_error_new(STP_ERROR, STP_ERROR_CANCELLED,
				   "Connecting to the pen was cancelled. Start it again when it is wanted."));
	return G_SOURCE_REMOVE;
}

/* A device without a bond vanishes when it was not heard for half a minute (P9). */
static gboolean
is_unknown(StpBluezSightings *sightings, const char *address)
{
	g_autoptr(GDBusProxy) device = stp_bluez_sightings_find_device(sightings, address);

	return device == NULL || !stp_bluez_is_bonded(device);
}

void
stp_bluez_reach_async(StpBluezClient *client, StpBluezScanner *scanner, StpBluezSightings *sightings,
		      const char *address, GCancellable *cancellable, GAsyncReadyCallback callback,
		      gpointer user_data)
{
	struct reach *reach = g_rc_box_new0(struct reach);

	reach->client = g_object_ref(client);
	reach->scanner = g_object_ref(scanner);
	reach->sightings = g_object_ref(sightings);
	reach->address = g_strdup(address);
	reach->task = g_task_new(client, NULL, callback, user_data);
	if (cancellable != NULL) {
		reach->cancel_watch = g_cancellable_source_new(cancellable);
		g_source_set_callback(reach->cancel_watch, G_SOURCE_FUNC(on_cancelled), reach, NULL);
		g_source_attach(reach->cancel_watch, g_main_context_get_thread_default());
	}
	reach->give_up = g_get_monotonic_time() + STP_BLUEZ_CONNECT_ALL * G_TIME_SPAN_MILLISECOND;
	g_signal_connect(client, "interface-added", G_CALLBACK(on_interface_added), reach);
	g_signal_connect(client, "properties-changed", G_CALLBACK(on_properties), reach);
	g_signal_connect(client, "state-changed", G_CALLBACK(on_state_changed), reach);
	reach->searching = is_unknown(sightings, address);
	stp_bluez_scanner_hold(scanner, reach->searching);
	try_to_connect(reach);
}

guint
stp_bluez_reach_get_calls(GAsyncResult *result)
{
	return GPOINTER_TO_UINT(g_task_get_task_data(G_TASK(result)));
}

GDBusProxy *
stp_bluez_reach_finish(StpBluezClient *client, GAsyncResult *result, GError **error)
{
	return g_task_propagate_pointer(G_TASK(result), error);
}

static gboolean
on_cleared_up(gpointer user_data)
{
	GTask *task = user_data;

	g_task_return_boolean(task, TRUE);
	g_object_unref(task);
	return G_SOURCE_REMOVE;
}

static void
on_disconnected(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(GTask) task = user_data;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = g_dbus_proxy_call_finish(G_DBUS_PROXY(source), result, &error);

	/*
	 * BlueZ answers before its own end of the old connection is closed, and a Connect() that
	 * comes in between is never answered.
	 */
	if (reply != NULL) {
		g_timeout_add(STP_BLUEZ_DISCONNECTED, on_cleared_up, g_steal_pointer(&task));
		return;
	}
	/* That it is not connected, or not there any more, is what was wanted. */
	stp_debug("link", NULL, "Disconnect: %s", error->message);
	g_task_return_boolean(task, TRUE);
}

void
stp_bluez_disconnect_async(GDBusProxy *device, GAsyncReadyCallback callback, gpointer user_data)
{
	g_dbus_proxy_call(device, "Disconnect", NULL, G_DBUS_CALL_FLAGS_NONE, STP_BLUEZ_DISCONNECT, NULL,
			  on_disconnected, g_task_new(device, NULL, callback, user_data));
}
