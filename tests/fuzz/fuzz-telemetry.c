/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <string.h>

#include <stipple/crc32c.h>
#include <stipple/telemetry.h>

#include "fuzz-target.h"
#include "sample-check.h"

static struct stp_sample samples[STP_BLOCK_SAMPLES_MAX], again[STP_BLOCK_SAMPLES_MAX];
static uint8_t encoded[STP_BLOCK_SIZE_MAX(STP_BLOCK_SAMPLES_MAX)];

/* What decodes is in range, in order, and survives a round trip. */
static void
decode(const uint8_t *bytes, size_t size)
{
	struct stp_block_info info;
	size_t count = 0, length, recount;

	if (stp_block_decode(bytes, size, samples, STP_BLOCK_SAMPLES_MAX, &count) != STP_OK)
		return;
	FUZZ_CHECK(stp_block_peek(bytes, size, &info) == STP_OK && info.samples == count);
	FUZZ_CHECK(count == 0 || samples[0].t_ms == info.first_ms);
	for (size_t i = 0; i < count; i++) {
		FUZZ_CHECK(sample_in_range(&samples[i]));
		FUZZ_CHECK(i == 0 || samples[i].t_ms >= samples[i - 1].t_ms);
	}
	FUZZ_CHECK(stp_block_encode(samples, count, info.period_ms, encoded, sizeof(encoded),
				    &length) == STP_OK);
	FUZZ_CHECK(stp_block_decode(encoded, length, again, count, &recount) == STP_OK);
	FUZZ_CHECK(recount == count);
	for (size_t i = 0; i < count; i++)
		FUZZ_CHECK(samples_equal(&samples[i], &again[i]));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	uint8_t *sealed;
	uint32_t crc;

	decode(bytes, size);
	if (size < STP_BLOCK_TRAILER_SIZE || size > STP_BLOCK_SIZE_MAX(STP_BLOCK_SAMPLES_MAX))
		return 0;
	/* No fuzzer finds a checksum: seal what it made. */
	sealed = malloc(size);
	memcpy(sealed, bytes, size);
	crc = stp_crc32c(0, bytes, size - STP_BLOCK_TRAILER_SIZE);
	for (unsigned i = 0; i < STP_BLOCK_TRAILER_SIZE; i++)
		sealed[size - STP_BLOCK_TRAILER_SIZE + i] = (uint8_t)(crc >> 8 * i);
	decode(sealed, size);
	free(sealed);
	return 0;
}
