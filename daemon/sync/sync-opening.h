/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

#include <stipple/gatt.h>

#include "link.h"
#include "session-store.h"

/*
 * What comes before the log dialogue: read the pen's features, make sure that it is the pen it
 * should be, and turn its notifications on.
 */

typedef struct {
	struct stp_features features;	/* as read on this link */
	StpPenRow *identity;	/* as the pen told it */
	gboolean authenticated;	/* by a code that a person read off the pen: else its records are marked */
} StpSyncOpening;

void stp_sync_opening_free(StpSyncOpening *opening);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StpSyncOpening, stp_sync_opening_free)

/*
 * Errors: LINK_FAILED, DENIED, CANCELLED, PROTOCOL_FAILED (also: another pen answers), and those of
 * bond-trouble.h: no record is asked for over a bond that is not what the clinic asks for.
 */
void stp_sync_open_async(StpLink *link, StpStore *store, const char *serial, GCancellable *cancellable,
			 GAsyncReadyCallback callback, gpointer user_data);
StpSyncOpening *stp_sync_open_finish(StpLink *link, GAsyncResult *result, GError **error);
