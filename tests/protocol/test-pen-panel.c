/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* Pen Control Point, the settings and the clock. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <stipple/elapsed-time.h>

#include "pen-bench.h"

static struct pen_bench bench;
static struct stp_panel_answer answer;
static uint8_t settings[STP_CONFIG_SIZE_MAX];

/* What the callbacks saw, and what they answer. */
static struct {
	enum stp_status result;
	unsigned calls, saves;
	uint8_t number, granted, saved[STP_CONFIG_SIZE_MAX];
	size_t saved_size;
	int64_t utc_ms;
} seen;

static enum stp_status
take_number(void *user, uint8_t number)
{
	seen.calls++;
	seen.number = number;
	return seen.result;
}

static enum stp_status
take_nothing(void *user)
{
	seen.calls++;
	return seen.result;
}

static enum stp_status
take_tag(void *user, const uint8_t tag[STP_SESSION_TAG_SIZE])
{
	return take_number(user, tag[7]);
}

static enum stp_status
take_rate(void *user, uint8_t hz, uint8_t *granted)
{
	*granted = seen.granted;
	return take_number(user, hz);
}

static enum stp_status
save_settings(void *user, const uint8_t *value, size_t size, uint8_t tag)
{
	seen.saves++;
	memcpy(seen.saved, value, size);
	seen.saved_size = size;
	return take_number(user, tag);
}

static enum stp_status
set_clock(void *user, int64_t utc_ms, uint8_t source)
{
	seen.utc_ms = utc_ms;
	return take_number(user, source);
}

static const struct stp_pen_panel panel = { take_number, take_nothing, take_number, take_tag, take_rate,
	take_nothing, take_nothing, save_settings, set_clock };

static int
tear_down(void **state)
{
	pen_bench_clear(&bench);
	return 0;
}

static void
set_up(const struct stp_pen_panel *with)
{
	const uint8_t label[] = { 'r', '1' }, unattended = 0;
	size_t size = stp_config_begin(settings, 7);

	memset(&seen, 0, sizeof(seen));
	pen_bench_init(&bench, 2, 5000, 23);
	assert_int_equal(stp_config_put(settings, &size, STP_CONFIG_LABEL, label, sizeof(label)), STP_OK);
	assert_int_equal(stp_config_put(settings, &size, STP_CONFIG_CONFIRMATION, &unattended, 1), STP_OK);
	bench.config.panel = with;
	bench.config.settings = settings;
	bench.config.settings_size = size;
	pen_bench_restart(&bench);
}

static uint8_t
ask(const struct stp_panel_request *request)
{
	uint8_t bytes[STP_CONTROL_SIZE_MAX];
	struct stp_pen_output output;
	size_t size;

	assert_int_equal(stp_panel_request_encode(request, bytes, &size), STP_OK);
	stp_pen_panel(&bench.pen, bytes, size);
	stp_pen_poll(&bench.pen, &output);
	assert_int_equal(output.kind, STP_PEN_INDICATE);
	assert_int_equal(output.channel, STP_PEN_PANEL);
	assert_int_equal(stp_panel_answer_decode(output.bytes, output.size, &answer), STP_OK);
	assert_int_equal(answer.op, request->op);
	assert_int_equal(answer.token, request->token);
	return answer.status;
}

static uint8_t
ask_simply(enum stp_panel_op op)
{
	const struct stp_panel_request request = { .op = op, .token = 3 };

	return ask(&request);
}

static uint8_t
set(uint16_t revision, uint8_t tag, uint8_t size, uint8_t octet)
{
	struct stp_panel_request request = { .op = STP_PANEL_CONFIG_SET,
		.token = 7,
		.u.config_set = { revision, tag, size, { octet } } };

	return ask(&request);
}

