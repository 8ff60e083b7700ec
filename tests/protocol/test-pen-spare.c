/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* What a full log may overwrite, and the slots that decide it: SLOTS, DROP_SLOT and what LIST tells. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
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
expect_victim(enum stp_pen_victim victim, uint32_t number)
{
	uint32_t record = 0;

	assert_int_equal(stp_pen_overwrite_next(&bench.pen, &record), victim);
	assert_int_equal(record, number);
}

/* As a flash does that can overwrite any record. */
static void
take(uint32_t number)
{
	struct flash_record *record = flash_model_find(&bench.flash, number);
	size_t index = (size_t)(record - bench.flash.records);

	free(record->raw);
	memmove(record, record + 1, (--bench.flash.count - index) * sizeof(*record));
	bench.flash.state.oldest = bench.flash.records[0].entry.record;
}

static void
what_everybody_has_goes_first(void **state)
{
	pen_bench_init(&bench, 10, 50, 23);
	/* Nobody collects: every record is the only one of its kind. */
	expect_victim(STP_PEN_VICTIM_OVERRUN, 1);
	assert_int_equal(pen_bench_hello(&bench, 'a'), STP_WIRE_SUCCESS);
	expect_victim(STP_PEN_VICTIM_OVERRUN, 1);
	assert_int_equal(pen_bench_ack(&bench, 0, 3, 6), STP_WIRE_SUCCESS);
	expect_victim(STP_PEN_VICTIM_SPARE, 3);
	take(3);
	expect_victim(STP_PEN_VICTIM_SPARE, 4);
	/* A second collector lacks all of it. */
	assert_int_equal(pen_bench_hello(&bench, 'b'), STP_WIRE_SUCCESS);
	expect_victim(STP_PEN_VICTIM_OVERRUN, 1);
	assert_int_equal(pen_bench_ack(&bench, 1, 6, 9), STP_WIRE_SUCCESS);
	expect_victim(STP_PEN_VICTIM_SPARE, 6);
	take(6);
	expect_victim(STP_PEN_VICTIM_OVERRUN, 1);
	/* Acknowledged later, below what was looked at. */
	assert_int_equal(pen_bench_ack(&bench, 1, 4, 4), STP_WIRE_SUCCESS);
	expect_victim(STP_PEN_VICTIM_SPARE, 4);
	/* What was spared in another epoch counts for nothing. */
	bench.flash.state.epoch++;
	expect_victim(STP_PEN_VICTIM_OVERRUN, 1);
}

static void
an_empty_log_has_nothing_to_give(void **state)
{
	pen_bench_init(&bench, 0, 0, 23);
	expect_victim(STP_PEN_VICTIM_NONE, 0);
}

static void
a_log_of_holes_is_searched_in_pieces_and_once(void **state)
{
	uint32_t record = 0;
	unsigned calls = 1;

	pen_bench_init(&bench, 1, 50, 23);
	flash_model_add(&bench.flash, 1000, 50);
	assert_int_equal(pen_bench_hello(&bench, 'a'), STP_WIRE_SUCCESS);
	assert_int_equal(pen_bench_ack(&bench, 0, 2, 1000), STP_WIRE_SUCCESS);
	while (stp_pen_overwrite_next(&bench.pen, &record) == STP_PEN_VICTIM_SEARCHING)
		calls++;
	assert_int_equal(record, 1000);
	assert_int_equal(calls, 999 / 64 + 1);
	bench.flash.lookups = 0;
	expect_victim(STP_PEN_VICTIM_SPARE, 1000);
	assert_int_equal(bench.flash.lookups, 1);
}

