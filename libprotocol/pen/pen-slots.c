/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <string.h>

#include "pen-internal.h"

/* How many numbers without a record slots_with_news looks at before it says yes. */
#define NEWS_LOOKUPS 64

static uint8_t
keep_slot(struct stp_pen *pen, uint8_t index, const struct stp_pen_slot *slot)
{
	/* After a failure nobody knows which of the two is kept. */
	pen->slots_unsure |= (uint8_t)(1u << index);
	if (pen->config.log->save_slot(pen->config.user, index, slot))
		return STP_WIRE_NOT_COMPLETED;
	pen->slots_unsure &= (uint8_t)~(1u << index);
	pen->slots[index] = *slot;
	return STP_WIRE_SUCCESS;
}

uint8_t
stp_pen_take_slot(struct stp_pen *pen, const uint8_t collector_id[STP_COLLECTOR_ID_SIZE])
{
	struct stp_pen_slot fresh = { .used = true };
	struct stp_pen_log_state state;
	uint8_t free = STP_PEN_SLOTS, status;

	for (uint8_t i = 0; i < STP_PEN_SLOTS; i++) {
		if (!pen->slots[i].used) {
			free = free < i ? free : i;
		} else if (!memcmp(pen->slots[i].collector_id, collector_id, STP_COLLECTOR_ID_SIZE)) {
			pen->slot = i;
			return STP_WIRE_SUCCESS;
		}
	}
	if (free == STP_PEN_SLOTS)
		return STP_WIRE_SLOTS_FULL;
	/* Else one bonded host could fill all slots with made-up ids, and nothing would ever be spare. */
	if (pen->made_slot)
		return STP_WIRE_NOT_AUTHORISED;

	stp_pen_ask_log(pen, &state);
	memcpy(fresh.collector_id, collector_id, STP_COLLECTOR_ID_SIZE);
	fresh.epoch = state.epoch;
	status = keep_slot(pen, free, &fresh);
	if (status == STP_WIRE_SUCCESS) {
		pen->slot = free;
		pen->made_slot = true;
	}
	stp_pen_reset_spare(pen, 0);
	return status;
}

void
stp_pen_check_slots(struct stp_pen *pen)
{
	struct stp_pen_log_state state;

	for (uint8_t i = 0; i < STP_PEN_SLOTS; i++) {
		struct stp_pen_slot slot = pen->slots[i];
		uint32_t highest = slot.range_count ? slot.ranges[slot.range_count - 1].to : slot.mark;

		if (!slot.used)
			continue;
		stp_pen_ask_log(pen, &state);
		if (slot.epoch != state.epoch || (highest <= state.newest && slot.mark <= state.newest))
			continue;
		/*
		 * The numbers it has are given to other records now.  Kept at once: after the next power-off newest
		 * may have passed them, and nothing would show it.  A pen that cannot keep it starts all the same.
		 */
		slot.mark = 0;
		slot.range_count = 0;
		pen->slots[i] = slot;
		(void)keep_slot(pen, i, &slot);
	}
}

uint8_t
stp_pen_slots_free(const struct stp_pen *pen)
{
	uint8_t count = 0;

	for (unsigned i = 0; i < STP_PEN_SLOTS; i++)
		if (!pen->slots[i].used)
			count++;
	return count;
}

uint32_t
stp_pen_mark(const struct stp_pen *pen)
{
	struct stp_pen_log_state state;

	if (pen->slot >= STP_PEN_SLOTS)
		return 0;
	stp_pen_ask_log(pen, &state);
	return pen->slots[pen->slot].epoch == state.epoch ? pen->slots[pen->slot].mark : 0;
}

