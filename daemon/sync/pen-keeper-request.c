/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "pen-keeper.h"
#include "clock.h"
#include "pen-keeper-parts.h"

#include "error.h"
#include "sync-timing.h"

void
stp_pen_keeper_answer(StpPenKeeper *self, const GError *error)
{
	g_autoptr(GPtrArray) waiters = g_steal_pointer(&self->waiters);

	memset(&self->choice, 0, sizeof(self->choice));
	self->waiters = g_ptr_array_new_with_free_func(g_object_unref);
	for (guint i = 0; i < waiters->len; i++) {
		GTask *task = g_ptr_array_index(waiters, i);

		if (error != NULL)
			g_task_return_error(task, g_error_copy(error));
		else
			g_task_return_boolean(task, TRUE);
	}
}

void
stp_pen_keeper_answer_listening(StpPenKeeper *self)
{
	const GError *busy;

	if (self->sync == NULL || !stp_pen_sync_is_listening(self->sync, &busy))
		return;
	self->last = *stp_pen_sync_get_result(self->sync);
	self->last.duration_us = stp_clock_monotonic() - self->began;
	stp_pen_keeper_answer(self, busy);
}

void
stp_pen_keeper_answer_away(StpPenKeeper *self)
{
	g_autoptr(GError) error = g_error_new(STP_ERROR, STP_ERROR_LINK_FAILED,
		"Pen %s is not in sight. Switch it on and bring it near; it is then synced by itself.",
		stp_pen_keeper_serial(self));

	stp_pen_keeper_answer(self, error);
}

static gboolean
on_waited_long(gpointer user_data)
{
	StpPenKeeper *self = STP_PEN_KEEPER(g_task_get_source_object(user_data));

	/* Once it is heard, the sync's own deadlines count. */
	if (!self->busy && !self->wanted && self->retry_timer == 0 &&
	    g_ptr_array_find(self->waiters, user_data, NULL))
		stp_pen_keeper_answer_away(self);
	return G_SOURCE_REMOVE;
}

void
stp_pen_keeper_sync_async(StpPenKeeper *self, const StpSyncChoice *choice, guint away_timeout_s,
			  GAsyncReadyCallback callback, gpointer user_data)
{
	static const StpSyncChoice everything = { 0 };
	GTask *task = g_task_new(self, NULL, callback, user_data);

	if (self->retired && !self->busy) {
		g_task_return_new_error(task, STP_ERROR, STP_ERROR_CANCELLED,
			"Pen %s is being removed, or stippled is about to end. Ask again when that is "
			"done.", stp_pen_keeper_serial(self));
		g_object_unref(task);
		return;
	}
	if (self->waiters->len >= STP_SYNC_WAITERS_MAX) {
		g_task_return_new_error(task, STP_ERROR, STP_ERROR_BUSY,
			"%u callers wait for a sync of pen %s already. Wait for its end, which the signal SyncEnded tells, or "
			"stop it with the method Cancel of the pen.", self->waiters->len, stp_pen_keeper_serial(self));
		g_object_unref(task);
		return;
	}
	if (choice == NULL)
		choice = &everything;
	if (!self->busy && self->waiters->len == 0)
		self->choice = *choice;
	else if (!self->busy && memcmp(&self->choice, choice, sizeof(everything)) != 0)
		self->choice = everything;
	g_ptr_array_add(self->waiters, task);
	stp_pen_keeper_answer_listening(self);
	if (self->busy)
		return;		/* the end of the one under way is the answer */

	/* Who asks by hand has perhaps just mended something. */
	self->failures = 0;
	if (self->in_sight) {
		stp_pen_keeper_want_link(self);
		return;
	}
	stp_radio_look(self->radio);
	stp_clock_add_seconds_full(away_timeout_s, on_waited_long, g_object_ref(task), g_object_unref);
}

gboolean
stp_pen_keeper_sync_finish(StpPenKeeper *self, GAsyncResult *result, StpSyncResult *outcome,
			   GError **error)
{
	g_return_val_if_fail(g_task_is_valid(result, self), FALSE);
	if (!g_task_propagate_boolean(G_TASK(result), error))
		return FALSE;
	*outcome = self->last;
	return TRUE;
}

void
stp_pen_keeper_cancel(StpPenKeeper *self)
{
	g_autoptr(GError) cancelled = g_error_new(STP_ERROR, STP_ERROR_CANCELLED,
		"The sync was stopped. What arrived is kept; the rest is fetched later, or with the next 'stipplectl sync'.");

	g_clear_handle_id(&self->retry_timer, g_source_remove);
	self->gives_way = FALSE;
	if (self->cancellable != NULL) {
		g_cancellable_cancel(self->cancellable);
		return;		/* stp_pen_keeper_finish() answers those who wait */
	}
	self->wanted = FALSE;	/* the collector's turn for us finds nothing to do */
	stp_pen_keeper_answer(self, cancelled);
	stp_pen_keeper_rest(self);
}
