/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "enrolled-pen.h"
#include "pen-sync.h"
#include "radio.h"
#include "session-store.h"
#include "sync-room.h"
#include "sync-trouble.h"

/*
 * A keeper from inside, for the files it is made of and no others: pen-keeper.c hears, connects and runs the
 * sync, pen-keeper-outcome.c decides what follows from its end, pen-keeper-request.c serves those who ask
 * and wait.  To be included after pen-keeper.h.
 */

struct _StpPenKeeper {
	GObject parent;

	StpEnrolledPen *pen;
	StpRadio *radio;
	StpStore *store;

	gboolean retired;
	gboolean held;		/* somebody else talks to the pen */
	gboolean in_sight;
	guint away_timer;
	guint retry_timer;
	StpTrouble trouble;	/* of the failures */
	guint failures;		/* in a row, of that class */
	gint64 failing_since;	/* monotonic, of the first since one completed; 0: none */
	guint in_vain;		/* syncs in a row that brought nothing but damage */

	gboolean wanted;	/* asked for a link */
	gint64 wants_since;	/* monotonic */
	gboolean overrun;	/* it says that it soon overwrites what nobody has */
	StpSyncRoom room;
	gboolean room_known;	/* what of its log the store had last: */
	guint32 room_epoch, room_newest, room_unfetched;
	guint32 heard_newest;	/* of that log, as it advertises; 0: it did not */
	gboolean short_of_room;
	guint sessions_left;	/* before it does, by our reckoning */
	gboolean warned;
	guint warned_left;
	gboolean busy;		/* has one */
	GCancellable *cancellable;
	gboolean gives_way;	/* cancelled while it connected, for another's sake */
	guint connect_timer;
	gint64 connecting_since;	/* wall */
	guint connection;	/* counts; an answer for another one comes too late */
	gboolean connect_overdue;
	StpPenSync *sync;
	GPtrArray *waiters;	/* GTask */

	gboolean known;		/* what the pen had when a sync last completed: */
	guint32 known_epoch, known_newest, known_boot;
	guint known_slot;
	gboolean came_back;	/* out of sight since */
	gboolean stopped;	/* the last one, by somebody, before it was complete */
	guint unfinished;	/* of a complete one: what could not be had, or is not known there to be held */
	gint64 completed, began;	/* the last complete sync, and the last one at all; monotonic */
	StpSyncChoice choice;	/* of those who wait; of all else, everything */
	StpSyncResult last;
	StpSyncResult carried;	/* what came before the sync gave way, and is part of it */
	guint8 token;		/* of the last request, on whatever link; 0: none */
};

const char *stp_pen_keeper_serial(StpPenKeeper *self);
/* Ask the collector for a link, unless that is done, has been given, or makes no sense. */
void stp_pen_keeper_want_link(StpPenKeeper *self);
/* Nothing is under way: say what the pen is doing. */
void stp_pen_keeper_rest(StpPenKeeper *self);
void stp_pen_keeper_refresh_row(StpPenKeeper *self);

/* The sync, or the try to connect, has ended; error NULL: it completed. */
void stp_pen_keeper_finish(StpPenKeeper *self, const GError *error);

/* What it advertises of its log may have brought the end of its room nearer. */
void stp_pen_keeper_reckon_room(StpPenKeeper *self);
/* A daemon before this one told of it. */
void stp_pen_keeper_recall_warning(StpPenKeeper *self);
/* From what the store has: at the start, and after a sync that failed. */
void stp_pen_keeper_look_at_room(StpPenKeeper *self);
void stp_pen_keeper_room_is_made(StpPenKeeper *self);

/* Those who wait are told; error NULL: it completed. */
void stp_pen_keeper_answer(StpPenKeeper *self, const GError *error);
/* While a sync only listens: nobody has to wait for a treatment's end to hear that there is one. */
void stp_pen_keeper_answer_listening(StpPenKeeper *self);
/* Those who wait are told that the pen is gone; it is synced when it comes back. */
void stp_pen_keeper_answer_away(StpPenKeeper *self);
