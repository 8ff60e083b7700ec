/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/*
 * SQLite's files on a disk that can fail, fill up, and go dead in the middle of a transaction as it does for a
 * process that is killed: what was written until then is there for the next one, nothing follows.
 * It stands between SQLite and the system for all databases of this process that are opened
 * after frail_disk_install().
 */
void frail_disk_install(void);

/* All is well again, for files that are opened from now on and for those that are open. */
void frail_disk_mend(void);

/* Of a thousand writes or syncs so many fail, chosen by seed; 0: none. */
void frail_disk_set_failing(guint odds, guint64 seed);
/* No write that makes a file longer succeeds. */
void frail_disk_set_full(gboolean full);

/* After so many more writes or syncs everything fails, for ever, until frail_disk_mend(). */
void frail_disk_die_after(guint writes);
void frail_disk_die(void);
gboolean frail_disk_is_dead(void);

/*
 * The power fails, too: of what was written since the last sync of each file only a part, chosen by seed and
 * in the order of writing, is there.  Call it when the disk is dead and all its files are closed.
 */
void frail_disk_lose_unsynced(guint64 seed);

/* Writes and syncs so far. */
guint64 frail_disk_writes(void);
