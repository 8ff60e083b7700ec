/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* Warning before a pen overwrites what nobody has. */

#include "pen-keeper.h"
#include "pen-keeper-parts.h"

#include "log.h"
#include "sync-timing.h"

#define ALERT "overrun-near"

static void
warn(StpPenKeeper *self)
{
	/* The pen knows better: when it says so although we reckon with more, no number is told. */
	const guint left = self->sessions_left <= STP_SYNC_SESSIONS_LEFT_WARN ? self->sessions_left
									       : STP_SYNC_ROOM_UNKNOWN;
	g_autofree char *text = stp_sync_room_text(stp_pen_keeper_serial(self), left);

	if (self->warned && self->warned_left == left)
		return;
	self->warned = TRUE;
	self->warned_left = left;
	stp_enrolled_pen_set_warning(self->pen, text);
	stp_store_raise_alert_async(self->store, ALERT, stp_pen_keeper_serial(self), STP_ALERT_WARNING, text,
				    "Leave it switched on near this computer until it is synced; 'stipplectl sync' "
				    "shows how that goes.");
}

/* Of its current log: up to which number it is known, and how many below take room in the pen and are not here. */
static gboolean
look_at_log(StpPenKeeper *self, GError **error)
{
	const guint32 before = self->room_epoch;
	g_autoptr(GPtrArray) coverage = stp_store_get_coverage(self->store, stp_pen_keeper_serial(self), error);

	self->room_known = FALSE;
	for (guint i = 0; coverage != NULL && i < coverage->len; i++) {
		const StpCoverage *log = g_ptr_array_index(coverage, i);

		if (!log->current)
			continue;
		self->room_known = TRUE;
		self->room_epoch = log->epoch;
		self->room_newest = log->last;
		self->room_unfetched = 0;
		for (guint j = 0; j < log->holes->len; j++) {
			const StpHole *hole = &g_array_index(log->holes, StpHole, j);

			if (g_str_equal(hole->cause, "not-fetched") || g_str_equal(hole->cause, "corrupt"))
				self->room_unfetched += hole->range.to - hole->range.from + 1;
		}
	}
	if (self->room_epoch != before)
		self->heard_newest = 0;
	return coverage != NULL;
}

void
stp_pen_keeper_look_at_room(StpPenKeeper *self)
{
	g_autoptr(GError) error = NULL;

	/* It told in this run, or in one before. */
	self->room.capacity = self->last.capacity != 0 ? self->last.capacity :
							 stp_enrolled_pen_get_row(self->pen)->log_capacity;
	if (!look_at_log(self, &error) ||
	    !stp_store_get_sizes(self->store, stp_pen_keeper_serial(self), &self->room.records, &self->room.bytes,
				 &self->room.sessions, &error))
		stp_warning("sync", stp_pen_keeper_serial(self), "%s", error->message);
	stp_pen_keeper_reckon_room(self);
}

void
stp_pen_keeper_recall_warning(StpPenKeeper *self)
{
	g_autoptr(GPtrArray) alerts = stp_store_list_alerts(self->store, FALSE, NULL);

	for (guint i = 0; alerts != NULL && i < alerts->len; i++) {
		const StpAlert *alert = g_ptr_array_index(alerts, i);

		if (g_str_equal(alert->kind, ALERT) && g_str_equal(alert->subject, stp_pen_keeper_serial(self)))
			stp_enrolled_pen_set_warning(self->pen, alert->text);
	}
}

void
stp_pen_keeper_reckon_room(StpPenKeeper *self)
{
	const guint32 newest = MAX(self->heard_newest, self->room_newest);
	guint32 unfetched = 0;

	self->sessions_left = STP_SYNC_ROOM_UNKNOWN;
	if (self->room_known) {
		unfetched = self->room_unfetched + (newest - self->room_newest);
		self->sessions_left = stp_sync_room_left(&self->room, unfetched);
	}
	stp_enrolled_pen_set_sessions_left(self->pen, self->sessions_left);
	/* A small log that is all here is short of nothing: it overwrites what was fetched. */
	self->short_of_room =
		self->overrun || (unfetched > 0 && self->sessions_left <= STP_SYNC_SESSIONS_LEFT_WARN);
	if (self->short_of_room)
		warn(self);
}

void
stp_pen_keeper_room_is_made(StpPenKeeper *self)
{
	self->overrun = FALSE;
	self->warned = FALSE;
	self->heard_newest = 0;
	stp_enrolled_pen_set_warning(self->pen, "");
	/* Also one that a daemon before this one raised. */
	stp_store_end_alert_async(self->store, ALERT, stp_pen_keeper_serial(self));
	stp_pen_keeper_look_at_room(self);
}