/* Let the mark swallow the ranges it touches. */
static void
raise_mark(struct stp_pen_slot *slot, uint32_t mark)
{
	uint8_t swallowed = 0;

	if (mark > slot->mark)
		slot->mark = mark;
	while (swallowed < slot->range_count &&
	       (slot->mark == UINT32_MAX || slot->ranges[swallowed].from <= slot->mark + 1)) {
		if (slot->ranges[swallowed].to > slot->mark)
			slot->mark = slot->ranges[swallowed].to;
		swallowed++;
	}
	slot->range_count = (uint8_t)(slot->range_count - swallowed);
	memmove(slot->ranges, slot->ranges + swallowed, slot->range_count * sizeof(slot->ranges[0]));
}

static void
note_range(struct stp_pen_slot *slot, uint32_t from, uint32_t to)
{
	/* One more than a slot keeps, to see which is the highest. */
	struct stp_range items[STP_PEN_SLOT_RANGES + 1];
	struct stp_ranges set;

	stp_ranges_init(&set, items, STP_PEN_SLOT_RANGES + 1);
	memcpy(items, slot->ranges, slot->range_count * sizeof(items[0]));
	set.count = slot->range_count;
	if (stp_ranges_add(&set, from, to))
		return;
	if (set.count > STP_PEN_SLOT_RANGES)
		set.count = STP_PEN_SLOT_RANGES;
	memcpy(slot->ranges, items, set.count * sizeof(items[0]));
	slot->range_count = (uint8_t)set.count;
}

/* What is kept already is not written again: a host that repeats itself must not wear out the flash. */
static bool
is_kept(const struct stp_pen *pen, const struct stp_pen_slot *slot)
{
	const struct stp_pen_slot *kept = &pen->slots[pen->slot];

	return !(pen->slots_unsure & 1u << pen->slot) && kept->epoch == slot->epoch && kept->mark == slot->mark &&
	       kept->range_count == slot->range_count &&
	       !memcmp(kept->ranges, slot->ranges, slot->range_count * sizeof(slot->ranges[0]));
}

uint8_t
stp_pen_acknowledge(struct stp_pen *pen, const struct stp_request *request)
{
	struct stp_pen_log_state state;
	struct stp_pen_slot slot;

	if (pen->slot >= STP_PEN_SLOTS || request->u.ack.slot != pen->slot)
		return STP_WIRE_NOT_AUTHORISED;
	stp_pen_ask_log(pen, &state);
	if (request->u.ack.epoch != state.epoch)
		return STP_WIRE_WRONG_EPOCH;
	/* What was never written cannot have been stored. */
	if (state.oldest > state.newest || request->u.ack.to > state.newest)
		return STP_WIRE_INVALID_OPERAND;

	slot = pen->slots[pen->slot];
	if (slot.epoch != state.epoch) {
		slot.epoch = state.epoch;
		slot.mark = 0;
		slot.range_count = 0;
	}
	/* Nobody waits for what is gone: without this the mark could never rise past it. */
	if (state.oldest > 1)
		raise_mark(&slot, state.oldest - 1);
	if (request->u.ack.to > slot.mark) {
		note_range(&slot, request->u.ack.from, request->u.ack.to);
		raise_mark(&slot, 0);
	}
	if (is_kept(pen, &slot))
		return STP_WIRE_SUCCESS;
	stp_pen_reset_spare(pen, request->u.ack.from);
	return keep_slot(pen, pen->slot, &slot);
}

uint8_t
stp_pen_tell_slot(const struct stp_pen *pen, uint8_t index, struct stp_answer *reply)
{
	if (index >= STP_PEN_SLOTS)
		return STP_WIRE_INVALID_OPERAND;
	if (!pen->slots[index].used)
		return STP_WIRE_NO_RECORDS;
	/* Not all of the id: with it another host could acknowledge in this collector's name. */
	memcpy(reply->u.slots.name, pen->slots[index].collector_id, STP_COLLECTOR_NAME_SIZE);
	reply->u.slots.mark = pen->slots[index].mark;
	reply->u.slots.epoch = pen->slots[index].epoch;
	return STP_WIRE_SUCCESS;
}

