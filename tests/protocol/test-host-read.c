/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* One record on its way to the host: lost, late, doubled and damaged segments. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "host-bench.h"

#define LENGTH 1600	/* 100 segments */

static struct host_bench bench;
static const struct stp_range everything[] = { { 1, 1 } };
static uint8_t raw[LENGTH];

/* Up to the READ of record 1. */
static int
set_up(void **state)
{
	const uint32_t one[] = { 1 };

	host_bench_init(&bench, 0);
	open_dialogue(&bench, 1, 1, everything, 1);
	serve_list(&bench, 1, 1, one, 1, LENGTH);
	memcpy(raw, record_bytes(1, LENGTH), LENGTH);
	expect_request(&bench, STP_OP_READ);
	return 0;
}

static int
tear_down(void **state)
{
	host_bench_clear(&bench);
	return 0;
}

static unsigned
take_credits(void)
{
	struct stp_request credit;
	unsigned sum = 0;

	for (;;) {
		stp_host_poll(bench.host, &bench.action);
		if (bench.action.kind != STP_HOST_WRITE_COMMAND)
			break;
		assert_int_equal(stp_request_decode(bench.action.u.write.bytes, bench.action.u.write.size,
						    &credit),
				 STP_OK);
		assert_int_equal(credit.op, STP_OP_CREDIT);
		assert_int_equal(credit.token, bench.request.token);
		sum += credit.u.credit.segments;
	}
	assert_int_equal(bench.action.kind, STP_HOST_IDLE);
	return sum;
}

/* Segments from..to-1 of raw, credits taken on the way. */
static void
stream(uint32_t from, uint32_t to)
{
	for (uint32_t i = from; i < to; i++) {
		segment(&bench, raw, LENGTH, i);
		take_credits();
	}
}

static void
expect_read(uint32_t offset, uint32_t length)
{
	expect_request(&bench, STP_OP_READ);
	assert_int_equal(bench.request.u.read.record, 1);
	assert_int_equal(bench.request.u.read.offset, offset);
	assert_int_equal(bench.request.u.read.length, length);
}

static void
expect_the_end(enum stp_status integrity)
{
	expect_record(&bench, 1, LENGTH, integrity);
	stp_host_stored(bench.host, true, bench.now);
	if (integrity == STP_OK) {
		expect_request(&bench, STP_OP_ACK);
		answer_bare(&bench, STP_WIRE_SUCCESS);
	}
	expect_done(&bench);
}

static void
credits_follow_what_the_pen_has_sent(void **state)
{
	/* Half of the window of 8, then 4 more each time. */
	for (uint32_t i = 0; i < 3; i++) {
		segment(&bench, raw, LENGTH, i);
		assert_int_equal(take_credits(), 0);
	}
	segment(&bench, raw, LENGTH, 3);
	assert_int_equal(take_credits(), 4);
	assert_int_equal(take_credits(), 0);
	/* 4 to 9 got lost: their credits come back with the next. */
	segment(&bench, raw, LENGTH, 10);
	assert_int_equal(take_credits(), 7);
	/* A straggler was counted already. */
	segment(&bench, raw, LENGTH, 5);
	assert_int_equal(take_credits(), 0);
	/* The very last ones need no more. */
	stream(11, 96);
	for (uint32_t i = 96; i < 100; i++) {
		segment(&bench, raw, LENGTH, i);
		assert_int_equal(take_credits(), 0);
	}
}

static void
a_lost_tail_of_any_length_gives_its_credits_back(void **state)
{
	stream(0, 5);
	/* More than the counter can tell apart. */
	segment(&bench, raw, LENGTH, 90);
	expect_note(&bench, STP_NOTE_SEGMENT_BEYOND);
	take_credits();
	stream(91, 100);
	answer_sent(&bench, STP_WIRE_SUCCESS, raw, LENGTH);
	expire(&bench, 300);
	expect_note(&bench, STP_NOTE_HOLE);
	expect_read(80, 85 * 16);
}

