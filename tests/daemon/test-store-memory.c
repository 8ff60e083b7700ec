/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* What the store keeps in memory while there is nothing to do. */

#include "store-world.h"

#include <sqlite3.h>

#define RECORDS 40
#define SAMPLES 20000	/* 35 KB: together more than the store may keep */
#define KEPT_MAX (160 * 1024)

static const StpAttempt attempt = { .serial = "P1", .started = 1, .ended = 2, .stage = "done", .error = "" };

static void
the_end_of_a_sync_gives_memory_back(void **state)
{
	World world = { 0 };
	sqlite3_int64 busy, kept;

	world_open(&world);
	for (guint number = 1; number <= RECORDS; number++) {
		const RecordPlan plan = { .number = number, .samples = SAMPLES };

		stp_stored_outcome_free(world_add(&world, &plan));
	}
	busy = sqlite3_memory_used();
	world_put_attempt(&world, &attempt);
	kept = sqlite3_memory_used();
	print_message("SQLite kept %lld of %lld bytes\n", (long long)kept, (long long)busy);
	assert_true(busy > KEPT_MAX);
	assert_true(kept < KEPT_MAX);

	/* Checking the file when it is opened reads all of it. */
	world_reopen(&world);
	kept = sqlite3_memory_used();
	print_message("SQLite keeps %lld bytes of a store just opened\n", (long long)kept);
	assert_true(kept < KEPT_MAX);

	/* And everything still works. */
	world_put_attempt(&world, &attempt);
	assert_int_equal(world_sql_int(&world, "SELECT count(*) FROM attempt"), 2);
	world_end(&world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_end_of_a_sync_gives_memory_back),
	};

	return cmocka_run_group_tests_name("store-memory", tests, NULL, NULL);
}
