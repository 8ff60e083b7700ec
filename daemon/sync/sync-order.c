/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "sync-order.h"

#include "sync-timing.h"

gint64
stp_sync_urgency(const StpSyncClaim *claim, gint64 monotonic_us, gint64 wall_us)
{
	gint64 urgency = MAX(monotonic_us - claim->waits_since, 0) / G_USEC_PER_SEC;
	/* A clock that was set back makes no sync older. */
	gint64 age_s = MAX(wall_us - claim->complete_at, 0) / G_USEC_PER_SEC;

	if (claim->overrun)
		urgency += STP_SYNC_OVERRUN_WORTH_S;
	if (claim->asked)
		urgency += STP_SYNC_ASKED_WORTH_S;
	if (claim->complete_at == 0)
		age_s = STP_SYNC_AGE_FULL_S;
	return urgency + MIN(age_s, STP_SYNC_AGE_FULL_S) * STP_SYNC_AGE_WORTH_S / STP_SYNC_AGE_FULL_S;
}

guint
stp_sync_most_urgent(const StpSyncClaim *claims, guint count, gint64 monotonic_us, gint64 wall_us)
{
	guint best = G_MAXUINT;
	gint64 most = -1;

	for (guint i = 0; i < count; i++) {
		gint64 urgency = stp_sync_urgency(&claims[i], monotonic_us, wall_us);

		if (urgency > most) {
			most = urgency;
			best = i;
		}
	}
	return best;
}

gboolean
stp_sync_has_to_yield(const StpSyncClaim *running, gint64 runs_since, const StpSyncClaim *waiting,
		      gint64 monotonic_us, gint64 wall_us)
{
	StpSyncClaim anew = *running;

	if (monotonic_us - runs_since < (gint64)STP_SYNC_QUANTUM_S * G_USEC_PER_SEC)
		return FALSE;
	anew.waits_since = monotonic_us;
	return stp_sync_urgency(waiting, monotonic_us, wall_us) >= stp_sync_urgency(&anew, monotonic_us, wall_us);
}
