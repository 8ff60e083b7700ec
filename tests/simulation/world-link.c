/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* A link: bytes on their way, what happens to them there, and whose turn it is. */

#include <string.h>

#include <stipple/elapsed-time.h>

#include "world-model.h"

#define DIALOGUE_MS_MAX (3600u * 1000u)
#define DIALOGUE_STEPS_MAX 200000u

/* ---- the air: a heap by time of arrival, then by order of sending ---- */

static bool
is_before(const struct air *air, uint16_t a, uint16_t b)
{
	const struct parcel *one = &air->parcels[a], *other = &air->parcels[b];

	return one->at < other->at || (one->at == other->at && one->order < other->order);
}

static void
air_clear(struct air *air)
{
	air->count = 0;
	air->spares = AIR_MAX;
	for (uint16_t i = 0; i < AIR_MAX; i++)
		air->spare[i] = (uint16_t)(AIR_MAX - 1 - i);
	memset(air->last_at, 0, sizeof(air->last_at));
	memset(air->read_size, 0, sizeof(air->read_size));
}

static void
air_push(struct air *air, uint16_t index)
{
	size_t at = air->count++;

	while (at && is_before(air, index, air->heap[(at - 1) / 2])) {
		air->heap[at] = air->heap[(at - 1) / 2];
		at = (at - 1) / 2;
	}
	air->heap[at] = index;
}

static uint16_t
air_pop(struct air *air)
{
	uint16_t first = air->heap[0], last = air->heap[--air->count];
	size_t at = 0;

	for (;;) {
		size_t child = 2 * at + 1;

		if (child + 1 < air->count && is_before(air, air->heap[child + 1], air->heap[child]))
			child++;
		if (child >= air->count || !is_before(air, air->heap[child], last))
			break;
		air->heap[at] = air->heap[child];
		at = child;
	}
	air->heap[at] = last;
	return first;
}

/* ---- sending ---- */

static bool
is_data(enum way way)
{
	return way == TO_HOST_DATA;
}

static void
trouble_parcel(struct world *world, const struct link *link, struct parcel *parcel)
{
	struct chance *chance = &world->chance;
	const struct weather *weather = &link->weather;

	if (strikes(chance, weather->late))
		parcel->at += roll(chance, is_data(parcel->way) ? 200 : 2000);
	/* Log Control Point is guarded by the link's own check; Log Data has one of its own. */
	if (is_data(parcel->way) && strikes(chance, weather->flip))
		parcel->bytes[roll(chance, parcel->size)] ^= (uint8_t)(1u << roll(chance, 8));
	if (parcel->way == TO_HOST_CONTROL && strikes(chance, weather->flip))
		parcel->size = (uint16_t)roll(chance, parcel->size);
}

static struct parcel *
double_parcel(struct world *world, struct air *air, const struct parcel *parcel, uint64_t at)
{
	uint16_t other;

	if (!air->spares)
		return NULL;
	other = air->spare[--air->spares];
	air->parcels[other] = *parcel;
	air->parcels[other].order = ++world->order;
	air->parcels[other].at = at;
	air->parcels[other].doubled = true;
	air_push(air, other);
	return &air->parcels[other];
}

/* The double of a READ that was on its way for so long that the request under way has its token. */
static void
send_older_read(struct world *world, struct link *link, const struct parcel *parcel, const uint8_t *bytes, size_t size)
{
	struct air *air = &link->air;
	uint8_t token = bytes[1] & STP_TOKEN_MAX, older = air->read_size[token];
	struct parcel *other = NULL;

	if (older && strikes(&world->chance, link->weather.doubling))
		other = double_parcel(world, air, parcel, world->now + roll(&world->chance, 20));
	if (other) {
		memcpy(other->bytes, air->reads[token], older);
		other->size = older;
	}
	memcpy(air->reads[token], bytes, size);
	air->read_size[token] = (uint8_t)size;
}

