/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bluez-sightings.h"

#include "bluez-timing.h"
#include "clock.h"
#include "log.h"

#include <string.h>

struct pen {
	char *path;
	StpSighting sighting;	/* last_seen 0: only in BlueZ' cache so far */
	char *former;		/* the address before bonding told the true one, or NULL */
	gboolean connected;
	gboolean watched;	/* BlueZ hears it, and will say when it does not any more */
	gboolean in_sight;	/* as last told */
	gboolean gone;		/* BlueZ has no object of it any more */
	gboolean kept;		/* it was bonded: never left out to save room */
	guint telling;		/* signals under way that name it */
	gint64 heard;		/* monotonic, at last_seen: people's clock may be set meanwhile */
	gint64 told;		/* monotonic, of the last signal */
};

struct _StpBluezSightings {
	GObject parent;
	StpBluezClient *client;
	StpBluezAdapter *adapter;
	GHashTable *pens;	/* path -> struct pen */
	guint timer;		/* of the next reminder, or the next pen to go out of sight */
};

G_DEFINE_FINAL_TYPE(StpBluezSightings, stp_bluez_sightings, G_TYPE_OBJECT)

static guint sighting_signal;

static void
free_pen(gpointer data)
{
	struct pen *pen = data;

	g_free(pen->path);
	g_free(pen->former);
	g_free(pen->sighting.address);
	g_free(pen->sighting.name);
	g_free(pen);
}

static GVariant *
get_service_data(GDBusProxy *device)
{
	g_autoptr(GVariant) all = g_dbus_proxy_get_cached_property(device, "ServiceData");

	return all != NULL && g_variant_is_of_type(all, G_VARIANT_TYPE_VARDICT)
		       ? g_variant_lookup_value(all, STP_UUID_SERVICE, G_VARIANT_TYPE_BYTESTRING)
		       : NULL;
}

static gboolean
has_vendor_uuid(GDBusProxy *device)
{
	g_autoptr(GVariant) all = g_dbus_proxy_get_cached_property(device, "UUIDs");
	g_autofree const char **uuids = NULL;

	if (all == NULL || !g_variant_is_of_type(all, G_VARIANT_TYPE_STRING_ARRAY))
		return FALSE;
	uuids = g_variant_get_strv(all, NULL);
	for (gsize i = 0; uuids[i] != NULL; i++) {
		if (g_ascii_strcasecmp(uuids[i], STP_UUID_SERVICE) == 0)
			return TRUE;
	}
	return FALSE;
}

static gboolean
is_pen(GDBusProxy *device)
{
	g_autoptr(GVariant) data = get_service_data(device);

	return data != NULL || has_vendor_uuid(device);
}

static gboolean
is_on_our_adapter(StpBluezSightings *self, GDBusProxy *device)
{
	g_autofree char *adapter = stp_bluez_get_string(device, "Adapter");

	return adapter != NULL && g_strcmp0(adapter, stp_bluez_adapter_get_path(self->adapter)) == 0;
}

static gboolean
take_string(char **kept, char *value)
{
	if (value == NULL || g_strcmp0(*kept, value) == 0) {
		g_free(value);
		return FALSE;
	}
	g_free(*kept);
	*kept = value;
	return TRUE;
}

static gboolean
take_status(StpSighting *sighting, GDBusProxy *device)
{
	g_autoptr(GVariant) data = get_service_data(device);
	const guint8 *bytes;
	struct stp_advert status;
	gboolean differs;
	gsize size;

	if (data == NULL)
		return FALSE;
	bytes = g_variant_get_fixed_array(data, &size, 1);
	if (stp_advert_decode(bytes, size, &status) != STP_OK)
		return FALSE;
	differs = !sighting->has_status || sighting->status.flags != status.flags ||
		  sighting->status.slots_with_news != status.slots_with_news ||
		  sighting->status.newest_record != status.newest_record ||
		  sighting->status.boot_counter != status.boot_counter ||
		  sighting->status.battery_percent != status.battery_percent ||
		  sighting->status.epoch_low != status.epoch_low;
	sighting->has_status = TRUE;
	sighting->status = status;
	return differs;
}

