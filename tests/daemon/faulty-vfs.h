/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/*
 * A disk that fails when it is told to: SQLite's own way to files, with a counter at each of its
 * calls.  Every connection opened after faulty_vfs_install() goes through it, in all threads.
 */

typedef enum {
	FAULTY_OPEN,
	FAULTY_READ,
	FAULTY_WRITE,
	FAULTY_SYNC,
	FAULTY_TRUNCATE,
	FAULTY_LOCK,	/* of the file, and of the index of the write-ahead log */
	FAULTY_MAP,	/* of that index */
	FAULTY_DELETE,
	FAULTY_KINDS
} FaultyKind;

const char *faulty_vfs_name(FaultyKind kind);

void faulty_vfs_install(void);
/* Calls of that kind fail from the nth on (1: the next one), so many of them; 0: none does. */
void faulty_vfs_fail(FaultyKind kind, guint nth, guint how_many);
/* What a failing call says: "I/O error", or no room. */
void faulty_vfs_full(gboolean full);
/* Say that everything was written through, and do nothing. */
void faulty_vfs_lie(gboolean lie);
/* Nothing fails; counting begins anew. */
void faulty_vfs_heal(void);
guint faulty_vfs_calls(FaultyKind kind);
/* How many calls did fail since it was healed. */
guint faulty_vfs_failures(void);
