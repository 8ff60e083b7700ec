/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* IN8: what a pen told live is held against what its log says afterwards. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "clinic-hours.h"
#include "error.h"
#include "sim-story.h"
#include "virtual-clock.h"

static const SimStory story = { .seed = 5, .samples_min = 100, .samples_max = 100, .period_ms = 100 };

/* A pen that is complete, and then at work, with the collector on the line. */
static StpEnrolledPen *
listen_to(Clinic *clinic, guint number)
{
	const gint64 until = later(HOUR);
	StpEnrolledPen *pen;

	enrol_by(clinic, number);
	assert_true(run_until_ended(clinic, clinic->ended + 1, later(HOUR)));
	pen = stp_collector_find_pen(clinic->collector, sim_pen_serial(clinic->pens[number]));
	sim_pen_set_motor(clinic->pens[number], TRUE);
	/* It is asked now and then anyway; an event makes it now. */
	assert_true(sim_pen_add_event(clinic->pens[number], sim_pen_boot_id(clinic->pens[number]),
				      sim_pen_tick_ms(clinic->pens[number]),
				      &(struct stp_event){ .code = STP_EVENT_BATTERY_LOW, .arg = 14 }, NULL));
	while (g_strcmp0(stp_enrolled_pen_get_stage(pen), "listen") != 0) {
		hear(clinic, number);
		virtual_clock_run(later(S));
		assert_true(until > later(0));
	}
	return pen;
}

/* The motor stops, the session is written, as if at rate_dhz, and fetched. */
static void
stop_working(Clinic *clinic, guint number, guint16 rate_dhz)
{
	const guint failed = clinic->failed, ended = clinic->ended, connects = socket_radio_connects(clinic->radio);

	sim_pen_set_motor(clinic->pens[number], FALSE);
	assert_true(sim_story_add_worked(&story, 7, rate_dhz, clinic->pens[number], NULL, NULL));
	/* All of it on the link that listened, though its log was refused before. */
	assert_true(run_until_ended(clinic, ended + 1, later(HOUR)));
	assert_int_equal(socket_radio_connects(clinic->radio), connects);
	assert_int_equal(clinic->failed, failed);
	assert_complete(clinic, number);
	virtual_clock_run(later(S));
}

static StpFinding *
mismatch(Clinic *clinic, guint number, StpCoverage **coverage)
{
	g_autoptr(GPtrArray) all =
		stp_store_get_coverage(clinic->store, sim_pen_serial(clinic->pens[number]), NULL);

	assert_int_equal(all->len, 1);
	g_ptr_array_set_free_func(all, NULL);
	*coverage = g_ptr_array_index(all, 0);
	for (guint i = 0; i < (*coverage)->findings->len; i++) {
		StpFinding *finding = g_ptr_array_index((*coverage)->findings, i);

		if (g_str_equal(finding->kind, "live-mismatch"))
			return finding;
	}
	return NULL;
}

static void
assert_agrees(Clinic *clinic, guint number)
{
	g_autoptr(StpCoverage) coverage = NULL;
	const StpFinding *finding = mismatch(clinic, number, &coverage);

	if (finding != NULL)
		fail_msg("%s", finding->text);
}

static void
in8_an_honest_record_agrees(void **state)
{
	Clinic *clinic = *state;

	listen_to(clinic, 0);
	virtual_clock_run(later(100 * S));
	stop_working(clinic, 0, SIM_LIVE_RATE_DHZ);
	assert_agrees(clinic, 0);
}

static void
in8_fewer_strokes_than_were_heard_are_told(void **state)
{
	Clinic *clinic = *state;
	g_autoptr(StpCoverage) coverage = NULL;
	const StpFinding *finding;

	listen_to(clinic, 0);
	virtual_clock_run(later(100 * S));
	stop_working(clinic, 0, SIM_LIVE_RATE_DHZ * 9 / 10);
	finding = mismatch(clinic, 0, &coverage);
	assert_non_null(finding);
	/* The seal comes behind it. */
	assert_int_equal(finding->record, sim_flash_newest(sim_pen_flash(clinic->pens[0])) - 1);
	assert_non_null(strstr(finding->text, "when it stopped"));
	assert_int_equal(finding->count, 1);
}

