/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stipple/elapsed-time.h>

#include "../base/wire-bytes.h"

#define FLAG_TICK 0x01u
#define FLAG_UTC 0x02u
#define FLAG_ZONE 0x10u
#define FLAG_CURRENT 0x20u
#define UNIT_SHIFT 2

#define ZONE_MIN -48	/* 12 h west */
#define ZONE_MAX 56	/* 14 h east */
#define ZONE_UNKNOWN -128

static const uint32_t units_us[4] = { 1000000, 100000, 1000, 100 };

static bool
is_zone(int zone)
{
	return zone >= ZONE_MIN && zone <= ZONE_MAX;
}

enum stp_status
stp_elapsed_time_encode(const struct stp_elapsed_time *time, uint8_t out[STP_ELAPSED_TIME_SIZE])
{
	uint32_t unit = 0, flags;

	while (unit < 4 && units_us[unit] != time->unit_us)
		unit++;
	if (unit == 4 || time->value > STP_TICK_MAX)
		return STP_ERR_RANGE;
	if (time->tz_dst_quarters != ZONE_UNKNOWN && !is_zone(time->tz_dst_quarters))
		return STP_ERR_RANGE;

	flags = unit << UNIT_SHIFT;
	if (time->is_tick)
		flags |= FLAG_TICK;
	if (time->is_utc)
		flags |= FLAG_UTC;
	if (time->tz_dst_quarters != ZONE_UNKNOWN)
		flags |= FLAG_ZONE;
	if (time->is_current_timeline)
		flags |= FLAG_CURRENT;

	out[0] = (uint8_t)flags;
	put_le48(out + 1, time->value);
	out[7] = time->sync_source;
	out[8] = flags & FLAG_ZONE ? (uint8_t)time->tz_dst_quarters : 0;
	return STP_OK;
}

enum stp_status
stp_elapsed_time_decode(const uint8_t *bytes, size_t size, struct stp_elapsed_time *out)
{
	int zone;

	if (size < STP_ELAPSED_TIME_SIZE)
		return STP_ERR_TRUNCATED;
	if (size > STP_ELAPSED_TIME_SIZE)
		return STP_ERR_MALFORMED;

	zone = bytes[8] < 128 ? bytes[8] : bytes[8] - 256;
	if (!(bytes[0] & FLAG_ZONE) || !is_zone(zone))
		zone = ZONE_UNKNOWN;
	*out = (struct stp_elapsed_time){
		.is_tick = (bytes[0] & FLAG_TICK) != 0,
		.is_utc = (bytes[0] & FLAG_UTC) != 0,
		.unit_us = units_us[bytes[0] >> UNIT_SHIFT & 3],
		.value = get_le48(bytes + 1),
		.sync_source = bytes[7],
		.tz_dst_quarters = (int8_t)zone,
		.is_current_timeline = (bytes[0] & FLAG_CURRENT) != 0,
	};
	return STP_OK;
}

enum stp_status
stp_clock_offset(const struct stp_time_anchor *set, const struct stp_time_anchor *now, int64_t *offset_us)
{
	/* Far from where sums overflow: the year 75000, and as long before. */
	const int64_t limit = INT64_C(1) << 61;

	if (set->boot_id != now->boot_id)
		return STP_ERR_IDENTITY;
	if (now->tick_ms < set->tick_ms || now->tick_ms > STP_TICK_MAX || set->utc_us > limit ||
	    set->utc_us < -limit || now->utc_us > limit || now->utc_us < -limit)
		return STP_ERR_RANGE;
	*offset_us = set->utc_us + (int64_t)(now->tick_ms - set->tick_ms) * 1000 - now->utc_us;
	return STP_OK;
}
