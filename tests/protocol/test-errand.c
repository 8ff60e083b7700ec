/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stipple/errand.h>

#define EPOCH 77
#define NONCE 0xA1B2C3D4u

static struct stp_errand *errand;
static struct stp_errand_action action;
static struct stp_request request;	/* the last one */
static uint64_t now;

static struct stp_range held_items[] = { { 3, 5 }, { 8, 9 } }, settled_items[] = { { 6, 7 } };
static const struct stp_ranges held = { held_items, 2, 2 }, settled = { settled_items, 1, 1 };

static void
start(struct stp_errand_config config)
{
	stp_errand_free(errand);
	now = 1000;
	request.token = config.last_token;
	memcpy(config.collector_id, "COLLECTS", STP_COLLECTOR_ID_SIZE);
	errand = stp_errand_new(&config);
	assert_non_null(errand);
	stp_errand_start(errand, now);
}

static void
start_erasing(uint32_t up_to)
{
	start((struct stp_errand_config){ .kind = STP_ERRAND_ERASE_LOG,
		.epoch = EPOCH,
		.up_to = up_to,
		.held = &held,
		.settled = &settled });
}

static int
tear_down(void **state)
{
	stp_errand_free(errand);
	errand = NULL;
	return 0;
}

static void
expect(enum stp_errand_action_kind kind)
{
	stp_errand_poll(errand, &action);
	assert_int_equal(action.kind, kind);
}

static void
expect_request(enum stp_op op)
{
	uint8_t before = request.token;

	expect(STP_ERRAND_WRITE);
	assert_int_equal(stp_request_decode(action.u.write.bytes, action.u.write.size, &request), STP_OK);
	assert_int_equal(request.op, op);
	assert_int_not_equal(request.token, before);
	expect(STP_ERRAND_IDLE);
}

static void
give(struct stp_answer fields)
{
	uint8_t bytes[STP_CONTROL_SIZE_MAX];
	size_t size;

	assert_int_equal(stp_answer_encode(&fields, bytes, &size), STP_OK);
	stp_errand_control(errand, bytes, size, ++now);
}

static void
answer(uint8_t status, struct stp_answer fields)
{
	fields.op = request.op;
	fields.token = request.token;
	fields.status = status;
	give(fields);
}

static void
answer_bare(uint8_t status)
{
	answer(status, (struct stp_answer){ 0 });
}

static void
answer_state(uint32_t epoch, uint32_t oldest, uint32_t newest)
{
	answer(STP_WIRE_SUCCESS, (struct stp_answer){ .u.state = { epoch, oldest, newest, 1, 50, 0 } });
}

static void
expire(uint64_t after_ms)
{
	assert_int_equal(stp_errand_deadline(errand) - now, after_ms);
	now += after_ms - 1;
	stp_errand_timeout(errand, now);
	expect(STP_ERRAND_IDLE);
	stp_errand_timeout(errand, ++now);
}

static void
expect_end(enum stp_errand_action_kind kind)
{
	expect(kind);
	assert_true(stp_errand_deadline(errand) == UINT64_MAX);
}

static void
expect_failed(enum stp_status reason, enum stp_op op, uint8_t wire_status, uint32_t record)
{
	expect_end(STP_ERRAND_FAILED);
	assert_string_equal(stp_status_name(action.u.failed.reason), stp_status_name(reason));
	assert_int_equal(action.u.failed.op, op);
	assert_int_equal(action.u.failed.wire_status, wire_status);
	assert_int_equal(action.u.failed.record, record);
	expect(STP_ERRAND_IDLE);
	/* Nothing wakes it up again. */
	stp_errand_start(errand, now);
	stp_errand_timeout(errand, now + 100000);
	answer_bare(STP_WIRE_SUCCESS);
	expect(STP_ERRAND_IDLE);
}

static void
expect_done(void)
{
	expect_end(STP_ERRAND_DONE);
	expect(STP_ERRAND_IDLE);
}

