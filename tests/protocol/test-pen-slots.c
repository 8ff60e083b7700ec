/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* What a pen keeps of its collectors: slots, marks, ranges. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pen-bench.h"

static struct pen_bench bench;

static int
tear_down(void **state)
{
	pen_bench_clear(&bench);
	return 0;
}

static void
a_collector_keeps_its_slot(void **state)
{
	pen_bench_init(&bench, 3, 50, 23);
	assert_int_equal(pen_bench_hello(&bench, 'a'), STP_WIRE_SUCCESS);
	assert_int_equal(bench.answer.u.hello.slot, 0);
	assert_int_equal(bench.answer.u.hello.slots_free, 3);
	assert_int_equal(bench.answer.u.hello.mark, 0);
	assert_int_equal(bench.flash.saves, 1);
	assert_int_equal(pen_bench_hello(&bench, 'b'), STP_WIRE_SUCCESS);
	assert_int_equal(bench.answer.u.hello.slot, 1);
	assert_int_equal(pen_bench_ack(&bench, 1, 1, 2), STP_WIRE_SUCCESS);

	pen_bench_restart(&bench);
	assert_int_equal(pen_bench_hello(&bench, 'b'), STP_WIRE_SUCCESS);
	assert_int_equal(bench.answer.u.hello.slot, 1);
	assert_int_equal(bench.answer.u.hello.slots_free, 2);
	assert_int_equal(bench.answer.u.hello.mark, 2);
	/* Who is known costs no flash. */
	assert_int_equal(bench.flash.saves, 3);
}

static void
the_fifth_collector_reads_without_a_slot(void **state)
{
	struct stp_request request = read_request(1, 0, 50);

	pen_bench_init(&bench, 3, 50, 23);
	for (char id = 'a'; id < 'e'; id++)
		assert_int_equal(pen_bench_hello(&bench, id), STP_WIRE_SUCCESS);
	assert_int_equal(pen_bench_hello(&bench, 'e'), STP_WIRE_SLOTS_FULL);
	assert_int_equal(pen_bench_ask(&bench, &request), STP_WIRE_SUCCESS);
	/* Nor does it get at a slot of the others, the one greeted last included. */
	for (uint8_t slot = 0; slot < STP_PEN_SLOTS; slot++)
		assert_int_equal(pen_bench_ack(&bench, slot, 1, 1), STP_WIRE_NOT_AUTHORISED);
	assert_int_equal(pen_bench_ack(&bench, 0xFF, 1, 1), STP_WIRE_NOT_AUTHORISED);
}

static void
what_could_not_be_kept_is_not_promised(void **state)
{
	pen_bench_init(&bench, 3, 50, 23);
	bench.flash.save_fails = true;
	assert_int_equal(pen_bench_hello(&bench, 'a'), STP_WIRE_NOT_COMPLETED);
	assert_false(bench.pen.slots[0].used);
	bench.flash.save_fails = false;
	assert_int_equal(pen_bench_hello(&bench, 'a'), STP_WIRE_SUCCESS);

	bench.flash.save_fails = true;
	assert_int_equal(pen_bench_ack(&bench, 0, 1, 3), STP_WIRE_NOT_COMPLETED);
	assert_int_equal(bench.pen.slots[0].mark, 0);
	assert_int_equal(stp_pen_slots_with_news(&bench.pen), 1);
}

