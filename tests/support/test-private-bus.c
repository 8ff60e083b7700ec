/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <glib/gstdio.h>
#include <signal.h>

#include "private-bus.h"

static void
test_runs_programs_on_a_bus_of_its_own(void **state)
{
	PrivateBus *bus = private_bus_new();
	const char *const shell[] = { "sh", "-c", "echo $DBUS_SYSTEM_BUS_ADDRESS; echo $EXTRA; read never", NULL };
	const char *const env[] = { "EXTRA=a word", NULL };
	g_autofree char *directory = NULL;
	g_autofree char *line = NULL;
	g_autofree char *later = NULL;
	g_autofree char *file = NULL;
	PrivateChild *child;

	assert_non_null(bus);
	assert_true(private_bus_wait_for_name(bus, "org.freedesktop.DBus", 5000));
	assert_false(private_bus_wait_for_name(bus, "org.example.Nobody", 50));

	directory = g_strdup(private_bus_directory(bus));
	file = g_build_filename(directory, "file", NULL);
	assert_true(g_file_set_contents(file, "x", 1, NULL));

	child = private_bus_spawn(bus, shell, env);
	assert_non_null(child);
	line = private_child_wait_line(child, "unix:", 5000);
	assert_string_equal(line, private_bus_address(bus));
	later = private_child_wait_line(child, "word", 5000);
	assert_string_equal(later, "a word");

	private_bus_free(bus);
	assert_false(g_file_test(directory, G_FILE_TEST_EXISTS));
}

static void
test_tells_how_a_program_ended(void **state)
{
	g_autoptr(PrivateBus) bus = private_bus_new();
	const char *const seven[] = { "sh", "-c", "echo bye; exit 7", NULL };
	const char *const sleeper[] = { "sleep", "60", NULL };
	const char *const nothing[] = { "/nonexistent/program", NULL };
	PrivateChild *child = private_bus_spawn(bus, seven, NULL);

	assert_null(private_child_wait_line(child, "not this", 5000));
	assert_int_equal(private_child_stop(child, 0, 5000), 7);
	assert_string_equal(private_child_output(child), "bye\n");

	child = private_bus_spawn(bus, sleeper, NULL);
	assert_int_equal(private_child_stop(child, 0, 20), -1);
	assert_int_equal(private_child_stop(child, SIGKILL, 5000), 128 + SIGKILL);
	assert_null(private_bus_spawn(bus, nothing, NULL));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runs_programs_on_a_bus_of_its_own),
		cmocka_unit_test(test_tells_how_a_program_ended),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
