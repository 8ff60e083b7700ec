/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* stipple-pensim as a program, on the fake BlueZ: on the air, read from, faulty, refused, gone. */

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <gio/gunixfdlist.h>

#include <stipple/control.h>
#include <stipple/gatt.h>

#include "pensim-world.h"
#include "sample-csv.h"

static void
write_request(struct world *world, const char *path, const struct stp_request *request)
{
	guint8 bytes[STP_CONTROL_SIZE_MAX];
	size_t size;

	assert_int_equal(stp_request_encode(request, bytes, &size), STP_OK);
	call_well(world, path, "org.bluez.GattCharacteristic1.WriteValue",
		  g_variant_new("(@ay@a{sv})", g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, bytes, size, 1),
				no_options()));
}

/* ---- tests ---- */

static void
pens_come_on_the_air_and_leave_nothing(void **state)
{
	struct world *world = *state;
	PrivateChild *pens;

	start_fake(world, "4");
	for (guint round = 0; round < 2; round++) {
		pens = start_pens(world, "--sessions", "5", "--seed", "3", NULL);
		expect(pens, "\"event\":\"started\",\"pens\":3");
		assert_non_null(
			strstr(private_child_output(pens), "\"pen\":\"DP26-1001\",\"adapter\":\"hci1\""));
		assert_non_null(strstr(private_child_output(pens), "\"name\":\"Stipple-1003\""));
		assert_non_null(strstr(private_child_output(pens), "\"sessions\":5"));
		assert_int_equal(private_child_stop(pens, round ? SIGINT : SIGTERM, WAIT_MS), 0);
		assert_non_null(strstr(private_child_output(pens), "\"event\":\"stopped\""));
	}
}

static void
a_pen_is_read_and_may_hang_up(void **state)
{
	struct world *world = *state;
	struct stp_request request = { .op = STP_OP_HELLO, .token = 1 };
	g_autofree char *serial = NULL, *control = NULL, *log_data = NULL;
	g_autoptr(GVariant) value = NULL, acquired = NULL, bytes = NULL;
	g_autoptr(GUnixFDList) fds = NULL;
	g_autoptr(GString) text = g_string_new(SAMPLE_CSV_HEADER "\n");
	g_autofree char *path = g_build_filename(private_bus_directory(world->bus), "long.csv", NULL);
	g_autofree char *csv = g_strconcat("1:", path, NULL);
	PrivateChild *pens;
	guint8 segment[600];
	gsize size, total = 0;
	gssize got;
	int fd;

	for (guint i = 0; i < 1000; i++)
		g_string_append_printf(text, "%u,%u,1167,200,1,1,1\n", 10 * i, 1000 + i * 7919 % 500);
	assert_true(g_file_set_contents(path, text->str, -1, NULL));
	start_fake(world, "2");
	pens = start_pens(world, "--open", "--sessions", "0", "--csv", csv, "--drop-after", "1:300", "--mtu",
			  "100", "--epoch", "7", NULL);
	expect(pens, "\"event\":\"started\",\"pens\":1");
	discover(world, "/org/bluez/hci0", DEVICE);
	call_well(world, DEVICE, "org.bluez.Device1.Connect", NULL);
	serial = wait_characteristic(world, DEVICE, STP_UUID_SERIAL_NUMBER);
	control = wait_characteristic(world, DEVICE, STP_UUID_LOG_CONTROL);
	log_data = wait_characteristic(world, DEVICE, STP_UUID_LOG_DATA);
	value = call(world, serial, READ_VALUE, g_variant_new("(@a{sv})", no_options()), NULL);
	assert_non_null(value);
	bytes = g_variant_get_child_value(value, 0);
	assert_memory_equal(g_variant_get_fixed_array(bytes, &size, 1), "DP26-1001", 9);
	expect(pens, "\"event\":\"connected\",\"pen\":\"DP26-1001\"");

	call_well(world, control, "org.bluez.GattCharacteristic1.StartNotify", NULL);
	acquired = g_dbus_connection_call_with_unix_fd_list_sync(
		world->central, "org.bluez", log_data, "org.bluez.GattCharacteristic1", "AcquireNotify",
		g_variant_new("(@a{sv})", no_options()), NULL, G_DBUS_CALL_FLAGS_NONE, WAIT_MS, NULL, &fds,
		NULL, NULL);
	assert_non_null(acquired);
	fd = g_unix_fd_list_get(fds, 0, NULL);
	assert_true(fcntl(fd, F_SETFL, 0) == 0);
	write_request(world, control, &request);
	expect(pens, "\"event\":\"collector\"");
	request = (struct stp_request){ .op = STP_OP_READ, .token = 2 };
	request.u.read.epoch = 7;
	request.u.read.record = 1;
	request.u.read.length = 500;
	request.u.read.window = 64;
	write_request(world, control, &request);
	while ((got = read(fd, segment, sizeof segment)) > 0) {
		assert_in_range(got, 5, 97);
		total += (gsize)got;
	}
	close(fd);
	assert_in_range(total, 300, 300 + 96);
	expect(pens, "\"fault\":\"drop\"");
	expect(pens, "\"event\":\"disconnected\"");
	assert_int_equal(private_child_stop(pens, SIGTERM, WAIT_MS), 0);
}

