/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stipple/control.h>
#include <stipple/pen-event.h>

#include "../base/wire-bytes.h"

static enum stp_status
check_event_hint(const struct stp_event_hint *hint)
{
	return hint->boot_id <= STP_BOOT_ID_MAX && hint->severity <= STP_SEVERITY_FAULT ? STP_OK : STP_ERR_RANGE;
}

enum stp_status
stp_event_hint_encode(const struct stp_event_hint *hint, uint8_t out[STP_EVENT_HINT_SIZE])
{
	enum stp_status status = check_event_hint(hint);

	if (status)
		return status;
	put_le32(out, hint->event_no);
	put_le32(out + 4, hint->tick_low_ms);
	put_le32(out + 8, hint->boot_id);
	put_le16(out + 12, hint->code);
	put_le32(out + 14, hint->arg);
	out[18] = hint->severity;
	out[19] = hint->flags;
	return STP_OK;
}

enum stp_status
stp_event_hint_decode(const uint8_t *bytes, size_t size, struct stp_event_hint *out)
{
	struct stp_event_hint hint;
	enum stp_status status;

	if (size < STP_EVENT_HINT_SIZE)
		return STP_ERR_TRUNCATED;
	hint = (struct stp_event_hint){
		.event_no = get_le32(bytes),
		.tick_low_ms = get_le32(bytes + 4),
		.boot_id = get_le32(bytes + 8),
		.code = get_le16(bytes + 12),
		.arg = get_le32(bytes + 14),
		.severity = bytes[18],
		.flags = bytes[19],
	};
	status = check_event_hint(&hint);
	if (status)
		return status;
	*out = hint;
	return STP_OK;
}
