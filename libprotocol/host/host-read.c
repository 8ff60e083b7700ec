/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* READ: the bytes of one record, whatever the way here does to them. */

#include <stipple/crc32c.h>
#include <stipple/record.h>

#include "host-internal.h"
#include "../record/record-scan.h"
#include "../base/wire-bytes.h"

bool
stp_host_is_drained(const struct stp_host *host)
{
	uint32_t sent = host->answer.u.sent.sent;

	/* More than was asked for cannot come. */
	return sent > host->transfer.length || stp_transfer_has(&host->transfer, host->transfer.base, sent);
}

bool
stp_host_range_holds(const struct stp_host *host)
{
	const struct transfer *transfer = &host->transfer;

	return stp_crc32c(0, transfer->bytes + transfer->base, host->answer.u.sent.sent) ==
	       host->answer.u.sent.crc32c;
}

bool
stp_host_refused(struct stp_host *host)
{
	switch (host->answer.status) {
	case STP_WIRE_WRONG_EPOCH:
		stp_host_restate(host);
		return true;
	case STP_WIRE_WINDOW_TOO_LARGE:
		if (host->window == 1) {
			stp_host_fail(host, STP_ERR_REFUSED, host->answer.status);
			return true;
		}
		host->window /= 2;
		return false;
	case STP_WIRE_BUSY:
	case STP_WIRE_NOT_AUTHORISED:
	case STP_WIRE_BATTERY_LOW:
	case STP_WIRE_OP_NOT_SUPPORTED:
		/* The next record would meet the same; the caller comes back later. */
		stp_host_fail(host, STP_ERR_REFUSED, host->answer.status);
		return true;
	default:
		return false;
	}
}

void
stp_host_give_up(struct stp_host *host, uint32_t record, enum stp_status reason, uint8_t wire_status)
{
	host->progress.record = 0;
	host->progress.records_done++;
	host->announce.u.given_up.epoch = host->state.epoch;
	host->announce.u.given_up.record = record;
	host->announce.u.given_up.reason = reason;
	host->announce.u.given_up.wire_status = wire_status;
	stp_host_rest(host, STAGE_WALK);
}

static void
deliver(struct stp_host *host, enum stp_status integrity)
{
	host->announce.u.record.entry = host->reading.entry;
	host->announce.u.record.epoch = host->state.epoch;
	host->announce.u.record.raw = host->transfer.bytes;
	host->announce.u.record.size = host->reading.entry.length;
	host->announce.u.record.integrity = integrity;
	stp_host_rest(host, STAGE_STORE);
	stp_host_announce(host, STP_HOST_RECORD);
}

static void
forget_all(struct stp_host *host)
{
	stp_transfer_clear(&host->transfer, host->reading.entry.length);
	host->reading.has_whole_crc = false;
	host->reading.unproven = false;
}

static void
fail_try(struct stp_host *host, enum stp_status reason, uint8_t wire_status)
{
	host->reading.tries++;
	host->reading.reason = reason;
	host->reading.wire_status = wire_status;
}

/* Ask for the first hole, unless enough was tried. */
static void
read_on(struct stp_host *host)
{
	uint32_t from = 0, length = host->reading.entry.length;

	if (host->reading.tries >= host->config.retries) {
		/* No word for so long: the next record would be waited for in vain as well. */
		if (!host->heard) {
			stp_host_fail(host, STP_ERR_TIMEOUT, 0);
			return;
		}
		stp_host_give_up(host, host->reading.entry.record, host->reading.reason, host->reading.wire_status);
		stp_host_announce(host, STP_HOST_GIVEN_UP);
		return;
	}
	if (!stp_transfer_hole(&host->transfer, host->reading.entry.length, &from, &length))
		return;
	if (host->transfer.kept && host->reading.asked)
		stp_host_note(host, STP_NOTE_HOLE, host->reading.entry.record, from);
	host->reading.asked = true;
	host->request.op = STP_OP_READ;
	host->request.u.read.epoch = host->state.epoch;
	host->request.u.read.record = host->reading.entry.record;
	host->request.u.read.offset = from;
	host->request.u.read.length = length;
	host->request.u.read.window = host->window;
	stp_transfer_ask(&host->transfer, from, length, host->window);
	stp_host_send(host, STAGE_READ);
}

