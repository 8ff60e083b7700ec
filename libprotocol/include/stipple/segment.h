/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */
#ifndef STIPPLE_SEGMENT_H
#define STIPPLE_SEGMENT_H

/*
 * One notification of Log Data: a four-byte header and payload.
 *
 *   byte 0     bit 0 first, bit 1 last, bits 2-7 rolling counter
 *   byte 1-3   little endian: token << 20 | offset of the payload in the answer
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <stipple/status.h>

#ifdef __cplusplus
extern "C" {
#endif

#define STP_SEGMENT_HEADER_SIZE 4
#define STP_SEGMENT_OFFSET_MAX 0xFFFFFu		/* 20 bits */
#define STP_RECORD_SIZE_MAX 0x100000u		/* 1 MiB: every byte of it has an offset */

/* One notification, taken apart. */
struct stp_segment {
	bool first, last;
	uint8_t counter;	/* 0..63 */
	uint8_t token;		/* 1..15 */
	uint32_t offset;	/* 0..STP_SEGMENT_OFFSET_MAX */
	const uint8_t *payload;	/* into the caller's bytes */
	size_t size;		/* at least 1 */
};

/* Write header and payload; *size receives the bytes written. */
STP_API STP_MUST_CHECK enum stp_status
stp_segment_encode(const struct stp_segment *segment, uint8_t *out, size_t capacity, size_t *size);
/*
 * Take a notification apart.  STP_ERR_TRUNCATED: no payload; STP_ERR_RANGE: token 0, or an end
 * beyond the largest record; STP_ERR_MALFORMED: the first segment is not the one at offset 0.
 */
STP_API STP_MUST_CHECK enum stp_status
stp_segment_decode(const uint8_t *bytes, size_t size, struct stp_segment *out);

#ifdef __cplusplus
}
#endif

#endif
