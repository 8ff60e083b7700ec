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
	    || part->sample_count > RECORD_SAMPLES_MAX
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
	if (event->severity > RECORD_SEVERITY_MAX || event->utc_ms > RECORD_UTC_MAX_MS)
		return STP_ERR_RANGE;
	return event->utc_ms == 0 && event->utc_uncertainty_ms != 0 ? STP_ERR_MALFORMED : STP_OK;
}

enum stp_status
stp_record_check_seal(const struct stp_seal *seal)
{
	return seal->statement_size == 0 || seal->statement_size > STP_SEAL_STATEMENT_MAX ? STP_ERR_RANGE
											     : STP_OK;
}

enum stp_status
stp_record_check_statement(const struct stp_seal *seal, const struct stp_record_head *head)
{
	struct stp_seal_statement statement;
	enum stp_status status;

	status = stp_seal_statement_decode(seal->statement, seal->statement_size, &statement);
	if (status != STP_OK)
		return status == STP_ERR_UNKNOWN ? STP_OK : status;
	/* Both serials are zero behind their end; a head without a hash has zeros for it. */
	if (memcmp(statement.serial, head->serial, sizeof(statement.serial)) != 0
	    || statement.epoch != head->epoch || statement.number != head->number
	    || memcmp(statement.prev_hash, head->prev_hash, sizeof(statement.prev_hash)) != 0)
		return STP_ERR_MALFORMED;
	return STP_OK;
}
