/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#include "adv-monitor.h"

#include <bluez-dbus.h>
#include <string.h>

#include "device.h"
#include "faults.h"

#define MONITOR		  "org.bluez.AdvertisementMonitor1"
#define SERVICE_DATA_128  0x21
#define UUID_SIZE	  16
#define UNSET_RSSI	  127

/* An object of a client with that interface. */
typedef struct {
	FakeMonitors *monitors;
	char *owner, *path;
	GVariant *patterns;
	gint16 high, low;		/* dBm */
	guint16 high_timeout, low_timeout;	/* s */
	gboolean active;
	GHashTable *tracked;		/* address -> Tracked */
} Monitor;

/* A device as one monitor sees it. */
typedef struct {
	Monitor *monitor;
	char *address;
	gint64 first, last;		/* monotonic, microseconds */
	gboolean found;
	guint lost_timer;
} Tracked;

/* What RegisterMonitor made. */
typedef struct {
	FakeMonitors *monitors;
	char *owner, *root;
	guint watch;
	GCancellable *cancellable;
	GDBusMethodInvocation *invocation;	/* until answered */
} App;

struct FakeMonitors {
	FakeAdapter *adapter;
	FakeIface *iface;
	GPtrArray *apps, *monitors;
};

static FakeAir *
air_of(FakeMonitors *monitors)
{
	return monitors->adapter->air;
}

static gint64
seconds(FakeMonitors *monitors, guint s)
{
	return (gint64)s * air_of(monitors)->options->monitor_second * G_TIME_SPAN_MILLISECOND;
}

/* As BlueZ does, without waiting for an answer. */
static void
tell(Monitor *monitor, const char *method, const char *device)
{
	g_dbus_connection_call(fake_bus_connection(air_of(monitor->monitors)->bus), monitor->owner, monitor->path,
			       MONITOR, method, device ? g_variant_new("(o)", device) : NULL, NULL,
			       G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, NULL);
}

static void
tell_of(Tracked *tracked, const char *method)
{
	FakeDevice *device = fake_adapter_find(tracked->monitor->monitors->adapter, tracked->address);

	if (device)
		tell(tracked->monitor, method, fake_device_path(device));
}

static void
tracked_free(gpointer data)
{
	Tracked *tracked = data;

	if (tracked->lost_timer)
		g_source_remove(tracked->lost_timer);
	g_free(tracked->address);
	g_free(tracked);
}

static void
monitor_free(gpointer data)
{
	Monitor *monitor = data;

	g_hash_table_unref(monitor->tracked);
	g_clear_pointer(&monitor->patterns, g_variant_unref);
	g_free(monitor->owner);
	g_free(monitor->path);
	g_free(monitor);
}

static void
app_free(gpointer data)
{
	App *app = data;

	g_cancellable_cancel(app->cancellable);
	g_object_unref(app->cancellable);
	if (app->watch)
		fake_bus_unwatch(air_of(app->monitors)->bus, app->watch);
	fake_refuse(app->invocation, "Failed", "Adv Monitor app destroyed");
	g_free(app->owner);
	g_free(app->root);
	g_free(app);
}

static void
drop_app(App *app)
{
	FakeMonitors *monitors = app->monitors;

	for (guint i = monitors->monitors->len; i-- > 0;) {
		Monitor *monitor = g_ptr_array_index(monitors->monitors, i);

		if (!g_str_equal(monitor->owner, app->owner) || !g_str_has_prefix(monitor->path, app->root))
			continue;
		tell(monitor, "Release", NULL);
		g_ptr_array_remove_index(monitors->monitors, i);
	}
	g_ptr_array_remove(monitors->apps, app);
	fake_air_changed(air_of(monitors));
}

static void
on_owner_gone(gpointer data)
{
	App *app = data;

	app->watch = 0;
	drop_app(app);
}

/* ---- reading what the client shows ---- */

static gboolean
read_monitor(Monitor *monitor, GVariant *properties)
{
	const char *type = "";

	g_variant_lookup(properties, "Type", "&s", &type);
	monitor->patterns = g_variant_lookup_value(properties, "Patterns", G_VARIANT_TYPE("a(yyay)"));
	monitor->high = monitor->low = UNSET_RSSI;
	g_variant_lookup(properties, "RSSIHighThreshold", "n", &monitor->high);
	g_variant_lookup(properties, "RSSILowThreshold", "n", &monitor->low);
	g_variant_lookup(properties, "RSSIHighTimeout", "q", &monitor->high_timeout);
	g_variant_lookup(properties, "RSSILowTimeout", "q", &monitor->low_timeout);
	if (!g_str_equal(type, "or_patterns") || !monitor->patterns ||
	    g_variant_n_children(monitor->patterns) == 0)
		return FALSE;
	if (monitor->high == UNSET_RSSI)
		return TRUE;
	return monitor->high >= -127 && monitor->high <= 20 && monitor->low >= -127 &&
	       monitor->low <= monitor->high && monitor->high_timeout >= 1 && monitor->high_timeout <= 300 &&
	       monitor->low_timeout >= 1 && monitor->low_timeout <= 300;
}

