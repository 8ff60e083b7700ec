/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* What a caller, or a pen, says to the host engine when it is not its turn, or as it should not. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "host-bench.h"

static struct host_bench bench;
static const struct stp_range both[] = { { 1, 2 } }, backwards[] = { { 2, 1 } }, twice[] = { { 1, 2 }, { 2, 3 } };

static int
tear_down(void **state)
{
	host_bench_clear(&bench);
	return 0;
}

/* Each of the caller's calls, as if it were its turn. */
static void
talk_out_of_turn(void)
{
	static const uint8_t bytes[64];

	stp_host_start(bench.host, 100, NULL, bench.now);
	stp_host_time(bench.host, bytes, 9, 5, 5, bench.now);
	stp_host_held(bench.host, both, 1, bench.now);
	stp_host_want(bench.host, both, 1, bench.now);
	stp_host_resume(bench.host, bytes, sizeof(bytes), bench.now);
	stp_host_stored(bench.host, true, bench.now);
	stp_host_timeout(bench.host, bench.now);
}

static void
what_is_said_out_of_turn_is_not_heard(void **state)
{
	static const uint32_t one[] = { 1 }, two[] = { 2 };

	host_bench_init(&bench, 0);
	talk_out_of_turn();
	expect_request(&bench, STP_OP_HELLO);
	talk_out_of_turn();
	answer(&bench, STP_WIRE_SUCCESS, (struct stp_answer){ .u.hello = { 2, 1, 0 } });
	expect_request(&bench, STP_OP_GET_STATE);
	talk_out_of_turn();
	answer(&bench, STP_WIRE_SUCCESS, (struct stp_answer){ .u.state = { BENCH_EPOCH, 1, 2, 5, 90, 0 } });
	/* It is to read the time, and was not told so yet. */
	talk_out_of_turn();
	expect(&bench, STP_HOST_READ_TIME);
	stp_host_want(bench.host, both, 1, bench.now);
	stp_host_time(bench.host, NULL, 0, 0, 0, bench.now);
	/* Likewise the state. */
	talk_out_of_turn();
	expect(&bench, STP_HOST_STATE);
	assert_false(bench.action.u.state.anchored);
	stp_host_want(bench.host, both, 1, bench.now);
	serve_list(&bench, 2, 2, two, 1, 50);
	talk_out_of_turn();
	serve_record(&bench, 2, 50);
	talk_out_of_turn();
	serve_list(&bench, 1, 1, one, 1, 50);
	serve_record(&bench, 1, 50);
	expect_done(&bench);
	talk_out_of_turn();
	stp_host_cancel(bench.host, bench.now);
	expect(&bench, STP_HOST_IDLE);
}

static void
a_pen_is_heard_neither_before_nor_after(void **state)
{
	const struct stp_host_config config = { 0 };
	static const uint8_t hello[] = { 0x90, 1, 1, 0, 3, 0, 0, 0, 0 }, data[] = { 3, 0, 0, 0x10, 7 };

	bench.host = stp_host_new(&config);
	stp_host_control(bench.host, hello, sizeof(hello), 1);
	stp_host_data(bench.host, data, sizeof(data), 1);
	expect(&bench, STP_HOST_IDLE);
	/* Written but not yet sent: nobody can have answered. */
	stp_host_start(bench.host, 23, NULL, 1);
	stp_host_control(bench.host, hello, sizeof(hello), 1);
	expect_note(&bench, STP_NOTE_ANSWER_OUT_OF_TURN);
	expect_request(&bench, STP_OP_HELLO);
	stp_host_cancel(bench.host, 1);
	expect_done(&bench);
	stp_host_control(bench.host, hello, sizeof(hello), 1);
	stp_host_data(bench.host, data, sizeof(data), 1);
	expect(&bench, STP_HOST_IDLE);
}

static void
a_state_that_is_refused_ends_the_dialogue(void **state)
{
	host_bench_init(&bench, 0);
	expect_request(&bench, STP_OP_HELLO);
	answer(&bench, STP_WIRE_SUCCESS, (struct stp_answer){ .u.hello = { 2, 1, 0 } });
	expect_request(&bench, STP_OP_GET_STATE);
	answer_bare(&bench, STP_WIRE_NOT_AUTHORISED);
	expect_failed(&bench, STP_ERR_REFUSED, STP_OP_GET_STATE, STP_WIRE_NOT_AUTHORISED);
}

