/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bluez-notify.h"

#include "bluez-client.h"
#include "bluez-error.h"
#include "bluez-timing.h"
#include "error.h"
#include "log.h"
#include "notify-socket.h"
#include "pending.h"

#include <gio/gunixfdlist.h>
#include <stipple/control.h>
#include <stipple/gatt.h>

struct StpBluezNotify {
	GDBusProxy *control, *log_data;
	const StpBluezNotifyEvents *events;
	GObject *link;
	GCancellable *ends;
	char *address;
	StpLinkMemo *memo;
	guint mtu;
	StpNotifyPath way, wanted;	/* NONE while neither is on */
	StpNotifySocket *socket;
	gboolean started, stopped;
	gboolean held;		/* the writes are */
	gboolean replaced;	/* the descriptor was, once already */
	guint switches, values;
	guint64 bytes;
	gint64 first_asked, last_value;	/* monotonic, microseconds; 0: never */
	gboolean unanswered;	/* data were asked for, and none came since */
	GBytes *last_signal;	/* what came by the last one */
	guint timer;		/* the descriptor ended, or the data do not come */
};

/* What a task carries, so that it is explained by who cancelled it. */
struct start {
	StpBluezNotify *notify;
	GCancellable *cancellable;	/* the caller's, may be NULL */
	gboolean second;		/* the first way was refused */
};

static void open_data(StpBluezNotify *notify, GTask *task);

static void
free_start(gpointer data)
{
	struct start *start = data;

	g_clear_object(&start->cancellable);
	g_free(start);
}

static GTask *
attach(StpBluezNotify *notify, GTask *task, GCancellable *cancellable)
{
	struct start *start = g_new0(struct start, 1);

	start->notify = notify;
	g_set_object(&start->cancellable, cancellable);
	g_task_set_task_data(task, start, free_start);
	return task;
}

static StpBluezNotify *
notify_of(GTask *task)
{
	return ((struct start *)g_task_get_task_data(task))->notify;
}

static void
fail(GTask *task, const GError *error, const char *doing)
{
	struct start *start = g_task_get_task_data(task);

	g_task_return_error(task, start->notify->events->explain(start->notify->link, error, start->cancellable,
								 doing));
}

static void
hold(StpBluezNotify *notify, gboolean held)
{
	if (notify->held == held)
		return;
	notify->held = held;
	notify->events->hold(held, notify->link);
}

static void
on_value(GBytes *value, gpointer data)
{
	StpBluezNotify *notify = data;

	g_clear_handle_id(&notify->timer, g_source_remove);
	notify->values++;
	notify->bytes += g_bytes_get_size(value);
	notify->unanswered = FALSE;
	/* Only data prove a way: BlueZ says yes to StartNotify also when the pen is not connected. */
	if (notify->switches > 0 && notify->memo->by_signals != (notify->way == STP_NOTIFY_SIGNALS)) {
		notify->memo->by_signals = notify->way == STP_NOTIFY_SIGNALS;
		stp_notice("link", notify->address, "The pen's data come by %s, and are asked for so from now on.",
			   stp_notify_path_name(notify->way));
	}
	if (notify->way != STP_NOTIFY_NONE)
		hold(notify, FALSE);
	notify->events->value(value, notify->link);
}

/* Once for all that were there: not everywhere is asking for the time as good as free. */
static void
on_emptied(gpointer data)
{
	((StpBluezNotify *)data)->last_value = g_get_monotonic_time();
}

/* ---- another way ---- */

static void
on_reopened(GObject *source, GAsyncResult *result, gpointer user_data)
{
	StpBluezNotify *notify = user_data;
	g_autoptr(GError) error = NULL;
	gboolean opened = g_task_propagate_boolean(G_TASK(result), &error);

	if (notify->stopped)
		return;
	if (opened)
		hold(notify, FALSE);
	else
		notify->events->lost(error, notify->link);
}