static void
in8_more_strokes_than_were_heard_are_told(void **state)
{
	Clinic *clinic = *state;
	g_autoptr(StpCoverage) coverage = NULL;

	listen_to(clinic, 0);
	virtual_clock_run(later(100 * S));
	stop_working(clinic, 0, SIM_LIVE_RATE_DHZ * 11 / 10);
	assert_non_null(mismatch(clinic, 0, &coverage));
}

/* The link is lost, and the motor stops a while after. */
static void
stop_unheard(Clinic *clinic, guint number, guint16 rate_dhz)
{
	guint complete;

	socket_radio_refuse(clinic->radio, clinic->addresses[number], TRUE);
	socket_radio_cut(clinic->radio, clinic->addresses[number]);
	virtual_clock_run(later(5 * S));
	sim_pen_set_motor(clinic->pens[number], FALSE);
	assert_true(sim_story_add_worked(&story, 7, rate_dhz, clinic->pens[number], NULL, NULL));
	socket_radio_refuse(clinic->radio, clinic->addresses[number], FALSE);
	complete = clinic->ended - clinic->failed;
	while (clinic->ended - clinic->failed == complete)
		assert_true(run_until_ended(clinic, clinic->ended + 1, later(HOUR)));
	assert_complete(clinic, number);
	virtual_clock_run(later(S));
}

/* Nobody heard it stop: there may be more, but not fewer. */
static void
in8_a_lost_link_is_no_mismatch(void **state)
{
	Clinic *clinic = *state;

	listen_to(clinic, 0);
	virtual_clock_run(later(50 * S));
	stop_unheard(clinic, 0, SIM_LIVE_RATE_DHZ);
	assert_agrees(clinic, 0);
}

static void
in8_a_lost_link_hides_no_missing_strokes(void **state)
{
	Clinic *clinic = *state;
	g_autoptr(StpCoverage) coverage = NULL;
	const StpFinding *finding;

	listen_to(clinic, 0);
	virtual_clock_run(later(50 * S));
	stop_unheard(clinic, 0, SIM_LIVE_RATE_DHZ / 2);
	finding = mismatch(clinic, 0, &coverage);
	assert_non_null(finding);
	assert_non_null(strstr(finding->text, "at least"));
}

/* Nothing to come for, but somebody asks: the motor runs, and the link stays. */
static StpEnrolledPen *
listen_to_a_complete_one(Clinic *clinic, guint number)
{
	StpEnrolledPen *pen;
	Answer answer = { 0 };

	enrol_by(clinic, number);
	assert_true(run_until_ended(clinic, clinic->ended + 1, later(HOUR)));
	pen = stp_collector_find_pen(clinic->collector, sim_pen_serial(clinic->pens[number]));
	sim_pen_set_motor(clinic->pens[number], TRUE);
	stp_collector_sync_async(clinic->collector, sim_pen_serial(clinic->pens[number]), 30, on_synced, &answer);
	assert_true(virtual_clock_run_until(&answer.done, later(HOUR)));
	/* All there is is here: whoever asked does not wait for the treatment's end, and hears of no trouble. */
	assert_null(answer.error);
	return pen;
}

static void
in8_a_complete_contact_listens_and_fetches(void **state)
{
	Clinic *clinic = *state;
	StpEnrolledPen *pen = listen_to_a_complete_one(clinic, 0);
	g_autoptr(StpCoverage) coverage = NULL;

	assert_string_equal(stp_enrolled_pen_get_stage(pen), "listen");
	virtual_clock_run(later(100 * S));
	stop_working(clinic, 0, SIM_LIVE_RATE_DHZ * 9 / 10);
	assert_non_null(mismatch(clinic, 0, &coverage));
}

