/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "collector.h"
#include "collector-parts.h"

#include <string.h>

#include "error.h"
#include "log.h"

/* ---- enrolling ---- */

/*
 * A repaired pen may have got another serial number: what is heard there is that one now.  The store has it so
 * already.
 */
static void
take_address(StpCollector *self, StpPenKeeper *owner)
{
	const char *address = stp_enrolled_pen_get_row(stp_pen_keeper_get_pen(owner))->address;
	GHashTableIter iter;
	gpointer keeper;

	g_hash_table_iter_init(&iter, self->keepers);
	while (g_hash_table_iter_next(&iter, NULL, &keeper)) {
		StpEnrolledPen *pen = stp_pen_keeper_get_pen(keeper);
		const StpPenRow *row = stp_enrolled_pen_get_row(pen);

		if (keeper == owner || g_ascii_strcasecmp(row->address, address) != 0)
			continue;
		stp_notice("sync", row->serial, "Another pen answers at its address now. It is found "
			   "again when it is enrolled anew.");
		stp_enrolled_pen_set_seen(pen, "", row->last_seen);
	}
}

/* Of an enrolment, while syncs end that are in its way. */
typedef struct {
	StpEnrolOptions options;
	StpPairingAsk ask;
	gpointer ask_data;
	guint waits;		/* for so many keepers to finish */
} Enrolling;

static void
enrolling_free(gpointer data)
{
	Enrolling *enrolling = data;

	g_free((char *)enrolling->options.which);
	g_free((char *)enrolling->options.label);
	g_free(enrolling);
}

static void
hold(StpCollector *self, StpPenKeeper *keeper)
{
	if (g_ptr_array_find(self->held, keeper, NULL))
		return;
	g_ptr_array_add(self->held, g_object_ref(keeper));
	stp_pen_keeper_hold(keeper, TRUE);
}

void
stp_collector_hold_for_enrolment(StpCollector *self, StpPenKeeper *keeper, const StpSighting *sighting)
{
	if (self->enrols != NULL && stp_enrolment_fits(sighting, self->enrols))
		hold(self, keeper);
}

static void
end_enrolling(StpCollector *self)
{
	g_autoptr(GPtrArray) held = g_steal_pointer(&self->held);

	self->enrolling = FALSE;
	g_clear_pointer(&self->enrols, g_free);
	self->held = g_ptr_array_new_with_free_func(g_object_unref);
	for (guint i = 0; i < held->len; i++)
		stp_pen_keeper_hold(g_ptr_array_index(held, i), FALSE);
}

static void
on_enrolled(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(GTask) task = user_data;
	StpCollector *self = g_task_get_source_object(task);
	g_autoptr(GError) error = NULL;
	g_autoptr(StpEnrolled) enrolled = stp_enrol_finish(STP_RADIO(source), result, &error);
	StpPenKeeper *keeper;

	if (enrolled == NULL) {
		end_enrolling(self);
		g_task_return_error(task, g_steal_pointer(&error));
		return;
	}

	keeper = g_hash_table_lookup(self->keepers, enrolled->row->serial);
	if (keeper != NULL)
		stp_enrolled_pen_set_row(stp_pen_keeper_get_pen(keeper),
					 g_steal_pointer(&enrolled->row));
	else
		keeper = stp_collector_add_pen(self, g_steal_pointer(&enrolled->row));
	take_address(self, keeper);
	stp_twin_alerts_settle(self->twins, stp_enrolled_pen_get_row(stp_pen_keeper_get_pen(keeper))->serial);
	/* A link that is not taken over ends with the enrolment. */
	if (!stp_pen_keeper_is_busy(keeper) && self->stopping == NULL) {
		g_autoptr(StpLink) link = g_steal_pointer(&enrolled->link);

		/* One link above the share for a moment: it is up already. */
		stp_sync_turns_take(self->turns, keeper);
		stp_pen_keeper_go_over(keeper, link);
	}
	/* Not before: who waits for a sync gets the one over this link. */
	end_enrolling(self);
	g_task_return_pointer(task, g_object_ref(stp_pen_keeper_get_pen(keeper)), g_object_unref);
}

static void
begin_enrolment(GTask *task)
{
	StpCollector *self = g_task_get_source_object(task);
	const Enrolling *enrolling = g_task_get_task_data(task);

	if (self->stopped) {
		end_enrolling(self);
		g_task_return_new_error(task, STP_ERROR, STP_ERROR_CANCELLED,
					"stippled is about to end. Try again when it runs.");
		return;
	}
	stp_enrol_async(self->radio, self->store, self->bonds_made, &enrolling->options, enrolling->ask,
			enrolling->ask_data, g_task_get_cancellable(task), on_enrolled, g_object_ref(task));
}

