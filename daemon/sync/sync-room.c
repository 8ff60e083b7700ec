/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "sync-room.h"

guint
stp_sync_room_left(const StpSyncRoom *room, guint32 unfetched)
{
	guint64 record, session, taken;

	if (room->capacity == 0 || room->records == 0 || room->sessions == 0)
		return STP_SYNC_ROOM_UNKNOWN;
	record = MAX(room->bytes / room->records, 1);
	session = MAX(room->bytes / room->sessions, 1);
	taken = (guint64)unfetched * record;
	if (taken >= room->capacity)
		return 0;
	return (guint)MIN((room->capacity - taken) / session, STP_SYNC_ROOM_UNKNOWN - 1);
}

char *
stp_sync_room_text(const char *serial, guint left)
{
	if (left == STP_SYNC_ROOM_UNKNOWN)
		return g_strdup_printf("Pen %s says that it soon overwrites sessions that nobody has.", serial);
	if (left == 0)
		return g_strdup_printf("Pen %s has no room for another session: it overwrites one that nobody has.", serial);
	return g_strdup_printf("Pen %s has room for about %u more session%s before it overwrites some that nobody has.",
			       serial, left, left == 1 ? "" : "s");
}
