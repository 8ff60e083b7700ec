/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "clinic.h"

/* A clinic on a clock that jumps: hours of it pass in a moment. */

#define S		   G_GINT64_CONSTANT(1000000)
#define HOUR		   (3600 * S)
#define LONG		   (100 * HOUR)
#define WALL		   (G_GINT64_CONSTANT(1800000000) * S)
#define STORE_REPLY_MS	   2

/* So much later than now; monotonic. */
gint64 later(gint64 us);

/* Set-up and teardown.  The store's writer is in lockstep. */
int open_hours(void **state);
int close_hours(void **state);
/* The end of a daemon, in order. */
void stop(Clinic *clinic);

void hear(Clinic *clinic, guint number);
/* Every enrolled pen advertises until so many syncs have ended; FALSE: that took too long. */
gboolean run_until_ended(Clinic *clinic, guint ended, gint64 until);
StpEnrolledPen *enrol_by(Clinic *clinic, guint number);

SimFlash *flash_of(Clinic *clinic, guint number);
/* Of the pen's one epoch; the caller's. */
StpCoverage *coverage_of(Clinic *clinic, guint number);
/* Why a record is not here; "held" when it is. */
const char *cause_of(const StpCoverage *coverage, guint32 record);
guint held(Clinic *clinic, guint number);
/* As 'stipplectl sync' with that choice. */
void sync_by_hand(Clinic *clinic, guint number, const StpSyncChoice *choice);
