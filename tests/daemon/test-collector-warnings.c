/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* What people are told before it is too late, and what of a log that does not fit. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "clinic-hours.h"
#include "sim-faults.h"
#include "sim-story.h"
#include "virtual-clock.h"

static SimFlash *
flash_of(Clinic *clinic, guint number)
{
	return sim_pen_flash(clinic->pens[number]);
}

static StpCoverage *
coverage_of(Clinic *clinic, guint number)
{
	g_autoptr(GPtrArray) all =
		stp_store_get_coverage(clinic->store, sim_pen_serial(clinic->pens[number]), NULL);

	assert_int_equal(all->len, 1);
	g_ptr_array_set_free_func(all, NULL);
	return g_ptr_array_index(all, 0);
}

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

	socket_radio_refuse(clinic->radio, clinic->addresses[0], FALSE);
	clinic->faults[0].data_every_ms = 0;
	stp_collector_sync_async(clinic->collector, serial, 30, on_synced, &answer);
	hear(clinic, 0);
	assert_true(virtual_clock_run_until(&answer.done, later(HOUR)));
	assert_null(answer.error);
	virtual_clock_run(later(S));
	assert_false(stp_store_has_alert(clinic->store, "overrun-near", serial));
	assert_string_equal(stp_enrolled_pen_get_warning(pen), "");
}

int
main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_hours, close_hours)
	const struct CMUnitTest tests[] = {
		CASE(in6_a_chain_is_looked_along),
		CASE(in6_a_broken_chain_is_told_and_in_nobodys_way),
		CASE(lt15_a_pen_short_of_room_is_told_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
