/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/*
 * How many more sessions a pen has room for before it overwrites some that nobody has.  A log that is full of what
 * was fetched has room: that is overwritten first.  So what counts is what it holds and we do not.
 */
typedef struct {
	guint64 capacity;	/* of its log, bytes; 0: unknown */
	guint64 records, bytes;	/* those of it that are stored, for a mean; 0: unknown */
	guint64 sessions;	/* among them */
} StpSyncRoom;

#define STP_SYNC_ROOM_UNKNOWN G_MAXUINT

guint stp_sync_room_left(const StpSyncRoom *room, guint32 unfetched);

/* "Pen 1001 has room for about 2 more sessions ..." */
char *stp_sync_room_text(const char *serial, guint left);