void
link_send(struct world *world, struct link *link, enum way way, const uint8_t *bytes, size_t size)
{
	struct chance *chance = &world->chance;
	struct air *air = &link->air;
	struct parcel *parcel;
	uint16_t index;

	if (!air->spares || strikes(chance, is_data(way) ? link->weather.drop : link->weather.control_drop)) {
		trace(world, SAW_LOST, link->host, link->pen, way, (uint32_t)size, 0);
		return;
	}
	index = air->spare[--air->spares];
	parcel = &air->parcels[index];
	parcel->at = world->now + 1 + roll(chance, 3);
	/* A link keeps the order; being late is a trouble of its own. */
	if (parcel->at < air->last_at[way])
		parcel->at = air->last_at[way];
	air->last_at[way] = parcel->at;
	parcel->way = way;
	parcel->order = ++world->order;
	parcel->doubled = false;
	parcel->size = (uint16_t)size;
	memcpy(parcel->bytes, bytes, size);
	if (world->pens[link->pen].foreign)
		pen_speak_foreign(world, link, way, parcel->bytes, &parcel->size);
	trouble_parcel(world, link, parcel);
	if (is_data(way))
		link->account.waiting[bytes[3] >> 4]++;
	air_push(air, index);
	if (strikes(chance, link->weather.doubling))
		double_parcel(world, air, parcel, parcel->at + roll(chance, 5000));
	if (way == TO_PEN && size > 1 && size <= STP_CONTROL_SIZE_MAX && bytes[0] == STP_OP_READ)
		send_older_read(world, link, parcel, bytes, size);
}

/* ---- delivering ---- */

static void
look_at_clock(struct world *world, struct link *link, const struct parcel *parcel)
{
	struct stp_elapsed_time time = { .is_tick = true,
		.unit_us = 1000,
		.value = pen_tick(world, &world->pens[link->pen]),
		.tz_dst_quarters = -128,
		.is_current_timeline = true };
	uint8_t bytes[sizeof(link->clock_asked) + STP_ELAPSED_TIME_SIZE];

	memcpy(bytes, parcel->bytes, sizeof(link->clock_asked));
	/* A read is a transaction: nothing of it happens twice. */
	if (parcel->doubled)
		return;
	CHECK(world, stp_elapsed_time_encode(&time, bytes + sizeof(link->clock_asked)) == STP_OK);
	link->clock_looked_at = world->now;
	link->clock_tick = time.value;
	link_send(world, link, TO_HOST_CLOCK, bytes, sizeof(bytes));
}

static void
tell_clock(struct world *world, struct link *link, const struct parcel *parcel)
{
	int64_t utc = 1700000000000000 + world->hosts[link->host].clock_offset_us + (int64_t)world->now * 1000;
	uint32_t asked;

	memcpy(&asked, parcel->bytes, sizeof(asked));
	/* An answer to another read is none. */
	if (asked != link->clock_asked || parcel->doubled)
		return;
	stp_host_time(link->engine, parcel->bytes + sizeof(asked), parcel->size - sizeof(asked), utc,
		      (uint32_t)(world->now - link->clock_asked_at) * 1000, world->now);
}

/*
 * A READ that was late, when its token is in use again, for as many bytes as are asked for now: nothing tells
 * its answer from the right one, but the record's own checksum.
 */
static bool
is_confusing(const uint8_t *asked, const uint8_t *bytes, size_t size)
{
	const size_t length_at = 13, length_size = 3;

	return size == 17 && bytes[0] == STP_OP_READ && asked[0] == STP_OP_READ && bytes[1] == asked[1] &&
	       !memcmp(bytes + length_at, asked + length_at, length_size) && memcmp(bytes, asked, length_at) != 0;
}

