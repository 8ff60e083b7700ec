/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#include "test-fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>

#define WAIT_MS 5000

Fixture *
fixture_new(const char *args, const char *pen_capability, const char *central_capability)
{
	Fixture *fixture = g_new0(Fixture, 1);
	g_autofree char *line = NULL;
	g_autofree char *command = g_strdup_printf("%s %s", g_getenv("STIPPLE_FAKE_BLUEZ"), args);
	g_auto(GStrv) argv = NULL;

	assert_true(g_shell_parse_argv(command, NULL, &argv, NULL));
	fixture->bus = private_bus_new();
	assert_non_null(fixture->bus);
	fixture->fake = private_bus_spawn(fixture->bus, (const char *const *)argv, NULL);
	assert_non_null(fixture->fake);
	line = private_child_wait_line(fixture->fake, "ready", WAIT_MS);
	assert_non_null(line);
	fixture->air = private_bus_connect(fixture->bus, NULL);
	if (pen_capability) {
		fixture->pen = test_pen_new(fixture->bus, PEN_ADAPTER, pen_capability);
		assert_true(test_pen_advertise(fixture->pen, NULL));
	}
	fixture->central = test_central_new(fixture->bus, central_capability);
	if (fixture->pen) {
		fixture->central->passkey = &fixture->pen->passkey;
		fixture->central->passkey_shown = &fixture->pen->shown;
	}
	return fixture;
}

void
fixture_free(Fixture *fixture)
{
	test_central_free(fixture->central);
	test_pen_free(fixture->pen);
	g_dbus_connection_close_sync(fixture->air, NULL, NULL);
	g_object_unref(fixture->air);
	assert_int_equal(private_child_stop(fixture->fake, SIGTERM, WAIT_MS), 0);
	private_bus_free(fixture->bus);
	g_free(fixture);
}

void
fixture_air(Fixture *fixture, const char *method, GVariant *args)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply =
		test_call(fixture->air, "/org/bluez/fake", "org.stipple1.test.Air1", method, args, NULL, &error);

	assert_null(error);
	assert_non_null(reply);
}

char *
fixture_pair(Fixture *fixture)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) reply = NULL;

	assert_true(test_central_connect(fixture->central, PEN_ADDRESS, &error));
	reply = test_central_device(fixture->central, PEN_ADDRESS, "Pair", &error);
	return reply ? NULL : test_error_word(error);
}

static gboolean
flag_is_set(gpointer data)
{
	return *(const gboolean *)data;
}

gboolean
fixture_until(const gboolean *flag)
{
	return private_wait(flag_is_set, (gpointer)flag, WAIT_MS);
}

typedef struct {
	const guint *counter;
	guint value;
} Count;

static gboolean
counter_reached(gpointer data)
{
	Count *count = data;

	return *count->counter >= count->value;
}

gboolean
fixture_until_count(const guint *counter, guint value)
{
	Count count = { counter, value };

	return private_wait(counter_reached, &count, WAIT_MS);
}

GVariant *
no_options(void)
{
	return g_variant_new("(a{sv})", NULL);
}
