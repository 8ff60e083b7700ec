/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* What the pen sends beside the log, in which order, and what it does beside a running motor. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "pen-bench.h"

static struct pen_bench bench;
static struct stp_pen_output output;

static int
tear_down(void **state)
{
	pen_bench_clear(&bench);
	return 0;
}

static void
expect(enum stp_pen_output_kind kind, enum stp_pen_channel channel)
{
	stp_pen_poll(&bench.pen, &output);
	assert_int_equal(output.kind, kind);
	if (kind == STP_PEN_INDICATE || kind == STP_PEN_NOTIFY)
		assert_int_equal(output.channel, channel);
}

static void
show(uint16_t depth_um)
{
	const struct stp_live frame = { .depth_um = depth_um };

	assert_int_equal(stp_pen_live(&bench.pen, &frame), STP_OK);
}

static void
tell(uint32_t event_no)
{
	const struct stp_event_hint hint = { .event_no = event_no, .code = 1 };

	assert_int_equal(stp_pen_event(&bench.pen, &hint), STP_OK);
}

static void
subscribe_all(void)
{
	for (int i = 0; i < STP_PEN_CHANNELS; i++)
		stp_pen_subscribed(&bench.pen, (enum stp_pen_channel)i, true);
}

static void
only_the_newest_frame_waits(void **state)
{
	struct stp_live live, careless = { .depth_um = 5001 };

	pen_bench_init(&bench, 1, 100, 23);
	subscribe_all();
	show(1);
	show(2);
	show(3);
	assert_int_equal(stp_pen_live(&bench.pen, &careless), STP_ERR_RANGE);
	expect(STP_PEN_NOTIFY, STP_PEN_LIVE);
	assert_int_equal(stp_live_decode(output.bytes, output.size, &live), STP_OK);
	/* The host sees that two are missing. */
	assert_int_equal(live.depth_um, 3);
	assert_int_equal(live.seq, 2);
	pen_bench_expect_idle(&bench);
	show(4);
	expect(STP_PEN_NOTIFY, STP_PEN_LIVE);
	assert_int_equal(stp_live_decode(output.bytes, output.size, &live), STP_OK);
	assert_int_equal(live.seq, 3);
}

static void
the_oldest_events_are_dropped(void **state)
{
	struct stp_event_hint hint, careless = { .severity = 4 };

	pen_bench_init(&bench, 1, 100, 23);
	subscribe_all();
	for (uint32_t i = 1; i <= STP_PEN_EVENTS + 3; i++)
		tell(i);
	assert_int_equal(stp_pen_event(&bench.pen, &careless), STP_ERR_RANGE);
	for (uint32_t i = 4; i <= STP_PEN_EVENTS + 3; i++) {
		expect(STP_PEN_INDICATE, STP_PEN_EVENT);
		assert_int_equal(stp_event_hint_decode(output.bytes, output.size, &hint), STP_OK);
		assert_int_equal(hint.event_no, i);
	}
	pen_bench_expect_idle(&bench);
}

static void
nothing_is_sent_to_who_did_not_subscribe(void **state)
{
	const uint8_t get_state[] = { STP_OP_GET_STATE, 1 };
	struct stp_request read = read_request(1, 0, 100);

	pen_bench_init(&bench, 1, 100, 23);
	show(1);
	tell(1);
	stp_pen_cartridge_changed(&bench.pen, 1);
	pen_bench_expect_idle(&bench);
	/* A later subscription is not for what was. */
	subscribe_all();
	pen_bench_expect_idle(&bench);

	show(1);
	tell(1);
	stp_pen_cartridge_changed(&bench.pen, 1);
	stp_pen_control(&bench.pen, get_state, sizeof(get_state));
	for (int i = 0; i < STP_PEN_CHANNELS; i++)
		stp_pen_subscribed(&bench.pen, (enum stp_pen_channel)i, false);
	pen_bench_expect_idle(&bench);
	subscribe_all();
	pen_bench_expect_idle(&bench);

	/* Nor is the answer to what was under way when the subscription ended. */
	pen_bench_send(&bench, &read);
	stp_pen_subscribed(&bench.pen, STP_PEN_LOG_CONTROL, false);
	for (unsigned i = 0; i < 100 / 16 + 1; i++)
		expect(STP_PEN_NOTIFY, STP_PEN_LOG_DATA);
	pen_bench_expect_idle(&bench);
	stp_pen_subscribed(&bench.pen, STP_PEN_LOG_CONTROL, true);
	pen_bench_expect_idle(&bench);

	stp_pen_subscribed(&bench.pen, STP_PEN_LOG_DATA, false);
	pen_bench_send(&bench, &read);
	pen_bench_expect_idle(&bench);
	stp_pen_subscribed(&bench.pen, STP_PEN_LOG_DATA, true);
	expect(STP_PEN_NOTIFY, STP_PEN_LOG_DATA);
}

