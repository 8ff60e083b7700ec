/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <assert.h>
#include <string.h>

#include "nor-flash.h"

void
nor_flash_init(struct nor_flash *flash, struct chance *chance, uint32_t sectors)
{
	assert(sectors <= NOR_SECTORS_MAX);
	flash->chance = chance;
	flash->sectors = sectors;
	flash->fuse = NOR_NO_FUSE;
	flash->dead = false;
	memset(flash->bytes, 0xFF, sectors * NOR_SECTOR);
}

/* Whether the power lasts for one more page or sector. */
static bool
is_powered(struct nor_flash *flash)
{
	if (flash->fuse == NOR_NO_FUSE)
		return true;
	if (flash->fuse) {
		flash->fuse--;
		return true;
	}
	flash->fuse = NOR_NO_FUSE;
	flash->dead = true;
	return false;
}

bool
nor_flash_erase(struct nor_flash *flash, uint32_t sector)
{
	uint8_t *bytes = flash->bytes + sector * NOR_SECTOR;
	uint32_t from, to;

	assert(sector < flash->sectors);
	if (flash->dead)
		return false;
	if (is_powered(flash)) {
		memset(bytes, 0xFF, NOR_SECTOR);
		return true;
	}
	/* Some of it is erased, and the edge of that is neither. */
	from = roll(flash->chance, NOR_SECTOR);
	to = from + roll(flash->chance, NOR_SECTOR - from + 1);
	memset(bytes + from, 0xFF, to - from);
	if (to < NOR_SECTOR)
		bytes[to] |= (uint8_t)roll(flash->chance, 256);
	return false;
}

static void
program_bytes(uint8_t *at, const uint8_t *bytes, uint32_t size)
{
	for (uint32_t i = 0; i < size; i++)
		at[i] &= bytes[i];
}

bool
nor_flash_program(struct nor_flash *flash, uint32_t address, const void *bytes, uint32_t size)
{
	const uint8_t *from = bytes;

	assert(address + size <= flash->sectors * NOR_SECTOR);
	while (size) {
		uint32_t piece = NOR_PAGE - address % NOR_PAGE, torn;

		if (flash->dead)
			return false;
		if (piece > size)
			piece = size;
		if (!is_powered(flash)) {
			torn = roll(flash->chance, piece + 1);
			program_bytes(flash->bytes + address, from, torn);
			if (torn < piece)
				flash->bytes[address + torn] &=
					(uint8_t)(from[torn] | roll(flash->chance, 256));
			return false;
		}
		program_bytes(flash->bytes + address, from, piece);
		address += piece;
		from += piece;
		size -= piece;
	}
	return true;
}
