/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* How many LISTs it takes to read the newest record first. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "host-bench.h"

static struct host_bench bench;
static const struct stp_range everything[] = { { 1, UINT32_MAX } };

static int
tear_down(void **state)
{
	host_bench_clear(&bench);
	return 0;
}

/* A segment of 240 bytes takes ten entries. */
static void
open_wide(uint32_t newest)
{
	const struct stp_features pen = { .max_window = 128 };
	const struct stp_host_config config = { .collector_id = { 1, 2, 3, 4, 5, 6, 7, 8 }, .window = 16 };

	host_bench_init(&bench, 0);
	stp_host_free(bench.host);
	bench.host = stp_host_new(&config);
	assert_non_null(bench.host);
	stp_host_start(bench.host, 247, &pen, bench.now);
	open_dialogue(&bench, 1, newest, everything, 1);
}

static void
what_fits_a_segment_is_listed_at_once(void **state)
{
	const uint32_t ten[] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };

	open_wide(10);
	serve_list(&bench, 1, 10, ten, 10, 20);
	serve_record(&bench, 10, 20);
	for (uint32_t number = 1; number < 10; number++)
		serve_record(&bench, number, 20);
	expect_done(&bench);
}

static void
what_does_not_is_listed_behind_the_newest(void **state)
{
	const uint32_t top[] = { 11 };

	open_wide(11);
	serve_list(&bench, 11, 11, top, 1, 20);
	serve_record(&bench, 11, 20);
	expect_request(&bench, STP_OP_LIST);
	assert_int_equal(bench.request.u.list.from, 1);
	assert_int_equal(bench.request.u.list.to, 10);
}

static void
numbers_without_a_record_are_given_up_in_order(void **state)
{
	const uint32_t some[] = { 2, 4 }, none[] = { 1 };

	open_wide(5);
	serve_list(&bench, 1, 5, some, 2, 20);
	expect_given_up(&bench, 5, STP_ERR_NOT_FOUND, 0);
	expect_given_up(&bench, 1, STP_ERR_NOT_FOUND, 0);
	serve_record(&bench, 2, 20);
	expect_given_up(&bench, 3, STP_ERR_NOT_FOUND, 0);
	serve_record(&bench, 4, 20);
	expect_done(&bench);
	host_bench_clear(&bench);

	open_wide(2);
	serve_list(&bench, 1, 2, none, 0, 20);
	expect_given_up(&bench, 2, STP_ERR_NOT_FOUND, 0);
	expect_given_up(&bench, 1, STP_ERR_NOT_FOUND, 0);
	expect_done(&bench);
}

static void
a_list_that_fails_begins_with_the_newest(void **state)
{
	const uint32_t top[] = { 3 }, rest[] = { 1, 2 };

	open_wide(3);
	expect_request(&bench, STP_OP_LIST);
	assert_int_equal(bench.request.u.list.from, 1);
	answer_bare(&bench, STP_WIRE_NOT_COMPLETED);
	serve_list(&bench, 3, 3, top, 1, 20);
	serve_record(&bench, 3, 20);
	serve_list(&bench, 1, 2, rest, 2, 20);
	serve_record(&bench, 1, 20);
	serve_record(&bench, 2, 20);
	expect_done(&bench);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(what_fits_a_segment_is_listed_at_once),
		TEST(what_does_not_is_listed_behind_the_newest),
		TEST(numbers_without_a_record_are_given_up_in_order),
		TEST(a_list_that_fails_begins_with_the_newest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
