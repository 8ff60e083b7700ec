/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef BIT_WRITER_H
#define BIT_WRITER_H

/*
 * Bits, least significant first, into bytes that grow up from a start or down
 * from an end.  The caller sees to the room: eight bytes beyond what is written.
 */

#include <stdint.h>
#include <string.h>

#include <stipple/telemetry.h>

/* Wide words on machines that have them; STP_NARROW_WORDS lets tests have the others' code. */
#if UINTPTR_MAX > 0xFFFFFFFFu && defined(__BYTE_ORDER__) && \
	__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ && !defined(STP_NARROW_WORDS)
#define BITS_WIDE 1
#define BITS_AT_ONCE 56u
#define BITS_HELD_BYTES 1
#else
#define BITS_WIDE 0
#define BITS_AT_ONCE 32u
#define BITS_HELD_BYTES 4	/* that are not yet written, a started one included */
#endif

/* Room the writer needs beyond the bytes written: a whole word. */
#define BITS_SLACK 8

/* At most BITS_AT_ONCE bits; the rest of value must be 0. */
static inline void
bits_put_up(struct stp_bit_writer *writer, uint8_t *start, size_t value, uint32_t count)
{
#if BITS_WIDE
	writer->word |= value << writer->count;
	writer->count += count;
	memcpy(start + writer->written, &writer->word, sizeof(writer->word));
	writer->written += writer->count >> 3;
	writer->word >>= writer->count & ~7u;
	writer->count &= 7;
#else
	uint32_t held = writer->count, word = (uint32_t)writer->word | (uint32_t)value << held;

	count += held;
	if (count >= 32) {
		uint8_t *bytes = start + writer->written;

		bytes[0] = (uint8_t)word;
		bytes[1] = (uint8_t)(word >> 8);
		bytes[2] = (uint8_t)(word >> 16);
		bytes[3] = (uint8_t)(word >> 24);
		writer->written += 4;
		/* In two steps, as 32 would be one too many. */
		word = (uint32_t)value >> 1 >> (31 - held);
		count -= 32;
	}
	writer->word = word;
	writer->count = count;
#endif
}

/* Write the last bits, and zeros up to a whole byte. */
static inline void
bits_end_up(struct stp_bit_writer *writer, uint8_t *start)
{
	for (; writer->count > 0; writer->count -= writer->count < 8 ? writer->count : 8) {
		start[writer->written++] = (uint8_t)writer->word;
		writer->word >>= 8;
	}
}

/* At most 24 bits. */
static inline void
bits_put_down(struct stp_bit_writer *writer, uint8_t *end, uint32_t value, uint32_t count)
{
	writer->word |= (size_t)value << writer->count;
	writer->count += count;
	while (writer->count >= 8) {
		end[-1 - (ptrdiff_t)writer->written++] = (uint8_t)writer->word;
		writer->word >>= 8;
		writer->count -= 8;
	}
}

/* The bytes taken, a started one included. */
static inline size_t
bits_size(const struct stp_bit_writer *writer)
{
	return writer->written + (writer->count + 7) / 8;
}

#endif
