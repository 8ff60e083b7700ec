/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

#include <stipple/elapsed-time.h>
#include <stipple/ranges.h>
#include <stipple/record.h>
#include <stipple/telemetry.h>

/*
 * The store seam: raw records for good, and what can be told from them.  No SQLite type
 * leaves this folder.  Everything that writes is asynchronous and done in order by one worker;
 * when a _finish() says TRUE, what was written survives a power cut.  What reads is
 * synchronous, short, and never waits for the writer.
 *
 * Raw is immutable.  All else can be made again from it (stp_store_reparse_async()).
 * Times are microseconds since 1970 UTC unless named otherwise; 0 is "never".
 *
 * Errors: STORE_FULL (no room; nothing was changed), STORE_FAILED, NOT_FOUND, INCOMPLETE.
 */

#define STP_TYPE_STORE (stp_store_get_type())
G_DECLARE_FINAL_TYPE(StpStore, stp_store, STP, STORE, GObject)

/*
 * Open or create the store in a directory (made with mode 0700 when absent).  A damaged
 * database file is set aside, never wiped, and reported by stp_store_get_hint().  Fails when
 * another process has it open, or it was written by a newer version.  Results and signals
 * come in the thread-default main context of the caller.
 */
StpStore *stp_store_open(const char *directory, GError **error);

typedef enum { STP_STORE_OK, STP_STORE_FULL, STP_STORE_FAILED } StpStoreState;

/*
 * Signal: state-changed ().  The state is that of the last write, and of the file as opened.
 * While it is FULL the store looks for room by itself, and goes back to OK when there is some.
 * The hint is one or two sentences, "" when there is nothing to say; never NULL.
 */
StpStoreState stp_store_get_state(StpStore *self);
const char *stp_store_get_hint(StpStore *self);
/* Made once per store, from the system's randomness. */
const guint8 *stp_store_get_collector_id(StpStore *self);	/* STP_COLLECTOR_ID_SIZE bytes (stipple/control.h) */

/* ---- pens ---- */

typedef struct {
	char *serial;
	char *maker, *model, *firmware, *hardware, *label;	/* "" when unknown */
	char *address;
	guint8 battery;		/* percent, 255 unknown */
	gboolean enrolled;	/* FALSE: retired; its records stay */
	gint64 enrolled_at, last_seen, last_sync;
	/* kept by the store, ignored by put */
	guint sessions;
	double coverage;	/* percent over all epochs, 100 when nothing is known to exist */
} StpPenRow;

void stp_pen_row_free(StpPenRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StpPenRow, stp_pen_row_free)

/* (element-type StpPenRow), enrolled and retired ones, by serial. */
GPtrArray *stp_store_list_pens(StpStore *self, GError **error);
StpPenRow *stp_store_get_pen(StpStore *self, const char *serial, GError **error);
/* Insert or replace by serial. */
void stp_store_put_pen_async(StpStore *self, const StpPenRow *row, GCancellable *cancellable,
			     GAsyncReadyCallback callback, gpointer user_data);
gboolean stp_store_put_pen_finish(StpStore *self, GAsyncResult *result, GError **error);

/* ---- what a pen says it has ---- */

/*
 * Note that in this epoch the pen has had the numbers 1..newest and still has oldest..newest
 * (oldest > newest: none).  What lies below oldest and is not held was overwritten.  With the
 * anchor, if any.  A new epoch never deletes anything.
 */
void stp_store_put_state_async(StpStore *self, const char *serial, guint32 epoch, guint32 oldest,
			       guint32 newest, const struct stp_time_anchor *anchor,
			       GCancellable *cancellable, GAsyncReadyCallback callback,
			       gpointer user_data);
gboolean stp_store_put_state_finish(StpStore *self, GAsyncResult *result, GError **error);

/*
 * Which of oldest..newest are not held: (element-type struct stp_range), ascending.  Numbers of
 * which five tries brought only damaged bytes, or the findings "corrupt" or "never-written",
 * are not asked for again.
 */
GArray *stp_store_get_missing(StpStore *self, const char *serial, guint32 epoch, guint32 oldest,
			      guint32 newest, GError **error);

/*
 * Which of oldest..newest are held and sound, so that the pen may be told: (element-type struct
 * stp_range), ascending.
 */
