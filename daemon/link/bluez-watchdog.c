/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bluez-watchdog.h"

#include "bluez-timing.h"
#include "clock.h"
#include "log.h"
#include "power-mark.h"

#include <string.h>

enum stage {
	STAGE_LISTENING,
	STAGE_PROBING,
	STAGE_OFF,	/* the adapter is being switched off, or on again */
	STAGE_PROVING,	/* the last probe, after that */
};

struct _StpBluezWatchdog {
	GObject parent;
	StpBluezClient *client;
	StpBluezAdapter *adapter;
	StpBluezScanner *scanner;
	StpBluezSightings *sightings;
	GDBusProxy *cycled;		/* the adapter that is being switched off and on */
	char *mark;			/* a file that says so; NULL: none is kept */
	gboolean puts_right;		/* switched off by a process before this one */
	GCancellable *calling;
	guint timer;
	gint64 heard;			/* monotonic, microseconds: the last sign of life */
	gboolean expected, silent;
	enum stage stage;
	guint probes, power_tries;
	guint silence_ms, probe_ms, off_ms;
};

G_DEFINE_FINAL_TYPE(StpBluezWatchdog, stp_bluez_watchdog, G_TYPE_OBJECT)

static guint changed_signal;

static void arm(StpBluezWatchdog *self);
static void probe(StpBluezWatchdog *self, enum stage stage);
static void switch_on(StpBluezWatchdog *self);

static const char *
path_of(StpBluezWatchdog *self)
{
	const char *path = stp_bluez_adapter_get_path(self->adapter);

	return path != NULL ? path : "the adapter";
}

static void
set_timer(StpBluezWatchdog *self, guint ms, GSourceFunc function)
{
	g_clear_handle_id(&self->timer, g_source_remove);
	self->timer = stp_clock_add(ms, function, self);
}

static void
set_silent(StpBluezWatchdog *self, gboolean silent)
{
	if (silent == self->silent)
		return;
	self->silent = silent;
	g_signal_emit(self, changed_signal, 0);
}

/* Back to listening. */
static void
stand_down(StpBluezWatchdog *self)
{
	if (self->stage == STAGE_PROBING || self->stage == STAGE_PROVING)
		stp_bluez_scanner_end_probe(self->scanner);
	self->stage = STAGE_LISTENING;
	self->probes = 0;
	arm(self);
}

static gboolean
is_below(GDBusProxy *device, const char *adapter)
{
	const char *path = g_dbus_proxy_get_object_path(device);

	return adapter != NULL && g_str_has_prefix(path, adapter) && path[strlen(adapter)] == '/';
}

/* Ours, or anybody's. */
static gboolean
has_connection(StpBluezWatchdog *self)
{
	g_autoptr(GPtrArray) devices = stp_bluez_client_list(self->client, STP_BLUEZ_IFACE_DEVICE);

	for (guint i = 0; i < devices->len; i++) {
		if (is_below(devices->pdata[i], stp_bluez_adapter_get_path(self->adapter)) &&
		    stp_bluez_is_connected(devices->pdata[i]))
			return TRUE;
	}
	return FALSE;
}

/* ---- switching off and on ---- */

static void
set_powered(StpBluezWatchdog *self, gboolean powered, GAsyncReadyCallback callback)
{
	g_clear_object(&self->calling);
	self->calling = g_cancellable_new();
	g_dbus_proxy_call(self->cycled, "org.freedesktop.DBus.Properties.Set",
			  g_variant_new("(ssv)", STP_BLUEZ_IFACE_ADAPTER, "Powered",
					g_variant_new_boolean(powered)),
			  G_DBUS_CALL_FLAGS_NONE, -1, self->calling, callback, self);
}

static void
give_in(StpBluezWatchdog *self, const char *what)
{
	g_clear_object(&self->cycled);
	stp_warning("link", NULL,
		    "%s hears nothing at all although pens were expected, %s. Unplug it and plug it in again, or "
		    "use another one; if no pen is switched on, this goes away when one is.",
		    path_of(self), what);
	self->expected = FALSE;
	set_silent(self, TRUE);
	stand_down(self);
}

