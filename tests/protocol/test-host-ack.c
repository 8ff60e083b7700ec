/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* Records that share an ACK: which they are, and how long they wait. */

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

static void
let_records_wait(uint8_t ack_run)
{
	const struct stp_features pen = { .max_window = 128 };
	const struct stp_host_config config = { .collector_id = { [7] = 8 }, .window = 8, .ack_run = ack_run };

	host_bench_init(&bench, 0);
	stp_host_free(bench.host);
	bench.host = stp_host_new(&config);
	assert_non_null(bench.host);
	stp_host_start(bench.host, 23, &pen, bench.now);
}

static void
serve_unacknowledged(uint32_t number)
{
	expect_request(&bench, STP_OP_READ);
	assert_int_equal(bench.request.u.read.record, number);
	segments(&bench, record_bytes(number, 20), 20, 0, 9);
	answer_sent(&bench, STP_WIRE_SUCCESS, record_bytes(number, 20), 20);
	expect_record(&bench, number, 20, STP_OK);
	stp_host_stored(bench.host, true, bench.now);
}

static void
expect_ack(uint32_t from, uint32_t to)
{
	expect_request(&bench, STP_OP_ACK);
	assert_int_equal(bench.request.u.ack.from, from);
	assert_int_equal(bench.request.u.ack.to, to);
}

/* Records 1..6 are listed, 6 is read. */
static void
open_six(uint8_t ack_run)
{
	const uint32_t top[] = { 6 }, rest[] = { 1, 2, 3, 4, 5 };

	let_records_wait(ack_run);
	open_dialogue(&bench, 1, 6, everything, 1);
	serve_list(&bench, 6, 6, top, 1, 20);
	serve_unacknowledged(6);
	serve_list(&bench, 1, 5, rest, 5, 20);
}

static void
one_ack_covers_a_run_before_done(void **state)
{
	open_six(16);
	for (uint32_t number = 1; number <= 5; number++)
		serve_unacknowledged(number);
	expect_ack(1, 6);
	answer_bare(&bench, STP_WIRE_SUCCESS);
	expect_done(&bench);
}

static void
what_is_not_durable_is_in_no_ack(void **state)
{
	open_six(16);
	serve_unacknowledged(1);
	expect_request(&bench, STP_OP_READ);
	segments(&bench, record_bytes(2, 20), 20, 0, 9);
	answer_sent(&bench, STP_WIRE_SUCCESS, record_bytes(2, 20), 20);
	expect_record(&bench, 2, 20, STP_OK);
	stp_host_stored(bench.host, false, bench.now);
	for (uint32_t number = 3; number <= 5; number++)
		serve_unacknowledged(number);
	expect_ack(1, 1);
	answer_bare(&bench, STP_WIRE_SUCCESS);
	expect_ack(3, 6);
	answer_bare(&bench, STP_WIRE_SUCCESS);
	expect_done(&bench);
}

static void
no_record_waits_long_for_its_ack(void **state)
{
	/* As many as may wait, */
	open_six(3);
	serve_unacknowledged(1);
	serve_unacknowledged(2);
	expect_ack(1, 2);
	answer_bare(&bench, STP_WIRE_SUCCESS);
	expect_ack(6, 6);
	answer_bare(&bench, STP_WIRE_SUCCESS);
	serve_unacknowledged(3);
	/* or as long as it may. */
	bench.now += 2000;
	serve_unacknowledged(4);
	expect_ack(3, 4);
	answer_bare(&bench, STP_WIRE_SUCCESS);
	serve_unacknowledged(5);
	expect_ack(5, 5);
	/* A pen that does not answer is told in the next dialogue. */
	expire(&bench, 8000);
	expect_note(&bench, STP_NOTE_ACK_REFUSED);
	expect_done(&bench);
}

static void
cancelling_acknowledges_what_is_stored(void **state)
{
	/* From READ, which the ACK ends, */
	open_six(16);
	serve_unacknowledged(1);
	expect_request(&bench, STP_OP_READ);
	stp_host_cancel(bench.host, bench.now);
	expect_ack(1, 1);
	answer_bare(&bench, STP_WIRE_SUCCESS);
	expect_ack(6, 6);
	answer_bare(&bench, STP_WIRE_SUCCESS);
	expect_done(&bench);

	/* and from BEGIN, which is over then. */
	host_bench_clear(&bench);
	open_six(16);
	expect(&bench, STP_HOST_BEGIN);
	stp_host_cancel(bench.host, bench.now);
	expect_ack(6, 6);
	answer_bare(&bench, STP_WIRE_SUCCESS);
	expect_done(&bench);

	/* A pen that is silent is not told of the others. */
	host_bench_clear(&bench);
	open_six(16);
	serve_unacknowledged(1);
	expect_request(&bench, STP_OP_READ);
	stp_host_cancel(bench.host, bench.now);
	expect_ack(1, 1);
	expire(&bench, 8000);
	expect_note(&bench, STP_NOTE_ACK_REFUSED);
	expect_done(&bench);
}

static void
a_motor_that_starts_does_not_keep_the_ack(void **state)
{
	open_six(16);
	expect_request(&bench, STP_OP_READ);
	answer_sent(&bench, STP_WIRE_BUSY, NULL, 0);
	expect_ack(6, 6);
	answer_bare(&bench, STP_WIRE_SUCCESS);
	expect_failed(&bench, STP_ERR_REFUSED, STP_OP_READ, STP_WIRE_BUSY);
}

static void
a_new_epoch_is_told_nothing_of_the_old(void **state)
{
	open_six(16);
	expect_request(&bench, STP_OP_READ);
	answer_sent(&bench, STP_WIRE_WRONG_EPOCH, NULL, 0);
	expect_request(&bench, STP_OP_GET_STATE);
	answer_bare(&bench, STP_WIRE_OP_NOT_SUPPORTED);
	expect_failed(&bench, STP_ERR_REFUSED, STP_OP_GET_STATE, STP_WIRE_OP_NOT_SUPPORTED);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(one_ack_covers_a_run_before_done),
		TEST(what_is_not_durable_is_in_no_ack),
		TEST(no_record_waits_long_for_its_ack),
		TEST(cancelling_acknowledges_what_is_stored),
		TEST(a_motor_that_starts_does_not_keep_the_ack),
		TEST(a_new_epoch_is_told_nothing_of_the_old),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