static void
on_out_of_the_way(StpPenKeeper *keeper, GTask *task)
{
	Enrolling *enrolling = g_task_get_task_data(task);
	g_autoptr(GTask) held = g_object_ref(task);

	g_signal_handlers_disconnect_by_data(keeper, task);
	if (--enrolling->waits == 0)
		begin_enrolment(task);
}

/* A pen that is enrolled again: its key may be made anew, and a sync would be in the way of that. */
static void
hold_who_is_meant(StpCollector *self, GTask *task)
{
	Enrolling *enrolling = g_task_get_task_data(task);
	GHashTableIter iter;
	gpointer keeper;

	g_hash_table_iter_init(&iter, self->keepers);
	while (g_hash_table_iter_next(&iter, NULL, &keeper)) {
		const StpPenRow *row = stp_enrolled_pen_get_row(stp_pen_keeper_get_pen(keeper));

		if (!stp_enrolment_can_mean(row, self->enrols))
			continue;
		hold(self, keeper);
		if (!stp_pen_keeper_is_busy(keeper))
			continue;
		enrolling->waits++;
		g_signal_connect_data(keeper, "finished", G_CALLBACK(on_out_of_the_way), g_object_ref(task),
				      (GClosureNotify)(void (*)(void))g_object_unref, 0);
		/* What arrived is kept, and it goes on over the link that comes of this. */
		stp_pen_keeper_yield(keeper);
	}
}

void
stp_collector_enrol_async(StpCollector *self, const StpEnrolOptions *options, StpPairingAsk ask,
			  gpointer ask_data, GCancellable *cancellable, GAsyncReadyCallback callback,
			  gpointer user_data)
{
	g_autoptr(GTask) task = g_task_new(self, cancellable, callback, user_data);
	Enrolling *enrolling = g_new0(Enrolling, 1);

	enrolling->options = *options;
	enrolling->options.which = g_strdup(options->which);
	enrolling->options.label = g_strdup(options->label);
	enrolling->ask = ask;
	enrolling->ask_data = ask_data;
	g_task_set_task_data(task, enrolling, enrolling_free);
	g_task_set_check_cancellable(task, FALSE);
	if (self->enrolling) {
		g_task_return_new_error(task, STP_ERROR, STP_ERROR_BUSY,
			"Another pen is being enrolled. Finish or cancel that first.");
		return;
	}
	/* Else what is being retired could come back in the middle of it. */
	if (g_hash_table_size(self->errands) > 0) {
		g_task_return_new_error(task, STP_ERROR, STP_ERROR_BUSY,
			"A pen is being retired, or asked something at its button. Try again when that has ended.");
		return;
	}
	self->enrolling = TRUE;
	self->enrols = g_strdup(options->which);
	hold_who_is_meant(self, task);
	if (enrolling->waits == 0)
		begin_enrolment(task);
}

StpEnrolledPen *
stp_collector_enrol_finish(StpCollector *self, GAsyncResult *result, GError **error)
{
	g_autoptr(StpEnrolledPen) pen = NULL;

	g_return_val_if_fail(g_task_is_valid(result, self), NULL);
	/* Its keeper holds it. */
	pen = g_task_propagate_pointer(G_TASK(result), error);
	return pen;
}

/* ---- errands: nothing else is done with the pen meanwhile ---- */

/* NULL with the task's error set: not now. */
static StpPenKeeper *
begin_errand(StpCollector *self, const char *serial, GCancellable *cancellable, GTask *task)
{
	GError *error = NULL;
	StpPenKeeper *keeper = stp_collector_require_keeper(self, serial, &error);

	if (keeper != NULL && (self->enrolling || g_hash_table_contains(self->errands, serial))) {
		keeper = NULL;
		error = g_error_new(STP_ERROR, STP_ERROR_BUSY, self->enrolling
			? "A pen is being enrolled. Try again when that has ended."
			: "Pen %s is being retired, or asked something at its button. Try again when that has "
			  "ended.", serial);
	}
	if (keeper != NULL && self->stopping != NULL) {
		keeper = NULL;
		error = g_error_new(STP_ERROR, STP_ERROR_CANCELLED, "stippled is about to end. Try again when it runs.");
	}
	if (keeper == NULL) {
		g_task_return_error(task, error);
		return NULL;
	}
	g_hash_table_insert(self->errands, g_strdup(serial),
			    cancellable != NULL ? g_object_ref(cancellable) : g_cancellable_new());
	g_task_set_task_data(task, g_strdup(serial), g_free);
	/* One link above the share for a moment; and the collector does not end before this does. */
	stp_sync_turns_take(self->turns, NULL);
	return keeper;
}

static GCancellable *
cancellable_of(GTask *task)
{
	StpCollector *self = g_task_get_source_object(task);

	return g_hash_table_lookup(self->errands, g_task_get_task_data(task));
}