static void
does_what_it_is_asked(void **state)
{
	struct stp_panel_request request = { .op = STP_PANEL_IDENTIFY, .token = 1, .u.identify.seconds = 12 };

	set_up(&panel);
	assert_int_equal(ask(&request), STP_WIRE_SUCCESS);
	assert_int_equal(seen.number, 12);
	request = (struct stp_panel_request){ .op = STP_PANEL_SET_ZONE, .token = 2, .u.set_zone.zone = 4 };
	assert_int_equal(ask(&request), STP_WIRE_SUCCESS);
	assert_int_equal(seen.number, 4);
	request = (struct stp_panel_request){ .op = STP_PANEL_SESSION_TAG, .token = 3 };
	request.u.session_tag.tag[7] = 9;
	assert_int_equal(ask(&request), STP_WIRE_SUCCESS);
	assert_int_equal(seen.number, 9);
	request = (struct stp_panel_request){ .op = STP_PANEL_LIVE_RATE, .token = 4, .u.live_rate.hz = 8 };
	seen.granted = 5;
	assert_int_equal(ask(&request), STP_WIRE_SUCCESS);
	assert_int_equal(answer.u.live_rate.hz, 5);
	seen.granted = 200;
	assert_int_equal(ask(&request), STP_WIRE_SUCCESS);
	assert_int_equal(answer.u.live_rate.hz, 8);
	assert_int_equal(ask_simply(STP_PANEL_COUNTERS_RESET), STP_WIRE_SUCCESS);
	assert_int_equal(ask_simply(STP_PANEL_REBOOT), STP_WIRE_SUCCESS);
	assert_int_equal(seen.calls, 7);
	pen_bench_set_motor(&bench, true);
	assert_int_equal(ask_simply(STP_PANEL_REBOOT), STP_WIRE_BUSY);
	assert_int_equal(seen.calls, 7);
}

static void
says_why_it_does_not(void **state)
{
	static const struct { enum stp_status status; uint8_t wire; } reasons[] = {
		{ STP_ERR_RANGE, STP_WIRE_INVALID_OPERAND },
		{ STP_ERR_UNKNOWN, STP_WIRE_OP_NOT_SUPPORTED },
		{ STP_ERR_TURN, STP_WIRE_BUSY },
		{ STP_ERR_REFUSED, STP_WIRE_BATTERY_LOW },
		{ STP_ERR_IO, STP_WIRE_NOT_COMPLETED },
	};

	set_up(&panel);
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		seen.result = reasons[i].status;
		assert_int_equal(ask_simply(STP_PANEL_SET_ZONE), reasons[i].wire);
		assert_int_equal(ask_simply(STP_PANEL_REBOOT), reasons[i].wire);
	}
}

static void
what_is_missing_is_not_supported(void **state)
{
	static const struct stp_pen_panel nothing;
	const struct stp_pen_panel *const panels[] = { NULL, &nothing };

	for (unsigned i = 0; i < 2; i++) {
		set_up(panels[i]);
		for (int op = STP_PANEL_IDENTIFY; op <= STP_PANEL_COUNTERS_RESET; op++) {
			struct stp_panel_request request = { .op = (enum stp_panel_op)op, .token = 3 };

			if (op == STP_PANEL_CONFIG_GET && panels[i])
				continue;
			if (op == STP_PANEL_CONFIG_SET || op == STP_PANEL_CONFIG_GET)
				request.u.config_get.tag = request.u.config_set.tag = STP_CONFIG_LABEL;
			assert_int_equal(ask(&request), STP_WIRE_OP_NOT_SUPPORTED);
		}
		assert_int_equal(stp_pen_set_clock(&bench.pen, settings, 9), STP_ATT_ERROR_NOT_PERMITTED);
		pen_bench_clear(&bench);
	}
	set_up(&panel);
	bench.config.settings = NULL;
	pen_bench_restart(&bench);
	assert_int_equal(set(7, STP_CONFIG_LABEL, 1, 'x'), STP_WIRE_OP_NOT_SUPPORTED);
	assert_int_equal(seen.saves, 0);
	/* Nothing can be indicated that is not there. */
	stp_pen_subscribed(&bench.pen, STP_PEN_CONFIGURATION, true);
	stp_pen_settings_changed(&bench.pen, 2);
	pen_bench_expect_idle(&bench);
}