/* ---- telling ---- */

static void set_timer(StpBluezSightings *self);

static gint64
goes_out_of_sight(const struct pen *pen)
{
	return pen->heard + STP_BLUEZ_IN_SIGHT * G_TIME_SPAN_MILLISECOND;
}

static void
hear(struct pen *pen)
{
	pen->heard = stp_clock_monotonic();
	pen->sighting.last_seen = stp_clock_wall();
}

static gboolean
is_in_sight(const struct pen *pen)
{
	return pen->connected || pen->watched ||
	       (pen->sighting.last_seen != 0 && stp_clock_monotonic() < goes_out_of_sight(pen));
}

static void
tell(StpBluezSightings *self, struct pen *pen, gboolean news)
{
	gint64 now = stp_clock_monotonic();
	gboolean in_sight = is_in_sight(pen);

	if (!news && pen->told != 0 && in_sight == pen->in_sight &&
	    now - pen->told < STP_BLUEZ_SIGHTING_INTERVAL * G_TIME_SPAN_MILLISECOND)
		return;
	pen->told = now;
	pen->in_sight = pen->sighting.in_sight = in_sight;
	if (self->timer == 0)
		set_timer(self);
	pen->telling++;
	g_signal_emit(self, sighting_signal, 0, &pen->sighting);
	pen->telling--;
}

/*
 * Who is watched, or stays connected, gives no sign of life on the bus as long as nothing changes;
 * who listens to sightings is told all the same, so that it need not know how we scan.
 */
static void
review(StpBluezSightings *self, struct pen *pen)
{
	gint64 due = pen->told + STP_BLUEZ_SIGHTING_REMINDER * G_TIME_SPAN_MILLISECOND;

	if (pen->watched || pen->connected)
		hear(pen);
	if (pen->in_sight && (!is_in_sight(pen) || stp_clock_monotonic() >= due))
		tell(self, pen, TRUE);
}

static gboolean
on_timer(gpointer user_data)
{
	StpBluezSightings *self = user_data;
	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
	GHashTableIter iter;
	gpointer path;

	self->timer = 0;
	/* While they are told a pen may be added to the table, and another one leave it for that. */
	g_hash_table_iter_init(&iter, self->pens);
	while (g_hash_table_iter_next(&iter, &path, NULL))
		g_ptr_array_add(paths, g_strdup(path));
	for (guint i = 0; i < paths->len; i++) {
		struct pen *pen = g_hash_table_lookup(self->pens, paths->pdata[i]);

		if (pen != NULL)
			review(self, pen);
	}
	set_timer(self);
	return G_SOURCE_REMOVE;
}

/* There is something to wake up for only while there is a pen in sight. */
static void
set_timer(StpBluezSightings *self)
{
	gint64 next = G_MAXINT64;
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, self->pens);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct pen *pen = value;
		gint64 reminder = pen->told + STP_BLUEZ_SIGHTING_REMINDER * G_TIME_SPAN_MILLISECOND;

		if (!pen->in_sight)
			continue;
		next = MIN(next, reminder - stp_clock_monotonic());
		if (!pen->watched && !pen->connected)
			next = MIN(next, goes_out_of_sight(pen) - stp_clock_monotonic());
	}
	g_clear_handle_id(&self->timer, g_source_remove);
	if (next != G_MAXINT64)
		self->timer = stp_clock_add((guint)(MAX(next, 0) / G_TIME_SPAN_MILLISECOND) + 1, on_timer, self);
}

/* ---- what BlueZ shows ---- */