static void
on_stopped_at_bluez(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(GTask) task = user_data;
	StpBluezNotify *notify = notify_of(task);
	g_autoptr(GVariant) reply = g_dbus_proxy_call_finish(G_DBUS_PROXY(source), result, NULL);

	/* That there was nothing to stop is what was wanted. */
	open_data(notify, g_steal_pointer(&task));
}

/* From now on by the way that is wanted; BlueZ gives up the present one first. */
static void
change_over(StpBluezNotify *notify, const char *why)
{
	g_clear_handle_id(&notify->timer, g_source_remove);
	hold(notify, TRUE);
	if (notify->switches++ >= STP_BLUEZ_NOTIFY_SWITCHES) {
		g_autoptr(GError) error = g_error_new_literal(
			STP_ERROR, STP_ERROR_PROTOCOL_FAILED,
			"Bluetooth ended the stream of data again and again. The pen is connected anew; if "
			"it stays so, restart the Bluetooth service.");

		notify->events->lost(error, notify->link);
		return;
	}
	stp_notice("link", notify->address, "%s; asking for the pen's data by %s.", why,
		   stp_notify_path_name(notify->wanted));
	g_clear_pointer(&notify->socket, stp_notify_socket_free);
	notify->way = STP_NOTIFY_NONE;
	g_dbus_proxy_call(notify->log_data, "StopNotify", NULL, G_DBUS_CALL_FLAGS_NONE, STP_BLUEZ_GATT,
			  notify->ends, on_stopped_at_bluez,
			  attach(notify, g_task_new(notify->link, NULL, on_reopened, notify), NULL));
}

static void
want_other(StpBluezNotify *notify)
{
	notify->wanted = notify->wanted == STP_NOTIFY_SIGNALS ? STP_NOTIFY_DESCRIPTOR : STP_NOTIFY_SIGNALS;
}

static gboolean
on_descriptor_gone(gpointer user_data)
{
	StpBluezNotify *notify = user_data;

	notify->timer = 0;
	if (notify->replaced)
		want_other(notify);
	notify->replaced = TRUE;
	change_over(notify, "The descriptor of the pen's data ended, but not the connection");
	return G_SOURCE_REMOVE;
}

static void
on_socket_ended(gpointer data)
{
	StpBluezNotify *notify = data;

	/* That the descriptor ended does not mean that the connection did.  If so, Connected tells it now. */
	g_clear_pointer(&notify->socket, stp_notify_socket_free);
	notify->way = STP_NOTIFY_NONE;
	hold(notify, TRUE);
	g_clear_handle_id(&notify->timer, g_source_remove);
	notify->timer = g_timeout_add(STP_BLUEZ_NOTIFY_GRACE, on_descriptor_gone, notify);
}

/* ---- data that do not come ---- */

static gboolean
is_silent(const StpBluezNotify *notify)
{
	return notify->way != STP_NOTIFY_NONE && notify->unanswered;
}

static gboolean
on_silence(gpointer user_data)
{
	StpBluezNotify *notify = user_data;

	notify->timer = 0;
	/* Also what is there but was not read yet counts. */
	stp_bluez_notify_drain(notify);
	if (notify->stopped)
		return G_SOURCE_REMOVE;
	if (is_silent(notify)) {
		want_other(notify);
		change_over(notify, "The pen takes requests, but none of its data arrive");
	}
	return G_SOURCE_REMOVE;
}

static void
watch(StpBluezNotify *notify, guint milliseconds)
{
	g_clear_handle_id(&notify->timer, g_source_remove);
	notify->timer = g_timeout_add(milliseconds, on_silence, notify);
}

