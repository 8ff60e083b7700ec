/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* A whole dialogue with libstipple's host engine through the pump, and every fault of the link. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <stipple/host.h>

#include "sim-pump.h"
#include "sim-story.h"

/* One value on its way to the host. */
struct value {
	gboolean is_data;
	gsize size;
	guint8 bytes[STP_ATT_VALUE_MAX];
};

/* A collector, its pen, and the air between them; time is virtual. */
struct world {
	SimPen *pen;
	SimPump *pump;
	SimLinkFaults faults;
	struct stp_host *host;
	guint64 now_ms;
	GQueue air;          /* struct value */
	guint room;          /* values the air takes at once */
	GHashTable *records; /* number -> GByteArray, as delivered sound */
	struct stp_range want;
	guint data_values, data_bytes, notes[64];
	gboolean hung_up, done, failed;
};

static SimSending
put(struct world *world, gboolean is_data, const guint8 *bytes, gsize size)
{
	struct value *value;

	if (world->air.length >= world->room)
		return SIM_WOULD_BLOCK;
	value = g_new(struct value, 1);
	value->is_data = is_data;
	value->size = size;
	memcpy(value->bytes, bytes, size);
	g_queue_push_tail(&world->air, value);
	if (is_data) {
		world->data_values++;
		world->data_bytes += (guint)size;
	}
	return SIM_SENT;
}

static SimSending
port_indicate(const guint8 *bytes, gsize size, gpointer data)
{
	return put(data, FALSE, bytes, size);
}

static SimSending
port_notify(const guint8 *bytes, gsize size, gpointer data)
{
	return put(data, TRUE, bytes, size);
}

static void
port_hang_up(gpointer data)
{
	struct world *world = data;

	world->hung_up = TRUE;
}

static const SimPort port = { port_indicate, port_notify, port_hang_up, NULL };

static struct world *
new_world(guint sessions)
{
	struct world *world = g_new0(struct world, 1);
	const SimPenConfig config = { .seed = 5 };
	const SimStory story = {
		.seed = 5, .sessions = sessions, .samples_min = 500, .samples_max = 3000, .period_ms = 100
	};

	world->pen = sim_pen_new(&config, NULL);
	assert_non_null(world->pen);
	assert_true(sim_story_tell(&story, world->pen, NULL, NULL));
	world->pump = sim_pump_new(world->pen, &world->faults, &port, world);
	world->records = g_hash_table_new_full(NULL, NULL, NULL, (GDestroyNotify)g_byte_array_unref);
	world->room = 8;
	return world;
}

static void
hang_up(struct world *world)
{
	sim_pump_disconnected(world->pump);
	g_queue_clear_full(&world->air, g_free);
	g_clear_pointer(&world->host, stp_host_free);
	world->hung_up = FALSE;
}

static void
free_world(struct world *world)
{
	hang_up(world);
	sim_pump_free(world->pump);
	sim_pen_free(world->pen);
	g_hash_table_unref(world->records);
	g_free(world);
}

static void
connect_with(struct world *world, guint16 mtu)
{
	const struct stp_host_config config = { .collector_id = "pumptest" };

	world->host = stp_host_new(&config);
	world->done = world->failed = FALSE;
	world->data_values = world->data_bytes = 0;
	sim_pump_connected(world->pump, mtu);
	stp_host_start(world->host, mtu, NULL, world->now_ms);
}

static void
take_record(struct world *world, const struct stp_host_action *action)
{
	GByteArray *raw = g_byte_array_new();

	g_byte_array_append(raw, action->u.record.raw, (guint)action->u.record.size);
	if (action->u.record.integrity == STP_OK)
		g_hash_table_insert(world->records, GUINT_TO_POINTER(action->u.record.entry.record), raw);
	else
		g_byte_array_unref(raw);
	stp_host_stored(world->host, action->u.record.integrity == STP_OK, world->now_ms);
}

