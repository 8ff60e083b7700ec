/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* What the list says of numbers that are gone, a slot that believes too much, and numbers that go back. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stipple/crc32c.h>

#include "host-bench.h"

#define LENGTH 20
#define SLOT 2

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

/* The LIST of from..to comes; these records are there, all from acknowledged on up marked so. */
static void
serve_marked_list(uint32_t from, uint32_t to, const uint32_t *numbers, size_t count, uint32_t acknowledged,
		  uint32_t oldest)
{
	uint8_t bytes[16 * STP_ENTRY_SIZE];
	uint32_t size = (uint32_t)count * STP_ENTRY_SIZE;

	expect_request(&bench, STP_OP_LIST);
	assert_int_equal(bench.request.u.list.from, from);
	assert_int_equal(bench.request.u.list.to, to);
	for (size_t i = 0; i < count; i++) {
		struct stp_entry entry = { .record = numbers[i],
			.type = 1,
			.flags = numbers[i] >= acknowledged ? STP_ENTRY_ACKNOWLEDGED : 0,
			.length = LENGTH,
			.crc32c = stp_crc32c(0, record_bytes(numbers[i], LENGTH), LENGTH - 4) };

		stp_entry_encode(&entry, bytes + i * STP_ENTRY_SIZE);
	}
	segments(&bench, bytes, size, 0, 99);
	answer(&bench, count ? STP_WIRE_SUCCESS : STP_WIRE_NO_RECORDS,
	       (struct stp_answer){ .u.sent = { size, stp_crc32c(0, bytes, size), oldest } });
}

static void
expect_listed(const uint32_t *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		expect(&bench, STP_HOST_LISTED);
		assert_int_equal(bench.action.u.entry.record, numbers[i]);
	}
}

/* Up to the wishes: oldest 1, newest 6; these are held and these wanted. */
static void
open_with(const struct stp_range *held, size_t held_count, const struct stp_range *wanted, size_t wanted_count)
{
	expect_request(&bench, STP_OP_HELLO);
	answer(&bench, STP_WIRE_SUCCESS, (struct stp_answer){ .u.hello = { SLOT, 1, 6 } });
	expect_request(&bench, STP_OP_GET_STATE);
	answer(&bench, STP_WIRE_SUCCESS, (struct stp_answer){ .u.state = { BENCH_EPOCH, 1, 6, 5, 90, 0 } });
	expect(&bench, STP_HOST_READ_TIME);
	stp_host_time(bench.host, NULL, 0, 0, 0, bench.now);
	expect(&bench, STP_HOST_STATE);
	stp_host_held(bench.host, held, held_count, bench.now);
	stp_host_want(bench.host, wanted, wanted_count, bench.now);
}

static void
expect_drop(void)
{
	expect_request(&bench, STP_OP_DROP_SLOT);
	assert_int_equal(bench.request.u.drop_slot.index, SLOT);
	assert_memory_equal(bench.request.u.drop_slot.name, "\1\2\3\4", STP_COLLECTOR_NAME_SIZE);
}

static void
expect_ack(uint32_t from, uint32_t to, uint8_t slot)
{
	expect_request(&bench, STP_OP_ACK);
	assert_int_equal(bench.request.u.ack.slot, slot);
	assert_int_equal(bench.request.u.ack.from, from);
	assert_int_equal(bench.request.u.ack.to, to);
	answer_bare(&bench, STP_WIRE_SUCCESS);
}

/* ---- numbers that are gone ---- */

static void
what_lies_below_the_oldest_was_overwritten(void **state)
{
	const uint32_t top[] = { 6 }, rest[] = { 3, 5 };

	open_dialogue(&bench, 1, 6, everything, 1);
	serve_marked_list(6, 6, top, 1, 99, 1);
	expect_listed(top, 1);
	serve_record(&bench, 6, LENGTH);
	/* The pen overwrote 1 and 2 since it told its state; 4 was never there, as far as it knows. */
	serve_marked_list(1, 5, rest, 2, 99, 3);
	expect_listed(rest, 2);
	expect_given_up(&bench, 1, STP_ERR_REFUSED, STP_WIRE_OVERWRITTEN);
	expect_given_up(&bench, 2, STP_ERR_REFUSED, STP_WIRE_OVERWRITTEN);
	serve_record(&bench, 3, LENGTH);
	expect_given_up(&bench, 4, STP_ERR_NOT_FOUND, 0);
	serve_record(&bench, 5, LENGTH);
	expect_done(&bench);
}

