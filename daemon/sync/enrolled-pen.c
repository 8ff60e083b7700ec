/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "enrolled-pen.h"

#include <string.h>

#include "clock.h"
#include "sync-room.h"
#include "sync-timing.h"

struct _StpEnrolledPen {
	GObject parent;

	StpPenRow *row;
	StpPenActivity activity;
	const char *stage;
	struct stp_host_progress progress;
	gint64 progress_at;	/* monotonic */
	guint64 rate;
	gint64 wanted_at;	/* monotonic: when the sync under way first knew what it wants; 0: it does not */
	guint32 seconds_left;
	guint sessions_left;
	char *error, *hint, *warning;
};

G_DEFINE_FINAL_TYPE(StpEnrolledPen, stp_enrolled_pen, G_TYPE_OBJECT)

enum { CHANGED, SYNC_ENDED, SIGNAL_COUNT };
static guint signals[SIGNAL_COUNT];

const char *
stp_pen_activity_name(StpPenActivity activity)
{
	switch (activity) {
	case STP_PEN_AWAY:
		return "away";
	case STP_PEN_AT_REST:
		return "idle";
	case STP_PEN_QUEUED:
		return "queued";
	case STP_PEN_CONNECTING:
		return "connecting";
	case STP_PEN_SYNCING:
		return "syncing";
	case STP_PEN_WAITING:
		return "waiting";
	}
	g_return_val_if_reached("away");
}

static void
stp_enrolled_pen_init(StpEnrolledPen *self)
{
	self->stage = "";
	self->seconds_left = STP_PEN_TIME_UNKNOWN;
	self->sessions_left = STP_SYNC_ROOM_UNKNOWN;
	self->warning = g_strdup("");
	self->error = g_strdup("");
	self->hint = g_strdup("");
}

static void
stp_enrolled_pen_finalize(GObject *object)
{
	StpEnrolledPen *self = STP_ENROLLED_PEN(object);

	g_clear_pointer(&self->row, stp_pen_row_free);
	g_free(self->warning);
	g_free(self->error);
	g_free(self->hint);
	G_OBJECT_CLASS(stp_enrolled_pen_parent_class)->finalize(object);
}

static void
stp_enrolled_pen_class_init(StpEnrolledPenClass *class)
{
	G_OBJECT_CLASS(class)->finalize = stp_enrolled_pen_finalize;

	signals[CHANGED] = g_signal_new("changed", STP_TYPE_ENROLLED_PEN, G_SIGNAL_RUN_LAST, 0,
					NULL, NULL, NULL, G_TYPE_NONE, 0);
	signals[SYNC_ENDED] = g_signal_new("sync-ended", STP_TYPE_ENROLLED_PEN, G_SIGNAL_RUN_LAST,
					   0, NULL, NULL, NULL, G_TYPE_NONE, 2, G_TYPE_STRING,
					   G_TYPE_POINTER);
}

static void
tell(StpEnrolledPen *self)
{
	g_signal_emit(self, signals[CHANGED], 0);
}

StpEnrolledPen *
stp_enrolled_pen_new(StpPenRow *row)
{
	StpEnrolledPen *self = g_object_new(STP_TYPE_ENROLLED_PEN, NULL);

	self->row = row;
	return self;
}

const StpPenRow *
stp_enrolled_pen_get_row(StpEnrolledPen *self)
{
	return self->row;
}

void
stp_enrolled_pen_set_row(StpEnrolledPen *self, StpPenRow *row)
{
	stp_pen_row_free(self->row);
	self->row = row;
	tell(self);
}

void
stp_enrolled_pen_set_seen(StpEnrolledPen *self, const char *address, gint64 seen)
{
	if (address != NULL && g_strcmp0(self->row->address, address) != 0) {
		g_free(self->row->address);
		self->row->address = g_strdup(address);
	}
	self->row->last_seen = MAX(self->row->last_seen, seen);
	tell(self);
}

StpPenActivity
stp_enrolled_pen_get_activity(StpEnrolledPen *self)
{
	return self->activity;
}

void
stp_enrolled_pen_set_activity(StpEnrolledPen *self, StpPenActivity activity)
{
	if (self->activity == activity)
		return;
	self->activity = activity;
	tell(self);
}

