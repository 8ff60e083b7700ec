/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* Clocks that lie: this computer's, the pens', and those of people who set them. */

#include "store-world.h"

#include <string.h>

#define NOON G_GINT64_CONSTANT(1790000000000000)
#define HOUR_MS G_GINT64_CONSTANT(3600000)
#define HOUR_US (HOUR_MS * 1000)
#define DAY_US (24 * HOUR_US)

typedef struct {
	World world;
	GPtrArray *timed;
} Desk;

static void
on_timed(StpStore *store, const char *const *ids, Desk *desk)
{
	for (; *ids != NULL; ids++)
		g_ptr_array_add(desk->timed, g_strdup(*ids));
}

static int
setup(void **state)
{
	Desk *desk = g_new0(Desk, 1);

	world_open(&desk->world);
	desk->timed = g_ptr_array_new_with_free_func(g_free);
	g_signal_connect(desk->world.store, "sessions-timed", G_CALLBACK(on_timed), desk);
	*state = desk;
	return 0;
}

static int
teardown(void **state)
{
	Desk *desk = *state;

	world_end(&desk->world);
	g_ptr_array_unref(desk->timed);
	g_free(desk);
	return 0;
}

/* A contact in that power-up, when this computer believed it was utc_us. */
static StpContact
contact(guint32 boot_id, gint64 tick_ms, gint64 utc_us, StpClockTrust trust)
{
	return (StpContact){
		.anchor = { boot_id, (guint64)tick_ms, utc_us, 20000 },
		.host = { .utc_us = utc_us, .trust = trust },
	};
}

/* The same, when the computer had been running for so long. */
static StpContact
contact_at(guint32 boot_id, gint64 tick_ms, gint64 utc_us, StpClockTrust trust, const char *run, gint64 running_us)
{
	StpContact it = contact(boot_id, tick_ms, utc_us, trust);

	g_strlcpy(it.host.boot, run, sizeof(it.host.boot));
	it.host.running_us = running_us;
	return it;
}

static void
assert_time(Desk *desk, const char *id, StpTimeQuality quality, gint64 start, gint64 within_us)
{
	g_autoptr(StpSession) session = world_session(&desk->world, id);

	assert_int_equal(session->time_quality, quality);
	if (quality == STP_TIME_UNKNOWN)
		assert_int_equal(session->start, 0);
	else
		assert_in_range(session->start, start - within_us, start + within_us);
}

static void
add(Desk *desk, guint32 number, guint32 boot_id, gint64 tick_ms)
{
	RecordPlan plan = { .number = number, .boot_id = boot_id, .start_tick_ms = (guint64)tick_ms };

	stp_stored_outcome_free(world_add(&desk->world, &plan));
}

static void
end_sync(Desk *desk, const char *serial)
{
	const StpAttempt attempt = { .serial = serial, .started = NOON, .ended = NOON, .stage = "done", .error = "" };

	world_put_attempt(&desk->world, &attempt);
}

/* ---- this computer's clock ---- */

static void
a_clock_that_nobody_vouches_for_says_so(void **state)
{
	Desk *desk = *state;
	StpContact wrong = contact(1, 4 * HOUR_MS, NOON - 30 * DAY_US, STP_CLOCK_UNSYNCHRONISED);
	StpContact right = contact(1, 5 * HOUR_MS, NOON, STP_CLOCK_SYNCHRONISED);

	add(desk, 1, 1, 3 * HOUR_MS);
	world_meet(&desk->world, "P1", 7, &wrong);
	assert_time(desk, "P1/1", STP_TIME_UNCONFIRMED, NOON - 30 * DAY_US - HOUR_US, 0);

	/* TM2: it is right as soon as the clock is, without the record being touched. */
	g_ptr_array_set_size(desk->timed, 0);
	world_meet(&desk->world, "P1", 7, &right);
	assert_time(desk, "P1/1", STP_TIME_ANCHORED, NOON - 2 * HOUR_US, 0);
	assert_int_equal(desk->timed->len, 1);
	assert_string_equal(g_ptr_array_index(desk->timed, 0), "P1/00000007/1");

	/* The same again is no news. */
	right.anchor.tick_ms++;
	right.anchor.utc_us += 1000;
	world_meet(&desk->world, "P1", 7, &right);
	assert_int_equal(desk->timed->len, 1);
	assert_int_equal(world_sql_int(&desk->world, "SELECT count(*) FROM anchor"), 3);
}

