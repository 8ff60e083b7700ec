/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* When sessions began: worked out from anchors, again and again, without touching a record. */

#include "store-world.h"

#include "test-seed.h"

#define NOON G_GINT64_CONSTANT(1760000000000000)
#define HOUR_MS G_GINT64_CONSTANT(3600000)

static int
setup(void **state)
{
	World *world = g_new0(World, 1);

	world_open(world);
	*state = world;
	return 0;
}

static int
teardown(void **state)
{
	world_end(*state);
	g_free(*state);
	return 0;
}

static void
assert_start(World *world, const char *id, gint64 start, guint uncertainty_ms)
{
	g_autoptr(StpSession) session = world_session(world, id);

	assert_int_equal(session->time_quality, STP_TIME_ANCHORED);
	assert_int_equal(session->start, start);
	assert_int_equal(session->start_uncertainty_ms, uncertainty_ms);
}

static void
assert_no_start(World *world, const char *id)
{
	g_autoptr(StpSession) session = world_session(world, id);

	assert_int_equal(session->time_quality, STP_TIME_UNKNOWN);
	assert_int_equal(session->start, 0);
}

static void
an_anchor_places_the_sessions_of_its_boot(void **state)
{
	World *world = *state;
	const struct stp_time_anchor anchor = { 1, 10 * HOUR_MS, NOON, 20000 };
	const struct stp_time_anchor nearer = { 1, 3 * HOUR_MS, NOON - 7 * HOUR_MS * 1000 + 5000, 20000 };
	const struct stp_time_anchor vague = { 1, 2 * HOUR_MS, NOON - 8 * HOUR_MS * 1000 + 60000000, 90000000 };

	stp_stored_outcome_free(world_add(world, &(RecordPlan){ .number = 2 }));
	stp_stored_outcome_free(world_add(world, &(RecordPlan){ .number = 12 }));
	stp_stored_outcome_free(world_add(world, &(RecordPlan){ .number = 3, .boot_id = 2 }));
	assert_no_start(world, "P1/2");

	/* Eight hours before: 100 ppm of it are 2.88 s. */
	world_put_state(world, "P1", 7, 1, 12, &anchor);
	assert_start(world, "P1/2", NOON - 8 * HOUR_MS * 1000, 2880 + 20);
	assert_start(world, "P1/12", NOON + 2 * HOUR_MS * 1000, 720 + 20);
	assert_no_start(world, "P1/3");

	/* One that is nearer to some of them, one that is near but tells little, and another pen's. */
	world_put_state(world, "P1", 7, 1, 12, &nearer);
	world_put_state(world, "P1", 7, 1, 12, &vague);
	world_put_state(world, "P2", 7, 1, 12, &anchor);
	assert_start(world, "P1/2", NOON - 8 * HOUR_MS * 1000 + 5000, 360 + 20);
	assert_start(world, "P1/12", NOON + 2 * HOUR_MS * 1000, 720 + 20);
	assert_no_start(world, "P1/3");
}

/* This computer's clock was a day slow at the first contact, and nobody can tell afterwards. */
static void
anchors_that_contradict_make_times_unsure(void **state)
{
	World *world = *state;
	const gint64 day_ms = 24 * HOUR_MS;
	const struct stp_time_anchor slow = { 1, 10 * HOUR_MS, NOON - day_ms * 1000, 20000 };
	const struct stp_time_anchor right = { 1, 20 * HOUR_MS, NOON + 10 * HOUR_MS * 1000, 20000 };
	const struct stp_time_anchor other_boot = { 2, 20 * HOUR_MS, NOON, 20000 };
	g_autoptr(StpSession) session = NULL;

	stp_stored_outcome_free(world_add(world, &(RecordPlan){ .number = 12 }));
	world_put_state(world, "P1", 7, 1, 12, &slow);
	world_put_state(world, "P1", 7, 1, 12, &other_boot);
	assert_start(world, "P1/12", slow.utc_us + 2 * HOUR_MS * 1000, 720 + 20);

	world_put_state(world, "P1", 7, 1, 12, &right);
	session = stp_store_get_session(world->store, "P1/12", NULL);
	/* By the one it began in the first two hours of that day, by the other in those of the next. */
	assert_true(session->start - session->start_uncertainty_ms * 1000LL <= slow.utc_us + 2 * HOUR_MS * 1000);
	assert_true(session->start + session->start_uncertainty_ms * 1000LL >= right.utc_us - 8 * HOUR_MS * 1000);
	assert_true(stp_store_has_alert(world->store, "pen-clock-step", "P1"));

	/* What contradicts is over with the power-up. */
	world_put_state(world, "P1", 7, 1, 12, &(struct stp_time_anchor){ 3, HOUR_MS, NOON, 20000 });
	assert_false(stp_store_has_alert(world->store, "pen-clock-step", "P1"));
}

static void
assert_either(World *world, const char *id, gint64 first, gint64 second)
{
	g_autoptr(StpSession) session = world_session(world, id);

	assert_int_equal(session->time_quality, STP_TIME_UNCONFIRMED);
	assert_true(session->start - session->start_uncertainty_ms * 1000LL <= first);
	assert_true(session->start + session->start_uncertainty_ms * 1000LL >= second);
}