static void
the_last_number_there_can_be_is_no_trap(void **state)
{
	uint32_t record = 0;

	pen_bench_init(&bench, 1, 50, 23);
	flash_model_add(&bench.flash, UINT32_MAX - 1, 50);
	bench.flash.state.newest = UINT32_MAX;
	assert_int_equal(pen_bench_hello(&bench, 'a'), STP_WIRE_SUCCESS);
	assert_int_equal(pen_bench_ack(&bench, 0, UINT32_MAX - 1, UINT32_MAX), STP_WIRE_SUCCESS);
	assert_int_equal(stp_pen_overwrite_next(&bench.pen, &record), STP_PEN_VICTIM_SPARE);
	assert_int_equal(record, UINT32_MAX - 1);
	/* All that is acknowledged is gone, the very last number included: the search has an end. */
	take(UINT32_MAX - 1);
	assert_int_equal(stp_pen_overwrite_next(&bench.pen, &record), STP_PEN_VICTIM_OVERRUN);
	assert_int_equal(record, 1);
}

static struct stp_request
drop_request(uint8_t index, char id)
{
	struct stp_request request = { .op = STP_OP_DROP_SLOT, .token = 10, .u.drop_slot.index = index };

	memset(request.u.drop_slot.name, id, STP_COLLECTOR_NAME_SIZE);
	return request;
}

static uint8_t
drop(uint8_t index, char id)
{
	struct stp_request request = drop_request(index, id);

	return pen_bench_ask(&bench, &request);
}

static uint8_t
ask_slot(uint8_t index)
{
	struct stp_request request = { .op = STP_OP_SLOTS, .token = 11, .u.slots.index = index };

	return pen_bench_ask(&bench, &request);
}

/* Collectors a and b; b is the one that is connected. */
static void
set_up(void)
{
	pen_bench_init(&bench, 5, 50, 23);
	assert_int_equal(pen_bench_hello(&bench, 'a'), STP_WIRE_SUCCESS);
	assert_int_equal(pen_bench_ack(&bench, 0, 1, 3), STP_WIRE_SUCCESS);
	assert_int_equal(pen_bench_hello(&bench, 'b'), STP_WIRE_SUCCESS);
}

static void
tells_what_is_in_a_slot(void **state)
{
	set_up();
	assert_int_equal(ask_slot(0), STP_WIRE_SUCCESS);
	assert_int_equal(bench.answer.u.slots.name[3], 'a');
	assert_int_equal(bench.answer.u.slots.mark, 3);
	assert_int_equal(bench.answer.u.slots.epoch, BENCH_EPOCH);
	assert_int_equal(ask_slot(2), STP_WIRE_NO_RECORDS);
	assert_int_equal(ask_slot(STP_PEN_SLOTS), STP_WIRE_INVALID_OPERAND);
	assert_int_equal(ask_slot(255), STP_WIRE_INVALID_OPERAND);
}

static void
ones_own_slot_starts_over_and_is_never_free(void **state)
{
	set_up();
	assert_int_equal(pen_bench_ack(&bench, 1, 1, 2), STP_WIRE_SUCCESS);
	assert_int_equal(pen_bench_ack(&bench, 1, 4, 4), STP_WIRE_SUCCESS);
	bench.flash.state.epoch++;
	assert_int_equal(drop(1, 'b'), STP_WIRE_SUCCESS);
	assert_true(bench.flash.slots[1].used);
	assert_int_equal(bench.flash.slots[1].mark, 0);
	assert_int_equal(bench.flash.slots[1].range_count, 0);
	assert_int_equal(bench.flash.slots[1].epoch, bench.flash.state.epoch);
	bench.flash.state.epoch--;
	assert_int_equal(drop(1, 'b'), STP_WIRE_SUCCESS);
	/* No HELLO is needed; it knows nothing of what it knew before. */
	assert_int_equal(pen_bench_ack(&bench, 1, 2, 2), STP_WIRE_SUCCESS);
	assert_int_equal(bench.flash.slots[1].mark, 0);
	/* However the link ends, nobody else gets it, and nobody may think it has what it lacks. */
	assert_int_equal(drop(1, 'b'), STP_WIRE_SUCCESS);
	pen_bench_restart(&bench);
	assert_int_equal(pen_bench_hello(&bench, 'c'), STP_WIRE_SUCCESS);
	assert_int_equal(bench.answer.u.hello.slot, 2);
	assert_int_equal(stp_pen_slots_with_news(&bench.pen), 7);
	assert_int_equal(pen_bench_hello(&bench, 'b'), STP_WIRE_SUCCESS);
	assert_int_equal(bench.answer.u.hello.slot, 1);
	assert_int_equal(bench.answer.u.hello.mark, 0);
}

