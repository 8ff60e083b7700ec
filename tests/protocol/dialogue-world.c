/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stdlib.h>
#include <string.h>

#include "dialogue-model.h"
#include "dialogue-world.h"

#define ROUGH_DIALOGUES 6
#define DIALOGUE_MS_MAX (3600u * 1000u)
#define DIALOGUE_STEPS_MAX 400000u

/* ---- the pen ---- */

static void
power_up(struct world *world)
{
	struct stp_pen_config config = { .log = &flash_model_log,
		.user = &world->flash,
		.boot_id = ++world->boot_id,
		.max_window = 128,
		.slots = world->flash.slots };

	CHECK(world, stp_pen_init(&world->pen, &config) == STP_OK);
}

static uint32_t
some_length(struct world *world)
{
	if (roll(world, 4))
		return 5 + roll(world, 300);
	return 5 + roll(world, roll(world, 8) ? 4000 : 30000);
}

static void
add_record(struct world *world)
{
	struct flash_record *record;

	if (world->flash.count == FLASH_RECORDS_MAX)
		return;
	record = flash_model_add(&world->flash, world->next_number, some_length(world));
	world->next_number += 1 + (roll(world, 6) == 0 ? roll(world, 3) : 0);
	if (world->rough && !roll(world, 25)) {
		/* Damaged in flash; the pen may know, or not. */
		record->raw[roll(world, record->entry.length - 4)] ^= (uint8_t)(1u << roll(world, 8));
		record->entry.flags |= roll(world, 2) ? STP_ENTRY_CORRUPT : 0;
	}
}

static void
reset_log(struct world *world)
{
	flash_model_clear(&world->flash);
	world->flash.state.epoch++;
	world->flash.state.oldest = 1;
	world->flash.state.newest = 0;
	world->next_number = 1;
	for (unsigned i = 0, count = 1 + roll(world, 4); i < count; i++)
		add_record(world);
}

static void
disconnect(struct world *world)
{
	world->connected = false;
	world->in_air = 0;
	stp_pen_disconnected(&world->pen);
}

static void
trouble_the_pen(struct world *world)
{
	switch (roll(world, 6)) {
	case 0:
		power_up(world);
		disconnect(world);
		break;
	case 1:
		add_record(world);
		break;
	case 2:
		if (world->flash.count > 1)
			flash_model_overwrite(&world->flash);
		break;
	case 3:
		reset_log(world);
		break;
	case 4:
		world->flash.state.flags ^= STP_STATE_MOTOR_ON;
		break;
	default:
		world->flash.save_fails = !world->flash.save_fails;
		break;
	}
}

/* False: nothing to send now. */
static bool
serve_pen(struct world *world)
{
	struct stp_pen_output output;

	if (world->now < world->pen_ready)
		return false;
	stp_pen_poll(&world->pen, &output);
	if (output.kind == STP_PEN_IDLE)
		return false;
	if (output.kind == STP_PEN_NOTIFY)
		account_segment(world, output.bytes, output.size);
	air_send(world, output.kind == STP_PEN_NOTIFY ? TO_HOST_DATA : TO_HOST_CONTROL, output.bytes, output.size);
	world->pen_ready = world->now + (roll(world, 4) == 0);
	if (strikes(world, world->weather.stall))
		world->pen_ready += roll(world, 10000);
	return true;
}

/* ---- the host ---- */

static void
tell_time(struct world *world)
{
	struct stp_elapsed_time time = { .is_tick = true,
		.unit_us = 1000,
		.value = world->now,
		.tz_dst_quarters = -128,
		.is_current_timeline = true };
	uint8_t bytes[STP_ELAPSED_TIME_SIZE];

	CHECK(world, stp_elapsed_time_encode(&time, bytes) == STP_OK);
	stp_host_time(world->host, strikes(world, world->weather.drop) ? NULL : bytes, sizeof(bytes),
		      1700000000000000 + (int64_t)world->now * 1000, 30000, world->now);
}

static void
tell_wishes(struct world *world, const struct stp_host_state *state)
{
	struct stp_range items[STORE_MAX];
	struct stp_ranges held = { items, store_held(world, state->epoch, false, items), STORE_MAX }, missing;
	size_t sound = store_held(world, state->epoch, true, world->held);

	stp_ranges_init(&missing, world->wishes, STORE_MAX);
	CHECK(world, stp_ranges_missing(&held, state->oldest, state->newest, &missing) == STP_OK);
	stp_host_held(world->host, world->held, sound, world->now);
	stp_host_want(world->host, missing.items, missing.count, world->now);
}

static void
keep_record(struct world *world, const struct stp_host_action *action)
{
	if (strikes(world, world->weather.crash)) {
		/* Killed before or after the store wrote it; in both cases before the ACK. */
		if (roll(world, 2))
			store_record(world, action);
		disconnect(world);
		return;
	}
	if (strikes(world, world->weather.disk_full)) {
		stp_host_stored(world->host, false, world->now);
		return;
	}
	store_record(world, action);
	stp_host_stored(world->host, true, world->now);
}

/* False: nothing to do. */
static bool
serve_host(struct world *world)
{
	struct stp_host_action action;

	stp_host_poll(world->host, &action);
	switch (action.kind) {
	case STP_HOST_IDLE:
		return false;
	case STP_HOST_WRITE:
	case STP_HOST_WRITE_COMMAND:
		air_send(world, TO_PEN, action.u.write.bytes, action.u.write.size);
		break;
	case STP_HOST_READ_TIME:
		tell_time(world);
		break;
	case STP_HOST_STATE:
		tell_wishes(world, &action.u.state);
		break;
	case STP_HOST_RECORD:
		keep_record(world, &action);
		break;
	case STP_HOST_LISTED:
	case STP_HOST_GIVEN_UP:
	case STP_HOST_NOTE:
		break;
	case STP_HOST_DONE:
	case STP_HOST_FAILED:
		world->over = true;
		world->failed = action.kind == STP_HOST_FAILED;
		return false;
	}
	return true;
}

