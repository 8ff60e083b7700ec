/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* Several adapters: which one, whose turn, how many at once, who else. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <glib/gstdio.h>
#include <sys/stat.h>

#include "await.h"
#include "bare-bluez.h"
#include "bluez-radio.h"
#include "bluez-route.h"
#include "private-bus.h"

#define A "00:AA:00:00:00:0A"
#define B "00:AA:00:00:00:0B"
#define PEN "C0:00:00:00:00:01"
#define PEN_2 "C0:00:00:00:00:02"

struct world {
	PrivateBus *bus;
	GDBusConnection *theirs, *ours;
	BareBluez *bluez;
	StpRadio *radio;
	GAsyncResult *result;
};

static void
start_radio(struct world *world, const StpBluezRadioOptions *options)
{
	world->radio = stp_bluez_radio_new(world->ours, options);
	stp_radio_start(world->radio);
}

static int
setup(void **state)
{
	struct world *world = g_new0(struct world, 1);

	world->bus = private_bus_new();
	assert_non_null(world->bus);
	world->theirs = private_bus_connect(world->bus, NULL);
	world->ours = private_bus_connect(world->bus, NULL);
	world->bluez = bare_bluez_new(world->theirs);
	*state = world;
	return 0;
}

static int
teardown(void **state)
{
	struct world *world = *state;

	/* Answers what still waits. */
	g_clear_pointer(&world->bluez, bare_bluez_free);
	if (world->radio != NULL) {
		WAIT_FOR(stp_radio_get_state(world->radio) == STP_RADIO_NO_BLUETOOTH);
		run_pending();
		g_clear_object(&world->result);
		run_pending();
		g_assert_finalize_object(world->radio);
	}
	g_clear_object(&world->ours);
	g_clear_object(&world->theirs);
	private_bus_free(world->bus);
	g_free(world);
	return 0;
}

static gboolean
hears(struct world *world, const char *pen, gint16 rssi)
{
	g_autoptr(GPtrArray) list = stp_radio_get_sightings(world->radio);

	for (guint i = 0; i < list->len; i++) {
		const StpSighting *sighting = list->pdata[i];

		if (g_str_equal(sighting->address, pen) && sighting->rssi == rssi)
			return TRUE;
	}
	return FALSE;
}

static StpAdapterReport *
report_of(struct world *world, const char *address)
{
	g_autoptr(GPtrArray) list = stp_radio_get_adapters(world->radio);

	for (guint i = 0; i < list->len; i++) {
		StpAdapterReport *report = list->pdata[i];

		if (g_str_equal(report->address, address)) {
			list->pdata[i] = NULL;
			return report;
		}
	}
	return NULL;
}

static gboolean
is_scanning(struct world *world, const char *address)
{
	g_autoptr(StpAdapterReport) report = report_of(world, address);

	return report != NULL && report->state == STP_RADIO_SCANNING;
}

static void
connect_to(struct world *world, const char *pen, GAsyncResult **result)
{
	stp_radio_connect_async(world->radio, pen, NULL, keep_result, result);
}

static void
ask(struct world *world)
{
	connect_to(world, PEN, &world->result);
}

static void
wait_for_call(struct world *world, const char *what)
{
	WAIT_FOR(bare_bluez_waits(world->bluez) != NULL);
	assert_string_equal(bare_bluez_waits(world->bluez), what);
}

/* The connection is there, but no services, and so it is of no use. */
static void
fail_with(struct world *world, StpError code, const char *part)
{
	g_autoptr(GError) error = NULL;

	WAIT_FOR(world->result != NULL);
	assert_null(stp_radio_connect_finish(world->radio, world->result, &error));
	assert_error(error, code, part);
	g_clear_object(&world->result);
}

/* ---- which adapter ---- */

