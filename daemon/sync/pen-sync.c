/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "pen-sync.h"

#include "error.h"
#include "log.h"
#include "sync-findings.h"
#include "sync-opening.h"
#include "sync-resume.h"
#include "sync-wanted.h"

/* Signals to other processes follow these; more often helps nobody. */
#define PROGRESS_INTERVAL_US G_USEC_PER_SEC

struct _StpPenSync {
	GObject parent;

	char *serial;
	StpLink *link;
	StpStore *store;

	GTask *task;		/* while running */
	GSource *cancelled;
	GSource *timer;
	struct stp_host *host;
	gboolean dialogue;	/* the engine was started */
	gboolean polling;
	gboolean stopped;	/* on request */
	gboolean ending;
	guint pending;		/* calls under way that will call back */
	GError *error;

	const char *stage;
	gint64 started;
	gint64 clock_asked;	/* monotonic, microseconds */
	gint64 clock_asked_utc;
	GArray *held, *wanted;	/* the engine reads them until it is done */
	StpSyncOpening *opening;
	StpSyncResume *resume;
	GArray *credits;	/* (element-type struct stp_host_action), for when the journal has followed */
	StpSyncResult result;
	gint64 progress_shown;
};

G_DEFINE_FINAL_TYPE(StpPenSync, stp_pen_sync, G_TYPE_OBJECT)

enum { PROGRESS, SESSION_STORED, SIGNAL_COUNT };
static guint signals[SIGNAL_COUNT];

static void poll_engine(StpPenSync *self);
static void end(StpPenSync *self, GError *error);

static guint64
now_ms(void)
{
	return (guint64)(g_get_monotonic_time() / 1000);
}

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

	g_free(self->serial);
	g_clear_object(&self->link);
	g_clear_object(&self->store);
	stp_host_free(self->host);
	g_clear_pointer(&self->held, g_array_unref);
	g_clear_pointer(&self->wanted, g_array_unref);
	g_clear_pointer(&self->opening, stp_sync_opening_free);
	g_clear_pointer(&self->resume, stp_sync_resume_close);
	g_array_unref(self->credits);
	g_clear_error(&self->error);
	G_OBJECT_CLASS(stp_pen_sync_parent_class)->finalize(object);
}

