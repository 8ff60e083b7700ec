/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* A link over an org.bluez that misbehaves as told. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "await.h"
#include "radio-world.h"

static gboolean
try_read(struct world *world, StpChannel channel, char **text, GError **error)
{
	g_autoptr(GAsyncResult) result = NULL;
	g_autoptr(GBytes) value = NULL;

	stp_link_read_async(world->link, channel, NULL, keep_result, &result);
	WAIT_FOR(result != NULL);
	value = stp_link_read_finish(world->link, result, error);
	if (value == NULL)
		return FALSE;
	*text = g_strndup(g_bytes_get_data(value, NULL), g_bytes_get_size(value));
	return TRUE;
}

static void
p3_data_by_descriptor(void **state)
{
	struct world *world = *state;

	world_subscribe(world);
	assert_int_equal(stp_link_get_mtu(world->link), 247);
	scripted_bluez_notify(world->bluez, "\x01", 1);
	scripted_bluez_notify(world->bluez, "\x02", 1);
	scripted_bluez_indicate(world->bluez, "\x93\x00", 2);
	/* The data were there before the answer, and are received before it. */
	world_assert_received(world, 2, "log-control 93 00");
	world_assert_received(world, 0, "log-data 01");
	world_assert_received(world, 1, "log-data 02");
}

static void
p3_data_by_signals(void **state)
{
	static const char *const errors[] = { "NotSupported", "NotPermitted", "Failed" };

	for (gsize i = 0; i < G_N_ELEMENTS(errors); i++) {
		struct world *world;

		world_setup_scanning((void **)&world);
		scripted_bluez_fail(world->bluez, "AcquireNotify", errors[i], "No");
		world_subscribe(world);
		assert_int_equal(stp_link_get_mtu(world->link), 185);
		scripted_bluez_notify(world->bluez, "\x01", 1);
		/* With another program listening, BlueZ tells each value twice. */
		scripted_bluez_notify(world->bluez, "\x01", 1);
		scripted_bluez_notify(world->bluez, "\x02", 1);
		scripted_bluez_indicate(world->bluez, "\x93\x00", 2);
		world_assert_received(world, 0, "log-data 01");
		world_assert_received(world, 1, "log-data 02");
		world_assert_received(world, 2, "log-control 93 00");
		world_teardown((void **)&world);
	}
}

static void
test_subscribing_needs_a_bond(void **state)
{
	struct world *world = *state;
	g_autoptr(GError) error = NULL;

	world_connect(world);
	scripted_bluez_fail(world->bluez, "StartNotify", "NotPermitted", "Not paired");
	assert_false(world_try_subscribe(world, &error));
	assert_error(error, STP_ERROR_BOND_TOO_WEAK, "stipplectl pens repair");
	assert_int_equal(scripted_bluez_calls(world->bluez, "AcquireNotify"), 0);
}

static void
test_read(void **state)
{
	struct world *world = *state;
	g_autofree char *serial = NULL;
	g_autoptr(GError) error = NULL;

	world_connect(world);
	assert_true(try_read(world, STP_CHANNEL_SERIAL, &serial, NULL));
	assert_string_equal(serial, SCRIPTED_SERIAL);

	assert_false(try_read(world, STP_CHANNEL_MODEL, NULL, &error));
	assert_error(error, STP_ERROR_NOT_FOUND, "model");
	g_clear_error(&error);
	scripted_bluez_fail(world->bluez, "ReadValue", "NotPermitted", "Not paired");
	assert_false(try_read(world, STP_CHANNEL_ELAPSED_TIME, NULL, &error));
	assert_error(error, STP_ERROR_BOND_TOO_WEAK, "stipplectl pens repair");
	g_clear_error(&error);
	scripted_bluez_fail(world->bluez, "ReadValue", "Failed", "Operation failed with ATT error: 0x0e");
	assert_false(try_read(world, STP_CHANNEL_ELAPSED_TIME, NULL, &error));
	assert_error(error, STP_ERROR_LINK_FAILED, "without saying why (ATT error 0x0e). Try again");
	assert_non_null(strstr(error->message, "pens repair"));
	g_clear_error(&error);
	scripted_bluez_fail(world->bluez, "ReadValue", "Failed", "Operation failed with ATT error: 0x80 (Unknown)");
	assert_false(try_read(world, STP_CHANNEL_ELAPSED_TIME, NULL, &error));
	assert_error(error, STP_ERROR_LINK_FAILED, "an error of its own (ATT error 0x80). Try again");
	assert_int_equal(world->closings, 0);
}

static void
test_writes_keep_their_order(void **state)
{
	struct world *world = *state;
	GAsyncResult *results[4] = { NULL };
	g_autofree char *written = NULL;

	world_subscribe(world);
	/* Another program's write, or one that was cancelled here, is still under way. */
	scripted_bluez_fail(world->bluez, "WriteValue", "InProgress", "In Progress");
	for (guint i = 0; i < G_N_ELEMENTS(results); i++) {
		guint8 byte = (guint8)(i + 1);
		g_autoptr(GBytes) value = g_bytes_new(&byte, 1);

		stp_link_write_async(world->link, STP_CHANNEL_LOG_CONTROL, value, i % 2 == 0, NULL,
				     keep_result, &results[i]);
	}
	WAIT_FOR(results[3] != NULL);
	for (guint i = 0; i < G_N_ELEMENTS(results); i++) {
		assert_non_null(results[i]);
		assert_true(stp_link_write_finish(world->link, results[i], NULL));
		g_clear_object(&results[i]);
	}
	written = scripted_bluez_written(world->bluez);
	assert_string_equal(written, "request 01,command 02,request 03,command 04");
}

