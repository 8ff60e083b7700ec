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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_as_the_vectors_say),
		cmocka_unit_test(impossible_times_are_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
