/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef TELEMETRY_ENCODE_H
#define TELEMETRY_ENCODE_H

#include "telemetry-format.h"

/*
 * Encodes samples as far as they are plain: on time, with three values, no event, a short
 * code, and ample room.  Returns how many it took; the rest is the caller's.
 */
typedef size_t stp_encode_function(struct stp_block_encoder *encoder,
				   const struct stp_sample *samples, size_t count);

/* The same for one sample. */
bool stp_telemetry_encode_one(struct stp_block_encoder *encoder, const struct stp_sample *sample);

/*
 * Trials: on a part of the samples all predictors are tried on one column after the other,
 * and what did best is used from the next block on.
 */
void stp_telemetry_begin_trials(struct stp_block_encoder *encoder);
void stp_telemetry_try_predictors(struct stp_block_encoder *encoder, const struct stp_sample *samples,
			      size_t count);

/* The same after one sample: nearly always there is nothing to try. */
static inline void
stp_telemetry_after_sample(struct stp_block_encoder *encoder, const struct stp_sample *sample)
{
	if (encoder->trial.pause > 1)
		encoder->trial.pause--;
	else
		stp_telemetry_try_predictors(encoder, sample, 1);
}

/* The fastest one this machine has. */
stp_encode_function *stp_telemetry_plain_encoder(void);

#endif
