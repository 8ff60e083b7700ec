/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
/* What tests ask the fake to do wrong, and what happens when somebody dies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <gio/gunixfdlist.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "test-fixture.h"

#define CHR "org.bluez.GattCharacteristic1"

static int
acquire(Fixture *fixture)
{
	g_autoptr(GUnixFDList) fds = NULL;
	g_autoptr(GVariant) reply = test_central_chr(fixture->central, PEN_ADDRESS, TEST_DATA, "AcquireNotify",
						     no_options(), &fds, NULL);

	assert_non_null(reply);
	assert_true(fixture_until_count(&fixture->pen->acquired, 1));
	return g_unix_fd_list_get(fds, 0, NULL);
}

/* Send numbers from 1 on, by descriptor, and wait until the fake has carried them. */
static void
send_numbers(Fixture *fixture, guint8 count)
{
	for (guint8 i = 1; i <= count; i++)
		assert_true(test_pen_send(fixture->pen, &i, 1));
}

static gboolean
on_number(int fd, GIOCondition condition, gpointer data)
{
	GByteArray *numbers = data;
	guint8 number;
	gssize n;

	while ((n = recv(fd, &number, 1, MSG_DONTWAIT)) > 0)
		g_byte_array_append(numbers, &number, 1);
	return n < 0;
}

typedef struct {
	GByteArray *numbers;
	guint8 last;
} Expect;

static gboolean
last_arrived(gpointer data)
{
	Expect *expect = data;

	return expect->numbers->len && expect->numbers->data[expect->numbers->len - 1] == expect->last;
}

/* Waits for the number last; what arrived is the caller's. */
static GByteArray *
receive_until(int fd, guint8 last)
{
	Expect expect = { g_byte_array_new(), last };
	guint source = g_unix_fd_add(fd, G_IO_IN, on_number, expect.numbers);

	assert_true(private_wait(last_arrived, &expect, 5000));
	g_source_remove(source);
	return expect.numbers;
}

static Fixture *
connected(void)
{
	Fixture *fixture = fixture_new("", "DisplayOnly", "KeyboardOnly");

	assert_true(test_central_connect(fixture->central, PEN_ADDRESS, NULL));
	return fixture;
}

static void
test_loses_notifications(void **state)
{
	Fixture *fixture = connected();
	int fd = acquire(fixture);
	g_autoptr(GByteArray) every = NULL, burst = NULL;

	fixture_air(fixture, "LoseNotification", g_variant_new("(su)", PEN_ADDRESS, 3));
	send_numbers(fixture, 8);
	every = receive_until(fd, 8);
	assert_int_equal(every->len, 6);
	assert_memory_equal(every->data, "\1\2\4\5\7\10", 6);

	fixture_air(fixture, "Reset", NULL);
	fixture_air(fixture, "NotifyBurstLoss", g_variant_new("(suu)", PEN_ADDRESS, 2, 4));
	send_numbers(fixture, 8);
	burst = receive_until(fd, 8);
	assert_memory_equal(burst->data, "\1\2\7\10", 4);
	close(fd);
	fixture_free(fixture);
}

static void
test_drops_the_link_after_some(void **state)
{
	Fixture *fixture = connected();
	int fd = acquire(fixture);
	g_autoptr(GByteArray) numbers = NULL;

	fixture_air(fixture, "DropAfter", g_variant_new("(su)", PEN_ADDRESS, 5));
	send_numbers(fixture, 5);
	/* The link may be gone, and the pen's descriptor with it, before these are sent. */
	for (guint8 i = 6; i <= 8; i++)
		(void)test_pen_send(fixture->pen, &i, 1);
	numbers = receive_until(fd, 5);
	assert_int_equal(numbers->len, 5);
	assert_true(test_central_wait(fixture->central, PEN_ADDRESS, "Connected", FALSE));
	close(fd);
	fixture_free(fixture);
}

