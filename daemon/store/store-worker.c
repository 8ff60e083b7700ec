/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "store-worker.h"

#include "clock.h"
#include "collector-id.h"
#include "error.h"
#include "log.h"
#include "store-decoding.h"

#define PATIENCE_MS 30000

G_DEFINE_FINAL_TYPE(StpStore, stp_store, G_TYPE_OBJECT)

enum { SIGNAL_STATE_CHANGED, SIGNAL_FINDING, SIGNAL_ALERT, SIGNAL_SESSIONS_TIMED, SIGNAL_COUNT };
static guint signals[SIGNAL_COUNT];

/* ---- state ---- */

/*
 * What is kept free, so that the system and the alerts have room when records have none.  A small
 * disk must be able to work: it gives a sixteenth at most.
 */
static guint64
reserve_of(StpStore *self, guint64 total)
{
	gint mib = g_atomic_int_get(&self->reserve_mib);

	return mib >= 0 ? (guint64)mib << 20 : MIN(STP_STORE_RESERVE, total / 16);
}

static gboolean
has_room(StpStore *self, GError **error)
{
	guint64 free, total, reserve;

	stp_store_files_room(&self->files, &free, &total);
	reserve = reserve_of(self, total);
	g_atomic_int_set(&self->nearly_full, free < reserve * STP_STORE_WARNING);
	if (free >= reserve)
		return TRUE;
	g_set_error(error, STP_ERROR, STP_ERROR_STORE_FULL,
		    "There is no room left for the store in %s: less than %" G_GUINT64_FORMAT
		    " MiB of its disk is free. Free space there; what is stored is safe, and the pens keep the rest.",
		    self->files.directory, reserve >> 20);
	return FALSE;
}

static void
tell_room(StpStore *self)
{
	g_autofree char *text = NULL;

	if (!g_atomic_int_get(&self->nearly_full)) {
		stp_store_end_alert_async(self, "disk-nearly-full", "");
		return;
	}
	if (stp_store_has_alert(self, "disk-nearly-full", ""))
		return;
	text = g_strdup_printf("The disk of the store in %s is nearly full.", self->files.directory);
	stp_store_raise_alert_async(self, "disk-nearly-full", "", STP_ALERT_WARNING, text,
				    "Free space there, before it takes no records any more.");
}

static gboolean look_for_room(gpointer data);

static void
watch_room(StpStore *self)
{
	if (self->room_watch != NULL)
		return;
	self->room_watch = stp_clock_source_new(self->patience_ms);
	g_source_set_callback(self->room_watch, look_for_room, self, NULL);
	g_source_attach(self->room_watch, self->context);
}

static void
stop_watching_room(StpStore *self)
{
	if (self->room_watch == NULL)
		return;
	g_source_destroy(self->room_watch);
	g_clear_pointer(&self->room_watch, g_source_unref);
}

/* What the pens do meanwhile is the same in both cases. */
static void
tell_state(StpStore *self)
{
	static const char hint[] = "Until then nothing is acknowledged, and the pens keep their records.";

	if (self->state == STP_STORE_FULL)
		stp_store_raise_alert_async(self, "store-full", "", STP_ALERT_CRITICAL, self->trouble, hint);
	else
		stp_store_end_alert_async(self, "store-full", "");
	if (self->state == STP_STORE_FAILED)
		stp_store_raise_alert_async(self, "store-failed", "", STP_ALERT_CRITICAL, self->trouble, hint);
	else
		stp_store_end_alert_async(self, "store-failed", "");
}

static void
set_state(StpStore *self, StpStoreState state, const char *trouble)
{
	gboolean changed = state != self->state;

	self->state = state;
	g_free(self->trouble);
	self->trouble = g_strdup(trouble);
	if (state != STP_STORE_OK && self->worker != NULL)
		watch_room(self);
	else
		stop_watching_room(self);
	if (!changed)
		return;
	if (state == STP_STORE_OK)
		stp_notice("store", NULL, "The store takes records again.");
	else
		stp_warning("store", NULL, "%s", trouble);
	tell_state(self);
	g_signal_emit(self, signals[SIGNAL_STATE_CHANGED], 0);
}

