/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bluez-scanner.h"

#include "bluez-error.h"
#include "bluez-timing.h"
#include "clock.h"
#include "log.h"

#define FOREVER G_MAXINT64

/* What the discovery session is to tell of. */
enum filter {
	FILTER_NONE,
	FILTER_PENS,		/* when they come and when they have news */
	FILTER_PENS_ALWAYS,	/* each advertisement of theirs */
	FILTER_ALL,		/* every device there is */
};

struct _StpBluezScanner {
	GObject parent;
	StpBluezAdapter *adapter;
	StpBluezMonitor *monitor;
	GDBusProxy *on;			/* the adapter to which all below belongs; NULL: none */
	GCancellable *calling;		/* of the call under way: at most one */
	guint timer;			/* of the next change of mind */
	/* Monotonic, microseconds: */
	gint64 eager_until, look_until, window_until, next_window, retry_at;
	guint held, searching;		/* how many wait for a pen; how many of them search */
	guint busy;			/* InProgress in a row */
	gboolean started, unwatched, probing, running;
	enum filter filter;		/* that BlueZ has of us */
	guint eager_ms, window_ms, period_ms;
	StpRadioState state;
	StpScanMode noted;
};

G_DEFINE_FINAL_TYPE(StpBluezScanner, stp_bluez_scanner, G_TYPE_OBJECT)

static guint changed_signal;

static void reconsider(StpBluezScanner *self);

static gint64
after_ms(guint ms)
{
	return stp_clock_monotonic() + ms * G_TIME_SPAN_MILLISECOND;
}

/* The journal says which way is in use, and why. */
static void
note_mode(StpBluezScanner *self)
{
	StpScanMode mode = stp_bluez_scanner_get_mode(self);
	const char *why = stp_bluez_scanner_get_why(self);

	if (mode == self->noted || mode == STP_SCAN_NONE ||
	    stp_bluez_monitor_get_state(self->monitor) == STP_BLUEZ_MONITOR_WAITING)
		return;
	self->noted = mode;
	stp_info("link", NULL, "Adapter %s looks for pens: %s%s%s.", stp_bluez_adapter_get_address(self->adapter),
		 stp_scan_mode_name(mode), *why != '\0' ? ", for " : "", why);
}

static void
tell(StpBluezScanner *self)
{
	note_mode(self);
	g_signal_emit(self, changed_signal, 0);
}

static gboolean
is_passive(StpBluezScanner *self)
{
	return stp_bluez_monitor_get_state(self->monitor) == STP_BLUEZ_MONITOR_ACTIVE;
}

/* Until when discovery is wanted; 0: it is not. */
static gint64
wanted_until(StpBluezScanner *self, gint64 now)
{
	gint64 until = MAX(self->look_until, self->window_until);

	if (self->probing || self->searching > 0 || (self->held > 0 && !is_passive(self)))
		return FOREVER;
	if (!is_passive(self))
		until = MAX(until, self->eager_until);
	return until > now ? until : 0;
}

/*
 * In a mere window one signal for each pen that comes or has news is enough; DuplicateData would
 * bring one for every advertisement (P18).  It is worth it while somebody waits.
 */
static enum filter
wanted_filter(StpBluezScanner *self, gint64 now)
{
	if (self->probing)
		return FILTER_ALL;
	return self->held > 0 || MAX(self->eager_until, self->look_until) > now ? FILTER_PENS_ALWAYS
										 : FILTER_PENS;
}

static void
fail(StpBluezScanner *self, const GError *error)
{
	StpRadioState state = stp_bluez_error_is(error, "NotReady")		? STP_RADIO_POWERED_OFF
			      : stp_bluez_error_is_access_denied(error) ? STP_RADIO_DENIED
									: STP_RADIO_FAILED;

	/* Off: the adapter's property will tell when it is on again; look anyway. */
	self->retry_at = after_ms(STP_BLUEZ_SCAN_RETRY);
	if (self->state != state && state != STP_RADIO_POWERED_OFF)
		stp_warning("link", NULL, "Looking for pens failed: %s. It is tried again.", error->message);
	self->state = state;
}

