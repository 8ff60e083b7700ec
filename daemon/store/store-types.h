/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

#include <stipple/elapsed-time.h>
#include <stipple/ranges.h>
#include <stipple/record.h>
#include <stipple/telemetry.h>

#include "host-clock.h"

/*
 * What the store takes and gives, as plain structures; session-store.h has the calls.  Times
 * are microseconds since 1970 UTC unless named otherwise; 0 is "never".
 */

/*
 * How the bond with a pen was made, as far as this daemon saw it; BlueZ does not tell.  The numbers are
 * the store's.
 */
typedef enum {
	STP_PEN_BOND_UNKNOWN = 0,	/* none, or made by another program or for another store */
	STP_PEN_BOND_AUTHENTICATED = 1,	/* with a code that a person read off the pen */
	STP_PEN_BOND_ALLOWED = 2,	/* without one, which a person allowed: its records are marked */
} StpPenBond;

/* What was done when a pen was retired, beside ending its enrolment. */
typedef enum {
	STP_RETIRED_FORCED = 1 << 0,	/* although it held, or may have held, records that are not here */
	STP_RETIRED_ERASED = 1 << 1,	/* the pen's log was erased */
	STP_RETIRED_SLOT = 1 << 2,	/* the pen's slot of this collector was freed */
	STP_RETIRED_BOND = 1 << 3,	/* this host's key was removed */
	STP_RETIRED_UNSYNCED = 1 << 4,	/* it had never been synced to the end */
	STP_RETIRED_NEWS = 1 << 5,	/* it told of news since its last sync */
} StpRetiredFlags;

/* No pen has room for so many records at once: one that says so has lost its count. */
#define STP_LOG_SPAN_MAX 65536

typedef struct {
	char *serial;
	char *maker, *model, *firmware, *hardware, *label;	/* "" when unknown */
	char *address;
	guint8 battery;		/* percent, 255 unknown */
	gboolean enrolled;	/* FALSE: retired; its records stay */
	gint64 enrolled_at, last_seen, last_sync;
	StpPenBond bond;
	gint64 retired_at;	/* kept by the store: the last time; 0: never */
	StpRetiredFlags retired_how;	/* kept by the store */
	guint retired_missing;	/* kept by the store: records it was known to have then that were not here */
	guint64 log_capacity;	/* kept by the store, from attempts: bytes; 0: not known */
	gint64 firmware_since;	/* kept by the store: met first with this one after another one; 0: never */
	/* kept by the store, ignored by put */
	guint sessions;
	double coverage;	/* percent over all epochs, 100 when nothing is known to exist */
} StpPenRow;

void stp_pen_row_free(StpPenRow *row);

/* An address at which a pen was met; only its serial number says who it is. */
typedef struct {
	char *address;
	char *adapter;		/* "" when that is not known */
	gint64 first_seen, last_seen;
} StpPenAddress;

void stp_pen_address_free(StpPenAddress *address);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StpPenAddress, stp_pen_address_free)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StpPenRow, stp_pen_row_free)

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
	gboolean went_back;	/* the log's numbers did: note that this one was read since */
	guint32 listed_crc32c;	/* with went_back: as LIST said */
	gint64 received_at;
	const char *zone;	/* where we are, by the time zone database; NULL: unknown */
} StpArrival;

/* A pair of a pen's time and ours, and how far ours was to be believed. */
typedef struct {
	struct stp_time_anchor anchor;
	StpClockReading host;	/* when the pen's answer was there; the anchor's UTC comes from it */
	gboolean running;	/* the pen's motor */
} StpContact;

/* When a pen's own UTC was set last, by its tick and our clock. */
typedef struct {
	struct stp_time_anchor at;	/* boot_id 0: never, as far as is known */
	gboolean refused;		/* that was tried, and the pen would not have it */
} StpClockSet;

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