static void
a_list_without_any_record_tells_it_too(void **state)
{
	const struct stp_range wanted[] = { { 2, 3 } };

	open_dialogue(&bench, 1, 6, wanted, 1);
	serve_marked_list(3, 3, NULL, 0, 99, 3);
	expect_given_up(&bench, 3, STP_ERR_NOT_FOUND, 0);
	serve_marked_list(2, 2, NULL, 0, 99, 3);
	expect_given_up(&bench, 2, STP_ERR_REFUSED, STP_WIRE_OVERWRITTEN);
	expect_done(&bench);
}

static void
a_bare_refusal_tells_nothing(void **state)
{
	const struct stp_range wanted[] = { { 2, 3 } };

	open_dialogue(&bench, 1, 6, wanted, 1);
	serve_marked_list(3, 3, NULL, 0, 99, 9);
	expect_given_up(&bench, 3, STP_ERR_REFUSED, STP_WIRE_OVERWRITTEN);
	/* The page before knew an oldest; this one does not. */
	expect_request(&bench, STP_OP_LIST);
	stp_host_control(bench.host, (uint8_t[]){ 0x92, bench.request.token, STP_WIRE_NO_RECORDS }, 3, bench.now);
	expect_given_up(&bench, 2, STP_ERR_NOT_FOUND, 0);
	expect_done(&bench);
}

/* ---- a slot that believes too much ---- */

static void
a_restored_store_takes_its_slot_anew(void **state)
{
	const struct stp_range held[] = { { 1, 2 }, { 5, 5 } }, wanted[] = { { 3, 4 }, { 6, 6 } };
	const uint32_t top[] = { 6 }, rest[] = { 3, 4 };

	open_with(held, 2, wanted, 2);
	/* The backup is older than 6: the slot has it, and its mark says that so has 3. */
	serve_marked_list(6, 6, top, 1, 1, 1);
	expect_note(&bench, STP_NOTE_SLOT_AHEAD);
	assert_int_equal(bench.action.u.note.record, 6);
	expect_drop();
	answer_bare(&bench, STP_WIRE_SUCCESS);
	expect_request(&bench, STP_OP_HELLO);
	answer(&bench, STP_WIRE_SUCCESS, (struct stp_answer){ .u.hello = { 3, 0, 0 } });
	/* What is held is told once more, in the slot that it has now; then it goes on where it was. */
	expect_ack(1, 2, 3);
	expect_ack(5, 5, 3);
	expect_listed(top, 1);
	expect_request(&bench, STP_OP_READ);
	segments(&bench, record_bytes(6, LENGTH), LENGTH, 0, 9);
	answer_sent(&bench, STP_WIRE_SUCCESS, record_bytes(6, LENGTH), LENGTH);
	expect_record(&bench, 6, LENGTH, STP_OK);
	stp_host_stored(bench.host, true, bench.now);
	expect_ack(6, 6, 3);
	/* A pen that says so for ever is not followed. */
	serve_marked_list(3, 5, rest, 2, 1, 1);
	expect_listed(rest, 2);
}