/* However many contacts there are of which nobody knows when they were, the one that counts is not left out. */
static void
one_good_contact_outlasts_many_bad_ones(void **state)
{
	Desk *desk = *state;
	StpContact right = contact(1, 5 * HOUR_MS, NOON, STP_CLOCK_SYNCHRONISED);

	add(desk, 1, 1, 3 * HOUR_MS);
	world_meet(&desk->world, "P1", 7, &right);
	for (guint i = 1; i <= 300; i++) {
		/* Before it and after it. */
		gint64 tick = (i % 2 != 0 ? 4 : 6) * HOUR_MS + i * 1000;
		StpContact wrong = contact(1, tick, NOON - 30 * DAY_US + tick * 1000, STP_CLOCK_UNSYNCHRONISED);

		world_meet(&desk->world, "P1", 7, &wrong);
		assert_time(desk, "P1/1", STP_TIME_ANCHORED, NOON - 2 * HOUR_US, 0);
	}
}

static void
of_a_clock_that_cannot_be_nothing_is_believed(void **state)
{
	Desk *desk = *state;
	const gint64 times[] = { 5, DAY_US, G_GINT64_CONSTANT(4300000000) * G_USEC_PER_SEC };

	add(desk, 1, 1, 3 * HOUR_MS);
	for (guint i = 0; i < G_N_ELEMENTS(times); i++) {
		StpContact wrong = contact(1, 4 * HOUR_MS, times[i], STP_CLOCK_IMPOSSIBLE);

		world_meet(&desk->world, "P1", 7, &wrong);
		assert_time(desk, "P1/1", STP_TIME_UNKNOWN, 0, 0);
	}
}

/* A box without a battery: 1970 until the network is there, and the pen has gone home by then. */
static void
contacts_of_before_the_network_came_are_put_right(void **state)
{
	Desk *desk = *state;
	StpContact first = contact_at(1, 4 * HOUR_MS, 100 * G_USEC_PER_SEC, STP_CLOCK_IMPOSSIBLE, "run-1", 100 * G_USEC_PER_SEC);
	StpContact other_run = contact_at(2, HOUR_MS, 100 * G_USEC_PER_SEC, STP_CLOCK_IMPOSSIBLE, "run-0", 100 * G_USEC_PER_SEC);
	/* Another pen, an hour later; in between the clock was set. */
	StpContact later = contact_at(9, HOUR_MS, NOON, STP_CLOCK_SYNCHRONISED, "run-1", 100 * G_USEC_PER_SEC + HOUR_US);
	g_autoptr(StpSession) session = NULL;

	add(desk, 1, 1, 3 * HOUR_MS);
	add(desk, 2, 2, HOUR_MS);
	world_meet(&desk->world, "P1", 7, &first);
	world_meet(&desk->world, "P1", 7, &other_run);
	assert_time(desk, "P1/1", STP_TIME_UNKNOWN, 0, 0);

	world_meet(&desk->world, "P2", 7, &later);
	assert_time(desk, "P1/1", STP_TIME_ANCHORED, NOON - 2 * HOUR_US, 0);
	session = world_session(&desk->world, "P1/1");
	/* 100 ppm of the pen, and what the kernel may have slewed: 500 ppm, each for an hour. */
	assert_in_range(session->start_uncertainty_ms, 360 + 1800, 360 + 1800 + 50);
	assert_time(desk, "P1/2", STP_TIME_UNKNOWN, 0, 0);
	assert_int_equal(desk->timed->len, 1);
	world_reparse(&desk->world);
	assert_time(desk, "P1/1", STP_TIME_ANCHORED, NOON - 2 * HOUR_US, 0);
}

/* ---- power-ups without a contact ---- */

