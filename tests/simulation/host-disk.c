/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "host-disk.h"

bool
host_disk_append(struct host_disk *disk, const struct disk_entry *entry)
{
	if (disk->count == DISK_ENTRIES_MAX)
		return false;
	disk->entries[disk->count++] = *entry;
	return true;
}

void
host_disk_sync(struct host_disk *disk)
{
	disk->synced = disk->count;
}

void
host_disk_crash(struct host_disk *disk, struct chance *chance)
{
	/* The page cache may have gone out by itself, up to some point. */
	disk->count = disk->synced + roll(chance, (uint32_t)(disk->count - disk->synced + 1));
	disk->synced = disk->count;
}

void
host_disk_restore(struct host_disk *disk, size_t count)
{
	if (count < disk->count)
		disk->count = count;
	disk->synced = disk->count;
}
