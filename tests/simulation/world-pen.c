/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* A pen: its engine, its firmware's log, its power. */

#include <string.h>

#include <stipple/crc32c.h>

#include "world-model.h"

/* ---- what the engine asks of the firmware ---- */

static void
get_state(void *user, struct stp_pen_log_state *out)
{
	const struct sim_pen *pen = user;

	*out = (struct stp_pen_log_state){ .epoch = pen->log.head.epoch,
		.oldest = pen->log.oldest,
		.newest = pen->log.newest,
		.free_percent = 50,
		.flags = (uint8_t)((pen->motor_on ? STP_STATE_MOTOR_ON : 0) |
				   (pen->log.head.overruns ? STP_STATE_OVERRUN : 0)) };
}

static enum stp_status
get_entry(void *user, uint32_t number, struct stp_entry *out)
{
	struct sim_pen *pen = user;
	const struct log_record *record = flash_log_find(&pen->log, number);

	if (!record)
		return STP_ERR_NOT_FOUND;
	if (pen->misreads != MISREADS_NONE && !roll(&pen->world->chance, 30))
		return STP_ERR_IO;
	*out = record->entry;
	return STP_OK;
}

static enum stp_status
read_bytes(void *user, uint32_t number, uint32_t offset, uint8_t *out, size_t size)
{
	struct sim_pen *pen = user;
	struct world *world = pen->world;
	struct log_record *record = flash_log_find(&pen->log, number);
	const struct truth *truth;

	if (!record)
		return STP_ERR_NOT_FOUND;
	CHECK(world, offset <= record->entry.length && size <= record->entry.length - offset);
	flash_log_read(&pen->log, record, offset, out, (uint32_t)size);
	if (pen->misreads != MISREADS_ONCE || roll(&world->chance, 8))
		return STP_OK;
	if (roll(&world->chance, 2))
		return STP_ERR_IO;
	truth = truth_find(pen, pen->log.head.epoch, number);
	if (truth->hash == truth->rotten && !truth->misfiled) {
		/* Once, and not again: what is misread twice cannot be told from what rotted. */
		pen->misreads = MISREADS_DONE;
		out[roll(&world->chance, (uint32_t)size)] ^= (uint8_t)(1u << roll(&world->chance, 8));
	}
	return STP_OK;
}

static enum stp_status
save_slot(void *user, unsigned index, const struct stp_pen_slot *slot)
{
	struct sim_pen *pen = user;
	struct world *world = pen->world;

	trace(world, SAW_SAVE, NOBODY, pen->index, index, slot->mark, slot->range_count);
	if (pen->save_fails)
		return STP_ERR_IO;
	pen->tried[index] = *slot;
	if (!slot->used && pen->kept[index].used)
		account_drop(world, &world->links[pen->link], index);
	if (!flash_log_save_slot(&pen->log, index, slot))
		return STP_ERR_IO;
	pen->kept[index] = *slot;
	pen->slot_full |= slot->range_count == STP_PEN_SLOT_RANGES;
	truth_check_slot(world, pen, slot);
	return STP_OK;
}

static enum stp_status
erase(void *user, uint32_t up_to)
{
	struct sim_pen *pen = user;
	struct world *world = pen->world;

	trace(world, SAW_ERASE, NOBODY, pen->index, up_to, 0, 0);
	account_erase(world, &world->links[pen->link], up_to);
	for (size_t i = 0; i < pen->log.count && pen->log.records[i].entry.record <= up_to; i++) {
		const struct stp_entry *entry = &pen->log.records[i].entry;

		/* A record nobody could fetch any more keeps nobody waiting. */
		CHECK(world, truth_is_everybodys(pen, pen->log.head.epoch, entry->record) ||
				     entry->flags & STP_ENTRY_CORRUPT);
		truth_find(pen, pen->log.head.epoch, entry->record)->state = TRUTH_ERASING;
	}
	if (pen->save_fails || !flash_log_erase(&pen->log, up_to)) {
		if (!pen->log.flash.dead)
			truth_settle(world, pen);
		return STP_ERR_IO;
	}
	truth_settle(world, pen);
	return STP_OK;
}

const struct stp_pen_log world_pen_log = { get_state, get_entry, read_bytes, save_slot, erase };

static uint32_t
get_random(void *user)
{
	struct sim_pen *pen = user;

	return (uint32_t)chance_bits(&pen->world->chance);
}

/* ---- power ---- */

