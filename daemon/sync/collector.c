/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "collector.h"
#include "collector-parts.h"

#include "adapter-alerts.h"
#include "error.h"
#include "log.h"
#include "pen-keeper.h"
#include "sync-turns.h"

G_DEFINE_FINAL_TYPE(StpCollector, stp_collector, G_TYPE_OBJECT)

enum { PEN_ADDED, PEN_REMOVED, SESSION_STORED, SIGNAL_COUNT };
static guint signals[SIGNAL_COUNT];

/* ---- lifecycle ---- */

static void
stp_collector_init(StpCollector *self)
{
	self->keepers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_object_unref);
	self->bonds_made = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	self->errands = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_object_unref);
	self->held = g_ptr_array_new_with_free_func(g_object_unref);
}

static void
stp_collector_dispose(GObject *object)
{
	StpCollector *self = STP_COLLECTOR(object);

	if (self->radio != NULL)
		g_signal_handlers_disconnect_by_data(self->radio, self);
	g_clear_pointer(&self->radio_alert, stp_radio_alert_free);
	g_clear_pointer(&self->twins, stp_twin_alerts_free);
	g_clear_pointer(&self->turns, stp_sync_turns_free);
	g_clear_pointer(&self->keepers, g_hash_table_unref);
	g_clear_pointer(&self->errands, g_hash_table_unref);
	g_clear_pointer(&self->bonds_made, g_hash_table_unref);
	g_clear_pointer(&self->held, g_ptr_array_unref);
	g_clear_pointer(&self->enrols, g_free);
	g_clear_object(&self->radio);
	g_clear_object(&self->store);
	G_OBJECT_CLASS(stp_collector_parent_class)->dispose(object);
}

