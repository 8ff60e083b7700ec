/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stipple/panel.h>

static struct stp_panel *panel;
static struct stp_panel_action action;
static struct stp_panel_request request;	/* the last one */
static uint64_t now;

static int
set_up(void **state)
{
	const struct stp_panel_config config = { 0 };

	now = 1000;
	panel = stp_panel_new(&config);
	request.token = 0;
	return panel ? 0 : -1;
}

static int
tear_down(void **state)
{
	stp_panel_free(panel);
	return 0;
}

static void
expect(enum stp_panel_action_kind kind)
{
	stp_panel_poll(panel, &action);
	assert_int_equal(action.kind, kind);
}

static void
expect_request(enum stp_panel_op op)
{
	uint8_t before = request.token;

	expect(STP_PANEL_WRITE);
	assert_int_equal(stp_panel_request_decode(action.u.write.bytes, action.u.write.size, &request), STP_OK);
	assert_int_equal(request.op, op);
	assert_int_not_equal(request.token, before);
	expect(STP_PANEL_IDLE);
}

static void
ask(struct stp_panel_request what)
{
	assert_int_equal(stp_panel_ask(panel, &what, now), STP_OK);
	expect_request(what.op);
}

static void
give(struct stp_panel_answer answer)
{
	uint8_t bytes[STP_CONTROL_SIZE_MAX];
	size_t size;

	assert_int_equal(stp_panel_answer_encode(&answer, bytes, &size), STP_OK);
	stp_panel_control(panel, bytes, size, ++now);
}

static void
answer(uint8_t status)
{
	give((struct stp_panel_answer){ .op = request.op, .token = request.token, .status = status });
}

static void
expect_answer(uint8_t status, bool repeated)
{
	expect(STP_PANEL_ANSWER);
	assert_int_equal(action.u.answer.answer.op, request.op);
	assert_int_equal(action.u.answer.answer.status, status);
	assert_int_equal(action.u.answer.repeated, repeated);
	expect(STP_PANEL_IDLE);
	assert_true(stp_panel_deadline(panel) == UINT64_MAX);
}

static void
expect_failed(enum stp_panel_op op, uint8_t wire_status)
{
	expect(STP_PANEL_FAILED);
	assert_int_equal(action.u.failed.reason, STP_ERR_TIMEOUT);
	assert_int_equal(action.u.failed.op, op);
	assert_int_equal(action.u.failed.wire_status, wire_status);
	expect(STP_PANEL_IDLE);
	assert_true(stp_panel_deadline(panel) == UINT64_MAX);
}

static void
expire(uint64_t after_ms)
{
	assert_int_equal(stp_panel_deadline(panel) - now, after_ms);
	now += after_ms - 1;
	stp_panel_timeout(panel, now);
	expect(STP_PANEL_IDLE);
	stp_panel_timeout(panel, ++now);
}

static void
one_request_after_the_other(void **state)
{
	const struct stp_panel_request zone = { .op = STP_PANEL_SET_ZONE, .u.set_zone = { 4 } };

	expect(STP_PANEL_IDLE);
	ask(zone);
	assert_int_equal(request.u.set_zone.zone, 4);
	assert_int_equal(stp_panel_ask(panel, &zone, now), STP_ERR_TURN);
	answer(STP_WIRE_SUCCESS);
	/* Its answer has to be taken first. */
	assert_int_equal(stp_panel_ask(panel, &zone, now), STP_ERR_TURN);
	expect_answer(STP_WIRE_SUCCESS, false);
	ask(zone);
	answer(STP_WIRE_BUSY);
	expect_answer(STP_WIRE_BUSY, false);
}

static void
what_cannot_be_asked_is_not_begun(void **state)
{
	struct stp_panel_request wrong = { .op = STP_PANEL_IDENTIFY, .u.identify = { 31 } };

	assert_int_equal(stp_panel_ask(panel, &wrong, now), STP_ERR_RANGE);
	wrong.op = (enum stp_panel_op)0x60;
	assert_int_equal(stp_panel_ask(panel, &wrong, now), STP_ERR_UNKNOWN);
	expect(STP_PANEL_IDLE);
	assert_true(stp_panel_deadline(panel) == UINT64_MAX);
}

static void
what_was_not_asked_for_is_dropped(void **state)
{
	stp_panel_control(panel, (const uint8_t *)"\xA5\1\1", 3, now);
	expect(STP_PANEL_IDLE);
	ask((struct stp_panel_request){ .op = STP_PANEL_SET_ZONE });
	give((struct stp_panel_answer){ .op = STP_PANEL_SET_ZONE, .token = 9, .status = STP_WIRE_SUCCESS });
	give((struct stp_panel_answer){
		.op = STP_PANEL_SESSION_TAG, .token = request.token, .status = STP_WIRE_SUCCESS });
	stp_panel_control(panel, (const uint8_t *)"\xFF", 1, now);
	expect(STP_PANEL_IDLE);
	answer(STP_WIRE_SUCCESS);
	/* Twice, and before it is taken. */
	answer(STP_WIRE_BUSY);
	expect_answer(STP_WIRE_SUCCESS, false);
}