GArray *stp_store_get_held(StpStore *self, const char *serial, guint32 epoch, guint32 oldest,
			   guint32 newest, GError **error);

/* ---- records ---- */

typedef struct {
	const char *serial;	/* of the pen that sent it */
	guint32 epoch, number;	/* as asked for */
	GBytes *raw;
	enum stp_status integrity;	/* as the host engine judged it */
	guint32 listed_size;	/* as LIST said, as are the next three; 0: nothing is known */
	guint8 listed_type;
	guint32 listed_boot_id;
	guint64 listed_start_tick_ms;
	gboolean authenticated;	/* the link's bond */
	gint64 received_at;
} StpArrival;

typedef enum {
	STP_STORED_NEW,		/* durable now */
	STP_STORED_AGAIN,	/* the same bytes were there */
	STP_STORED_CONFLICT,	/* other bytes were there: both are kept; a finding was made */
} StpStoredHow;

typedef struct {
	StpStoredHow how;
	gboolean acknowledge;	/* durable, it is the record asked for and its checksum holds */
	enum stp_status verdict;	/* of decoding it: STP_OK, or why it is quarantined */
	char *session_id;	/* of the session it belongs to; NULL: none, or not decoded */
} StpStoredOutcome;

void stp_stored_outcome_free(StpStoredOutcome *outcome);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StpStoredOutcome, stp_stored_outcome_free)

/*
 * Keep a record: raw first, in a transaction of its own with full synchronisation, then look
 * inside.  What cannot be decoded is quarantined with a finding and is no error of this call.
 * The arrival is copied.
 */
void stp_store_put_record_async(StpStore *self, const StpArrival *arrival,
				GCancellable *cancellable, GAsyncReadyCallback callback,
				gpointer user_data);
StpStoredOutcome *stp_store_put_record_finish(StpStore *self, GAsyncResult *result, GError **error);

/* ---- findings: what was odd ---- */

typedef struct {
	char *serial;
	guint32 epoch;
	guint32 record;		/* 0: not about one record */
	char *kind;		/* "crc", "unknown", "range", "out-of-turn", ... */
	char *text, *hint;	/* what happened; what to do next */
	gint64 since, last;	/* put: since is ignored; last is when it happened, 0: now */
	guint count;		/* put: ignored */
	gboolean kept;		/* the raw bytes are in the store */
	gboolean closed;	/* put right since, e.g. a sound copy came; put: ignored */
} StpFinding;

void stp_finding_free(StpFinding *finding);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StpFinding, stp_finding_free)

/*
 * Count it if the same kind about the same record is known already; that also opens it again.
 * The store makes findings by itself of what put_record is given: "crc", "truncated",
 * "identity" (the bytes are another record's), "conflict", "unknown", "range", "malformed",
 * "memory", "part" (two records claim to be the same part of a session), "decayed" (the disk
 * changed it).  Two kinds that others
 * put have a meaning for coverage, as long as they are open and the record is not held:
 * "corrupt" (the pen's own copy is damaged, so it does not give it) and "never-written" (the
 * pen skipped the number).  A sound copy of the record closes all but "conflict".
 */
void stp_store_put_finding_async(StpStore *self, const StpFinding *finding,
				 GCancellable *cancellable, GAsyncReadyCallback callback,
				 gpointer user_data);
gboolean stp_store_put_finding_finish(StpStore *self, GAsyncResult *result, GError **error);

/* Signal: finding (StpFinding *), before the result of the put_record or put_finding that made it. */

/* ---- coverage ---- */

typedef struct {
	struct stp_range range;
	char cause[16];		/* "not-fetched", "corrupt", "overwritten", "never-written" */
} StpHole;

typedef struct {
	char *serial;
	guint32 epoch;
	gboolean current;	/* the epoch the pen named last */
	guint32 first, last;	/* numbers known to have been used; first > last: none */
	guint held;		/* durable, and the checksum holds */
	guint damaged;		/* not held; what is known of them is damaged: holes with cause "corrupt" */
	guint missing;		/* not held otherwise */
	double percent;		/* held of all used; 100 when none was used; what was never written is not used */
	GArray *holes;		/* (element-type StpHole), what is not held, ascending */
	GPtrArray *findings;	/* (element-type StpFinding) */
} StpCoverage;

