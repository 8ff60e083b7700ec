/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * What comes before the records: HELLO, GET_STATE, the time, what the caller holds and wants;
 * and ACK, which tells the pen of the one and of what is stored later.
 */

#include <string.h>

#include "host-internal.h"

/* So long the pen does not know of a record, but for the READ under way: it may need the space. */
#define UNACKED_MS 2000

void
stp_host_send_hello(struct stp_host *host)
{
	host->request.op = STP_OP_HELLO;
	memcpy(host->request.u.hello.collector_id, host->config.collector_id, STP_COLLECTOR_ID_SIZE);
	stp_host_send(host, STAGE_HELLO);
}

static void
send_get_state(struct stp_host *host)
{
	host->request.op = STP_OP_GET_STATE;
	stp_host_send(host, STAGE_STATE);
}

void
stp_host_restate(struct stp_host *host)
{
	if (host->cancelled) {
		stp_host_finish(host);
		return;
	}
	if (host->epochs++ >= host->config.retries) {
		stp_host_fail(host, STP_ERR_REFUSED, STP_WIRE_WRONG_EPOCH);
		return;
	}
	host->tries = 0;
	host->mark = 0;
	host->unacked_count = 0;
	host->progress.record = 0;
	host->reading.entry.record = 0;
	send_get_state(host);
}

/* The slot is a new one, and empty: the rest of the dialogue goes on where it was. */
static void
tell_anew(struct stp_host *host)
{
	host->held_next = 0;
	host->held_told = 0;
	memcpy(host->retold, host->stored, host->stored_count * sizeof(host->stored[0]));
	host->retold_count = host->stored_count;
	stp_host_rest(host, STAGE_WALK);
}

void
stp_host_remember(struct stp_host *host, uint32_t record)
{
	struct stp_ranges set = { host->stored, host->stored_count, HELD_MAX };
	struct stp_ranges unacked = { host->unacked, host->unacked_count, HELD_MAX };

	/* One range too many is not remembered: the next dialogue names it as held. */
	if (!stp_ranges_add(&set, record, record))
		host->stored_count = set.count;
	if (!host->unacked_count) {
		host->unacked_records = 0;
		host->unacked_since = host->now;
	}
	/* There is room: the walk makes some before it goes on. */
	if (!stp_ranges_add(&unacked, record, record)) {
		host->unacked_count = unacked.count;
		host->unacked_records++;
	}
	stp_host_rest(host, STAGE_WALK);
}

/* Send an ACK for records that are durable. */
static void
acknowledge(struct stp_host *host, uint32_t from, uint32_t to)
{
	host->request.op = STP_OP_ACK;
	host->request.u.ack.slot = host->state.slot;
	host->request.u.ack.epoch = host->state.epoch;
	host->request.u.ack.from = from;
	host->request.u.ack.to = to;
	stp_host_send(host, STAGE_ACK);
}

bool
stp_host_tell_stored(struct stp_host *host, bool all)
{
	struct stp_range first = host->unacked[0];

	if (!host->unacked_count)
		return false;
	if (!all && host->unacked_records < host->config.ack_run && host->unacked_count < HELD_MAX &&
	    host->now - host->unacked_since < UNACKED_MS)
		return false;
	host->unacked_count--;
	memmove(host->unacked, host->unacked + 1, host->unacked_count * sizeof(host->unacked[0]));
	acknowledge(host, first.from, first.to);
	return true;
}

void
stp_host_on_hello(struct stp_host *host)
{
	host->state.slot = HOST_NO_SLOT;
	if (host->answer.status == STP_WIRE_SUCCESS) {
		host->state.slot = host->answer.u.hello.slot;
		host->mark = host->answer.u.hello.mark;
	} else if (host->answer.status == STP_WIRE_SLOTS_FULL) {
		stp_host_note(host, STP_NOTE_SLOTS_FULL, 0, 0);
	} else if (host->renewed) {
		/* Reading went well so far, and does without a slot. */
		stp_host_note(host, STP_NOTE_ACK_REFUSED, 0, host->answer.status);
	} else {
		stp_host_fail(host, STP_ERR_REFUSED, host->answer.status);
		return;
	}
	host->tries = 0;
	if (host->renewed)
		tell_anew(host);
	else
		send_get_state(host);
}

void
stp_host_on_state(struct stp_host *host)
{
	if (host->answer.status != STP_WIRE_SUCCESS) {
		stp_host_fail(host, STP_ERR_REFUSED, host->answer.status);
		return;
	}
	host->state.epoch = host->answer.u.state.epoch;
	host->state.oldest = host->answer.u.state.oldest;
	host->state.newest = host->answer.u.state.newest;
	host->state.boot_id = host->answer.u.state.boot_id;
	host->state.free_percent = host->answer.u.state.free_percent;
	host->state.flags = host->answer.u.state.flags;
	host->state.anchored = false;
	host->held_count = 0;
	host->held_next = 0;
	host->held_told = 0;
	host->stored_count = 0;
	host->unacked_count = 0;
	host->retold_count = 0;
	host->ahead = 0;
	host->went_back = false;

	stp_host_rest(host, STAGE_TIME);
	host->deadline = host->now + host->config.first_answer_ms;
	stp_host_announce(host, STP_HOST_READ_TIME);
}

