/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

#include <stipple/elapsed-time.h>
#include <stipple/ranges.h>
#include <stipple/record.h>

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
 * database file is set aside, never wiped, and reported by stp_store_get_hint().
 */
StpStore *stp_store_open(const char *directory, GError **error);

typedef enum { STP_STORE_OK, STP_STORE_FULL, STP_STORE_FAILED } StpStoreState;

/* Signal: state-changed ().  The state is that of the last write, and of the file as opened. */
StpStoreState stp_store_get_state(StpStore *self);
const char *stp_store_get_hint(StpStore *self);
/* Made once per store, from the system's randomness. */
const guint8 *stp_store_get_collector_id(StpStore *self);	/* STP_COLLECTOR_ID_SIZE bytes */

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
 * Which of oldest..newest are not held: (element-type struct stp_range), ascending.  A record
 * that is held but damaged counts as not held while it has been tried fewer than five times.
 */
GArray *stp_store_get_missing(StpStore *self, const char *serial, guint32 epoch, guint32 oldest,
			      guint32 newest, GError **error);

/* ---- records ---- */

typedef struct {
	const char *serial;	/* of the pen that sent it */
	guint32 epoch, number;	/* as asked for */
	GBytes *raw;
	enum stp_status integrity;	/* as the host engine judged it */
	guint8 listed_type;	/* as LIST said */
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
	gboolean acknowledge;	/* durable, and its checksum holds: the pen may be told */
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
	gint64 since, last;
	guint count;
	gboolean kept;		/* the raw bytes are in the store */
} StpFinding;

void stp_finding_free(StpFinding *finding);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StpFinding, stp_finding_free)

/* Count it if the same kind about the same record is known already. */
void stp_store_put_finding_async(StpStore *self, const StpFinding *finding,
				 GCancellable *cancellable, GAsyncReadyCallback callback,
				 gpointer user_data);
gboolean stp_store_put_finding_finish(StpStore *self, GAsyncResult *result, GError **error);

/* Signal: finding (const StpFinding *), from the main loop, for those of put_record and put_finding. */

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
	guint held, missing, damaged;
	double percent;		/* held of all used; 100 when none was used */
	GArray *holes;		/* (element-type StpHole) */
	GPtrArray *findings;	/* (element-type StpFinding) */
} StpCoverage;

void stp_coverage_free(StpCoverage *coverage);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StpCoverage, stp_coverage_free)

/* serial NULL: of all pens.  (element-type StpCoverage) */
GPtrArray *stp_store_get_coverage(StpStore *self, const char *serial, GError **error);

/* ---- sessions ---- */

typedef enum { STP_TIME_UNKNOWN, STP_TIME_EXTRAPOLATED, STP_TIME_ANCHORED } StpTimeQuality;

typedef struct {
	guint64 row;		/* the store's own number, for paging */
	char *id;		/* "SERIAL/EPOCH/NUMBER" */
	char *serial;
	guint32 epoch, number;
	StpTimeQuality time_quality;
	gint64 start;		/* valid unless the quality is unknown */
	guint32 start_uncertainty_ms;
	guint32 boot_id;
	guint64 start_tick_ms;
	guint64 duration_ms, motor_on_ms, strokes, samples;
	guint parts;		/* held */
	gboolean complete;	/* all parts from the first to the last are held and sound */
	guint period_ms;
	guint set_depth_min_um, set_depth_max_um, set_rate_dhz;	/* STP_ABSENT: unknown */
	guint depth_max_um, depth_p50_um;			/* delivered; STP_ABSENT: unknown */
	guint zones, passes;
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
