/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* Enrolment in the store: what ends it, what cannot bring it back, and where a pen was met. */

#include "store-world.h"

#include "error.h"

typedef struct {
	gboolean done;
	GError *error;
} Answer;

static void
wait_for(const Answer *answer)
{
	while (!answer->done)
		g_main_context_iteration(NULL, TRUE);
}

static void
on_retired(GObject *source, GAsyncResult *result, gpointer user_data)
{
	Answer *answer = user_data;

	stp_store_retire_pen_finish(STP_STORE(source), result, &answer->error);
	answer->done = TRUE;
}

static void
on_identity(GObject *source, GAsyncResult *result, gpointer user_data)
{
	Answer *answer = user_data;

	stp_store_put_identity_finish(STP_STORE(source), result, &answer->error);
	answer->done = TRUE;
}

static void
put_identity(World *world, const StpPenRow *row)
{
	Answer answer = { 0 };

	stp_store_put_identity_async(world->store, row, NULL, on_identity, &answer);
	wait_for(&answer);
	assert_null(answer.error);
}

static GError *
retire(World *world, const char *serial, StpRetiredFlags how)
{
	Answer answer = { 0 };

	stp_store_retire_pen_async(world->store, serial, how, NULL, on_retired, &answer);
	wait_for(&answer);
	return answer.error;
}

static const StpPenRow enrolled = {
	.serial = (char *)"P1", .label = (char *)"room 1", .address = (char *)"00:00:00:00:00:01",
	.enrolled = TRUE, .enrolled_at = 100, .last_seen = 100, .bond = STP_PEN_BOND_AUTHENTICATED,
};

/* The end of a sync may write what it learnt of a pen after somebody retired it. */
static void
nothing_but_enrolling_enrols(void **state)
{
	World world;
	const StpPenRow late = { .serial = (char *)"P1", .firmware = (char *)"9", .enrolled = TRUE,
				 .address = (char *)"00:00:00:00:00:01", .last_seen = 200 };
	g_autoptr(StpPenRow) row = NULL;
	g_autoptr(GError) twice = NULL;

	world_open(&world);
	world_put_pen(&world, &enrolled);
	assert_null(retire(&world, "P1", STP_RETIRED_FORCED | STP_RETIRED_BOND));
	put_identity(&world, &late);
	world_reopen(&world);
	row = stp_store_get_pen(world.store, "P1", NULL);
	assert_false(row->enrolled);
	assert_int_equal(row->bond, STP_PEN_BOND_UNKNOWN);
	assert_int_equal(row->retired_how, STP_RETIRED_FORCED | STP_RETIRED_BOND);
	assert_true(row->retired_at > 0);
	assert_string_equal(row->label, "room 1");
	assert_string_equal(row->firmware, "9");

	twice = retire(&world, "P1", 0);
	assert_true(g_error_matches(twice, STP_ERROR, STP_ERROR_NOT_FOUND));
	/* What was noted of the first time stays. */
	assert_int_equal(world_sql_int(&world, "SELECT retired_how FROM enrolment"),
			 STP_RETIRED_FORCED | STP_RETIRED_BOND);
	world_end(&world);
}

/* Who looks back years later wants to know what was given up. */
static void
what_was_missing_then_is_noted(void **state)
{
	World world;
	g_autoptr(StpPenRow) row = NULL;
	StpAttempt attempt = { .serial = "P1", .started = 1, .ended = 2, .stage = "done", .error = "",
			       .capacity = 4096 };

	world_open(&world);
	world_put_pen(&world, &enrolled);
	world_put_state(&world, "P1", 1, 1, 7, NULL);
	world_put_attempt(&world, &attempt);
	attempt.capacity = 0;
	world_put_attempt(&world, &attempt);
	assert_null(retire(&world, "P1", STP_RETIRED_FORCED | STP_RETIRED_NEWS));
	world_put_state(&world, "P1", 1, 1, 9, NULL);
	world_reopen(&world);
	row = stp_store_get_pen(world.store, "P1", NULL);
	assert_int_equal(row->retired_missing, 7);
	assert_int_equal(row->retired_how, STP_RETIRED_FORCED | STP_RETIRED_NEWS);
	/* As it told last; that it did not tell changes nothing. */
	assert_int_equal(row->log_capacity, 4096);
	world_end(&world);
}

static void
addresses_are_history(void **state)
{
	World world;
	StpPenRow row = enrolled;
	g_autoptr(GPtrArray) list = NULL;
	const StpPenAddress *address;

	world_open(&world);
	world_put_pen(&world, &enrolled);
	row.last_seen = 150;
	put_identity(&world, &row);
	row.address = (char *)"00:00:00:00:00:02";
	row.last_seen = 200;
	put_identity(&world, &row);
	world_reopen(&world);
	list = stp_store_list_addresses(world.store, "P1", NULL);
	assert_int_equal(list->len, 2);
	address = g_ptr_array_index(list, 0);
	assert_string_equal(address->address, "00:00:00:00:00:02");
	address = g_ptr_array_index(list, 1);
	assert_string_equal(address->address, "00:00:00:00:00:01");
	assert_int_equal(address->first_seen, 100);
	assert_int_equal(address->last_seen, 150);
	world_end(&world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_but_enrolling_enrols),
		cmocka_unit_test(what_was_missing_then_is_noted),
		cmocka_unit_test(addresses_are_history),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
