/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "pen-removal.h"

#include <string.h>

#include "bond-trouble.h"
#include "error.h"
#include "log.h"

typedef struct {
	StpRadio *radio;
	StpStore *store;
	StpRemoval wanted;
	StpErrandConfirm confirm;
	gpointer confirm_data;
	char *serial, *address;
	StpRetiredFlags how;
	gulong finished;		/* handler: the keeper's sync is waited for */
	void (*next)(GTask *task);	/* then */
	GArray *held, *settled;		/* (element-type struct stp_range), while the pen is emptied */
	struct stp_ranges held_set, settled_set;
} Removal;

static void retire(GTask *task);

static void
removal_free(gpointer data)
{
	Removal *removal = data;

	g_clear_object(&removal->radio);
	g_clear_object(&removal->store);
	g_clear_pointer(&removal->held, g_array_unref);
	g_clear_pointer(&removal->settled, g_array_unref);
	g_free(removal->serial);
	g_free(removal->address);
	g_free(removal);
}

static StpPenKeeper *
keeper_of(GTask *task)
{
	return STP_PEN_KEEPER(g_task_get_source_object(task));
}

/* Takes task and error: it stays enrolled. */
static void
give_up(GTask *task, GError *error)
{
	stp_pen_keeper_hold(keeper_of(task), FALSE);
	g_task_return_error(task, error);
	g_object_unref(task);
}

/* ---- may it go? ---- */

/* What is known of the log that the pen has now; NULL: nothing. */
static const StpCoverage *
current_log(const GPtrArray *coverage)
{
	for (guint i = 0; i < coverage->len; i++) {
		const StpCoverage *entry = g_ptr_array_index(coverage, i);

		if (entry->current)
			return entry;
	}
	return NULL;
}

/* Whether what it advertises is news to the store. */
static gboolean
tells_of_news(StpRadio *radio, const char *address, const StpCoverage *log)
{
	g_autoptr(GPtrArray) sightings = stp_radio_get_sightings(radio);

	for (guint i = 0; i < sightings->len; i++) {
		const StpSighting *sighting = g_ptr_array_index(sightings, i);
		const struct stp_advert *status = &sighting->status;

		if (!sighting->has_status || g_ascii_strcasecmp(sighting->address, address) != 0)
			continue;
		if (log == NULL || status->epoch_low != (log->epoch & 0xff))
			return TRUE;
		/* Where the count is kept private, the slots with news are all there is to go by. */
		return status->newest_record != 0 ? status->newest_record != log->last
						  : status->slots_with_news != 0;
	}
	return FALSE;
}

/* As everywhere: nothing but all of it is 100 %. */
static double
rounded_down(double percent)
{
	return (double)(gint64)(percent * 10) / 10;
}

/* *why: what a removal by force has to note. */
static gboolean
is_complete(const Removal *removal, const StpPenRow *row, StpRetiredFlags *why, GError **error)
{
	g_autoptr(GPtrArray) coverage = stp_store_get_coverage(removal->store, row->serial, error);

	if (coverage == NULL)
		return FALSE;
	if (row->last_sync == 0)
		*why |= STP_RETIRED_UNSYNCED;
	if (tells_of_news(removal->radio, row->address, current_log(coverage)))
		*why |= STP_RETIRED_NEWS;
	if (row->coverage < 100.0) {
		g_set_error(error, STP_ERROR, STP_ERROR_INCOMPLETE,
			    "Pen %s holds records that are not in the store (coverage %.1f %%). Sync it "
			    "first, or remove it with --force and lose sight of them.", row->serial,
			    rounded_down(row->coverage));
		return FALSE;
	}
	if (*why == 0)
		return TRUE;
	g_set_error(error, STP_ERROR, STP_ERROR_INCOMPLETE,
		    "Pen %s %s, so it may hold records that are not in the store. Sync it first, or remove it with "
		    "--force and lose sight of them.", row->serial,
		    row->last_sync == 0 ? "was never synced to the end" : "tells of news since its last sync");
	return FALSE;
}

/* ---- at the pen ---- */

static void
on_confirm(guint within_ms, gpointer user_data)
{
	Removal *removal = g_task_get_task_data(user_data);

	if (removal->confirm != NULL)
		removal->confirm(within_ms, removal->confirm_data);
}

static void
run_errand(GTask *task, const struct stp_errand_config *config, GAsyncReadyCallback callback)
{
	Removal *removal = g_task_get_task_data(task);

	stp_pen_errand_async(removal->radio, removal->store, removal->address, removal->serial, config, on_confirm,
			     task, g_task_get_cancellable(task), callback, task);
}

static void
on_slot_freed(GObject *source, GAsyncResult *result, gpointer user_data)
{
	GTask *task = user_data;
	Removal *removal = g_task_get_task_data(task);
	GError *error = NULL;
	g_autoptr(GArray) slots = stp_pen_errand_finish(STP_RADIO(source), result, &error);

	if (slots == NULL) {
		give_up(task, error);
		return;
	}
	removal->how |= STP_RETIRED_SLOT;
	retire(task);
}

