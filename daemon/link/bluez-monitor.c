/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bluez-monitor.h"

#include "bluez-dbus.h"
#include "bluez-error.h"
#include "bluez-timing.h"
#include "clock.h"
#include "log.h"

#include <stipple/gatt.h>
#include <string.h>

#define ROOT "/org/stipple1/monitor"
#define AD_SERVICE_DATA_128 0x21
#define UUID_SIZE 16
/* The least there is: every signal that a radio can hear is strong enough. */
#define RSSI_LEAST (-127)

struct _StpBluezMonitor {
	GObject parent;
	StpBluezClient *client;
	StpBluezAdapter *adapter;
	GDBusProxy *manager;		/* with which it is, or is being, registered */
	GDBusObjectManagerServer *objects;
	GCancellable *registering;
	guint timer;			/* until it must be active */
	guint registrations;
	gboolean unwanted;
	StpBluezMonitorState state;
	char *why;
};

G_DEFINE_FINAL_TYPE(StpBluezMonitor, stp_bluez_monitor, G_TYPE_OBJECT)

enum { CHANGED, FOUND, LOST, SIGNAL_COUNT };
static guint signals[SIGNAL_COUNT];

/* why is taken; NULL: none. */
static void
set_state(StpBluezMonitor *self, StpBluezMonitorState state, char *why)
{
	if (state == self->state && g_strcmp0(why, self->why) == 0) {
		g_free(why);
		return;
	}
	g_free(self->why);
	self->why = why;
	self->state = state;
	if (state == STP_BLUEZ_MONITOR_FAILED)
		stp_notice("link", NULL, "No passive scanning: %s.", why);
	g_signal_emit(self, signals[CHANGED], 0);
}

/* ---- what BlueZ reads and calls ---- */

static int
hex_digits(const char *text)
{
	return g_ascii_xdigit_value(text[0]) << 4 | g_ascii_xdigit_value(text[1]);
}

/* The vendor UUID as it is on the air: the last byte first. */
static GVariant *
make_pattern(void)
{
	guint8 bytes[UUID_SIZE];
	gsize n = UUID_SIZE;
	GVariantBuilder patterns;

	for (const char *text = STP_UUID_SERVICE; *text != '\0' && n > 0; text += 2) {
		text += *text == '-';
		bytes[--n] = (guint8)hex_digits(text);
	}
	g_variant_builder_init(&patterns, G_VARIANT_TYPE("a(yyay)"));
	g_variant_builder_add(&patterns, "(yy@ay)", 0, AD_SERVICE_DATA_128,
			      g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, bytes, sizeof bytes, 1));
	return g_variant_builder_end(&patterns);
}

static gboolean
is_from_bluez(StpBluezMonitor *self, GDBusMethodInvocation *invocation)
{
	return g_strcmp0(g_dbus_method_invocation_get_sender(invocation),
			 stp_bluez_client_get_owner(self->client)) == 0;
}

static void
withdraw(StpBluezMonitor *self)
{
	if (self->registering != NULL)
		g_cancellable_cancel(self->registering);
	g_clear_object(&self->registering);
	g_clear_handle_id(&self->timer, g_source_remove);
	if (self->manager != NULL && self->objects != NULL) {
		const char *root = g_dbus_object_manager_get_object_path(G_DBUS_OBJECT_MANAGER(self->objects));

		g_dbus_proxy_call(self->manager, "UnregisterMonitor", g_variant_new("(o)", root),
				  G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, NULL);
	}
	if (self->objects != NULL)
		g_dbus_object_manager_server_set_connection(self->objects, NULL);
	g_clear_object(&self->objects);
}

static void
give_up(StpBluezMonitor *self, char *why)
{
	withdraw(self);
	set_state(self, STP_BLUEZ_MONITOR_FAILED, why);
}

static gboolean
on_activate(BluezAdvertisementMonitor1 *monitor, GDBusMethodInvocation *invocation, StpBluezMonitor *self)
{
	gboolean ours = is_from_bluez(self, invocation);

	bluez_advertisement_monitor1_complete_activate(monitor, invocation);
	if (!ours || self->state != STP_BLUEZ_MONITOR_WAITING)
		return TRUE;
	g_clear_handle_id(&self->timer, g_source_remove);
	set_state(self, STP_BLUEZ_MONITOR_ACTIVE, NULL);
	return TRUE;
}

