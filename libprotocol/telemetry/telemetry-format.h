/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef TELEMETRY_FORMAT_H
#define TELEMETRY_FORMAT_H

/* What the block's encoder and decoder must agree on; proto/WIRE.md says it in words. */

#include <stdbool.h>
#include <stdint.h>

#include <stipple/telemetry.h>

#include "../base/wire-bytes.h"

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
	CHAINED_COLUMNS = 3,	/* 16 bits: a predictor per column, and the coupling */
};

#define FLAG_CONTACT 0x08u	/* bits 0-2: the column has a value in the first sample */
#define FLAGS_COUPLING 4	/* bits 4-6 */
#define FLAGS_KNOWN 0x7Fu
#define CHAINED_COUPLING 12	/* bits 12-14 */
#define CHAINED_KNOWN 0x7FFFu
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

/* Running mean of the folded residuals, times 32. */
#define MEAN_BITS 5

/*
 * The predictors: slow means from 1 (the last value) to 1/32, then damped trends; the last three
 * have a weak one, for a rate that is coupled.  All are stable: whatever the values, and
 * coupled or not, no product below comes near 2^31 (the largest, over all sequences, is
 * about 2^28.6).
 */
static const int8_t level_gains[STP_PREDICTORS] = {
	64, 32, 16, 8, 4, 2, 64, 64, 32, 32, 16, 16, 8, 12, 16, 24,
};
static const int8_t trend_gains[STP_PREDICTORS] = {
	0, 0, 0, 0, 0, 0, 24, 14, 24, 14, 12, 7, 4, 1, 2, 2,
};
static const int8_t trend_keeps[STP_PREDICTORS] = {
	0, 0, 0, 0, 0, 0, 48, 56, 48, 56, 48, 56, 56, 58, 56, 56,
};

/*
 * Load makes the current rise at once and the rate sag a little later: what the current
 * missed kicks the rate's trend, by so many 1/64 of 0.1 Hz for each mA.
 */
#define COUPLINGS 8
static const int8_t couplings[COUPLINGS] = { 0, -1, -2, -4, -8, -16, -32, 4 };

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

/*
 * The values around an expectation, counted by how far they are from it: 0 the nearest, 1 the
 * second nearest, on the other side, and so on.  miss is 64 * value - expected.
 */
static inline uint32_t
fold(int32_t miss)
{
	return (uint32_t)(miss ^ miss >> 31) >> (LEVEL_BITS - 1);
}

/* The value that is folded so. */
static inline int32_t
unfold(int32_t expected, uint32_t folded)
{
	int32_t above = -(-expected >> LEVEL_BITS);	/* the first value not below */
	uint32_t side = folded ^ (uint32_t)(-expected >> (LEVEL_BITS - 1));

	return above + (int32_t)(folded >> 1 ^ (0u - (side & 1u)));
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

/* How far the value is from what was expected. */
static inline int32_t
missed(int32_t level, int32_t trend, int32_t value)
{
	return value * (1 << LEVEL_BITS) - level - trend;
}

/* What a column's predictor knows after it missed by so much. */
static inline void
learn(int32_t level_gain, int32_t trend_gain, int32_t trend_keep,
      int32_t *level, int32_t *trend, int32_t miss, int32_t kick)
{
	*level += *trend + (miss * level_gain >> LEVEL_BITS);
	*trend = (*trend * trend_keep + miss * trend_gain + kick) >> LEVEL_BITS;
}

/* Another predictor takes over the level alone; within bounds, or many changes could drive it out. */
static inline void
hand_over(int32_t *level, int32_t *trend, int32_t max)
{
	*trend = 0;
	if (*level < 0)
		*level = 0;
	if (*level > max * (1 << LEVEL_BITS))
		*level = max * (1 << LEVEL_BITS);
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

#endif
