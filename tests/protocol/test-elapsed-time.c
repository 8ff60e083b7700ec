/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <stipple/elapsed-time.h>

#include "codec-vectors.h"

static enum stp_status
turn_time(const uint8_t *bytes, size_t size, char *text, size_t text_size, uint8_t *again, size_t *again_size)
{
	struct stp_elapsed_time t;
	enum stp_status status = stp_elapsed_time_decode(bytes, size, &t);

	if (status)
		return status;
	snprintf(text, text_size, "%s%sunit=%u value=%llu source=%u zone=%d%s", t.is_tick ? "tick " : "",
		 t.is_utc ? "utc " : "", t.unit_us, (unsigned long long)t.value, t.sync_source,
		 t.tz_dst_quarters, t.is_current_timeline ? " current" : "");
	*again_size = STP_ELAPSED_TIME_SIZE;
	return stp_elapsed_time_encode(&t, again);
}

static void
times_are_as_the_vectors_say(void **state)
{
	codec_check(&(struct codec){ "elapsed-times.txt", turn_time });
}

static void
impossible_times_are_not_written(void **state)
{
	struct stp_elapsed_time time = { .is_tick = true, .unit_us = 1000, .tz_dst_quarters = -128 };
	uint8_t bytes[STP_ELAPSED_TIME_SIZE];

	assert_int_equal(stp_elapsed_time_encode(&time, bytes), STP_OK);
	time.value = STP_TICK_MAX + 1;
	assert_int_equal(stp_elapsed_time_encode(&time, bytes), STP_ERR_RANGE);
	time.value = 0;
	time.unit_us = 10;
	assert_int_equal(stp_elapsed_time_encode(&time, bytes), STP_ERR_RANGE);
	time.unit_us = 100;
	time.tz_dst_quarters = 57;
	assert_int_equal(stp_elapsed_time_encode(&time, bytes), STP_ERR_RANGE);
	time.tz_dst_quarters = -49;
	assert_int_equal(stp_elapsed_time_encode(&time, bytes), STP_ERR_RANGE);
}

static void
a_clock_that_was_set_is_known_by_its_tick(void **state)
{
	const struct stp_time_anchor set = { 7, 1000, 5000000, 0 };
	struct stp_time_anchor later = { 7, 61000, 5000000 + 60000000, 0 };
	int64_t offset = 0;

	assert_int_equal(stp_clock_offset(&set, &later, &offset), STP_OK);
	assert_int_equal(offset, 0);
	later.utc_us += STP_CLOCK_SET_US + 1;
	assert_int_equal(stp_clock_offset(&set, &later, &offset), STP_OK);
	assert_int_equal(offset, -STP_CLOCK_SET_US - 1);
	later.utc_us -= 2 * STP_CLOCK_ALERT_US;
	assert_int_equal(stp_clock_offset(&set, &later, &offset), STP_OK);
	assert_true(offset > STP_CLOCK_ALERT_US);
}

static void
a_clock_of_another_power_up_is_unknown(void **state)
{
	const struct stp_time_anchor set = { 7, 1000, 5000000, 0 };
	const struct stp_time_anchor others[] = {
		{ 8, 2000, 5000000, 0 },
		{ 7, 999, 5000000, 0 },
		{ 7, STP_TICK_MAX + 1, 5000000, 0 },
		{ 7, 2000, INT64_MAX, 0 },
		{ 7, 2000, INT64_MIN, 0 },
	};
	struct stp_time_anchor wild = set;
	int64_t offset = 42;

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(stp_clock_offset(&set, &others[i], &offset),
				 i == 0 ? STP_ERR_IDENTITY : STP_ERR_RANGE);
	wild.utc_us = INT64_MAX;
	assert_int_equal(stp_clock_offset(&wild, &set, &offset), STP_ERR_RANGE);
	wild.utc_us = INT64_MIN;
	assert_int_equal(stp_clock_offset(&wild, &set, &offset), STP_ERR_RANGE);
	assert_int_equal(offset, 42);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_as_the_vectors_say),
		cmocka_unit_test(impossible_times_are_not_written),
		cmocka_unit_test(a_clock_that_was_set_is_known_by_its_tick),
		cmocka_unit_test(a_clock_of_another_power_up_is_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