static void
test_silence_comes_before_the_loss(void **state)
{
	Fixture *fixture = fixture_new("--supervision-timeout 200", "DisplayOnly", "KeyboardOnly");
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = NULL;
	gint64 begin;

	assert_true(test_central_connect(fixture->central, PEN_ADDRESS, NULL));
	begin = g_get_monotonic_time();
	fixture_air(fixture, "DropLink", g_variant_new("(s)", "hci1"));
	assert_true(test_central_is(fixture->central, PEN_ADDRESS, "Connected"));
	reply = test_central_chr(fixture->central, PEN_ADDRESS, TEST_OPEN, "ReadValue", no_options(), NULL, &error);
	assert_null(reply);
	assert_non_null(strstr(error->message, "0x0e"));
	assert_true(g_get_monotonic_time() - begin >= 190000);
	assert_true(test_central_wait(fixture->central, PEN_ADDRESS, "Connected", FALSE));
	fixture_free(fixture);
}

static void
test_fails_as_told(void **state)
{
	Fixture *fixture = fixture_new("", "NoInputNoOutput", NULL);
	g_autoptr(GError) error = NULL;
	g_autofree char *word = NULL;

	fixture_air(fixture, "FailNext",
		    g_variant_new("(sssu)", "Device1.Connect", "org.bluez.Error.InProgress", "In Progress", 1));
	assert_false(test_central_connect(fixture->central, PEN_ADDRESS, &error));
	word = test_error_word(error);
	assert_string_equal(word, "InProgress");
	assert_true(test_central_connect(fixture->central, PEN_ADDRESS, NULL));
	fixture_free(fixture);
}

static void
test_delays_answers_and_sets_the_mtu(void **state)
{
	Fixture *fixture = fixture_new("", "NoInputNoOutput", NULL);
	g_autofree char *path = NULL;
	g_autoptr(GVariant) reply = NULL, mtu = NULL;
	gint64 begin;

	fixture_air(fixture, "SetMtu", g_variant_new("(sq)", PEN_ADDRESS, 23));
	fixture_air(fixture, "DelayAnswers", g_variant_new("(su)", PEN_ADDRESS, 100));
	assert_true(test_central_connect(fixture->central, PEN_ADDRESS, NULL));
	path = test_central_find(fixture->central, PEN_ADDRESS, TEST_OPEN);
	mtu = test_central_property(fixture->central, path, CHR, "MTU");
	assert_int_equal(g_variant_get_uint16(mtu), 23);
	begin = g_get_monotonic_time();
	reply = test_central_chr(fixture->central, PEN_ADDRESS, TEST_OPEN, "ReadValue", no_options(), NULL, NULL);
	assert_non_null(reply);
	assert_true(g_get_monotonic_time() - begin >= 90000);
	fixture_free(fixture);
}

static void
test_refuses_to_acquire(void **state)
{
	Fixture *fixture = connected();
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = NULL, started = NULL;
	g_autofree char *word = NULL;

	fixture_air(fixture, "RefuseAcquireNotify", g_variant_new("(b)", TRUE));
	reply = test_central_chr(fixture->central, PEN_ADDRESS, TEST_DATA, "AcquireNotify", no_options(), NULL,
				 &error);
	word = test_error_word(error);
	assert_string_equal(word, "NotSupported");
	/* The other way still works; at the pen it is a descriptor all the same. */
	started = test_central_chr(fixture->central, PEN_ADDRESS, TEST_DATA, "StartNotify", NULL, NULL, NULL);
	assert_non_null(started);
	assert_true(fixture_until_count(&fixture->pen->acquired, 1));
	send_numbers(fixture, 1);
	assert_true(fixture_until_count(&fixture->central->signals, 1));
	fixture_free(fixture);
}