/* A tick that began anew within a power-up: two counts share it, and no session of it has one sure time. */
static void
ticks_that_began_anew_make_no_time_sure(void **state)
{
	World *world = *state;
	const gint64 minute = 60000, later = NOON + 3 * HOUR_MS * 1000;
	const struct stp_time_anchor before = { 1, 60 * minute, NOON, 20000 };
	const struct stp_time_anchor after = { 1, 50 * minute, later, 20000 };
	RecordPlan plans[] = { { .number = 1, .start_tick_ms = 20 * minute }, { .number = 2, .start_tick_ms = 55 * minute },
			       { .number = 3, .start_tick_ms = 70 * minute } };

	world_put_state(world, "P1", 7, 1, 3, &before);
	for (guint i = 0; i < G_N_ELEMENTS(plans); i++)
		stp_stored_outcome_free(world_add(world, &plans[i]));
	assert_start(world, "P1/1", NOON - 40 * minute * 1000, 240 + 20);
	world_put_state(world, "P1", 7, 1, 3, &after);
	/* And so many contacts since that not each of them is looked at. */
	for (guint i = 1; i <= 300; i++)
		world_put_state(world, "P1", 7, 1, 3,
				&(struct stp_time_anchor){ 1, 50 * minute + i * 1000, later + i * 1000000, 20000 });
	for (guint i = 0; i < G_N_ELEMENTS(plans); i++) {
		g_autofree char *id = g_strdup_printf("P1/%u", plans[i].number);
		gint64 tick = (gint64)plans[i].start_tick_ms;

		assert_either(world, id, NOON + (tick - 60 * minute) * 1000, later + (tick - 50 * minute) * 1000);
	}
	assert_true(stp_store_has_alert(world->store, "pen-clock-step", "P1"));
}

static void
a_session_that_comes_later_finds_its_anchor(void **state)
{
	World *world = *state;
	const struct stp_time_anchor anchor = { 1, 10 * HOUR_MS, NOON, 1000 };

	world_put_state(world, "P1", 7, 1, 12, &anchor);
	stp_stored_outcome_free(world_add(world, &(RecordPlan){ .number = 10 }));
	assert_start(world, "P1/10", NOON, 1);
}

/* A pen whose clock runs from before 1970 by our reckoning. */
static void
a_start_is_never_before_time_began(void **state)
{
	World *world = *state;
	const struct stp_time_anchor anchor = { 1, 10 * HOUR_MS, 5, 1000 };
	g_autoptr(StpSession) session = NULL;

	world_put_state(world, "P1", 7, 1, 12, &anchor);
	stp_stored_outcome_free(world_add(world, &(RecordPlan){ .number = 2 }));
	session = world_session(world, "P1/2");
	assert_int_equal(session->start, 1);
}

/* The first part comes last: the session begins with it, in its boot. */
static void
an_earlier_part_moves_the_start(void **state)
{
	World *world = *state;
	const struct stp_time_anchor anchor = { 1, 10 * HOUR_MS, NOON, 1000 };
	RecordPlan second = { .number = 9, .session = 1, .part = 1, .boot_id = 2 };
	RecordPlan first = { .number = 8, .session = 1, .part = 0, .not_last = TRUE };

	world_put_state(world, "P1", 7, 1, 12, &anchor);
	stp_stored_outcome_free(world_add(world, &second));
	assert_no_start(world, "P1/1");
	stp_stored_outcome_free(world_add(world, &first));
	assert_start(world, "P1/1", NOON - 2 * HOUR_MS * 1000, 720 + 1);
}

/* In whatever order sessions and anchors come, the times are those of a fresh derivation. */
static void
order_makes_no_difference(void **state)
{
	World *world = *state;
	struct session_random random = { test_seed() };
	gint64 starts[41], unsure[41];

	for (guint i = 1; i <= 40; i++) {
		struct stp_time_anchor anchor = {
			.boot_id = 1 + session_random_below(&random, 2),
			.tick_ms = (guint64)session_random_below(&random, 50 * HOUR_MS),
			.uncertainty_us = session_random_below(&random, 500000),
		};
		RecordPlan plan = { .number = i, .boot_id = 1 + session_random_below(&random, 3) };

		anchor.utc_us = NOON + (gint64)anchor.tick_ms * 1000 + session_random_below(&random, 1000000);
		world_put_state(world, "P1", 7, 1, 40, &anchor);
		stp_stored_outcome_free(world_add(world, &plan));
	}
	for (guint i = 1; i <= 40; i++) {
		g_autofree char *id = g_strdup_printf("P1/%u", i);
		g_autoptr(StpSession) session = world_session(world, id);

		starts[i] = session->start;
		unsure[i] = session->start_uncertainty_ms;
		assert_int_equal(session->start > 0, session->boot_id < 3);
	}
	world_reparse(world);
	for (guint i = 1; i <= 40; i++) {
		g_autofree char *id = g_strdup_printf("P1/%u", i);
		g_autoptr(StpSession) session = world_session(world, id);

		assert_int_equal(session->start, starts[i]);
		assert_int_equal(session->start_uncertainty_ms, unsure[i]);
	}
}

int
main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(an_anchor_places_the_sessions_of_its_boot),
		CASE(anchors_that_contradict_make_times_unsure),
		CASE(ticks_that_began_anew_make_no_time_sure),
		CASE(a_session_that_comes_later_finds_its_anchor),
		CASE(a_start_is_never_before_time_began),
		CASE(an_earlier_part_moves_the_start),
		CASE(order_makes_no_difference),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