/* As bluetoothd reads the first characteristic of Device Information for a central. */
static GVariant *
read_as(struct world *world, const char *pens, const char *central, guint16 offset, GError **error)
{
	GVariantDict options;

	g_variant_dict_init(&options, NULL);
	g_variant_dict_insert(&options, "device", "o", central);
	g_variant_dict_insert(&options, "offset", "q", offset);
	return g_dbus_connection_call_sync(world->central, pens, "/org/stipple/pensim/hci1/service1/char2",
					   "org.bluez.GattCharacteristic1", "ReadValue",
					   g_variant_new("(@a{sv})", g_variant_dict_end(&options)),
					   G_VARIANT_TYPE("(ay)"), G_DBUS_CALL_FLAGS_NONE, WAIT_MS, NULL,
					   error);
}

/* The connection behind which the pens are. */
static char *
find_pens(struct world *world)
{
	g_autoptr(GVariant) answer = NULL;
	g_autofree const char **names = NULL;

	answer = g_dbus_connection_call_sync(world->central, "org.freedesktop.DBus", "/org/freedesktop/DBus",
					     "org.freedesktop.DBus", "ListNames", NULL, NULL,
					     G_DBUS_CALL_FLAGS_NONE, WAIT_MS, NULL, NULL);
	g_variant_get(answer, "(^a&s)", &names);
	for (guint i = 0; names[i]; i++) {
		g_autoptr(GVariant) tree =
			g_dbus_connection_call_sync(world->central, names[i], "/org/stipple/pensim/hci1",
						    "org.freedesktop.DBus.ObjectManager", "GetManagedObjects",
						    NULL, NULL, G_DBUS_CALL_FLAGS_NONE, 1000, NULL, NULL);

		if (tree && names[i][0] == ':')
			return g_strdup(names[i]);
	}
	return NULL;
}

static void
a_second_central_is_refused(void **state)
{
	struct world *world = *state;
	g_autoptr(GVariant) first = NULL, second = NULL, rest = NULL, bytes = NULL;
	g_autoptr(GError) error = NULL;
	g_autofree char *name = NULL, *kind = NULL;
	PrivateChild *pens;

	start_fake(world, "2");
	pens = start_pens(world, "--sessions", "0", NULL);
	expect(pens, "\"event\":\"started\",\"pens\":1");
	name = find_pens(world);
	assert_non_null(name);
	first = read_as(world, name, "/org/bluez/hci1/dev_00_00_00_00_00_01", 0, &error);
	assert_null(error);
	expect(pens, "\"event\":\"connected\",\"pen\":\"DP26-1001\",\"central\":\"00:00:00:00:00:01\"");
	second = read_as(world, name, "/org/bluez/hci1/dev_00_00_00_00_00_02", 0, &error);
	assert_null(second);
	kind = g_dbus_error_get_remote_error(error);
	assert_string_equal(kind, "org.bluez.Error.NotPermitted");
	expect(pens, "\"event\":\"refused\",\"pen\":\"DP26-1001\",\"central\":\"00:00:00:00:00:02\"");
	g_clear_error(&error);
	rest = read_as(world, name, "/org/bluez/hci1/dev_00_00_00_00_00_01", 5, &error);
	assert_null(error);
	bytes = g_variant_get_child_value(rest, 0);
	assert_int_equal(g_variant_n_children(bytes), 4);
	assert_memory_equal(g_variant_get_data(bytes), "1001", 4);
	assert_int_equal(private_child_stop(pens, SIGTERM, WAIT_MS), 0);
}

