/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

#include <stipple/control.h>

#include "sim-pen.h"

/*
 * What a simulated pen does wrong, on purpose: faults in its flash, and faults on its link.
 * Each does one thing, exactly, and nothing else.
 */

typedef enum {
	SIM_FAULT_FLIP,         /* one bit of the stored record; LIST keeps the right checksum */
	SIM_FAULT_TRUNCATE,     /* the record is cut to half; LIST tells the length it has left */
	SIM_FAULT_BAD_DEPTH,    /* a depth above 5000 um in a last, added block; checksums hold */
	SIM_FAULT_UNKNOWN_TYPE, /* the record says it is of type 99; checksums hold */
} SimRecordFault;

#define SIM_UNKNOWN_TYPE 99

/* A byte count at which a fault strikes; 0: never. */
typedef struct {
	guint64 bytes;   /* of Log Data values, within one connection */
	gboolean always; /* in every connection, not only in the first that gets there */
	gboolean struck;
} SimThreshold;

/* Answers by operation, as they were sent in one connection. */
#define SIM_OPS 32
typedef struct {
	guint8 size[SIM_OPS], bytes[SIM_OPS][STP_CONTROL_SIZE_MAX];
} SimAnswers;

typedef struct {
	SimThreshold drop;     /* end the link */
	SimThreshold announce; /* only tell the listener, so that a test can do something then */
	SimThreshold stall;    /* send nothing more, keep the link */
	guint lose_every;      /* every so many values of Log Data one is not sent; 0: none */
	guint lose_live;       /* every so many live frames one is not sent; 0: none */
	guint answer_delay_ms; /* before the first answer of each connection */
	guint data_every_ms;   /* no more than one value of Log Data in so long; 0: as fast as the link takes them */
	guint drop_after_answer; /* end each connection right behind so many answers; 0: never */
	gboolean stray_answer; /* after the first answer of each connection, one nobody asked for */
	gboolean late_answers; /* before the first answer to each operation, the last one of the connection before */
	SimAnswers sent, late; /* for that */
	gboolean no_live;      /* the Live characteristic is not there, whatever the features say; over a descriptor only */
	gboolean no_clock;     /* not a pen's with a UTC of its own: setting it is refused; over a descriptor only */
} SimLinkFaults;

typedef struct {
	GArray *records;       /* (element-type SimRecordOrder) */
	GHashTable *links;     /* pen from 1 -> SimLinkFaults */
	guint answer_delay_ms; /* of all pens */
} SimFaults;

typedef struct {
	guint pen; /* from 1 */
	guint32 record;
	SimRecordFault fault;
	gboolean done;
} SimRecordOrder;

SimFaults *sim_faults_new(void);
void sim_faults_free(SimFaults *faults);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SimFaults, sim_faults_free)

/* What of the command line is a fault: name without dashes, value as given. */
gboolean sim_faults_parse(SimFaults *faults, const char *name, const char *value, GError **error);
/* The highest pen any fault names, 0: none. */
guint sim_faults_highest_pen(const SimFaults *faults);

/* The link faults of a pen, counted from 1; they live as long as faults. */
SimLinkFaults *sim_faults_link(SimFaults *faults, guint pen);

/*
 * Commit those faults of the pen's flash that were not committed yet and whose record is there.
 * The pen tells its listener of each.
 */
gboolean sim_faults_strike(SimFaults *faults, guint pen, SimPen *target, GError **error);
/* Whether faults of that pen still wait for their record. */
gboolean sim_faults_waiting(const SimFaults *faults, guint pen);

/* One fault in one record. */
gboolean sim_fault_commit(SimRecordFault fault, SimRecord *record, GError **error);
