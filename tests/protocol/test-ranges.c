/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stipple/ranges.h>

#include "test-seed.h"

#define NUMBERS 200

static uint64_t noise;

static uint32_t
roll(uint32_t sides)
{
	noise = noise * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(noise >> 33) % sides;
}

static void
add(struct stp_ranges *set, uint32_t from, uint32_t to)
{
	assert_int_equal(stp_ranges_add(set, from, to), STP_OK);
}

static void
neighbours_become_one(void **state)
{
	struct stp_range items[4];
	struct stp_ranges set;

	stp_ranges_init(&set, items, 4);
	add(&set, 5, 6);
	add(&set, 8, 9);
	assert_int_equal(set.count, 2);
	add(&set, 7, 7);
	assert_int_equal(set.count, 1);
	assert_int_equal(items[0].from, 5);
	assert_int_equal(items[0].to, 9);
	add(&set, 1, 20);
	assert_int_equal(set.count, 1);
	assert_int_equal(stp_ranges_size(&set), 20);
}

static void
the_ends_of_the_numbers_are_no_special_case(void **state)
{
	struct stp_range items[4], gaps[4];
	struct stp_ranges set, missing;

	stp_ranges_init(&set, items, 4);
	stp_ranges_init(&missing, gaps, 4);
	add(&set, UINT32_MAX, UINT32_MAX);
	add(&set, 0, 0);
	assert_true(stp_ranges_contains(&set, 0) && stp_ranges_contains(&set, UINT32_MAX));
	assert_false(stp_ranges_contains(&set, 1) || stp_ranges_contains(&set, UINT32_MAX - 1));
	assert_int_equal(stp_ranges_missing(&set, 0, UINT32_MAX, &missing), STP_OK);
	assert_int_equal(missing.count, 1);
	assert_true(gaps[0].from == 1 && gaps[0].to == UINT32_MAX - 1);
	add(&set, 0, UINT32_MAX);
	assert_int_equal(set.count, 1);
	assert_true(stp_ranges_size(&set) == UINT64_C(1) << 32);
	assert_int_equal(stp_ranges_missing(&set, 0, UINT32_MAX, &missing), STP_OK);
	assert_int_equal(missing.count, 0);
}

static void
a_full_set_stays_as_it_was(void **state)
{
	struct stp_range items[2], gaps[1];
	struct stp_ranges set, missing;

	stp_ranges_init(&set, items, 2);
	add(&set, 10, 10);
	add(&set, 20, 20);
	assert_int_equal(stp_ranges_add(&set, 15, 15), STP_ERR_SPACE);
	assert_int_equal(stp_ranges_add(&set, 5, 4), STP_ERR_ARGUMENT);
	assert_int_equal(set.count, 2);
	/* What merges needs no room. */
	add(&set, 11, 19);
	assert_int_equal(set.count, 1);

	stp_ranges_init(&missing, gaps, 1);
	assert_int_equal(stp_ranges_missing(&set, 1, 30, &missing), STP_ERR_SPACE);
	assert_int_equal(missing.count, 0);
	assert_int_equal(stp_ranges_missing(&set, 30, 1, &missing), STP_OK);
	assert_int_equal(missing.count, 0);
}

static void
check_against(const struct stp_ranges *set, const bool model[NUMBERS])
{
	struct stp_range gaps[NUMBERS];
	struct stp_ranges missing;
	uint64_t size = 0;
	uint32_t from = roll(NUMBERS), to = from + roll(NUMBERS - from);

	for (uint32_t i = 0; i < NUMBERS; i++) {
		assert_int_equal(stp_ranges_contains(set, i), model[i]);
		size += model[i];
	}
	assert_int_equal(stp_ranges_size(set), size);
	/* Sorted, disjoint, not adjacent. */
	for (size_t i = 0; i < set->count; i++) {
		assert_true(set->items[i].from <= set->items[i].to);
		assert_true(i == 0 || set->items[i - 1].to + 1 < set->items[i].from);
	}

	stp_ranges_init(&missing, gaps, NUMBERS);
	assert_int_equal(stp_ranges_missing(set, from, to, &missing), STP_OK);
	for (uint32_t i = 0; i < NUMBERS; i++)
		assert_int_equal(stp_ranges_contains(&missing, i), i >= from && i <= to && !model[i]);
	for (size_t i = 1; i < missing.count; i++)
		assert_true(gaps[i - 1].to + 1 < gaps[i].from);
}

static void
agrees_with_a_row_of_bits(void **state)
{
	noise = test_seed();
	for (int round = 0; round < 2000; round++) {
		struct stp_range items[NUMBERS];
		struct stp_ranges set;
		bool model[NUMBERS] = { false };

		stp_ranges_init(&set, items, NUMBERS);
		for (uint32_t i = 0, count = roll(30); i < count; i++) {
			uint32_t from = roll(NUMBERS), to = from + roll(roll(4) ? 4 : NUMBERS);

			if (to >= NUMBERS)
				to = NUMBERS - 1;
			memset(model + from, 1, to - from + 1);
			add(&set, from, to);
		}
		check_against(&set, model);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(neighbours_become_one),
		cmocka_unit_test(the_ends_of_the_numbers_are_no_special_case),
		cmocka_unit_test(a_full_set_stays_as_it_was),
		cmocka_unit_test(agrees_with_a_row_of_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
