/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stddef.h>

#include "bit-writer.h"
#include "telemetry-encode.h"

/* The fast way for nearly all samples: telemetry-decode-plain.c is its mirror. */

#if BITS_WIDE

typedef int32_t lanes __attribute__((vector_size(16)));
typedef uint32_t unsigned_lanes __attribute__((vector_size(16)));

/* All but time and zone, in one word: the three values, contact and pass. */
_Static_assert(offsetof(struct stp_sample, rate_dhz) == offsetof(struct stp_sample, depth_um) + 2
	       && offsetof(struct stp_sample, current_ma) == offsetof(struct stp_sample, depth_um) + 4
	       && offsetof(struct stp_sample, contact) == offsetof(struct stp_sample, depth_um) + 6
	       && offsetof(struct stp_sample, pass) == offsetof(struct stp_sample, depth_um) + 7,
	       "they are read at once");
typedef uint16_t short_lanes __attribute__((vector_size(8)));
typedef int64_t lane_pairs __attribute__((vector_size(16)));

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
	const lanes most = { STP_DEPTH_MAX_UM, STP_RATE_MAX_DHZ, STP_CURRENT_MAX_MA, UINT16_MAX };
	const uint32_t marks = encoder->contact | (uint32_t)encoder->pass << 8;
	size_t left = STP_BLOCK_SAMPLES_MAX - encoder->samples, done = 0;

	if (count > left)
		count = left;
	for (; done < count && writer.written < encoder->ample; done++) {
		const struct stp_sample *sample = &samples[done];
		lanes expected = level + trend, value, miss, beyond;
		uint32_t bits0 = rice_bits(mean0), bits1 = rice_bits(mean1), bits2 = rice_bits(mean2);
		uint32_t folded0, folded1, folded2, quotient0, quotient1, quotient2, unary_bits, all_bits;
		unsigned_lanes folded;
		short_lanes fields;
		size_t unary, rest;

		memcpy(&fields, &sample->depth_um, sizeof(fields));
		value = __builtin_convertvector(fields, lanes);
		beyond = value > most;
		/* The fourth lane is of no use, and harmless: its gains are 0. */
		miss = value * (1 << LEVEL_BITS) - expected;
		folded = (unsigned_lanes)(miss ^ miss >> 31) >> (LEVEL_BITS - 1);
		folded0 = folded[0], folded1 = folded[1], folded2 = folded[2];
		quotient0 = folded0 >> bits0;
		quotient1 = folded1 >> bits1;
		quotient2 = folded2 >> bits2;
		unary_bits = quotient0 + quotient1 + quotient2 + 3;
		all_bits = unary_bits + bits0 + bits1 + bits2;
		if (sample->t_ms != due_ms || fields[3] != marks || sample->zone != encoder->zone
		    || (((lane_pairs)beyond)[0] | ((lane_pairs)beyond)[1])
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
	encoder->samples += (uint32_t)done;
	return done;
}

static size_t
encode_anywhere(struct stp_block_encoder *encoder, const struct stp_sample *samples, size_t count)
{
	return encode_plain(encoder, samples, count);
}

bool
stp_telemetry_encode_one(struct stp_block_encoder *encoder, const struct stp_sample *sample)
{
	return encoder->plain(encoder, sample, 1) == 1;
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

static inline bool
is_plain(const struct stp_block_encoder *encoder, const struct stp_sample *sample, uint64_t due_ms)
{
	return sample->t_ms == due_ms && sample->contact == encoder->contact
		&& sample->pass == encoder->pass && sample->zone == encoder->zone
		&& sample->depth_um <= STP_DEPTH_MAX_UM && sample->rate_dhz <= STP_RATE_MAX_DHZ
		&& sample->current_ma <= STP_CURRENT_MAX_MA;
}

/* What one column adds to the sample's code. */
struct part {
	int32_t miss;
	uint32_t mean, folded, bits, quotient;
};

__attribute__((always_inline))
static inline struct part
take_part(const struct stp_block_encoder *encoder, unsigned column, uint32_t mean, uint16_t value)
{
	struct part part = { .miss = missed(encoder->level[column], encoder->trend[column], value) };

	part.mean = mean;
	part.folded = fold(part.miss);
	part.bits = rice_bits(mean);
	part.quotient = part.folded >> part.bits;
	return part;
}

__attribute__((always_inline))
static inline void
learn_part(struct stp_block_encoder *encoder, unsigned column, uint32_t *mean, const struct part *part,
	   int32_t kick)
{
	*mean = mean_after(part->mean, part->folded);
	learn(encoder->level_gain[column], encoder->trend_gain[column], encoder->trend_keep[column],
	      &encoder->level[column], &encoder->trend[column], part->miss, kick);
}

static inline uint32_t
remainder_of(const struct part *part)
{
	return part->folded - (part->quotient << part->bits);
}

/*
 * Small machines take one column after the other; no loop, for what it would cost them.  The
 * bytes are written last: with them anything might change, as far as a compiler sees.
 */
static inline bool
encode_one(struct stp_block_encoder *encoder, const struct stp_sample *sample)
{
	uint32_t *mean = encoder->mean[encoder->contact];
	struct part depth = take_part(encoder, STP_COLUMN_DEPTH, mean[0], sample->depth_um);
	struct part rate = take_part(encoder, STP_COLUMN_RATE, mean[1], sample->rate_dhz);
	struct part current = take_part(encoder, STP_COLUMN_CURRENT, mean[2], sample->current_ma);
	uint32_t unary_bits = depth.quotient + rate.quotient + current.quotient + 3;
	uint32_t all_bits = unary_bits + depth.bits + rate.bits + current.bits, unary, rest;

	if ((depth.quotient | rate.quotient | current.quotient) >= QUOTIENT_ESCAPE
	    || all_bits > BITS_AT_ONCE)
		return false;
	learn_part(encoder, STP_COLUMN_DEPTH, &mean[0], &depth, 0);
	learn_part(encoder, STP_COLUMN_RATE, &mean[1], &rate, encoder->kick[STP_COLUMN_RATE] * current.miss);
	learn_part(encoder, STP_COLUMN_CURRENT, &mean[2], &current, 0);
	unary = ((2u << current.quotient | 1) << rate.quotient << 1 | 1) << depth.quotient;
	rest = (remainder_of(&current) << rate.bits | remainder_of(&rate)) << depth.bits
		| remainder_of(&depth);
	/* Where the quotients take all 32 bits, there is no rest. */
	bits_put_up(&encoder->values, encoder->start, unary | rest << (unary_bits & 31), all_bits);
	return true;
}

bool
stp_telemetry_encode_one(struct stp_block_encoder *encoder, const struct stp_sample *sample)
{
	if (!is_plain(encoder, sample, encoder->due_ms) || encoder->values.written >= encoder->ample
	    || encoder->samples == STP_BLOCK_SAMPLES_MAX || !encode_one(encoder, sample))
		return false;
	encoder->last_ms = sample->t_ms;
	encoder->due_ms += encoder->period_ms;
	encoder->samples++;
	return true;
}

static size_t
encode_narrow(struct stp_block_encoder *encoder, const struct stp_sample *samples, size_t count)
{
	size_t done = 0;

	while (done < count && stp_telemetry_encode_one(encoder, &samples[done]))
		done++;
	return done;
}

stp_encode_function *
stp_telemetry_plain_encoder(void)
{
	return encode_narrow;
}

#endif
