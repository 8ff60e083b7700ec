/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <string.h>

#include <stipple/telemetry.h>

#include "fuzz-target.h"
#include "sample-check.h"

/*
 * The encoder gets any samples there can be, 13 bytes each after two of period: it
 * must refuse or encode them, within the promised size, and back they must come.  A
 * contact of 0xC0 or more begins a chained block.
 */

#define SAMPLE_SIZE 13
#define COUNT_MAX 4096
#define NEXT_BLOCK 0xC0

static struct stp_sample in[COUNT_MAX], out[COUNT_MAX];

static uint16_t
get16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static struct stp_sample
get_sample(const uint8_t *bytes, uint32_t before_ms)
{
	/* Mostly small steps of time; the top bit says that it is a plain time. */
	uint32_t t_ms = get16(bytes) | (uint32_t)get16(bytes + 2) << 16;

	return (struct stp_sample){
		.t_ms = t_ms >> 31 ? t_ms : before_ms + (t_ms & 0xFFFF),
		.depth_um = get16(bytes + 4), .rate_dhz = get16(bytes + 6),
		.current_ma = get16(bytes + 8),
		.contact = bytes[10], .pass = bytes[11], .zone = bytes[12],
	};
}

/* The block so far must come back; the next one goes on after it. */
static void
end_block(struct stp_block_encoder *encoder, struct stp_block_decoder *decoder, const uint8_t *block,
	  size_t taken)
{
	size_t length, count;

	FUZZ_CHECK(stp_block_encoder_finish(encoder, &length) == STP_OK);
	FUZZ_CHECK(length <= STP_BLOCK_SIZE_MAX(taken));
	FUZZ_CHECK(stp_block_decoder_next(decoder, block, length, out, taken, &count) == STP_OK);
	FUZZ_CHECK(count == taken);
	for (size_t i = 0; i < taken; i++)
		FUZZ_CHECK(samples_equal(&in[i], &out[i]));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	size_t given = size < 2 ? 0 : (size - 2) / SAMPLE_SIZE, taken = 0;
	size_t capacity = STP_BLOCK_SIZE_MAX(given > COUNT_MAX ? COUNT_MAX : given);
	struct stp_block_encoder encoder;
	struct stp_block_decoder decoder;
	uint8_t *block = malloc(capacity);
	uint32_t before_ms = 0;

	stp_block_encoder_init(&encoder);
	stp_block_decoder_init(&decoder);
	if (size < 2 || stp_block_encoder_begin(&encoder, get16(bytes), block, capacity) != STP_OK) {
		free(block);
		return 0;
	}
	for (size_t i = 0; i < given && i < COUNT_MAX; i++) {
		struct stp_sample sample = get_sample(bytes + 2 + i * SAMPLE_SIZE, before_ms);
		enum stp_status status;

		if (sample.contact >= NEXT_BLOCK) {
			end_block(&encoder, &decoder, block, taken);
			taken = 0;
			sample.contact &= 1;
			FUZZ_CHECK(stp_block_encoder_begin_chained(&encoder, block, capacity) == STP_OK);
		}
		status = stp_block_encoder_add(&encoder, &sample);
		FUZZ_CHECK(status == STP_OK || status == STP_ERR_RANGE);
		if (status == STP_OK) {
			in[taken++] = sample;
			before_ms = sample.t_ms;
		}
	}
	end_block(&encoder, &decoder, block, taken);
	free(block);
	return 0;
}
