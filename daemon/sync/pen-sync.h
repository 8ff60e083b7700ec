/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

#include <stipple/host.h>

#include "link.h"
#include "session-store.h"
#include "sync-wanted.h"

/*
 * One sync: drives the host engine over a link into the store, from the first read to the
 * last acknowledgement.  It owns no schedule and does not connect; the collector does.
 */

#define STP_TYPE_PEN_SYNC (stp_pen_sync_get_type())
G_DECLARE_FINAL_TYPE(StpPenSync, stp_pen_sync, STP, PEN_SYNC, GObject)

typedef struct {
	guint records;		/* stored for the first time */
	guint again;		/* sent once more by the pen, and the same */
	guint conflicts;	/* kept beside another record of that number for the first time */
	guint damaged;		/* kept as evidence, not acknowledged */
	guint given_up;		/* could not be had this time */
	guint untold;		/* stored, but the pen did not take the acknowledgement */
	guint64 bytes;		/* payload received */
	gint64 duration_us;	/* without connecting; measured by who runs the sync */
	guint mtu;
	gboolean chosen;	/* only what somebody chose was asked for */
	gboolean yielded;	/* another pen was let go first; it is not complete */
	gboolean has_status;	/* status holds what the pen's log was like: */
	guint32 epoch, oldest, newest, boot_id;
	guint slot;		/* ours, in the pen; 0xFF: none */
	guint64 capacity;	/* of its log, bytes; 0: not told */
} StpSyncResult;

/*
 * Signals:
 *   progress ()                   at most once a second
 *   stage-changed ()              see stp_pen_sync_get_stage()
 *   session-stored (const char *id)
 */

/* serial is the enrolled pen's: another pen at the same address is refused. */
StpPenSync *stp_pen_sync_new(const char *serial, StpLink *link, StpStore *store);

/*
 * Run it.  The link is closed at the end, whatever happened.  What arrived whole is stored even
 * when the call fails, and what arrived of the record under way is journalled: the next sync reads the
 * rest.  Cancelling ends it in order.
 * Errors: LINK_FAILED, PROTOCOL_FAILED, DENIED, BUSY (the pen's motor runs), STORE_FULL,
 * STORE_FAILED, CANCELLED.
 */
void stp_pen_sync_run_async(StpPenSync *self, GCancellable *cancellable,
			    GAsyncReadyCallback callback, gpointer user_data);
gboolean stp_pen_sync_run_finish(StpPenSync *self, GAsyncResult *result, GError **error);

/* Before the run: ask for no more than that. */
void stp_pen_sync_set_choice(StpPenSync *self, const StpSyncChoice *choice);

/*
 * Let another pen have the link: end in order, with CANCELLED, and with yielded in the result.  What arrived is
 * kept.  Nothing happens once the sync is ending.
 */
void stp_pen_sync_yield(StpPenSync *self);

/*
 * The last request's token.  Before the run: the last one of the link before; the first request takes another,
 * so that late answers and data of that link are known for what they are.
 */
void stp_pen_sync_set_token(StpPenSync *self, guint8 token);
guint8 stp_pen_sync_get_token(StpPenSync *self);

/*
 * Whether it only listens to a pen whose motor runs: all is fetched, or *busy says what it will fail with, unless
 * something else comes first.  It yields at once then.
 */
gboolean stp_pen_sync_is_listening(StpPenSync *self, const GError **busy);

/*
 * What it is doing: "start", "open" (reads who the pen is, turns notifications on), "state" (asks what its log
 * has), "store" (waits for the disk), "transfer", "listen" (the motor runs), "done", "closing".  sync-timing.h says how long each may last.
 */
const char *stp_pen_sync_get_stage(StpPenSync *self);

/* What has been reached so far; whole after run_finish(), also after a failure. */
const StpSyncResult *stp_pen_sync_get_result(StpPenSync *self);
void stp_pen_sync_get_progress(StpPenSync *self, struct stp_host_progress *progress);
/* What the pen said of itself; strings may be "", the battery 255. Owned by the sync. */
const StpPenRow *stp_pen_sync_get_identity(StpPenSync *self);
