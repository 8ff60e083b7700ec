/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "faulty-vfs.h"

#include <errno.h>
#include <sqlite3.h>
#include <string.h>

/* One for all connections; the writer's thread and the readers' count in it. */
static struct {
	GMutex lock;
	guint calls[FAULTY_KINDS], from[FAULTY_KINDS], left[FAULTY_KINDS];
	guint failures;
	gboolean full, lie;
} faults;

static sqlite3_vfs *real;
static sqlite3_vfs vfs;

typedef struct {
	sqlite3_file base;
	sqlite3_file *inner;	/* in the same piece of memory, after this */
} FaultyFile;

static gboolean
fails(FaultyKind kind)
{
	gboolean hit = FALSE;

	g_mutex_lock(&faults.lock);
	faults.calls[kind]++;
	if (faults.left[kind] > 0 && faults.calls[kind] >= faults.from[kind]) {
		faults.left[kind]--;
		faults.failures++;
		hit = TRUE;
	}
	g_mutex_unlock(&faults.lock);
	if (hit)
		errno = faults.full ? ENOSPC : EIO;
	return hit;
}

#define INNER(file) (((FaultyFile *)(file))->inner)

static int
on_close(sqlite3_file *file)
{
	return INNER(file)->pMethods != NULL ? INNER(file)->pMethods->xClose(INNER(file)) : SQLITE_OK;
}

static int
on_read(sqlite3_file *file, void *to, int size, sqlite3_int64 at)
{
	return fails(FAULTY_READ) ? SQLITE_IOERR_READ : INNER(file)->pMethods->xRead(INNER(file), to, size, at);
}

/* Half of it gets there, as with a disk that goes away. */
static int
on_write(sqlite3_file *file, const void *from, int size, sqlite3_int64 at)
{
	if (!fails(FAULTY_WRITE))
		return INNER(file)->pMethods->xWrite(INNER(file), from, size, at);
	INNER(file)->pMethods->xWrite(INNER(file), from, size / 2, at);
	errno = faults.full ? ENOSPC : EIO;
	return faults.full ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

static int
on_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	return fails(FAULTY_TRUNCATE) ? SQLITE_IOERR_TRUNCATE :
					INNER(file)->pMethods->xTruncate(INNER(file), size);
}

static int
on_sync(sqlite3_file *file, int flags)
{
	if (faults.lie)
		return SQLITE_OK;
	/* What was written stays written, as with a real disk: an error is not a rollback. */
	return fails(FAULTY_SYNC) ? SQLITE_IOERR_FSYNC : INNER(file)->pMethods->xSync(INNER(file), flags);
}

static int
on_file_size(sqlite3_file *file, sqlite3_int64 *size)
{
	return INNER(file)->pMethods->xFileSize(INNER(file), size);
}

static int
on_lock(sqlite3_file *file, int level)
{
	return fails(FAULTY_LOCK) ? SQLITE_IOERR_LOCK : INNER(file)->pMethods->xLock(INNER(file), level);
}

static int
on_unlock(sqlite3_file *file, int level)
{
	return INNER(file)->pMethods->xUnlock(INNER(file), level);
}

static int
on_check_lock(sqlite3_file *file, int *out)
{
	return INNER(file)->pMethods->xCheckReservedLock(INNER(file), out);
}

static int
on_control(sqlite3_file *file, int what, void *argument)
{
	return INNER(file)->pMethods->xFileControl(INNER(file), what, argument);
}

static int
on_sector_size(sqlite3_file *file)
{
	return INNER(file)->pMethods->xSectorSize(INNER(file));
}

static int
on_characteristics(sqlite3_file *file)
{
	return INNER(file)->pMethods->xDeviceCharacteristics(INNER(file));
}

static int
on_map(sqlite3_file *file, int page, int size, int extend, void volatile **memory)
{
	return fails(FAULTY_MAP) ? SQLITE_IOERR_SHMMAP :
				   INNER(file)->pMethods->xShmMap(INNER(file), page, size, extend, memory);
}

static int
on_map_lock(sqlite3_file *file, int offset, int count, int flags)
{
	/* Giving a lock up never fails in SQLite's own, and it does not look. */
	if ((flags & SQLITE_SHM_LOCK) && fails(FAULTY_LOCK))
		return SQLITE_IOERR_SHMLOCK;
	return INNER(file)->pMethods->xShmLock(INNER(file), offset, count, flags);
}

static void
on_map_barrier(sqlite3_file *file)
{
	INNER(file)->pMethods->xShmBarrier(INNER(file));
}

static int
on_unmap(sqlite3_file *file, int remove)
{
	return INNER(file)->pMethods->xShmUnmap(INNER(file), remove);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = on_close,
	.xRead = on_read,
	.xWrite = on_write,
	.xTruncate = on_truncate,
	.xSync = on_sync,
	.xFileSize = on_file_size,
	.xLock = on_lock,
	.xUnlock = on_unlock,
	.xCheckReservedLock = on_check_lock,
	.xFileControl = on_control,
	.xSectorSize = on_sector_size,
	.xDeviceCharacteristics = on_characteristics,
	.xShmMap = on_map,
	.xShmLock = on_map_lock,
	.xShmBarrier = on_map_barrier,
	.xShmUnmap = on_unmap,
};

static int
on_open(sqlite3_vfs *self, const char *name, sqlite3_file *file, int flags, int *out)
{
	FaultyFile *faulty = (FaultyFile *)file;
	int code;

	faulty->base.pMethods = NULL;
	faulty->inner = (sqlite3_file *)(faulty + 1);
	if (fails(FAULTY_OPEN))
		return SQLITE_CANTOPEN;
	code = real->xOpen(real, name, faulty->inner, flags, out);
	if (code == SQLITE_OK)
		faulty->base.pMethods = &methods;
	return code;
}

static int
on_delete(sqlite3_vfs *self, const char *name, int sync)
{
	return fails(FAULTY_DELETE) ? SQLITE_IOERR_DELETE : real->xDelete(real, name, sync);
}

const char *
faulty_vfs_name(FaultyKind kind)
{
	static const char *const names[FAULTY_KINDS] = { "open", "read", "write", "sync",
							 "truncate", "lock", "map", "delete" };

	return names[kind];
}

void
faulty_vfs_install(void)
{
	if (real != NULL)
		return;
	real = sqlite3_vfs_find(NULL);
	vfs = *real;
	vfs.zName = "faulty";
	vfs.pNext = NULL;
	vfs.szOsFile = (int)sizeof(FaultyFile) + real->szOsFile;
	vfs.xOpen = on_open;
	vfs.xDelete = on_delete;
	sqlite3_vfs_register(&vfs, 1);
}

void
faulty_vfs_fail(FaultyKind kind, guint nth, guint how_many)
{
	g_mutex_lock(&faults.lock);
	faults.from[kind] = faults.calls[kind] + nth;
	faults.left[kind] = how_many;
	g_mutex_unlock(&faults.lock);
}

void
faulty_vfs_full(gboolean full)
{
	faults.full = full;
}

void
faulty_vfs_lie(gboolean lie)
{
	faults.lie = lie;
}

void
faulty_vfs_heal(void)
{
	g_mutex_lock(&faults.lock);
	memset(faults.calls, 0, sizeof(faults.calls));
	memset(faults.left, 0, sizeof(faults.left));
	faults.failures = 0;
	faults.full = FALSE;
	g_mutex_unlock(&faults.lock);
}

guint
faulty_vfs_calls(FaultyKind kind)
{
	return faults.calls[kind];
}

guint
faulty_vfs_failures(void)
{
	return faults.failures;
}
