/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bluez-stations.h"

#include "bluez-route.h"
#include "log.h"
#include "sleep-guard.h"

#include <string.h>

struct _StpBluezStations {
	GObject parent;
	StpBluezClient *client;
	GPtrArray *wanted;	/* char *: addresses, or hciN as long as none was seen there; NULL: all */
	char *lease_directory;
	StpRadioMemory *memory;
	GPtrArray *all;		/* StpBluezStation, in the order of the addresses */
	GHashTable *last;	/* pen -> StpBluezStation, not owned: that of its last connection */
	GHashTable *left_up;	/* pen -> GDBusProxy, its device: connected since its pairing, and nobody's link */
	gboolean started, unwatched;
	StpSleepGuard *guard;
};

G_DEFINE_FINAL_TYPE(StpBluezStations, stp_bluez_stations, G_TYPE_OBJECT)

enum { SIGHTING, CHANGED, ROOM_CHANGED, SIGNAL_COUNT };
static guint signals[SIGNAL_COUNT];

/* ---- which adapters ---- */

static gboolean
is_wanted(StpBluezStations *self, GDBusProxy *adapter, const char *address)
{
	const char *name = strrchr(g_dbus_proxy_get_object_path(adapter), '/') + 1;

	for (guint i = 0; self->wanted != NULL && i < self->wanted->len; i++) {
		if (g_ascii_strcasecmp(self->wanted->pdata[i], address) == 0)
			return TRUE;
		if (strcmp(self->wanted->pdata[i], name) == 0) {
			/* From now on it is this one, wherever it will be plugged in. */
			g_free(self->wanted->pdata[i]);
			self->wanted->pdata[i] = g_strdup(address);
			return TRUE;
		}
	}
	return self->wanted == NULL;
}

static StpBluezStation *
find(StpBluezStations *self, const char *address)
{
	for (guint i = 0; i < self->all->len; i++) {
		if (g_ascii_strcasecmp(stp_bluez_station_get_address(self->all->pdata[i]), address) == 0)
			return self->all->pdata[i];
	}
	return NULL;
}

/* Of one pen, what all adapters together know.  The caller's; NULL: nothing. */
static StpSighting *
put_together(StpBluezStations *self, const char *address)
{
	StpSighting *whole = NULL;

	for (guint i = 0; i < self->all->len; i++) {
		StpBluezStation *station = self->all->pdata[i];
		const StpSighting *part = stp_bluez_sightings_find(stp_bluez_station_get_sightings(station), address);
		StpSighting *newer;

		if (part == NULL || part->last_seen == 0)
			continue;
		if (whole == NULL) {
			whole = stp_sighting_copy(part);
			continue;
		}
		newer = part->last_seen > whole->last_seen ? stp_sighting_copy(part) : stp_sighting_copy(whole);
		newer->bonded = part->bonded || whole->bonded;
		newer->in_sight = part->in_sight || whole->in_sight;
		if (part->in_sight && whole->in_sight && part->rssi != 127 && whole->rssi != 127)
			newer->rssi = MAX(part->rssi, whole->rssi);
		stp_sighting_free(whole);
		whole = newer;
	}
	return whole;
}

/* BlueZ' word on where the bond is, when it has one. */
static void
note_bond(StpBluezStations *self, StpBluezStation *station, const StpSighting *sighting)
{
	const char *address = stp_bluez_station_get_address(station);
	g_autofree char *known = NULL;

	if (sighting->bonded) {
		stp_radio_memory_put_bond(self->memory, sighting->address, address);
		return;
	}
	known = stp_radio_memory_get_bond(self->memory, sighting->address);
	if (g_strcmp0(known, address) == 0 && stp_bluez_station_is_usable(station))
		stp_radio_memory_put_bond(self->memory, sighting->address, NULL);
}

static void
on_sighting(StpBluezStation *station, const StpSighting *part, StpBluezStations *self)
{
	g_autoptr(StpSighting) whole = NULL;

	note_bond(self, station, part);
	whole = put_together(self, part->address);
	if (whole != NULL)
		g_signal_emit(self, signals[SIGHTING], 0, whole);
}

/* Sleep is kept waiting only while there is a link to end in order. */
static void
guard_links(StpBluezStations *self)
{
	guint links = 0;

	for (guint i = 0; i < self->all->len; i++)
		links += stp_bluez_station_get_links(self->all->pdata[i]);
	stp_sleep_guard_hold(self->guard, links > 0);
}

static void
on_sleep(StpBluezStations *self, gboolean begins)
{
	for (guint i = 0; i < self->all->len; i++)
		stp_bluez_station_set_asleep(self->all->pdata[i], begins);
}

