/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "telemetry-decode.h"

/*
 * The fast way through the samples that have all three values and no event: nearly all.
 * The three columns are predicted side by side in the lanes of one vector, which the
 * compiler maps to whatever the machine has.
 */

typedef int32_t lanes __attribute__((vector_size(16)));
typedef uint32_t unsigned_lanes __attribute__((vector_size(16)));
typedef int64_t lane_pairs __attribute__((vector_size(16)));

static inline uint64_t
load(const uint8_t *bytes)
{
	uint64_t word;

	memcpy(&word, bytes, sizeof(word));
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	word = __builtin_bswap64(word);
#endif
	return word;
}

/* Where the lowest one is; the topmost place when there is none. */
static inline uint32_t
lowest(uint64_t word)
{
	return (uint32_t)__builtin_ctzll(word | UINT64_C(1) << 63);
}

__attribute__((always_inline))
static inline size_t
decode_plain(struct decoder *decoder, struct stp_sample *out, size_t count)
{
	const lanes max = { STP_DEPTH_MAX_UM, STP_RATE_MAX_DHZ, STP_CURRENT_MAX_MA, 0 };
	const uint8_t *next = decoder->values.bytes + decoder->values.position / 8;
	uint32_t *mean = decoder->trail.mean[decoder->trail.like.contact];
	uint32_t mean0 = mean[0], mean1 = mean[1], mean2 = mean[2];
	struct stp_sample sample = decoder->trail.like;
	const lanes kick = { 0, decoder->trail.kick, 0, 0 };
	lanes level = { 0 }, trend = { 0 }, level_gain = { 0 }, trend_gain = { 0 }, keep = { 0 };
	uint32_t ready = 56 - decoder->values.position % 8;
	size_t done = 0;
	uint64_t word;

	if (next > decoder->limit)
		return 0;
	word = load(next) >> (56 - ready);
	next += 7;
	for (int i = 0; i < STP_COLUMNS; i++) {
		const struct column *column = &decoder->trail.column[i];

		level[i] = column->level;
		trend[i] = column->trend;
		level_gain[i] = level_gains[column->predictor];
		trend_gain[i] = trend_gains[column->predictor];
		keep[i] = trend_keeps[column->predictor];
	}
	sample.t_ms = (uint32_t)decoder->trail.due_ms;
	for (; done < count && next <= decoder->limit; done++) {
		uint32_t bits0 = rice_bits(mean0), bits1 = rice_bits(mean1), bits2 = rice_bits(mean2);
		uint32_t code0, code1, code2, end0, end1, end2, used;
		lanes expected, value, miss, carried, bad;
		unsigned_lanes folded, side;
		uint64_t second, third, rest;

		word |= load(next) << ready;
		next += (63 - ready) >> 3;
		ready |= 56;
		/* The quotients end at the three lowest ones. */
		second = word & (word - 1);
		third = second & (second - 1);
		end0 = lowest(word);
		end1 = lowest(second);
		end2 = lowest(third);
		code0 = end0;
		code1 = end1 - end0 - 1;
		code2 = end2 - end1 - 1;
		rest = word >> end2 >> 1;
		used = end2 + 1 + bits0 + bits1 + bits2;
		if ((code0 | code1 | code2) >= QUOTIENT_ESCAPE || used > ready)
			break;
		code0 = code0 << bits0 | ((uint32_t)rest & ((1u << bits0) - 1));
		rest >>= bits0;
		code1 = code1 << bits1 | ((uint32_t)rest & ((1u << bits1) - 1));
		rest >>= bits1;
		code2 = code2 << bits2 | ((uint32_t)rest & ((1u << bits2) - 1));
		folded = (unsigned_lanes){ code0, code1, code2, 0 };
		expected = level + trend;
		side = folded ^ (unsigned_lanes)(-expected >> (LEVEL_BITS - 1));
		value = (lanes)(folded >> 1 ^ (0 - (side & 1))) - (-expected >> LEVEL_BITS);
		bad = (value > max) | (value < 0);
		if (((lane_pairs)bad)[0] | ((lane_pairs)bad)[1])
			break;
		word = rest >> bits2;
		ready -= used;
		mean0 = mean_after(mean0, code0);
		mean1 = mean_after(mean1, code1);
		mean2 = mean_after(mean2, code2);
		miss = (value << LEVEL_BITS) - expected;
		carried = trend * keep + (lanes){ miss[2], miss[2], miss[2], miss[2] } * kick;
		level = expected + (miss * level_gain >> LEVEL_BITS);
		trend = (carried + miss * trend_gain) >> LEVEL_BITS;
		sample.depth_um = (uint16_t)value[0];
		sample.rate_dhz = (uint16_t)value[1];
		sample.current_ma = (uint16_t)value[2];
		out[done] = sample;
		sample.t_ms += decoder->trail.period_ms;
	}
	if (done == 0)
		return 0;
	decoder->values.position = (size_t)(next - decoder->values.bytes) * 8 - ready;
	mean[0] = mean0, mean[1] = mean1, mean[2] = mean2;
	for (int i = 0; i < STP_COLUMNS; i++) {
		decoder->trail.column[i].level = level[i];
		decoder->trail.column[i].trend = trend[i];
	}
	return done;
}

static size_t
decode_anywhere(struct decoder *decoder, struct stp_sample *out, size_t count)
{
	return decode_plain(decoder, out, count);
}

#if defined(__x86_64__) && __STDC_HOSTED__

/* The same, for processors of the last ten years. */
__attribute__((target("avx2,bmi,bmi2,lzcnt")))
static size_t
decode_lately(struct decoder *decoder, struct stp_sample *out, size_t count)
{
	return decode_plain(decoder, out, count);
}

decode_function *
stp_telemetry_plain_decoder(void)
{
	return cpu_is_recent() ? decode_lately : decode_anywhere;
}

#else

decode_function *
stp_telemetry_plain_decoder(void)
{
	return decode_anywhere;
}

#endif
