/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "frail-disk.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <string.h>
#include <unistd.h>

#include "chance.h"

/* What a file held before a write that is not synced yet. */
typedef struct {
	char *path;
	sqlite3_int64 offset, size_before;
	GBytes *old; /* may be shorter than what was written: there was no more */
	gsize written;
} Undo;

typedef struct {
	sqlite3_file base;
	char *path;
	sqlite3_file *real; /* lies behind this struct */
} FrailFile;

static struct {
	sqlite3_vfs vfs, *real;
	gboolean dead, full;
	guint die_after; /* 0: not */
	guint failing;
	struct chance chance;
	guint64 writes;
	GPtrArray *undo; /* (element-type Undo), oldest first */
} disk;

static void
undo_free(gpointer data)
{
	Undo *undo = data;

	g_free(undo->path);
	g_bytes_unref(undo->old);
	g_free(undo);
}

static FrailFile *
frail(sqlite3_file *file)
{
	return (FrailFile *)(void *)file;
}

/* SQLITE_OK, or what a write comes to. */
static int
try_write(void)
{
	disk.writes++;
	if (disk.die_after > 0 && --disk.die_after == 0)
		disk.dead = TRUE;
	if (disk.dead || strikes(&disk.chance, disk.failing)) {
		errno = EIO;
		return SQLITE_IOERR_WRITE;
	}
	return SQLITE_OK;
}

static void
remember(FrailFile *file, sqlite3_int64 offset, gsize size)
{
	Undo *undo = g_new0(Undo, 1);
	g_autofree guint8 *old = g_malloc(MAX(size, 1));
	gssize there;

	if (file->path == NULL) {
		g_free(undo);
		return;
	}
	undo->path = g_strdup(file->path);
	undo->offset = offset;
	undo->written = size;
	file->real->pMethods->xFileSize(file->real, &undo->size_before);
	there = CLAMP(undo->size_before - offset, 0, (sqlite3_int64)size);
	if (there > 0 && file->real->pMethods->xRead(file->real, old, (int)there, offset) != SQLITE_OK)
		there = 0;
	undo->old = g_bytes_new(old, (gsize)there);
	g_ptr_array_add(disk.undo, undo);
}

static void
forget_synced(const char *path)
{
	for (guint i = disk.undo->len; path != NULL && i-- > 0;) {
		const Undo *undo = g_ptr_array_index(disk.undo, i);

		if (g_str_equal(undo->path, path))
			g_ptr_array_remove_index(disk.undo, i);
	}
}

/* ---- a file ---- */

static int
x_close(sqlite3_file *file)
{
	FrailFile *self = frail(file);

	g_clear_pointer(&self->path, g_free);
	return self->real->pMethods->xClose(self->real);
}

static int
x_read(sqlite3_file *file, void *out, int size, sqlite3_int64 offset)
{
	return frail(file)->real->pMethods->xRead(frail(file)->real, out, size, offset);
}

static int
x_write(sqlite3_file *file, const void *bytes, int size, sqlite3_int64 offset)
{
	FrailFile *self = frail(file);
	sqlite3_int64 length = 0;
	int result = try_write();

	if (result != SQLITE_OK)
		return result;
	self->real->pMethods->xFileSize(self->real, &length);
	if (disk.full && offset + size > length) {
		errno = ENOSPC;
		return SQLITE_FULL;
	}
	remember(self, offset, (gsize)size);
	return self->real->pMethods->xWrite(self->real, bytes, size, offset);
}

static int
x_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	int result = try_write();

	if (result != SQLITE_OK)
		return SQLITE_IOERR_TRUNCATE;
	/* Not undone: taken as done at once, with all before it. */
	forget_synced(frail(file)->path);
	return frail(file)->real->pMethods->xTruncate(frail(file)->real, size);
}

static int
x_sync(sqlite3_file *file, int flags)
{
	int result = try_write();

	if (result != SQLITE_OK)
		return SQLITE_IOERR_FSYNC;
	/* On tmpfs there is nothing to wait for, and the record of it is all that counts. */
	forget_synced(frail(file)->path);
	return SQLITE_OK;
}

static int
x_file_size(sqlite3_file *file, sqlite3_int64 *size)
{
	return frail(file)->real->pMethods->xFileSize(frail(file)->real, size);
}

static int
x_lock(sqlite3_file *file, int lock)
{
	return frail(file)->real->pMethods->xLock(frail(file)->real, lock);
}

static int
x_unlock(sqlite3_file *file, int lock)
{
	return frail(file)->real->pMethods->xUnlock(frail(file)->real, lock);
}

static int
x_check_reserved(sqlite3_file *file, int *out)
{
	return frail(file)->real->pMethods->xCheckReservedLock(frail(file)->real, out);
}

