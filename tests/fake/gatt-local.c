/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#include "gatt-local.h"

#include <errno.h>
#include <gio/gunixfdlist.h>
#include <glib-unix.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "device.h"

#define GATT_CHR	"org.bluez.GattCharacteristic1"
#define BLUEZ_ERROR	"org.bluez.Error."
#define MAX_VALUE	512
/* Other links and calls get their turn after so many values of one descriptor. */
#define BURST		32

static GDBusConnection *
connection_of(FakeChr *chr)
{
	return fake_bus_connection(chr->service->app->db->adapter->air->bus);
}

static void
call_app(FakeChr *chr, const char *method, GVariant *args, const char *reply_type,
	 GAsyncReadyCallback callback, gpointer data)
{
	g_dbus_connection_call(connection_of(chr), chr->service->app->owner, chr->path, GATT_CHR, method, args,
			       reply_type ? G_VARIANT_TYPE(reply_type) : NULL, G_DBUS_CALL_FLAGS_NONE, -1,
			       NULL, callback, data);
}

static GVariant *
options_for(FakeLink *link, guint16 offset)
{
	g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);

	g_variant_builder_add(&builder, "{sv}", "device",
			      g_variant_new_object_path(fake_device_path(link->at_peripheral)));
	if (offset)
		g_variant_builder_add(&builder, "{sv}", "offset", g_variant_new_uint16(offset));
	g_variant_builder_add(&builder, "{sv}", "link", g_variant_new_string("LE"));
	g_variant_builder_add(&builder, "{sv}", "mtu", g_variant_new_uint16(link->mtu));
	return g_variant_builder_end(&builder);
}

/* What BlueZ makes of an application's error; permission: the code for NotPermitted. */
static guint8
code_of_error(const GError *error, guint8 permission)
{
	g_autofree char *name = g_dbus_error_get_remote_error(error);
	g_autoptr(GError) copy = g_error_copy(error);
	const char *word = name && g_str_has_prefix(name, BLUEZ_ERROR) ? name + strlen(BLUEZ_ERROR) : "";
	char *end;
	long code;

	g_dbus_error_strip_remote_error(copy);
	if (g_str_equal(word, "Failed")) {
		code = strtol(copy->message, &end, 0);
		if (end == copy->message || *end)
			return FAKE_ATT_APPLICATION;
		return code >= 0x80 && code <= 0x9f ? (guint8)code : FAKE_ATT_UNLIKELY;
	}
	if (g_str_equal(word, "NotSupported"))
		return FAKE_ATT_NOT_SUPPORTED;
	if (g_str_equal(word, "NotAuthorized"))
		return FAKE_ATT_AUTHORIZATION;
	if (g_str_equal(word, "InvalidValueLength"))
		return FAKE_ATT_INVALID_LENGTH;
	if (g_str_equal(word, "InvalidOffset"))
		return FAKE_ATT_INVALID_OFFSET;
	if (g_str_equal(word, "InProgress"))
		return FAKE_ATT_IN_PROGRESS;
	if (g_str_equal(word, "NotPermitted"))
		return permission;
	return FAKE_ATT_UNLIKELY;
}

static void
on_read(GObject *source, GAsyncResult *result, gpointer data)
{
	FakeRequest *request = data;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);
	g_autoptr(GVariant) value = reply ? g_variant_get_child_value(reply, 0) : NULL;

	if (!value) {
		fake_request_answer(request, code_of_error(error, FAKE_ATT_READ_NOT_PERMITTED), NULL);
	} else {
		gsize size = MIN(g_variant_get_size(value), MAX_VALUE);

		fake_request_answer(request, 0,
				    g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, g_variant_get_data(value),
							      size, 1));
	}
	fake_request_unref(request);
}

static void
on_written(GObject *source, GAsyncResult *result, gpointer data)
{
	FakeRequest *request = data;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);

	fake_request_answer(request, reply ? 0 : code_of_error(error, FAKE_ATT_WRITE_NOT_PERMITTED), NULL);
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
	call_app(chr, "WriteValue", g_variant_new("(@ay@a{sv})", write_op->value, write_op->options), "()",
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

static void
serve_write(FakeChr *chr, FakeLink *link, GVariant *value, guint16 offset, FakeRequest *request)
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
	write_op->options = g_variant_ref_sink(options_for(link, offset));
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
			connection_of(chr), chr->service->app->owner, chr->path, GATT_CHR, "AcquireWrite",
			g_variant_new("(@a{sv})", options_for(link, 0)), G_VARIANT_TYPE("(hq)"),
			G_DBUS_CALL_FLAGS_NONE, -1, NULL, chr->cancellable, on_write_acquired, chr);
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

	g_dbus_connection_call(confirmation->connection, confirmation->owner, confirmation->path, GATT_CHR,
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
	confirmation->connection = g_object_ref(connection_of(chr));
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
	} else if (g_strcmp0(name, BLUEZ_ERROR "Failed") != 0 &&
		   !g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY)) {
		call_app(chr, "StartNotify", NULL, NULL, NULL, NULL);
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
		call_app(chr, "StopNotify", NULL, NULL, NULL, NULL);
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
			connection_of(chr), chr->service->app->owner, chr->path, GATT_CHR, "AcquireNotify",
			g_variant_new("(@a{sv})", options_for(link, 0)), G_VARIANT_TYPE("(hq)"),
			G_DBUS_CALL_FLAGS_NONE, -1, NULL, chr->cancellable, on_notify_acquired, chr);
	} else {
		call_app(chr, "StartNotify", NULL, NULL, NULL, NULL);
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
		call_app(chr, "ReadValue", g_variant_new("(@a{sv})", options_for(request->link, request->offset)),
			 "(ay)", on_read, fake_request_ref(request));
		break;
	case FAKE_ATT_WRITE:
		serve_write(chr, request->link, request->value, request->offset, request);
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
		serve_write(chr, link, value, 0, NULL);
}

void
fake_local_stop(FakeChr *chr)
{
	Write *write_op;

	g_cancellable_cancel(chr->cancellable);
	close_notify(chr);
	if (chr->write_source)
		g_source_remove(chr->write_source);
	if (chr->write_fd >= 0)
		close(chr->write_fd);
	chr->write_source = 0;
	chr->write_fd = -1;
	while ((write_op = g_queue_pop_head(&chr->writes)))
		write_free(write_op);
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