static void
in8_a_complete_contact_that_is_honest_agrees(void **state)
{
	Clinic *clinic = *state;

	listen_to_a_complete_one(clinic, 0);
	virtual_clock_run(later(100 * S));
	stop_working(clinic, 0, SIM_LIVE_RATE_DHZ);
	assert_agrees(clinic, 0);
}

/* It was complete, and is: the end of listening, whichever it is, is no failure. */
static void
in8_a_complete_contact_ends_well(void **state)
{
	Clinic *clinic = *state;
	StpEnrolledPen *pen = listen_to_a_complete_one(clinic, 0);
	guint ended = clinic->ended, failed = clinic->failed;

	socket_radio_cut(clinic->radio, clinic->addresses[0]);
	assert_true(run_until_ended(clinic, ended + 1, later(HOUR)));
	assert_int_equal(clinic->failed, failed);
	sim_pen_set_motor(clinic->pens[0], FALSE);

	listen_to_a_complete_one(clinic, 1);
	ended = clinic->ended;
	virtual_clock_run(later(8 * 60 * S));
	assert_int_equal(clinic->ended, ended);
	virtual_clock_run(later(3 * 60 * S));
	assert_int_equal(clinic->ended, ended + 1);
	assert_int_equal(clinic->failed, failed);
	assert_string_equal(stp_enrolled_pen_get_stage(pen), "");
	sim_pen_set_motor(clinic->pens[1], FALSE);
}

/* A motor that stops, but whose session is no record yet: it comes with the next contact. */
static void
in8_a_record_that_is_late_is_fetched_later(void **state)
{
	Clinic *clinic = *state;
	guint ended;

	listen_to_a_complete_one(clinic, 0);
	ended = clinic->ended;
	virtual_clock_run(later(20 * S));
	sim_pen_set_motor(clinic->pens[0], FALSE);
	assert_true(run_until_ended(clinic, ended + 1, later(HOUR)));
	virtual_clock_run(later(60 * S));
	assert_true(sim_story_add_worked(&story, 7, SIM_LIVE_RATE_DHZ, clinic->pens[0], NULL, NULL));
	assert_true(run_until_ended(clinic, ended + 2, later(HOUR)));
	assert_int_equal(clinic->failed, 0);
	assert_complete(clinic, 0);
	assert_agrees(clinic, 0);
}

/* As many as there are links for listen; who has something to fetch waits for seconds, not for a treatment's end. */
static void
in8_listening_gives_way(void **state)
{
	Clinic *clinic = *state;
	const guint links = stp_radio_get_links_at_once(STP_RADIO(clinic->radio));
	guint listening = 0, ended;
	Answer answer = { 0 };

	assert_true(links < PENS);
	enrol_by(clinic, links);
	assert_true(run_until_ended(clinic, clinic->ended + 1, later(HOUR)));
	for (guint i = 0; i < links; i++)
		listen_to_a_complete_one(clinic, i);
	assert_int_equal(socket_radio_links(clinic->radio), links);
	ended = clinic->ended;
	stp_collector_sync_async(clinic->collector, sim_pen_serial(clinic->pens[links]), 30, on_synced, &answer);
	hear(clinic, links);
	assert_true(virtual_clock_run_until(&answer.done, later(15 * S)));
	assert_null(answer.error);
	virtual_clock_run(later(S));
	/* One gave way, and that was no failure; the others listen on. */
	assert_int_equal(clinic->ended, ended + 2);
	assert_int_equal(clinic->failed, 0);
	for (guint i = 0; i < links; i++) {
		StpEnrolledPen *pen =
			stp_collector_find_pen(clinic->collector, sim_pen_serial(clinic->pens[i]));

		listening += g_strcmp0(stp_enrolled_pen_get_stage(pen), "listen") == 0;
		sim_pen_set_motor(clinic->pens[i], FALSE);
	}
	assert_int_equal(listening, links - 1);
}

