/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <assert.h>
#include <string.h>

#include <stipple/crc32c.h>
#include <stipple/record.h>

#include "flash-log.h"

#define HEAD_SECTOR 0u
#define SLOT_SECTOR 2u
#define FIRST_SECTOR (SLOT_SECTOR + 2u * STP_PEN_SLOTS)

#define PART_MAGIC 0x50544C53u

/* Before each part of a record: one page. */
struct part_header {
	uint32_t magic, epoch, number;
	uint16_t part, parts;
	uint32_t length;
	uint32_t boot_id_and_type;
	uint32_t start_tick;
	uint32_t check;
};

/* The second page of a record's first part, written when all else is. */
struct commit {
	uint32_t number, crc32c, flags, check;
};

_Static_assert(sizeof(struct part_header) == NOR_PAGE, "a header fills a page");
_Static_assert(sizeof(struct commit) <= NOR_PAGE, "a commit fits a page");

#define FIRST_ROOM (NOR_SECTOR - 2 * NOR_PAGE)
#define OTHER_ROOM (NOR_SECTOR - NOR_PAGE)

/* ---- what is kept in two places ---- */

struct slot_image {
	struct stp_pen_slot slot;
	uint32_t sequence;
};

static bool
save_twice(struct flash_log *log, uint32_t sector, uint8_t *place, const void *image, uint32_t size)
{
	uint32_t other = sector + !*place, check = stp_crc32c(0, image, size);

	assert(size + sizeof(check) <= NOR_SECTOR);
	if (!nor_flash_erase(&log->flash, other) ||
	    !nor_flash_program(&log->flash, other * NOR_SECTOR, image, size) ||
	    !nor_flash_program(&log->flash, other * NOR_SECTOR + size, &check, sizeof(check)))
		return false;
	*place = !*place;
	return true;
}

static bool
load_place(const struct flash_log *log, uint32_t sector, void *image, uint32_t size)
{
	const uint8_t *bytes = log->flash.bytes + sector * NOR_SECTOR;
	uint32_t check;

	memcpy(&check, bytes + size, sizeof(check));
	if (check != stp_crc32c(0, bytes, size))
		return false;
	memcpy(image, bytes, size);
	return true;
}

static bool
save_head(struct flash_log *log, const struct log_head *head)
{
	struct log_head image = *head;

	image.sequence = log->head.sequence + 1;
	if (!save_twice(log, HEAD_SECTOR, &log->head_place, &image, sizeof(image)))
		return false;
	log->head = image;
	return true;
}

static void
load_head(struct flash_log *log)
{
	bool found = false;

	for (uint8_t place = 0; place < 2; place++) {
		struct log_head image;

		if (!load_place(log, HEAD_SECTOR + place, &image, sizeof(image)) ||
		    (found && image.sequence < log->head.sequence))
			continue;
		log->head = image;
		log->head_place = place;
		found = true;
	}
	assert(found);
}

bool
flash_log_save_slot(struct flash_log *log, unsigned index, const struct stp_pen_slot *slot)
{
	struct slot_image image;

	assert(index < STP_PEN_SLOTS);
	/* Padding, too, is in the checksum. */
	memset(&image, 0, sizeof(image));
	image.slot = *slot;
	image.sequence = log->slot_sequences[index] + 1;
	if (!save_twice(log, SLOT_SECTOR + 2 * index, &log->slot_places[index], &image, sizeof(image)))
		return false;
	log->slots[index] = *slot;
	log->slot_sequences[index]++;
	return true;
}

static void
load_slot(struct flash_log *log, unsigned index)
{
	memset(&log->slots[index], 0, sizeof(log->slots[index]));
	log->slot_sequences[index] = 0;
	for (uint8_t place = 0; place < 2; place++) {
		struct slot_image image;

		if (!load_place(log, SLOT_SECTOR + 2 * index + place, &image, sizeof(image)) ||
		    image.sequence < log->slot_sequences[index])
			continue;
		log->slots[index] = image.slot;
		log->slot_sequences[index] = image.sequence;
		log->slot_places[index] = place;
	}
}

