/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* What every collector has, and which record a full log can spare. */

#include "pen-internal.h"

bool
stp_pen_slot_run(const struct stp_pen_slot *slot, uint32_t epoch, uint32_t number, struct stp_range *run)
{
	if (slot->epoch != epoch)
		return false;
	if (number <= slot->mark) {
		*run = (struct stp_range){ 1, slot->mark };
		return true;
	}
	for (unsigned i = 0; i < slot->range_count; i++)
		if (number <= slot->ranges[i].to) {
			*run = slot->ranges[i];
			return true;
		}
	return false;
}

/* Narrow *run, which begins at its number, to what this slot has, too; false: nothing is left. */
static bool
narrow_run(const struct stp_pen_slot *slot, uint32_t epoch, struct stp_range *run, bool *moved)
{
	struct stp_range own;

	if (!stp_pen_slot_run(slot, epoch, run->from, &own))
		return false;
	if (own.from > run->from) {
		run->from = own.from;
		*moved = true;
	}
	if (own.to < run->to)
		run->to = own.to;
	return true;
}

bool
stp_pen_common_run(const struct stp_pen *pen, uint32_t epoch, uint32_t number, struct stp_range *run)
{
	struct stp_range common = { number, UINT32_MAX };
	bool moved = true, any = false;

	/* Each round but the last passes the end of a run of some slot: there are few of them. */
	while (moved) {
		moved = false;
		common.to = UINT32_MAX;
		for (unsigned i = 0; i < STP_PEN_SLOTS; i++) {
			if (!pen->slots[i].used)
				continue;
			any = true;
			if (!narrow_run(&pen->slots[i], epoch, &common, &moved))
				return false;
		}
	}
	if (any)
		*run = common;
	return any;
}

void
stp_pen_reset_spare(struct stp_pen *pen, uint32_t first)
{
	if (first < pen->spare_next)
		pen->spare_next = first;
}

enum stp_pen_victim
stp_pen_overwrite_next(struct stp_pen *pen, uint32_t *record)
{
	struct stp_pen_log_state state;
	struct stp_entry entry;
	struct stp_range run;

	stp_pen_ask_log(pen, &state);
	if (state.oldest > state.newest)
		return STP_PEN_VICTIM_NONE;
	/* A new epoch needs no more: an ACK in it goes back to its own first number. */
	if (pen->spare_next < state.oldest)
		pen->spare_next = state.oldest;

	/* What is acknowledged in the middle may have gone before: its numbers are looked at only once. */
	for (unsigned i = 0; i < STP_PEN_LOOKUPS_MAX; i++) {
		if (pen->spare_next > state.newest ||
		    !stp_pen_common_run(pen, state.epoch, pen->spare_next, &run) || run.from > state.newest) {
			*record = state.oldest;
			return STP_PEN_VICTIM_OVERRUN;
		}
		pen->spare_next = run.from;
		if (pen->config.log->entry(pen->config.user, run.from, &entry) != STP_ERR_NOT_FOUND) {
			*record = run.from;
			return STP_PEN_VICTIM_SPARE;
		}
		if (run.from == UINT32_MAX) {
			/* Nothing comes behind it, and asking again would never end. */
			*record = state.oldest;
			return STP_PEN_VICTIM_OVERRUN;
		}
		pen->spare_next++;
	}
	return STP_PEN_VICTIM_SEARCHING;
}