static void
between_two_contacts_is_better_than_nowhere(void **state)
{
	Desk *desk = *state;
	StpContact before = contact(1, 2 * HOUR_MS, NOON, STP_CLOCK_SYNCHRONISED);
	StpContact after = contact(4, HOUR_MS, NOON + 10 * HOUR_US, STP_CLOCK_SYNCHRONISED);
	g_autoptr(StpSession) second = NULL, third = NULL;

	add(desk, 1, 1, HOUR_MS);
	add(desk, 2, 2, HOUR_MS);
	add(desk, 3, 3, 2 * HOUR_MS);
	add(desk, 4, 4, HOUR_MS / 2);
	world_meet(&desk->world, "P1", 7, &before);
	end_sync(desk, "P1");
	assert_time(desk, "P1/2", STP_TIME_UNKNOWN, 0, 0);

	g_ptr_array_set_size(desk->timed, 0);
	world_meet(&desk->world, "P1", 7, &after);
	end_sync(desk, "P1");
	/* From 0 h to 9 h there were a power-up of an hour and one of two: 1 to 7 h, and 3 to 9 h. */
	second = world_session(&desk->world, "P1/2");
	third = world_session(&desk->world, "P1/3");
	assert_int_equal(second->time_quality, STP_TIME_BOUNDED);
	assert_int_equal(third->time_quality, STP_TIME_BOUNDED);
	assert_in_range(second->start, NOON + 4 * HOUR_US - 10000000, NOON + 4 * HOUR_US + 10000000);
	assert_in_range(third->start, NOON + 6 * HOUR_US - 10000000, NOON + 6 * HOUR_US + 10000000);
	assert_in_range(second->start_uncertainty_ms, 3 * HOUR_MS - 10000, 3 * HOUR_MS + 10000);
	assert_int_equal(desk->timed->len, 3);	/* and the fourth, by the contact itself */

	world_reparse(&desk->world);
	g_clear_pointer(&second, stp_session_free);
	second = world_session(&desk->world, "P1/2");
	assert_int_equal(second->time_quality, STP_TIME_BOUNDED);

	/* A contact of that very power-up, which an older backup brought to light, is better still. */
	before = contact(2, 0, NOON + 3 * HOUR_US, STP_CLOCK_SYNCHRONISED);
	world_meet(&desk->world, "P1", 7, &before);
	assert_time(desk, "P1/2", STP_TIME_ANCHORED, NOON + 4 * HOUR_US, 0);
}

/* After a reset the pen may count its power-ups anew: what is known of another log's says nothing. */
static void
another_log_bounds_nothing(void **state)
{
	Desk *desk = *state;
	StpContact before = contact(1, 2 * HOUR_MS, NOON, STP_CLOCK_SYNCHRONISED);
	StpContact after = contact(3, HOUR_MS, NOON + 10 * HOUR_US, STP_CLOCK_SYNCHRONISED);
	RecordPlan plan = { .number = 2, .boot_id = 2, .epoch = 8 };

	world_meet(&desk->world, "P1", 7, &before);
	stp_stored_outcome_free(world_add(&desk->world, &plan));
	world_meet(&desk->world, "P1", 7, &after);
	end_sync(desk, "P1");
	assert_time(desk, "P1/2", STP_TIME_UNKNOWN, 0, 0);
	/* Nor is the power-up of the same number the same one. */
	plan = (RecordPlan){ .number = 1, .boot_id = 1, .epoch = 8 };
	stp_stored_outcome_free(world_add(&desk->world, &plan));
	assert_time(desk, "P1/1", STP_TIME_UNKNOWN, 0, 0);
}

static void
too_wide_a_bound_is_none(void **state)
{
	Desk *desk = *state;
	StpContact before = contact(1, 2 * HOUR_MS, NOON, STP_CLOCK_SYNCHRONISED);
	StpContact after = contact(3, HOUR_MS, NOON + 200 * DAY_US, STP_CLOCK_SYNCHRONISED);

	add(desk, 2, 2, HOUR_MS);
	world_meet(&desk->world, "P1", 7, &before);
	world_meet(&desk->world, "P1", 7, &after);
	end_sync(desk, "P1");
	assert_time(desk, "P1/2", STP_TIME_UNKNOWN, 0, 0);
}

/* ---- what the pen took for UTC ---- */

