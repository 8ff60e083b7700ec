/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "bit-writer.h"
#include "telemetry-encode.h"

/* The fast way for nearly all samples: telemetry-decode-plain.c is its mirror. */

static inline bool
is_plain(const struct stp_block_encoder *encoder, const struct stp_sample *sample, uint64_t due_ms)
{
	return sample->t_ms == due_ms && sample->contact == encoder->contact
		&& sample->pass == encoder->pass && sample->zone == encoder->zone
		&& sample->depth_um <= STP_DEPTH_MAX_UM && sample->rate_dhz <= STP_RATE_MAX_DHZ
		&& sample->current_ma <= STP_CURRENT_MAX_MA;
}

#if BITS_WIDE

typedef int32_t lanes __attribute__((vector_size(16)));
typedef uint32_t unsigned_lanes __attribute__((vector_size(16)));

static inline lanes
load_lanes(const int32_t *from)
{
	lanes all;

	memcpy(&all, from, sizeof(all));
	return all;
}

static inline size_t
low_bits(uint32_t value, uint32_t bits)
{
	return value & (((size_t)1 << bits) - 1);
}

__attribute__((always_inline))
static inline size_t
encode_plain(struct stp_block_encoder *encoder, const struct stp_sample *samples, size_t count)
{
	const lanes level_gain = load_lanes(encoder->level_gain);
	const lanes trend_gain = load_lanes(encoder->trend_gain);
	const lanes trend_keep = load_lanes(encoder->trend_keep), kick = load_lanes(encoder->kick);
	lanes level = load_lanes(encoder->level), trend = load_lanes(encoder->trend);
	uint32_t *mean = encoder->mean[encoder->contact];
	uint32_t mean0 = mean[0], mean1 = mean[1], mean2 = mean[2];
	struct stp_bit_writer writer = encoder->values;
	uint8_t *start = encoder->start;
	uint64_t due_ms = encoder->due_ms;
	size_t left = STP_BLOCK_SAMPLES_MAX - encoder->samples, done = 0;

	if ((encoder->seen & encoder->present) != ALL_PRESENT || encoder->jitter_ms != 0)
		return 0;
	if (count > left)
		count = left;
	for (; done < count && writer.written < encoder->ample; done++) {
		const struct stp_sample *sample = &samples[done];
		lanes value = { sample->depth_um, sample->rate_dhz, sample->current_ma, 0 };
		lanes expected = level + trend;
		lanes miss = value * (1 << LEVEL_BITS) - expected;
		unsigned_lanes folded = (unsigned_lanes)(miss ^ miss >> 31) >> (LEVEL_BITS - 1);
		uint32_t bits0 = rice_bits(mean0), bits1 = rice_bits(mean1), bits2 = rice_bits(mean2);
		uint32_t folded0 = folded[0], folded1 = folded[1], folded2 = folded[2];
		uint32_t quotient0 = folded0 >> bits0, quotient1 = folded1 >> bits1;
		uint32_t quotient2 = folded2 >> bits2;
		uint32_t unary_bits = quotient0 + quotient1 + quotient2 + 3;
		uint32_t all_bits = unary_bits + bits0 + bits1 + bits2;
		size_t unary, rest;

		if (!is_plain(encoder, sample, due_ms)
		    || (quotient0 | quotient1 | quotient2) >= QUOTIENT_ESCAPE
		    || all_bits > BITS_AT_ONCE)
			break;
		unary = (((size_t)2 << quotient2 | 1) << quotient1 << 1 | 1) << quotient0;
		rest = low_bits(folded2, bits2) << bits1;
		rest = (rest | low_bits(folded1, bits1)) << bits0;
		rest |= low_bits(folded0, bits0);
		bits_put_up(&writer, start, unary | rest << unary_bits, all_bits);
		mean0 = mean_after(mean0, folded0);
		mean1 = mean_after(mean1, folded1);
		mean2 = mean_after(mean2, folded2);
		level = expected + (miss * level_gain >> LEVEL_BITS);
		trend = (trend * trend_keep + miss * trend_gain
			 + (lanes){ miss[2], miss[2], miss[2], miss[2] } * kick) >> LEVEL_BITS;
		due_ms += encoder->period_ms;
	}
	if (done == 0)
		return 0;
	memcpy(encoder->level, &level, sizeof(level));
	memcpy(encoder->trend, &trend, sizeof(trend));
	mean[0] = mean0, mean[1] = mean1, mean[2] = mean2;
	encoder->values = writer;
	encoder->last_ms = samples[done - 1].t_ms;
	encoder->due_ms = due_ms;
	encoder->gap += (uint32_t)done;
	encoder->samples += (uint32_t)done;
	return done;
}

