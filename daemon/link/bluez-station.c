/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bluez-station.h"

#include "adapter-lease.h"
#include "bluez-ceiling.h"
#include "bluez-watchdog.h"
#include "clock.h"
#include "log.h"
#include "power-mark.h"

#include <string.h>

struct _StpBluezStation {
	GObject parent;
	StpBluezClient *client;
	StpRadioMemory *memory;
	StpBluezAdapter *adapter;
	StpBluezMonitor *monitor;
	StpBluezSightings *sightings;
	StpBluezScanner *scanner;
	StpBluezWatchdog *watchdog;
	StpAdapterLease *lease;
	StpBluezQueue *turns, *slots;
	StpBluezCeiling ceiling;
	gboolean asleep;
	GPtrArray *links;	/* StpLink, up; not owned: each leaves when it closes */
	guint64 errors[STP_LINK_CLASS_COUNT];
};

G_DEFINE_FINAL_TYPE(StpBluezStation, stp_bluez_station, G_TYPE_OBJECT)

enum { SIGHTING, CHANGED, ROOM_CHANGED, SIGNAL_COUNT };
static guint signals[SIGNAL_COUNT];

static void
tell_change(StpBluezStation *self)
{
	g_signal_emit(self, signals[CHANGED], 0);
}

static void
on_adapter_changed(StpBluezStation *self)
{
	if (stp_adapter_lease_is_ours(self->lease))
		stp_bluez_watchdog_put_right(self->watchdog);
	tell_change(self);
}

static void
on_sighting(StpBluezStation *self, const StpSighting *sighting)
{
	g_signal_emit(self, signals[SIGHTING], 0, sighting);
}

static void
on_lease_changed(StpBluezStation *self)
{
	stp_bluez_adapter_let(self->adapter, stp_adapter_lease_is_ours(self->lease) && !self->asleep);
	on_adapter_changed(self);
}

static void
recall_ceiling(StpBluezStation *self)
{
	gint64 now = stp_clock_monotonic();
	guint value, refusals;

	self->ceiling = stp_radio_memory_get_ceiling(self->memory, stp_bluez_station_get_address(self), &value,
						     &refusals)
				? stp_bluez_ceiling_restore(value, refusals, now)
				: stp_bluez_ceiling_new(now);
	self->slots = stp_bluez_queue_new(self->ceiling.value);
}

StpBluezStation *
stp_bluez_station_new(StpBluezClient *client, const char *address, const char *lease_directory,
		      StpRadioMemory *memory)
{
	StpBluezStation *self = g_object_new(STP_TYPE_BLUEZ_STATION, NULL);

	self->client = g_object_ref(client);
	self->memory = memory;
	self->adapter = stp_bluez_adapter_new(client, address);
	self->lease = stp_adapter_lease_new(lease_directory, address);
	stp_bluez_adapter_let(self->adapter, stp_adapter_lease_is_ours(self->lease));
	self->turns = stp_bluez_queue_new(1);
	self->monitor = stp_bluez_monitor_new(client, self->adapter);
	self->sightings = stp_bluez_sightings_new(client, self->adapter);
	stp_bluez_sightings_follow(self->sightings, self->monitor);
	self->scanner = stp_bluez_scanner_new(self->adapter, self->monitor);
	self->watchdog = stp_bluez_watchdog_new(client, self->adapter, self->scanner, self->sightings);
	if (lease_directory != NULL) {
		g_autofree char *mark = stp_power_mark_path(lease_directory, address);

		stp_bluez_watchdog_set_mark(self->watchdog, mark);
	}
	recall_ceiling(self);
	g_signal_connect_object(self->lease, "changed", G_CALLBACK(on_lease_changed), self, G_CONNECT_SWAPPED);
	g_signal_connect_object(self->sightings, "sighting", G_CALLBACK(on_sighting), self, G_CONNECT_SWAPPED);
	g_signal_connect_object(self->scanner, "changed", G_CALLBACK(tell_change), self, G_CONNECT_SWAPPED);
	g_signal_connect_object(self->watchdog, "changed", G_CALLBACK(tell_change), self, G_CONNECT_SWAPPED);
	/* Last in the chain, when the parts have settled. */
	g_signal_connect_object(self->adapter, "changed", G_CALLBACK(on_adapter_changed), self,
				G_CONNECT_SWAPPED | G_CONNECT_AFTER);
	return self;
}

void
stp_bluez_station_start(StpBluezStation *self)
{
	stp_bluez_scanner_start(self->scanner);
	/* The adapter may have been there before us. */
	on_adapter_changed(self);
	/* Last, as who listens to us is there by now. */
	stp_bluez_sightings_look(self->sightings);
}

const char *
stp_bluez_station_get_address(StpBluezStation *self)
{
	return stp_bluez_adapter_get_address(self->adapter);
}

StpBluezAdapter *
stp_bluez_station_get_adapter(StpBluezStation *self)
{
	return self->adapter;
}

StpBluezScanner *
stp_bluez_station_get_scanner(StpBluezStation *self)
{
	return self->scanner;
}

StpBluezSightings *
stp_bluez_station_get_sightings(StpBluezStation *self)
{
	return self->sightings;
}

