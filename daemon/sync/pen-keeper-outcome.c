/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "pen-keeper.h"
#include "clock.h"
#include "pen-keeper-parts.h"

#include "bond-trouble.h"
#include "error.h"
#include "log.h"
#include "sync-findings.h"
#include "sync-timing.h"

#define ALERT_FAILING "sync-failing"

static gboolean
on_retry(gpointer user_data)
{
	StpPenKeeper *self = user_data;

	self->retry_timer = 0;
	/* Without an address, another pen has it now: nothing to connect to until it is enrolled again. */
	if (self->in_sight && *stp_enrolled_pen_get_row(self->pen)->address != '\0') {
		stp_pen_keeper_want_link(self);
	} else {
		stp_pen_keeper_answer_away(self);
		stp_pen_keeper_rest(self);	/* its next advertisement makes us try again: what it has is not known */
	}
	return G_SOURCE_REMOVE;
}

void
stp_pen_keeper_radio_is_back(StpPenKeeper *self)
{
	if (self->retry_timer == 0 || self->trouble != STP_TROUBLE_ABSENT)
		return;
	g_clear_handle_id(&self->retry_timer, g_source_remove);
	on_retry(self);
}

static void
know_as_last(StpPenKeeper *self)
{
	self->known = self->last.has_status;
	self->known_epoch = self->last.epoch;
	self->known_newest = self->last.newest;
	self->known_boot = self->last.boot_id;
	self->known_slot = self->last.slot;
	self->came_back = FALSE;
}

/* On request: begin anew when it has news, when asked, or after a while. */
static void
take_stop(StpPenKeeper *self, const GError *error)
{
	self->stopped = TRUE;
	self->completed = stp_clock_monotonic();
	self->failures = 0;
	know_as_last(self);
	stp_info("sync", stp_pen_keeper_serial(self), "%s", error->message);
	stp_pen_keeper_answer(self, error);
}

/* Whether it has an alert of its own, or none of the pen's doing. */
static gboolean
is_told_otherwise(StpTrouble trouble, const GError *error)
{
	return stp_error_is_bond(error) || trouble == STP_TROUBLE_BUSY || trouble == STP_TROUBLE_STORE ||
	       trouble == STP_TROUBLE_ABSENT || trouble == STP_TROUBLE_SLOTS;
}

/* What nothing but trying again is done about, a person has to hear of in the end. */
static void
tell_of_failing(StpPenKeeper *self, StpTrouble trouble, const GError *error)
{
	const gint64 now = stp_clock_monotonic();
	g_autofree char *text = NULL;

	if (self->failing_since == 0)
		self->failing_since = now;
	if (is_told_otherwise(trouble, error) || self->failures < STP_SYNC_FAILING_TIMES ||
	    now - self->failing_since < (gint64)STP_SYNC_FAILING_S * G_USEC_PER_SEC)
		return;
	text = g_strdup_printf("No sync of pen %s has completed for a while, although it is in sight: %s",
			       stp_pen_keeper_serial(self), stp_enrolled_pen_get_error(self->pen));
	stp_store_raise_alert_async(self->store, ALERT_FAILING, stp_pen_keeper_serial(self), STP_ALERT_WARNING, text,
				    *stp_enrolled_pen_get_hint(self->pen) != '\0'
					    ? stp_enrolled_pen_get_hint(self->pen)
					    : "Leave it switched on near this computer; it is tried again by itself.");
}

static void
take_failure(StpPenKeeper *self, const GError *error)
{
	StpTrouble trouble = stp_trouble_of(error);
	guint pause;

	stp_enrolled_pen_set_error(self->pen, error);
	if (stp_error_is_bond(error))
		stp_store_raise_alert_async(self->store, STP_ALERT_BOND, stp_pen_keeper_serial(self), STP_ALERT_WARNING,
					    stp_enrolled_pen_get_error(self->pen),
					    stp_enrolled_pen_get_hint(self->pen));
	stp_enrolled_pen_emit_sync_ended(self->pen, error->message, &self->last);
	self->known = FALSE;
	self->stopped = FALSE;
	stp_pen_keeper_look_at_room(self);
	if (trouble == STP_TROUBLE_CANCELLED) {
		take_stop(self, error);
		return;
	}

	self->failures = trouble == self->trouble ? self->failures + 1 : 1;
	self->trouble = trouble;
	tell_of_failing(self, trouble, error);
	pause = stp_trouble_pause_s(trouble, self->failures);
	stp_warning("sync", stp_pen_keeper_serial(self), "%s (%s trouble, try %u; the next in %u s)",
		    error->message, stp_trouble_name(trouble), self->failures, pause);
	if (self->failures >= stp_trouble_patience(trouble))
		stp_pen_keeper_answer(self, error);
	self->retry_timer = stp_clock_add_seconds(pause, on_retry, self);
}

