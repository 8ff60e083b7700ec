/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include "database.h"

/*
 * The store's directory: its lock, its database file, its layout.
 *
 *   stipple.db, -wal, -shm   the database
 *   stipple.lock             held as long as a process has the store open
 *   stipple.db.damaged-TIME  what was set aside, never deleted; .before-restore-TIME likewise
 */

#define STP_STORE_FILE "stipple.db"
#define STP_STORE_LOCK "stipple.lock"
/* The newest layout this version knows. */
#define STP_STORE_LAYOUT 3

typedef struct {
	char *directory;
	int lock;
	StpDatabase *writer, *reader;
	char *hint;		/* of something the clinic should know, else NULL */
} StpStoreFiles;

/*
 * Lock the directory, check what is there, set it aside when it is damaged, bring it to the
 * newest layout.  What was committed before is on the disk afterwards.
 */
gboolean stp_store_files_open(StpStoreFiles *self, const char *directory, GError **error);
/* Damage came to light only afterwards: set it aside as well.  why is for the journal. */
gboolean stp_store_files_replace(StpStoreFiles *self, const char *why, GError **error);
/* The caller's other threads are done with the databases. */
void stp_store_files_close(StpStoreFiles *self);

/* As stp_store_restore(). */
gboolean stp_store_files_restore(const char *directory, const char *backup, char **kept, GError **error);

/* Bytes free for us on the store's disk, and all it has; both G_MAXUINT64 when that cannot be told. */
void stp_store_files_room(StpStoreFiles *self, guint64 *free, guint64 *total);