static void
answers_nonsense_and_leaves_the_log_alone(void **state)
{
	const uint8_t nonsense[] = { 0x7E, 5, 1 }, longer[] = { STP_PANEL_REBOOT, 5, 1 };
	struct stp_request read = read_request(1, 0, 5000);
	struct stp_pen_output output;

	set_up(&panel);
	pen_bench_send(&bench, &read);
	stp_pen_panel(&bench.pen, nonsense, sizeof(nonsense));
	stp_pen_poll(&bench.pen, &output);
	assert_int_equal(output.channel, STP_PEN_PANEL);
	assert_memory_equal(output.bytes, ((uint8_t[]){ 0xFE, 5, STP_WIRE_OP_NOT_SUPPORTED }), 3);
	stp_pen_panel(&bench.pen, longer, sizeof(longer));
	stp_pen_poll(&bench.pen, &output);
	assert_memory_equal(output.bytes, ((uint8_t[]){ 0xA8, 5, STP_WIRE_INVALID_OPERAND }), 3);
	stp_pen_panel(&bench.pen, nonsense, 0);
	stp_pen_poll(&bench.pen, &output);
	assert_memory_equal(output.bytes, ((uint8_t[]){ 0x80, 0, STP_WIRE_OP_NOT_SUPPORTED }), 3);
	assert_int_equal(ask_simply(STP_PANEL_COUNTERS_RESET), STP_WIRE_SUCCESS);
	/* The READ goes on; the bench checks its bytes. */
	assert_false(pen_bench_drain(&bench));
	assert_int_equal(bench.segments, 64);
	stp_pen_disconnected(&bench.pen);
	stp_pen_panel(&bench.pen, nonsense, sizeof(nonsense));
	pen_bench_expect_idle(&bench);
}

static uint8_t
run_self_test(uint32_t nonce)
{
	const struct stp_panel_request request = { .op = STP_PANEL_SELF_TEST_RUN,
		.token = 6,
		.u.self_test_run.nonce = nonce };

	return ask(&request);
}

static void
a_self_test_takes_a_person(void **state)
{
	uint32_t nonce;

	set_up(&panel);
	assert_int_equal(run_self_test(0), STP_WIRE_STALE);
	pen_bench_set_motor(&bench, true);
	assert_int_equal(ask_simply(STP_PANEL_SELF_TEST_PREPARE), STP_WIRE_BUSY);
	pen_bench_set_motor(&bench, false);
	assert_int_equal(ask_simply(STP_PANEL_SELF_TEST_PREPARE), STP_WIRE_SUCCESS);
	nonce = answer.u.self_test_prepare.nonce;
	assert_int_equal(run_self_test(nonce + 1), STP_WIRE_STALE);
	assert_int_equal(run_self_test(nonce), STP_WIRE_NOT_CONFIRMED);
	pen_bench_press(&bench, STP_PEN_WISH_SELF_TEST);
	pen_bench_set_motor(&bench, true);
	assert_int_equal(run_self_test(nonce), STP_WIRE_BUSY);
	pen_bench_set_motor(&bench, false);
	assert_int_equal(seen.calls, 0);
	assert_int_equal(run_self_test(nonce), STP_WIRE_SUCCESS);
	assert_int_equal(seen.calls, 1);
	assert_int_equal(run_self_test(nonce), STP_WIRE_STALE);

	assert_int_equal(ask_simply(STP_PANEL_SELF_TEST_PREPARE), STP_WIRE_SUCCESS);
	pen_bench_press(&bench, STP_PEN_WISH_SELF_TEST);
	pen_bench_wait(&bench, STP_PEN_WISH_MS);
	assert_int_equal(run_self_test(answer.u.self_test_prepare.nonce), STP_WIRE_STALE);
	assert_int_equal(seen.calls, 1);
}

static void
a_press_for_the_self_test_erases_nothing(void **state)
{
	struct stp_request prepare = { .op = STP_OP_ERASE_PREPARE, .token = 8,
		.u.erase_prepare = { BENCH_EPOCH, 2 } };
	struct stp_request erase = { .op = STP_OP_ERASE, .token = 9, .u.erase = { BENCH_EPOCH, 2, 0 } };

	set_up(&panel);
	assert_int_equal(pen_bench_hello(&bench, 'a'), STP_WIRE_SUCCESS);
	assert_int_equal(pen_bench_ack(&bench, 0, 1, 2), STP_WIRE_SUCCESS);
	assert_int_equal(pen_bench_ask(&bench, &prepare), STP_WIRE_SUCCESS);
	erase.u.erase.nonce = bench.answer.u.erase_prepare.nonce;
	assert_int_equal(ask_simply(STP_PANEL_SELF_TEST_PREPARE), STP_WIRE_SUCCESS);
	pen_bench_press(&bench, STP_PEN_WISH_SELF_TEST);
	assert_int_equal(pen_bench_ask(&bench, &erase), STP_WIRE_STALE);
	assert_int_equal(bench.flash.erasures, 0);
}

