/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "pen-keeper.h"

#include "error.h"
#include "log.h"
#include "pen-sync.h"

/* After the nth failure in a row, seconds. */
static const guint backoff_s[] = { 1, 2, 5, 15, 60, 300 };
/* Tries before somebody who waits is told of a lost link. */
#define PATIENT_TRIES 4
/* A pen whose advertisements tell nothing is asked so often. */
#define BLIND_INTERVAL_US (5 * 60 * G_USEC_PER_SEC)
/* Records that were damaged or could not be had are asked for again so often. */
#define UNFINISHED_INTERVAL_US (15 * 60 * G_USEC_PER_SEC)
/* After a sync that brought nothing, news has to wait so long. */
#define IDLE_PAUSE_US (30 * G_USEC_PER_SEC)
/* So long after its last advertisement a pen counts as gone; it advertises every 2.5 s at the slowest. */
#define AWAY_AFTER_S 60

struct _StpPenKeeper {
	GObject parent;

	StpEnrolledPen *pen;
	StpRadio *radio;
	StpStore *store;

	gboolean retired;
	gboolean in_sight;
	guint away_timer;
	guint retry_timer;
	guint failures;		/* in a row */

	gboolean wanted;	/* asked for a link */
	gboolean busy;		/* has one */
	GCancellable *cancellable;
	StpPenSync *sync;
	GPtrArray *waiters;	/* GTask */

	gboolean known;		/* what the pen had when a sync last completed: */
	guint32 known_epoch, known_newest, known_boot;
	gboolean stopped;	/* the last one, by somebody, before it was complete */
	gint64 completed, began;	/* the last complete sync, and the last one at all; monotonic */
	StpSyncResult last;
};

G_DEFINE_FINAL_TYPE(StpPenKeeper, stp_pen_keeper, G_TYPE_OBJECT)

enum { WANTS_LINK, FINISHED, SESSION_STORED, SIGNAL_COUNT };
static guint signals[SIGNAL_COUNT];

/* ---- lifecycle ---- */

static void
stp_pen_keeper_init(StpPenKeeper *self)
{
	self->waiters = g_ptr_array_new_with_free_func(g_object_unref);
}

static void
stp_pen_keeper_dispose(GObject *object)
{
	StpPenKeeper *self = STP_PEN_KEEPER(object);

	g_clear_handle_id(&self->away_timer, g_source_remove);
	g_clear_handle_id(&self->retry_timer, g_source_remove);
	g_clear_object(&self->cancellable);
	g_clear_object(&self->sync);
	g_clear_object(&self->pen);
	g_clear_object(&self->radio);
	g_clear_object(&self->store);
	g_clear_pointer(&self->waiters, g_ptr_array_unref);
	G_OBJECT_CLASS(stp_pen_keeper_parent_class)->dispose(object);
}

static void
stp_pen_keeper_class_init(StpPenKeeperClass *class)
{
	G_OBJECT_CLASS(class)->dispose = stp_pen_keeper_dispose;

	signals[WANTS_LINK] = g_signal_new("wants-link", STP_TYPE_PEN_KEEPER, G_SIGNAL_RUN_LAST, 0,
					   NULL, NULL, NULL, G_TYPE_NONE, 0);
	signals[FINISHED] = g_signal_new("finished", STP_TYPE_PEN_KEEPER, G_SIGNAL_RUN_LAST, 0,
					 NULL, NULL, NULL, G_TYPE_NONE, 0);
	signals[SESSION_STORED] = g_signal_new("session-stored", STP_TYPE_PEN_KEEPER,
					       G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE,
					       1, G_TYPE_STRING);
}

StpPenKeeper *
stp_pen_keeper_new(StpEnrolledPen *pen, StpRadio *radio, StpStore *store)
{
	StpPenKeeper *self = g_object_new(STP_TYPE_PEN_KEEPER, NULL);

	self->pen = g_object_ref(pen);
	self->radio = g_object_ref(radio);
	self->store = g_object_ref(store);
	return self;
}

StpEnrolledPen *
stp_pen_keeper_get_pen(StpPenKeeper *self)
{
	return self->pen;
}

gboolean
stp_pen_keeper_is_busy(StpPenKeeper *self)
{
	return self->busy;
}

static const char *
serial_of(StpPenKeeper *self)
{
	return stp_enrolled_pen_get_row(self->pen)->serial;
}

/* ---- wanting a link ---- */

