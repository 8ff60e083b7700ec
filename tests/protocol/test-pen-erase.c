/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* ERASE_PREPARE, ERASE and the person at the button: nothing that a collector lacks ever goes. */

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

static struct stp_request
prepare_request(uint32_t up_to)
{
	return (struct stp_request){ .op = STP_OP_ERASE_PREPARE,
		.token = 8,
		.u.erase_prepare = { BENCH_EPOCH, up_to } };
}

static uint8_t
prepare(uint32_t up_to)
{
	struct stp_request request = prepare_request(up_to);

	return pen_bench_ask(&bench, &request);
}

/* With the nonce of the last answer to a PREPARE. */
static uint32_t nonce;

static uint8_t
erase(uint32_t up_to)
{
	struct stp_request request = { .op = STP_OP_ERASE,
		.token = 9,
		.u.erase = { BENCH_EPOCH, up_to, nonce } };

	return pen_bench_ask(&bench, &request);
}

/* Ten records, the first eight acknowledged by the one collector there is. */
static void
set_up(void)
{
	pen_bench_init(&bench, 10, 50, 23);
	assert_int_equal(pen_bench_hello(&bench, 'a'), STP_WIRE_SUCCESS);
	assert_int_equal(pen_bench_ack(&bench, 0, 1, 8), STP_WIRE_SUCCESS);
}

static void
set_up_prepared(uint32_t up_to)
{
	set_up();
	assert_int_equal(prepare(up_to), STP_WIRE_SUCCESS);
	nonce = bench.answer.u.erase_prepare.nonce;
}

static void
goes_in_two_steps_and_with_a_person(void **state)
{
	set_up_prepared(8);
	assert_int_equal(bench.flash.erasures, 0);
	assert_int_equal(erase(8), STP_WIRE_NOT_CONFIRMED);
	assert_int_equal(erase(8), STP_WIRE_NOT_CONFIRMED);
	assert_int_equal(bench.flash.erasures, 0);
	pen_bench_press(&bench, STP_PEN_WISH_ERASE);
	assert_int_equal(erase(8), STP_WIRE_SUCCESS);
	assert_int_equal(bench.flash.erasures, 1);
	assert_int_equal(bench.flash.state.oldest, 9);
	/* Once. */
	assert_int_equal(erase(8), STP_WIRE_NO_RECORDS);
	assert_int_equal(prepare(8), STP_WIRE_NO_RECORDS);
	assert_int_equal(bench.flash.erasures, 1);
}

static void
refuses_what_cannot_be(void **state)
{
	struct stp_request request = prepare_request(8);

	pen_bench_init(&bench, 10, 50, 23);
	assert_int_equal(prepare(8), STP_WIRE_NOT_AUTHORISED);
	assert_int_equal(erase(8), STP_WIRE_NOT_AUTHORISED);
	pen_bench_clear(&bench);

	set_up();
	request.u.erase_prepare.epoch++;
	assert_int_equal(pen_bench_ask(&bench, &request), STP_WIRE_WRONG_EPOCH);
	assert_int_equal(prepare(11), STP_WIRE_INVALID_OPERAND);
	assert_int_equal(prepare(UINT32_MAX), STP_WIRE_INVALID_OPERAND);
	pen_bench_set_motor(&bench, true);
	assert_int_equal(prepare(8), STP_WIRE_BUSY);
	pen_bench_set_motor(&bench, false);
	assert_int_equal(prepare(9), STP_WIRE_NOT_ACKNOWLEDGED);
	bench.flash.entry_fails = true;
	assert_int_equal(prepare(9), STP_WIRE_NOT_COMPLETED);
	bench.flash.entry_fails = false;
	assert_int_equal(stp_pen_awaits(&bench.pen), STP_PEN_WISH_NONE);
	assert_int_equal(prepare(8), STP_WIRE_SUCCESS);
}

