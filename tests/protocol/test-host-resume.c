/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* A record of which some bytes are here already, and what a journal is told of one on its way. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stipple/crc32c.h>

#include "host-bench.h"

#define LENGTH 100	/* 7 segments */
#define HALF 48

static struct host_bench bench;
static const struct stp_range everything[] = { { 1, 1 } };
static uint8_t raw[LENGTH];

/* Up to BEGIN of record 1, which the pen has. */
static void
begin(uint32_t features)
{
	const uint32_t one[] = { 1 };

	host_bench_init(&bench, features);
	open_dialogue(&bench, 1, 1, everything, 1);
	serve_list(&bench, 1, 1, one, 1, LENGTH);
	memcpy(raw, record_bytes(1, LENGTH), LENGTH);
	expect(&bench, STP_HOST_BEGIN);
	assert_int_equal(bench.action.u.begin.entry.record, 1);
	assert_int_equal(bench.action.u.begin.entry.length, LENGTH);
	assert_int_equal(bench.action.u.begin.epoch, BENCH_EPOCH);
}

static int
set_up(void **state)
{
	begin(STP_FEATURE_HASH);
	return 0;
}

static int
tear_down(void **state)
{
	host_bench_clear(&bench);
	return 0;
}

static void
resume(size_t size)
{
	stp_host_resume(bench.host, raw, size, bench.now);
}

static void
expect_hash(uint32_t length)
{
	expect_request(&bench, STP_OP_HASH);
	assert_int_equal(bench.request.u.hash.epoch, BENCH_EPOCH);
	assert_int_equal(bench.request.u.hash.record, 1);
	assert_int_equal(bench.request.u.hash.offset, 0);
	assert_int_equal(bench.request.u.hash.length, length);
}

/* The pen's own bytes from 0 have this checksum. */
static void
answer_hash(uint8_t status, uint32_t length)
{
	answer(&bench, status,
	       (struct stp_answer){ .u.hash = { stp_crc32c(0, record_bytes(1, LENGTH), length) } });
}

static void
expect_read(uint32_t offset, uint32_t length)
{
	expect_request(&bench, STP_OP_READ);
	assert_int_equal(bench.request.u.read.record, 1);
	assert_int_equal(bench.request.u.read.offset, offset);
	assert_int_equal(bench.request.u.read.length, length);
}

/* The READ of the record's bytes from offset on comes and is served. */
static void
serve_read(uint32_t offset)
{
	const uint8_t *good = record_bytes(1, LENGTH);

	expect_read(offset, LENGTH - offset);
	segments(&bench, good + offset, LENGTH - offset, 0, 99);
	answer_sent(&bench, STP_WIRE_SUCCESS, good + offset, LENGTH - offset);
}

static void
expect_the_end(void)
{
	expect_record(&bench, 1, LENGTH, STP_OK);
	stp_host_stored(bench.host, true, bench.now);
	expect_request(&bench, STP_OP_ACK);
	answer_bare(&bench, STP_WIRE_SUCCESS);
	expect_done(&bench);
}

/* What a journal would be told; size 0: nothing. */
static void
assert_arrived(size_t size)
{
	struct stp_entry entry;
	uint32_t epoch;
	size_t arrived = 0;
	const uint8_t *bytes = stp_host_arrived(bench.host, &entry, &epoch, &arrived);

	assert_int_equal(arrived, size);
	assert_int_equal(bytes != NULL, size != 0);
	if (!size)
		return;
	assert_int_equal(entry.record, 1);
	assert_int_equal(epoch, BENCH_EPOCH);
	assert_memory_equal(bytes, record_bytes(1, LENGTH), size);
}

/* ---- resuming ---- */

static void
what_the_pen_confirms_is_not_read_again(void **state)
{
	struct stp_host_progress progress;

	resume(HALF);
	expect_hash(HALF);
	stp_host_get_progress(bench.host, &progress);
	assert_int_equal(progress.record_received, HALF);
	answer_hash(STP_WIRE_SUCCESS, HALF);
	serve_read(HALF);
	expect_the_end();
	stp_host_get_progress(bench.host, &progress);
	assert_int_equal(progress.bytes_received, STP_ENTRY_SIZE + LENGTH - HALF);
}