static void
expect_confirm(void)
{
	expect(STP_ERRAND_CONFIRM);
	assert_int_equal(action.u.confirm.within_ms, 60000);
	expect(STP_ERRAND_IDLE);
}

/* ---- slots ---- */

static void
slots_are_listed_to_the_last(void **state)
{
	start((struct stp_errand_config){ .kind = STP_ERRAND_LIST_SLOTS });
	for (uint8_t index = 0; index < 3; index++) {
		expect_request(STP_OP_SLOTS);
		assert_int_equal(request.u.slots.index, index);
		if (index == 1) {
			answer_bare(STP_WIRE_NO_RECORDS);
			continue;
		}
		answer(STP_WIRE_SUCCESS,
		       (struct stp_answer){ .u.slots = { "ANOT", 40u + index, EPOCH - 1 } });
		expect(STP_ERRAND_SLOT);
		assert_int_equal(action.u.slot.index, index);
		assert_memory_equal(action.u.slot.name, "ANOT", STP_COLLECTOR_NAME_SIZE);
		assert_int_equal(action.u.slot.mark, 40 + index);
		assert_int_equal(action.u.slot.epoch, EPOCH - 1);
	}
	expect_request(STP_OP_SLOTS);
	answer_bare(STP_WIRE_INVALID_OPERAND);
	expect_done();
}

static void
a_pen_with_slots_without_end_is_not_followed(void **state)
{
	start((struct stp_errand_config){ .kind = STP_ERRAND_LIST_SLOTS });
	for (unsigned index = 0; index < 256; index++) {
		expect_request(STP_OP_SLOTS);
		answer_bare(STP_WIRE_NO_RECORDS);
	}
	expect_failed(STP_ERR_MALFORMED, STP_OP_SLOTS, 0, 0);
}

static void
a_pen_without_slots_says_so(void **state)
{
	start((struct stp_errand_config){ .kind = STP_ERRAND_LIST_SLOTS });
	expect_request(STP_OP_SLOTS);
	answer_bare(STP_WIRE_OP_NOT_SUPPORTED);
	expect_failed(STP_ERR_REFUSED, STP_OP_SLOTS, STP_WIRE_OP_NOT_SUPPORTED, 0);
}

static void
a_slot_is_dropped_once_a_person_agrees(void **state)
{
	start((struct stp_errand_config){ .kind = STP_ERRAND_DROP_SLOT, .index = 2 });
	expect_request(STP_OP_DROP_SLOT);
	assert_int_equal(request.u.drop_slot.index, 2);
	assert_memory_equal(request.u.drop_slot.name, "COLL", STP_COLLECTOR_NAME_SIZE);
	answer_bare(STP_WIRE_NOT_CONFIRMED);
	expect_confirm();
	for (unsigned i = 0; i < 5; i++) {
		expire(1000);
		expect_request(STP_OP_DROP_SLOT);
		answer_bare(STP_WIRE_NOT_CONFIRMED);
		expect(STP_ERRAND_IDLE);
	}
	expire(1000);
	expect_request(STP_OP_DROP_SLOT);
	answer_bare(STP_WIRE_SUCCESS);
	expect_done();
}

static void
a_slot_that_went_unheard_is_gone_all_the_same(void **state)
{
	start((struct stp_errand_config){ .kind = STP_ERRAND_DROP_SLOT, .index = 2 });
	expect_request(STP_OP_DROP_SLOT);
	expire(8000);
	expect_request(STP_OP_DROP_SLOT);
	answer_bare(STP_WIRE_NO_RECORDS);
	expect_done();

	/* Never there: that is no success. */
	start((struct stp_errand_config){ .kind = STP_ERRAND_DROP_SLOT, .index = 2 });
	expect_request(STP_OP_DROP_SLOT);
	answer_bare(STP_WIRE_NO_RECORDS);
	expect_failed(STP_ERR_REFUSED, STP_OP_DROP_SLOT, STP_WIRE_NO_RECORDS, 0);

	/* Nor is it when the pen answered in between that nothing was done. */
	start((struct stp_errand_config){ .kind = STP_ERRAND_DROP_SLOT, .index = 2 });
	expect_request(STP_OP_DROP_SLOT);
	expire(8000);
	expect_request(STP_OP_DROP_SLOT);
	answer_bare(STP_WIRE_NOT_CONFIRMED);
	expect_confirm();
	expire(1000);
	expect_request(STP_OP_DROP_SLOT);
	answer_bare(STP_WIRE_NO_RECORDS);
	expect_failed(STP_ERR_REFUSED, STP_OP_DROP_SLOT, STP_WIRE_NO_RECORDS, 0);
}