/* Every third frame is lost on the air: the counter tells, and what it counts is none the less right. */
static void
in8_lost_frames_are_no_mismatch(void **state)
{
	Clinic *clinic = *state;

	clinic->faults[0].lose_live = 3;
	listen_to(clinic, 0);
	virtual_clock_run(later(100 * S));
	stop_working(clinic, 0, SIM_LIVE_RATE_DHZ);
	assert_agrees(clinic, 0);
}

static void
in8_lost_frames_hide_no_mismatch_and_are_told(void **state)
{
	Clinic *clinic = *state;
	g_autoptr(StpCoverage) coverage = NULL;
	const StpFinding *finding;
	guint frames, lost;
	const char *counts;

	clinic->faults[0].lose_live = 3;
	listen_to(clinic, 0);
	virtual_clock_run(later(90 * S));
	stop_working(clinic, 0, SIM_LIVE_RATE_DHZ * 9 / 10);
	finding = mismatch(clinic, 0, &coverage);
	assert_non_null(finding);
	counts = strchr(finding->text, '(');
	assert_non_null(counts);
	assert_int_equal(sscanf(counts, "(%u frames, %u lost)", &frames, &lost), 2);
	/* 90 s of ten a second, a third of them lost. */
	assert_in_range(frames, 500, 700);
	assert_in_range(lost, frames / 2 - 3, frames / 2 + 3);
}

/* It says that it has no Live: it is not asked for.  Or it says that it has, and has not. */
static void
in8_a_pen_without_live_is_not_waited_for(void **state)
{
	Clinic *clinic = *state;

	sim_pen_set_lifeless(clinic->pens[0], TRUE);
	clinic->faults[1].no_live = TRUE;
	for (guint i = 0; i < 2; i++) {
		StpEnrolledPen *pen = listen_to_a_complete_one(clinic, i);

		virtual_clock_run(later(2 * S));
		assert_string_equal(stp_enrolled_pen_get_stage(pen), "");
		assert_int_equal(clinic->ended, 2 * (i + 1));
		sim_pen_set_motor(clinic->pens[i], FALSE);
	}
	assert_int_equal(clinic->failed, 0);
	assert_int_equal(socket_radio_links(clinic->radio), 0);
}

/* The motor stops, and its session is a record; it runs again before the pen was asked for that. */
static void
pause_working(Clinic *clinic, guint number, guint16 rate_dhz)
{
	sim_pen_set_motor(clinic->pens[number], FALSE);
	assert_true(sim_story_add_worked(&story, 8, rate_dhz, clinic->pens[number], NULL, NULL));
	virtual_clock_run(later(S));
	sim_pen_set_motor(clinic->pens[number], TRUE);
}

/* It is switched on again: it is listened to again on the same link, and each record is held against its own. */
static void
in8_a_motor_that_starts_again_is_heard_again(void **state)
{
	Clinic *clinic = *state;
	StpEnrolledPen *pen = listen_to_a_complete_one(clinic, 0);
	g_autoptr(StpCoverage) coverage = NULL;
	guint mismatches = 0;

	virtual_clock_run(later(60 * S));
	pause_working(clinic, 0, SIM_LIVE_RATE_DHZ * 9 / 10);
	virtual_clock_run(later(60 * S));
	assert_string_equal(stp_enrolled_pen_get_stage(pen), "listen");
	pause_working(clinic, 0, SIM_LIVE_RATE_DHZ);
	virtual_clock_run(later(60 * S));
	stop_working(clinic, 0, SIM_LIVE_RATE_DHZ * 11 / 10);
	assert_non_null(mismatch(clinic, 0, &coverage));
	for (guint i = 0; i < coverage->findings->len; i++) {
		const StpFinding *finding = g_ptr_array_index(coverage->findings, i);

		mismatches += g_str_equal(finding->kind, "live-mismatch");
	}
	/* The one in the middle is honest. */
	assert_int_equal(mismatches, 2);
}