static void
on_slots_listed(GObject *source, GAsyncResult *result, gpointer user_data)
{
	GTask *task = user_data;
	Removal *removal = g_task_get_task_data(task);
	const guint8 *id = stp_store_get_collector_id(removal->store);
	GError *error = NULL;
	g_autoptr(GArray) slots = stp_pen_errand_finish(STP_RADIO(source), result, &error);

	if (slots == NULL) {
		give_up(task, error);
		return;
	}
	for (guint i = 0; i < slots->len; i++) {
		const StpPenSlot *slot = &g_array_index(slots, StpPenSlot, i);
		struct stp_errand_config config = { .kind = STP_ERRAND_DROP_SLOT, .index = slot->index };

		if (memcmp(slot->name, id, sizeof(slot->name)) != 0)
			continue;
		memcpy(config.collector_id, id, sizeof(config.collector_id));
		run_errand(task, &config, on_slot_freed);
		return;
	}
	retire(task);	/* it never had one */
}

/* The sync that was under way may have found records, and not have got them. */
static gboolean
is_still_complete(const Removal *removal, GError **error)
{
	g_autoptr(StpPenRow) row = stp_store_get_pen(removal->store, removal->serial, error);

	if (row == NULL)
		return FALSE;
	if (row->coverage >= 100.0 || (removal->how & STP_RETIRED_FORCED) != 0)
		return TRUE;
	g_set_error(error, STP_ERROR, STP_ERROR_INCOMPLETE,
		    "Pen %s has got records that are not in the store (coverage %.1f %%). Sync it first, or remove it "
		    "with --force and lose sight of them.", removal->serial, rounded_down(row->coverage));
	return FALSE;
}

static void
free_slot(GTask *task)
{
	Removal *removal = g_task_get_task_data(task);
	const struct stp_errand_config config = { .kind = STP_ERRAND_LIST_SLOTS };

	if (removal->wanted.free_slot)
		run_errand(task, &config, on_slots_listed);
	else
		retire(task);
}

static void
on_erased(GObject *source, GAsyncResult *result, gpointer user_data)
{
	GTask *task = user_data;
	Removal *removal = g_task_get_task_data(task);
	GError *error = NULL;
	g_autoptr(GArray) slots = stp_pen_errand_finish(STP_RADIO(source), result, &error);

	if (slots == NULL) {
		give_up(task, error);
		return;
	}
	removal->how |= STP_RETIRED_ERASED;
	stp_notice("sync", removal->serial, "Its log was erased, as asked for; the store has its records.");
	free_slot(task);
}

/* Numbers that nobody can have: never written, or damaged in the pen itself. */
static GArray *
settled_of(const StpCoverage *log)
{
	GArray *settled = g_array_new(FALSE, FALSE, sizeof(struct stp_range));

	for (guint i = 0; i < log->holes->len; i++) {
		const StpHole *hole = &g_array_index(log->holes, StpHole, i);

		if (g_str_equal(hole->cause, "corrupt") || g_str_equal(hole->cause, "never-written"))
			g_array_append_val(settled, hole->range);
	}
	return settled;
}

static void
set_of(struct stp_ranges *set, GArray *ranges)
{
	set->items = (struct stp_range *)(void *)ranges->data;
	set->count = set->capacity = ranges->len;
}

/*
 * Whether its numbers went back, now or earlier: those that are held need not be of the records that it has
 * now, and once they have grown past the old ones nothing in the numbers shows it.
 */
static gboolean
went_back(const StpCoverage *log)
{
	for (guint i = 0; i < log->findings->len; i++) {
		const StpFinding *finding = g_ptr_array_index(log->findings, i);

		if (g_str_equal(finding->kind, stp_note_name(STP_NOTE_LOG_WENT_BACK)))
			return TRUE;
	}
	return FALSE;
}

static void
erase(GTask *task)
{
	Removal *removal = g_task_get_task_data(task);
	struct stp_errand_config config = { .kind = STP_ERRAND_ERASE_LOG };
	GError *error = NULL;
	g_autoptr(GPtrArray) coverage = NULL;
	const StpCoverage *log;

	if (!is_still_complete(removal, &error)) {
		give_up(task, error);
		return;
	}
	if (!removal->wanted.erase) {
		free_slot(task);
		return;
	}
	coverage = stp_store_get_coverage(removal->store, removal->serial, &error);
	log = coverage != NULL ? current_log(coverage) : NULL;
	if (coverage != NULL && (log == NULL || log->first > log->last)) {
		free_slot(task);	/* there is nothing to erase */
		return;
	}
	if (log != NULL && went_back(log)) {
		give_up(task, g_error_new(STP_ERROR, STP_ERROR_INCOMPLETE,
					  "The numbers of pen %s's records went back, so nobody can tell by them that the "
					  "store has all it holds now; nothing was erased. Remove it without erasing, and "
					  "erase it at the pen itself.", removal->serial));
		return;
	}
	if (log != NULL)
		removal->held = stp_store_get_held(removal->store, removal->serial, log->epoch, 1, log->last, &error);
	if (removal->held == NULL) {
		give_up(task, error);
		return;
	}
	removal->settled = settled_of(log);
	set_of(&removal->held_set, removal->held);
	set_of(&removal->settled_set, removal->settled);
	config.epoch = log->epoch;
	config.up_to = log->last;
	config.held = &removal->held_set;
	config.settled = &removal->settled_set;
	memcpy(config.collector_id, stp_store_get_collector_id(removal->store), sizeof(config.collector_id));
	run_errand(task, &config, on_erased);
}