static void
test_route(void **state)
{
	const StpBluezCandidate hears = { .knows = TRUE, .hears = TRUE, .room = TRUE, .rssi = -60 };
	StpBluezCandidate c[3] = { hears, hears, hears };

	assert_int_equal(stp_bluez_route(c, 0), -1);
	assert_int_equal(stp_bluez_route(c, 3), 0);
	c[1].rssi = -50;
	assert_int_equal(stp_bluez_route(c, 3), 1);
	/* The last one, unless the gain is 5 dB. */
	c[2].last = TRUE;
	c[2].rssi = -54;
	assert_int_equal(stp_bluez_route(c, 3), 2);
	c[2].rssi = -55;
	assert_int_equal(stp_bluez_route(c, 3), 1);
	c[0] = c[2];
	c[2] = hears;
	assert_int_equal(stp_bluez_route(c, 3), 1);
	c[0].rssi = -54;
	assert_int_equal(stp_bluez_route(c, 3), 0);
	/* No room, out of hearing, failed: each weighs more than the one before. */
	c[0].room = FALSE;
	assert_int_equal(stp_bluez_route(c, 3), 1);
	c[1].hears = FALSE;
	assert_int_equal(stp_bluez_route(c, 3), 2);
	c[2].failed = TRUE;
	assert_int_equal(stp_bluez_route(c, 3), 0);
	/* A bond outweighs all of it. */
	c[2].bonded = TRUE;
	assert_int_equal(stp_bluez_route(c, 3), 2);
	c[2].knows = FALSE;
	assert_int_equal(stp_bluez_route(c, 3), 0);
	/* An RSSI that is not known is the weakest. */
	c[0] = c[1] = hears;
	c[0].rssi = 127;
	assert_int_equal(stp_bluez_route(c, 2), 1);
}

static void
p13_an_adapter_is_known_by_its_address(void **state)
{
	struct world *world = *state;
	const char *const wanted[] = { "hci0", NULL };
	const StpBluezRadioOptions options = { .adapters = wanted };
	g_autoptr(StpAdapterReport) report = NULL;

	bare_bluez_plug(world->bluez, 0, A);
	start_radio(world, &options);
	WAIT_FOR(stp_radio_get_state(world->radio) == STP_RADIO_SCANNING);
	bare_bluez_unplug(world->bluez, 0);
	WAIT_FOR(stp_radio_get_state(world->radio) == STP_RADIO_NO_ADAPTER);
	/* Another one takes the index; it is not the one that was meant. */
	bare_bluez_plug(world->bluez, 0, B);
	bare_bluez_hear(world->bluez, 0, PEN, -40, FALSE);
	bare_bluez_plug(world->bluez, 3, A);
	WAIT_FOR(stp_radio_get_state(world->radio) == STP_RADIO_SCANNING);
	bare_bluez_hear(world->bluez, 3, PEN, -70, FALSE);
	WAIT_FOR(hears(world, PEN, -70));
	ask(world);
	wait_for_call(world, "hci3 " PEN);
	report = report_of(world, A);
	assert_string_equal(report->path, "/org/bluez/hci3");
	assert_null(report_of(world, B));
}

static void
test_the_one_that_hears_it_best(void **state)
{
	struct world *world = *state;

	bare_bluez_plug(world->bluez, 0, A);
	bare_bluez_plug(world->bluez, 1, B);
	start_radio(world, NULL);
	WAIT_FOR(is_scanning(world, A) && is_scanning(world, B));
	bare_bluez_hear(world->bluez, 0, PEN, -70, FALSE);
	bare_bluez_hear(world->bluez, 1, PEN, -60, FALSE);
	WAIT_FOR(hears(world, PEN, -60));
	assert_int_equal(stp_radio_get_links_at_once(world->radio), 6);
	ask(world);
	wait_for_call(world, "hci1 " PEN);
	/* It is out of room there: the other one tries, and only one link counts from now on. */
	bare_bluez_refuse(world->bluez, "Failed", "le-connection-concurrent-connection-limit");
	wait_for_call(world, "hci0 " PEN);
	assert_int_equal(stp_radio_get_links_at_once(world->radio), 4);
	bare_bluez_refuse(world->bluez, "NotSupported", "not here");
	fail_with(world, STP_ERROR_LINK_FAILED, "not here");
}

