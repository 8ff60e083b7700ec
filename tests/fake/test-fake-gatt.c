/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
/* The fake's GATT: reads, writes, notifications both ways, what survives a disconnect. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <gio/gunixfdlist.h>
#include <glib-unix.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test-fixture.h"

#define CHR	    "org.bluez.GattCharacteristic1"
#define RECORD_SIZE 320000
#define SEGMENT	    244

/* What comes out of an acquired descriptor. */
typedef struct {
	int fd;
	guint16 mtu;
	guint source;
	guint values;
	gsize bytes;
	gboolean ended;
} Reader;

static GVariant *
call(Fixture *fixture, const char *uuid, const char *method, GVariant *args)
{
	g_autoptr(GError) error = NULL;
	GVariant *reply = test_central_chr(fixture->central, PEN_ADDRESS, uuid, method, args, NULL, &error);

	if (error)
		print_message("%s: %s\n", method, error->message);
	assert_non_null(reply);
	return reply;
}

static void
call_and_forget(Fixture *fixture, const char *uuid, const char *method, GVariant *args)
{
	g_variant_unref(call(fixture, uuid, method, args));
}

/* It fails with that word of org.bluez.Error and that text. */
static void
refused(Fixture *fixture, const char *uuid, const char *method, GVariant *args, const char *word,
	const char *text)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply =
		test_central_chr(fixture->central, PEN_ADDRESS, uuid, method, args, NULL, &error);
	g_autofree char *actual = test_error_word(error);

	assert_null(reply);
	assert_non_null(actual);
	assert_string_equal(actual, word);
	assert_non_null(strstr(error->message, text));
}

static GVariant *
write_args(gsize size, const char *type)
{
	g_auto(GVariantBuilder) options = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);
	g_autofree guint8 *value = g_malloc0(size);

	if (type)
		g_variant_builder_add(&options, "{sv}", "type", g_variant_new_string(type));
	return g_variant_new("(@aya{sv})", g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, value, size, 1),
			     &options);
}

static GVariant *
at_offset(guint16 offset)
{
	g_auto(GVariantBuilder) options = G_VARIANT_BUILDER_INIT(G_VARIANT_TYPE_VARDICT);

	g_variant_builder_add(&options, "{sv}", "offset", g_variant_new_uint16(offset));
	return g_variant_new("(a{sv})", &options);
}

static gboolean
on_readable(int fd, GIOCondition condition, gpointer data)
{
	Reader *reader = data;
	guint8 value[600];
	gssize n;

	while ((n = recv(fd, value, sizeof(value), MSG_DONTWAIT)) > 0) {
		reader->values++;
		reader->bytes += (gsize)n;
	}
	if (n == 0) {
		reader->ended = TRUE;
		reader->source = 0;
		return G_SOURCE_REMOVE;
	}
	return G_SOURCE_CONTINUE;
}

static void
reader_open(Reader *reader, Fixture *fixture, gboolean reading)
{
	g_autoptr(GUnixFDList) fds = NULL;
	g_autoptr(GVariant) reply = test_central_chr(fixture->central, PEN_ADDRESS, TEST_DATA, "AcquireNotify",
						     no_options(), &fds, NULL);
	int handle;

	memset(reader, 0, sizeof(*reader));
	assert_non_null(reply);
	g_variant_get(reply, "(hq)", &handle, &reader->mtu);
	reader->fd = g_unix_fd_list_get(fds, handle, NULL);
	if (reading)
		reader->source = g_unix_fd_add(reader->fd, G_IO_IN | G_IO_HUP, on_readable, reader);
}

static void
reader_close(Reader *reader)
{
	if (reader->source)
		g_source_remove(reader->source);
	close(reader->fd);
}

static gboolean
pen_is_hung_up(gpointer data)
{
	char byte;

	return recv(((TestPen *)data)->data_fd, &byte, 1, MSG_DONTWAIT) == 0;
}

static Fixture *
connected(const char *args)
{
	Fixture *fixture = fixture_new(args, "DisplayOnly", "KeyboardOnly");

	assert_true(test_central_connect(fixture->central, PEN_ADDRESS, NULL));
	return fixture;
}

