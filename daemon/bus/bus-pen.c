/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bus-pen.h"

#include "bus-format.h"
#include "clock.h"
#include "error.h"
#include "stipple-dbus.h"

/* Seconds a caller of Sync waits for a pen that is not in sight. */
#define AWAY_TIMEOUT_DEFAULT_S 30
#define AWAY_TIMEOUT_MAX_S 3600

typedef struct {
	StpDbusPen1 *skeleton;
	GDBusMethodInvocation *invocation;
	gint64 started;
} SyncCall;

static void
sync_call_free(SyncCall *call)
{
	g_clear_object(&call->skeleton);
	g_clear_object(&call->invocation);
	g_free(call);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SyncCall, sync_call_free)

static void
show(StpEnrolledPen *pen, StpDbusPen1 *skeleton)
{
	const StpPenRow *row = stp_enrolled_pen_get_row(pen);
	const struct stp_host_progress *progress = stp_enrolled_pen_get_progress(pen);

	/* The skeleton signals only what differs, all of it in one signal. */
	stp_dbus_pen1_set_serial(skeleton, row->serial);
	stp_dbus_pen1_set_maker(skeleton, row->maker);
	stp_dbus_pen1_set_model(skeleton, row->model);
	stp_dbus_pen1_set_firmware(skeleton, row->firmware);
	stp_dbus_pen1_set_hardware(skeleton, row->hardware);
	stp_dbus_pen1_set_label(skeleton, row->label);
	stp_dbus_pen1_set_address(skeleton, row->address);
	stp_dbus_pen1_set_battery(skeleton, row->battery);
	/* To the minute: an advertisement a second is not worth a signal a second. */
	stp_dbus_pen1_set_last_seen(skeleton, row->last_seen - row->last_seen % (60 * G_USEC_PER_SEC));
	stp_dbus_pen1_set_last_sync(skeleton, row->last_sync);
	stp_dbus_pen1_set_sessions(skeleton, row->sessions);
	stp_dbus_pen1_set_coverage(skeleton, row->coverage);
	stp_dbus_pen1_set_state(skeleton,
				stp_pen_activity_name(stp_enrolled_pen_get_activity(pen)));
	stp_dbus_pen1_set_warning(skeleton, stp_enrolled_pen_get_warning(pen));
	stp_dbus_pen1_set_sessions_left(skeleton, stp_enrolled_pen_get_sessions_left(pen));
	stp_dbus_pen1_set_seconds_left(skeleton, stp_enrolled_pen_get_seconds_left(pen));
	stp_dbus_pen1_set_stage(skeleton, stp_enrolled_pen_get_stage(pen));
	stp_dbus_pen1_set_progress(skeleton,
				   g_variant_new("(tttt)", progress->records_wanted,
						 progress->records_done, progress->bytes_received,
						 stp_enrolled_pen_get_rate(pen)));
	stp_dbus_pen1_set_last_error(skeleton, stp_enrolled_pen_get_error(pen));
	stp_dbus_pen1_set_last_error_hint(skeleton, stp_enrolled_pen_get_hint(pen));
}

static void
on_sync_ended(StpEnrolledPen *pen, const char *error, const StpSyncResult *result,
	      StpDbusPen1 *skeleton)
{
	stp_dbus_pen1_emit_sync_ended(skeleton, error, stp_bus_sync_result(result, result->duration_us));
}

static void
on_synced(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(SyncCall) call = user_data;
	g_autoptr(GError) error = NULL;
	StpSyncResult outcome;

	if (!stp_collector_sync_finish(STP_COLLECTOR(source), result, &outcome, &error)) {
		g_dbus_method_invocation_return_gerror(g_steal_pointer(&call->invocation), error);
		return;
	}
	stp_dbus_pen1_complete_sync(
		call->skeleton, g_steal_pointer(&call->invocation),
		stp_bus_sync_result(&outcome, stp_clock_monotonic() - call->started));
}

static gboolean
on_handle_sync(StpDbusPen1 *skeleton, GDBusMethodInvocation *invocation, GVariant *options,
	       StpCollector *collector)
{
	const char *serial = stp_dbus_pen1_get_serial(skeleton);
	guint timeout = AWAY_TIMEOUT_DEFAULT_S;
	gboolean wait = TRUE;
	StpSyncChoice choice = { 0 };
	SyncCall *call;

	g_variant_lookup(options, "timeout", "u", &timeout);
	g_variant_lookup(options, "wait", "b", &wait);
	g_variant_lookup(options, "from", "u", &choice.from);
	g_variant_lookup(options, "to", "u", &choice.to);
	g_variant_lookup(options, "since", "x", &choice.since);
	timeout = CLAMP(timeout, 1, AWAY_TIMEOUT_MAX_S);
	if (choice.to != 0 && choice.from > choice.to) {
		g_dbus_method_invocation_return_error(invocation, STP_ERROR, STP_ERROR_INVALID_ARGUMENT,
						      "Records %u to %u are none. Give the lower number first.",
						      choice.from, choice.to);
		return G_DBUS_METHOD_INVOCATION_HANDLED;
	}

	if (!wait) {
		const StpSyncResult nothing = { 0 };

		stp_collector_sync_chosen_async(collector, serial, &choice, timeout, NULL, NULL);
		stp_dbus_pen1_complete_sync(skeleton, invocation, stp_bus_sync_result(&nothing, 0));
		return G_DBUS_METHOD_INVOCATION_HANDLED;
	}

	call = g_new0(SyncCall, 1);
	call->skeleton = g_object_ref(skeleton);
	call->invocation = invocation;
	call->started = stp_clock_monotonic();
	stp_collector_sync_chosen_async(collector, serial, &choice, timeout, on_synced, call);
	return G_DBUS_METHOD_INVOCATION_HANDLED;
}

static gboolean
on_handle_cancel(StpDbusPen1 *skeleton, GDBusMethodInvocation *invocation, StpCollector *collector)
{
	stp_collector_cancel(collector, stp_dbus_pen1_get_serial(skeleton));
	stp_dbus_pen1_complete_cancel(skeleton, invocation);
	return G_DBUS_METHOD_INVOCATION_HANDLED;
}

GDBusObjectSkeleton *
stp_bus_pen_new(StpCollector *collector, StpEnrolledPen *pen)
{
	g_autofree char *path = stp_bus_pen_path(stp_enrolled_pen_get_row(pen)->serial);
	g_autoptr(StpDbusPen1) skeleton = stp_dbus_pen1_skeleton_new();
	StpDbusObjectSkeleton *object = stp_dbus_object_skeleton_new(path);

	g_signal_connect_object(pen, "changed", G_CALLBACK(show), skeleton, 0);
	g_signal_connect_object(pen, "sync-ended", G_CALLBACK(on_sync_ended), skeleton, 0);
	g_signal_connect_object(skeleton, "handle-sync", G_CALLBACK(on_handle_sync), collector, 0);
	g_signal_connect_object(skeleton, "handle-cancel", G_CALLBACK(on_handle_cancel), collector,
				0);
	show(pen, skeleton);
	stp_dbus_object_skeleton_set_pen1(object, skeleton);
	return G_DBUS_OBJECT_SKELETON(object);
}
