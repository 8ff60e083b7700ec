/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bluez-radio.h"

#include "bluez-adapter.h"
#include "bluez-error.h"
#include "bluez-gatt.h"
#include "bluez-open.h"
#include "bluez-pairing.h"
#include "bluez-queue.h"
#include "bluez-reach.h"
#include "bluez-scanner.h"
#include "bluez-sightings.h"
#include "bluez-timing.h"
#include "link-bluez.h"
#include "log.h"
#include "pending.h"

struct _StpBluezRadio {
	GObject parent;
	StpBluezClient *client;
	StpBluezAdapter *adapter;
	StpBluezMonitor *monitor;
	StpBluezSightings *sightings;
	StpBluezScanner *scanner;
	StpBluezPairing *pairing;
	StpBluezQueue *queue;
	StpLinkMemory *memory;
	StpRadioState state;
};

/*
 * A connect or a pair on its way: queue, reach, resolve, [pair, resolve, settle].  Pairing waits
 * for the services because BlueZ 5.66 may not answer Pair() while it explores them.
 */
struct operation {
	StpBluezRadio *radio;
	StpPending *pending;
	GCancellable *cancellable;	/* of the step under way */
	char *address;
	gboolean pairs, paired;
	StpPairingAsk ask;
	gpointer ask_data;
	GDBusProxy *device;
	gint64 began;			/* to reach it; monotonic, microseconds */
	guint calls;			/* of Connect() */
	guint drops;			/* connections that ended before they were of use */
	GError *error;			/* for which the pen is being let go */
};

static void stp_bluez_radio_init_interface(StpRadioInterface *interface);

G_DEFINE_FINAL_TYPE_WITH_CODE(StpBluezRadio, stp_bluez_radio, G_TYPE_OBJECT,
			      G_IMPLEMENT_INTERFACE(STP_TYPE_RADIO, stp_bluez_radio_init_interface))

static StpRadioState
look_at_state(StpBluezRadio *self)
{
	switch (stp_bluez_client_get_state(self->client)) {
	case STP_BLUEZ_STARTING:
		return STP_RADIO_STARTING;
	case STP_BLUEZ_ABSENT:
		return STP_RADIO_NO_BLUETOOTH;
	case STP_BLUEZ_DENIED:
		return STP_RADIO_DENIED;
	case STP_BLUEZ_FAILED:
		return STP_RADIO_FAILED;
	case STP_BLUEZ_PRESENT:
		break;
	}
	if (stp_bluez_adapter_get(self->adapter) != NULL)
		return stp_bluez_scanner_get_state(self->scanner);
	return stp_bluez_adapter_is_off(self->adapter) ? STP_RADIO_POWERED_OFF : STP_RADIO_NO_ADAPTER;
}

static void
update_state(StpBluezRadio *self)
{
	StpRadioState state = look_at_state(self);

	if (state == self->state)
		return;
	self->state = state;
	if (state == STP_RADIO_SCANNING || state == STP_RADIO_STARTING)
		stp_info("link", NULL, "radio: %s", stp_radio_state_name(state));
	else
		stp_notice("link", NULL, "radio: %s.  %s", stp_radio_state_name(state),
			   stp_radio_state_hint(state));
	stp_radio_emit_state_changed(STP_RADIO(self));
}

StpRadio *
stp_bluez_radio_new(GDBusConnection *connection, const char *adapter)
{
	StpBluezRadio *self = g_object_new(STP_TYPE_BLUEZ_RADIO, NULL);

	self->client = stp_bluez_client_new(connection);
	self->adapter = stp_bluez_adapter_new(self->client, adapter);
	self->monitor = stp_bluez_monitor_new(self->client, self->adapter);
	self->sightings = stp_bluez_sightings_new(self->client, self->adapter);
	stp_bluez_sightings_follow(self->sightings, self->monitor);
	self->scanner = stp_bluez_scanner_new(self->adapter, self->monitor);
	self->pairing = stp_bluez_pairing_new(self->client);
	self->queue = stp_bluez_queue_new();
	g_signal_connect_object(self->sightings, "sighting", G_CALLBACK(stp_radio_emit_sighting), self,
				G_CONNECT_SWAPPED);
	/* Last in each chain, when the parts have settled. */
	g_signal_connect_object(self->client, "state-changed", G_CALLBACK(update_state), self,
				G_CONNECT_SWAPPED | G_CONNECT_AFTER);
	g_signal_connect_object(self->adapter, "changed", G_CALLBACK(update_state), self,
				G_CONNECT_SWAPPED | G_CONNECT_AFTER);
	g_signal_connect_object(self->scanner, "changed", G_CALLBACK(update_state), self, G_CONNECT_SWAPPED);
	return STP_RADIO(self);
}