static void
settings_are_changed_by_who_knows_them(void **state)
{
	struct stp_panel_request get = { .op = STP_PANEL_CONFIG_GET, .token = 8,
		.u.config_get.tag = STP_CONFIG_LABEL };
	struct stp_pen_output output;

	set_up(&panel);
	stp_pen_subscribed(&bench.pen, STP_PEN_CONFIGURATION, true);
	assert_int_equal(ask(&get), STP_WIRE_SUCCESS);
	assert_int_equal(answer.u.config_get.revision, 7);
	assert_int_equal(answer.u.config_get.size, 2);
	assert_memory_equal(answer.u.config_get.value, "r1", 2);

	assert_int_equal(set(6, STP_CONFIG_LABEL, 1, 'x'), STP_WIRE_WRONG_REVISION);
	assert_int_equal(answer.u.config_set.revision, 7);
	assert_int_equal(set(7, STP_CONFIG_LABEL, 1, '\n'), STP_WIRE_INVALID_OPERAND);
	assert_int_equal(set(7, 0x55, 1, 1), STP_WIRE_INVALID_OPERAND);
	assert_int_equal(set(7, STP_CONFIG_CONFIRMATION, 1, 1), STP_WIRE_NOT_AUTHORISED);
	assert_int_equal(seen.saves, 0);
	pen_bench_expect_idle(&bench);

	assert_int_equal(set(7, STP_CONFIG_LABEL, 1, 'x'), STP_WIRE_SUCCESS);
	assert_int_equal(answer.u.config_set.revision, 8);
	assert_int_equal(seen.saves, 1);
	assert_int_equal(seen.number, STP_CONFIG_LABEL);
	assert_memory_equal(seen.saved, settings, seen.saved_size);
	assert_int_equal(seen.saved_size, bench.pen.config.settings_size);
	stp_pen_poll(&bench.pen, &output);
	assert_int_equal(output.channel, STP_PEN_CONFIGURATION);
	assert_memory_equal(output.bytes, ((uint8_t[]){ 8, 0 }), 2);
	assert_int_equal(output.size, 2);
	/* What is there already is not written again. */
	assert_int_equal(set(8, STP_CONFIG_LABEL, 1, 'x'), STP_WIRE_SUCCESS);
	assert_int_equal(answer.u.config_set.revision, 8);
	assert_int_equal(seen.saves, 1);
	pen_bench_expect_idle(&bench);
	assert_int_equal(ask(&get), STP_WIRE_SUCCESS);
	assert_memory_equal(answer.u.config_get.value, "x", 1);
	get.u.config_get.tag = STP_CONFIG_PRIVACY;
	assert_int_equal(ask(&get), STP_WIRE_NO_RECORDS);
}

static void
what_could_not_be_kept_is_not_changed(void **state)
{
	uint8_t before[STP_CONFIG_SIZE_MAX];

	set_up(&panel);
	memcpy(before, settings, sizeof(before));
	seen.result = STP_ERR_IO;
	assert_int_equal(set(7, STP_CONFIG_LABEL, 1, 'x'), STP_WIRE_NOT_COMPLETED);
	seen.result = STP_ERR_RANGE;
	assert_int_equal(set(7, STP_CONFIG_MAKER_MIN, 1, 'x'), STP_WIRE_INVALID_OPERAND);
	assert_memory_equal(before, settings, sizeof(before));
	/* No room. */
	seen.result = STP_OK;
	for (uint16_t i = 0; i < 8; i++)
		assert_int_equal(set((uint16_t)(7 + i), (uint8_t)(STP_CONFIG_MAKER_MIN + i), 15, 1), i < 7 ?
				 STP_WIRE_SUCCESS : STP_WIRE_INVALID_OPERAND);
	/* The revision does not come back to what a pen begins with. */
	stp_config_set_revision(settings, UINT16_MAX);
	assert_int_equal(set(UINT16_MAX, STP_CONFIG_LABEL, 1, 'y'), STP_WIRE_SUCCESS);
	assert_int_equal(answer.u.config_set.revision, 1);
}

static void
the_engine_goes_by_its_settings(void **state)
{
	const uint8_t unattended = STP_CONFIRM_ERASE_UNATTENDED;
	size_t size;

	set_up(&panel);
	assert_int_equal(set(7, STP_CONFIG_LOG_WHILE_MOTOR, 1, 9), STP_WIRE_SUCCESS);
	assert_int_equal(bench.pen.config.motor_segments_per_s, 9);
	assert_false(bench.pen.config.erase_unconfirmed);
	size = bench.pen.config.settings_size;
	assert_int_equal(stp_config_put(settings, &size, STP_CONFIG_CONFIRMATION, &unattended, 1), STP_OK);
	stp_pen_settings_changed(&bench.pen, size);
	assert_true(bench.pen.config.erase_unconfirmed);
	/* Also after power-off. */
	bench.config.settings_size = size;
	pen_bench_restart(&bench);
	assert_int_equal(bench.pen.config.motor_segments_per_s, 9);
	settings[2] = 0;
	assert_int_not_equal(stp_pen_init(&bench.pen, &bench.config), STP_OK);
}

