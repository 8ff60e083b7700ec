/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* What a simulated pen keeps, erases and overwrites, over power-off at any moment; time is virtual. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <glib/gstdio.h>

#include <stipple/elapsed-time.h>
#include <stipple/record.h>

#include "sim-pump.h"
#include "sim-story.h"

struct world {
	char *directory;
	SimPen *pen;
	SimPump *pump;
	gint64 now_us;
	guint8 token;
	guint hang_ups;
	guint8 answer[STP_PEN_CHANNELS][STP_CONTROL_SIZE_MAX];
	gsize size[STP_PEN_CHANNELS];
};

static gint64
clock_us(gpointer data)
{
	return ((struct world *)data)->now_us;
}

static SimSending
port_send(enum stp_pen_channel channel, const guint8 *bytes, gsize size, gpointer data)
{
	struct world *world = data;

	assert_true(size <= STP_CONTROL_SIZE_MAX);
	memcpy(world->answer[channel], bytes, size);
	world->size[channel] = size;
	return SIM_SENT;
}

static SimSending
port_indicate(const guint8 *bytes, gsize size, gpointer data)
{
	return port_send(STP_PEN_LOG_CONTROL, bytes, size, data);
}

static SimSending
port_notify(const guint8 *bytes, gsize size, gpointer data)
{
	return SIM_SENT;
}

static void
port_hang_up(gpointer data)
{
	((struct world *)data)->hang_ups++;
}

static void
switch_off(struct world *world)
{
	g_clear_pointer(&world->pump, sim_pump_free);
	g_clear_pointer(&world->pen, sim_pen_free);
}

static void
switch_on(struct world *world, guint32 capacity_kb, gboolean attended)
{
	static const SimPort port = { port_indicate, port_notify, port_hang_up, port_send };
	const SimPenConfig config = { .seed = 9,
				      .state_dir = world->directory,
				      .capacity_kb = capacity_kb,
				      .attended = attended,
				      .clock_us = clock_us,
				      .clock_data = world };
	g_autoptr(GError) error = NULL;

	switch_off(world);
	world->pen = sim_pen_new(&config, &error);
	assert_null(error);
	world->pump = sim_pump_new(world->pen, NULL, &port, world);
	sim_pump_connected(world->pump, 23);
}

static int
set_up(void **state)
{
	struct world *world = g_new0(struct world, 1);

	world->now_us = 1000000;
	world->directory = g_dir_make_tmp("sim-keep-XXXXXX", NULL);
	assert_non_null(world->directory);
	switch_on(world, 0, FALSE);
	*state = world;
	return 0;
}

static char *
kept_file(const struct world *world, const char *name)
{
	return g_build_filename(world->directory, "DP26-1001", name, NULL);
}

