/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * The messages beside the log: Live, Event, Pen Control Point, Cartridge, Configuration, Diagnostics.
 * What is read is within its range, and is written as it was read.
 */

#include <string.h>

#include <stipple/cartridge.h>
#include <stipple/configuration.h>
#include <stipple/diagnostics.h>
#include <stipple/live.h>
#include <stipple/pen-control.h>
#include <stipple/pen-event.h>
#include <stipple/telemetry.h>

#include "fuzz-target.h"

static void
live_frame(const uint8_t *bytes, size_t size)
{
	uint8_t again[STP_LIVE_SIZE];
	struct stp_live live;

	if (stp_live_decode(bytes, size, &live) != STP_OK)
		return;
	FUZZ_CHECK(live.depth_um <= STP_DEPTH_MAX_UM || live.depth_um == STP_ABSENT);
	FUZZ_CHECK(stp_live_encode(&live, again) == STP_OK && !memcmp(again, bytes, sizeof(again)));
}

/* A stream of (seq, tick) as five bytes each: every frame is counted once, and the tick stays 48 bits. */
static void
live_stream(const uint8_t *bytes, size_t size)
{
	struct stp_live_tracker tracker;
	uint64_t tick, before = 0;
	uint32_t frames = 0;

	stp_live_tracker_init(&tracker, (uint64_t)size << 30);
	for (; size >= 5; bytes += 5, size -= 5) {
		struct stp_live frame = { .seq = bytes[0] };
		enum stp_live_turn turn;

		memcpy(&frame.tick_low_ms, bytes + 1, sizeof(frame.tick_low_ms));
		turn = stp_live_tracker_take(&tracker, &frame, &tick);
		frames++;
		FUZZ_CHECK((uint32_t)tick == frame.tick_low_ms && tick >> 48 == 0);
		FUZZ_CHECK(tracker.frames + tracker.old == frames);
		FUZZ_CHECK(turn == STP_LIVE_RESTARTED || turn == STP_LIVE_OLD || frames == 1 || tick >= before);
		FUZZ_CHECK(turn == STP_LIVE_OLD || tracker.tick_ms == tick);
		before = tracker.tick_ms;
	}
}

static void
event_hint(const uint8_t *bytes, size_t size)
{
	uint8_t again[STP_EVENT_HINT_SIZE];
	struct stp_event_hint hint;

	if (stp_event_hint_decode(bytes, size, &hint) != STP_OK)
		return;
	FUZZ_CHECK(stp_severity_name(hint.severity) && stp_event_text(hint.code));
	FUZZ_CHECK(stp_event_hint_encode(&hint, again) == STP_OK && !memcmp(again, bytes, sizeof(again)));
}

static void
panel(const uint8_t *bytes, size_t size)
{
	struct stp_panel_request request;
	struct stp_panel_answer answer;
	uint8_t again[STP_CONTROL_SIZE_MAX];
	size_t length;

	if (stp_panel_request_decode(bytes, size, &request) == STP_OK) {
		FUZZ_CHECK(stp_panel_op_name(request.op));
		FUZZ_CHECK(stp_panel_request_encode(&request, again, &length) == STP_OK);
		FUZZ_CHECK(length == size && !memcmp(again, bytes, size));
	}
	if (stp_panel_answer_decode(bytes, size, &answer) == STP_OK) {
		FUZZ_CHECK(stp_panel_answer_encode(&answer, again, &length) == STP_OK);
		/* Longer ones are cut, short refusals completed. */
		FUZZ_CHECK(length <= sizeof(again) && !memcmp(again, bytes, length < size ? length : size));
	}
}

static void
cartridge(const uint8_t *bytes, size_t size)
{
	uint8_t again[STP_CARTRIDGE_SIZE_MAX];
	struct stp_cartridge read;
	size_t length;

	if (stp_cartridge_decode(bytes, size, &read) != STP_OK)
		return;
	FUZZ_CHECK(strlen(read.udi) == read.udi_size);
	FUZZ_CHECK(stp_cartridge_encode(&read, again, sizeof(again), &length) == STP_OK);
	FUZZ_CHECK(length <= size && !memcmp(again, bytes, length));
}

static void
configuration(const uint8_t *bytes, size_t size)
{
	uint8_t again[STP_CONFIG_SIZE_MAX], changed[STP_CONFIG_SIZE_MAX];
	size_t written, changed_size, at = 0;
	struct stp_config_item item, found;
	uint16_t revision;

	if (stp_config_check(bytes, size, &revision) != STP_OK)
		return;
	written = stp_config_begin(again, revision);
	while (stp_config_next(bytes, size, &at, &item) == STP_OK) {
		FUZZ_CHECK(stp_config_find(bytes, size, item.tag, &found) == STP_OK && found.value == item.value);
		if (stp_config_check_value(item.tag, item.value, item.size) == STP_ERR_UNKNOWN)
			return;
		FUZZ_CHECK(stp_config_put(again, &written, item.tag, item.value, item.size) == STP_OK);
	}
	FUZZ_CHECK(at == size || size == STP_CONFIG_SIZE_MIN);
	FUZZ_CHECK(written == size && !memcmp(again, bytes, size));

	/* Change each setting there may be: the result is good, and has it. */
	for (uint8_t tag = STP_CONFIG_MAKER_MIN - 1; tag != STP_CONFIG_MAKER_MIN + 2; tag++) {
		memcpy(changed, bytes, changed_size = size);
		if (stp_config_put(changed, &changed_size, tag, (const uint8_t *)"fuzz", 4) != STP_OK) {
			FUZZ_CHECK(changed_size == size && !memcmp(changed, bytes, size));
			continue;
		}
		FUZZ_CHECK(changed_size <= sizeof(changed));
		FUZZ_CHECK(stp_config_check(changed, changed_size, &revision) == STP_OK);
		FUZZ_CHECK(stp_config_find(changed, changed_size, tag, &found) == STP_OK);
		FUZZ_CHECK(found.size == 4 && !memcmp(found.value, "fuzz", 4));
	}
}

static void
diagnostics(const uint8_t *bytes, size_t size)
{
	struct stp_counter counters[STP_COUNTERS_MAX];
	uint8_t again[STP_DIAGNOSTICS_SIZE_MAX];
	size_t count, length;

	if (stp_diagnostics_decode(bytes, size, counters, STP_COUNTERS_MAX, &count) != STP_OK)
		return;
	FUZZ_CHECK(stp_diagnostics_encode(counters, count, again, sizeof(again), &length) == STP_OK);
	FUZZ_CHECK(length <= size && !memcmp(again, bytes, length));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	live_frame(bytes, size);
	live_stream(bytes, size);
	event_hint(bytes, size);
	panel(bytes, size);
	cartridge(bytes, size);
	configuration(bytes, size);
	diagnostics(bytes, size);
	return 0;
}
