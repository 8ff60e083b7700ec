/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stipple/host.h>

#include "session-store.h"

/*
 * Records under way, across links, crashes and reboots: what arrives of it goes into the
 * store's journal, and what an earlier sync left there is handed to the engine.  Nothing of this is
 * waited for, and a journal that fails costs a second reading of some bytes.
 */

typedef struct StpSyncResume StpSyncResume;

/* journalled is called whenever the journal has taken something, or refused it. */
StpSyncResume *stp_sync_resume_new(StpStore *store, const char *serial,
				   void (*journalled)(gpointer user_data), gpointer user_data);
/* How large the pen's values are; until this is known the largest that there can be. */
void stp_sync_resume_set_width(StpSyncResume *self, guint width);
/* Nothing is called any more; what is under way is written all the same. */
void stp_sync_resume_close(StpSyncResume *self);

/* Before records are asked for: look of which of this pen's records something is kept. */
void stp_sync_resume_load(StpSyncResume *self);
/* action is of kind STP_HOST_BEGIN; before the next poll. */
void stp_sync_resume_begin(StpSyncResume *self, struct stp_host *host, const struct stp_host_action *action);
/* action is of kind STP_HOST_NOTE, any note. */
void stp_sync_resume_note(StpSyncResume *self, const struct stp_host_action *action);
/* After each input of the engine: journal what arrived, if it is worth it by now. */
void stp_sync_resume_keep(StpSyncResume *self, const struct stp_host *host, gint64 now);
/* So much is on its way to the disk that a pen should not be asked for more; journalled tells of the end. */
gboolean stp_sync_resume_is_behind(StpSyncResume *self, const struct stp_host *host);
/* The record came whole and is put into the store next: nothing more of it is journalled. */
void stp_sync_resume_delivered(StpSyncResume *self);
/* No more comes of the record on this link: journal all of it. */
void stp_sync_resume_keep_all(StpSyncResume *self, const struct stp_host *host);
