/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stipple/live.h>
#include <stipple/telemetry.h>

#include "../base/wire-bytes.h"

/* A frame this much behind the newest was overtaken; more, and the pen's tick itself went back. */
#define OVERTAKEN_FRAMES 10
#define OVERTAKEN_MS 10000

static bool
is_live_value(uint16_t value, uint16_t max)
{
	return value <= max || value == STP_ABSENT;
}

static enum stp_status
check_live(const struct stp_live *live)
{
	if (!is_live_value(live->set_depth_um, STP_DEPTH_MAX_UM) ||
	    !is_live_value(live->depth_um, STP_DEPTH_MAX_UM) ||
	    !is_live_value(live->set_rate_dhz, STP_RATE_MAX_DHZ) ||
	    !is_live_value(live->rate_dhz, STP_RATE_MAX_DHZ) ||
	    !is_live_value(live->current_ma, STP_CURRENT_MAX_MA))
		return STP_ERR_RANGE;
	return STP_OK;
}

enum stp_status
stp_live_encode(const struct stp_live *live, uint8_t out[STP_LIVE_SIZE])
{
	enum stp_status status = check_live(live);

	if (status)
		return status;
	out[0] = live->seq;
	out[1] = live->flags;
	put_le32(out + 2, live->tick_low_ms);
	put_le16(out + 6, live->set_depth_um);
	put_le16(out + 8, live->depth_um);
	put_le16(out + 10, live->set_rate_dhz);
	put_le16(out + 12, live->rate_dhz);
	out[14] = live->zone;
	out[15] = live->pass;
	put_le16(out + 16, live->current_ma);
	put_le16(out + 18, live->strokes_low);
	return STP_OK;
}

enum stp_status
stp_live_decode(const uint8_t *bytes, size_t size, struct stp_live *out)
{
	struct stp_live live;
	enum stp_status status;

	if (size < STP_LIVE_SIZE)
		return STP_ERR_TRUNCATED;
	live = (struct stp_live){
		.seq = bytes[0],
		.flags = bytes[1],
		.tick_low_ms = get_le32(bytes + 2),
		.set_depth_um = get_le16(bytes + 6),
		.depth_um = get_le16(bytes + 8),
		.set_rate_dhz = get_le16(bytes + 10),
		.rate_dhz = get_le16(bytes + 12),
		.zone = bytes[14],
		.pass = bytes[15],
		.current_ma = get_le16(bytes + 16),
		.strokes_low = get_le16(bytes + 18),
	};
	status = check_live(&live);
	if (status)
		return status;
	*out = live;
	return STP_OK;
}

void
stp_live_tracker_init(struct stp_live_tracker *tracker, uint64_t reference_tick_ms)
{
	*tracker = (struct stp_live_tracker){ .tick_ms = reference_tick_ms };
}

/* The tick with these low 32 bits that is nearest to what is known; a pen's first minutes have no before. */
static uint64_t
whole_tick(uint64_t known, uint32_t low)
{
	uint32_t ahead = low - (uint32_t)known, behind = (uint32_t)known - low;

	if (ahead <= INT32_MAX || behind > known)
		return known + ahead;
	return known - behind;
}

enum stp_live_turn
stp_live_tracker_take(struct stp_live_tracker *tracker, const struct stp_live *frame, uint64_t *tick_ms)
{
	uint64_t tick = whole_tick(tracker->tick_ms, frame->tick_low_ms);
	uint8_t ahead = (uint8_t)(frame->seq - tracker->seq), behind = (uint8_t)(tracker->seq - frame->seq);
	enum stp_live_turn turn = STP_LIVE_NEXT;

	if (tracker->begun && tick == tracker->tick_ms && ahead == 0) {
		turn = STP_LIVE_OLD;
	} else if (tracker->begun && tick < tracker->tick_ms) {
		turn = STP_LIVE_OLD;
		if (behind == 0 || behind > OVERTAKEN_FRAMES || tracker->tick_ms - tick > OVERTAKEN_MS) {
			turn = STP_LIVE_RESTARTED;
			tick = frame->tick_low_ms;
		}
	} else if (tracker->begun && ahead != 1) {
		/* The same seq, but a later tick: the counter went all the way round. */
		turn = STP_LIVE_AFTER_GAP;
		tracker->lost += (uint8_t)(ahead - 1);
	}

	if (tick_ms)
		*tick_ms = tick;
	if (turn == STP_LIVE_OLD) {
		tracker->old++;
		return turn;
	}
	tracker->restarts += turn == STP_LIVE_RESTARTED;
	tracker->frames++;
	tracker->tick_ms = tick;
	tracker->seq = frame->seq;
	tracker->begun = true;
	return turn;
}
