/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "pen-keeper.h"
#include "radio-alert.h"
#include "sync-turns.h"
#include "twin-alerts.h"

/*
 * The collector from inside, for the files it is made of and no others: collector.c shares out the links,
 * collector-enrolment.c adds pens, retires them and runs errands.  To be included after collector.h.
 */

struct _StpCollector {
	GObject parent;

	StpRadio *radio;
	StpStore *store;
	GHashTable *keepers;	/* serial -> StpPenKeeper */
	StpSyncTurns *turns;
	StpRadioAlert *radio_alert;
	StpTwinAlerts *twins;
	gboolean enrolling;
	char *enrols;		/* what is being enrolled, as a person called it; NULL: nothing is */
	GPtrArray *held;	/* (element-type StpPenKeeper), of pens that this may mean: they begin no sync meanwhile */
	GHashTable *bonds_made;	/* see stp_enrol_async() */
	GHashTable *errands;	/* serial -> GCancellable, of those that somebody retires or asks something of */
	GTask *stopping;
	gboolean stopped;	/* or about to be */
};

/* Takes the row. */
StpPenKeeper *stp_collector_add_pen(StpCollector *self, StpPenRow *row);
/* NULL with error set: not enrolled. */
StpPenKeeper *stp_collector_require_keeper(StpCollector *self, const char *serial, GError **error);
/* One that is no keeper's, taken with stp_sync_turns_take(). */
void stp_collector_link_is_free(StpCollector *self);
/* A pen was heard that may be the one that is being enrolled. */
void stp_collector_hold_for_enrolment(StpCollector *self, StpPenKeeper *keeper, const StpSighting *sighting);
/* After a pen came or went: whether there is any to look for. */
void stp_collector_update_watch(StpCollector *self);
