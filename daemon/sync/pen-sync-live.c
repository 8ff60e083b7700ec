/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * What live frames tell while the motor runs, counted to be held against the record afterwards.  A
 * host must not keep the frames, and this does not: it keeps when the motor ran, and how many strokes it made.
 */

#include "pen-sync.h"
#include "pen-sync-parts.h"

#include "clock.h"
#include "log.h"
#include "sync-timing.h"

/* No motor is faster: 5000 in 0.1 Hz.  More than that between two frames is another session's counter. */
#define STROKES_PER_S 500
#define STROKES_SLACK 50

static void
on_listening(GObject *source, GAsyncResult *result, gpointer user_data)
{
	StpPenSync *self = user_data;
	g_autoptr(GError) error = NULL;

	if (!stp_link_listen_finish(STP_LINK(source), result, &error)) {
		stp_debug("sync", self->serial, "no live frames: %s", error->message);
		self->deaf = TRUE;
		if (self->staying)
			stp_pen_sync_leave(self);
	}
	stp_pen_sync_done(self);
}

void
stp_pen_sync_listen(StpPenSync *self)
{
	if (self->listening || self->ending || (self->opening->features.features & STP_FEATURE_LIVE) == 0)
		return;
	self->listening = TRUE;
	stp_live_tracker_init(&self->tracker, self->met ? self->contact.anchor.tick_ms : 0);
	stp_link_listen_async(self->link, NULL, on_listening, stp_pen_sync_begin(self));
}

/* Of the session that was heard last; NULL: none was. */
static StpLiveTally *
last_tally(StpPenSync *self)
{
	return self->live_count > 0 ? &self->lives[self->live_count - 1] : NULL;
}

static void
begin_tally(StpPenSync *self, const struct stp_live *frame, guint64 tick_ms)
{
	/* Where there is no room, the newest gives way: what is known of the others is certain. */
	self->live_count = MIN(self->live_count + 1, STP_LIVE_TALLIES);
	*last_tally(self) = (StpLiveTally){
		.epoch = self->result.epoch,
		.boot_id = self->result.boot_id,
		.first_tick_ms = tick_ms,
		.last_tick_ms = tick_ms,
		.strokes = frame->strokes_low,
		.frames = 1,
	};
	self->live_strokes = frame->strokes_low;
}

static void
count(StpPenSync *self, const struct stp_live *frame, guint64 tick_ms, guint lost)
{
	StpLiveTally *live = last_tally(self);
	guint16 more = (guint16)(frame->strokes_low - self->live_strokes);

	if (live == NULL || live->stopped_tick_ms != 0 ||
	    more > (tick_ms - live->last_tick_ms) * STROKES_PER_S / 1000 + STROKES_SLACK) {
		begin_tally(self, frame, tick_ms);
		return;
	}
	live->strokes += more;
	live->last_tick_ms = tick_ms;
	live->frames++;
	live->lost += lost;
	self->live_strokes = frame->strokes_low;
}

/* ---- the motor has stopped ---- */

/* What it did is a record by now: ask for the log once more, on the same link. */
static gboolean
on_heard_out(gpointer user_data)
{
	StpPenSync *self = user_data;
	struct stp_host_progress progress;

	stp_pen_sync_get_progress(self, &progress);
	self->bytes_before += progress.bytes_received;
	stp_sync_resume_keep_all(self->resume, self->host);
	g_array_set_size(self->credits, 0);
	stp_pen_sync_hold(self, FALSE);
	self->staying = FALSE;
	self->heard_out = FALSE;
	g_clear_error(&self->busy);
	stp_pen_sync_drop_source(&self->stage_timer);
	stp_pen_sync_drop_source(&self->timer);
	if (stp_pen_sync_make_host(self))
		stp_pen_sync_start_dialogue(self);
	return G_SOURCE_REMOVE;
}

static void
hear_out(StpPenSync *self)
{
	self->heard_out = TRUE;
	stp_pen_sync_set_timer(&self->stage_timer, STP_SYNC_HEARD_OUT_S, on_heard_out, self);
}

/* ---- frames ---- */

void
stp_pen_sync_hear(StpPenSync *self, const guint8 *bytes, gsize size)
{
	const guint lost_before = self->tracker.lost;
	StpLiveTally *live = last_tally(self);
	struct stp_live frame;
	enum stp_live_turn turn;
	guint64 tick_ms;

	if (!self->listening || self->deaf || self->heard_out || stp_live_decode(bytes, size, &frame) != STP_OK)
		return;
	turn = stp_live_tracker_take(&self->tracker, &frame, &tick_ms);
	if (turn == STP_LIVE_OLD)
		return;
	if (turn == STP_LIVE_RESTARTED) {
		/* Of which power-up is not known any more. */
		self->deaf = TRUE;
		return;
	}
	self->live_heard++;
	self->quiet = (frame.flags & STP_LIVE_MOTOR_ON) == 0;
	if (!self->quiet) {
		count(self, &frame, tick_ms, self->tracker.lost - lost_before);
		return;
	}
	if (live != NULL && live->stopped_tick_ms == 0) {
		live->stopped_tick_ms = tick_ms;
		live->lost += self->tracker.lost - lost_before;
	}
	if (self->staying)
		hear_out(self);
}

static gboolean
on_check(gpointer user_data)
{
	StpPenSync *self = user_data;
	const gboolean silent = self->live_heard == self->live_heard_then;

	self->live_heard_then = self->live_heard;
	if (!silent && stp_clock_monotonic() - self->staying_since < STP_SYNC_LISTEN_S * G_USEC_PER_SEC)
		return G_SOURCE_CONTINUE;
	stp_pen_sync_leave(self);
	return G_SOURCE_REMOVE;
}

void
stp_pen_sync_stay(StpPenSync *self, GError *error)
{
	if (self->result.has_status && !self->stopped)
		stp_pen_sync_listen(self);
	self->staying = TRUE;
	g_clear_error(&self->busy);
	self->busy = error;
	if (!self->listening || self->deaf || self->listens >= STP_SYNC_LISTENS_MAX || self->stopped || self->ending) {
		stp_pen_sync_leave(self);
		return;
	}
	self->listens++;
	self->staying_since = stp_clock_monotonic();
	self->stage = "listen";
	stp_pen_sync_set_timer(&self->stage_timer, STP_SYNC_LISTEN_CHECK_S, on_check, self);
	if (self->quiet)
		hear_out(self);	/* it stopped meanwhile */
	g_signal_emit_by_name(self, "stage-changed");
}

void
stp_pen_sync_leave(StpPenSync *self)
{
	self->staying = FALSE;
	if (self->busy == NULL && !self->ending)
		self->stage = "done";
	stp_pen_sync_end(self, g_steal_pointer(&self->busy));
}

gboolean
stp_pen_sync_is_listening(StpPenSync *self, const GError **busy)
{
	*busy = self->ending ? NULL : self->busy;
	return self->staying && !self->ending;
}
