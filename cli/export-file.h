/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#pragma once

#include <glib.h>

/*
 * A file that is there whole or not at all: written without a name, or under a passing one, and
 * put in its place when it is complete.
 */

struct export_file {
	int fd;
	char *path;		/* NULL: standard output */
	char *temporary;	/* NULL: written in place, or without a name */
	gboolean nameless;
};

/* path NULL or "-": standard output.  What is no regular file is written in place. */
gboolean export_file_open(struct export_file *file, const char *path, GError **error);
/* On disk, and in its place. */
gboolean export_file_commit(struct export_file *file, GError **error);
/* Leave no trace; does nothing after a commit. */
void export_file_abandon(struct export_file *file);
