/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* LIST: which numbers there are, and which of them is dealt with next. */

#include "host-internal.h"
#include "../base/wire-bytes.h"

static void
send_list(struct stp_host *host)
{
	uint32_t length = (host->page_to - host->page_from + 1) * STP_ENTRY_SIZE;

	if (!stp_transfer_reserve(&host->transfer, length)) {
		stp_host_fail(host, STP_ERR_MEMORY, 0);
		return;
	}

	host->reading.entry.record = 0;
	host->request.op = STP_OP_LIST;
	host->request.u.list.epoch = host->state.epoch;
	host->request.u.list.from = host->page_from;
	host->request.u.list.to = host->page_to;
	host->request.u.list.window = host->window;
	stp_transfer_ask(&host->transfer, 0, length, host->window);
	stp_host_send(host, STAGE_LIST);
}

static void
use_page(struct stp_host *host, enum stp_status reason, uint8_t wire_status)
{
	host->page_ready = true;
	host->page_reason = reason;
	host->page_wire_status = wire_status;
	host->walk = host->page_from;
	host->entries_told = 0;
	host->entries_done = 0;
	host->tries = 0;
	stp_host_rest(host, STAGE_WALK);
}

/* The page did not come whole: a smaller one has better chances. */
static void
list_again(struct stp_host *host, enum stp_status reason, uint8_t wire_status)
{
	uint32_t count = host->page_to - host->page_from + 1;

	if (count == 1 || !host->heard)
		host->tries++;
	if (host->tries >= host->config.retries) {
		if (!host->heard) {
			stp_host_fail(host, STP_ERR_TIMEOUT, 0);
			return;
		}
		host->entries_count = 0;
		host->page_oldest = 0;
		use_page(host, reason, wire_status);
		return;
	}
	host->page = count / 4 ? count / 4 : 1;
	if (host->top_due)
		host->page_from = host->top;
	host->page_to = host->top_due ? host->top : host->page_from + host->page - 1;
	host->top_due = false;
	send_list(host);
}

/* What is wanted and not held cannot have been acknowledged, unless the store lost it. */
static void
look_for_surplus(struct stp_host *host, const struct stp_entry *entry)
{
	if (entry->flags & STP_ENTRY_ACKNOWLEDGED && !host->renewed && host->state.slot != HOST_NO_SLOT &&
	    stp_host_is_among(host->wanted, host->wanted_count, entry->record) &&
	    !stp_host_is_among(host->held, host->held_count, entry->record))
		host->ahead = entry->record;
}

static void
take_entries(struct stp_host *host)
{
	uint32_t last = host->page_from - 1;
	enum stp_status reason = STP_ERR_NOT_FOUND;

	host->entries_count = 0;
	for (uint32_t at = 0; at < host->answer.u.sent.sent; at += STP_ENTRY_SIZE) {
		const uint8_t *bytes = host->transfer.bytes + at;
		struct stp_entry entry;

		if (stp_entry_decode(bytes, STP_ENTRY_SIZE, &entry) || entry.record <= last ||
		    entry.record > host->page_to) {
			stp_host_note(host, STP_NOTE_ENTRY_MALFORMED, get_le32(bytes), at);
			/* It might have been any of those that now lack an entry. */
			reason = STP_ERR_MALFORMED;
			continue;
		}
		last = entry.record;
		host->entries[host->entries_count++] = entry;
		look_for_surplus(host, &entry);
	}
	host->page = host->page * 2 < host->page_most ? host->page * 2 : host->page_most;
	use_page(host, reason, 0);
}

void
stp_host_list_over(struct stp_host *host)
{
	uint32_t sent = host->answer.u.sent.sent;

	if (!host->answered) {
		list_again(host, STP_ERR_TIMEOUT, 0);
		return;
	}
	if (stp_host_refused(host))
		return;
	host->page_oldest = host->answer.u.sent.oldest;
	switch (host->answer.status) {
	case STP_WIRE_SUCCESS:
		break;
	case STP_WIRE_NO_RECORDS:
	case STP_WIRE_OVERWRITTEN:
		host->entries_count = 0;
		use_page(host, STP_ERR_NOT_FOUND, 0);
		return;
	case STP_WIRE_WINDOW_TOO_LARGE:
		send_list(host);
		return;
	case STP_WIRE_NOT_COMPLETED:
		list_again(host, STP_ERR_REFUSED, host->answer.status);
		return;
	default:
		stp_host_fail(host, STP_ERR_REFUSED, host->answer.status);
		return;
	}
	if (sent > host->transfer.length || sent % STP_ENTRY_SIZE) {
		stp_host_note(host, STP_NOTE_ANSWER_MALFORMED, 0, sent);
		list_again(host, STP_ERR_CRC, 0);
	} else if (!stp_transfer_has(&host->transfer, 0, sent)) {
		stp_host_note(host, STP_NOTE_HOLE, 0, 0);
		list_again(host, STP_ERR_CRC, 0);
	} else if (!stp_host_range_holds(host)) {
		stp_host_note(host, STP_NOTE_RANGE_CRC, 0, 0);
		list_again(host, STP_ERR_CRC, 0);
	} else {
		take_entries(host);
	}
}

/* ---- which number is next ---- */

