/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* A person's errands at a collector: who collects here, free a slot, erase the log. */

#include <string.h>

#include "world-model.h"

/* Numbers that nobody can fetch: never written, as the host was told, or kept as evidence. */
static void
list_settled(struct world *world, struct link *link, uint32_t epoch)
{
	const struct sim_host *host = &world->hosts[link->host];
	const struct host_disk *disk = &host->disk;

	stp_ranges_init(&link->settled, link->wishes, DISK_ENTRIES_MAX);
	for (size_t i = 0; i < disk->synced; i++)
		if (disk->entries[i].pen == link->pen && disk->entries[i].epoch == epoch && disk->entries[i].evidence)
			CHECK(world, !stp_ranges_add(&link->settled, disk->entries[i].number, disk->entries[i].number));
	for (size_t i = 0; i < host->absent_count; i++)
		if (host->absent[i].pen == link->pen && host->absent[i].epoch == epoch)
			CHECK(world, !stp_ranges_add(&link->settled, host->absent[i].number,
						     host->absent[i].number));
}

void
errand_note_absent(struct world *world, const struct link *link, uint32_t number)
{
	struct sim_host *host = &world->hosts[link->host];

	if (host->absent_count == ABSENT_MAX)
		host->absent_count = 0;
	host->absent[host->absent_count++] =
		(struct disk_entry){ .pen = link->pen, .epoch = link->epoch, .number = number };
}

static void
choose_erase(struct world *world, struct link *link, struct stp_errand_config *config)
{
	const struct sim_pen *pen = &world->pens[link->pen];

	config->kind = STP_ERRAND_ERASE_LOG;
	config->epoch = pen->log.head.epoch;
	config->up_to = pen->log.newest;
	if (!world->calm && pen->log.newest > 1 && roll(&world->chance, 2))
		config->up_to = 1 + roll(&world->chance, pen->log.newest);
	stp_ranges_init(&link->kept, link->held, DISK_ENTRIES_MAX);
	link->kept.count = host_list_held(world, link, config->epoch, true, link->held);
	list_settled(world, link, config->epoch);
	config->held = &link->kept;
	config->settled = &link->settled;
	memcpy(config->collector_id, world->hosts[link->host].id, STP_COLLECTOR_ID_SIZE);
}

void
errand_begin(struct world *world, struct link *link)
{
	struct stp_errand_config config = { .kind = STP_ERRAND_LIST_SLOTS };
	const struct sim_pen *pen = &world->pens[link->pen];
	unsigned index = roll(&world->chance, STP_PEN_SLOTS);

	if (world->calm || roll(&world->chance, 2)) {
		choose_erase(world, link, &config);
	} else if (roll(&world->chance, 2)) {
		config.kind = STP_ERRAND_DROP_SLOT;
		config.index = (uint8_t)index;
		memcpy(config.collector_id, pen->log.slots[index].collector_id, STP_COLLECTOR_ID_SIZE);
	}
	trace(world, SAW_ERRAND, link->host, link->pen, (uint32_t)config.kind, config.up_to, config.index);
	link->errand = stp_errand_new(&config);
	CHECK(world, link->errand);
	stp_errand_start(link->errand, world->now);
}

bool
errand_serve(struct world *world, struct link *link)
{
	struct stp_errand_action action;

	stp_errand_poll(link->errand, &action);
	switch (action.kind) {
	case STP_ERRAND_IDLE:
		return false;
	case STP_ERRAND_WRITE:
		CHECK(world, action.u.write.bytes[1] != link->account.asked_token);
		link->account.asked_token = action.u.write.bytes[1];
		link_send(world, link, TO_PEN, action.u.write.bytes, action.u.write.size);
		break;
	case STP_ERRAND_CONFIRM:
		/* The person looks for the pen, and may not find it in time. */
		link->press_at = world->now + 1 + roll(&world->chance, world->calm ? 20000 : 80000);
		break;
	case STP_ERRAND_SLOT:
		break;
	case STP_ERRAND_DONE:
	case STP_ERRAND_FAILED:
		link->over = true;
		link->failed = action.kind == STP_ERRAND_FAILED;
		trace(world, SAW_OVER, link->host, link->pen, link->failed,
		      link->failed ? (uint32_t)action.u.failed.reason : 0,
		      link->failed ? action.u.failed.wire_status : 0);
		break;
	}
	return true;
}
