/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stipple/elapsed-time.h>

/*
 * Every threshold of time-keeping, with its reason.  A threshold that is too small makes false
 * corrections and cries wolf; one that is too large hides a clock that lies.
 *
 * STP_CLOCK_SET_US (5 s) and STP_CLOCK_ALERT_US (15 min), when a pen's clock is set and when a person
 * is told, are the wire's own: stipple/elapsed-time.h.
 */

/* What a pen's tick may gain or lose: a watch crystal has 20 ppm, in the cold of a shelf 100. */
#define STP_DRIFT_ASSUMED_PPB 100000
/* Measured beyond that, and shown by two spans of time at least, a person is told. */
#define STP_DRIFT_TOLD_PPB 100000
/* A difference that would need more than this is no drift; a clock was set, or ticks were lost. */
#define STP_DRIFT_PLAUSIBLE_PPB 2000000
/* A drift that was measured holds for other hours of the same power-up within this: warm or cold. */
#define STP_DRIFT_STABLE_PPB 20000
/* This computer's clock that counts through sleep may be slewed by the kernel by so much, and no more. */
#define STP_HOST_SLEW_PPB 500000

/* Anchors of one power-up further apart than their uncertainty are kept apart; a person hears of it from here on. */
#define STP_STEP_TOLD_US G_GINT64_CONSTANT(2000000)

/* Wider than this, "between then and then" helps nobody: the time is unknown. */
#define STP_BOUND_MAX_US (G_GINT64_CONSTANT(40) * 86400 * G_USEC_PER_SEC)

/* No computer that runs this was there before it was built, and none will be after 2100. */
#define STP_CLOCK_EARLIEST_US (G_GINT64_CONSTANT(1760000000) * G_USEC_PER_SEC)	/* 2025-10-09 */
#define STP_CLOCK_LATEST_US (G_GINT64_CONSTANT(4102444800) * G_USEC_PER_SEC)	/* 2100-01-01 */