static void
news_are_advertised(void **state)
{
	struct world *world = *state;
	PrivateChild *pens;

	start_fake(world, "2");
	pens = start_pens(world, "--sessions", "1", "--live-session", "1", NULL);
	expect(pens, "\"event\":\"started\"");
	expect(pens, "\"event\":\"motor\",\"pen\":\"DP26-1001\",\"on\":true");
	expect(pens, "\"event\":\"new-record\",\"pen\":\"DP26-1001\"");
	assert_int_equal(private_child_stop(pens, SIGTERM, WAIT_MS), 0);
}

static void
pens_survive_bluetoothd(void **state)
{
	struct world *world = *state;
	PrivateChild *pens;

	start_fake(world, "2");
	pens = start_pens(world, "--sessions", "1", NULL);
	expect(pens, "\"event\":\"started\"");
	call_well(world, "/org/bluez/fake", "org.stipple1.test.Air1.Restart", g_variant_new("(u)", 50));
	expect(pens, "\"event\":\"bluez-lost\"");
	expect(pens, "\"event\":\"bluez-back\"");
	expect(pens, "\"event\":\"started\"");
	assert_int_equal(private_child_stop(pens, SIGTERM, WAIT_MS), 0);
}

static int
status_of(PrivateChild *pens)
{
	return private_child_stop(pens, 0, WAIT_MS);
}

static void
what_is_missing_is_told_by_the_exit_status(void **state)
{
	struct world *world = *state;

	assert_int_equal(status_of(start_pens(world, "--sessions", "1", NULL)), 4);
	start_fake(world, "2");
	assert_int_equal(status_of(start_pens(world, "--sessions", "1", "--pens", "3", NULL)), 3);
	assert_int_equal(status_of(start_pens(world, "--sessions", "1", "--adapters", "hci7", NULL)), 3);
	assert_int_equal(status_of(start_pens(world, "--sessions", "1", "--flip", "1:99", NULL)), 64);
	assert_int_equal(status_of(start_pens(world, "--sessions", "1", "--flip", "2:1", NULL)), 64);
	assert_int_equal(status_of(start_pens(world, "--period", "3", NULL)), 64);
	assert_int_equal(status_of(start_pens(world, "--nonsense", NULL)), 64);
	assert_int_equal(status_of(start_pens(world, "--csv", "1:/nonexistent.csv", NULL)), 1);
	call_well(world, "/org/bluez/fake", "org.stipple1.test.Air1.FailNext",
		  g_variant_new("(sssu)", "GattManager1.RegisterApplication", "org.bluez.Error.NotPermitted",
				"no", 1));
	assert_int_equal(status_of(start_pens(world, "--sessions", "1", NULL)), 5);
}

static void
without_a_bus_it_says_so(void **state)
{
	g_autoptr(GSubprocessLauncher) launcher = g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDERR_PIPE);
	g_autoptr(GSubprocess) pens = NULL;
	g_autofree char *said = NULL;

	g_subprocess_launcher_setenv(launcher, "DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent", TRUE);
	pens = g_subprocess_launcher_spawn(launcher, NULL, STIPPLE_PENSIM, NULL);
	assert_non_null(pens);
	assert_true(g_subprocess_communicate_utf8(pens, NULL, NULL, NULL, &said, NULL));
	assert_int_equal(g_subprocess_get_exit_status(pens), 4);
	assert_non_null(strstr(said, "The system bus cannot be reached; start it"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(pens_come_on_the_air_and_leave_nothing, pensim_set_up, pensim_tear_down),
		cmocka_unit_test_setup_teardown(a_pen_is_read_and_may_hang_up, pensim_set_up, pensim_tear_down),
		cmocka_unit_test_setup_teardown(a_second_central_is_refused, pensim_set_up, pensim_tear_down),
		cmocka_unit_test_setup_teardown(news_are_advertised, pensim_set_up, pensim_tear_down),
		cmocka_unit_test_setup_teardown(pens_survive_bluetoothd, pensim_set_up, pensim_tear_down),
		cmocka_unit_test_setup_teardown(what_is_missing_is_told_by_the_exit_status, pensim_set_up,
						pensim_tear_down),
		cmocka_unit_test(without_a_bus_it_says_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
