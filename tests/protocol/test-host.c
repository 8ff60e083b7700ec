/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* The host's dialogue as a whole; test-host-read.c has the reading of one record. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stipple/crc32c.h>

#include "host-bench.h"

static struct host_bench bench;
static const struct stp_range everything[] = { { 1, UINT32_MAX } };

static int
set_up(void **state)
{
	host_bench_init(&bench, 0);
	return 0;
}

static int
tear_down(void **state)
{
	host_bench_clear(&bench);
	return 0;
}

static void
newest_first_then_from_the_oldest_up(void **state)
{
	const uint32_t five[] = { 5 }, rest[] = { 2, 3, 4 };
	struct stp_host_progress progress;

	open_dialogue(&bench, 2, 5, everything, 1);
	serve_list(&bench, 5, 5, five, 1, 100);
	serve_record(&bench, 5, 100);
	serve_list(&bench, 2, 4, rest, 3, 60);
	stp_host_get_progress(bench.host, &progress);
	assert_int_equal(progress.records_wanted, 4);
	assert_int_equal(progress.records_done, 1);
	for (uint32_t number = 2; number <= 4; number++)
		serve_record(&bench, number, 60);
	expect_done(&bench);
	stp_host_get_progress(bench.host, &progress);
	assert_int_equal(progress.records_done, 4);
	assert_int_equal(progress.bytes_received, 100 + 3 * 60 + 4 * STP_ENTRY_SIZE);
}

static void
an_empty_log_or_no_wish_is_done_at_once(void **state)
{
	open_dialogue(&bench, 1, 0, everything, 1);
	expect_done(&bench);
	host_bench_clear(&bench);
	host_bench_init(&bench, 0);
	open_dialogue(&bench, 1, 9, NULL, 0);
	expect_done(&bench);
	host_bench_clear(&bench);
	host_bench_init(&bench, 0);
	open_dialogue(&bench, 10, 19, (const struct stp_range[]){ { 1, 9 }, { 20, 30 } }, 2);
	expect_done(&bench);
}

static void
only_what_is_wanted_is_read(void **state)
{
	const struct stp_range wanted[] = { { 5, 9 }, { 12, 12 }, { 20, 20 } };
	const uint32_t top[] = { 20 }, page[] = { 5, 6, 8 };

	open_dialogue(&bench, 1, 30, wanted, 3);
	serve_list(&bench, 20, 20, top, 1, 40);
	serve_record(&bench, 20, 40);
	/* The page spans what lies between; 7, 9 and 12 are listed by nobody. */
	serve_list(&bench, 5, 14, page, 3, 40);
	serve_record(&bench, 5, 40);
	serve_record(&bench, 6, 40);
	expect_given_up(&bench, 7, STP_ERR_NOT_FOUND, 0);
	serve_record(&bench, 8, 40);
	expect_given_up(&bench, 9, STP_ERR_NOT_FOUND, 0);
	expect_given_up(&bench, 12, STP_ERR_NOT_FOUND, 0);
	expect_done(&bench);
}

static void
a_careless_wish_is_refused(void **state)
{
	open_dialogue(&bench, 1, 30, (const struct stp_range[]){ { 5, 9 }, { 9, 12 } }, 2);
	expect_failed(&bench, STP_ERR_ARGUMENT, STP_OP_GET_STATE, 0);
}

