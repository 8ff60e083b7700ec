/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* From ticks to wall time: what is claimed is true, or it is said that nothing is known. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

#include "boot-clock.h"
#include "session-generator.h"
#include "test-seed.h"
#include "time-limits.h"

#define NOON G_GINT64_CONSTANT(1790000000000000)
#define S G_GINT64_CONSTANT(1000)	/* in ticks */
#define HOUR (3600 * S)
#define DAY (24 * HOUR)
#define US 1000				/* of a tick */

#define SURE STP_ANCHOR_SYNCHRONISED
#define UNSURE STP_ANCHOR_UNSYNCHRONISED

static StpPlace
place(const StpAnchor *anchors, guint count, gint64 tick, StpBootReport *report)
{
	g_autoptr(StpBootClock) clock = stp_boot_clock_new(anchors, count);
	StpPlace it;

	assert_non_null(clock);
	stp_boot_clock_place(clock, tick, &it);
	if (report != NULL)
		*report = *stp_boot_clock_report(clock);
	assert_true(it.earliest_us <= it.utc_us && it.utc_us <= it.latest_us);
	return it;
}

static void
nothing_is_known_without_an_anchor(void **state)
{
	assert_null(stp_boot_clock_new(NULL, 0));
}

static void
an_anchor_reaches_as_far_as_drift_lets_it(void **state)
{
	const StpAnchor one = { 10 * HOUR, NOON, 20000, SURE };
	StpPlace it = place(&one, 1, 2 * HOUR, NULL);

	/* Eight hours before: 100 ppm of it are 2.88 s. */
	assert_int_equal(it.utc_us, NOON - 8 * HOUR * US);
	assert_int_equal(it.latest_us - it.utc_us, 2880000 + 20000);
	assert_int_equal(it.utc_us - it.earliest_us, 2880000 + 20000);
	assert_int_equal(it.quality, STP_TIME_ANCHORED);
}

/* Two contacts around it make a time surer than each of them alone. */
static void
anchors_that_agree_are_cut_with_each_other(void **state)
{
	const StpAnchor two[] = { { 0, NOON, 20000, SURE }, { 20 * HOUR, NOON + 20 * HOUR * US + 7200000, 20000, SURE } };
	StpBootReport report;
	StpPlace it = place(two, 2, 10 * HOUR, &report);

	assert_int_equal(it.utc_us, NOON + 10 * HOUR * US + 3600000);
	assert_int_equal(it.latest_us - it.utc_us, 20000);
	/* 7.2 s in 20 hours, as far as it shows at all. */
	assert_true(report.has_drift);
	assert_in_range(report.drift_ppb, 99999, 100001);
	assert_false(report.drifts);
	assert_int_equal(report.apart_us, 0);
}

/* A clock that nobody vouches for does not spoil what is known, however often it spoke. */
static void
what_is_known_wins_over_what_is_claimed(void **state)
{
	const StpAnchor many[] = {
		{ 1 * HOUR, NOON - 365 * DAY * US, 20000, UNSURE }, { 2 * HOUR, NOON - 365 * DAY * US, 20000, UNSURE },
		{ 3 * HOUR, NOON + 9 * DAY * US, 20000, STP_ANCHOR_PEN },   { 10 * HOUR, NOON, 20000, SURE },
	};
	StpBootReport report;
	StpPlace it = place(many, 4, 10 * HOUR, &report);

	assert_int_equal(it.utc_us, NOON);
	assert_int_equal(it.latest_us, NOON + 20000);
	it = place(many, 3, 3 * HOUR, NULL);
	assert_int_equal(it.quality, STP_TIME_EXTRAPOLATED);
	assert_int_equal(it.utc_us, NOON + 9 * DAY * US);
	it = place(many, 2, HOUR, NULL);
	assert_int_equal(it.quality, STP_TIME_UNCONFIRMED);
}