void
stp_bluez_notify_asked(StpBluezNotify *notify, GBytes *request)
{
	struct stp_request decoded;
	gsize size;
	const guint8 *bytes = g_bytes_get_data(request, &size);

	if (stp_request_decode(bytes, size, &decoded) != STP_OK ||
	    (decoded.op != STP_OP_LIST && decoded.op != STP_OP_READ))
		return;
	/* Its segments may be the same as those of a request with this token long before. */
	g_clear_pointer(&notify->last_signal, g_bytes_unref);
	notify->unanswered = TRUE;
	if (notify->first_asked == 0)
		notify->first_asked = g_get_monotonic_time();
}

void
stp_bluez_notify_accepted(StpBluezNotify *notify, GBytes *request)
{
	guint8 op = g_bytes_get_size(request) > 0 ? ((const guint8 *)g_bytes_get_data(request, NULL))[0] : 0;

	/* The data may have overtaken what BlueZ says of the write. */
	if ((op == STP_OP_LIST || op == STP_OP_READ) && is_silent(notify))
		watch(notify, STP_BLUEZ_NOTIFY_SILENT);
}

void
stp_bluez_notify_answered(StpBluezNotify *notify, GBytes *answer)
{
	struct stp_answer decoded;
	gsize size;
	const guint8 *bytes = g_bytes_get_data(answer, &size);

	if (notify->way == STP_NOTIFY_NONE || stp_answer_decode(bytes, size, &decoded) != STP_OK ||
	    (decoded.op != STP_OP_LIST && decoded.op != STP_OP_READ))
		return;
	g_clear_handle_id(&notify->timer, g_source_remove);
	if (decoded.u.sent.sent == 0 || !is_silent(notify))
		return;
	/* It has sent them.  The bus and the descriptor keep no order, so that they may still come. */
	hold(notify, TRUE);
	watch(notify, STP_BLUEZ_NOTIFY_STRAGGLERS);
}

/* ---- opening ---- */

static void
finish(StpBluezNotify *notify, GTask *task, guint16 mtu)
{
	/* 0, and 65533 of a server that adds where it should subtract, were seen in the field. */
	notify->mtu = CLAMP(mtu, STP_ATT_MTU_MIN, STP_ATT_MTU_MAX);
	notify->started = TRUE;
	stp_debug("link", notify->address, "log-data comes by %s, MTU %u", stp_notify_path_name(notify->way),
		  notify->mtu);
	g_task_return_boolean(task, TRUE);
}
/* Whether the other way may do what this one did not. */
static gboolean
is_worth_falling_back(const GError *error)
{
	static const char *const names[] = { "NotSupported", "NotPermitted", "InProgress", "Failed" };

	for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
		if (stp_bluez_error_is(error, names[i]))
			return TRUE;
	}
	return stp_bluez_error_is_unknown_object(error) || stp_bluez_error_is_timeout(error);
}

/* Takes task; error may be NULL. */
static void
try_other(StpBluezNotify *notify, GTask *task, const GError *error)
{
	struct start *start = g_task_get_task_data(task);
	const char *said = error != NULL ? error->message : "it gives no descriptor";

	notify->way = STP_NOTIFY_NONE;
	if (notify->stopped || start->second || (error != NULL && !is_worth_falling_back(error))) {
		g_autoptr(GError) none = g_error_new(STP_ERROR, STP_ERROR_LINK_FAILED,
						     "Bluetooth gives no way to the pen's data. Restart the "
						     "Bluetooth service.");

		fail(task, error != NULL ? error : none, "Turning on the pen's data");
		g_object_unref(task);
		return;
	}
	start->second = TRUE;
	notify->switches++;
	want_other(notify);
	stp_notice("link", notify->address, "Bluetooth refuses the pen's data by %s (%s); asking for them by %s.",
		   stp_notify_path_name(notify->wanted == STP_NOTIFY_SIGNALS ? STP_NOTIFY_DESCRIPTOR
									      : STP_NOTIFY_SIGNALS),
		   said, stp_notify_path_name(notify->wanted));
	open_data(notify, task);
}

