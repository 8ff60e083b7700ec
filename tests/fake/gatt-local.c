/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#include "gatt-local.h"

#include <errno.h>
#include <gio/gunixfdlist.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "app-call.h"
#include "device.h"

#define MAX_VALUE 512
/* Other links and calls get their turn after so many values of one descriptor. */
#define BURST	  32

static void
on_read(GObject *source, GAsyncResult *result, gpointer data)
{
	FakeRequest *request = data;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);
	g_autoptr(GVariant) value = reply ? g_variant_get_child_value(reply, 0) : NULL;

	if (!value) {
		fake_request_answer(request, fake_app_error(error, FAKE_ATT_READ_NOT_PERMITTED), NULL);
	} else {
		gsize size = MIN(g_variant_get_size(value), MAX_VALUE);

		fake_request_answer(request, 0,
				    g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, g_variant_get_data(value),
							      size, 1));
	}
	fake_request_unref(request);
}

/* Where Confirm goes; the characteristic may be gone by then. */
typedef struct {
	GDBusConnection *connection;
	char *owner;
	char *path;
} Confirmation;

static void
confirmation_free(gpointer data)
{
	Confirmation *confirmation = data;

	g_object_unref(confirmation->connection);
	g_free(confirmation->owner);
	g_free(confirmation->path);
	g_free(confirmation);
}

static void
on_confirmed(gpointer data)
{
	Confirmation *confirmation = data;

	g_dbus_connection_call(confirmation->connection, confirmation->owner, confirmation->path, FAKE_GATT_CHR,
			       "Confirm", NULL, NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, NULL);
}

static void
notify_link(FakeChr *chr, FakeLink *link, guint ccc, gconstpointer value, gsize size)
{
	guint16 handle = (guint16)(chr->handle + 1);
	Confirmation *confirmation;

	if (!(ccc & 2)) {
		fake_att_notify(link, handle, value, size);
		return;
	}
	confirmation = g_new0(Confirmation, 1);
	confirmation->connection = g_object_ref(fake_app_connection(chr));
	confirmation->owner = g_strdup(chr->service->app->owner);
	confirmation->path = g_strdup(chr->path);
	fake_att_indicate(link, handle, value, size, on_confirmed, confirmation, confirmation_free);
}

static void unsubscribed(FakeChr *chr);

void
fake_local_notify(FakeChr *chr, gconstpointer value, gsize size)
{
	FakeAdapter *adapter = chr->service->app->db->adapter;
	GHashTableIter iter;
	gpointer address, ccc;

	g_hash_table_iter_init(&iter, chr->ccc);
	while (g_hash_table_iter_next(&iter, &address, &ccc)) {
		FakeDevice *device = fake_adapter_find(adapter, address);

		if (device && device->link && !device->central && GPOINTER_TO_UINT(ccc)) {
			/* May end the link, and with it change the table. */
			notify_link(chr, device->link, GPOINTER_TO_UINT(ccc), value, MIN(size, MAX_VALUE));
			return;
		}
		if (!device || (!device->link && !fake_device_bonded(device))) {
			g_hash_table_iter_remove(&iter);
			if (GPOINTER_TO_UINT(ccc))
				unsubscribed(chr);
			return;
		}
	}
}

static void
close_notify(FakeChr *chr)
{
	if (chr->notify_source)
		g_source_remove(chr->notify_source);
	if (chr->notify_fd >= 0)
		close(chr->notify_fd);
	chr->notify_source = 0;
	chr->notify_fd = -1;
}