static gboolean
on_release(BluezAdvertisementMonitor1 *monitor, GDBusMethodInvocation *invocation, StpBluezMonitor *self)
{
	gboolean ours = is_from_bluez(self, invocation);
	gboolean was_active = self->state == STP_BLUEZ_MONITOR_ACTIVE;

	bluez_advertisement_monitor1_complete_release(monitor, invocation);
	if (ours && (was_active || self->state == STP_BLUEZ_MONITOR_WAITING))
		give_up(self, g_strdup(was_active ? "BlueZ has released the advertisement monitor"
						  : "BlueZ, the kernel or the adapter refused the "
						    "advertisement monitor"));
	return TRUE;
}

static gboolean
on_device_found(BluezAdvertisementMonitor1 *monitor, GDBusMethodInvocation *invocation, const char *path,
		StpBluezMonitor *self)
{
	if (is_from_bluez(self, invocation) && self->state == STP_BLUEZ_MONITOR_ACTIVE)
		g_signal_emit(self, signals[FOUND], 0, path);
	bluez_advertisement_monitor1_complete_device_found(monitor, invocation);
	return TRUE;
}

static gboolean
on_device_lost(BluezAdvertisementMonitor1 *monitor, GDBusMethodInvocation *invocation, const char *path,
	       StpBluezMonitor *self)
{
	if (is_from_bluez(self, invocation) && self->state == STP_BLUEZ_MONITOR_ACTIVE)
		g_signal_emit(self, signals[LOST], 0, path);
	bluez_advertisement_monitor1_complete_device_lost(monitor, invocation);
	return TRUE;
}

/*
 * With thresholds BlueZ reports a coming and a going; without them it calls us for every single
 * advertisement.  The sampling period matters where the controller itself does the watching: by
 * default it then tells the first advertisement only, and news in later ones would be missed.
 */
static BluezAdvertisementMonitor1 *
make_monitor(StpBluezMonitor *self)
{
	BluezAdvertisementMonitor1 *monitor = bluez_advertisement_monitor1_skeleton_new();

	bluez_advertisement_monitor1_set_type_(monitor, "or_patterns");
	bluez_advertisement_monitor1_set_patterns(monitor, make_pattern());
	bluez_advertisement_monitor1_set_rssihigh_threshold(monitor, RSSI_LEAST);
	bluez_advertisement_monitor1_set_rssilow_threshold(monitor, RSSI_LEAST);
	bluez_advertisement_monitor1_set_rssihigh_timeout(monitor, STP_BLUEZ_MONITOR_FOUND / 1000);
	bluez_advertisement_monitor1_set_rssilow_timeout(monitor, STP_BLUEZ_MONITOR_LOST / 1000);
	bluez_advertisement_monitor1_set_rssisampling_period(monitor, STP_BLUEZ_MONITOR_SAMPLING / 100);
	g_signal_connect_object(monitor, "handle-activate", G_CALLBACK(on_activate), self, 0);
	g_signal_connect_object(monitor, "handle-release", G_CALLBACK(on_release), self, 0);
	g_signal_connect_object(monitor, "handle-device-found", G_CALLBACK(on_device_found), self, 0);
	g_signal_connect_object(monitor, "handle-device-lost", G_CALLBACK(on_device_lost), self, 0);
	return monitor;
}

/* ---- registering ---- */

static gboolean
on_not_activated(gpointer user_data)
{
	StpBluezMonitor *self = user_data;

	self->timer = 0;
	give_up(self, g_strdup_printf("BlueZ did not activate the advertisement monitor within %d s",
				      STP_BLUEZ_MONITOR_ACTIVATE / 1000));
	return G_SOURCE_REMOVE;
}

static void
on_registered(GObject *source, GAsyncResult *result, gpointer user_data)
{
	StpBluezMonitor *self = user_data;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = g_dbus_proxy_call_finish(G_DBUS_PROXY(source), result, &error);

	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		return;
	g_clear_object(&self->registering);
	if (error == NULL)
		return;
	g_dbus_error_strip_remote_error(error);
	give_up(self, g_strdup_printf("BlueZ refused the advertisement monitor: %s", error->message));
}

static void
begin(StpBluezMonitor *self)
{
	const char *adapter = strrchr(g_dbus_proxy_get_object_path(self->manager), '/');
	/* A path of its own each time: the Release of the one before may come late. */
	g_autofree char *root = g_strdup_printf(ROOT "%s/%u", adapter, ++self->registrations);
	g_autofree char *path = g_strconcat(root, "/pens", NULL);
	g_autoptr(GDBusObjectSkeleton) object = g_dbus_object_skeleton_new(path);
	g_autoptr(BluezAdvertisementMonitor1) monitor = make_monitor(self);

	self->objects = g_dbus_object_manager_server_new(root);
	g_dbus_object_skeleton_add_interface(object, G_DBUS_INTERFACE_SKELETON(monitor));
	g_dbus_object_manager_server_export(self->objects, object);
	g_dbus_object_manager_server_set_connection(self->objects,
						    stp_bluez_client_get_connection(self->client));
	self->registering = g_cancellable_new();
	self->timer = stp_clock_add(STP_BLUEZ_MONITOR_ACTIVATE, on_not_activated, self);
	g_dbus_proxy_call(self->manager, "RegisterMonitor", g_variant_new("(o)", root), G_DBUS_CALL_FLAGS_NONE,
			  -1, self->registering, on_registered, self);
	set_state(self, STP_BLUEZ_MONITOR_WAITING, NULL);
}