static void
takes_what_is_damaged_or_was_never_written(void **state)
{
	pen_bench_init(&bench, 3, 50, 23);
	flash_model_add(&bench.flash, 4, 50)->entry.flags = STP_ENTRY_CORRUPT;
	flash_model_add(&bench.flash, 200, 50);
	assert_int_equal(pen_bench_hello(&bench, 'a'), STP_WIRE_SUCCESS);
	assert_int_equal(pen_bench_ack(&bench, 0, 1, 3), STP_WIRE_SUCCESS);
	assert_int_equal(prepare(199), STP_WIRE_SUCCESS);
	/* Looked at in pieces. */
	assert_int_equal(bench.pieces, 196 / 64);
	assert_int_equal(prepare(200), STP_WIRE_NOT_ACKNOWLEDGED);
	assert_int_equal(pen_bench_ack(&bench, 0, 200, 200), STP_WIRE_SUCCESS);
	assert_int_equal(prepare(200), STP_WIRE_SUCCESS);
}

static void
every_collector_counts(void **state)
{
	set_up();
	assert_int_equal(pen_bench_hello(&bench, 'b'), STP_WIRE_SUCCESS);
	assert_int_equal(prepare(1), STP_WIRE_NOT_ACKNOWLEDGED);
	assert_int_equal(pen_bench_ack(&bench, 1, 1, 5), STP_WIRE_SUCCESS);
	assert_int_equal(prepare(6), STP_WIRE_NOT_ACKNOWLEDGED);
	assert_int_equal(prepare(5), STP_WIRE_SUCCESS);
	/* With ranges above the mark, of both. */
	assert_int_equal(pen_bench_ack(&bench, 1, 7, 9), STP_WIRE_SUCCESS);
	assert_int_equal(prepare(8), STP_WIRE_NOT_ACKNOWLEDGED);
	bench.flash.records[5].entry.flags = STP_ENTRY_CORRUPT;
	assert_int_equal(prepare(8), STP_WIRE_SUCCESS);
	assert_int_equal(prepare(9), STP_WIRE_NOT_ACKNOWLEDGED);
	/* A collector that last came in another epoch has nothing of this one. */
	bench.pen.slots[0].epoch--;
	assert_int_equal(prepare(5), STP_WIRE_NOT_ACKNOWLEDGED);
}

static void
the_nonce_is_good_for_what_it_was_given_for(void **state)
{
	set_up_prepared(8);
	pen_bench_press(&bench, STP_PEN_WISH_ERASE);
	assert_int_equal(erase(7), STP_WIRE_STALE);
	nonce++;
	assert_int_equal(erase(8), STP_WIRE_STALE);
	nonce--;
	assert_int_equal(bench.flash.erasures, 0);
	assert_int_equal(erase(8), STP_WIRE_SUCCESS);
}

static void
the_nonce_expires(void **state)
{
	set_up_prepared(8);
	pen_bench_wait(&bench, STP_PEN_WISH_MS - 1);
	assert_int_equal(erase(8), STP_WIRE_NOT_CONFIRMED);
	pen_bench_press(&bench, STP_PEN_WISH_ERASE);
	pen_bench_wait(&bench, 1);
	assert_int_equal(erase(8), STP_WIRE_STALE);
	assert_int_equal(stp_pen_awaits(&bench.pen), STP_PEN_WISH_NONE);
	assert_int_equal(bench.flash.erasures, 0);
}

static void
another_preparation_takes_its_place(void **state)
{
	uint32_t first;

	set_up_prepared(8);
	first = nonce;
	pen_bench_press(&bench, STP_PEN_WISH_ERASE);
	assert_int_equal(prepare(8), STP_WIRE_SUCCESS);
	assert_int_not_equal(bench.answer.u.erase_prepare.nonce, first);
	assert_int_equal(erase(8), STP_WIRE_STALE);
	nonce = bench.answer.op == STP_OP_ERASE ? bench.pen.wish.nonce : nonce;
	/* The press was for the one before. */
	assert_int_equal(erase(8), STP_WIRE_NOT_CONFIRMED);
	/* One that is refused leaves none. */
	assert_int_equal(prepare(9), STP_WIRE_NOT_ACKNOWLEDGED);
	assert_int_equal(erase(8), STP_WIRE_STALE);
	assert_int_equal(bench.flash.erasures, 0);
}