static void
add_monitor(App *app, const char *path, GVariant *properties)
{
	FakeMonitors *monitors = app->monitors;
	Monitor *monitor = g_new0(Monitor, 1);
	FakeMonitorFault fault = fake_faults_monitor(air_of(monitors)->faults);

	monitor->monitors = monitors;
	monitor->owner = g_strdup(app->owner);
	monitor->path = g_strdup(path);
	monitor->tracked = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, tracked_free);
	if (!read_monitor(monitor, properties) || fault == FAKE_MONITOR_REFUSED) {
		fake_log(air_of(monitors), "monitor %s is refused", path);
		tell(monitor, "Release", NULL);
		monitor_free(monitor);
		return;
	}
	g_ptr_array_add(monitors->monitors, monitor);
	if (fault == FAKE_MONITOR_IGNORED)
		return;
	monitor->active = TRUE;
	fake_adapter_begins_to_listen(monitors->adapter);
	tell(monitor, "Activate", NULL);
	fake_air_changed(air_of(monitors));
}

static void
on_objects(GObject *source, GAsyncResult *result, gpointer data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);
	g_autoptr(GVariantIter) objects = NULL;
	App *app = data;
	const char *path;
	GVariant *interfaces;

	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		return;
	/* Also when there is nothing: it could come later. */
	fake_agree(g_steal_pointer(&app->invocation));
	if (!reply)
		return;
	g_variant_get(reply, "(a{oa{sa{sv}}})", &objects);
	while (g_variant_iter_next(objects, "{&o@a{sa{sv}}}", &path, &interfaces)) {
		g_autoptr(GVariant) properties = g_variant_lookup_value(interfaces, MONITOR, G_VARIANT_TYPE_VARDICT);

		if (properties)
			add_monitor(app, path, properties);
		g_variant_unref(interfaces);
	}
}

static App *
find_app(FakeMonitors *monitors, const char *owner, const char *root)
{
	for (guint i = 0; i < monitors->apps->len; i++) {
		App *app = g_ptr_array_index(monitors->apps, i);

		if (g_str_equal(app->owner, owner) && g_str_equal(app->root, root))
			return app;
	}
	return NULL;
}

static void
on_call(gpointer self, const char *method, GVariant *args, GDBusMethodInvocation *invocation)
{
	FakeMonitors *monitors = self;
	FakeBus *bus = air_of(monitors)->bus;
	const char *sender = g_dbus_method_invocation_get_sender(invocation);
	const char *root;
	App *app;

	g_variant_get_child(args, 0, "&o", &root);
	app = find_app(monitors, sender, root);
	if (g_str_equal(method, "UnregisterMonitor")) {
		if (app)
			drop_app(app);
		if (app)
			fake_agree(invocation);
		else
			fake_refuse(invocation, "DoesNotExist", "Does Not Exist");
		return;
	}
	if (app) {
		fake_refuse(invocation, "AlreadyExists", "Already Exists");
		return;
	}
	app = g_new0(App, 1);
	app->monitors = monitors;
	app->owner = g_strdup(sender);
	app->root = g_strdup(root);
	app->invocation = invocation;
	app->cancellable = g_cancellable_new();
	app->watch = fake_bus_watch_owner(bus, sender, on_owner_gone, app);
	g_ptr_array_add(monitors->apps, app);
	g_dbus_connection_call(fake_bus_connection(bus), sender, root, "org.freedesktop.DBus.ObjectManager",
			       "GetManagedObjects", NULL, G_VARIANT_TYPE("(a{oa{sa{sv}}})"),
			       G_DBUS_CALL_FLAGS_NONE, -1, app->cancellable, on_objects, app);
}

static const FakeMethods methods = { on_call, NULL };

FakeMonitors *
fake_monitors_new(FakeAdapter *adapter)
{
	const char *const types[] = { "or_patterns", NULL };
	FakeMonitors *monitors = g_new0(FakeMonitors, 1);

	monitors->adapter = adapter;
	monitors->apps = g_ptr_array_new_with_free_func(app_free);
	monitors->monitors = g_ptr_array_new_with_free_func(monitor_free);
	if (!adapter->air->options->monitors)
		return monitors;
	monitors->iface = fake_object_add(adapter->object, bluez_advertisement_monitor_manager1_interface_info(),
					  &methods, monitors);
	fake_iface_set(monitors->iface, "SupportedMonitorTypes", g_variant_new_strv(types, -1));
	fake_iface_set(monitors->iface, "SupportedFeatures", g_variant_new_strv(NULL, 0));
	return monitors;
}

void
fake_monitors_free(FakeMonitors *monitors)
{
	g_ptr_array_free(monitors->monitors, TRUE);
	g_ptr_array_free(monitors->apps, TRUE);
	g_free(monitors);
}

void
fake_monitors_release(FakeMonitors *monitors)
{
	for (guint i = 0; i < monitors->monitors->len; i++)
		tell(g_ptr_array_index(monitors->monitors, i), "Release", NULL);
	g_ptr_array_set_size(monitors->monitors, 0);
	fake_air_changed(air_of(monitors));
}