/* Whether anything but the signal strength is new. */
static gboolean
take_properties(struct pen *pen, GDBusProxy *device)
{
	StpSighting *sighting = &pen->sighting;
	g_autofree char *before = g_strdup(sighting->address);
	gboolean connected = stp_bluez_is_connected(device);
	gboolean bonded = stp_bluez_is_bonded(device);
	gboolean news = connected != pen->connected || bonded != sighting->bonded;

	pen->connected = connected;
	pen->gone = FALSE;
	pen->kept |= bonded;
	sighting->bonded = bonded;
	sighting->rssi = stp_bluez_get_int16(device, "RSSI", 127);
	news |= take_string(&sighting->name, stp_bluez_get_string(device, "Name"));
	if (take_string(&sighting->address, stp_bluez_get_string(device, "Address"))) {
		news = TRUE;
		take_string(&pen->former, g_steal_pointer(&before));
	}
	return take_status(sighting, device) || news;
}

/* Who is wanted least: those that BlueZ has forgotten, then those that were not heard for longest. */
static gboolean
is_wanted_less(const struct pen *pen, const struct pen *other)
{
	if (pen->gone != other->gone)
		return pen->gone;
	return pen->heard < other->heard;
}

/* Addresses cost an attacker nothing, and a pen that hides behind ever new ones does no better. */
static void
make_room(StpBluezSightings *self)
{
	GHashTableIter iter;
	struct pen *least = NULL;
	gpointer value;

	if (g_hash_table_size(self->pens) < STP_BLUEZ_SIGHTINGS_MOST)
		return;
	g_hash_table_iter_init(&iter, self->pens);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct pen *pen = value;

		if (!pen->kept && !pen->connected && pen->telling == 0 &&
		    (least == NULL || is_wanted_less(pen, least)))
			least = pen;
	}
	if (least != NULL)
		g_hash_table_remove(self->pens, least->path);
}

static struct pen *
find_or_add(StpBluezSightings *self, GDBusProxy *device)
{
	const char *path = g_dbus_proxy_get_object_path(device);
	struct pen *pen = g_hash_table_lookup(self->pens, path);

	/* After a replug another adapter may stand at the path that was ours. */
	if (!is_on_our_adapter(self, device))
		return NULL;
	if (pen != NULL || !is_pen(device))
		return pen;
	make_room(self);
	pen = g_new0(struct pen, 1);
	pen->path = g_strdup(path);
	pen->sighting.address = stp_bluez_get_string(device, "Address");
	g_hash_table_insert(self->pens, pen->path, pen);
	return pen;
}

static void
look_at(StpBluezSightings *self, GDBusProxy *device, gboolean heard)
{
	struct pen *pen = find_or_add(self, device);
	gboolean news, first;

	if (pen == NULL || pen->sighting.address == NULL)
		return;
	news = take_properties(pen, device);
	first = pen->sighting.last_seen == 0;
	if (heard || pen->connected)
		hear(pen);
	if (pen->sighting.last_seen == 0)
		return;
	if (first)
		/* Not by its name: that may be anything, a person's as well. */
		stp_debug("link", pen->sighting.address, "heard for the first time, %d dBm", pen->sighting.rssi);
	if (heard || news)
		tell(self, pen, news || first);
}

static void
on_interface_added(StpBluezClient *client, GDBusProxy *proxy, StpBluezSightings *self)
{
	/* BlueZ shows RSSI only while it hears the device. */
	if (stp_bluez_is(proxy, STP_BLUEZ_IFACE_DEVICE))
		look_at(self, proxy, stp_bluez_has(proxy, "RSSI"));
}

/* Its object is gone; that it is back will be news. */
static void
forget_connection(struct pen *pen)
{
	pen->connected = FALSE;
	pen->watched = FALSE;
	pen->sighting.bonded = FALSE;
	pen->told = 0;
}

static void
on_interface_removed(StpBluezClient *client, GDBusProxy *proxy, StpBluezSightings *self)
{
	struct pen *pen = g_hash_table_lookup(self->pens, g_dbus_proxy_get_object_path(proxy));

	if (pen == NULL || !stp_bluez_is(proxy, STP_BLUEZ_IFACE_DEVICE))
		return;
	forget_connection(pen);
	pen->gone = TRUE;
}