static void
nothing_outlives_the_link_the_power_or_the_collector(void **state)
{
	set_up_prepared(8);
	pen_bench_press(&bench, STP_PEN_WISH_ERASE);
	stp_pen_disconnected(&bench.pen);
	assert_false(stp_pen_confirm(&bench.pen));
	stp_pen_connected(&bench.pen, 23);
	assert_int_equal(pen_bench_hello(&bench, 'a'), STP_WIRE_SUCCESS);
	assert_int_equal(erase(8), STP_WIRE_STALE);
	pen_bench_clear(&bench);

	set_up_prepared(8);
	pen_bench_press(&bench, STP_PEN_WISH_ERASE);
	pen_bench_restart(&bench);
	assert_int_equal(pen_bench_hello(&bench, 'a'), STP_WIRE_SUCCESS);
	assert_int_equal(erase(8), STP_WIRE_STALE);
	pen_bench_clear(&bench);

	set_up_prepared(8);
	pen_bench_press(&bench, STP_PEN_WISH_ERASE);
	assert_int_equal(pen_bench_hello(&bench, 'a'), STP_WIRE_SUCCESS);
	assert_int_equal(erase(8), STP_WIRE_STALE);
	assert_int_equal(bench.flash.erasures, 0);
}

static void
everything_is_looked_at_again(void **state)
{
	struct stp_request request = { .op = STP_OP_ERASE, .token = 9 };

	set_up_prepared(8);
	pen_bench_press(&bench, STP_PEN_WISH_ERASE);
	pen_bench_set_motor(&bench, true);
	assert_int_equal(erase(8), STP_WIRE_BUSY);
	pen_bench_set_motor(&bench, false);
	/* The slot was dropped at the pen's own menu, or its collector began anew. */
	bench.pen.slots[0].mark = 3;
	assert_int_equal(erase(8), STP_WIRE_NOT_ACKNOWLEDGED);
	bench.pen.slots[0].mark = 8;
	bench.flash.state.epoch++;
	assert_int_equal(erase(8), STP_WIRE_WRONG_EPOCH);
	request.u.erase.epoch = bench.flash.state.epoch;
	request.u.erase.up_to = 8;
	request.u.erase.nonce = nonce;
	bench.pen.slots[0].epoch++;
	assert_int_equal(pen_bench_ask(&bench, &request), STP_WIRE_STALE);
	assert_int_equal(bench.flash.erasures, 0);
}

static void
a_failing_flash_uses_the_press_up(void **state)
{
	set_up_prepared(8);
	pen_bench_press(&bench, STP_PEN_WISH_ERASE);
	bench.flash.erase_fails = true;
	assert_int_equal(erase(8), STP_WIRE_NOT_COMPLETED);
	bench.flash.erase_fails = false;
	assert_int_equal(erase(8), STP_WIRE_STALE);
	assert_int_equal(bench.flash.erasures, 1);
}

static void
a_press_that_nobody_asked_for_is_nothing(void **state)
{
	set_up();
	assert_false(stp_pen_confirm(&bench.pen));
	assert_int_equal(prepare(8), STP_WIRE_SUCCESS);
	nonce = bench.answer.u.erase_prepare.nonce;
	assert_int_equal(erase(8), STP_WIRE_NOT_CONFIRMED);
	/* Nor is one for something else. */
	pen_bench_press(&bench, STP_PEN_WISH_ERASE);
	assert_int_equal(pen_bench_hello(&bench, 'b'), STP_WIRE_SUCCESS);
	assert_int_equal(stp_pen_awaits(&bench.pen), STP_PEN_WISH_NONE);
	assert_int_equal(bench.flash.erasures, 0);
}

static void
a_pen_may_do_without_a_person(void **state)
{
	set_up();
	bench.config.erase_unconfirmed = true;
	pen_bench_restart(&bench);
	assert_int_equal(pen_bench_hello(&bench, 'a'), STP_WIRE_SUCCESS);
	assert_int_equal(prepare(8), STP_WIRE_SUCCESS);
	nonce = bench.answer.u.erase_prepare.nonce;
	/* There is nothing to press for. */
	assert_int_equal(stp_pen_awaits(&bench.pen), STP_PEN_WISH_NONE);
	assert_int_equal(erase(8), STP_WIRE_SUCCESS);
	assert_int_equal(bench.flash.erasures, 1);
}