static void
what_was_stored_before_is_told_again(void **state)
{
	const struct stp_range held[] = { { 1, 2 } }, wanted[] = { { 3, 6 } };
	const uint32_t top[] = { 6 }, rest[] = { 3, 4, 5 };

	open_with(held, 1, wanted, 1);
	serve_marked_list(6, 6, top, 1, 99, 1);
	expect_listed(top, 1);
	serve_record(&bench, 6, LENGTH);
	/* Only now it shows that the slot believes too much: with it goes what it knows of 6. */
	serve_marked_list(3, 5, rest, 3, 4, 1);
	expect_note(&bench, STP_NOTE_SLOT_AHEAD);
	expect_drop();
	answer_bare(&bench, STP_WIRE_SUCCESS);
	expect_request(&bench, STP_OP_HELLO);
	answer(&bench, STP_WIRE_SUCCESS, (struct stp_answer){ .u.hello = { SLOT, 1, 0 } });
	expect_ack(1, 2, SLOT);
	expect_ack(6, 6, SLOT);
	expect_listed(rest, 3);
	for (uint32_t number = 3; number <= 5; number++)
		serve_record(&bench, number, LENGTH);
	expect_done(&bench);
}

static void
what_is_held_may_be_acknowledged(void **state)
{
	/* 3 is fetched again although it is held; 4 is not acknowledged; 5 is not wanted. */
	const struct stp_range held[] = { { 1, 3 }, { 6, 6 } }, wanted[] = { { 3, 4 } };
	const uint32_t top[] = { 4 }, rest[] = { 3 };

	open_with(held, 2, wanted, 1);
	serve_marked_list(4, 4, top, 1, 5, 1);
	expect_listed(top, 1);
	serve_record(&bench, 4, LENGTH);
	serve_marked_list(3, 3, rest, 1, 1, 1);
	expect_listed(rest, 1);
	serve_record(&bench, 3, LENGTH);
	expect_done(&bench);
}

static void
what_nobody_wants_may_be_acknowledged(void **state)
{
	const struct stp_range wanted[] = { { 1, 1 }, { 3, 3 } };
	const uint32_t only[] = { 2 };

	open_with(NULL, 0, wanted, 2);
	serve_marked_list(3, 3, NULL, 0, 1, 1);
	expect_given_up(&bench, 3, STP_ERR_NOT_FOUND, 0);
	/* 2 lies between what is wanted: this collector gave it up long ago, or settled it otherwise. */
	serve_marked_list(1, 2, only, 1, 1, 1);
	expect_given_up(&bench, 1, STP_ERR_NOT_FOUND, 0);
	expect_done(&bench);
}

static void
a_pen_that_cannot_drop_is_read_all_the_same(void **state)
{
	const uint8_t refusals[] = { STP_WIRE_OP_NOT_SUPPORTED, STP_WIRE_NOT_CONFIRMED, STP_WIRE_NOT_COMPLETED };
	const uint32_t top[] = { 6 };

	for (size_t i = 0; i < sizeof(refusals); i++) {
		open_with(NULL, 0, &(struct stp_range){ 6, 6 }, 1);
		serve_marked_list(6, 6, top, 1, 1, 1);
		expect_note(&bench, STP_NOTE_SLOT_AHEAD);
		expect_drop();
		answer_bare(&bench, refusals[i]);
		expect_listed(top, 1);
		serve_record(&bench, 6, LENGTH);
		expect_done(&bench);
		host_bench_clear(&bench);
		host_bench_init(&bench, 0);
	}
}

static void
a_lost_answer_to_the_drop_is_cleared_up_by_hello(void **state)
{
	const uint32_t top[] = { 6 };

	open_with(NULL, 0, &(struct stp_range){ 6, 6 }, 1);
	serve_marked_list(6, 6, top, 1, 1, 1);
	expect_note(&bench, STP_NOTE_SLOT_AHEAD);
	expect_drop();
	expire(&bench, 8000);
	expect_request(&bench, STP_OP_HELLO);
	expire(&bench, 8000);
	expect_request(&bench, STP_OP_HELLO);
	answer(&bench, STP_WIRE_SUCCESS, (struct stp_answer){ .u.hello = { SLOT, 0, 0 } });
	expect_listed(top, 1);
	serve_record(&bench, 6, LENGTH);
	expect_done(&bench);
}

