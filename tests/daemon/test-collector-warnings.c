/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* What people are told before it is too late, and what of a log that does not fit. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "clinic-hours.h"
#include "clock.h"
#include "radio-alert.h"
#include "sim-faults.h"
#include "sim-story.h"
#include "virtual-clock.h"

/* ---- IN6: the chain ---- */

static void
in6_a_chain_is_looked_along(void **state)
{
	Clinic *clinic = *state;
	g_autoptr(StpCoverage) whole = NULL, gaps = NULL;
	guint32 newest = sim_flash_newest(flash_of(clinic, 1));

	enrol_by(clinic, 0);
	assert_true(run_until_ended(clinic, 1, later(HOUR)));
	whole = coverage_of(clinic, 0);
	assert_string_equal(stp_chain_state_name(whole->chain), "whole");

	/* One that is damaged: those after it cannot be checked across it, and nothing is broken. */
	assert_true(sim_fault_commit(SIM_FAULT_FLIP, sim_flash_get(flash_of(clinic, 1), newest / 2), NULL));
	enrol_by(clinic, 1);
	assert_true(run_until_ended(clinic, 2, later(HOUR)));
	gaps = coverage_of(clinic, 1);
	assert_string_equal(stp_chain_state_name(gaps->chain), "gaps");
}

static void
in6_a_broken_chain_is_told_and_in_nobodys_way(void **state)
{
	Clinic *clinic = *state;
	SimFlash *flash = flash_of(clinic, 0);
	SimRecord *record = sim_flash_get(flash, 3);
	g_autoptr(StpCoverage) coverage = NULL;
	gboolean told = FALSE;

	/* Somebody alters a byte of record 3, and makes its checksum anew: only record 4 can tell. */
	assert_true(sim_fault_commit(SIM_FAULT_UNKNOWN_TYPE, record, NULL));
	enrol_by(clinic, 0);
	assert_true(run_until_ended(clinic, 1, later(HOUR)));
	assert_int_equal(clinic->failed, 0);
	virtual_clock_run(later(S));
	coverage = coverage_of(clinic, 0);
	assert_string_equal(stp_chain_state_name(coverage->chain), "broken");
	assert_int_equal(coverage->chain_breaks_at, 4);
	for (guint i = 0; i < coverage->findings->len; i++) {
		const StpFinding *finding = g_ptr_array_index(coverage->findings, i);

		told |= g_str_equal(finding->kind, "chain-broken") && finding->record == 4;
	}
	assert_true(told);
	assert_int_equal(coverage->held, sim_flash_newest(flash));
}

/* ---- LT15: before it is too late ---- */