/* ---- a dialogue ---- */

static void
choose_weather(struct world *world, bool clear)
{
	struct weather *weather = &world->weather;

	memset(weather, 0, sizeof(*weather));
	if (clear) {
		world->flash.state.flags &= (uint8_t)~STP_STATE_MOTOR_ON;
		world->flash.save_fails = false;
		return;
	}
	/* Each kind of trouble in about half of the dialogues. */
	weather->drop = roll(world, 2) * roll(world, 100);
	weather->doubling = roll(world, 2) * roll(world, 100);
	weather->late = roll(world, 2) * roll(world, 200);
	weather->flip = roll(world, 2) * roll(world, 20);
	weather->control_drop = roll(world, 2) * roll(world, 50);
	weather->stall = roll(world, 2) * roll(world, 10);
	weather->disconnect = roll(world, 2) * roll(world, 10);
	weather->crash = roll(world, 2) * roll(world, 200);
	weather->disk_full = roll(world, 2) * roll(world, 100);
	weather->pen_event = roll(world, 2) * roll(world, 5);
}

static void
connect(struct world *world)
{
	struct stp_host_config config = { .window = (uint8_t)(1 + roll(world, STP_WINDOW_MAX)) };
	uint16_t mtu = (uint16_t)(STP_ATT_MTU_MIN + roll(world, STP_ATT_MTU_MAX - STP_ATT_MTU_MIN + 1));

	if (!roll(world, 3))
		mtu = STP_ATT_MTU_MIN;
	memcpy(config.collector_id, world_collector, sizeof(world_collector));
	stp_host_free(world->host);
	world->host = stp_host_new(&config);
	CHECK(world, world->host);
	world->connected = true;
	world->over = false;
	world->failed = false;
	world->in_air = 0;
	memset(world->last_at, 0, sizeof(world->last_at));
	world->op_token = 0;
	world->pen_ready = world->now;
	stp_pen_connected(&world->pen, mtu);
	stp_host_start(world->host, mtu, 128, world->now);
}

/* Let time pass until something is due. */
static void
wait(struct world *world)
{
	uint64_t until = stp_host_deadline(world->host);

	if (air_due(world) < until)
		until = air_due(world);
	if (world->pen_ready > world->now && world->pen_ready < until)
		until = world->pen_ready;
	/* Somebody always waits for something. */
	CHECK(world, until != UINT64_MAX);
	if (until > world->now)
		world->now = until;
}

static void
step(struct world *world)
{
	bool busy;

	while (serve_host(world) && world->connected)
		;
	check_slots(world);
	if (!world->connected || world->over)
		return;
	busy = serve_pen(world);
	if (strikes(world, world->weather.disconnect) && !roll(world, 20))
		disconnect(world);
	if (strikes(world, world->weather.pen_event) && !roll(world, 10))
		trouble_the_pen(world);
	if (!world->connected)
		return;

	if (air_due(world) <= world->now) {
		air_deliver(world);
	} else if (stp_host_deadline(world->host) <= world->now) {
		stp_host_timeout(world->host, world->now);
	} else if (!busy) {
		wait(world);
	}
}

static void
hold_dialogue(struct world *world)
{
	uint64_t began = world->now;

	connect(world);
	for (unsigned steps = 0; world->connected && !world->over; steps++) {
		CHECK(world, steps < DIALOGUE_STEPS_MAX);
		CHECK(world, world->now - began < DIALOGUE_MS_MAX);
		step(world);
	}
	if (world->connected)
		disconnect(world);
	check_slots(world);
}

/* Covered, and the pen knows: or its slot has no room left to know it. */
static void
check_end(struct world *world)
{
	CHECK(world, world->over && !world->failed);
	CHECK(world, world_is_covered(world));
	CHECK(world, world_is_acknowledged(world) || world->slot_full);
	CHECK(world, world->slot_full || !stp_pen_slots_with_news(&world->pen) || world->rough);
}

unsigned
world_run(struct world *world)
{
	unsigned rough = world->rough ? 1 + roll(world, ROUGH_DIALOGUES) : 0;

	for (unsigned i = 0; i < rough; i++) {
		choose_weather(world, false);
		hold_dialogue(world);
		world->now += 1000;
	}
	/* The air clears up, and one dialogue must do. */
	choose_weather(world, true);
	hold_dialogue(world);
	check_end(world);
	return rough + 1;
}

struct world *
world_new(uint64_t seed, enum world_mood mood)
{
	struct world *world = calloc(1, sizeof(*world));

	if (!world)
		abort();
	world->seed = seed;
	world->random = seed;
	world->rough = mood == WORLD_ROUGH;
	world->next_number = 1 + roll(world, 3) * roll(world, 1000);
	flash_model_init(&world->flash, 1000 + roll(world, 1000));
	for (unsigned i = 0, count = roll(world, roll(world, 4) ? 12 : 40); i < count; i++)
		add_record(world);
	power_up(world);
	return world;
}

void
world_free(struct world *world)
{
	flash_model_clear(&world->flash);
	stp_host_free(world->host);
	free(world);
}
