/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef SAMPLE_CHECK_H
#define SAMPLE_CHECK_H

#include <stdbool.h>

#include <stipple/telemetry.h>

static inline bool
samples_equal(const struct stp_sample *a, const struct stp_sample *b)
{
	return a->t_ms == b->t_ms && a->depth_um == b->depth_um && a->rate_dhz == b->rate_dhz
		&& a->current_ma == b->current_ma && a->contact == b->contact
		&& a->pass == b->pass && a->zone == b->zone;
}

/* What every decoder promises about every sample. */
static inline bool
sample_in_range(const struct stp_sample *sample)
{
	return (sample->depth_um <= STP_DEPTH_MAX_UM || sample->depth_um == STP_ABSENT)
		&& (sample->rate_dhz <= STP_RATE_MAX_DHZ || sample->rate_dhz == STP_ABSENT)
		&& (sample->current_ma <= STP_CURRENT_MAX_MA || sample->current_ma == STP_ABSENT)
		&& sample->contact <= 1;
}

#endif