/* FALSE: the host has nothing to do. */
static gboolean
act(struct world *world)
{
	struct stp_host_action action;
	g_autoptr(GBytes) time = NULL;
	gsize size;

	stp_host_poll(world->host, &action);
	switch (action.kind) {
	case STP_HOST_IDLE:
		return FALSE;
	case STP_HOST_WRITE:
	case STP_HOST_WRITE_COMMAND:
		sim_pump_control(world->pump, action.u.write.bytes, action.u.write.size);
		return TRUE;
	case STP_HOST_READ_TIME:
		time = sim_pen_read(world->pen, STP_UUID_CURRENT_ELAPSED_TIME);
		stp_host_time(world->host, g_bytes_get_data(time, &size), g_bytes_get_size(time), 0, 0,
			      world->now_ms);
		return TRUE;
	case STP_HOST_STATE:
		world->want = (struct stp_range){ action.u.state.oldest, action.u.state.newest };
		stp_host_want(world->host, &world->want, 1, world->now_ms);
		return TRUE;
	case STP_HOST_RECORD:
		take_record(world, &action);
		return TRUE;
	case STP_HOST_NOTE:
		world->notes[action.u.note.note]++;
		return TRUE;
	case STP_HOST_DONE:
		world->done = TRUE;
		return TRUE;
	case STP_HOST_FAILED:
		world->failed = TRUE;
		return TRUE;
	case STP_HOST_LISTED:
	case STP_HOST_BEGIN:
	case STP_HOST_GIVEN_UP:
		return TRUE;
	}
	return FALSE;
}

static void
deliver(struct world *world)
{
	struct value *value = g_queue_pop_head(&world->air);

	if (value->is_data)
		stp_host_data(world->host, value->bytes, value->size, world->now_ms);
	else
		stp_host_control(world->host, value->bytes, value->size, world->now_ms);
	g_free(value);
}

/* Until the dialogue, or the link, ends. */
static void
converse(struct world *world)
{
	for (guint steps = 0; !world->done && !world->failed && !world->hung_up; steps++) {
		assert_true(steps < 1000000);
		if (act(world))
			continue;
		sim_pump_writable(world->pump);
		if (!g_queue_is_empty(&world->air)) {
			deliver(world);
			continue;
		}
		world->now_ms = MAX(world->now_ms, stp_host_deadline(world->host));
		assert_true(world->now_ms != UINT64_MAX);
		stp_host_timeout(world->host, world->now_ms);
	}
}

static void
assert_has_all(struct world *world)
{
	SimFlash *flash = sim_pen_flash(world->pen);

	assert_int_equal(g_hash_table_size(world->records), sim_flash_newest(flash));
	for (guint32 number = 1; number <= sim_flash_newest(flash); number++) {
		const GByteArray *held = g_hash_table_lookup(world->records, GUINT_TO_POINTER(number));
		const SimRecord *record = sim_flash_get(flash, number);

		assert_non_null(held);
		assert_int_equal(held->len, record->raw->len);
		assert_memory_equal(held->data, record->raw->data, held->len);
	}
	assert_int_equal(stp_pen_slots_with_news(sim_pen_engine(world->pen)), 0);
}

static void
everything_comes_over_whatever_the_mtu(void **state)
{
	static const guint16 mtus[] = { 23, 24, 100, 247, 517 };

	for (guint i = 0; i < G_N_ELEMENTS(mtus); i++) {
		struct world *world = new_world(3);

		connect_with(world, mtus[i]);
		converse(world);
		assert_true(world->done);
		assert_has_all(world);
		free_world(world);
	}
}

static void
the_pens_own_mtu_limit_holds(void **state)
{
	const SimPenConfig config = { .seed = 5, .mtu_max = 100 };
	struct world world = { .room = 8 };

	world.pen = sim_pen_new(&config, NULL);
	world.pump = sim_pump_new(world.pen, NULL, &port, &world);
	sim_pump_connected(world.pump, 517);
	assert_int_equal(sim_pump_mtu(world.pump), 100);
	sim_pump_set_mtu(world.pump, 50);
	assert_int_equal(sim_pump_mtu(world.pump), 50);
	sim_pump_disconnected(world.pump);
	sim_pump_connected(world.pump, 5);
	assert_int_equal(sim_pump_mtu(world.pump), STP_ATT_MTU_MIN);
	sim_pump_free(world.pump);
	sim_pen_free(world.pen);
}

