/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <stipple/crc32c.h>

#include "dialogue-model.h"
#include "dialogue-world.h"

const uint8_t world_collector[STP_COLLECTOR_ID_SIZE] = { 'c', 'o', 'l', 'l', 'e', 'c', 't', '1' };

void
world_breach(const struct world *world, const char *what, const char *file, int line)
{
	fprintf(stderr, "%s:%d: %s does not hold; replay: STIPPLE_SEED=%" PRIu64 "\n", file, line, what,
		world->seed);
	abort();
}

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

void
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
		    !memcmp(world->flash.slots[i].collector_id, world_collector, sizeof(world_collector)))
			return &world->flash.slots[i];
	return NULL;
}

bool
world_is_acknowledged(const struct world *world)
{
	const struct stp_pen_slot *slot = own_slot(world);

	for (size_t i = 0; i < world->flash.count; i++) {
		const struct flash_record *record = &world->flash.records[i];
		const struct stored *stored =
			find_stored(world, world->flash.state.epoch, record->entry.record);

		/* A damaged record is kept, and never acknowledged. */
		if (!(stored && stored->integrity) &&
		    !(slot && slot->epoch == world->flash.state.epoch &&
		      is_acknowledged(slot, record->entry.record)))
			return false;
	}
	return true;
}

void
check_slots(struct world *world)
{
	const struct stp_pen_slot *slot = own_slot(world);

	if (!slot || slot->epoch != world->flash.state.epoch)
		return;
	world->slot_full |= slot->range_count == STP_PEN_SLOT_RANGES;
	for (size_t i = 0; i < world->flash.count; i++) {
		const struct flash_record *record = &world->flash.records[i];
		const struct stored *stored;

		if (!is_acknowledged(slot, record->entry.record))
			continue;
		stored = find_stored(world, slot->epoch, record->entry.record);
		CHECK(world, stored && is_same(stored, record) && stored->integrity == STP_OK);
	}
}

size_t
store_held(struct world *world, uint32_t epoch, bool sound, struct stp_range items[STORE_MAX])
{
	struct stp_ranges held;

	stp_ranges_init(&held, items, STORE_MAX);
	for (size_t i = 0; i < world->stored; i++) {
		const struct stored *stored = &world->store[i];

		if (stored->epoch == epoch && (!sound || stored->integrity == STP_OK))
			CHECK(world, stp_ranges_add(&held, stored->number, stored->number) == STP_OK);
	}
	return held.count;
}
