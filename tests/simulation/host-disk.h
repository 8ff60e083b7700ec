/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef HOST_DISK_H
#define HOST_DISK_H

/*
 * A collector's durable store: a journal that is appended to and synced.  A crash keeps what was
 * synced, and of the rest any first part: what was torn is cut off when the journal is opened again.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "chance.h"

#define DISK_ENTRIES_MAX 512u

struct disk_entry {
	uint8_t pen;
	bool evidence;		/* its checksum fails */
	uint32_t epoch, number;
};

struct host_disk {
	size_t count, synced;
	struct disk_entry entries[DISK_ENTRIES_MAX];
};

/* False: the disk is full. */
bool host_disk_append(struct host_disk *disk, const struct disk_entry *entry);
void host_disk_sync(struct host_disk *disk);
void host_disk_crash(struct host_disk *disk, struct chance *chance);
/* As it was when it had that many entries. */
void host_disk_restore(struct host_disk *disk, size_t count);

#endif