/*
 * Either our session runs already or a discovery call of another program is under way.  The first
 * is no failure, the second is worth trying again, but not for ever.
 */
static void
take_in_progress(StpBluezScanner *self)
{
	self->running = ++self->busy >= STP_BLUEZ_SCAN_BUSY;
	if (!self->running)
		self->retry_at = after_ms(STP_BLUEZ_SCAN_RETRY);
	self->state = STP_RADIO_SCANNING;
}

static void
on_started(GObject *source, GAsyncResult *result, gpointer user_data)
{
	StpBluezScanner *self = user_data;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = g_dbus_proxy_call_finish(G_DBUS_PROXY(source), result, &error);

	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		return;
	g_clear_object(&self->calling);
	if (error != NULL && stp_bluez_error_is(error, "InProgress")) {
		take_in_progress(self);
	} else if (error != NULL) {
		fail(self, error);
	} else {
		self->busy = 0;
		self->running = TRUE;
		self->state = STP_RADIO_SCANNING;
		/* However slowly it began: a window is that long. */
		if (self->window_until != 0)
			self->window_until = after_ms(self->window_ms);
	}
	reconsider(self);
	tell(self);
}

/*
 * Waited for: a StartDiscovery() that overtakes it is answered InProgress, and then nothing runs.
 */
static void
on_stopped(GObject *source, GAsyncResult *result, gpointer user_data)
{
	StpBluezScanner *self = user_data;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = g_dbus_proxy_call_finish(G_DBUS_PROXY(source), result, &error);

	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		return;
	g_clear_object(&self->calling);
	if (error != NULL)
		stp_debug("link", NULL, "StopDiscovery: %s", error->message);
	self->running = FALSE;
	self->window_until = 0;
	self->next_window = after_ms(self->period_ms - self->window_ms);
	reconsider(self);
	tell(self);
}

static void
on_filter_set(GObject *source, GAsyncResult *result, gpointer user_data)
{
	StpBluezScanner *self = user_data;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = g_dbus_proxy_call_finish(G_DBUS_PROXY(source), result, &error);

	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		return;
	g_clear_object(&self->calling);
	if (error != NULL) {
		self->filter = FILTER_NONE;
		fail(self, error);
		tell(self);
	}
	reconsider(self);
}

/* No reference for the callback: after dispose(), which cancels, it only sees CANCELLED. */
static void
call(StpBluezScanner *self, const char *method, GVariant *arguments, GAsyncReadyCallback callback)
{
	self->calling = g_cancellable_new();
	g_dbus_proxy_call(self->on, method, arguments, G_DBUS_CALL_FLAGS_NONE, -1, self->calling, callback,
			  self);
}

static void
set_filter(StpBluezScanner *self, enum filter filter)
{
	const char *const uuids[] = { STP_UUID_SERVICE, NULL };
	GVariantBuilder options;

	g_variant_builder_init(&options, G_VARIANT_TYPE_VARDICT);
	if (filter != FILTER_ALL)
		g_variant_builder_add(&options, "{sv}", "UUIDs", g_variant_new_strv(uuids, -1));
	g_variant_builder_add(&options, "{sv}", "Transport", g_variant_new_string("le"));
	g_variant_builder_add(&options, "{sv}", "DuplicateData",
			      g_variant_new_boolean(filter == FILTER_PENS_ALWAYS));
	self->filter = filter;
	call(self, "SetDiscoveryFilter", g_variant_new("(a{sv})", &options), on_filter_set);
}

static gboolean
on_timer(gpointer user_data)
{
	StpBluezScanner *self = user_data;

	self->timer = 0;
	reconsider(self);
	return G_SOURCE_REMOVE;
}

static void
wake_at(StpBluezScanner *self, gint64 when, gint64 now)
{
	if (when != FOREVER)
		self->timer = stp_clock_add((guint)(MAX(when - now, 0) / G_TIME_SPAN_MILLISECOND) + 1, on_timer,
					    self);
}

