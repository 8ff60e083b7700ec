/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* The collector: pens that come and go, and the end of all. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "clinic.h"
#include "enrolment.h"
#include "error.h"
#include "private-bus.h"
#include "sim-story.h"
#include "sync-timing.h"

static void
test_enrolment_fits(void **state)
{
	const StpSighting named = { .address = (char *)"AA:BB:CC:00:11:22",
				    .name = (char *)"Stipple-1001" };
	const StpSighting nameless = { .address = (char *)"AA:BB:CC:00:11:22" };

	assert_true(stp_enrolment_fits(&named, "aa:bb:cc:00:11:22"));
	assert_true(stp_enrolment_fits(&named, "Stipple-1001"));
	assert_true(stp_enrolment_fits(&named, "1001"));
	assert_true(stp_enrolment_fits(&named, "DP26-1001"));
	assert_true(stp_enrolment_fits(&named, "01"));
	assert_false(stp_enrolment_fits(&named, ""));
	assert_false(stp_enrolment_fits(&named, "DP26-1002"));
	assert_false(stp_enrolment_fits(&named, "100"));
	assert_true(stp_enrolment_fits(&nameless, "AA:BB:CC:00:11:22"));
	assert_false(stp_enrolment_fits(&nameless, "1001"));
}

static void
test_enrolling_what_is_not_there(void **state)
{
	Clinic *clinic = *state;
	Answer answer = try_enrol(clinic, "4711", 1);

	/* The radio is to look while somebody waits, and not for a clinic that has no pens. */
	assert_int_equal(socket_radio_looks(clinic->radio), 1);
	assert_false(socket_radio_is_watched(clinic->radio));
	assert_true(g_error_matches(answer.error, STP_ERROR, STP_ERROR_NOT_FOUND));
	g_clear_error(&answer.error);
}

static void
test_an_enrolment_can_be_cancelled(void **state)
{
	Clinic *clinic = *state;
	g_autoptr(GCancellable) cancellable = g_cancellable_new();
	const StpEnrolOptions options = { .which = "4711", .timeout_s = 600 };
	Answer answer = { 0 };

	stp_collector_enrol_async(clinic->collector, &options, NULL, NULL, cancellable, on_enrolled, &answer);
	settle();
	g_cancellable_cancel(cancellable);
	assert_true(private_wait(is_set, &answer.done, 1000));
	assert_true(g_error_matches(answer.error, STP_ERROR, STP_ERROR_CANCELLED));
	g_clear_error(&answer.error);
	/* And the next one need not wait. */
	enrol(clinic, 0);
	wait_ended(clinic, 1);
	assert_complete(clinic, 0);
}

/* Whenever it is cancelled: a pen that the store has as enrolled is collected from. */
static void
test_a_cancelled_enrolment_leaves_no_half(void **state)
{
	Clinic *clinic = *state;
	const char *serial = sim_pen_serial(clinic->pens[0]);

	socket_radio_hear(clinic->radio, clinic->addresses[0], TRUE);
	for (guint turns = 0; turns < 60; turns++) {
		g_autoptr(GCancellable) cancellable = g_cancellable_new();
		g_autoptr(StpPenRow) row = NULL;
		const StpEnrolOptions options = { .which = serial, .timeout_s = 5 };
		Answer answer = { 0 };

		stp_collector_enrol_async(clinic->collector, &options, NULL, NULL, cancellable, on_enrolled,
					  &answer);
		for (guint i = 0; i < turns && !answer.done; i++)
			g_main_context_iteration(NULL, TRUE);
		g_cancellable_cancel(cancellable);
		assert_true(private_wait(is_set, &answer.done, WAIT_MS));
		g_clear_error(&answer.error);
		row = stp_store_get_pen(clinic->store, serial, NULL);
		if (row != NULL && row->enrolled) {
			assert_non_null(stp_collector_find_pen(clinic->collector, serial));
			return;
		}
	}
	fail_msg("it was never enrolled");
}

