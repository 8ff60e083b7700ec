/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bluez-writes.h"

#include "bluez-error.h"
#include "bluez-timing.h"
#include "pending.h"

struct StpBluezWrites {
	GQueue tasks;	/* GTask with struct write; the first may be under way */
	gboolean under_way, held;
	const StpBluezWritesEvents *events;
};

struct write {
	StpBluezWrites *writes;
	GDBusProxy *characteristic;
	GBytes *value;
	gboolean with_response;
	GCancellable *cancellable;	/* the caller's, may be NULL */
	GCancellable *either;		/* that one, or the end of the link */
	guint tries;
};

static void send_first(StpBluezWrites *writes);
static void send_next(StpBluezWrites *writes);

StpBluezWrites *
stp_bluez_writes_new(const StpBluezWritesEvents *events)
{
	StpBluezWrites *writes = g_new0(StpBluezWrites, 1);

	g_queue_init(&writes->tasks);
	writes->events = events;
	return writes;
}

void
stp_bluez_writes_free(StpBluezWrites *writes)
{
	g_free(writes);
}

static void
free_write(gpointer data)
{
	struct write *write = data;

	g_object_unref(write->characteristic);
	g_bytes_unref(write->value);
	g_clear_object(&write->cancellable);
	g_object_unref(write->either);
	g_free(write);
}

/* error is NULL for success. */
static void
end_first(StpBluezWrites *writes, const GError *error)
{
	g_autoptr(GTask) task = g_queue_pop_head(&writes->tasks);
	struct write *write = g_task_get_task_data(task);

	writes->under_way = FALSE;
	send_next(writes);
	if (error != NULL) {
		g_task_return_error(task, writes->events->explain(g_task_get_source_object(task), error,
								  write->cancellable));
	} else {
		writes->events->written(g_task_get_source_object(task), write->characteristic, write->value);
		g_task_return_boolean(task, TRUE);
	}
}

static gboolean
on_try_again(gpointer user_data)
{
	send_first(user_data);
	return G_SOURCE_REMOVE;
}

static void
on_written(GObject *source, GAsyncResult *result, gpointer user_data)
{
	struct write *write = user_data;
	StpBluezWrites *writes = write->writes;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = g_dbus_proxy_call_finish(G_DBUS_PROXY(source), result, &error);

	/* InProgress: one that was cancelled here is still on its way there. */
	if (error != NULL && stp_bluez_error_is(error, "InProgress") &&
	    ++write->tries < STP_BLUEZ_WRITE_TRIES)
		g_timeout_add(STP_BLUEZ_WRITE_AGAIN, on_try_again, writes);
	else
		end_first(writes, error);
}

/* Also for a command an answer is wanted: of each call without, bluetoothd 5.66 complains in its log. */
static void
send_first(StpBluezWrites *writes)
{
	struct write *write = g_task_get_task_data(g_queue_peek_head(&writes->tasks));
	gsize size;
	const guint8 *bytes = g_bytes_get_data(write->value, &size);
	GVariantBuilder options;

	g_variant_builder_init(&options, G_VARIANT_TYPE_VARDICT);
	g_variant_builder_add(&options, "{sv}", "type",
			      g_variant_new_string(write->with_response ? "request" : "command"));
	g_dbus_proxy_call(write->characteristic, "WriteValue",
			  g_variant_new("(@aya{sv})",
					g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, bytes, size, 1), &options),
			  G_DBUS_CALL_FLAGS_NONE, STP_BLUEZ_GATT, write->either, on_written, write);
}

static void
send_next(StpBluezWrites *writes)
{
	if (writes->under_way || writes->held || writes->tasks.length == 0)
		return;
	writes->under_way = TRUE;
	send_first(writes);
}

void
stp_bluez_writes_hold(StpBluezWrites *writes, gboolean hold)
{
	writes->held = hold;
	send_next(writes);
}

void
stp_bluez_writes_add(StpBluezWrites *writes, GTask *task, GDBusProxy *characteristic, GBytes *value,
		     gboolean with_response, GCancellable *cancellable, GCancellable *ends)
{
	struct write *write = g_new0(struct write, 1);

	write->writes = writes;
	write->characteristic = g_object_ref(characteristic);
	write->value = g_bytes_ref(value);
	write->with_response = with_response;
	g_set_object(&write->cancellable, cancellable);
	write->either = stp_cancellable_either(ends, cancellable);
	g_task_set_task_data(task, write, free_write);
	g_queue_push_tail(&writes->tasks, task);
	send_next(writes);
}

void
stp_bluez_writes_fail(StpBluezWrites *writes, const GError *reason)
{
	while (writes->tasks.length > (writes->under_way ? 1 : 0)) {
		g_autoptr(GTask) task = g_queue_pop_tail(&writes->tasks);

		g_task_return_error(task, g_error_copy(reason));
	}
}