static void
the_time_becomes_an_anchor(void **state)
{
	struct stp_answer fields = { .u.state = { BENCH_EPOCH, 1, 0, 5, 90, STP_STATE_OVERRUN } };
	struct stp_elapsed_time time = { .is_tick = true, .unit_us = 100, .value = 123456, .tz_dst_quarters = -128 };
	uint8_t bytes[STP_ELAPSED_TIME_SIZE];

	expect_request(&bench, STP_OP_HELLO);
	answer(&bench, STP_WIRE_SUCCESS, (struct stp_answer){ .u.hello = { 2, 1, 0 } });
	expect_request(&bench, STP_OP_GET_STATE);
	answer(&bench, STP_WIRE_SUCCESS, fields);
	expect(&bench, STP_HOST_READ_TIME);
	expect(&bench, STP_HOST_IDLE);
	assert_int_equal(stp_elapsed_time_encode(&time, bytes), STP_OK);
	stp_host_time(bench.host, bytes, sizeof(bytes), 5000000, 40000, bench.now);
	expect(&bench, STP_HOST_STATE);
	assert_true(bench.action.u.state.anchored);
	assert_int_equal(bench.action.u.state.anchor.boot_id, 5);
	assert_int_equal(bench.action.u.state.anchor.tick_ms, 12345);
	assert_int_equal(bench.action.u.state.anchor.utc_us, 4980000);
	assert_int_equal(bench.action.u.state.anchor.uncertainty_us, 20100);
	assert_int_equal(bench.action.u.state.flags, STP_STATE_OVERRUN);
	assert_int_equal(bench.action.u.state.slot, 2);
	/* The caller takes its time. */
	assert_true(stp_host_deadline(bench.host) == UINT64_MAX);
}

static void
without_a_time_it_goes_on(void **state)
{
	struct stp_answer fields = { .u.state = { BENCH_EPOCH, 1, 0, 5, 90, 0 } };

	expect_request(&bench, STP_OP_HELLO);
	answer(&bench, STP_WIRE_SUCCESS, (struct stp_answer){ .u.hello = { 2, 1, 0 } });
	expect_request(&bench, STP_OP_GET_STATE);
	answer(&bench, STP_WIRE_SUCCESS, fields);
	expect(&bench, STP_HOST_READ_TIME);
	expire(&bench, 8000);
	expect(&bench, STP_HOST_STATE);
	assert_false(bench.action.u.state.anchored);
	/* Too late now. */
	stp_host_time(bench.host, (const uint8_t *)"\x29\1\0\0\0\0\0\0", 9, 1, 1, bench.now);
	expect(&bench, STP_HOST_IDLE);
}

static void
silence_is_waited_for_three_times(void **state)
{
	expect_request(&bench, STP_OP_HELLO);
	expire(&bench, 8000);
	expect_request(&bench, STP_OP_HELLO);
	expire(&bench, 8000);
	expect_request(&bench, STP_OP_HELLO);
	expire(&bench, 8000);
	expect_failed(&bench, STP_ERR_TIMEOUT, STP_OP_HELLO, 0);
}

static void
a_pen_that_falls_silent_ends_the_dialogue(void **state)
{
	open_dialogue(&bench, 1, 9, everything, 1);
	for (int i = 0; i < 3; i++) {
		expect_request(&bench, STP_OP_LIST);
		expire(&bench, 8000);
	}
	expect_failed(&bench, STP_ERR_TIMEOUT, STP_OP_LIST, 0);
}

static void
answers_out_of_turn_are_noted_and_dropped(void **state)
{
	const uint8_t stranger[] = { 0x97, 1, 1, 8 }, junk[] = { 0xFF }, stale[] = { 0x90, 9, 1, 0, 0, 0, 0, 0, 0 };

	/* Before anything was asked. */
	stp_host_control(bench.host, stranger, sizeof(stranger), bench.now);
	expect_note(&bench, STP_NOTE_ANSWER_OUT_OF_TURN);
	expect_request(&bench, STP_OP_HELLO);
	stp_host_control(bench.host, stranger, sizeof(stranger), bench.now);
	stp_host_control(bench.host, stale, sizeof(stale), bench.now);
	stp_host_control(bench.host, junk, sizeof(junk), bench.now);
	stp_host_data(bench.host, junk, sizeof(junk), bench.now);
	stp_host_data(bench.host, (const uint8_t *)"\1\0\0\x10z", 5, bench.now);
	/* Each kind once for an operation, however often it happens. */
	expect_note(&bench, STP_NOTE_ANSWER_MALFORMED);
	expect_note(&bench, STP_NOTE_SEGMENT_MALFORMED);
	expect_note(&bench, STP_NOTE_SEGMENT_STALE);
	expect(&bench, STP_HOST_IDLE);
	/* And it goes on. */
	answer(&bench, STP_WIRE_SUCCESS, (struct stp_answer){ .u.hello = { 2, 1, 0 } });
	expect_request(&bench, STP_OP_GET_STATE);
	/* The same once more is stale now. */
	stp_host_control(bench.host, stale, sizeof(stale), bench.now);
	expect_note(&bench, STP_NOTE_ANSWER_OUT_OF_TURN);
}

