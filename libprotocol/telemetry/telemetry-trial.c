/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <string.h>

#include "telemetry-encode.h"

#define TRIAL_SAMPLES 512
#define TRIAL_PAUSE 15872

/* No value of the current was seen yet; no level gets there. */
#define NO_LEVEL INT32_MIN

/* What is tried, one after the other: each column's predictor, and then the coupling. */
enum { TRIAL_OF_COUPLING = STP_COLUMNS, TRIALS };
/* Twice all without a pause; from then on only now and then: sensors seldom change. */
#define EAGER_TRIALS (2 * TRIALS)

static void
begin_trial(struct stp_block_encoder *encoder)
{
	encoder->trial.left = TRIAL_SAMPLES;
	encoder->trial.fresh = true;
	memset(encoder->trial.cost, 0, sizeof(encoder->trial.cost));
	memset(encoder->trial.trend, 0, sizeof(encoder->trial.trend));
	encoder->trial.current_level = NO_LEVEL;
	encoder->trial.current_trend = 0;
}

/* Change only for a clear gain: a sixty-fourth of the cost. */
static void
end_trial(struct stp_block_encoder *encoder)
{
	bool of_coupling = encoder->trial.of == TRIAL_OF_COUPLING;
	uint8_t *choice = of_coupling ? &encoder->trial.coupling
		: &encoder->trial.choice[encoder->trial.of];
	uint32_t least = encoder->trial.cost[*choice];

	least -= least >> 6;
	for (uint8_t i = 0; i < (of_coupling ? COUPLINGS : STP_PREDICTORS); i++) {
		if (encoder->trial.cost[i] < least) {
			least = encoder->trial.cost[i];
			*choice = i;
		}
	}
	encoder->trial.of = (uint8_t)(of_coupling ? 0 : encoder->trial.of + 1);
	if (encoder->trial.ended < EAGER_TRIALS)
		encoder->trial.ended++;
	if (encoder->trial.ended < EAGER_TRIALS)
		begin_trial(encoder);
	else
		encoder->trial.pause = TRIAL_PAUSE;
}

/* How far each predictor would have been off, and what it would know now. */
static void
try_predictors(struct stp_block_encoder *encoder, int32_t value, int32_t kick)
{
	for (unsigned i = 0; i < STP_PREDICTORS; i++) {
		int32_t level = encoder->trial.level[i], trend = encoder->trial.trend[i];
		int32_t miss = missed(level, trend, value);

		encoder->trial.cost[i] += (uint32_t)(miss ^ miss >> 31);
		learn(level_gains[i], trend_gains[i], trend_keeps[i], &level, &trend, miss, kick);
		encoder->trial.level[i] = level;
		encoder->trial.trend[i] = trend;
	}
}

static void
try_couplings(struct stp_block_encoder *encoder, int32_t value, int32_t current_miss)
{
	uint8_t choice = encoder->trial.choice[STP_COLUMN_RATE];
	int32_t level_gain = level_gains[choice], trend_gain = trend_gains[choice];
	int32_t trend_keep = trend_keeps[choice];

	for (unsigned i = 0; i < COUPLINGS; i++) {
		int32_t level = encoder->trial.level[i], trend = encoder->trial.trend[i];
		int32_t miss = missed(level, trend, value);

		encoder->trial.cost[i] += (uint32_t)(miss ^ miss >> 31);
		learn(level_gain, trend_gain, trend_keep, &level, &trend, miss,
		      current_miss * couplings[i]);
		encoder->trial.level[i] = level;
		encoder->trial.trend[i] = trend;
	}
}

/* What the current's predictor, as it is chosen now, would have missed. */
static int32_t
current_missed(struct stp_block_encoder *encoder, uint16_t value)
{
	uint8_t choice = encoder->trial.choice[STP_COLUMN_CURRENT];
	int32_t *level = &encoder->trial.current_level, *trend = &encoder->trial.current_trend, miss;

	if (value == STP_ABSENT)
		return 0;
	if (*level == NO_LEVEL)
		*level = value * (1 << LEVEL_BITS);
	miss = missed(*level, *trend, value);
	learn(level_gains[choice], trend_gains[choice], trend_keeps[choice], level, trend, miss, 0);
	return miss;
}

static void
try_all(struct stp_block_encoder *encoder, const struct stp_sample *sample)
{
	bool of_coupling = encoder->trial.of == TRIAL_OF_COUPLING;
	unsigned column = of_coupling ? STP_COLUMN_RATE : encoder->trial.of;
	int32_t value = *sample_value(sample, column), miss = 0;

	if (value == STP_ABSENT)
		return;
	if (encoder->trial.fresh)
		for (unsigned i = 0; i < STP_PREDICTORS; i++)
			encoder->trial.level[i] = value * (1 << LEVEL_BITS);
	if (column == STP_COLUMN_RATE)
		miss = current_missed(encoder, sample->current_ma);
	encoder->trial.fresh = false;
	if (of_coupling)
		try_couplings(encoder, value, miss);
	else
		try_predictors(encoder, value, miss * couplings[encoder->trial.coupling]);
}

void
stp_telemetry_begin_trials(struct stp_block_encoder *encoder)
{
	memcpy(encoder->trial.choice, encoder->predictor, sizeof(encoder->trial.choice));
	encoder->trial.coupling = encoder->coupling;
	begin_trial(encoder);
}

void
stp_telemetry_try_predictors(struct stp_block_encoder *encoder, const struct stp_sample *samples,
			 size_t count)
{
	while (count > 0) {
		size_t passed = 1;

		if (encoder->trial.pause > 0) {
			passed = encoder->trial.pause < count ? encoder->trial.pause : count;
			encoder->trial.pause -= (uint32_t)passed;
			if (encoder->trial.pause == 0)
				begin_trial(encoder);
		} else {
			try_all(encoder, samples);
			if (--encoder->trial.left == 0)
				end_trial(encoder);
		}
		samples += passed;
		count -= passed;
	}
}