static void
test_a_bond_lives_on_one_adapter(void **state)
{
	struct world *world = *state;

	bare_bluez_plug(world->bluez, 0, A);
	bare_bluez_plug(world->bluez, 1, B);
	start_radio(world, NULL);
	WAIT_FOR(is_scanning(world, A) && is_scanning(world, B));
	bare_bluez_hear(world->bluez, 0, PEN, -90, TRUE);
	bare_bluez_hear(world->bluez, 1, PEN, -40, FALSE);
	WAIT_FOR(hears(world, PEN, -40));
	ask(world);
	wait_for_call(world, "hci0 " PEN);
	/* Not even when it fails there. */
	bare_bluez_refuse(world->bluez, "Failed", "le-connection-concurrent-connection-limit");
	fail_with(world, STP_ERROR_NO_SLOT, A);
	assert_null(bare_bluez_waits(world->bluez));
	/* Nor when that one is gone. */
	bare_bluez_unplug(world->bluez, 0);
	WAIT_FOR(!is_scanning(world, A));
	ask(world);
	fail_with(world, STP_ERROR_NO_ADAPTER, "is paired with the Bluetooth adapter " A ", which is not plugged in");
	/* A bond that is taken back binds no more. */
	bare_bluez_plug(world->bluez, 2, A);
	WAIT_FOR(is_scanning(world, A));
	bare_bluez_hear(world->bluez, 2, PEN, -90, FALSE);
	WAIT_FOR(stp_radio_has_room(world->radio, PEN));
	run_pending();
	bare_bluez_hear(world->bluez, 2, PEN, -91, FALSE);
	bare_bluez_unplug(world->bluez, 2);
	WAIT_FOR(!is_scanning(world, A));
	ask(world);
	wait_for_call(world, "hci1 " PEN);
}

/* ---- whose turn ---- */

static void
start_one(struct world *world)
{
	bare_bluez_plug(world->bluez, 0, A);
	start_radio(world, NULL);
	WAIT_FOR(is_scanning(world, A));
	bare_bluez_hear(world->bluez, 0, PEN, -60, FALSE);
	bare_bluez_hear(world->bluez, 0, PEN_2, -61, FALSE);
	WAIT_FOR(hears(world, PEN, -60) && hears(world, PEN_2, -61));
}

static void
p1_passing_failures_are_counted_and_bounded(void **state)
{
	struct world *world = *state;
	g_autoptr(StpAdapterReport) report = NULL;
	guint tries = 0;

	start_one(world);
	ask(world);
	while (world->result == NULL) {
		WAIT_FOR(world->result != NULL || bare_bluez_waits(world->bluez) != NULL);
		if (world->result != NULL)
			break;
		bare_bluez_refuse(world->bluez, "Failed", "le-connection-abort-by-local");
		tries++;
	}
	fail_with(world, STP_ERROR_LINK_FAILED, "le-connection-abort-by-local");
	assert_int_equal(tries, 9);
	report = report_of(world, A);
	assert_int_equal(report->errors[STP_LINK_CLASS_TRANSIENT], 9);
	assert_int_equal(report->links, 0);
	assert_int_equal(report->ceiling, 3);
}

static void
wait_for_somebody_else(struct world *world, const char *name)
{
	g_autoptr(StpAdapterReport) report = NULL;

	start_one(world);
	ask(world);
	wait_for_call(world, "hci0 " PEN);
	bare_bluez_refuse(world->bluez, name, "Operation already in progress");
	/* The other Connect() succeeds: that the property says. */
	run_pending();
	assert_null(world->result);
	bare_bluez_set_connected(world->bluez, 0, PEN, TRUE);
	/* It waits for services, which never come. */
	WAIT_FOR(world->result != NULL);
	assert_int_equal(bare_bluez_waiting(world->bluez), 0);
	fail_with(world, STP_ERROR_LINK_FAILED, "");
	report = report_of(world, A);
	assert_int_equal(report->errors[STP_LINK_CLASS_TRANSIENT], 1);
}

static void
p7_in_progress_is_waited_for(void **state)
{
	wait_for_somebody_else(*state, "InProgress");
}

/* So in 5.66, as the lab shows. */
static void
p7_a_failure_that_is_progress_is_waited_for(void **state)
{
	wait_for_somebody_else(*state, "Failed");
}

