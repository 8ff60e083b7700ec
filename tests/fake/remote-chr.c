/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#include "remote-chr.h"

#include <bluez-dbus.h>
#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "att.h"
#include "fake-link.h"
#include "remote-answer.h"
#include "remote-notify.h"

#define MAX_VALUE 512

struct FakeRemoteChr {
	FakeDevice *device;
	FakeObject *object;
	FakeIface *iface;
	FakeNotify *notify;
	guint16 value_handle;
	guint8 props;
	GPtrArray *readers;	/* GDBusMethodInvocation, all with read_offset */
	guint16 read_offset;
	GDBusMethodInvocation *writer;
	int write_fd;
	guint write_source;
	gboolean gone;
	int references;
};

static void
chr_unref(FakeRemoteChr *chr)
{
	if (--chr->references)
		return;
	g_ptr_array_free(chr->readers, TRUE);
	g_free(chr);
}

static GVariant *
bytes(gconstpointer data, gsize size)
{
	return g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, data, size, 1);
}

/* FALSE when an option has the wrong type. */
static gboolean
parse_options(GVariant *options, guint16 *offset, GVariant **type)
{
	g_autoptr(GVariant) value = g_variant_lookup_value(options, "offset", NULL);

	*offset = 0;
	if (value && !g_variant_is_of_type(value, G_VARIANT_TYPE_UINT16))
		return FALSE;
	if (value)
		*offset = g_variant_get_uint16(value);
	if (!type)
		return TRUE;
	*type = g_variant_lookup_value(options, "type", NULL);
	return !*type || g_variant_is_of_type(*type, G_VARIANT_TYPE_STRING);
}

/* A read is announced like a notification: clients that listen must know which is which. */
static void
store_value(FakeRemoteChr *chr, GVariant *value)
{
	GVariant *old = fake_iface_get(chr->iface, "Value");
	gsize old_size = old ? g_variant_get_size(old) : 0;
	g_autoptr(GByteArray) whole = g_byte_array_new();

	if (chr->read_offset && old)
		g_byte_array_append(whole, g_variant_get_data(old), (guint)MIN(old_size, chr->read_offset));
	g_byte_array_append(whole, g_variant_get_data(value), (guint)g_variant_get_size(value));
	fake_iface_emit(chr->iface, "Value", bytes(whole->data, whole->len));
}

static void
on_read(guint8 code, GVariant *value, gpointer data)
{
	FakeRemoteChr *chr = data;
	g_autoptr(GPtrArray) readers = g_steal_pointer(&chr->readers);

	chr->readers = g_ptr_array_new();
	if (!code && !chr->gone)
		store_value(chr, value);
	for (guint i = 0; i < readers->len; i++) {
		if (code)
			fake_refuse_att(g_ptr_array_index(readers, i), code);
		else
			g_dbus_method_invocation_return_value(g_ptr_array_index(readers, i),
							      g_variant_new("(@ay)", value));
	}
	chr_unref(chr);
}

static void
read_value(FakeRemoteChr *chr, GVariant *options, GDBusMethodInvocation *invocation)
{
	guint16 offset;

	if (!chr->device->link) {
		fake_refuse(invocation, "Failed", "Not connected");
	} else if (!parse_options(options, &offset, NULL)) {
		fake_refuse(invocation, "InvalidArguments", "Invalid arguments in method call");
	} else if (chr->readers->len && chr->read_offset != offset) {
		fake_refuse(invocation, "InProgress", "In Progress");
	} else {
		g_ptr_array_add(chr->readers, invocation);
		if (chr->readers->len > 1)
			return;
		chr->read_offset = offset;
		chr->references++;
		fake_att_read(chr->device->link, chr->value_handle, offset, on_read, chr);
	}
}

static void
on_written(guint8 code, GVariant *value, gpointer data)
{
	FakeRemoteChr *chr = data;
	GDBusMethodInvocation *invocation = g_steal_pointer(&chr->writer);

	if (code)
		fake_refuse_att(invocation, code);
	else
		fake_agree(invocation);
	chr_unref(chr);
}

static void
write_request(FakeRemoteChr *chr, GVariant *value, guint16 offset, GDBusMethodInvocation *invocation)
{
	if (g_variant_get_size(value) > MAX_VALUE) {
		fake_refuse_att(invocation, FAKE_ATT_INVALID_LENGTH);
		return;
	}
	chr->writer = invocation;
	chr->references++;
	fake_att_write(chr->device->link, chr->value_handle, value, offset, on_written, chr);
}

