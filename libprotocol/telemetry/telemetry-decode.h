/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef TELEMETRY_DECODE_H
#define TELEMETRY_DECODE_H

#include <string.h>

#include "bit-reader.h"
#include "telemetry-format.h"

struct column {
	uint8_t predictor;
	int32_t level, trend;
};

struct decoder;

/*
 * Decode samples that have every column, as far as they are plain: a code that is long, an
 * escape, out of range or near the end stops it, with nothing of that sample taken.
 * Returns how many were decoded.
 */
typedef size_t decode_function(struct decoder *decoder, struct stp_sample *out, size_t count);

/* What changes from sample to sample, and what a chained block takes over from the one before. */
struct trail {
	struct column column[STP_COLUMNS];
	int32_t kick;			/* of the rate's trend, per miss of the current */
	uint32_t mean[2][STP_COLUMNS];
	uint8_t present, seen;
	bool ends_block;		/* a chained block may follow */
	struct stp_sample like;		/* contact, pass, zone and absent columns of the next sample */
	uint32_t period_ms;
	uint64_t due_ms;
	uint32_t last_ms;
	uint32_t gap_mean;
	uint32_t crc;			/* of the block */
};

struct decoder {
	decode_function *plain;
	struct bit_reader values, events;
	const uint8_t *limit;		/* eight bytes can be read here, not further */
	struct trail trail;
};

/* The fastest one this machine has. */
decode_function *stp_telemetry_plain_decoder(void);

#endif
