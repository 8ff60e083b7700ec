/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* What the pen sends, and in which order. */

#include <string.h>

#include "pen-internal.h"
#include "../base/struct-size.h"
#include "../base/wire-bytes.h"

#define LAST_OF_EVENTS (STP_PEN_EVENTS - 1u)

static bool
is_subscribed(const struct stp_pen *pen, enum stp_pen_channel channel)
{
	return pen->subscribed & 1u << channel;
}

void
stp_pen_forget_outputs(struct stp_pen *pen)
{
	pen->answer_size = 0;
	pen->refusal_size = 0;
	pen->panel_answer_size = 0;
	pen->changed = 0;
	pen->live_waiting = false;
	pen->event_count = 0;
}

void
stp_pen_subscribed(struct stp_pen *pen, enum stp_pen_channel channel, bool on)
{
	if (!pen->connected || (unsigned)channel >= STP_PEN_CHANNELS)
		return;
	pen->subscribed &= (uint8_t)~(1u << channel);
	if (on) {
		pen->subscribed |= (uint8_t)(1u << channel);
		return;
	}
	/* What waits is not for a later subscription. */
	pen->changed &= (uint8_t)~(1u << channel);
	if (channel == STP_PEN_LOG_CONTROL)
		pen->answer_size = pen->refusal_size = 0;
	if (channel == STP_PEN_PANEL)
		pen->panel_answer_size = 0;
	if (channel == STP_PEN_LIVE)
		pen->live_waiting = false;
	if (channel == STP_PEN_EVENT)
		pen->event_count = 0;
}

void
stp_pen_hold_indications(struct stp_pen *pen, bool hold)
{
	pen->held = pen->connected && hold;
}

enum stp_status
stp_pen_live(struct stp_pen *pen, const struct stp_live *frame)
{
	struct stp_live counted = *frame;
	uint8_t bytes[STP_LIVE_SIZE];
	enum stp_status status;

	counted.seq = pen->live_seq;
	status = stp_live_encode(&counted, bytes);
	if (status)
		return status;
	pen->live_seq++;
	if (is_subscribed(pen, STP_PEN_LIVE)) {
		memcpy(pen->live, bytes, sizeof(bytes));
		pen->live_waiting = true;
	}
	return STP_OK;
}

enum stp_status
stp_pen_event(struct stp_pen *pen, const struct stp_event_hint *hint)
{
	uint8_t bytes[STP_EVENT_HINT_SIZE];
	enum stp_status status = stp_event_hint_encode(hint, bytes);

	if (status)
		return status;
	if (!is_subscribed(pen, STP_PEN_EVENT))
		return STP_OK;
	if (pen->event_count == STP_PEN_EVENTS) {
		pen->event_first = (uint8_t)((pen->event_first + 1u) & LAST_OF_EVENTS);
		pen->event_count--;
	}
	memcpy(pen->events[(pen->event_first + pen->event_count) & LAST_OF_EVENTS], bytes, sizeof(bytes));
	pen->event_count++;
	return STP_OK;
}

void
stp_pen_cartridge_changed(struct stp_pen *pen, uint8_t state)
{
	pen->cartridge_state = state;
	if (is_subscribed(pen, STP_PEN_CARTRIDGE))
		pen->changed |= 1u << STP_PEN_CARTRIDGE;
}

static void
put_out(struct stp_pen_output *output, enum stp_pen_output_kind kind, enum stp_pen_channel channel,
	const uint8_t *bytes, size_t size)
{
	*output = (struct stp_pen_output){ kind, bytes, size, channel };
}

static void
take_hint(struct stp_pen *pen, struct stp_pen_output *output)
{
	put_out(output, STP_PEN_INDICATE, STP_PEN_EVENT, pen->events[pen->event_first], STP_EVENT_HINT_SIZE);
	pen->event_first = (uint8_t)((pen->event_first + 1u) & LAST_OF_EVENTS);
	pen->event_count--;
}

/* An answer makes a host go on; news can wait. */
static bool
take_indication(struct stp_pen *pen, struct stp_pen_output *output)
{
	/* The subscription may have ended before the work did. */
	if (!is_subscribed(pen, STP_PEN_LOG_CONTROL))
		pen->answer_size = pen->refusal_size = 0;
	if (pen->answer_size) {
		put_out(output, STP_PEN_INDICATE, STP_PEN_LOG_CONTROL, pen->answer, pen->answer_size);
		pen->answer_size = 0;
	} else if (pen->refusal_size) {
		put_out(output, STP_PEN_INDICATE, STP_PEN_LOG_CONTROL, pen->refusal, pen->refusal_size);
		pen->refusal_size = 0;
	} else if (pen->panel_answer_size) {
		put_out(output, STP_PEN_INDICATE, STP_PEN_PANEL, pen->panel_answer, pen->panel_answer_size);
		pen->panel_answer_size = 0;
	} else if (pen->event_count) {
		take_hint(pen, output);
	} else if (pen->changed & 1u << STP_PEN_CARTRIDGE) {
		put_out(output, STP_PEN_INDICATE, STP_PEN_CARTRIDGE, &pen->cartridge_state, 1);
		pen->changed &= (uint8_t)~(1u << STP_PEN_CARTRIDGE);
	} else if (pen->changed & 1u << STP_PEN_CONFIGURATION) {
		put_out(output, STP_PEN_INDICATE, STP_PEN_CONFIGURATION, pen->config.settings, STP_CONFIG_SIZE_MIN);
		pen->changed &= (uint8_t)~(1u << STP_PEN_CONFIGURATION);
	} else {
		return false;
	}
	return true;
}

static void
find_output(struct stp_pen *pen, struct stp_pen_output *output)
{
	enum stp_pen_step step;
	size_t size = 0;

	*output = (struct stp_pen_output){ .kind = STP_PEN_IDLE };
	if (!pen->connected || (!pen->held && take_indication(pen, output)))
		return;
	if (pen->live_waiting) {
		put_out(output, STP_PEN_NOTIFY, STP_PEN_LIVE, pen->live, sizeof(pen->live));
		pen->live_waiting = false;
		return;
	}
	step = stp_pen_work(pen, &size);
	if (step == STP_PEN_STEP_SEGMENT)
		put_out(output, STP_PEN_NOTIFY, STP_PEN_LOG_DATA, pen->value, size);
	else if (step == STP_PEN_STEP_WORKING)
		output->kind = STP_PEN_WORKING;
	else if (step == STP_PEN_STEP_ENDED && !pen->held)
		(void)take_indication(pen, output);
}

void
stp_pen_poll_sized(struct stp_pen *pen, struct stp_pen_output *output, size_t output_size)
{
	struct stp_pen_output found;

	find_output(pen, &found);
	struct_give(output, output_size, &found, sizeof(found));
}