static void
what_is_kept_is_not_written_again(void **state)
{
	pen_bench_init(&bench, 9, 50, 23);
	assert_int_equal(pen_bench_hello(&bench, 'a'), STP_WIRE_SUCCESS);
	assert_int_equal(pen_bench_ack(&bench, 0, 1, 3), STP_WIRE_SUCCESS);
	assert_int_equal(pen_bench_ack(&bench, 0, 6, 7), STP_WIRE_SUCCESS);
	assert_int_equal(bench.flash.saves, 3);
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(pen_bench_ack(&bench, 0, 1, 3), STP_WIRE_SUCCESS);
		assert_int_equal(pen_bench_ack(&bench, 0, 2, 2), STP_WIRE_SUCCESS);
		assert_int_equal(pen_bench_ack(&bench, 0, 6, 7), STP_WIRE_SUCCESS);
	}
	assert_int_equal(bench.flash.saves, 3);

	/* After a failure it is not known what is kept: then the same is written once more. */
	bench.flash.save_fails = true;
	assert_int_equal(pen_bench_ack(&bench, 0, 9, 9), STP_WIRE_NOT_COMPLETED);
	bench.flash.save_fails = false;
	assert_int_equal(pen_bench_ack(&bench, 0, 1, 3), STP_WIRE_SUCCESS);
	assert_int_equal(bench.flash.saves, 4);
	assert_int_equal(pen_bench_ack(&bench, 0, 1, 3), STP_WIRE_SUCCESS);
	assert_int_equal(bench.flash.saves, 4);
	/* In a new epoch the same numbers are others. */
	bench.flash.state.epoch++;
	bench.flash.state.newest = 3;
	{
		struct stp_request ack = { .op = STP_OP_ACK, .token = 9,
			.u.ack = { .slot = 0, .epoch = bench.flash.state.epoch, .from = 1, .to = 3 } };

		assert_int_equal(pen_bench_ask(&bench, &ack), STP_WIRE_SUCCESS);
	}
	assert_int_equal(bench.flash.saves, 5);
}

static void
only_what_was_written_is_acknowledged(void **state)
{
	struct stp_request ack = { .op = STP_OP_ACK, .token = 2, .u.ack = { 0, BENCH_EPOCH + 1, 1, 1 } };

	pen_bench_init(&bench, 3, 50, 23);
	assert_int_equal(pen_bench_ack(&bench, 0, 1, 1), STP_WIRE_NOT_AUTHORISED);
	assert_int_equal(pen_bench_hello(&bench, 'a'), STP_WIRE_SUCCESS);
	assert_int_equal(pen_bench_ack(&bench, 0, 1, 4), STP_WIRE_INVALID_OPERAND);
	assert_int_equal(pen_bench_ack(&bench, 0, 1, UINT32_MAX), STP_WIRE_INVALID_OPERAND);
	assert_int_equal(pen_bench_ask(&bench, &ack), STP_WIRE_WRONG_EPOCH);
	assert_int_equal(bench.pen.slots[0].mark, 0);
	/* The greeting of an earlier link counts for nothing. */
	stp_pen_disconnected(&bench.pen);
	stp_pen_connected(&bench.pen, 23);
	assert_int_equal(pen_bench_ack(&bench, 0, 1, 1), STP_WIRE_NOT_AUTHORISED);
}

static void
ranges_become_the_mark(void **state)
{
	const struct stp_pen_slot *slot = &bench.pen.slots[0];

	pen_bench_init(&bench, 10, 50, 23);
	assert_int_equal(pen_bench_hello(&bench, 'a'), STP_WIRE_SUCCESS);
	assert_int_equal(pen_bench_ack(&bench, 0, 10, 10), STP_WIRE_SUCCESS);
	assert_int_equal(bench.answer.u.ack.ranges_free, 7);
	assert_int_equal(pen_bench_ack(&bench, 0, 1, 2), STP_WIRE_SUCCESS);
	assert_true(slot->mark == 2 && slot->range_count == 1);
	assert_int_equal(pen_bench_ack(&bench, 0, 4, 9), STP_WIRE_SUCCESS);
	assert_true(slot->mark == 2 && slot->range_count == 1);
	assert_int_equal(stp_pen_slots_with_news(&bench.pen), 1);
	assert_int_equal(pen_bench_ack(&bench, 0, 3, 3), STP_WIRE_SUCCESS);
	assert_true(slot->mark == 10 && slot->range_count == 0);
	assert_int_equal(bench.answer.u.ack.ranges_free, 8);
	assert_int_equal(stp_pen_slots_with_news(&bench.pen), 0);
	/* Once more, and below: nothing changes. */
	assert_int_equal(pen_bench_ack(&bench, 0, 1, 5), STP_WIRE_SUCCESS);
	assert_true(slot->mark == 10 && slot->range_count == 0);
}