static void
tell_pen(struct world *world, struct link *link, const struct parcel *parcel)
{
	const uint8_t *bytes = parcel->bytes;
	uint8_t shown[12] = { 0 };

	memcpy(shown, bytes, parcel->size < sizeof(shown) ? parcel->size : sizeof(shown));
	trace(world, SAW_REQUEST, link->host, link->pen, (uint32_t)shown[0] << 8 | shown[1],
	      (uint32_t)shown[6] | (uint32_t)shown[7] << 8, (uint32_t)shown[10] | (uint32_t)shown[11] << 8);
	stp_pen_tick(&world->pens[link->pen].engine, (uint32_t)world->now);
	link->account.confused |= is_confusing(link->account.asked, bytes, parcel->size);
	account_request(world, link, bytes, parcel->size);
	stp_pen_control(&world->pens[link->pen].engine, bytes, parcel->size);
	link->pen_ready = true;
}

/* What belongs to another operation changes nothing in the host but its notes. */
static void
tell_host(struct world *world, struct link *link, const struct parcel *parcel)
{
	const struct account *account = &link->account;
	const uint8_t *bytes = parcel->bytes;
	uint64_t deadline = stp_host_deadline(link->engine);
	struct stp_host_progress before, after;
	bool stale;

	stp_host_get_progress(link->engine, &before);
	if (is_data(parcel->way)) {
		stale = parcel->size > 3 && bytes[3] >> 4 != account->asked_token;
		stp_host_data(link->engine, bytes, parcel->size, world->now);
	} else {
		stale = parcel->size > 1 && bytes[1] != account->asked_token;
		host_hear(world, link, bytes, parcel->size);
		stp_host_control(link->engine, bytes, parcel->size, world->now);
	}
	link->host_ready = true;
	if (!stale)
		return;
	stp_host_get_progress(link->engine, &after);
	CHECK(world, after.bytes_received == before.bytes_received);
	CHECK(world, stp_host_deadline(link->engine) == deadline);
}

static void
deliver(struct world *world, struct link *link, const struct parcel *parcel)
{
	if (is_data(parcel->way) && !parcel->doubled)
		link->account.waiting[parcel->bytes[3] >> 4]--;
	if (parcel->way == TO_PEN)
		tell_pen(world, link, parcel);
	else if (parcel->way == TO_PEN_CLOCK)
		look_at_clock(world, link, parcel);
	else if (link->engine && parcel->way == TO_HOST_CLOCK)
		tell_clock(world, link, parcel), link->host_ready = true;
	else if (link->engine)
		tell_host(world, link, parcel);
	else if (link->errand) {
		if (parcel->way == TO_HOST_CONTROL)
			stp_errand_control(link->errand, parcel->bytes, parcel->size, world->now);
		link->host_ready = true;
	} else
		babbler_hear(link, parcel->bytes, parcel->size);
}

/* ---- turns ---- */

static void
serve_pen(struct world *world, struct link *link)
{
	struct sim_pen *pen = &world->pens[link->pen];
	struct stp_pen_output output;

	stp_pen_tick(&pen->engine, (uint32_t)world->now);
	stp_pen_poll(&pen->engine, &output);
	if (output.kind == STP_PEN_IDLE) {
		account_silence(world, link);
		/* Beside the motor it goes on when time has passed. */
		link->pen_ready = pen->motor_on && link->account.op;
		if (link->pen_ready)
			link->pen_ready_at = world->now + 1 + roll(&world->chance, 100);
		return;
	}
	if (output.kind == STP_PEN_WORKING)
		return;
	if (output.kind == STP_PEN_INDICATE && link->holds) {
		/* ATT has one indication on its way at a time. */
		CHECK(world, link->confirm_at == UINT64_MAX);
		stp_pen_hold_indications(&pen->engine, true);
		link->confirm_at = world->now + 1 + roll(&world->chance, 4);
	}
	if (output.channel != STP_PEN_LOG_CONTROL && output.channel != STP_PEN_LOG_DATA) {
		CHECK(world, link->chatters);
		return;
	}
	if (output.kind == STP_PEN_NOTIFY)
		account_segment(world, link, output.bytes, output.size);
	else
		account_answer(world, link, output.bytes, output.size);
	link_send(world, link, output.kind == STP_PEN_NOTIFY ? TO_HOST_DATA : TO_HOST_CONTROL, output.bytes,
		  output.size);
	if (!roll(&world->chance, 4))
		link->pen_ready_at = world->now + 1;
	if (strikes(&world->chance, link->weather.stall))
		link->pen_ready_at = world->now + roll(&world->chance, 10000);
	/* The MTU may be exchanged at any time. */
	if (!world->calm && !roll(&world->chance, 100))
		stp_pen_set_mtu(&pen->engine, (uint16_t)(STP_ATT_MTU_MIN +
							  roll(&world->chance, STP_ATT_MTU_MAX - STP_ATT_MTU_MIN + 1)));
}

