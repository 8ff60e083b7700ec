/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <stdlib.h>
#include <string.h>

#include "host-internal.h"

#define COUNTER_MASK 63u
#define CAPACITY_MIN 8192u	/* the largest page of LIST, and most events */

static bool
is_set(const uint8_t *map, uint32_t bit)
{
	return (map[bit / 8] >> bit % 8 & 1) != 0;
}

/* The first bit at or after from whose value is as asked; limit when there is none before it. */
static uint32_t
find_bit(const uint8_t *map, uint32_t from, uint32_t limit, bool value)
{
	const uint8_t skip = value ? 0x00 : 0xFF;

	while (from < limit) {
		if (from % 8 == 0 && map[from / 8] == skip) {
			from += 8;
			continue;
		}
		if (is_set(map, from) == value)
			return from;
		from++;
	}
	return limit;
}

static void
fill_bits(uint8_t *map, uint32_t from, uint32_t size, bool value)
{
	uint32_t end = from + size;

	for (; from < end && from % 8; from++)
		map[from / 8] = (uint8_t)(value ? map[from / 8] | 1u << from % 8 :
						  map[from / 8] & ~(1u << from % 8));
	memset(map + from / 8, value ? 0xFF : 0, (end - from) / 8);
	for (from += (end - from) / 8 * 8; from < end; from++)
		map[from / 8] = (uint8_t)(value ? map[from / 8] | 1u << from % 8 :
						  map[from / 8] & ~(1u << from % 8));
}

bool
stp_transfer_reserve(struct transfer *transfer, uint32_t size)
{
	uint32_t capacity = transfer->capacity ? transfer->capacity : CAPACITY_MIN;
	uint8_t *bytes;

	while (capacity < size)
		capacity *= 2;
	if (capacity != transfer->capacity) {
		bytes = malloc(capacity + capacity / 8);
		if (!bytes)
			return false;
		stp_transfer_free(transfer);
		transfer->bytes = bytes;
		transfer->map = bytes + capacity;
		transfer->capacity = capacity;
	}
	stp_transfer_clear(transfer, size);
	return true;
}

void
stp_transfer_free(struct transfer *transfer)
{
	free(transfer->bytes);
	transfer->bytes = NULL;
	transfer->map = NULL;
	transfer->capacity = 0;
}

void
stp_transfer_clear(struct transfer *transfer, uint32_t size)
{
	memset(transfer->map, 0, (size + 7) / 8);
	transfer->size = size;
	transfer->kept = 0;
	transfer->prefix = 0;
}

void
stp_transfer_forget(struct transfer *transfer, uint32_t from, uint32_t size)
{
	for (uint32_t at = from; at < from + size; at++)
		if (is_set(transfer->map, at))
			transfer->kept--;
	fill_bits(transfer->map, from, size, false);
	if (size && transfer->prefix > from)
		transfer->prefix = from;
}

void
stp_transfer_put(struct transfer *transfer, const uint8_t *bytes, uint32_t size)
{
	memcpy(transfer->bytes, bytes, size);
	fill_bits(transfer->map, 0, size, true);
	transfer->kept = size;
	transfer->prefix = size;
}

void
stp_transfer_ask(struct transfer *transfer, uint32_t base, uint32_t length, uint8_t window)
{
	transfer->base = base;
	transfer->length = length;
	transfer->fresh = 0;
	transfer->end = 0;
	transfer->payload = 0;
	transfer->seen = 0;
	transfer->granted = window;
	transfer->counter = COUNTER_MASK;
	transfer->window = window;
}

/*
 * How many segments the pen has sent is told by the farthest one: its offset says how many came
 * before it, so that lost segments count as well and their credits are given back.  The
 * counter has to agree; where a damaged header makes them differ, the next segment will tell.
 */
static void
count_sent(struct transfer *transfer, const struct stp_segment *segment)
{
	uint32_t size = (uint32_t)segment->size, lost;

	if (size > transfer->payload)
		transfer->payload = size;
	if (segment->offset < transfer->end)
		return;
	lost = (segment->offset - transfer->end + transfer->payload - 1) / transfer->payload;
	if (((transfer->counter + lost + 1u) & COUNTER_MASK) != segment->counter)
		return;
	transfer->end = segment->offset + size;
	transfer->counter = segment->counter;
	transfer->seen += lost + 1;
}

/* Take what is new of a payload that is there in part.  What is there already stays. */
static enum arrival
merge(struct transfer *transfer, uint32_t at, const uint8_t *payload, uint32_t size)
{
	enum arrival arrival = ARRIVED_AGAIN;

	for (uint32_t i = 0; i < size; i++) {
		if (!is_set(transfer->map, at + i)) {
			transfer->bytes[at + i] = payload[i];
			fill_bits(transfer->map, at + i, 1, true);
			transfer->kept++;
			transfer->fresh++;
			arrival = arrival == ARRIVED_AGAIN ? ARRIVED : arrival;
		} else if (transfer->bytes[at + i] != payload[i]) {
			arrival = ARRIVED_DIFFERING;
		}
	}
	return arrival;
}

enum arrival
stp_transfer_accept(struct transfer *transfer, const struct stp_segment *segment)
{
	uint32_t size = (uint32_t)segment->size, at = transfer->base + segment->offset, end;
	enum arrival arrival;

	if (segment->offset >= transfer->length || size > transfer->length - segment->offset)
		return ARRIVED_BEYOND;
	count_sent(transfer, segment);

	end = at + size;
	if (find_bit(transfer->map, at, end, true) == end) {
		memcpy(transfer->bytes + at, segment->payload, size);
		fill_bits(transfer->map, at, size, true);
		transfer->kept += size;
		transfer->fresh += size;
		arrival = ARRIVED;
	} else {
		arrival = merge(transfer, at, segment->payload, size);
	}
	if (transfer->prefix >= at)
		transfer->prefix = find_bit(transfer->map, transfer->prefix, transfer->size, false);
	return arrival;
}

bool
stp_transfer_overdrawn(const struct transfer *transfer)
{
	return transfer->seen > transfer->granted;
}

uint8_t
stp_transfer_credit(struct transfer *transfer)
{
	uint32_t unused, grant;

	if (transfer->seen > transfer->granted)
		transfer->granted = transfer->seen;
	unused = transfer->granted - transfer->seen;
	if (unused > transfer->window / 2u)
		return 0;
	/* The rest fits into what the pen may send anyway. */
	if ((uint64_t)unused * transfer->payload >= transfer->length - transfer->end)
		return 0;
	grant = transfer->window - unused;
	transfer->granted += grant;
	return (uint8_t)grant;
}

bool
stp_transfer_has(const struct transfer *transfer, uint32_t from, uint32_t size)
{
	return find_bit(transfer->map, from, from + size, false) == from + size;
}

bool
stp_transfer_hole(const struct transfer *transfer, uint32_t size, uint32_t *from, uint32_t *length)
{
	uint32_t first = find_bit(transfer->map, 0, size, false);

	if (first == size)
		return false;
	*from = first;
	*length = find_bit(transfer->map, first, size, true) - first;
	return true;
}