static void
a_pens_own_time_is_used_where_nobody_met_it(void **state)
{
	Desk *desk = *state;
	const gint64 noon_ms = NOON / 1000;
	RecordPlan sure = { .number = 11, .type = STP_RECORD_EVENT, .boot_id = 2, .start_tick_ms = 1000,
			    .utc_ms = noon_ms, .utc_uncertainty_ms = 3000 };
	RecordPlan vague = { .number = 12, .type = STP_RECORD_EVENT, .boot_id = 3, .start_tick_ms = 1000,
			     .utc_ms = noon_ms };
	RecordPlan lost = { .number = 13, .type = STP_RECORD_EVENT, .boot_id = 4, .start_tick_ms = 1000,
			    .utc_ms = 946684800000, .utc_uncertainty_ms = 1000 };
	StpContact met = contact(2, HOUR_MS, NOON + 7 * HOUR_US, STP_CLOCK_SYNCHRONISED);

	for (guint32 i = 2; i <= 4; i++)
		add(desk, i, i, 1000 + HOUR_MS);
	stp_stored_outcome_free(world_add(&desk->world, &sure));
	stp_stored_outcome_free(world_add(&desk->world, &vague));
	stp_stored_outcome_free(world_add(&desk->world, &lost));
	assert_time(desk, "P1/2", STP_TIME_EXTRAPOLATED, NOON + HOUR_US, 0);
	assert_time(desk, "P1/3", STP_TIME_UNCONFIRMED, NOON + HOUR_US, 0);
	assert_time(desk, "P1/4", STP_TIME_UNKNOWN, 0, 0);
	world_reparse(&desk->world);
	assert_time(desk, "P1/2", STP_TIME_EXTRAPOLATED, NOON + HOUR_US, 0);

	/* A contact knows better. */
	world_meet(&desk->world, "P1", 7, &met);
	assert_time(desk, "P1/2", STP_TIME_ANCHORED, NOON + 7 * HOUR_US + 1000000, 0);
}

/* ---- drift and steps ---- */

static void
a_pen_that_drifts_is_told_of(void **state)
{
	Desk *desk = *state;
	g_autoptr(GPtrArray) alerts = NULL;

	for (guint day = 0; day < 4; day++) {
		/* 300 ppm slow: 26 s a day. */
		StpContact met = contact(1, day * 24 * HOUR_MS, NOON + day * (DAY_US + 25920000), STP_CLOCK_SYNCHRONISED);

		world_meet(&desk->world, "P1", 7, &met);
	}
	assert_true(stp_store_has_alert(desk->world.store, "pen-clock-drift", "P1"));
	assert_false(stp_store_has_alert(desk->world.store, "pen-clock-step", "P1"));
	alerts = stp_store_list_alerts(desk->world.store, FALSE, NULL);
	assert_non_null(strstr(((StpAlert *)g_ptr_array_index(alerts, 0))->text, "slow by 300 ppm"));

	add(desk, 1, 1, 36 * HOUR_MS);
	assert_time(desk, "P1/1", STP_TIME_ANCHORED, NOON + 36 * HOUR_US + 38880000, 2000000);
}

/* P44: what a crystal does in a shelf makes no noise. */
static void
p44_small_differences_are_no_news(void **state)
{
	Desk *desk = *state;

	for (guint day = 0; day < 20; day++) {
		StpContact met = contact(1, day * 24 * HOUR_MS, NOON + day * (DAY_US + 8000000) + (day % 3) * 15000,
					 STP_CLOCK_SYNCHRONISED);

		world_meet(&desk->world, "P1", 7, &met);
	}
	assert_false(stp_store_has_alert(desk->world.store, "pen-clock-drift", "P1"));
	assert_false(stp_store_has_alert(desk->world.store, "pen-clock-step", "P1"));
	assert_int_equal(STP_CLOCK_SET_US, 5 * G_USEC_PER_SEC);
	assert_int_equal(STP_CLOCK_ALERT_US, 15 * 60 * G_USEC_PER_SEC);
}

/* ---- what was seen, and what was written ---- */

static const StpFinding *
live_finding(const StpCoverage *coverage)
{
	return world_find(coverage, 0, "live");
}