StpBluezQueue *
stp_bluez_station_get_turns(StpBluezStation *self)
{
	return self->turns;
}

gboolean
stp_bluez_station_is_usable(StpBluezStation *self)
{
	return stp_bluez_adapter_get(self->adapter) != NULL;
}

StpRadioState
stp_bluez_station_get_state(StpBluezStation *self)
{
	if (!stp_bluez_adapter_is_present(self->adapter))
		return STP_RADIO_NO_ADAPTER;
	if (stp_bluez_adapter_is_off(self->adapter))
		return STP_RADIO_POWERED_OFF;
	if (!stp_adapter_lease_is_ours(self->lease))
		return STP_RADIO_IN_USE;
	return stp_bluez_scanner_get_state(self->scanner);
}

/* ---- connections ---- */

static void
set_ceiling(StpBluezStation *self)
{
	stp_radio_memory_put_ceiling(self->memory, stp_bluez_station_get_address(self), self->ceiling.value,
				     self->ceiling.refusals);
	stp_bluez_queue_set_capacity(self->slots, self->ceiling.value);
	tell_change(self);
	g_signal_emit(self, signals[ROOM_CHANGED], 0);
}

void
stp_bluez_station_enter_slot(StpBluezStation *self, void (*run)(gpointer data), gpointer data)
{
	if (!stp_bluez_station_has_room(self) && stp_bluez_ceiling_consider(&self->ceiling, stp_clock_monotonic())) {
		stp_info("link", NULL, "Adapter %s: trying %u connections at once again.",
			 stp_bluez_station_get_address(self), self->ceiling.value);
		set_ceiling(self);
	}
	stp_bluez_queue_enter(self->slots, run, data);
	tell_change(self);
}

gboolean
stp_bluez_station_withdraw_slot(StpBluezStation *self, gpointer data)
{
	return stp_bluez_queue_withdraw(self->slots, data);
}

void
stp_bluez_station_leave_slot(StpBluezStation *self)
{
	stp_bluez_queue_leave(self->slots);
	tell_change(self);
	g_signal_emit(self, signals[ROOM_CHANGED], 0);
}

static void
take_slot_back(StpBluezStation *self, gpointer link)
{
	if (g_ptr_array_remove_fast(self->links, link))
		stp_bluez_station_leave_slot(self);
}

/* Dropped without having been closed. */
static void
on_link_gone(gpointer user_data, GObject *link)
{
	take_slot_back(user_data, link);
}

static void
on_link_closed(StpLink *link, const GError *reason, StpBluezStation *self)
{
	g_object_weak_unref(G_OBJECT(link), on_link_gone, self);
	g_signal_handlers_disconnect_by_data(link, self);
	/* One that was lost will be back soon.  When we ended it, we have what we wanted. */
	if (g_error_matches(reason, STP_ERROR, STP_ERROR_CANCELLED))
		stp_bluez_scanner_relax(self->scanner);
	else
		stp_bluez_scanner_hurry(self->scanner);
	take_slot_back(self, link);
}

void
stp_bluez_station_hand_slot_to(StpBluezStation *self, StpLink *link)
{
	g_ptr_array_add(self->links, link);
	g_signal_connect(link, "closed", G_CALLBACK(on_link_closed), self);
	g_object_weak_ref(G_OBJECT(link), on_link_gone, self);
	stp_bluez_ceiling_carried(&self->ceiling, self->links->len);
	tell_change(self);
}

gboolean
stp_bluez_station_has_room(StpBluezStation *self)
{
	return stp_bluez_queue_get_busy(self->slots) + stp_bluez_queue_get_waiting(self->slots) <
	       self->ceiling.value;
}

guint
stp_bluez_station_get_ceiling(StpBluezStation *self)
{
	return self->ceiling.value;
}

guint
stp_bluez_station_get_links(StpBluezStation *self)
{
	return self->links->len;
}

gboolean
stp_bluez_station_suspect(StpBluezStation *self, const char *pen)
{
	return stp_bluez_ceiling_suspect(&self->ceiling, pen, self->links->len, stp_clock_monotonic());
}

void
stp_bluez_station_refused(StpBluezStation *self)
{
	if (!stp_bluez_ceiling_refused(&self->ceiling, self->links->len, stp_clock_monotonic()))
		return;
	stp_notice("link", NULL,
		   "Adapter %s carries no more than %u connections at once; the other pens wait their turn. A second "
		   "adapter would carry more.",
		   stp_bluez_station_get_address(self), self->ceiling.value);
	set_ceiling(self);
}

/* ---- sleep ---- */

/* As the pen would see it: the syncs learn that the link was lost, and come back to it. */
static void
end_links(StpBluezStation *self)
{
	for (guint i = 0; i < self->links->len; i++) {
		g_autoptr(GDBusProxy) device =
			stp_bluez_sightings_find_device(self->sightings, stp_link_get_address(self->links->pdata[i]));

		if (device != NULL)
			g_dbus_proxy_call(device, "Disconnect", NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL,
					  NULL);
	}
}

