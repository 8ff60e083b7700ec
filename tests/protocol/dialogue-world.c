/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stipple/crc32c.h>
#include <stipple/host.h>

#include "dialogue-world.h"
#include "flash-model.h"

#define AIR_MAX 512
#define STORE_MAX 256
/* After so many dialogues the air clears up, so that a run comes to an end. */
#define ROUGH_DIALOGUES 12
#define DIALOGUES_MAX 40
#define DIALOGUE_MS_MAX (3600u * 1000u)
#define DIALOGUE_STEPS_MAX 400000u

#define CHECK(world, condition) \
	do { \
		if (!(condition)) \
			breach(world, #condition, __LINE__); \
	} while (0)

enum way { TO_PEN, TO_HOST_CONTROL, TO_HOST_DATA };

struct parcel {
	enum way way;
	uint64_t at;
	uint64_t order;
	size_t size;
	bool doubled;
	uint8_t bytes[STP_ATT_VALUE_MAX];
};

struct stored {
	uint32_t epoch, number, size, crc;
	enum stp_status integrity;
};

/* Chances in 1/1000. */
struct weather {
	unsigned drop, doubling, late, flip, control_drop, stall, disconnect, crash, disk_full, pen_event;
};

struct world {
	uint64_t seed, random;
	enum world_mood mood;
	struct weather weather;
	uint64_t now, order, pen_ready, last_at[TO_HOST_DATA + 1];

	struct flash_model flash;
	struct stp_pen pen;
	uint32_t boot_id, next_number;
	bool connected;

	struct stp_host *host;
	struct stored store[STORE_MAX];
	size_t stored;
	struct stp_range wishes[STORE_MAX];

	struct parcel air[AIR_MAX];
	size_t in_air;

	/* an independent count of what the pen may send, and of what the host let out */
	uint8_t op_token, op_window;
	uint32_t allowance;
	bool over;
};

static const uint8_t collector[STP_COLLECTOR_ID_SIZE] = { 'c', 'o', 'l', 'l', 'e', 'c', 't', '1' };

static void
breach(const struct world *world, const char *what, int line)
{
	fprintf(stderr, "dialogue-world.c:%d: %s does not hold; replay: STIPPLE_SEED=%" PRIu64 "\n", line, what,
		world->seed);
	abort();
}

static uint32_t
roll(struct world *world, uint32_t sides)
{
	uint64_t z = world->random += 0x9E3779B97F4A7C15u;

	z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9u;
	z = (z ^ z >> 27) * 0x94D049BB133111EBu;
	return (uint32_t)((z ^ z >> 31) % sides);
}

static bool
strikes(struct world *world, unsigned chance)
{
	return chance && roll(world, 1000) < chance;
}

/* ---- the store ---- */

static const struct stored *
find_stored(const struct world *world, uint32_t epoch, uint32_t number)
{
	for (size_t i = 0; i < world->stored; i++)
		if (world->store[i].epoch == epoch && world->store[i].number == number)
			return &world->store[i];
	return NULL;
}

static bool
is_same(const struct stored *stored, const struct flash_record *record)
{
	return stored->size == record->entry.length &&
	       stored->crc == stp_crc32c(0, record->raw, record->entry.length);
}

static void
store_record(struct world *world, const struct stp_host_action *action)
{
	struct stored fresh = { .epoch = action->u.record.epoch,
		.number = action->u.record.entry.record,
		.size = (uint32_t)action->u.record.size,
		.crc = stp_crc32c(0, action->u.record.raw, action->u.record.size),
		.integrity = action->u.record.integrity };
	const struct stored *before = find_stored(world, fresh.epoch, fresh.number);
	struct flash_record *record = flash_model_find(&world->flash, fresh.number);

	/* What is said to be as the pen sent it, is. */
	if (record && fresh.epoch == world->flash.state.epoch)
		CHECK(world, is_same(&fresh, record));
	if (before) {
		CHECK(world, before->size == fresh.size && before->crc == fresh.crc);
		return;
	}
	CHECK(world, world->stored < STORE_MAX);
	world->store[world->stored++] = fresh;
}

bool
world_is_covered(const struct world *world)
{
	for (size_t i = 0; i < world->flash.count; i++) {
		const struct flash_record *record = &world->flash.records[i];
		const struct stored *stored =
			find_stored(world, world->flash.state.epoch, record->entry.record);

		if (!stored || !is_same(stored, record))
			return false;
	}
	return true;
}

static bool
is_acknowledged(const struct stp_pen_slot *slot, uint32_t number)
{
	bool in = number <= slot->mark;

	for (unsigned i = 0; i < slot->range_count; i++)
		in = in || (slot->ranges[i].from <= number && number <= slot->ranges[i].to);
	return in;
}

static const struct stp_pen_slot *
own_slot(const struct world *world)
{
	for (unsigned i = 0; i < STP_PEN_SLOTS; i++)
		if (world->flash.slots[i].used &&
		    !memcmp(world->flash.slots[i].collector_id, collector, sizeof(collector)))
			return &world->flash.slots[i];
	return NULL;
}

bool
world_is_acknowledged(const struct world *world)
{
	const struct stp_pen_slot *slot = own_slot(world);

	for (size_t i = 0; i < world->flash.count; i++) {
		const struct flash_record *record = &world->flash.records[i];

		if (!(record->entry.flags & STP_ENTRY_CORRUPT) &&
		    !(slot && slot->epoch == world->flash.state.epoch &&
		      is_acknowledged(slot, record->entry.record)))
			return false;
	}
	return true;
}

/* Nothing is acknowledged that the store lacks. */
static void
check_slots(struct world *world)
{
	const struct stp_pen_slot *slot = own_slot(world);

	if (!slot || slot->epoch != world->flash.state.epoch)
		return;
	for (size_t i = 0; i < world->flash.count; i++) {
		const struct flash_record *record = &world->flash.records[i];
		const struct stored *stored;

		if (!is_acknowledged(slot, record->entry.record))
			continue;
		stored = find_stored(world, slot->epoch, record->entry.record);
		CHECK(world, stored && is_same(stored, record) && stored->integrity == STP_OK);
	}
}

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
	if (world->mood == WORLD_ROUGH && !roll(world, 25)) {
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

/* ---- the air ---- */

static void
send(struct world *world, enum way way, const uint8_t *bytes, size_t size)
{
	struct parcel *parcel;
	unsigned chance = way == TO_HOST_DATA ? world->weather.drop : world->weather.control_drop;

	if (strikes(world, chance) || world->in_air == AIR_MAX)
		return;
	parcel = &world->air[world->in_air++];
	parcel->way = way;
	parcel->order = ++world->order;
	parcel->at = world->now + 1 + roll(world, 3);
	/* A link keeps the order; being late is a trouble of its own. */
	if (parcel->at < world->last_at[way])
		parcel->at = world->last_at[way];
	world->last_at[way] = parcel->at;
	parcel->size = size;
	parcel->doubled = false;
	memcpy(parcel->bytes, bytes, size);
	if (way == TO_HOST_DATA && strikes(world, world->weather.late))
		parcel->at += roll(world, 200);
	if (way != TO_HOST_DATA && strikes(world, world->weather.late))
		parcel->at += roll(world, 2000);
	/* Log Control Point is guarded by the link's own check; Log Data has one of its own. */
	if (way == TO_HOST_DATA && strikes(world, world->weather.flip))
		parcel->bytes[roll(world, (uint32_t)size)] ^= (uint8_t)(1u << roll(world, 8));
	if (strikes(world, world->weather.doubling) && world->in_air < AIR_MAX) {
		world->air[world->in_air] = *parcel;
		world->air[world->in_air].order = ++world->order;
		world->air[world->in_air].at += roll(world, 5000);
		world->air[world->in_air].doubled = true;
		world->in_air++;
	}
}

/* An independent account of the credits, from the bytes alone. */
static void
account_request(struct world *world, const uint8_t *bytes, size_t size)
{
	struct stp_request request;

	if (stp_request_decode(bytes, size, &request))
		return;
	if (request.op == STP_OP_CREDIT) {
		if (request.token == world->op_token)
			world->allowance += request.u.credit.segments;
		if (world->allowance > world->op_window)
			world->allowance = world->op_window;
		return;
	}
	world->op_token = 0;
	if (request.op != STP_OP_LIST && request.op != STP_OP_READ)
		return;
	world->op_token = request.token;
	world->op_window = request.op == STP_OP_LIST ? request.u.list.window : request.u.read.window;
	world->allowance = world->op_window;
}

static void
account_segment(struct world *world, const uint8_t *bytes, size_t size)
{
	struct stp_segment segment;
	uint32_t waiting = 0;

	CHECK(world, stp_segment_decode(bytes, size, &segment) == STP_OK);
	CHECK(world, size <= world->pen.att_mtu - 3u);
	/* Only as the answer to a LIST or READ, and only on credit. */
	CHECK(world, segment.token == world->op_token);
	CHECK(world, world->allowance > 0);
	world->allowance--;

	/*
	 * What waits in the host's socket never exceeds the window; where segments overtake each
	 * other, or their headers lie, those on their way are taken for lost; and a CREDIT that is
	 * doubled on its way counts twice.
	 */
	if (world->weather.flip || world->weather.late || world->weather.doubling)
		return;
	for (size_t i = 0; i < world->in_air; i++)
		if (world->air[i].way == TO_HOST_DATA && !world->air[i].doubled &&
		    world->air[i].bytes[3] >> 4 == segment.token)
			waiting++;
	CHECK(world, waiting <= world->op_window);
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
	send(world, output.kind == STP_PEN_NOTIFY ? TO_HOST_DATA : TO_HOST_CONTROL, output.bytes, output.size);
	world->pen_ready = world->now + (roll(world, 4) == 0);
	if (strikes(world, world->weather.stall))
		world->pen_ready += roll(world, 10000);
	return true;
}

static void
deliver(struct world *world, const struct parcel *parcel)
{
	switch (parcel->way) {
	case TO_PEN:
		account_request(world, parcel->bytes, parcel->size);
		stp_pen_control(&world->pen, parcel->bytes, parcel->size);
		break;
	case TO_HOST_CONTROL:
		stp_host_control(world->host, parcel->bytes, parcel->size, world->now);
		break;
	case TO_HOST_DATA:
		stp_host_data(world->host, parcel->bytes, parcel->size, world->now);
		break;
	}
}

/* The parcel that is due first. */
static size_t
first_parcel(const struct world *world)
{
	size_t first = 0;

	for (size_t i = 1; i < world->in_air; i++)
		if (world->air[i].at < world->air[first].at ||
		    (world->air[i].at == world->air[first].at && world->air[i].order < world->air[first].order))
			first = i;
	return first;
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
	struct stp_ranges held, missing;

	stp_ranges_init(&held, items, STORE_MAX);
	stp_ranges_init(&missing, world->wishes, STORE_MAX);
	for (size_t i = 0; i < world->stored; i++)
		if (world->store[i].epoch == state->epoch)
			CHECK(world,
			      stp_ranges_add(&held, world->store[i].number, world->store[i].number) == STP_OK);
	CHECK(world, stp_ranges_missing(&held, state->oldest, state->newest, &missing) == STP_OK);
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
		send(world, TO_PEN, action.u.write.bytes, action.u.write.size);
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
	memcpy(config.collector_id, collector, sizeof(collector));
	stp_host_free(world->host);
	world->host = stp_host_new(&config);
	CHECK(world, world->host);
	world->connected = true;
	world->over = false;
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

	if (world->in_air && world->air[first_parcel(world)].at < until)
		until = world->air[first_parcel(world)].at;
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
	size_t first;

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

	first = first_parcel(world);
	if (world->in_air && world->air[first].at <= world->now) {
		struct parcel parcel = world->air[first];

		world->air[first] = world->air[--world->in_air];
		deliver(world, &parcel);
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

unsigned
world_run(struct world *world)
{
	for (unsigned dialogues = 0; dialogues < DIALOGUES_MAX; dialogues++) {
		if (dialogues && world_is_covered(world))
			return dialogues;
		choose_weather(world, world->mood == WORLD_QUIET || dialogues >= ROUGH_DIALOGUES);
		hold_dialogue(world);
		world->now += 1000;
	}
	CHECK(world, world_is_covered(world));
	return DIALOGUES_MAX;
}

struct world *
world_new(uint64_t seed, enum world_mood mood)
{
	struct world *world = calloc(1, sizeof(*world));

	if (!world)
		abort();
	world->seed = seed;
	world->random = seed;
	world->mood = mood;
	world->next_number = 1 + roll(world, 3) * roll(world, 1000);
	flash_model_init(&world->flash, 1000 + roll(world, 1000));
	for (unsigned i = 0, count = roll(world, 12); i < count; i++)
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