static void
lt15_a_pen_short_of_room_is_told_of(void **state)
{
	Clinic *clinic = *state;
	const SimStory story = { .seed = 5, .samples_min = 1600, .samples_max = 1600, .period_ms = 10 };
	const char *serial = sim_pen_serial(clinic->pens[0]);
	StpEnrolledPen *pen;
	Answer answer = { 0 };
	guint sessions = 0;

	enrol_by(clinic, 0);
	assert_true(run_until_ended(clinic, 1, later(HOUR)));
	pen = stp_collector_find_pen(clinic->collector, serial);
	/* A link that cannot be had, while treatments go on; the log has 16 MiB, a session some KiB. */
	socket_radio_refuse(clinic->radio, clinic->addresses[0], TRUE);
	while (!stp_store_has_alert(clinic->store, "overrun-near", serial) && sessions < 10000) {
		assert_true(sim_story_add_session(&story, sessions++, clinic->pens[0], NULL, NULL));
		hear(clinic, 0);
		virtual_clock_run(later(S));
	}
	assert_true(sessions < 10000);
	assert_non_null(strstr(stp_enrolled_pen_get_warning(pen), "overwrites"));
	assert_true(sim_flash_bytes(flash_of(clinic, 0)) < 16 * 1024 * 1024);
	assert_true(stp_enrolled_pen_get_sessions_left(pen) <= 5);

	/* A daemon that starts again says so before it hears the pen, and reckons with what was told before. */
	stop(clinic);
	open_store(clinic);
	stp_store_set_lockstep(clinic->store, STORE_REPLY_MS);
	pen = stp_collector_find_pen(clinic->collector, serial);
	assert_non_null(strstr(stp_enrolled_pen_get_warning(pen), "overwrites"));
	hear(clinic, 0);
	virtual_clock_run(later(S));
	assert_true(stp_enrolled_pen_get_sessions_left(pen) <= 5);
	assert_non_null(strstr(stp_enrolled_pen_get_warning(pen), "overwrites"));
	assert_true(stp_store_has_alert(clinic->store, "overrun-near", serial));

	socket_radio_refuse(clinic->radio, clinic->addresses[0], FALSE);
	clinic->faults[0].data_every_ms = 0;
	stp_collector_sync_async(clinic->collector, serial, 30, on_synced, &answer);
	hear(clinic, 0);
	assert_true(virtual_clock_run_until(&answer.done, later(HOUR)));
	assert_null(answer.error);
	virtual_clock_run(later(S));
	assert_false(stp_store_has_alert(clinic->store, "overrun-near", serial));
	assert_string_equal(stp_enrolled_pen_get_warning(pen), "");
	assert_true(stp_enrolled_pen_get_sessions_left(pen) > 5);
}

/* ---- LT12: how long it still takes ---- */

static void
lt12_the_end_is_reckoned(void **state)
{
	StpPenRow *row = g_new0(StpPenRow, 1);
	g_autoptr(StpEnrolledPen) pen = stp_enrolled_pen_new(row);
	struct stp_host_progress progress = { .records_wanted = 0 };

	stp_enrolled_pen_set_progress(pen, &progress);
	virtual_clock_run(later(100 * S));
	/* From here on it is known what there is to do. */
	progress.records_wanted = 10;
	stp_enrolled_pen_set_progress(pen, &progress);
	assert_int_equal(stp_enrolled_pen_get_seconds_left(pen), STP_PEN_TIME_UNKNOWN);
	virtual_clock_run(later(S));
	progress.records_done = 1;
	stp_enrolled_pen_set_progress(pen, &progress);
	assert_int_equal(stp_enrolled_pen_get_seconds_left(pen), STP_PEN_TIME_UNKNOWN);
	virtual_clock_run(later(4 * S));
	/* Two and a half of ten in five seconds. */
	progress.records_done = 2;
	progress.record = 3;
	progress.record_size = 1000;
	progress.record_received = 500;
	stp_enrolled_pen_set_progress(pen, &progress);
	assert_int_equal(stp_enrolled_pen_get_seconds_left(pen), 15);
	progress.records_done = 10;
	progress.record = 0;
	stp_enrolled_pen_set_progress(pen, &progress);
	assert_int_equal(stp_enrolled_pen_get_seconds_left(pen), 0);
	stp_enrolled_pen_set_progress(pen, NULL);
	assert_int_equal(stp_enrolled_pen_get_seconds_left(pen), STP_PEN_TIME_UNKNOWN);
}

/* ---- no pen can be heard ---- */

static gboolean
radio_is_told_of(Clinic *clinic)
{
	return stp_store_has_alert(clinic->store, STP_ALERT_RADIO, "");
}

static void
nobody_is_told_of_a_radio_nobody_needs(void **state)
{
	Clinic *clinic = *state;

	socket_radio_set_state(clinic->radio, STP_RADIO_NO_ADAPTER);
	virtual_clock_run(later(HOUR));
	assert_false(radio_is_told_of(clinic));
}

