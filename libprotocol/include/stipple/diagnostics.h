/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef STIPPLE_DIAGNOSTICS_H
#define STIPPLE_DIAGNOSTICS_H

/*
 * Diagnostics: counters for whoever looks after the pen.  proto/WIRE.md, "Diagnostics".
 */

#include <stddef.h>
#include <stdint.h>

#include <stipple/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STP_DIAGNOSTICS_SIZE_MAX 512	/* no attribute is longer */
#define STP_COUNTERS_MAX 102		/* what fits that */
#define STP_DIAGNOSTICS_SIZE(counters) (2 + 5 * (size_t)(counters))

/* The counters; all count up from the pen's making or STP_PANEL_COUNTERS_RESET. */
enum stp_counter_id {
	STP_COUNTER_BOOTS = 1,	/* times it was started */
	STP_COUNTER_WATCHDOG_RESETS = 2,	/* times its firmware hung */
	STP_COUNTER_BROWN_OUTS = 3,	/* times its supply broke down */
	STP_COUNTER_FLASH_ERRORS = 4,	/* reads, writes and erasures that failed */
	STP_COUNTER_DAMAGED_RECORDS = 5,	/* records that failed their checksum */
	STP_COUNTER_OVERWRITTEN = 6,		/* records, that somebody had not acknowledged */
	STP_COUNTER_NOTIFICATIONS_DROPPED = 7,	/* that its stack did not take */
	STP_COUNTER_LINK_LOSSES = 8,		/* connections that ended by time-out */
	STP_COUNTER_PAIRING_FAILURES = 9,	/* pairings that failed */
	STP_COUNTER_LAST_FAULT = 10,		/* the maker's code; 0: none */
	STP_COUNTER_LAST_FAULT_TICK = 11,	/* low 32 bits, ms */
	STP_COUNTER_MOTOR_MINUTES = 12,	/* the motor ran, minutes */
	STP_COUNTER_KILOSTROKES = 13,	/* strokes, thousands */
	STP_COUNTER_BATTERY_CYCLES = 14,	/* full charges */
	STP_COUNTER_TEMPERATURE_MAX = 15,	/* 0.1 degrees Celsius, signed: cast to int32_t */
	STP_COUNTER_CLOCK_SETS = 16,	/* times its clock was set */
	STP_COUNTER_MAKER_MIN = 0x80,		/* from here: the maker's own */
};

/* One counter. */
struct stp_counter {
	uint8_t id;		/* enum stp_counter_id; unknown ones are kept */
	uint32_t value;
};

/*
 * The value of the characteristic; *size receives STP_DIAGNOSTICS_SIZE(count).
 * STP_ERR_SPACE: more than capacity; STP_ERR_RANGE: more than STP_COUNTERS_MAX;
 * STP_ERR_MALFORMED: ids that do not ascend from 1.
 */
STP_API STP_MUST_CHECK enum stp_status
stp_diagnostics_encode(const struct stp_counter *counters, size_t count, uint8_t *out, size_t capacity,
		       size_t *size);

/*
 * Read it; counters has room for capacity of them, STP_COUNTERS_MAX always do.  What follows
 * the last is ignored (later revisions append).  STP_ERR_TRUNCATED: ends early; STP_ERR_UNKNOWN:
 * another version; STP_ERR_MALFORMED, STP_ERR_RANGE, STP_ERR_SPACE as above.
 */
STP_API STP_MUST_CHECK enum stp_status
stp_diagnostics_decode(const uint8_t *bytes, size_t size, struct stp_counter *counters, size_t capacity,
		       size_t *count);

/* A word for logs and JSON, e.g. "watchdog-resets"; NULL when unknown. */
STP_API const char *stp_counter_name(uint8_t id);
/* A few words for people, with the unit: "the motor ran, minutes"; never NULL. */
STP_API const char *stp_counter_text(uint8_t id);

#ifdef __cplusplus
}
#endif

#endif
