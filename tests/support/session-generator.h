/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef SESSION_GENERATOR_H
#define SESSION_GENERATOR_H

/*
 * Seeded sessions that look like a pen's: zones with their set depths, passes,
 * strokes and gaps, a motor that sags under load, sensor noise, jitter and
 * drop-outs of the clock.  The same plan gives the same samples on every run.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stipple/telemetry.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Sensor noise: standard deviations, and how much of the depth noise carries over (0: white). */
struct session_noise {
	double depth_um, depth_carry;
	double rate_dhz;
	double current_ma;
};

enum session_profile {
	SESSION_WHITE,		/* 8 um, 0.3 Hz, 2.5 mA */
	SESSION_CORRELATED,	/* the same, depth noise AR(1) with 0.7 */
	SESSION_QUIET,		/* 2 um, 0.1 Hz, 1 mA */
	SESSION_PROFILES
};

struct session_plan {
	uint64_t seed;
	size_t samples;			/* may be 0 */
	uint16_t period_ms;		/* 5..1000 */
	struct session_noise noise;
	double jitter;			/* share of samples that come 1 ms early or late */
	double dropout;			/* share of samples after which some are missing */
	double absent;			/* share of samples at which a column goes away for a while */
	bool no_depth, no_rate, no_current;	/* the pen does not measure it at all */
};

struct session_facts {
	uint16_t set_depth_min_um, set_depth_max_um;
	uint16_t set_rate_dhz;
	uint32_t duration_ms;		/* first to last sample, plus one period; 0 without samples */
	uint32_t motor_on_ms;
	uint32_t strokes;		/* of the needles: rate times contact time */
	uint8_t zones, passes;
};

/* 100 Hz, 1 % jitter, 1e-4 drop-outs, nothing absent. */
struct session_plan session_plan_default(enum session_profile profile, uint64_t seed, size_t samples);

const char *session_profile_name(enum session_profile profile);

/* Fill plan->samples samples; facts may be NULL. */
void session_generate(const struct session_plan *plan, struct stp_sample *samples,
		      struct session_facts *facts);

/* The generator's random numbers, for tests that want more of them. */
struct session_random { uint64_t state; };
uint64_t session_random_next(struct session_random *random);
/* 0..below-1; below > 0. */
uint32_t session_random_below(struct session_random *random, uint32_t below);

#ifdef __cplusplus
}
#endif

#endif
