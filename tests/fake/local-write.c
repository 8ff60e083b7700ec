/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#include "gatt-local.h"

#include <gio/gunixfdlist.h>
#include <glib-unix.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app-call.h"

static void
on_written(GObject *source, GAsyncResult *result, gpointer data)
{
	FakeRequest *request = data;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);

	fake_request_answer(request, reply ? 0 : fake_app_error(error, FAKE_ATT_WRITE_NOT_PERMITTED), NULL);
	fake_request_unref(request);
}

static gboolean
on_write_hangup(int fd, GIOCondition condition, gpointer data)
{
	FakeChr *chr = data;

	close(chr->write_fd);
	chr->write_fd = -1;
	chr->write_source = 0;
	return G_SOURCE_REMOVE;
}

/* A write that waits for the application's descriptor. */
typedef struct {
	GVariant *value;
	GVariant *options;
	FakeRequest *request;	/* NULL: a command */
} Write;

static void
write_free(Write *write_op)
{
	if (write_op->request) {
		fake_request_answer(write_op->request, FAKE_ATT_NOT_SUPPORTED, NULL);
		fake_request_unref(write_op->request);
	}
	g_variant_unref(write_op->value);
	g_variant_unref(write_op->options);
	g_free(write_op);
}

static guint8
send_to_fd(FakeChr *chr, GVariant *value)
{
	gssize n = send(chr->write_fd, g_variant_get_data(value), g_variant_get_size(value),
			MSG_NOSIGNAL | MSG_DONTWAIT);

	return n < 0 ? FAKE_ATT_UNLIKELY : 0;
}

static void
send_by_call(FakeChr *chr, Write *write_op)
{
	/* As in BlueZ, who accepts commands is not asked whether a request went well. */
	gboolean wait = !(chr->props & FAKE_PROP_COMMAND);

	if (write_op->request && !wait)
		fake_request_answer(write_op->request, 0, NULL);
	fake_app_call(chr, "WriteValue", g_variant_new("(@ay@a{sv})", write_op->value, write_op->options), "()",
		 write_op->request && wait ? on_written : NULL,
		 write_op->request && wait ? fake_request_ref(write_op->request) : NULL);
}

static void
on_write_acquired(GObject *source, GAsyncResult *result, gpointer data)
{
	g_autoptr(GUnixFDList) fds = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = g_dbus_connection_call_with_unix_fd_list_finish(
		G_DBUS_CONNECTION(source), &fds, result, &error);
	FakeChr *chr = data;
	Write *write_op;
	int handle;

	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		return;
	if (reply) {
		g_variant_get_child(reply, 0, "h", &handle);
		chr->write_fd = g_unix_fd_list_get(fds, handle, NULL);
		if (chr->write_fd >= 0)
			chr->write_source = g_unix_fd_add(chr->write_fd, G_IO_HUP, on_write_hangup, chr);
	}
	while ((write_op = g_queue_pop_head(&chr->writes))) {
		if (chr->write_fd < 0)
			send_by_call(chr, write_op);
		else if (write_op->request)
			fake_request_answer(write_op->request, send_to_fd(chr, write_op->value), NULL);
		else
			send_to_fd(chr, write_op->value);
		write_free(write_op);
	}
}

void
fake_local_write(FakeChr *chr, FakeLink *link, GVariant *value, guint16 offset, FakeRequest *request)
{
	Write *write_op;

	if (chr->write_fd >= 0) {
		guint8 code = send_to_fd(chr, value);

		if (request)
			fake_request_answer(request, code, NULL);
		return;
	}
	write_op = g_new0(Write, 1);
	write_op->value = g_variant_ref(value);
	write_op->options = g_variant_ref_sink(fake_app_options(link, offset));
	write_op->request = request ? fake_request_ref(request) : NULL;
	if (!chr->acquires_write) {
		send_by_call(chr, write_op);
		if (write_op->request)
			fake_request_unref(g_steal_pointer(&write_op->request));
		write_free(write_op);
		return;
	}
	g_queue_push_tail(&chr->writes, write_op);
	if (g_queue_get_length(&chr->writes) == 1)
		g_dbus_connection_call_with_unix_fd_list(
			fake_app_connection(chr), chr->service->app->owner, chr->path, FAKE_GATT_CHR, "AcquireWrite",
			g_variant_new("(@a{sv})", fake_app_options(link, 0)), G_VARIANT_TYPE("(hq)"),
			G_DBUS_CALL_FLAGS_NONE, -1, NULL, chr->cancellable, on_write_acquired, chr);
}

void
fake_local_stop_writing(FakeChr *chr)
{
	Write *write_op;

	if (chr->write_source)
		g_source_remove(chr->write_source);
	if (chr->write_fd >= 0)
		close(chr->write_fd);
	chr->write_source = 0;
	chr->write_fd = -1;
	while ((write_op = g_queue_pop_head(&chr->writes)))
		write_free(write_op);
}
