/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* A collector: what it does with what the engine tells it, and how it dies. */

#include <string.h>

#include <stipple/crc32c.h>
#include <stipple/elapsed-time.h>

#include "world-model.h"

#define UTC_BEGIN 1700000000000000

static uint8_t
bit_of(unsigned host)
{
	return (uint8_t)(1u << host);
}

/* The truths say what is on the host's disk, and what of it for good. */
static void
mark_disk(struct world *world, unsigned index)
{
	const struct host_disk *disk = &world->hosts[index].disk;
	uint8_t bit = bit_of(index);

	for (unsigned i = 0; i < world->pen_count; i++)
		for (size_t j = 0; j < world->pens[i].count; j++) {
			struct truth *truth = &world->pens[i].truths[j];

			truth->written &= (uint8_t)~bit;
			truth->durable &= (uint8_t)~bit;
			truth->evidence &= (uint8_t)~bit;
		}
	for (size_t i = 0; i < disk->count; i++) {
		const struct disk_entry *entry = &disk->entries[i];
		struct truth *truth = truth_find(&world->pens[entry->pen], entry->epoch, entry->number);

		truth->written |= bit;
		truth->evidence |= entry->evidence ? bit : 0;
		truth->durable |= i < disk->synced ? bit : 0;
	}
}

static void
break_links(struct world *world, unsigned index)
{
	for (unsigned i = 0; i < LINKS_MAX; i++)
		if (world->links[i].up && world->links[i].host == index)
			link_close(world, &world->links[i], true);
}

void
host_crash(struct world *world, unsigned index)
{
	struct sim_host *host = &world->hosts[index];

	break_links(world, index);
	host_disk_crash(&host->disk, &world->chance);
	mark_disk(world, index);
	trace(world, SAW_CRASH, (uint8_t)index, NOBODY, (uint32_t)host->disk.count, 0, 0);
	truth_check_all(world);
}

static void
new_id(struct world *world, struct sim_host *host)
{
	for (unsigned i = 0; i < STP_COLLECTOR_ID_SIZE; i++)
		host->id[i] = (uint8_t)roll(&world->chance, 256);
}

static void
forget_partials(struct sim_host *host)
{
	for (unsigned i = 0; i < PENS_MAX; i++)
		host->partials[i].size = 0;
}

void
host_found(struct world *world, unsigned index)
{
	struct sim_host *host = &world->hosts[index];

	host->disk.count = host->disk.synced = 0;
	host->backup = host->absent_count = 0;
	forget_partials(host);
	host->clock_offset_us = 0;
	new_id(world, host);
}

/*
 * An old backup becomes the store.  Whoever restores it gives it a new collector id, as WIRE.md
 * demands: then no slot says anything of it.  Who merely copies the files does not: until the
 * next dialogue the pens believe more than the store holds, which is owed.
 */
void
host_restore(struct world *world, unsigned index)
{
	struct sim_host *host = &world->hosts[index];
	bool unaware = !roll(&world->chance, 4);
	uint8_t bit = bit_of(index);
	size_t before = host->disk.count;

	break_links(world, index);
	host_disk_restore(&host->disk, host->backup);
	for (unsigned i = 0; i < world->pen_count; i++)
		for (size_t j = 0; j < world->pens[i].count; j++) {
			struct truth *truth = &world->pens[i].truths[j];

			if (unaware)
				truth->owed |= truth->durable & bit;
			truth->acknowledged &= (uint8_t)~bit;
		}
	forget_partials(host);
	host->absent_count = 0;
	if (!unaware)
		new_id(world, host);
	mark_disk(world, index);
	trace(world, SAW_RESTORE, (uint8_t)index, NOBODY, (uint32_t)host->disk.count, (uint32_t)before, unaware);
	truth_check_all(world);
}

/* ---- storing ---- */

