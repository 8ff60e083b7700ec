/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef STIPPLE_ELAPSED_TIME_H
#define STIPPLE_ELAPSED_TIME_H

/*
 * Current Elapsed Time (0x2BF2) of the Elapsed Time service.  A pen answers
 * with its tick: milliseconds since power-up.  The collector pairs the tick with
 * its own UTC into a time anchor; wall time is derived from anchors, never stored
 * as the truth.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stipple/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STP_ELAPSED_TIME_SIZE 9
#define STP_TICK_MAX ((UINT64_C(1) << 48) - 1)

/* The value of the characteristic. */
struct stp_elapsed_time {
	bool is_tick;		/* counts from power-up, not from 2000-01-01 */
	bool is_utc;
	uint32_t unit_us;	/* resolution: 1000000, 100000, 1000 or 100 microseconds */
	uint64_t value;		/* in units, at most 2^48 - 1 */
	uint8_t sync_source;	/* 0 unknown, 1 network time, ... (Bluetooth assigned numbers) */
	int8_t tz_dst_quarters;	/* offset from UTC in 15 min; -128 unknown */
	bool is_current_timeline;
};

/* Write the value.  STP_ERR_RANGE: a unit, value or offset that the service does not have. */
STP_API STP_MUST_CHECK enum stp_status
stp_elapsed_time_encode(const struct stp_elapsed_time *time, uint8_t out[STP_ELAPSED_TIME_SIZE]);
/* Read the value.  STP_ERR_TRUNCATED: fewer than 9 bytes; STP_ERR_MALFORMED: more. */
STP_API STP_MUST_CHECK enum stp_status
stp_elapsed_time_decode(const uint8_t *bytes, size_t size, struct stp_elapsed_time *out);

/* A pair of pen time and wall time. */
struct stp_time_anchor {
	uint32_t boot_id;
	uint64_t tick_ms;
	int64_t utc_us;			/* microseconds since 1970, by the collector's clock */
	uint32_t uncertainty_us;	/* half the round trip of the read, plus the pen's resolution */
};

#ifdef __cplusplus
}
#endif

#endif
