/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bluez-contact.h"

#include "bluez-gatt.h"
#include "bluez-reach.h"
#include "bluez-timing.h"
#include "clock.h"
#include "log.h"
#include "pending.h"

/*
 * Its steps: route, slot, reach, resolve, [pair, resolve, settle].  Pairing waits for the
 * services because BlueZ 5.66 may not answer Pair() while it explores them.
 */
struct operation {
	gpointer source;		/* keeps the radio while this runs */
	StpBluezClient *client;
	StpBluezStations *stations;
	StpBluezPairing *pairing;
	StpLinkMemory *memory;
	StpPending *pending;
	GCancellable *cancellable;	/* of the step under way */
	char *pen;
	gboolean pairs, paired;
	StpPairingAsk ask;
	gpointer ask_data;
	gint64 budget;			/* microseconds that are left for reaching it */
	StpBluezStation *station;	/* chosen */
	gboolean has_slot, has_turn;
	GPtrArray *failed;		/* StpBluezStation: tried already */
	GDBusProxy *device;
	gint64 began;			/* to reach it, first; monotonic, microseconds */
	guint calls;			/* of Connect() */
	guint drops;			/* connections that ended before they were of use */
	GError *error;			/* for which the pen is being let go */
};

static void choose(struct operation *operation);
static void reach(struct operation *operation);

static void
free_operation(struct operation *operation)
{
	g_clear_object(&operation->device);
	g_clear_object(&operation->station);
	g_clear_object(&operation->cancellable);
	g_clear_error(&operation->error);
	g_ptr_array_unref(operation->failed);
	g_object_unref(operation->stations);
	g_object_unref(operation->pairing);
	stp_link_memory_unref(operation->memory);
	g_object_unref(operation->client);
	g_object_unref(operation->source);
	g_free(operation->pen);
	g_free(operation);
}

static void
leave_turn(struct operation *operation)
{
	if (operation->has_turn)
		stp_bluez_queue_leave(stp_bluez_station_get_turns(operation->station));
	operation->has_turn = FALSE;
}

static void
leave_station(struct operation *operation)
{
	leave_turn(operation);
	if (operation->has_slot)
		stp_bluez_station_leave_slot(operation->station);
	operation->has_slot = FALSE;
	g_clear_object(&operation->station);
}

/* link: NULL for a pairing. */
static void
succeed(struct operation *operation, StpLink *link)
{
	if (link != NULL) {
		operation->has_slot = FALSE;
		stp_bluez_station_hand_slot_to(operation->station, link);
	}
	leave_station(operation);
	if (operation->pairs)
		stp_bluez_stations_leave_up(operation->stations, operation->pen, operation->device);
	if (operation->pairs)
		stp_pending_return_true(operation->pending);
	else
		stp_pending_return_pointer(operation->pending, link, g_object_unref);
	free_operation(operation);
}

/* Whether another adapter may do better. */
static gboolean
is_worth_another(struct operation *operation)
{
	StpLinkClass class = stp_link_class_of(operation->error);
	StpBluezStation *other;

	if ((class != STP_LINK_CLASS_TRANSIENT && class != STP_LINK_CLASS_SLOTS && class != STP_LINK_CLASS_ABSENT) ||
	    operation->paired || operation->budget <= 0 || stp_pending_is_cancelled(operation->pending))
		return FALSE;
	other = stp_bluez_stations_route(operation->stations, operation->pen, operation->failed, operation->pairs,
					 NULL);
	return other != NULL && !g_ptr_array_find(operation->failed, other, NULL);
}

static void
on_let_go(GObject *source, GAsyncResult *result, gpointer user_data)
{
	struct operation *operation = user_data;

	leave_station(operation);
	g_clear_object(&operation->device);
	if (is_worth_another(operation)) {
		stp_info("link", operation->pen, "%s Another adapter tries it.", operation->error->message);
		g_clear_error(&operation->error);
		choose(operation);
		return;
	}
	stp_pending_return_error(operation->pending, g_steal_pointer(&operation->error));
	free_operation(operation);
}

