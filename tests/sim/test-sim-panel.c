/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* What a simulated pen has beside its log, step by step; time is virtual. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <stipple/record.h>

#include "sim-pump.h"

struct world {
	SimPen *pen;
	SimPump *pump;
	gint64 now_us;
	guint sent[STP_PEN_CHANNELS];
	guint8 bytes[STP_PEN_CHANNELS][STP_CONTROL_SIZE_MAX];
	gsize size[STP_PEN_CHANNELS];
};

static gint64
clock_us(gpointer data)
{
	return ((struct world *)data)->now_us;
}

static SimSending
port_none(const guint8 *bytes, gsize size, gpointer data)
{
	return SIM_SENT;
}

static void
port_hang_up(gpointer data)
{
}

static SimSending
port_send(enum stp_pen_channel channel, const guint8 *bytes, gsize size, gpointer data)
{
	struct world *world = data;

	assert_true(size <= STP_CONTROL_SIZE_MAX);
	memcpy(world->bytes[channel], bytes, size);
	world->size[channel] = size;
	world->sent[channel]++;
	return SIM_SENT;
}

static int
set_up(void **state)
{
	static const SimPort port = { port_none, port_none, port_hang_up, port_send };
	struct world *world = g_new0(struct world, 1);
	const SimPenConfig config = { .seed = 9, .clock_us = clock_us, .clock_data = world };

	world->now_us = 1000000;
	world->pen = sim_pen_new(&config, NULL);
	assert_non_null(world->pen);
	world->pump = sim_pump_new(world->pen, NULL, &port, world);
	*state = world;
	return 0;
}

static int
tear_down(void **state)
{
	struct world *world = *state;

	sim_pump_free(world->pump);
	sim_pen_free(world->pen);
	g_free(world);
	return 0;
}

static void
pass(struct world *world, guint ms)
{
	for (; ms >= SIM_PEN_STEP_MS; ms -= SIM_PEN_STEP_MS) {
		world->now_us += SIM_PEN_STEP_MS * 1000;
		sim_pen_step(world->pen);
		sim_pump_writable(world->pump);
	}
}

static struct stp_panel_answer
ask(struct world *world, const struct stp_panel_request *request)
{
	struct stp_panel_answer answer;
	guint8 bytes[STP_CONTROL_SIZE_MAX];
	guint before = world->sent[STP_PEN_PANEL];
	size_t size;

	assert_int_equal(stp_panel_request_encode(request, bytes, &size), STP_OK);
	sim_pump_panel(world->pump, bytes, size);
	assert_int_equal(world->sent[STP_PEN_PANEL], before + 1);
	assert_int_equal(stp_panel_answer_decode(world->bytes[STP_PEN_PANEL], world->size[STP_PEN_PANEL],
						 &answer), STP_OK);
	return answer;
}

static void
live_frames_come_as_often_as_wanted(void **state)
{
	struct world *world = *state;
	struct stp_panel_request request = { .op = STP_PANEL_LIVE_RATE, .token = 1, .u.live_rate.hz = 2 };
	guint before;

	sim_pump_subscribed(world->pump, STP_PEN_LIVE, TRUE);
	sim_pump_connected(world->pump, 23);
	pass(world, 10000);
	assert_in_range(world->sent[STP_PEN_LIVE], 10, 11);
	sim_pen_set_motor(world->pen, TRUE);
	pass(world, 1000);
	before = world->sent[STP_PEN_LIVE];
	pass(world, 10000);
	assert_in_range(world->sent[STP_PEN_LIVE] - before, 99, 101);
	assert_int_equal(ask(world, &request).u.live_rate.hz, 2);
	before = world->sent[STP_PEN_LIVE];
	pass(world, 10000);
	assert_in_range(world->sent[STP_PEN_LIVE] - before, 19, 21);
	request.u.live_rate.hz = 0;
	ask(world, &request);
	before = world->sent[STP_PEN_LIVE];
	pass(world, 10000);
	assert_int_equal(world->sent[STP_PEN_LIVE], before);
	/* The next host has not asked for silence. */
	sim_pump_disconnected(world->pump);
	sim_pump_connected(world->pump, 23);
	pass(world, 1000);
	assert_true(world->sent[STP_PEN_LIVE] > before);
}

