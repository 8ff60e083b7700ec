/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "clinic-hours.h"
#include "clock.h"
#include "virtual-clock.h"

gint64
later(gint64 us)
{
	return stp_clock_monotonic() + us;
}

int
open_hours(void **state)
{
	Clinic *clinic;

	virtual_clock_reset(WALL);
	open_clinic(state);
	clinic = *state;
	stp_store_set_lockstep(clinic->store, STORE_REPLY_MS);
	return 0;
}

void
stop(Clinic *clinic)
{
	gboolean stopped = FALSE;

	stp_collector_stop_async(clinic->collector, on_stopped, &stopped);
	assert_true(virtual_clock_run_until(&stopped, later(HOUR)));
	g_clear_object(&clinic->collector);
	stp_store_close(clinic->store);
	g_clear_object(&clinic->store);
}

int
close_hours(void **state)
{
	Clinic *clinic = *state;

	stop(clinic);
	open_store(clinic); /* for close_clinic(), with nothing to wait for */
	return close_clinic(state);
}

void
hear(Clinic *clinic, guint number)
{
	socket_radio_hear(clinic->radio, clinic->addresses[number], TRUE);
}

/* Everybody advertises until so many syncs have ended. */
gboolean
run_until_ended(Clinic *clinic, guint ended, gint64 until)
{
	while (clinic->ended < ended) {
		for (guint i = 0; i < PENS; i++)
			if (stp_collector_find_pen(clinic->collector, sim_pen_serial(clinic->pens[i])) != NULL)
				hear(clinic, i);
		virtual_clock_run(later(S));
		if (stp_clock_monotonic() >= until)
			return FALSE;
	}
	return TRUE;
}

StpEnrolledPen *
enrol_by(Clinic *clinic, guint number)
{
	const StpEnrolOptions options = { .which = sim_pen_serial(clinic->pens[number]), .label = "room",
					  .timeout_s = 5 };
	Answer answer = { 0 };

	hear(clinic, number);
	stp_collector_enrol_async(clinic->collector, &options, NULL, NULL, NULL, on_enrolled, &answer);
	assert_true(virtual_clock_run_until(&answer.done, later(HOUR)));
	if (answer.error != NULL)
		fail_msg("%s", answer.error->message);
	return answer.pen;
}

SimFlash *
flash_of(Clinic *clinic, guint number)
{
	return sim_pen_flash(clinic->pens[number]);
}

StpCoverage *
coverage_of(Clinic *clinic, guint number)
{
	g_autoptr(GPtrArray) all =
		stp_store_get_coverage(clinic->store, sim_pen_serial(clinic->pens[number]), NULL);

	assert_int_equal(all->len, 1);
	g_ptr_array_set_free_func(all, NULL);
	return g_ptr_array_index(all, 0);
}

const char *
cause_of(const StpCoverage *coverage, guint32 record)
{
	for (guint i = 0; i < coverage->holes->len; i++) {
		const StpHole *hole = &g_array_index(coverage->holes, StpHole, i);

		if (hole->range.from <= record && record <= hole->range.to)
			return hole->cause;
	}
	return "held";
}

void
sync_by_hand(Clinic *clinic, guint number, const StpSyncChoice *choice)
{
	Answer answer = { 0 };

	/* Before it is heard: else it may be synced by itself, and the end of that is the answer. */
	stp_collector_sync_chosen_async(clinic->collector, sim_pen_serial(clinic->pens[number]), choice, 30, on_synced,
					&answer);
	hear(clinic, number);
	assert_true(virtual_clock_run_until(&answer.done, later(HOUR)));
	assert_null(answer.error);
}

guint
held(Clinic *clinic, guint number)
{
	g_autoptr(StpCoverage) coverage = coverage_of(clinic, number);

	return coverage->held;
}