static void
what_could_not_be_kept_is_not_dropped(void **state)
{
	set_up();
	bench.flash.save_fails = true;
	assert_int_equal(drop(1, 'b'), STP_WIRE_NOT_COMPLETED);
	bench.flash.save_fails = false;
	assert_int_equal(pen_bench_ack(&bench, 1, 1, 1), STP_WIRE_SUCCESS);
}

static void
anothers_slot_takes_a_person(void **state)
{
	set_up();
	assert_int_equal(drop(0, 'b'), STP_WIRE_NO_RECORDS);
	assert_int_equal(drop(3, 'a'), STP_WIRE_NO_RECORDS);
	assert_int_equal(drop(STP_PEN_SLOTS, 'a'), STP_WIRE_INVALID_OPERAND);
	assert_false(stp_pen_confirm(&bench.pen));
	assert_int_equal(drop(0, 'a'), STP_WIRE_NOT_CONFIRMED);
	assert_int_equal(drop(0, 'a'), STP_WIRE_NOT_CONFIRMED);
	pen_bench_press(&bench, STP_PEN_WISH_DROP_SLOT);
	assert_int_equal(drop(0, 'a'), STP_WIRE_SUCCESS);
	assert_false(bench.flash.slots[0].used);
	/* b goes on with its own. */
	assert_int_equal(pen_bench_ack(&bench, 1, 1, 1), STP_WIRE_SUCCESS);
}

static void
a_press_is_for_one_slot_and_for_a_minute(void **state)
{
	set_up();
	assert_int_equal(pen_bench_hello(&bench, 'c'), STP_WIRE_SUCCESS);
	assert_int_equal(drop(0, 'a'), STP_WIRE_NOT_CONFIRMED);
	pen_bench_press(&bench, STP_PEN_WISH_DROP_SLOT);
	assert_int_equal(drop(1, 'b'), STP_WIRE_NOT_CONFIRMED);
	assert_int_equal(drop(0, 'a'), STP_WIRE_NOT_CONFIRMED);
	pen_bench_press(&bench, STP_PEN_WISH_DROP_SLOT);
	pen_bench_wait(&bench, STP_PEN_WISH_MS);
	assert_int_equal(drop(0, 'a'), STP_WIRE_NOT_CONFIRMED);
	pen_bench_press(&bench, STP_PEN_WISH_DROP_SLOT);
	stp_pen_disconnected(&bench.pen);
	stp_pen_connected(&bench.pen, 23);
	/* Without a HELLO, too: a host that finds the slots full has no other way. */
	assert_int_equal(drop(0, 'a'), STP_WIRE_NOT_CONFIRMED);
	pen_bench_press(&bench, STP_PEN_WISH_DROP_SLOT);
	bench.flash.save_fails = true;
	assert_int_equal(drop(0, 'a'), STP_WIRE_NOT_COMPLETED);
	bench.flash.save_fails = false;
	assert_int_equal(drop(0, 'a'), STP_WIRE_NOT_CONFIRMED);
	assert_true(bench.flash.slots[0].used);
}

static void
a_pen_without_a_clock_drops_its_guests_slot_alone(void **state)
{
	set_up();
	bench.config.slots = bench.flash.slots;
	assert_int_equal(stp_pen_init(&bench.pen, &bench.config), STP_OK);
	stp_pen_connected(&bench.pen, 23);
	assert_int_equal(pen_bench_hello(&bench, 'b'), STP_WIRE_SUCCESS);
	assert_int_equal(drop(0, 'a'), STP_WIRE_OP_NOT_SUPPORTED);
	assert_int_equal(drop(1, 'b'), STP_WIRE_SUCCESS);
}