/* The pen's ticks began anew, and nothing tells from which of the counts a tick is. */
static void
ticks_that_began_anew_leave_it_open(void **state)
{
	const gint64 minute = 60 * S, after = NOON + 3 * HOUR * US;
	StpAnchor two[] = { { 60 * minute, NOON, 20000, SURE, .contact = 1 }, { 50 * minute, after, 20000, SURE, .contact = 2 } };
	StpBootReport report;

	stp_boot_clock_tell_timelines(two, 2);
	for (gint64 tick = 0; tick <= 120 * minute; tick += 5 * minute) {
		StpPlace it = place(two, 2, tick, &report);

		assert_int_equal(it.quality, STP_TIME_UNCONFIRMED);
		assert_true(it.earliest_us <= NOON + (tick - 60 * minute) * US);
		assert_true(it.latest_us >= after + (tick - 50 * minute) * US);
	}
	assert_int_equal(report.timelines, 2);
	assert_int_equal(report.used, 2);
	assert_true(report.apart_us > 3 * HOUR * US);

	/* The same when it was this computer's clock that was set back, and no tick was lost. */
	two[0].contact = 2;
	two[1].contact = 1;
	two[0].timeline = two[1].timeline = 0;
	stp_boot_clock_tell_timelines(two, 2);
	assert_int_equal(place(two, 2, 70 * minute, &report).quality, STP_TIME_ANCHORED);
	assert_int_equal(report.timelines, 1);
}

/* A time server that lied for an hour: what came before and after it agrees. */
static void
a_minority_in_between_is_left_out(void **state)
{
	const StpAnchor five[] = {
		{ 1 * HOUR, NOON + 1 * HOUR * US, 20000, SURE }, { 2 * HOUR, NOON + 2 * HOUR * US, 20000, SURE },
		{ 3 * HOUR, NOON + 3 * DAY * US, 20000, SURE },	 { 4 * HOUR, NOON + 4 * HOUR * US, 20000, SURE },
		{ 5 * HOUR, NOON + 5 * HOUR * US, 20000, SURE },
	};
	StpBootReport report;
	StpPlace it = place(five, 5, 3 * HOUR, &report);

	assert_int_equal(it.utc_us, NOON + 3 * HOUR * US);
	assert_int_equal(report.left_out, 1);
	assert_int_equal(report.used, 4);
	assert_true(report.apart_us > 2 * DAY * US);
}

/* Of clocks that nobody vouched for the majority counts; when there is none, nobody knows. */
static void
a_majority_decides_where_nobody_vouches(void **state)
{
	const StpAnchor three[] = {
		{ 1 * HOUR, NOON - DAY * US, 20000, UNSURE },
		{ 9 * HOUR, NOON + 9 * HOUR * US, 20000, UNSURE },
		{ 10 * HOUR, NOON + 10 * HOUR * US, 20000, UNSURE },
	};
	StpPlace it = place(three, 3, 2 * HOUR, NULL);

	assert_int_equal(it.utc_us, NOON + 2 * HOUR * US);
	assert_true(it.latest_us - it.utc_us < 10000000);
	it = place(three, 2, 2 * HOUR, NULL);
	assert_int_equal(it.utc_us, NOON + 2 * HOUR * US);
	assert_true(it.utc_us - it.earliest_us > DAY * US);
}

/* Nobody knows which of the two was right, so between them it may have been by either. */
static void
a_clock_that_was_set_back_hides_neither_time(void **state)
{
	const StpAnchor set_back[] = { { 10 * HOUR, NOON, 20000, SURE }, { 11 * HOUR, NOON - 2 * HOUR * US, 20000, SURE } };
	StpBootReport report;
	StpPlace it = place(set_back, 2, 10 * HOUR + HOUR / 2, &report);

	assert_true(report.apart_us > 2 * HOUR * US);
	assert_true(it.earliest_us <= NOON - 5 * HOUR / 2 * US);
	assert_true(it.latest_us >= NOON + HOUR / 2 * US);
}