static gboolean
look_for_room(gpointer data)
{
	StpStore *self = data;

	/* A disk that failed has to be tried: its write says how it is. */
	if (self->state == STP_STORE_FAILED) {
		stp_store_submit(self, stp_job_probe(), STP_TAG_PROBE, NULL, NULL, NULL);
		return G_SOURCE_CONTINUE;
	}
	if (!has_room(self, NULL))
		return G_SOURCE_CONTINUE;
	set_state(self, STP_STORE_OK, NULL);
	/* set_state() has removed this source. */
	return G_SOURCE_REMOVE;
}

static void
judge_write(StpStore *self, const GError *error)
{
	if (error == NULL)
		set_state(self, STP_STORE_OK, NULL);
	else if (g_error_matches(error, STP_ERROR, STP_ERROR_STORE_FULL))
		set_state(self, STP_STORE_FULL, error->message);
	else if (g_error_matches(error, STP_ERROR, STP_ERROR_STORE_FAILED))
		set_state(self, STP_STORE_FAILED, error->message);
}

StpStoreState
stp_store_get_state(StpStore *self)
{
	return self->state;
}

const char *
stp_store_get_hint(StpStore *self)
{
	if (self->trouble != NULL)
		return self->trouble;
	return self->files.hint != NULL ? self->files.hint : "";
}

const guint8 *
stp_store_get_collector_id(StpStore *self)
{
	return self->collector_id;
}

void
stp_store_set_reserve(StpStore *self, guint64 bytes)
{
	g_atomic_int_set(&self->reserve_mib, (gint)(bytes >> 20));
}

void
stp_store_set_patience(StpStore *self, guint interval_ms)
{
	self->patience_ms = interval_ms;
}

/* ---- the writer ---- */

/* A job on its way back to the main thread. */
typedef struct {
	GTask *task;
	gboolean done;
	GError *error;
} Reply;

static void
reply_free(gpointer data)
{
	Reply *reply = data;

	g_clear_error(&reply->error);
	g_object_unref(reply->task);
	g_free(reply);
}

static gboolean
deliver(gpointer data)
{
	Reply *reply = data;
	StpStore *self = g_task_get_source_object(reply->task);
	StpJob *job = g_task_get_task_data(reply->task);

	/* The end of a sync, after which the job itself has trimmed the writer. */
	if (g_task_get_source_tag(reply->task) == GINT_TO_POINTER(STP_TAG_ATTEMPT) && self->worker != NULL)
		stp_database_trim(self->files.reader);
	if (!job->optional)
		judge_write(self, reply->error != NULL ? reply->error : job->trouble);
	/* What was written shows that more can be. */
	if (!job->optional && reply->done) {
		stp_store_save_alerts(self);
		tell_state(self);
		tell_room(self);
	}
	for (guint i = 0; reply->done && i < job->made->len; i++)
		g_signal_emit(self, signals[SIGNAL_FINDING], 0, g_ptr_array_index(job->made, i));
	if (reply->done)
		stp_store_tell_times(self, job);
	if (reply->done)
		g_task_return_boolean(reply->task, TRUE);
	else
		g_task_return_error(reply->task, g_steal_pointer(&reply->error));
	return G_SOURCE_REMOVE;
}

static gboolean
run_job(StpStore *self, StpJob *job, GCancellable *cancellable, GError **error)
{
	StpDatabase *db = self->files.writer;

	if (g_cancellable_is_cancelled(cancellable)) {
		g_set_error(error, STP_ERROR, STP_ERROR_CANCELLED, "Cancelled before anything was stored.");
		return FALSE;
	}
	job->digester = self->digester;
	if ((!job->small && !has_room(self, error)) || !job->work(job, db, cancellable, error))
		return FALSE;
	if (job->trouble != NULL)
		self->undecoded = TRUE;
	else if (self->undecoded && stp_decoding_catch_up(db, &job->trouble))
		self->undecoded = FALSE;
	return TRUE;
}