static void
what_does_no_harm_is_repeated(void **state)
{
	const struct stp_panel_request harmless[] = {
		{ .op = STP_PANEL_IDENTIFY, .u.identify = { 10 } },
		{ .op = STP_PANEL_CONFIG_GET, .u.config_get = { 1 } },
		{ .op = STP_PANEL_SET_ZONE, .u.set_zone = { 1 } },
		{ .op = STP_PANEL_SESSION_TAG },
		{ .op = STP_PANEL_LIVE_RATE, .u.live_rate = { 5 } },
		{ .op = STP_PANEL_CONFIG_SET, .u.config_set = { 7, STP_CONFIG_LABEL, 1, "a" } },
	};

	for (size_t i = 0; i < sizeof(harmless) / sizeof(harmless[0]); i++) {
		ask(harmless[i]);
		expire(8000);
		expect_request(harmless[i].op);
		answer(STP_WIRE_SUCCESS);
		expect_answer(STP_WIRE_SUCCESS, true);

		ask(harmless[i]);
		expire(8000);
		expect_request(harmless[i].op);
		expire(8000);
		expect_request(harmless[i].op);
		expire(8000);
		expect_failed(harmless[i].op, 0);
	}
	/* The next request has nothing of it. */
	ask(harmless[0]);
	answer(STP_WIRE_SUCCESS);
	expect_answer(STP_WIRE_SUCCESS, false);
}

static void
what_may_do_harm_is_asked_once(void **state)
{
	const enum stp_panel_op ops[] = { STP_PANEL_SELF_TEST_PREPARE, STP_PANEL_SELF_TEST_RUN, STP_PANEL_REBOOT,
		STP_PANEL_COUNTERS_RESET };

	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		ask((struct stp_panel_request){ .op = ops[i] });
		expire(8000);
		expect_failed(ops[i], 0);
	}
}

static void
a_person_is_told_once_and_waited_for(void **state)
{
	ask((struct stp_panel_request){ .op = STP_PANEL_SELF_TEST_RUN, .u.self_test_run = { 42 } });
	answer(STP_WIRE_NOT_CONFIRMED);
	expect(STP_PANEL_CONFIRM);
	assert_int_equal(action.u.confirm.within_ms, 60000);
	expect(STP_PANEL_IDLE);
	expire(1000);
	expect_request(STP_PANEL_SELF_TEST_RUN);
	assert_int_equal(request.u.self_test_run.nonce, 42);
	answer(STP_WIRE_NOT_CONFIRMED);
	expect(STP_PANEL_IDLE);
	expire(1000);
	expect_request(STP_PANEL_SELF_TEST_RUN);
	answer(STP_WIRE_SUCCESS);
	expect_answer(STP_WIRE_SUCCESS, false);
	/* What a person has yet to confirm was not done, whatever answer was lost before. */
	ask((struct stp_panel_request){ .op = STP_PANEL_SET_ZONE });
	expire(8000);
	expect_request(STP_PANEL_SET_ZONE);
	answer(STP_WIRE_NOT_CONFIRMED);
	expect(STP_PANEL_CONFIRM);
	expire(1000);
	expect_request(STP_PANEL_SET_ZONE);
	answer(STP_WIRE_SUCCESS);
	expect_answer(STP_WIRE_SUCCESS, false);
	/* This time it may have run: not once more. */
	ask((struct stp_panel_request){ .op = STP_PANEL_SELF_TEST_RUN, .u.self_test_run = { 43 } });
	answer(STP_WIRE_NOT_CONFIRMED);
	expect(STP_PANEL_CONFIRM);
	expire(1000);
	expect_request(STP_PANEL_SELF_TEST_RUN);
	expire(8000);
	expect_failed(STP_PANEL_SELF_TEST_RUN, 0);
}

static void
nobody_is_waited_for_for_ever(void **state)
{
	uint64_t began = now;

	ask((struct stp_panel_request){ .op = STP_PANEL_COUNTERS_RESET });
	answer(STP_WIRE_NOT_CONFIRMED);
	expect(STP_PANEL_CONFIRM);
	while (stp_panel_deadline(panel) != UINT64_MAX) {
		expire(1000);
		expect_request(STP_PANEL_COUNTERS_RESET);
		answer(STP_WIRE_NOT_CONFIRMED);
	}
	assert_in_range(now - began, 60000, 61500);
	expect_failed(STP_PANEL_COUNTERS_RESET, STP_WIRE_NOT_CONFIRMED);
}

/* An engine after another on the same link: a late answer to the other's request is not its own. */
static void
the_token_goes_on(void **state)
{
	for (unsigned last = 0; last <= 255; last++) {
		const struct stp_panel_config config = { .last_token = (uint8_t)last };
		struct stp_panel_request identify = { .op = STP_PANEL_IDENTIFY };

		stp_panel_free(panel);
		panel = stp_panel_new(&config);
		assert_non_null(panel);
		request.token = (uint8_t)last;
		ask(identify);
	}
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_token_goes_on),
		TEST(one_request_after_the_other),
		TEST(what_cannot_be_asked_is_not_begun),
		TEST(what_was_not_asked_for_is_dropped),
		TEST(what_does_no_harm_is_repeated),
		TEST(what_may_do_harm_is_asked_once),
		TEST(a_person_is_told_once_and_waited_for),
		TEST(nobody_is_waited_for_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