/* Dropping another's slot lets records go that its collector lacks: a person has to agree. */
static uint8_t
check_consent(struct stp_pen *pen, uint8_t index)
{
	if (!pen->ticking)
		return STP_WIRE_OP_NOT_SUPPORTED;
	if (pen->wish.wish != STP_PEN_WISH_DROP_SLOT || pen->wish.index != index) {
		stp_pen_wish_for(pen, STP_PEN_WISH_DROP_SLOT);
		pen->wish.index = index;
	}
	return pen->wish.confirmed ? STP_WIRE_SUCCESS : STP_WIRE_NOT_CONFIRMED;
}

/*
 * One's own slot starts over, and stays one's own: were it free until the next HELLO and the link broke in
 * between, the others could erase what its collector lacks.
 */
static struct stp_pen_slot
dropped(const struct stp_pen *pen, uint8_t index)
{
	struct stp_pen_slot slot = { .used = false };
	struct stp_pen_log_state state;

	if (index != pen->slot)
		return slot;
	stp_pen_ask_log(pen, &state);
	slot.used = true;
	slot.epoch = state.epoch;
	memcpy(slot.collector_id, pen->slots[index].collector_id, STP_COLLECTOR_ID_SIZE);
	return slot;
}

uint8_t
stp_pen_drop_slot(struct stp_pen *pen, const struct stp_request *request)
{
	uint8_t index = request->u.drop_slot.index, status;
	struct stp_pen_slot slot;

	if (index >= STP_PEN_SLOTS)
		return STP_WIRE_INVALID_OPERAND;
	if (!pen->slots[index].used ||
	    memcmp(pen->slots[index].collector_id, request->u.drop_slot.name, STP_COLLECTOR_NAME_SIZE))
		return STP_WIRE_NO_RECORDS;
	if (index != pen->slot) {
		status = check_consent(pen, index);
		if (status != STP_WIRE_SUCCESS)
			return status;
		stp_pen_forget_wish(pen);
	}
	slot = dropped(pen, index);
	status = keep_slot(pen, index, &slot);
	stp_pen_reset_spare(pen, 0);
	return status;
}

static bool
has_news(const struct stp_pen *pen, const struct stp_pen_slot *slot, const struct stp_pen_log_state *state)
{
	struct stp_range items[STP_PEN_SLOT_RANGES + 1];
	struct stp_ranges held;
	unsigned lookups = 0;

	stp_ranges_init(&held, items, STP_PEN_SLOT_RANGES + 1);
	if (slot->epoch == state->epoch) {
		memcpy(items, slot->ranges, slot->range_count * sizeof(items[0]));
		held.count = slot->range_count;
		if (slot->mark && stp_ranges_add(&held, 1, slot->mark))
			return true;
	}
	for (uint64_t number = state->oldest; number <= state->newest; number++) {
		struct stp_entry entry;
		enum stp_status status;

		if (stp_ranges_contains(&held, (uint32_t)number))
			continue;
		if (lookups++ == NEWS_LOOKUPS)
			return true;
		/*
		 * Neither a number without a record is news (power was lost before it was written)
		 * nor a damaged record, which no collector will ever acknowledge.
		 */
		status = pen->config.log->entry(pen->config.user, (uint32_t)number, &entry);
		if (status == STP_ERR_NOT_FOUND || (!status && entry.flags & STP_ENTRY_CORRUPT))
			continue;
		return true;
	}
	return false;
}

uint8_t
stp_pen_slots_with_news(const struct stp_pen *pen)
{
	struct stp_pen_log_state state;
	uint8_t news = 0;

	stp_pen_ask_log(pen, &state);
	for (unsigned i = 0; i < STP_PEN_SLOTS; i++)
		if (pen->slots[i].used && has_news(pen, &pen->slots[i], &state))
			news |= (uint8_t)(1u << i);
	return news;
}