static void
write_value(FakeRemoteChr *chr, GVariant *value, GVariant *options, GDBusMethodInvocation *invocation)
{
	FakeLink *link = chr->device->link;
	g_autoptr(GVariant) type = NULL;
	const char *word = NULL;
	guint16 offset;

	if (!link) {
		fake_refuse(invocation, "Failed", "Not connected");
		return;
	}
	if (chr->write_fd >= 0) {
		fake_refuse(invocation, "NotPermitted", "Write acquired");
		return;
	}
	if (chr->writer) {
		fake_refuse(invocation, "InProgress", "In Progress");
		return;
	}
	if (!parse_options(options, &offset, &type)) {
		fake_refuse(invocation, "InvalidArguments", "Invalid arguments in method call");
		return;
	}
	word = type ? g_variant_get_string(type, NULL) : NULL;
	if ((!word && chr->props & FAKE_PROP_WRITE) ||
	    (word && (g_ascii_strcasecmp(word, "request") == 0 || g_ascii_strcasecmp(word, "reliable") == 0))) {
		write_request(chr, value, offset, invocation);
	} else if ((word && g_ascii_strcasecmp(word, "command") != 0) || offset ||
		   (!word && !(chr->props & FAKE_PROP_COMMAND))) {
		fake_refuse(invocation, "NotSupported", "Operation is not supported");
	} else if (g_variant_get_size(value) > (gsize)link->mtu - 3) {
		fake_refuse(invocation, "Failed", "Failed to initiate write");
	} else {
		fake_att_command(link, chr->value_handle, value);
		fake_agree(invocation);
	}
}

static void
close_write(FakeRemoteChr *chr)
{
	if (chr->write_source)
		g_source_remove(chr->write_source);
	if (chr->write_fd >= 0)
		close(chr->write_fd);
	chr->write_source = 0;
	chr->write_fd = -1;
	if (chr->props & FAKE_PROP_COMMAND)
		fake_iface_set(chr->iface, "WriteAcquired", g_variant_new_boolean(FALSE));
}

static gboolean
on_write_readable(int fd, GIOCondition condition, gpointer data)
{
	FakeRemoteChr *chr = data;
	guint8 value[MAX_VALUE];
	gssize n = recv(fd, value, sizeof(value), MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return G_SOURCE_CONTINUE;
	if (n <= 0 || !chr->device->link) {
		chr->write_source = 0;
		close_write(chr);
		return G_SOURCE_REMOVE;
	}
	if (n <= chr->device->link->mtu - 3)
		fake_att_command(chr->device->link, chr->value_handle, bytes(value, (gsize)n));
	return G_SOURCE_CONTINUE;
}

static void
acquire_write(FakeRemoteChr *chr, GDBusMethodInvocation *invocation)
{
	if (!chr->device->link) {
		fake_refuse(invocation, "Failed", "Not connected");
	} else if (chr->write_fd >= 0) {
		fake_refuse(invocation, "NotPermitted", "Write acquired");
	} else if (!(chr->props & FAKE_PROP_COMMAND)) {
		fake_refuse(invocation, "NotSupported", "Operation is not supported");
	} else {
		chr->write_fd = fake_answer_with_socket(invocation, chr->device->link->mtu);
		if (chr->write_fd < 0)
			return;
		chr->write_source = g_unix_fd_add(chr->write_fd, G_IO_IN | G_IO_HUP, on_write_readable, chr);
		fake_iface_set(chr->iface, "WriteAcquired", g_variant_new_boolean(TRUE));
	}
}

static void
on_call(gpointer self, const char *method, GVariant *args, GDBusMethodInvocation *invocation)
{
	FakeRemoteChr *chr = self;
	g_autoptr(GVariant) value = NULL;
	g_autoptr(GVariant) options = NULL;

	if (g_str_equal(method, "ReadValue")) {
		options = g_variant_get_child_value(args, 0);
		read_value(chr, options, invocation);
	} else if (g_str_equal(method, "WriteValue")) {
		value = g_variant_get_child_value(args, 0);
		options = g_variant_get_child_value(args, 1);
		write_value(chr, value, options, invocation);
	} else if (g_str_equal(method, "AcquireWrite")) {
		acquire_write(chr, invocation);
	} else if (g_str_equal(method, "AcquireNotify")) {
		fake_notify_acquire(chr->notify, invocation);
	} else if (g_str_equal(method, "StartNotify")) {
		fake_notify_start(chr->notify, invocation);
	} else if (g_str_equal(method, "StopNotify")) {
		fake_notify_stop(chr->notify, invocation);
	} else {
		g_dbus_method_invocation_return_dbus_error(
			invocation, "org.freedesktop.DBus.Error.UnknownMethod", "No such method");
	}
}

static const FakeMethods methods = { on_call, NULL };

static GVariant *
flags_of(guint8 props)
{
	static const struct {
		guint8 prop;
		const char *name;
	} names[] = {
		{ 0x01, "broadcast" }, { FAKE_PROP_READ, "read" }, { FAKE_PROP_COMMAND, "write-without-response" },
		{ FAKE_PROP_WRITE, "write" }, { FAKE_PROP_NOTIFY, "notify" }, { FAKE_PROP_INDICATE, "indicate" },
		{ 0x40, "authenticated-signed-writes" }, { 0x80, "extended-properties" },
	};
	g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE("as"));

	for (guint i = 0; i < G_N_ELEMENTS(names); i++)
		if (props & names[i].prop)
			g_variant_builder_add(&builder, "s", names[i].name);
	return g_variant_builder_end(&builder);
}