static void
an_answer_may_overtake_its_segments(void **state)
{
	stream(0, 97);
	answer_sent(&bench, STP_WIRE_SUCCESS, raw, LENGTH);
	expect(&bench, STP_HOST_IDLE);
	stream(97, 99);
	segment(&bench, raw, LENGTH, 99);
	expect_the_end(STP_OK);
}

static void
only_the_holes_are_read_again(void **state)
{
	stream(0, 10);
	stream(12, 50);
	stream(51, 100);
	answer_sent(&bench, STP_WIRE_SUCCESS, raw, LENGTH);
	expire(&bench, 300);
	expect_note(&bench, STP_NOTE_HOLE);
	assert_int_equal(bench.action.u.note.detail, 160);
	expect_read(160, 32);
	segments(&bench, raw + 160, 32, 0, 2);
	answer_sent(&bench, STP_WIRE_SUCCESS, raw + 160, 32);
	expect_note(&bench, STP_NOTE_HOLE);
	expect_read(800, 16);
	segments(&bench, raw + 800, 16, 0, 1);
	answer_sent(&bench, STP_WIRE_SUCCESS, raw + 800, 16);
	expect_the_end(STP_OK);
}

static void
a_stalled_stream_is_taken_up_where_it_stopped(void **state)
{
	stream(0, 40);
	expire(&bench, 3000);
	expect_note(&bench, STP_NOTE_HOLE);
	expect_read(640, LENGTH - 640);
	segment(&bench, raw + 640, LENGTH - 640, 0);
	/* The answer to the first READ comes at last: stale. */
	bench.request.token--;
	answer_sent(&bench, STP_WIRE_SUCCESS, raw, LENGTH);
	segment(&bench, raw, LENGTH, 41);
	bench.request.token++;
	expect_note(&bench, STP_NOTE_ANSWER_OUT_OF_TURN);
	expect_note(&bench, STP_NOTE_SEGMENT_STALE);
	for (uint32_t i = 1; i < 60; i++) {
		segment(&bench, raw + 640, LENGTH - 640, i);
		take_credits();
	}
	answer_sent(&bench, STP_WIRE_SUCCESS, raw + 640, LENGTH - 640);
	expect_the_end(STP_OK);
}

static void
repetitions_buy_no_time(void **state)
{
	uint64_t deadline;

	stream(0, 2);
	deadline = stp_host_deadline(bench.host);
	for (int i = 0; i < 50; i++)
		segment(&bench, raw, LENGTH, 1);
	assert_true(stp_host_deadline(bench.host) == deadline);
}

static void
bytes_that_did_not_come_as_sent_are_thrown_away(void **state)
{
	uint8_t flipped[LENGTH];

	memcpy(flipped, raw, LENGTH);
	flipped[777] ^= 4;
	for (uint32_t i = 0; i < 100; i++) {
		segment(&bench, flipped, LENGTH, i);
		take_credits();
	}
	answer_sent(&bench, STP_WIRE_SUCCESS, raw, LENGTH);
	expect_note(&bench, STP_NOTE_RANGE_CRC);
	expect_read(0, LENGTH);
	stream(0, 100);
	answer_sent(&bench, STP_WIRE_SUCCESS, raw, LENGTH);
	expect_the_end(STP_OK);
}

static void
what_never_comes_as_sent_is_given_up(void **state)
{
	uint8_t flipped[LENGTH];

	memcpy(flipped, raw, LENGTH);
	flipped[777] ^= 4;
	for (int tries = 0; tries < 3; tries++) {
		if (tries)
			expect_read(0, LENGTH);
		for (uint32_t i = 0; i < 100; i++) {
			segment(&bench, flipped, LENGTH, i);
			take_credits();
		}
		answer_sent(&bench, STP_WIRE_SUCCESS, raw, LENGTH);
		expect_note(&bench, STP_NOTE_RANGE_CRC);
	}
	expect_given_up(&bench, 1, STP_ERR_CRC, 0);
	expect_done(&bench);
}

