/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "pen-sync.h"
#include "clock.h"
#include "pen-sync-parts.h"

#include "error.h"
#include "log.h"
#include "sync-findings.h"
#include "sync-timing.h"

G_DEFINE_FINAL_TYPE(StpPenSync, stp_pen_sync, G_TYPE_OBJECT)

enum { PROGRESS, STAGE_CHANGED, SESSION_STORED, SIGNAL_COUNT };
static guint signals[SIGNAL_COUNT];

/* ---- lifecycle ---- */

static void
stp_pen_sync_init(StpPenSync *self)
{
	self->stage = "start";
	self->credits = g_array_new(FALSE, FALSE, sizeof(struct stp_host_action));
}

static void
stp_pen_sync_finalize(GObject *object)
{
	StpPenSync *self = STP_PEN_SYNC(object);

	stp_pen_sync_drop_source(&self->stage_timer);
	g_free(self->serial);
	g_clear_object(&self->link);
	g_clear_object(&self->store);
	stp_host_free(self->host);
	g_clear_pointer(&self->held, g_array_unref);
	g_clear_pointer(&self->wanted, g_array_unref);
	g_clear_pointer(&self->opening, stp_sync_opening_free);
	g_clear_pointer(&self->resume, stp_sync_resume_close);
	g_array_unref(self->credits);
	g_clear_pointer(&self->skip, stp_sync_skip_free);
	g_clear_error(&self->error);
	g_clear_error(&self->busy);
	G_OBJECT_CLASS(stp_pen_sync_parent_class)->finalize(object);
}