static void
nobody_is_waited_for_for_ever(void **state)
{
	unsigned asked = 0;

	start((struct stp_errand_config){ .kind = STP_ERRAND_DROP_SLOT });
	expect_request(STP_OP_DROP_SLOT);
	answer_bare(STP_WIRE_NOT_CONFIRMED);
	expect_confirm();
	while (now < 1000 + 59999) {
		expire(1000);
		expect_request(STP_OP_DROP_SLOT);
		answer_bare(STP_WIRE_NOT_CONFIRMED);
		asked++;
	}
	assert_in_range(asked, 59, 61);
	if (stp_errand_deadline(errand) != UINT64_MAX) {
		expire(1000);
		expect_request(STP_OP_DROP_SLOT);
		answer_bare(STP_WIRE_NOT_CONFIRMED);
	}
	expect_failed(STP_ERR_TIMEOUT, STP_OP_DROP_SLOT, STP_WIRE_NOT_CONFIRMED, 0);
}

static void
silence_is_waited_for_three_times(void **state)
{
	start((struct stp_errand_config){ .kind = STP_ERRAND_LIST_SLOTS, .last_token = 15 });
	for (unsigned i = 0; i < 3; i++) {
		expect_request(STP_OP_SLOTS);
		expire(8000);
	}
	expect_failed(STP_ERR_TIMEOUT, STP_OP_SLOTS, 0, 0);
}

static void
what_was_not_asked_for_is_dropped(void **state)
{
	start((struct stp_errand_config){ .kind = STP_ERRAND_LIST_SLOTS, .last_token = 1 });
	/* Before it was even written. */
	give((struct stp_answer){ .op = STP_OP_SLOTS, .token = 2, .status = STP_WIRE_INVALID_OPERAND });
	expect_request(STP_OP_SLOTS);
	give((struct stp_answer){ .op = STP_OP_SLOTS, .token = 1, .status = STP_WIRE_INVALID_OPERAND });
	give((struct stp_answer){ .op = STP_OP_HELLO, .token = 2, .status = STP_WIRE_INVALID_OPERAND });
	stp_errand_control(errand, (const uint8_t *)"\xFF", 1, now);
	expect(STP_ERRAND_IDLE);
	answer_bare(STP_WIRE_INVALID_OPERAND);
	expect_done();
}

/* ---- erasing ---- */

static void
open_log(uint32_t oldest, uint32_t newest)
{
	expect_request(STP_OP_HELLO);
	assert_memory_equal(request.u.hello.collector_id, "COLLECTS", STP_COLLECTOR_ID_SIZE);
	answer(STP_WIRE_SUCCESS, (struct stp_answer){ .u.hello = { 1, 2, 9 } });
	expect_request(STP_OP_GET_STATE);
	answer_state(EPOCH, oldest, newest);
}

static void
prepare(uint32_t up_to)
{
	expect_request(STP_OP_ERASE_PREPARE);
	assert_int_equal(request.u.erase_prepare.epoch, EPOCH);
	assert_int_equal(request.u.erase_prepare.up_to, up_to);
	answer(STP_WIRE_SUCCESS, (struct stp_answer){ .u.erase_prepare = { NONCE } });
}

