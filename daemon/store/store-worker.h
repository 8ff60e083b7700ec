/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <stipple/control.h>

#include "collector-id.h"
#include "session-store.h"
#include "store-files.h"
#include "store-jobs.h"

/* The store's inside, for the files that make up the seam. */

struct _StpStore {
	GObject parent;

	StpStoreFiles files;		/* the writer's connection is the worker's */
	GThreadPool *worker;		/* one thread; NULL when closed */
	GMainContext *context;
	guint8 collector_id[STP_COLLECTOR_ID_SIZE];
	StpCollectorIdNews renamed;	/* whether it had to be made anew */
	StpStoreState state;
	char *trouble;			/* of the last write, while the state is not OK */
	GSource *room_watch;
	guint patience_ms;
	guint reply_ms;			/* in lockstep; see stp_store_set_lockstep() */
	gboolean lockstep;
	GPtrArray *alerts;		/* open ones, and ended ones not yet written so; store-alerting.c */
	StpHostClock *clock;		/* NULL: nobody vouches for it */
	gint reserve_mib;		/* atomic; -1: by the size of the disk */
	gint nearly_full;		/* atomic; as the last job found it; the rest is below */

	/* The worker's own. */
	StpDigester *digester;
	gboolean undecoded;		/* a record waits to be looked into */
};

/* What a result is of. */
typedef enum {
	STP_TAG_PEN = 1,
	STP_TAG_IDENTITY,
	STP_TAG_RETIRE,
	STP_TAG_STATE,
	STP_TAG_RECORD,
	STP_TAG_PARTIAL,
	STP_TAG_REFUTE,
	STP_TAG_FINDING,
	STP_TAG_ATTEMPT,
	STP_TAG_ALERT,
	STP_TAG_CLOCK_SET,
	STP_TAG_REPARSE,
	STP_TAG_SALVAGE,
	STP_TAG_PROBE,
} StpTag;

/* Give it to the writer; the task's data is the job, also when it is back.  Takes the job. */
void stp_store_submit(StpStore *self, StpJob *job, StpTag tag, GCancellable *cancellable,
		      GAsyncReadyCallback callback, gpointer user_data);

/* Take over what is left of a store that was set aside, slice by slice, and tell of it. */
void stp_store_begin_salvage(StpStore *self);

/* ---- alerts, as the main thread knows them ---- */

/* None yet: of the store's own element type. */
GPtrArray *stp_store_new_alerts(void);
gboolean stp_store_load_alerts(StpStore *self, GError **error);
/* It is open, and somebody acknowledged it. */
gboolean stp_store_has_seen(StpStore *self, const char *kind, const char *subject);
/* Write what could not be written before. */
void stp_store_save_alerts(StpStore *self);
void stp_store_emit_alert(StpStore *self, const StpAlert *alert);

/* ---- times, store-timing.c ---- */

/* What a job found out about clocks and sessions: signals and alerts. */
void stp_store_tell_times(StpStore *self, const StpJob *job);
void stp_store_emit_sessions_timed(StpStore *self, const char *const *ids);
