/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#include "test-pen.h"

#include <bluez-dbus.h>
#include <errno.h>
#include <gio/gunixfdlist.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CALL_MS 2000

typedef struct {
	GVariant *reply;
	GUnixFDList *fds;
	GError *error;
	gboolean done;
} Call;

static void
on_called(GObject *source, GAsyncResult *result, gpointer data)
{
	Call *call = data;

	call->reply = g_dbus_connection_call_with_unix_fd_list_finish(G_DBUS_CONNECTION(source), &call->fds, result,
								      &call->error);
	call->done = TRUE;
}

static gboolean
call_is_done(gpointer data)
{
	return ((Call *)data)->done;
}

GVariant *
test_call(GDBusConnection *connection, const char *path, const char *interface, const char *method,
	  GVariant *args, GUnixFDList **fds, GError **error)
{
	Call call = { 0 };

	g_dbus_connection_call_with_unix_fd_list(connection, "org.bluez", path, interface, method, args, NULL,
						 G_DBUS_CALL_FLAGS_NONE, CALL_MS, NULL, NULL, on_called, &call);
	private_wait(call_is_done, &call, CALL_MS + 1000);
	if (fds)
		*fds = call.fds;
	else
		g_clear_object(&call.fds);
	if (call.error)
		g_propagate_error(error, call.error);
	return call.reply;
}

static gboolean
call_ok(TestPen *pen, const char *path, const char *interface, const char *method, GVariant *args,
	GError **error)
{
	g_autoptr(GVariant) reply = test_call(pen->connection, path, interface, method, args, NULL, error);

	return reply != NULL;
}

static GVariant *
bytes(gconstpointer data, gsize size)
{
	return g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, data, size, 1);
}

static void
on_agent_call(gpointer self, const char *method, GVariant *args, GDBusMethodInvocation *invocation)
{
	TestPen *pen = self;

	if (g_str_equal(method, "DisplayPasskey")) {
		g_variant_get(args, "(ouq)", NULL, &pen->passkey, NULL);
		pen->shown = TRUE;
	} else if (g_str_equal(method, "RequestConfirmation")) {
		g_variant_get(args, "(ou)", NULL, &pen->passkey);
		pen->asked++;
		if (pen->refuse) {
			fake_refuse(invocation, "Rejected", "no");
			return;
		}
	}
	fake_agree(invocation);
}

static const FakeMethods agent_methods = { on_agent_call, NULL };

static void
answer_with_socket(TestPen *pen, GDBusMethodInvocation *invocation)
{
	g_autoptr(GUnixFDList) list = NULL;
	int fds[2];

	g_assert(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds) == 0);
	list = g_unix_fd_list_new_from_array(&fds[1], 1);
	if (pen->data_fd >= 0)
		close(pen->data_fd);
	pen->data_fd = fds[0];
	pen->acquired++;
	g_dbus_method_invocation_return_value_with_unix_fd_list(invocation, g_variant_new("(hq)", 0, 517), list);
}

static void
on_chr_call(gpointer self, const char *method, GVariant *args, GDBusMethodInvocation *invocation)
{
	TestPen *pen = self;

	if (g_str_equal(method, "ReadValue")) {
		g_autoptr(GVariant) options = g_variant_get_child_value(args, 0);
		const char value[] = "0123456789";
		guint16 offset = 0;

		g_variant_lookup(options, "offset", "q", &offset);
		if (pen->silent)
			return;
		g_dbus_method_invocation_return_value(
			invocation, g_variant_new("(@ay)", bytes(value + offset, strlen(value) - offset)));
		return;
	}
	if (g_str_equal(method, "WriteValue")) {
		g_autoptr(GVariant) value = g_variant_get_child_value(args, 0);

		g_byte_array_set_size(pen->written, 0);
		g_byte_array_append(pen->written, g_variant_get_data(value), (guint)g_variant_get_size(value));
		pen->writes++;
		if (pen->refuse) {
			fake_refuse(invocation, "Failed", "0x81");
			return;
		}
	} else if (g_str_equal(method, "AcquireNotify")) {
		answer_with_socket(pen, invocation);
		return;
	} else if (g_str_equal(method, "StartNotify")) {
		pen->started++;
	} else if (g_str_equal(method, "StopNotify")) {
		pen->stopped++;
	} else if (g_str_equal(method, "Confirm")) {
		pen->confirmed++;
	}
	fake_agree(invocation);
}

