/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <gio/gio.h>

#include "database.h"

/*
 * A copy of the store into an open file, so that the daemon needs no way to where it lies.  Both
 * block, have connections of their own and wait for nobody: for a thread of the caller's.  While the
 * copy is made the writer writes on; the copy is of one moment.
 */

typedef struct {
	guint64 bytes, records;
} StpBackup;

/* path: of the store.  fd: a regular file, open for reading and writing; it becomes the copy. */
gboolean stp_backup_write(const char *path, int fd, GCancellable *cancellable, GError **error);
/* Read it again, all of it: whether it is a whole store, and how much is in it. */
gboolean stp_backup_verify(int fd, StpBackup *out, GError **error);