static void
end_errand(GTask *task)
{
	StpCollector *self = g_task_get_source_object(task);

	g_hash_table_remove(self->errands, g_task_get_task_data(task));
	stp_collector_link_is_free(self);
}

/* ---- removing ---- */

static void
on_removed(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(GTask) task = user_data;
	StpCollector *self = g_task_get_source_object(task);
	const char *serial = g_task_get_task_data(task);
	StpRetiredFlags how = 0;
	GError *error = NULL;

	if (!stp_pen_remove_finish(STP_PEN_KEEPER(source), result, &how, &error)) {
		g_task_return_error(task, error);
	} else {
		g_hash_table_remove(self->keepers, serial);
		stp_collector_update_watch(self);
		g_signal_emit_by_name(self, "pen-removed", serial);
		g_task_return_int(task, (gssize)how);
	}
	end_errand(task);
}

void
stp_collector_remove_async(StpCollector *self, const char *serial, const StpRemoval *removal,
			   StpErrandConfirm confirm, gpointer confirm_data, GCancellable *cancellable,
			   GAsyncReadyCallback callback, gpointer user_data)
{
	g_autoptr(GTask) task = g_task_new(self, NULL, callback, user_data);
	StpPenKeeper *keeper = begin_errand(self, serial, cancellable, task);

	if (keeper != NULL)
		stp_pen_remove_async(keeper, self->radio, self->store, removal, confirm, confirm_data,
				     cancellable_of(task), on_removed, g_object_ref(task));
}

gboolean
stp_collector_remove_finish(StpCollector *self, GAsyncResult *result, StpRetiredFlags *how, GError **error)
{
	gssize flags;
	GError *local = NULL;

	g_return_val_if_fail(g_task_is_valid(result, self), FALSE);
	flags = g_task_propagate_int(G_TASK(result), &local);
	if (local != NULL) {
		g_propagate_error(error, local);
		return FALSE;
	}
	if (how != NULL)
		*how = (StpRetiredFlags)flags;
	return TRUE;
}

/* ---- the pen's slots ---- */

typedef struct {
	GTask *task;
	struct stp_errand_config config;
	StpErrandConfirm confirm;
	gpointer confirm_data;
	gulong finished;
} Slots;

static void
on_slots(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autofree Slots *slots = user_data;
	g_autoptr(GTask) task = slots->task;
	StpCollector *self = g_task_get_source_object(task);
	StpPenKeeper *keeper = g_hash_table_lookup(self->keepers, g_task_get_task_data(task));
	GError *error = NULL;
	GArray *list = stp_pen_errand_finish(STP_RADIO(source), result, &error);

	if (keeper != NULL)
		stp_pen_keeper_hold(keeper, FALSE);
	if (list != NULL)
		g_task_return_pointer(task, list, (GDestroyNotify)g_array_unref);
	else
		g_task_return_error(task, error);
	end_errand(task);
}

static void
run_slots(Slots *slots, StpPenKeeper *keeper)
{
	StpCollector *self = g_task_get_source_object(slots->task);
	const StpPenRow *row = stp_enrolled_pen_get_row(stp_pen_keeper_get_pen(keeper));

	stp_pen_errand_async(self->radio, self->store, row->address, row->serial, &slots->config, slots->confirm,
			     slots->confirm_data, cancellable_of(slots->task), on_slots, slots);
}

static void
on_sync_over(StpPenKeeper *keeper, Slots *slots)
{
	g_signal_handler_disconnect(keeper, slots->finished);
	run_slots(slots, keeper);
}

void
stp_collector_slots_async(StpCollector *self, const char *serial, const struct stp_errand_config *config,
			  StpErrandConfirm confirm, gpointer confirm_data, GCancellable *cancellable,
			  GAsyncReadyCallback callback, gpointer user_data)
{
	g_autoptr(GTask) task = g_task_new(self, NULL, callback, user_data);
	StpPenKeeper *keeper = begin_errand(self, serial, cancellable, task);
	Slots *slots;

	if (keeper == NULL)
		return;
	slots = g_new0(Slots, 1);
	slots->task = g_object_ref(task);
	slots->config = *config;
	slots->confirm = confirm;
	slots->confirm_data = confirm_data;
	stp_pen_keeper_hold(keeper, TRUE);
	if (stp_pen_keeper_is_busy(keeper))
		slots->finished = g_signal_connect(keeper, "finished", G_CALLBACK(on_sync_over), slots);
	else
		run_slots(slots, keeper);
}

GArray *
stp_collector_slots_finish(StpCollector *self, GAsyncResult *result, GError **error)
{
	g_return_val_if_fail(g_task_is_valid(result, self), NULL);
	return g_task_propagate_pointer(G_TASK(result), error);
}
