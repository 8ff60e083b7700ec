/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "backup-file.h"

#include <errno.h>
#include <gio/gio.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Pages copied between two looks at whether it is still wanted. */
#define STEP_PAGES 256
#define VFS_NAME "stipple-descriptor"
/* PRAGMA quick_check() tells no more than that much; one is enough. */
#define CHECK "PRAGMA integrity_check(1)"

/* ---- SQLite's way to a file that is open already; its name is the descriptor's number ---- */

typedef struct {
	sqlite3_file base;
	int fd;
} File;

static int
on_close(sqlite3_file *file)
{
	return SQLITE_OK;	/* the descriptor is the caller's */
}

static int
on_read(sqlite3_file *file, void *to, int size, sqlite3_int64 at)
{
	ssize_t got = pread(((File *)file)->fd, to, (size_t)size, at);

	if (got < 0)
		return SQLITE_IOERR_READ;
	if (got == size)
		return SQLITE_OK;
	memset((char *)to + got, 0, (size_t)(size - got));
	return SQLITE_IOERR_SHORT_READ;
}

static int
on_write(sqlite3_file *file, const void *from, int size, sqlite3_int64 at)
{
	ssize_t put = pwrite(((File *)file)->fd, from, (size_t)size, at);

	if (put == size)
		return SQLITE_OK;
	return put < 0 && errno != ENOSPC && errno != EDQUOT && errno != EFBIG ? SQLITE_IOERR_WRITE : SQLITE_FULL;
}

static int
on_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	return ftruncate(((File *)file)->fd, size) == 0 ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

static int
on_sync(sqlite3_file *file, int flags)
{
	return fsync(((File *)file)->fd) == 0 ? SQLITE_OK : SQLITE_IOERR_FSYNC;
}

static int
on_file_size(sqlite3_file *file, sqlite3_int64 *size)
{
	struct stat info;

	if (fstat(((File *)file)->fd, &info) != 0)
		return SQLITE_IOERR_FSTAT;
	*size = info.st_size;
	return SQLITE_OK;
}

static int
on_lock(sqlite3_file *file, int level)
{
	return SQLITE_OK;	/* nobody else has it */
}

static int
on_check_lock(sqlite3_file *file, int *out)
{
	*out = 0;
	return SQLITE_OK;
}

static int
on_control(sqlite3_file *file, int what, void *argument)
{
	return SQLITE_NOTFOUND;
}

static int
on_ask(sqlite3_file *file)
{
	return 0;
}

static int
on_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
	static const sqlite3_io_methods methods = {
		.iVersion = 1,
		.xClose = on_close,
		.xRead = on_read,
		.xWrite = on_write,
		.xTruncate = on_truncate,
		.xSync = on_sync,
		.xFileSize = on_file_size,
		.xLock = on_lock,
		.xUnlock = on_lock,
		.xCheckReservedLock = on_check_lock,
		.xFileControl = on_control,
		.xSectorSize = on_ask,
		.xDeviceCharacteristics = on_ask,
	};

	file->pMethods = NULL;
	/* No journal, and nothing kept in files of its own. */
	if (name == NULL || !(flags & SQLITE_OPEN_MAIN_DB))
		return SQLITE_CANTOPEN;
	((File *)file)->fd = atoi(name);
	file->pMethods = &methods;
	return SQLITE_OK;
}

static int
on_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
	*out = 0;	/* there is no journal beside it */
	return SQLITE_OK;
}

static int
on_full_name(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
	sqlite3_snprintf(size, out, "%s", name);
	return SQLITE_OK;
}

static gpointer
register_vfs(gpointer data)
{
	static sqlite3_vfs vfs;

	/* Time and randomness are the system's. */
	vfs = *sqlite3_vfs_find(NULL);
	vfs.zName = VFS_NAME;
	vfs.pNext = NULL;
	vfs.szOsFile = sizeof(File);
	vfs.xOpen = on_open;
	vfs.xAccess = on_access;
	vfs.xFullPathname = on_full_name;
	sqlite3_vfs_register(&vfs, 0);
	return NULL;
}

