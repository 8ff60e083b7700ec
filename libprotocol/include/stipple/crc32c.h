/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef STIPPLE_CRC32C_H
#define STIPPLE_CRC32C_H

/*
 * CRC-32C (Castagnoli, reflected polynomial 0x82F63B78, as in RFC 3720).
 * The check value over "123456789" is 0xE3069283.
 */

#include <stddef.h>
#include <stdint.h>

#include <stipple/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Continue a checksum: start with crc 0, feed pieces in order, the result is the checksum. */
STP_API uint32_t stp_crc32c(uint32_t crc, const void *bytes, size_t size);

#ifdef __cplusplus
}
#endif

#endif
