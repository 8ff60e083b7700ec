/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef FLASH_MODEL_H
#define FLASH_MODEL_H

/* A pen's flash in memory: records to read, slots to keep, and faults on demand. */

#include <stipple/pen.h>

#define FLASH_RECORDS_MAX 64

struct flash_record {
	struct stp_entry entry;
	uint8_t *raw;
};

struct flash_model {
	struct stp_pen_log_state state;
	struct flash_record records[FLASH_RECORDS_MAX];
	size_t count;
	struct stp_pen_slot slots[STP_PEN_SLOTS];
	unsigned saves;
	bool save_fails, entry_fails, erase_fails;
	unsigned erasures, lookups;	/* calls of erase() and entry() */
	uint32_t read_fails_at;		/* offset from which read() fails; UINT32_MAX: never */
};

extern const struct stp_pen_log flash_model_log;
/* For the engine's nonces; a test can foresee them. */
uint32_t flash_model_random(void *user);

void flash_model_init(struct flash_model *flash, uint32_t epoch);
void flash_model_clear(struct flash_model *flash);
/* Append a sound record of length bytes (above 4), pseudo-random from its number and the epoch. */
struct flash_record *flash_model_add(struct flash_model *flash, uint32_t number, uint32_t length);
/* Drop the oldest record, as a full flash does. */
void flash_model_overwrite(struct flash_model *flash);
struct flash_record *flash_model_find(struct flash_model *flash, uint32_t number);

#endif
