/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* One run: bad weather, then good weather, and what must be true by then. */

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "world-model.h"

#define ROUGH_STEPS_MAX 400000u

/* The link that is due first. */
static struct link *
next_link(struct world *world, uint64_t *due)
{
	struct link *next = NULL;

	*due = UINT64_MAX;
	for (unsigned i = 0; i < LINKS_MAX; i++) {
		uint64_t at;

		if (!world->links[i].up)
			continue;
		at = link_due(world, &world->links[i]);
		if (at < *due) {
			*due = at;
			next = &world->links[i];
		}
	}
	return next;
}

static bool
is_any_up(const struct world *world)
{
	for (unsigned i = 0; i < LINKS_MAX; i++)
		if (world->links[i].up)
			return true;
	return false;
}

/* ---- weather ---- */

static unsigned
at_times(struct chance *chance, unsigned most)
{
	return roll(chance, 2) ? roll(chance, most) : 0;
}

static void
choose_link_weather(struct world *world, struct link *link)
{
	struct chance *chance = &world->chance;

	/* Each kind of trouble in about half of the dialogues. */
	link->weather = (struct weather){ .drop = at_times(chance, 100),
		.doubling = at_times(chance, 100),
		.late = at_times(chance, 200),
		.flip = at_times(chance, 20),
		.control_drop = at_times(chance, 50),
		.stall = at_times(chance, 10),
		.disconnect = at_times(chance, 10),
		.crash = at_times(chance, 100),
		.disk_full = at_times(chance, 100),
		.foreign = at_times(chance, 200),
		.cancel = at_times(chance, 10),
		.skip = at_times(chance, 100) };
	world->pens[link->pen].misreads = roll(chance, 4) ? MISREADS_NONE : MISREADS_ONCE;
}

static void
set_mood(struct world *world)
{
	struct chance *chance = &world->chance;
	bool rough = world->mood == WORLD_ROUGH;

	world->calm = !rough;
	world->host_count = rough ? 1 + roll(chance, 1 + roll(chance, HOSTS_MAX)) : 1;
	world->pen_count = rough ? 1 + roll(chance, 1 + roll(chance, PENS_MAX)) : 1;
	world->babbler = rough && !roll(chance, 4);
	world->errands = rough && !roll(chance, 2);
	world->weather = (struct weather){ .crash = rough ? 2 : 0, .pen_event = rough ? roll(chance, 16) : 0 };
}

/* ---- the rough part ---- */

static void
suffer(struct world *world)
{
	struct chance *chance = &world->chance;
	unsigned host = roll(chance, world->host_count);

	if (strikes(chance, world->weather.pen_event))
		pen_suffer(world, roll(chance, world->pen_count));
	if (!strikes(chance, world->weather.crash))
		return;
	switch (roll(chance, 8)) {
	case 0:
	case 1:
	case 2:
		world->hosts[host].backup = world->hosts[host].disk.synced;
		trace(world, SAW_BACKUP, (uint8_t)host, NOBODY, (uint32_t)world->hosts[host].backup, 0, 0);
		break;
	case 3:
		host_restore(world, host);
		break;
	case 4:
		/* Steps in the wall clock; not while a read of a pen's clock is under way, which it would belie. */
		host_crash(world, host);
		world->hosts[host].clock_offset_us += (int64_t)roll(chance, UINT32_MAX) - INT32_MAX;
		break;
	default:
		host_crash(world, host);
		break;
	}
}

/* A link breaks, its dialogue is over, or somebody wants it to be. */
static void
let_go(struct world *world, struct link *link)
{
	if (link->up && link->engine && strikes(&world->chance, link->weather.cancel) && !roll(&world->chance, 16)) {
		trace(world, SAW_CANCEL, link->host, link->pen, 0, 0, 0);
		stp_host_cancel(link->engine, world->now);
		link->host_ready = true;
	}
	if (link->up && (link->over || (strikes(&world->chance, link->weather.disconnect) &&
					!roll(&world->chance, 8))))
		link_close(world, link, false);
}

/* False: there is no pen for it now. */
static bool
begin_dialogue(struct world *world)
{
	struct chance *chance = &world->chance;
	uint8_t pen = (uint8_t)roll(chance, world->pen_count), host = (uint8_t)roll(chance, world->host_count);
	enum purpose purpose = world->errands && !roll(chance, 6) ? TO_RUN_AN_ERRAND : TO_COLLECT;

	if (world->babbler && !roll(chance, 6)) {
		host = BABBLER;
		purpose = TO_BABBLE;
	}
	if (world->pens[pen].link != NOBODY)
		return false;
	if (!world->pens[pen].powered)
		pen_power_up(world, pen);
	choose_link_weather(world, link_open(world, host, pen, purpose));
	return true;
}

static void
be_rough(struct world *world)
{
	unsigned left = world->host_count * world->pen_count;
	unsigned steps = 0;

	left += roll(&world->chance, 2 * left + 1);
	while (left || is_any_up(world)) {
		struct link *link;
		uint64_t due;

		CHECK(world, ++steps < ROUGH_STEPS_MAX);
		world->steps++;
		if (left && (!is_any_up(world) || !roll(&world->chance, 40)) && begin_dialogue(world))
			left--;
		suffer(world);
		link = next_link(world, &due);
		if (!link) {
			world->now += roll(&world->chance, 60000);
			continue;
		}
		/* Somebody always waits for something. */
		CHECK(world, due != UINT64_MAX);
		world->now = due;
		link_step(world, link);
		let_go(world, link);
	}
}

