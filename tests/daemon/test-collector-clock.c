/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* Clocks in a sync: the pen's own is set last, seldom, and never by a clock that may be wrong. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "clinic.h"
#include "error.h"
#include "private-bus.h"
#include "sim-panel.h"
#include "time-limits.h"

#define MINUTE_US (60 * (gint64)G_USEC_PER_SEC)

/* The computer's clock: off by so much, and vouched for or not. */
typedef struct {
	gint64 off_us, error_us;
	StpClockTrust trust;
} Host;

static void
read_host(StpClockReading *reading, gpointer data)
{
	const Host *host = data;

	reading->utc_us = g_get_real_time() + host->off_us;
	reading->trust = host->trust;
	reading->error_us = host->error_us;
}

static void
use_host(Clinic *clinic, Host *host)
{
	stp_store_set_clock(clinic->store, stp_host_clock_new_with(read_host, host));
}

/* By how much the pen's UTC is ahead of the true one; G_MAXINT64: it was never told. */
static gint64
pen_ahead_us(Clinic *clinic, guint number)
{
	gint64 now_ms = sim_panel_utc_ms(sim_pen_panel(clinic->pens[number]), sim_pen_clock_us(clinic->pens[number]));

	return now_ms == 0 ? G_MAXINT64 : now_ms * 1000 - g_get_real_time();
}

static guint32
newest(Clinic *clinic, guint number)
{
	return sim_flash_newest(sim_pen_flash(clinic->pens[number]));
}

/* Another contact. */
static void
sync_again(Clinic *clinic, guint number)
{
	g_autofree char *serial = g_strdup_printf("DP26-10%02u", number + 1);
	Answer answer = { FALSE };

	stp_collector_sync_async(clinic->collector, serial, 0, on_synced, &answer);
	assert_true(private_wait(is_set, &answer, WAIT_MS));
	assert_null(answer.error);
}

static StpClockSet
clock_set(Clinic *clinic)
{
	StpClockSet set;

	assert_true(stp_store_get_clock_set(clinic->store, "DP26-1001", &set, NULL));
	return set;
}

/* TM4: what the pen had before its clock was set was read by then. */
static void
the_clock_is_set_after_the_log(void **state)
{
	Clinic *clinic = *state;
	Host host = { .trust = STP_CLOCK_SYNCHRONISED };
	guint32 before = newest(clinic, 0);
	g_autoptr(GArray) missing = NULL;

	use_host(clinic, &host);
	assert_int_equal(pen_ahead_us(clinic, 0), G_MAXINT64);
	enrol(clinic, 0);
	wait_ended(clinic, 1);
	assert_int_equal(clinic->failed, 0);
	assert_in_range(pen_ahead_us(clinic, 0) + G_USEC_PER_SEC, 0, 2 * G_USEC_PER_SEC);
	assert_int_equal(clock_set(clinic).at.boot_id, sim_pen_boot_id(clinic->pens[0]));
	/* It wrote that down, and nothing else is left to be read. */
	assert_int_equal(newest(clinic, 0), before + 1);
	missing = stp_store_get_missing(clinic->store, "DP26-1001", sim_flash_epoch(sim_pen_flash(clinic->pens[0])), 1, before + 1, NULL);
	assert_int_equal(missing->len, 1);
	assert_int_equal(g_array_index(missing, struct stp_range, 0).from, before + 1);

	/* The next contact brings that, and ends it. */
	sync_again(clinic, 0);
	sync_again(clinic, 0);
	assert_int_equal(newest(clinic, 0), before + 1);
	assert_complete(clinic, 0);
}

/* P44: nothing for what does not matter, a correction for what does, and a person for what cannot be right. */
static void
p44_thresholds_of_a_pens_clock(void **state)
{
	static const struct { gint64 off_us; gboolean set, alert; } cases[] = {
		{ 0, FALSE, FALSE },
		{ 4 * G_USEC_PER_SEC, FALSE, FALSE },
		{ -4 * G_USEC_PER_SEC, FALSE, FALSE },
		{ 7 * G_USEC_PER_SEC, TRUE, FALSE },
		{ 7 * G_USEC_PER_SEC, FALSE, FALSE },
		{ -1 * G_USEC_PER_SEC, TRUE, FALSE },
		{ 14 * MINUTE_US, TRUE, FALSE },
		{ 30 * MINUTE_US, TRUE, TRUE },
		{ 30 * MINUTE_US, FALSE, FALSE },
		{ -5 * MINUTE_US, TRUE, TRUE },
		{ -5 * MINUTE_US, FALSE, FALSE },
	};
	Clinic *clinic = *state;
	Host host = { .trust = STP_CLOCK_SYNCHRONISED };
	StpClockSet set;
	guint32 records;

	use_host(clinic, &host);
	enrol(clinic, 0);
	wait_ended(clinic, 1);
	records = newest(clinic, 0);
	for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
		host.off_us = cases[i].off_us;
		sync_again(clinic, 0);
		records += cases[i].set;
		if (newest(clinic, 0) != records)
			fail_msg("case %u: the clock was %sset", i, cases[i].set ? "not " : "");
		if (stp_store_has_alert(clinic->store, "pen-clock-off", "DP26-1001") != cases[i].alert)
			fail_msg("case %u: there was %s alert", i, cases[i].alert ? "no" : "an");
	}

	/* What was told of one power-up says nothing of the next: a pen may be met once in each. */
	host.off_us = 40 * MINUTE_US;
	sync_again(clinic, 0);
	assert_true(stp_store_has_alert(clinic->store, "pen-clock-off", "DP26-1001"));
	set = clock_set(clinic);
	set.at.boot_id--;
	stp_store_put_clock_set_async(clinic->store, "DP26-1001", &set, NULL, NULL, NULL);
	sync_again(clinic, 0);
	assert_false(stp_store_has_alert(clinic->store, "pen-clock-off", "DP26-1001"));
}