/* The first of the ranges that does not end before the number; count when there is none. */
static size_t
find_range(const struct stp_range *ranges, size_t count, uint64_t number)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (ranges[middle].to < number)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool
stp_host_is_among(const struct stp_range *ranges, size_t count, uint32_t number)
{
	size_t at = find_range(ranges, count, number);

	return at < count && ranges[at].from <= number;
}

/* The lowest wanted number from..to; false: none. */
static bool
next_wanted(const struct stp_host *host, uint64_t from, uint32_t to, uint32_t *number)
{
	size_t at = find_range(host->wanted, host->wanted_count, from);

	if (at == host->wanted_count)
		return false;
	if (from < host->wanted[at].from)
		from = host->wanted[at].from;
	if (from > to)
		return false;
	*number = (uint32_t)from;
	return true;
}

void
stp_host_begin_walk(struct stp_host *host)
{
	uint32_t oldest = host->state.oldest ? host->state.oldest : 1, newest = host->state.newest;

	host->progress.records_wanted = 0;
	host->progress.records_done = 0;
	host->top = 0;
	for (size_t i = 0; i < host->wanted_count && oldest <= newest; i++) {
		uint32_t from = host->wanted[i].from, to = host->wanted[i].to;

		from = from < oldest ? oldest : from;
		to = to > newest ? newest : to;
		if (from > to)
			continue;
		host->progress.records_wanted += (uint64_t)to - from + 1;
		host->top = to;
	}
	host->top_done = false;
	host->top_due = false;
	host->cursor = oldest;
	host->page_ready = false;
	host->tries = 0;
	stp_host_rest(host, STAGE_WALK);
}

/* Ask for the next page; false: there is none. */
static bool
turn_page(struct stp_host *host)
{
	uint32_t from;

	host->page_ready = false;
	if (!host->top)
		return false;
	host->heard = false;
	if (!host->top_done) {
		host->top_done = true;
		host->page_from = host->top;
		/* The others as well, where that takes no longer. */
		host->top_due = next_wanted(host, host->cursor, host->top - 1, &from) &&
				host->top - from < host->segment_entries;
		if (host->top_due)
			host->page_from = from;
		host->page_to = host->top;
		send_list(host);
		return true;
	}
	if (!next_wanted(host, host->cursor, host->top - 1, &from))
		return false;
	host->page_from = from;
	host->page_to = host->top - 1 - from < host->page ? host->top - 1 : from + host->page - 1;
	send_list(host);
	return true;
}

/* The next wanted number of the page; false: there is none. */
static bool
next_of_page(struct stp_host *host, uint32_t *number)
{
	bool folded = host->page_from < host->top && host->page_to == host->top;
	uint32_t to = folded ? host->top - 1 : host->page_to;

	/* What a person waits for comes first. */
	if (host->top_due) {
		*number = host->top;
		host->top_due = false;
		return true;
	}
	if (host->walk == host->page_from)
		host->entries_done = 0;
	if (!next_wanted(host, host->walk, to, number))
		return false;
	host->walk = (uint64_t)*number + 1;
	return true;
}

/* Deal with the next number of the page: read it, or say that it cannot be had. */
static bool
walk_page(struct stp_host *host, struct stp_host_action *action)
{
	uint32_t number;

	while (host->entries_told < host->entries_count) {
		const struct stp_entry *entry = &host->entries[host->entries_told++];

		if (!next_wanted(host, entry->record, entry->record, &number))
			continue;
		action->kind = STP_HOST_LISTED;
		action->u.entry = *entry;
		return true;
	}
	if (!next_of_page(host, &number)) {
		if (host->page_from != host->top)
			host->cursor = (uint64_t)host->page_to + 1;
		host->page_ready = false;
		return false;
	}
	while (host->entries_done < host->entries_count && host->entries[host->entries_done].record < number)
		host->entries_done++;
	if (host->entries_done < host->entries_count && host->entries[host->entries_done].record == number) {
		stp_host_begin_record(host, &host->entries[host->entries_done]);
		return false;
	}
	if (number < host->page_oldest)
		stp_host_give_up(host, number, STP_ERR_REFUSED, STP_WIRE_OVERWRITTEN);
	else
		stp_host_give_up(host, number, host->page_reason, host->page_wire_status);
	*action = host->announce;
	action->kind = STP_HOST_GIVEN_UP;
	return true;
}

static void
end_walk(struct stp_host *host)
{
	if (!host->failing) {
		stp_host_finish(host);
		return;
	}
	host->announce = host->failed;
	stp_host_rest(host, STAGE_ENDED);
	stp_host_announce(host, STP_HOST_FAILED);
}

bool
stp_host_walk(struct stp_host *host, struct stp_host_action *action)
{
	while (host->stage == STAGE_WALK) {
		if (host->announce_due)
			return false;
		if (stp_host_tell_stored(host, host->cancelled || host->failing || host->ahead))
			return false;
		if (host->failing || host->cancelled) {
			end_walk(host);
			return false;
		}
		if (stp_host_renew_slot(host) || stp_host_tell_held(host))
			return false;
		if (host->page_ready) {
			if (walk_page(host, action))
				return true;
		} else if (!turn_page(host)) {
			if (!stp_host_tell_stored(host, true))
				stp_host_finish(host);
			return false;
		}
	}
	return false;
}