static void
rest(StpPenKeeper *self)
{
	if (self->retry_timer != 0)
		stp_enrolled_pen_set_activity(self->pen, STP_PEN_WAITING);
	else
		stp_enrolled_pen_set_activity(self->pen,
					      self->in_sight ? STP_PEN_AT_REST : STP_PEN_AWAY);
}

static void
want_link(StpPenKeeper *self)
{
	if (self->wanted || self->busy || self->retired)
		return;
	g_clear_handle_id(&self->retry_timer, g_source_remove);
	self->wanted = TRUE;
	stp_enrolled_pen_set_activity(self->pen, STP_PEN_QUEUED);
	g_signal_emit(self, signals[WANTS_LINK], 0);
}

static gboolean
has_news(StpPenKeeper *self, const StpSighting *sighting)
{
	const struct stp_advert *status = &sighting->status;
	gint64 age = g_get_monotonic_time() - self->completed;

	if (self->stopped && !self->known)
		return age > UNFINISHED_INTERVAL_US;
	if (!self->known)
		return TRUE;
	if ((self->stopped || self->last.damaged + self->last.given_up > 0) && age > UNFINISHED_INTERVAL_US)
		return TRUE;
	/* A pen whose advertisements never agree with its log would be asked without end. */
	if (self->last.records == 0 && age < IDLE_PAUSE_US)
		return FALSE;
	if (!sighting->has_status)
		return age > BLIND_INTERVAL_US;
	return status->newest_record != self->known_newest ||
	       status->epoch_low != (self->known_epoch & 0xff) ||
	       status->boot_counter != (self->known_boot & 0xffff);
}

/* ---- the end of a sync ---- */

static void
answer_waiters(StpPenKeeper *self, const GError *error)
{
	g_autoptr(GPtrArray) waiters = g_steal_pointer(&self->waiters);

	self->waiters = g_ptr_array_new_with_free_func(g_object_unref);
	for (guint i = 0; i < waiters->len; i++) {
		GTask *task = g_ptr_array_index(waiters, i);

		if (error != NULL)
			g_task_return_error(task, g_error_copy(error));
		else
			g_task_return_boolean(task, TRUE);
	}
}

/* Those who wait are told that the pen is gone; it is synced when it comes back. */
static void
answer_away(StpPenKeeper *self)
{
	g_autoptr(GError) error = g_error_new(STP_ERROR, STP_ERROR_LINK_FAILED,
		"Pen %s is not in sight. Switch it on and bring it near; it is then synced by itself.",
		serial_of(self));

	answer_waiters(self, error);
}

static gboolean
on_away(gpointer user_data)
{
	StpPenKeeper *self = user_data;

	self->away_timer = 0;
	self->in_sight = FALSE;
	if (!self->busy && !self->wanted) {
		if (self->retry_timer == 0)
			answer_away(self);
		rest(self);
	}
	return G_SOURCE_REMOVE;
}

static void
be_in_sight(StpPenKeeper *self)
{
	self->in_sight = TRUE;
	g_clear_handle_id(&self->away_timer, g_source_remove);
	self->away_timer = g_timeout_add_seconds(AWAY_AFTER_S, on_away, self);
}

void
stp_pen_keeper_heard(StpPenKeeper *self, const StpSighting *sighting)
{
	if (self->retired || !sighting->in_sight)
		return;

	be_in_sight(self);
	stp_enrolled_pen_set_seen(self->pen, sighting->address, sighting->last_seen);

	if (self->busy || self->wanted)
		return;
	if (self->waiters->len > 0 || (self->retry_timer == 0 && has_news(self, sighting)))
		want_link(self);
	else
		rest(self);
}

static gboolean
on_retry(gpointer user_data)
{
	StpPenKeeper *self = user_data;

	self->retry_timer = 0;
	if (self->in_sight) {
		want_link(self);
	} else {
		answer_away(self);
		rest(self);	/* its next advertisement makes us try again: what it has is not known */
	}
	return G_SOURCE_REMOVE;
}

static guint
pause_after(StpPenKeeper *self, const GError *error)
{
	/* These do not pass in seconds. */
	if (g_error_matches(error, STP_ERROR, STP_ERROR_DENIED))
		return 300;
	if (g_error_matches(error, STP_ERROR, STP_ERROR_STORE_FULL) ||
	    g_error_matches(error, STP_ERROR, STP_ERROR_STORE_FAILED))
		return 60;
	if (g_error_matches(error, STP_ERROR, STP_ERROR_BUSY))
		return 30;
	return backoff_s[MIN(self->failures, G_N_ELEMENTS(backoff_s)) - 1];
}