/* What came of a record whose rest is still in the pen, without a gap. */
typedef struct {
	char *serial;
	guint32 epoch, number;
	guint32 length, crc32c;	/* of the whole record, as LIST named them */
	gsize start;		/* put: where in the record the bytes begin; get: 0 */
	GBytes *bytes;
} StpPartial;

/* A record as LIST named it. */
typedef struct {
	guint32 number, length, crc32c;
} StpListed;

/* When a pen was switched on, by its contacts. */
typedef struct {
	guint32 boot_id;
	gint64 start;
} StpBootStart;

void stp_partial_free(StpPartial *partial);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StpPartial, stp_partial_free)

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

typedef struct {
	struct stp_range range;
	char cause[16];		/* "not-fetched", "corrupt", "overwritten", "never-written" */
} StpHole;

/*
 * Whether each record names the one before it, as a pen that chains them must: what is here was then not altered
 * or moved, and nothing was taken out, by anybody who did not write all that came later anew.  Only a seal,
 * verified with the pen's key, rules that out as well: proto/WIRE.md, "Chain and seals".
 */
typedef enum {
	STP_CHAIN_NOT_KNOWN,	/* the pen does not chain, or its records were not looked into */
	STP_CHAIN_WHOLE,	/* from the first record of the log to the last one here */
	STP_CHAIN_WITH_GAPS,	/* what is here fits; records before or between are not here */
	STP_CHAIN_BREAKS,	/* a record does not name the one before it */
} StpChainState;

/* "unknown", "whole", "gaps", "broken" */
const char *stp_chain_state_name(StpChainState state);

/*
 * What is known of the seal behind a session.  Nothing here knows the pen's key, so that no signature is verified:
 * see proto/WIRE.md, "What a verifier does".  The numbers are never stored.
 */
typedef enum {
	STP_SESSION_NOT_LOOKED_AT,	/* of those that were listed */
	STP_SESSION_UNSEALED,		/* no seal of it is here: the pen writes none, power ended it, or it was not fetched */
	STP_SESSION_SEALED,		/* one is here and says what the records say; its signature is not verified */
	STP_SESSION_SEAL_UNREADABLE,	/* one is here that cannot be read, or held against these records for want of some */
	STP_SESSION_SEAL_BROKEN,	/* one is here and does not fit these records */
} StpSealState;

/* "not-looked-at", "none", "sealed", "unknown", "broken" */
const char *stp_seal_state_name(StpSealState state);

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
	StpChainState chain;
	guint32 chain_breaks_at;	/* the first record that does not name the one before it */
} StpCoverage;

void stp_coverage_free(StpCoverage *coverage);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StpCoverage, stp_coverage_free)

/*
 * How a session's time is known.  All but "unconfirmed" promise that the truth lies within the stated
 * uncertainty.  The numbers are in stores; they never change.
 */
typedef enum {
	STP_TIME_UNKNOWN = 0,
	STP_TIME_EXTRAPOLATED = 1,	/* by what the pen itself took for UTC in that power-up */
	STP_TIME_ANCHORED = 2,		/* by contacts in the same power-up, with this computer's clock known to be right */
	STP_TIME_BOUNDED = 3,		/* no contact in that power-up: between what is known before and after it */
	STP_TIME_UNCONFIRMED = 4,	/* by a clock that nobody vouched for: the uncertainty is that of the reading */
} StpTimeQuality;

typedef struct {
	guint64 row;		/* the store's own number, for paging */
	char *id;		/* "SERIAL/EPOCH/NUMBER", EPOCH in 8 hexadecimal digits */
	char *serial;
	guint32 epoch, number;	/* the pen's own number of the session, stable whatever part comes first */
	StpTimeQuality time_quality;
	gint64 start;		/* of the earliest part held; valid unless the quality is unknown */
	guint32 start_uncertainty_ms;
	char *zone;		/* where its first part was received, by the time zone database; "": unknown */
	gboolean has_offset;
	int offset_min;		/* from UTC, there and at its start */
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
	/* Of one that was asked for alone: */
	StpSealState seal;
	guint32 seal_record;	/* 0: none */
	StpChainState chain;	/* from the record before it to its seal, or to the one behind it */
} StpSession;