/* TM5: a pen whose clock runs 500 ppm slow is told from one whose clock was set. */
static void
drift_is_told_from_a_step(void **state)
{
	const StpAnchor slow[] = {
		{ 0, NOON, 20000, SURE },
		{ DAY, NOON + DAY * US + 43200000, 20000, SURE },
		{ 2 * DAY, NOON + 2 * DAY * US + 86400000, 20000, SURE },
	};
	const StpAnchor set[] = {
		{ 0, NOON, 20000, SURE },
		{ DAY, NOON + DAY * US + 43200000, 20000, SURE },
		{ 2 * DAY, NOON + 2 * DAY * US + 43200000, 20000, SURE },
	};
	StpBootReport report;
	StpPlace it = place(slow, 3, DAY / 2, &report);

	assert_true(report.drifts);
	assert_in_range(report.drift_ppb, 499000, 501000);
	assert_in_range(it.utc_us, NOON + DAY / 2 * US + 21600000 - 2000000, NOON + DAY / 2 * US + 21600000 + 2000000);
	/* A day further on, at the same rate. */
	it = place(slow, 3, 3 * DAY, &report);
	assert_true(it.earliest_us <= NOON + 3 * DAY * US + 129600000 && it.latest_us >= NOON + 3 * DAY * US + 129600000);
	assert_true(it.latest_us - it.earliest_us < 10000000);

	it = place(set, 3, DAY / 2, &report);
	assert_false(report.drifts);
	assert_true(report.apart_us > 30000000);
	/* Both what the one says and what the other says is possible, and anything between. */
	assert_true(it.earliest_us <= NOON + DAY / 2 * US && it.latest_us >= NOON + DAY / 2 * US + 43200000);
	it = place(set, 3, DAY + DAY / 2, NULL);
	assert_true(it.latest_us - it.earliest_us < 10000000);
}

/* ---- any pen, any day ---- */

/* A pen's power-up: when its tick was what, in truth. */
typedef struct {
	gint64 began_us;
	gint drift_ppb;
	gint64 length_ms;
	guint steps;
	gint64 step_tick[3], step_us;	/* all the same way: time that the tick lost, or ticks that it skipped */
} Pen;

/* Whether the pen ever had that tick. */
static gboolean
exists(const Pen *pen, gint64 tick)
{
	for (guint i = 0; i < pen->steps; i++)
		if (pen->step_us < 0 && tick > pen->step_tick[i] && tick <= pen->step_tick[i] - pen->step_us / US)
			return FALSE;
	return TRUE;
}

static gint64
truth(const Pen *pen, gint64 tick)
{
	gint64 us = pen->began_us + tick * US + (gint64)((double)tick * pen->drift_ppb / 1e6);

	for (guint i = 0; i < pen->steps; i++)
		us += tick > pen->step_tick[i] ? pen->step_us : 0;
	return us;
}

static gint64
below(struct session_random *random, gint64 limit)
{
	return (gint64)(session_random_next(random) % (guint64)limit);
}

static gint64
around(struct session_random *random, gint64 limit)
{
	return below(random, 2 * limit + 1) - limit;
}

static StpAnchor
contact(struct session_random *random, const Pen *pen)
{
	gint64 tick;
	StpAnchor anchor = { .uncertainty_us = 1000 + below(random, 1000000), .class = SURE };

	do
		tick = below(random, pen->length_ms + pen->length_ms / 2);
	while (!exists(pen, tick));
	anchor.tick_ms = tick;
	anchor.utc_us = truth(pen, tick) + around(random, anchor.uncertainty_us);
	/* This computer's clock: known to be right, or anywhere and not vouched for. */
	if (below(random, 4) == 0) {
		anchor.class = UNSURE;
		anchor.utc_us += below(random, 3) ? around(random, 400 * DAY * US) : 0;
	} else if (below(random, 8) == 0) {
		anchor.class = STP_ANCHOR_PEN;
	}
	return anchor;
}

