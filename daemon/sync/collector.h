/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

#include "enrolled-pen.h"
#include "enrolment.h"
#include "pen-removal.h"
#include "radio.h"
#include "session-store.h"

/*
 * The collector: which pens are ours, and which is next.  Knows the radio and the store;
 * each enrolled pen has a keeper that syncs it.
 *
 * Signals:
 *   pen-added (StpEnrolledPen *pen)
 *   pen-removed (const char *serial)
 *   session-stored (const char *id)
 */

#define STP_TYPE_COLLECTOR (stp_collector_get_type())
G_DECLARE_FINAL_TYPE(StpCollector, stp_collector, STP, COLLECTOR, GObject)

/* Loads the enrolled pens.  The radio is not started. */
StpCollector *stp_collector_new(StpRadio *radio, StpStore *store, GError **error);

StpRadio *stp_collector_get_radio(StpCollector *self);
StpStore *stp_collector_get_store(StpCollector *self);

/* How long the radio may be down before there is an alert; STP_SYNC_RADIO_DOWN_S unless told otherwise. */
void stp_collector_set_radio_patience(StpCollector *self, guint seconds);

/* (element-type StpEnrolledPen), the caller's. */
GPtrArray *stp_collector_get_pens(StpCollector *self);
/* NULL: not enrolled. */
StpEnrolledPen *stp_collector_find_pen(StpCollector *self, const char *serial);
/* The enrolled pen last seen at an address; NULL: none. */
StpEnrolledPen *stp_collector_find_address(StpCollector *self, const char *address);

/* See enrolment.h.  One at a time, and not while a pen is retired: BUSY. */
void stp_collector_enrol_async(StpCollector *self, const StpEnrolOptions *options, StpPairingAsk ask,
			       gpointer ask_data, GCancellable *cancellable, GAsyncReadyCallback callback,
			       gpointer user_data);
/* The collector's own. */
StpEnrolledPen *stp_collector_enrol_finish(StpCollector *self, GAsyncResult *result,
					   GError **error);

/*
 * Errands.  cancellable (nullable): of the caller's own, also cancelled when the collector stops; what is asked at the
 * pen's button is given up then.
 */
/* See pen-removal.h.  BUSY while a pen is enrolled, or somebody else is at this one. */
void stp_collector_remove_async(StpCollector *self, const char *serial, const StpRemoval *removal,
				StpErrandConfirm confirm, gpointer confirm_data, GCancellable *cancellable,
				GAsyncReadyCallback callback, gpointer user_data);
gboolean stp_collector_remove_finish(StpCollector *self, GAsyncResult *result, StpRetiredFlags *how,
				     GError **error);

/* LIST_SLOTS or DROP_SLOT, see pen-errand.h, after the sync under way: (element-type StpPenSlot). */
void stp_collector_slots_async(StpCollector *self, const char *serial, const struct stp_errand_config *config,
			       StpErrandConfirm confirm, gpointer confirm_data, GCancellable *cancellable,
			       GAsyncReadyCallback callback, gpointer user_data);
GArray *stp_collector_slots_finish(StpCollector *self, GAsyncResult *result, GError **error);

/* See stp_pen_keeper_sync_async(). */
void stp_collector_sync_async(StpCollector *self, const char *serial, guint away_timeout_s,
			      GAsyncReadyCallback callback, gpointer user_data);
/* The same, of what was chosen alone. */
void stp_collector_sync_chosen_async(StpCollector *self, const char *serial, const StpSyncChoice *choice,
				     guint away_timeout_s, GAsyncReadyCallback callback, gpointer user_data);
gboolean stp_collector_sync_finish(StpCollector *self, GAsyncResult *result, StpSyncResult *outcome,
				   GError **error);
void stp_collector_cancel(StpCollector *self, const char *serial);

/*
 * Stop all syncs in order: what arrived is kept.  Calls back when all is quiet.
 */
void stp_collector_stop_async(StpCollector *self, GAsyncReadyCallback callback, gpointer user_data);
gboolean stp_collector_stop_finish(StpCollector *self, GAsyncResult *result, GError **error);
