/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <stipple/cartridge.h>
#include <stipple/diagnostics.h>
#include <stipple/live.h>
#include <stipple/pen-event.h>
#include <stipple/telemetry.h>

#include "codec-vectors.h"

/* What can be read can be written: an encoder's refusal must not hide that the decoder did not refuse. */

static const char *
value(uint16_t number, char text[8])
{
	if (number == STP_ABSENT)
		return "-";
	snprintf(text, 8, "%u", number);
	return text;
}

static enum stp_status
turn_live(const uint8_t *bytes, size_t size, char *text, size_t text_size, uint8_t *again, size_t *again_size)
{
	char set_depth[8], depth[8], set_rate[8], rate[8], current[8];
	struct stp_live l;
	enum stp_status status = stp_live_decode(bytes, size, &l);

	if (status)
		return status;
	snprintf(text, text_size,
		 "seq=%u flags=%u tick=%" PRIu32 " set_depth=%s depth=%s set_rate=%s rate=%s zone=%u pass=%u"
		 " current=%s strokes=%u", l.seq, l.flags, l.tick_low_ms, value(l.set_depth_um, set_depth),
		 value(l.depth_um, depth), value(l.set_rate_dhz, set_rate), value(l.rate_dhz, rate), l.zone,
		 l.pass, value(l.current_ma, current), l.strokes_low);
	*again_size = STP_LIVE_SIZE;
	assert_int_equal(stp_live_encode(&l, again), STP_OK);
	return STP_OK;
}

static enum stp_status
turn_event(const uint8_t *bytes, size_t size, char *text, size_t text_size, uint8_t *again,
	   size_t *again_size)
{
	struct stp_event_hint h;
	enum stp_status status = stp_event_hint_decode(bytes, size, &h);

	if (status)
		return status;
	snprintf(text, text_size,
		 "event=%" PRIu32 " tick=%" PRIu32 " boot=%" PRIu32 " code=%u arg=%" PRIu32
		 " severity=%s flags=%u",
		 h.event_no, h.tick_low_ms, h.boot_id, h.code, h.arg, stp_severity_name(h.severity), h.flags);
	*again_size = STP_EVENT_HINT_SIZE;
	assert_int_equal(stp_event_hint_encode(&h, again), STP_OK);
	return STP_OK;
}

static enum stp_status
turn_cartridge(const uint8_t *bytes, size_t size, char *text, size_t text_size, uint8_t *again,
	       size_t *again_size)
{
	char uid[2 * STP_CARTRIDGE_UID_MAX + 1] = "", length[8];
	struct stp_cartridge c;
	enum stp_status status = stp_cartridge_decode(bytes, size, &c);

	if (status)
		return status;
	for (size_t i = 0; i < c.uid_size; i++)
		snprintf(uid + 2 * i, sizeof(uid) - 2 * i, "%02x", c.uid[i]);
	snprintf(text, text_size, "state=%u flags=%u needles=%u gauge=%u length=%s uses=%u uid=%s udi=%s",
		 c.state, c.flags, c.needles, c.gauge, value(c.length_um, length), c.use_count, uid, c.udi);
	assert_int_equal(stp_cartridge_encode(&c, again, STP_CARTRIDGE_SIZE_MAX, again_size), STP_OK);
	return STP_OK;
}

static enum stp_status
turn_diagnostics(const uint8_t *bytes, size_t size, char *text, size_t text_size, uint8_t *again,
		 size_t *again_size)
{
	struct stp_counter counters[STP_COUNTERS_MAX];
	size_t count, at;
	enum stp_status status = stp_diagnostics_decode(bytes, size, counters, STP_COUNTERS_MAX, &count);

	if (status)
		return status;
	at = (size_t)snprintf(text, text_size, "count=%zu", count);
	for (size_t i = 0; i < count && i < 20; i++)
		at += (size_t)snprintf(text + at, text_size - at, " %u=%" PRIu32, counters[i].id,
				       counters[i].value);
	assert_int_equal(stp_diagnostics_encode(counters, count, again, STP_DIAGNOSTICS_SIZE_MAX, again_size), STP_OK);
	return STP_OK;
}

