/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <string.h>

#include "pen-station.h"
#include "pensim-voice.h"

#define ADAPTER      "org.bluez.Adapter1"
#define PROPERTIES   "org.freedesktop.DBus.Properties"
#define GATT_MANAGER "org.bluez.GattManager1"
#define CALL_MS      10000
#define RETRY_MS     100

struct PenStation {
	GDBusConnection *bus;
	char *adapter, *address, *alias_before;
	SimPen *pen;
	SimPump *pump;
	PenService *service;
	PenAdvert *advert;
	char *central; /* device object, NULL: nobody is connected */
	gboolean registered, named, refuses; /* refuses: to pair */
	guint refresh_source, retry_source;
	GCancellable *starting;
	gint64 give_up_us;
	PenStationReady ready;
	gpointer ready_data;
};

static const char *
adapter_name(const PenStation *station)
{
	return strrchr(station->adapter, '/') + 1;
}

/* "/org/bluez/hci1/dev_00_11_22_33_44_55" -> "00:11:22:33:44:55" */
static char *
device_address(const char *device)
{
	const char *mark = strstr(device, "/dev_");

	return g_strdelimit(g_strdup(mark ? mark + 5 : device), "_", ':');
}

/* ---- the link ---- */

static gboolean
on_central(const char *device, guint16 mtu, gpointer data)
{
	PenStation *station = data;
	const char *name = device ? device : "unknown";
	g_autofree char *address = device_address(name);
	guint16 before;

	if (station->central && strcmp(station->central, name) != 0) {
		pensim_say("refused", sim_pen_serial(station->pen), "central", g_variant_new_string(address),
			   NULL);
		return FALSE;
	}
	if (!station->central) {
		station->central = g_strdup(name);
		sim_pump_connected(station->pump, mtu ? mtu : STP_ATT_MTU_MIN);
		pensim_say("connected", sim_pen_serial(station->pen), "central",
			   g_variant_new_string(address), "mtu",
			   g_variant_new_uint32(sim_pump_mtu(station->pump)), NULL);
		return TRUE;
	}
	before = sim_pump_mtu(station->pump);
	if (mtu)
		sim_pump_set_mtu(station->pump, mtu);
	if (sim_pump_mtu(station->pump) != before)
		pensim_say("mtu", sim_pen_serial(station->pen), "mtu",
			   g_variant_new_uint32(sim_pump_mtu(station->pump)), NULL);
	return TRUE;
}

static void
on_written(enum stp_pen_channel channel, const guint8 *bytes, gsize size, gpointer data)
{
	PenStation *station = data;

	if (channel == STP_PEN_PANEL)
		sim_pump_panel(station->pump, bytes, size);
	else
		sim_pump_control(station->pump, bytes, size);
}

static void
on_subscribed(enum stp_pen_channel channel, gboolean on, gpointer data)
{
	PenStation *station = data;

	sim_pump_subscribed(station->pump, channel, on);
}

static void
on_writable(gpointer data)
{
	PenStation *station = data;

	sim_pump_writable(station->pump);
}

static const PenServiceFuncs service_funcs = { on_central, on_written, on_subscribed, on_writable };

static SimSending
port_indicate(const guint8 *bytes, gsize size, gpointer data)
{
	PenStation *station = data;

	return pen_service_indicate(station->service, bytes, size);
}

static SimSending
port_notify(const guint8 *bytes, gsize size, gpointer data)
{
	PenStation *station = data;

	return pen_service_notify(station->service, bytes, size);
}

static void
port_hang_up(gpointer data)
{
	PenStation *station = data;

	if (station->central)
		g_dbus_connection_call(station->bus, "org.bluez", station->central, "org.bluez.Device1",
				       "Disconnect", NULL, NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, CALL_MS,
				       NULL, NULL, NULL);
}

static SimSending
port_send(enum stp_pen_channel channel, const guint8 *bytes, gsize size, gpointer data)
{
	PenStation *station = data;

	return pen_service_send(station->service, channel, bytes, size);
}

static const SimPort port = { port_indicate, port_notify, port_hang_up, port_send };

static void
end_link(PenStation *station)
{
	g_autofree char *address = NULL;
	guint64 sent = sim_pump_sent(station->pump);

	if (!station->central)
		return;
	address = device_address(station->central);
	g_clear_pointer(&station->central, g_free);
	sim_pump_disconnected(station->pump);
	pensim_say("disconnected", sim_pen_serial(station->pen), "central", g_variant_new_string(address), "sent",
		   g_variant_new_uint64(sent), NULL);
}

/* ---- the station ---- */

