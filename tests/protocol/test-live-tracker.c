/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stipple/live.h>

#define WRAP (UINT64_C(1) << 32)

static enum stp_live_turn
take(struct stp_live_tracker *tracker, unsigned seq, uint64_t tick, uint64_t *whole)
{
	struct stp_live frame = { .seq = (uint8_t)seq, .tick_low_ms = (uint32_t)tick };

	return stp_live_tracker_take(tracker, &frame, whole);
}

static void
frames_in_order_lose_nothing(void **state)
{
	struct stp_live_tracker tracker;
	uint64_t tick;

	stp_live_tracker_init(&tracker, 1000);
	/* The first may have any seq: the pen was asked before. */
	for (unsigned i = 0; i < 1000; i++) {
		assert_int_equal(take(&tracker, 200 + i, 1100 + 100 * i, &tick), STP_LIVE_NEXT);
		assert_int_equal(tick, 1100 + 100 * i);
	}
	assert_int_equal(tracker.frames, 1000);
	assert_int_equal(tracker.lost + tracker.old + tracker.restarts, 0);
}

static void
what_is_missing_is_counted(void **state)
{
	struct stp_live_tracker tracker;

	stp_live_tracker_init(&tracker, 0);
	take(&tracker, 254, 100, NULL);
	assert_int_equal(take(&tracker, 1, 400, NULL), STP_LIVE_AFTER_GAP);
	assert_int_equal(tracker.lost, 2);
	assert_int_equal(take(&tracker, 2, 500, NULL), STP_LIVE_NEXT);
	/* All the way round. */
	assert_int_equal(take(&tracker, 2, 500 + 25600, NULL), STP_LIVE_AFTER_GAP);
	assert_int_equal(tracker.lost, 2 + 255);
	assert_int_equal(tracker.frames, 4);
}

static void
duplicates_and_overtaken_frames_are_old(void **state)
{
	struct stp_live_tracker tracker;

	stp_live_tracker_init(&tracker, 0);
	take(&tracker, 5, 20000, NULL);
	take(&tracker, 6, 20100, NULL);
	assert_int_equal(take(&tracker, 6, 20100, NULL), STP_LIVE_OLD);
	assert_int_equal(take(&tracker, 5, 20000, NULL), STP_LIVE_OLD);
	assert_int_equal(tracker.old, 2);
	/* As far back as it goes: ten frames, ten seconds. */
	assert_int_equal(take(&tracker, 252, 10100, NULL), STP_LIVE_OLD);
	assert_int_equal(tracker.old, 3);
	assert_int_equal(tracker.frames, 2);
	assert_int_equal(tracker.tick_ms, 20100);
	/* The counter says which is newer when the tick cannot. */
	assert_int_equal(take(&tracker, 7, 20100, NULL), STP_LIVE_NEXT);
	assert_int_equal(tracker.lost, 0);
}

static void
a_tick_that_goes_back_is_a_restart(void **state)
{
	struct stp_live_tracker tracker;
	uint64_t tick;

	stp_live_tracker_init(&tracker, 3 * WRAP);
	take(&tracker, 5, 3 * WRAP + 900000, NULL);
	/* Behind by few frames, but by too long a time. */
	assert_int_equal(take(&tracker, 3, 2000, &tick), STP_LIVE_RESTARTED);
	assert_int_equal(tick, 2000);
	assert_int_equal(take(&tracker, 4, 2100, &tick), STP_LIVE_NEXT);
	assert_int_equal(tick, 2100);
	/* Behind by a short time, but by too many frames. */
	take(&tracker, 100, 5000, NULL);
	assert_int_equal(take(&tracker, 89, 4000, &tick), STP_LIVE_RESTARTED);
	/* The same seq can only be another count. */
	assert_int_equal(take(&tracker, 89, 3900, &tick), STP_LIVE_RESTARTED);
	/* Behind by few frames, but by a millisecond too much. */
	take(&tracker, 100, 20000, NULL);
	assert_int_equal(take(&tracker, 99, 9999, &tick), STP_LIVE_RESTARTED);
	assert_int_equal(tracker.restarts, 4);
	assert_int_equal(tracker.old, 0);
}

static void
the_tick_goes_on_when_its_32_bits_wrap(void **state)
{
	struct stp_live_tracker tracker;
	uint64_t tick;

	stp_live_tracker_init(&tracker, 5 * WRAP - 150);
	take(&tracker, 1, 5 * WRAP - 100, &tick);
	assert_int_equal(tick, 5 * WRAP - 100);
	assert_int_equal(take(&tracker, 2, 5 * WRAP, &tick), STP_LIVE_NEXT);
	assert_int_equal(tick, 5 * WRAP);
	/* Overtaken across the wrap. */
	assert_int_equal(take(&tracker, 1, 5 * WRAP - 100, &tick), STP_LIVE_OLD);
	assert_int_equal(tick, 5 * WRAP - 100);
	assert_int_equal(tracker.tick_ms, 5 * WRAP);
}

static void
the_reference_may_be_a_little_ahead(void **state)
{
	struct stp_live_tracker tracker;
	uint64_t tick;

	/* It was rounded up, or read after the frame was made. */
	stp_live_tracker_init(&tracker, WRAP + 50);
	assert_int_equal(take(&tracker, 9, WRAP - 20, &tick), STP_LIVE_NEXT);
	assert_int_equal(tick, WRAP - 20);
	/* Half a turn ahead is still ahead. */
	stp_live_tracker_init(&tracker, WRAP);
	take(&tracker, 9, WRAP + INT32_MAX, &tick);
	assert_int_equal(tick, WRAP + INT32_MAX);
	/* To the very beginning, and no further back. */
	stp_live_tracker_init(&tracker, 10);
	take(&tracker, 9, 0, &tick);
	assert_int_equal(tick, 0);
	/* In the first minutes there is nothing before the wrap. */
	stp_live_tracker_init(&tracker, 10);
	take(&tracker, 9, 3000000000u, &tick);
	assert_int_equal(tick, 3000000000u);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_in_order_lose_nothing),
		cmocka_unit_test(what_is_missing_is_counted),
		cmocka_unit_test(duplicates_and_overtaken_frames_are_old),
		cmocka_unit_test(a_tick_that_goes_back_is_a_restart),
		cmocka_unit_test(the_tick_goes_on_when_its_32_bits_wrap),
		cmocka_unit_test(the_reference_may_be_a_little_ahead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