/*
 * In the worker's thread.  The task goes back with the reply, so that neither it nor the store
 * can be freed here.
 */
static void
work(gpointer data, gpointer user_data)
{
	GTask *task = data;
	Reply *reply = g_new0(Reply, 1);
	StpStore *self = g_task_get_source_object(task);
	g_autoptr(GSource) source = self->lockstep ? stp_clock_source_new(self->reply_ms) : g_idle_source_new();

	reply->task = task;
	reply->done = run_job(self, g_task_get_task_data(task), g_task_get_cancellable(task), &reply->error);
	g_source_set_priority(source, G_PRIORITY_DEFAULT);
	g_source_set_callback(source, deliver, reply, reply_free);
	g_source_attach(source, g_task_get_context(task));
}

void
stp_store_set_lockstep(StpStore *self, guint reply_ms)
{
	/* What the thread was given before comes first: from now on the caller is the writer. */
	if (!self->lockstep && self->worker != NULL) {
		g_thread_pool_free(self->worker, FALSE, TRUE);
		self->worker = g_thread_pool_new(work, NULL, 1, TRUE, NULL);
	}
	self->lockstep = TRUE;
	self->reply_ms = reply_ms;
}

void
stp_store_submit(StpStore *self, StpJob *job, StpTag tag, GCancellable *cancellable,
		 GAsyncReadyCallback callback, gpointer user_data)
{
	GTask *task = g_task_new(self, cancellable, callback, user_data);

	g_task_set_source_tag(task, GINT_TO_POINTER(tag));
	g_task_set_task_data(task, job, (GDestroyNotify)stp_job_free);
	/* A thing that was stored is reported as stored. */
	g_task_set_check_cancellable(task, FALSE);
	if (self->worker != NULL && self->lockstep) {
		work(task, NULL);
		return;
	}
	if (self->worker != NULL) {
		g_thread_pool_push(self->worker, task, NULL);
		return;
	}
	g_task_return_new_error(task, STP_ERROR, STP_ERROR_STORE_FAILED,
				"The store is closed; stippled is about to end.");
	g_object_unref(task);
}

/* ---- life ---- */

void
stp_store_emit_alert(StpStore *self, const StpAlert *alert)
{
	g_signal_emit(self, signals[SIGNAL_ALERT], 0, alert);
}

void
stp_store_emit_sessions_timed(StpStore *self, const char *const *ids)
{
	g_signal_emit(self, signals[SIGNAL_SESSIONS_TIMED], 0, ids);
}

static void
stp_store_init(StpStore *self)
{
	self->files.lock = -1;
	self->context = g_main_context_ref_thread_default();
	self->patience_ms = PATIENCE_MS;
	self->alerts = stp_store_new_alerts();
	self->reserve_mib = -1;
}

static gboolean
read_in(StpStore *self, GError **error)
{
	return stp_collector_id_read(self->files.writer, self->collector_id, &self->renamed, error) &&
	       stp_store_load_alerts(self, error);
}

/* Nothing shows that the old slots were freed: it is over when somebody said so. */
static void
tell_name(StpStore *self)
{
	static const char kind[] = "collector-id";

	if (self->renamed == STP_COLLECTOR_ID_MOVED)
		stp_store_raise_alert_async(
			self, kind, "", STP_ALERT_WARNING,
			"This store was on another computer before, so this collector got a new name: under one name the two "
			"would take records from each other. No record is lost by that, but each pen keeps a slot for the "
			"old name, and what that lacks cannot be erased there.",
			"If the other computer collects no more, drop its slot in each pen: 'stipplectl pens slots PEN' shows "
			"how; then 'stipplectl alerts acknowledge collector-id'.");
	else if (self->renamed == STP_COLLECTOR_ID_LOST)
		stp_store_raise_alert_async(
			self, kind, "", STP_ALERT_WARNING,
			"The store did not hold this collector's name any more; a new one was made. No record is lost by "
			"that, but each pen keeps a slot for the old name, and what that lacks cannot be erased there.",
			"Check the disk. 'stipplectl pens slots PEN' shows each pen's slots, and how the old one is "
			"dropped; then 'stipplectl alerts acknowledge collector-id'.");
	else if (stp_store_has_seen(self, kind, ""))
		stp_store_end_alert_async(self, kind, "");
}