static const FakeMethods chr_methods = { on_chr_call, NULL };

/* Nobody but BlueZ itself asks for it. */
static void
on_battery_call(gpointer self, const char *method, GVariant *args, GDBusMethodInvocation *invocation)
{
	TestPen *pen = self;
	const guint8 level = 87;

	if (g_str_equal(method, "ReadValue")) {
		pen->battery_read++;
		g_dbus_method_invocation_return_value(invocation, g_variant_new("(@ay)", bytes(&level, 1)));
		return;
	}
	pen->battery_started += g_str_equal(method, "StartNotify");
	fake_agree(invocation);
}

static const FakeMethods battery_methods = { on_battery_call, NULL };

static void
on_advert_call(gpointer self, const char *method, GVariant *args, GDBusMethodInvocation *invocation)
{
	fake_agree(invocation);
}

static const FakeMethods advert_methods = { on_advert_call, NULL };

static FakeIface *
add_chr_to(TestPen *pen, const char *service, int number, const char *uuid, const char *const *flags,
	   const FakeMethods *methods)
{
	g_autofree char *path = g_strdup_printf("%s/char%d", service, number);
	FakeObject *object = fake_object_new(pen->bus, path);
	FakeIface *iface = fake_object_add(object, bluez_gatt_characteristic1_interface_info(), methods, pen);

	fake_iface_set(iface, "UUID", g_variant_new_string(uuid));
	fake_iface_set(iface, "Service", g_variant_new_object_path(service));
	fake_iface_set(iface, "Flags", g_variant_new_strv(flags, -1));
	fake_object_publish(object);
	g_ptr_array_add(pen->objects, object);
	return iface;
}

static FakeIface *
add_chr(TestPen *pen, int number, const char *uuid, const char *const *flags)
{
	return add_chr_to(pen, "/pen/service", number, uuid, flags, &chr_methods);
}

static void
add_service_at(TestPen *pen, const char *path, const char *uuid)
{
	FakeObject *object = fake_object_new(pen->bus, path);
	FakeIface *service = fake_object_add(object, bluez_gatt_service1_interface_info(), NULL, NULL);

	fake_iface_set(service, "UUID", g_variant_new_string(uuid));
	fake_iface_set(service, "Primary", g_variant_new_boolean(TRUE));
	fake_object_publish(object);
	g_ptr_array_add(pen->objects, object);
}

static void
add_services(TestPen *pen)
{
	const char *const level[] = { "read", "notify", NULL };
	const char *const open[] = { "read", "write", NULL };
	const char *const secret[] = { "encrypt-authenticated-read", "indicate", NULL };
	const char *const notify[] = { "notify", NULL };
	const char *const sink[] = { "write-without-response", NULL };
	const char *const guarded[] = { "encrypt-read", NULL };

	add_service_at(pen, "/pen/service", TEST_SERVICE);
	add_service_at(pen, "/pen/battery", "180f");
	pen->battery = add_chr_to(pen, "/pen/battery", 1, TEST_LEVEL, level, &battery_methods);
	add_chr(pen, 1, TEST_OPEN, open);
	pen->secret = add_chr(pen, 2, TEST_SECRET, secret);
	/* Who has this property offers a descriptor. */
	fake_iface_set(add_chr(pen, 3, TEST_DATA, notify), "NotifyAcquired", g_variant_new_boolean(FALSE));
	pen->live = add_chr(pen, 4, TEST_LIVE, notify);
	add_chr(pen, 5, TEST_SINK, sink);
	add_chr(pen, 6, TEST_GUARDED, guarded);
}

static GVariant *
service_data(guint8 status)
{
	g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);
	const guint8 data[10] = { status };

	g_variant_builder_add(&builder, "{sv}", TEST_SERVICE, bytes(data, sizeof(data)));
	return g_variant_builder_end(&builder);
}