static gboolean
has_key(GVariant *changed, const char *key)
{
	g_autoptr(GVariant) value = g_variant_lookup_value(changed, key, NULL);

	return value != NULL;
}

static void
on_properties(StpBluezClient *client, GDBusProxy *proxy, GVariant *changed, StpBluezSightings *self)
{
	if (stp_bluez_is(proxy, STP_BLUEZ_IFACE_DEVICE))
		look_at(self, proxy, has_key(changed, "RSSI") || has_key(changed, "ServiceData"));
}

static void
look_at_all(StpBluezSightings *self)
{
	g_autoptr(GPtrArray) devices = stp_bluez_client_list(self->client, STP_BLUEZ_IFACE_DEVICE);
	GDBusProxy *adapter = stp_bluez_adapter_get(self->adapter);
	gboolean discovering;

	if (adapter == NULL)
		return;
	/* BlueZ takes the RSSI away when a discovery ends, but what a monitor heard stays for ever. */
	discovering = stp_bluez_get_boolean(adapter, "Discovering");
	for (guint i = 0; i < devices->len; i++)
		look_at(self, devices->pdata[i], discovering && stp_bluez_has(devices->pdata[i], "RSSI"));
}

void
stp_bluez_sightings_look(StpBluezSightings *self)
{
	look_at_all(self);
}

static void
on_adapter_changed(StpBluezSightings *self)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, self->pens);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		forget_connection(value);
	look_at_all(self);
}

StpBluezSightings *
stp_bluez_sightings_new(StpBluezClient *client, StpBluezAdapter *adapter)
{
	StpBluezSightings *self = g_object_new(STP_TYPE_BLUEZ_SIGHTINGS, NULL);

	self->client = g_object_ref(client);
	self->adapter = g_object_ref(adapter);
	g_signal_connect_object(client, "interface-added", G_CALLBACK(on_interface_added), self, 0);
	g_signal_connect_object(client, "interface-removed", G_CALLBACK(on_interface_removed), self, 0);
	g_signal_connect_object(client, "properties-changed", G_CALLBACK(on_properties), self, 0);
	g_signal_connect_object(adapter, "changed", G_CALLBACK(on_adapter_changed), self, G_CONNECT_SWAPPED);
	return self;
}

/* ---- passive scanning ---- */

static void
on_found(StpBluezMonitor *monitor, const char *path, StpBluezSightings *self)
{
	g_autoptr(GDBusProxy) device = stp_bluez_client_find(self->client, path, STP_BLUEZ_IFACE_DEVICE);
	struct pen *pen = device != NULL ? find_or_add(self, device) : NULL;

	if (pen == NULL)
		return;
	pen->watched = TRUE;
	look_at(self, device, TRUE);
}

static void
on_lost(StpBluezMonitor *monitor, const char *path, StpBluezSightings *self)
{
	struct pen *pen = g_hash_table_lookup(self->pens, path);

	if (pen == NULL || !pen->watched)
		return;
	pen->watched = FALSE;
	/* BlueZ waited as long as we do: what it was heard by other means since is all that counts. */
	if (!pen->connected) {
		pen->sighting.last_seen = MIN(pen->sighting.last_seen,
					      stp_clock_wall() - STP_BLUEZ_IN_SIGHT * G_TIME_SPAN_MILLISECOND);
		pen->heard = MIN(pen->heard, stp_clock_monotonic() - STP_BLUEZ_IN_SIGHT * G_TIME_SPAN_MILLISECOND);
	}
	tell(self, pen, TRUE);
}

static void
on_monitor_changed(StpBluezMonitor *monitor, StpBluezSightings *self)
{
	GHashTableIter iter;
	gpointer value;

	if (stp_bluez_monitor_get_state(monitor) == STP_BLUEZ_MONITOR_ACTIVE)
		return;
	/* Nobody will say that they are lost: from now on they must be heard. */
	g_hash_table_iter_init(&iter, self->pens);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct pen *pen = value;

		if (pen->watched)
			hear(pen);
		pen->watched = FALSE;
	}
	set_timer(self);
}

