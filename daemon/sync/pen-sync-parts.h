/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stipple/live.h>

#include "link.h"
#include "session-store.h"
#include "sync-opening.h"
#include "sync-resume.h"
#include "sync-skip.h"
#include "sync-wanted.h"

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
	guint64 timer_at; /* by the engine's clock, in milliseconds */
	struct stp_host *host;
	gboolean dialogue; /* the engine was started */
	gboolean polling;
	gboolean stopped; /* on request */
	gboolean ending;
	gboolean closing, closed; /* the link, by us */
	guint pending; /* calls under way that will call back */
	GError *error;

	guint8 token;	/* of the last request */
	/* The last stage reached, but for "closing"; see sync-timing.h for how long each may last. */
	const char *stage;
	GSource *stage_timer;
	guint storing; /* calls of the store under way that the pen has to wait for */
	gint64 storing_since;
	gboolean attempt_kept;	/* or about to be */
	gint64 held_since, held_us; /* for how long the pen was not asked for more, as the disk has to follow */
	guint answers;
	guint width; /* of the largest value of Log Data */
	guint64 pace_bytes;
	gboolean pace_rests; /* for a part of this minute it was not the pen's turn */
	gint64 started;
	guint clock_readings; /* of the pen's; the last one counts */
	StpClockReading clock_read; /* ours, when the pen's was there */
	StpSyncChoice choice;
	StpSyncSkip *skip;
	gboolean went_back; /* the log's numbers did */
	gint64 clock_read_at;	    /* monotonic */
	gboolean met;		    /* contact is valid */
	StpContact contact;
	GArray *held, *wanted; /* the engine reads them until it is done */
	StpSyncOpening *opening;
	StpSyncResume *resume;
	GArray *credits; /* (element-type struct stp_host_action), for when the journal has followed */
	StpSyncResult result;
	gint64 progress_shown;

	gboolean listening, deaf; /* Live was asked for, and cannot be had */
	struct stp_live_tracker tracker;
	StpLiveTally lives[STP_LIVE_TALLIES]; /* of the sessions that were heard, in their order */
	guint live_count;
	guint16 live_strokes; /* the counter's low bits */
	guint live_heard, live_heard_then;
	gboolean quiet;	    /* by the last frame its motor stands still */
	gboolean staying;   /* the dialogue has ended, the link stays to listen */
	guint listens;	    /* ... for the so many-th time in this contact */
	gboolean heard_out; /* ... and has done so: no frame counts until the log was asked for again */
	GError *busy;	    /* how the dialogue ended, while staying; NULL: complete */
	gint64 staying_since;
	guint64 bytes_before; /* what the dialogues before this one brought */
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

/* A stage begins, with what it is called and how long it may last; the one before is over. */
void stp_pen_sync_enter(StpPenSync *self, const char *stage, guint limit_s);
/* This one may last as long as the pen keeps up a pace. */
void stp_pen_sync_enter_transfer(StpPenSync *self);
/* Around what the pen has to wait for: it is not the pen that is slow then. */
void stp_pen_sync_store_begins(StpPenSync *self);
void stp_pen_sync_store_ends(StpPenSync *self);
gboolean stp_pen_sync_waits_for_store(StpPenSync *self);

/* The engine's clock stands still while credits are held back: the pen's silence is our doing. */
guint64 stp_pen_sync_engine_ms(StpPenSync *self, gint64 monotonic);
guint64 stp_pen_sync_now_ms(StpPenSync *self);
void stp_pen_sync_hold(StpPenSync *self, gboolean hold);

void stp_pen_sync_set_timer(GSource **source, guint seconds, GSourceFunc function, StpPenSync *self);
/* What our clock is like, for people. */
void stp_pen_sync_judge_clock(StpPenSync *self);
/* The log is read: set the pen's own UTC, when that is off.  Not waited for but by the end of the sync. */
void stp_pen_sync_set_clock(StpPenSync *self);

/* Count what live frames tell.  Never a reason to fail; once is enough. */
void stp_pen_sync_listen(StpPenSync *self);
void stp_pen_sync_hear(StpPenSync *self, const guint8 *bytes, gsize size);
/*
 * The dialogue has ended while the motor runs, as the pen was busy or with all that there is (NULL): stay, and
 * listen until its motor stops, if that can be heard; then ask for its log once more.  Takes error.
 */
void stp_pen_sync_stay(StpPenSync *self, GError *error);
/* Stay no longer: the sync ends as the dialogue did. */
void stp_pen_sync_leave(StpPenSync *self);

/* A dialogue begins, on a link that is open; an earlier one's engine is gone then.  FALSE: it ends. */
gboolean stp_pen_sync_make_host(StpPenSync *self);
void stp_pen_sync_start_dialogue(StpPenSync *self);

/* For the engine's deadline. */
void stp_pen_sync_set_deadline(StpPenSync *self);
void stp_pen_sync_drop_source(GSource **source);
