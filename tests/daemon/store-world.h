/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "session-generator.h"
#include "session-store.h"

/*
 * A store in a directory of its own, asked synchronously, and pens' records to put into it.
 * What is not expected to fail fails the test.
 */

typedef struct {
	char *directory;
	StpStore *store;	/* NULL while closed */
	guint findings, changes;	/* how often the signals came */
	char *last_finding;	/* kind */
} World;

void world_open(World *world);
/* Close and open it again. */
void world_reopen(World *world);
void world_close(World *world);
/* Close it and remove the directory. */
void world_end(World *world);
/* A new, empty directory. */
char *world_directory(void);
/* Remove a directory and everything in it. */
void world_remove(const char *directory);

/* What a record is to say; what is 0 gets a likely value. */
typedef struct {
	const char *serial;		/* "P1" */
	guint32 epoch;			/* 7 */
	guint32 number;			/* 1 */
	guint32 boot_id;		/* 1 */
	guint64 start_tick_ms;		/* number * 3,600,000 */
	guint32 session;		/* number */
	guint16 part;
	gboolean not_last;
	guint samples;			/* 300 */
	guint64 seed;			/* number */
	guint8 type;			/* a session */
	guint16 schema;			/* 1 */
	gboolean impossible;		/* a depth no pen can reach, in a sound record */
	gint64 utc_ms;			/* an event: what the pen took for UTC; 0: it does not say */
	guint32 utc_uncertainty_ms;
	const char *zone;		/* NULL: not known where it came */
	gboolean miscounted;		/* says it has more samples than it has */
} RecordPlan;

GBytes *world_record(const RecordPlan *plan);
/* The samples such a record holds. */
struct stp_sample *world_samples(const RecordPlan *plan, struct session_facts *facts);
/* The same bytes with one bit flipped in the middle, or without their end. */
GBytes *world_flip(GBytes *raw);
GBytes *world_cut(GBytes *raw, gsize left);
/* The record with its checksum made anew. */
GBytes *world_seal(GBytes *raw);

StpArrival world_arrival(const RecordPlan *plan, GBytes *raw);
/* NULL and *error when it fails. */
StpStoredOutcome *world_try(World *world, const StpArrival *arrival, GError **error);
StpStoredOutcome *world_put(World *world, const StpArrival *arrival);
/* Make it and put it. */
StpStoredOutcome *world_add(World *world, const RecordPlan *plan);

gboolean world_try_state(World *world, const char *serial, guint32 epoch, guint32 oldest, guint32 newest,
			 const struct stp_time_anchor *anchor, GError **error);
void world_put_state(World *world, const char *serial, guint32 epoch, guint32 oldest, guint32 newest,
		     const struct stp_time_anchor *anchor);
/* The same with a computer's clock that may be wrong; above, it is known to be right. */
gboolean world_try_contact(World *world, const char *serial, guint32 epoch, guint32 oldest, guint32 newest,
			   const StpContact *contact, GError **error);
void world_meet(World *world, const char *serial, guint32 epoch, const StpContact *contact);
void world_put_pen(World *world, const StpPenRow *row);
void world_put_finding(World *world, const StpFinding *finding);
void world_put_attempt(World *world, const StpAttempt *attempt);
void world_reparse(World *world);
void world_spin_until(World *world, gboolean (*done)(World *world));

StpSession *world_session(World *world, const char *id);
/* Of the one epoch of one pen. */
StpCoverage *world_coverage(World *world, const char *serial);
/* NULL when there is none of that kind. */
const StpFinding *world_find(const StpCoverage *coverage, guint32 record, const char *kind);
/* Change the database behind the store's back. */
void world_sql(World *world, const char *format, ...) G_GNUC_PRINTF(2, 3);
gboolean world_try_sql(World *world, const char *sql);
char *world_sql_text(World *world, const char *sql);
gint64 world_sql_int(World *world, const char *sql);