uint64_t
pen_tick(const struct world *world, const struct sim_pen *pen)
{
	return world->now - pen->powered_at + (uint64_t)pen->tick_offset;
}

void
pen_power_down(struct world *world, unsigned index)
{
	struct sim_pen *pen = &world->pens[index];

	if (pen->link != NOBODY)
		link_close(world, &world->links[pen->link], false);
	pen->powered = false;
	trace(world, SAW_DEAD, NOBODY, (uint8_t)index, pen->log.flash.dead, 0, 0);
}

/* What was kept is there after the power went; what was being kept may be. */
static void
check_survival(struct world *world, struct sim_pen *pen, unsigned index)
{
	const struct stp_pen_slot *slot = &pen->log.slots[index];

	CHECK(world, !memcmp(slot, &pen->kept[index], sizeof(*slot)) ||
			     !memcmp(slot, &pen->tried[index], sizeof(*slot)));
	pen->kept[index] = pen->tried[index] = *slot;
	truth_check_slot(world, pen, slot);
}

void
pen_power_up(struct world *world, unsigned index)
{
	struct sim_pen *pen = &world->pens[index];
	struct stp_pen_config config = { .log = &world_pen_log,
		.user = pen,
		.max_window = pen->max_window,
		.random = get_random,
		.motor_segments_per_s = pen->motor_rate,
		.erase_unconfirmed = pen->erases_unconfirmed,
		.slots = pen->log.slots };

	/* The power may go again while the log is mounted. */
	pen->log.flash.fuse = !world->calm && !roll(&world->chance, 8) ? roll(&world->chance, 6) : NOR_NO_FUSE;
	do {
		pen->log.flash.dead = false;
	} while (!flash_log_mount(&pen->log));
	pen->log.flash.fuse = NOR_NO_FUSE;
	config.boot_id = pen->log.head.boot_id;
	CHECK(world, stp_pen_init(&pen->engine, &config) == STP_OK);
	stp_pen_tick(&pen->engine, (uint32_t)world->now);
	pen->powered = true;
	pen->powered_at = world->now;
	pen->tick_offset = 0;
	pen->save_fails = false;
	trace(world, SAW_POWER, NOBODY, (uint8_t)index, pen->log.head.epoch, pen->log.oldest, pen->log.newest);
	truth_settle(world, pen);
	for (unsigned slot = 0; slot < STP_PEN_SLOTS; slot++)
		check_survival(world, pen, slot);
}

void
pen_format(struct world *world, unsigned index)
{
	struct sim_pen *pen = &world->pens[index];
	struct chance *chance = &world->chance;
	bool rough = world->mood == WORLD_ROUGH;

	pen->world = world;
	pen->index = (uint8_t)index;
	pen->link = NOBODY;
	pen->count = 0;
	pen->motor_on = false;
	pen->foreign = rough && !roll(chance, 4);
	pen->max_window = (uint8_t)(roll(chance, 2) ? STP_WINDOW_MAX : 1 + roll(chance, STP_WINDOW_MAX));
	pen->motor_rate = (uint8_t)(roll(chance, 2) ? 0 : 5 + roll(chance, 200));
	pen->erases_unconfirmed = roll(chance, 2);
	pen->can_hash = roll(chance, 4);
	flash_log_format(&pen->log, chance, roll(chance, 3) ? 40 : 20 + roll(chance, NOR_SECTORS_MAX - 19),
			 1 + roll(chance, UINT32_MAX - 1));
	pen->log.checks_records = roll(chance, 2);
	memset(pen->kept, 0, sizeof(pen->kept));
	memset(pen->tried, 0, sizeof(pen->tried));
	pen_power_up(world, index);
}

/* ---- writing ---- */

static uint32_t
some_length(struct world *world, const struct sim_pen *pen)
{
	uint32_t most = (pen->log.flash.sectors - 16) * 190;

	if (most > RECORD_BYTES_MAX)
		most = RECORD_BYTES_MAX;
	if (roll(&world->chance, 8))
		return 5 + roll(&world->chance, 250);
	return 5 + roll(&world->chance, roll(&world->chance, 8) && most > 1500 ? 1500 : most - 5);
}

static void
fill_record(struct world *world, uint32_t length)
{
	uint32_t body = length - 4, crc;

	for (uint32_t i = 0; i < body; i += 8) {
		uint64_t word = chance_bits(&world->chance);

		memcpy(world->raw + i, &word, body - i < 8 ? body - i : 8);
	}
	crc = stp_crc32c(0, world->raw, body);
	for (unsigned i = 0; i < 4; i++)
		world->raw[body + i] = (uint8_t)(crc >> 8 * i);
}

