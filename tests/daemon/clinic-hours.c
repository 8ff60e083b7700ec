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