static void
without_a_slot_afterwards_it_reads_on(void **state)
{
	const uint8_t refusals[] = { STP_WIRE_SLOTS_FULL, STP_WIRE_NOT_COMPLETED };
	const enum stp_note notes[] = { STP_NOTE_SLOTS_FULL, STP_NOTE_ACK_REFUSED };
	const uint32_t top[] = { 6 };

	for (size_t i = 0; i < sizeof(refusals); i++) {
		open_with(NULL, 0, &(struct stp_range){ 6, 6 }, 1);
		serve_marked_list(6, 6, top, 1, 1, 1);
		expect_note(&bench, STP_NOTE_SLOT_AHEAD);
		expect_drop();
		answer_bare(&bench, STP_WIRE_SUCCESS);
		expect_request(&bench, STP_OP_HELLO);
		answer_bare(&bench, refusals[i]);
		expect_note(&bench, notes[i]);
		expect_listed(top, 1);
		expect_request(&bench, STP_OP_READ);
		segments(&bench, record_bytes(6, LENGTH), LENGTH, 0, 9);
		answer_sent(&bench, STP_WIRE_SUCCESS, record_bytes(6, LENGTH), LENGTH);
		expect_record(&bench, 6, LENGTH, STP_OK);
		stp_host_stored(bench.host, true, bench.now);
		expect_done(&bench);
		host_bench_clear(&bench);
		host_bench_init(&bench, 0);
	}
}

/* ---- numbers that go back ---- */

static void
what_is_held_above_the_newest_makes_nothing_held(void **state)
{
	const struct stp_range held[] = { { 1, 3 }, { 5, 9 } };
	const uint32_t top[] = { 6 }, rest[] = { 1, 2, 3, 4, 5 };

	open_with(held, 2, everything, 1);
	expect_note(&bench, STP_NOTE_LOG_WENT_BACK);
	assert_int_equal(bench.action.u.note.record, 9);
	assert_int_equal(bench.action.u.note.detail, 6);
	/* No ACK comes first: another record may lie under each of these numbers. */
	serve_marked_list(6, 6, top, 1, 99, 1);
	expect_listed(top, 1);
	serve_record(&bench, 6, LENGTH);
	serve_marked_list(1, 5, rest, 5, 99, 1);
	expect_listed(rest, 5);
	for (uint32_t number = 1; number <= 5; number++)
		serve_record(&bench, number, LENGTH);
	expect_done(&bench);
}

static void
the_slot_of_a_log_that_went_back_is_taken_anew(void **state)
{
	const struct stp_range held[] = { { 1, 9 } };
	const uint32_t top[] = { 6 };

	/* The slot survived what the log did not: it has 6, which is another record now. */
	open_with(held, 1, &(struct stp_range){ 6, 6 }, 1);
	expect_note(&bench, STP_NOTE_LOG_WENT_BACK);
	serve_marked_list(6, 6, top, 1, 1, 1);
	expect_drop();
	answer_bare(&bench, STP_WIRE_SUCCESS);
	expect_request(&bench, STP_OP_HELLO);
	answer(&bench, STP_WIRE_SUCCESS, (struct stp_answer){ .u.hello = { SLOT, 0, 0 } });
	expect_listed(top, 1);
	serve_record(&bench, 6, LENGTH);
	expect_done(&bench);
}

static void
what_is_held_up_to_the_newest_counts(void **state)
{
	const struct stp_range held[] = { { 1, 6 } };

	/* The newest itself is no number too many; and the slot knows it all. */
	open_with(held, 1, NULL, 0);
	expect_done(&bench);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(what_lies_below_the_oldest_was_overwritten),
		TEST(a_list_without_any_record_tells_it_too),
		TEST(a_bare_refusal_tells_nothing),
		TEST(a_restored_store_takes_its_slot_anew),
		TEST(what_was_stored_before_is_told_again),
		TEST(what_is_held_may_be_acknowledged),
		TEST(what_nobody_wants_may_be_acknowledged),
		TEST(a_pen_that_cannot_drop_is_read_all_the_same),
		TEST(a_lost_answer_to_the_drop_is_cleared_up_by_hello),
		TEST(without_a_slot_afterwards_it_reads_on),
		TEST(what_is_held_above_the_newest_makes_nothing_held),
		TEST(the_slot_of_a_log_that_went_back_is_taken_anew),
		TEST(what_is_held_up_to_the_newest_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