/* What is about to be stored is new, and what the pen meant. */
static void
check_record(struct world *world, const struct link *link, const struct stp_host_action *action)
{
	const struct truth *truth =
		truth_find(&world->pens[link->pen], action->u.record.epoch, action->u.record.entry.record);
	uint64_t hash = truth_hash(action->u.record.raw, action->u.record.size);

	CHECK(world, truth);
	CHECK(world, action->u.record.size == truth->length);
	CHECK(world, !(truth->written & bit_of(link->host)));
	/* What was read for such a request, in a record as long, may use up the second look that a misread one gets. */
	if (action->u.record.integrity && link->account.confused)
		return;
	if (action->u.record.integrity)
		CHECK(world, hash == truth->hash || hash == truth->rotten);
	else
		CHECK(world, hash == truth->hash && !truth->misfiled);
}

static bool
write_entry(struct world *world, const struct link *link, const struct stp_host_action *action)
{
	struct truth *truth =
		truth_find(&world->pens[link->pen], action->u.record.epoch, action->u.record.entry.record);
	struct disk_entry entry = { .pen = link->pen,
		.evidence = action->u.record.integrity != STP_OK,
		.epoch = action->u.record.epoch,
		.number = action->u.record.entry.record };

	trace(world, SAW_STORE, link->host, link->pen, entry.epoch, entry.number, entry.evidence);
	if (!host_disk_append(&world->hosts[link->host].disk, &entry))
		return false;
	truth->written |= bit_of(link->host);
	truth->evidence |= entry.evidence ? bit_of(link->host) : 0;
	world->records++;
	return true;
}

static void
sync_disk(struct world *world, unsigned index)
{
	struct host_disk *disk = &world->hosts[index].disk;

	for (size_t i = disk->synced; i < disk->count; i++) {
		const struct disk_entry *entry = &disk->entries[i];
		struct truth *truth = truth_find(&world->pens[entry->pen], entry->epoch, entry->number);

		truth->durable |= bit_of(index);
		if (!entry->evidence)
			truth->owed &= (uint8_t)~bit_of(index);
	}
	host_disk_sync(disk);
	trace(world, SAW_SYNC, (uint8_t)index, NOBODY, (uint32_t)disk->count, 0, 0);
}

/* True: the process died here. */
static bool
dies(struct world *world, const struct link *link)
{
	if (!strikes(&world->chance, link->weather.crash))
		return false;
	host_crash(world, link->host);
	return true;
}

/* What was written is taken back: the disk was full, or failed. */
static void
drop_unsynced(struct world *world, unsigned index)
{
	struct host_disk *disk = &world->hosts[index].disk;

	disk->count = disk->synced;
	mark_disk(world, index);
}

static void
keep_record(struct world *world, struct link *link, const struct stp_host_action *action)
{
	check_record(world, link, action);
	if (dies(world, link))
		return;
	if (!write_entry(world, link, action) || strikes(&world->chance, link->weather.disk_full)) {
		drop_unsynced(world, link->host);
		stp_host_stored(link->engine, false, world->now);
		return;
	}
	if (dies(world, link))
		return;
	sync_disk(world, link->host);
	if (dies(world, link))
		return;
	stp_host_stored(link->engine, true, world->now);
	/* Before the acknowledgement leaves, and later anywhere. */
	(void)dies(world, link);
}

/* ---- wishes ---- */

static void
check_anchor(struct world *world, const struct link *link, const struct stp_host_state *state)
{
	int64_t looked_at = UTC_BEGIN + world->hosts[link->host].clock_offset_us + (int64_t)link->clock_looked_at * 1000;
	int64_t apart = state->anchor.utc_us - looked_at;

	CHECK(world, state->anchor.boot_id == world->pens[link->pen].log.head.boot_id);
	CHECK(world, state->anchor.tick_ms == link->clock_tick);
	CHECK(world, (apart < 0 ? -apart : apart) <= state->anchor.uncertainty_us);
}

size_t
host_list_held(struct world *world, const struct link *link, uint32_t epoch, bool sound, struct stp_range *items)
{
	const struct host_disk *disk = &world->hosts[link->host].disk;
	struct stp_ranges held;

	stp_ranges_init(&held, items, DISK_ENTRIES_MAX);
	for (size_t i = 0; i < disk->synced; i++) {
		const struct disk_entry *entry = &disk->entries[i];

		if (entry->pen == link->pen && entry->epoch == epoch && !(sound && entry->evidence))
			CHECK(world, stp_ranges_add(&held, entry->number, entry->number) == STP_OK);
	}
	return held.count;
}