/* Whom a full log does without: the lowest that everybody has, or else the lowest. */
static size_t
choose_victim(struct world *world, struct sim_pen *pen)
{
	uint32_t epoch = pen->log.head.epoch, number = 0;
	enum stp_pen_victim victim;
	size_t spare = 0;

	do {
		victim = stp_pen_overwrite_next(&pen->engine, &number);
	} while (victim == STP_PEN_VICTIM_SEARCHING);
	while (spare < pen->log.count && !truth_is_everybodys(pen, epoch, pen->log.records[spare].entry.record))
		spare++;
	CHECK(world, (victim == STP_PEN_VICTIM_SPARE) == (spare < pen->log.count));
	if (spare == pen->log.count)
		spare = 0;
	CHECK(world, number == pen->log.records[spare].entry.record);
	return spare;
}

static bool
remove_record(struct world *world, unsigned index, size_t victim)
{
	struct sim_pen *pen = &world->pens[index];
	uint32_t epoch = pen->log.head.epoch, number = pen->log.records[victim].entry.record;
	struct truth *truth = truth_find(pen, epoch, number);
	bool everybodys = truth_is_everybodys(pen, epoch, number);

	trace(world, SAW_REMOVE, NOBODY, (uint8_t)index, epoch, number, everybodys);
	if (!everybodys && !flash_log_count_overrun(&pen->log))
		return false;
	/* What nobody else has goes only by overrun, and the pen says so ever after. */
	CHECK(world, everybodys || pen->log.head.overruns);
	truth->state = TRUTH_ERASING;
	if (!flash_log_remove(&pen->log, victim))
		return false;
	truth->state = TRUTH_GONE;
	return true;
}

/* False: the power went. */
static bool
make_room(struct world *world, unsigned index, uint32_t parts)
{
	struct sim_pen *pen = &world->pens[index];

	while (pen->log.sectors_free < parts || pen->log.count == LOG_RECORDS_MAX)
		if (!remove_record(world, index, choose_victim(world, pen)))
			return false;
	return true;
}

static bool
write_record(struct world *world, unsigned index)
{
	struct sim_pen *pen = &world->pens[index];
	struct chance *chance = &world->chance;
	bool rough = world->mood == WORLD_ROUGH;
	uint32_t length = some_length(world, pen);
	struct stp_entry entry = { .boot_id = pen->log.head.boot_id,
		.start_tick_ms = pen_tick(world, pen) & UINT32_MAX,
		.type = (uint8_t)(pen->foreign ? roll(chance, 256) : 1),
		.flags = (uint8_t)(pen->foreign ? roll(chance, 32) << 3 : 0) };
	struct truth *truth;

	if (rough && !roll(chance, 8) && !flash_log_skip(&pen->log, roll(chance, 3)))
		return false;
	if (!make_room(world, index, flash_log_parts(length)))
		return false;
	fill_record(world, length);
	memcpy(&entry.crc32c, world->raw + length - 4, 4);
	truth = &pen->truths[pen->count++];
	*truth = (struct truth){ .epoch = pen->log.head.epoch,
		.number = pen->log.next_number,
		.length = length,
		.hash = truth_hash(world->raw, length),
		.misfiled = rough && !roll(chance, 60) };
	truth->rotten = truth->hash;
	if (truth->misfiled)
		entry.crc32c ^= 1u << roll(chance, 32);
	trace(world, SAW_WRITE, NOBODY, (uint8_t)index, truth->epoch, truth->number, length);
	if (!flash_log_append(&pen->log, &entry, world->raw, length))
		return false;
	truth->state = TRUTH_LIVE;
	return true;
}

void
pen_press(struct world *world, unsigned index)
{
	struct sim_pen *pen = &world->pens[index];
	bool confirms = stp_pen_confirm(&pen->engine);

	trace(world, SAW_PRESS, NOBODY, (uint8_t)index, confirms, 0, 0);
	if (pen->link != NOBODY)
		account_press(&world->links[pen->link], confirms);
}

void
pen_write_record(struct world *world, unsigned index)
{
	struct sim_pen *pen = &world->pens[index];

	/* The world ends before the pen's memory does. */
	if (pen->count == TRUTHS_MAX || !pen->powered)
		return;
	if (!write_record(world, index))
		pen_power_down(world, index);
	else if (pen->link != NOBODY)
		world->links[pen->link].pen_ready = true;
}
