/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stipple/host.h>

#include "session-store.h"

/* Which of the listed records are not read after all: what LIST says of them is enough. */

typedef struct StpSyncSkip StpSyncSkip;

/*
 * went_back: leave out what was read since the pen's numbers went back, and is listed as it was then.
 * since: leave out what began before; 0: nothing.
 */
StpSyncSkip *stp_sync_skip_new(StpStore *store, const char *serial, const struct stp_host_state *state,
			       gboolean went_back, gint64 since, GError **error);
void stp_sync_skip_free(StpSyncSkip *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StpSyncSkip, stp_sync_skip_free)

/* *durable: it is in the store. */
gboolean stp_sync_skip_leaves_out(const StpSyncSkip *self, const struct stp_entry *entry, gboolean *durable);
