/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bluez-radio.h"

#include "bluez-contact.h"
#include "bluez-error.h"
#include "log.h"

struct _StpBluezRadio {
	GObject parent;
	StpBluezClient *client;
	StpBluezStations *stations;
	StpBluezPairing *pairing;
	StpLinkMemory *memory;
	StpRadioState state;
};

static void stp_bluez_radio_init_interface(StpRadioInterface *interface);

G_DEFINE_FINAL_TYPE_WITH_CODE(StpBluezRadio, stp_bluez_radio, G_TYPE_OBJECT,
			      G_IMPLEMENT_INTERFACE(STP_TYPE_RADIO, stp_bluez_radio_init_interface))

static void
update_state(StpBluezRadio *self)
{
	StpRadioState state = stp_bluez_stations_get_state(self->stations);

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

static void
on_changed(StpBluezRadio *self)
{
	update_state(self);
	stp_radio_emit_adapters_changed(STP_RADIO(self));
}

StpRadio *
stp_bluez_radio_new(GDBusConnection *connection, const StpBluezRadioOptions *options)
{
	static const StpBluezRadioOptions none;
	StpBluezRadio *self = g_object_new(STP_TYPE_BLUEZ_RADIO, NULL);

	options = options != NULL ? options : &none;
	self->client = stp_bluez_client_new(connection);
	self->stations = stp_bluez_stations_new(self->client, options->adapters, options->lease_directory,
						options->memory);
	self->pairing = stp_bluez_pairing_new(self->client);
	g_signal_connect_object(self->stations, "sighting", G_CALLBACK(stp_radio_emit_sighting), self,
				G_CONNECT_SWAPPED);
	g_signal_connect_object(self->stations, "changed", G_CALLBACK(on_changed), self, G_CONNECT_SWAPPED);
	g_signal_connect_object(self->stations, "room-changed", G_CALLBACK(stp_radio_emit_room_changed), self,
				G_CONNECT_SWAPPED);
	return STP_RADIO(self);
}

static void
stp_bluez_radio_start(StpRadio *radio)
{
	StpBluezRadio *self = STP_BLUEZ_RADIO(radio);

	stp_bluez_stations_start(self->stations);
	stp_bluez_client_start(self->client);
}

static void
stp_bluez_radio_watch(StpRadio *radio, gboolean watching)
{
	stp_bluez_stations_watch(STP_BLUEZ_RADIO(radio)->stations, watching);
}

static void
stp_bluez_radio_look(StpRadio *radio)
{
	GPtrArray *all = stp_bluez_stations_get_all(STP_BLUEZ_RADIO(radio)->stations);

	for (guint i = 0; i < all->len; i++)
		stp_bluez_scanner_look(stp_bluez_station_get_scanner(all->pdata[i]));
}

static StpRadioState
stp_bluez_radio_get_state(StpRadio *radio)
{
	return STP_BLUEZ_RADIO(radio)->state;
}

static GPtrArray *
stp_bluez_radio_get_sightings(StpRadio *radio)
{
	return stp_bluez_stations_list_sightings(STP_BLUEZ_RADIO(radio)->stations);
}

static GPtrArray *
stp_bluez_radio_get_adapters(StpRadio *radio)
{
	GPtrArray *all = stp_bluez_stations_get_all(STP_BLUEZ_RADIO(radio)->stations);
	GPtrArray *reports = g_ptr_array_new_with_free_func((GDestroyNotify)stp_adapter_report_free);

	for (guint i = 0; i < all->len; i++)
		g_ptr_array_add(reports, stp_bluez_station_report(all->pdata[i]));
	return reports;
}

static guint
stp_bluez_radio_get_links_at_once(StpRadio *radio)
{
	return stp_bluez_stations_get_links_at_once(STP_BLUEZ_RADIO(radio)->stations);
}

static gboolean
stp_bluez_radio_has_room(StpRadio *radio, const char *address)
{
	StpBluezStation *station =
		stp_bluez_stations_route(STP_BLUEZ_RADIO(radio)->stations, address, NULL, FALSE, NULL);

	/* What is in the way of a pen that has no station is told when it is connected. */
	return station == NULL || stp_bluez_station_has_room(station);
}

static gboolean
stp_bluez_radio_makes_room(StpRadio *radio, const char *linked, const char *address)
{
	StpBluezStations *stations = STP_BLUEZ_RADIO(radio)->stations;
	StpBluezStation *station = stp_bluez_stations_route(stations, address, NULL, FALSE, NULL);

	return station == NULL || station == stp_bluez_stations_last(stations, linked);
}

static StpBluezContact
contact(StpBluezRadio *self)
{
	return (StpBluezContact){ self, self->client, self->stations, self->pairing, self->memory };
}

static void
stp_bluez_radio_connect_async(StpRadio *radio, const char *address, GCancellable *cancellable,
			      GAsyncReadyCallback callback, gpointer user_data)
{
	StpBluezContact with = contact(STP_BLUEZ_RADIO(radio));

	stp_bluez_contact_connect_async(&with, address, cancellable, callback, user_data);
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
	StpBluezContact with = contact(STP_BLUEZ_RADIO(radio));

	stp_bluez_contact_pair_async(&with, address, ask, ask_data, cancellable, callback, user_data);
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

struct removal {
	char *pen;
	guint under_way;
	GError *error;
};

static void
free_removal(gpointer data)
{
	struct removal *removal = data;

	g_clear_error(&removal->error);
	g_free(removal->pen);
	g_free(removal);
}

static void
end_removal(GTask *task)
{
	struct removal *removal = g_task_get_task_data(task);

	if (--removal->under_way > 0)
		return;
	if (removal->error != NULL)
		g_task_return_error(task, g_steal_pointer(&removal->error));
	else
		g_task_return_boolean(task, TRUE);
}

static void
on_device_removed(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(GTask) task = user_data;
	struct removal *removal = g_task_get_task_data(task);
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = g_dbus_proxy_call_finish(G_DBUS_PROXY(source), result, &error);

	if (error != NULL && removal->error == NULL && !stp_bluez_error_is(error, "DoesNotExist") &&
	    !stp_bluez_error_is_unknown_object(error))
		removal->error = stp_bluez_error_translate(error, removal->pen, "Removing the bond");
	end_removal(task);
}

/* From every adapter that knows the pen: each may hold a bond. */
static void
stp_bluez_radio_forget_async(StpRadio *radio, const char *address, GCancellable *cancellable,
			     GAsyncReadyCallback callback, gpointer user_data)
{
	StpBluezRadio *self = STP_BLUEZ_RADIO(radio);
	GPtrArray *all = stp_bluez_stations_get_all(self->stations);
	g_autoptr(GTask) task = g_task_new(self, NULL, callback, user_data);
	struct removal *removal = g_new0(struct removal, 1);
	g_autoptr(GError) error = NULL;

	g_task_set_task_data(task, removal, free_removal);
	if (stp_bluez_stations_route(self->stations, address, NULL, TRUE, &error) == NULL &&
	    error->code != STP_ERROR_NOT_FOUND) {
		g_task_return_error(task, g_steal_pointer(&error));
		return;
	}
	removal->pen = g_strdup(address);
	removal->under_way = 1;
	for (guint i = 0; i < all->len; i++) {
		g_autoptr(GDBusProxy) device = stp_bluez_sightings_find_device(
			stp_bluez_station_get_sightings(all->pdata[i]), address);
		GDBusProxy *adapter = stp_bluez_adapter_get(stp_bluez_station_get_adapter(all->pdata[i]));

		if (device == NULL || adapter == NULL)
			continue;
		removal->under_way++;
		g_dbus_proxy_call(adapter, "RemoveDevice",
				  g_variant_new("(o)", g_dbus_proxy_get_object_path(device)),
				  G_DBUS_CALL_FLAGS_NONE, -1, cancellable, on_device_removed, g_object_ref(task));
	}
	stp_bluez_stations_forget(self->stations, address);
	end_removal(task);
}

static void
stp_bluez_radio_dispose(GObject *object)
{
	StpBluezRadio *self = STP_BLUEZ_RADIO(object);

	/* No operation is under way: each holds a reference. */
	g_clear_pointer(&self->memory, stp_link_memory_unref);
	g_clear_object(&self->pairing);
	g_clear_object(&self->stations);
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
	interface->get_adapters = stp_bluez_radio_get_adapters;
	interface->get_links_at_once = stp_bluez_radio_get_links_at_once;
	interface->has_room = stp_bluez_radio_has_room;
	interface->makes_room = stp_bluez_radio_makes_room;
}