static void
take_chosen(StpPenKeeper *self)
{
	stp_enrolled_pen_set_error(self->pen, NULL);
	stp_info("sync", stp_pen_keeper_serial(self), "What was chosen is here: %u new records.", self->last.records);
	stp_enrolled_pen_emit_sync_ended(self->pen, "", &self->last);
	stp_pen_keeper_answer(self, NULL);
}

static void
take_success(StpPenKeeper *self)
{
	const gboolean brought = self->last.records + self->last.conflicts > 0;

	self->failures = 0;
	self->failing_since = 0;
	stp_store_end_alert_async(self->store, ALERT_FAILING, stp_pen_keeper_serial(self));
	if (self->last.chosen) {
		/* The rest is as unknown, or as well known, as before. */
		take_chosen(self);
		return;
	}
	self->stopped = FALSE;
	stp_pen_keeper_room_is_made(self);
	know_as_last(self);
	self->unfinished = self->last.damaged + self->last.given_up + self->last.untold;
	self->completed = stp_clock_monotonic();
	if (brought)
		stp_sync_find_chain(self->store, stp_pen_keeper_serial(self), self->last.epoch);
	if (brought || self->last.damaged + self->last.given_up == 0)
		self->in_vain = 0;
	else
		self->in_vain++;
	stp_enrolled_pen_set_error(self->pen, NULL);
	stp_store_end_alert_async(self->store, STP_ALERT_BOND, stp_pen_keeper_serial(self));
	stp_info("sync", stp_pen_keeper_serial(self),
		 "Complete: %u new records, %u differing from what is stored, %u damaged, %u not to be had, "
		 "%" G_GUINT64_FORMAT " bytes at an MTU of %u.", self->last.records, self->last.conflicts,
		 self->last.damaged, self->last.given_up, self->last.bytes, self->last.mtu);
	stp_enrolled_pen_emit_sync_ended(self->pen, "", &self->last);
	stp_pen_keeper_answer(self, NULL);
}

/* No end, for those who look on: it goes on in its turn. */
static void
take_yield(StpPenKeeper *self)
{
	stp_info("sync", stp_pen_keeper_serial(self),
		 "Let another pen have the link after %" G_GINT64_FORMAT " s; %u new records so far, it goes on in "
		 "its turn.", self->last.duration_us / G_USEC_PER_SEC, self->last.records);
	self->carried = self->last;
	stp_pen_keeper_want_link(self);
	/* Held: its turn comes with the end of that. */
	if (!self->wanted)
		stp_pen_keeper_rest(self);
}

/* A sync that gave way is one with what follows. */
static void
add_carried(StpPenKeeper *self)
{
	self->last.records += self->carried.records;
	self->last.again += self->carried.again;
	self->last.conflicts += self->carried.conflicts;
	self->last.bytes += self->carried.bytes;
	self->last.duration_us += self->carried.duration_us;
	memset(&self->carried, 0, sizeof(self->carried));
}

void
stp_pen_keeper_finish(StpPenKeeper *self, const GError *error)
{
	const gboolean yields =
		self->gives_way || (self->last.yielded && !g_cancellable_is_cancelled(self->cancellable));

	self->busy = self->gives_way = FALSE;
	g_clear_object(&self->sync);
	g_clear_object(&self->cancellable);
	stp_enrolled_pen_set_stage(self->pen, "");
	stp_enrolled_pen_set_progress(self->pen, NULL);
	add_carried(self);
	if (!self->retired && yields) {
		take_yield(self);
	} else if (!self->retired) {
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