static void
stp_pen_sync_class_init(StpPenSyncClass *class)
{
	G_OBJECT_CLASS(class)->finalize = stp_pen_sync_finalize;

	signals[PROGRESS] = g_signal_new("progress", STP_TYPE_PEN_SYNC, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
					 G_TYPE_NONE, 0);
	signals[SESSION_STORED] = g_signal_new("session-stored", STP_TYPE_PEN_SYNC, G_SIGNAL_RUN_LAST, 0, NULL,
					       NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
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

/* ---- the end ---- */

static void
on_attempt_kept(GObject *source, GAsyncResult *result, gpointer user_data)
{
	g_autoptr(StpPenSync) self = user_data;
	g_autoptr(GTask) task = g_steal_pointer(&self->task);
	g_autoptr(GError) error = NULL;

	if (!stp_store_put_attempt_finish(STP_STORE(source), result, &error))
		stp_warning("sync", self->serial, "%s", error->message);

	if (self->error != NULL)
		g_task_return_error(task, g_error_copy(self->error));
	else
		g_task_return_boolean(task, TRUE);
}

static void
on_link_closed_by_us(GObject *source, GAsyncResult *result, gpointer user_data)
{
	StpPenSync *self = user_data;	/* the reference goes on to on_attempt_kept() */
	g_autoptr(GError) error = NULL;
	const StpAttempt attempt = {
		.serial = self->serial,
		.started = self->started,
		.ended = g_get_real_time(),
		.stage = self->stage,
		.records = self->result.records,
		.damaged = self->result.damaged,
		.given_up = self->result.given_up,
		.bytes = self->result.bytes,
		.mtu = self->result.mtu,
		.error = self->error != NULL ? self->error->message : "",
	};

	if (!stp_link_close_finish(STP_LINK(source), result, &error))
		stp_debug("sync", self->serial, "closing the link: %s", error->message);
	stp_store_put_attempt_async(self->store, &attempt, NULL, on_attempt_kept, self);
}

static void
end_if_quiet(StpPenSync *self)
{
	struct stp_host_progress progress;

	if (!self->ending || self->pending > 0 || self->task == NULL)
		return;

	stp_pen_sync_get_progress(self, &progress);
	self->result.bytes = progress.bytes_received;
	stp_link_close_async(self->link, on_link_closed_by_us, g_object_ref(self));
}

static void
drop_source(GSource **source)
{
	if (*source == NULL)
		return;
	g_source_destroy(*source);
	g_clear_pointer(source, g_source_unref);
}

/* Takes the error; the first one counts. */
static void
end(StpPenSync *self, GError *error)
{
	if (self->ending) {
		g_clear_error(&error);
		return;
	}
	self->ending = TRUE;
	self->error = error;
	/* Kept before the attempt is, and so before anybody is told that this sync has ended. */
	if (self->dialogue)
		stp_sync_resume_keep_all(self->resume, self->host);
	drop_source(&self->timer);
	drop_source(&self->cancelled);
	g_signal_handlers_disconnect_by_data(self->link, self);
	end_if_quiet(self);
}

/* Every call that will call back holds a reference and counts as pending. */
static StpPenSync *
begin(StpPenSync *self)
{
	self->pending++;
	return g_object_ref(self);
}

static void
done(StpPenSync *self)
{
	self->pending--;
	end_if_quiet(self);
	g_object_unref(self);
}

/* ---- what the engine asks for ---- */

static void
on_written(GObject *source, GAsyncResult *result, gpointer user_data)
{
	StpPenSync *self = user_data;
	g_autoptr(GError) error = NULL;

	if (!stp_link_write_finish(STP_LINK(source), result, &error))
		end(self, g_steal_pointer(&error));
	done(self);
}

static void
on_clock(GObject *source, GAsyncResult *result, gpointer user_data)
{
	StpPenSync *self = user_data;
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) value = stp_link_read_finish(STP_LINK(source), result, &error);
	gint64 utc = g_get_real_time();
	gint64 took = g_get_monotonic_time() - self->clock_asked;
	gsize size = 0;
	const guint8 *bytes = value != NULL ? g_bytes_get_data(value, &size) : NULL;

	if (bytes != NULL && !stp_sync_clock_held(self->serial, self->clock_asked_utc, utc, took))
		bytes = NULL;
	if (error != NULL)
		stp_warning("sync", self->serial,
			    "The pen's clock could not be read (%s); sessions of this power-up keep "
			    "their order, and get their time at the next contact.", error->message);
	if (!self->ending) {
		stp_host_time(self->host, bytes, size, utc, (guint32)CLAMP(took, 0, G_MAXINT32), now_ms());
		poll_engine(self);
	}
	done(self);
}

static const struct stp_range *
ranges_of(const GArray *array)
{
	return (const struct stp_range *)(const void *)array->data;
}

static void
on_state_kept(GObject *source, GAsyncResult *result, gpointer user_data)
{
	StpPenSync *self = user_data;
	g_autoptr(GError) error = NULL;

	if (!stp_store_put_state_finish(STP_STORE(source), result, &error))
		end(self, g_steal_pointer(&error));
	if (!self->ending) {
		stp_host_held(self->host, ranges_of(self->held), self->held->len, now_ms());
		stp_host_want(self->host, ranges_of(self->wanted), self->wanted->len, now_ms());
		poll_engine(self);
	}
	done(self);
}

static void
take_state(StpPenSync *self, const struct stp_host_state *state)
{
	g_autoptr(GError) error = NULL;

	self->stage = "transfer";
	self->result.has_status = TRUE;
	self->result.epoch = state->epoch;
	self->result.newest = state->newest;
	self->result.boot_id = state->boot_id;
	stp_sync_find_state(self->store, self->serial, state);

	g_clear_pointer(&self->held, g_array_unref);
	g_clear_pointer(&self->wanted, g_array_unref);
	if (!stp_sync_choose(self->store, self->serial, state, &self->held, &self->wanted, &error)) {
		end(self, g_steal_pointer(&error));
		return;
	}
	stp_sync_resume_load(self->resume);
	stp_debug("sync", self->serial, "epoch %08x has %u..%u, %u ranges of it are missing here",
		  state->epoch, state->oldest, state->newest, self->wanted->len);

	stp_store_put_state_async(self->store, self->serial, state->epoch, state->oldest,
				  state->newest, state->anchored ? &state->anchor : NULL, NULL,
				  on_state_kept, begin(self));
}

static void
on_record_kept(GObject *source, GAsyncResult *result, gpointer user_data)
{
	StpPenSync *self = user_data;
	g_autoptr(GError) error = NULL;
	g_autoptr(StpStoredOutcome) outcome = stp_store_put_record_finish(STP_STORE(source), result, &error);

	if (outcome == NULL) {
		end(self, g_steal_pointer(&error));
		done(self);
		return;
	}

	if (!outcome->acknowledge)
		self->result.damaged++;
	else if (outcome->how == STP_STORED_NEW)
		self->result.records++;
	else
		self->result.again++;
	if (outcome->session_id != NULL)
		g_signal_emit(self, signals[SESSION_STORED], 0, outcome->session_id);

	if (!self->ending) {
		stp_host_stored(self->host, outcome->acknowledge, now_ms());
		poll_engine(self);
	}
	done(self);
}

static void
take_record(StpPenSync *self, const struct stp_host_action *action)
{
	const struct stp_entry *entry = &action->u.record.entry;
	g_autoptr(GBytes) raw = g_bytes_new(action->u.record.raw, action->u.record.size);
	const StpArrival arrival = {
		.serial = self->serial,
		.epoch = action->u.record.epoch,
		.number = entry->record,
		.raw = raw,
		.integrity = action->u.record.integrity,
		.listed_size = entry->length,
		.listed_type = entry->type,
		.listed_boot_id = entry->boot_id,
		.listed_start_tick_ms = entry->start_tick_ms,
		.authenticated = stp_link_get_authenticated(self->link),
		.received_at = g_get_real_time(),
	};

	stp_store_put_record_async(self->store, &arrival, NULL, on_record_kept, begin(self));
}

static void
write_control(StpPenSync *self, const struct stp_host_action *action, gboolean with_response)
{
	g_autoptr(GBytes) value = g_bytes_new(action->u.write.bytes, action->u.write.size);

	stp_link_write_async(self->link, STP_CHANNEL_LOG_CONTROL, value, with_response, NULL, on_written,
			     begin(self));
}

/* No more is asked of the pen than the disk can follow: else a crash would cost more than a chunk. */
static void
write_credits(gpointer user_data)
{
	StpPenSync *self = user_data;

	if (!self->ending)
		stp_sync_resume_keep(self->resume, self->host);
	while (self->credits->len > 0 && !self->ending && !stp_sync_resume_is_behind(self->resume, self->host)) {
		write_control(self, &g_array_index(self->credits, struct stp_host_action, 0), FALSE);
		g_array_remove_index(self->credits, 0);
	}
}

static void
carry_out(StpPenSync *self, const struct stp_host_action *action)
{
	switch (action->kind) {
	case STP_HOST_WRITE:
		/* The pen would drop those of the request before. */
		g_array_set_size(self->credits, 0);
		write_control(self, action, TRUE);
		break;
	case STP_HOST_WRITE_COMMAND:
		g_array_append_val(self->credits, *action);
		write_credits(self);
		break;
	case STP_HOST_READ_TIME:
		self->clock_asked = g_get_monotonic_time();
		self->clock_asked_utc = g_get_real_time();
		stp_link_read_async(self->link, STP_CHANNEL_ELAPSED_TIME, NULL, on_clock, begin(self));
		break;
	case STP_HOST_STATE:
		take_state(self, &action->u.state);
		break;
	case STP_HOST_BEGIN:
		stp_sync_resume_begin(self->resume, self->host, action);
		break;
	case STP_HOST_RECORD:
		stp_sync_resume_delivered(self->resume);
		take_record(self, action);
		break;
	case STP_HOST_GIVEN_UP:
		self->result.given_up++;
		stp_sync_resume_keep_all(self->resume, self->host);
		stp_sync_find_given_up(self->store, self->serial, action);
		break;
	case STP_HOST_NOTE:
		stp_sync_resume_note(self->resume, action);
		stp_sync_find_note(self->store, self->serial, self->result.epoch, action);
		break;
	case STP_HOST_DONE:
		/* A dialogue that was stopped is done, too, but the sync is not complete. */
		if (!self->stopped)
			self->stage = "done";
		end(self, self->stopped ? stp_sync_stopped() : NULL);
		break;
	case STP_HOST_FAILED:
		end(self, stp_sync_failure(action));
		break;
	case STP_HOST_LISTED:
	case STP_HOST_IDLE:
		break;
	}
}

static gboolean
on_deadline(gpointer user_data)
{
	StpPenSync *self = user_data;

	drop_source(&self->timer);
	stp_host_timeout(self->host, now_ms());
	poll_engine(self);
	return G_SOURCE_REMOVE;
}

static void
set_timer(StpPenSync *self)
{
	guint64 deadline = stp_host_deadline(self->host);
	guint64 now = now_ms();

	drop_source(&self->timer);
	if (deadline == G_MAXUINT64)
		return;
	self->timer = g_timeout_source_new(deadline > now ? (guint)MIN(deadline - now, 3600000) : 0);
	g_source_set_callback(self->timer, on_deadline, self, NULL);
	g_source_attach(self->timer, NULL);
}

static void
show_progress(StpPenSync *self)
{
	gint64 now = g_get_monotonic_time();

	if (now - self->progress_shown < PROGRESS_INTERVAL_US)
		return;
	self->progress_shown = now;
	g_signal_emit(self, signals[PROGRESS], 0);
}

static void
poll_engine(StpPenSync *self)
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
		carry_out(self, &action);
	}
	self->polling = FALSE;

	if (!self->ending) {
		stp_sync_resume_keep(self->resume, self->host);
		set_timer(self);
		show_progress(self);
	}
}