/* NULL: out of memory, or damaged. */
static sqlite3 *
open_descriptor(int fd, const char *options)
{
	static GOnce once = G_ONCE_INIT;
	g_autofree char *name = g_strdup_printf("file:%d%s", fd, options);
	sqlite3 *handle = NULL;

	g_once(&once, register_vfs, NULL);
	if (sqlite3_open_v2(name, &handle,
			    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI | SQLITE_OPEN_NOMUTEX,
			    VFS_NAME) == SQLITE_OK)
		return handle;
	sqlite3_close(handle);
	return NULL;
}

/* ---- the copy ---- */

static gboolean
fail(const char *what, const char *reason, GError **error)
{
	g_set_error(error, STP_ERROR, STP_ERROR_STORE_FAILED,
		    "The backup could not be %s: %s. Check the disk it goes to, and try again; the store itself was "
		    "not touched.",
		    what, reason);
	return FALSE;
}

static gboolean
copy(sqlite3 *from, sqlite3 *to, GCancellable *cancellable, GError **error)
{
	sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
	int code = backup != NULL ? SQLITE_OK : sqlite3_errcode(to);

	while (code == SQLITE_OK && !g_cancellable_is_cancelled(cancellable))
		code = sqlite3_backup_step(backup, STEP_PAGES);
	sqlite3_backup_finish(backup);
	if (code == SQLITE_DONE)
		return TRUE;
	if (code == SQLITE_OK)
		return fail("finished", "it was cancelled", error);
	if (code == SQLITE_FULL) {
		g_set_error(error, STP_ERROR, STP_ERROR_STORE_FULL,
			    "There is no room for the backup. Free space where it goes, or choose another place.");
		return FALSE;
	}
	return fail("written", sqlite3_errstr(code), error);
}

gboolean
stp_backup_write(const char *path, int fd, GCancellable *cancellable, GError **error)
{
	sqlite3 *from = NULL, *to = NULL;
	gboolean done;

	if (ftruncate(fd, 0) != 0)
		return fail("written", g_strerror(errno), error);
	/* One moment, however long it takes: the snapshot is held. */
	if (sqlite3_open_v2(path, &from, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK ||
	    sqlite3_exec(from, "BEGIN; SELECT count(*) FROM setting", NULL, NULL, NULL) != SQLITE_OK) {
		fail("read", sqlite3_errmsg(from), error);
		sqlite3_close(from);
		return FALSE;
	}
	to = open_descriptor(fd, "");
	done = to != NULL &&
	       sqlite3_exec(to, "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF", NULL, NULL, NULL) == SQLITE_OK;
	if (!done)
		fail("written", to != NULL ? sqlite3_errmsg(to) : "no memory", error);
	done = done && copy(from, to, cancellable, error);
	sqlite3_close(to);
	sqlite3_close(from);
	if (done && fsync(fd) != 0)
		return fail("written through to the disk", g_strerror(errno), error);
	return done;
}

/* The first column of the first row, as text. */
static char *
ask(sqlite3 *handle, const char *sql)
{
	sqlite3_stmt *statement = NULL;
	char *answer = NULL;

	if (sqlite3_prepare_v2(handle, sql, -1, &statement, NULL) == SQLITE_OK &&
	    sqlite3_step(statement) == SQLITE_ROW)
		answer = g_strdup((const char *)sqlite3_column_text(statement, 0));
	sqlite3_finalize(statement);
	return answer;
}

gboolean
stp_backup_verify(int fd, StpBackup *out, GError **error)
{
	/* What is there is all of it: no log beside it, and nobody writes. */
	sqlite3 *handle = open_descriptor(fd, "?immutable=1");
	g_autofree char *verdict = NULL, *application = NULL, *records = NULL;
	struct stat info;

	*out = (StpBackup){ 0 };
	if (handle == NULL)
		return fail("read again", "no memory", error);
	application = ask(handle, "PRAGMA application_id");
	verdict = ask(handle, CHECK);
	records = ask(handle, "SELECT count(*) FROM record JOIN record_raw USING (record)");
	sqlite3_close(handle);
	if (g_strcmp0(verdict, "ok") != 0 || records == NULL || application == NULL ||
	    g_ascii_strtoll(application, NULL, 10) != STP_DATABASE_APPLICATION_ID)
		return fail("read again", verdict != NULL && strcmp(verdict, "ok") != 0 ? verdict : "it is no store",
			    error);
	out->records = g_ascii_strtoull(records, NULL, 10);
	if (fstat(fd, &info) == 0)
		out->bytes = (guint64)info.st_size;
	return TRUE;
}
