/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <stipple/crc32c.h>

#include "flash-model.h"

void
flash_model_init(struct flash_model *flash, uint32_t epoch)
{
	memset(flash, 0, sizeof(*flash));
	flash->state = (struct stp_pen_log_state){ .epoch = epoch, .oldest = 1, .newest = 0, .free_percent = 90 };
	flash->read_fails_at = UINT32_MAX;
}

void
flash_model_clear(struct flash_model *flash)
{
	for (size_t i = 0; i < flash->count; i++)
		free(flash->records[i].raw);
	flash->count = 0;
}

struct flash_record *
flash_model_add(struct flash_model *flash, uint32_t number, uint32_t length)
{
	struct flash_record *record = &flash->records[flash->count++];
	uint32_t noise = number * 2654435761u ^ flash->state.epoch, crc;

	assert(flash->count <= FLASH_RECORDS_MAX && length > 4);
	record->raw = malloc(length);
	assert(record->raw);
	for (uint32_t i = 0; i < length - 4; i++) {
		noise = noise * 1664525u + 1013904223u;
		record->raw[i] = (uint8_t)(noise >> 24);
	}
	crc = stp_crc32c(0, record->raw, length - 4);
	for (unsigned i = 0; i < 4; i++)
		record->raw[length - 4 + i] = (uint8_t)(crc >> 8 * i);
	record->entry = (struct stp_entry){ .record = number,
		.boot_id = 7,
		.start_tick_ms = number * 1000u,
		.type = 1,
		.length = length,
		.crc32c = crc };
	if (flash->count == 1)
		flash->state.oldest = number;
	flash->state.newest = number;
	return record;
}

void
flash_model_overwrite(struct flash_model *flash)
{
	assert(flash->count);
	free(flash->records[0].raw);
	memmove(&flash->records[0], &flash->records[1], --flash->count * sizeof(flash->records[0]));
	flash->state.oldest = flash->count ? flash->records[0].entry.record : flash->state.newest + 1;
	flash->state.flags |= STP_STATE_OVERRUN;
}

struct flash_record *
flash_model_find(struct flash_model *flash, uint32_t number)
{
	for (size_t i = 0; i < flash->count; i++)
		if (flash->records[i].entry.record == number)
			return &flash->records[i];
	return NULL;
}

static void
get_state(void *user, struct stp_pen_log_state *out)
{
	struct flash_model *flash = user;

	*out = flash->state;
}

static enum stp_status
get_entry(void *user, uint32_t number, struct stp_entry *out)
{
	struct flash_model *flash = user;
	struct flash_record *record = flash_model_find(flash, number);

	flash->lookups++;
	if (flash->entry_fails)
		return STP_ERR_IO;
	if (!record)
		return STP_ERR_NOT_FOUND;
	*out = record->entry;
	return STP_OK;
}

static enum stp_status
read_bytes(void *user, uint32_t number, uint32_t offset, uint8_t *out, size_t size)
{
	struct flash_model *flash = user;
	struct flash_record *record = flash_model_find(flash, number);

	if (!record)
		return STP_ERR_NOT_FOUND;
	assert(offset <= record->entry.length && size <= record->entry.length - offset);
	if (offset + size > flash->read_fails_at)
		return STP_ERR_IO;
	memcpy(out, record->raw + offset, size);
	return STP_OK;
}

static enum stp_status
save_slot(void *user, unsigned index, const struct stp_pen_slot *slot)
{
	struct flash_model *flash = user;

	assert(index < STP_PEN_SLOTS);
	if (flash->save_fails)
		return STP_ERR_IO;
	flash->slots[index] = *slot;
	flash->saves++;
	return STP_OK;
}

static enum stp_status
erase_records(void *user, uint32_t up_to)
{
	struct flash_model *flash = user;

	flash->erasures++;
	if (flash->erase_fails)
		return STP_ERR_IO;
	while (flash->count && flash->records[0].entry.record <= up_to) {
		free(flash->records[0].raw);
		memmove(&flash->records[0], &flash->records[1], --flash->count * sizeof(flash->records[0]));
	}
	flash->state.oldest = flash->count ? flash->records[0].entry.record : flash->state.newest + 1;
	return STP_OK;
}

uint32_t
flash_model_random(void *user)
{
	static uint32_t noise = 1;

	noise = noise * 1664525u + 1013904223u;
	return noise;
}

const struct stp_pen_log flash_model_log = { get_state, get_entry, read_bytes, save_slot, erase_records };
