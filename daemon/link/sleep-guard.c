/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "sleep-guard.h"

#include "bluez-timing.h"
#include "clock.h"
#include "log.h"

#include <gio/gunixfdlist.h>
#include <unistd.h>

#define LOGIND "org.freedesktop.login1"
#define LOGIND_PATH "/org/freedesktop/login1"
#define LOGIND_MANAGER "org.freedesktop.login1.Manager"

struct _StpSleepGuard {
	GObject parent;
	GDBusConnection *connection;
	guint subscription, owner_subscription;
	gboolean asleep;	/* as last told */
	guint alarm;		/* while asleep: until it surely is awake */
	gboolean wanted;
	GCancellable *asking;	/* of the Inhibit() under way */
	int fd;			/* the inhibitor; -1: none */
};

G_DEFINE_FINAL_TYPE(StpSleepGuard, stp_sleep_guard, G_TYPE_OBJECT)

static guint sleep_signal;

static void
tell(StpSleepGuard *self, gboolean begins)
{
	g_clear_handle_id(&self->alarm, g_source_remove);
	if (begins == self->asleep)
		return;
	self->asleep = begins;
	stp_info("link", NULL, begins ? "This computer goes to sleep." : "This computer is awake again.");
	g_signal_emit(self, sleep_signal, 0, begins);
}

/* This clock stands still in sleep: it either never began, or is over, and nobody said so. */
static gboolean
on_alarm(gpointer user_data)
{
	StpSleepGuard *self = user_data;

	self->alarm = 0;
	stp_notice("link", NULL, "Nobody said that this computer is awake again, but it is: going on.");
	tell(self, FALSE);
	return G_SOURCE_REMOVE;
}

static void
on_prepare(GDBusConnection *connection, const char *sender, const char *path, const char *interface,
	   const char *name, GVariant *arguments, gpointer user_data)
{
	StpSleepGuard *self = user_data;
	gboolean begins;

	if (!g_variant_is_of_type(arguments, G_VARIANT_TYPE("(b)")))
		return;
	g_variant_get(arguments, "(b)", &begins);
	tell(self, begins);
	if (begins)
		self->alarm = stp_clock_add(STP_BLUEZ_SLEEP_UNTOLD, on_alarm, self);
}

/* The one that would have said that the sleep is over is gone; its successor knows nothing of it. */
static void
on_owner_changed(GDBusConnection *connection, const char *sender, const char *path, const char *interface,
		 const char *name, GVariant *arguments, gpointer user_data)
{
	tell(user_data, FALSE);
}

StpSleepGuard *
stp_sleep_guard_new(GDBusConnection *connection)
{
	StpSleepGuard *self = g_object_new(STP_TYPE_SLEEP_GUARD, NULL);

	self->connection = g_object_ref(connection);
	self->subscription = g_dbus_connection_signal_subscribe(connection, LOGIND, LOGIND_MANAGER, "PrepareForSleep",
								LOGIND_PATH, NULL, G_DBUS_SIGNAL_FLAGS_NONE,
								on_prepare, self, NULL);
	self->owner_subscription = g_dbus_connection_signal_subscribe(
		connection, "org.freedesktop.DBus", "org.freedesktop.DBus", "NameOwnerChanged",
		"/org/freedesktop/DBus", LOGIND, G_DBUS_SIGNAL_FLAGS_NONE, on_owner_changed, self, NULL);
	return self;
}

static void
let_go(StpSleepGuard *self)
{
	if (self->asking != NULL)
		g_cancellable_cancel(self->asking);
	g_clear_object(&self->asking);
	if (self->fd >= 0)
		close(self->fd);
	self->fd = -1;
}

/* No reference for the call: after dispose(), which cancels, it only sees CANCELLED. */
static void
on_inhibited(GObject *source, GAsyncResult *result, gpointer user_data)
{
	StpSleepGuard *self = user_data;
	g_autoptr(GUnixFDList) list = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = g_dbus_connection_call_with_unix_fd_list_finish(G_DBUS_CONNECTION(source), &list,
										      result, &error);
	gint32 handle;

	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		return;
	g_clear_object(&self->asking);
	if (reply != NULL && list != NULL) {
		g_variant_get(reply, "(h)", &handle);
		self->fd = g_unix_fd_list_get(list, handle, &error);
	}
	/* No logind, or it does not let us: a link that is cut by the sleep is only slower to notice. */
	if (self->fd < 0 && error != NULL)
		stp_debug("link", NULL, "no sleep inhibitor: %s", error->message);
}

void
stp_sleep_guard_hold(StpSleepGuard *self, gboolean hold)
{
	if (self->wanted == hold)
		return;
	self->wanted = hold;
	if (!hold) {
		let_go(self);
		return;
	}
	self->asking = g_cancellable_new();
	g_dbus_connection_call_with_unix_fd_list(
		self->connection, LOGIND, LOGIND_PATH, LOGIND_MANAGER, "Inhibit",
		g_variant_new("(ssss)", "sleep", "stippled", "Records are being fetched from a pen", "delay"),
		G_VARIANT_TYPE("(h)"), G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, self->asking, on_inhibited, self);
}

static void
stp_sleep_guard_dispose(GObject *object)
{
	StpSleepGuard *self = STP_SLEEP_GUARD(object);

	if (self->subscription != 0)
		g_dbus_connection_signal_unsubscribe(self->connection, self->subscription);
	if (self->owner_subscription != 0)
		g_dbus_connection_signal_unsubscribe(self->connection, self->owner_subscription);
	self->subscription = self->owner_subscription = 0;
	g_clear_handle_id(&self->alarm, g_source_remove);
	let_go(self);
	g_clear_object(&self->connection);
	G_OBJECT_CLASS(stp_sleep_guard_parent_class)->dispose(object);
}

static void
stp_sleep_guard_class_init(StpSleepGuardClass *class)
{
	G_OBJECT_CLASS(class)->dispose = stp_sleep_guard_dispose;
	sleep_signal = g_signal_new("sleep", STP_TYPE_SLEEP_GUARD, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
				    G_TYPE_NONE, 1, G_TYPE_BOOLEAN);
}

static void
stp_sleep_guard_init(StpSleepGuard *self)
{
	self->fd = -1;
}
