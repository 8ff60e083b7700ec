/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef FUZZ_LOG_H
#define FUZZ_LOG_H

/* A small log for the pen engine: records 1 to 9 but 4 and 7, a few hundred bytes each. */

#include <string.h>

#include <stipple/crc32c.h>
#include <stipple/pen.h>

#define FUZZ_EPOCH 0x01020304u
#define FUZZ_NEWEST 9u
#define FUZZ_LENGTH_MAX 600u

static uint8_t fuzz_raw[FUZZ_NEWEST + 1][FUZZ_LENGTH_MAX];
static struct stp_pen_log_state fuzz_state;

static inline uint32_t
fuzz_length(uint32_t number)
{
	return number * 61 + 20;
}

static inline bool
fuzz_exists(uint32_t number)
{
	return number >= 1 && number <= FUZZ_NEWEST && number != 4 && number != 7;
}

static inline void
fuzz_log_reset(void)
{
	fuzz_state = (struct stp_pen_log_state){ .epoch = FUZZ_EPOCH, .oldest = 1, .newest = FUZZ_NEWEST };
	for (uint32_t number = 1; number <= FUZZ_NEWEST; number++) {
		uint32_t body = fuzz_length(number) - 4, crc;

		for (uint32_t i = 0; i < body; i++)
			fuzz_raw[number][i] = (uint8_t)(number * 29 + i * 3);
		crc = stp_crc32c(0, fuzz_raw[number], body);
		for (unsigned i = 0; i < 4; i++)
			fuzz_raw[number][body + i] = (uint8_t)(crc >> 8 * i);
	}
	/* Damaged, and the pen knows it; damaged, and it does not. */
	fuzz_raw[2][5] ^= 1;
	fuzz_raw[3][5] ^= 1;
}

static void
fuzz_get_state(void *user, struct stp_pen_log_state *out)
{
	*out = fuzz_state;
}

static enum stp_status
fuzz_get_entry(void *user, uint32_t number, struct stp_entry *out)
{
	uint32_t length;

	if (!fuzz_exists(number))
		return STP_ERR_NOT_FOUND;
	length = fuzz_length(number);
	*out = (struct stp_entry){ .record = number,
		.type = 1,
		.flags = number == 2 ? STP_ENTRY_CORRUPT : 0,
		.length = length,
		.crc32c = (uint32_t)fuzz_raw[number][length - 4] | (uint32_t)fuzz_raw[number][length - 3] << 8 |
			  (uint32_t)fuzz_raw[number][length - 2] << 16 |
			  (uint32_t)fuzz_raw[number][length - 1] << 24 };
	return STP_OK;
}

static enum stp_status
fuzz_read(void *user, uint32_t number, uint32_t offset, uint8_t *out, size_t size)
{
	FUZZ_CHECK(fuzz_exists(number) && offset <= fuzz_length(number) && size <= fuzz_length(number) - offset);
	memcpy(out, fuzz_raw[number] + offset, size);
	return STP_OK;
}

static enum stp_status
fuzz_save_slot(void *user, unsigned index, const struct stp_pen_slot *slot)
{
	FUZZ_CHECK(index < STP_PEN_SLOTS && slot->range_count <= STP_PEN_SLOT_RANGES);
	for (unsigned i = 0; i < slot->range_count; i++) {
		FUZZ_CHECK(slot->ranges[i].from <= slot->ranges[i].to && slot->ranges[i].to <= FUZZ_NEWEST);
		FUZZ_CHECK(slot->ranges[i].from > (i ? slot->ranges[i - 1].to : slot->mark));
	}
	return STP_OK;
}

static const struct stp_pen_log fuzz_log = { fuzz_get_state, fuzz_get_entry, fuzz_read, fuzz_save_slot, NULL };

#endif
