/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef STIPPLE_RANGES_H
#define STIPPLE_RANGES_H

/*
 * A set of record numbers kept as sorted, disjoint, non-adjacent, inclusive
 * ranges in memory the caller owns.  There is no high-water mark in Stipple:
 * what a collector holds is such a set, what it asks for is its complement.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stipple/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Consecutive record numbers. */
struct stp_range {
	uint32_t from, to;	/* inclusive, from <= to */
};

/* A set; made by stp_ranges_init(), items[0..count - 1] may be read. */
struct stp_ranges {
	struct stp_range *items;
	size_t count, capacity;
};

/* An empty set over the caller's array. */
STP_API void stp_ranges_init(struct stp_ranges *set, struct stp_range *items, size_t capacity);

/* Add from..to.  STP_ERR_SPACE: it would take more ranges than fit; STP_ERR_ARGUMENT: from > to. */
STP_API STP_MUST_CHECK enum stp_status
stp_ranges_add(struct stp_ranges *set, uint32_t from, uint32_t to);

/* Whether the set has the number; takes time logarithmic in the ranges at most. */
STP_API bool stp_ranges_contains(const struct stp_ranges *set, uint32_t number);

/* How many numbers are in the set (up to 2^32, hence the width). */
STP_API uint64_t stp_ranges_size(const struct stp_ranges *set);

/* Write into missing what of from..to the set lacks.  STP_ERR_SPACE when it does not fit. */
STP_API STP_MUST_CHECK enum stp_status
stp_ranges_missing(const struct stp_ranges *set, uint32_t from, uint32_t to,
		   struct stp_ranges *missing);

#ifdef __cplusplus
}
#endif

#endif