static void
on_changed(StpBluezStations *self)
{
	guard_links(self);
	g_signal_emit(self, signals[CHANGED], 0);
}

static void
on_room_changed(StpBluezStations *self)
{
	g_signal_emit(self, signals[ROOM_CHANGED], 0);
}

static int
compare(gconstpointer a, gconstpointer b)
{
	return strcmp(stp_bluez_station_get_address(*(StpBluezStation *const *)a),
		      stp_bluez_station_get_address(*(StpBluezStation *const *)b));
}

static void
look_at(StpBluezStations *self, GDBusProxy *adapter)
{
	g_autofree char *address = stp_bluez_get_string(adapter, "Address");
	StpBluezStation *station;

	/* A controller that is not set up yet has none. */
	if (address == NULL || strcmp(address, "00:00:00:00:00:00") == 0 || find(self, address) != NULL ||
	    !is_wanted(self, adapter, address))
		return;
	station = stp_bluez_station_new(self->client, address, self->lease_directory, self->memory);
	g_ptr_array_add(self->all, station);
	g_ptr_array_sort(self->all, compare);
	g_signal_connect_object(station, "sighting", G_CALLBACK(on_sighting), self, 0);
	g_signal_connect_object(station, "changed", G_CALLBACK(on_changed), self, G_CONNECT_SWAPPED);
	g_signal_connect_object(station, "room-changed", G_CALLBACK(on_room_changed), self, G_CONNECT_SWAPPED);
	stp_bluez_scanner_watch(stp_bluez_station_get_scanner(station), !self->unwatched);
	if (self->started)
		stp_bluez_station_start(station);
	on_changed(self);
	on_room_changed(self);
}

static void
look_at_all(StpBluezStations *self)
{
	g_autoptr(GPtrArray) adapters = stp_bluez_client_list(self->client, STP_BLUEZ_IFACE_ADAPTER);

	for (guint i = 0; i < adapters->len; i++)
		look_at(self, adapters->pdata[i]);
	on_changed(self);
}

static void
on_interface_added(StpBluezClient *client, GDBusProxy *proxy, StpBluezStations *self)
{
	if (stp_bluez_is(proxy, STP_BLUEZ_IFACE_ADAPTER))
		look_at(self, proxy);
}

StpBluezStations *
stp_bluez_stations_new(StpBluezClient *client, const char *const *wanted, const char *lease_directory,
		       const char *memory)
{
	StpBluezStations *self = g_object_new(STP_TYPE_BLUEZ_STATIONS, NULL);

	self->client = g_object_ref(client);
	self->lease_directory = g_strdup(lease_directory);
	self->memory = stp_radio_memory_new(memory);
	if (wanted != NULL && wanted[0] != NULL) {
		self->wanted = g_ptr_array_new_with_free_func(g_free);
		for (guint i = 0; wanted[i] != NULL; i++)
			g_ptr_array_add(self->wanted, g_strdup(wanted[i]));
	}
	self->guard = stp_sleep_guard_new(stp_bluez_client_get_connection(client));
	g_signal_connect_object(self->guard, "sleep", G_CALLBACK(on_sleep), self, G_CONNECT_SWAPPED);
	/* Stations that are there already have heard of each change before. */
	g_signal_connect_object(client, "state-changed", G_CALLBACK(look_at_all), self,
				G_CONNECT_SWAPPED | G_CONNECT_AFTER);
	g_signal_connect_object(client, "interface-added", G_CALLBACK(on_interface_added), self, G_CONNECT_AFTER);
	return self;
}

void
stp_bluez_stations_start(StpBluezStations *self)
{
	self->started = TRUE;
	for (guint i = 0; i < self->all->len; i++)
		stp_bluez_station_start(self->all->pdata[i]);
}

void
stp_bluez_stations_watch(StpBluezStations *self, gboolean watching)
{
	self->unwatched = !watching;
	for (guint i = 0; i < self->all->len; i++)
		stp_bluez_scanner_watch(stp_bluez_station_get_scanner(self->all->pdata[i]), watching);
}

GPtrArray *
stp_bluez_stations_get_all(StpBluezStations *self)
{
	return self->all;
}

/* ---- what they tell ---- */

/* The higher, the better. */
static int
rank(StpRadioState state)
{
	static const StpRadioState order[] = {
		STP_RADIO_NO_ADAPTER, STP_RADIO_POWERED_OFF, STP_RADIO_IN_USE,	 STP_RADIO_DENIED,
		STP_RADIO_FAILED,     STP_RADIO_STARTING,    STP_RADIO_SCANNING,
	};

	for (guint i = 0; i < G_N_ELEMENTS(order); i++) {
		if (order[i] == state)
			return (int)i;
	}
	return -1;
}