PenStation *
pen_station_new(GDBusConnection *bus, const char *adapter, SimPen *pen, SimLinkFaults *faults,
		PenServiceFlags flags, PenAdvertForm form)
{
	PenStation *station = g_new0(PenStation, 1);
	g_autofree char *root = NULL;

	station->bus = g_object_ref(bus);
	station->adapter = g_strdup(adapter);
	station->pen = pen;
	station->pump = sim_pump_new(pen, faults, &port, station);
	root = g_strdup_printf("/org/stipple/pensim/%s", adapter_name(station));
	station->service = pen_service_new(bus, root, pen, flags, &service_funcs, station);
	station->advert = pen_advert_new(bus, adapter, root, pen, form);
	return station;
}

void
pen_station_free(PenStation *station)
{
	if (!station)
		return;
	g_clear_handle_id(&station->refresh_source, g_source_remove);
	g_clear_handle_id(&station->retry_source, g_source_remove);
	g_clear_object(&station->starting);
	sim_pump_free(station->pump);
	pen_service_free(station->service);
	pen_advert_free(station->advert);
	g_object_unref(station->bus);
	g_free(station->adapter);
	g_free(station->address);
	g_free(station->alias_before);
	g_free(station->central);
	g_free(station);
}

SimPen *
pen_station_pen(const PenStation *station)
{
	return station->pen;
}

gboolean
pen_station_has_device(const PenStation *station, const char *device)
{
	gsize length = strlen(station->adapter);

	return strncmp(device, station->adapter, length) == 0 && device[length] == '/';
}

void
pen_station_device_gone(PenStation *station, const char *device)
{
	if (g_strcmp0(station->central, device) == 0)
		end_link(station);
}

static void
set_property(PenStation *station, const char *name, GVariant *value)
{
	g_dbus_connection_call(station->bus, "org.bluez", station->adapter, PROPERTIES, "Set",
			       g_variant_new("(ssv)", ADAPTER, name, value), NULL,
			       G_DBUS_CALL_FLAGS_NO_AUTO_START, CALL_MS, NULL, NULL, NULL);
}

/* GAP's Device Name, which anybody can read: what privacy keeps out of the air must not be told there. */
static void
name_adapter(PenStation *station)
{
	station->named = sim_pen_shows_name(station->pen);
	set_property(station, "Alias",
		     g_variant_new_string(station->named ? sim_pen_name(station->pen) : "Stipple"));
}

void
pen_station_set_pairs(PenStation *station, gboolean pairs)
{
	station->refuses = !pairs;
	set_property(station, "Pairable", g_variant_new_boolean(pairs));
}

static gboolean
refresh(gpointer data)
{
	PenStation *station = data;

	station->refresh_source = 0;
	pen_advert_refresh(station->advert);
	if (station->named != sim_pen_shows_name(station->pen))
		name_adapter(station);
	return G_SOURCE_REMOVE;
}

void
pen_station_refresh(PenStation *station)
{
	/* The pen is in the middle of what it does: look afterwards. */
	if (!station->refresh_source)
		station->refresh_source = g_idle_add(refresh, station);
}

/* ---- registering: properties, then the application, then the advertisement ---- */

static void register_application(PenStation *station);

/* What its seals are verified with, in hex; empty for a pen that makes none. */
static GVariant *
public_key(const SimPen *pen)
{
	const struct sealing_key *key = sim_pen_key(pen);
	g_autoptr(GString) text = g_string_new(NULL);

	for (guint i = 0; key && i < sizeof key->public_key; i++)
		g_string_append_printf(text, "%02x", key->public_key[i]);
	return g_variant_new_string(text->str);
}

static void
finish_start(PenStation *station, GError *error)
{
	PenStationReady ready = station->ready;

	station->ready = NULL;
	if (error) {
		g_dbus_error_strip_remote_error(error);
		g_prefix_error(&error, "Pen %s cannot go on the air on %s: ", sim_pen_serial(station->pen),
			       adapter_name(station));
	} else {
		station->registered = TRUE;
		pensim_say("ready", sim_pen_serial(station->pen), "adapter",
			   g_variant_new_string(adapter_name(station)), "address",
			   g_variant_new_string(station->address ? station->address : ""), "name",
			   g_variant_new_string(sim_pen_name(station->pen)), "advert",
			   g_variant_new_string(pen_advert_form_name(pen_advert_form(station->advert))),
			   "records", g_variant_new_uint32(sim_flash_newest(sim_pen_flash(station->pen))),
			   "sessions", g_variant_new_uint32(sim_flash_sessions(sim_pen_flash(station->pen))),
			   "key", public_key(station->pen), NULL);
	}
	if (ready)
		ready(station, error, station->ready_data);
}