static void
drop_ends_the_link_once_and_the_rest_follows(void **state)
{
	struct world *world = new_world(5);

	world->faults.drop.bytes = 4000;
	connect_with(world, 247);
	converse(world);
	assert_true(world->hung_up);
	assert_false(world->done);
	assert_in_range(world->data_bytes, 4000, 4000 + 243);
	hang_up(world);

	connect_with(world, 247);
	converse(world);
	assert_true(world->done);
	assert_has_all(world);
	free_world(world);
}

static void
drop_always_ends_every_link(void **state)
{
	struct world *world = new_world(5);

	world->faults.drop = (SimThreshold){ .bytes = 4000, .always = TRUE };
	for (guint i = 0; i < 3; i++) {
		connect_with(world, 247);
		converse(world);
		assert_true(world->hung_up);
		hang_up(world);
	}
	free_world(world);
}

static void
stall_sends_nothing_more_and_the_host_gives_up(void **state)
{
	struct world *world = new_world(5);

	world->faults.stall.bytes = 4000;
	connect_with(world, 247);
	converse(world);
	assert_false(world->hung_up);
	assert_in_range(world->data_bytes, 4000, 4000 + 243);
	assert_true(g_hash_table_size(world->records) < sim_flash_newest(sim_pen_flash(world->pen)));
	hang_up(world);

	connect_with(world, 247);
	converse(world);
	assert_true(world->done);
	assert_has_all(world);
	free_world(world);
}

static void
lost_segments_are_fetched_again(void **state)
{
	struct world *world = new_world(5);

	world->faults.lose_every = 7;
	connect_with(world, 100);
	converse(world);
	assert_true(world->done);
	assert_true(world->notes[STP_NOTE_HOLE] > 0);
	assert_has_all(world);
	free_world(world);
}

static void
a_stray_answer_is_noticed_and_survived(void **state)
{
	struct world *world = new_world(2);

	world->faults.stray_answer = TRUE;
	connect_with(world, 247);
	converse(world);
	assert_true(world->done);
	assert_int_equal(world->notes[STP_NOTE_ANSWER_OUT_OF_TURN], 1);
	assert_has_all(world);
	free_world(world);
}

static gboolean
end_wait(gpointer data)
{
	*(gboolean *)data = TRUE;
	return G_SOURCE_REMOVE;
}

static void
the_first_answer_is_late_by_as_much_as_asked_for(void **state)
{
	struct world *world = new_world(1);
	gint64 start_us = g_get_monotonic_time();
	gboolean over = FALSE;
	guint limit;

	world->faults.answer_delay_ms = 60;
	connect_with(world, 247);
	while (act(world))
		;
	sim_pump_writable(world->pump);
	assert_int_equal(world->air.length, 0);
	limit = g_timeout_add_seconds(10, end_wait, &over);
	while (!over && g_queue_is_empty(&world->air))
		g_main_context_iteration(NULL, TRUE);
	assert_false(over);
	g_source_remove(limit);
	assert_true(g_get_monotonic_time() - start_us >= 60000);
	converse(world);
	assert_true(world->done);
	assert_has_all(world);
	free_world(world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_comes_over_whatever_the_mtu),
		cmocka_unit_test(the_pens_own_mtu_limit_holds),
		cmocka_unit_test(drop_ends_the_link_once_and_the_rest_follows),
		cmocka_unit_test(drop_always_ends_every_link),
		cmocka_unit_test(stall_sends_nothing_more_and_the_host_gives_up),
		cmocka_unit_test(lost_segments_are_fetched_again),
		cmocka_unit_test(a_stray_answer_is_noticed_and_survived),
		cmocka_unit_test(the_first_answer_is_late_by_as_much_as_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