/* ---- records ---- */

static void
refresh(struct flash_log *log)
{
	log->oldest = log->count ? log->records[0].entry.record : log->newest + 1;
}

static uint32_t
header_check(const struct part_header *header)
{
	return stp_crc32c(0, header, offsetof(struct part_header, check));
}

static uint32_t
commit_check(const struct commit *commit)
{
	return stp_crc32c(0, commit, offsetof(struct commit, check));
}

uint32_t
flash_log_parts(uint32_t length)
{
	return length <= FIRST_ROOM ? 1 : 1 + (length - FIRST_ROOM + OTHER_ROOM - 1) / OTHER_ROOM;
}

static uint8_t
take_sector(struct flash_log *log)
{
	for (uint32_t sector = FIRST_SECTOR; sector < log->flash.sectors; sector++)
		if (!log->taken[sector]) {
			log->taken[sector] = true;
			log->sectors_free--;
			return (uint8_t)sector;
		}
	assert(!"the log has room");
	return 0;
}

static bool
write_part(struct flash_log *log, const struct stp_entry *entry, uint8_t sector, uint16_t part, uint16_t parts,
	   const uint8_t *bytes, uint32_t size)
{
	struct part_header header = { .magic = PART_MAGIC,
		.epoch = log->head.epoch,
		.number = entry->record,
		.part = part,
		.parts = parts,
		.length = entry->length,
		.boot_id_and_type = entry->boot_id << 8 | entry->type,
		.start_tick = (uint32_t)entry->start_tick_ms };
	uint32_t address = sector * NOR_SECTOR;

	header.check = header_check(&header);
	return nor_flash_erase(&log->flash, sector) &&
	       nor_flash_program(&log->flash, address, &header, sizeof(header)) &&
	       nor_flash_program(&log->flash, address + (part ? 1 : 2) * NOR_PAGE, bytes, size);
}

static bool
write_commit(struct flash_log *log, const struct log_record *record)
{
	struct commit commit = { .number = record->entry.record,
		.crc32c = record->entry.crc32c,
		.flags = record->entry.flags };

	commit.check = commit_check(&commit);
	return nor_flash_program(&log->flash, record->sectors[0] * NOR_SECTOR + NOR_PAGE, &commit, sizeof(commit));
}

bool
flash_log_append(struct flash_log *log, struct stp_entry *entry, const uint8_t *raw, uint32_t length)
{
	struct log_record *record = &log->records[log->count];
	uint16_t parts = (uint16_t)flash_log_parts(length);
	uint32_t done = 0;

	assert(log->count < LOG_RECORDS_MAX && parts <= log->sectors_free && parts <= LOG_PARTS_MAX);
	entry->record = log->next_number++;
	entry->length = length;
	record->entry = *entry;
	record->parts = parts;
	for (uint16_t part = 0; part < parts; part++) {
		uint32_t room = part ? OTHER_ROOM : FIRST_ROOM, piece = length - done < room ? length - done : room;

		record->sectors[part] = take_sector(log);
		if (!write_part(log, entry, record->sectors[part], part, parts, raw + done, piece))
			return false;
		done += piece;
	}
	if (!write_commit(log, record))
		return false;
	log->count++;
	log->newest = entry->record;
	refresh(log);
	return true;
}

bool
flash_log_skip(struct flash_log *log, uint32_t count)
{
	struct log_head head = log->head;

	head.next = log->next_number + count;
	if (!save_head(log, &head))
		return false;
	log->next_number = head.next;
	return true;
}

static void
forget_record(struct flash_log *log, size_t index)
{
	struct log_record *record = &log->records[index];

	for (uint16_t part = 0; part < record->parts; part++) {
		log->taken[record->sectors[part]] = false;
		log->sectors_free++;
	}
	memmove(record, record + 1, (--log->count - index) * sizeof(*record));
	refresh(log);
}