static void
damage_among_holes_is_found_in_the_end(void **state)
{
	uint8_t flipped[LENGTH];

	memcpy(flipped, raw, LENGTH);
	flipped[777] ^= 4;
	for (uint32_t i = 1; i < 100; i++) {
		segment(&bench, flipped, LENGTH, i);
		take_credits();
	}
	answer_sent(&bench, STP_WIRE_SUCCESS, raw, LENGTH);
	expire(&bench, 300);
	expect_note(&bench, STP_NOTE_HOLE);
	expect_read(0, 16);
	segments(&bench, raw, 16, 0, 1);
	answer_sent(&bench, STP_WIRE_SUCCESS, raw, 16);
	expect_note(&bench, STP_NOTE_RANGE_CRC);
	expect_read(0, LENGTH);
	stream(0, 100);
	answer_sent(&bench, STP_WIRE_SUCCESS, raw, LENGTH);
	expect_the_end(STP_OK);
}

static void
without_an_answer_the_records_own_checksum_decides(void **state)
{
	stream(0, 100);
	expire(&bench, 3000);
	expect_the_end(STP_OK);
}

static void
a_record_damaged_in_flash_is_read_twice_and_kept(void **state)
{
	raw[100] ^= 1;
	stream(0, 100);
	answer_sent(&bench, STP_WIRE_SUCCESS, raw, LENGTH);
	expect_read(0, LENGTH);
	stream(0, 100);
	answer_sent(&bench, STP_WIRE_SUCCESS, raw, LENGTH);
	expect_record(&bench, 1, LENGTH, STP_ERR_CRC);
	assert_memory_equal(bench.action.u.record.raw, raw, LENGTH);
	/* Stored it may be; acknowledged it never is. */
	stp_host_stored(bench.host, true, bench.now);
	expect_done(&bench);
}

static void
a_flash_misread_once_is_read_well_the_second_time(void **state)
{
	raw[100] ^= 1;
	stream(0, 100);
	answer_sent(&bench, STP_WIRE_SUCCESS, raw, LENGTH);
	raw[100] ^= 1;
	expect_read(0, LENGTH);
	stream(0, 100);
	answer_sent(&bench, STP_WIRE_SUCCESS, raw, LENGTH);
	expect_the_end(STP_OK);
}

static void
a_record_the_pen_calls_damaged_is_read_once(void **state)
{
	raw[100] ^= 1;
	stream(0, 100);
	answer_sent(&bench, STP_WIRE_RECORD_CORRUPT, raw, LENGTH);
	expect_the_end(STP_ERR_CRC);
}

static void
another_record_than_was_listed_is_not_taken_for_it(void **state)
{
	/* Sound in itself, of the same length. */
	for (int i = 0; i < 2; i++) {
		memcpy(raw, record_bytes(2, LENGTH), LENGTH);
		if (i)
			expect_read(0, LENGTH);
		stream(0, 100);
		answer_sent(&bench, STP_WIRE_SUCCESS, raw, LENGTH);
	}
	expect_the_end(STP_ERR_CRC);
}

static void
a_flash_that_fails_half_way_is_read_as_far_as_it_goes(void **state)
{
	stream(0, 50);
	answer_sent(&bench, STP_WIRE_NOT_COMPLETED, raw, 800);
	expect_note(&bench, STP_NOTE_HOLE);
	for (int i = 0; i < 3; i++) {
		expect_read(800, 800);
		answer_sent(&bench, STP_WIRE_NOT_COMPLETED, raw, 0);
		if (i < 2)
			expect_note(&bench, STP_NOTE_HOLE);
	}
	expect_given_up(&bench, 1, STP_ERR_REFUSED, STP_WIRE_NOT_COMPLETED);
	expect_done(&bench);
}

static void
a_record_overwritten_meanwhile_is_given_up(void **state)
{
	stream(0, 50);
	answer_sent(&bench, STP_WIRE_OVERWRITTEN, raw, 800);
	expect_given_up(&bench, 1, STP_ERR_REFUSED, STP_WIRE_OVERWRITTEN);
	expect_done(&bench);
}