/* IN8: a motor that was seen running has a session in the log, or somebody hears of it. */
static void
in8_what_was_seen_has_to_be_written(void **state)
{
	Desk *desk = *state;
	StpContact first = contact(1, HOUR_MS, NOON, STP_CLOCK_SYNCHRONISED);
	StpContact second = contact(1, 3 * HOUR_MS, NOON + 2 * HOUR_US, STP_CLOCK_SYNCHRONISED);
	StpContact idle = contact(1, 4 * HOUR_MS, NOON + 3 * HOUR_US, STP_CLOCK_SYNCHRONISED);
	StpContact next = contact(2, HOUR_MS, NOON + 5 * HOUR_US, STP_CLOCK_SYNCHRONISED);
	const StpAttempt partly = { .serial = "P1", .started = NOON, .ended = NOON, .stage = "done", .error = "",
				    .given_up = 1 };
	g_autoptr(StpCoverage) before = NULL, unsure = NULL, after = NULL;

	first.running = second.running = TRUE;
	world_meet(&desk->world, "P1", 7, &first);
	world_meet(&desk->world, "P1", 7, &second);
	world_meet(&desk->world, "P1", 7, &idle);
	/* The session around the first contact is written; the one around the second may still come. */
	add(desk, 1, 1, HOUR_MS - 1000);
	end_sync(desk, "P1");
	before = world_coverage(&desk->world, "P1");
	assert_null(live_finding(before));

	/* It is over, but some record could not be had. */
	world_meet(&desk->world, "P1", 7, &next);
	world_put_attempt(&desk->world, &partly);
	unsure = world_coverage(&desk->world, "P1");
	assert_null(live_finding(unsure));

	end_sync(desk, "P1");
	after = world_coverage(&desk->world, "P1");
	assert_non_null(live_finding(after));
	assert_string_equal(live_finding(after)->text,
			    "The pen's motor ran at 1 contacts, 10800 to 10800 s after its power-up 1, and its log has 0 "
			    "sessions of that time.");
	/* Once. */
	end_sync(desk, "P1");
	assert_int_equal(live_finding(after)->count, 1);
	assert_int_equal(world_sql_int(&desk->world, "SELECT count(*) FROM seen_running"), 0);
}

/* ---- identity ---- */

/* P45: the same session told to the second by one path and to the millisecond by another is one session. */
static void
p45_time_is_no_part_of_identity(void **state)
{
	Desk *desk = *state;
	StpContact fine = contact(1, 10 * HOUR_MS, NOON + 123456, STP_CLOCK_SYNCHRONISED);
	StpContact coarse = contact(1, 10 * HOUR_MS, NOON, STP_CLOCK_SYNCHRONISED);
	RecordPlan plan = { .number = 1, .start_tick_ms = 10 * (guint64)HOUR_MS + 7 };
	g_autoptr(GBytes) raw = world_record(&plan);
	StpArrival arrival = world_arrival(&plan, raw);
	g_autoptr(StpSession) session = NULL;
	guint64 next;
	g_autoptr(GPtrArray) all = NULL;

	coarse.anchor.uncertainty_us = 1000000;
	for (guint i = 0; i < 6; i++) {
		g_autoptr(StpStoredOutcome) outcome = NULL;

		world_meet(&desk->world, "P1", 7, i % 2 ? &fine : &coarse);
		arrival.received_at += i * 400000;
		outcome = world_put(&desk->world, &arrival);
		assert_int_equal(outcome->how, i == 0 ? STP_STORED_NEW : STP_STORED_AGAIN);
	}
	all = stp_store_list_sessions(desk->world.store, &(StpSessionFilter){ .complete = -1 }, 10, 0, &next, NULL);
	assert_int_equal(all->len, 1);
	session = world_session(&desk->world, "P1/1");
	/* To the microsecond, with what is left of doubt beside it: nothing was rounded. */
	assert_int_equal(session->start, NOON + 123456 + 7000);
	assert_in_range(session->start_uncertainty_ms, 20, 22);
}

/* ---- zones ---- */

typedef struct {
	const char *zone;
	gint64 change;		/* when, in UTC seconds */
	int before_min, after_min;
} Change;

