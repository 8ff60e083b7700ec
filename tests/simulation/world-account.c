/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* What the pen may send and what it must, told from the bytes on the link and WIRE.md alone. */

#include <string.h>

#include <stipple/crc32c.h>

#include "world-model.h"

void
account_request(struct link *link, const uint8_t *bytes, size_t size)
{
	struct account *account = &link->account;
	struct stp_request request;

	if (stp_request_decode(bytes, size, &request)) {
		account->refused = true;
		account->refusal[0] = (uint8_t)((size ? bytes[0] : 0) | 0x80);
		account->refusal[1] = size > 1 ? bytes[1] : 0;
		return;
	}
	if (request.op == STP_OP_CREDIT) {
		if (!account->window || request.token != account->token)
			return;
		account->allowance += request.u.credit.segments;
		if (account->allowance > account->window)
			account->allowance = account->window;
		return;
	}
	/* Only the newest is waited for. */
	account->op = (uint8_t)request.op;
	account->token = request.token;
	account->request = request;
	account->sent = account->crc = 0;
	account->window = 0;
	if (request.op == STP_OP_LIST)
		account->window = request.u.list.window;
	if (request.op == STP_OP_READ)
		account->window = request.u.read.window;
	account->allowance = account->window;
}

/* HASH tells of the bytes that there are. */
static void
check_hash(struct world *world, const struct link *link, const struct stp_answer *answer)
{
	struct sim_pen *pen = &world->pens[link->pen];
	const struct stp_request *request = &link->account.request;
	const struct log_record *record = flash_log_find(&pen->log, request->u.hash.record);

	/* What was read wrong once cannot be told apart here. */
	if (pen->misreads != MISREADS_NONE || !record)
		return;
	CHECK(world, request->u.hash.epoch == pen->log.head.epoch);
	CHECK(world, request->u.hash.offset + request->u.hash.length <= record->entry.length);
	flash_log_read(&pen->log, record, request->u.hash.offset, world->raw, request->u.hash.length);
	CHECK(world, answer->u.hash.crc32c == stp_crc32c(0, world->raw, request->u.hash.length));
}

/* What an answer promises is kept already. */
static void
check_promise(struct world *world, const struct link *link, const struct stp_answer *answer)
{
	const struct sim_pen *pen = &world->pens[link->pen];
	uint8_t slot = pen->engine.slot;

	if (answer->op == STP_OP_LIST || answer->op == STP_OP_READ)
		CHECK(world, answer->u.sent.sent == link->account.sent && answer->u.sent.crc32c == link->account.crc);
	if (answer->status != STP_WIRE_SUCCESS)
		return;
	switch ((int)answer->op) {
	case STP_OP_HELLO:
	case STP_OP_ACK:
		CHECK(world, slot < STP_PEN_SLOTS);
		CHECK(world, answer->op == STP_OP_ACK || answer->u.hello.slot == slot);
		CHECK(world, pen->log.slots[slot].used);
		CHECK(world, !memcmp(&pen->log.slots[slot], &pen->engine.slots[slot], sizeof(struct stp_pen_slot)));
		if (link->host != BABBLER)
			CHECK(world, !memcmp(pen->log.slots[slot].collector_id, world->hosts[link->host].id,
					     STP_COLLECTOR_ID_SIZE));
		break;
	case STP_OP_GET_STATE:
		CHECK(world, answer->u.state.boot_id == pen->log.head.boot_id);
		break;
	case STP_OP_HASH:
		check_hash(world, link, answer);
		break;
	default:
		break;
	}
}

void
account_answer(struct world *world, struct link *link, const uint8_t *bytes, size_t size)
{
	struct account *account = &link->account;
	struct stp_answer answer;

	CHECK(world, size >= 3 && size <= STP_CONTROL_SIZE_MAX);
	trace(world, SAW_ANSWER, link->host, link->pen, (uint32_t)bytes[0] << 8 | bytes[1], bytes[2], (uint32_t)size);
	/* Before the answer to what is under way, or behind one that was ready; never in place of it. */
	if (account->refused && size == 3 && !memcmp(bytes, account->refusal, sizeof(account->refusal)) &&
	    (bytes[2] == STP_WIRE_OP_NOT_SUPPORTED || bytes[2] == STP_WIRE_INVALID_OPERAND)) {
		account->refused = false;
		return;
	}
	CHECK(world, account->op && bytes[0] == (account->op | 0x80) && bytes[1] == account->token);
	account->op = 0;
	account->window = 0;
	account->allowance = 0;
	if (!stp_answer_decode(bytes, size, &answer))
		check_promise(world, link, &answer);
}

void
account_segment(struct world *world, struct link *link, const uint8_t *bytes, size_t size)
{
	struct account *account = &link->account;
	const struct sim_pen *pen = &world->pens[link->pen];
	struct stp_segment segment;

	CHECK(world, stp_segment_decode(bytes, size, &segment) == STP_OK);
	CHECK(world, size <= pen->engine.att_mtu - 3u);
	trace(world, SAW_SEGMENT, link->host, link->pen, (uint32_t)segment.token << 20 | segment.offset,
	      (uint32_t)segment.size, account->allowance);
	/* Only as the answer to a LIST or READ, and only on credit. */
	CHECK(world, account->window && segment.token == account->token);
	CHECK(world, account->window <= pen->max_window);
	CHECK(world, account->allowance > 0);
	account->allowance--;
	account->crc = stp_crc32c(account->crc, segment.payload, segment.size);
	CHECK(world, segment.offset == account->sent);
	account->sent += (uint32_t)segment.size;

	/*
	 * What waits in a host's socket never exceeds the window.  Where segments overtake each
	 * other, or their headers lie, those on their way are taken for lost; a CREDIT that is doubled on
	 * its way counts twice; and a babbler grants what it likes.
	 */
	if (link->weather.flip || link->weather.late || link->weather.doubling || link->host == BABBLER)
		return;
	CHECK(world, account->waiting[segment.token] < account->window);
}

void
account_silence(struct world *world, struct link *link)
{
	struct account *account = &link->account;

	CHECK(world, !account->refused);
	/* It may wait for credits, and for nothing else. */
	CHECK(world, !account->op || (account->window && !account->allowance));
}
