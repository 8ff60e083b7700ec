/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* When the scanner looks for pens, and that it wakes up for nothing else. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "await.h"
#include "bluez-scanner.h"
#include "bluez-timing.h"
#include "radio-world.h"

#define LONG_MS 60000
#define SHORT_MS 1

/* GDBus gives up on a call after that. */
#define CALL_MS 25000

/* Milliseconds until this process would wake up by itself; -1: never. */
static int
query_timer(void)
{
	GMainContext *context = g_main_context_default();
	GPollFD fds[16];
	int priority, timeout;

	run_pending();
	assert_true(g_main_context_acquire(context));
	g_main_context_prepare(context, &priority);
	g_main_context_query(context, G_MAXINT, &timeout, fds, G_N_ELEMENTS(fds));
	g_main_context_release(context);
	return timeout;
}

/*
 * The same, when every call has been answered.  GDBus's thread takes the timer of an answered call away after it
 * has handed the answer over, and wakes nobody for that: waiting for what comes next could take all of CALL_MS.
 */
static int
next_timer(void)
{
	int timeout = query_timer();

	while (timeout == 0 || (timeout > CALL_MS / 2 && timeout <= CALL_MS)) {
		run_for(1);
		timeout = query_timer();
	}
	return timeout;
}

/* The caller's. */
static StpBluezScanner *
start(struct world *world, guint eager_ms, guint window_ms, guint period_ms, gboolean watching)
{
	g_autoptr(StpBluezClient) client = stp_bluez_client_new(world->ours);
	g_autoptr(StpBluezAdapter) adapter = stp_bluez_adapter_new(client, "00:AA:01:00:00:00");
	g_autoptr(StpBluezMonitor) monitor = stp_bluez_monitor_new(client, adapter);
	StpBluezScanner *scanner = stp_bluez_scanner_new(adapter, monitor);

	world->bluez = scripted_bluez_new(world->theirs);
	stp_bluez_scanner_set_times(scanner, eager_ms, window_ms, period_ms);
	stp_bluez_scanner_watch(scanner, watching);
	stp_bluez_scanner_start(scanner);
	stp_bluez_client_start(client);
	g_object_set_data_full(G_OBJECT(scanner), "client", g_steal_pointer(&client), g_object_unref);
	WAIT_FOR(stp_bluez_scanner_get_state(scanner) == STP_RADIO_SCANNING);
	return scanner;
}

static guint
starts(struct world *world)
{
	return scripted_bluez_calls(world->bluez, "StartDiscovery");
}

static guint
stops(struct world *world)
{
	return scripted_bluez_calls(world->bluez, "StopDiscovery");
}

static void
test_eager_is_one_timer(void **state)
{
	struct world *world = *state;
	StpBluezScanner *scanner = start(world, LONG_MS, SHORT_MS, LONG_MS, TRUE);
	int timer = next_timer();

	assert_in_range(timer, LONG_MS / 2, LONG_MS + 1);
	g_assert_finalize_object(scanner);
	assert_int_equal(next_timer(), -1);
}

static void
test_no_pen_no_timer(void **state)
{
	struct world *world = *state;
	StpBluezScanner *scanner = start(world, 0, SHORT_MS, LONG_MS, FALSE);

	assert_int_equal(next_timer(), -1);
	assert_int_equal(starts(world), 0);
	assert_int_equal(stp_bluez_scanner_get_mode(scanner), STP_SCAN_ON_DEMAND);

	/* The first pen: looked for at once, and again after a pause. */
	stp_bluez_scanner_watch(scanner, TRUE);
	assert_int_equal(stp_bluez_scanner_get_mode(scanner), STP_SCAN_DUTY_CYCLED);
	assert_non_null(strstr(stp_bluez_scanner_get_why(scanner), "no advertisement monitors"));
	WAIT_FOR(starts(world) == 1 && stops(world) == 1);
	assert_in_range(next_timer(), LONG_MS / 2, LONG_MS);

	/* The last one is gone. */
	stp_bluez_scanner_watch(scanner, FALSE);
	assert_int_equal(next_timer(), -1);
	g_assert_finalize_object(scanner);
}

static void
test_windows_come_again(void **state)
{
	struct world *world = *state;
	StpBluezScanner *scanner = start(world, 0, SHORT_MS, 2 * SHORT_MS, TRUE);

	WAIT_FOR(starts(world) >= 3 && stops(world) >= 3);
	g_assert_finalize_object(scanner);
}