static void
stp_bluez_radio_start(StpRadio *radio)
{
	StpBluezRadio *self = STP_BLUEZ_RADIO(radio);

	stp_bluez_scanner_start(self->scanner);
	stp_bluez_client_start(self->client);
}

static void
stp_bluez_radio_watch(StpRadio *radio, gboolean watching)
{
	stp_bluez_scanner_watch(STP_BLUEZ_RADIO(radio)->scanner, watching);
}

static void
stp_bluez_radio_look(StpRadio *radio)
{
	stp_bluez_scanner_look(STP_BLUEZ_RADIO(radio)->scanner);
}

static StpRadioState
stp_bluez_radio_get_state(StpRadio *radio)
{
	return STP_BLUEZ_RADIO(radio)->state;
}

static GPtrArray *
stp_bluez_radio_get_sightings(StpRadio *radio)
{
	return stp_bluez_sightings_list(STP_BLUEZ_RADIO(radio)->sightings);
}

static GError *
why_not_now(StpBluezRadio *self, const char *address)
{
	StpRadioState state = look_at_state(self);

	switch (state) {
	case STP_RADIO_NO_BLUETOOTH:
		return g_error_new(STP_ERROR, STP_ERROR_NO_BLUETOOTH, "The Bluetooth service does not run.  %s",
				   stp_radio_state_hint(state));
	case STP_RADIO_NO_ADAPTER:
		return g_error_new(STP_ERROR, STP_ERROR_NO_ADAPTER, "There is no Bluetooth adapter.  %s",
				   stp_radio_state_hint(state));
	case STP_RADIO_POWERED_OFF:
		return g_error_new(STP_ERROR, STP_ERROR_NO_ADAPTER, "The Bluetooth adapter is off.  %s",
				   stp_radio_state_hint(state));
	case STP_RADIO_DENIED:
		return g_error_new(STP_ERROR, STP_ERROR_DENIED,
				   "The system bus does not let Stipple use Bluetooth.  %s",
				   stp_radio_state_hint(state));
	case STP_RADIO_STARTING:
	case STP_RADIO_SCANNING:
	case STP_RADIO_IN_USE:
	case STP_RADIO_FAILED:
		break;
	}
	if (stp_bluez_adapter_get(self->adapter) == NULL)
		return g_error_new(STP_ERROR, STP_ERROR_NO_BLUETOOTH,
				   "Bluetooth is not ready yet. Try again in a moment.");
	if (!stp_bluez_sightings_knows(self->sightings, address))
		return g_error_new(STP_ERROR, STP_ERROR_NOT_FOUND,
				   "No pen %s has been heard. Switch it on, bring it closer, and try again.",
				   address);
	return NULL;
}

static void
free_operation(struct operation *operation)
{
	g_clear_object(&operation->device);
	g_clear_object(&operation->cancellable);
	g_clear_error(&operation->error);
	g_object_unref(operation->radio);
	g_free(operation->address);
	g_free(operation);
}

/* Its turn is over; value is a link or NULL. */
static void
succeed(struct operation *operation, StpLink *link)
{
	stp_bluez_queue_leave(operation->radio->queue);
	if (operation->pairs)
		stp_pending_return_true(operation->pending);
	else
		stp_pending_return_pointer(operation->pending, link, g_object_unref);
	free_operation(operation);
}

static void
on_let_go(GObject *source, GAsyncResult *result, gpointer user_data)
{
	struct operation *operation = user_data;

	stp_bluez_queue_leave(operation->radio->queue);
	stp_pending_return_error(operation->pending, g_steal_pointer(&operation->error));
	free_operation(operation);
}

/* error is taken.  A pen that was reached is let go first. */
static void
fail(struct operation *operation, GError *error)
{
	operation->error = error;
	stp_bluez_scanner_hurry(operation->radio->scanner);
	if (operation->device != NULL)
		stp_bluez_disconnect_async(operation->device, on_let_go, operation);
	else
		on_let_go(NULL, NULL, operation);
}

static gboolean
on_settled(gpointer user_data)
{
	succeed(user_data, NULL);
	return G_SOURCE_REMOVE;
}

static void
on_link_closed(StpLink *link, const GError *reason, StpBluezScanner *scanner)
{
	/* One that was lost will be back soon.  When we ended it, we have what we wanted. */
	if (g_error_matches(reason, STP_ERROR, STP_ERROR_CANCELLED))
		stp_bluez_scanner_relax(scanner);
	else
		stp_bluez_scanner_hurry(scanner);
}

static void reach(struct operation *operation);

/*
 * A connection that ends at once is nothing unusual on the air, and just after a restart
 * BlueZ shows one that is gone already.
 */
