/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef FLASH_LOG_H
#define FLASH_LOG_H

/*
 * The log of a pen's firmware, on a NOR flash, as power may go at any moment.
 *
 * What is overwritten (the log's head, the collectors' slots) has two places each, with a sequence
 * number and a checksum: the older one is erased and written, the newer stays.  A record takes
 * whole sectors, each with a header of its own; it counts once the page behind its first header
 * says so, and no more once that header's checksum is gone.
 */

#include <stddef.h>

#include <stipple/pen.h>

#include "nor-flash.h"

#define LOG_RECORDS_MAX 64u
#define LOG_PARTS_MAX 160u

/* Kept in two places. */
struct log_head {
	uint32_t epoch;
	uint32_t next;		/* no lower number may be written */
	uint32_t begin;		/* what is below was erased */
	uint32_t overruns;	/* records overwritten that not all slots had acknowledged */
	uint32_t boot_id;
	uint32_t sequence;
};

struct log_record {
	struct stp_entry entry;
	uint16_t parts;
	uint8_t sectors[LOG_PARTS_MAX];
};

struct flash_log {
	struct nor_flash flash;
	struct log_head head;
	uint8_t head_place;
	struct stp_pen_slot slots[STP_PEN_SLOTS];
	uint32_t slot_sequences[STP_PEN_SLOTS];
	uint8_t slot_places[STP_PEN_SLOTS];
	bool checks_records;	/* at power-up, and then knows which are damaged */
	bool taken[NOR_SECTORS_MAX];
	uint32_t sectors_free;
	uint32_t next_number;
	uint32_t oldest, newest;
	size_t count;
	struct log_record records[LOG_RECORDS_MAX];	/* ascending */
};

/* All bool: false means that the power went meanwhile. */

/* A log without records in its first epoch. */
void flash_log_format(struct flash_log *log, struct chance *chance, uint32_t sectors, uint32_t epoch);
/* After power-up: find what there is.  Counts the boot. */
bool flash_log_mount(struct flash_log *log);
/* Sectors that a record of length bytes takes. */
uint32_t flash_log_parts(uint32_t length);
/* Write a record; there must be room.  entry: all but length, which is given, and the number, log->next_number. */
bool flash_log_append(struct flash_log *log, struct stp_entry *entry, const uint8_t *raw, uint32_t length);
/* Pass over numbers, as a pen may after a power loss. */
bool flash_log_skip(struct flash_log *log, uint32_t count);
bool flash_log_remove(struct flash_log *log, size_t index);
/* Remove all up to that number, at once. */
bool flash_log_erase(struct flash_log *log, uint32_t up_to);
/* Count records that are about to be overwritten although somebody lacks them. */
bool flash_log_count_overrun(struct flash_log *log);
/* Start over in another epoch.  The slots stay as they are. */
bool flash_log_reset(struct flash_log *log, uint32_t epoch);
bool flash_log_save_slot(struct flash_log *log, unsigned index, const struct stp_pen_slot *slot);
/* NULL: there is no such record. */
struct log_record *flash_log_find(struct flash_log *log, uint32_t number);
void flash_log_read(const struct flash_log *log, const struct log_record *record, uint32_t offset, uint8_t *out,
		    uint32_t size);
/* A bit of the record's flash turns by itself. */
void flash_log_rot(struct flash_log *log, const struct log_record *record, uint32_t offset, unsigned bit);
uint8_t flash_log_free_percent(const struct flash_log *log);

#endif
