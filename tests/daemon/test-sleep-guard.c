/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* Who is told that this computer sleeps is told that it is awake, whatever becomes of logind (P14). */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "await.h"
#include "bluez-timing.h"
#include "clock.h"
#include "private-bus.h"
#include "sleep-guard.h"
#include "virtual-clock.h"

typedef struct {
	PrivateBus *bus;
	GDBusConnection *theirs, *ours;
	StpSleepGuard *guard;
	guint name, told;
	gboolean asleep, held;
} World;

static void
on_sleep(StpSleepGuard *guard, gboolean begins, World *world)
{
	world->asleep = begins;
	world->told++;
}

static void
on_name(GDBusConnection *connection, const char *name, gpointer user_data)
{
	((World *)user_data)->held = TRUE;
}

static void
begin_logind(World *world)
{
	world->held = FALSE;
	world->name = g_bus_own_name_on_connection(world->theirs, "org.freedesktop.login1", G_BUS_NAME_OWNER_FLAGS_NONE,
						   on_name, NULL, world, NULL);
	WAIT_FOR(world->held);
}

static int
setup(void **state)
{
	World *world = g_new0(World, 1);

	virtual_clock_reset(G_GINT64_CONSTANT(1790000000000000));
	world->bus = private_bus_new();
	world->theirs = private_bus_connect(world->bus, NULL);
	world->ours = private_bus_connect(world->bus, NULL);
	world->guard = stp_sleep_guard_new(world->ours);
	g_signal_connect(world->guard, "sleep", G_CALLBACK(on_sleep), world);
	begin_logind(world);
	*state = world;
	return 0;
}

static int
teardown(void **state)
{
	World *world = *state;

	if (world->name != 0)
		g_bus_unown_name(world->name);
	g_clear_object(&world->guard);
	g_clear_object(&world->ours);
	g_clear_object(&world->theirs);
	private_bus_free(world->bus);
	g_free(world);
	return 0;
}

static void
prepare_for_sleep(World *world, gboolean begins)
{
	g_dbus_connection_emit_signal(world->theirs, NULL, "/org/freedesktop/login1", "org.freedesktop.login1.Manager",
				      "PrepareForSleep", g_variant_new("(b)", begins), NULL);
	WAIT_FOR(world->asleep == begins);
}

static void
p14_logind_says_when_sleep_is_over(void **state)
{
	World *world = *state;

	prepare_for_sleep(world, TRUE);
	prepare_for_sleep(world, FALSE);
	assert_int_equal(world->told, 2);
	/* Nothing is left that would say it again. */
	virtual_clock_run(stp_clock_monotonic() + 2 * STP_BLUEZ_SLEEP_UNTOLD * G_TIME_SPAN_MILLISECOND);
	assert_int_equal(world->told, 2);
}

static void
p14_a_sleep_nobody_ends_is_over(void **state)
{
	World *world = *state;
	gint64 since = stp_clock_monotonic();

	prepare_for_sleep(world, TRUE);
	virtual_clock_run(since + (STP_BLUEZ_SLEEP_UNTOLD - 1000) * G_TIME_SPAN_MILLISECOND);
	assert_true(world->asleep);
	virtual_clock_run(since + (STP_BLUEZ_SLEEP_UNTOLD + 1000) * G_TIME_SPAN_MILLISECOND);
	assert_false(world->asleep);
	assert_int_equal(world->told, 2);
	/* And the next one counts. */
	prepare_for_sleep(world, TRUE);
	prepare_for_sleep(world, FALSE);
}

static void
p14_logind_dies_in_a_sleep(void **state)
{
	World *world = *state;

	prepare_for_sleep(world, TRUE);
	g_bus_unown_name(world->name);
	world->name = 0;
	WAIT_FOR(!world->asleep);
	begin_logind(world);
	prepare_for_sleep(world, TRUE);
	prepare_for_sleep(world, FALSE);
	assert_int_equal(world->told, 4);
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(p14_logind_says_when_sleep_is_over),
		CASE(p14_a_sleep_nobody_ends_is_over),
		CASE(p14_logind_dies_in_a_sleep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