static void
test_reads_and_writes(void **state)
{
	Fixture *fixture = connected("--mtu 100");
	g_autoptr(GVariant) value = NULL, rest = NULL;
	g_autofree char *path = test_central_find(fixture->central, PEN_ADDRESS, TEST_OPEN);
	g_autoptr(GVariant) mtu = test_central_property(fixture->central, path, CHR, "MTU");

	assert_int_equal(g_variant_get_uint16(mtu), 100);
	value = call(fixture, TEST_OPEN, "ReadValue", no_options());
	rest = call(fixture, TEST_OPEN, "ReadValue", at_offset(4));
	assert_int_equal(g_variant_get_size(value), 10);
	assert_memory_equal(g_variant_get_data(rest), "456789", 6);
	/* Each read looks like a notification to who listens. */
	assert_true(fixture_until_count(&fixture->central->signals, 2));

	call_and_forget(fixture, TEST_OPEN, "WriteValue", write_args(20, "request"));
	assert_int_equal(fixture->pen->written->len, 20);
	/* Longer than a packet: a long write, one value for the application. */
	call_and_forget(fixture, TEST_OPEN, "WriteValue", write_args(400, NULL));
	assert_int_equal(fixture->pen->written->len, 400);
	assert_int_equal(fixture->pen->writes, 2);
	call_and_forget(fixture, TEST_SINK, "WriteValue", write_args(97, "command"));
	assert_true(fixture_until_count(&fixture->pen->writes, 3));

	refused(fixture, TEST_SINK, "WriteValue", write_args(98, "command"), "Failed", "initiate");
	refused(fixture, TEST_OPEN, "WriteValue", write_args(513, NULL), "InvalidArguments", "Length");
	refused(fixture, TEST_SINK, "ReadValue", no_options(), "NotPermitted", "Read not permitted");
	fixture->pen->refuse = TRUE;
	refused(fixture, TEST_OPEN, "WriteValue", write_args(1, "request"), "Failed", "0x81");
	fixture_free(fixture);
}

static void
test_writes_by_descriptor(void **state)
{
	Fixture *fixture = connected("");
	g_autoptr(GUnixFDList) fds = NULL;
	g_autoptr(GVariant) reply = test_central_chr(fixture->central, PEN_ADDRESS, TEST_SINK, "AcquireWrite",
						     no_options(), &fds, NULL);
	int fd;

	assert_non_null(reply);
	fd = g_unix_fd_list_get(fds, 0, NULL);
	assert_int_equal(send(fd, "abc", 3, 0), 3);
	assert_true(fixture_until_count(&fixture->pen->writes, 1));
	assert_int_equal(fixture->pen->written->len, 3);
	refused(fixture, TEST_SINK, "WriteValue", write_args(1, "command"), "NotPermitted", "Write acquired");
	refused(fixture, TEST_OPEN, "AcquireWrite", no_options(), "NotSupported", "not supported");
	close(fd);
	fixture_free(fixture);
}

static void
test_notifies_by_descriptor(void **state)
{
	Fixture *fixture = connected("--mtu 247");
	guint8 value[SEGMENT] = { 0 };
	gsize sent = 0;
	gint64 begin;
	Reader reader;

	reader_open(&reader, fixture, TRUE);
	assert_int_equal(reader.mtu, 247);
	assert_true(fixture_until_count(&fixture->pen->acquired, 1));
	refused(fixture, TEST_DATA, "AcquireNotify", no_options(), "NotPermitted", "Notify acquired");
	refused(fixture, TEST_DATA, "StartNotify", NULL, "NotPermitted", "Notify acquired");
	refused(fixture, TEST_SECRET, "AcquireNotify", no_options(), "NotSupported", "not supported");

	/* As with credits: never more under way than fit into the sockets. */
	begin = g_get_monotonic_time();
	while (sent < RECORD_SIZE) {
		guint burst = reader.values + 32;

		while (sent < RECORD_SIZE && sent / SEGMENT < burst) {
			assert_true(test_pen_send(fixture->pen, value, SEGMENT));
			sent += SEGMENT;
		}
		assert_true(fixture_until_count(&reader.values, (guint)(sent / SEGMENT)));
	}
	assert_int_equal(reader.bytes, sent);
	print_message("%zu bytes in %.3f s\n", sent, (double)(g_get_monotonic_time() - begin) / 1e6);

	/* The end of our descriptor is the end of the pen's. */
	reader_close(&reader);
	assert_true(private_wait(pen_is_hung_up, fixture->pen, 5000));
	fixture_free(fixture);
}