static void
stp_pen_sync_class_init(StpPenSyncClass *class)
{
	G_OBJECT_CLASS(class)->finalize = stp_pen_sync_finalize;

	signals[PROGRESS] = g_signal_new("progress", STP_TYPE_PEN_SYNC, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
					 NULL, G_TYPE_NONE, 0);
	signals[STAGE_CHANGED] = g_signal_new("stage-changed", STP_TYPE_PEN_SYNC, G_SIGNAL_RUN_LAST, 0, NULL, NULL,
					      NULL, G_TYPE_NONE, 0);
	signals[SESSION_STORED] = g_signal_new("session-stored", STP_TYPE_PEN_SYNC, G_SIGNAL_RUN_LAST, 0,
					       NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
}

StpPenSync *
stp_pen_sync_new(const char *serial, StpLink *link, StpStore *store)
{
	StpPenSync *self = g_object_new(STP_TYPE_PEN_SYNC, NULL);

	self->serial = g_strdup(serial);
	self->link = g_object_ref(link);
	self->store = g_object_ref(store);
	return self;
}

/* ---- the crank ---- */

static gboolean
on_deadline(gpointer user_data)
{
	StpPenSync *self = user_data;

	guint64 now = stp_pen_sync_now_ms(self);

	stp_pen_sync_drop_source(&self->timer);
	if (stp_host_deadline(self->host) > now) {
		stp_pen_sync_set_deadline(self);
		return G_SOURCE_REMOVE;
	}
	stp_host_timeout(self->host, now);
	stp_pen_sync_poll(self);
	return G_SOURCE_REMOVE;
}

void
stp_pen_sync_set_deadline(StpPenSync *self)
{
	guint64 deadline = stp_host_deadline(self->host);
	gboolean wanted = deadline != G_MAXUINT64 && self->held_since == 0;
	guint64 now;

	/* Each value moves it on.  When the timer rings it looks how far: cheaper than one for each value. */
	if (wanted && self->timer != NULL && self->timer_at <= deadline)
		return;
	stp_pen_sync_drop_source(&self->timer);
	if (!wanted)
		return;
	now = stp_pen_sync_now_ms(self);
	self->timer_at = deadline;
	self->timer = stp_clock_source_new(deadline > now ? (guint)MIN(deadline - now, 3600000) : 0);
	g_source_set_callback(self->timer, on_deadline, self, NULL);
	g_source_attach(self->timer, NULL);
}

static void
show_progress(StpPenSync *self, gint64 now)
{
	if (now - self->progress_shown < STP_SYNC_PROGRESS_S * G_USEC_PER_SEC)
		return;
	self->progress_shown = now;
	g_signal_emit(self, signals[PROGRESS], 0);
}

void
stp_pen_sync_poll(StpPenSync *self)
{
	/* An action may call back at once; the loop that is under way takes the rest. */
	if (self->polling || self->ending)
		return;
	self->polling = TRUE;
	while (!self->ending) {
		struct stp_host_action action;

		stp_host_poll(self->host, &action);
		if (action.kind == STP_HOST_IDLE)
			break;
		stp_pen_sync_carry_out(self, &action);
	}
	self->polling = FALSE;

	if (!self->ending) {
		gint64 now = stp_clock_turn();

		stp_sync_resume_keep(self->resume, self->host, now);
		stp_pen_sync_set_deadline(self);
		show_progress(self, now);
	}
}

/* ---- what the link yields ---- */

static void
on_received(StpLink *link, StpChannel channel, GBytes *value, StpPenSync *self)
{
	guint64 now;
	gsize size;
	const guint8 *bytes = g_bytes_get_data(value, &size);

	if (!self->dialogue)
		return; /* a pen must not speak first; what it says then is not lost, it can be read again */
	if (channel == STP_CHANNEL_LIVE) {
		stp_pen_sync_hear(self, bytes, size);
		return;
	}
	/* Of hundreds of values each second: the time of the turn will do, and is there. */
	now = stp_pen_sync_engine_ms(self, stp_clock_turn());
	self->answers += channel == STP_CHANNEL_LOG_CONTROL;
	if (channel == STP_CHANNEL_LOG_DATA && size > self->width) {
		self->width = (guint)size;
		stp_sync_resume_set_width(self->resume, self->width);
	}
	if (channel == STP_CHANNEL_LOG_CONTROL)
		stp_host_control(self->host, bytes, size, now);
	else if (channel == STP_CHANNEL_LOG_DATA)
		stp_host_data(self->host, bytes, size, now);
	stp_pen_sync_poll(self);
}

static void
on_closed(StpLink *link, const GError *reason, StpPenSync *self)
{
	if (self->staying && self->busy == NULL)
		stp_pen_sync_leave(self);	/* nothing was under way any more */
	else
		stp_pen_sync_end(self, g_error_copy(reason));
}

static void
stop(StpPenSync *self)
{
	self->stopped = TRUE;
	if (self->staying && self->busy == NULL) {
		/* All of it is here. */
		stp_pen_sync_leave(self);
		return;
	}
	if (self->dialogue && !self->ending && !self->staying) {
		stp_host_cancel(self->host, stp_pen_sync_now_ms(self));
		stp_pen_sync_poll(self);
	}
	stp_pen_sync_end(self, stp_sync_stopped());
}

static gboolean
on_cancelled(GCancellable *cancellable, gpointer user_data)
{
	StpPenSync *self = user_data;

	stop(self);
	return G_SOURCE_REMOVE;
}

void
stp_pen_sync_yield(StpPenSync *self)
{
	if (self->ending || self->task == NULL)
		return;
	if (self->staying) {
		/* It has its turn when the motor has stopped. */
		stp_pen_sync_leave(self);
		return;
	}
	self->result.yielded = TRUE;
	stop(self);
}

/* ---- begin ---- */

gboolean
stp_pen_sync_make_host(StpPenSync *self)
{
	struct stp_host_config config = { .last_token = self->token, .ack_run = STP_SYNC_ACK_RUN };

	memcpy(config.collector_id, stp_store_get_collector_id(self->store), sizeof(config.collector_id));
	stp_host_free(self->host);
	self->host = stp_host_new(&config);
	if (self->host == NULL) {
		stp_pen_sync_end(self,
				 g_error_new(STP_ERROR, STP_ERROR_PROTOCOL_FAILED,
					     "There is not enough memory to sync; free some and try again."));
		return FALSE;
	}
	g_clear_pointer(&self->resume, stp_sync_resume_close);
	self->resume = stp_sync_resume_new(self->store, self->serial, stp_pen_sync_write_credits, self);
	return TRUE;
}

void
stp_pen_sync_start_dialogue(StpPenSync *self)
{
	stp_pen_sync_enter(self, "state", STP_SYNC_STATE_S);
	self->dialogue = TRUE;
	stp_host_start(self->host, (uint16_t)self->result.mtu, &self->opening->features, stp_pen_sync_now_ms(self));
	stp_pen_sync_poll(self);
}

static void
on_opened(GObject *source, GAsyncResult *result, gpointer user_data)
{
	StpPenSync *self = user_data;
	g_autoptr(GError) error = NULL;

	self->opening = stp_sync_open_finish(STP_LINK(source), result, &error);
	if (self->opening == NULL)
		stp_pen_sync_end(self, g_steal_pointer(&error));
	if (!self->ending) {
		self->result.mtu = stp_link_get_mtu(self->link);
		self->result.capacity = (guint64)self->opening->features.log_capacity_kb * 1024;
		stp_pen_sync_start_dialogue(self);
	}
	stp_pen_sync_done(self);
}

void
stp_pen_sync_run_async(StpPenSync *self, GCancellable *cancellable, GAsyncReadyCallback callback,
		       gpointer user_data)
{
	g_return_if_fail(self->task == NULL && !self->ending);

	self->task = g_task_new(self, cancellable, callback, user_data);
	/* We report cancelling ourselves, in our domain, once all is quiet. */
	g_task_set_check_cancellable(self->task, FALSE);
	self->started = stp_clock_wall();
	if (!stp_pen_sync_make_host(self))
		return;

	g_signal_connect(self->link, "received", G_CALLBACK(on_received), self);
	g_signal_connect(self->link, "closed", G_CALLBACK(on_closed), self);
	if (cancellable != NULL) {
		self->cancelled = g_cancellable_source_new(cancellable);
		g_source_set_callback(self->cancelled, G_SOURCE_FUNC(on_cancelled), self, NULL);
		g_source_attach(self->cancelled, NULL);
	}
	stp_pen_sync_enter(self, "open", STP_SYNC_OPEN_S);
	stp_sync_open_async(self->link, self->store, self->serial, cancellable, on_opened, stp_pen_sync_begin(self));
}

gboolean
stp_pen_sync_run_finish(StpPenSync *self, GAsyncResult *result, GError **error)
{
	g_return_val_if_fail(g_task_is_valid(result, self), FALSE);
	return g_task_propagate_boolean(G_TASK(result), error);
}

/* ---- looking ---- */

void
stp_pen_sync_set_choice(StpPenSync *self, const StpSyncChoice *choice)
{
	self->choice = *choice;
	self->result.chosen = !stp_sync_choice_is_all(choice);
}

void
stp_pen_sync_set_token(StpPenSync *self, guint8 token)
{
	self->token = token;
}

guint8
stp_pen_sync_get_token(StpPenSync *self)
{
	return self->token;
}

const StpSyncResult *
stp_pen_sync_get_result(StpPenSync *self)
{
	return &self->result;
}

void
stp_pen_sync_get_progress(StpPenSync *self, struct stp_host_progress *progress)
{
	memset(progress, 0, sizeof(*progress));
	if (self->host != NULL)
		stp_host_get_progress(self->host, progress);
}

const StpPenRow *
stp_pen_sync_get_identity(StpPenSync *self)
{
	return self->opening != NULL ? self->opening->identity : NULL;
}
