/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <string.h>

#include <stipple/control.h>
#include <stipple/segment.h>

#include "../base/wire-bytes.h"

#define FLAG_FIRST 1u
#define FLAG_LAST 2u
#define COUNTER_MAX 63

static enum stp_status
check(const struct stp_segment *segment)
{
	if (segment->token < STP_TOKEN_MIN || segment->token > STP_TOKEN_MAX || segment->counter > COUNTER_MAX ||
	    segment->offset > STP_SEGMENT_OFFSET_MAX || segment->size > STP_RECORD_SIZE_MAX - segment->offset)
		return STP_ERR_RANGE;
	/* The first segment, and no other, begins at offset 0. */
	if (segment->first != (segment->offset == 0))
		return STP_ERR_MALFORMED;
	return STP_OK;
}

enum stp_status
stp_segment_encode(const struct stp_segment *segment, uint8_t *out, size_t capacity, size_t *size)
{
	enum stp_status status;

	if (!segment->payload || !segment->size)
		return STP_ERR_ARGUMENT;
	status = check(segment);
	if (status)
		return status;
	if (capacity < STP_SEGMENT_HEADER_SIZE || segment->size > capacity - STP_SEGMENT_HEADER_SIZE)
		return STP_ERR_SPACE;
	out[0] = (uint8_t)((segment->first ? FLAG_FIRST : 0) | (segment->last ? FLAG_LAST : 0) |
			   (uint32_t)segment->counter << 2);
	put_le24(out + 1, (uint32_t)segment->token << 20 | segment->offset);
	/* The pen fills the payload in place. */
	memmove(out + STP_SEGMENT_HEADER_SIZE, segment->payload, segment->size);
	*size = STP_SEGMENT_HEADER_SIZE + segment->size;
	return STP_OK;
}

enum stp_status
stp_segment_decode(const uint8_t *bytes, size_t size, struct stp_segment *out)
{
	struct stp_segment segment;
	enum stp_status status;
	uint32_t place;

	if (size <= STP_SEGMENT_HEADER_SIZE)
		return STP_ERR_TRUNCATED;
	place = get_le24(bytes + 1);
	segment = (struct stp_segment){
		.first = (bytes[0] & FLAG_FIRST) != 0,
		.last = (bytes[0] & FLAG_LAST) != 0,
		.counter = bytes[0] >> 2,
		.token = (uint8_t)(place >> 20),
		.offset = place & STP_SEGMENT_OFFSET_MAX,
		.payload = bytes + STP_SEGMENT_HEADER_SIZE,
		.size = size - STP_SEGMENT_HEADER_SIZE,
	};
	status = check(&segment);
	if (status)
		return status;
	*out = segment;
	return STP_OK;
}
