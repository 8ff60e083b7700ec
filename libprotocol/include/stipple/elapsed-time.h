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

/* A pen's UTC that is off by less is left alone: its display shows minutes, and setting costs a write. */
#define STP_CLOCK_SET_US INT64_C(5000000)
/* Off by more, either clock is wrong, and a person should look.  8 min gave false alarms (Tidepool's uploader). */
#define STP_CLOCK_ALERT_US INT64_C(900000000)

/*
 * How far a pen's UTC, set when the first anchor was taken and kept by its tick since, is ahead of the
 * caller's clock when the second was taken; negative: behind.  Reading the pen gives only its tick, so
 * that is how it can be known.  Uncertain by both anchors' uncertainty.  STP_ERR_IDENTITY: another power-up;
 * STP_ERR_RANGE: ticks that are not in order, or times that cannot be.
 */
STP_API STP_MUST_CHECK enum stp_status
stp_clock_offset(const struct stp_time_anchor *set, const struct stp_time_anchor *now, int64_t *offset_us);

#ifdef __cplusplus
}
#endif

#endif