/* Compare what is wanted with what is, and make one step towards it; its answer leads here again. */
static void
reconsider(StpBluezScanner *self)
{
	gint64 now = stp_clock_monotonic(), until;
	gboolean windows = !self->unwatched && !is_passive(self);

	g_clear_handle_id(&self->timer, g_source_remove);
	if (self->on == NULL || self->calling != NULL)
		return;
	if (self->retry_at > now) {
		wake_at(self, self->retry_at, now);
		return;
	}
	if (windows && !self->running && now >= self->next_window)
		self->window_until = now + self->window_ms * G_TIME_SPAN_MILLISECOND;
	until = wanted_until(self, now);
	if (until > 0 && self->filter != wanted_filter(self, now))
		set_filter(self, wanted_filter(self, now));
	else if (until > 0 && !self->running)
		call(self, "StartDiscovery", NULL, on_started);
	else if (until == 0 && self->running)
		call(self, "StopDiscovery", NULL, on_stopped);
	else if (self->running)
		wake_at(self, until, now);
	else if (windows)
		wake_at(self, self->next_window, now);
	else if (self->state == STP_RADIO_STARTING)
		self->state = STP_RADIO_SCANNING;
}

static void
forget_adapter(StpBluezScanner *self)
{
	if (self->calling != NULL)
		g_cancellable_cancel(self->calling);
	g_clear_object(&self->calling);
	g_clear_handle_id(&self->timer, g_source_remove);
	g_clear_object(&self->on);
	self->filter = FILTER_NONE;
	self->running = FALSE;
	self->window_until = self->next_window = self->retry_at = 0;
	self->busy = 0;
}

static void
be_eager(StpBluezScanner *self)
{
	self->eager_until = after_ms(self->eager_ms);
}

static void
on_adapter_changed(StpBluezScanner *self)
{
	GDBusProxy *adapter = stp_bluez_adapter_get(self->adapter);

	if (!self->started || adapter == self->on)
		return;
	forget_adapter(self);
	self->state = STP_RADIO_STARTING;
	if (adapter != NULL) {
		self->on = g_object_ref(adapter);
		be_eager(self);
		reconsider(self);
	}
	tell(self);
}

static void
on_monitor_changed(StpBluezScanner *self)
{
	if (is_passive(self))
		self->state = STP_RADIO_SCANNING;
	/*
	 * Not at once: bluetoothd 5.66 that is told to stop while it has suspended its discovery, as
	 * around a pairing, keeps a flag of it, and then signals the RSSI of all that a monitor hears.
	 */
	if (is_passive(self) && self->running)
		self->window_until = after_ms(self->window_ms);
	reconsider(self);
	tell(self);
}

StpBluezScanner *
stp_bluez_scanner_new(StpBluezAdapter *adapter, StpBluezMonitor *monitor)
{
	StpBluezScanner *self = g_object_new(STP_TYPE_BLUEZ_SCANNER, NULL);

	self->adapter = g_object_ref(adapter);
	self->monitor = g_object_ref(monitor);
	g_signal_connect_object(adapter, "changed", G_CALLBACK(on_adapter_changed), self, G_CONNECT_SWAPPED);
	g_signal_connect_object(monitor, "changed", G_CALLBACK(on_monitor_changed), self, G_CONNECT_SWAPPED);
	return self;
}

void
stp_bluez_scanner_start(StpBluezScanner *self)
{
	self->started = TRUE;
	/* The adapter may have been there before both of us. */
	stp_bluez_monitor_set_wanted(self->monitor, !self->unwatched);
	on_adapter_changed(self);
}

void
stp_bluez_scanner_watch(StpBluezScanner *self, gboolean watching)
{
	if (self->unwatched == !watching)
		return;
	self->unwatched = !watching;
	if (watching)
		self->next_window = 0;
	stp_bluez_monitor_set_wanted(self->monitor, watching);
	reconsider(self);
}

