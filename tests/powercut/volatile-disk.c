/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * Preloaded into the user-mode kernel: the cache of its disk, as a log.  Every write to the file
 * $STIPPLE_DISK is appended to $STIPPLE_DISK_LOG as well, and every flush leaves a mark there;
 * cut-power.py makes of it what a disk may hold whose cache lost power.
 */

/* Else the calls without 64 in their names are those with it, and both are needed here. */
#undef _FILE_OFFSET_BITS

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAGIC 0x4b534944u	/* "DISK" */
#define FLUSH UINT32_MAX

struct entry {
	uint32_t magic, length;
	uint64_t offset;
};

static ino_t disk;
static int disk_log = -1;

__attribute__((constructor)) static void
start(void)
{
	const char *path = getenv("STIPPLE_DISK"), *log = getenv("STIPPLE_DISK_LOG");
	struct stat info;

	if (path == NULL || log == NULL || stat(path, &info) != 0)
		return;
	disk = info.st_ino;
	disk_log = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
}

static int
is_disk(int fd)
{
	struct stat info;

	return disk_log >= 0 && syscall(SYS_fstat, fd, &info) == 0 && info.st_ino == disk;
}

/* In one call, so that whoever kills us finds a whole entry or, at the very end, none. */
static void
note(uint64_t offset, uint32_t length, const void *bytes)
{
	struct entry entry = { MAGIC, length, offset };
	struct iovec parts[2] = { { &entry, sizeof(entry) }, { (void *)bytes, length } };

	syscall(SYS_writev, disk_log, parts, bytes != NULL ? 2 : 1);
}

ssize_t
pwrite64(int fd, const void *bytes, size_t size, off64_t offset)
{
	if (is_disk(fd))
		note((uint64_t)offset, (uint32_t)size, bytes);
	return syscall(SYS_pwrite64, fd, bytes, size, offset);
}

ssize_t
pwrite(int fd, const void *bytes, size_t size, off_t offset)
{
	return pwrite64(fd, bytes, size, offset);
}

int
fsync(int fd)
{
	if (!is_disk(fd))
		return (int)syscall(SYS_fsync, fd);
	note(0, FLUSH, NULL);
	return 0;
}

int
fdatasync(int fd)
{
	return fsync(fd);
}

/* The guest then writes zeroes instead. */
int
fallocate64(int fd, int mode, off64_t offset, off64_t length)
{
	(void)fd, (void)mode, (void)offset, (void)length;
	errno = EOPNOTSUPP;
	return -1;
}

int
fallocate(int fd, int mode, off_t offset, off_t length)
{
	return fallocate64(fd, mode, offset, length);
}
