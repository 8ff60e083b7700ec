/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* The value of Configuration, in the firmware's memory, and the clock. */

#include <string.h>

#include <stipple/elapsed-time.h>

#include "pen-internal.h"
#include "../base/wire-bytes.h"

/* From 1970, where Unix begins, to 2000, where Elapsed Time does. */
#define ELAPSED_TIME_BEGINS_MS INT64_C(946684800000)

enum { RANK_NONE, RANK_UNKNOWN, RANK_MANUAL, RANK_CLOCK };

uint16_t
stp_pen_settings_revision(const struct stp_pen *pen)
{
	return get_le16(pen->config.settings);
}

static const uint8_t *
find_octet(const struct stp_pen *pen, uint8_t tag)
{
	struct stp_config_item item;

	if (stp_config_find(pen->config.settings, pen->config.settings_size, tag, &item) || item.size != 1)
		return NULL;
	return item.value;
}

void
stp_pen_apply_settings(struct stp_pen *pen)
{
	const uint8_t *octet = find_octet(pen, STP_CONFIG_LOG_WHILE_MOTOR);

	if (octet)
		pen->config.motor_segments_per_s = *octet;
	octet = find_octet(pen, STP_CONFIG_CONFIRMATION);
	if (octet)
		pen->config.erase_unconfirmed = *octet & STP_CONFIRM_ERASE_UNATTENDED;
}

void
stp_pen_settings_changed(struct stp_pen *pen, size_t size)
{
	if (!pen->config.settings || size < STP_CONFIG_SIZE_MIN || size > STP_CONFIG_SIZE_MAX)
		return;
	pen->config.settings_size = size;
	stp_pen_apply_settings(pen);
	if (pen->subscribed & 1u << STP_PEN_CONFIGURATION)
		pen->changed |= 1u << STP_PEN_CONFIGURATION;
}

/* 0 is what a pen begins with: it does not come back. */
static uint16_t
next_revision(uint16_t revision)
{
	return revision == UINT16_MAX ? 1 : (uint16_t)(revision + 1u);
}

uint8_t
stp_pen_change_setting(struct stp_pen *pen, const struct stp_panel_request *request)
{
	uint8_t changed[STP_CONFIG_SIZE_MAX], tag = request->u.config_set.tag;
	size_t size = pen->config.settings_size;
	uint16_t revision;
	enum stp_status status;

	if (!pen->config.settings || !pen->config.panel->save_settings)
		return STP_WIRE_OP_NOT_SUPPORTED;
	/* Who must be at the pen to erase is not for the link to say. */
	if (tag == STP_CONFIG_CONFIRMATION)
		return STP_WIRE_NOT_AUTHORISED;
	revision = stp_pen_settings_revision(pen);
	if (request->u.config_set.revision != revision)
		return STP_WIRE_WRONG_REVISION;
	memcpy(changed, pen->config.settings, size);
	status = stp_config_put(changed, &size, tag, request->u.config_set.value, request->u.config_set.size);
	if (status)
		return STP_WIRE_INVALID_OPERAND;
	/* A host that repeats itself must not wear out the flash. */
	if (size == pen->config.settings_size && !memcmp(changed, pen->config.settings, size))
		return STP_WIRE_SUCCESS;
	stp_config_set_revision(changed, next_revision(revision));
	status = pen->config.panel->save_settings(pen->config.user, changed, size, tag);
	if (status)
		return status == STP_ERR_RANGE ? STP_WIRE_INVALID_OPERAND : STP_WIRE_NOT_COMPLETED;
	memcpy(pen->config.settings, changed, size);
	stp_pen_settings_changed(pen, size);
	return STP_WIRE_SUCCESS;
}

static uint8_t
rank_of(uint8_t source)
{
	switch (source) {
	case 0:
		return RANK_UNKNOWN;
	case 4:
		return RANK_MANUAL;
	case 1: /* network time, satellites, radio, an atomic clock, a cellular network */
	case 2:
	case 3:
	case 5:
	case 6:
		return RANK_CLOCK;
	default: /* not synchronised, or reserved */
		return RANK_NONE;
	}
}

static int64_t
milliseconds(const struct stp_elapsed_time *time)
{
	switch (time->unit_us) {
	case 1000000:
		return (int64_t)time->value * 1000;
	case 100000:
		return (int64_t)time->value * 100;
	case 1000:
		return (int64_t)time->value;
	default: /* 100 microseconds */
		return (int64_t)time->value / 10;
	}
}

uint8_t
stp_pen_set_clock(struct stp_pen *pen, const uint8_t *bytes, size_t size)
{
	struct stp_elapsed_time time;
	uint8_t rank;
	enum stp_status status;

	if (!pen->config.panel || !pen->config.panel->set_clock)
		return STP_ATT_ERROR_NOT_PERMITTED;
	if (stp_elapsed_time_decode(bytes, size, &time))
		return STP_ATT_ERROR_LENGTH;
	if (time.is_tick || !time.is_utc)
		return STP_ATT_ERROR_TIME_FORMAT;
	rank = rank_of(time.sync_source);
	if (rank == RANK_NONE || rank < pen->clock_rank)
		return STP_ATT_ERROR_TIME_SOURCE;
	status = pen->config.panel->set_clock(pen->config.user, ELAPSED_TIME_BEGINS_MS + milliseconds(&time),
					      time.sync_source);
	if (status)
		return status == STP_ERR_RANGE ? STP_ATT_ERROR_OUT_OF_RANGE : STP_ATT_ERROR_UNLIKELY;
	pen->clock_rank = rank;
	return 0;
}