static void
without_a_slot_it_reads_and_does_not_acknowledge(void **state)
{
	const uint32_t one[] = { 1 };
	struct stp_answer fields = { .u.state = { BENCH_EPOCH, 1, 1, 5, 90, 0 } };

	expect_request(&bench, STP_OP_HELLO);
	answer_bare(&bench, STP_WIRE_SLOTS_FULL);
	expect_note(&bench, STP_NOTE_SLOTS_FULL);
	expect_request(&bench, STP_OP_GET_STATE);
	answer(&bench, STP_WIRE_SUCCESS, fields);
	expect(&bench, STP_HOST_READ_TIME);
	stp_host_time(bench.host, NULL, 0, 0, 0, bench.now);
	expect(&bench, STP_HOST_STATE);
	assert_int_equal(bench.action.u.state.slot, 0xFF);
	stp_host_held(bench.host, &(struct stp_range){ 1, 1 }, 1, bench.now);
	stp_host_want(bench.host, everything, 1, bench.now);
	serve_list(&bench, 1, 1, one, 1, 20);
	expect_request(&bench, STP_OP_READ);
	segments(&bench, record_bytes(1, 20), 20, 0, 9);
	answer_sent(&bench, STP_WIRE_SUCCESS, record_bytes(1, 20), 20);
	expect_record(&bench, 1, 20, STP_OK);
	stp_host_stored(bench.host, true, bench.now);
	expect_done(&bench);
}

static void
what_was_not_stored_is_not_acknowledged(void **state)
{
	const uint32_t both[] = { 1 }, top[] = { 2 };

	open_dialogue(&bench, 1, 2, everything, 1);
	serve_list(&bench, 2, 2, top, 1, 20);
	expect_request(&bench, STP_OP_READ);
	segments(&bench, record_bytes(2, 20), 20, 0, 9);
	/* Before the record was announced, and twice: neither counts. */
	stp_host_stored(bench.host, true, bench.now);
	answer_sent(&bench, STP_WIRE_SUCCESS, record_bytes(2, 20), 20);
	stp_host_stored(bench.host, true, bench.now);
	expect_record(&bench, 2, 20, STP_OK);
	stp_host_stored(bench.host, false, bench.now);
	stp_host_stored(bench.host, true, bench.now);
	serve_list(&bench, 1, 1, both, 1, 20);
	serve_record(&bench, 1, 20);
	expect_done(&bench);
}

static void
a_refused_or_lost_acknowledgement_is_survived(void **state)
{
	const uint32_t top[] = { 3 }, rest[] = { 1, 2 };

	open_dialogue(&bench, 1, 3, everything, 1);
	serve_list(&bench, 3, 3, top, 1, 20);
	expect_request(&bench, STP_OP_READ);
	segments(&bench, record_bytes(3, 20), 20, 0, 9);
	answer_sent(&bench, STP_WIRE_SUCCESS, record_bytes(3, 20), 20);
	expect_record(&bench, 3, 20, STP_OK);
	stp_host_stored(bench.host, true, bench.now);
	expect_request(&bench, STP_OP_ACK);
	answer_bare(&bench, STP_WIRE_NOT_COMPLETED);
	expect_note(&bench, STP_NOTE_ACK_REFUSED);
	assert_int_equal(bench.action.u.note.record, 3);
	assert_int_equal(bench.action.u.note.detail, STP_WIRE_NOT_COMPLETED);

	serve_list(&bench, 1, 2, rest, 2, 20);
	expect_request(&bench, STP_OP_READ);
	segments(&bench, record_bytes(1, 20), 20, 0, 9);
	answer_sent(&bench, STP_WIRE_SUCCESS, record_bytes(1, 20), 20);
	expect_record(&bench, 1, 20, STP_OK);
	stp_host_stored(bench.host, true, bench.now);
	expect_request(&bench, STP_OP_ACK);
	expire(&bench, 8000);
	expect_note(&bench, STP_NOTE_ACK_REFUSED);
	serve_record(&bench, 2, 20);
	expect_done(&bench);
}