StpRadioState
stp_bluez_stations_get_state(StpBluezStations *self)
{
	StpRadioState best = STP_RADIO_NO_ADAPTER;

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
	for (guint i = 0; i < self->all->len; i++) {
		StpRadioState state = stp_bluez_station_get_state(self->all->pdata[i]);

		if (rank(state) > rank(best))
			best = state;
	}
	return best;
}

guint
stp_bluez_stations_get_links_at_once(StpBluezStations *self)
{
	guint sum = 0;

	for (guint i = 0; i < self->all->len; i++)
		sum += stp_bluez_station_is_usable(self->all->pdata[i])
			       ? stp_bluez_station_get_ceiling(self->all->pdata[i])
			       : 0;
	return MAX(sum, 1);
}

GPtrArray *
stp_bluez_stations_list_sightings(StpBluezStations *self)
{
	GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)stp_sighting_free);
	g_autoptr(GHashTable) done = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

	for (guint i = 0; i < self->all->len; i++) {
		g_autoptr(GPtrArray) part =
			stp_bluez_sightings_list(stp_bluez_station_get_sightings(self->all->pdata[i]));

		for (guint j = 0; j < part->len; j++) {
			const StpSighting *sighting = part->pdata[j];
			StpSighting *whole = NULL;

			if (g_hash_table_add(done, g_strdup(sighting->address)))
				whole = put_together(self, sighting->address);
			if (whole != NULL)
				g_ptr_array_add(list, whole);
		}
	}
	return list;
}

/* ---- which of them ---- */

static gboolean
is_in(GPtrArray *list, gpointer item)
{
	return list != NULL && g_ptr_array_find(list, item, NULL);
}

static StpBluezCandidate
judge(StpBluezStations *self, StpBluezStation *station, const char *pen, GPtrArray *failed)
{
	const StpSighting *sighting = stp_bluez_sightings_find(stp_bluez_station_get_sightings(station), pen);

	return (StpBluezCandidate){
		.knows = sighting != NULL && stp_bluez_station_is_usable(station),
		.bonded = sighting != NULL && sighting->bonded,
		.hears = sighting != NULL && sighting->in_sight,
		.room = stp_bluez_station_has_room(station),
		.failed = is_in(failed, station),
		.last = g_hash_table_lookup(self->last, pen) == station,
		.rssi = sighting != NULL ? sighting->rssi : 127,
	};
}

/* "stippled, process 4711"; as the lease has it, which any program that takes one writes there. */
static const char *
holder_of_lease(StpBluezStations *self)
{
	const char *holder = NULL;

	for (guint i = 0; holder == NULL && i < self->all->len; i++)
		holder = stp_bluez_station_get_lease_holder(self->all->pdata[i]);
	return holder != NULL ? holder : "another program";
}

static GError *
why_none(StpBluezStations *self, const char *pen)
{
	StpRadioState state = stp_bluez_stations_get_state(self);
	const char *hint = stp_radio_state_hint(state);

	switch (state) {
	case STP_RADIO_NO_BLUETOOTH:
		return g_error_new(STP_ERROR, STP_ERROR_NO_BLUETOOTH, "The Bluetooth service does not run.  %s", hint);
	case STP_RADIO_NO_ADAPTER:
		return g_error_new(STP_ERROR, STP_ERROR_NO_ADAPTER, "There is no Bluetooth adapter.  %s", hint);
	case STP_RADIO_POWERED_OFF:
		return g_error_new(STP_ERROR, STP_ERROR_NO_ADAPTER, "The Bluetooth adapter is off.  %s", hint);
	case STP_RADIO_IN_USE:
		return g_error_new(STP_ERROR, STP_ERROR_NO_ADAPTER, "The Bluetooth adapter is in use by %s. %s",
				   holder_of_lease(self), hint);
	case STP_RADIO_DENIED:
		return g_error_new(STP_ERROR, STP_ERROR_DENIED,
				   "The system bus does not let Stipple use Bluetooth.  %s", hint);
	case STP_RADIO_STARTING:
	case STP_RADIO_SCANNING:
	case STP_RADIO_FAILED:
		break;
	}
	if (stp_bluez_client_get_state(self->client) != STP_BLUEZ_PRESENT)
		return g_error_new(STP_ERROR, STP_ERROR_NO_BLUETOOTH,
				   "Bluetooth is not ready yet. Try again in a moment.");
	return g_error_new(STP_ERROR, STP_ERROR_NOT_FOUND,
			   "No pen %s has been heard. Switch it on, bring it closer, and try again.", pen);
}

