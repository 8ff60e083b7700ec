/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include "record-format.h"

static bool
is_text(const char *text, size_t max)
{
	size_t size = record_text_size(text, max);

	return size <= max && record_is_printable((const uint8_t *)text, size);
}

static bool
is_known_within(uint16_t value, uint16_t max)
{
	return value <= max || value == STP_ABSENT;
}

enum stp_status
stp_record_check_head(const struct stp_record_head *head)
{
	if (!is_text(head->serial, STP_SERIAL_MAX) || !is_text(head->firmware, STP_FIRMWARE_MAX)
	    || head->serial[0] == '\0')
		return STP_ERR_MALFORMED;
	if (head->epoch == 0 || head->number == 0 || head->type == 0 || head->schema_rev == 0
	    || head->start_tick_ms > RECORD_TICK_MAX_MS)
		return STP_ERR_RANGE;
	return STP_OK;
}

enum stp_status
stp_record_check_session(const struct stp_session_part *part)
{
	if (part->session_no == 0
	    || part->period_ms < STP_PERIOD_MIN_MS || part->period_ms > STP_PERIOD_MAX_MS
	    || part->duration_ms > RECORD_DURATION_MAX_MS
	    || part->motor_on_ms > RECORD_DURATION_MAX_MS
	    || !is_known_within(part->set_depth_min_um, STP_DEPTH_MAX_UM)
	    || !is_known_within(part->set_depth_max_um, STP_DEPTH_MAX_UM)
	    || !is_known_within(part->set_rate_dhz, STP_RATE_MAX_DHZ)
	    || part->needles > RECORD_NEEDLES_MAX
	    || part->cartridge_uid_size > sizeof(part->cartridge_uid))
		return STP_ERR_RANGE;
	if (part->set_depth_min_um != STP_ABSENT && part->set_depth_max_um != STP_ABSENT
	    && part->set_depth_min_um > part->set_depth_max_um)
		return STP_ERR_MALFORMED;
	return STP_OK;
}

enum stp_status
stp_record_check_event(const struct stp_event *event)
{
	return event->severity > RECORD_SEVERITY_MAX ? STP_ERR_RANGE : STP_OK;
}