static void
what_the_pen_never_heard_of_is_told_again(void **state)
{
	const struct stp_range held[] = { { 1, 4 }, { 6, 8 }, { 10, 20 } };
	struct stp_answer fields = { .u.state = { BENCH_EPOCH, 3, 20, 5, 90, 0 } };

	expect_request(&bench, STP_OP_HELLO);
	answer(&bench, STP_WIRE_SUCCESS, (struct stp_answer){ .u.hello = { 2, 1, 4 } });
	expect_request(&bench, STP_OP_GET_STATE);
	answer(&bench, STP_WIRE_SUCCESS, fields);
	expect(&bench, STP_HOST_READ_TIME);
	stp_host_time(bench.host, NULL, 0, 0, 0, bench.now);
	expect(&bench, STP_HOST_STATE);
	stp_host_held(bench.host, held, 3, bench.now);
	stp_host_want(bench.host, NULL, 0, bench.now);
	/* 1..4 lies below the mark. */
	expect_request(&bench, STP_OP_ACK);
	assert_true(bench.request.u.ack.from == 6 && bench.request.u.ack.to == 8);
	answer_bare(&bench, STP_WIRE_SUCCESS);
	expect_request(&bench, STP_OP_ACK);
	assert_true(bench.request.u.ack.from == 10 && bench.request.u.ack.to == 20);
	answer_bare(&bench, STP_WIRE_SUCCESS);
	expect_done(&bench);
}

static void
a_new_epoch_begins_anew(void **state)
{
	struct stp_answer fields = { .u.state = { BENCH_EPOCH + 1, 1, 1, 5, 90, 0 } };

	open_dialogue(&bench, 1, 9, everything, 1);
	for (int i = 0; i < 3; i++) {
		expect_request(&bench, STP_OP_LIST);
		answer_bare(&bench, STP_WIRE_WRONG_EPOCH);
		expect_request(&bench, STP_OP_GET_STATE);
		fields.u.state.epoch++;
		answer(&bench, STP_WIRE_SUCCESS, fields);
		expect(&bench, STP_HOST_READ_TIME);
		stp_host_time(bench.host, NULL, 0, 0, 0, bench.now);
		expect(&bench, STP_HOST_STATE);
		assert_int_equal(bench.action.u.state.epoch, fields.u.state.epoch);
		stp_host_want(bench.host, everything, 1, bench.now);
	}
	/* A pen that does so for ever is not followed. */
	expect_request(&bench, STP_OP_LIST);
	assert_int_equal(bench.request.u.list.epoch, fields.u.state.epoch);
	answer_bare(&bench, STP_WIRE_WRONG_EPOCH);
	expect_failed(&bench, STP_ERR_REFUSED, STP_OP_LIST, STP_WIRE_WRONG_EPOCH);
}

static void
a_pen_in_use_is_left_alone(void **state)
{
	open_dialogue(&bench, 1, 9, everything, 1);
	expect_request(&bench, STP_OP_LIST);
	answer_bare(&bench, STP_WIRE_BUSY);
	expect_failed(&bench, STP_ERR_REFUSED, STP_OP_LIST, STP_WIRE_BUSY);
}