static void
the_ninth_range_costs_the_highest(void **state)
{
	const struct stp_pen_slot *slot = &bench.pen.slots[0];

	pen_bench_init(&bench, 40, 50, 23);
	assert_int_equal(pen_bench_hello(&bench, 'a'), STP_WIRE_SUCCESS);
	for (uint32_t i = 0; i < 8; i++)
		assert_int_equal(pen_bench_ack(&bench, 0, 40 - 2 * i, 40 - 2 * i), STP_WIRE_SUCCESS);
	assert_int_equal(bench.answer.u.ack.ranges_free, 0);
	assert_int_equal(slot->ranges[7].to, 40);
	assert_int_equal(pen_bench_ack(&bench, 0, 10, 10), STP_WIRE_SUCCESS);
	assert_int_equal(slot->range_count, 8);
	assert_int_equal(slot->ranges[0].from, 10);
	assert_int_equal(slot->ranges[7].to, 38);
	/* A new highest one is dropped itself. */
	assert_int_equal(pen_bench_ack(&bench, 0, 40, 40), STP_WIRE_SUCCESS);
	assert_int_equal(slot->ranges[7].to, 38);
}

static void
the_mark_passes_what_was_overwritten(void **state)
{
	const struct stp_pen_slot *slot = &bench.pen.slots[0];

	pen_bench_init(&bench, 5, 50, 23);
	assert_int_equal(pen_bench_hello(&bench, 'a'), STP_WIRE_SUCCESS);
	flash_model_overwrite(&bench.flash);
	flash_model_overwrite(&bench.flash);
	assert_int_equal(pen_bench_ack(&bench, 0, 3, 3), STP_WIRE_SUCCESS);
	assert_true(slot->mark == 3 && slot->range_count == 0);
	assert_int_equal(pen_bench_ack(&bench, 0, 4, 5), STP_WIRE_SUCCESS);
	assert_int_equal(stp_pen_slots_with_news(&bench.pen), 0);
}

static void
a_new_epoch_begins_from_nothing(void **state)
{
	struct stp_request ack = { .op = STP_OP_ACK, .token = 2, .u.ack = { 0, BENCH_EPOCH + 1, 2, 2 } };

	pen_bench_init(&bench, 3, 50, 23);
	assert_int_equal(pen_bench_hello(&bench, 'a'), STP_WIRE_SUCCESS);
	assert_int_equal(pen_bench_ack(&bench, 0, 1, 3), STP_WIRE_SUCCESS);
	assert_int_equal(stp_pen_slots_with_news(&bench.pen), 0);
	bench.flash.state.epoch++;
	assert_int_equal(stp_pen_slots_with_news(&bench.pen), 1);
	assert_int_equal(pen_bench_hello(&bench, 'a'), STP_WIRE_SUCCESS);
	assert_int_equal(bench.answer.u.hello.mark, 0);
	assert_int_equal(pen_bench_ask(&bench, &ack), STP_WIRE_SUCCESS);
	assert_int_equal(bench.pen.slots[0].mark, 0);
	assert_int_equal(bench.pen.slots[0].ranges[0].from, 2);
	assert_int_equal(stp_pen_slots_with_news(&bench.pen), 1);
}