void
stp_bluez_scanner_hurry(StpBluezScanner *self)
{
	be_eager(self);
	reconsider(self);
}

void
stp_bluez_scanner_relax(StpBluezScanner *self)
{
	/* What is left of it is a window: other pens may be about. */
	if (self->eager_until > stp_clock_monotonic() && self->running)
		self->window_until = after_ms(self->window_ms);
	self->eager_until = 0;
	reconsider(self);
}

void
stp_bluez_scanner_look(StpBluezScanner *self)
{
	self->look_until = after_ms(MIN(STP_BLUEZ_SCAN_LOOK, self->eager_ms));
	reconsider(self);
}

void
stp_bluez_scanner_hold(StpBluezScanner *self, gboolean searching)
{
	self->held++;
	self->searching += searching ? 1 : 0;
	reconsider(self);
	tell(self);
}

void
stp_bluez_scanner_release(StpBluezScanner *self, gboolean searching)
{
	g_return_if_fail(self->held > 0 && (!searching || self->searching > 0));
	self->held--;
	self->searching -= searching ? 1 : 0;
	/* The pen may be lost again at once: a window more. */
	if (self->running && self->held == 0)
		self->window_until = after_ms(self->window_ms);
	reconsider(self);
	tell(self);
}

void
stp_bluez_scanner_probe(StpBluezScanner *self)
{
	self->probing = TRUE;
	stp_bluez_monitor_restart(self->monitor);
	if (self->on != NULL && self->running && self->calling == NULL)
		call(self, "StopDiscovery", NULL, on_stopped);
	else
		reconsider(self);
}

void
stp_bluez_scanner_end_probe(StpBluezScanner *self)
{
	self->probing = FALSE;
	reconsider(self);
}

StpRadioState
stp_bluez_scanner_get_state(StpBluezScanner *self)
{
	return self->state;
}

StpScanMode
stp_bluez_scanner_get_mode(StpBluezScanner *self)
{
	if (self->on == NULL)
		return STP_SCAN_NONE;
	if (is_passive(self))
		return STP_SCAN_PASSIVE;
	return self->unwatched ? STP_SCAN_ON_DEMAND : STP_SCAN_DUTY_CYCLED;
}

const char *
stp_bluez_scanner_get_why(StpBluezScanner *self)
{
	switch (stp_bluez_scanner_get_mode(self)) {
	case STP_SCAN_NONE:
		return "no adapter is in use";
	case STP_SCAN_PASSIVE:
		return "";
	case STP_SCAN_ON_DEMAND:
		return "there is no pen to watch for";
	case STP_SCAN_DUTY_CYCLED:
		break;
	}
	if (stp_bluez_monitor_get_state(self->monitor) == STP_BLUEZ_MONITOR_WAITING)
		return "BlueZ has not yet activated the advertisement monitor";
	return stp_bluez_monitor_get_why(self->monitor);
}

gboolean
stp_bluez_scanner_is_discovering(StpBluezScanner *self)
{
	return self->running;
}

gboolean
stp_bluez_scanner_sees_foreign(StpBluezScanner *self)
{
	return self->on != NULL && !self->running && self->calling == NULL &&
	       stp_bluez_get_boolean(self->on, "Discovering");
}

guint
stp_bluez_scanner_get_waiting(StpBluezScanner *self)
{
	return self->held;
}

void
stp_bluez_scanner_set_times(StpBluezScanner *self, guint eager_ms, guint window_ms, guint period_ms)
{
	self->eager_ms = eager_ms;
	self->window_ms = window_ms;
	self->period_ms = period_ms;
}

static void
stp_bluez_scanner_dispose(GObject *object)
{
	StpBluezScanner *self = STP_BLUEZ_SCANNER(object);

	forget_adapter(self);
	g_clear_object(&self->monitor);
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
	stp_bluez_scanner_set_times(self, STP_BLUEZ_SCAN_EAGER, STP_BLUEZ_SCAN_WINDOW, STP_BLUEZ_SCAN_PERIOD);
}
