/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "pen-keeper.h"
#include "clock.h"
#include "pen-keeper-parts.h"

#include "error.h"
#include "log.h"

/* After the nth failure in a row, seconds. */
static const guint backoff_s[] = { 1, 2, 5, 15, 60, 300 };
/* Tries before somebody who waits is told of a lost link. */
#define PATIENT_TRIES 4

static gboolean
on_retry(gpointer user_data)
{
	StpPenKeeper *self = user_data;

	self->retry_timer = 0;
	if (self->in_sight) {
		stp_pen_keeper_want_link(self);
	} else {
		stp_pen_keeper_answer_away(self);
		stp_pen_keeper_rest(self);	/* its next advertisement makes us try again: what it has is not known */
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
		self->completed = stp_clock_monotonic();
		stp_info("sync", stp_pen_keeper_serial(self), "%s", error->message);
		self->known = self->last.has_status;
		self->known_epoch = self->last.epoch;
		self->known_newest = self->last.newest;
		self->known_boot = self->last.boot_id;
		self->failures = 0;
		stp_pen_keeper_answer(self, error);
		return;
	}

	self->failures++;
	pause = pause_after(self, error);
	stp_warning("sync", stp_pen_keeper_serial(self), "%s (try %u; the next in %u s)", error->message,
		    self->failures, pause);
	if (!g_error_matches(error, STP_ERROR, STP_ERROR_LINK_FAILED) ||
	    self->failures >= PATIENT_TRIES)
		stp_pen_keeper_answer(self, error);
	self->retry_timer = stp_clock_add_seconds(pause, on_retry, self);
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
	self->completed = stp_clock_monotonic();
	stp_enrolled_pen_set_error(self->pen, NULL);
	stp_info("sync", stp_pen_keeper_serial(self),
		 "Complete: %u new records, %u damaged, %u not to be had, %" G_GUINT64_FORMAT
		 " bytes at an MTU of %u.", self->last.records, self->last.damaged,
		 self->last.given_up, self->last.bytes, self->last.mtu);
	stp_enrolled_pen_emit_sync_ended(self->pen, "", &self->last);
	stp_pen_keeper_answer(self, NULL);
}

void
stp_pen_keeper_finish(StpPenKeeper *self, const GError *error)
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
		stp_pen_keeper_rest(self);
	} else {
		/* It may have completed just before it was to stop. */
		stp_pen_keeper_answer(self, error);
	}
	g_signal_emit_by_name(self, "finished");
}