const char *
stp_enrolled_pen_get_warning(StpEnrolledPen *self)
{
	return self->warning;
}

void
stp_enrolled_pen_set_warning(StpEnrolledPen *self, const char *warning)
{
	if (g_str_equal(self->warning, warning))
		return;
	g_free(self->warning);
	self->warning = g_strdup(warning);
	tell(self);
}

guint
stp_enrolled_pen_get_sessions_left(StpEnrolledPen *self)
{
	return self->sessions_left;
}

void
stp_enrolled_pen_set_sessions_left(StpEnrolledPen *self, guint sessions)
{
	if (self->sessions_left == sessions)
		return;
	self->sessions_left = sessions;
	tell(self);
}

const char *
stp_enrolled_pen_get_stage(StpEnrolledPen *self)
{
	return self->stage;
}

void
stp_enrolled_pen_set_stage(StpEnrolledPen *self, const char *stage)
{
	if (g_str_equal(self->stage, stage))
		return;
	self->stage = stage;
	tell(self);
}

const struct stp_host_progress *
stp_enrolled_pen_get_progress(StpEnrolledPen *self)
{
	return &self->progress;
}

guint64
stp_enrolled_pen_get_rate(StpEnrolledPen *self)
{
	return self->rate;
}

guint32
stp_enrolled_pen_get_seconds_left(StpEnrolledPen *self)
{
	return self->seconds_left;
}

static guint32
reckon_time(const StpEnrolledPen *self, const struct stp_host_progress *progress, gint64 now)
{
	const double took_s = (double)(now - self->wanted_at) / G_USEC_PER_SEC;
	double done = (double)progress->records_done;
	double left_s;

	if (progress->record != 0 && progress->record_size > 0)
		done += MIN((double)progress->record_received / progress->record_size, 1.0);
	if (self->wanted_at == 0 || took_s < STP_SYNC_ETA_AFTER_S || done <= 0 || progress->records_wanted == 0)
		return STP_PEN_TIME_UNKNOWN;
	left_s = took_s / done * MAX((double)progress->records_wanted - done, 0) + 0.5;
	return left_s < STP_PEN_TIME_UNKNOWN ? (guint32)left_s : STP_PEN_TIME_UNKNOWN;
}

void
stp_enrolled_pen_set_progress(StpEnrolledPen *self, const struct stp_host_progress *progress)
{
	gint64 now = stp_clock_monotonic();

	if (progress == NULL) {
		memset(&self->progress, 0, sizeof(self->progress));
		self->progress_at = 0;
		self->rate = 0;
		self->wanted_at = 0;
		self->seconds_left = STP_PEN_TIME_UNKNOWN;
		tell(self);
		return;
	}

	if (self->progress_at != 0 && now > self->progress_at &&
	    progress->bytes_received >= self->progress.bytes_received)
		self->rate = (progress->bytes_received - self->progress.bytes_received) *
			     G_USEC_PER_SEC / (guint64)(now - self->progress_at);
	if (self->wanted_at == 0 && progress->records_wanted > 0)
		self->wanted_at = now;
	self->seconds_left = reckon_time(self, progress, now);
	self->progress = *progress;
	self->progress_at = now;
	tell(self);
}

const char *
stp_enrolled_pen_get_error(StpEnrolledPen *self)
{
	return self->error;
}

const char *
stp_enrolled_pen_get_hint(StpEnrolledPen *self)
{
	return self->hint;
}

void
stp_enrolled_pen_set_error(StpEnrolledPen *self, const GError *error)
{
	const char *message = error != NULL ? error->message : "";
	const char *cut = strstr(message, ". ");

	g_free(self->error);
	g_free(self->hint);
	/* Messages are "what happened. What to do next." */
	self->error = cut != NULL ? g_strndup(message, (gsize)(cut - message) + 1)
				  : g_strdup(message);
	self->hint = g_strdup(cut != NULL ? cut + 2 : "");
	tell(self);
}

void
stp_enrolled_pen_emit_sync_ended(StpEnrolledPen *self, const char *error,
				 const StpSyncResult *result)
{
	g_signal_emit(self, signals[SYNC_ENDED], 0, error, result);
}
