/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "pen-keeper.h"
#include "pen-keeper-parts.h"

#include "clock.h"
#include "error.h"
#include "bond-trouble.h"
#include "log.h"
#include "sync-timing.h"

G_DEFINE_FINAL_TYPE(StpPenKeeper, stp_pen_keeper, G_TYPE_OBJECT)

/* An advertisement has a bit for each of so many collector slots. */
#define SLOTS_TOLD 8

enum { WANTS_LINK, FINISHED, SESSION_STORED, SIGNAL_COUNT };
static guint signals[SIGNAL_COUNT];

/* ---- lifecycle ---- */

static void
stp_pen_keeper_init(StpPenKeeper *self)
{
	self->waiters = g_ptr_array_new_with_free_func(g_object_unref);
	self->sessions_left = STP_SYNC_ROOM_UNKNOWN;
}

static void
stp_pen_keeper_dispose(GObject *object)
{
	StpPenKeeper *self = STP_PEN_KEEPER(object);

	g_clear_handle_id(&self->away_timer, g_source_remove);
	g_clear_handle_id(&self->retry_timer, g_source_remove);
	g_clear_handle_id(&self->connect_timer, g_source_remove);
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
	stp_pen_keeper_recall_warning(self);
	stp_pen_keeper_look_at_room(self);
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

gboolean
stp_pen_keeper_wants_link(StpPenKeeper *self)
{
	return self->wanted;
}

gboolean
stp_pen_keeper_is_syncing(StpPenKeeper *self)
{
	return self->sync != NULL;
}

const char *
stp_pen_keeper_serial(StpPenKeeper *self)
{
	return stp_enrolled_pen_get_row(self->pen)->serial;
}

/* ---- wanting a link ---- */

void
stp_pen_keeper_rest(StpPenKeeper *self)
{
	if (self->retry_timer != 0)
		stp_enrolled_pen_set_activity(self->pen, STP_PEN_WAITING);
	else
		stp_enrolled_pen_set_activity(self->pen,
					      self->in_sight ? STP_PEN_AT_REST : STP_PEN_AWAY);
}

void
stp_pen_keeper_want_link(StpPenKeeper *self)
{
	if (self->wanted || self->busy || self->retired || self->held)
		return;
	g_clear_handle_id(&self->retry_timer, g_source_remove);
	self->wanted = TRUE;
	self->wants_since = stp_clock_monotonic();
	stp_enrolled_pen_set_activity(self->pen, STP_PEN_QUEUED);
	g_signal_emit(self, signals[WANTS_LINK], 0);
}

/* Each time that brought nothing doubles it: what a pen cannot give now it seldom can in a quarter of an hour. */
static gint64
unfinished_interval_s(const StpPenKeeper *self)
{
	return MIN((gint64)STP_SYNC_UNFINISHED_S << MIN(self->in_vain, 8), STP_SYNC_UNFINISHED_MAX_S);
}

/* A pen that guards its privacy tells nothing that grows, but which collectors lack records. */
static gboolean
guards_privacy(const StpPenKeeper *self, const struct stp_advert *status)
{
	return status->newest_record == 0 && status->boot_counter == 0 && (self->known_boot & 0xffff) != 0;
}

static gboolean
calls_us(const StpPenKeeper *self, const struct stp_advert *status, gint64 age_s)
{
	const gboolean has_slot = self->known_slot < SLOTS_TOLD;

	/* It may have been switched on anew: the sessions of each time want a contact to date them by. */
	if (self->came_back && age_s > STP_SYNC_BLIND_S)
		return TRUE;
	/* The slot may be another one by now, or nobody's. */
	if (has_slot && (status->slots_with_news & 1u << self->known_slot) == 0)
		return age_s > STP_SYNC_UNFINISHED_MAX_S;
	/* What it lacks may be what nobody can have. */
	return age_s > STP_SYNC_BLIND_S || (has_slot && self->last.records + self->last.conflicts > 0);
}

static gboolean
has_news(StpPenKeeper *self, const StpSighting *sighting)
{
	const struct stp_advert *status = &sighting->status;
	gint64 age_s = (stp_clock_monotonic() - self->completed) / G_USEC_PER_SEC;

	if (self->stopped && !self->known)
		return age_s > STP_SYNC_UNFINISHED_S;
	if (!self->known)
		return TRUE;
	if (self->stopped && age_s > STP_SYNC_UNFINISHED_S)
		return TRUE;
	/* What the pen does not know to be held fills its log. */
	if (self->unfinished > 0 && age_s > unfinished_interval_s(self))
		return TRUE;
	if (age_s > STP_SYNC_GIVEN_UP_S)
		return TRUE;
	/* A pen whose advertisements never agree with its log would be asked without end. */
	if (self->last.records + self->last.conflicts == 0 && age_s < STP_SYNC_IDLE_PAUSE_S)
		return FALSE;
	if (!sighting->has_status)
		return age_s > STP_SYNC_BLIND_S;
	if (status->epoch_low != (self->known_epoch & 0xff))
		return TRUE;
	if (guards_privacy(self, status))
		return calls_us(self, status, age_s);
	return status->newest_record != self->known_newest ||
	       status->boot_counter != (self->known_boot & 0xffff);
}

static void
be_away(StpPenKeeper *self)
{
	g_clear_handle_id(&self->away_timer, g_source_remove);
	self->in_sight = FALSE;
	self->came_back = TRUE;
	if (!self->busy && !self->wanted) {
		if (self->retry_timer == 0)
			stp_pen_keeper_answer_away(self);
		stp_pen_keeper_rest(self);
	}
}

static gboolean
on_away(gpointer user_data)
{
	StpPenKeeper *self = user_data;

	self->away_timer = 0;
	be_away(self);
	return G_SOURCE_REMOVE;
}

static void
be_in_sight(StpPenKeeper *self)
{
	self->in_sight = TRUE;
	g_clear_handle_id(&self->away_timer, g_source_remove);
	self->away_timer = stp_clock_add_seconds(STP_SYNC_AWAY_S, on_away, self);
}

static void
take_status(StpPenKeeper *self, const struct stp_advert *status)
{
	self->overrun = (status->flags & STP_ADVERT_OVERRUN_NEAR) != 0;
	/* A pen that guards its privacy does not tell; and of another log we know nothing yet. */
	if (status->newest_record != 0 && status->epoch_low == (self->room_epoch & 0xff))
		self->heard_newest = status->newest_record;
	stp_pen_keeper_reckon_room(self);
}

void
stp_pen_keeper_heard(StpPenKeeper *self, const StpSighting *sighting)
{
	if (self->retired)
		return;
	if (!sighting->in_sight) {
		be_away(self);
		return;
	}

	be_in_sight(self);
	stp_enrolled_pen_set_seen(self->pen, sighting->address, sighting->last_seen);
	if (sighting->has_status)
		take_status(self, &sighting->status);

	if (self->busy || self->wanted)
		return;
	if (self->waiters->len > 0 || (self->retry_timer == 0 && has_news(self, sighting)))
		stp_pen_keeper_want_link(self);
	else
		stp_pen_keeper_rest(self);
}

/* ---- a sync ---- */

void
stp_pen_keeper_refresh_row(StpPenKeeper *self)
{
	g_autoptr(GError) error = NULL;
	StpPenRow *row = stp_store_get_pen(self->store, stp_pen_keeper_serial(self), &error);

	if (row != NULL)
		stp_enrolled_pen_set_row(self->pen, row);
	else
		stp_warning("sync", stp_pen_keeper_serial(self), "%s", error->message);
}

static void
on_row_kept(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(StpPenKeeper) self = user_data;
	g_autoptr(GError) error = NULL;

	if (!stp_store_put_identity_finish(STP_STORE(source), result, &error))
		stp_warning("sync", stp_pen_keeper_serial(self), "%s", error->message);
	else if (!self->retired)
		stp_pen_keeper_refresh_row(self);
}

/* Firmware, battery and address change; label, bond and enrolment are the clinic's. */
static void
keep_identity(StpPenKeeper *self, const StpPenRow *identity)
{
	StpPenRow row = *identity;

	row.last_seen = stp_clock_wall();
	stp_store_put_identity_async(self->store, &row, NULL, on_row_kept, g_object_ref(self));
}

static void
on_sync_ended(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(StpPenKeeper) self = user_data;
	StpPenSync *sync = STP_PEN_SYNC(source);
	g_autoptr(GError) error = NULL;

	stp_pen_sync_run_finish(sync, result, &error);
	self->last = *stp_pen_sync_get_result(sync);
	self->last.duration_us = stp_clock_monotonic() - self->began;
	self->token = stp_pen_sync_get_token(sync);
	if (!self->retired)
		stp_pen_keeper_refresh_row(self);
	if (stp_pen_sync_get_identity(sync) != NULL && !self->retired &&
	    g_str_equal(stp_pen_sync_get_identity(sync)->serial, stp_pen_keeper_serial(self)))
		keep_identity(self, stp_pen_sync_get_identity(sync));
	stp_pen_keeper_finish(self, error);
}

static void
on_progress(StpPenSync *sync, StpPenKeeper *self)
{
	struct stp_host_progress progress;

	stp_pen_sync_get_progress(sync, &progress);
	stp_enrolled_pen_set_progress(self->pen, &progress);
}

static void
on_stage_changed(StpPenSync *sync, StpPenKeeper *self)
{
	stp_enrolled_pen_set_stage(self->pen, stp_pen_sync_get_stage(sync));
	stp_pen_keeper_answer_listening(self);
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
	self->sync = stp_pen_sync_new(stp_pen_keeper_serial(self), link, self->store);
	g_signal_connect_object(self->sync, "stage-changed", G_CALLBACK(on_stage_changed), self, 0);
	g_signal_connect_object(self->sync, "progress", G_CALLBACK(on_progress), self, 0);
	g_signal_connect_object(self->sync, "session-stored", G_CALLBACK(on_session_stored), self,
				0);
	self->began = stp_clock_monotonic();
	stp_pen_sync_set_token(self->sync, self->token);
	stp_pen_sync_set_choice(self->sync, &self->choice);
	stp_pen_sync_run_async(self->sync, self->cancellable, on_sync_ended, g_object_ref(self));
}

/* ---- connecting ---- */

typedef struct {
	StpPenKeeper *keeper;
	guint connection;
} Connection;

static GError *
overdue_error(StpPenKeeper *self)
{
	return g_error_new(STP_ERROR, STP_ERROR_LINK_FAILED,
			   "Connecting to pen %s took longer than %d s. It is tried again by itself; if it stays so, "
			   "restart bluetoothd.", stp_pen_keeper_serial(self), STP_SYNC_CONNECT_S);
}

static void
on_attempt_noted(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(StpPenKeeper) self = user_data;
	g_autoptr(GError) error = NULL;

	if (!stp_store_put_attempt_finish(STP_STORE(source), result, &error))
		stp_warning("sync", stp_pen_keeper_serial(self), "%s", error->message);
}

/* Of a link that never was there is no sync that could tell of it. */
static void
note_failure(StpPenKeeper *self, const GError *error)
{
	const StpAttempt attempt = {
		.serial = stp_pen_keeper_serial(self),
		.started = self->connecting_since,
		.ended = stp_clock_wall(),
		.stage = "connect",
		.error = error->message,
		.trouble = stp_trouble_name(stp_trouble_of(error)),
	};

	if (self->retired || g_error_matches(error, STP_ERROR, STP_ERROR_CANCELLED))
		return;
	stp_store_put_attempt_async(self->store, &attempt, NULL, on_attempt_noted, g_object_ref(self));
}

static void
fail_to_connect(StpPenKeeper *self, const GError *error)
{
	g_autoptr(GError) explained = NULL;

	g_clear_handle_id(&self->connect_timer, g_source_remove);
	memset(&self->last, 0, sizeof(self->last));
	if (self->connect_overdue) {
		g_autoptr(GError) overdue = overdue_error(self);

		self->connect_overdue = FALSE;
		note_failure(self, overdue);
		stp_pen_keeper_finish(self, overdue);
		return;
	}
	if (error != NULL)
		explained = stp_bond_explain(self->radio, stp_enrolled_pen_get_row(self->pen), g_error_copy(error));
	if (explained != NULL)
		note_failure(self, explained);
	stp_pen_keeper_finish(self, explained);
}

static void
on_connected(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autofree Connection *connection = user_data;
	g_autoptr(StpPenKeeper) self = connection->keeper;
	g_autoptr(GError) error = NULL;
	g_autoptr(StpLink) link = stp_radio_connect_finish(STP_RADIO(source), result, &error);

	if (connection->connection != self->connection) {
		if (link != NULL)
			stp_link_close_async(link, NULL, NULL);
		return;
	}
	if (link == NULL) {
		fail_to_connect(self, error);
		return;
	}
	g_clear_handle_id(&self->connect_timer, g_source_remove);
	self->connect_overdue = FALSE;
	run(self, link);
}

/* Not even cancelling brought an answer. */
static gboolean
on_connect_abandoned(gpointer user_data)
{
	StpPenKeeper *self = user_data;

	self->connect_timer = 0;
	self->connection++;
	fail_to_connect(self, NULL);
	return G_SOURCE_REMOVE;
}

static gboolean
on_connect_overdue(gpointer user_data)
{
	g_autoptr(StpPenKeeper) self = g_object_ref(user_data);

	self->connect_timer = stp_clock_add_seconds(STP_SYNC_ABANDON_S, on_connect_abandoned, self);
	self->connect_overdue = TRUE;
	g_cancellable_cancel(self->cancellable);
	return G_SOURCE_REMOVE;
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
	Connection *connection;

	if (!self->wanted || self->busy || self->held)
		return FALSE;

	start(self);
	stp_enrolled_pen_set_activity(self->pen, STP_PEN_CONNECTING);
	stp_enrolled_pen_set_stage(self->pen, "connect");
	connection = g_new0(Connection, 1);
	connection->keeper = g_object_ref(self);
	connection->connection = ++self->connection;
	self->connect_overdue = FALSE;
	self->connecting_since = stp_clock_wall();
	self->connect_timer = stp_clock_add_seconds(STP_SYNC_CONNECT_S, on_connect_overdue, self);
	stp_radio_connect_async(self->radio, stp_enrolled_pen_get_row(self->pen)->address,
				self->cancellable, on_connected, connection);
	return TRUE;
}

void
stp_pen_keeper_yield(StpPenKeeper *self)
{
	if (self->sync != NULL) {
		stp_pen_sync_yield(self->sync);
	} else if (self->busy) {
		self->gives_way = TRUE;
		g_cancellable_cancel(self->cancellable);
	}
}

gboolean
stp_pen_keeper_is_listening(StpPenKeeper *self)
{
	const GError *busy;

	return self->sync != NULL && stp_pen_sync_is_listening(self->sync, &busy);
}

void
stp_pen_keeper_get_claim(StpPenKeeper *self, StpSyncClaim *claim, gint64 *runs_since)
{
	*claim = (StpSyncClaim){
		.overrun = self->short_of_room,
		.asked = self->waiters->len > 0,
		.complete_at = stp_enrolled_pen_get_row(self->pen)->last_sync,
		.waits_since = self->wants_since,
	};
	if (runs_since != NULL)
		*runs_since = self->began;
}

void
stp_pen_keeper_go_over(StpPenKeeper *self, StpLink *link)
{
	g_return_if_fail(!self->busy);

	start(self);
	run(self, link);
}

void
stp_pen_keeper_hold(StpPenKeeper *self, gboolean hold)
{
	self->held = hold;
	if (hold)
		self->wanted = FALSE;	/* the collector's turn for us finds nothing to do */
	else if (self->waiters->len > 0 && self->in_sight)
		stp_pen_keeper_want_link(self);
	if (!self->busy)
		stp_pen_keeper_rest(self);
}

void
stp_pen_keeper_retire(StpPenKeeper *self)
{
	self->retired = TRUE;
	g_clear_handle_id(&self->away_timer, g_source_remove);
	stp_pen_keeper_cancel(self);
}
