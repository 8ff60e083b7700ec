/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * What takes two steps and a person.  Only one thing waits at a time: so the person who presses the
 * button knows what it is for, and a preparation that was replaced cannot be executed any more.
 */

#include <string.h>

#include "pen-internal.h"

bool
stp_pen_can_prepare(const struct stp_pen *pen)
{
	return pen->ticking && pen->config.random;
}

void
stp_pen_wish_for(struct stp_pen *pen, enum stp_pen_wish wish)
{
	stp_pen_forget_wish(pen);
	pen->wish.wish = (uint8_t)wish;
	pen->wish.left_ms = STP_PEN_WISH_MS;
}

uint32_t
stp_pen_prepare(struct stp_pen *pen, enum stp_pen_wish wish)
{
	stp_pen_wish_for(pen, wish);
	pen->wish.nonce = pen->config.random(pen->config.user);
	return pen->wish.nonce;
}

void
stp_pen_forget_wish(struct stp_pen *pen)
{
	memset(&pen->wish, 0, sizeof(pen->wish));
}

enum stp_pen_wish
stp_pen_awaits(const struct stp_pen *pen)
{
	if (pen->wish.confirmed || (pen->wish.wish == STP_PEN_WISH_ERASE && pen->config.erase_unconfirmed))
		return STP_PEN_WISH_NONE;
	return (enum stp_pen_wish)pen->wish.wish;
}

bool
stp_pen_confirm(struct stp_pen *pen)
{
	if (stp_pen_awaits(pen) == STP_PEN_WISH_NONE)
		return false;
	pen->wish.confirmed = true;
	return true;
}

#define SEGMENT_COST 1000u	/* thousandths, so that milliseconds times segments a second need no division */

/*
 * What the motor leaves to the log: it may save up one segment, or what one tick brings when the
 * firmware ticks seldom, so that neither makes it slower than it is meant to be.
 */
static void
gain_pace(struct stp_pen *pen, uint32_t passed)
{
	uint32_t gain = (passed < SEGMENT_COST ? passed : SEGMENT_COST) * pen->config.motor_segments_per_s;
	uint32_t most = gain > SEGMENT_COST ? gain : SEGMENT_COST;

	pen->pace = pen->pace + gain < most ? pen->pace + gain : most;
}

void
stp_pen_tick(struct stp_pen *pen, uint32_t now_ms)
{
	uint32_t passed = pen->ticking ? now_ms - pen->now_ms : 0;

	pen->ticking = true;
	pen->now_ms = now_ms;
	gain_pace(pen, passed);
	if (pen->wish.left_ms <= passed)
		stp_pen_forget_wish(pen);
	else
		pen->wish.left_ms -= passed;
}

bool
stp_pen_may_pass(const struct stp_pen *pen, const struct stp_pen_log_state *state)
{
	return !(state->flags & STP_STATE_MOTOR_ON) || pen->pace >= SEGMENT_COST;
}

void
stp_pen_has_passed(struct stp_pen *pen, const struct stp_pen_log_state *state)
{
	if (state->flags & STP_STATE_MOTOR_ON)
		pen->pace -= SEGMENT_COST;
}