uint64_t
link_due(const struct world *world, const struct link *link)
{
	uint64_t due = link->babble_at;

	if (link->host_ready)
		return world->now;
	if (link->engine)
		due = stp_host_deadline(link->engine);
	if (link->errand)
		due = stp_errand_deadline(link->errand);
	if (link->press_at < due)
		due = link->press_at;
	if (link->confirm_at < due)
		due = link->confirm_at;
	if (link->pen_ready && link->pen_ready_at < due)
		due = link->pen_ready_at;
	if (link->air.count && link->air.parcels[link->air.heap[0]].at < due)
		due = link->air.parcels[link->air.heap[0]].at;
	return due > world->now ? due : world->now;
}

static void
time_out(struct world *world, struct link *link)
{
	trace(world, SAW_TIMEOUT, link->host, link->pen, 0, 0, 0);
	if (link->engine)
		stp_host_timeout(link->engine, world->now);
	else
		stp_errand_timeout(link->errand, world->now);
	link->host_ready = true;
}

void
link_step(struct world *world, struct link *link)
{
	struct air *air = &link->air;
	uint64_t air_at = air->count ? air->parcels[air->heap[0]].at : UINT64_MAX;

	CHECK(world, ++link->steps < DIALOGUE_STEPS_MAX);
	CHECK(world, world->now - link->began < DIALOGUE_MS_MAX);
	if (link->host_ready) {
		link->host_ready = link->engine ? host_serve(world, link) : link->errand && errand_serve(world, link);
	} else if (link->confirm_at <= world->now) {
		link->confirm_at = UINT64_MAX;
		stp_pen_hold_indications(&world->pens[link->pen].engine, false);
		link->pen_ready = true;
	} else if (link->press_at <= world->now) {
		link->press_at = UINT64_MAX;
		pen_press(world, link->pen);
	} else if (link->pen_ready && link->pen_ready_at <= world->now &&
		   (air_at > world->now || roll(&world->chance, 2))) {
		serve_pen(world, link);
	} else if (air_at <= world->now) {
		uint16_t index = air_pop(air);

		air->spare[air->spares++] = index;
		deliver(world, link, &air->parcels[index]);
	} else if (link->engine || link->errand) {
		time_out(world, link);
	} else {
		babble(world, link);
	}
	/* Nothing that the pen does outlives its power. */
	if (world->pens[link->pen].log.flash.dead)
		pen_power_down(world, link->pen);
}

/* ---- up and down ---- */

static uint16_t
some_mtu(struct world *world)
{
	if (!roll(&world->chance, 4))
		return STP_ATT_MTU_MIN;
	return (uint16_t)(STP_ATT_MTU_MIN + roll(&world->chance, STP_ATT_MTU_MAX - STP_ATT_MTU_MIN + 1));
}