static void
nobody_who_did_not_subscribe_hears_anything(void **state)
{
	struct world *world = *state;

	sim_pump_connected(world->pump, 23);
	sim_pen_set_cartridge(world->pen, 0);
	pass(world, 5000);
	assert_int_equal(world->sent[STP_PEN_LIVE] + world->sent[STP_PEN_CARTRIDGE], 0);
}

static void
a_cartridge_is_indicated_by_its_state_and_then_read(void **state)
{
	struct world *world = *state;
	g_autoptr(GBytes) value = NULL;

	sim_pump_subscribed(world->pump, STP_PEN_CARTRIDGE, TRUE);
	sim_pump_connected(world->pump, 23);
	sim_pen_set_cartridge(world->pen, 4);
	pass(world, SIM_PEN_STEP_MS);
	assert_int_equal(world->sent[STP_PEN_CARTRIDGE], 1);
	assert_int_equal(world->size[STP_PEN_CARTRIDGE], 1);
	assert_int_equal(world->bytes[STP_PEN_CARTRIDGE][0], 4);
	value = sim_pen_read(world->pen, STP_UUID_CARTRIDGE);
	assert_int_equal(*(const guint8 *)g_bytes_get_data(value, NULL), 4);
}

static void
without_a_person_no_self_test_runs(void **state)
{
	struct world *world = *state;
	struct stp_panel_request request = { .op = STP_PANEL_SELF_TEST_PREPARE, .token = 1 };
	guint32 records = sim_flash_newest(sim_pen_flash(world->pen)), nonce;

	sim_pump_connected(world->pump, 23);
	nonce = ask(world, &request).u.self_test_prepare.nonce;
	request = (struct stp_panel_request){ .op = STP_PANEL_SELF_TEST_RUN, .token = 2,
		.u.self_test_run.nonce = nonce };
	pass(world, 2000);
	assert_int_equal(ask(world, &request).status, STP_WIRE_NOT_CONFIRMED);
	pass(world, 60000);
	assert_int_equal(ask(world, &request).status, STP_WIRE_STALE);
	assert_int_equal(sim_flash_newest(sim_pen_flash(world->pen)), records);
}

/* A session of two samples, and the tag that its record has; FALSE: none. */
static gboolean
add_session(struct world *world, guint8 tag[STP_SESSION_TAG_SIZE])
{
	static const struct stp_sample samples[2] = { { .depth_um = 1500 }, { .t_ms = 10, .depth_um = 1500 } };
	const SimSession session = { .samples = samples, .count = 2, .period_ms = 10, .boot_id = 3 };
	const SimRecord *filed;
	struct stp_record *record;
	gboolean tagged;
	SimSpan span;

	assert_true(sim_pen_add_session(world->pen, &session, &span, NULL));
	filed = sim_flash_get(sim_pen_flash(world->pen), span.first);
	assert_int_equal(stp_record_decode(filed->raw->data, filed->raw->len, &record), STP_OK);
	tagged = stp_record_session(record)->has_session_tag;
	memcpy(tag, stp_record_session(record)->session_tag, STP_SESSION_TAG_SIZE);
	stp_record_free(record);
	return tagged;
}

static void
zone_and_tag_are_taken(void **state)
{
	struct world *world = *state;
	guint8 tag[STP_SESSION_TAG_SIZE];
	struct stp_panel_request request = { .op = STP_PANEL_SET_ZONE, .token = 1, .u.set_zone.zone = 12 };

	sim_pump_connected(world->pump, 23);
	assert_int_equal(ask(world, &request).status, STP_WIRE_SUCCESS);
	assert_int_equal(sim_panel_zone(sim_pen_panel(world->pen)), 12);
	request = (struct stp_panel_request){ .op = STP_PANEL_SESSION_TAG, .token = 2,
		.u.session_tag.tag = { 1, 2, 3, 4, 5, 6, 7, 8 } };
	assert_int_equal(ask(world, &request).status, STP_WIRE_SUCCESS);
	assert_true(add_session(world, tag));
	assert_memory_equal(tag, request.u.session_tag.tag, sizeof tag);
	/* It was for that session alone. */
	assert_false(add_session(world, tag));
	/* The zone ended with the session. */
	assert_int_equal(sim_panel_zone(sim_pen_panel(world->pen)), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(live_frames_come_as_often_as_wanted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nobody_who_did_not_subscribe_hears_anything, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_cartridge_is_indicated_by_its_state_and_then_read, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(without_a_person_no_self_test_runs, set_up, tear_down),
		cmocka_unit_test_setup_teardown(zone_and_tag_are_taken, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