/* Without the bond the pen would refuse its log, and BlueZ would try to pair by itself. */
static GError *
why_not_without_bond(StpBluezStations *self, const char *pen)
{
	g_autofree char *holder = stp_radio_memory_get_bond(self->memory, pen);
	StpBluezStation *station = holder != NULL ? find(self, holder) : NULL;

	if (holder == NULL || (station != NULL && stp_bluez_station_is_usable(station)))
		return NULL;
	return g_error_new(STP_ERROR, STP_ERROR_NO_ADAPTER,
			   "The pen %s is paired with the Bluetooth adapter %s, which %s. Bring that one back, or pair "
			   "the pen again with 'stipplectl pens repair'.",
			   pen, holder,
			   station == NULL || stp_bluez_station_get_state(station) == STP_RADIO_NO_ADAPTER
				   ? "is not plugged in"
			   : stp_bluez_station_get_state(station) == STP_RADIO_POWERED_OFF ? "is off"
											    : "is not ours to use");
}

StpBluezStation *
stp_bluez_stations_route(StpBluezStations *self, const char *pen, GPtrArray *failed, gboolean pairing,
			 GError **error)
{
	g_autofree StpBluezCandidate *candidates = g_new0(StpBluezCandidate, self->all->len);
	GError *why = NULL;
	int best;

	for (guint i = 0; i < self->all->len; i++)
		candidates[i] = judge(self, self->all->pdata[i], pen, failed);
	best = stp_bluez_route(candidates, self->all->len);
	if (best < 0)
		why = why_none(self, pen);
	else if (!pairing && !candidates[best].bonded)
		why = why_not_without_bond(self, pen);
	if (why == NULL)
		return self->all->pdata[best];
	g_propagate_error(error, why);
	return NULL;
}

void
stp_bluez_stations_reached(StpBluezStations *self, const char *pen, StpBluezStation *station)
{
	if (g_hash_table_lookup(self->last, pen) != station)
		stp_debug("link", pen, "connected over adapter %s", stp_bluez_station_get_address(station));
	g_hash_table_replace(self->last, g_strdup(pen), station);
}

void
stp_bluez_stations_leave_up(StpBluezStations *self, const char *pen, GDBusProxy *device)
{
	g_hash_table_replace(self->left_up, g_strdup(pen), g_object_ref(device));
}

GDBusProxy *
stp_bluez_stations_take_up(StpBluezStations *self, const char *pen)
{
	g_autoptr(GDBusProxy) device = NULL;
	g_autofree char *key = NULL;

	if (!g_hash_table_steal_extended(self->left_up, pen, (gpointer *)&key, (gpointer *)&device) ||
	    !stp_bluez_is_connected(device))
		return NULL;
	return g_steal_pointer(&device);
}

StpBluezStation *
stp_bluez_stations_last(StpBluezStations *self, const char *pen)
{
	return g_hash_table_lookup(self->last, pen);
}

void
stp_bluez_stations_forget(StpBluezStations *self, const char *pen)
{
	stp_radio_memory_put_bond(self->memory, pen, NULL);
}

static void
stp_bluez_stations_dispose(GObject *object)
{
	StpBluezStations *self = STP_BLUEZ_STATIONS(object);

	g_clear_object(&self->guard);
	g_clear_pointer(&self->last, g_hash_table_unref);
	g_clear_pointer(&self->left_up, g_hash_table_unref);
	g_clear_pointer(&self->all, g_ptr_array_unref);
	g_clear_pointer(&self->memory, stp_radio_memory_free);
	g_clear_pointer(&self->wanted, g_ptr_array_unref);
	g_clear_pointer(&self->lease_directory, g_free);
	g_clear_object(&self->client);
	G_OBJECT_CLASS(stp_bluez_stations_parent_class)->dispose(object);
}

static void
stp_bluez_stations_class_init(StpBluezStationsClass *class)
{
	G_OBJECT_CLASS(class)->dispose = stp_bluez_stations_dispose;
	signals[SIGHTING] = g_signal_new("sighting", STP_TYPE_BLUEZ_STATIONS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
					 G_TYPE_NONE, 1, STP_TYPE_SIGHTING | G_SIGNAL_TYPE_STATIC_SCOPE);
	signals[CHANGED] = g_signal_new("changed", STP_TYPE_BLUEZ_STATIONS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
					G_TYPE_NONE, 0);
	signals[ROOM_CHANGED] = g_signal_new("room-changed", STP_TYPE_BLUEZ_STATIONS, G_SIGNAL_RUN_LAST, 0, NULL,
					     NULL, NULL, G_TYPE_NONE, 0);
}

static void
stp_bluez_stations_init(StpBluezStations *self)
{
	self->all = g_ptr_array_new_with_free_func(g_object_unref);
	self->last = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	self->left_up = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_object_unref);
}