static uint8_t
write_time(const struct stp_elapsed_time *time)
{
	uint8_t bytes[STP_ELAPSED_TIME_SIZE];

	assert_int_equal(stp_elapsed_time_encode(time, bytes), STP_OK);
	return stp_pen_set_clock(&bench.pen, bytes, sizeof(bytes));
}

static void
the_clock_takes_utc_in_any_resolution(void **state)
{
	static const struct { uint32_t unit_us; uint64_t value; } times[] = {
		{ 1000000, 820540800 }, { 100000, 8205408000 }, { 1000, 820540800000 }, { 100, 8205408000009 },
	};
	struct stp_elapsed_time time = { .is_utc = true, .sync_source = 1, .tz_dst_quarters = 4 };

	set_up(&panel);
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		time.unit_us = times[i].unit_us;
		time.value = times[i].value;
		assert_int_equal(write_time(&time), 0);
		/* 2026-01-01 00:00 UTC; the offset is for the display. */
		assert_true(seen.utc_ms == INT64_C(1767225600000));
	}
}

static void
the_clock_refuses_the_rest(void **state)
{
	const uint8_t bytes[10] = { 0 };
	struct stp_elapsed_time time = { .is_utc = true, .unit_us = 1000, .value = 5, .sync_source = 1 };

	set_up(&panel);
	assert_int_equal(stp_pen_set_clock(&bench.pen, bytes, 8), STP_ATT_ERROR_LENGTH);
	assert_int_equal(stp_pen_set_clock(&bench.pen, bytes, 10), STP_ATT_ERROR_LENGTH);
	time.is_tick = true;
	assert_int_equal(write_time(&time), STP_ATT_ERROR_TIME_FORMAT);
	time.is_tick = time.is_utc = false;
	assert_int_equal(write_time(&time), STP_ATT_ERROR_TIME_FORMAT);
	time.is_utc = true;
	time.sync_source = 7;
	assert_int_equal(write_time(&time), STP_ATT_ERROR_TIME_SOURCE);
	time.sync_source = 200;
	assert_int_equal(write_time(&time), STP_ATT_ERROR_TIME_SOURCE);
	assert_int_equal(seen.calls, 0);
	seen.result = STP_ERR_RANGE;
	time.sync_source = 1;
	assert_int_equal(write_time(&time), STP_ATT_ERROR_OUT_OF_RANGE);
	seen.result = STP_ERR_IO;
	assert_int_equal(write_time(&time), STP_ATT_ERROR_UNLIKELY);
	seen.result = STP_OK;
	/* What was refused has not set it: any source may. */
	time.sync_source = 0;
	assert_int_equal(write_time(&time), 0);
	time.sync_source = 4;
	assert_int_equal(write_time(&time), 0);
	time.sync_source = 0;
	assert_int_equal(write_time(&time), STP_ATT_ERROR_TIME_SOURCE);
	time.sync_source = 1;
	assert_int_equal(write_time(&time), 0);
	time.sync_source = 4;
	assert_int_equal(write_time(&time), STP_ATT_ERROR_TIME_SOURCE);
	pen_bench_restart(&bench);
	assert_int_equal(write_time(&time), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(does_what_it_is_asked, tear_down),
		cmocka_unit_test_teardown(says_why_it_does_not, tear_down),
		cmocka_unit_test_teardown(what_is_missing_is_not_supported, tear_down),
		cmocka_unit_test_teardown(answers_nonsense_and_leaves_the_log_alone, tear_down),
		cmocka_unit_test_teardown(a_self_test_takes_a_person, tear_down),
		cmocka_unit_test_teardown(a_press_for_the_self_test_erases_nothing, tear_down),
		cmocka_unit_test_teardown(settings_are_changed_by_who_knows_them, tear_down),
		cmocka_unit_test_teardown(what_could_not_be_kept_is_not_changed, tear_down),
		cmocka_unit_test_teardown(the_engine_goes_by_its_settings, tear_down),
		cmocka_unit_test_teardown(the_clock_takes_utc_in_any_resolution, tear_down),
		cmocka_unit_test_teardown(the_clock_refuses_the_rest, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