void
stp_bluez_sightings_follow(StpBluezSightings *self, StpBluezMonitor *monitor)
{
	g_signal_connect_object(monitor, "found", G_CALLBACK(on_found), self, 0);
	g_signal_connect_object(monitor, "lost", G_CALLBACK(on_lost), self, 0);
	g_signal_connect_object(monitor, "changed", G_CALLBACK(on_monitor_changed), self, 0);
}

gboolean
stp_bluez_sightings_is_any_in_sight(StpBluezSightings *self)
{
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, self->pens);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		if (is_in_sight(value))
			return TRUE;
	}
	return FALSE;
}

GPtrArray *
stp_bluez_sightings_list(StpBluezSightings *self)
{
	GPtrArray *list = g_ptr_array_new_with_free_func((GDestroyNotify)stp_sighting_free);
	GHashTableIter iter;
	gpointer value;

	g_hash_table_iter_init(&iter, self->pens);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct pen *pen = value;

		if (pen->sighting.last_seen == 0)
			continue;
		if (pen->watched || pen->connected)
			hear(pen);
		pen->sighting.in_sight = is_in_sight(pen);
		g_ptr_array_add(list, stp_sighting_copy(&pen->sighting));
	}
	return list;
}

static struct pen *
find_pen(StpBluezSightings *self, const char *address, const char *below)
{
	GHashTableIter iter;
	struct pen *found = NULL;
	gpointer value;

	/* The newest: a pen that changes its private address may leave an old object behind. */
	g_hash_table_iter_init(&iter, self->pens);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct pen *pen = value;

		if (g_ascii_strcasecmp(pen->sighting.address, address) != 0 &&
		    (pen->former == NULL || g_ascii_strcasecmp(pen->former, address) != 0))
			continue;
		if (below != NULL &&
		    (!g_str_has_prefix(pen->path, below) || pen->path[strlen(below)] != '/'))
			continue;
		if (found == NULL || pen->heard > found->heard)
			found = pen;
	}
	return found;
}

const StpSighting *
stp_bluez_sightings_find(StpBluezSightings *self, const char *address)
{
	const char *adapter = stp_bluez_adapter_get_path(self->adapter);
	struct pen *pen = adapter != NULL ? find_pen(self, address, adapter) : NULL;

	if (pen == NULL)
		pen = find_pen(self, address, NULL);
	if (pen == NULL)
		return NULL;
	pen->sighting.in_sight = is_in_sight(pen);
	return &pen->sighting;
}

GDBusProxy *
stp_bluez_sightings_find_device(StpBluezSightings *self, const char *address)
{
	const char *adapter = stp_bluez_adapter_get_path(self->adapter);
	struct pen *pen = adapter != NULL ? find_pen(self, address, adapter) : NULL;

	return pen != NULL ? stp_bluez_client_find(self->client, pen->path, STP_BLUEZ_IFACE_DEVICE) : NULL;
}

static void
stp_bluez_sightings_finalize(GObject *object)
{
	StpBluezSightings *self = STP_BLUEZ_SIGHTINGS(object);

	g_clear_handle_id(&self->timer, g_source_remove);
	g_hash_table_unref(self->pens);
	g_clear_object(&self->adapter);
	g_clear_object(&self->client);
	G_OBJECT_CLASS(stp_bluez_sightings_parent_class)->finalize(object);
}

static void
stp_bluez_sightings_class_init(StpBluezSightingsClass *class)
{
	G_OBJECT_CLASS(class)->finalize = stp_bluez_sightings_finalize;
	sighting_signal = g_signal_new("sighting", STP_TYPE_BLUEZ_SIGHTINGS, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
				       NULL, G_TYPE_NONE, 1, STP_TYPE_SIGHTING | G_SIGNAL_TYPE_STATIC_SCOPE);
}

static void
stp_bluez_sightings_init(StpBluezSightings *self)
{
	self->pens = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, free_pen);
}
