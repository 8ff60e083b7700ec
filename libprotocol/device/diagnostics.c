/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stipple/diagnostics.h>

#include "../base/wire-bytes.h"

#define DIAGNOSTICS_VERSION 1u
#define DIAGNOSTICS_HEAD 2u	/* version, count */
#define COUNTER_SIZE 5u		/* id, value */

enum stp_status
stp_diagnostics_encode(const struct stp_counter *counters, size_t count, uint8_t *out, size_t capacity,
		       size_t *size)
{
	uint8_t before = 0;

	if (count > STP_COUNTERS_MAX)
		return STP_ERR_RANGE;
	for (size_t i = 0; i < count; before = counters[i++].id)
		if (counters[i].id <= before)
			return STP_ERR_MALFORMED;
	if (capacity < STP_DIAGNOSTICS_SIZE(count))
		return STP_ERR_SPACE;
	out[0] = DIAGNOSTICS_VERSION;
	out[1] = (uint8_t)count;
	for (size_t i = 0; i < count; i++) {
		out[DIAGNOSTICS_HEAD + i * COUNTER_SIZE] = counters[i].id;
		put_le32(out + DIAGNOSTICS_HEAD + i * COUNTER_SIZE + 1, counters[i].value);
	}
	*size = STP_DIAGNOSTICS_SIZE(count);
	return STP_OK;
}

enum stp_status
stp_diagnostics_decode(const uint8_t *bytes, size_t size, struct stp_counter *counters, size_t capacity,
		       size_t *count)
{
	uint8_t before = 0;

	if (!size)
		return STP_ERR_TRUNCATED;
	if (bytes[0] != DIAGNOSTICS_VERSION)
		return STP_ERR_UNKNOWN;
	if (size < DIAGNOSTICS_HEAD)
		return STP_ERR_TRUNCATED;
	if (bytes[1] > STP_COUNTERS_MAX || size > STP_DIAGNOSTICS_SIZE_MAX)
		return STP_ERR_RANGE;
	if (size < STP_DIAGNOSTICS_SIZE(bytes[1]))
		return STP_ERR_TRUNCATED;
	for (size_t i = 0; i < bytes[1]; i++) {
		uint8_t id = bytes[DIAGNOSTICS_HEAD + i * COUNTER_SIZE];

		if (id <= before)
			return STP_ERR_MALFORMED;
		before = id;
	}
	if (bytes[1] > capacity)
		return STP_ERR_SPACE;
	for (size_t i = 0; i < bytes[1]; i++) {
		const uint8_t *each = bytes + DIAGNOSTICS_HEAD + i * COUNTER_SIZE;

		counters[i] = (struct stp_counter){ .id = each[0], .value = get_le32(each + 1) };
	}
	*count = bytes[1];
	return STP_OK;
}