/* The flag that LIST gives of a record. */
static bool
is_listed_as_acknowledged(uint32_t record)
{
	struct stp_request list = list_request(record, record);
	struct stp_entry entry;

	assert_int_equal(pen_bench_ask(&bench, &list), STP_WIRE_SUCCESS);
	assert_int_equal(stp_entry_decode(bench.bytes, bench.size, &entry), STP_OK);
	return entry.flags & STP_ENTRY_ACKNOWLEDGED;
}

static void
a_list_tells_what_the_asking_collector_has(void **state)
{
	set_up();
	assert_false(is_listed_as_acknowledged(2));
	assert_int_equal(pen_bench_ack(&bench, 1, 4, 4), STP_WIRE_SUCCESS);
	assert_true(is_listed_as_acknowledged(4));
	assert_false(is_listed_as_acknowledged(3));
	assert_false(is_listed_as_acknowledged(5));
	assert_int_equal(pen_bench_hello(&bench, 'a'), STP_WIRE_SUCCESS);
	assert_true(is_listed_as_acknowledged(1));
	assert_true(is_listed_as_acknowledged(3));
	assert_false(is_listed_as_acknowledged(4));
	/* Whatever the firmware says. */
	bench.flash.records[3].entry.flags = STP_ENTRY_ACKNOWLEDGED;
	assert_false(is_listed_as_acknowledged(4));
	bench.pen.slots[0].epoch--;
	assert_false(is_listed_as_acknowledged(1));
	bench.pen.slots[0].epoch++;
	stp_pen_disconnected(&bench.pen);
	stp_pen_connected(&bench.pen, 23);
	assert_false(is_listed_as_acknowledged(1));
}

static void
a_list_tells_the_oldest(void **state)
{
	struct stp_request list = list_request(1, 5);

	pen_bench_init(&bench, 5, 50, 23);
	flash_model_overwrite(&bench.flash);
	assert_int_equal(pen_bench_ask(&bench, &list), STP_WIRE_SUCCESS);
	assert_int_equal(bench.answer.u.sent.oldest, 2);
	list = list_request(1, 1);
	assert_int_equal(pen_bench_ask(&bench, &list), STP_WIRE_NO_RECORDS);
	assert_int_equal(bench.answer.u.sent.oldest, 2);
	bench.flash.entry_fails = true;
	list = list_request(1, 5);
	assert_int_equal(pen_bench_ask(&bench, &list), STP_WIRE_NOT_COMPLETED);
	assert_int_equal(bench.answer.u.sent.oldest, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(what_everybody_has_goes_first, tear_down),
		cmocka_unit_test_teardown(an_empty_log_has_nothing_to_give, tear_down),
		cmocka_unit_test_teardown(a_log_of_holes_is_searched_in_pieces_and_once, tear_down),
		cmocka_unit_test_teardown(the_last_number_there_can_be_is_no_trap, tear_down),
		cmocka_unit_test_teardown(tells_what_is_in_a_slot, tear_down),
		cmocka_unit_test_teardown(ones_own_slot_starts_over_and_is_never_free, tear_down),
		cmocka_unit_test_teardown(what_could_not_be_kept_is_not_dropped, tear_down),
		cmocka_unit_test_teardown(anothers_slot_takes_a_person, tear_down),
		cmocka_unit_test_teardown(a_press_is_for_one_slot_and_for_a_minute, tear_down),
		cmocka_unit_test_teardown(a_pen_without_a_clock_drops_its_guests_slot_alone, tear_down),
		cmocka_unit_test_teardown(a_list_tells_what_the_asking_collector_has, tear_down),
		cmocka_unit_test_teardown(a_list_tells_the_oldest, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