void
stp_bluez_station_set_asleep(StpBluezStation *self, gboolean asleep)
{
	if (asleep)
		end_links(self);
	self->asleep = asleep;
	on_lease_changed(self);
}

/* ---- telling ---- */

const char *
stp_bluez_station_get_lease_holder(StpBluezStation *self)
{
	return stp_adapter_lease_get_holder(self->lease);
}

void
stp_bluez_station_count(StpBluezStation *self, StpLinkClass class)
{
	self->errors[class]++;
	tell_change(self);
}

void
stp_bluez_station_recount(StpBluezStation *self, StpLinkClass from, guint count, StpLinkClass class)
{
	self->errors[from] -= MIN(count, self->errors[from]);
	stp_bluez_station_count(self, class);
}

static gboolean
is_ours(StpBluezStation *self, GDBusProxy *device)
{
	g_autofree char *address = stp_bluez_get_string(device, "Address");

	for (guint i = 0; i < self->links->len; i++) {
		if (g_strcmp0(stp_link_get_address(self->links->pdata[i]), address) == 0)
			return TRUE;
	}
	return FALSE;
}

static guint
count_foreign_links(StpBluezStation *self)
{
	const char *path = stp_bluez_adapter_get_seen_path(self->adapter);
	g_autoptr(GPtrArray) devices = stp_bluez_client_list(self->client, STP_BLUEZ_IFACE_DEVICE);
	guint count = 0;

	for (guint i = 0; i < devices->len; i++) {
		g_autofree char *adapter = stp_bluez_get_string(devices->pdata[i], "Adapter");

		if (g_strcmp0(adapter, path) == 0 && stp_bluez_is_connected(devices->pdata[i]) &&
		    !is_ours(self, devices->pdata[i]))
			count++;
	}
	/* Of what is up beside our links, what we are setting up is ours. */
	return count - MIN(count, stp_bluez_queue_get_busy(self->slots) -
					  MIN(stp_bluez_queue_get_busy(self->slots), self->links->len));
}

StpAdapterReport *
stp_bluez_station_report(StpBluezStation *self)
{
	StpAdapterReport *report = g_new0(StpAdapterReport, 1);

	report->address = g_strdup(stp_bluez_station_get_address(self));
	report->path = g_strdup(stp_bluez_adapter_get_seen_path(self->adapter));
	report->state = stp_bluez_client_get_state(self->client) == STP_BLUEZ_PRESENT
				? stp_bluez_station_get_state(self)
				: STP_RADIO_NO_BLUETOOTH;
	report->lease_holder = g_strdup(stp_adapter_lease_get_holder(self->lease));
	report->links = stp_bluez_queue_get_busy(self->slots);
	report->ceiling = self->ceiling.value;
	report->waiting = stp_bluez_queue_get_waiting(self->slots);
	report->scan_mode = stp_bluez_scanner_get_mode(self->scanner);
	report->scan_why = g_strdup(stp_bluez_scanner_get_why(self->scanner));
	report->discovering = stp_bluez_scanner_is_discovering(self->scanner);
	report->silent = stp_bluez_watchdog_is_silent(self->watchdog);
	report->foreign_discovery = stp_bluez_scanner_sees_foreign(self->scanner);
	report->foreign_links = count_foreign_links(self);
	memcpy(report->errors, self->errors, sizeof report->errors);
	return report;
}

static void
stp_bluez_station_dispose(GObject *object)
{
	StpBluezStation *self = STP_BLUEZ_STATION(object);

	for (guint i = 0; self->links != NULL && i < self->links->len; i++) {
		g_signal_handlers_disconnect_by_data(self->links->pdata[i], self);
		g_object_weak_unref(self->links->pdata[i], on_link_gone, self);
	}
	g_clear_pointer(&self->links, g_ptr_array_unref);
	g_clear_pointer(&self->turns, stp_bluez_queue_free);
	g_clear_pointer(&self->slots, stp_bluez_queue_free);
	g_clear_object(&self->watchdog);
	g_clear_object(&self->scanner);
	g_clear_object(&self->sightings);
	g_clear_object(&self->monitor);
	g_clear_object(&self->lease);
	g_clear_object(&self->adapter);
	g_clear_object(&self->client);
	G_OBJECT_CLASS(stp_bluez_station_parent_class)->dispose(object);
}

static void
stp_bluez_station_class_init(StpBluezStationClass *class)
{
	G_OBJECT_CLASS(class)->dispose = stp_bluez_station_dispose;
	signals[SIGHTING] = g_signal_new("sighting", STP_TYPE_BLUEZ_STATION, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
					 G_TYPE_NONE, 1, STP_TYPE_SIGHTING | G_SIGNAL_TYPE_STATIC_SCOPE);
	signals[CHANGED] = g_signal_new("changed", STP_TYPE_BLUEZ_STATION, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
					G_TYPE_NONE, 0);
	signals[ROOM_CHANGED] = g_signal_new("room-changed", STP_TYPE_BLUEZ_STATION, G_SIGNAL_RUN_LAST, 0, NULL,
					     NULL, NULL, G_TYPE_NONE, 0);
}

static void
stp_bluez_station_init(StpBluezStation *self)
{
	self->links = g_ptr_array_new();
}