static void
an_unknown_refusal_concerns_one_record(void **state)
{
	answer_bare(&bench, 0x7F);
	expect_given_up(&bench, 1, STP_ERR_REFUSED, 0x7F);
	expect_done(&bench);
}

static void
a_motor_that_starts_ends_the_dialogue(void **state)
{
	stream(0, 50);
	answer_sent(&bench, STP_WIRE_BUSY, raw, 800);
	expect_failed(&bench, STP_ERR_REFUSED, STP_OP_READ, STP_WIRE_BUSY);
}

static void
a_pen_that_lies_about_what_it_sent_is_not_believed(void **state)
{
	/* More than was asked for. */
	stream(0, 50);
	answer(&bench, STP_WIRE_SUCCESS, (struct stp_answer){ .u.sent = { LENGTH + 1, 0 } });
	expect_note(&bench, STP_NOTE_ANSWER_MALFORMED);
	/* Success with less than was asked for, however sound: it answers another READ. */
	expect_read(0, LENGTH);
	stream(0, 50);
	answer_sent(&bench, STP_WIRE_SUCCESS, raw, 50);
	expect_note(&bench, STP_NOTE_ANSWER_MALFORMED);
	/* Success, and nothing sent. */
	expect_read(0, LENGTH);
	answer_sent(&bench, STP_WIRE_SUCCESS, raw, 0);
	expect_note(&bench, STP_NOTE_ANSWER_MALFORMED);
	expect_given_up(&bench, 1, STP_ERR_CRC, 0);
	expect_done(&bench);
}

static void
odd_segments_are_noted_and_harmless(void **state)
{
	uint8_t other[LENGTH + 32];

	memset(other, 0xEE, sizeof(other));
	stream(0, 20);
	/* Past the end. */
	segment(&bench, other, LENGTH + 32, 100);
	expect_note(&bench, STP_NOTE_SEGMENT_BEYOND);
	/* A byte that came before, with another value: the first stays, the checksum decides. */
	segment(&bench, other, LENGTH, 3);
	expect_note(&bench, STP_NOTE_SEGMENT_CONFLICT);
	stream(20, 100);
	answer_sent(&bench, STP_WIRE_SUCCESS, raw, LENGTH);
	expect_the_end(STP_OK);
}

static void
silence_in_a_read_ends_the_dialogue(void **state)
{
	expire(&bench, 8000);
	expect_read(0, LENGTH);
	expire(&bench, 8000);
	expect_read(0, LENGTH);
	expire(&bench, 8000);
	expect_failed(&bench, STP_ERR_TIMEOUT, STP_OP_READ, 0);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(credits_follow_what_the_pen_has_sent),
		TEST(a_lost_tail_of_any_length_gives_its_credits_back),
		TEST(an_answer_may_overtake_its_segments),
		TEST(only_the_holes_are_read_again),
		TEST(a_stalled_stream_is_taken_up_where_it_stopped),
		TEST(repetitions_buy_no_time),
		TEST(bytes_that_did_not_come_as_sent_are_thrown_away),
		TEST(what_never_comes_as_sent_is_given_up),
		TEST(damage_among_holes_is_found_in_the_end),
		TEST(without_an_answer_the_records_own_checksum_decides),
		TEST(a_record_damaged_in_flash_is_read_twice_and_kept),
		TEST(a_flash_misread_once_is_read_well_the_second_time),
		TEST(a_record_the_pen_calls_damaged_is_read_once),
		TEST(another_record_than_was_listed_is_not_taken_for_it),
		TEST(a_flash_that_fails_half_way_is_read_as_far_as_it_goes),
		TEST(a_record_overwritten_meanwhile_is_given_up),
		TEST(an_unknown_refusal_concerns_one_record),
		TEST(a_motor_that_starts_ends_the_dialogue),
		TEST(a_pen_that_lies_about_what_it_sent_is_not_believed),
		TEST(odd_segments_are_noted_and_harmless),
		TEST(silence_in_a_read_ends_the_dialogue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