static int
tear_down(void **state)
{
	struct world *world = *state;
	g_autofree char *below = kept_file(world, NULL);
	g_autoptr(GDir) listing = g_dir_open(below, 0, NULL);
	const char *name;

	switch_off(world);
	while (listing && (name = g_dir_read_name(listing))) {
		g_autofree char *path = kept_file(world, name);

		g_unlink(path);
	}
	g_rmdir(below);
	assert_int_equal(g_rmdir(world->directory), 0);
	g_free(world->directory);
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

static struct stp_answer
ask(struct world *world, struct stp_request request)
{
	struct stp_answer answer;
	guint8 bytes[STP_CONTROL_SIZE_MAX];
	size_t size;

	request.token = (guint8)(world->token % STP_TOKEN_MAX + 1);
	world->token++;
	assert_int_equal(stp_request_encode(&request, bytes, &size), STP_OK);
	sim_pump_control(world->pump, bytes, size);
	assert_int_equal(stp_answer_decode(world->answer[STP_PEN_LOG_CONTROL],
					   world->size[STP_PEN_LOG_CONTROL], &answer),
			 STP_OK);
	assert_int_equal(answer.token, request.token);
	return answer;
}

static struct stp_panel_answer
ask_panel(struct world *world, struct stp_panel_request request)
{
	struct stp_panel_answer answer;
	guint8 bytes[STP_CONTROL_SIZE_MAX];
	size_t size;

	request.token = (guint8)(world->token % STP_TOKEN_MAX + 1);
	world->token++;
	assert_int_equal(stp_panel_request_encode(&request, bytes, &size), STP_OK);
	sim_pump_panel(world->pump, bytes, size);
	assert_int_equal(
		stp_panel_answer_decode(world->answer[STP_PEN_PANEL], world->size[STP_PEN_PANEL], &answer),
		STP_OK);
	assert_int_equal(answer.token, request.token);
	return answer;
}

static void
hello(struct world *world, guint8 who)
{
	struct stp_request request = { .op = STP_OP_HELLO, .u.hello.collector_id = { who } };

	assert_int_equal(ask(world, request).status, STP_WIRE_SUCCESS);
}

static void
acknowledge(struct world *world, guint32 from, guint32 to)
{
	struct stp_request request = { .op = STP_OP_ACK };

	request.u.ack.epoch = sim_flash_epoch(sim_pen_flash(world->pen));
	request.u.ack.from = from;
	request.u.ack.to = to;
	assert_int_equal(ask(world, request).status, STP_WIRE_SUCCESS);
}

static struct stp_answer
get_state(struct world *world)
{
	return ask(world, (struct stp_request){ .op = STP_OP_GET_STATE });
}

/* A session of two samples and the seal behind it. */
static void
add_session(struct world *world)
{
	static const struct stp_sample samples[2] = { { .depth_um = 1500 },
						      { .t_ms = 10, .depth_um = 1500 } };
	const SimSession session = { .samples = samples, .count = 2, .period_ms = 10, .boot_id = 3 };
	SimSpan span;

	assert_true(sim_pen_add_session(world->pen, &session, &span, NULL));
}

static struct stp_record_head
head_of(struct world *world, guint32 number)
{
	const SimRecord *record = sim_flash_get(sim_pen_flash(world->pen), number);
	struct stp_record_head head;

	assert_non_null(record);
	assert_int_equal(stp_record_read_head(record->raw->data, record->raw->len, &head), STP_OK);
	return head;
}

static guint8
erase(struct world *world, guint32 up_to, guint wait_ms)
{
	struct stp_request request = { .op = STP_OP_ERASE_PREPARE };
	struct stp_answer answer;

	request.u.erase_prepare.epoch = sim_flash_epoch(sim_pen_flash(world->pen));
	request.u.erase_prepare.up_to = up_to;
	answer = ask(world, request);
	if (answer.status != STP_WIRE_SUCCESS)
		return answer.status;
	request = (struct stp_request){ .op = STP_OP_ERASE };
	request.u.erase.epoch = sim_flash_epoch(sim_pen_flash(world->pen));
	request.u.erase.up_to = up_to;
	request.u.erase.nonce = answer.u.erase_prepare.nonce;
	/* However slow the host is: nobody presses before it was refused and has said so. */
	pass(world, wait_ms);
	assert_int_equal(ask(world, request).status, STP_WIRE_NOT_CONFIRMED);
	pass(world, wait_ms);
	return ask(world, request).status;
}

static void
numbers_never_come_back(void **state)
{
	struct world *world = *state;
	struct stp_record_head before;
	guint8 hash[STP_RECORD_HASH_SIZE];
	struct stp_answer answer;

	switch_on(world, 0, TRUE);
	add_session(world);
	add_session(world);
	before = head_of(world, 4);
	memcpy(hash, sim_flash_last_hash(sim_pen_flash(world->pen)), sizeof hash);
	hello(world, 1);
	assert_int_equal(erase(world, 4, 200), STP_WIRE_NOT_ACKNOWLEDGED);
	acknowledge(world, 1, 4);
	assert_int_equal(erase(world, 4, 200), STP_WIRE_SUCCESS);
	answer = get_state(world);
	assert_int_equal(answer.u.state.oldest, 5);
	assert_int_equal(answer.u.state.newest, 4);
	assert_int_equal(answer.u.state.free_percent, 100);

	switch_on(world, 0, TRUE);
	assert_int_equal(get_state(world).u.state.oldest, 5);
	assert_int_equal(get_state(world).u.state.newest, 4);
	add_session(world);
	/* The chain goes on from what was erased. */
	assert_int_equal(head_of(world, 5).number, 5);
	assert_int_equal(head_of(world, 5).epoch, before.epoch);
	assert_true(head_of(world, 5).has_prev_hash);
	assert_memory_equal(head_of(world, 5).prev_hash, hash, sizeof hash);
	switch_on(world, 0, TRUE);
	assert_int_equal(get_state(world).u.state.oldest, 5);
	assert_int_equal(get_state(world).u.state.newest, 6);
}

static void
nothing_is_erased_without_a_person(void **state)
{
	struct world *world = *state;

	add_session(world);
	hello(world, 1);
	acknowledge(world, 1, 2);
	assert_int_equal(erase(world, 2, 5000), STP_WIRE_NOT_CONFIRMED);
	assert_int_equal(get_state(world).u.state.oldest, 1);
}

/* Power fails between what a pen writes: what is on the disk then, made by hand. */
static void
a_record_that_was_not_finished_was_never_written(void **state)
{
	struct world *world = *state;
	g_autofree char *entries = kept_file(world, "entries.tsv"),
			*orphan = kept_file(world, "00000003.record");
	FILE *file;

	add_session(world);
	file = fopen(entries, "a");
	assert_non_null(file);
	/* A whole line, and one that was torn. */
	fprintf(file, "3\t3\t1000\t1\t7\t12345678\n4\t3\t10");
	assert_int_equal(fclose(file), 0);
	assert_true(g_file_set_contents(orphan, "garbage", 7, NULL));
	switch_on(world, 0, FALSE);
	assert_int_equal(get_state(world).u.state.newest, 2);
	assert_false(g_file_test(orphan, G_FILE_TEST_EXISTS));
	add_session(world);
	switch_on(world, 0, FALSE);
	assert_int_equal(get_state(world).u.state.newest, 4);
	assert_int_equal(head_of(world, 3).number, 3);
}

static void
a_file_that_was_not_deleted_comes_not_back(void **state)
{
	struct world *world = *state;
	g_autofree char *path = kept_file(world, "00000001.record"), *bytes = NULL;
	gsize size;

	switch_on(world, 0, TRUE);
	add_session(world);
	assert_true(g_file_get_contents(path, &bytes, &size, NULL));
	hello(world, 1);
	acknowledge(world, 1, 2);
	assert_int_equal(erase(world, 1, 200), STP_WIRE_SUCCESS);
	assert_true(g_file_set_contents(path, bytes, (gssize)size, NULL));
	switch_on(world, 0, TRUE);
	assert_int_equal(get_state(world).u.state.oldest, 2);
	assert_false(g_file_test(path, G_FILE_TEST_EXISTS));
}

/* Sessions until the log of two KiB has overwritten something. */
static guint32
fill(struct world *world)
{
	guint32 before = sim_flash_oldest(sim_pen_flash(world->pen)), newest = 0;

	while (sim_flash_oldest(sim_pen_flash(world->pen)) == before && newest < 100) {
		add_session(world);
		newest = sim_flash_newest(sim_pen_flash(world->pen));
	}
	assert_true(newest < 100);
	assert_true(sim_flash_bytes(sim_pen_flash(world->pen)) <= 2048);
	return newest;
}

static guint32
event_19(struct world *world, guint32 number)
{
	const SimRecord *record = sim_flash_get(sim_pen_flash(world->pen), number);
	struct stp_record *decoded;
	guint32 arg = 0;

	assert_int_equal(stp_record_decode(record->raw->data, record->raw->len, &decoded), STP_OK);
	if (record->entry.type == STP_RECORD_EVENT &&
	    stp_record_event(decoded)->code == STP_EVENT_LOG_OVERRUN)
		arg = stp_record_event(decoded)->arg;
	stp_record_free(decoded);
	return arg;
}

static void
a_full_log_overwrites_what_nobody_had_and_says_so(void **state)
{
	struct world *world = *state;
	guint32 newest;

	switch_on(world, 2, FALSE);
	newest = fill(world);
	assert_int_equal(event_19(world, newest), sim_flash_oldest(sim_pen_flash(world->pen)) - 1);
	assert_true(get_state(world).u.state.flags & STP_STATE_OVERRUN);
	switch_on(world, 2, FALSE);
	assert_true(get_state(world).u.state.flags & STP_STATE_OVERRUN);
	assert_int_equal(get_state(world).u.state.newest, newest);
}

static void
a_full_log_prefers_what_everybody_has(void **state)
{
	struct world *world = *state;
	SimFlash *flash;
	guint32 newest;

	switch_on(world, 2, FALSE);
	add_session(world);
	add_session(world);
	hello(world, 1);
	acknowledge(world, 3, 4);
	flash = sim_pen_flash(world->pen);
	while (sim_flash_get(flash, 3))
		add_session(world);
	newest = sim_flash_newest(flash);
	assert_non_null(sim_flash_get(flash, 1));
	assert_int_equal(event_19(world, newest), 0);
	assert_false(get_state(world).u.state.flags & STP_STATE_OVERRUN);
	/* The hole stays one. */
	switch_on(world, 2, FALSE);
	flash = sim_pen_flash(world->pen);
	assert_null(sim_flash_get(flash, 3));
	assert_non_null(sim_flash_get(flash, 1));
	assert_int_equal(sim_flash_newest(flash), newest);
}

static void
settings_and_counters_outlive_power_off(void **state)
{
	struct world *world = *state;
	struct stp_panel_request request = {
		.op = STP_PANEL_CONFIG_SET,
		.u.config_set = { .revision = 1, .tag = STP_CONFIG_PRIVACY, .size = 1, .value = { 3 } }
	};
	g_autoptr(GBytes) counters = NULL, counters_after = NULL, settings = NULL, settings_after = NULL,
			  advert = NULL;
	struct stp_advert told;

	add_session(world);
	assert_true(sim_pen_shows_name(world->pen));
	assert_int_equal(ask_panel(world, request).status, STP_WIRE_SUCCESS);
	assert_int_equal(
		ask_panel(world, (struct stp_panel_request){ .op = STP_PANEL_COUNTERS_RESET }).status,
		STP_WIRE_SUCCESS);
	settings = sim_pen_read(world->pen, STP_UUID_CONFIGURATION);
	counters = sim_pen_read(world->pen, STP_UUID_DIAGNOSTICS);
	switch_on(world, 0, FALSE);
	settings_after = sim_pen_read(world->pen, STP_UUID_CONFIGURATION);
	counters_after = sim_pen_read(world->pen, STP_UUID_DIAGNOSTICS);
	assert_true(g_bytes_equal(settings, settings_after));
	/* Nothing but the boots has changed. */
	assert_int_equal(g_bytes_get_size(counters), g_bytes_get_size(counters_after));
	assert_memory_equal((const guint8 *)g_bytes_get_data(counters, NULL) + 7,
			    (const guint8 *)g_bytes_get_data(counters_after, NULL) + 7,
			    g_bytes_get_size(counters) - 7);
	/* And the settings act. */
	assert_false(sim_pen_shows_name(world->pen));
	hello(world, 1);
	advert = sim_pen_advert(world->pen);
	assert_int_equal(stp_advert_decode(g_bytes_get_data(advert, NULL), g_bytes_get_size(advert), &told),
			 STP_OK);
	assert_int_equal(told.newest_record, 0);
	assert_int_equal(told.boot_counter, 0);
	assert_int_equal(told.slots_with_news, 1);
}

static void
the_clock_goes_on_and_is_set_on_record(void **state)
{
	/* 2026-10-12, from the network. */
	static const guint8 utc[] = { 0x2A, 0, 0x9C, 0x5D, 0xC5, 0xC4, 0, 1, 0 };
	struct world *world = *state;
	const SimRecord *record;
	struct stp_record *decoded;
	gint64 before_ms;

	assert_int_equal(sim_panel_utc_ms(sim_pen_panel(world->pen), world->now_us), 0);
	assert_int_equal(stp_pen_set_clock(sim_pen_engine(world->pen), utc, sizeof utc), 0);
	before_ms = sim_panel_utc_ms(sim_pen_panel(world->pen), world->now_us);
	pass(world, SIM_PEN_STEP_MS);
	record = sim_flash_get(sim_pen_flash(world->pen), 1);
	assert_non_null(record);
	assert_int_equal(stp_record_decode(record->raw->data, record->raw->len, &decoded), STP_OK);
	assert_int_equal(stp_record_event(decoded)->code, STP_EVENT_CLOCK_SET);
	assert_int_equal(stp_record_event(decoded)->utc_ms, before_ms + SIM_PEN_STEP_MS);
	stp_record_free(decoded);
	switch_off(world);
	world->now_us += 5000000;
	switch_on(world, 0, FALSE);
	assert_int_equal(sim_panel_utc_ms(sim_pen_panel(world->pen), world->now_us),
			 before_ms + SIM_PEN_STEP_MS + 5000);
}

static void
a_reboot_answers_hangs_up_and_begins_anew(void **state)
{
	struct world *world = *state;
	guint32 boot = sim_pen_boot_id(world->pen), newest;
	struct stp_panel_request zone = { .op = STP_PANEL_SET_ZONE, .u.set_zone.zone = 12 };

	add_session(world);
	hello(world, 1);
	acknowledge(world, 1, 2);
	assert_int_equal(ask_panel(world, zone).status, STP_WIRE_SUCCESS);
	pass(world, 60000);
	newest = sim_flash_newest(sim_pen_flash(world->pen));
	sim_pen_set_motor(world->pen, TRUE);
	assert_int_equal(ask_panel(world, (struct stp_panel_request){ .op = STP_PANEL_REBOOT }).status,
			 STP_WIRE_BUSY);
	assert_int_equal(world->hang_ups, 0);
	sim_pen_set_motor(world->pen, FALSE);
	assert_int_equal(ask_panel(world, (struct stp_panel_request){ .op = STP_PANEL_REBOOT }).status,
			 STP_WIRE_SUCCESS);
	assert_int_equal(world->hang_ups, 1);
	assert_int_equal(sim_pen_boot_id(world->pen), boot);
	sim_pump_disconnected(world->pump);
	assert_int_equal(sim_pen_boot_id(world->pen), boot + 1);
	assert_true(sim_pen_tick_ms(world->pen) < 60000);
	assert_int_equal(sim_panel_zone(sim_pen_panel(world->pen)), 0);
	sim_pump_connected(world->pump, 23);
	assert_int_equal(get_state(world).u.state.boot_id, boot + 1);
	assert_int_equal(get_state(world).u.state.newest, newest + 1);
	assert_int_equal(sim_pen_engine(world->pen)->slots[0].mark, 2);
	/* One reboot for one request. */
	sim_pump_disconnected(world->pump);
	assert_int_equal(sim_pen_boot_id(world->pen), boot + 1);
	switch_on(world, 0, FALSE);
	assert_int_equal(sim_pen_boot_id(world->pen), boot + 2);
}

static void
a_session_is_in_the_zone_that_a_host_set(void **state)
{
	struct world *world = *state;
	const SimStory story = { .seed = 5, .samples_min = 10, .samples_max = 20, .period_ms = 100 };
	struct stp_panel_request request = { .op = STP_PANEL_SET_ZONE, .u.set_zone.zone = 77 };
	struct stp_sample samples[20];
	struct stp_block_decoder decoder;
	struct stp_record *decoded;
	const SimRecord *record;
	const guint8 *block;
	size_t size, count;

	assert_int_equal(ask_panel(world, request).status, STP_WIRE_SUCCESS);
	assert_true(sim_story_add_session(&story, 6, world->pen, NULL, NULL));
	record = sim_flash_get(sim_pen_flash(world->pen), 1);
	assert_int_equal(stp_record_decode(record->raw->data, record->raw->len, &decoded), STP_OK);
	block = stp_record_block(decoded, 0, &size);
	stp_block_decoder_init(&decoder);
	assert_int_equal(stp_block_decoder_next(&decoder, block, size, samples, 20, &count), STP_OK);
	assert_true(count >= 10);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(samples[i].zone, 77);
	stp_record_free(decoded);
	/* It ended with the session. */
	assert_int_equal(sim_panel_zone(sim_pen_panel(world->pen)), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(numbers_never_come_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_is_erased_without_a_person, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_record_that_was_not_finished_was_never_written, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_file_that_was_not_deleted_comes_not_back, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_full_log_overwrites_what_nobody_had_and_says_so, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_full_log_prefers_what_everybody_has, set_up, tear_down),
		cmocka_unit_test_setup_teardown(settings_and_counters_outlive_power_off, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_clock_goes_on_and_is_set_on_record, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_session_is_in_the_zone_that_a_host_set, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_reboot_answers_hangs_up_and_begins_anew, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