static gboolean
may_reach_again(struct operation *operation)
{
	return !operation->paired && !stp_pending_is_cancelled(operation->pending) &&
	       stp_bluez_client_get_state(operation->radio->client) == STP_BLUEZ_PRESENT &&
	       !stp_bluez_is_connected(operation->device) && ++operation->drops < STP_BLUEZ_CONNECT_DROPS;
}

static void on_resolved(GObject *source, GAsyncResult *result, gpointer user_data);
static void on_opened(GObject *source, GAsyncResult *result, gpointer user_data);

/* As the pen was last heard; BlueZ itself forgets it with every end of a discovery. */
static gint16
rssi_of(struct operation *operation)
{
	g_autoptr(GPtrArray) sightings = stp_bluez_sightings_list(operation->radio->sightings);

	for (guint i = 0; i < sightings->len; i++) {
		const StpSighting *sighting = sightings->pdata[i];

		if (g_str_equal(sighting->address, operation->address))
			return sighting->rssi;
	}
	return STP_RSSI_UNKNOWN;
}

static void
resolve(struct operation *operation)
{
	StpBluezRadio *self = operation->radio;
	const StpLinkOrigin origin = {
		.rssi = rssi_of(operation),
		.tries = operation->calls,
		.milliseconds = (guint)((g_get_monotonic_time() - operation->began) / 1000),
	};

	if (operation->pairs)
		stp_bluez_gatt_resolve_async(self->client, operation->device, operation->cancellable, on_resolved,
					     operation);
	else
		stp_bluez_open_async(self->client, operation->device, self->memory, &origin,
				     operation->cancellable, on_opened, operation);
}

static void
on_paired(GObject *source, GAsyncResult *result, gpointer user_data)
{
	struct operation *operation = user_data;
	GError *error = NULL;

	operation->paired = stp_bluez_pairing_run_finish(STP_BLUEZ_PAIRING(source), result, &error);
	if (!operation->paired)
		fail(operation, error);
	else
		resolve(operation);
}

/* error is taken. */
static void
reach_again_or_fail(struct operation *operation, GError *error)
{
	if (!may_reach_again(operation)) {
		fail(operation, error);
		return;
	}
	stp_debug("link", operation->address, "%s", error->message);
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
		g_timeout_add(STP_BLUEZ_SETTLE, on_settled, operation);
	else
		stp_bluez_pairing_run_async(operation->radio->pairing, operation->device, operation->ask,
					    operation->ask_data, operation->cancellable, on_paired, operation);
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
	g_signal_connect_object(link, "closed", G_CALLBACK(on_link_closed), operation->radio->scanner, 0);
	succeed(operation, g_steal_pointer(&link));
}

static void
on_reached(GObject *source, GAsyncResult *result, gpointer user_data)
{
	struct operation *operation = user_data;
	GError *error = NULL;

	operation->calls += stp_bluez_reach_get_calls(result);
	operation->device = stp_bluez_reach_finish(STP_BLUEZ_CLIENT(source), result, &error);
	if (operation->device == NULL)
		fail(operation, error);
	else
		resolve(operation);
}

static void
reach(struct operation *operation)
{
	StpBluezRadio *self = operation->radio;
	GError *error = why_not_now(self, operation->address);

	if (error != NULL)
		fail(operation, error);
	else
		stp_bluez_reach_async(self->client, self->scanner, self->sightings, operation->address,
				      operation->cancellable, on_reached, operation);
}

static void
on_turn(gpointer data)
{
	((struct operation *)data)->began = g_get_monotonic_time();
	reach(data);
}

static void
on_cancelled(gpointer data)
{
	struct operation *operation = data;

	if (stp_bluez_queue_withdraw(operation->radio->queue, operation)) {
		stp_pending_return_error(operation->pending,
					 g_error_new_literal(STP_ERROR, STP_ERROR_CANCELLED, "Cancelled."));
		free_operation(operation);
	} else {
		g_cancellable_cancel(operation->cancellable);
	}
}

static void
begin(StpBluezRadio *self, const char *address, StpPairingAsk ask, gpointer ask_data, GCancellable *cancellable,
      GAsyncReadyCallback callback, gpointer user_data)
{
	struct operation *operation = g_new0(struct operation, 1);

	operation->radio = g_object_ref(self);
	operation->address = g_strdup(address);
	operation->pairs = ask != NULL;
	operation->ask = ask;
	operation->ask_data = ask_data;
	operation->cancellable = g_cancellable_new();
	operation->pending = stp_pending_new(self, cancellable,
					     ask != NULL ? "Pairing with the pen" : "Connecting to the pen",
					     callback, user_data);
	stp_pending_on_cancel(operation->pending, on_cancelled, operation);
	stp_bluez_queue_enter(self->queue, on_turn, operation);
}