static void
take_failure(StpPenKeeper *self, const GError *error)
{
	guint pause;

	stp_enrolled_pen_set_error(self->pen, error);
	stp_enrolled_pen_emit_sync_ended(self->pen, error->message, &self->last);
	self->known = FALSE;
	self->stopped = FALSE;
	if (g_error_matches(error, STP_ERROR, STP_ERROR_CANCELLED)) {
		/* On request: begin anew when it has news, when asked, or after a while. */
		self->stopped = TRUE;
		self->completed = g_get_monotonic_time();
		stp_info("sync", serial_of(self), "%s", error->message);
		self->known = self->last.has_status;
		self->known_epoch = self->last.epoch;
		self->known_newest = self->last.newest;
		self->known_boot = self->last.boot_id;
		self->failures = 0;
		answer_waiters(self, error);
		return;
	}

	self->failures++;
	pause = pause_after(self, error);
	stp_warning("sync", serial_of(self), "%s (try %u; the next in %u s)", error->message,
		    self->failures, pause);
	if (!g_error_matches(error, STP_ERROR, STP_ERROR_LINK_FAILED) ||
	    self->failures >= PATIENT_TRIES)
		answer_waiters(self, error);
	self->retry_timer = g_timeout_add_seconds(pause, on_retry, self);
}

static void
take_success(StpPenKeeper *self)
{
	self->failures = 0;
	self->stopped = FALSE;
	self->known = TRUE;
	self->known_epoch = self->last.epoch;
	self->known_newest = self->last.newest;
	self->known_boot = self->last.boot_id;
	self->completed = g_get_monotonic_time();
	stp_enrolled_pen_set_error(self->pen, NULL);
	stp_info("sync", serial_of(self),
		 "Complete: %u new records, %u damaged, %u not to be had, %" G_GUINT64_FORMAT
		 " bytes at an MTU of %u.", self->last.records, self->last.damaged,
		 self->last.given_up, self->last.bytes, self->last.mtu);
	stp_enrolled_pen_emit_sync_ended(self->pen, "", &self->last);
	answer_waiters(self, NULL);
}

static void
refresh_row(StpPenKeeper *self)
{
	g_autoptr(GError) error = NULL;
	StpPenRow *row = stp_store_get_pen(self->store, serial_of(self), &error);

	if (row != NULL)
		stp_enrolled_pen_set_row(self->pen, row);
	else
		stp_warning("sync", serial_of(self), "%s", error->message);
}

/* error NULL: it completed. */
static void
finish(StpPenKeeper *self, const GError *error)
{
	self->busy = FALSE;
	g_clear_object(&self->sync);
	g_clear_object(&self->cancellable);
	stp_enrolled_pen_set_progress(self->pen, NULL);
	if (!self->retired) {
		if (error != NULL)
			take_failure(self, error);
		else
			take_success(self);
		rest(self);
	} else {
		/* It may have completed just before it was to stop. */
		answer_waiters(self, error);
	}
	g_signal_emit(self, signals[FINISHED], 0);
}

/* ---- a sync ---- */

static void
on_row_kept(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(StpPenKeeper) self = user_data;
	g_autoptr(GError) error = NULL;

	if (!stp_store_put_pen_finish(STP_STORE(source), result, &error))
		stp_warning("sync", serial_of(self), "%s", error->message);
	else if (!self->retired)
		refresh_row(self);
}

/* Firmware, battery and address change; label and enrolment are the clinic's. */
static void
keep_identity(StpPenKeeper *self, const StpPenRow *identity)
{
	const StpPenRow *old = stp_enrolled_pen_get_row(self->pen);
	StpPenRow row = *identity;

	row.label = old->label;
	row.enrolled = old->enrolled;
	row.enrolled_at = old->enrolled_at;
	row.last_seen = g_get_real_time();
	row.last_sync = old->last_sync;
	stp_store_put_pen_async(self->store, &row, NULL, on_row_kept, g_object_ref(self));
}

static void
on_sync_ended(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(StpPenKeeper) self = user_data;
	StpPenSync *sync = STP_PEN_SYNC(source);
	g_autoptr(GError) error = NULL;

	stp_pen_sync_run_finish(sync, result, &error);
	self->last = *stp_pen_sync_get_result(sync);
	self->last.duration_us = g_get_monotonic_time() - self->began;
	if (!self->retired)
		refresh_row(self);
	if (stp_pen_sync_get_identity(sync) != NULL && !self->retired &&
	    g_str_equal(stp_pen_sync_get_identity(sync)->serial, serial_of(self)))
		keep_identity(self, stp_pen_sync_get_identity(sync));
	finish(self, error);
}

