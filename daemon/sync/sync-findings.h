/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stipple/host.h>

#include "session-store.h"

/*
 * What a sync met that was odd, told to the log and kept with the pen's coverage.  Keeping it
 * is not waited for: a finding that could not be kept is logged and is no reason to stop.
 */

/* action is of kind STP_HOST_GIVEN_UP. */
void stp_sync_find_given_up(StpStore *store, const char *serial,
			    const struct stp_host_action *action);
/* action is of kind STP_HOST_NOTE. */
void stp_sync_find_note(StpStore *store, const char *serial, guint32 epoch,
			const struct stp_host_action *action);
/* What the pen's flags tell: "overrun", it overwrote records nobody had. */
void stp_sync_find_state(StpStore *store, const char *serial, const struct stp_host_state *state);
/*
 * Whether this computer's clock went on evenly from asked to utc, which took so long by the monotonic
 * one.  When it was set, or the machine slept, a pair of the pen's time and ours would be a lie.
 */
gboolean stp_sync_clock_held(const char *serial, gint64 asked_us, gint64 utc_us, gint64 took_us);
/* The pen claims more records than there can be. */
void stp_sync_find_span(StpStore *store, const char *serial, guint32 epoch, guint32 oldest,
			guint32 newest);

/* The store holds a number above the pen's newest, of the same epoch. */
void stp_sync_find_went_back(StpStore *store, const char *serial, guint32 epoch, guint32 highest,
			     guint32 newest);

/* What is kept of a record from an earlier link is of another length or checksum than the pen lists now. */
void stp_sync_find_other_record(StpStore *store, const char *serial, guint32 epoch, guint32 record);

/* A record of this log does not name the one before it. */
void stp_sync_find_chain(StpStore *store, const char *serial, guint32 epoch);

/* For one who stopped it. */
GError *stp_sync_stopped(void);
/* Why a dialogue failed, for people; action is of kind STP_HOST_FAILED. */
GError *stp_sync_failure(const struct stp_host_action *action);