static void
remove_mark(StpBluezWatchdog *self)
{
	if (self->mark != NULL)
		stp_power_mark_remove(self->mark);
}

static void
end_putting_right(StpBluezWatchdog *self)
{
	g_clear_object(&self->cycled);
	self->puts_right = FALSE;
	stand_down(self);
}

static gboolean
on_on_again(gpointer user_data)
{
	StpBluezWatchdog *self = user_data;

	self->timer = 0;
	switch_on(self);
	return G_SOURCE_REMOVE;
}

static void
on_switched_on(GObject *source, GAsyncResult *result, gpointer user_data)
{
	StpBluezWatchdog *self = user_data;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = g_dbus_proxy_call_finish(G_DBUS_PROXY(source), result, &error);

	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		return;
	g_clear_object(&self->calling);
	if (error == NULL) {
		g_clear_object(&self->cycled);
		remove_mark(self);
		if (self->puts_right)
			end_putting_right(self);
		else
			probe(self, STAGE_PROVING);
	} else if (++self->power_tries < STP_BLUEZ_POWER_TRIES) {
		set_timer(self, self->off_ms, on_on_again);
	} else {
		stp_warning("link", NULL, "Switching the adapter on again failed: %s", error->message);
		if (self->puts_right)
			end_putting_right(self);
		else
			give_in(self, "and could not be switched on again");
	}
}

static void
switch_on(StpBluezWatchdog *self)
{
	set_powered(self, TRUE, on_switched_on);
}

static void
on_switched_off(GObject *source, GAsyncResult *result, gpointer user_data)
{
	StpBluezWatchdog *self = user_data;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = g_dbus_proxy_call_finish(G_DBUS_PROXY(source), result, &error);

	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		return;
	g_clear_object(&self->calling);
	if (error != NULL)
		stp_warning("link", NULL, "Switching the adapter off failed: %s", error->message);
	/* In any case: what matters is that it is on in the end. */
	set_timer(self, self->off_ms, on_on_again);
}

static void
power_cycle(StpBluezWatchdog *self)
{
	if (has_connection(self)) {
		stp_notice("link", NULL, "%s hears no pen, but carries a connection; it is left alone.",
			   path_of(self));
		self->expected = FALSE;
		stand_down(self);
		return;
	}
	stp_warning("link", NULL, "%s hears nothing, also after %u new beginnings; it is switched off and on.",
		    path_of(self), self->probes);
	stp_bluez_scanner_end_probe(self->scanner);
	self->stage = STAGE_OFF;
	self->power_tries = 0;
	g_set_object(&self->cycled, stp_bluez_adapter_get(self->adapter));
	if (self->mark != NULL)
		stp_power_mark_put(self->mark);
	set_powered(self, FALSE, on_switched_off);
}

void
stp_bluez_watchdog_put_right(StpBluezWatchdog *self)
{
	const char *path = stp_bluez_adapter_get_seen_path(self->adapter);

	if (self->stage != STAGE_LISTENING || self->mark == NULL || path == NULL ||
	    !stp_power_mark_is_there(self->mark))
		return;
	if (!stp_bluez_adapter_is_off(self->adapter)) {
		remove_mark(self);
		return;
	}
	self->cycled = stp_bluez_client_find(self->client, path, STP_BLUEZ_IFACE_ADAPTER);
	if (self->cycled == NULL)
		return;
	stp_warning("link", NULL, "Adapter %s is off, for a stippled that was killed had switched it off to restart it; it "
		    "is switched on again.", stp_bluez_adapter_get_address(self->adapter));
	self->stage = STAGE_OFF;
	self->puts_right = TRUE;
	self->power_tries = 0;
	switch_on(self);
}

/* ---- probing ---- */

static gboolean
on_probed(gpointer user_data)
{
	StpBluezWatchdog *self = user_data;

	self->timer = 0;
	if (self->stage == STAGE_PROVING)
		give_in(self, "also after it was switched off and on");
	else if (self->probes < STP_BLUEZ_PROBES)
		probe(self, STAGE_PROBING);
	else
		power_cycle(self);
	return G_SOURCE_REMOVE;
}

