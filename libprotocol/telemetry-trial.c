/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <string.h>

#include "telemetry-encode.h"

#define TRIAL_SAMPLES 256
#define TRIAL_PAUSE 3840
/* Twice all columns without a pause; from then on only now and then: sensors seldom change. */
#define EAGER_TRIALS (2 * STP_COLUMNS)

static void
begin_trial(struct stp_block_encoder *encoder)
{
	encoder->trial.left = TRIAL_SAMPLES;
	encoder->trial.fresh = true;
	memset(encoder->trial.cost, 0, sizeof(encoder->trial.cost));
	memset(encoder->trial.trend, 0, sizeof(encoder->trial.trend));
}

/* Change only for a clear gain: a thirty-second of the cost. */
static void
end_trial(struct stp_block_encoder *encoder)
{
	uint8_t *choice = &encoder->trial.choice[encoder->trial.column];
	uint32_t least = encoder->trial.cost[*choice];

	least -= least >> 5;
	for (uint8_t i = 0; i < STP_PREDICTORS; i++) {
		if (encoder->trial.cost[i] < least) {
			least = encoder->trial.cost[i];
			*choice = i;
		}
	}
	encoder->trial.column = (uint8_t)(encoder->trial.column + 1 < STP_COLUMNS
		? encoder->trial.column + 1 : 0);
	if (encoder->trial.ended < EAGER_TRIALS)
		encoder->trial.ended++;
	if (encoder->trial.ended < EAGER_TRIALS)
		begin_trial(encoder);
	else
		encoder->trial.pause = TRIAL_PAUSE;
}

/* How far each predictor would have been off. */
static void
try_all(struct stp_block_encoder *encoder, uint16_t value)
{
	for (unsigned i = 0; i < STP_PREDICTORS; i++) {
		int32_t *level = &encoder->trial.level[i], *trend = &encoder->trial.trend[i];
		int32_t miss;

		if (encoder->trial.fresh)
			*level = value * (1 << LEVEL_BITS);
		miss = value - rounded(*level + *trend);
		encoder->trial.cost[i] += (uint32_t)(miss < 0 ? -miss : miss);
		learn(predictors[i].level_gain, predictors[i].trend_gain, predictors[i].trend_keep,
		      level, trend, value);
	}
	encoder->trial.fresh = false;
}

void
telemetry_begin_trials(struct stp_block_encoder *encoder)
{
	memcpy(encoder->trial.choice, encoder->predictor, sizeof(encoder->trial.choice));
	begin_trial(encoder);
}

void
telemetry_try_predictors(struct stp_block_encoder *encoder, const struct stp_sample *samples,
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
			uint16_t value = *sample_value(samples, encoder->trial.column);

			if (value != STP_ABSENT)
				try_all(encoder, value);
			if (--encoder->trial.left == 0)
				end_trial(encoder);
		}
		samples += passed;
		count -= passed;
	}
}