static void
without_bytes_nothing_is_asked_of_hash(void **state)
{
	resume(0);
	serve_read(0);
	expect_the_end();
}

static void
bytes_of_another_record_are_told_and_not_used(void **state)
{
	raw[3] ^= 1;
	resume(HALF);
	expect_hash(HALF);
	answer_hash(STP_WIRE_SUCCESS, HALF);
	expect_note(&bench, STP_NOTE_PARTIAL_DIFFERS);
	assert_int_equal(bench.action.u.note.record, 1);
	assert_int_equal(bench.action.u.note.detail, HALF);
	assert_arrived(0);
	serve_read(0);
	expect_the_end();
}

static void
more_bytes_than_the_record_has_are_another_ones(void **state)
{
	static const uint8_t longer[LENGTH + 1];

	stp_host_resume(bench.host, longer, sizeof(longer), bench.now);
	expect_note(&bench, STP_NOTE_PARTIAL_DIFFERS);
	assert_int_equal(bench.action.u.note.detail, LENGTH + 1);
	serve_read(0);
	expect_the_end();
}

static void
a_whole_sound_record_is_not_asked_for(void **state)
{
	resume(LENGTH);
	expect_the_end();
}

static void
a_whole_record_that_is_wrong_is_compared_first(void **state)
{
	raw[50] ^= 1;
	resume(LENGTH);
	expect_hash(LENGTH);
	answer_hash(STP_WIRE_SUCCESS, LENGTH);
	expect_note(&bench, STP_NOTE_PARTIAL_DIFFERS);
	serve_read(0);
	expect_the_end();
}

static void
a_whole_record_damaged_in_flash_is_not_read_once_more(void **state)
{
	raw[50] ^= 1;
	resume(LENGTH);
	expect_hash(LENGTH);
	answer(&bench, STP_WIRE_RECORD_CORRUPT,
	       (struct stp_answer){ .u.hash = { stp_crc32c(0, raw, LENGTH) } });
	expect_record(&bench, 1, LENGTH, STP_ERR_CRC);
	assert_memory_equal(bench.action.u.record.raw, raw, LENGTH);
	stp_host_stored(bench.host, true, bench.now);
	expect_done(&bench);
}

/* ---- without proof ---- */

static void
a_pen_without_hash_is_believed_to_the_end(void **state)
{
	host_bench_clear(&bench);
	begin(0);
	resume(HALF);
	serve_read(HALF);
	expect_the_end();
}

static void
a_wrong_start_that_nobody_could_check_is_found_in_the_end(void **state)
{
	host_bench_clear(&bench);
	begin(0);
	raw[3] ^= 1;
	resume(HALF);
	serve_read(HALF);
	expect_note(&bench, STP_NOTE_RANGE_CRC);
	assert_arrived(0);
	serve_read(0);
	expect_the_end();
}

static void
a_hash_that_is_not_supported_is_asked_for_once(void **state)
{
	const uint32_t two[] = { 2 }, one[] = { 1 };

	host_bench_clear(&bench);
	host_bench_init(&bench, STP_FEATURE_HASH);
	open_dialogue(&bench, 1, 2, (const struct stp_range[]){ { 1, 2 } }, 1);
	serve_list(&bench, 2, 2, two, 1, LENGTH);
	expect(&bench, STP_HOST_BEGIN);
	stp_host_resume(bench.host, record_bytes(2, LENGTH), HALF, bench.now);
	expect_request(&bench, STP_OP_HASH);
	answer_bare(&bench, STP_WIRE_OP_NOT_SUPPORTED);
	expect_request(&bench, STP_OP_READ);
	assert_int_equal(bench.request.u.read.offset, HALF);
	segments(&bench, record_bytes(2, LENGTH) + HALF, LENGTH - HALF, 0, 99);
	answer_sent(&bench, STP_WIRE_SUCCESS, record_bytes(2, LENGTH) + HALF, LENGTH - HALF);
	expect_record(&bench, 2, LENGTH, STP_OK);
	stp_host_stored(bench.host, false, bench.now);
	serve_list(&bench, 1, 1, one, 1, LENGTH);
	expect(&bench, STP_HOST_BEGIN);
	memcpy(raw, record_bytes(1, LENGTH), LENGTH);
	resume(HALF);
	serve_read(HALF);
	expect_the_end();
}