static void
on_progress(StpPenSync *sync, StpPenKeeper *self)
{
	struct stp_host_progress progress;

	stp_pen_sync_get_progress(sync, &progress);
	stp_enrolled_pen_set_progress(self->pen, &progress);
}

static void
on_session_stored(StpPenSync *sync, const char *id, StpPenKeeper *self)
{
	g_signal_emit(self, signals[SESSION_STORED], 0, id);
}

static void
run(StpPenKeeper *self, StpLink *link)
{
	be_in_sight(self);
	stp_enrolled_pen_set_activity(self->pen, STP_PEN_SYNCING);
	self->sync = stp_pen_sync_new(serial_of(self), link, self->store);
	g_signal_connect_object(self->sync, "progress", G_CALLBACK(on_progress), self, 0);
	g_signal_connect_object(self->sync, "session-stored", G_CALLBACK(on_session_stored), self,
				0);
	self->began = g_get_monotonic_time();
	stp_pen_sync_run_async(self->sync, self->cancellable, on_sync_ended, g_object_ref(self));
}

static void
on_connected(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(StpPenKeeper) self = user_data;
	g_autoptr(GError) error = NULL;
	g_autoptr(StpLink) link = stp_radio_connect_finish(STP_RADIO(source), result, &error);

	if (link != NULL) {
		run(self, link);
		return;
	}
	memset(&self->last, 0, sizeof(self->last));
	finish(self, error);
}

static void
start(StpPenKeeper *self)
{
	g_clear_handle_id(&self->retry_timer, g_source_remove);
	self->wanted = FALSE;
	self->busy = TRUE;
	self->cancellable = g_cancellable_new();
}

gboolean
stp_pen_keeper_go(StpPenKeeper *self)
{
	if (!self->wanted || self->busy)
		return FALSE;

	start(self);
	stp_enrolled_pen_set_activity(self->pen, STP_PEN_CONNECTING);
	stp_radio_connect_async(self->radio, stp_enrolled_pen_get_row(self->pen)->address,
				self->cancellable, on_connected, g_object_ref(self));
	return TRUE;
}

void
stp_pen_keeper_go_over(StpPenKeeper *self, StpLink *link)
{
	g_return_if_fail(!self->busy);

	start(self);
	run(self, link);
}

/* ---- on request ---- */

static gboolean
on_waited_long(gpointer user_data)
{
	StpPenKeeper *self = STP_PEN_KEEPER(g_task_get_source_object(user_data));

	/* Once it is heard, the sync's own deadlines count. */
	if (!self->busy && !self->wanted && self->retry_timer == 0 &&
	    g_ptr_array_find(self->waiters, user_data, NULL))
		answer_away(self);
	return G_SOURCE_REMOVE;
}

void
stp_pen_keeper_sync_async(StpPenKeeper *self, guint away_timeout_s, GAsyncReadyCallback callback,
			  gpointer user_data)
{
	GTask *task = g_task_new(self, NULL, callback, user_data);

	if (self->retired && !self->busy) {
		g_task_return_new_error(task, STP_ERROR, STP_ERROR_CANCELLED,
			"Pen %s is being removed, or stippled is about to end. Ask again when that is "
			"done.", serial_of(self));
		g_object_unref(task);
		return;
	}
	g_ptr_array_add(self->waiters, task);
	if (self->busy)
		return;		/* the end of the one under way is the answer */

	/* Who asks by hand has perhaps just mended something. */
	self->failures = 0;
	if (self->in_sight) {
		want_link(self);
		return;
	}
	g_timeout_add_seconds_full(G_PRIORITY_DEFAULT, away_timeout_s, on_waited_long,
				   g_object_ref(task), g_object_unref);
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
	if (self->cancellable != NULL) {
		g_cancellable_cancel(self->cancellable);
		return;		/* finish() answers those who wait */
	}
	self->wanted = FALSE;	/* the collector's turn for us finds nothing to do */
	answer_waiters(self, cancelled);
	rest(self);
}

void
stp_pen_keeper_retire(StpPenKeeper *self)
{
	self->retired = TRUE;
	g_clear_handle_id(&self->away_timer, g_source_remove);
	stp_pen_keeper_cancel(self);
}