static gboolean
knows_patterns(GDBusProxy *manager)
{
	g_autoptr(GVariant) types = g_dbus_proxy_get_cached_property(manager, "SupportedMonitorTypes");
	g_autofree const char **names = NULL;

	if (types == NULL || !g_variant_is_of_type(types, G_VARIANT_TYPE_STRING_ARRAY))
		return FALSE;
	names = g_variant_get_strv(types, NULL);
	return g_strv_contains(names, "or_patterns");
}

static void
update(StpBluezMonitor *self)
{
	const char *adapter = self->unwanted ? NULL : stp_bluez_adapter_get_path(self->adapter);
	g_autoptr(GDBusProxy) manager =
		adapter != NULL ? stp_bluez_client_find(self->client, adapter, STP_BLUEZ_IFACE_MONITORS) : NULL;

	if (manager != NULL && manager == self->manager)
		return;
	withdraw(self);
	g_set_object(&self->manager, manager);
	if (adapter == NULL)
		set_state(self, STP_BLUEZ_MONITOR_OFF, NULL);
	else if (manager == NULL)
		set_state(self, STP_BLUEZ_MONITOR_ABSENT,
			  g_strdup("this BlueZ has no advertisement monitors (bluetoothd offers them with "
				   "--experimental)"));
	else if (!knows_patterns(manager))
		set_state(self, STP_BLUEZ_MONITOR_ABSENT,
			  g_strdup("this BlueZ's advertisement monitors know no patterns"));
	else
		begin(self);
}

static void
on_interface(StpBluezClient *client, GDBusProxy *proxy, StpBluezMonitor *self)
{
	if (stp_bluez_is(proxy, STP_BLUEZ_IFACE_MONITORS))
		update(self);
}

StpBluezMonitor *
stp_bluez_monitor_new(StpBluezClient *client, StpBluezAdapter *adapter)
{
	StpBluezMonitor *self = g_object_new(STP_TYPE_BLUEZ_MONITOR, NULL);

	self->client = g_object_ref(client);
	self->adapter = g_object_ref(adapter);
	g_signal_connect_object(adapter, "changed", G_CALLBACK(update), self, G_CONNECT_SWAPPED);
	g_signal_connect_object(client, "interface-added", G_CALLBACK(on_interface), self, 0);
	g_signal_connect_object(client, "interface-removed", G_CALLBACK(on_interface), self, 0);
	return self;
}

void
stp_bluez_monitor_set_wanted(StpBluezMonitor *self, gboolean wanted)
{
	self->unwanted = !wanted;
	update(self);
}

void
stp_bluez_monitor_restart(StpBluezMonitor *self)
{
	withdraw(self);
	g_clear_object(&self->manager);
	update(self);
}

StpBluezMonitorState
stp_bluez_monitor_get_state(StpBluezMonitor *self)
{
	return self->state;
}

const char *
stp_bluez_monitor_get_why(StpBluezMonitor *self)
{
	return self->why != NULL ? self->why : "";
}

static void
stp_bluez_monitor_dispose(GObject *object)
{
	StpBluezMonitor *self = STP_BLUEZ_MONITOR(object);

	withdraw(self);
	g_clear_object(&self->manager);
	g_clear_object(&self->adapter);
	g_clear_object(&self->client);
	g_clear_pointer(&self->why, g_free);
	G_OBJECT_CLASS(stp_bluez_monitor_parent_class)->dispose(object);
}

static void
stp_bluez_monitor_class_init(StpBluezMonitorClass *class)
{
	G_OBJECT_CLASS(class)->dispose = stp_bluez_monitor_dispose;
	signals[CHANGED] = g_signal_new("changed", STP_TYPE_BLUEZ_MONITOR, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
					NULL, G_TYPE_NONE, 0);
	signals[FOUND] = g_signal_new("found", STP_TYPE_BLUEZ_MONITOR, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
				      G_TYPE_NONE, 1, G_TYPE_STRING);
	signals[LOST] = g_signal_new("lost", STP_TYPE_BLUEZ_MONITOR, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
				     G_TYPE_NONE, 1, G_TYPE_STRING);
}

static void
stp_bluez_monitor_init(StpBluezMonitor *self)
{
}