static void
test_drops_what_nobody_reads(void **state)
{
	Fixture *fixture = connected("--mtu 247");
	const guint sent = 2000;
	guint8 value[SEGMENT] = { 0 };
	Reader reader;

	reader_open(&reader, fixture, FALSE);
	assert_true(fixture_until_count(&fixture->pen->acquired, 1));
	for (guint i = 0; i < sent; i++)
		while (!test_pen_send(fixture->pen, value, SEGMENT))
			g_usleep(100);
	/* A read is answered after all of them went by: they share one link, in order. */
	call_and_forget(fixture, TEST_OPEN, "ReadValue", no_options());
	on_readable(reader.fd, G_IO_IN, &reader);
	assert_in_range(reader.values, 100, 1000);
	reader_close(&reader);
	fixture_free(fixture);
}

static void
test_notifies_by_signal(void **state)
{
	Fixture *fixture = connected("");
	g_autofree char *path = test_central_find(fixture->central, PEN_ADDRESS, TEST_LIVE);

	call_and_forget(fixture, TEST_LIVE, "StartNotify", NULL);
	assert_true(fixture_until_count(&fixture->pen->started, 1));
	/* The same value twice is two notifications. */
	test_pen_signal(fixture->pen, fixture->pen->live, "tick", 4);
	test_pen_signal(fixture->pen, fixture->pen->live, "tick", 4);
	assert_true(fixture_until_count(&fixture->central->signals, 2));
	assert_memory_equal(g_variant_get_data(g_hash_table_lookup(fixture->central->values, path)), "tick", 4);
	refused(fixture, TEST_LIVE, "AcquireNotify", no_options(), "InProgress", "In Progress");
	call_and_forget(fixture, TEST_LIVE, "StopNotify", NULL);
	assert_true(fixture_until_count(&fixture->pen->stopped, 1));
	refused(fixture, TEST_LIVE, "StopNotify", NULL, "Failed", "No notify session started");
	fixture_free(fixture);
}

static void
test_indications_are_confirmed(void **state)
{
	Fixture *fixture = connected("");

	call_and_forget(fixture, TEST_SECRET, "StartNotify", NULL);
	assert_true(fixture_until_count(&fixture->pen->started, 1));
	test_pen_signal(fixture->pen, fixture->pen->secret, "answer", 6);
	assert_true(fixture_until_count(&fixture->central->signals, 1));
	assert_true(fixture_until_count(&fixture->pen->confirmed, 1));
	fixture_free(fixture);
}

static void
reconnect(Fixture *fixture)
{
	fixture_air(fixture, "DropLink", g_variant_new("(s)", "hci0"));
	assert_true(test_central_wait(fixture->central, PEN_ADDRESS, "Connected", FALSE));
	assert_true(test_central_connect(fixture->central, PEN_ADDRESS, NULL));
}

static void
test_a_stranger_subscribes_anew(void **state)
{
	Fixture *fixture = connected("");
	g_autofree char *path = test_central_find(fixture->central, PEN_ADDRESS, TEST_DATA);
	Reader reader;

	call_and_forget(fixture, TEST_LIVE, "StartNotify", NULL);
	reader_open(&reader, fixture, TRUE);
	assert_true(fixture_until_count(&fixture->pen->acquired, 1));
	fixture_air(fixture, "DropLink", g_variant_new("(s)", "hci0"));
	assert_true(fixture_until(&reader.ended));
	assert_true(fixture_until_count(&fixture->pen->stopped, 1));
	/* The objects stay, under the same paths. */
	assert_true(test_central_wait(fixture->central, PEN_ADDRESS, "Connected", FALSE));
	assert_true(test_central_wait_object(fixture->central, path, TRUE));
	refused(fixture, TEST_OPEN, "ReadValue", no_options(), "Failed", "Not connected");
	assert_true(test_central_connect(fixture->central, PEN_ADDRESS, NULL));
	/* StartNotify is remembered for its client, AcquireNotify is not. */
	assert_true(fixture_until_count(&fixture->pen->started, 2));
	assert_int_equal(fixture->pen->acquired, 1);
	reader_close(&reader);
	fixture_free(fixture);
}