/* ---- the end of it ---- */

static void
on_forgotten(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(GTask) task = user_data;
	Removal *removal = g_task_get_task_data(task);
	g_autoptr(GError) error = NULL;

	/* The enrolment is over either way; a key that is left over does no harm. */
	if (!stp_radio_forget_finish(STP_RADIO(source), result, &error))
		stp_warning("sync", removal->serial, "The bond could not be removed: %s", error->message);
	g_task_return_boolean(task, TRUE);
}

static void
forget(GTask *task)
{
	Removal *removal = g_task_get_task_data(task);

	/* Nobody will look whether their causes are gone. */
	stp_store_end_alerts_about(removal->store, removal->serial);
	stp_radio_forget_async(removal->radio, removal->address, NULL, on_forgotten, task);
}

static void
on_finished(StpPenKeeper *keeper, GTask *task)
{
	Removal *removal = g_task_get_task_data(task);

	g_signal_handler_disconnect(keeper, removal->finished);
	removal->finished = 0;
	removal->next(task);
}

/* Go on when no sync of this pen is under way. */
static void
when_quiet(GTask *task, void (*next)(GTask *task))
{
	Removal *removal = g_task_get_task_data(task);
	StpPenKeeper *keeper = keeper_of(task);

	removal->next = next;
	if (stp_pen_keeper_is_busy(keeper))
		removal->finished = g_signal_connect(keeper, "finished", G_CALLBACK(on_finished), task);
	else
		next(task);
}

static void
on_retired(GObject *source, GAsyncResult *result, gpointer user_data)
{
	GTask *task = user_data;
	Removal *removal = g_task_get_task_data(task);
	GError *error = NULL;

	if (!stp_store_retire_pen_finish(STP_STORE(source), result, &error)) {
		give_up(task, error);
		return;
	}
	stp_notice("sync", removal->serial, "Retired%s; its records stay in the store.",
		   removal->how & STP_RETIRED_FORCED ? " by force" : "");
	stp_pen_keeper_retire(keeper_of(task));
	when_quiet(task, forget);
}

static void
retire(GTask *task)
{
	Removal *removal = g_task_get_task_data(task);

	stp_store_retire_pen_async(removal->store, removal->serial, removal->how | STP_RETIRED_BOND, NULL, on_retired,
				   task);
}

void
stp_pen_remove_async(StpPenKeeper *keeper, StpRadio *radio, StpStore *store, const StpRemoval *wanted,
		     StpErrandConfirm confirm, gpointer confirm_data, GCancellable *cancellable,
		     GAsyncReadyCallback callback, gpointer user_data)
{
	GTask *task = g_task_new(keeper, cancellable, callback, user_data);
	Removal *removal = g_new0(Removal, 1);
	const char *serial = stp_enrolled_pen_get_row(stp_pen_keeper_get_pen(keeper))->serial;
	g_autoptr(GError) incomplete = NULL;
	GError *error = NULL;
	StpRetiredFlags why = 0;
	g_autoptr(StpPenRow) row = stp_store_get_pen(store, serial, &error);

	g_task_set_check_cancellable(task, FALSE);
	removal->radio = g_object_ref(radio);
	removal->store = g_object_ref(store);
	removal->wanted = *wanted;
	removal->confirm = confirm;
	removal->confirm_data = confirm_data;
	removal->serial = g_strdup(serial);
	removal->address = g_strdup(stp_enrolled_pen_get_row(stp_pen_keeper_get_pen(keeper))->address);
	g_task_set_task_data(task, removal, removal_free);
	if (row == NULL) {
		g_task_return_error(task, error);
		g_object_unref(task);
		return;
	}
	if (!is_complete(removal, row, &why, &incomplete)) {
		if (!wanted->force) {
			g_task_return_error(task, g_steal_pointer(&incomplete));
			g_object_unref(task);
			return;
		}
		removal->how |= STP_RETIRED_FORCED | why;
	}
	stp_pen_keeper_hold(keeper, TRUE);
	/* A sync that goes on stays of use until the enrolment has ended, unless the pen is needed. */
	if (wanted->erase || wanted->free_slot)
		when_quiet(task, erase);
	else
		retire(task);
}

gboolean
stp_pen_remove_finish(StpPenKeeper *keeper, GAsyncResult *result, StpRetiredFlags *how, GError **error)
{
	g_return_val_if_fail(g_task_is_valid(result, keeper), FALSE);
	if (how != NULL)
		*how = ((Removal *)g_task_get_task_data(G_TASK(result)))->how;
	return g_task_propagate_boolean(G_TASK(result), error);
}