static void
tell_wishes(struct world *world, struct link *link, const struct stp_host_state *state)
{
	struct stp_range items[DISK_ENTRIES_MAX];
	struct stp_ranges held, missing;
	size_t sound;

	link->epoch = state->epoch;
	if (state->anchored)
		check_anchor(world, link, state);
	stp_ranges_init(&held, items, DISK_ENTRIES_MAX);
	held.count = host_list_held(world, link, state->epoch, false, items);
	sound = host_list_held(world, link, state->epoch, true, link->held);
	/* More ranges than a slot keeps are not told in one dialogue. */
	world->pens[link->pen].slot_full |= sound > 1 + STP_PEN_SLOT_RANGES;
	stp_ranges_init(&missing, link->wishes, DISK_ENTRIES_MAX);
	CHECK(world, stp_ranges_missing(&held, state->oldest, state->newest, &missing) == STP_OK);
	trace(world, SAW_WISH, link->host, link->pen, state->epoch, (uint32_t)sound, (uint32_t)missing.count);
	stp_host_held(link->engine, link->held, sound, world->now);
	stp_host_want(link->engine, missing.items, missing.count, world->now);
}

/* ---- what arrived in part ---- */

void
host_journal(struct world *world, struct link *link, bool dies)
{
	struct partial *partial = &world->hosts[link->host].partials[link->pen];
	struct chance *chance = &world->chance;
	const uint8_t *bytes;
	struct stp_entry entry;
	uint32_t epoch, from;
	size_t size;

	bytes = stp_host_arrived(link->engine, &entry, &epoch, &size);
	if (!bytes)
		return;
	CHECK(world, size <= entry.length && entry.length <= RECORD_BYTES_MAX);
	partial->entry = entry;
	partial->epoch = epoch;
	partial->size = (uint32_t)size;
	memcpy(partial->bytes, bytes, size);
	/* Nobody syncs this: it may be torn, and of what was torn anything may be left. */
	if (dies)
		partial->size = roll(chance, partial->size + 1);
	if (dies && partial->size && !roll(chance, 2)) {
		from = roll(chance, partial->size);
		memset(partial->bytes + from, 0, partial->size - from);
	}
	trace(world, SAW_JOURNAL, link->host, link->pen, entry.record, partial->size, entry.length);
}

static void
resume(struct world *world, struct link *link, const struct stp_host_action *action)
{
	const struct partial *partial = &world->hosts[link->host].partials[link->pen];
	const struct stp_entry *entry = &action->u.begin.entry;

	link->resumed_size = 0;
	if (!partial->size || partial->epoch != action->u.begin.epoch || partial->entry.record != entry->record ||
	    partial->entry.length != entry->length || partial->entry.crc32c != entry->crc32c)
		return;
	trace(world, SAW_RESUME, link->host, link->pen, entry->record, partial->size, entry->length);
	stp_host_resume(link->engine, partial->bytes, partial->size, world->now);
	link->resumed_size = partial->size;
	link->resumed_crc = stp_crc32c(0, partial->bytes, partial->size);
}

void
host_hear(struct world *world, struct link *link, const uint8_t *bytes, size_t size)
{
	struct stp_answer answer;

	if (stp_answer_decode(bytes, size, &answer) || answer.op != STP_OP_HASH ||
	    answer.token != link->account.asked_token || link->account.asked_op != STP_OP_HASH)
		return;
	if (answer.status != STP_WIRE_SUCCESS && answer.status != STP_WIRE_RECORD_CORRUPT)
		return;
	if (answer.u.hash.crc32c != link->resumed_crc)
		link->refuted = world->hosts[link->host].partials[link->pen].entry.record;
}

/*
 * Whoever lacks what it once acknowledged has the pen forget that, before it goes on: else the pen
 * would overwrite first what this host lacks.
 */
static void
check_listed(struct world *world, const struct link *link, const struct stp_entry *entry)
{
	struct sim_pen *pen = &world->pens[link->pen];

	trace(world, SAW_LISTED, link->host, link->pen, entry->record, entry->flags, entry->length);
	if (link->account.asked_drop || link->epoch != pen->log.head.epoch)
		return;
	CHECK(world, !(entry->flags & STP_ENTRY_ACKNOWLEDGED));
	/* The mark passes what went since the list was made. */
	CHECK(world, !flash_log_find(&pen->log, entry->record) ||
			     !truth_is_told(world, pen, link->host, entry->record));
}