/* ---- the calm part ---- */

static void
clear_up(struct world *world)
{
	world->calm = true;
	trace(world, SAW_WEATHER, NOBODY, NOBODY, 0, 0, 0);
	for (unsigned i = 0; i < world->pen_count; i++) {
		struct sim_pen *pen = &world->pens[i];

		pen->motor_on = false;
		pen->save_fails = false;
		pen->misreads = MISREADS_NONE;
		pen->log.flash.fuse = NOR_NO_FUSE;
		if (!pen->powered)
			pen_power_up(world, i);
	}
}

static struct link *
hold_dialogue(struct world *world, unsigned host, unsigned pen, enum purpose purpose)
{
	struct link *link = link_open(world, (uint8_t)host, (uint8_t)pen, purpose);

	while (!link->over) {
		uint64_t due = link_due(world, link);

		CHECK(world, due != UINT64_MAX);
		world->now = due;
		world->steps++;
		link_step(world, link);
		CHECK(world, link->up);
	}
	link_close(world, link, false);
	return link;
}

static void
collect_once(struct world *world, unsigned host, unsigned pen)
{
	const struct link *link = hold_dialogue(world, host, pen, TO_COLLECT);

	CHECK(world, !link->failed);
	truth_check_covered(world, host, pen);
}

/* One dialogue must do, and one more where the slot had too many ranges for a while. */
static void
collect(struct world *world, unsigned host, unsigned pen)
{
	world->pens[pen].slot_full = false;
	collect_once(world, host, pen);
	if (world->pens[pen].slot_full)
		collect_once(world, host, pen);
	truth_check_acknowledged(world, host, pen);
}

/* What everybody has can be erased, when a person agrees. */
static void
erase_all(struct world *world, unsigned index)
{
	struct sim_pen *pen = &world->pens[index];
	const struct link *link;
	bool everybodys = pen->log.count > 0;

	for (size_t i = 0; i < pen->log.count; i++) {
		uint32_t number = pen->log.records[i].entry.record;

		/* There may have been no slot for this host. */
		everybodys = everybodys && truth_is_everybodys(pen, pen->log.head.epoch, number) &&
			     truth_is_told(world, pen, 0, number);
	}
	link = hold_dialogue(world, 0, index, TO_RUN_AN_ERRAND);
	if (everybodys)
		CHECK(world, !link->failed && !pen->log.count);
}

static void
be_calm(struct world *world)
{
	clear_up(world);
	for (unsigned host = 0; host < world->host_count; host++)
		for (unsigned pen = 0; pen < world->pen_count; pen++) {
			collect(world, host, pen);
			world->now += 1000;
		}
	truth_check_all(world);
	for (unsigned pen = 0; world->errands && pen < world->pen_count; pen++)
		erase_all(world, pen);
	truth_check_all(world);
}

/* ---- a run ---- */

static void
found_world(struct world *world)
{
	struct chance *chance = &world->chance;

	for (unsigned i = 0; i < world->host_count; i++)
		host_found(world, i);
	for (unsigned i = 0; i < STP_COLLECTOR_ID_SIZE; i++)
		world->babbler_id[i] = (uint8_t)roll(chance, 256);
	for (unsigned i = 0; i < world->pen_count; i++) {
		pen_format(world, i);
		if (world->mood == WORLD_ROUGH && !roll(chance, 4) &&
		    !flash_log_skip(&world->pens[i].log, roll(chance, 3000)))
			CHECK(world, !"no fuse burns yet");
		for (unsigned j = roll(chance, roll(chance, 4) ? 6 : 30); j; j--)
			pen_write_record(world, i);
	}
}

void
world_run(struct world *world, uint64_t seed, enum world_mood mood, struct world_count *count)
{
	world->seed = seed;
	world->chance.state = chance_mix(seed + 1);
	world->mood = mood;
	world->now = world->order = world->steps = world->dialogues = world->records = 0;
	world->trace_hash = seed;
	world->trace_count = 0;
	set_mood(world);
	trace(world, SAW_RUN, NOBODY, NOBODY, world->host_count, world->pen_count, world->babbler);
	found_world(world);
	if (mood == WORLD_ROUGH)
		be_rough(world);
	be_calm(world);
	count->steps += world->steps;
	count->dialogues += world->dialogues;
	count->records += world->records;
	count->trace ^= world->trace_hash;
}

struct world *
world_new(void)
{
	/* The engine's megabyte comes and goes with each dialogue; the kernel need not hear of it. */
	mallopt(M_MMAP_THRESHOLD, 1 << 26);
	mallopt(M_TRIM_THRESHOLD, 1 << 28);
	return calloc(1, sizeof(struct world));
}

void
world_free(struct world *world)
{
	free(world);
}

void
world_set_loud(struct world *world)
{
	world->loud = true;
}