static void
p9_a_pen_that_vanished_is_waited_for(void **state)
{
	struct world *world = *state;

	start_one(world);
	ask(world);
	wait_for_call(world, "hci0 " PEN);
	bare_bluez_forget(world->bluez, 0, PEN);
	bare_bluez_refuse(world->bluez, "org.freedesktop.DBus.Error.UnknownObject", "gone");
	/* Nobody is asked while it is not there, and the adapter is free for others meanwhile. */
	connect_to(world, PEN_2, &world->result);
	wait_for_call(world, "hci0 " PEN_2);
	bare_bluez_hear(world->bluez, 0, PEN, -63, FALSE);
	bare_bluez_refuse(world->bluez, "NotSupported", "no");
	WAIT_FOR(world->result != NULL);
	g_clear_object(&world->result);
	wait_for_call(world, "hci0 " PEN);
}

static void
p10_one_connect_at_a_time_and_turns(void **state)
{
	struct world *world = *state;
	g_autoptr(GAsyncResult) other = NULL;

	start_one(world);
	ask(world);
	wait_for_call(world, "hci0 " PEN);
	connect_to(world, PEN_2, &other);
	run_pending();
	assert_int_equal(bare_bluez_waiting(world->bluez), 1);
	/* It took 20 s: taken back, and the other one gets its turn before it is tried again. */
	bare_bluez_refuse(world->bluez, "org.freedesktop.DBus.Error.Timeout", "no answer");
	wait_for_call(world, "hci0 " PEN_2);
	assert_int_equal(bare_bluez_disconnects(world->bluez), 1);
	bare_bluez_refuse(world->bluez, "NotSupported", "no");
	WAIT_FOR(other != NULL);
	wait_for_call(world, "hci0 " PEN);
}

/*
 * An attempt that its caller no longer waits for, as after a kill, blocks ours for 40 s, also when the
 * pen is there; Disconnect() ends it.
 */
static void
p7_an_attempt_left_over_is_taken_back(void **state)
{
	struct world *world = *state;
	gint64 began = g_get_monotonic_time();
	guint refused = 0;

	start_one(world);
	ask(world);
	while (bare_bluez_disconnects(world->bluez) == 0) {
		WAIT_FOR(bare_bluez_waits(world->bluez) != NULL || bare_bluez_disconnects(world->bluez) > 0);
		if (bare_bluez_waits(world->bluez) == NULL)
			break;
		bare_bluez_refuse(world->bluez, "Failed", "Operation already in progress");
		refused++;
	}
	/* Not before the other one had its chance. */
	assert_true(g_get_monotonic_time() - began >= 5 * G_TIME_SPAN_SECOND);
	assert_true(refused <= 7);
	assert_null(world->result);
	/* Ours, then. */
	wait_for_call(world, "hci0 " PEN);
	bare_bluez_refuse(world->bluez, "NotSupported", "no");
	WAIT_FOR(world->result != NULL);
	fail_with(world, STP_ERROR_LINK_FAILED, "");
}

/* ---- how many ---- */

static void
p11_the_ceiling_is_kept(void **state)
{
	struct world *world = *state;
	g_autofree char *memory = g_build_filename(private_bus_directory(world->bus), "adapters.conf", NULL);
	const StpBluezRadioOptions options = { .memory = memory };
	g_autoptr(StpAdapterReport) report = NULL;

	bare_bluez_plug(world->bluez, 0, A);
	start_radio(world, &options);
	WAIT_FOR(is_scanning(world, A));
	bare_bluez_hear(world->bluez, 0, PEN, -60, TRUE);
	WAIT_FOR(hears(world, PEN, -60));
	ask(world);
	wait_for_call(world, "hci0 " PEN);
	bare_bluez_refuse(world->bluez, "Failed", "le-connection-memory-allocation");
	fail_with(world, STP_ERROR_NO_SLOT, "second adapter");
	run_pending();
	g_assert_finalize_object(world->radio);

	start_radio(world, &options);
	WAIT_FOR(is_scanning(world, A));
	report = report_of(world, A);
	assert_int_equal(report->ceiling, 1);
	/* So is where the bond is. */
	bare_bluez_plug(world->bluez, 1, B);
	WAIT_FOR(is_scanning(world, B));
	bare_bluez_unplug(world->bluez, 0);
	WAIT_FOR(!is_scanning(world, A));
	bare_bluez_hear(world->bluez, 1, PEN, -50, FALSE);
	WAIT_FOR(hears(world, PEN, -50));
	ask(world);
	fail_with(world, STP_ERROR_NO_ADAPTER, A);
}

/* ---- who else ---- */