static void
stp_collector_class_init(StpCollectorClass *class)
{
	G_OBJECT_CLASS(class)->dispose = stp_collector_dispose;

	signals[PEN_ADDED] = g_signal_new("pen-added", STP_TYPE_COLLECTOR, G_SIGNAL_RUN_LAST, 0,
					  NULL, NULL, NULL, G_TYPE_NONE, 1, STP_TYPE_ENROLLED_PEN);
	signals[PEN_REMOVED] = g_signal_new("pen-removed", STP_TYPE_COLLECTOR, G_SIGNAL_RUN_LAST, 0,
					    NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
	signals[SESSION_STORED] = g_signal_new("session-stored", STP_TYPE_COLLECTOR,
					       G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
					       1, G_TYPE_STRING);
}

StpRadio *
stp_collector_get_radio(StpCollector *self)
{
	return self->radio;
}

StpStore *
stp_collector_get_store(StpCollector *self)
{
	return self->store;
}

/* ---- links, shared out ---- */

static void
stop_if_quiet(StpCollector *self)
{
	g_autoptr(GTask) task = NULL;

	if (self->stopping == NULL || stp_sync_turns_running(self->turns) > 0)
		return;
	task = g_steal_pointer(&self->stopping);
	g_task_return_boolean(task, TRUE);
}

static void
on_room_changed(StpRadio *radio, StpCollector *self)
{
	stp_sync_turns_share_out(self->turns);
}

static void
on_state_changed(StpRadio *radio, StpCollector *self)
{
	GHashTableIter iter;
	gpointer keeper;

	if (stp_radio_get_state(radio) != STP_RADIO_SCANNING || self->stopping != NULL)
		return;
	g_hash_table_iter_init(&iter, self->keepers);
	while (g_hash_table_iter_next(&iter, NULL, &keeper))
		stp_pen_keeper_radio_is_back(keeper);
	stp_sync_turns_share_out(self->turns);
}

static void
on_wants_link(StpPenKeeper *keeper, StpCollector *self)
{
	stp_sync_turns_want(self->turns, keeper);
}

static void
free_link(StpCollector *self, StpPenKeeper *keeper)
{
	stp_sync_turns_finished(self->turns, keeper);
	stop_if_quiet(self);
	stp_sync_turns_share_out(self->turns);
}

void
stp_collector_link_is_free(StpCollector *self)
{
	free_link(self, NULL);
}

static void
on_finished(StpPenKeeper *keeper, StpCollector *self)
{
	free_link(self, keeper);
}

/* ---- pens ---- */

static void
on_session_stored(StpPenKeeper *keeper, const char *id, StpCollector *self)
{
	g_signal_emit(self, signals[SESSION_STORED], 0, id);
}

void
stp_collector_update_watch(StpCollector *self)
{
	const gboolean any = g_hash_table_size(self->keepers) > 0;

	stp_radio_watch(self->radio, any);
	stp_radio_alert_expect(self->radio_alert, any);
}

StpPenKeeper *
stp_collector_add_pen(StpCollector *self, StpPenRow *row)
{
	g_autoptr(StpEnrolledPen) pen = stp_enrolled_pen_new(row);
	StpPenKeeper *keeper = stp_pen_keeper_new(pen, self->radio, self->store);

	g_signal_connect_object(keeper, "wants-link", G_CALLBACK(on_wants_link), self, 0);
	g_signal_connect_object(keeper, "finished", G_CALLBACK(on_finished), self, 0);
	g_signal_connect_object(keeper, "session-stored", G_CALLBACK(on_session_stored), self, 0);
	g_hash_table_insert(self->keepers, g_strdup(row->serial), keeper);
	stp_collector_update_watch(self);
	g_signal_emit(self, signals[PEN_ADDED], 0, pen);
	return keeper;
}

static StpPenKeeper *
find_keeper(StpCollector *self, const char *address)
{
	GHashTableIter iter;
	gpointer keeper;

	g_hash_table_iter_init(&iter, self->keepers);
	while (g_hash_table_iter_next(&iter, NULL, &keeper)) {
		StpEnrolledPen *pen = stp_pen_keeper_get_pen(keeper);

		if (g_ascii_strcasecmp(stp_enrolled_pen_get_row(pen)->address, address) == 0)
			return keeper;
	}
	return NULL;
}

static void
on_sighting(StpRadio *radio, const StpSighting *sighting, StpCollector *self)
{
	StpPenKeeper *keeper = find_keeper(self, sighting->address);

	if (self->stopping != NULL)
		return;
	if (keeper == NULL) {
		stp_twin_alerts_heard(self->twins, sighting);
		return;
	}
	if (self->enrolling)
		stp_collector_hold_for_enrolment(self, keeper, sighting);
	stp_pen_keeper_heard(keeper, sighting);
}

StpCollector *
stp_collector_new(StpRadio *radio, StpStore *store, GError **error)
{
	g_autoptr(StpCollector) self = g_object_new(STP_TYPE_COLLECTOR, NULL);
	g_autoptr(GPtrArray) rows = stp_store_list_pens(store, error);

	if (rows == NULL)
		return NULL;

	self->radio = g_object_ref(radio);
	self->turns = stp_sync_turns_new(radio);
	self->store = g_object_ref(store);
	self->radio_alert = stp_radio_alert_new(radio, store);
	self->twins = stp_twin_alerts_new(store);
	g_ptr_array_set_free_func(rows, NULL);
	for (guint i = 0; i < rows->len; i++) {
		StpPenRow *row = g_ptr_array_index(rows, i);

		if (row->enrolled)
			stp_collector_add_pen(self, row);
		else
			stp_pen_row_free(row);
	}
	stp_collector_update_watch(self);
	g_signal_connect(radio, "sighting", G_CALLBACK(on_sighting), self);
	g_signal_connect(radio, "room-changed", G_CALLBACK(on_room_changed), self);
	g_signal_connect(radio, "state-changed", G_CALLBACK(on_state_changed), self);
	stp_adapter_alerts_begin(radio, store);
	return g_steal_pointer(&self);
}

void
stp_collector_set_radio_patience(StpCollector *self, guint seconds)
{
	stp_radio_alert_set_patience(self->radio_alert, seconds);
}

GPtrArray *
stp_collector_get_pens(StpCollector *self)
{
	GPtrArray *pens = g_ptr_array_new_with_free_func(g_object_unref);
	GHashTableIter iter;
	gpointer keeper;

	g_hash_table_iter_init(&iter, self->keepers);
	while (g_hash_table_iter_next(&iter, NULL, &keeper))
		g_ptr_array_add(pens, g_object_ref(stp_pen_keeper_get_pen(keeper)));
	return pens;
}

StpEnrolledPen *
stp_collector_find_pen(StpCollector *self, const char *serial)
{
	StpPenKeeper *keeper = g_hash_table_lookup(self->keepers, serial);

	return keeper != NULL ? stp_pen_keeper_get_pen(keeper) : NULL;
}

StpEnrolledPen *
stp_collector_find_address(StpCollector *self, const char *address)
{
	StpPenKeeper *keeper = find_keeper(self, address);

	return keeper != NULL ? stp_pen_keeper_get_pen(keeper) : NULL;
}

StpPenKeeper *
stp_collector_require_keeper(StpCollector *self, const char *serial, GError **error)
{
	StpPenKeeper *keeper = g_hash_table_lookup(self->keepers, serial);

	if (keeper == NULL)
		g_set_error(error, STP_ERROR, STP_ERROR_NOT_FOUND,
			    "No pen %s is enrolled. 'stipplectl pens list' shows those that are.", serial);
	return keeper;
}

/* ---- syncing on request ---- */

static void
on_synced(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(GTask) task = user_data;
	g_autoptr(GError) error = NULL;
	StpSyncResult outcome;

	if (stp_pen_keeper_sync_finish(STP_PEN_KEEPER(source), result, &outcome, &error))
		g_task_return_pointer(task, g_memdup2(&outcome, sizeof(outcome)), g_free);
	else
		g_task_return_error(task, g_steal_pointer(&error));
}

void
stp_collector_sync_chosen_async(StpCollector *self, const char *serial, const StpSyncChoice *choice,
				guint away_timeout_s, GAsyncReadyCallback callback, gpointer user_data)
{
	g_autoptr(GTask) task = g_task_new(self, NULL, callback, user_data);
	g_autoptr(GError) error = NULL;
	StpPenKeeper *keeper = stp_collector_require_keeper(self, serial, &error);

	if (keeper == NULL)
		g_task_return_error(task, g_steal_pointer(&error));
	else
		stp_pen_keeper_sync_async(keeper, choice, away_timeout_s, on_synced, g_object_ref(task));
}

void
stp_collector_sync_async(StpCollector *self, const char *serial, guint away_timeout_s,
			 GAsyncReadyCallback callback, gpointer user_data)
{
	stp_collector_sync_chosen_async(self, serial, NULL, away_timeout_s, callback, user_data);
}

gboolean
stp_collector_sync_finish(StpCollector *self, GAsyncResult *result, StpSyncResult *outcome, GError **error)
{
	g_autofree StpSyncResult *got = NULL;

	g_return_val_if_fail(g_task_is_valid(result, self), FALSE);
	got = g_task_propagate_pointer(G_TASK(result), error);
	if (got == NULL)
		return FALSE;
	*outcome = *got;
	return TRUE;
}

void
stp_collector_cancel(StpCollector *self, const char *serial)
{
	StpPenKeeper *keeper = g_hash_table_lookup(self->keepers, serial);

	if (keeper != NULL)
		stp_pen_keeper_cancel(keeper);
}

void
stp_collector_stop_async(StpCollector *self, GAsyncReadyCallback callback, gpointer user_data)
{
	GHashTableIter iter;
	gpointer keeper, cancellable;

	g_return_if_fail(self->stopping == NULL);

	stp_sync_turns_stop(self->turns);
	self->stopped = TRUE;
	self->stopping = g_task_new(self, NULL, callback, user_data);
	g_hash_table_iter_init(&iter, self->keepers);
	while (g_hash_table_iter_next(&iter, NULL, &keeper))
		stp_pen_keeper_retire(keeper);
	g_hash_table_iter_init(&iter, self->errands);
	while (g_hash_table_iter_next(&iter, NULL, &cancellable))
		g_cancellable_cancel(cancellable);
	stop_if_quiet(self);
}

gboolean
stp_collector_stop_finish(StpCollector *self, GAsyncResult *result, GError **error)
{
	g_return_val_if_fail(g_task_is_valid(result, self), FALSE);
	return g_task_propagate_boolean(G_TASK(result), error);
}
