/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <stipple/segment.h>

#include "codec-vectors.h"

static enum stp_status
turn_segment(const uint8_t *bytes, size_t size, char *text, size_t text_size, uint8_t *again,
	     size_t *again_size)
{
	struct stp_segment s;
	enum stp_status status = stp_segment_decode(bytes, size, &s);
	int at;

	if (status)
		return status;
	at = snprintf(text, text_size, "%s%scounter=%u token=%u offset=%u payload=", s.first ? "first " : "",
		      s.last ? "last " : "", s.counter, s.token, s.offset);
	for (size_t i = 0; i < s.size; i++)
		at += snprintf(text + at, text_size - (size_t)at, "%02x", s.payload[i]);
	return stp_segment_encode(&s, again, 512, again_size);
}

static void
segments_are_as_the_vectors_say(void **state)
{
	codec_check(&(struct codec){ "segments.txt", turn_segment });
}

static void
every_header_survives_a_round_trip(void **state)
{
	const uint8_t payload[] = { 1, 2, 3 };

	for (unsigned bits = 0; bits < 256; bits++)
		for (uint8_t token = 1; token <= 15; token++)
			for (uint32_t offset = 0; offset <= STP_RECORD_SIZE_MAX - 3; offset = offset * 3 + 1) {
				struct stp_segment in = { .first = offset == 0,
					.last = (bits & 1) != 0,
					.counter = (uint8_t)(bits >> 2),
					.token = token,
					.offset = offset,
					.payload = payload,
					.size = 3 };
				struct stp_segment out;
				uint8_t bytes[7];
				size_t size = 0;

				assert_int_equal(stp_segment_encode(&in, bytes, sizeof(bytes), &size), STP_OK);
				assert_int_equal(size, 7);
				assert_int_equal(stp_segment_decode(bytes, size, &out), STP_OK);
				assert_true(out.first == in.first && out.last == in.last);
				assert_true(out.counter == in.counter && out.token == token);
				assert_int_equal(out.offset, offset);
				assert_int_equal(out.size, 3);
				assert_memory_equal(out.payload, payload, 3);
			}
}

static void
what_does_not_fit_is_not_written(void **state)
{
	struct stp_segment s = { .first = true, .token = 1, .payload = (const uint8_t *)"abc", .size = 3 };
	uint8_t bytes[8];
	size_t size = 77;

	assert_int_equal(stp_segment_encode(&s, bytes, 6, &size), STP_ERR_SPACE);
	assert_int_equal(stp_segment_encode(&s, bytes, 0, &size), STP_ERR_SPACE);
	s.counter = 64;
	assert_int_equal(stp_segment_encode(&s, bytes, 8, &size), STP_ERR_RANGE);
	s.counter = 0;
	s.token = 16;
	assert_int_equal(stp_segment_encode(&s, bytes, 8, &size), STP_ERR_RANGE);
	s.token = 1;
	s.size = 0;
	assert_int_equal(stp_segment_encode(&s, bytes, 8, &size), STP_ERR_ARGUMENT);
	s.size = 3;
	s.first = false;
	assert_int_equal(stp_segment_encode(&s, bytes, 8, &size), STP_ERR_MALFORMED);
	assert_int_equal(size, 77);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments_are_as_the_vectors_say),
		cmocka_unit_test(every_header_survives_a_round_trip),
		cmocka_unit_test(what_does_not_fit_is_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