/* P25: sessions on both sides of each change, and one that lasts across it. */
static void
p25_no_change_of_clocks_moves_a_session(void **state)
{
	static const Change changes[] = {
		{ "Europe/Berlin", 1774746000, 60, 120 },	  /* 2026-03-29 01:00 UTC */
		{ "Europe/Berlin", 1792890000, 120, 60 },	  /* 2026-10-25 01:00 UTC */
		{ "America/New_York", 1772953200, -300, -240 },	  /* 2026-03-08 07:00 UTC */
		{ "America/New_York", 1793512800, -240, -300 },	  /* 2026-11-01 06:00 UTC */
		{ "Australia/Lord_Howe", 1775314800, 660, 630 },  /* 2026-04-04 15:00 UTC, half an hour */
		{ "Australia/Lord_Howe", 1791041400, 630, 660 },  /* 2026-10-03 15:30 UTC */
	};
	Desk *desk = *state;

	for (guint c = 0; c < G_N_ELEMENTS(changes); c++) {
		const Change *change = &changes[c];
		StpContact met = contact(c + 1, 24 * HOUR_MS, change->change * G_USEC_PER_SEC + 24 * HOUR_US,
					 STP_CLOCK_SYNCHRONISED);
		g_autoptr(GHashTable) starts = g_hash_table_new(g_int64_hash, g_int64_equal);
		g_autoptr(GPtrArray) kept = g_ptr_array_new_with_free_func((GDestroyNotify)stp_session_free);

		/* One each quarter of an hour, the ninth just at the change. */
		for (guint i = 0; i < 17; i++) {
			RecordPlan plan = { .epoch = 100 + c, .number = i + 1, .boot_id = c + 1, .zone = change->zone,
					    .start_tick_ms = i * 900000 + (guint64)1 };

			stp_stored_outcome_free(world_add(&desk->world, &plan));
		}
		met.anchor.tick_ms = 2 * HOUR_MS + 1;
		met.anchor.utc_us = change->change * G_USEC_PER_SEC;
		world_meet(&desk->world, "P1", 100 + c, &met);
		for (guint i = 0; i < 17; i++) {
			g_autofree char *id = g_strdup_printf("P1/%08x/%u", 100 + c, i + 1);
			StpSession *session = world_session(&desk->world, id);
			gint64 expected = change->change * G_USEC_PER_SEC + ((gint64)i - 8) * 900 * G_USEC_PER_SEC;

			g_ptr_array_add(kept, session);
			assert_int_equal(session->start, expected);
			assert_string_equal(session->zone, change->zone);
			assert_true(session->has_offset);
			assert_int_equal(session->offset_min, i < 8 ? change->before_min : change->after_min);
			assert_true(g_hash_table_add(starts, &session->start));
		}
		/* The hour that there is twice on the clock is there once here. */
		for (guint i = 0; i < 16; i++) {
			StpSessionFilter filter = { .complete = -1, .since = change->change * G_USEC_PER_SEC +
				((gint64)i - 8) * 900 * G_USEC_PER_SEC };
			guint64 next;
			g_autoptr(GPtrArray) some = NULL;

			filter.until = filter.since + 900 * G_USEC_PER_SEC;
			some = stp_store_list_sessions(desk->world.store, &filter, 10, 0, &next, NULL);
			assert_int_equal(some->len, 1);
		}
	}
	assert_int_equal(world_sql_int(&desk->world, "SELECT count(*) FROM session"), 6 * 17);
	world_reparse(&desk->world);
	assert_int_equal(world_sql_int(&desk->world, "SELECT count(*) FROM session WHERE offset_min IS NOT NULL AND zone <> ''"),
			 6 * 17);
}

static void
a_zone_nobody_knows_is_no_offset(void **state)
{
	Desk *desk = *state;
	StpContact met = contact(1, HOUR_MS, NOON, STP_CLOCK_SYNCHRONISED);
	RecordPlan plan = { .number = 1, .zone = "Mars/Olympus" };
	g_autoptr(StpSession) session = NULL;

	world_meet(&desk->world, "P1", 7, &met);
	stp_stored_outcome_free(world_add(&desk->world, &plan));
	session = world_session(&desk->world, "P1/1");
	assert_int_equal(session->time_quality, STP_TIME_ANCHORED);
	assert_false(session->has_offset);
	assert_string_equal(session->zone, "Mars/Olympus");
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(a_clock_that_nobody_vouches_for_says_so),
		CASE(one_good_contact_outlasts_many_bad_ones),
		CASE(of_a_clock_that_cannot_be_nothing_is_believed),
		CASE(contacts_of_before_the_network_came_are_put_right),
		CASE(between_two_contacts_is_better_than_nowhere),
		CASE(another_log_bounds_nothing),
		CASE(too_wide_a_bound_is_none),
		CASE(a_pens_own_time_is_used_where_nobody_met_it),
		CASE(a_pen_that_drifts_is_told_of),
		CASE(p44_small_differences_are_no_news),
		CASE(in8_what_was_seen_has_to_be_written),
		CASE(p45_time_is_no_part_of_identity),
		CASE(p25_no_change_of_clocks_moves_a_session),
		CASE(a_zone_nobody_knows_is_no_offset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