/* ---- what the link yields ---- */

static void
on_received(StpLink *link, StpChannel channel, GBytes *value, StpPenSync *self)
{
	gsize size;
	const guint8 *bytes = g_bytes_get_data(value, &size);

	if (!self->dialogue)
		return;		/* a pen must not speak first; what it says then is not lost, it can be read again */
	if (channel == STP_CHANNEL_LOG_CONTROL)
		stp_host_control(self->host, bytes, size, now_ms());
	else if (channel == STP_CHANNEL_LOG_DATA)
		stp_host_data(self->host, bytes, size, now_ms());
	poll_engine(self);
}

static void
on_closed(StpLink *link, const GError *reason, StpPenSync *self)
{
	end(self, g_error_copy(reason));
}

static gboolean
on_cancelled(GCancellable *cancellable, gpointer user_data)
{
	StpPenSync *self = user_data;

	self->stopped = TRUE;
	if (self->dialogue && !self->ending) {
		stp_host_cancel(self->host, now_ms());
		poll_engine(self);
	}
	end(self, stp_sync_stopped());
	return G_SOURCE_REMOVE;
}

/* ---- begin ---- */

static void
on_opened(GObject *source, GAsyncResult *result, gpointer user_data)
{
	StpPenSync *self = user_data;
	g_autoptr(GError) error = NULL;

	self->opening = stp_sync_open_finish(STP_LINK(source), result, &error);
	if (self->opening == NULL)
		end(self, g_steal_pointer(&error));
	if (!self->ending) {
		self->stage = "state";
		self->result.mtu = stp_link_get_mtu(self->link);
		self->dialogue = TRUE;
		stp_host_start(self->host, (uint16_t)self->result.mtu, &self->opening->features, now_ms());
		poll_engine(self);
	}
	done(self);
}