static void
test_a_bonded_central_stays_subscribed(void **state)
{
	Fixture *fixture = fixture_new("", "DisplayOnly", "KeyboardOnly");
	Reader first, second;

	assert_null(fixture_pair(fixture));
	reader_open(&first, fixture, TRUE);
	assert_true(fixture_until_count(&fixture->pen->acquired, 1));
	reconnect(fixture);
	assert_true(first.ended);
	reader_open(&second, fixture, TRUE);
	/* The pen's BlueZ knows that it is on: the application is not asked for a descriptor again. */
	assert_true(test_pen_send(fixture->pen, "again", 5));
	assert_true(fixture_until_count(&second.values, 1));
	assert_int_equal(fixture->pen->acquired, 1);
	reader_close(&first);
	reader_close(&second);
	fixture_free(fixture);
}

static void
test_bluez_has_services_of_its_own(void **state)
{
	Fixture *fixture = connected("");
	g_autofree char *path = test_device_path(PEN_ADDRESS);
	const guint8 level = 86;
	g_autoptr(GVariant) name = NULL, pnp = NULL, percentage = NULL;

	/* Device Information with a PnP ID, before any of the pen's services. */
	pnp = call(fixture, "00002a50-0000-1000-8000-00805f9b34fb", "ReadValue", no_options());
	/* The battery is read and watched without being asked for. */
	assert_true(fixture_until_count(&fixture->pen->battery_read, 1));
	assert_true(fixture_until_count(&fixture->pen->battery_started, 1));
	test_pen_signal(fixture->pen, fixture->pen->battery, &level, 1);
	call_and_forget(fixture, TEST_OPEN, "ReadValue", no_options());
	percentage = test_central_property(fixture->central, path, "org.bluez.Battery1", "Percentage");
	assert_non_null(percentage);
	assert_int_equal(g_variant_get_byte(percentage), 86);
	/* The name is the one of the other adapter now. */
	name = test_central_property(fixture->central, path, "org.bluez.Device1", "Name");
	assert_string_equal(g_variant_get_string(name, NULL), "fake-1");
	reconnect(fixture);
	assert_true(fixture_until_count(&fixture->pen->battery_read, 2));
	fixture_free(fixture);
}

static void
test_nobody_can_pair(void **state)
{
	Fixture *fixture = fixture_new("--pair-timeout 100", "DisplayOnly", NULL);
	g_autofree char *path = test_device_path(PEN_ADDRESS);
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = NULL;

	test_pen_retire_agent(fixture->pen);
	assert_true(test_central_connect(fixture->central, PEN_ADDRESS, NULL));
	/* Seen in the lab: the link drops, the stranger is forgotten, the call never answered. */
	reply = test_central_chr(fixture->central, PEN_ADDRESS, TEST_SECRET, "ReadValue", no_options(), NULL,
				 &error);
	assert_null(reply);
	assert_true(g_error_matches(error, G_IO_ERROR, G_IO_ERROR_TIMED_OUT));
	assert_true(test_central_wait_object(fixture->central, path, FALSE));
	g_clear_error(&error);
	reply = test_central_device(fixture->central, PEN_ADDRESS, "Connect", &error);
	assert_true(g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_UNKNOWN_OBJECT));
	fixture_free(fixture);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_and_writes),
		cmocka_unit_test(test_writes_by_descriptor),
		cmocka_unit_test(test_notifies_by_descriptor),
		cmocka_unit_test(test_drops_what_nobody_reads),
		cmocka_unit_test(test_notifies_by_signal),
		cmocka_unit_test(test_indications_are_confirmed),
		cmocka_unit_test(test_a_stranger_subscribes_anew),
		cmocka_unit_test(test_a_bonded_central_stays_subscribed),
		cmocka_unit_test(test_bluez_has_services_of_its_own),
		cmocka_unit_test(test_nobody_can_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
