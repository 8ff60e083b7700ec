/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* What there really is, and what follows from it for everybody's memory. */

#include <string.h>

#include "world-model.h"

uint64_t
truth_hash(const uint8_t *bytes, size_t size)
{
	uint64_t hash = size * 0x9E3779B97F4A7C15u, word;

	/* No CRC: over a record with its trailer that is the same for all that are sound. */
	for (; size >= sizeof(word); bytes += sizeof(word), size -= sizeof(word)) {
		memcpy(&word, bytes, sizeof(word));
		hash = (hash ^ word) * 0xD6E8FEB86659FD93u;
		hash ^= hash >> 32;
	}
	word = 0;
	memcpy(&word, bytes, size);
	return chance_mix(hash ^ word);
}

struct truth *
truth_find(struct sim_pen *pen, uint32_t epoch, uint32_t number)
{
	/* The newest are asked for most. */
	for (size_t i = pen->count; i--;)
		if (pen->truths[i].number == number && pen->truths[i].epoch == epoch)
			return &pen->truths[i];
	return NULL;
}

uint8_t
truth_whose(const struct world *world, const uint8_t id[STP_COLLECTOR_ID_SIZE])
{
	for (uint8_t i = 0; i < world->host_count; i++)
		if (!memcmp(world->hosts[i].id, id, STP_COLLECTOR_ID_SIZE))
			return i;
	return NOBODY;
}

static bool
says(const struct stp_pen_slot *slot, uint32_t number)
{
	bool in = number <= slot->mark;

	for (unsigned i = 0; i < slot->range_count; i++)
		in = in || (slot->ranges[i].from <= number && number <= slot->ranges[i].to);
	return in;
}

static uint32_t
highest(const struct stp_pen_slot *slot)
{
	uint32_t most = slot->mark;

	for (unsigned i = 0; i < slot->range_count; i++)
		if (slot->ranges[i].to > most)
			most = slot->ranges[i].to;
	return most;
}

bool
truth_is_everybodys(const struct sim_pen *pen, uint32_t epoch, uint32_t number)
{
	bool any = false;

	for (unsigned i = 0; i < STP_PEN_SLOTS; i++) {
		const struct stp_pen_slot *slot = &pen->log.slots[i];

		if (!slot->used)
			continue;
		if (slot->epoch != epoch || !says(slot, number))
			return false;
		any = true;
	}
	return any;
}

void
truth_settle(struct world *world, struct sim_pen *pen)
{
	for (size_t i = 0; i < pen->count; i++) {
		struct truth *truth = &pen->truths[i];
		const struct log_record *record = NULL;

		if (truth->epoch == pen->log.head.epoch)
			record = flash_log_find(&pen->log, truth->number);
		/* What was gone does not come back. */
		CHECK(world, !record || truth->state != TRUTH_GONE);
		CHECK(world, record || truth->state != TRUTH_LIVE || truth->epoch != pen->log.head.epoch);
		CHECK(world, !record || record->entry.length == truth->length);
		/* A number nobody ever saw is free. */
		if (truth->state == TRUTH_WRITING && !record)
			truth->number = 0;
		truth->state = record ? TRUTH_LIVE : TRUTH_GONE;
	}
	for (size_t i = 0; i < pen->log.count; i++)
		CHECK(world, truth_find(pen, pen->log.head.epoch, pen->log.records[i].entry.record));
}

void
truth_check_slot(struct world *world, struct sim_pen *pen, const struct stp_pen_slot *slot)
{
	uint8_t host, bit;

	/* An account of another epoch says nothing of this one. */
	if (!slot->used || slot->epoch != pen->log.head.epoch)
		return;
	/* What was never written cannot have been stored. */
	CHECK(world, highest(slot) < pen->log.next_number);
	host = truth_whose(world, slot->collector_id);
	if (host == NOBODY)
		return;
	bit = (uint8_t)(1u << host);
	for (size_t i = pen->count; i--;) {
		struct truth *truth = &pen->truths[i];

		if (truth->epoch != slot->epoch)
			break;
		if (truth->state != TRUTH_LIVE || !says(slot, truth->number))
			continue;
		CHECK(world, (truth->durable & ~truth->evidence & bit) || truth->owed & bit);
		truth->acknowledged |= bit;
	}
}

/* What was acknowledged is there, also when the pen has forgotten it long since. */
static void
check_kept(struct world *world, const struct sim_pen *pen)
{
	for (size_t i = 0; i < pen->count; i++) {
		const struct truth *truth = &pen->truths[i];

		CHECK(world, !(truth->acknowledged & ~truth->durable & ~truth->owed));
	}
}

void
truth_check_all(struct world *world)
{
	for (unsigned i = 0; i < world->pen_count; i++) {
		struct sim_pen *pen = &world->pens[i];

		check_kept(world, pen);
		for (unsigned slot = 0; slot < STP_PEN_SLOTS; slot++) {
			truth_check_slot(world, pen, &pen->log.slots[slot]);
			truth_check_slot(world, pen, &pen->engine.slots[slot]);
		}
	}
}

static const struct stp_pen_slot *
slot_of(const struct sim_pen *pen, const uint8_t id[STP_COLLECTOR_ID_SIZE])
{
	for (unsigned i = 0; i < STP_PEN_SLOTS; i++)
		if (pen->log.slots[i].used && !memcmp(pen->log.slots[i].collector_id, id, STP_COLLECTOR_ID_SIZE))
			return &pen->log.slots[i];
	return NULL;
}

bool
truth_is_told(const struct world *world, const struct sim_pen *pen, uint8_t host, uint32_t number)
{
	const struct stp_pen_slot *slot = slot_of(pen, world->hosts[host].id);

	return slot && slot->epoch == pen->log.head.epoch && says(slot, number);
}

void
truth_check_covered(struct world *world, unsigned host, unsigned index)
{
	const struct sim_pen *pen = &world->pens[index];

	for (size_t i = 0; i < pen->count; i++)
		CHECK(world, pen->truths[i].state != TRUTH_LIVE || pen->truths[i].durable & 1u << host);
}

void
truth_check_acknowledged(struct world *world, unsigned host, unsigned index)
{
	struct sim_pen *pen = &world->pens[index];
	const struct stp_pen_slot *slot = slot_of(pen, world->hosts[host].id);
	uint8_t bit = (uint8_t)(1u << host), news = stp_pen_slots_with_news(&pen->engine);
	bool complete = true;

	if (!slot || slot->range_count == STP_PEN_SLOT_RANGES)
		return;
	for (size_t i = 0; i < pen->count; i++) {
		const struct truth *truth = &pen->truths[i];

		if (truth->state != TRUTH_LIVE)
			continue;
		/* Evidence is never acknowledged. */
		if (truth->evidence & bit)
			complete = false;
		else
			CHECK(world, slot->epoch == truth->epoch && says(slot, truth->number));
	}
	CHECK(world, !complete || !(news & 1u << (slot - pen->log.slots)));
}
