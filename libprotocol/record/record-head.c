/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stipple/crc32c.h>

#include "record-scan.h"
#include "../base/struct-size.h"
#include "../base/wire-bytes.h"

/* What can be had of a record without taking memory. */

enum stp_status
stp_record_check(const uint8_t *raw, size_t size, uint32_t *crc32c)
{
	uint32_t crc;

	if (size <= STP_RECORD_TRAILER_SIZE)
		return STP_ERR_TRUNCATED;
	if (size > STP_RECORD_SIZE_MAX)
		return STP_ERR_RANGE;
	crc = get_le32(raw + size - STP_RECORD_TRAILER_SIZE);
	if (stp_crc32c(0, raw, size - STP_RECORD_TRAILER_SIZE) != crc)
		return STP_ERR_CRC;
	*crc32c = crc;
	return STP_OK;
}

enum stp_status
stp_record_read_head_sized(const uint8_t *raw, size_t size, struct stp_record_head *head, size_t head_size)
{
	struct stp_record_head found;
	enum stp_status status;
	uint32_t crc;

	status = stp_record_check(raw, size, &crc);
	if (status == STP_OK)
		status = stp_record_scan_head(raw, size, &found);
	if (status == STP_OK)
		status = stp_record_check_head(&found);
	if (status == STP_OK)
		struct_give(head, head_size, &found, sizeof(found));
	return status;
}

enum stp_status
stp_record_read_seal(const uint8_t *raw, size_t size, struct stp_seal *out)
{
	struct stp_record_head head;
	struct stp_seal seal;
	enum stp_status status;

	status = stp_record_read_head(raw, size, &head);
	if (status == STP_OK && head.type != STP_RECORD_SEAL)
		status = STP_ERR_UNKNOWN;
	if (status == STP_OK)
		status = stp_record_scan_seal(raw, size, &seal);
	if (status == STP_OK)
		*out = seal;
	return status;
}