FakeRemoteChr *
fake_remote_chr_new(FakeDevice *device, const char *service_path, const FakeChr *local)
{
	g_autofree char *path = g_strdup_printf("%s/char%04x", service_path, local->handle);
	FakeRemoteChr *chr = g_new0(FakeRemoteChr, 1);

	chr->device = device;
	chr->value_handle = (guint16)(local->handle + 1);
	chr->props = local->props;
	chr->readers = g_ptr_array_new();
	chr->write_fd = -1;
	chr->references = 1;
	chr->object = fake_object_new(device->adapter->air->bus, path);
	chr->iface = fake_object_add(chr->object, bluez_gatt_characteristic1_interface_info(), &methods, chr);
	fake_iface_set(chr->iface, "UUID", g_variant_new_string(local->uuid));
	fake_iface_set(chr->iface, "Service", g_variant_new_object_path(service_path));
	fake_iface_set(chr->iface, "Flags", flags_of(local->props));
	fake_iface_set(chr->iface, "MTU", g_variant_new_uint16(device->link->mtu));
	if (local->props & FAKE_PROP_COMMAND)
		fake_iface_set(chr->iface, "WriteAcquired", g_variant_new_boolean(FALSE));
	chr->notify = fake_notify_new(device, chr->iface, chr->value_handle, chr->props);
	fake_object_publish(chr->object);
	return chr;
}

void
fake_remote_chr_free(FakeRemoteChr *chr)
{
	close_write(chr);
	fake_notify_free(chr->notify);
	chr->gone = TRUE;
	fake_object_free(chr->object);
	chr_unref(chr);
}

guint16
fake_remote_chr_handle(FakeRemoteChr *chr)
{
	return chr->value_handle;
}

void
fake_remote_chr_connected(FakeRemoteChr *chr)
{
	fake_iface_set(chr->iface, "MTU", g_variant_new_uint16(chr->device->link->mtu));
	fake_notify_connected(chr->notify);
}

void
fake_remote_chr_disconnected(FakeRemoteChr *chr)
{
	close_write(chr);
	fake_notify_disconnected(chr->notify);
	/* Without a link there is no MTU; BlueZ does not say that it went. */
	fake_iface_set_quietly(chr->iface, "MTU", NULL);
}

void
fake_remote_chr_notified(FakeRemoteChr *chr, gconstpointer value, gsize size)
{
	fake_notify_value(chr->notify, value, size);
}

gboolean
fake_remote_chr_is(FakeRemoteChr *chr, const char *uuid)
{
	return g_str_equal(g_variant_get_string(fake_iface_get(chr->iface, "UUID"), NULL), uuid);
}

void
fake_remote_chr_listen(FakeRemoteChr *chr, FakeHeard heard, gpointer data)
{
	if (chr->props & (FAKE_PROP_NOTIFY | FAKE_PROP_INDICATE))
		fake_notify_listen(chr->notify, heard, data);
}