static void
open_to_the_wishes(void)
{
	host_bench_init(&bench, 0);
	expect_request(&bench, STP_OP_HELLO);
	answer(&bench, STP_WIRE_SUCCESS, (struct stp_answer){ .u.hello = { 2, 1, 0 } });
	expect_request(&bench, STP_OP_GET_STATE);
	answer(&bench, STP_WIRE_SUCCESS, (struct stp_answer){ .u.state = { BENCH_EPOCH, 1, 2, 5, 90, 0 } });
	expect(&bench, STP_HOST_READ_TIME);
	stp_host_time(bench.host, NULL, 0, 0, 0, bench.now);
	expect(&bench, STP_HOST_STATE);
}

static void
ranges_in_disorder_end_the_dialogue(void **state)
{
	static const struct { const struct stp_range *ranges; size_t count; } wrong[] = {
		{ backwards, 1 }, { twice, 2 }
	};

	for (size_t i = 0; i < 2; i++) {
		open_to_the_wishes();
		stp_host_want(bench.host, wrong[i].ranges, wrong[i].count, bench.now);
		expect_failed(&bench, STP_ERR_ARGUMENT, STP_OP_GET_STATE, 0);
		host_bench_clear(&bench);
		open_to_the_wishes();
		stp_host_held(bench.host, wrong[i].ranges, wrong[i].count, bench.now);
		expect_failed(&bench, STP_ERR_ARGUMENT, STP_OP_GET_STATE, 0);
		host_bench_clear(&bench);
	}
}

static void
a_list_of_impossible_length_is_asked_for_again(void **state)
{
	static const uint8_t bytes[2 * STP_ENTRY_SIZE];
	static const uint32_t two[] = { 2 }, one[] = { 1 };

	host_bench_init(&bench, 0);
	open_dialogue(&bench, 1, 2, both, 1);
	/* More than was asked for, and no whole number of entries. */
	expect_request(&bench, STP_OP_LIST);
	answer_sent(&bench, STP_WIRE_SUCCESS, bytes, 2 * STP_ENTRY_SIZE);
	expect_note(&bench, STP_NOTE_ANSWER_MALFORMED);
	expect_request(&bench, STP_OP_LIST);
	answer_sent(&bench, STP_WIRE_SUCCESS, bytes, STP_ENTRY_SIZE - 1);
	expire(&bench, 300);
	expect_note(&bench, STP_NOTE_ANSWER_MALFORMED);
	serve_list(&bench, 2, 2, two, 1, 50);
	serve_record(&bench, 2, 50);
	serve_list(&bench, 1, 1, one, 1, 50);
	serve_record(&bench, 1, 50);
	expect_done(&bench);
}

/* Called off before what was decided went out: nothing is to be aborted. */
static void
what_was_not_sent_is_not_aborted(void **state)
{
	host_bench_init(&bench, 0);
	open_dialogue(&bench, 1, 2, both, 1);
	/* The page is chosen when it is polled for; a repeated one waits. */
	expect_request(&bench, STP_OP_LIST);
	answer_bare(&bench, STP_WIRE_NOT_COMPLETED);
	stp_host_cancel(bench.host, bench.now);
	expect_done(&bench);
}

static void
an_mtu_below_the_least_is_the_least(void **state)
{
	const struct stp_features narrow = { .max_window = 1 };
	const struct stp_host_config config = { .collector_id = { [7] = 8 }, .window = 255 };

	bench.host = stp_host_new(&config);
	bench.now = 1;
	stp_host_start(bench.host, 5, &narrow, 1);
	open_dialogue(&bench, 1, 2, both, 1);
	expect_request(&bench, STP_OP_LIST);
	assert_int_equal(bench.request.u.list.window, 1);
	assert_int_equal(bench.request.u.list.from, bench.request.u.list.to);
}

/* After an errand on the same link: HELLO must not have the token of the request before. */
static void
the_token_goes_on(void **state)
{
	for (unsigned last = 0; last <= 255; last++) {
		const struct stp_host_config config = { .last_token = (uint8_t)last };
		struct stp_host *host = stp_host_new(&config);
		struct stp_host_action action;
		struct stp_request hello;

		assert_non_null(host);
		stp_host_start(host, 23, NULL, 0);
		stp_host_poll(host, &action);
		assert_int_equal(action.kind, STP_HOST_WRITE);
		assert_int_equal(stp_request_decode(action.u.write.bytes, action.u.write.size, &hello), STP_OK);
		assert_int_not_equal(hello.token, last);
		stp_host_free(host);
	}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_token_goes_on),
		TEST(what_is_said_out_of_turn_is_not_heard),
		TEST(a_pen_is_heard_neither_before_nor_after),
		TEST(a_state_that_is_refused_ends_the_dialogue),
		TEST(ranges_in_disorder_end_the_dialogue),
		TEST(a_list_of_impossible_length_is_asked_for_again),
		TEST(what_was_not_sent_is_not_aborted),
		TEST(an_mtu_below_the_least_is_the_least),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
