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

typedef struct {
	const char *which;	/* an address, an advertised name, a serial number, or the end of one */
	const char *label;	/* NULL: keep the one it has */
	guint timeout_s;	/* for the pen to be heard with its pairing window open */
	gboolean allow_unauthenticated;	/* also a bond without a code; its records are marked */
	gboolean repair;	/* this host's key, if there is one, is removed first: it does not work */
} StpEnrolOptions;

/*
 * made: address -> StpPenBond, the caller's: bonds of enrolments that came to nothing afterwards, which the next
 * try must not take for another program's.  The options are copied.  A pen that this host has no key for is paired only with its window open,
 * as far as its advertisement tells.  Errors: NOT_FOUND (not in sight), INVALID_ARGUMENT (several fit, or the
 * one that answered is another), PAIRING_FAILED (its window stayed closed, a wrong code), BOND_TOO_WEAK,
 * LINK_FAILED, PROTOCOL_FAILED, STORE_*, CANCELLED.
 */
void stp_enrol_async(StpRadio *radio, StpStore *store, GHashTable *made, const StpEnrolOptions *options,
		     StpPairingAsk ask, gpointer ask_data, GCancellable *cancellable, GAsyncReadyCallback callback,
		     gpointer user_data);
StpEnrolled *stp_enrol_finish(StpRadio *radio, GAsyncResult *result, GError **error);

/*
 * Whether what a person typed can mean this pen in sight: its address, its name, or a serial
 * number that ends as the name does.  Exposed for its test.
 */
gboolean stp_enrolment_fits(const StpSighting *sighting, const char *which);
/* Whether it can mean a pen that is enrolled already, in sight or not. */
gboolean stp_enrolment_can_mean(const StpPenRow *row, const char *which);