static void
a_smaller_window_is_tried(void **state)
{
	open_dialogue(&bench, 1, 9, everything, 1);
	for (unsigned window = 8; window; window /= 2) {
		expect_request(&bench, STP_OP_LIST);
		assert_int_equal(bench.request.u.list.window, window);
		answer_bare(&bench, STP_WIRE_WINDOW_TOO_LARGE);
	}
	expect_failed(&bench, STP_ERR_REFUSED, STP_OP_LIST, STP_WIRE_WINDOW_TOO_LARGE);
}

static void
a_list_that_comes_badly_is_asked_for_in_smaller_pieces(void **state)
{
	const uint32_t top[] = { 30 }, numbers[] = { 1, 2 };
	uint8_t bytes[5 * STP_ENTRY_SIZE] = { 0 };

	open_dialogue(&bench, 1, 30, everything, 1);
	serve_list(&bench, 30, 30, top, 1, 20);
	serve_record(&bench, 30, 20);
	expect_request(&bench, STP_OP_LIST);
	assert_true(bench.request.u.list.from == 1 && bench.request.u.list.to == 10);
	/* One segment is missing. */
	segments(&bench, bytes, sizeof(bytes), 0, 3);
	segments(&bench, bytes, sizeof(bytes), 4, 99);
	answer_sent(&bench, STP_WIRE_SUCCESS, bytes, sizeof(bytes));
	expire(&bench, 300);
	expect_note(&bench, STP_NOTE_HOLE);
	serve_list(&bench, 1, 2, numbers, 2, 20);
	serve_record(&bench, 1, 20);
	serve_record(&bench, 2, 20);
	/* The next page is larger again. */
	expect_request(&bench, STP_OP_LIST);
	assert_true(bench.request.u.list.from == 3 && bench.request.u.list.to == 6);
	/* Bits were flipped on the way. */
	segments(&bench, bytes, 2 * STP_ENTRY_SIZE, 0, 99);
	bytes[5] ^= 1;
	answer_sent(&bench, STP_WIRE_SUCCESS, bytes, 2 * STP_ENTRY_SIZE);
	expect_note(&bench, STP_NOTE_RANGE_CRC);
	for (int i = 0; i < 3; i++) {
		expect_request(&bench, STP_OP_LIST);
		assert_true(bench.request.u.list.from == 3 && bench.request.u.list.to == 3);
		answer_sent(&bench, STP_WIRE_NOT_COMPLETED, bytes, 0);
	}
	/* That number cannot be had; the others can. */
	expect_given_up(&bench, 3, STP_ERR_REFUSED, STP_WIRE_NOT_COMPLETED);
	expect_request(&bench, STP_OP_LIST);
	assert_int_equal(bench.request.u.list.from, 4);
}

static void
lines_that_make_no_sense_are_left_out(void **state)
{
	const struct stp_range wanted[] = { { 1, 5 }, { 9, 9 } };
	const uint32_t top[] = { 9 };
	struct stp_entry entries[4] = { { .record = 2, .length = 20 }, { .record = 2, .length = 20 },
		{ .record = 99, .length = 20 }, { .record = 4, .length = 0 } };
	uint8_t bytes[4 * STP_ENTRY_SIZE];

	open_dialogue(&bench, 1, 9, wanted, 2);
	serve_list(&bench, 9, 9, top, 1, 20);
	serve_record(&bench, 9, 20);
	expect_request(&bench, STP_OP_LIST);
	entries[0].crc32c = stp_crc32c(0, record_bytes(2, 20), 16);
	for (unsigned i = 0; i < 4; i++)
		stp_entry_encode(&entries[i], bytes + i * STP_ENTRY_SIZE);
	segments(&bench, bytes, sizeof(bytes), 0, 99);
	answer_sent(&bench, STP_WIRE_SUCCESS, bytes, sizeof(bytes));
	expect_note(&bench, STP_NOTE_ENTRY_MALFORMED);
	expect(&bench, STP_HOST_LISTED);
	expect_given_up(&bench, 1, STP_ERR_MALFORMED, 0);
	serve_record(&bench, 2, 20);
	expect_given_up(&bench, 3, STP_ERR_MALFORMED, 0);
	expect_given_up(&bench, 4, STP_ERR_MALFORMED, 0);
	expect_given_up(&bench, 5, STP_ERR_MALFORMED, 0);
	expect_done(&bench);
}

