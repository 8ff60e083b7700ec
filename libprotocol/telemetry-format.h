/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef TELEMETRY_FORMAT_H
#define TELEMETRY_FORMAT_H

/* What the block's encoder and decoder must agree on; proto/WIRE.md says it in words. */

#include <stdbool.h>
#include <stdint.h>

#include <stipple/telemetry.h>

enum {
	BLOCK_CODEC = 0,
	BLOCK_FLAGS = 1,
	BLOCK_SAMPLES = 2,
	BLOCK_FIRST_MS = 4,
	BLOCK_PERIOD = 8,
	BLOCK_PASS = 10,
	BLOCK_ZONE = 11,
	BLOCK_COLUMNS = 12,	/* one byte per column: predictor, start << 4 */

	/* A chained block has less to say. */
	CHAINED_SAMPLES = 1,
	CHAINED_COLUMNS = 3,	/* one byte per column: predictor */
};

#define FLAG_CONTACT 0x08u	/* bits 0-2: the column has a value in the first sample */
#define FLAGS_KNOWN 0x0Fu
#define ALL_PRESENT 0x07u

/* A quotient this large is an escape: that many zeros, and the plain value as remainder. */
#define QUOTIENT_ESCAPE 16u
#define PLAIN_BITS 14u

/* The kinds of events; at one sample they come in this order, each at most once. */
enum event_kind {
	EVENT_NONE,
	EVENT_SHIFT,	/* the clock moves for good */
	EVENT_JITTER,	/* this one sample is early or late */
	EVENT_CONTACT,	/* contact changes */
	EVENT_MARK,	/* a new pass and zone */
	EVENT_PRESENCE,	/* columns come or go */
};

#define GAP_PLAIN_BITS 16u
#define GAP_MEAN_START (64u << 3)

/* Levels and trends are in 1/64 of the unit; so are the gains. */
#define LEVEL_BITS 6
#define LEVEL_HALF (1 << (LEVEL_BITS - 1))

/* Running mean of the folded residuals, times 32. */
#define MEAN_BITS 5

struct predictor {
	int8_t level_gain, trend_gain, trend_keep;
};

/* Slow means from 1 (the last value) to 1/32, then damped trends. */
static const struct predictor predictors[STP_PREDICTORS] = {
	{ 64, 0, 0 }, { 32, 0, 0 }, { 16, 0, 0 }, { 8, 0, 0 }, { 4, 0, 0 }, { 2, 0, 0 },
	{ 64, 24, 48 }, { 64, 14, 56 }, { 32, 24, 48 }, { 32, 14, 56 },
	{ 16, 12, 48 }, { 16, 7, 56 }, { 8, 4, 56 },
};

static const uint16_t column_max[STP_COLUMNS] = {
	STP_DEPTH_MAX_UM, STP_RATE_MAX_DHZ, STP_CURRENT_MAX_MA,
};

static inline uint32_t
floor_log2(uint32_t value)
{
	return 31u - (uint32_t)__builtin_clz(value);
}

static inline uint32_t
rice_bits(uint32_t mean)
{
	return floor_log2(mean | 1u << MEAN_BITS) - MEAN_BITS;
}

static inline uint32_t
mean_start(uint32_t bits)
{
	return 48u << bits;
}

static inline uint32_t
mean_after(uint32_t mean, uint32_t folded)
{
	return mean + folded - (mean >> MEAN_BITS);
}

/* An escape counts as the least quotient that needs one, within the folded values' 16 bits. */
static inline uint32_t
escape_weight(uint32_t bits)
{
	return bits < 12 ? QUOTIENT_ESCAPE << bits : 0xFFFF;
}

static inline uint32_t
gap_bits(uint32_t mean)
{
	return floor_log2(mean | 8u) - 3;
}

static inline uint32_t
gap_mean_after(uint32_t mean, uint32_t gap)
{
	return mean + gap - (mean >> 3);
}

static inline int32_t
rounded(int32_t level)
{
	return (level + LEVEL_HALF) >> LEVEL_BITS;
}

static inline uint32_t
fold(int32_t residual)
{
	return (uint32_t)residual << 1 ^ (uint32_t)(residual >> 31);
}

static inline int32_t
unfold(uint32_t folded)
{
	return (int32_t)(folded >> 1 ^ (0u - (folded & 1u)));
}

static inline const uint16_t *
sample_value(const struct stp_sample *sample, unsigned column)
{
	switch (column) {
	case STP_COLUMN_DEPTH:
		return &sample->depth_um;
	case STP_COLUMN_RATE:
		return &sample->rate_dhz;
	default:
		return &sample->current_ma;
	}
}

/* What a column's predictor knows after the value. */
static inline void
learn(int32_t level_gain, int32_t trend_gain, int32_t trend_keep,
      int32_t *level, int32_t *trend, int32_t value)
{
	int32_t expected = *level + *trend;
	int32_t miss = value * (1 << LEVEL_BITS) - expected;

	*level = expected + (miss * level_gain >> LEVEL_BITS);
	*trend = (*trend * trend_keep + miss * trend_gain) >> LEVEL_BITS;
}

/* Whether code built for AVX2, BMI and LZCNT runs here; what has the first three has the last. */
static inline bool
cpu_is_recent(void)
{
#if defined(__x86_64__) && __STDC_HOSTED__
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi")
		&& __builtin_cpu_supports("bmi2");
#else
	return false;
#endif
}

static inline void
put_le16(uint8_t *bytes, uint16_t value)
{
	bytes[0] = (uint8_t)value;
	bytes[1] = (uint8_t)(value >> 8);
}

static inline void
put_le32(uint8_t *bytes, uint32_t value)
{
	put_le16(bytes, (uint16_t)value);
	put_le16(bytes + 2, (uint16_t)(value >> 16));
}

static inline uint16_t
get_le16(const uint8_t *bytes)
{
	return (uint16_t)(bytes[0] | bytes[1] << 8);
}

static inline uint32_t
get_le32(const uint8_t *bytes)
{
	return get_le16(bytes) | (uint32_t)get_le16(bytes + 2) << 16;
}

#endif