/* Switched on again within seconds, and lost: the record that is here already is that of the session before. */
static void
in8_the_session_before_is_not_meant(void **state)
{
	Clinic *clinic = *state;
	Answer answer = { 0 };

	listen_to_a_complete_one(clinic, 0);
	virtual_clock_run(later(60 * S));
	stop_working(clinic, 0, SIM_LIVE_RATE_DHZ);
	sim_pen_set_motor(clinic->pens[0], TRUE);
	stp_collector_sync_async(clinic->collector, sim_pen_serial(clinic->pens[0]), 30, on_synced, &answer);
	assert_true(virtual_clock_run_until(&answer.done, later(HOUR)));
	virtual_clock_run(later(60 * S));
	stop_unheard(clinic, 0, SIM_LIVE_RATE_DHZ);
	assert_agrees(clinic, 0);
}

/* Not for ever: a motor that comes and goes has its link taken after some times. */
static void
in8_a_motor_that_comes_and_goes_is_left(void **state)
{
	Clinic *clinic = *state;
	guint ended;

	listen_to_a_complete_one(clinic, 0);
	ended = clinic->ended;
	for (guint i = 0; i < STP_LIVE_TALLIES; i++) {
		assert_int_equal(clinic->ended, ended);
		sim_pen_set_motor(clinic->pens[0], FALSE);
		virtual_clock_run(later(S));
		sim_pen_set_motor(clinic->pens[0], TRUE);
		virtual_clock_run(later(10 * S));
	}
	assert_int_equal(clinic->ended, ended + 1);
	assert_int_equal(clinic->failed, 0);
	sim_pen_set_motor(clinic->pens[0], FALSE);
}

/* A motor that never stops keeps the link for ten minutes, and nobody who waits for longer than some seconds. */
static void
in8_listening_ends(void **state)
{
	Clinic *clinic = *state;
	StpEnrolledPen *pen = listen_to(clinic, 0);
	const guint ended = clinic->ended;
	Answer answer = { 0 };

	stp_collector_sync_async(clinic->collector, sim_pen_serial(clinic->pens[0]), 30, on_synced, &answer);
	virtual_clock_run(later(S));
	assert_true(answer.done);
	assert_true(g_error_matches(answer.error, STP_ERROR, STP_ERROR_BUSY));
	g_clear_error(&answer.error);
	assert_string_equal(stp_enrolled_pen_get_stage(pen), "listen");
	virtual_clock_run(later(8 * 60 * S));
	assert_int_equal(clinic->ended, ended);
	virtual_clock_run(later(3 * 60 * S));
	assert_int_equal(clinic->ended, ended + 1);
	sim_pen_set_motor(clinic->pens[0], FALSE);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_hours, close_hours)
	const struct CMUnitTest tests[] = {
		CASE(in8_an_honest_record_agrees),
		CASE(in8_fewer_strokes_than_were_heard_are_told),
		CASE(in8_more_strokes_than_were_heard_are_told),
		CASE(in8_a_lost_link_is_no_mismatch),
		CASE(in8_a_lost_link_hides_no_missing_strokes),
		CASE(in8_a_complete_contact_listens_and_fetches),
		CASE(in8_a_complete_contact_that_is_honest_agrees),
		CASE(in8_a_complete_contact_ends_well),
		CASE(in8_a_record_that_is_late_is_fetched_later),
		CASE(in8_listening_gives_way),
		CASE(in8_lost_frames_are_no_mismatch),
		CASE(in8_lost_frames_hide_no_mismatch_and_are_told),
		CASE(in8_a_pen_without_live_is_not_waited_for),
		CASE(in8_a_motor_that_starts_again_is_heard_again),
		CASE(in8_a_motor_that_comes_and_goes_is_left),
		CASE(in8_the_session_before_is_not_meant),
		CASE(in8_listening_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