static void
nothing_outlives_the_link(void **state)
{
	pen_bench_init(&bench, 1, 100, 23);
	subscribe_all();
	show(1);
	tell(1);
	stp_pen_cartridge_changed(&bench.pen, 1);
	stp_pen_hold_indications(&bench.pen, true);
	stp_pen_disconnected(&bench.pen);
	pen_bench_expect_idle(&bench);
	stp_pen_connected(&bench.pen, 23);
	pen_bench_expect_idle(&bench);
	subscribe_all();
	pen_bench_expect_idle(&bench);
	stp_pen_cartridge_changed(&bench.pen, 1);
	expect(STP_PEN_INDICATE, STP_PEN_CARTRIDGE);
}

static void
answers_go_first_and_frames_before_the_log(void **state)
{
	const uint8_t nonsense[] = { 0x7F, 3 };
	struct stp_request read = read_request(1, 0, 100);

	pen_bench_init(&bench, 1, 100, 23);
	subscribe_all();
	pen_bench_send(&bench, &read);
	stp_pen_cartridge_changed(&bench.pen, 3);
	show(1);
	tell(1);
	stp_pen_panel(&bench.pen, nonsense, sizeof(nonsense));
	stp_pen_control(&bench.pen, nonsense, sizeof(nonsense));
	expect(STP_PEN_INDICATE, STP_PEN_LOG_CONTROL);
	expect(STP_PEN_INDICATE, STP_PEN_PANEL);
	expect(STP_PEN_INDICATE, STP_PEN_EVENT);
	expect(STP_PEN_INDICATE, STP_PEN_CARTRIDGE);
	assert_int_equal(output.size, 1);
	assert_int_equal(output.bytes[0], 3);
	expect(STP_PEN_NOTIFY, STP_PEN_LIVE);
	expect(STP_PEN_NOTIFY, STP_PEN_LOG_DATA);
}

static void
notifications_go_on_while_an_indication_is_unconfirmed(void **state)
{
	const uint8_t nonsense[] = { 0x7F, 3 };
	struct stp_request read = read_request(1, 0, 32);

	pen_bench_init(&bench, 1, 100, 23);
	subscribe_all();
	pen_bench_send(&bench, &read);
	tell(1);
	tell(2);
	expect(STP_PEN_INDICATE, STP_PEN_EVENT);
	stp_pen_hold_indications(&bench.pen, true);
	show(1);
	expect(STP_PEN_NOTIFY, STP_PEN_LIVE);
	expect(STP_PEN_NOTIFY, STP_PEN_LOG_DATA);
	expect(STP_PEN_NOTIFY, STP_PEN_LOG_DATA);
	/* The READ is at its end: its answer waits, and is not lost to what comes meanwhile. */
	pen_bench_expect_idle(&bench);
	pen_bench_expect_idle(&bench);
	stp_pen_control(&bench.pen, nonsense, sizeof(nonsense));
	stp_pen_hold_indications(&bench.pen, false);
	expect(STP_PEN_INDICATE, STP_PEN_LOG_CONTROL);
	assert_int_equal(output.bytes[0], STP_OP_READ | 0x80);
	expect(STP_PEN_INDICATE, STP_PEN_LOG_CONTROL);
	expect(STP_PEN_INDICATE, STP_PEN_EVENT);
	pen_bench_expect_idle(&bench);
}

/* Segments that go out in so many ticks of step_ms. */
static unsigned
count_segments(unsigned ticks, uint32_t step_ms)
{
	unsigned count = 0;

	for (unsigned i = 0; i < ticks; i++) {
		bench.now_ms += step_ms;
		stp_pen_tick(&bench.pen, bench.now_ms);
		for (stp_pen_poll(&bench.pen, &output); output.kind == STP_PEN_NOTIFY;
		     stp_pen_poll(&bench.pen, &output))
			count++;
	}
	return count;
}