void stp_session_free(StpSession *session);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StpSession, stp_session_free)

typedef struct {
	const char *serial;	/* NULL: any */
	gint64 since, until;	/* begins in [since, until); 0: open */
	int complete;		/* -1: either */
} StpSessionFilter;

/*
 * What live frames told of the session under way, to be held against its record; the frames themselves are
 * not kept.
 */
typedef struct {
	guint32 epoch, boot_id;
	guint64 first_tick_ms, last_tick_ms;	/* of the frames whose motor ran */
	guint64 stopped_tick_ms;	/* of the first one after them whose motor did not; 0: none came */
	guint64 strokes;	/* in the last of them; counted on from the first one's 16 bits, so at least so many */
	guint frames, lost;	/* frames 0: nothing was heard */
} StpLiveTally;

/* Of how many sessions one contact tells: the motor may be switched on again while somebody listens. */
#define STP_LIVE_TALLIES 4

typedef struct {
	const char *serial;
	gint64 started, ended;
	/* The last one reached; "done", or when it ended in order without being complete, "yielded" or "chosen". */
	const char *stage;
	guint records, damaged, given_up;
	guint64 bytes;
	guint mtu;
	const char *error;	/* "" when it completed */
	/* Of its link; all 0 and "" when not known. */
	const char *notify;	/* by which way data came: "descriptor", "signals" */
	guint switches;		/* to another way, or another descriptor */
	gboolean has_rssi;
	int rssi;		/* dBm, as last heard before connecting */
	guint connect_tries, connect_ms;
	guint refreshes;	/* connected anew because BlueZ' cache of its services was stale */
	guint64 data_ms;	/* from the first request for data to the last of them */
	const char *link_end;	/* a word: "local", "timeout", "lost", ... */
	const char *link_end_text;	/* what BlueZ said of that */
	const char *trouble;	/* the class of the error, a word: "link", "auth", ...; "" none, or not known */
	guint64 capacity;	/* put only: of the pen's log, bytes; 0: it did not tell */
	StpLiveTally lives[STP_LIVE_TALLIES];	/* put only */
} StpAttempt;

/* Of those that were listed. */
void stp_attempt_free(StpAttempt *attempt);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StpAttempt, stp_attempt_free)

/* Notice: nothing is wrong yet.  Warning: somebody has to do something.  Critical: now. */
typedef enum { STP_ALERT_NOTICE, STP_ALERT_WARNING, STP_ALERT_CRITICAL } StpAlertLevel;

/* "notice", "warning", "critical" */
const char *stp_alert_level_name(StpAlertLevel level);

/* Something people must be told that is not about one record. */
typedef struct {
	char *kind;		/* "store-full", "adapter-silent", ...: a stable word */
	char *subject;		/* a pen's serial, an adapter's address, or "" */
	StpAlertLevel level;
	char *text, *hint;	/* what happened; what to do next */
	gint64 since, last;
	guint count;		/* how often it was raised since */
	gint64 ended;		/* 0: open */
	gint64 acknowledged;	/* 0: nobody has said yet that they know */
} StpAlert;

StpAlert *stp_alert_copy(const StpAlert *alert);
void stp_alert_free(StpAlert *alert);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StpAlert, stp_alert_free)

/* A record that is not as it was. */
typedef struct {
	char *serial;
	guint32 epoch, record;
	const char *what;	/* "missing", "checksum", "hash", "name": its bytes; "derived": what was made of them */
} StpDamage;

typedef struct {
	guint64 records;	/* looked at */
	GPtrArray *damaged;	/* (element-type StpDamage) */
	guint derived;		/* of those, where only what is derived is wrong; or the ranges are */
	char **structure;	/* faults of the file, a line each */
} StpCheck;

void stp_check_free(StpCheck *check);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StpCheck, stp_check_free)
