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
#else
#define BITS_WIDE 0
#define BITS_AT_ONCE 24u
#endif

/* Room the writer needs beyond the bytes written: a whole word. */
#define BITS_SLACK 8

/* At most BITS_AT_ONCE bits; the rest of value must be 0. */
static inline void
bits_put_up(struct stp_bit_writer *writer, uint8_t *start, size_t value, uint32_t count)
{
	writer->word |= value << writer->count;
	writer->count += count;
#if BITS_WIDE
	memcpy(start + writer->written, &writer->word, sizeof(writer->word));
	writer->written += writer->count >> 3;
	writer->word >>= writer->count & ~7u;
	writer->count &= 7;
#else
	while (writer->count >= 8) {
		start[writer->written++] = (uint8_t)writer->word;
		writer->word >>= 8;
		writer->count -= 8;
	}
#endif
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
	return writer->written + (writer->count > 0);
}

#endif
