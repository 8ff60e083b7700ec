/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* Two pens with one serial number: neither may fill up while nobody knows. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "clinic-hours.h"
#include "error.h"
#include "sim-story.h"
#include "sync-timing.h"
#include "twin-alerts.h"
#include "virtual-clock.h"

static void
begin(Clinic *clinic)
{
	clinic->radio = socket_radio_new();
	for (guint i = 0; i < PENS; i++)
		socket_radio_put(clinic->radio, clinic->pens[i], &clinic->faults[i], clinic->addresses[i], 247);
	open_store(clinic);
	stp_store_set_lockstep(clinic->store, STORE_REPLY_MS);
}

/* The second pen has the first one's serial number. */
static int
open_twins(void **state)
{
	const SimStory story = { .seed = 78, .sessions = 2, .samples_min = 300, .samples_max = 300, .period_ms = 10 };
	SimPenConfig config = { .seed = 77 };
	Clinic *clinic;

	open_hours(state);
	clinic = *state;
	stop(clinic);
	g_clear_object(&clinic->radio);
	sim_pen_free(clinic->pens[1]);
	config.serial = sim_pen_serial(clinic->pens[0]);
	clinic->pens[1] = sim_pen_new(&config, NULL);
	assert_true(sim_story_tell(&story, clinic->pens[1], NULL, NULL));
	begin(clinic);
	return 0;
}

static Answer
try_enrol_at(Clinic *clinic, const char *address)
{
	const StpEnrolOptions options = { .which = address, .timeout_s = 5 };
	Answer answer = { 0 };

	stp_collector_enrol_async(clinic->collector, &options, NULL, NULL, NULL, on_enrolled, &answer);
	assert_true(virtual_clock_run_until(&answer.done, later(HOUR)));
	return answer;
}

static void
enrol_at(Clinic *clinic, guint number)
{
	guint ended = clinic->ended;
	Answer answer;

	hear(clinic, number);
	answer = try_enrol_at(clinic, clinic->addresses[number]);
	assert_null(answer.error);
	while (clinic->ended == ended)
		virtual_clock_run(later(S));
	assert_string_equal(stp_enrolled_pen_get_row(answer.pen)->address, clinic->addresses[number]);
}

static gboolean
is_told_of(Clinic *clinic)
{
	return stp_store_has_alert(clinic->store, STP_ALERT_TWIN, sim_pen_serial(clinic->pens[0]));
}

static void
a_second_pen_of_one_serial_number_is_refused(void **state)
{
	Clinic *clinic = *state;
	g_autoptr(StpPenRow) row = NULL;
	Answer answer;

	enrol_at(clinic, 0);
	hear(clinic, 1);
	answer = try_enrol_at(clinic, clinic->addresses[1]);
	assert_true(g_error_matches(answer.error, STP_ERROR, STP_ERROR_INVALID_ARGUMENT));
	assert_non_null(strstr(answer.error->message, clinic->addresses[0]));
	g_clear_error(&answer.error);
	row = stp_store_get_pen(clinic->store, sim_pen_serial(clinic->pens[0]), NULL);
	assert_string_equal(row->address, clinic->addresses[0]);
	/* The first one is collected from as before. */
	assert_non_null(stp_collector_find_address(clinic->collector, clinic->addresses[0]));
	assert_complete(clinic, 0);
}

/* In sight at its former address is another pen: that is no second one. */
static void
pens_whose_boards_were_exchanged_are_enrolled(void **state)
{
	Clinic *clinic = *state;
	char *address = clinic->addresses[0];
	Answer answer;

	enrol_at(clinic, 0);
	stop(clinic);
	g_clear_object(&clinic->radio);
	clinic->addresses[0] = clinic->addresses[2];
	clinic->addresses[2] = address;
	begin(clinic);
	hear(clinic, 0);
	hear(clinic, 2);
	answer = try_enrol_at(clinic, clinic->addresses[0]);
	assert_null(answer.error);
	assert_string_equal(stp_enrolled_pen_get_row(answer.pen)->serial, sim_pen_serial(clinic->pens[0]));
	assert_string_equal(stp_enrolled_pen_get_row(answer.pen)->address, clinic->addresses[0]);
}

/* A pen may come back with another address, after a reset say; and only if it does. */
static void
the_first_of_two_is_missed_when_it_is_heard(void **state)
{
	Clinic *clinic = *state;

	enrol_at(clinic, 0);
	socket_radio_leave(clinic->radio, clinic->addresses[0]);
	enrol_at(clinic, 1);
	virtual_clock_run(later(HOUR));
	assert_false(is_told_of(clinic));
	hear(clinic, 0);
	assert_true(is_told_of(clinic));

	/* Which one it is to be is decided by who enrols it; the other one is there no longer. */
	socket_radio_leave(clinic->radio, clinic->addresses[1]);
	enrol_at(clinic, 0);
	assert_false(is_told_of(clinic));
	hear(clinic, 0);
	assert_false(is_told_of(clinic));
	hear(clinic, 1);
	assert_true(is_told_of(clinic));
}

static void
it_ends_when_one_of_two_is_gone(void **state)
{
	Clinic *clinic = *state;

	enrol_at(clinic, 0);
	socket_radio_leave(clinic->radio, clinic->addresses[0]);
	enrol_at(clinic, 1);
	hear(clinic, 0);
	assert_true(is_told_of(clinic));
	/* Overnight it lies in a drawer. */
	virtual_clock_run(later(20 * HOUR));
	assert_true(is_told_of(clinic));
	hear(clinic, 0);

	/* The computer starts again, and it is not there any more. */
	stop(clinic);
	open_store(clinic);
	stp_store_set_lockstep(clinic->store, STORE_REPLY_MS);
	assert_true(is_told_of(clinic));
	virtual_clock_run(later((STP_SYNC_TWIN_GONE_S - 2 * 3600) * S));
	assert_true(is_told_of(clinic));
	virtual_clock_run(later(4 * HOUR));
	assert_false(is_told_of(clinic));
}

/* Its key was taken from it, as with one that was retired: it may be anybody's. */
static void
a_pen_without_a_key_says_nothing(void **state)
{
	Clinic *clinic = *state;

	enrol_at(clinic, 0);
	socket_radio_leave(clinic->radio, clinic->addresses[0]);
	enrol_at(clinic, 1);
	socket_radio_set_bonded(clinic->radio, clinic->addresses[0], FALSE);
	hear(clinic, 0);
	assert_false(is_told_of(clinic));
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_twins, close_hours)
	const struct CMUnitTest tests[] = {
		CASE(a_second_pen_of_one_serial_number_is_refused),
		CASE(pens_whose_boards_were_exchanged_are_enrolled),
		CASE(the_first_of_two_is_missed_when_it_is_heard),
		CASE(it_ends_when_one_of_two_is_gone),
		CASE(a_pen_without_a_key_says_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
