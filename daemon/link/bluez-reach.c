/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bluez-reach.h"

#include "bluez-error.h"
#include "bluez-timing.h"
#include "clock.h"
#include "log.h"

enum turn { NO_TURN, WAITS, HAS_TURN };

/* Counted: each call under way holds one reference, so that it may come back after the end. */
struct reach {
	StpBluezClient *client;
	StpBluezStation *station;
	char *address;
	GTask *task;
	GSource *cancel_watch;
	GDBusProxy *device;
	gint64 budget;			/* microseconds left, while the clock stands still */
	gint64 running_since;		/* monotonic; 0: the clock stands still, as others have their turn */
	gint64 called;			/* monotonic, of Connect() */
	guint tries, transients;
	guint calls;			/* of Connect() */
	guint keyless;			/* of transients: up, and ended before it was of use, although bonded */
	guint crowded;			/* of transients: refused at once while other links were up */
	guint timer;
	enum turn turn;
	gboolean came_up;		/* the link of the Connect() under way */
	gboolean elsewhere;		/* somebody else's Connect() is under way */
	gint64 elsewhere_since;		/* monotonic, of the first answer that said so; 0: none did */
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
	g_clear_object(&reach->station);
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

/* ---- the time for all tries ---- */

static void
stop_clock(struct reach *reach)
{
	if (reach->running_since != 0)
		reach->budget -= stp_clock_monotonic() - reach->running_since;
	reach->running_since = 0;
}

static void
run_clock(struct reach *reach)
{
	if (reach->running_since == 0)
		reach->running_since = stp_clock_monotonic();
}

static gint64
left(const struct reach *reach)
{
	return reach->budget -
	       (reach->running_since != 0 ? stp_clock_monotonic() - reach->running_since : 0);
}

/* ---- its turn ---- */

static void
leave_turn(struct reach *reach)
{
	if (reach->turn == HAS_TURN)
		stp_bluez_queue_leave(stp_bluez_station_get_turns(reach->station));
	reach->turn = NO_TURN;
}

/* ---- the end ---- */

static void
stop_listening(struct reach *reach)
{
	reach->ended = TRUE;
	stp_bluez_scanner_release(stp_bluez_station_get_scanner(reach->station), reach->searching);
	g_signal_handlers_disconnect_by_data(reach->client, reach);
	g_signal_handlers_disconnect_by_data(stp_bluez_station_get_adapter(reach->station), reach);
	g_clear_handle_id(&reach->timer, g_source_remove);
	if (reach->cancel_watch != NULL) {
		g_source_destroy(reach->cancel_watch);
		g_clear_pointer(&reach->cancel_watch, g_source_unref);
	}
	if (reach->turn == WAITS) {
		stp_bluez_queue_withdraw(stp_bluez_station_get_turns(reach->station), reach);
		reach->turn = NO_TURN;
	}
	stop_clock(reach);
}

static void
answer(struct reach *reach, GError *error)
{
	/* It holds reach, for what is left of the budget. */
	g_autoptr(GTask) task = g_steal_pointer(&reach->task);

	leave_turn(reach);
	if (error != NULL)
		g_task_return_error(task, error);
	else
		g_task_return_pointer(task, g_object_ref(reach->device), g_object_unref);
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
	gboolean asked = reach->turn == HAS_TURN && reach->device != NULL;

	stop_listening(reach);
	if (!asked) {
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
	stp_bluez_station_count(reach->station, STP_LINK_CLASS_TRANSIENT);
	end(reach, g_error_new(STP_ERROR, STP_ERROR_LINK_FAILED,
			       "The pen %s was not heard. Switch it on, bring it closer, and try again.",
			       reach->address));
	return G_SOURCE_REMOVE;
}

/* ---- trying again ---- */

static gboolean
on_try_again(gpointer user_data)
{
	struct reach *reach = user_data;

	reach->timer = 0;
	reach->elsewhere = FALSE;
	try_to_connect(reach);
	return G_SOURCE_REMOVE;
}

/* Others may have the adapter meanwhile. */
static void
wait_and_try_again(struct reach *reach)
{
	static const guint backoff[] = STP_BLUEZ_BACKOFF;
	guint n = MAX(reach->tries + reach->transients, 1);

	leave_turn(reach);
	g_clear_handle_id(&reach->timer, g_source_remove);
	reach->timer = stp_clock_add(reach->elsewhere ? STP_BLUEZ_CONNECT_ELSEWHERE
						      : backoff[MIN(n, G_N_ELEMENTS(backoff)) - 1],
				     on_try_again, reach);
}

static gboolean
may_try_again(struct reach *reach)
{
	return reach->tries < STP_BLUEZ_CONNECT_TRIES && reach->transients < STP_BLUEZ_CONNECT_TRANSIENT &&
	       left(reach) > 0;
}

static void
on_taken_back(GObject *source, GAsyncResult *result, gpointer user_data)
{
	struct reach *reach = user_data;

	if (!reach->ended)
		wait_and_try_again(reach);
	release(reach);
}

/*
 * BlueZ calls every failure of an LE connection le-connection-abort-by-local, also the
 * controller's "connection limit exceeded".  What tells them apart: out of room means refused at
 * once, every time, while other links are up, and not this pen alone.
 */
static gboolean
looks_crowded(struct reach *reach)
{
	return stp_bluez_station_get_links(reach->station) > 0 &&
	       stp_clock_monotonic() - reach->called < STP_BLUEZ_CONNECT_FAST * G_TIME_SPAN_MILLISECOND;
}

static GError *
out_of_room(struct reach *reach)
{
	stp_bluez_station_refused(reach->station);
	return g_error_new(STP_ERROR, STP_ERROR_NO_SLOT,
			   "The Bluetooth adapter %s carries no further connection while %u are up. The pen is connected "
			   "when one of them has ended; a second adapter would carry more.",
			   stp_bluez_station_get_address(reach->station),
			   stp_bluez_station_get_links(reach->station));
}

/*
 * BlueZ encrypts with the key it has as soon as a link is up.  A pen without that key ends the link then,
 * and all that BlueZ 5.66 tells of it is le-connection-abort-by-local, as ever; but Connected was true
 * for a moment.  On a bad radio that happens, too, so it has to happen several times in a row.
 */
static GError *
key_refused(struct reach *reach)
{
	return g_error_new(STP_ERROR, STP_ERROR_PEN_FORGOT_BOND,
			   "The pen %s ends each connection as soon as it is up: it does not know this host's key any "
			   "more. Open its pairing window and run 'stipplectl pens repair' for it.", reach->address);
}

/* Another program connects this pen, or an attempt was left over: that is no failure, for a while. */
static void
wait_for_other(struct reach *reach)
{
	gint64 now = stp_clock_monotonic();

	if (reach->elsewhere_since == 0) {
		reach->elsewhere_since = now;
		stp_debug("link", reach->address, "somebody else connects to it: waited for");
	}
	if (stp_bluez_is_connected(reach->device)) {
		/* From 5.82 on BlueZ answers so while another program pairs it, over a link that is up: not ours to end. */
		end(reach, NULL);
	} else if (left(reach) <= 0) {
		end(reach, g_error_new(STP_ERROR, STP_ERROR_LINK_FAILED,
				       "Another program connects to the pen %s. Close it, or wait until it is "
				       "done.", reach->address));
	} else if (now - reach->elsewhere_since < STP_BLUEZ_CONNECT_OTHERS * G_TIME_SPAN_MILLISECOND) {
		wait_and_try_again(reach);
	} else {
		stp_info("link", reach->address, "Somebody else's attempt to connect it comes to nothing: taken back.");
		reach->elsewhere = FALSE;
		reach->elsewhere_since = 0;
		stp_bluez_disconnect_async(reach->device, on_taken_back, g_rc_box_acquire(reach));
	}
}

static void
on_connect_failed(struct reach *reach, const GError *error)
{
	StpLinkClass class = stp_bluez_error_class(error);

	reach->elsewhere = stp_bluez_error_is_in_progress(error);
	if (!reach->elsewhere)
		reach->elsewhere_since = 0;
	g_clear_error(&reach->last);
	reach->last = stp_bluez_error_translate(error, reach->address, "Connecting to the pen");
	if (!reach->elsewhere)
		stp_bluez_station_count(reach->station, class);
	if (class == STP_LINK_CLASS_SLOTS) {
		end(reach, out_of_room(reach));
		return;
	}
	if (class != STP_LINK_CLASS_TRANSIENT) {
		end(reach, g_steal_pointer(&reach->last));
		return;
	}

	if (reach->elsewhere) {
		wait_for_other(reach);
		return;
	}
	if (stp_bluez_error_is_timeout(error)) {
		reach->tries++;
		if (may_try_again(reach))
			/* So that the others get their turn. */
			stp_bluez_disconnect_async(reach->device, on_taken_back, g_rc_box_acquire(reach));
		else
			give_up(reach, g_steal_pointer(&reach->last));
		return;
	}
	reach->transients++;
	reach->keyless = reach->came_up && stp_bluez_is_bonded(reach->device) ? reach->keyless + 1 : 0;
	if (reach->keyless >= STP_BLUEZ_CONNECT_KEYLESS) {
		/* None of them will pass by itself. */
		stp_bluez_station_recount(reach->station, STP_LINK_CLASS_TRANSIENT, reach->keyless, STP_LINK_CLASS_AUTH);
		give_up(reach, key_refused(reach));
		return;
	}
	reach->crowded += !reach->came_up && looks_crowded(reach);
	if (may_try_again(reach))
		wait_and_try_again(reach);
	else if (reach->crowded == reach->transients && reach->crowded == STP_BLUEZ_CONNECT_TRANSIENT &&
		 stp_bluez_station_suspect(reach->station, reach->address))
		give_up(reach, out_of_room(reach));
	else
		give_up(reach, g_steal_pointer(&reach->last));
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

static gboolean
find_device(struct reach *reach)
{
	g_clear_object(&reach->device);
	reach->device = stp_bluez_sightings_find_device(stp_bluez_station_get_sightings(reach->station),
							reach->address);
	if (reach->device != NULL) {
		g_clear_handle_id(&reach->timer, g_source_remove);
		return TRUE;
	}
	if (reach->timer == 0)
		reach->timer = stp_clock_add(STP_BLUEZ_FIND, on_not_found, reach);
	return FALSE;
}

static void
on_turn(gpointer data)
{
	struct reach *reach = data;

	reach->turn = HAS_TURN;
	run_clock(reach);
	/* BlueZ may have dropped it while others had their turn. */
	if (!find_device(reach)) {
		leave_turn(reach);
		return;
	}
	/*
	 * Also when it seems to be connected, for that may be about to end: BlueZ answers Disconnect
	 * before it tells that Connected became false.  On a connected device Connect succeeds at once.
	 */
	reach->calls++;
	reach->came_up = FALSE;
	reach->called = stp_clock_monotonic();
	g_dbus_proxy_call(reach->device, "Connect", NULL, G_DBUS_CALL_FLAGS_NONE, STP_BLUEZ_CONNECT_TRY,
			  NULL, on_connect_returned, g_rc_box_acquire(reach));
}

static void
try_to_connect(struct reach *reach)
{
	if (reach->turn != NO_TURN || !find_device(reach))
		return;
	reach->turn = WAITS;
	stop_clock(reach);
	stp_bluez_queue_enter(stp_bluez_station_get_turns(reach->station), on_turn, reach);
}

/* ---- what changes meanwhile ---- */

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
	if (reach->device == NULL) {
		try_to_connect(reach);
	} else if (proxy == reach->device && stp_bluez_is_connected(proxy)) {
		reach->came_up = TRUE;
		if (reach->elsewhere)
			end(reach, NULL);
	}
}

static void
on_state_changed(StpBluezClient *client, struct reach *reach)
{
	end(reach, g_error_new(STP_ERROR, STP_ERROR_NO_BLUETOOTH,
			       "The Bluetooth service ended while connecting. It is tried again when it runs."));
}

static void
on_adapter_changed(StpBluezAdapter *adapter, struct reach *reach)
{
	if (stp_bluez_client_get_state(reach->client) != STP_BLUEZ_PRESENT)
		on_state_changed(reach->client, reach);
	else if (stp_bluez_adapter_get(adapter) == NULL)
		give_up(reach, g_error_new(STP_ERROR, STP_ERROR_NO_ADAPTER,
				       "The Bluetooth adapter went away while connecting. It is tried again when it is "
				       "back."));
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
stp_bluez_reach_async(StpBluezClient *client, StpBluezStation *station, const char *address, gint64 budget,
		      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
	struct reach *reach = g_rc_box_new0(struct reach);

	reach->client = g_object_ref(client);
	reach->station = g_object_ref(station);
	reach->address = g_strdup(address);
	reach->task = g_task_new(client, NULL, callback, user_data);
	g_task_set_task_data(reach->task, g_rc_box_acquire(reach), (GDestroyNotify)release);
	if (cancellable != NULL) {
		reach->cancel_watch = g_cancellable_source_new(cancellable);
		g_source_set_callback(reach->cancel_watch, G_SOURCE_FUNC(on_cancelled), reach, NULL);
		g_source_attach(reach->cancel_watch, g_main_context_get_thread_default());
	}
	reach->budget = budget;
	run_clock(reach);
	g_signal_connect(client, "interface-added", G_CALLBACK(on_interface_added), reach);
	g_signal_connect(client, "properties-changed", G_CALLBACK(on_properties), reach);
	g_signal_connect(client, "state-changed", G_CALLBACK(on_state_changed), reach);
	g_signal_connect(stp_bluez_station_get_adapter(station), "changed", G_CALLBACK(on_adapter_changed), reach);
	reach->searching = is_unknown(stp_bluez_station_get_sightings(station), address);
	stp_bluez_scanner_hold(stp_bluez_station_get_scanner(station), reach->searching);
	try_to_connect(reach);
}

guint
stp_bluez_reach_get_calls(GAsyncResult *result)
{
	return ((struct reach *)g_task_get_task_data(G_TASK(result)))->calls;
}

GDBusProxy *
stp_bluez_reach_finish(StpBluezClient *client, GAsyncResult *result, gint64 *budget, GError **error)
{
	struct reach *reach = g_task_get_task_data(G_TASK(result));

	*budget = reach->budget;
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
		stp_clock_add(STP_BLUEZ_DISCONNECTED, on_cleared_up, g_steal_pointer(&task));
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
