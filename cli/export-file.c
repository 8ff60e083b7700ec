/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "export-file.h"

static gboolean
fail(const struct export_file *file, GError **error)
{
	int code = errno;

	g_set_error(error, G_FILE_ERROR, g_file_error_from_errno(code), "%s: %s",
		    file->path ? file->path : "standard output", g_strerror(code));
	return FALSE;
}

/* Nothing to remove if this process dies; not every file system can do it. */
static int
open_nameless(const char *directory)
{
	if (access("/proc/self/fd", X_OK))
		return -1;
	return open(directory, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
}

static char *
make_temporary_name(const char *path)
{
	g_autofree char *directory = g_path_get_dirname(path);
	g_autofree char *name = g_path_get_basename(path);
	g_autofree char *hidden = g_strdup_printf(".%.200s.XXXXXX", name);

	return g_build_filename(directory, hidden, NULL);
}

gboolean
export_file_open(struct export_file *file, const char *path, GError **error)
{
	struct stat info;
	char real[PATH_MAX];

	*file = (struct export_file){ .fd = STDOUT_FILENO };
	if (!path || !strcmp(path, "-"))
		return TRUE;
	/* Behind a symbolic link, the file itself is replaced. */
	file->path = g_strdup(realpath(path, real) ? real : path);
	if (!g_stat(file->path, &info) && !S_ISREG(info.st_mode)) {
		file->fd = open(file->path, O_WRONLY | O_CLOEXEC);
		return file->fd >= 0 || fail(file, error);
	}
	g_autofree char *directory = g_path_get_dirname(file->path);

	file->temporary = make_temporary_name(file->path);
	file->fd = open_nameless(directory);
	file->nameless = file->fd >= 0;
	if (!file->nameless)
		file->fd = g_mkstemp_full(file->temporary, O_WRONLY | O_CLOEXEC, 0666);
	return file->fd >= 0 || fail(file, error);
}

/* A link cannot take the place of a file, a rename can. */
static gboolean
give_name(struct export_file *file)
{
	g_autofree char *self = g_strdup_printf("/proc/self/fd/%d", file->fd);

	for (int tries = 0; tries < 100; tries++) {
		snprintf(file->temporary + strlen(file->temporary) - 6, 7, "%06x",
			 g_random_int() & 0xFFFFFF);
		if (!linkat(AT_FDCWD, self, AT_FDCWD, file->temporary, AT_SYMLINK_FOLLOW)) {
			file->nameless = FALSE;
			return TRUE;
		}
		if (errno != EEXIST)
			break;
	}
	return FALSE;
}

gboolean
export_file_commit(struct export_file *file, GError **error)
{
	if (!file->path)
		return TRUE;
	if (file->temporary) {
		if (fsync(file->fd) < 0 && errno != EINVAL)
			return fail(file, error);
		if (file->nameless && !give_name(file))
			return fail(file, error);
		if (rename(file->temporary, file->path) < 0)
			return fail(file, error);
		g_clear_pointer(&file->temporary, g_free);
	}
	int fd = file->fd;

	file->fd = -1;
	if (close(fd) < 0)
		return fail(file, error);
	g_clear_pointer(&file->path, g_free);
	return TRUE;
}

void
export_file_abandon(struct export_file *file)
{
	if (file->path && file->fd >= 0)
		close(file->fd);
	if (file->temporary && !file->nameless)
		unlink(file->temporary);
	g_clear_pointer(&file->temporary, g_free);
	g_clear_pointer(&file->path, g_free);
	file->fd = -1;
}