void
stp_host_ask_wishes(struct stp_host *host)
{
	stp_host_rest(host, STAGE_WANT);
	host->announce.u.state = host->state;
	stp_host_announce(host, STP_HOST_STATE);
}

void
stp_host_on_ack(struct stp_host *host)
{
	if (host->answer.status == STP_WIRE_WRONG_EPOCH) {
		stp_host_restate(host);
		return;
	}
	if (host->answer.status != STP_WIRE_SUCCESS)
		stp_host_note(host, STP_NOTE_ACK_REFUSED, host->request.u.ack.from, host->answer.status);
	stp_host_rest(host, STAGE_WALK);
}

void
stp_host_ack_unanswered(struct stp_host *host)
{
	stp_host_note(host, STP_NOTE_ACK_REFUSED, host->request.u.ack.from, 0);
	/* Whoever is silent is not told of the others as well, one silence each. */
	host->unacked_count = 0;
	stp_host_rest(host, STAGE_WALK);
}

void
stp_host_time(struct stp_host *host, const uint8_t *bytes, size_t size, int64_t utc_us,
	      uint32_t round_trip_us, uint64_t now_ms)
{
	struct stp_elapsed_time time;

	stp_host_set_now(host, now_ms);
	if (host->stage != STAGE_TIME || host->announce_due)
		return;
	if (bytes && !stp_elapsed_time_decode(bytes, size, &time) && time.is_tick &&
	    time.value <= UINT64_MAX / time.unit_us) {
		host->state.anchored = true;
		host->state.anchor = (struct stp_time_anchor){
			.boot_id = host->state.boot_id,
			.tick_ms = time.value * time.unit_us / 1000,
			/* The pen looked at its clock somewhere within the round trip. */
			.utc_us = utc_us - round_trip_us / 2,
			.uncertainty_us = round_trip_us / 2 + time.unit_us,
		};
	}
	stp_host_ask_wishes(host);
}

static bool
is_ascending(const struct stp_range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (ranges[i].from > ranges[i].to || (i && ranges[i].from <= ranges[i - 1].to))
			return false;
	return true;
}

void
stp_host_want(struct stp_host *host, const struct stp_range *ranges, size_t count, uint64_t now_ms)
{
	stp_host_set_now(host, now_ms);
	if (host->stage != STAGE_WANT || host->announce_due)
		return;
	if (!is_ascending(ranges, count)) {
		stp_host_fail(host, STP_ERR_ARGUMENT, 0);
		return;
	}
	host->wanted = ranges;
	host->wanted_count = count;
	stp_host_begin_walk(host);
}

void
stp_host_held(struct stp_host *host, const struct stp_range *ranges, size_t count, uint64_t now_ms)
{
	stp_host_set_now(host, now_ms);
	if (host->stage != STAGE_WANT || host->announce_due)
		return;
	if (!is_ascending(ranges, count)) {
		stp_host_fail(host, STP_ERR_ARGUMENT, 0);
		return;
	}
	if (count && ranges[count - 1].to > host->state.newest) {
		/* A record of the log before may be meant by any of them: none is taken for held. */
		stp_host_note(host, STP_NOTE_LOG_WENT_BACK, ranges[count - 1].to, host->state.newest);
		host->went_back = true;
		count = 0;
	}
	host->held = ranges;
	host->held_count = count;
}

bool
stp_host_tell_held(struct stp_host *host)
{
	while (host->held_next < host->held_count + host->retold_count && host->held_told < HELD_MAX &&
	       host->state.slot != HOST_NO_SLOT) {
		size_t at = host->held_next++;
		struct stp_range range = at < host->held_count ? host->held[at] : host->retold[at - host->held_count];

		range.from = range.from < host->state.oldest ? host->state.oldest : range.from;
		range.to = range.to > host->state.newest ? host->state.newest : range.to;
		if (!range.from || range.from > range.to || range.to <= host->mark)
			continue;
		host->held_told++;
		acknowledge(host, range.from, range.to);
		return true;
	}
	return false;
}

/* ---- a slot that believes too much ---- */

bool
stp_host_renew_slot(struct stp_host *host)
{
	if (!host->ahead)
		return false;
	host->request.op = STP_OP_DROP_SLOT;
	host->request.u.drop_slot.index = host->state.slot;
	memcpy(host->request.u.drop_slot.name, host->config.collector_id, STP_COLLECTOR_NAME_SIZE);
	stp_host_send(host, STAGE_DROP);
	/* Else the store is to blame; this pen was told of already. */
	if (!host->went_back)
		stp_host_note(host, STP_NOTE_SLOT_AHEAD, host->ahead, host->state.slot);
	host->renewed = true;
	host->ahead = 0;
	return true;
}

void
stp_host_on_drop(struct stp_host *host)
{
	/* Refused, by a pen that cannot: the slot stays as it is, and reading is no worse for it. */
	if (host->answer.status == STP_WIRE_SUCCESS)
		stp_host_send_hello(host);
	else
		stp_host_rest(host, STAGE_WALK);
}

void
stp_host_drop_unanswered(struct stp_host *host)
{
	/* It may be gone; HELLO finds it again or takes another. */
	stp_host_send_hello(host);
}
