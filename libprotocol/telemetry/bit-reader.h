/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef BIT_READER_H
#define BIT_READER_H

/*
 * Bits, least significant first, from bytes read upwards or downwards.  Behind the
 * end come zeros, forever: the caller compares the position with the size when done.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bit_reader {
	const uint8_t *bytes;
	size_t size;
	size_t position;	/* in bits */
	bool down;
};

static inline uint32_t
bits_byte(const struct bit_reader *reader, size_t index)
{
	if (index >= reader->size)
		return 0;
	return reader->bytes[reader->down ? reader->size - 1 - index : index];
}

/* At most 24 bits. */
static inline uint32_t
bits_take(struct bit_reader *reader, uint32_t count)
{
	size_t index = reader->position >> 3;
	uint32_t word = bits_byte(reader, index) | bits_byte(reader, index + 1) << 8
		| bits_byte(reader, index + 2) << 16 | bits_byte(reader, index + 3) << 24;

	word >>= reader->position & 7;
	reader->position += count;
	return word & ((1u << count) - 1);
}

/* Zeros before the next one, which is taken too; at limit (at most 24) they end by themselves. */
static inline uint32_t
bits_take_zeros(struct bit_reader *reader, uint32_t limit)
{
	uint32_t zeros = (uint32_t)__builtin_ctz(bits_take(reader, limit) | 1u << limit);

	reader->position -= limit;
	reader->position += zeros == limit ? limit : zeros + 1;
	return zeros;
}

/* The bytes read, a started one included. */
static inline size_t
bits_read(const struct bit_reader *reader)
{
	return reader->position / 8 + (reader->position % 8 > 0);
}

/* Whether what is left of a started byte is zero. */
static inline bool
bits_padded(struct bit_reader *reader)
{
	return bits_take(reader, (uint32_t)(-reader->position & 7)) == 0;
}

#endif