static void
probe(StpBluezWatchdog *self, enum stage stage)
{
	self->stage = stage;
	self->probes++;
	stp_debug("link", NULL, "%s is silent; listening to everything (%u)", path_of(self), self->probes);
	set_timer(self, self->probe_ms, on_probed);
	stp_bluez_scanner_probe(self->scanner);
}

static gboolean
on_silence(gpointer user_data)
{
	StpBluezWatchdog *self = user_data;

	self->timer = 0;
	if (has_connection(self)) {
		/* A connection is a sign of life, too. */
		self->expected = FALSE;
		return G_SOURCE_REMOVE;
	}
	probe(self, STAGE_PROBING);
	return G_SOURCE_REMOVE;
}

/* No timer while nothing is expected, and none while a pen is in sight. */
static void
arm(StpBluezWatchdog *self)
{
	gint64 due = self->heard + self->silence_ms * G_TIME_SPAN_MILLISECOND - stp_clock_monotonic();

	if (self->stage != STAGE_LISTENING)
		return;
	g_clear_handle_id(&self->timer, g_source_remove);
	if (self->expected && stp_bluez_adapter_get(self->adapter) != NULL &&
	    !stp_bluez_sightings_is_any_in_sight(self->sightings))
		set_timer(self, (guint)(MAX(due, 0) / G_TIME_SPAN_MILLISECOND) + 1, on_silence);
}

/* ---- signs of life ---- */

static void
take_sign_of_life(StpBluezWatchdog *self)
{
	self->heard = stp_clock_monotonic();
	set_silent(self, FALSE);
	if (self->stage == STAGE_PROBING || self->stage == STAGE_PROVING) {
		stp_info("link", NULL, "%s hears: it is well.", path_of(self));
		/* Whoever was expected is not there. */
		self->expected = FALSE;
		g_clear_handle_id(&self->timer, g_source_remove);
		stand_down(self);
	}
}

static void
on_sighting(StpBluezSightings *sightings, const StpSighting *sighting, StpBluezWatchdog *self)
{
	if (sighting->in_sight) {
		take_sign_of_life(self);
		self->expected = TRUE;
	}
	arm(self);
}

static gboolean
tells_of_advertisement(GVariant *changed)
{
	static const char *const keys[] = { "RSSI", "ServiceData", "ManufacturerData" };

	for (guint i = 0; i < G_N_ELEMENTS(keys); i++) {
		g_autoptr(GVariant) value = g_variant_lookup_value(changed, keys[i], NULL);

		if (value != NULL)
			return TRUE;
	}
	return FALSE;
}

static void
on_properties(StpBluezClient *client, GDBusProxy *proxy, GVariant *changed, StpBluezWatchdog *self)
{
	if ((self->stage != STAGE_LISTENING || self->silent) && stp_bluez_is(proxy, STP_BLUEZ_IFACE_DEVICE) &&
	    is_below(proxy, stp_bluez_adapter_get_path(self->adapter)) && tells_of_advertisement(changed))
		take_sign_of_life(self);
}

static void
on_interface_added(StpBluezClient *client, GDBusProxy *proxy, StpBluezWatchdog *self)
{
	if ((self->stage != STAGE_LISTENING || self->silent) && stp_bluez_is(proxy, STP_BLUEZ_IFACE_DEVICE) &&
	    is_below(proxy, stp_bluez_adapter_get_path(self->adapter)) && stp_bluez_has(proxy, "RSSI"))
		take_sign_of_life(self);
}

static void
on_scanner_changed(StpBluezWatchdog *self)
{
	if (self->expected || stp_bluez_scanner_get_waiting(self->scanner) == 0)
		return;
	self->expected = TRUE;
	self->heard = MAX(self->heard, stp_clock_monotonic());
	arm(self);
}