void stp_coverage_free(StpCoverage *coverage);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StpCoverage, stp_coverage_free)

/* serial NULL: of all pens.  (element-type StpCoverage) */
GPtrArray *stp_store_get_coverage(StpStore *self, const char *serial, GError **error);

/* ---- sessions ---- */

/*
 * Anchored: from the anchor of the same boot that makes it surest; its uncertainty is the
 * anchor's plus 100 ppm of the time between.  Unknown: no contact fell into that boot.
 * Extrapolated is for what other boots' anchors may tell; nothing is that yet.
 */
typedef enum { STP_TIME_UNKNOWN, STP_TIME_EXTRAPOLATED, STP_TIME_ANCHORED } StpTimeQuality;

typedef struct {
	guint64 row;		/* the store's own number, for paging */
	char *id;		/* "SERIAL/EPOCH/NUMBER", EPOCH in 8 hexadecimal digits */
	char *serial;
	guint32 epoch, number;	/* the pen's own number of the session, stable whatever part comes first */
	StpTimeQuality time_quality;
	gint64 start;		/* of the earliest part held; valid unless the quality is unknown */
	guint32 start_uncertainty_ms;
	guint32 boot_id;
	guint64 start_tick_ms;
	guint64 duration_ms, motor_on_ms, strokes, samples;
	guint parts;		/* held */
	gboolean complete;	/* all parts from the first to the last are held and sound */
	guint period_ms;
	guint set_depth_min_um, set_depth_max_um, set_rate_dhz;	/* STP_ABSENT: unknown */
	guint depth_max_um, depth_p50_um;			/* delivered; STP_ABSENT: unknown */
	guint zones, passes;	/* how many zones; how many passes, summed over the zones */
	guint needles;
	char *cartridge;	/* hexadecimal, "" unknown */
	char *firmware;
	gint64 received;
	gboolean authenticated;
	GArray *records;	/* (element-type guint32), the record numbers, in order of parts */
} StpSession;

void stp_session_free(StpSession *session);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StpSession, stp_session_free)

typedef struct {
	const char *serial;	/* NULL: any */
	gint64 since, until;	/* begins in [since, until); 0: open */
	int complete;		/* -1: either */
} StpSessionFilter;

/*
 * Newest start first (unknown starts last).  cursor 0 begins; *next is 0 at the end.
 * (element-type StpSession)
 */
GPtrArray *stp_store_list_sessions(StpStore *self, const StpSessionFilter *filter, guint limit,
				   guint64 cursor, guint64 *next, GError **error);
/* id as "SERIAL/EPOCH/NUMBER" or "SERIAL/NUMBER" (INVALID_ARGUMENT when several epochs have it). */
StpSession *stp_store_get_session(StpStore *self, const char *id, GError **error);

/*
 * The raw records of a session, in order of parts: (element-type GBytes).  INCOMPLETE when a
 * part is missing, unless partial.
 */
GPtrArray *stp_store_get_session_records(StpStore *self, const StpSession *session,
					 gboolean partial, GError **error);

/* ---- attempts ---- */

typedef struct {
	const char *serial;
	gint64 started, ended;
	const char *stage;	/* the last one reached */
	guint records, damaged, given_up;
	guint64 bytes;
	guint mtu;
	const char *error;	/* "" when it completed */
} StpAttempt;

/* Also sets the pen's last_sync when error is "". */
void stp_store_put_attempt_async(StpStore *self, const StpAttempt *attempt,
				 GCancellable *cancellable, GAsyncReadyCallback callback,
				 gpointer user_data);
gboolean stp_store_put_attempt_finish(StpStore *self, GAsyncResult *result, GError **error);

/* ---- upkeep ---- */

/* Decode every raw record anew and rebuild all that is derived. */
void stp_store_reparse_async(StpStore *self, GCancellable *cancellable,
			     GAsyncReadyCallback callback, gpointer user_data);
gboolean stp_store_reparse_finish(StpStore *self, GAsyncResult *result, GError **error);

/* Wait for the writer to have finished what was asked of it, then close; for a clean end. */
void stp_store_close(StpStore *self);