static void
a_radio_that_stays_down_is_told_of(void **state)
{
	Clinic *clinic = *state;
	g_autoptr(GPtrArray) alerts = NULL;
	const StpAlert *alert;

	enrol_by(clinic, 0);
	assert_true(run_until_ended(clinic, 1, later(HOUR)));
	/* bluetoothd starts again, and an adapter is plugged in anew. */
	socket_radio_set_state(clinic->radio, STP_RADIO_NO_BLUETOOTH);
	virtual_clock_run(later(100 * S));
	socket_radio_set_state(clinic->radio, STP_RADIO_SCANNING);
	virtual_clock_run(later(100 * S));
	assert_false(radio_is_told_of(clinic));

	socket_radio_set_state(clinic->radio, STP_RADIO_NO_ADAPTER);
	virtual_clock_run(later(119 * S));
	assert_false(radio_is_told_of(clinic));
	virtual_clock_run(later(2 * S));
	assert_true(radio_is_told_of(clinic));
	/* Something else is the matter now: the same alert, another advice. */
	socket_radio_set_state(clinic->radio, STP_RADIO_POWERED_OFF);
	alerts = stp_store_list_alerts(clinic->store, FALSE, NULL);
	assert_int_equal(alerts->len, 1);
	alert = g_ptr_array_index(alerts, 0);
	assert_non_null(strstr(alert->text, "switched off"));
	assert_non_null(strstr(alert->hint, "rfkill unblock"));

	/* A daemon that starts again ends it when it hears. */
	stop(clinic);
	open_store(clinic);
	stp_store_set_lockstep(clinic->store, STORE_REPLY_MS);
	assert_true(radio_is_told_of(clinic));
	socket_radio_set_state(clinic->radio, STP_RADIO_SCANNING);
	assert_false(radio_is_told_of(clinic));
}

/* ---- what cannot be synced ---- */

static void
a_pen_that_fails_for_long_is_told_of(void **state)
{
	Clinic *clinic = *state;
	const SimStory story = { .seed = 5, .samples_min = 300, .samples_max = 300, .period_ms = 10 };
	const char *serial = sim_pen_serial(clinic->pens[0]);

	clinic->faults[0].data_every_ms = 0;
	enrol_by(clinic, 0);
	assert_true(run_until_ended(clinic, 1, later(HOUR)));
	assert_true(sim_story_add_session(&story, 9, clinic->pens[0], NULL, NULL));
	socket_radio_refuse(clinic->radio, clinic->addresses[0], TRUE);
	for (guint minutes = 0; minutes < 120; minutes++) {
		hear(clinic, 0);
		virtual_clock_run(later(60 * S));
		if (minutes == 45)
			assert_false(stp_store_has_alert(clinic->store, "sync-failing", serial));
	}
	assert_true(stp_store_has_alert(clinic->store, "sync-failing", serial));

	socket_radio_refuse(clinic->radio, clinic->addresses[0], FALSE);
	for (guint minutes = 0; minutes < 20; minutes++) {
		hear(clinic, 0);
		virtual_clock_run(later(60 * S));
	}
	assert_false(stp_store_has_alert(clinic->store, "sync-failing", serial));
}

static void
on_removed(GObject *source, GAsyncResult *result, gpointer user_data)
{
	Answer *answer = user_data;

	stp_collector_remove_finish(STP_COLLECTOR(source), result, NULL, &answer->error);
	answer->done = TRUE;
}