static void
on_mtu(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(GTask) task = user_data;
	StpBluezNotify *notify = notify_of(task);
	g_autoptr(GVariant) reply = g_dbus_proxy_call_finish(G_DBUS_PROXY(source), result, NULL);
	g_autoptr(GVariant) value = NULL;

	if (reply != NULL)
		g_variant_get(reply, "(v)", &value);
	/* A BlueZ that does not tell (before 5.62) leaves the one that always works. */
	finish(notify, task, value != NULL && g_variant_is_of_type(value, G_VARIANT_TYPE_UINT16)
				     ? g_variant_get_uint16(value)
				     : STP_ATT_MTU_MIN);
}

static void
on_data_notifying(GObject *source, GAsyncResult *result, gpointer user_data)
{
	GTask *task = user_data;
	StpBluezNotify *notify = notify_of(task);
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = g_dbus_proxy_call_finish(G_DBUS_PROXY(source), result, &error);

	/* InProgress: BlueZ turns on what this connection had the last time. */
	if (notify->stopped || (reply == NULL && !stp_bluez_error_is(error, "InProgress"))) {
		try_other(notify, task, error);
		return;
	}
	/* Asked for, since BlueZ does not tell when it changes: the mirror has the one of an earlier link. */
	g_dbus_proxy_call(notify->log_data, "org.freedesktop.DBus.Properties.Get",
			  g_variant_new("(ss)", STP_BLUEZ_IFACE_CHARACTERISTIC, "MTU"), G_DBUS_CALL_FLAGS_NONE,
			  STP_BLUEZ_GATT, notify->ends, on_mtu, task);
}

static void
on_data_acquired(GObject *source, GAsyncResult *result, gpointer user_data)
{
	GTask *task = user_data;
	StpBluezNotify *notify = notify_of(task);
	g_autoptr(GUnixFDList) descriptors = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = g_dbus_proxy_call_with_unix_fd_list_finish(G_DBUS_PROXY(source), &descriptors,
									       result, &error);
	static const StpNotifySocketEvents socket_events = { on_value, on_emptied, on_socket_ended };
	gint32 index;
	guint16 mtu = STP_ATT_MTU_MIN;
	int fd = -1;

	if (!notify->stopped && reply != NULL && g_variant_is_of_type(reply, G_VARIANT_TYPE("(hq)"))) {
		g_variant_get(reply, "(hq)", &index, &mtu);
		fd = descriptors != NULL ? g_unix_fd_list_get(descriptors, index, NULL) : -1;
	}
	if (fd < 0) {
		try_other(notify, task, error);
		return;
	}
	notify->way = STP_NOTIFY_DESCRIPTOR;
	notify->socket = stp_notify_socket_new(fd, &socket_events, notify);
	finish(notify, task, mtu);
	g_object_unref(task);
}

/* Takes task. */
static void
open_data(StpBluezNotify *notify, GTask *task)
{
	GVariantBuilder options;

	if (notify->wanted == STP_NOTIFY_SIGNALS) {
		/* Before the call: values may come before its answer. */
		notify->way = STP_NOTIFY_SIGNALS;
		g_dbus_proxy_call(notify->log_data, "StartNotify", NULL, G_DBUS_CALL_FLAGS_NONE, STP_BLUEZ_GATT,
				  notify->ends, on_data_notifying, task);
		return;
	}
	g_variant_builder_init(&options, G_VARIANT_TYPE_VARDICT);
	g_dbus_proxy_call_with_unix_fd_list(notify->log_data, "AcquireNotify", g_variant_new("(a{sv})", &options),
					    G_DBUS_CALL_FLAGS_NONE, STP_BLUEZ_GATT, NULL, notify->ends,
					    on_data_acquired, task);
}

static void
on_control_notifying(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(GTask) task = user_data;
	StpBluezNotify *notify = notify_of(task);
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = g_dbus_proxy_call_finish(G_DBUS_PROXY(source), result, &error);

	/* InProgress: BlueZ turns on what this connection had the last time. */
	if (reply == NULL && !stp_bluez_error_is(error, "InProgress"))
		fail(task, error, "Turning on the pen's answers");
	else
		open_data(notify, g_steal_pointer(&task));
}

