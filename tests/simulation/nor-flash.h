/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef NOR_FLASH_H
#define NOR_FLASH_H

/*
 * A NOR flash: erased by sectors to ones, programmed by pages to zeros, and losing power in the middle
 * of either when its fuse burns down.  What was under way is then torn: part of it was done, and
 * at the seam anything may be.
 */

#include <stdbool.h>
#include <stdint.h>

#include "chance.h"

#define NOR_SECTOR 256u
#define NOR_PAGE 32u
#define NOR_SECTORS_MAX 200u
#define NOR_NO_FUSE UINT32_MAX

struct nor_flash {
	struct chance *chance;
	uint32_t sectors;
	uint32_t fuse;		/* pages and sectors until the power goes; NOR_NO_FUSE: it stays */
	bool dead;		/* it went: nothing works until somebody sets this to false */
	_Alignas(8) uint8_t bytes[NOR_SECTORS_MAX * NOR_SECTOR];
};

void nor_flash_init(struct nor_flash *flash, struct chance *chance, uint32_t sectors);
/* False: the power is gone. */
bool nor_flash_erase(struct nor_flash *flash, uint32_t sector);
bool nor_flash_program(struct nor_flash *flash, uint32_t address, const void *bytes, uint32_t size);

#endif