static void
p8_another_program_is_seen(void **state)
{
	struct world *world = *state;
	g_autoptr(StpAdapterReport) report = NULL;

	start_one(world);
	report = report_of(world, A);
	assert_int_equal(report->foreign_links, 0);
	bare_bluez_set_connected(world->bluez, 0, PEN_2, TRUE);
	bare_bluez_hear(world->bluez, 0, PEN, -65, FALSE);
	WAIT_FOR(hears(world, PEN, -65));
	g_clear_pointer(&report, stp_adapter_report_free);
	report = report_of(world, A);
	assert_int_equal(report->foreign_links, 1);
	assert_int_equal(report->links, 0);
}

static gboolean
is_in_sight(struct world *world, const char *pen)
{
	g_autoptr(GPtrArray) list = stp_radio_get_sightings(world->radio);

	for (guint i = 0; i < list->len; i++) {
		const StpSighting *sighting = list->pdata[i];

		if (g_str_equal(sighting->address, pen) && sighting->in_sight)
			return TRUE;
	}
	return FALSE;
}

/* A daemon that was killed leaves its links up, and who is connected does not advertise. */
static void
a_link_left_up_is_in_sight(void **state)
{
	struct world *world = *state;
	const StpBluezRadioOptions options = { 0 };

	bare_bluez_plug(world->bluez, 0, A);
	bare_bluez_hear(world->bluez, 0, PEN, -60, TRUE);
	bare_bluez_hear(world->bluez, 0, PEN_2, -60, TRUE);
	bare_bluez_set_connected(world->bluez, 0, PEN, TRUE);
	start_radio(world, &options);
	WAIT_FOR(is_scanning(world, A));
	assert_true(is_in_sight(world, PEN));
}

static void
p8_two_radios_do_not_fight(void **state)
{
	struct world *world = *state;
	g_autofree char *leases = g_build_filename(private_bus_directory(world->bus), "run", NULL);
	const StpBluezRadioOptions options = { .lease_directory = leases };
	g_autofree char *name = g_strdelimit(g_strconcat(A, ".lock", NULL), ":", '-');
	g_autofree char *lock = g_build_filename(leases, name, NULL);
	g_autoptr(StpAdapterReport) report = NULL;
	/* As the service runs; the group of those who may take the adapter must be able to ask for it. */
	mode_t before = umask(0077);
	StpRadio *first;
	GStatBuf info;

	bare_bluez_plug(world->bluez, 0, A);
	start_radio(world, &options);
	WAIT_FOR(is_scanning(world, A));
	umask(before);
	assert_int_equal(g_stat(lock, &info), 0);
	assert_int_equal(info.st_mode & 0777, 0660);
	bare_bluez_hear(world->bluez, 0, PEN, -60, FALSE);
	first = world->radio;
	start_radio(world, &options);
	WAIT_FOR(stp_radio_get_state(world->radio) == STP_RADIO_IN_USE);
	report = report_of(world, A);
	assert_non_null(strstr(report->lease_holder, "process"));
	assert_false(report->discovering);
	ask(world);
	fail_with(world, STP_ERROR_NO_ADAPTER, "in use");
	/* It ends, in whatever way. */
	run_pending();
	g_assert_finalize_object(first);
	WAIT_FOR(is_scanning(world, A));
	g_clear_pointer(&report, stp_adapter_report_free);
	report = report_of(world, A);
	assert_null(report->lease_holder);
}

#define IN_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_route),
		IN_WORLD(p13_an_adapter_is_known_by_its_address),
		IN_WORLD(test_the_one_that_hears_it_best),
		IN_WORLD(test_a_bond_lives_on_one_adapter),
		IN_WORLD(p1_passing_failures_are_counted_and_bounded),
		IN_WORLD(p7_in_progress_is_waited_for),
		IN_WORLD(p7_a_failure_that_is_progress_is_waited_for),
		IN_WORLD(p9_a_pen_that_vanished_is_waited_for),
		IN_WORLD(p10_one_connect_at_a_time_and_turns),
		IN_WORLD(p7_an_attempt_left_over_is_taken_back),
		IN_WORLD(p11_the_ceiling_is_kept),
		IN_WORLD(p8_another_program_is_seen),
		IN_WORLD(a_link_left_up_is_in_sight),
		IN_WORLD(p8_two_radios_do_not_fight),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