gboolean
test_pen_advertise(TestPen *pen, GError **error)
{
	const char *const uuids[] = { TEST_SERVICE, NULL };

	if (!pen->advert_object) {
		pen->advert_object = fake_object_new(pen->bus, "/pen/advert");
		pen->advert = fake_object_add(pen->advert_object, bluez_leadvertisement1_interface_info(),
					      &advert_methods, pen);
		fake_iface_set(pen->advert, "Type", g_variant_new_string("peripheral"));
		/* 31 bytes: the data and the flags; the UUID goes into the scan response. */
		if (pen->lists_uuid)
			fake_iface_set(pen->advert, "ServiceUUIDs", g_variant_new_strv(uuids, -1));
		fake_iface_set(pen->advert, "LocalName", g_variant_new_string("Stipple-0001"));
		fake_iface_set(pen->advert, "Discoverable", g_variant_new_boolean(TRUE));
		fake_iface_set(pen->advert, "ServiceData", service_data(0));
		fake_object_publish(pen->advert_object);
	}
	return call_ok(pen, pen->adapter, "org.bluez.LEAdvertisingManager1", "RegisterAdvertisement",
		       g_variant_new("(oa{sv})", "/pen/advert", NULL), error);
}

void
test_pen_set_status(TestPen *pen, guint8 status)
{
	fake_iface_set(pen->advert, "ServiceData", service_data(status));
}

static void
add_agent(TestPen *pen, const char *capability)
{
	FakeObject *object = fake_object_new(pen->bus, "/pen/agent");

	fake_object_add(object, bluez_agent1_interface_info(), &agent_methods, pen);
	g_ptr_array_add(pen->objects, object);
	g_assert(call_ok(pen, "/org/bluez", "org.bluez.AgentManager1", "RegisterAgent",
			 g_variant_new("(os)", "/pen/agent", capability), NULL));
	g_assert(call_ok(pen, "/org/bluez", "org.bluez.AgentManager1", "RequestDefaultAgent",
			 g_variant_new("(o)", "/pen/agent"), NULL));
}

void
test_pen_retire_agent(TestPen *pen)
{
	g_assert(call_ok(pen, "/org/bluez", "org.bluez.AgentManager1", "UnregisterAgent",
			 g_variant_new("(o)", "/pen/agent"), NULL));
}

TestPen *
test_pen_new(PrivateBus *bus, const char *adapter, const char *capability)
{
	TestPen *pen = g_new0(TestPen, 1);

	pen->connection = private_bus_connect(bus, NULL);
	pen->bus = fake_bus_new(pen->connection);
	pen->adapter = g_strdup(adapter);
	pen->objects = g_ptr_array_new();
	pen->written = g_byte_array_new();
	pen->data_fd = -1;
	add_agent(pen, capability);
	add_services(pen);
	g_assert(call_ok(pen, adapter, "org.bluez.GattManager1", "RegisterApplication",
			 g_variant_new("(oa{sv})", "/", NULL), NULL));
	return pen;
}

void
test_pen_free(TestPen *pen)
{
	if (!pen)
		return;
	/* First from the bus: a killed process says no goodbye. */
	g_dbus_connection_close_sync(pen->connection, NULL, NULL);
	if (pen->data_fd >= 0)
		close(pen->data_fd);
	while (pen->objects->len)
		fake_object_free(g_ptr_array_steal_index(pen->objects, 0));
	if (pen->advert_object)
		fake_object_free(pen->advert_object);
	fake_bus_free(pen->bus);
	g_object_unref(pen->connection);
	g_ptr_array_free(pen->objects, TRUE);
	g_byte_array_free(pen->written, TRUE);
	g_free(pen->adapter);
	g_free(pen);
}

gboolean
test_pen_send(TestPen *pen, gconstpointer value, gsize size)
{
	return send(pen->data_fd, value, size, MSG_NOSIGNAL) == (gssize)size;
}

void
test_pen_signal(TestPen *pen, FakeIface *chr, gconstpointer value, gsize size)
{
	fake_iface_emit(chr, "Value", bytes(value, size));
}