static void
test_adapters_come_and_go(void **state)
{
	Fixture *fixture = fixture_new("--no-adapter", NULL, NULL);
	g_autoptr(GVariant) value = NULL;

	assert_false(g_dbus_object_manager_get_object(fixture->central->manager, "/org/bluez/hci0"));
	fixture_air(fixture, "AddAdapter", NULL);
	assert_true(test_central_wait_object(fixture->central, "/org/bluez/hci0", TRUE));
	fixture_air(fixture, "PowerOff", g_variant_new("(s)", "/org/bluez/hci0"));
	value = test_central_adapter(fixture->central, "StartDiscovery", NULL, NULL);
	assert_null(value);
	fixture_air(fixture, "RemoveAdapter", g_variant_new("(s)", "hci0"));
	assert_true(test_central_wait_object(fixture->central, "/org/bluez/hci0", FALSE));
	fixture_free(fixture);
}

static void
test_power_off_ends_links(void **state)
{
	Fixture *fixture = connected();
	int fd = acquire(fixture);
	char byte;

	fixture_air(fixture, "PowerOff", g_variant_new("(s)", "hci1"));
	assert_true(test_central_wait(fixture->central, PEN_ADDRESS, "Connected", FALSE));
	assert_int_equal(recv(fd, &byte, 1, 0), 0);
	fixture_air(fixture, "PowerOn", g_variant_new("(s)", "hci1"));
	assert_true(test_central_connect(fixture->central, PEN_ADDRESS, NULL));
	close(fd);
	fixture_free(fixture);
}

static gboolean
name_has_owner(gpointer data)
{
	g_autofree char *owner =
		g_dbus_object_manager_client_get_name_owner(data);

	return owner != NULL;
}

static gboolean
name_has_no_owner(gpointer data)
{
	return !name_has_owner(data);
}

static void
test_restarts(void **state)
{
	Fixture *fixture = fixture_new("", "DisplayOnly", "KeyboardOnly");
	g_autofree char *path = test_device_path(PEN_ADDRESS);
	gpointer manager = fixture->central->manager;
	char byte;
	int fd;

	assert_null(fixture_pair(fixture));
	fd = acquire(fixture);
	fixture_air(fixture, "Restart", g_variant_new("(u)", 50));
	assert_true(private_wait(name_has_no_owner, manager, 5000));
	assert_int_equal(recv(fd, &byte, 1, 0), 0);
	assert_true(private_wait(name_has_owner, manager, 5000));
	/* The bond is remembered; applications, agents and advertisements are not. */
	assert_true(test_central_wait_object(fixture->central, path, TRUE));
	assert_true(test_central_is(fixture->central, PEN_ADDRESS, "Bonded"));
	/* For a moment it believes that the old link is still there, as after kill -9 in the lab. */
	assert_true(test_central_is(fixture->central, PEN_ADDRESS, "Connected"));
	assert_false(test_central_is(fixture->central, PEN_ADDRESS, "ServicesResolved"));
	assert_true(test_central_wait(fixture->central, PEN_ADDRESS, "Connected", FALSE));
	test_pen_free(fixture->pen);
	fixture->pen = test_pen_new(fixture->bus, PEN_ADAPTER, "DisplayOnly");
	assert_true(test_pen_advertise(fixture->pen, NULL));
	assert_true(test_central_connect(fixture->central, PEN_ADDRESS, NULL));
	close(fd);
	fixture_free(fixture);
}

static void
test_keeps_bonds_in_a_file(void **state)
{
	PrivateBus *scratch = private_bus_new();
	g_autofree char *args =
		g_strdup_printf("--state %s/bonds", private_bus_directory(scratch));
	Fixture *fixture = fixture_new(args, "DisplayOnly", "KeyboardOnly");

	assert_null(fixture_pair(fixture));
	fixture_free(fixture);
	fixture = fixture_new(args, "DisplayOnly", "KeyboardOnly");
	assert_true(test_central_is(fixture->central, PEN_ADDRESS, "Bonded"));
	assert_true(test_central_connect(fixture->central, PEN_ADDRESS, NULL));
	fixture_free(fixture);
	private_bus_free(scratch);
}