/* A pen that is enrolled again, or repaired: its sync waits, and comes over the link of the enrolment. */
static void
test_no_sync_begins_while_a_pen_is_enrolled_again(void **state)
{
	Clinic *clinic = *state;
	const char *serial = sim_pen_serial(clinic->pens[0]);
	const SimStory story = { .seed = 5, .samples_min = 300, .samples_max = 300, .period_ms = 10 };
	const char *const called[] = { serial, clinic->addresses[0], sim_pen_name(clinic->pens[0]) };

	enrol(clinic, 0);
	wait_ended(clinic, 1);
	for (guint i = 0; i < G_N_ELEMENTS(called); i++) {
		const StpEnrolOptions options = { .which = called[i], .timeout_s = 5 };
		guint connects = socket_radio_connects(clinic->radio);
		Answer enrolled = { 0 }, synced = { 0 };

		assert_true(sim_story_add_session(&story, 9 + i, clinic->pens[0], NULL, NULL));
		socket_radio_swallow(clinic->radio, clinic->addresses[0], TRUE);
		stp_collector_enrol_async(clinic->collector, &options, NULL, NULL, NULL, on_enrolled, &enrolled);
		settle();
		socket_radio_hear(clinic->radio, clinic->addresses[0], TRUE);
		stp_collector_sync_async(clinic->collector, serial, 30, on_synced, &synced);
		settle();
		assert_int_not_equal(stp_enrolled_pen_get_activity(stp_collector_find_pen(clinic->collector, serial)),
				     STP_PEN_CONNECTING);
		socket_radio_swallow(clinic->radio, clinic->addresses[0], FALSE);
		assert_true(private_wait(is_set, &enrolled.done, WAIT_MS));
		assert_null(enrolled.error);
		assert_true(private_wait(is_set, &synced.done, WAIT_MS));
		assert_null(synced.error);
		assert_int_equal(socket_radio_connects(clinic->radio), connects + 1);
		assert_complete(clinic, 0);
		wait_ended(clinic, 2 + i);
	}
	assert_int_equal(clinic->failed, 0);
}

/* It came to nothing: the pen is collected from as before. */
static void
test_a_failed_enrolment_lets_the_pen_go(void **state)
{
	Clinic *clinic = *state;
	const char *serial = sim_pen_serial(clinic->pens[0]);
	const SimStory story = { .seed = 5, .samples_min = 300, .samples_max = 300, .period_ms = 10 };
	Answer answer;

	enrol(clinic, 0);
	wait_ended(clinic, 1);
	assert_true(sim_story_add_session(&story, 9, clinic->pens[0], NULL, NULL));
	socket_radio_break_connects(clinic->radio, 100);
	answer = try_enrol(clinic, serial, 5);
	assert_non_null(answer.error);
	g_clear_error(&answer.error);
	socket_radio_break_connects(clinic->radio, 0);
	socket_radio_hear(clinic->radio, clinic->addresses[0], TRUE);
	wait_ended(clinic, 2);
	assert_complete(clinic, 0);
}

/* A program that asks in a loop fills no memory; it is told what to do, and who asked before it gets an answer. */
static void
test_so_many_may_wait(void **state)
{
	Clinic *clinic = *state;
	const char *serial = sim_pen_serial(clinic->pens[0]);
	const SimStory story = { .seed = 5, .samples_min = 300, .samples_max = 300, .period_ms = 10 };
	Answer answers[STP_SYNC_WAITERS_MAX + 2] = { 0 };

	enrol(clinic, 0);
	wait_ended(clinic, 1);
	assert_true(sim_story_add_session(&story, 9, clinic->pens[0], NULL, NULL));
	socket_radio_swallow(clinic->radio, clinic->addresses[0], TRUE);
	for (guint i = 0; i < G_N_ELEMENTS(answers); i++)
		stp_collector_sync_async(clinic->collector, serial, 30, on_synced, &answers[i]);
	for (guint i = STP_SYNC_WAITERS_MAX; i < G_N_ELEMENTS(answers); i++) {
		assert_true(private_wait(is_set, &answers[i].done, 1000));
		assert_true(g_error_matches(answers[i].error, STP_ERROR, STP_ERROR_BUSY));
		g_clear_error(&answers[i].error);
	}
	socket_radio_hear(clinic->radio, clinic->addresses[0], TRUE);
	settle();
	socket_radio_swallow(clinic->radio, clinic->addresses[0], FALSE);
	for (guint i = 0; i < STP_SYNC_WAITERS_MAX; i++) {
		assert_true(private_wait(is_set, &answers[i].done, WAIT_MS));
		assert_null(answers[i].error);
	}
	assert_complete(clinic, 0);
}

static void
test_enrolling_what_is_not_clear(void **state)
{
	Clinic *clinic = *state;
	Answer answer;

	for (guint i = 0; i < PENS; i++)
		socket_radio_hear(clinic->radio, clinic->addresses[i], TRUE);
	/* Nothing fits "stipple" alone, and a single digit at the end fits one. */
	answer = try_enrol(clinic, "Stipple-", 1);
	assert_true(g_error_matches(answer.error, STP_ERROR, STP_ERROR_NOT_FOUND));
	g_clear_error(&answer.error);

	/* Two pens of one name: an older one was never renamed. */
	socket_radio_put(clinic->radio, clinic->pens[0], NULL, "00:00:00:00:00:77", 247);
	socket_radio_hear(clinic->radio, "00:00:00:00:00:77", TRUE);
	answer = try_enrol(clinic, "1001", 1);
	assert_true(g_error_matches(answer.error, STP_ERROR, STP_ERROR_INVALID_ARGUMENT));
	assert_non_null(strstr(answer.error->message, "00:00:00:00:00:77"));
	g_clear_error(&answer.error);
}