static void
a_hash_that_fails_or_is_lost_is_done_without(void **state)
{
	const uint8_t statuses[] = { STP_WIRE_NOT_COMPLETED, STP_WIRE_INVALID_OPERAND, STP_WIRE_WINDOW_TOO_LARGE,
		0x7F };

	for (size_t i = 0; i < sizeof(statuses); i++) {
		resume(HALF);
		expect_hash(HALF);
		answer_bare(&bench, statuses[i]);
		serve_read(HALF);
		expect_the_end();
		host_bench_clear(&bench);
		begin(STP_FEATURE_HASH);
	}
	resume(HALF);
	expect_hash(HALF);
	expire(&bench, 8000);
	expect_read(HALF, LENGTH - HALF);
	/* Its answer comes at last, with the wrong token by now. */
	bench.request.token--;
	bench.request.op = STP_OP_HASH;
	answer_hash(STP_WIRE_SUCCESS, HALF + 1);
	expect_note(&bench, STP_NOTE_ANSWER_OUT_OF_TURN);
	bench.request.token++;
	bench.request.op = STP_OP_READ;
	segments(&bench, raw + HALF, LENGTH - HALF, 0, 99);
	answer_sent(&bench, STP_WIRE_SUCCESS, raw + HALF, LENGTH - HALF);
	expect_the_end();
}

static void
a_record_gone_meanwhile_is_given_up(void **state)
{
	resume(HALF);
	expect_hash(HALF);
	answer_bare(&bench, STP_WIRE_OVERWRITTEN);
	expect_given_up(&bench, 1, STP_ERR_REFUSED, STP_WIRE_OVERWRITTEN);
	expect_done(&bench);
}

static void
a_motor_that_starts_ends_the_dialogue_here_too(void **state)
{
	resume(HALF);
	expect_hash(HALF);
	answer_bare(&bench, STP_WIRE_BUSY);
	expect_failed(&bench, STP_ERR_REFUSED, STP_OP_HASH, STP_WIRE_BUSY);
	assert_arrived(HALF);
}

static void
resuming_out_of_turn_changes_nothing(void **state)
{
	static const uint8_t zeros[HALF];

	expect_read(0, LENGTH);
	stp_host_resume(bench.host, zeros, sizeof(zeros), bench.now);
	segments(&bench, raw, LENGTH, 0, 99);
	answer_sent(&bench, STP_WIRE_SUCCESS, raw, LENGTH);
	expect_the_end();
}

static void
cancelling_before_the_record_is_read_is_done_at_once(void **state)
{
	stp_host_cancel(bench.host, bench.now);
	expect_done(&bench);
	host_bench_clear(&bench);
	begin(STP_FEATURE_HASH);
	resume(HALF);
	expect_hash(HALF);
	stp_host_cancel(bench.host, bench.now);
	expect_done(&bench);
	assert_arrived(HALF);
}

/* ---- for a journal ---- */

static void
what_arrived_is_told_without_its_holes(void **state)
{
	assert_arrived(0);
	expect_read(0, LENGTH);
	segments(&bench, raw, LENGTH, 0, 2);
	assert_arrived(32);
	segments(&bench, raw, LENGTH, 3, 5);
	assert_arrived(32);
	segments(&bench, raw, LENGTH, 5, 7);
	answer_sent(&bench, STP_WIRE_SUCCESS, raw, LENGTH);
	expire(&bench, 300);
	expect_note(&bench, STP_NOTE_HOLE);
	expect_read(32, 16);
	segment(&bench, raw + 32, 16, 0);
	assert_arrived(LENGTH);
	answer_sent(&bench, STP_WIRE_SUCCESS, raw + 32, 16);
	expect_record(&bench, 1, LENGTH, STP_OK);
	assert_arrived(LENGTH);
	stp_host_stored(bench.host, true, bench.now);
	assert_arrived(0);
}

static void
what_arrived_wrong_is_taken_back(void **state)
{
	uint8_t flipped[LENGTH];

	resume(16);
	expect_hash(16);
	answer_hash(STP_WIRE_SUCCESS, 16);
	expect_read(16, LENGTH - 16);
	memcpy(flipped, raw, LENGTH);
	flipped[60] ^= 1;
	segments(&bench, flipped + 16, LENGTH - 16, 0, 99);
	answer_sent(&bench, STP_WIRE_SUCCESS, raw + 16, LENGTH - 16);
	expect_note(&bench, STP_NOTE_RANGE_CRC);
	assert_arrived(16);
	expect_note(&bench, STP_NOTE_HOLE);
	serve_read(16);
	expect_the_end();
}

