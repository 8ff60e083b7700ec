/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* What befalls a pen, and how one of a later revision speaks. */

#include <string.h>

#include "world-model.h"

static void
power_cycle(struct world *world, unsigned index)
{
	pen_power_down(world, index);
	pen_power_up(world, index);
}

/* The power goes in the middle of what the pen does next. */
static void
cut_power(struct world *world, unsigned index)
{
	struct sim_pen *pen = &world->pens[index];

	pen->log.flash.fuse = roll(&world->chance, 30);
	if (roll(&world->chance, 2))
		pen_write_record(world, index);
	/* Else a slot is being kept when it goes, or nothing is. */
}

static void
reset_log(struct world *world, unsigned index)
{
	struct sim_pen *pen = &world->pens[index];
	uint32_t epoch = 1 + roll(&world->chance, UINT32_MAX - 1);
	bool was[TRUTHS_MAX];

	trace(world, SAW_RESET, NOBODY, (uint8_t)index, epoch, 0, 0);
	for (size_t i = 0; i < pen->count; i++) {
		was[i] = pen->truths[i].state == TRUTH_LIVE;
		if (was[i])
			pen->truths[i].state = TRUTH_ERASING;
	}
	if (!flash_log_reset(&pen->log, epoch)) {
		pen_power_down(world, index);
		return;
	}
	for (size_t i = 0; i < pen->count; i++)
		if (was[i])
			pen->truths[i].state = TRUTH_GONE;
	if (pen->link != NOBODY)
		world->links[pen->link].pen_ready = true;
	for (unsigned i = 0, count = roll(&world->chance, 4); i < count; i++)
		pen_write_record(world, index);
}

static void
rot(struct world *world, unsigned index)
{
	struct sim_pen *pen = &world->pens[index];
	struct log_record *record;
	struct truth *truth;
	uint32_t offset;

	if (!pen->log.count || pen->misreads != MISREADS_NONE)
		return;
	record = &pen->log.records[roll(&world->chance, (uint32_t)pen->log.count)];
	truth = truth_find(pen, pen->log.head.epoch, record->entry.record);
	if (truth->rotten != truth->hash)
		return;
	offset = roll(&world->chance, record->entry.length);
	flash_log_rot(&pen->log, record, offset, roll(&world->chance, 8));
	flash_log_read(&pen->log, record, 0, world->raw, record->entry.length);
	truth->rotten = truth_hash(world->raw, record->entry.length);
	if (pen->log.checks_records)
		record->entry.flags |= STP_ENTRY_CORRUPT;
	trace(world, SAW_ROT, NOBODY, (uint8_t)index, truth->epoch, truth->number, offset);
}

static void
turn_motor(struct world *world, unsigned index)
{
	struct sim_pen *pen = &world->pens[index];

	pen->motor_on = !pen->motor_on;
	pen->motor_since = world->now;
	if (pen->link != NOBODY)
		world->links[pen->link].account.paced = 0;
	if (pen->link != NOBODY)
		world->links[pen->link].pen_ready = true;
	trace(world, SAW_MOTOR, NOBODY, (uint8_t)index, pen->motor_on, 0, 0);
}

static void
jump_clock(struct world *world, unsigned index)
{
	struct sim_pen *pen = &world->pens[index];
	int64_t jump = (int64_t)roll(&world->chance, 1u << 20) - (1 << 19);

	/* Its tick may stand still or leap, but knows nothing below zero. */
	if ((int64_t)pen_tick(world, pen) + jump < 0)
		jump = 0;
	pen->tick_offset += jump;
	trace(world, SAW_CLOCK, NOBODY, (uint8_t)index, (uint32_t)pen_tick(world, pen), (uint32_t)jump, 0);
}

static void
write_records(struct world *world, unsigned index)
{
	/* Now and then so many that the log runs full. */
	for (unsigned i = roll(&world->chance, 12) ? 1 : 10; i; i--)
		pen_write_record(world, index);
}

/* Live frames and events go out beside the log, and change nothing of it. */
static void
chatter(struct world *world, unsigned index)
{
	struct sim_pen *pen = &world->pens[index];
	struct stp_live frame = { .tick_low_ms = (uint32_t)pen_tick(world, pen) };
	struct stp_event_hint hint = { .event_no = 1, .boot_id = pen->log.head.boot_id, .code = 1 };

	CHECK(world, stp_pen_live(&pen->engine, &frame) == STP_OK);
	CHECK(world, stp_pen_event(&pen->engine, &hint) == STP_OK);
	if (pen->link != NOBODY)
		world->links[pen->link].pen_ready = true;
}

static void
fail_saves(struct world *world, unsigned index)
{
	world->pens[index].save_fails = !world->pens[index].save_fails;
}

void
pen_suffer(struct world *world, unsigned index)
{
	static void (*const fates[])(struct world *world, unsigned index) = {
		power_cycle, cut_power, cut_power, write_records, write_records, write_records, write_records,
		reset_log, rot, turn_motor, turn_motor, jump_clock, fail_saves, pen_press, pen_press,
		chatter, chatter,
	};

	if (!world->pens[index].powered)
		pen_power_up(world, index);
	else
		fates[roll(&world->chance, sizeof(fates) / sizeof(fates[0]))](world, index);
}

/* ---- a later revision ---- */

void
pen_speak_foreign(struct world *world, struct link *link, enum way way, uint8_t *bytes, uint16_t *size)
{
	struct chance *chance = &world->chance;
	struct stp_answer answer;

	if (way != TO_HOST_CONTROL || stp_answer_decode(bytes, *size, &answer))
		return;
	if (strikes(chance, link->weather.foreign)) {
		/* A status of its own; what was sent was sent, so it only says that of nothing. */
		if ((answer.op == STP_OP_LIST || answer.op == STP_OP_READ) && !answer.u.sent.sent)
			bytes[2] = (uint8_t)(0x60 + roll(chance, 32));
	}
	/* It claims to know HASH, and does not. */
	if (answer.op == STP_OP_HASH && strikes(chance, link->weather.foreign)) {
		bytes[2] = STP_WIRE_OP_NOT_SUPPORTED;
		*size = 3;
		return;
	}
	/* More fields behind those we know. */
	if (answer.status == STP_WIRE_SUCCESS || answer.op == STP_OP_LIST || answer.op == STP_OP_READ)
		while (*size < STP_CONTROL_SIZE_MAX && roll(chance, 4))
			bytes[(*size)++] = (uint8_t)roll(chance, 256);
}
