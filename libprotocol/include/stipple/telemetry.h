/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef STIPPLE_TELEMETRY_H
#define STIPPLE_TELEMETRY_H

/*
 * Telemetry: samples in fixed units, and the block that carries up to 36,000 of
 * them losslessly.  proto/WIRE.md, "Telemetry block", is the binding text.
 */

#include <stddef.h>
#include <stdint.h>

#include <stipple/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A value the pen did not measure.  Absent is not zero. */
#define STP_ABSENT 0xFFFFu

#define STP_DEPTH_MAX_UM 5000	/* covers the 4 mm of radio-frequency devices */
#define STP_RATE_MAX_DHZ 5000	/* 500 Hz; pens run at 30-300 Hz */
#define STP_CURRENT_MAX_MA 10000
#define STP_PERIOD_MIN_MS 5
#define STP_PERIOD_MAX_MS 1000
#define STP_BLOCK_SAMPLES_MAX 36000
#define STP_BLOCK_SAMPLES_DEFAULT 1024

struct stp_sample {
	uint32_t t_ms;		/* since the session's start; never decreases */
	uint16_t depth_um;	/* delivered depth, 0..5000, or STP_ABSENT */
	uint16_t rate_dhz;	/* stroke rate in 0.1 Hz, 0..5000, or STP_ABSENT */
	uint16_t current_ma;	/* motor current, 0..10000, or STP_ABSENT */
	uint8_t contact;	/* 0 or 1 */
	uint8_t pass;		/* 0 none, from 1 */
	uint8_t zone;		/* 0 none, else a zone code */
};

#ifdef __cplusplus
}
#endif

#endif