static int
x_control(sqlite3_file *file, int op, void *argument)
{
	return frail(file)->real->pMethods->xFileControl(frail(file)->real, op, argument);
}

static int
x_sector_size(sqlite3_file *file)
{
	return frail(file)->real->pMethods->xSectorSize(frail(file)->real);
}

static int
x_traits(sqlite3_file *file)
{
	return frail(file)->real->pMethods->xDeviceCharacteristics(frail(file)->real);
}

static int
x_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out)
{
	return frail(file)->real->pMethods->xShmMap(frail(file)->real, page, size, extend, out);
}

static int
x_shm_lock(sqlite3_file *file, int offset, int count, int flags)
{
	return frail(file)->real->pMethods->xShmLock(frail(file)->real, offset, count, flags);
}

static void
x_shm_barrier(sqlite3_file *file)
{
	frail(file)->real->pMethods->xShmBarrier(frail(file)->real);
}

static int
x_shm_unmap(sqlite3_file *file, int remove)
{
	return frail(file)->real->pMethods->xShmUnmap(frail(file)->real, disk.dead ? 0 : remove);
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = x_close,
	.xRead = x_read,
	.xWrite = x_write,
	.xTruncate = x_truncate,
	.xSync = x_sync,
	.xFileSize = x_file_size,
	.xLock = x_lock,
	.xUnlock = x_unlock,
	.xCheckReservedLock = x_check_reserved,
	.xFileControl = x_control,
	.xSectorSize = x_sector_size,
	.xDeviceCharacteristics = x_traits,
	.xShmMap = x_shm_map,
	.xShmLock = x_shm_lock,
	.xShmBarrier = x_shm_barrier,
	.xShmUnmap = x_shm_unmap,
};

/* ---- the system of files ---- */

static int
v_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
	FrailFile *self = frail(file);
	int result;

	memset(self, 0, sizeof *self);
	self->real = (sqlite3_file *)(void *)(self + 1);
	result = disk.real->xOpen(disk.real, name, self->real, flags, out);
	if (result != SQLITE_OK)
		return result;
	self->path = g_strdup(name);
	self->base.pMethods = &methods;
	return SQLITE_OK;
}

static int
v_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	if (try_write() != SQLITE_OK)
		return SQLITE_IOERR_DELETE;
	forget_synced(name);
	return disk.real->xDelete(disk.real, name, sync);
}

void
frail_disk_install(void)
{
	if (disk.real != NULL)
		return;
	disk.real = sqlite3_vfs_find(NULL);
	disk.vfs = *disk.real;
	disk.vfs.zName = "frail";
	disk.vfs.pNext = NULL;
	disk.vfs.szOsFile = (int)sizeof(FrailFile) + disk.real->szOsFile;
	disk.vfs.xOpen = v_open;
	disk.vfs.xDelete = v_delete;
	disk.undo = g_ptr_array_new_with_free_func(undo_free);
	g_assert_cmpint(sqlite3_vfs_register(&disk.vfs, 1), ==, SQLITE_OK);
}

void
frail_disk_mend(void)
{
	disk.dead = disk.full = FALSE;
	disk.die_after = disk.failing = 0;
	g_ptr_array_set_size(disk.undo, 0);
}

void
frail_disk_set_failing(guint odds, guint64 seed)
{
	disk.failing = odds;
	disk.chance.state = seed;
}

void
frail_disk_set_full(gboolean full)
{
	disk.full = full;
}

void
frail_disk_die_after(guint writes)
{
	disk.die_after = writes;
}

void
frail_disk_die(void)
{
	disk.dead = TRUE;
}

gboolean
frail_disk_is_dead(void)
{
	return disk.dead;
}

void
frail_disk_lose_unsynced(guint64 seed)
{
	struct chance chance = { seed };
	guint kept = disk.undo->len > 0 ? roll(&chance, disk.undo->len + 1) : 0;

	/* Newest first: what lies below an older write comes back with that. */
	for (guint i = disk.undo->len; i-- > kept;) {
		const Undo *undo = g_ptr_array_index(disk.undo, i);
		gsize size;
		const void *old = g_bytes_get_data(undo->old, &size);
		int fd = open(undo->path, O_RDWR | O_CLOEXEC);

		if (fd < 0)
			continue;
		if (size > 0 && pwrite(fd, old, size, undo->offset) != (gssize)size)
			g_error("%s: %s", undo->path, g_strerror(errno));
		if (undo->offset + (gint64)undo->written > undo->size_before &&
		    ftruncate(fd, undo->size_before) != 0)
			g_error("%s: %s", undo->path, g_strerror(errno));
		close(fd);
	}
	g_ptr_array_set_size(disk.undo, 0);
}

guint64
frail_disk_writes(void)
{
	return disk.writes;
}