static gboolean
retry(gpointer data)
{
	PenStation *station = data;

	station->retry_source = 0;
	register_application(station);
	return G_SOURCE_REMOVE;
}

/* Whether the adapter or its managers may still be on their way. */
static gboolean
may_come(PenStation *station, const GError *error)
{
	if (g_get_monotonic_time() > station->give_up_us)
		return FALSE;
	return g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY) ||
	       g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER) ||
	       g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN) ||
	       g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_OBJECT) ||
	       g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_METHOD) ||
	       g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_INTERFACE);
}

static void
advertised(GObject *source, GAsyncResult *result, gpointer data)
{
	PenStation *station = data;
	g_autoptr(GError) error = NULL;

	pen_advert_register_finish(station->advert, result, &error);
	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		return;
	finish_start(station, error);
}

static void
application_registered(GObject *source, GAsyncResult *result, gpointer data)
{
	PenStation *station = data;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) answer = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);

	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		return;
	if (answer) {
		pen_advert_register_async(station->advert, station->starting, advertised, station);
	} else if (may_come(station, error)) {
		station->retry_source = g_timeout_add(RETRY_MS, retry, station);
	} else {
		finish_start(station, error);
	}
}

static void
adapter_known(GObject *source, GAsyncResult *result, gpointer data)
{
	PenStation *station = data;
	g_autoptr(GVariant) answer = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, NULL);
	g_autoptr(GVariant) properties = NULL;
	const char *alias = NULL, *name = NULL;

	if (!answer)
		return;
	g_variant_get(answer, "(@a{sv})", &properties);
	g_clear_pointer(&station->address, g_free);
	g_variant_lookup(properties, "Address", "s", &station->address);
	g_variant_lookup(properties, "Alias", "&s", &alias);
	g_variant_lookup(properties, "Name", "&s", &name);
	/* Setting an empty alias gives the adapter its own name back. */
	if (!station->alias_before)
		station->alias_before = g_strdup(g_strcmp0(alias, name) == 0 ? "" : alias);
}

static void
register_application(PenStation *station)
{
	GVariantDict options;

	g_dbus_connection_call(station->bus, "org.bluez", station->adapter, PROPERTIES, "GetAll",
			       g_variant_new("(s)", ADAPTER), G_VARIANT_TYPE("(a{sv})"),
			       G_DBUS_CALL_FLAGS_NO_AUTO_START, CALL_MS, NULL, adapter_known, station);
	/* bluetoothd answers calls in their order. */
	set_property(station, "Powered", g_variant_new_boolean(TRUE));
	set_property(station, "Pairable", g_variant_new_boolean(!station->refuses));
	name_adapter(station);
	g_variant_dict_init(&options, NULL);
	g_dbus_connection_call(
		station->bus, "org.bluez", station->adapter, GATT_MANAGER, "RegisterApplication",
		g_variant_new("(o@a{sv})", pen_service_root(station->service), g_variant_dict_end(&options)),
		NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, CALL_MS, station->starting, application_registered,
		station);
}

static void
stop_starting(PenStation *station)
{
	g_clear_handle_id(&station->retry_source, g_source_remove);
	if (station->starting)
		g_cancellable_cancel(station->starting);
	g_clear_object(&station->starting);
}

void
pen_station_start(PenStation *station, guint patience_ms, PenStationReady ready, gpointer data)
{
	stop_starting(station);
	station->starting = g_cancellable_new();
	station->ready = ready;
	station->ready_data = data;
	station->give_up_us = g_get_monotonic_time() + (gint64)patience_ms * 1000;
	register_application(station);
}

void
pen_station_leave(PenStation *station)
{
	pen_service_withdraw_fd(station->service);
}

void
pen_station_stop(PenStation *station)
{
	g_autoptr(GVariant) named = NULL, unregistered = NULL;

	stop_starting(station);
	end_link(station);
	if (!station->registered)
		return;
	station->registered = FALSE;
	pen_advert_unregister(station->advert);
	unregistered = g_dbus_connection_call_sync(station->bus, "org.bluez", station->adapter, GATT_MANAGER,
						   "UnregisterApplication",
						   g_variant_new("(o)", pen_service_root(station->service)),
						   NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, 2000, NULL, NULL);
	named = g_dbus_connection_call_sync(
		station->bus, "org.bluez", station->adapter, PROPERTIES, "Set",
		g_variant_new("(ssv)", ADAPTER, "Alias",
			      g_variant_new_string(station->alias_before ? station->alias_before : "")),
		NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, 2000, NULL, NULL);
}

void
pen_station_lost(PenStation *station)
{
	stop_starting(station);
	station->registered = FALSE;
	end_link(station);
}
