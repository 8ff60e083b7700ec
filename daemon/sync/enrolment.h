/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

#include "radio.h"
#include "session-store.h"

/*
 * Making a pen ours: find it by what a person calls it, pair, connect, read who it is, and
 * keep it in the store as enrolled.
 */

typedef struct {
	StpLink *link;		/* still up, for the first sync; who does not take it away closes it */
	StpPenRow *row;		/* as kept */
} StpEnrolled;

void stp_enrolled_free(StpEnrolled *enrolled);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StpEnrolled, stp_enrolled_free)

/*
 * which: an address, an advertised name, a serial number, or the end of one.
 * label NULL: keep the one it has.  timeout_s: how long to look for it.
 * Errors: NOT_FOUND (not in sight), INVALID_ARGUMENT (several fit), PAIRING_FAILED,
 * LINK_FAILED, PROTOCOL_FAILED, STORE_*, CANCELLED.
 */
void stp_enrol_async(StpRadio *radio, StpStore *store, const char *which, const char *label,
		     guint timeout_s, StpPairingAsk ask, gpointer ask_data,
		     GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
StpEnrolled *stp_enrol_finish(StpRadio *radio, GAsyncResult *result, GError **error);

/*
 * Whether what a person typed can mean this pen in sight: its address, its name, or a serial
 * number that ends as the name does.  Exposed for its test.
 */
gboolean stp_enrolment_fits(const StpSighting *sighting, const char *which);
