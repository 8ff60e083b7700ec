/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "clock.h"
#include "virtual-clock.h"

#define HOUR_US (G_GINT64_CONSTANT(3600) * G_USEC_PER_SEC)

static gboolean
count_up(gpointer data)
{
	return ++*(guint *)data < 3;
}

static gboolean
note_time(gpointer data)
{
	*(gint64 *)data = stp_clock_monotonic();
	return G_SOURCE_REMOVE;
}

static void
timers_come_in_their_order_and_at_their_time(void **state)
{
	gint64 began, late = 0, early = 0;
	guint count = 0;

	virtual_clock_reset(0);
	began = stp_clock_monotonic();
	stp_clock_add_seconds(300, note_time, &late);
	stp_clock_add(7, note_time, &early);
	stp_clock_add_seconds(60, count_up, &count);
	virtual_clock_run(began + HOUR_US);
	assert_int_equal(early - began, 7000);
	assert_int_equal(late - began, 300 * G_USEC_PER_SEC);
	assert_int_equal(count, 3);
	assert_int_equal(stp_clock_monotonic(), began + HOUR_US);
	assert_int_equal(stp_clock_wall(), HOUR_US);
}

static void
what_was_removed_never_comes(void **state)
{
	gint64 began, came = 0;

	virtual_clock_reset(0);
	began = stp_clock_monotonic();
	g_source_remove(stp_clock_add_seconds(10, note_time, &came));
	virtual_clock_run(began + HOUR_US);
	assert_int_equal(came, 0);
}

static void
setting_the_wall_clock_moves_no_timer(void **state)
{
	gint64 began, came = 0;

	virtual_clock_reset(HOUR_US);
	began = stp_clock_monotonic();
	stp_clock_add_seconds(10, note_time, &came);
	virtual_clock_set_wall(0);
	virtual_clock_run(began + HOUR_US);
	assert_int_equal(came - began, 10 * G_USEC_PER_SEC);
	assert_int_equal(stp_clock_wall(), HOUR_US);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_come_in_their_order_and_at_their_time),
		cmocka_unit_test(what_was_removed_never_comes),
		cmocka_unit_test(setting_the_wall_clock_moves_no_timer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
