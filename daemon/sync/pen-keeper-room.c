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

void
stp_pen_keeper_reckon_room(StpPenKeeper *self, guint32 newest)
{
	if (self->known && newest >= self->known_newest)
		self->sessions_left = stp_sync_room_left(&self->room, newest - self->known_newest);
	if (self->overrun || self->sessions_left <= STP_SYNC_SESSIONS_LEFT_WARN)
		warn(self);
}

void
stp_pen_keeper_room_is_made(StpPenKeeper *self)
{
	g_autoptr(GError) error = NULL;

	self->overrun = FALSE;
	self->room.capacity = self->last.capacity;
	if (!stp_store_get_sizes(self->store, stp_pen_keeper_serial(self), &self->room.records, &self->room.bytes,
				 &self->room.sessions, &error))
		stp_warning("sync", stp_pen_keeper_serial(self), "%s", error->message);
	self->sessions_left = STP_SYNC_ROOM_UNKNOWN;
	self->warned = FALSE;
	stp_enrolled_pen_set_warning(self->pen, "");
	/* Also one that a daemon before this one raised. */
	stp_store_end_alert_async(self->store, ALERT, stp_pen_keeper_serial(self));
}