bool
flash_log_remove(struct flash_log *log, size_t index)
{
	static const uint32_t nothing;
	uint32_t address = log->records[index].sectors[0] * NOR_SECTOR + offsetof(struct part_header, check);

	/* The highest number must not be forgotten with its record. */
	if (log->head.next < log->next_number && !flash_log_skip(log, 0))
		return false;
	/* Not a mark that an erasure, torn later, could take back: no checksum comes out of ones. */
	if (!nor_flash_program(&log->flash, address, &nothing, sizeof(nothing)))
		return false;
	forget_record(log, index);
	return true;
}

bool
flash_log_erase(struct flash_log *log, uint32_t up_to)
{
	struct log_head head = log->head;

	head.begin = up_to + 1;
	head.next = log->next_number;
	if (!save_head(log, &head))
		return false;
	while (log->count && log->records[0].entry.record <= up_to)
		forget_record(log, 0);
	return true;
}

bool
flash_log_count_overrun(struct flash_log *log)
{
	struct log_head head = log->head;

	head.overruns++;
	return save_head(log, &head);
}

static void
forget_records(struct flash_log *log)
{
	memset(log->taken, 0, sizeof(log->taken));
	log->sectors_free = log->flash.sectors - FIRST_SECTOR;
	log->count = 0;
	log->newest = 0;
	refresh(log);
}

bool
flash_log_reset(struct flash_log *log, uint32_t epoch)
{
	struct log_head head = log->head;

	head.epoch = epoch;
	head.next = 1;
	head.begin = 1;
	head.overruns = 0;
	if (!save_head(log, &head))
		return false;
	forget_records(log);
	log->next_number = 1;
	return true;
}

/* ---- power-up ---- */

static const struct part_header *
header_at(const struct flash_log *log, uint32_t sector)
{
	const struct part_header *header = (const void *)(log->flash.bytes + sector * NOR_SECTOR);

	if (header->magic != PART_MAGIC || header->epoch != log->head.epoch || header->check != header_check(header))
		return NULL;
	return header;
}

static void
insert_record(struct flash_log *log, const struct part_header *header, const struct commit *commit)
{
	size_t at = log->count;

	assert(log->count < LOG_RECORDS_MAX);
	while (at && log->records[at - 1].entry.record > header->number) {
		log->records[at] = log->records[at - 1];
		at--;
	}
	log->count++;
	log->records[at].parts = 0;
	log->records[at].entry = (struct stp_entry){ .record = header->number,
		.boot_id = header->boot_id_and_type >> 8,
		.type = (uint8_t)header->boot_id_and_type,
		.start_tick_ms = header->start_tick,
		.flags = (uint8_t)commit->flags,
		.length = header->length,
		.crc32c = commit->crc32c };
}

static void
find_firsts(struct flash_log *log)
{
	log->next_number = log->head.next;
	for (uint32_t sector = FIRST_SECTOR; sector < log->flash.sectors; sector++) {
		const struct part_header *header = header_at(log, sector);
		const struct commit *commit = (const void *)(log->flash.bytes + sector * NOR_SECTOR + NOR_PAGE);

		if (!header)
			continue;
		/* A number whose record was torn is not used again. */
		if (header->number >= log->next_number)
			log->next_number = header->number + 1;
		if (header->part || commit->check != commit_check(commit) || commit->number != header->number ||
		    header->number < log->head.begin)
			continue;
		insert_record(log, header, commit);
	}
}

static void
find_parts(struct flash_log *log)
{
	for (uint32_t sector = FIRST_SECTOR; sector < log->flash.sectors; sector++) {
		const struct part_header *header = header_at(log, sector);
		struct log_record *record = header ? flash_log_find(log, header->number) : NULL;

		if (!record)
			continue;
		record->sectors[header->part] = (uint8_t)sector;
		record->parts = header->parts;
		log->taken[sector] = true;
		log->sectors_free--;
	}
}

