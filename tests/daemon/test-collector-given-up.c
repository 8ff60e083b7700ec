/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* Records that were damaged so often that they were given up: they are asked for once more, now and then. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "clinic-hours.h"
#include "clock.h"
#include "sim-faults.h"
#include "virtual-clock.h"

static const char *
cause_now(Clinic *clinic, guint32 record)
{
	g_autoptr(StpCoverage) coverage = coverage_of(clinic, 0);

	return g_intern_string(cause_of(coverage, record));
}

/* For so many minutes. */
static void
stay_in_sight(Clinic *clinic, guint number, guint minutes)
{
	for (guint i = 0; i < minutes; i++) {
		hear(clinic, number);
		virtual_clock_run(later(60 * S));
	}
}

/* A record that is damaged again and again until it is given up; flipped once more, it is whole. */
static SimRecord *
give_up_on(Clinic *clinic, guint32 number)
{
	SimRecord *record = sim_flash_get(flash_of(clinic, 0), number);
	guint newest = sim_flash_newest(flash_of(clinic, 0)), connects;

	assert_true(sim_fault_commit(SIM_FAULT_FLIP, record, NULL));
	enrol_by(clinic, 0);
	stay_in_sight(clinic, 0, 24 * 60);
	connects = socket_radio_connects(clinic->radio);
	stay_in_sight(clinic, 0, 24 * 60);
	assert_int_equal(socket_radio_connects(clinic->radio), connects);
	assert_int_equal(held(clinic, 0), newest - 1);
	return record;
}

static void
what_was_given_up_is_had_when_asked_for(void **state)
{
	Clinic *clinic = *state;
	const StpSyncChoice other = { .from = 1, .to = 1 }, from = { .from = 2 };
	SimRecord *record = give_up_on(clinic, 3);

	assert_true(sim_fault_commit(SIM_FAULT_FLIP, record, NULL));
	sync_by_hand(clinic, 0, &other);
	assert_string_equal(cause_now(clinic, 3), "corrupt");
	sync_by_hand(clinic, 0, NULL);
	assert_string_equal(cause_now(clinic, 3), "corrupt");
	sync_by_hand(clinic, 0, &from);
	assert_complete(clinic, 0);
}

static void
what_was_given_up_is_tried_each_week(void **state)
{
	Clinic *clinic = *state;
	SimRecord *record = give_up_on(clinic, 3);
	guint connects = socket_radio_connects(clinic->radio);

	/* Still damaged: that is one try, and not five. */
	stay_in_sight(clinic, 0, 7 * 24 * 60);
	assert_in_range(socket_radio_connects(clinic->radio) - connects, 1, 2);
	assert_true(sim_fault_commit(SIM_FAULT_FLIP, record, NULL));
	stay_in_sight(clinic, 0, 5 * 24 * 60);
	assert_string_equal(cause_now(clinic, 3), "corrupt");
	stay_in_sight(clinic, 0, 4 * 24 * 60);
	assert_complete(clinic, 0);
}

static void
what_was_given_up_is_tried_with_other_firmware(void **state)
{
	Clinic *clinic = *state;
	SimRecord *record = give_up_on(clinic, 3);

	sim_pen_update(clinic->pens[0], "9.9.9");
	assert_true(sim_fault_commit(SIM_FAULT_FLIP, record, NULL));
	sync_by_hand(clinic, 0, NULL);
	assert_complete(clinic, 0);
}

/* The link may fail before the record was tried: that it is a new one is known the next time, too. */
static void
what_was_given_up_is_tried_after_a_change_of_firmware(void **state)
{
	Clinic *clinic = *state;
	SimRecord *record = give_up_on(clinic, 3);
	g_autoptr(StpPenRow) row = stp_store_get_pen(clinic->store, sim_pen_serial(clinic->pens[0]), NULL);
	g_autofree char *now = g_strdup(row->firmware);

	for (guint i = 0; i < 2; i++) {
		g_free(row->firmware);
		row->firmware = g_strdup(i == 0 ? "0.0.1" : now);
		stp_store_put_identity_async(clinic->store, row, NULL, NULL, NULL);
		virtual_clock_run(later(S));
	}
	assert_true(sim_fault_commit(SIM_FAULT_FLIP, record, NULL));
	sync_by_hand(clinic, 0, NULL);
	assert_complete(clinic, 0);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_hours, close_hours)
	const struct CMUnitTest tests[] = {
		CASE(what_was_given_up_is_had_when_asked_for),
		CASE(what_was_given_up_is_tried_each_week),
		CASE(what_was_given_up_is_tried_with_other_firmware),
		CASE(what_was_given_up_is_tried_after_a_change_of_firmware),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