static bool
checksum_holds(const struct stp_host *host)
{
	const uint8_t *raw = host->transfer.bytes;
	uint32_t body, trailer;

	if (host->reading.entry.length <= STP_RECORD_TRAILER_SIZE)
		return false;
	body = host->reading.entry.length - STP_RECORD_TRAILER_SIZE;
	trailer = get_le32(raw + body);
	return trailer == host->reading.entry.crc32c && trailer == stp_crc32c(0, raw, body);
}

/*
 * A sound record that says it is another one: the pen mixed up its records, and this number's is not here.  A
 * head that cannot be read names nobody else, and the bytes are what the pen has.
 */
static bool
says_it_is_another(const struct stp_host *host)
{
	struct stp_record_head head;

	return stp_record_scan_head(host->transfer.bytes, host->reading.entry.length, &head) == STP_OK &&
	       stp_record_check_head(&head) == STP_OK &&
	       (head.number != host->reading.entry.record || head.epoch != host->state.epoch);
}

/* Every byte is here: is it the record? */
static void
judge(struct stp_host *host)
{
	struct reading *reading = &host->reading;

	if (reading->has_whole_crc &&
	    stp_crc32c(0, host->transfer.bytes, reading->entry.length) == reading->whole_crc)
		reading->unproven = false;
	else if (reading->has_whole_crc)
		reading->unproven = true;

	if (checksum_holds(host)) {
		deliver(host, says_it_is_another(host) ? STP_ERR_IDENTITY : STP_OK);
	} else if (reading->unproven) {
		/* The way here may be to blame: once more, all of it. */
		stp_host_note(host, STP_NOTE_RANGE_CRC, reading->entry.record, 0);
		fail_try(host, STP_ERR_CRC, 0);
		forget_all(host);
		read_on(host);
	} else if (!reading->doubted && !reading->damaged) {
		/* As the pen sent it, yet wrong: its flash may have been misread.  One more look. */
		reading->doubted = true;
		forget_all(host);
		read_on(host);
	} else {
		deliver(host, STP_ERR_CRC);
	}
}

/* Every byte may be here, or some are missing. */
static void
go_on(struct stp_host *host)
{
	if (stp_transfer_has(&host->transfer, 0, host->reading.entry.length))
		judge(host);
	else
		read_on(host);
}

/* Throw away what the answer to a READ belies; false: all that it brought. */
static bool
sift(struct stp_host *host)
{
	struct reading *reading = &host->reading;
	struct transfer *transfer = &host->transfer;
	uint32_t sent = host->answer.u.sent.sent;
	uint8_t status = host->answer.status;
	bool complete = status == STP_WIRE_SUCCESS || status == STP_WIRE_RECORD_CORRUPT;

	/* With success all that was asked for: else it answers another READ, one that was late and had this token. */
	if (complete ? sent != transfer->length : sent > transfer->length) {
		stp_host_note(host, STP_NOTE_ANSWER_MALFORMED, reading->entry.record, sent);
		stp_transfer_forget(transfer, transfer->base, transfer->length);
		return false;
	}
	if (!stp_transfer_has(transfer, transfer->base, sent)) {
		reading->unproven = true;
		if (sent == reading->entry.length) {
			reading->has_whole_crc = true;
			reading->whole_crc = host->answer.u.sent.crc32c;
		}
	} else if (!stp_host_range_holds(host)) {
		stp_host_note(host, STP_NOTE_RANGE_CRC, reading->entry.record, transfer->base);
		stp_transfer_forget(transfer, transfer->base, transfer->length);
		return false;
	} else if (transfer->fresh > sent) {
		/* Bytes behind what was sent: nothing vouches for them. */
		stp_transfer_forget(transfer, transfer->base + sent, transfer->length - sent);
	}
	return true;
}

/* Keep, or throw away, what an answered READ brought. */
static void
weigh(struct stp_host *host)
{
	bool failed = host->answer.status == STP_WIRE_NOT_COMPLETED;

	if (!sift(host))
		fail_try(host, STP_ERR_CRC, 0);
	else if (!host->transfer.fresh)
		fail_try(host, failed ? STP_ERR_REFUSED : STP_ERR_TIMEOUT, failed ? host->answer.status : 0);
}

static bool
brings_data(uint8_t status)
{
	return status == STP_WIRE_SUCCESS || status == STP_WIRE_RECORD_CORRUPT ||
	       status == STP_WIRE_NOT_COMPLETED;
}

static void
refuse_record(struct stp_host *host)
{
	stp_host_give_up(host, host->reading.entry.record, STP_ERR_REFUSED, host->answer.status);
	stp_host_announce(host, STP_HOST_GIVEN_UP);
}

