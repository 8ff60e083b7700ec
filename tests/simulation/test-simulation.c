/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* What the simulation must be for its findings to mean something. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "test-seed.h"
#include "world.h"

#define SEEDS 300

static void
nothing_goes_wrong_in_a_calm_world(void **state)
{
	struct world *world = world_new();
	struct world_count count = { 0 };

	assert_non_null(world);
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		world_run(world, seed, WORLD_CALM, &count);
	assert_int_equal(count.dialogues, SEEDS);
	world_free(world);
}

static void
a_seed_yields_the_same_steps_again(void **state)
{
	struct world *used = world_new();
	uint64_t seed = test_seed();

	assert_non_null(used);
	for (uint64_t end = seed + SEEDS; seed < end; seed++) {
		struct world *fresh = world_new();
		struct world_count once = { 0 }, again = { 0 };

		assert_non_null(fresh);
		world_run(fresh, seed, WORLD_ROUGH, &once);
		/* In memory that other seeds have used. */
		world_run(used, seed, WORLD_ROUGH, &again);
		assert_memory_equal(&once, &again, sizeof(once));
		world_free(fresh);
	}
	world_free(used);
}

static void
two_seeds_yield_different_steps(void **state)
{
	struct world *world = world_new();
	uint64_t last = 0;

	assert_non_null(world);
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct world_count count = { 0 };

		world_run(world, seed, WORLD_ROUGH, &count);
		assert_true(count.trace != last);
		assert_true(count.steps > 0);
		last = count.trace;
	}
	world_free(world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_goes_wrong_in_a_calm_world),
		cmocka_unit_test(a_seed_yields_the_same_steps_again),
		cmocka_unit_test(two_seeds_yield_different_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
