/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef TEST_SEED_H
#define TEST_SEED_H

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* The seed of a random test: STIPPLE_SEED, or the time; printed so that a failure can be replayed. */
static inline uint64_t
test_seed(void)
{
	const char *given = getenv("STIPPLE_SEED");
	uint64_t seed = given ? strtoull(given, NULL, 0) : (uint64_t)time(NULL);

	fprintf(stderr, "# STIPPLE_SEED=%" PRIu64 "\n", seed);
	return seed;
}

#endif
