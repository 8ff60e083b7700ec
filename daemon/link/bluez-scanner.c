/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bluez-scanner.h"

#include "bluez-error.h"
#include "bluez-timing.h"
#include "log.h"

struct _StpBluezScanner {
	GObject parent;
	StpBluezAdapter *adapter;
	GDBusProxy *on;			/* the adapter on which discovery runs or is being started */
	GCancellable *starting;
	guint timer;
	gint64 eager_until;		/* monotonic, microseconds */
	gboolean started, paused;
	StpRadioState state;
};

G_DEFINE_FINAL_TYPE(StpBluezScanner, stp_bluez_scanner, G_TYPE_OBJECT)

static guint changed_signal;

static void begin_window(StpBluezScanner *self);

static void
set_state(StpBluezScanner *self, StpRadioState state)
{
	if (self->state == state)
		return;
	self->state = state;
	g_signal_emit(self, changed_signal, 0);
}

static gboolean
is_eager(StpBluezScanner *self)
{
	return g_get_monotonic_time() < self->eager_until;
}

static gboolean
on_window_begins(gpointer user_data)
{
	StpBluezScanner *self = user_data;

	self->timer = 0;
	begin_window(self);
	return G_SOURCE_REMOVE;
}

static gboolean
on_window_ends(gpointer user_data)
{
	StpBluezScanner *self = user_data;

	if (is_eager(self))
		return G_SOURCE_CONTINUE;
	g_dbus_proxy_call(self->on, "StopDiscovery", NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, NULL);
	self->paused = TRUE;
	self->timer = g_timeout_add(STP_BLUEZ_SCAN_PERIOD - STP_BLUEZ_SCAN_WINDOW, on_window_begins, self);
	return G_SOURCE_REMOVE;
}

static void
fail(StpBluezScanner *self, const GError *error)
{
	/* Off: the adapter's property will tell when it is on again; look anyway. */
	self->timer = g_timeout_add(STP_BLUEZ_SCAN_RETRY, on_window_begins, self);
	if (stp_bluez_error_is(error, "NotReady")) {
		set_state(self, STP_RADIO_POWERED_OFF);
		return;
	}
	if (self->state != STP_RADIO_DENIED && self->state != STP_RADIO_FAILED)
		stp_warning("link", NULL, "Looking for pens failed: %s. It is tried again.", error->message);
	set_state(self, stp_bluez_error_is_access_denied(error) ? STP_RADIO_DENIED : STP_RADIO_FAILED);
}

static void
on_started(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(StpBluezScanner) self = user_data;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = g_dbus_proxy_call_finish(G_DBUS_PROXY(source), result, &error);

	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		return;
	g_clear_object(&self->starting);
	/* InProgress: this connection's discovery runs already. */
	if (error != NULL && !stp_bluez_error_is(error, "InProgress")) {
		fail(self, error);
		return;
	}
	self->timer = g_timeout_add(STP_BLUEZ_SCAN_WINDOW, on_window_ends, self);
	set_state(self, STP_RADIO_SCANNING);
}

static void
on_filter_set(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(StpBluezScanner) self = user_data;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = g_dbus_proxy_call_finish(G_DBUS_PROXY(source), result, &error);

	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		return;
	if (error != NULL) {
		g_clear_object(&self->starting);
		fail(self, error);
		return;
	}
	g_dbus_proxy_call(self->on, "StartDiscovery", NULL, G_DBUS_CALL_FLAGS_NONE, -1, self->starting,
			  on_started, g_object_ref(self));
}

static void
begin_window(StpBluezScanner *self)
{
	GVariantBuilder filter, uuids;

	g_variant_builder_init(&uuids, G_VARIANT_TYPE_STRING_ARRAY);
	g_variant_builder_add(&uuids, "s", STP_UUID_SERVICE);
	g_variant_builder_init(&filter, G_VARIANT_TYPE_VARDICT);
	g_variant_builder_add(&filter, "{sv}", "UUIDs", g_variant_builder_end(&uuids));
	g_variant_builder_add(&filter, "{sv}", "Transport", g_variant_new_string("le"));
	/* Each advertisement is told, also when nothing but time has passed. */
	g_variant_builder_add(&filter, "{sv}", "DuplicateData", g_variant_new_boolean(TRUE));

	self->paused = FALSE;
	self->starting = g_cancellable_new();
	g_dbus_proxy_call(self->on, "SetDiscoveryFilter", g_variant_new("(a{sv})", &filter),
			  G_DBUS_CALL_FLAGS_NONE, -1, self->starting, on_filter_set, g_object_ref(self));
}

static void
end_all(StpBluezScanner *self)
{
	if (self->starting != NULL)
		g_cancellable_cancel(self->starting);
	g_clear_object(&self->starting);
	g_clear_handle_id(&self->timer, g_source_remove);
	g_clear_object(&self->on);
	self->paused = FALSE;
}

static void
on_adapter_changed(StpBluezScanner *self)
{
	GDBusProxy *adapter = stp_bluez_adapter_get(self->adapter);

	if (!self->started || adapter == self->on)
		return;
	end_all(self);
	set_state(self, STP_RADIO_STARTING);
	if (adapter == NULL)
		return;
	self->on = g_object_ref(adapter);
	self->eager_until = g_get_monotonic_time() + STP_BLUEZ_SCAN_EAGER * G_TIME_SPAN_MILLISECOND;
	begin_window(self);
}

StpBluezScanner *
stp_bluez_scanner_new(StpBluezAdapter *adapter)
{
	StpBluezScanner *self = g_object_new(STP_TYPE_BLUEZ_SCANNER, NULL);

	self->adapter = g_object_ref(adapter);
	g_signal_connect_object(adapter, "changed", G_CALLBACK(on_adapter_changed), self, G_CONNECT_SWAPPED);
	return self;
}

void
stp_bluez_scanner_start(StpBluezScanner *self)
{
	self->started = TRUE;
	on_adapter_changed(self);
}

void
stp_bluez_scanner_hurry(StpBluezScanner *self)
{
	self->eager_until = g_get_monotonic_time() + STP_BLUEZ_SCAN_EAGER * G_TIME_SPAN_MILLISECOND;
	if (!self->paused)
		return;
	g_clear_handle_id(&self->timer, g_source_remove);
	begin_window(self);
}

StpRadioState
stp_bluez_scanner_get_state(StpBluezScanner *self)
{
	return self->state;
}

static void
stp_bluez_scanner_dispose(GObject *object)
{
	StpBluezScanner *self = STP_BLUEZ_SCANNER(object);

	end_all(self);
	g_clear_object(&self->adapter);
	G_OBJECT_CLASS(stp_bluez_scanner_parent_class)->dispose(object);
}

static void
stp_bluez_scanner_class_init(StpBluezScannerClass *class)
{
	G_OBJECT_CLASS(class)->dispose = stp_bluez_scanner_dispose;
	changed_signal = g_signal_new("changed", STP_TYPE_BLUEZ_SCANNER, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
				      G_TYPE_NONE, 0);
}

static void
stp_bluez_scanner_init(StpBluezScanner *self)
{
	self->state = STP_RADIO_STARTING;
}