/* error is taken.  A pen that was reached is let go first. */
static void
fail(struct operation *operation, GError *error)
{
	operation->error = error;
	if (operation->station != NULL) {
		g_ptr_array_add(operation->failed, g_object_ref(operation->station));
		stp_bluez_scanner_hurry(stp_bluez_station_get_scanner(operation->station));
	}
	/* Not reached in time, but up since its pairing: nobody would end that connection. */
	if (operation->device == NULL && stp_pending_is_cancelled(operation->pending))
		operation->device = stp_bluez_stations_take_up(operation->stations, operation->pen);
	if (operation->device != NULL)
		stp_bluez_disconnect_async(operation->device, on_let_go, operation);
	else
		on_let_go(NULL, NULL, operation);
}

static gboolean
on_settled(gpointer user_data)
{
	struct operation *operation = user_data;

	/* Nobody would connect it now, and nobody would end the connection. */
	if (stp_pending_is_cancelled(operation->pending))
		fail(operation, g_error_new_literal(STP_ERROR, STP_ERROR_CANCELLED, "Cancelled."));
	else
		succeed(operation, NULL);
	return G_SOURCE_REMOVE;
}

/*
 * A connection that ends at once is nothing unusual on the air, and just after a restart
 * BlueZ shows one that is gone already.
 */
static gboolean
may_reach_again(struct operation *operation)
{
	return !operation->paired && !stp_pending_is_cancelled(operation->pending) &&
	       stp_bluez_client_get_state(operation->client) == STP_BLUEZ_PRESENT &&
	       stp_bluez_station_is_usable(operation->station) && !stp_bluez_is_connected(operation->device) &&
	       ++operation->drops < STP_BLUEZ_CONNECT_DROPS;
}

static void on_resolved(GObject *source, GAsyncResult *result, gpointer user_data);
static void on_opened(GObject *source, GAsyncResult *result, gpointer user_data);

static void
resolve(struct operation *operation)
{
	/* As the pen was last heard; BlueZ itself forgets it with every end of a discovery. */
	const StpSighting *sighting = stp_bluez_sightings_find(stp_bluez_station_get_sightings(operation->station),
							       operation->pen);
	const StpLinkOrigin origin = {
		.rssi = sighting != NULL ? sighting->rssi : STP_RSSI_UNKNOWN,
		.tries = operation->calls,
		.milliseconds = (guint)((stp_clock_monotonic() - operation->began) / G_TIME_SPAN_MILLISECOND),
	};

	if (operation->pairs)
		stp_bluez_gatt_resolve_async(operation->client, operation->device, operation->cancellable,
					     on_resolved, operation);
	else
		stp_bluez_open_async(operation->client, operation->device, operation->memory, &origin,
				     operation->cancellable, on_opened, operation);
}

static void
on_paired(GObject *source, GAsyncResult *result, gpointer user_data)
{
	struct operation *operation = user_data;
	GError *error = NULL;

	leave_turn(operation);
	operation->paired = stp_bluez_pairing_run_finish(STP_BLUEZ_PAIRING(source), result, &error);
	/* Another program pairs over this connection: it is not ours to end. */
	if (g_error_matches(error, STP_ERROR, STP_ERROR_BUSY))
		g_clear_object(&operation->device);
	if (!operation->paired)
		fail(operation, error);
	else
		resolve(operation);
}

static void
on_turn_to_pair(gpointer data)
{
	struct operation *operation = data;

	operation->has_turn = TRUE;
	stp_bluez_pairing_run_async(operation->pairing, operation->device, operation->ask, operation->ask_data,
				    operation->cancellable, on_paired, operation);
}

/* error is taken. */
static void
reach_again_or_fail(struct operation *operation, GError *error)
{
	stp_bluez_station_count(operation->station, stp_link_class_of(error));
	if (!may_reach_again(operation)) {
		fail(operation, error);
		return;
	}
	stp_debug("link", operation->pen, "%s", error->message);
	g_error_free(error);
	g_clear_object(&operation->device);
	reach(operation);
}

static void
on_resolved(GObject *source, GAsyncResult *result, gpointer user_data)
{
	struct operation *operation = user_data;
	GError *error = NULL;

	if (!stp_bluez_gatt_resolve_finish(STP_BLUEZ_CLIENT(source), result, &error))
		reach_again_or_fail(operation, error);
	else if (operation->paired)
		stp_clock_add(STP_BLUEZ_SETTLE, on_settled, operation);
	else
		stp_bluez_queue_enter(stp_bluez_station_get_turns(operation->station), on_turn_to_pair, operation);
}

