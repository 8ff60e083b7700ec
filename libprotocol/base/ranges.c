/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

#include <string.h>

#include <stipple/ranges.h>

void
stp_ranges_init(struct stp_ranges *set, struct stp_range *items, size_t capacity)
{
	*set = (struct stp_ranges){ .items = items, .capacity = capacity };
}

/* The first range that ends at number or later; count when there is none. */
static size_t
find_end(const struct stp_ranges *set, uint32_t number)
{
	size_t low = 0, high = set->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (set->items[middle].to < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

enum stp_status
stp_ranges_add(struct stp_ranges *set, uint32_t from, uint32_t to)
{
	size_t first, after;

	if (from > to)
		return STP_ERR_ARGUMENT;

	/* first..after-1 are the ranges that touch or overlap the new one. */
	first = find_end(set, from ? from - 1 : 0);
	after = first;
	while (after < set->count && (to == UINT32_MAX || set->items[after].from <= to + 1))
		after++;

	if (first == after) {
		if (set->count == set->capacity)
			return STP_ERR_SPACE;
		memmove(&set->items[first + 1], &set->items[first],
			(set->count - first) * sizeof(*set->items));
		set->items[first] = (struct stp_range){ from, to };
		set->count++;
		return STP_OK;
	}

	if (set->items[first].from > from)
		set->items[first].from = from;
	set->items[first].to = set->items[after - 1].to > to ? set->items[after - 1].to : to;
	memmove(&set->items[first + 1], &set->items[after], (set->count - after) * sizeof(*set->items));
	set->count -= after - first - 1;
	return STP_OK;
}

bool
stp_ranges_contains(const struct stp_ranges *set, uint32_t number)
{
	size_t index = find_end(set, number);

	return index < set->count && set->items[index].from <= number;
}

uint64_t
stp_ranges_size(const struct stp_ranges *set)
{
	uint64_t size = 0;

	for (size_t i = 0; i < set->count; i++)
		size += (uint64_t)set->items[i].to - set->items[i].from + 1;
	return size;
}

/* Walk the gaps of set within from..to; write them when items is given, and count them. */
static size_t
gaps(const struct stp_ranges *set, uint32_t from, uint32_t to, struct stp_range *items)
{
	uint64_t next = from;
	size_t count = 0;

	for (size_t i = find_end(set, from); next <= to; i++) {
		uint64_t until = i < set->count && set->items[i].from <= to ? set->items[i].from :
									      (uint64_t)to + 1;

		if (until > next) {
			if (items)
				items[count] = (struct stp_range){ (uint32_t)next, (uint32_t)(until - 1) };
			count++;
		}
		if (i >= set->count)
			break;
		next = (uint64_t)set->items[i].to + 1;
	}
	return count;
}

enum stp_status
stp_ranges_missing(const struct stp_ranges *set, uint32_t from, uint32_t to, struct stp_ranges *missing)
{
	if (from > to) {
		missing->count = 0;
		return STP_OK;
	}
	if (gaps(set, from, to, NULL) > missing->capacity)
		return STP_ERR_SPACE;
	missing->count = gaps(set, from, to, missing->items);
	return STP_OK;
}