static size_t
encode_anywhere(struct stp_block_encoder *encoder, const struct stp_sample *samples, size_t count)
{
	return encode_plain(encoder, samples, count);
}

#if defined(__x86_64__) && __STDC_HOSTED__

/* The same, for processors of the last ten years. */
__attribute__((target("avx2,bmi,bmi2,lzcnt")))
static size_t
encode_lately(struct stp_block_encoder *encoder, const struct stp_sample *samples, size_t count)
{
	return encode_plain(encoder, samples, count);
}

stp_encode_function *
stp_telemetry_plain_encoder(void)
{
	return cpu_is_recent() ? encode_lately : encode_anywhere;
}

#else

stp_encode_function *
stp_telemetry_plain_encoder(void)
{
	return encode_anywhere;
}

#endif

#else

/* Small machines take one column after the other. */
static bool
encode_one(struct stp_block_encoder *encoder, const struct stp_sample *sample)
{
	const uint16_t values[STP_COLUMNS] = {
		sample->depth_um, sample->rate_dhz, sample->current_ma,
	};
	uint32_t *mean = encoder->mean[encoder->contact];
	uint8_t *start = encoder->start;
	uint32_t folded[STP_COLUMNS], unary = 0, unary_bits = 0, rest = 0, rest_bits = 0;
	int32_t miss[STP_COLUMNS];

	for (unsigned i = 0; i < STP_COLUMNS; i++) {
		uint32_t bits = rice_bits(mean[i]), quotient;

		miss[i] = missed(encoder->level[i], encoder->trend[i], values[i]);
		folded[i] = fold(miss[i]);
		quotient = folded[i] >> bits;
		if (quotient >= QUOTIENT_ESCAPE || unary_bits + quotient >= BITS_AT_ONCE
		    || rest_bits + bits > BITS_AT_ONCE)
			return false;
		unary |= 1u << (unary_bits + quotient);
		unary_bits += quotient + 1;
		rest |= (folded[i] & ((1u << bits) - 1)) << rest_bits;
		rest_bits += bits;
	}
	for (unsigned i = 0; i < STP_COLUMNS; i++) {
		mean[i] = mean_after(mean[i], folded[i]);
		learn(encoder->level_gain[i], encoder->trend_gain[i], encoder->trend_keep[i],
		      &encoder->level[i], &encoder->trend[i], miss[i],
		      encoder->kick[i] * miss[STP_COLUMN_CURRENT]);
	}
	if (unary_bits + rest_bits <= BITS_AT_ONCE) {
		unary |= rest << unary_bits;
		unary_bits += rest_bits;
	} else {
		bits_put_up(&encoder->values, start, unary, unary_bits);
		unary = rest;
		unary_bits = rest_bits;
	}
	bits_put_up(&encoder->values, start, unary, unary_bits);
	return true;
}

static size_t
encode_narrow(struct stp_block_encoder *encoder, const struct stp_sample *samples, size_t count)
{
	size_t done = 0;

	if ((encoder->seen & encoder->present) != ALL_PRESENT || encoder->jitter_ms != 0)
		return 0;
	for (; done < count; done++) {
		const struct stp_sample *sample = &samples[done];

		if (!is_plain(encoder, sample, encoder->due_ms)
		    || encoder->values.written >= encoder->ample
		    || encoder->samples == STP_BLOCK_SAMPLES_MAX || !encode_one(encoder, sample))
			break;
		encoder->last_ms = sample->t_ms;
		encoder->due_ms += encoder->period_ms;
		encoder->gap++;
		encoder->samples++;
	}
	return done;
}

stp_encode_function *
stp_telemetry_plain_encoder(void)
{
	return encode_narrow;
}

#endif