void
stp_bluez_notify_start(StpBluezNotify *notify, GTask *task, GCancellable *cancellable)
{
	g_autoptr(GCancellable) both = NULL;

	attach(notify, task, cancellable);
	if (notify->way != STP_NOTIFY_NONE) {
		g_task_return_boolean(task, TRUE);
		g_object_unref(task);
		return;
	}
	both = stp_cancellable_either(notify->ends, cancellable);
	/*
	 * The control point first: both need the same bond, and BlueZ 5.66 never answers an
	 * AcquireNotify that the pen refuses.
	 */
	g_dbus_proxy_call(notify->control, "StartNotify", NULL, G_DBUS_CALL_FLAGS_NONE, STP_BLUEZ_GATT, both,
			  on_control_notifying, task);
}

void
stp_bluez_notify_stop(StpBluezNotify *notify)
{
	g_clear_handle_id(&notify->timer, g_source_remove);
	g_clear_pointer(&notify->socket, stp_notify_socket_free);
	notify->way = STP_NOTIFY_NONE;
	notify->stopped = TRUE;
}

void
stp_bluez_notify_drain(StpBluezNotify *notify)
{
	if (notify->socket != NULL)
		stp_notify_socket_drain(notify->socket);
}

void
stp_bluez_notify_take(StpBluezNotify *notify, GBytes *value)
{
	if (notify->way != STP_NOTIFY_SIGNALS)
		return;
	/*
	 * When another program has notifications of this characteristic on, BlueZ emits the signal once
	 * for each of us.  Within an answer no two segments are the same, for their offsets differ; and the
	 * second of a last one, behind the next request, has a token that nobody waits for any more.
	 */
	if (notify->last_signal != NULL && g_bytes_equal(notify->last_signal, value))
		return;
	g_clear_pointer(&notify->last_signal, g_bytes_unref);
	notify->last_signal = g_bytes_ref(value);
	notify->last_value = g_get_monotonic_time();
	on_value(value, notify);
}

gboolean
stp_bluez_notify_is_started(const StpBluezNotify *notify)
{
	return notify->started;
}

void
stp_bluez_notify_get_figures(const StpBluezNotify *notify, StpLinkFigures *figures)
{
	figures->mtu = notify->mtu;
	figures->path = notify->started ? notify->wanted : STP_NOTIFY_NONE;
	figures->switches = notify->switches;
	figures->values = notify->values;
	figures->bytes = notify->bytes;
	if (notify->last_value > notify->first_asked && notify->first_asked != 0)
		figures->data_ms = (guint64)(notify->last_value - notify->first_asked) / 1000;
}

StpBluezNotify *
stp_bluez_notify_new(GDBusProxy *control, GDBusProxy *log_data, const char *address, StpLinkMemo *memo,
		     const StpBluezNotifyEvents *events, GObject *link, GCancellable *ends)
{
	StpBluezNotify *notify = g_new0(StpBluezNotify, 1);

	notify->control = g_object_ref(control);
	notify->log_data = g_object_ref(log_data);
	notify->address = g_strdup(address);
	notify->memo = memo;
	notify->events = events;
	notify->link = link;
	notify->ends = g_object_ref(ends);
	notify->mtu = STP_ATT_MTU_MIN;
	notify->wanted = memo->by_signals ? STP_NOTIFY_SIGNALS : STP_NOTIFY_DESCRIPTOR;
	return notify;
}

void
stp_bluez_notify_free(StpBluezNotify *notify)
{
	stp_bluez_notify_stop(notify);
	g_object_unref(notify->control);
	g_object_unref(notify->log_data);
	g_object_unref(notify->ends);
	g_clear_pointer(&notify->last_signal, g_bytes_unref);
	g_free(notify->address);
	g_free(notify);
}