static void
cancelling_ends_soon_and_cleanly(void **state)
{
	const uint32_t two[] = { 2 };

	/* Before anything happened. */
	stp_host_cancel(bench.host, bench.now);
	expect_done(&bench);
	host_bench_clear(&bench);

	/* While a stream runs. */
	host_bench_init(&bench, 0);
	open_dialogue(&bench, 1, 2, everything, 1);
	expect_request(&bench, STP_OP_LIST);
	stp_host_cancel(bench.host, bench.now);
	expect_request(&bench, STP_OP_ABORT);
	answer_bare(&bench, STP_WIRE_SUCCESS);
	expect_done(&bench);
	host_bench_clear(&bench);

	/* A pen that does not answer ABORT is not waited for twice. */
	host_bench_init(&bench, 0);
	open_dialogue(&bench, 1, 2, everything, 1);
	expect_request(&bench, STP_OP_LIST);
	stp_host_cancel(bench.host, bench.now);
	expect_request(&bench, STP_OP_ABORT);
	expire(&bench, 8000);
	expect_done(&bench);
	host_bench_clear(&bench);

	/* A record that is here is stored and acknowledged first. */
	host_bench_init(&bench, 0);
	open_dialogue(&bench, 1, 2, everything, 1);
	serve_list(&bench, 2, 2, two, 1, 20);
	expect_request(&bench, STP_OP_READ);
	segments(&bench, record_bytes(2, 20), 20, 0, 9);
	answer_sent(&bench, STP_WIRE_SUCCESS, record_bytes(2, 20), 20);
	stp_host_cancel(bench.host, bench.now);
	expect_record(&bench, 2, 20, STP_OK);
	stp_host_stored(bench.host, true, bench.now);
	expect_request(&bench, STP_OP_ACK);
	answer_bare(&bench, STP_WIRE_SUCCESS);
	expect_done(&bench);
	host_bench_clear(&bench);

	/* Nor is a new epoch looked into. */
	host_bench_init(&bench, 0);
	open_dialogue(&bench, 1, 2, everything, 1);
	serve_list(&bench, 2, 2, two, 1, 20);
	expect_request(&bench, STP_OP_READ);
	segments(&bench, record_bytes(2, 20), 20, 0, 9);
	answer_sent(&bench, STP_WIRE_SUCCESS, record_bytes(2, 20), 20);
	expect_record(&bench, 2, 20, STP_OK);
	stp_host_stored(bench.host, true, bench.now);
	expect_request(&bench, STP_OP_ACK);
	stp_host_cancel(bench.host, bench.now);
	answer_bare(&bench, STP_WIRE_WRONG_EPOCH);
	expect_done(&bench);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(newest_first_then_from_the_oldest_up),
		TEST(an_empty_log_or_no_wish_is_done_at_once),
		TEST(only_what_is_wanted_is_read),
		TEST(a_careless_wish_is_refused),
		TEST(the_time_becomes_an_anchor),
		TEST(without_a_time_it_goes_on),
		TEST(silence_is_waited_for_three_times),
		TEST(a_pen_that_falls_silent_ends_the_dialogue),
		TEST(answers_out_of_turn_are_noted_and_dropped),
		TEST(without_a_slot_it_reads_and_does_not_acknowledge),
		TEST(what_was_not_stored_is_not_acknowledged),
		TEST(a_refused_or_lost_acknowledgement_is_survived),
		TEST(what_the_pen_never_heard_of_is_told_again),
		TEST(a_new_epoch_begins_anew),
		TEST(a_pen_in_use_is_left_alone),
		TEST(a_smaller_window_is_tried),
		TEST(a_list_that_comes_badly_is_asked_for_in_smaller_pieces),
		TEST(lines_that_make_no_sense_are_left_out),
		TEST(cancelling_ends_soon_and_cleanly),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