static void
on_adapter_changed(StpBluezWatchdog *self)
{
	/* While we switch it off and on ourselves, that is no news. */
	if (self->stage == STAGE_OFF || self->stage == STAGE_PROVING)
		return;
	if (self->stage == STAGE_PROBING)
		stp_bluez_scanner_end_probe(self->scanner);
	g_clear_handle_id(&self->timer, g_source_remove);
	self->stage = STAGE_LISTENING;
	self->probes = 0;
	self->expected = FALSE;
	set_silent(self, FALSE);
}

StpBluezWatchdog *
stp_bluez_watchdog_new(StpBluezClient *client, StpBluezAdapter *adapter, StpBluezScanner *scanner,
		       StpBluezSightings *sightings)
{
	StpBluezWatchdog *self = g_object_new(STP_TYPE_BLUEZ_WATCHDOG, NULL);

	self->client = g_object_ref(client);
	self->adapter = g_object_ref(adapter);
	self->scanner = g_object_ref(scanner);
	self->sightings = g_object_ref(sightings);
	g_signal_connect_object(client, "properties-changed", G_CALLBACK(on_properties), self, 0);
	g_signal_connect_object(client, "interface-added", G_CALLBACK(on_interface_added), self, 0);
	g_signal_connect_object(adapter, "changed", G_CALLBACK(on_adapter_changed), self, G_CONNECT_SWAPPED);
	g_signal_connect_object(scanner, "changed", G_CALLBACK(on_scanner_changed), self, G_CONNECT_SWAPPED);
	g_signal_connect_object(sightings, "sighting", G_CALLBACK(on_sighting), self, 0);
	return self;
}

gboolean
stp_bluez_watchdog_is_silent(StpBluezWatchdog *self)
{
	return self->silent;
}

void
stp_bluez_watchdog_set_mark(StpBluezWatchdog *self, const char *path)
{
	g_free(self->mark);
	self->mark = g_strdup(path);
}

void
stp_bluez_watchdog_set_times(StpBluezWatchdog *self, guint silence_ms, guint probe_ms, guint off_ms)
{
	self->silence_ms = silence_ms;
	self->probe_ms = probe_ms;
	self->off_ms = off_ms;
}

static void
stp_bluez_watchdog_dispose(GObject *object)
{
	StpBluezWatchdog *self = STP_BLUEZ_WATCHDOG(object);

	/* An adapter that we have switched off is not left so; the process may end before the bus has this. */
	if (self->stage == STAGE_OFF && self->cycled != NULL) {
		g_dbus_proxy_call(self->cycled, "org.freedesktop.DBus.Properties.Set",
				  g_variant_new("(ssv)", STP_BLUEZ_IFACE_ADAPTER, "Powered",
						g_variant_new_boolean(TRUE)),
				  G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, NULL);
		if (g_dbus_connection_flush_sync(stp_bluez_client_get_connection(self->client), NULL, NULL))
			remove_mark(self);
	}
	if (self->calling != NULL)
		g_cancellable_cancel(self->calling);
	g_clear_object(&self->calling);
	g_clear_handle_id(&self->timer, g_source_remove);
	g_clear_object(&self->cycled);
	g_clear_pointer(&self->mark, g_free);
	g_clear_object(&self->sightings);
	g_clear_object(&self->scanner);
	g_clear_object(&self->adapter);
	g_clear_object(&self->client);
	G_OBJECT_CLASS(stp_bluez_watchdog_parent_class)->dispose(object);
}

static void
stp_bluez_watchdog_class_init(StpBluezWatchdogClass *class)
{
	G_OBJECT_CLASS(class)->dispose = stp_bluez_watchdog_dispose;
	changed_signal = g_signal_new("changed", STP_TYPE_BLUEZ_WATCHDOG, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
				      G_TYPE_NONE, 0);
}

static void
stp_bluez_watchdog_init(StpBluezWatchdog *self)
{
	stp_bluez_watchdog_set_times(self, STP_BLUEZ_SILENCE, STP_BLUEZ_PROBE, STP_BLUEZ_POWER_OFF);
}