static void
what_nobody_can_fetch_is_no_news(void **state)
{
	pen_bench_init(&bench, 2, 50, 23);
	assert_int_equal(pen_bench_hello(&bench, 'a'), STP_WIRE_SUCCESS);
	assert_int_equal(pen_bench_ack(&bench, 0, 1, 2), STP_WIRE_SUCCESS);
	/* Never written, and damaged. */
	flash_model_add(&bench.flash, 5, 50)->entry.flags = STP_ENTRY_CORRUPT;
	assert_int_equal(stp_pen_slots_with_news(&bench.pen), 0);
	flash_model_add(&bench.flash, 6, 50);
	assert_int_equal(stp_pen_slots_with_news(&bench.pen), 1);
	/* A log that is mostly holes costs no more than a few looks. */
	assert_int_equal(pen_bench_ack(&bench, 0, 6, 6), STP_WIRE_SUCCESS);
	bench.flash.state.newest = UINT32_MAX;
	assert_int_equal(stp_pen_slots_with_news(&bench.pen), 1);
}

static void
reading_and_listing_change_nothing(void **state)
{
	struct stp_request list = list_request(1, 5), read = read_request(3, 0, 50);
	struct stp_pen_slot before[STP_PEN_SLOTS];
	unsigned saves;

	pen_bench_init(&bench, 5, 50, 23);
	assert_int_equal(pen_bench_hello(&bench, 'a'), STP_WIRE_SUCCESS);
	memcpy(before, bench.pen.slots, sizeof(before));
	saves = bench.flash.saves;
	assert_int_equal(pen_bench_ask(&bench, &list), STP_WIRE_SUCCESS);
	assert_int_equal(pen_bench_ask(&bench, &read), STP_WIRE_SUCCESS);
	assert_int_equal(bench.flash.saves, saves);
	assert_memory_equal(before, bench.pen.slots, sizeof(before));
	assert_int_equal(stp_pen_slots_with_news(&bench.pen), 1);
}

static void
slots_from_a_damaged_flash_are_not_trusted(void **state)
{
	struct stp_pen_slot slots[STP_PEN_SLOTS] = { { .used = true, .epoch = BENCH_EPOCH, .range_count = 200 } };
	struct stp_pen_config config = { .log = &flash_model_log, .user = &bench.flash, .slots = slots };

	pen_bench_init(&bench, 5, 50, 23);
	assert_int_equal(stp_pen_init(&bench.pen, &config), STP_OK);
	stp_pen_connected(&bench.pen, 23);
	assert_int_equal(pen_bench_hello(&bench, '\0'), STP_WIRE_SUCCESS);
	assert_int_equal(pen_bench_ack(&bench, 0, 2, 2), STP_WIRE_SUCCESS);
	assert_int_equal(bench.pen.slots[0].range_count, 1);
	assert_int_equal(stp_pen_slots_with_news(&bench.pen), 1);
}

static void
a_connection_makes_one_slot_at_most(void **state)
{
	struct stp_request hello = { .op = STP_OP_HELLO, .token = 1, .u.hello.collector_id = "made up" };

	pen_bench_init(&bench, 3, 50, 23);
	assert_int_equal(pen_bench_hello(&bench, 'a'), STP_WIRE_SUCCESS);
	assert_int_equal(pen_bench_ask(&bench, &hello), STP_WIRE_NOT_AUTHORISED);
	assert_int_equal(bench.answer.u.hello.slots_free, 0);
	assert_int_equal(pen_bench_ack(&bench, 0, 1, 1), STP_WIRE_NOT_AUTHORISED);
	/* Who is known already is known still, and another connection takes another. */
	assert_int_equal(pen_bench_hello(&bench, 'a'), STP_WIRE_SUCCESS);
	assert_int_equal(pen_bench_hello(&bench, 'b'), STP_WIRE_SUCCESS);
	assert_int_equal(bench.answer.u.hello.slot, 1);
}