/* The check at the start does not see all damage: what it did not see shows when a page is used. */
static gboolean
read_in_or_begin_anew(StpStore *self, GError **error)
{
	g_autoptr(GError) local = NULL;

	if (read_in(self, &local))
		return TRUE;
	if (stp_database_is_damaged(self->files.writer))
		return stp_store_files_replace(&self->files, local->message, error) && read_in(self, error);
	g_propagate_error(error, g_steal_pointer(&local));
	return FALSE;
}

StpStore *
stp_store_open(const char *directory, GError **error)
{
	g_autoptr(StpStore) self = g_object_new(STP_TYPE_STORE, NULL);
	g_autoptr(GError) local = NULL;

	if (!stp_store_files_open(&self->files, directory, error) || !read_in_or_begin_anew(self, error))
		return NULL;
	/* What cannot be derived now must not keep the clinic from its sessions. */
	if (!stp_decoding_catch_up(self->files.writer, &local)) {
		judge_write(self, local);
		self->undecoded = TRUE;
	}
	/* The check has read much of the file. */
	stp_database_trim(self->files.writer);
	self->digester = stp_digester_new();
	/* A thread of its own, so that nothing wakes up while there is nothing to do. */
	self->worker = g_thread_pool_new(work, NULL, 1, TRUE, error);
	if (self->worker == NULL)
		return NULL;
	if (self->state != STP_STORE_OK)
		watch_room(self);
	stp_store_begin_salvage(self);
	tell_name(self);
	return g_steal_pointer(&self);
}

static void
shut(StpStore *self)
{
	if (self->worker != NULL)
		g_thread_pool_free(g_steal_pointer(&self->worker), FALSE, TRUE);
	g_clear_pointer(&self->digester, stp_digester_free);
	stop_watching_room(self);
	stp_store_files_close(&self->files);
}

void
stp_store_close(StpStore *self)
{
	/* Not when it is being freed: what is asked of the writer keeps the store alive. */
	stp_store_save_alerts(self);
	shut(self);
}

static void
stp_store_finalize(GObject *object)
{
	StpStore *self = STP_STORE(object);

	shut(self);
	g_ptr_array_unref(self->alerts);
	g_clear_pointer(&self->clock, stp_host_clock_free);
	g_clear_pointer(&self->trouble, g_free);
	g_clear_pointer(&self->context, g_main_context_unref);
	G_OBJECT_CLASS(stp_store_parent_class)->finalize(object);
}

static void
stp_store_class_init(StpStoreClass *class)
{
	G_OBJECT_CLASS(class)->finalize = stp_store_finalize;
	signals[SIGNAL_STATE_CHANGED] = g_signal_new("state-changed", STP_TYPE_STORE, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
						     NULL, G_TYPE_NONE, 0);
	signals[SIGNAL_FINDING] = g_signal_new("finding", STP_TYPE_STORE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
					       G_TYPE_NONE, 1, G_TYPE_POINTER);
	signals[SIGNAL_SESSIONS_TIMED] = g_signal_new("sessions-timed", STP_TYPE_STORE, G_SIGNAL_RUN_LAST, 0, NULL,
						      NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRV);
	signals[SIGNAL_ALERT] = g_signal_new("alert", STP_TYPE_STORE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
					     G_TYPE_NONE, 1, G_TYPE_POINTER);
}
