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
#include <stipple/gatt.h>

/* How Log Data arrives. */
typedef enum {
	DATA_OFF,	/* not yet, or no more */
	DATA_SOCKET,	/* by AcquireNotify */
	DATA_SIGNALS,	/* by StartNotify */
} DataWay;

struct StpBluezNotify {
	GDBusProxy *control, *log_data;
	const StpBluezNotifyEvents *events;
	GObject *link;
	GCancellable *ends;
	guint mtu;
	DataWay way;
	StpNotifySocket *socket;
	gboolean stopped;
	gboolean reacquired;	/* the descriptor was replaced once already */
};

/* What a task carries, so that it is explained by who cancelled it. */
struct start {
	StpBluezNotify *notify;
	GCancellable *cancellable;	/* the caller's, may be NULL */
};

static void acquire(StpBluezNotify *notify, GTask *task);

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
on_value(GBytes *value, gpointer data)
{
	StpBluezNotify *notify = data;

	notify->events->value(value, notify->link);
}

static void
on_reacquired(GObject *source, GAsyncResult *result, gpointer user_data)
{
	StpBluezNotify *notify = user_data;
	g_autoptr(GError) error = NULL;

	if (!g_task_propagate_boolean(G_TASK(result), &error) && !notify->stopped)
		notify->events->lost(error, notify->link);
}

static void
on_socket_ended(gpointer data)
{
	StpBluezNotify *notify = data;
	g_autoptr(GObject) keep = g_object_ref(notify->link);
	g_autoptr(GError) error = NULL;

	/*
	 * That the descriptor ended does not mean that the connection did.  If so, Connected will
	 * tell, and asking for another descriptor does no harm.
	 */
	g_clear_pointer(&notify->socket, stp_notify_socket_free);
	notify->way = DATA_OFF;
	if (!notify->reacquired) {
		notify->reacquired = TRUE;
		stp_debug("link", NULL, "the descriptor of log-data ended; asking for another");
		acquire(notify, attach(notify, g_task_new(notify->link, NULL, on_reacquired, notify), NULL));
		return;
	}
	error = g_error_new_literal(STP_ERROR, STP_ERROR_PROTOCOL_FAILED,
				    "Bluetooth ended the stream of data again and again. The pen is connected "
				    "anew; if it stays so, restart the Bluetooth service.");
	notify->events->lost(error, notify->link);
}

static void
finish(StpBluezNotify *notify, GTask *task, guint16 mtu)
{
	notify->mtu = CLAMP(mtu, STP_ATT_MTU_MIN, STP_ATT_MTU_MAX);
	stp_debug("link", NULL, "log-data comes by %s, MTU %u",
		  notify->way == DATA_SOCKET ? "descriptor" : "signals", notify->mtu);
	g_task_return_boolean(task, TRUE);
}

static void
on_data_notifying(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(GTask) task = user_data;
	StpBluezNotify *notify = notify_of(task);
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = g_dbus_proxy_call_finish(G_DBUS_PROXY(source), result, &error);

	if (reply == NULL) {
		notify->way = DATA_OFF;
		fail(task, error, "Turning on the pen's data");
		return;
	}
	finish(notify, task, stp_bluez_get_uint16(notify->log_data, "MTU", STP_ATT_MTU_MIN));
}

/* Whether StartNotify may do what AcquireNotify did not. */
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

static void
on_data_acquired(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(GTask) task = user_data;
	StpBluezNotify *notify = notify_of(task);
	g_autoptr(GUnixFDList) descriptors = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = g_dbus_proxy_call_with_unix_fd_list_finish(G_DBUS_PROXY(source), &descriptors,
									       result, &error);
	gint32 index;
	guint16 mtu;
	int fd = -1;

	if (reply != NULL && g_variant_is_of_type(reply, G_VARIANT_TYPE("(hq)"))) {
		g_variant_get(reply, "(hq)", &index, &mtu);
		fd = descriptors != NULL ? g_unix_fd_list_get(descriptors, index, &error) : -1;
	}
	if (fd >= 0) {
		notify->way = DATA_SOCKET;
		notify->socket = stp_notify_socket_new(fd, on_value, on_socket_ended, notify);
		finish(notify, task, mtu);
		return;
	}
	if (error != NULL && !is_worth_falling_back(error)) {
		fail(task, error, "Turning on the pen's data");
		return;
	}
	stp_debug("link", NULL, "AcquireNotify: %s", error != NULL ? error->message : "no descriptor");
	/* Before the call: values may come before its answer. */
	notify->way = DATA_SIGNALS;
	g_dbus_proxy_call(notify->log_data, "StartNotify", NULL, G_DBUS_CALL_FLAGS_NONE, STP_BLUEZ_GATT,
			  notify->ends, on_data_notifying, g_steal_pointer(&task));
}

/* Takes task. */
static void
acquire(StpBluezNotify *notify, GTask *task)
{
	GVariantBuilder options;

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
		acquire(notify, g_steal_pointer(&task));
}

void
stp_bluez_notify_start(StpBluezNotify *notify, GTask *task, GCancellable *cancellable)
{
	g_autoptr(GCancellable) both = NULL;

	attach(notify, task, cancellable);
	if (notify->way != DATA_OFF) {
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
	g_clear_pointer(&notify->socket, stp_notify_socket_free);
	notify->way = DATA_OFF;
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
	if (notify->way == DATA_SIGNALS)
		on_value(value, notify);
}

guint
stp_bluez_notify_get_mtu(const StpBluezNotify *notify)
{
	return notify->mtu;
}

StpBluezNotify *
stp_bluez_notify_new(GDBusProxy *control, GDBusProxy *log_data, const StpBluezNotifyEvents *events, GObject *link,
		     GCancellable *ends)
{
	StpBluezNotify *notify = g_new0(StpBluezNotify, 1);

	notify->control = g_object_ref(control);
	notify->log_data = g_object_ref(log_data);
	notify->events = events;
	notify->link = link;
	notify->ends = g_object_ref(ends);
	notify->mtu = STP_ATT_MTU_MIN;
	return notify;
}

void
stp_bluez_notify_free(StpBluezNotify *notify)
{
	stp_bluez_notify_stop(notify);
	g_object_unref(notify->control);
	g_object_unref(notify->log_data);
	g_object_unref(notify->ends);
	g_free(notify);
}
