/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

#include "store-types.h"

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
 * While it is not OK the store looks for room, or tries the disk, by itself, and goes back to OK.
 * The hint is one or two sentences, "" when there is nothing to say; never NULL.
 */
StpStoreState stp_store_get_state(StpStore *self);
const char *stp_store_get_hint(StpStore *self);
/* Made once per store, from the system's randomness. */
const guint8 *stp_store_get_collector_id(StpStore *self);	/* STP_COLLECTOR_ID_SIZE bytes (stipple/control.h) */

/*
 * The computer's clock, by which the times of sessions are worked out; takes it.  Without one nobody
 * vouches for what g_get_real_time() says, and times are "unconfirmed".
 */
void stp_store_set_clock(StpStore *self, StpHostClock *clock);
void stp_store_read_clock(StpStore *self, StpClockReading *reading);

/* ---- pens ---- */

/* (element-type StpPenRow), enrolled and retired ones, by serial. */
GPtrArray *stp_store_list_pens(StpStore *self, GError **error);
StpPenRow *stp_store_get_pen(StpStore *self, const char *serial, GError **error);
/*
 * Enrol: insert or replace by serial; another pen that was met at its address last has none from then on.  All else
 * that changes a pen never enrols it again.
 */
void stp_store_put_pen_async(StpStore *self, const StpPenRow *row, GCancellable *cancellable,
			     GAsyncReadyCallback callback, gpointer user_data);
gboolean stp_store_put_pen_finish(StpStore *self, GAsyncResult *result, GError **error);
/* What a pen that was met says of itself, and where: not its label, bond and enrolment, which are the clinic's. */
void stp_store_put_identity_async(StpStore *self, const StpPenRow *row, GCancellable *cancellable,
				  GAsyncReadyCallback callback, gpointer user_data);