static void
test_the_link_drops(void **state)
{
	struct world *world = *state;
	GAsyncResult *results[2] = { NULL };
	g_autoptr(GBytes) value = g_bytes_new_static("\x10", 1);

	world_subscribe(world);
	scripted_bluez_fail(world->bluez, "WriteValue", NULL, NULL);
	for (int i = 0; i < 2; i++)
		stp_link_write_async(world->link, STP_CHANNEL_LOG_CONTROL, value, TRUE, NULL, keep_result,
				     &results[i]);
	WAIT_FOR(scripted_bluez_calls(world->bluez, "WriteValue") == 1);
	scripted_bluez_notify(world->bluez, "\x55", 1);
	scripted_bluez_drop_link(world->bluez);
	WAIT_FOR(world->closings > 0 && results[0] != NULL && results[1] != NULL);
	world_assert_received(world, 0, "log-data 55");
	assert_error(world->reason, STP_ERROR_LINK_FAILED, "was lost");
	for (int i = 0; i < 2; i++) {
		g_autoptr(GError) error = NULL;

		assert_false(stp_link_write_finish(world->link, results[i], &error));
		assert_error(error, STP_ERROR_LINK_FAILED, "was lost");
		g_clear_object(&results[i]);
	}
	assert_int_equal(world->closings, 1);
}

static void
test_the_services_go(void **state)
{
	struct world *world = *state;

	world_subscribe(world);
	scripted_bluez_drop_services(world->bluez);
	WAIT_FOR(world->closings > 0);
	assert_error(world->reason, STP_ERROR_LINK_FAILED, "services away");
	WAIT_FOR(!scripted_bluez_is_connected(world->bluez));
	assert_int_equal(world->closings, 1);
}

static void
test_the_adapter_goes_off(void **state)
{
	struct world *world = *state;

	world_subscribe(world);
	scripted_bluez_set_powered(world->bluez, FALSE);
	WAIT_FOR(world->closings > 0);
	assert_error(world->reason, STP_ERROR_NO_ADAPTER, "bluetoothctl power on");
}

static void
test_bluetoothd_ends(void **state)
{
	struct world *world = *state;

	world_subscribe(world);
	scripted_bluez_stop(world->bluez);
	WAIT_FOR(world->closings > 0);
	assert_error(world->reason, STP_ERROR_NO_BLUETOOTH, "service ended");
	g_clear_object(&world->link);
	g_clear_pointer(&world->last, stp_sighting_free);

	scripted_bluez_start(world->bluez);
	WAIT_FOR(stp_radio_get_state(world->radio) == STP_RADIO_SCANNING);
	world_subscribe(world);
	assert_int_equal(world->closings, 1);
}

static void
p5_the_end_of_the_descriptor_is_no_disconnect(void **state)
{
	struct world *world = *state;

	world_subscribe(world);
	scripted_bluez_hang_up(world->bluez);
	WAIT_FOR(scripted_bluez_calls(world->bluez, "AcquireNotify") == 2);
	assert_int_equal(world->closings, 0);
	scripted_bluez_notify(world->bluez, "\x01", 1);
	world_assert_received(world, 0, "log-data 01");

	/* Once is an accident, twice is a fault of that way; then there is the other one. */
	scripted_bluez_hang_up(world->bluez);
	WAIT_FOR(scripted_bluez_calls(world->bluez, "StartNotify") == 2);
	scripted_bluez_notify(world->bluez, "\x02", 1);
	world_assert_received(world, 1, "log-data 02");
	WAIT_FOR(stp_link_get_mtu(world->link) == 185);
	assert_int_equal(world->closings, 0);
	assert_true(scripted_bluez_is_connected(world->bluez));
}

static void
test_close(void **state)
{
	struct world *world = *state;

	world_subscribe(world);
	for (int i = 0; i < 2; i++) {
		g_autoptr(GAsyncResult) result = NULL;

		stp_link_close_async(world->link, keep_result, &result);
		WAIT_FOR(result != NULL);
		assert_true(stp_link_close_finish(world->link, result, NULL));
		assert_false(scripted_bluez_is_connected(world->bluez));
	}
	assert_error(world->reason, STP_ERROR_CANCELLED, "This host");
	assert_int_equal(world->closings, 1);
	assert_int_equal(scripted_bluez_calls(world->bluez, "Disconnect"), 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		SCANNING(p3_data_by_descriptor),
		cmocka_unit_test(p3_data_by_signals),
		SCANNING(test_subscribing_needs_a_bond),
		SCANNING(test_read),
		SCANNING(test_writes_keep_their_order),
		SCANNING(test_the_link_drops),
		SCANNING(test_the_services_go),
		SCANNING(test_the_adapter_goes_off),
		SCANNING(test_bluetoothd_ends),
		SCANNING(p5_the_end_of_the_descriptor_is_no_disconnect),
		SCANNING(test_close),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
