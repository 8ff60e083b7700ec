/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <string.h>

#include <stipple/crc32c.h>
#include <stipple/telemetry.h>

#include "fuzz-target.h"
#include "sample-check.h"

/*
 * A record's blocks one after the other, each behind two bytes: the low 14 bits are its length, bit
 * 14 offers too little room first, bit 15 leaves the checksum as it is; otherwise it is made
 * to hold, since no fuzzer finds one.  What the decoder reads an encoder must be able to chain again.
 */

#define SAMPLES_MAX 6000
#define LENGTH_MASK 0x3FFFu
#define TOO_LITTLE_ROOM 0x4000u
#define AS_IT_IS 0x8000u

static struct stp_sample samples[SAMPLES_MAX], again[SAMPLES_MAX];
static uint8_t encoded[STP_BLOCK_SIZE_MAX(SAMPLES_MAX)];

struct course {
	struct stp_block_decoder decoder, own;
	struct stp_block_encoder encoder;
	bool going;			/* a chained block may come */
	uint16_t period_ms;
	uint32_t crc, last_ms;
};

static void
seal(const struct course *course, uint8_t *block, size_t size)
{
	uint32_t before = block[0] == STP_CODEC_CHAINED ? course->crc : 0;
	uint32_t crc = stp_crc32c(before, block, size - STP_BLOCK_TRAILER_SIZE);

	for (unsigned i = 0; i < STP_BLOCK_TRAILER_SIZE; i++)
		block[size - STP_BLOCK_TRAILER_SIZE + i] = (uint8_t)(crc >> 8 * i);
}

static void
check_samples(const struct course *course, bool chained, size_t count)
{
	uint32_t last_ms = chained ? course->last_ms : 0;

	for (size_t i = 0; i < count; i++) {
		FUZZ_CHECK(sample_in_range(&samples[i]));
		FUZZ_CHECK(samples[i].t_ms >= last_ms);
		last_ms = samples[i].t_ms;
	}
}

/* Our own encoder, following the same course. */
static void
round_trip(struct course *course, bool chained, size_t count)
{
	size_t size, taken, recount;

	if (chained)
		FUZZ_CHECK(stp_block_encoder_begin_chained(&course->encoder, encoded,
							   sizeof(encoded)) == STP_OK);
	else
		FUZZ_CHECK(stp_block_encoder_begin(&course->encoder, course->period_ms, encoded,
						   sizeof(encoded)) == STP_OK);
	FUZZ_CHECK(stp_block_encoder_add_many(&course->encoder, samples, count, &taken) == STP_OK);
	FUZZ_CHECK(taken == count);
	FUZZ_CHECK(stp_block_encoder_finish(&course->encoder, &size) == STP_OK);
	FUZZ_CHECK(size <= STP_BLOCK_SIZE_MAX(count));
	FUZZ_CHECK(stp_block_decoder_next(&course->own, encoded, size, again, count, &recount) == STP_OK);
	FUZZ_CHECK(recount == count);
	for (size_t i = 0; i < count; i++)
		FUZZ_CHECK(samples_equal(&samples[i], &again[i]));
}

static void
take_block(struct course *course, const uint8_t *block, size_t size, bool little)
{
	bool chained = size > 0 && block[0] == STP_CODEC_CHAINED;
	struct stp_block_info info;
	size_t count = SIZE_MAX;
	enum stp_status status;

	if (little) {
		struct stp_block_decoder before = course->decoder;

		status = stp_block_decoder_next(&course->decoder, block, size, samples, 0, &count);
		if (status == STP_ERR_SPACE)
			FUZZ_CHECK(memcmp(&before, &course->decoder, sizeof(before)) == 0);
		else
			course->decoder = before;
		count = SIZE_MAX;
	}
	status = stp_block_decoder_next(&course->decoder, block, size, samples, SAMPLES_MAX, &count);
	if (chained && !course->going)
		FUZZ_CHECK(status == STP_ERR_ORPHAN || status == STP_ERR_TRUNCATED);
	if (status != STP_OK) {
		FUZZ_CHECK(count == SIZE_MAX);
		if (status != STP_ERR_SPACE)
			course->going = false;
		return;
	}
	FUZZ_CHECK(stp_block_peek(block, size, &info) == STP_OK && info.samples == count);
	FUZZ_CHECK((info.codec == STP_CODEC_CHAINED) == chained);
	check_samples(course, chained, count);
	if (!chained) {
		course->period_ms = info.period_ms;
		course->last_ms = 0;
	}
	round_trip(course, chained, count);
	if (count > 0)
		course->last_ms = samples[count - 1].t_ms;
	course->going = true;
	course->crc = 0;
	for (unsigned i = 0; i < STP_BLOCK_TRAILER_SIZE; i++)
		course->crc |= (uint32_t)block[size - STP_BLOCK_TRAILER_SIZE + i] << 8 * i;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	struct course course = { .going = false };

	stp_block_decoder_init(&course.decoder);
	stp_block_decoder_init(&course.own);
	stp_block_encoder_init(&course.encoder);
	while (size >= 2) {
		unsigned head = bytes[0] | (unsigned)bytes[1] << 8;
		size_t length = head & LENGTH_MASK;
		uint8_t *block;

		bytes += 2;
		size -= 2;
		if (length > size)
			length = size;
		/* Of just its size, so that a sanitizer sees any byte too far. */
		block = malloc(length > 0 ? length : 1);
		memcpy(block, bytes, length);
		if (!(head & AS_IT_IS) && length >= STP_BLOCK_TRAILER_SIZE + 1)
			seal(&course, block, length);
		take_block(&course, block, length, head & TOO_LITTLE_ROOM);
		free(block);
		bytes += length;
		size -= length;
	}
	return 0;
}