static void
the_log_goes_on_slowly_beside_the_motor(void **state)
{
	struct stp_request read = read_request(1, 0, 5000);
	unsigned sent;

	pen_bench_init(&bench, 1, 5000, 23);
	bench.config.motor_segments_per_s = 4;
	pen_bench_restart(&bench);
	pen_bench_set_motor(&bench, true);
	pen_bench_send(&bench, &read);
	/* Often asked for the time, or seldom. */
	sent = count_segments(500, 10);
	assert_in_range(sent, 19, 20);
	sent = count_segments(5, 1000);
	assert_in_range(sent, 19, 21);
	/* What was not used is not saved up: a burst is what a pen in use cannot spare. */
	pen_bench_set_motor(&bench, false);
	assert_true(count_segments(1, 0) > 20);
	pen_bench_wait(&bench, 60000);
	pen_bench_set_motor(&bench, true);
	pen_bench_send(&bench, &read);
	assert_in_range(count_segments(1, 1), 1, 4);
}

static void
a_hash_goes_slowly_too(void **state)
{
	struct stp_request hash = { .op = STP_OP_HASH, .token = 5, .u.hash = { BENCH_EPOCH, 1, 0, 5000 } };
	unsigned pieces = 0;

	pen_bench_init(&bench, 1, 5000, 23);
	bench.config.motor_segments_per_s = 2;
	pen_bench_restart(&bench);
	pen_bench_set_motor(&bench, true);
	pen_bench_send(&bench, &hash);
	for (unsigned i = 0; i < 30; i++) {
		bench.now_ms += 100;
		stp_pen_tick(&bench.pen, bench.now_ms);
		stp_pen_poll(&bench.pen, &output);
		pieces += output.kind == STP_PEN_WORKING;
	}
	assert_in_range(pieces, 5, 6);
}

static void
without_a_clock_there_is_no_pace(void **state)
{
	struct stp_request read = read_request(1, 0, 100);

	pen_bench_init(&bench, 1, 100, 23);
	bench.config.motor_segments_per_s = 4;
	assert_int_equal(stp_pen_init(&bench.pen, &bench.config), STP_OK);
	stp_pen_connected(&bench.pen, 23);
	pen_bench_set_motor(&bench, true);
	assert_int_equal(pen_bench_ask(&bench, &read), STP_WIRE_BUSY);
}

static void
a_list_passes_a_long_gap_in_pieces(void **state)
{
	struct stp_request list = list_request(1, 2000);

	pen_bench_init(&bench, 2, 50, 23);
	flash_model_add(&bench.flash, 1000, 50);
	flash_model_add(&bench.flash, 3000, 50);
	assert_int_equal(pen_bench_ask(&bench, &list), STP_WIRE_SUCCESS);
	assert_int_equal(bench.size, 3 * STP_ENTRY_SIZE);
	assert_int_equal(bench.answer.u.sent.oldest, 1);
	assert_in_range(bench.pieces, 2000 / 64 - 4, 2000 / 64);
	list = list_request(1001, 2999);
	assert_int_equal(pen_bench_ask(&bench, &list), STP_WIRE_NO_RECORDS);
	assert_int_equal(bench.size, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(only_the_newest_frame_waits, tear_down),
		cmocka_unit_test_teardown(the_oldest_events_are_dropped, tear_down),
		cmocka_unit_test_teardown(nothing_is_sent_to_who_did_not_subscribe, tear_down),
		cmocka_unit_test_teardown(nothing_outlives_the_link, tear_down),
		cmocka_unit_test_teardown(answers_go_first_and_frames_before_the_log, tear_down),
		cmocka_unit_test_teardown(notifications_go_on_while_an_indication_is_unconfirmed, tear_down),
		cmocka_unit_test_teardown(the_log_goes_on_slowly_beside_the_motor, tear_down),
		cmocka_unit_test_teardown(a_hash_goes_slowly_too, tear_down),
		cmocka_unit_test_teardown(without_a_clock_there_is_no_pace, tear_down),
		cmocka_unit_test_teardown(a_list_passes_a_long_gap_in_pieces, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