static void
on_removed(GObject *source, GAsyncResult *result, gpointer user_data)
{
	Answer *answer = user_data;

	stp_collector_remove_finish(STP_COLLECTOR(source), result, &answer->how, &answer->error);
	answer->done = TRUE;
}

static const StpRemoval gentle = { 0 }, forced = { .force = TRUE };

static void
test_removing(void **state)
{
	Clinic *clinic = *state;
	const char *serial = sim_pen_serial(clinic->pens[0]);
	const SimStory story = { .seed = 5, .samples_min = 300, .samples_max = 300, .period_ms = 10 };
	Answer answer = { 0 };

	/* The pen is known to hold a record that cannot be had: it stays. */
	clinic->faults[0].drop.bytes = 2000;
	clinic->faults[0].drop.always = TRUE;
	enrol(clinic, 0);
	wait_ended(clinic, 1);
	assert_int_equal(clinic->failed, 1);
	stp_collector_remove_async(clinic->collector, serial, &gentle, NULL, NULL, NULL, on_removed, &answer);
	assert_true(private_wait(is_set, &answer.done, WAIT_MS));
	assert_true(g_error_matches(answer.error, STP_ERROR, STP_ERROR_INCOMPLETE));
	g_clear_error(&answer.error);
	assert_non_null(stp_collector_find_pen(clinic->collector, serial));
	assert_true(socket_radio_is_watched(clinic->radio));

	/* Unless it is forced. */
	answer.done = FALSE;
	stp_collector_remove_async(clinic->collector, serial, &forced, NULL, NULL, NULL, on_removed, &answer);
	assert_true(private_wait(is_set, &answer.done, WAIT_MS));
	assert_null(answer.error);
	assert_null(stp_collector_find_pen(clinic->collector, serial));
	assert_false(socket_radio_is_watched(clinic->radio));
	assert_true(sim_story_add_session(&story, 9, clinic->pens[0], NULL, NULL));
	socket_radio_hear(clinic->radio, clinic->addresses[0], TRUE);
	settle();
	assert_int_equal(clinic->failed, 1);
}

/* ---- stopping ---- */

static void
reopen_store(Clinic *clinic)
{
	close_store(clinic);
	open_store(clinic);
}

static void
test_who_waits_is_answered_whenever_it_stops(void **state)
{
	Clinic *clinic = *state;
	const char *serial = sim_pen_serial(clinic->pens[0]);

	enrol(clinic, 0);
	wait_ended(clinic, 1);
	for (guint turns = 0; turns < 100; turns++) {
		Answer answer = { 0 };
		gboolean stopped = FALSE;

		reopen_store(clinic);
		socket_radio_hear(clinic->radio, clinic->addresses[0], TRUE);
		stp_collector_sync_async(clinic->collector, serial, 1, on_synced, &answer);
		for (guint i = 0; i < turns && !answer.done; i++)
			g_main_context_iteration(NULL, TRUE);
		stp_collector_stop_async(clinic->collector, on_stopped, &stopped);
		assert_true(private_wait(is_set, &stopped, WAIT_MS));
		assert_true(private_wait(is_set, &answer.done, 1000));
		g_clear_error(&answer.error);
	}
}

static void
test_who_asks_after_the_end_is_answered(void **state)
{
	Clinic *clinic = *state;
	Answer answer = { 0 };
	gboolean stopped = FALSE;

	enrol(clinic, 0);
	wait_ended(clinic, 1);
	stp_collector_stop_async(clinic->collector, on_stopped, &stopped);
	assert_true(private_wait(is_set, &stopped, WAIT_MS));
	stp_collector_sync_async(clinic->collector, sim_pen_serial(clinic->pens[0]), 1, on_synced,
				 &answer);
	assert_true(private_wait(is_set, &answer.done, 1000));
	assert_true(g_error_matches(answer.error, STP_ERROR, STP_ERROR_CANCELLED));
	g_clear_error(&answer.error);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_clinic, close_clinic)
	const struct CMUnitTest tests[] = {
		CASE(test_who_waits_is_answered_whenever_it_stops),
		CASE(test_who_asks_after_the_end_is_answered),
		CASE(test_enrolling_what_is_not_there),
		CASE(test_an_enrolment_can_be_cancelled),
		CASE(test_a_cancelled_enrolment_leaves_no_half),
		CASE(test_no_sync_begins_while_a_pen_is_enrolled_again),
		CASE(test_a_failed_enrolment_lets_the_pen_go),
		CASE(test_so_many_may_wait),
		CASE(test_enrolling_what_is_not_clear),
		CASE(test_removing),
		cmocka_unit_test(test_enrolment_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