/* ---- what is on the air ---- */

gboolean
fake_monitors_active(FakeMonitors *monitors)
{
	for (guint i = 0; i < monitors->monitors->len; i++)
		if (((Monitor *)g_ptr_array_index(monitors->monitors, i))->active)
			return TRUE;
	return FALSE;
}

/* The field of service data: the UUID, the last byte first, and the data. */
static GByteArray *
service_data_field(const char *uuid, GVariant *value)
{
	GByteArray *field = g_byte_array_new();
	guint8 reversed[UUID_SIZE] = { 0 };
	gsize n = UUID_SIZE;

	for (const char *text = uuid; *text && n; text += 2) {
		text += *text == '-';
		reversed[--n] = (guint8)(g_ascii_xdigit_value(text[0]) << 4 | g_ascii_xdigit_value(text[1]));
	}
	g_byte_array_append(field, reversed, sizeof(reversed));
	g_byte_array_append(field, g_variant_get_data(value), (guint)g_variant_get_size(value));
	return field;
}

static gboolean
field_matches(GVariant *patterns, guint8 field_type, const GByteArray *field)
{
	GVariantIter iter;
	guint8 start, type;
	GVariant *content;
	gboolean matches = FALSE;

	g_variant_iter_init(&iter, patterns);
	while (g_variant_iter_next(&iter, "(yy@ay)", &start, &type, &content)) {
		gsize size = g_variant_get_size(content);

		matches |= type == field_type && field->len >= start + size &&
			   memcmp(field->data + start, g_variant_get_data(content), size) == 0;
		g_variant_unref(content);
	}
	return matches;
}

static gboolean
monitor_matches(const Monitor *monitor, const FakeAdvert *advert)
{
	GVariantIter iter;
	const char *uuid;
	GVariant *boxed;
	gboolean matches = FALSE;

	if (!monitor->active || !advert->service_data)
		return FALSE;
	g_variant_iter_init(&iter, advert->service_data);
	while (g_variant_iter_next(&iter, "{&sv}", &uuid, &boxed)) {
		g_autoptr(GByteArray) field = service_data_field(uuid, boxed);

		matches |= field_matches(monitor->patterns, SERVICE_DATA_128, field);
		g_variant_unref(boxed);
	}
	return matches;
}

gboolean
fake_monitors_match(FakeMonitors *monitors, const FakeAdvert *advert)
{
	for (guint i = 0; i < monitors->monitors->len; i++)
		if (monitor_matches(g_ptr_array_index(monitors->monitors, i), advert))
			return TRUE;
	return FALSE;
}

static gboolean
on_lost(gpointer data)
{
	Tracked *tracked = data;

	tracked->lost_timer = 0;
	tracked->found = FALSE;
	tell_of(tracked, "DeviceLost");
	return G_SOURCE_REMOVE;
}

static Tracked *
track(Monitor *monitor, const char *address)
{
	Tracked *tracked = g_hash_table_lookup(monitor->tracked, address);

	if (tracked)
		return tracked;
	tracked = g_new0(Tracked, 1);
	tracked->monitor = monitor;
	tracked->address = g_strdup(address);
	g_hash_table_insert(monitor->tracked, tracked->address, tracked);
	return tracked;
}

/* adv_monitor_filter_rssi(): found after a time without too long a gap; lost after silence. */
static void
take(Monitor *monitor, const char *address, gint16 rssi)
{
	FakeMonitors *monitors = monitor->monitors;
	Tracked *tracked = track(monitor, address);
	gint64 now = g_get_monotonic_time();

	if (monitor->high == UNSET_RSSI) {
		tell_of(tracked, "DeviceFound");
		return;
	}
	if (tracked->lost_timer)
		g_source_remove(tracked->lost_timer);
	tracked->lost_timer = 0;
	if (tracked->last && now - tracked->last > seconds(monitors, monitor->high_timeout))
		tracked->first = 0;
	tracked->last = now;
	if (!tracked->found && rssi > monitor->high) {
		if (!tracked->first)
			tracked->first = now;
		else if (now - tracked->first >= seconds(monitors, monitor->high_timeout))
			tracked->found = TRUE;
		if (tracked->found)
			tell_of(tracked, "DeviceFound");
	} else {
		tracked->first = 0;
	}
	if (tracked->found)
		tracked->lost_timer = g_timeout_add(
			(guint)(seconds(monitors, monitor->low_timeout) / G_TIME_SPAN_MILLISECOND), on_lost, tracked);
}

void
fake_monitors_notify(FakeMonitors *monitors, const FakeAdvert *advert, const char *address, gint16 rssi)
{
	for (guint i = 0; i < monitors->monitors->len; i++) {
		Monitor *monitor = g_ptr_array_index(monitors->monitors, i);

		if (monitor_matches(monitor, advert))
			take(monitor, address, rssi);
	}
}

void
fake_monitors_forget(FakeMonitors *monitors, const char *address)
{
	for (guint i = 0; i < monitors->monitors->len; i++)
		g_hash_table_remove(((Monitor *)g_ptr_array_index(monitors->monitors, i))->tracked, address);
}