/* Features, which a later revision may have appended to, or which were read long ago by another program. */
static void
read_features(struct world *world, const struct sim_pen *pen, struct stp_features *features)
{
	struct stp_features own = { .schema_rev = 1,
		.features = STP_FEATURE_READ_RESUME | STP_FEATURE_ACK_SLOTS | (pen->can_hash ? STP_FEATURE_HASH : 0),
		.max_window = roll(&world->chance, 4) ? pen->max_window : STP_WINDOW_MAX,
		.sample_period_ms = 10,
		.collector_slots = STP_PEN_SLOTS };
	uint8_t bytes[STP_FEATURES_SIZE + 8];
	size_t size = STP_FEATURES_SIZE;

	if (pen->foreign)
		own.features |= 1u << (16 + roll(&world->chance, 16));
	stp_features_encode(&own, bytes);
	while (pen->foreign && size < sizeof(bytes) && roll(&world->chance, 4))
		bytes[size++] = (uint8_t)roll(&world->chance, 256);
	CHECK(world, stp_features_decode(bytes, size, features) == STP_OK);
}

static void
begin_collecting(struct world *world, struct link *link, uint16_t mtu, struct stp_host_config *config)
{
	const struct sim_pen *pen = &world->pens[link->pen];
	struct stp_features features = { 0 };

	memcpy(config->collector_id, world->hosts[link->host].id, STP_COLLECTOR_ID_SIZE);
	link->engine = stp_host_new(config);
	CHECK(world, link->engine);
	read_features(world, pen, &features);
	stp_host_start(link->engine, mtu, &features, world->now);
}

struct link *
link_open(struct world *world, uint8_t host, uint8_t pen, enum purpose purpose)
{
	struct stp_host_config config = { .window = (uint8_t)(1 + roll(&world->chance, STP_WINDOW_MAX)),
		.ack_run = (1 + roll(&world->chance, 2) * roll(&world->chance, 20)) };
	uint16_t mtu = some_mtu(world);
	struct link *link = world->links;

	while (link->up)
		link++;
	link->up = true;
	link->over = link->failed = false;
	link->host = host;
	link->pen = pen;
	link->engine = NULL;
	link->errand = NULL;
	link->press_at = link->confirm_at = UINT64_MAX;
	link->holds = roll(&world->chance, 2);
	link->chatters = !world->calm && roll(&world->chance, 2);
	memset(&link->weather, 0, sizeof(link->weather));
	memset(&link->account, 0, sizeof(link->account));
	link->host_ready = purpose != TO_BABBLE;
	link->pen_ready = false;
	link->pen_ready_at = link->began = world->now;
	link->steps = 0;
	link->nonce = link->epoch = link->erase_epoch = link->erase_up_to = 0;
	link->clock_asked = 0;
	link->resumed_size = link->refuted = 0;
	link->babble_at = world->now + 1;
	link->babble_left = 1 + roll(&world->chance, 40);
	air_clear(&link->air);
	world->pens[pen].link = (uint8_t)(link - world->links);
	world->pens[pen].misreads = MISREADS_NONE;
	stp_pen_connected(&world->pens[pen].engine, mtu);
	stp_pen_subscribed(&world->pens[pen].engine, STP_PEN_LIVE, link->chatters);
	stp_pen_subscribed(&world->pens[pen].engine, STP_PEN_EVENT, link->chatters);
	trace(world, SAW_CONNECT, host, pen, mtu, config.window, 0);
	world->dialogues++;
	if (purpose == TO_COLLECT)
		begin_collecting(world, link, mtu, &config);
	else if (purpose == TO_RUN_AN_ERRAND)
		errand_begin(world, link);
	return link;
}

void
link_close(struct world *world, struct link *link, bool dies)
{
	if (link->engine)
		host_journal(world, link, dies);
	trace(world, SAW_DISCONNECT, link->host, link->pen, 0, 0, 0);
	stp_pen_disconnected(&world->pens[link->pen].engine);
	world->pens[link->pen].link = NOBODY;
	link->up = false;
	stp_host_free(link->engine);
	stp_errand_free(link->errand);
	link->engine = NULL;
	link->errand = NULL;
}