static void
a_slot_above_the_newest_starts_over(void **state)
{
	unsigned saves;

	pen_bench_init(&bench, 5, 50, 23);
	assert_int_equal(pen_bench_hello(&bench, 'a'), STP_WIRE_SUCCESS);
	assert_int_equal(pen_bench_ack(&bench, 0, 1, 5), STP_WIRE_SUCCESS);
	assert_int_equal(pen_bench_hello(&bench, 'b'), STP_WIRE_SUCCESS);
	assert_int_equal(pen_bench_ack(&bench, 1, 4, 5), STP_WIRE_SUCCESS);
	assert_int_equal(pen_bench_hello(&bench, 'c'), STP_WIRE_SUCCESS);
	assert_int_equal(pen_bench_ack(&bench, 2, 1, 4), STP_WIRE_SUCCESS);
	saves = bench.flash.saves;
	pen_bench_restart(&bench);
	assert_int_equal(bench.flash.saves, saves);
	assert_int_equal(bench.pen.slots[0].mark, 5);

	/* It forgot that there was a 5, which is above the mark of one and in a range of the other. */
	bench.flash.state.newest = 4;
	pen_bench_restart(&bench);
	assert_int_equal(bench.pen.slots[0].mark, 0);
	assert_int_equal(bench.pen.slots[1].range_count, 0);
	assert_int_equal(bench.pen.slots[2].mark, 4);
	/* Kept, so that it holds when the numbers have grown again. */
	assert_int_equal(bench.flash.saves, saves + 2);
	bench.flash.state.newest = 5;
	pen_bench_restart(&bench);
	assert_int_equal(bench.flash.saves, saves + 2);
	assert_int_equal(stp_pen_slots_with_news(&bench.pen), 7);
	assert_int_equal(pen_bench_hello(&bench, 'a'), STP_WIRE_SUCCESS);
	assert_int_equal(bench.answer.u.hello.mark, 0);
}

static void
a_slot_above_the_newest_starts_over_also_unkept(void **state)
{
	pen_bench_init(&bench, 5, 50, 23);
	assert_int_equal(pen_bench_hello(&bench, 'a'), STP_WIRE_SUCCESS);
	assert_int_equal(pen_bench_ack(&bench, 0, 1, 5), STP_WIRE_SUCCESS);
	bench.flash.state.newest = 4;
	bench.flash.save_fails = true;
	pen_bench_restart(&bench);
	assert_int_equal(bench.pen.slots[0].mark, 0);
	assert_int_equal(stp_pen_slots_with_news(&bench.pen), 1);
	/* A slot of another epoch is none of this one's business. */
	bench.flash.save_fails = false;
	bench.flash.slots[0].epoch = BENCH_EPOCH + 1;
	pen_bench_restart(&bench);
	assert_int_equal(bench.pen.slots[0].mark, 5);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_collector_keeps_its_slot, tear_down),
		cmocka_unit_test_teardown(the_fifth_collector_reads_without_a_slot, tear_down),
		cmocka_unit_test_teardown(a_connection_makes_one_slot_at_most, tear_down),
		cmocka_unit_test_teardown(what_could_not_be_kept_is_not_promised, tear_down),
		cmocka_unit_test_teardown(what_is_kept_is_not_written_again, tear_down),
		cmocka_unit_test_teardown(only_what_was_written_is_acknowledged, tear_down),
		cmocka_unit_test_teardown(ranges_become_the_mark, tear_down),
		cmocka_unit_test_teardown(the_ninth_range_costs_the_highest, tear_down),
		cmocka_unit_test_teardown(the_mark_passes_what_was_overwritten, tear_down),
		cmocka_unit_test_teardown(a_new_epoch_begins_from_nothing, tear_down),
		cmocka_unit_test_teardown(what_nobody_can_fetch_is_no_news, tear_down),
		cmocka_unit_test_teardown(reading_and_listing_change_nothing, tear_down),
		cmocka_unit_test_teardown(slots_from_a_damaged_flash_are_not_trusted, tear_down),
		cmocka_unit_test_teardown(a_slot_above_the_newest_starts_over, tear_down),
		cmocka_unit_test_teardown(a_slot_above_the_newest_starts_over_also_unkept, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
