/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* No state of a sync lasts for ever: each has its deadline, and its name is for all to see. */

#include "pen-sync.h"
#include "pen-sync-parts.h"

#include "clock.h"
#include "error.h"
#include "sync-timing.h"

void
stp_pen_sync_set_timer(GSource **source, guint seconds, GSourceFunc function, StpPenSync *self)
{
	stp_pen_sync_drop_source(source);
	*source = stp_clock_source_new_seconds(seconds);
	g_source_set_callback(*source, function, self, NULL);
	g_source_attach(*source, NULL);
}

/* ---- the store ---- */

void
stp_pen_sync_store_begins(StpPenSync *self)
{
	if (self->storing++ == 0)
		self->storing_since = stp_clock_monotonic();
}

void
stp_pen_sync_store_ends(StpPenSync *self)
{
	self->storing--;
	self->storing_since = stp_clock_monotonic();
	self->pace_rests = TRUE;
}

/* For as long as a disk may take, and no longer. */
static gboolean
is_within(gint64 since)
{
	return stp_clock_monotonic() - since < (gint64)STP_SYNC_STORE_S * G_USEC_PER_SEC;
}

gboolean
stp_pen_sync_waits_for_store(StpPenSync *self)
{
	return self->storing > 0 && is_within(self->storing_since);
}

/* ---- the engine's clock ---- */

guint64
stp_pen_sync_engine_ms(StpPenSync *self, gint64 now)
{
	return (guint64)(((self->held_since != 0 ? self->held_since : now) - self->held_us) / 1000);
}

guint64
stp_pen_sync_now_ms(StpPenSync *self)
{
	return stp_pen_sync_engine_ms(self, stp_clock_monotonic());
}

void
stp_pen_sync_hold(StpPenSync *self, gboolean hold)
{
	gint64 now = stp_clock_monotonic();

	if (hold && self->held_since == 0) {
		self->held_since = now;
	} else if (!hold && self->held_since != 0) {
		self->held_us += now - self->held_since;
		self->held_since = 0;
		self->pace_rests = TRUE;
	}
}

/* ---- stages ---- */

static GError *
store_error(void)
{
	return g_error_new(STP_ERROR, STP_ERROR_STORE_FAILED,
			   "The store's disk has not taken a write for %d s. Check the disk; what is stored is safe, "
			   "and the pen keeps the rest.", STP_SYNC_STORE_S);
}

static gboolean
on_stage_over(gpointer user_data)
{
	StpPenSync *self = user_data;

	if (self->storing > 0) {
		if (is_within(self->storing_since))
			return G_SOURCE_CONTINUE;
		stp_pen_sync_end(self, store_error());
		return G_SOURCE_REMOVE;
	}
	stp_pen_sync_end(self, g_error_new(STP_ERROR, STP_ERROR_LINK_FAILED,
					   "The pen took too long (stage \"%s\"). Bring it closer and check its battery; it "
					   "is tried again by itself.", self->stage));
	return G_SOURCE_REMOVE;
}

void
stp_pen_sync_enter(StpPenSync *self, const char *stage, guint limit_s)
{
	if (self->ending)
		return;
	self->stage = stage;
	stp_pen_sync_set_timer(&self->stage_timer, limit_s, on_stage_over, self);
	g_signal_emit_by_name(self, "stage-changed");
}

const char *
stp_pen_sync_get_stage(StpPenSync *self)
{
	return self->ending ? "closing" : self->stage;
}

/* ---- the transfer's pace ---- */

static guint64
progress_bytes(StpPenSync *self)
{
	struct stp_host_progress progress;

	stp_pen_sync_get_progress(self, &progress);
	return progress.bytes_received + (guint64)self->answers * STP_SYNC_PACE_ANSWER_BYTES;
}

static gboolean
on_pace(gpointer user_data)
{
	StpPenSync *self = user_data;
	guint64 bytes = progress_bytes(self), came = bytes - self->pace_bytes;
	const gboolean rests = self->pace_rests;

	self->pace_bytes = bytes;
	self->pace_rests = FALSE;
	if (self->storing > 0 || self->held_since != 0) {
		/* It is us who are slow. */
		if (is_within(self->storing > 0 ? self->storing_since : self->held_since))
			return G_SOURCE_CONTINUE;
		stp_pen_sync_end(self, store_error());
		return G_SOURCE_REMOVE;
	}
	if (rests || came >= STP_SYNC_PACE_BYTES)
		return G_SOURCE_CONTINUE;
	stp_pen_sync_end(self, g_error_new(STP_ERROR, STP_ERROR_LINK_FAILED,
					   "The pen sends hardly anything: %u bytes in %d s. Bring it closer; what came is "
					   "kept, and the rest is fetched at the next contact.", (guint)came, STP_SYNC_PACE_S));
	return G_SOURCE_REMOVE;
}

void
stp_pen_sync_enter_transfer(StpPenSync *self)
{
	if (self->ending)
		return;
	self->stage = "transfer";
	self->pace_bytes = progress_bytes(self);
	stp_pen_sync_set_timer(&self->stage_timer, STP_SYNC_PACE_S, on_pace, self);
	g_signal_emit_by_name(self, "stage-changed");
}