static void
expect_erase(uint32_t up_to)
{
	expect_request(STP_OP_ERASE);
	assert_int_equal(request.u.erase.epoch, EPOCH);
	assert_int_equal(request.u.erase.up_to, up_to);
	assert_int_equal(request.u.erase.nonce, NONCE);
}

static void
what_is_held_is_erased_once_a_person_agrees(void **state)
{
	start_erasing(9);
	open_log(3, 12);
	prepare(9);
	expect_erase(9);
	answer_bare(STP_WIRE_NOT_CONFIRMED);
	expect_confirm();
	expire(1000);
	expect_erase(9);
	answer_bare(STP_WIRE_SUCCESS);
	expect_done();
}

static void
what_is_lacking_is_named_and_nothing_asked_for(void **state)
{
	const struct { uint32_t oldest, up_to, lacking; } cases[] = {
		{ 1, 5, 1 }, { 2, 9, 2 }, { 3, 10, 10 }, { 7, 12, 10 },
	};

	for (unsigned i = 0; i < 4; i++) {
		start_erasing(cases[i].up_to);
		open_log(cases[i].oldest, 12);
		expect_failed(STP_ERR_NOT_FOUND, STP_OP_GET_STATE, 0, cases[i].lacking);
	}
	/* Without any set, and with one that says nothing of 6 and 7. */
	start((struct stp_errand_config){ .kind = STP_ERRAND_ERASE_LOG, .epoch = EPOCH, .up_to = 3 });
	open_log(3, 12);
	expect_failed(STP_ERR_NOT_FOUND, STP_OP_GET_STATE, 0, 3);
	start((struct stp_errand_config){
		.kind = STP_ERRAND_ERASE_LOG, .epoch = EPOCH, .up_to = 9, .held = &held });
	open_log(3, 12);
	expect_failed(STP_ERR_NOT_FOUND, STP_OP_GET_STATE, 0, 6);
}

static void
nothing_counts_as_held_when_numbers_went_back(void **state)
{
	/* 9 is held, and the pen has come to 8 only: it is not the log that 8 and 5 were fetched from. */
	start_erasing(5);
	open_log(3, 8);
	expect_failed(STP_ERR_NOT_FOUND, STP_OP_GET_STATE, 0, 3);
	start_erasing(5);
	open_log(3, 9);
	prepare(5);
}

static void
the_very_last_number_can_be_erased(void **state)
{
	static struct stp_range all_items[] = { { 1, UINT32_MAX } };
	static const struct stp_ranges all = { all_items, 1, 1 };

	start((struct stp_errand_config){
		.kind = STP_ERRAND_ERASE_LOG, .epoch = EPOCH, .up_to = UINT32_MAX, .held = &all });
	open_log(0, UINT32_MAX);
	prepare(UINT32_MAX);
}

static void
what_is_not_there_needs_no_erasing(void **state)
{
	start_erasing(5);
	open_log(6, 12);
	expect_done();
	/* All of it is gone. */
	start_erasing(5);
	open_log(13, 12);
	expect_done();
	/* There is no such record yet: its number will be another's. */
	start_erasing(13);
	open_log(3, 12);
	expect_failed(STP_ERR_ARGUMENT, STP_OP_GET_STATE, 0, 0);
}

static void
another_epoch_is_left_alone(void **state)
{
	start_erasing(5);
	expect_request(STP_OP_HELLO);
	answer(STP_WIRE_SUCCESS, (struct stp_answer){ .u.hello = { 1, 2, 9 } });
	expect_request(STP_OP_GET_STATE);
	answer_state(EPOCH + 1, 3, 12);
	expect_failed(STP_ERR_REFUSED, STP_OP_GET_STATE, STP_WIRE_WRONG_EPOCH, 0);
}

