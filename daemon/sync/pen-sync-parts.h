/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "link.h"
#include "session-store.h"
#include "sync-opening.h"
#include "sync-resume.h"

/*
 * A sync from inside, for the files it is made of and no others: pen-sync.c begins it and turns the
 * engine's crank, pen-sync-actions.c does what the engine asks for, pen-sync-ending.c ends it.  To be included
 * after pen-sync.h.
 */

struct _StpPenSync {
	GObject parent;

	char *serial;
	StpLink *link;
	StpStore *store;

	GTask *task; /* while running */
	GSource *cancelled;
	GSource *timer;
	struct stp_host *host;
	gboolean dialogue; /* the engine was started */
	gboolean polling;
	gboolean stopped; /* on request */
	gboolean ending;
	guint pending; /* calls under way that will call back */
	GError *error;

	guint8 token;	/* of the last request */
	const char *stage;
	gint64 started;
	gint64 clock_asked; /* monotonic, microseconds */
	gint64 clock_asked_utc;
	StpClockReading clock_read; /* ours, when the pen's was there */
	GArray *held, *wanted; /* the engine reads them until it is done */
	StpSyncOpening *opening;
	StpSyncResume *resume;
	GArray *credits; /* (element-type struct stp_host_action), for when the journal has followed */
	StpSyncResult result;
	gint64 progress_shown;
};

/* Feed the engine's actions to stp_pen_sync_carry_out() until there is none. */
void stp_pen_sync_poll(StpPenSync *self);
/* Do what the engine asks for. */
void stp_pen_sync_carry_out(StpPenSync *self, const struct stp_host_action *action);
/* For StpSyncResume: the journal has followed. */
void stp_pen_sync_write_credits(gpointer user_data);

/* Takes the error; NULL: complete.  The first one counts.  The task returns when all is quiet. */
void stp_pen_sync_end(StpPenSync *self, GError *error);
/* Every call that will call back holds a reference and counts as pending. */
StpPenSync *stp_pen_sync_begin(StpPenSync *self);
void stp_pen_sync_done(StpPenSync *self);

guint64 stp_pen_sync_now_ms(void);
void stp_pen_sync_drop_source(GSource **source);