static void
a_pen_that_cannot_erase_says_so(void **state)
{
	struct stp_pen_log log = flash_model_log;

	set_up();
	log.erase = NULL;
	bench.config.log = &log;
	pen_bench_restart(&bench);
	assert_int_equal(pen_bench_hello(&bench, 'a'), STP_WIRE_SUCCESS);
	assert_int_equal(prepare(8), STP_WIRE_OP_NOT_SUPPORTED);
	assert_int_equal(erase(8), STP_WIRE_OP_NOT_SUPPORTED);
	bench.config.log = &flash_model_log;
	bench.config.random = NULL;
	pen_bench_restart(&bench);
	assert_int_equal(pen_bench_hello(&bench, 'a'), STP_WIRE_SUCCESS);
	assert_int_equal(prepare(8), STP_WIRE_OP_NOT_SUPPORTED);
	/* Nor can one whose firmware never tells the time. */
	bench.config.random = flash_model_random;
	assert_int_equal(stp_pen_init(&bench.pen, &bench.config), STP_OK);
	stp_pen_connected(&bench.pen, 23);
	assert_int_equal(pen_bench_hello(&bench, 'a'), STP_WIRE_SUCCESS);
	assert_int_equal(prepare(8), STP_WIRE_OP_NOT_SUPPORTED);
	assert_int_equal(bench.flash.erasures, 0);
}

static void
ends_with_a_newer_request(void **state)
{
	struct stp_request request = prepare_request(199), abort_request = { .op = STP_OP_ABORT, .token = 7 };
	struct stp_pen_output output;

	pen_bench_init(&bench, 1, 50, 23);
	flash_model_add(&bench.flash, 200, 50);
	assert_int_equal(pen_bench_hello(&bench, 'a'), STP_WIRE_SUCCESS);
	assert_int_equal(pen_bench_ack(&bench, 0, 1, 1), STP_WIRE_SUCCESS);
	pen_bench_send(&bench, &request);
	stp_pen_poll(&bench.pen, &output);
	assert_int_equal(output.kind, STP_PEN_WORKING);
	assert_int_equal(pen_bench_ask(&bench, &abort_request), STP_WIRE_SUCCESS);
	assert_int_equal(stp_pen_awaits(&bench.pen), STP_PEN_WISH_NONE);

	/* The motor starts in the middle. */
	pen_bench_send(&bench, &request);
	stp_pen_poll(&bench.pen, &output);
	pen_bench_set_motor(&bench, true);
	assert_true(pen_bench_drain(&bench));
	assert_int_equal(bench.answer.status, STP_WIRE_BUSY);
}

static void
a_large_log_costs_a_few_looks(void **state)
{
	pen_bench_init(&bench, 1, 50, 23);
	flash_model_add(&bench.flash, 100000, 50);
	assert_int_equal(pen_bench_hello(&bench, 'a'), STP_WIRE_SUCCESS);
	assert_int_equal(pen_bench_ack(&bench, 0, 1, 50000), STP_WIRE_SUCCESS);
	assert_int_equal(pen_bench_ack(&bench, 0, 50003, 99998), STP_WIRE_SUCCESS);
	bench.flash.lookups = 0;
	assert_int_equal(prepare(99998), STP_WIRE_SUCCESS);
	assert_int_equal(bench.flash.lookups, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(goes_in_two_steps_and_with_a_person, tear_down),
		cmocka_unit_test_teardown(refuses_what_cannot_be, tear_down),
		cmocka_unit_test_teardown(takes_what_is_damaged_or_was_never_written, tear_down),
		cmocka_unit_test_teardown(every_collector_counts, tear_down),
		cmocka_unit_test_teardown(the_nonce_is_good_for_what_it_was_given_for, tear_down),
		cmocka_unit_test_teardown(the_nonce_expires, tear_down),
		cmocka_unit_test_teardown(another_preparation_takes_its_place, tear_down),
		cmocka_unit_test_teardown(nothing_outlives_the_link_the_power_or_the_collector, tear_down),
		cmocka_unit_test_teardown(everything_is_looked_at_again, tear_down),
		cmocka_unit_test_teardown(a_failing_flash_uses_the_press_up, tear_down),
		cmocka_unit_test_teardown(a_press_that_nobody_asked_for_is_nothing, tear_down),
		cmocka_unit_test_teardown(a_pen_may_do_without_a_person, tear_down),
		cmocka_unit_test_teardown(a_pen_that_cannot_erase_says_so, tear_down),
		cmocka_unit_test_teardown(ends_with_a_newer_request, tear_down),
		cmocka_unit_test_teardown(a_large_log_costs_a_few_looks, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