static void
stp_bluez_radio_connect_async(StpRadio *radio, const char *address, GCancellable *cancellable,
			      GAsyncReadyCallback callback, gpointer user_data)
{
	begin(STP_BLUEZ_RADIO(radio), address, NULL, NULL, cancellable, callback, user_data);
}

static StpLink *
stp_bluez_radio_connect_finish(StpRadio *radio, GAsyncResult *result, GError **error)
{
	return g_task_propagate_pointer(G_TASK(result), error);
}

static void
stp_bluez_radio_pair_async(StpRadio *radio, const char *address, StpPairingAsk ask, gpointer ask_data,
			   GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
	begin(STP_BLUEZ_RADIO(radio), address, ask, ask_data, cancellable, callback, user_data);
}

static gboolean
finish_boolean(StpRadio *radio, GAsyncResult *result, GError **error)
{
	return g_task_propagate_boolean(G_TASK(result), error);
}

static void
stp_bluez_radio_answer_pairing(StpRadio *radio, guint request, gboolean accept, guint32 passkey)
{
	stp_bluez_pairing_answer(STP_BLUEZ_RADIO(radio)->pairing, request, accept, passkey);
}

static void
on_device_removed(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(GTask) task = user_data;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = g_dbus_proxy_call_finish(G_DBUS_PROXY(source), result, &error);

	if (error != NULL && !stp_bluez_error_is(error, "DoesNotExist") &&
	    !stp_bluez_error_is_unknown_object(error))
		g_task_return_error(task, stp_bluez_error_translate(error, g_task_get_task_data(task),
								    "Removing the bond"));
	else
		g_task_return_boolean(task, TRUE);
}

static void
stp_bluez_radio_forget_async(StpRadio *radio, const char *address, GCancellable *cancellable,
			     GAsyncReadyCallback callback, gpointer user_data)
{
	StpBluezRadio *self = STP_BLUEZ_RADIO(radio);
	g_autoptr(GTask) task = g_task_new(self, NULL, callback, user_data);
	g_autoptr(GDBusProxy) device = NULL;
	GError *error = why_not_now(self, address);

	if (error != NULL && error->code != STP_ERROR_NOT_FOUND) {
		g_task_return_error(task, error);
		return;
	}
	g_clear_error(&error);
	device = stp_bluez_sightings_find_device(self->sightings, address);
	if (device == NULL) {
		g_task_return_boolean(task, TRUE);
		return;
	}
	g_task_set_task_data(task, g_strdup(address), g_free);
	g_dbus_proxy_call(stp_bluez_adapter_get(self->adapter), "RemoveDevice",
			  g_variant_new("(o)", g_dbus_proxy_get_object_path(device)), G_DBUS_CALL_FLAGS_NONE, -1,
			  cancellable, on_device_removed, g_steal_pointer(&task));
}

static void
stp_bluez_radio_dispose(GObject *object)
{
	StpBluezRadio *self = STP_BLUEZ_RADIO(object);

	/* No operation is under way: each holds a reference. */
	g_clear_pointer(&self->queue, stp_bluez_queue_free);
	g_clear_pointer(&self->memory, stp_link_memory_unref);
	g_clear_object(&self->pairing);
	g_clear_object(&self->scanner);
	g_clear_object(&self->sightings);
	g_clear_object(&self->monitor);
	g_clear_object(&self->adapter);
	g_clear_object(&self->client);
	G_OBJECT_CLASS(stp_bluez_radio_parent_class)->dispose(object);
}

static void
stp_bluez_radio_class_init(StpBluezRadioClass *class)
{
	G_OBJECT_CLASS(class)->dispose = stp_bluez_radio_dispose;
}

static void
stp_bluez_radio_init(StpBluezRadio *self)
{
	self->state = STP_RADIO_STARTING;
	self->memory = stp_link_memory_new();
}

static void
stp_bluez_radio_init_interface(StpRadioInterface *interface)
{
	interface->start = stp_bluez_radio_start;
	interface->watch = stp_bluez_radio_watch;
	interface->look = stp_bluez_radio_look;
	interface->get_state = stp_bluez_radio_get_state;
	interface->get_sightings = stp_bluez_radio_get_sightings;
	interface->connect_async = stp_bluez_radio_connect_async;
	interface->connect_finish = stp_bluez_radio_connect_finish;
	interface->pair_async = stp_bluez_radio_pair_async;
	interface->pair_finish = finish_boolean;
	interface->answer_pairing = stp_bluez_radio_answer_pairing;
	interface->forget_async = stp_bluez_radio_forget_async;
	interface->forget_finish = finish_boolean;
}
