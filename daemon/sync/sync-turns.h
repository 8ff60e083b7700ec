/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "pen-keeper.h"
#include "radio.h"

/*
 * Links are few: who gets one, and who has to let another go first.  The order is sync-order.h's; how many
 * there are, and for whom, the radio says.
 */

typedef struct StpSyncTurns StpSyncTurns;

StpSyncTurns *stp_sync_turns_new(StpRadio *radio);
void stp_sync_turns_free(StpSyncTurns *self);

/*
 * It waits for stp_pen_keeper_go(); or it is given a link beside the share, which is up already.  take() and
 * finished() with NULL: of a link that is no keeper's.
 */
void stp_sync_turns_want(StpSyncTurns *self, StpPenKeeper *keeper);
void stp_sync_turns_take(StpSyncTurns *self, StpPenKeeper *keeper);
/* Its link is free again; share out when all that has to be done about it is. */
void stp_sync_turns_finished(StpSyncTurns *self, StpPenKeeper *keeper);
void stp_sync_turns_share_out(StpSyncTurns *self);
/* Nobody gets a link any more. */
void stp_sync_turns_stop(StpSyncTurns *self);
/* How many links are taken. */
guint stp_sync_turns_running(StpSyncTurns *self);