/* Nobody would ever look again whether its causes are gone. */
static void
lt15_a_retired_pen_leaves_no_alert(void **state)
{
	Clinic *clinic = *state;
	const StpRemoval forced = { .force = TRUE };
	const char *serial = sim_pen_serial(clinic->pens[0]), *other = sim_pen_serial(clinic->pens[1]);
	Answer answer = { 0 };

	enrol_by(clinic, 0);
	assert_true(run_until_ended(clinic, 1, later(HOUR)));
	stp_store_raise_alert_async(clinic->store, "overrun-near", serial, STP_ALERT_WARNING, "It is near.", "Sync.");
	stp_store_raise_alert_async(clinic->store, "pen-clock-off", serial, STP_ALERT_WARNING, "It is off.", "Look.");
	stp_store_raise_alert_async(clinic->store, "overrun-near", other, STP_ALERT_WARNING, "It is near.", "Sync.");
	stp_collector_remove_async(clinic->collector, serial, &forced, NULL, NULL, NULL, on_removed,
				   &answer);
	assert_true(virtual_clock_run_until(&answer.done, later(HOUR)));
	assert_null(answer.error);
	assert_false(stp_store_has_alert(clinic->store, "overrun-near", serial));
	assert_false(stp_store_has_alert(clinic->store, "pen-clock-off", serial));
	assert_true(stp_store_has_alert(clinic->store, "overrun-near", other));
}

/* ---- a pen that guards its privacy ---- */

/* Its advertisement, with what grows hidden, once a minute. */
static void
hear_guarded(Clinic *clinic, guint8 epoch_low, guint8 slots_with_news, guint minutes)
{
	StpSighting sighting = {
		.address = clinic->addresses[0],
		.has_status = TRUE,
		.status = { .slots_with_news = slots_with_news, .battery_percent = 80, .epoch_low = epoch_low },
		.in_sight = TRUE,
		.bonded = TRUE,
		.rssi = -60,
	};

	for (guint i = 0; i < minutes; i++) {
		sighting.last_seen = stp_clock_wall();
		stp_radio_emit_sighting(STP_RADIO(clinic->radio), &sighting);
		virtual_clock_run(later(60 * S));
	}
}

static void
ld3_a_guarded_pen_is_left_alone_until_it_calls(void **state)
{
	Clinic *clinic = *state;
	const SimStory story = { .seed = 5, .samples_min = 300, .samples_max = 300, .period_ms = 10 };
	g_autoptr(StpCoverage) before = NULL, after = NULL;
	guint8 epoch_low;

	clinic->faults[0].data_every_ms = 0;
	enrol_by(clinic, 0);
	assert_true(run_until_ended(clinic, 1, later(HOUR)));
	before = coverage_of(clinic, 0);
	epoch_low = (guint8)before->epoch;
	hear_guarded(clinic, epoch_low, 0, 60);
	assert_int_equal(clinic->ended, 1);

	/* Switched on anew it is met, for its time; and now and then, as its bit may be another one's by now. */
	virtual_clock_run(later(600 * S));
	hear_guarded(clinic, epoch_low, 0, 60);
	assert_int_equal(clinic->ended, 2);
	hear_guarded(clinic, epoch_low, 0, 200);
	assert_int_equal(clinic->ended, 3);

	assert_true(sim_story_add_session(&story, 9, clinic->pens[0], NULL, NULL));
	hear_guarded(clinic, epoch_low, 0xff, 10);
	after = coverage_of(clinic, 0);
	assert_true(clinic->ended >= 4);
	assert_int_equal(after->held, sim_flash_newest(flash_of(clinic, 0)));

	/* Its bit stays, for what nobody can have: asked for now and then, and not each minute. */
	clinic->ended = 0;
	hear_guarded(clinic, epoch_low, 0xff, 60);
	assert_in_range(clinic->ended, 1, 13);
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_hours, close_hours)
	const struct CMUnitTest tests[] = {
		CASE(in6_a_chain_is_looked_along),
		CASE(in6_a_broken_chain_is_told_and_in_nobodys_way),
		CASE(lt15_a_pen_short_of_room_is_told_of),
		CASE(lt12_the_end_is_reckoned),
		CASE(nobody_is_told_of_a_radio_nobody_needs),
		CASE(a_radio_that_stays_down_is_told_of),
		CASE(a_pen_that_fails_for_long_is_told_of),
		CASE(lt15_a_retired_pen_leaves_no_alert),
		CASE(ld3_a_guarded_pen_is_left_alone_until_it_calls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