static void
a_clock_that_may_be_wrong_sets_none(void **state)
{
	const Host hosts[] = {
		{ .trust = STP_CLOCK_UNSYNCHRONISED },
		{ .trust = STP_CLOCK_UNSYNCHRONISED, .off_us = 30 * MINUTE_US },
		{ .trust = STP_CLOCK_SYNCHRONISED, .error_us = 3 * G_USEC_PER_SEC },
		{ .trust = STP_CLOCK_IMPOSSIBLE, .off_us = -50 * 365 * 1440 * MINUTE_US },
	};
	Clinic *clinic = *state;
	guint32 before = newest(clinic, 0);
	Host host = hosts[0];

	use_host(clinic, &host);
	enrol(clinic, 0);
	wait_ended(clinic, 1);
	for (guint i = 0; i < G_N_ELEMENTS(hosts); i++) {
		host = hosts[i];
		sync_again(clinic, 0);
		assert_int_equal(newest(clinic, 0), before);
		assert_int_equal(pen_ahead_us(clinic, 0), G_MAXINT64);
		assert_int_equal(stp_store_has_alert(clinic->store, "host-clock", ""), host.trust == STP_CLOCK_IMPOSSIBLE);
	}
	/* Then it is right. */
	host = (Host){ .trust = STP_CLOCK_SYNCHRONISED };
	sync_again(clinic, 0);
	assert_int_equal(newest(clinic, 0), before + 1);
	assert_false(stp_store_has_alert(clinic->store, "host-clock", ""));
	assert_int_equal(clinic->failed, 0);
}

/* A pen that has no clock is asked once in a power-up, and its syncs are none the worse. */
static void
a_pen_without_a_clock_is_left_alone(void **state)
{
	Clinic *clinic = *state;
	Host host = { .trust = STP_CLOCK_SYNCHRONISED };

	clinic->faults[0].no_clock = TRUE;
	use_host(clinic, &host);
	enrol(clinic, 0);
	wait_ended(clinic, 1);
	sync_again(clinic, 0);
	assert_int_equal(clinic->failed, 0);
	assert_true(clock_set(clinic).refused);
	assert_int_equal(pen_ahead_us(clinic, 0), G_MAXINT64);
	assert_complete(clinic, 0);
}

/* What is set does not move what was recorded. */
static void
setting_a_clock_moves_no_session(void **state)
{
	Clinic *clinic = *state;
	Host host = { .trust = STP_CLOCK_UNSYNCHRONISED };
	const StpSessionFilter all = { .complete = -1 };
	g_autoptr(GPtrArray) before = NULL, after = NULL;
	guint64 next;

	use_host(clinic, &host);
	enrol(clinic, 0);
	wait_ended(clinic, 1);
	before = stp_store_list_sessions(clinic->store, &all, 100, 0, &next, NULL);
	host.trust = STP_CLOCK_SYNCHRONISED;
	for (guint i = 0; i < 3; i++)
		sync_again(clinic, 0);
	assert_int_equal(clock_set(clinic).at.boot_id, sim_pen_boot_id(clinic->pens[0]));
	after = stp_store_list_sessions(clinic->store, &all, 100, 0, &next, NULL);
	assert_int_equal(before->len, after->len);
	for (guint i = 0; i < before->len; i++) {
		const StpSession *a = g_ptr_array_index(before, i), *b = g_ptr_array_index(after, i);

		assert_string_equal(a->id, b->id);
		assert_int_equal(a->start_tick_ms, b->start_tick_ms);
		assert_true(ABS(a->start - b->start) <= (gint64)a->start_uncertainty_ms * 1000);
	}
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, open_clinic, close_clinic)
	const struct CMUnitTest tests[] = {
		CASE(the_clock_is_set_after_the_log),
		CASE(p44_thresholds_of_a_pens_clock),
		CASE(a_clock_that_may_be_wrong_sets_none),
		CASE(a_pen_without_a_clock_is_left_alone),
		CASE(setting_a_clock_moves_no_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