static void
live_frames_are_as_the_vectors_say(void **state)
{
	codec_check(&(struct codec){ "live.txt", turn_live });
}

static void
events_are_as_the_vectors_say(void **state)
{
	codec_check(&(struct codec){ "events.txt", turn_event });
}

static void
cartridges_are_as_the_vectors_say(void **state)
{
	codec_check(&(struct codec){ "cartridges.txt", turn_cartridge });
}

static void
diagnostics_are_as_the_vectors_say(void **state)
{
	codec_check(&(struct codec){ "diagnostics.txt", turn_diagnostics });
}

static void
what_must_not_be_sent_is_not_written(void **state)
{
	struct stp_live live = { .depth_um = STP_DEPTH_MAX_UM + 1 };
	struct stp_event_hint hint = { .severity = STP_SEVERITY_FAULT + 1 };
	struct stp_cartridge cartridge = { .udi_size = 1, .udi = "\x7F" };
	struct stp_counter counters[] = { { 2, 0 }, { 2, 0 } };
	uint8_t out[STP_CARTRIDGE_SIZE_MAX], untouched[STP_CARTRIDGE_SIZE_MAX];
	size_t size = 99;

	memset(out, 0x5A, sizeof(out));
	memcpy(untouched, out, sizeof(out));
	assert_int_equal(stp_live_encode(&live, out), STP_ERR_RANGE);
	assert_int_equal(stp_event_hint_encode(&hint, out), STP_ERR_RANGE);
	assert_int_equal(stp_cartridge_encode(&cartridge, out, sizeof(out), &size), STP_ERR_MALFORMED);
	cartridge = (struct stp_cartridge){ .uid_size = 3, .udi_size = 2, .udi = "01" };
	assert_int_equal(stp_cartridge_encode(&cartridge, out, 14, &size), STP_ERR_SPACE);
	assert_int_equal(stp_diagnostics_encode(counters, 2, out, sizeof(out), &size), STP_ERR_MALFORMED);
	counters[1].id = 3;
	assert_int_equal(stp_diagnostics_encode(counters, 2, out, 11, &size), STP_ERR_SPACE);
	assert_int_equal(stp_diagnostics_encode(counters, STP_COUNTERS_MAX + 1, out, 11, &size), STP_ERR_RANGE);
	assert_memory_equal(out, untouched, sizeof(out));
	assert_int_equal(size, 99);
	assert_int_equal(stp_cartridge_encode(&cartridge, out, 15, &size), STP_OK);
	assert_int_equal(size, 15);
}

static void
counters_beyond_the_room_are_not_written(void **state)
{
	const uint8_t bytes[] = { 1, 2, 1, 9, 0, 0, 0, 2, 8, 0, 0, 0 };
	struct stp_counter counters[2] = { { 0, 7 }, { 0, 7 } };
	size_t count = 99;

	assert_int_equal(stp_diagnostics_decode(bytes, sizeof(bytes), counters, 1, &count), STP_ERR_SPACE);
	assert_int_equal(counters[0].value, 7);
	assert_int_equal(count, 99);
	assert_int_equal(stp_diagnostics_decode(bytes, sizeof(bytes), counters, 2, &count), STP_OK);
	assert_int_equal(counters[1].value, 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(live_frames_are_as_the_vectors_say),
		cmocka_unit_test(events_are_as_the_vectors_say),
		cmocka_unit_test(cartridges_are_as_the_vectors_say),
		cmocka_unit_test(diagnostics_are_as_the_vectors_say),
		cmocka_unit_test(what_must_not_be_sent_is_not_written),
		cmocka_unit_test(counters_beyond_the_room_are_not_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