static void
test_hold(void **state)
{
	struct world *world = *state;
	StpBluezScanner *scanner = start(world, 0, LONG_MS, 2 * LONG_MS, FALSE);

	stp_bluez_scanner_hold(scanner, FALSE);
	stp_bluez_scanner_hold(scanner, FALSE);
	assert_int_equal(next_timer(), -1);
	stp_bluez_scanner_set_times(scanner, 0, SHORT_MS, LONG_MS);
	stp_bluez_scanner_relax(scanner);
	stp_bluez_scanner_release(scanner, FALSE);
	assert_int_equal(next_timer(), -1);
	assert_int_equal(stops(world), 0);
	stp_bluez_scanner_release(scanner, FALSE);
	WAIT_FOR(stops(world) == 1);

	/* During a pause it begins at once. */
	stp_bluez_scanner_hold(scanner, FALSE);
	WAIT_FOR(starts(world) == 2);
	assert_int_equal(next_timer(), -1);
	stp_bluez_scanner_release(scanner, FALSE);
	WAIT_FOR(stops(world) == 2);
	g_assert_finalize_object(scanner);
}

static void
test_relax_spares_who_looks(void **state)
{
	struct world *world = *state;
	StpBluezScanner *scanner = start(world, LONG_MS, SHORT_MS, LONG_MS, FALSE);

	stp_bluez_scanner_look(scanner);
	stp_bluez_scanner_relax(scanner);
	assert_in_range(next_timer(), STP_BLUEZ_SCAN_LOOK / 2, STP_BLUEZ_SCAN_LOOK + 1);

	stp_bluez_scanner_set_times(scanner, 0, SHORT_MS, LONG_MS);
	stp_bluez_scanner_look(scanner);
	stp_bluez_scanner_relax(scanner);
	WAIT_FOR(stops(world) == 1);

	stp_bluez_scanner_set_times(scanner, LONG_MS, SHORT_MS, LONG_MS);
	stp_bluez_scanner_look(scanner);
	WAIT_FOR(starts(world) == 2);
	assert_in_range(next_timer(), STP_BLUEZ_SCAN_LOOK / 2, STP_BLUEZ_SCAN_LOOK + 1);
	g_assert_finalize_object(scanner);
}

/* What overtakes our own StopDiscovery is answered InProgress by BlueZ, and nothing runs then. */
static void
p7_stopping_is_waited_for(void **state)
{
	struct world *world = *state;
	StpBluezScanner *scanner = start(world, SHORT_MS, SHORT_MS, LONG_MS, TRUE);

	scripted_bluez_fail(world->bluez, "StopDiscovery", NULL, NULL);
	WAIT_FOR(stops(world) == 1);
	stp_bluez_scanner_hold(scanner, TRUE);
	/* An answer to anything: had it been called, it would have come before. */
	g_object_unref(g_dbus_proxy_new_sync(world->ours, G_DBUS_PROXY_FLAGS_NONE, NULL, "org.freedesktop.DBus",
					     "/org/freedesktop/DBus", "org.freedesktop.DBus", NULL, NULL));
	run_pending();
	assert_int_equal(starts(world), 1);
	assert_true(stp_bluez_scanner_is_discovering(scanner));
	g_assert_finalize_object(scanner);
}

/* Of another program's call under way: tried again, and no failure meanwhile. */
static void
p7_in_progress_is_tried_again(void **state)
{
	struct world *world = *state;
	StpBluezScanner *scanner;

	scanner = start(world, 0, SHORT_MS, LONG_MS, FALSE);
	scripted_bluez_fail(world->bluez, "StartDiscovery", "InProgress", "Operation already in progress");
	stp_bluez_scanner_hold(scanner, TRUE);
	WAIT_FOR(starts(world) == 1);
	WAIT_FOR(stp_bluez_scanner_is_discovering(scanner));
	assert_int_equal(starts(world), 2);
	assert_int_equal(stp_bluez_scanner_get_state(scanner), STP_RADIO_SCANNING);
	g_assert_finalize_object(scanner);
}

/*
 * Of the radio: what was expected has come when this host closes a link, not when one is lost.  No
 * more than the coming and the news of pens is asked for then.
 */
static void
p18_no_flood_when_nothing_waits(void **state)
{
	struct world *world = *state;
	g_autoptr(GAsyncResult) result = NULL;

	world_connect(world);
	assert_true(scripted_bluez_wants_duplicates(world->bluez));
	stp_link_close_async(world->link, keep_result, &result);
	WAIT_FOR(result != NULL && world->closings == 1);
	WAIT_FOR(!scripted_bluez_wants_duplicates(world->bluez));

	g_clear_object(&world->link);
	world_connect(world);
	scripted_bluez_drop_link(world->bluez);
	WAIT_FOR(world->closings == 2);
	WAIT_FOR(scripted_bluez_wants_duplicates(world->bluez));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		NOT_STARTED(test_eager_is_one_timer),
		NOT_STARTED(test_no_pen_no_timer),
		NOT_STARTED(test_windows_come_again),
		NOT_STARTED(test_hold),
		NOT_STARTED(test_relax_spares_who_looks),
		NOT_STARTED(p7_stopping_is_waited_for),
		NOT_STARTED(p7_in_progress_is_tried_again),
		SCANNING(p18_no_flood_when_nothing_waits),
	};

	return cmocka_run_group_tests_name("bluez-scanner", tests, NULL, NULL);
}
