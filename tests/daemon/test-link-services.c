/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* When the services of a pen can be relied on, and when BlueZ' idea of them is stale. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "await.h"
#include "radio-world.h"

static void
start_connecting(struct world *world, GAsyncResult **result)
{
	world_hear(world);
	scripted_bluez_hold_services(world->bluez);
	stp_radio_connect_async(world->radio, SCRIPTED_PEN, NULL, keep_result, result);
	WAIT_FOR(scripted_bluez_is_connected(world->bluez));
}

static void
assert_usable(struct world *world, GAsyncResult *result)
{
	g_autoptr(GAsyncResult) read = NULL;
	g_autoptr(GBytes) serial = NULL;
	g_autoptr(GError) error = NULL;

	world->link = stp_radio_connect_finish(world->radio, result, &error);
	assert_null(error);
	stp_link_read_async(world->link, STP_CHANNEL_SERIAL, NULL, keep_result, &read);
	WAIT_FOR(read != NULL);
	serial = stp_link_read_finish(world->link, read, &error);
	assert_null(error);
	assert_non_null(serial);
}

/* ---- P2 ---- */

static void
p2_services_that_are_resolved_too_early(void **state)
{
	struct world *world = *state;
	g_autoptr(GAsyncResult) result = NULL;

	start_connecting(world, &result);
	scripted_bluez_say_resolved(world->bluez);
	WAIT_FOR(scripted_bluez_is_connected(world->bluez));
	run_for(200);
	assert_null(result);
	scripted_bluez_resolve(world->bluez, 1);
	WAIT_FOR(result != NULL);
	assert_usable(world, result);
}

static void
p2_services_that_move(void **state)
{
	struct world *world = *state;
	g_autoptr(GAsyncResult) result = NULL;

	start_connecting(world, &result);
	for (guint place = 1; place < 6; place++) {
		scripted_bluez_resolve(world->bluez, place);
		run_for(30);
		assert_null(result);
	}
	WAIT_FOR(result != NULL);
	assert_usable(world, result);
}

static void
p2_services_that_never_come(void **state)
{
	struct world *world = *state;
	g_autoptr(GAsyncResult) result = NULL;
	g_autoptr(GError) error = NULL;

	start_connecting(world, &result);
	WAIT_FOR(result != NULL);
	assert_null(stp_radio_connect_finish(world->radio, result, &error));
	assert_error(error, STP_ERROR_LINK_FAILED, "services in time");
	assert_false(scripted_bluez_is_connected(world->bluez));
}

/* ---- P6 ---- */

static void
assert_mended(struct world *world)
{
	assert_int_equal(scripted_bluez_calls(world->bluez, "RemoveDevice"), 0);
	assert_int_equal(world_figures(world).refreshes, 1);
	assert_true(world_figures(world).connect_ms >= 2000);
	assert_int_equal(world_figures(world).connect_tries, 2);
}

static void
p6_features_at_a_stale_handle(void **state)
{
	struct world *world = *state;

	scripted_bluez_go_stale(world->bluez);
	world_connect(world);
	assert_mended(world);
	assert_int_equal(scripted_bluez_calls(world->bluez, "Connect"), 2);
}

static void
p6_features_that_cannot_be_read(void **state)
{
	struct world *world = *state;

	scripted_bluez_fail(world->bluez, "ReadValue", "Failed", "Operation failed with ATT error: 0x01");
	world_connect(world);
	assert_mended(world);
}

static void
p6_another_schema_than_at_the_last_link(void **state)
{
	struct world *world = *state;

	world_connect(world);
	assert_int_equal(world_figures(world).refreshes, 0);
	world_close(world);
	g_clear_object(&world->link);
	scripted_bluez_set_schema(world->bluez, STP_SCHEMA_REV + 1);
	world_connect(world);
	assert_mended(world);
	assert_int_equal(scripted_bluez_calls(world->bluez, "Connect"), 3);

	/* That schema is known now. */
	world_close(world);
	g_clear_object(&world->link);
	world_connect(world);
	assert_int_equal(world_figures(world).refreshes, 0);
	assert_int_equal(scripted_bluez_calls(world->bluez, "Connect"), 4);
}

static void
p6_what_stays_stale_is_told_and_the_bond_kept(void **state)
{
	struct world *world = *state;
	g_autoptr(GError) error = NULL;

	for (guint i = 0; i < 3; i++)
		scripted_bluez_fail(world->bluez, "ReadValue", "Failed", "Operation failed with ATT error: 0x01");
	world_hear(world);
	assert_null(world_try_connect(world, &error));
	assert_error(error, STP_ERROR_PROTOCOL_FAILED, "Cache = no");
	assert_int_equal(scripted_bluez_calls(world->bluez, "Connect"), 2);
	assert_int_equal(scripted_bluez_calls(world->bluez, "RemoveDevice"), 0);
	assert_false(scripted_bluez_is_connected(world->bluez));

	/* What did not help is not done again at once. */
	g_clear_error(&error);
	assert_null(world_try_connect(world, &error));
	assert_error(error, STP_ERROR_PROTOCOL_FAILED, "stipplectl pens remove");
	assert_int_equal(scripted_bluez_calls(world->bluez, "Connect"), 3);
}

static void
p6_the_features_are_read_once(void **state)
{
	struct world *world = *state;
	g_autoptr(GAsyncResult) read = NULL;
	g_autoptr(GBytes) value = NULL;

	world_connect(world);
	assert_int_equal(scripted_bluez_calls(world->bluez, "ReadValue"), 1);
	stp_link_read_async(world->link, STP_CHANNEL_FEATURES, NULL, keep_result, &read);
	WAIT_FOR(read != NULL);
	value = stp_link_read_finish(world->link, read, NULL);
	assert_int_equal(g_bytes_get_size(value), STP_FEATURES_SIZE);
	assert_int_equal(scripted_bluez_calls(world->bluez, "ReadValue"), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SCANNING(p2_services_that_are_resolved_too_early),
		SCANNING(p2_services_that_move),
		SCANNING(p2_services_that_never_come),
		SCANNING(p6_features_at_a_stale_handle),
		SCANNING(p6_features_that_cannot_be_read),
		SCANNING(p6_another_schema_than_at_the_last_link),
		SCANNING(p6_what_stays_stale_is_told_and_the_bond_kept),
		SCANNING(p6_the_features_are_read_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
