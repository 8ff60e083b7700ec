/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef WIRE_BYTES_H
#define WIRE_BYTES_H

/* Little-endian integers in byte arrays.  Internal to the library. */

#include <stdint.h>

static inline void
put_le16(uint8_t *out, uint16_t value)
{
	out[0] = (uint8_t)value;
	out[1] = (uint8_t)(value >> 8);
}

static inline void
put_le24(uint8_t *out, uint32_t value)
{
	put_le16(out, (uint16_t)value);
	out[2] = (uint8_t)(value >> 16);
}

static inline void
put_le32(uint8_t *out, uint32_t value)
{
	put_le16(out, (uint16_t)value);
	put_le16(out + 2, (uint16_t)(value >> 16));
}

static inline void
put_le48(uint8_t *out, uint64_t value)
{
	put_le32(out, (uint32_t)value);
	put_le16(out + 4, (uint16_t)(value >> 32));
}

static inline uint16_t
get_le16(const uint8_t *in)
{
	return (uint16_t)(in[0] | (uint32_t)in[1] << 8);
}

static inline uint32_t
get_le24(const uint8_t *in)
{
	return get_le16(in) | (uint32_t)in[2] << 16;
}

static inline uint32_t
get_le32(const uint8_t *in)
{
	return get_le16(in) | (uint32_t)get_le16(in + 2) << 16;
}

static inline uint64_t
get_le48(const uint8_t *in)
{
	return get_le32(in) | (uint64_t)get_le16(in + 4) << 32;
}

#endif
