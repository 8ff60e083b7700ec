/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

#include "database.h"
#include "record-digester.h"
#include "store-salvage.h"
#include "store-times.h"
#include "store-types.h"

/*
 * What the writer is asked to do, with copies of all it needs.  A job is made by the main
 * thread, run once by the writer's, and read and freed by the main thread.
 */

typedef struct StpJob StpJob;

struct StpJob {
	gboolean (*work)(StpJob *self, StpDatabase *db, GCancellable *cancellable, GError **error);
	union {
		StpPenRow *pen;
		struct {
			char *serial;
			guint32 epoch, oldest, newest;
			gboolean met;	/* contact is valid */
			StpContact contact;
		} state;
		StpArrival arrival;	/* owns serial, raw and zone */
		StpPartial *partial;
		StpFinding *finding;
		StpAttempt attempt;	/* owns its strings */
		StpAlert *alert;
		struct {
			char *serial;
			StpClockSet set;
		} clock;
		StpSalvage salvage;	/* a result */
	} u;
	void (*clear)(StpJob *self);
	gboolean optional;		/* when it fails the store is none the worse */
	gboolean small;			/* may take of what is reserved on the disk */
	StpDigester *digester;		/* the worker's; set before the job is run */

	/* Results. */
	GPtrArray *made;		/* (element-type StpFinding) */
	StpTimeNews news;
	StpStoredOutcome *outcome;
	GError *trouble;		/* it worked, but something could not be derived for now */
};

StpJob *stp_job_put_pen(const StpPenRow *row);
StpJob *stp_job_put_identity(const StpPenRow *row);
StpJob *stp_job_retire_pen(const char *serial, StpRetiredFlags how);
StpJob *stp_job_put_state(const char *serial, guint32 epoch, guint32 oldest, guint32 newest,
			  const StpContact *contact);
StpJob *stp_job_put_record(const StpArrival *arrival);
StpJob *stp_job_put_partial(const StpPartial *partial);
StpJob *stp_job_refute_partial(const StpPartial *partial);
StpJob *stp_job_put_finding(const StpFinding *finding);
StpJob *stp_job_put_attempt(const StpAttempt *attempt);
StpJob *stp_job_put_alert(const StpAlert *alert);
StpJob *stp_job_put_clock_set(const char *serial, const StpClockSet *set);
StpJob *stp_job_reparse(void);
StpJob *stp_job_salvage(void);
/* Write something, to see whether that can be done. */
StpJob *stp_job_probe(void);
void stp_job_free(StpJob *self);