static bool
is_sound(const struct flash_log *log, const struct log_record *record)
{
	static _Thread_local uint8_t raw[LOG_PARTS_MAX * OTHER_ROOM];

	flash_log_read(log, record, 0, raw, record->entry.length);
	return record->entry.length > STP_RECORD_TRAILER_SIZE &&
	       !memcmp(raw + record->entry.length - 4, &record->entry.crc32c, 4) &&
	       stp_crc32c(0, raw, record->entry.length - 4) == record->entry.crc32c;
}

bool
flash_log_mount(struct flash_log *log)
{
	struct log_head head;

	load_head(log);
	for (unsigned i = 0; i < STP_PEN_SLOTS; i++)
		load_slot(log, i);
	forget_records(log);
	find_firsts(log);
	find_parts(log);
	for (size_t i = 0; log->checks_records && i < log->count; i++)
		if (!is_sound(log, &log->records[i]))
			log->records[i].entry.flags |= STP_ENTRY_CORRUPT;
	log->newest = log->next_number - 1;
	refresh(log);
	head = log->head;
	/* Numbers that were passed over stay so, even when the torn record is erased. */
	head.next = log->next_number;
	head.boot_id = (head.boot_id + 1) & STP_BOOT_ID_MAX;
	return save_head(log, &head);
}

void
flash_log_format(struct flash_log *log, struct chance *chance, uint32_t sectors, uint32_t epoch)
{
	nor_flash_init(&log->flash, chance, sectors);
	log->head = (struct log_head){ .epoch = epoch, .next = 1, .begin = 1, .boot_id = roll(chance, 1000) };
	log->head_place = 0;
	memset(log->slots, 0, sizeof(log->slots));
	memset(log->slot_sequences, 0, sizeof(log->slot_sequences));
	memset(log->slot_places, 0, sizeof(log->slot_places));
	log->checks_records = false;
	log->next_number = 1;
	forget_records(log);
	if (!save_head(log, &log->head))
		assert(!"no fuse burns yet");
}

/* ---- reading ---- */

struct log_record *
flash_log_find(struct flash_log *log, uint32_t number)
{
	size_t low = 0, high = log->count;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (log->records[middle].entry.record < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low < log->count && log->records[low].entry.record == number ? &log->records[low] : NULL;
}

/* Where a byte of the record lies, and how many follow it there. */
static uint32_t
locate(const struct log_record *record, uint32_t offset, uint32_t *room)
{
	uint32_t part, within, start;

	if (offset < FIRST_ROOM) {
		*room = FIRST_ROOM - offset;
		return record->sectors[0] * NOR_SECTOR + 2 * NOR_PAGE + offset;
	}
	part = 1 + (offset - FIRST_ROOM) / OTHER_ROOM;
	start = FIRST_ROOM + (part - 1) * OTHER_ROOM;
	within = offset - start;
	*room = OTHER_ROOM - within;
	return record->sectors[part] * NOR_SECTOR + NOR_PAGE + within;
}

void
flash_log_read(const struct flash_log *log, const struct log_record *record, uint32_t offset, uint8_t *out,
	       uint32_t size)
{
	assert(offset <= record->entry.length && size <= record->entry.length - offset);
	while (size) {
		uint32_t room, address = locate(record, offset, &room), piece = size < room ? size : room;

		memcpy(out, log->flash.bytes + address, piece);
		out += piece;
		offset += piece;
		size -= piece;
	}
}

void
flash_log_rot(struct flash_log *log, const struct log_record *record, uint32_t offset, unsigned bit)
{
	uint32_t room;

	log->flash.bytes[locate(record, offset, &room)] ^= (uint8_t)(1u << bit);
}

uint8_t
flash_log_free_percent(const struct flash_log *log)
{
	return (uint8_t)(log->sectors_free * 100 / (log->flash.sectors - FIRST_SECTOR));
}