static void
a_refusal_at_any_step_ends_it(void **state)
{
	start_erasing(5);
	expect_request(STP_OP_HELLO);
	answer_bare(STP_WIRE_SLOTS_FULL);
	expect_failed(STP_ERR_REFUSED, STP_OP_HELLO, STP_WIRE_SLOTS_FULL, 0);

	start_erasing(5);
	expect_request(STP_OP_HELLO);
	answer(STP_WIRE_SUCCESS, (struct stp_answer){ .u.hello = { 1, 2, 9 } });
	expect_request(STP_OP_GET_STATE);
	answer_bare(STP_WIRE_NOT_COMPLETED);
	expect_failed(STP_ERR_REFUSED, STP_OP_GET_STATE, STP_WIRE_NOT_COMPLETED, 0);

	start_erasing(5);
	open_log(3, 12);
	expect_request(STP_OP_ERASE_PREPARE);
	answer_bare(STP_WIRE_NOT_ACKNOWLEDGED);
	expect_failed(STP_ERR_REFUSED, STP_OP_ERASE_PREPARE, STP_WIRE_NOT_ACKNOWLEDGED, 0);

	/* The person came too late. */
	start_erasing(5);
	open_log(3, 12);
	prepare(5);
	expect_erase(5);
	answer_bare(STP_WIRE_NOT_CONFIRMED);
	expect_confirm();
	expire(1000);
	expect_erase(5);
	answer_bare(STP_WIRE_STALE);
	expect_failed(STP_ERR_REFUSED, STP_OP_ERASE, STP_WIRE_STALE, 0);
}

static void
an_erasure_that_went_unheard_is_looked_for(void **state)
{
	const uint8_t refusals[] = { STP_WIRE_STALE, STP_WIRE_NO_RECORDS };

	for (unsigned i = 0; i < 2; i++) {
		start_erasing(5);
		open_log(3, 12);
		prepare(5);
		expect_erase(5);
		expire(8000);
		expect_erase(5);
		answer_bare(refusals[i]);
		expect_request(STP_OP_GET_STATE);
		answer_state(EPOCH, 6, 12);
		expect_done();
	}
	/* It did not happen. */
	start_erasing(5);
	open_log(3, 12);
	prepare(5);
	expect_erase(5);
	expire(8000);
	expect_erase(5);
	answer_bare(STP_WIRE_STALE);
	expect_request(STP_OP_GET_STATE);
	answer_state(EPOCH, 3, 12);
	expect_failed(STP_ERR_REFUSED, STP_OP_ERASE, STP_WIRE_STALE, 0);
	/* Nobody ever answers: it cannot be known. */
	start_erasing(5);
	open_log(3, 12);
	prepare(5);
	for (unsigned i = 0; i < 3; i++) {
		expect_erase(5);
		expire(8000);
	}
	expect_failed(STP_ERR_TIMEOUT, STP_OP_ERASE, 0, 0);
}

static void
a_wrong_number_is_the_callers_fault(void **state)
{
	start((struct stp_errand_config){ .kind = (enum stp_errand_kind)99 });
	expect_end(STP_ERRAND_FAILED);
	assert_int_equal(action.u.failed.reason, STP_ERR_ARGUMENT);
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(slots_are_listed_to_the_last),
		TEST(a_pen_with_slots_without_end_is_not_followed),
		TEST(a_pen_without_slots_says_so),
		TEST(a_slot_is_dropped_once_a_person_agrees),
		TEST(a_slot_that_went_unheard_is_gone_all_the_same),
		TEST(nobody_is_waited_for_for_ever),
		TEST(silence_is_waited_for_three_times),
		TEST(what_was_not_asked_for_is_dropped),
		TEST(what_is_held_is_erased_once_a_person_agrees),
		TEST(what_is_lacking_is_named_and_nothing_asked_for),
		TEST(nothing_counts_as_held_when_numbers_went_back),
		TEST(the_very_last_number_can_be_erased),
		TEST(what_is_not_there_needs_no_erasing),
		TEST(another_epoch_is_left_alone),
		TEST(a_refusal_at_any_step_ends_it),
		TEST(an_erasure_that_went_unheard_is_looked_for),
		TEST(a_wrong_number_is_the_callers_fault),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