/* Nothing is read behind bytes that HASH belied. */
static void
check_read(struct world *world, struct link *link, const uint8_t *bytes, size_t size)
{
	struct stp_request request;

	CHECK(world, stp_request_decode(bytes, size, &request) == STP_OK);
	if (request.op == STP_OP_HASH)
		CHECK(world, request.u.hash.offset == 0 && request.u.hash.length == link->resumed_size);
	link->account.asked_drop |= request.op == STP_OP_DROP_SLOT;
	if (request.op != STP_OP_READ)
		return;
	CHECK(world, link->refuted != request.u.read.record || request.u.read.offset == 0);
	link->refuted = 0;
}

/* ---- the engine's wishes ---- */

static void
end_dialogue(struct world *world, struct link *link, const struct stp_host_action *action)
{
	link->over = true;
	link->failed = action->kind == STP_HOST_FAILED;
	trace(world, SAW_OVER, link->host, link->pen, link->failed,
	      link->failed ? (uint32_t)action->u.failed.reason : 0, link->failed ? action->u.failed.wire_status : 0);
}

static void
ask_time(struct world *world, struct link *link)
{
	link->clock_asked++;
	link->clock_asked_at = world->now;
	link_send(world, link, TO_PEN_CLOCK, (const uint8_t *)&link->clock_asked, sizeof(link->clock_asked));
}

static void
write_request(struct world *world, struct link *link, const struct stp_host_action *action)
{
	CHECK(world, action->u.write.size <= STP_CONTROL_SIZE_MAX);
	CHECK(world, action->kind == STP_HOST_WRITE || action->u.write.bytes[0] == STP_OP_CREDIT);
	if (action->u.write.bytes[0] != STP_OP_CREDIT) {
		/* Two in a row with one token could not be told apart. */
		CHECK(world, action->u.write.bytes[1] != link->account.asked_token);
		link->account.asked_op = action->u.write.bytes[0];
		link->account.asked_token = action->u.write.bytes[1];
		memcpy(link->account.asked, action->u.write.bytes, STP_CONTROL_SIZE_MAX);
		check_read(world, link, action->u.write.bytes, action->u.write.size);
	}
	link_send(world, link, TO_PEN, action->u.write.bytes, action->u.write.size);
}

bool
host_serve(struct world *world, struct link *link)
{
	struct stp_host_action action;

	stp_host_poll(link->engine, &action);
	switch (action.kind) {
	case STP_HOST_IDLE:
		return false;
	case STP_HOST_WRITE:
	case STP_HOST_WRITE_COMMAND:
		write_request(world, link, &action);
		break;
	case STP_HOST_READ_TIME:
		ask_time(world, link);
		break;
	case STP_HOST_STATE:
		tell_wishes(world, link, &action.u.state);
		break;
	case STP_HOST_RECORD:
		keep_record(world, link, &action);
		break;
	case STP_HOST_GIVEN_UP:
		trace(world, SAW_GIVEN_UP, link->host, link->pen, action.u.given_up.record,
		      (uint32_t)action.u.given_up.reason, action.u.given_up.wire_status);
		if (action.u.given_up.reason == STP_ERR_NOT_FOUND)
			errand_note_absent(world, link, action.u.given_up.record);
		break;
	case STP_HOST_NOTE:
		trace(world, SAW_NOTE, link->host, link->pen, action.u.note.note, action.u.note.record,
		      action.u.note.detail);
		break;
	case STP_HOST_LISTED:
		check_listed(world, link, &action.u.entry);
		break;
	case STP_HOST_BEGIN:
		/* Not wanted after all, in this dialogue: the next one has it. */
		if (strikes(&world->chance, link->weather.skip))
			stp_host_skip(link->engine, false, world->now);
		else
			resume(world, link, &action);
		break;
	case STP_HOST_DONE:
	case STP_HOST_FAILED:
		end_dialogue(world, link, &action);
		break;
	}
	return true;
}