void
stp_host_read_over(struct stp_host *host)
{
	uint8_t status = host->answer.status;

	if (!host->answered) {
		if (host->transfer.fresh)
			host->reading.unproven = true;
		else
			fail_try(host, STP_ERR_TIMEOUT, 0);
		go_on(host);
		return;
	}
	if (brings_data(status)) {
		host->reading.damaged |= status == STP_WIRE_RECORD_CORRUPT;
		weigh(host);
	} else if (host->answer.u.sent.sent) {
		/* Refused half way.  What came before may be journalled, so it has to be right. */
		(void)sift(host);
	}
	if (stp_host_refused(host))
		return;
	if (!brings_data(status) && status != STP_WIRE_WINDOW_TOO_LARGE)
		refuse_record(host);
	else
		go_on(host);
}

/* ---- what is here already ---- */

void
stp_host_on_hash(struct stp_host *host)
{
	struct reading *reading = &host->reading;
	uint8_t status = host->answer.status;
	uint32_t size = host->transfer.prefix;

	if (status == STP_WIRE_SUCCESS || status == STP_WIRE_RECORD_CORRUPT) {
		reading->damaged |= status == STP_WIRE_RECORD_CORRUPT;
		reading->unproven = false;
		if (stp_crc32c(0, host->transfer.bytes, size) != host->answer.u.hash.crc32c) {
			stp_host_note(host, STP_NOTE_PARTIAL_DIFFERS, reading->entry.record, size);
			forget_all(host);
		}
	} else if (status == STP_WIRE_NO_RECORDS || status == STP_WIRE_OVERWRITTEN) {
		refuse_record(host);
		return;
	} else if (status == STP_WIRE_OP_NOT_SUPPORTED) {
		host->can_hash = false;
	} else if (status != STP_WIRE_WINDOW_TOO_LARGE && stp_host_refused(host)) {
		return;
	}
	go_on(host);
}

void
stp_host_hash_unanswered(struct stp_host *host)
{
	go_on(host);
}

void
stp_host_resume(struct stp_host *host, const uint8_t *bytes, size_t size, uint64_t now_ms)
{
	struct reading *reading = &host->reading;

	stp_host_set_now(host, now_ms);
	if (host->stage != STAGE_BEGIN || host->announce_due || !size)
		return;
	if (size > reading->entry.length) {
		stp_host_note(host, STP_NOTE_PARTIAL_DIFFERS, reading->entry.record, (uint32_t)size);
		return;
	}
	stp_transfer_put(&host->transfer, bytes, (uint32_t)size);
	/* Until the pen, or in the end the record itself, says that they are its own. */
	reading->unproven = true;
}

void
stp_host_read_record(struct stp_host *host)
{
	uint32_t size = host->transfer.prefix;

	if (!size || !host->can_hash || (size == host->reading.entry.length && checksum_holds(host))) {
		go_on(host);
		return;
	}
	host->request.op = STP_OP_HASH;
	host->request.u.hash.epoch = host->state.epoch;
	host->request.u.hash.record = host->reading.entry.record;
	host->request.u.hash.offset = 0;
	host->request.u.hash.length = size;
	stp_host_send(host, STAGE_HASH);
}

void
stp_host_begin_record(struct stp_host *host, const struct stp_entry *entry)
{
	host->reading = (struct reading){ .entry = *entry, .damaged = (entry->flags & STP_ENTRY_CORRUPT) != 0 };
	host->heard = false;
	if (!stp_transfer_reserve(&host->transfer, entry->length)) {
		host->reading.entry.record = 0;
		stp_host_give_up(host, entry->record, STP_ERR_MEMORY, 0);
		stp_host_announce(host, STP_HOST_GIVEN_UP);
		return;
	}
	host->progress.record = entry->record;
	host->progress.record_size = entry->length;
	stp_host_rest(host, STAGE_BEGIN);
	host->announce.u.begin.entry = *entry;
	host->announce.u.begin.epoch = host->state.epoch;
	stp_host_announce(host, STP_HOST_BEGIN);
}

void
stp_host_skip(struct stp_host *host, bool durable, uint64_t now_ms)
{
	uint32_t record = host->reading.entry.record;

	stp_host_set_now(host, now_ms);
	if (host->stage != STAGE_BEGIN || host->announce_due)
		return;
	host->progress.record = 0;
	host->progress.records_done++;
	host->reading.entry.record = 0;
	if (durable && host->state.slot != HOST_NO_SLOT) {
		stp_host_remember(host, record);
	} else {
		stp_host_rest(host, STAGE_WALK);
	}
}