gboolean stp_store_put_identity_finish(StpStore *self, GAsyncResult *result, GError **error);
/* End its enrolment; all else of it stays, with when and how.  NOT_FOUND: it is not enrolled. */
void stp_store_retire_pen_async(StpStore *self, const char *serial, StpRetiredFlags how,
				GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
gboolean stp_store_retire_pen_finish(StpStore *self, GAsyncResult *result, GError **error);
/* Where a pen was met, the last one first: (element-type StpPenAddress). */
GPtrArray *stp_store_list_addresses(StpStore *self, const char *serial, GError **error);
/* Of the enrolled pen that was met at this address before, and is enrolled at another one now; NULL: none. */
char *stp_store_find_former(StpStore *self, const char *address, GError **error);

/* ---- what a pen says it has ---- */

/*
 * Note that in this epoch the pen has had the numbers 1..newest and still has oldest..newest
 * (oldest > newest: none).  What lies below oldest and is not held was overwritten.  With what its
 * clock showed, NULL if that is not known.  A new epoch never deletes anything.
 *
 * Signal: sessions-timed (const char *const *ids), when sessions that were stored before have got another
 * time by more than a second, or are known in another way: a contact can tell when older ones were.
 */
void stp_store_put_state_async(StpStore *self, const char *serial, guint32 epoch, guint32 oldest,
			       guint32 newest, const StpContact *contact,
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
/* The same, and those again that were tried last before then (wall clock). */
GArray *stp_store_get_missing_again(StpStore *self, const char *serial, guint32 epoch, guint32 oldest,
				    guint32 newest, gint64 again_before, GError **error);

/*
 * Which of oldest..newest are held and sound, so that the pen may be told: (element-type struct
 * stp_range), ascending.
 */
GArray *stp_store_get_held(StpStore *self, const char *serial, guint32 epoch, guint32 oldest,
			   guint32 newest, GError **error);

/*
 * When a pen's own UTC was set last.  By that it can be told later how far it is off.
 */
gboolean stp_store_get_clock_set(StpStore *self, const char *serial, StpClockSet *set, GError **error);
void stp_store_put_clock_set_async(StpStore *self, const char *serial, const StpClockSet *set,
				   GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data);
gboolean stp_store_put_clock_set_finish(StpStore *self, GAsyncResult *result, GError **error);

/* ---- records ---- */

/*
 * Keep a record: raw first, in a transaction of its own with full synchronisation, then look
 * inside.  What cannot be decoded is quarantined with a finding and is no error of this call.
 * The arrival is copied.
 */
void stp_store_put_record_async(StpStore *self, const StpArrival *arrival,
				GCancellable *cancellable, GAsyncReadyCallback callback,
				gpointer user_data);
StpStoredOutcome *stp_store_put_record_finish(StpStore *self, GAsyncResult *result, GError **error);

/* ---- records under way ---- */

/*
 * Keep what came of a record that is not whole yet, for the next link or process; of the eight records of
 * each pen that were written last.  start is 0, and what was kept of this record is replaced; or where what
 * is kept of this very record ends.  No bytes from 0: nothing of it is kept.  Gone by itself when the record
 * is stored, and when a pen's state no longer has it.
 *
 * It survives a power cut like all else, but never counts as held.  It is optional: when it
 * fails, for want of room as well, the state of the store stays what it is.
 */
void stp_store_put_partial_async(StpStore *self, const StpPartial *partial, GCancellable *cancellable,
				 GAsyncReadyCallback callback, gpointer user_data);
gboolean stp_store_put_partial_finish(StpStore *self, GAsyncResult *result, GError **error);

/* Of which records something is kept, by epoch and number; bytes is NULL in each: (element-type StpPartial). */
GPtrArray *stp_store_list_partials(StpStore *self, const char *serial, GError **error);
/* NULL without an error: nothing is kept of this record, or nothing of it is undamaged. */
StpPartial *stp_store_get_partial(StpStore *self, const char *serial, guint32 epoch, guint32 number,
				  GError **error);

/* Those that were put with went_back: (element-type StpListed), by number. */
GArray *stp_store_get_reread(StpStore *self, const char *serial, guint32 epoch, GError **error);
/* How many records of a pen are held, their bytes, and how many sessions they are of. */
gboolean stp_store_get_sizes(StpStore *self, const char *serial, guint64 *records, guint64 *bytes, guint64 *sessions,
			     GError **error);
/* (element-type StpBootStart), by boot id; only power-ups with a contact are known. */
GArray *stp_store_get_boot_starts(StpStore *self, const char *serial, GError **error);

/* The pen's record is another one: keep these bytes as evidence, and nothing more to resume from. */
void stp_store_refute_partial_async(StpStore *self, const StpPartial *partial, GCancellable *cancellable,
				    GAsyncReadyCallback callback, gpointer user_data);
gboolean stp_store_refute_partial_finish(StpStore *self, GAsyncResult *result, GError **error);

/* ---- findings: what was odd ---- */

/*
 * Count it if the same kind about the same record is known already; that also opens it again.
 * The store makes findings by itself of what put_record is given: "crc", "truncated",
 * "identity" (the bytes are another record's), "conflict", "unknown", "range", "malformed",
 * "memory", "part" (two records claim to be the same part of a session), "live" (the motor was seen running, and the
 * whole log of that power-up has no session of the time), "live-mismatch" (its record does not tell what live
 * frames told), "decayed" (the disk
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

/* ---- alerts: what people must be told ---- */

/*
 * Raise an alert: kind is a stable word ("adapter-silent"), subject a pen's serial, an adapter's
 * address or "", text what happened and hint what to do next, a sentence each.  When it is open
 * already it is counted, and takes the new level, text and hint.  Whoever raises an alert ends it
 * when the cause is gone; ending what is not open does nothing.  There is no result to wait for:
 * an alert is known at once, and is on the disk as soon as the store can be written, so that a
 * store in trouble can be told of as well.  A count alone is written now and then.
 */
void stp_store_raise_alert_async(StpStore *self, const char *kind, const char *subject, StpAlertLevel level,
				 const char *text, const char *hint);
void stp_store_end_alert_async(StpStore *self, const char *kind, const char *subject);
/* All that there are about one pen, or adapter. */
void stp_store_end_alerts_about(StpStore *self, const char *subject);
gboolean stp_store_has_alert(StpStore *self, const char *kind, const char *subject);

/* Somebody knows: it stays open, and asks for no more attention.  kind "": all.  NOT_FOUND: none is open. */
gboolean stp_store_acknowledge_alert(StpStore *self, const char *kind, const char *subject, GError **error);

/* (element-type StpAlert), the open ones, worst and oldest first; all: then those that ended, latest first. */
GPtrArray *stp_store_list_alerts(StpStore *self, gboolean all, GError **error);

/* Signal: alert (StpAlert *): raised for the first time, changed, acknowledged or ended; not each count. */

/* ---- coverage ---- */

/* serial NULL: of all pens.  (element-type StpCoverage) */
GPtrArray *stp_store_get_coverage(StpStore *self, const char *serial, GError **error);

/* ---- sessions ---- */

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

/*
 * What its seal can be verified by: every record held from the one before its first to its seal, as far as
 * they are here: (element-type GBytes), by number.  The session is one of stp_store_get_session().
 */
GPtrArray *stp_store_get_session_proof(StpStore *self, const StpSession *session, GError **error);

/* ---- attempts ---- */

/* Also sets the pen's last_sync when error is "". */
void stp_store_put_attempt_async(StpStore *self, const StpAttempt *attempt,
				 GCancellable *cancellable, GAsyncReadyCallback callback,
				 gpointer user_data);
gboolean stp_store_put_attempt_finish(StpStore *self, GAsyncResult *result, GError **error);
/* (element-type StpAttempt), latest first; serial NULL: of all pens. */
GPtrArray *stp_store_list_attempts(StpStore *self, const char *serial, guint limit, GError **error);

/* ---- upkeep ---- */

/* Decode every raw record anew and rebuild all that is derived. */
void stp_store_reparse_async(StpStore *self, GCancellable *cancellable,
			     GAsyncReadyCallback callback, gpointer user_data);
gboolean stp_store_reparse_finish(StpStore *self, GAsyncResult *result, GError **error);

/*
 * Write a copy of the store, as it is at one moment, into an open file, and read it again.  Syncs go
 * on meanwhile.  Takes the descriptor; it must be readable, writable and seekable.
 */
void stp_store_back_up_async(StpStore *self, int fd, GCancellable *cancellable, GAsyncReadyCallback callback,
			     gpointer user_data);
gboolean stp_store_back_up_finish(StpStore *self, GAsyncResult *result, guint64 *bytes, guint64 *records,
				  GError **error);

/* Look through all of it, without being in anybody's way.  Damage is no error of this call, but an alert. */
void stp_store_check_async(StpStore *self, GCancellable *cancellable, GAsyncReadyCallback callback,
			   gpointer user_data);
StpCheck *stp_store_check_finish(StpStore *self, GAsyncResult *result, GError **error);

/*
 * Put a backup in the place of the store in a directory that no process has open.  The backup is read
 * through first; the store that was there is kept beside it, and named in *kept (nullable, to be freed).
 */
gboolean stp_store_restore(const char *directory, const char *backup, char **kept, GError **error);

/* Wait for the writer to have finished what was asked of it, then close; for a clean end. */
void stp_store_close(StpStore *self);

/* ---- for tests ---- */

/*
 * Below that many bytes free on its disk the store counts as full, or below a sixteenth of a small
 * disk; below four times as much, which is 64 MiB, there is an alert.
 */
#define STP_STORE_RESERVE (16u * 1024u * 1024u)
#define STP_STORE_WARNING 4u
void stp_store_set_reserve(StpStore *self, guint64 bytes);
/* How often a full store looks for room, in milliseconds. */
void stp_store_set_patience(StpStore *self, guint interval_ms);
/*
 * From now on do what is asked for at once, in the caller's thread, and answer so much later by
 * core/clock.h: a run that began with the same seed then takes the same course.
 */
void stp_store_set_lockstep(StpStore *self, guint reply_ms);