static void
check_pen(struct session_random *random)
{
	Pen pen = {
		.began_us = NOON + around(random, 1000 * DAY * US),
		.drift_ppb = (gint)around(random, STP_DRIFT_ASSUMED_PPB),
		.length_ms = 1 + below(random, 40 * DAY),
	};
	guint count = 1 + (guint)below(random, 12);
	g_autofree StpAnchor *anchors = g_new(StpAnchor, count);
	g_autoptr(StpBootClock) clock = NULL;
	gint64 last = G_MININT64, sign;

	if (below(random, 3) == 0) {
		sign = below(random, 2) ? 1 : -1;
		pen.steps = sign > 0 ? 1 + (guint)below(random, 3) : 1;
		/* Ticks lost in sleep, or counted without time passing: as long as nobody can take it for drift. */
		pen.step_us = sign * (2 + below(random, 48)) * DAY * US;
		for (guint i = 0; i < pen.steps; i++)
			pen.step_tick[i] = below(random, pen.length_ms);
	}
	for (guint i = 0; i < count; i++)
		anchors[i] = contact(random, &pen);
	clock = stp_boot_clock_new(anchors, count);
	for (guint i = 0; i <= 50; i++) {
		gint64 tick = pen.length_ms / 50 * i, then = truth(&pen, tick);
		gint64 first = G_MAXINT64, end = G_MININT64;
		StpPlace it;

		if (!exists(&pen, tick))
			continue;
		stp_boot_clock_place(clock, tick, &it);
		assert_true(it.utc_us >= last);
		last = it.utc_us;
		if (it.quality == STP_TIME_UNCONFIRMED)
			continue;
		for (guint j = 0; j < count; j++) {
			if (anchors[j].class != (it.quality == STP_TIME_ANCHORED ? SURE : STP_ANCHOR_PEN))
				continue;
			first = MIN(first, anchors[j].tick_ms);
			end = MAX(end, anchors[j].tick_ms);
		}
		/* Nobody can know of ticks that were lost before the first contact, or after the last. */
		if (pen.steps > 0 && (tick < first || tick > end))
			continue;
		if (it.earliest_us <= then && then <= it.latest_us)
			continue;
		fail_msg("%s: at tick %" G_GINT64_FORMAT " it was %" G_GINT64_FORMAT " us off the claim, drift %d, %u steps",
			 it.quality == STP_TIME_ANCHORED ? "anchored" : "extrapolated", tick,
			 then < it.earliest_us ? then - it.earliest_us : then - it.latest_us, pen.drift_ppb, pen.steps);
	}
}

static void
claims_are_true_and_order_is_kept(void **state)
{
	struct session_random random = { test_seed() };

	for (guint i = 0; i < 20000; i++)
		check_pen(&random);
}

/* A pen that drifts far more than pens do: three contacts and it is known, for all its ticks. */
static void
large_drifts_are_measured(void **state)
{
	struct session_random random = { test_seed() };

	for (guint i = 0; i < 2000; i++) {
		/* As much as is assumed of any pen, or enough more to be seen. */
		gint drift = (gint)around(&random, 1000000);
		Pen pen = { .began_us = NOON, .length_ms = 10 * DAY };
		StpAnchor anchors[5];

		if (ABS(drift) > STP_DRIFT_ASSUMED_PPB)
			drift += drift > 0 ? 30000 : -30000;
		pen.drift_ppb = drift;

		for (guint j = 0; j < 5; j++) {
			gint64 tick = j * 2 * DAY + below(&random, DAY);

			anchors[j] = (StpAnchor){ tick, truth(&pen, tick) + around(&random, 500000), 500000, SURE };
		}
		for (gint64 tick = 0; tick <= pen.length_ms; tick += 7 * HOUR) {
			StpBootReport report;
			StpPlace it = place(anchors, 5, tick, &report);

			assert_true(it.earliest_us <= truth(&pen, tick) && truth(&pen, tick) <= it.latest_us);
			if (ABS(pen.drift_ppb) >= STP_DRIFT_TOLD_PPB + 30000)
				assert_true(report.drifts);
			if (ABS(pen.drift_ppb) < STP_DRIFT_TOLD_PPB)
				assert_false(report.drifts);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_known_without_an_anchor),
		cmocka_unit_test(an_anchor_reaches_as_far_as_drift_lets_it),
		cmocka_unit_test(anchors_that_agree_are_cut_with_each_other),
		cmocka_unit_test(what_is_known_wins_over_what_is_claimed),
		cmocka_unit_test(ticks_that_began_anew_leave_it_open),
		cmocka_unit_test(a_minority_in_between_is_left_out),
		cmocka_unit_test(a_majority_decides_where_nobody_vouches),
		cmocka_unit_test(drift_is_told_from_a_step),
		cmocka_unit_test(a_clock_that_was_set_back_hides_neither_time),
		cmocka_unit_test(claims_are_true_and_order_is_kept),
		cmocka_unit_test(large_drifts_are_measured),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
