/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* Who a pen is, and whom the collector talks to: EP5 and EP6. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "clinic-hours.h"
#include "virtual-clock.h"

#define NEW_ADDRESS "00:00:00:00:00:77"

/* Heard for hours, with news, its window open: who did not ask for it leaves it alone. */
static void
ep6_a_pen_that_nobody_enrolled_is_left_alone(void **state)
{
	Clinic *clinic = *state;
	guint connects;

	enrol_by(clinic, 0);
	assert_true(run_until_ended(clinic, clinic->ended + 1, later(HOUR)));
	connects = socket_radio_connects(clinic->radio);
	for (guint i = 0; i < 240; i++) {
		hear(clinic, 1);
		virtual_clock_run(later(30 * S));
	}
	assert_int_equal(socket_radio_connects(clinic->radio), connects);
	assert_null(stp_collector_find_pen(clinic->collector, sim_pen_serial(clinic->pens[1])));

	/* The same pen, once it is enrolled, is collected at once. */
	enrol_by(clinic, 1);
	assert_true(run_until_ended(clinic, clinic->ended + 1, later(HOUR)));
	assert_complete(clinic, 1);
}

/* A pen whose enrolment has ended is heard as before, and left alone as one that never was. */
static void
ep6_a_retired_pen_is_left_alone(void **state)
{
	static const StpRemoval gentle = { 0 };
	Clinic *clinic = *state;
	const char *serial = sim_pen_serial(clinic->pens[0]);
	guint connects;

	enrol_by(clinic, 0);
	assert_true(run_until_ended(clinic, clinic->ended + 1, later(HOUR)));
	stp_collector_remove_async(clinic->collector, serial, &gentle, NULL, NULL, NULL, NULL, NULL);
	while (stp_collector_find_pen(clinic->collector, serial) != NULL)
		virtual_clock_run(later(S));
	virtual_clock_run(later(60 * S));
	connects = socket_radio_connects(clinic->radio);
	for (guint i = 0; i < 240; i++) {
		hear(clinic, 0);
		virtual_clock_run(later(30 * S));
	}
	assert_int_equal(socket_radio_connects(clinic->radio), connects);
}

/* The same serial number at another address is the same pen: nothing is fetched twice, and both are remembered. */
static void
ep5_the_serial_number_says_who_it_is(void **state)
{
	Clinic *clinic = *state;
	const char *serial = sim_pen_serial(clinic->pens[0]);
	g_autoptr(GPtrArray) addresses = NULL;
	StpEnrolledPen *pen;
	guint stored;

	enrol_by(clinic, 0);
	assert_true(run_until_ended(clinic, clinic->ended + 1, later(HOUR)));
	virtual_clock_run(later(S));
	stored = clinic->stored;

	socket_radio_lose_sight(clinic->radio, clinic->addresses[0]);
	g_free(clinic->addresses[0]);
	clinic->addresses[0] = g_strdup(NEW_ADDRESS);
	socket_radio_put(clinic->radio, clinic->pens[0], &clinic->faults[0], NEW_ADDRESS, 247);
	pen = enrol_by(clinic, 0);
	assert_true(run_until_ended(clinic, clinic->ended + 1, later(HOUR)));
	virtual_clock_run(later(S));
	assert_ptr_equal(pen, stp_collector_find_pen(clinic->collector, serial));
	assert_string_equal(stp_enrolled_pen_get_row(pen)->address, NEW_ADDRESS);
	assert_complete(clinic, 0);
	assert_int_equal(clinic->stored, stored);

	addresses = stp_store_list_addresses(clinic->store, serial, NULL);
	assert_non_null(addresses);
	assert_int_equal(addresses->len, 2);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_hours, close_hours)
	const struct CMUnitTest tests[] = {
		CASE(ep5_the_serial_number_says_who_it_is),
		CASE(ep6_a_pen_that_nobody_enrolled_is_left_alone),
		CASE(ep6_a_retired_pen_is_left_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