static void
on_opened(GObject *source, GAsyncResult *result, gpointer user_data)
{
	struct operation *operation = user_data;
	GError *error = NULL;
	g_autoptr(StpLink) link = stp_bluez_open_finish(STP_BLUEZ_CLIENT(source), result, &error);

	if (link == NULL) {
		reach_again_or_fail(operation, error);
		return;
	}
	if (stp_pending_is_cancelled(operation->pending)) {
		fail(operation, g_error_new_literal(STP_ERROR, STP_ERROR_CANCELLED, "Cancelled."));
		return;
	}
	succeed(operation, g_steal_pointer(&link));
}

static void
on_reached(GObject *source, GAsyncResult *result, gpointer user_data)
{
	struct operation *operation = user_data;
	g_autoptr(GDBusProxy) left_up = NULL;
	GError *error = NULL;

	operation->calls += stp_bluez_reach_get_calls(result);
	operation->device = stp_bluez_reach_finish(STP_BLUEZ_CLIENT(source), result, &operation->budget, &error);
	if (operation->device == NULL) {
		fail(operation, error);
		return;
	}
	stp_bluez_stations_reached(operation->stations, operation->pen, operation->station);
	left_up = stp_bluez_stations_take_up(operation->stations, operation->pen);
	resolve(operation);
}

static void
reach(struct operation *operation)
{
	stp_bluez_reach_async(operation->client, operation->station, operation->pen, operation->budget,
			      operation->cancellable, on_reached, operation);
}

static void
on_slot(gpointer data)
{
	struct operation *operation = data;

	operation->has_slot = TRUE;
	if (operation->began == 0)
		operation->began = stp_clock_monotonic();
	reach(operation);
}

static void
choose(struct operation *operation)
{
	GError *error = NULL;
	StpBluezStation *station = stp_bluez_stations_route(operation->stations, operation->pen, operation->failed,
							    operation->pairs, &error);

	if (station == NULL) {
		fail(operation, error);
		return;
	}
	operation->station = g_object_ref(station);
	stp_bluez_station_enter_slot(station, on_slot, operation);
}

static void
on_cancelled(gpointer data)
{
	struct operation *operation = data;

	if (operation->station != NULL && !operation->has_slot && operation->error == NULL &&
	    stp_bluez_station_withdraw_slot(operation->station, operation)) {
		fail(operation, g_error_new_literal(STP_ERROR, STP_ERROR_CANCELLED, "Cancelled."));
	} else if (operation->station != NULL && operation->device != NULL && !operation->has_turn &&
		   stp_bluez_queue_withdraw(stp_bluez_station_get_turns(operation->station), operation)) {
		fail(operation, g_error_new_literal(STP_ERROR, STP_ERROR_CANCELLED, "Cancelled."));
	} else {
		g_cancellable_cancel(operation->cancellable);
	}
}

static void
begin(const StpBluezContact *with, const char *pen, StpPairingAsk ask, gpointer ask_data,
      GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
	struct operation *operation = g_new0(struct operation, 1);

	operation->source = g_object_ref(with->source);
	operation->client = g_object_ref(with->client);
	operation->stations = g_object_ref(with->stations);
	operation->pairing = g_object_ref(with->pairing);
	operation->memory = stp_link_memory_ref(with->memory);
	operation->pen = g_strdup(pen);
	operation->pairs = ask != NULL;
	operation->ask = ask;
	operation->ask_data = ask_data;
	operation->budget = STP_BLUEZ_CONNECT_ALL * G_TIME_SPAN_MILLISECOND;
	operation->cancellable = g_cancellable_new();
	operation->failed = g_ptr_array_new_with_free_func(g_object_unref);
	operation->pending = stp_pending_new(with->source, cancellable,
					     ask != NULL ? "Pairing with the pen" : "Connecting to the pen",
					     callback, user_data);
	stp_pending_on_cancel(operation->pending, on_cancelled, operation);
	choose(operation);
}

void
stp_bluez_contact_connect_async(const StpBluezContact *with, const char *pen, GCancellable *cancellable,
				GAsyncReadyCallback callback, gpointer user_data)
{
	begin(with, pen, NULL, NULL, cancellable, callback, user_data);
}

void
stp_bluez_contact_pair_async(const StpBluezContact *with, const char *pen, StpPairingAsk ask, gpointer ask_data,
			     GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
	begin(with, pen, ask, ask_data, cancellable, callback, user_data);
}
