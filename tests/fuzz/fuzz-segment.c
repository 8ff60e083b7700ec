/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <string.h>

#include <stipple/gatt.h>
#include <stipple/segment.h>

#include "fuzz-target.h"

/* What decodes is in range, lies inside the input, and encodes to the same bytes. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct stp_segment segment;
	uint8_t *again;
	size_t length;

	if (stp_segment_decode(bytes, size, &segment) != STP_OK)
		return 0;
	FUZZ_CHECK(segment.token >= 1 && segment.token <= 15 && segment.counter < 64);
	FUZZ_CHECK(segment.size >= 1 && segment.offset + segment.size <= STP_RECORD_SIZE_MAX);
	FUZZ_CHECK(segment.payload == bytes + STP_SEGMENT_HEADER_SIZE);
	FUZZ_CHECK(segment.size == size - STP_SEGMENT_HEADER_SIZE);
	again = malloc(size);
	FUZZ_CHECK(again && stp_segment_encode(&segment, again, size, &length) == STP_OK);
	FUZZ_CHECK(length == size && !memcmp(again, bytes, size));
	free(again);
	return 0;
}