static void
a_refusal_half_way_takes_back_what_is_wrong(void **state)
{
	uint8_t flipped[LENGTH];

	expect_read(0, LENGTH);
	segments(&bench, raw, LENGTH, 0, 3);
	answer_sent(&bench, STP_WIRE_BUSY, raw, 48);
	expect_failed(&bench, STP_ERR_REFUSED, STP_OP_READ, STP_WIRE_BUSY);
	assert_arrived(48);
	host_bench_clear(&bench);

	begin(0);
	expect_read(0, LENGTH);
	memcpy(flipped, raw, LENGTH);
	flipped[20] ^= 1;
	segments(&bench, flipped, LENGTH, 0, 3);
	answer_sent(&bench, STP_WIRE_BUSY, raw, 48);
	expect_note(&bench, STP_NOTE_RANGE_CRC);
	expect_failed(&bench, STP_ERR_REFUSED, STP_OP_READ, STP_WIRE_BUSY);
	assert_arrived(0);
}

static void
a_new_epoch_has_nothing_of_it(void **state)
{
	resume(HALF);
	expect_hash(HALF);
	answer_bare(&bench, STP_WIRE_WRONG_EPOCH);
	expect_request(&bench, STP_OP_GET_STATE);
	assert_arrived(0);
}

/* ---- leaving out ---- */

static void
what_is_left_out_is_neither_read_nor_acknowledged(void **state)
{
	struct stp_host_progress progress;

	stp_host_skip(bench.host, false, bench.now);
	expect_done(&bench);
	stp_host_get_progress(bench.host, &progress);
	assert_int_equal(progress.records_done, 1);
	assert_int_equal(progress.bytes_received, STP_ENTRY_SIZE);
}

static void
what_is_left_out_as_durable_is_acknowledged(void **state)
{
	stp_host_skip(bench.host, true, bench.now);
	expect_request(&bench, STP_OP_ACK);
	assert_int_equal(bench.request.u.ack.from, 1);
	assert_int_equal(bench.request.u.ack.to, 1);
	answer_bare(&bench, STP_WIRE_SUCCESS);
	expect_done(&bench);
}

static void
leaving_out_at_another_time_changes_nothing(void **state)
{
	expect_read(0, LENGTH);
	stp_host_skip(bench.host, true, bench.now);
	segments(&bench, raw, LENGTH, 0, 99);
	answer_sent(&bench, STP_WIRE_SUCCESS, raw, LENGTH);
	expect_the_end();
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(what_the_pen_confirms_is_not_read_again),
		TEST(without_bytes_nothing_is_asked_of_hash),
		TEST(bytes_of_another_record_are_told_and_not_used),
		TEST(more_bytes_than_the_record_has_are_another_ones),
		TEST(a_whole_sound_record_is_not_asked_for),
		TEST(a_whole_record_that_is_wrong_is_compared_first),
		TEST(a_whole_record_damaged_in_flash_is_not_read_once_more),
		TEST(a_pen_without_hash_is_believed_to_the_end),
		TEST(a_wrong_start_that_nobody_could_check_is_found_in_the_end),
		TEST(a_hash_that_is_not_supported_is_asked_for_once),
		TEST(a_hash_that_fails_or_is_lost_is_done_without),
		TEST(a_record_gone_meanwhile_is_given_up),
		TEST(a_motor_that_starts_ends_the_dialogue_here_too),
		TEST(resuming_out_of_turn_changes_nothing),
		TEST(cancelling_before_the_record_is_read_is_done_at_once),
		TEST(what_arrived_is_told_without_its_holes),
		TEST(what_arrived_wrong_is_taken_back),
		TEST(a_refusal_half_way_takes_back_what_is_wrong),
		TEST(a_new_epoch_has_nothing_of_it),
		TEST(what_is_left_out_is_neither_read_nor_acknowledged),
		TEST(what_is_left_out_as_durable_is_acknowledged),
		TEST(leaving_out_at_another_time_changes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