void
stp_pen_sync_run_async(StpPenSync *self, GCancellable *cancellable, GAsyncReadyCallback callback,
		       gpointer user_data)
{
	struct stp_host_config config = { 0 };

	g_return_if_fail(self->task == NULL && !self->ending);

	self->task = g_task_new(self, cancellable, callback, user_data);
	/* We report cancelling ourselves, in our domain, once all is quiet. */
	g_task_set_check_cancellable(self->task, FALSE);
	self->started = g_get_real_time();
	memcpy(config.collector_id, stp_store_get_collector_id(self->store), sizeof(config.collector_id));
	self->host = stp_host_new(&config);
	if (self->host == NULL) {
		end(self, g_error_new(STP_ERROR, STP_ERROR_PROTOCOL_FAILED,
				      "There is not enough memory to sync; free some and try again."));
		return;
	}

	self->resume = stp_sync_resume_new(self->store, self->serial, write_credits, self);
	g_signal_connect(self->link, "received", G_CALLBACK(on_received), self);
	g_signal_connect(self->link, "closed", G_CALLBACK(on_closed), self);
	if (cancellable != NULL) {
		self->cancelled = g_cancellable_source_new(cancellable);
		g_source_set_callback(self->cancelled, G_SOURCE_FUNC(on_cancelled), self, NULL);
		g_source_attach(self->cancelled, NULL);
	}
	self->stage = "open";
	stp_sync_open_async(self->link, self->serial, cancellable, on_opened, begin(self));
}

gboolean
stp_pen_sync_run_finish(StpPenSync *self, GAsyncResult *result, GError **error)
{
	g_return_val_if_fail(g_task_is_valid(result, self), FALSE);
	return g_task_propagate_boolean(G_TASK(result), error);
}

/* ---- looking ---- */

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