static gboolean
on_notify_readable(int fd, GIOCondition condition, gpointer data)
{
	FakeChr *chr = data;
	guint8 value[MAX_VALUE];
	gssize n;

	for (int i = 0; i < BURST && chr->notify_fd == fd; i++) {
		n = recv(fd, value, sizeof(value), MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return G_SOURCE_CONTINUE;
		if (n <= 0) {
			chr->notify_source = 0;
			close_notify(chr);
			return G_SOURCE_REMOVE;
		}
		fake_local_notify(chr, value, (gsize)n);
	}
	return chr->notify_fd == fd ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static void
on_notify_acquired(GObject *source, GAsyncResult *result, gpointer data)
{
	g_autoptr(GUnixFDList) fds = NULL;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = g_dbus_connection_call_with_unix_fd_list_finish(
		G_DBUS_CONNECTION(source), &fds, result, &error);
	g_autofree char *name = error ? g_dbus_error_get_remote_error(error) : NULL;
	FakeChr *chr = data;
	int handle;

	if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		return;
	if (reply) {
		g_variant_get_child(reply, 0, "h", &handle);
		close_notify(chr);
		chr->notify_fd = g_unix_fd_list_get(fds, handle, NULL);
		chr->notify_source =
			g_unix_fd_add(chr->notify_fd, G_IO_IN | G_IO_HUP, on_notify_readable, chr);
	} else if (g_strcmp0(name, "org.bluez.Error.Failed") != 0 &&
		   !g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY)) {
		fake_app_call(chr, "StartNotify", NULL, NULL, NULL, NULL);
	} else {
		return;
	}
	chr->subscriptions++;
}

static void
unsubscribed(FakeChr *chr)
{
	if (!chr->subscriptions || --chr->subscriptions)
		return;
	if (chr->notify_fd >= 0)
		close_notify(chr);
	else if (chr->service->app->owner)
		fake_app_call(chr, "StopNotify", NULL, NULL, NULL, NULL);
}

static void
subscribed(FakeChr *chr, FakeLink *link)
{
	if (!chr->service->app->owner)
		return;
	if (chr->notify_fd >= 0) {
		chr->subscriptions++;
	} else if (chr->acquires_notify) {
		g_dbus_connection_call_with_unix_fd_list(
			fake_app_connection(chr), chr->service->app->owner, chr->path, FAKE_GATT_CHR, "AcquireNotify",
			g_variant_new("(@a{sv})", fake_app_options(link, 0)), G_VARIANT_TYPE("(hq)"),
			G_DBUS_CALL_FLAGS_NONE, -1, NULL, chr->cancellable, on_notify_acquired, chr);
	} else {
		fake_app_call(chr, "StartNotify", NULL, NULL, NULL, NULL);
		chr->subscriptions++;
	}
}

/* The answer does not wait for the application: it may hear of it after the central. */
static guint8
serve_subscribe(FakeChr *chr, FakeLink *link, guint16 ccc)
{
	guint old = GPOINTER_TO_UINT(g_hash_table_lookup(chr->ccc, link->central->address));

	if (ccc > 2 || (ccc == 1 && !(chr->props & FAKE_PROP_NOTIFY)) ||
	    (ccc == 2 && !(chr->props & FAKE_PROP_INDICATE)))
		return FAKE_ATT_CCC_IMPROPER;
	/* The same again, as from a bonded central that is back: the application hears nothing. */
	if (ccc == old)
		return 0;
	g_hash_table_insert(chr->ccc, g_strdup(link->central->address), GUINT_TO_POINTER((guint)ccc));
	if (ccc && !old)
		subscribed(chr, link);
	else if (!ccc)
		unsubscribed(chr);
	return 0;
}

static guint8
check_needs(FakeLink *link, guint8 needs)
{
	if ((guint8)link->security >= needs)
		return 0;
	return needs > 2 ? FAKE_ATT_AUTHENTICATION : FAKE_ATT_ENCRYPTION;
}

static guint8
check(FakeChr *chr, FakeRequest *request)
{
	switch (request->kind) {
	case FAKE_ATT_READ:
		return chr->props & FAKE_PROP_READ ? check_needs(request->link, chr->needs.read)
						   : FAKE_ATT_READ_NOT_PERMITTED;
	case FAKE_ATT_WRITE:
		return chr->props & (FAKE_PROP_WRITE | FAKE_PROP_COMMAND)
			       ? check_needs(request->link, chr->needs.write)
			       : FAKE_ATT_WRITE_NOT_PERMITTED;
	case FAKE_ATT_SUBSCRIBE:
	default:
		return check_needs(request->link, chr->needs.subscribe);
	}
}

void
fake_local_serve(FakeDb *db, FakeRequest *request)
{
	FakeChr *chr = fake_db_find(db, request->handle);
	guint8 code = chr ? check(chr, request) : FAKE_ATT_INVALID_HANDLE;

	if (code) {
		fake_request_answer(request, code, NULL);
		return;
	}
	switch (request->kind) {
	case FAKE_ATT_READ:
		if (chr->value) {
			fake_request_answer(request, 0, chr->value);
			break;
		}
		fake_app_call(chr, "ReadValue", g_variant_new("(@a{sv})", fake_app_options(request->link, request->offset)),
			 "(ay)", on_read, fake_request_ref(request));
		break;
	case FAKE_ATT_WRITE:
		if (chr->value) {
			fake_request_answer(request, 0, NULL);
			break;
		}
		fake_local_write(chr, request->link, request->value, request->offset, request);
		break;
	case FAKE_ATT_SUBSCRIBE:
	default:
		fake_request_answer(request, serve_subscribe(chr, request->link, request->ccc), NULL);
		break;
	}
}

void
fake_local_command(FakeDb *db, FakeLink *link, guint16 handle, GVariant *value)
{
	FakeChr *chr = fake_db_find(db, handle);

	if (chr && chr->props & (FAKE_PROP_WRITE | FAKE_PROP_COMMAND) &&
	    check_needs(link, chr->needs.write) == 0)
		fake_local_write(chr, link, value, 0, NULL);
}

void
fake_local_stop(FakeChr *chr)
{
	g_cancellable_cancel(chr->cancellable);
	close_notify(chr);
	fake_local_stop_writing(chr);
}

void
fake_local_closed(FakeDb *db, FakeLink *link)
{
	g_autoptr(GPtrArray) services = NULL;

	if (fake_device_bonded(link->at_peripheral))
		return;
	services = fake_db_services(db);
	for (guint s = 0; s < services->len; s++) {
		GPtrArray *chrs = ((FakeService *)g_ptr_array_index(services, s))->chrs;

		for (guint c = 0; c < chrs->len; c++) {
			FakeChr *chr = g_ptr_array_index(chrs, c);
			gpointer ccc = g_hash_table_lookup(chr->ccc, link->central->address);

			g_hash_table_remove(chr->ccc, link->central->address);
			if (GPOINTER_TO_UINT(ccc))
				unsubscribed(chr);
		}
	}
}