static void
test_a_dead_pen_leaves_its_link(void **state)
{
	Fixture *fixture = connected();
	g_autofree char *path = test_central_find(fixture->central, PEN_ADDRESS, TEST_OPEN);
	g_autofree char *again = NULL;

	test_pen_free(fixture->pen);
	assert_true(test_central_wait_object(fixture->central, path, FALSE));
	assert_true(test_central_is(fixture->central, PEN_ADDRESS, "Connected"));
	/* It is back: other handles, so other paths. */
	fixture->pen = test_pen_new(fixture->bus, PEN_ADAPTER, "DisplayOnly");
	for (int i = 0; i < 500 && !again; i++) {
		g_main_context_iteration(NULL, TRUE);
		again = test_central_find(fixture->central, PEN_ADDRESS, TEST_OPEN);
	}
	assert_non_null(again);
	assert_string_not_equal(again, path);
	fixture_free(fixture);
}

static void
test_stale_services_stay(void **state)
{
	Fixture *fixture = connected();
	g_autofree char *path = test_central_find(fixture->central, PEN_ADDRESS, TEST_OPEN);
	g_autoptr(GVariant) reply = NULL;
	g_autoptr(GError) error = NULL;

	fixture_air(fixture, "StaleServices", g_variant_new("(sb)", PEN_ADDRESS, TRUE));
	test_pen_free(fixture->pen);
	fixture->pen = test_pen_new(fixture->bus, PEN_ADAPTER, "DisplayOnly");
	/* Old objects with old handles: nothing is there any more. */
	reply = test_call(fixture->central->connection, path, CHR, "ReadValue", no_options(), NULL, &error);
	assert_null(reply);
	assert_non_null(strstr(error->message, "0x01"));
	fixture_free(fixture);
}

static void
test_a_dead_central_stops_listening(void **state)
{
	Fixture *fixture = connected();
	g_autoptr(GVariant) started =
		test_central_chr(fixture->central, PEN_ADDRESS, TEST_LIVE, "StartNotify", NULL, NULL, NULL);

	assert_non_null(started);
	assert_true(fixture_until_count(&fixture->pen->started, 1));
	test_central_free(fixture->central);
	assert_true(fixture_until_count(&fixture->pen->stopped, 1));
	/* The link is BlueZ's, not the client's. */
	fixture->central = test_central_new(fixture->bus, NULL);
	assert_true(test_central_is(fixture->central, PEN_ADDRESS, "Connected"));
	fixture_free(fixture);
}

static void
test_carries_slowly_when_asked(void **state)
{
	Fixture *fixture = fixture_new("--kbps 100", "NoInputNoOutput", NULL);
	g_autoptr(GByteArray) numbers = NULL;
	gint64 begin;
	int fd;

	assert_true(test_central_connect(fixture->central, PEN_ADDRESS, NULL));
	fd = acquire(fixture);
	begin = g_get_monotonic_time();
	send_numbers(fixture, 100);
	numbers = receive_until(fd, 100);
	/* 100 packets of 15 bytes at 100 kbit/s: 120 ms, all there and in order. */
	assert_int_equal(numbers->len, 100);
	assert_true(g_get_monotonic_time() - begin >= 110000);
	close(fd);
	fixture_free(fixture);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_loses_notifications),
		cmocka_unit_test(test_drops_the_link_after_some),
		cmocka_unit_test(test_silence_comes_before_the_loss),
		cmocka_unit_test(test_fails_as_told),
		cmocka_unit_test(test_delays_answers_and_sets_the_mtu),
		cmocka_unit_test(test_refuses_to_acquire),
		cmocka_unit_test(test_adapters_come_and_go),
		cmocka_unit_test(test_power_off_ends_links),
		cmocka_unit_test(test_restarts),
		cmocka_unit_test(test_keeps_bonds_in_a_file),
		cmocka_unit_test(test_a_dead_pen_leaves_its_link),
		cmocka_unit_test(test_stale_services_stay),
		cmocka_unit_test(test_a_dead_central_stops_listening),
		cmocka_unit_test(test_carries_slowly_when_asked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
