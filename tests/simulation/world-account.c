/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/* What the pen may send and what it must, told from the bytes on the link and WIRE.md alone. */

#include <string.h>

#include <stipple/crc32c.h>

#include "world-model.h"

/* ---- what a person has to agree to ---- */

#define CONSENT_MS 60000u

static void
account_consent(struct world *world, struct link *link, const struct stp_request *request)
{
	struct account *account = &link->account;
	const struct sim_pen *pen = &world->pens[link->pen];
	const struct stp_pen_slot *slot;

	/* A new preparation takes the place of the one before, whatever comes of it. */
	if (request->op == STP_OP_ERASE_PREPARE)
		account->prepared.valid = account->drop.asked = account->pressed_early = false;
	if (request->op != STP_OP_DROP_SLOT || request->u.drop_slot.index >= STP_PEN_SLOTS ||
	    request->u.drop_slot.index == pen->engine.slot)
		return;
	/* Nobody is asked about a slot that is not there. */
	slot = &pen->log.slots[request->u.drop_slot.index];
	if (!slot->used || memcmp(slot->collector_id, request->u.drop_slot.name, STP_COLLECTOR_NAME_SIZE))
		return;
	if (account->drop.asked && account->drop.index == request->u.drop_slot.index &&
	    world->now - account->drop.at < CONSENT_MS)
		return;
	account->drop.asked = true;
	account->drop.confirmed = false;
	account->drop.index = request->u.drop_slot.index;
	account->drop.at = world->now;
}

void
account_press(struct link *link, bool confirms)
{
	/* The answer to what was prepared may still wait for its turn. */
	link->account.pressed_early = confirms && link->account.op == STP_OP_ERASE_PREPARE;
	link->account.prepared.confirmed |= link->account.prepared.valid;
	link->account.drop.confirmed |= link->account.drop.asked;
}

/* A collector has nothing erased that it does not hold itself, but what nobody can have. */
static void
check_own(struct world *world, const struct link *link, uint32_t up_to)
{
	const struct sim_pen *pen = &world->pens[link->pen];

	for (size_t i = 0; i < pen->count; i++)
		CHECK(world, pen->truths[i].state != TRUTH_LIVE || pen->truths[i].number > up_to ||
				     pen->truths[i].durable & 1u << link->host);
}

void
account_erase(struct world *world, struct link *link, uint32_t up_to)
{
	struct account *account = &link->account;
	const struct sim_pen *pen = &world->pens[link->pen];

	CHECK(world, link->up && account->request.op == STP_OP_ERASE);
	CHECK(world, account->request.u.erase.up_to == up_to && account->prepared.up_to == up_to);
	CHECK(world, account->prepared.valid && account->prepared.nonce == account->request.u.erase.nonce);
	CHECK(world, account->prepared.epoch == account->request.u.erase.epoch);
	CHECK(world, account->prepared.epoch == pen->log.head.epoch);
	CHECK(world, world->now - account->prepared.at <= CONSENT_MS);
	CHECK(world, account->prepared.confirmed || pen->erases_unconfirmed);
	CHECK(world, !pen->motor_on);
	if (link->errand)
		check_own(world, link, up_to);
	/* Once. */
	account->prepared.valid = account->prepared.confirmed = false;
}

void
account_drop(struct world *world, struct link *link, unsigned index)
{
	struct account *account = &link->account;
	const struct sim_pen *pen = &world->pens[link->pen];

	CHECK(world, link->up && account->request.op == STP_OP_DROP_SLOT);
	CHECK(world, account->request.u.drop_slot.index == index);
	CHECK(world, !memcmp(account->request.u.drop_slot.name, pen->log.slots[index].collector_id,
			     STP_COLLECTOR_NAME_SIZE));
	if (index == pen->engine.slot)
		return;
	CHECK(world, account->drop.asked && account->drop.index == index && account->drop.confirmed);
	CHECK(world, world->now - account->drop.at <= CONSENT_MS);
	account->drop.asked = account->drop.confirmed = false;
}

/* ---- requests ---- */

void
account_request(struct world *world, struct link *link, const uint8_t *bytes, size_t size)
{
	struct account *account = &link->account;
	struct stp_request request;

	if (stp_request_decode(bytes, size, &request)) {
		account->refused = true;
		account->refused_op = (uint8_t)((size ? bytes[0] : 0) | 0x80);
		account->refused_token = size > 1 ? bytes[1] : 0;
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
	account_consent(world, link, &request);
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
	const struct truth *truth;

	/* What was read wrong once, or rots before the answer is out, cannot be told apart here. */
	if (pen->misreads != MISREADS_NONE || !record)
		return;
	truth = truth_find(pen, pen->log.head.epoch, record->entry.record);
	if (truth->hash != truth->rotten)
		return;
	/* The log may have been reset while the answer waited for the indication before it. */
	if (link->holds && request->u.hash.epoch != pen->log.head.epoch)
		return;
	CHECK(world, request->u.hash.epoch == pen->log.head.epoch);
	CHECK(world, request->u.hash.offset + request->u.hash.length <= record->entry.length);
	flash_log_read(&pen->log, record, request->u.hash.offset, world->raw, request->u.hash.length);
	CHECK(world, answer->u.hash.crc32c == stp_crc32c(0, world->raw, request->u.hash.length));
}

/* What an answer promises is kept already. */
static void
check_promise(struct world *world, struct link *link, const struct stp_answer *answer)
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
		/* It may forget what it is told now. */
		world->pens[link->pen].slot_full |= pen->log.slots[slot].range_count == STP_PEN_SLOT_RANGES;
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
	case STP_OP_ERASE_PREPARE:
		link->account.prepared.valid = true;
		link->account.prepared.confirmed = link->account.pressed_early;
		link->account.prepared.epoch = link->account.request.u.erase_prepare.epoch;
		link->account.prepared.up_to = link->account.request.u.erase_prepare.up_to;
		link->account.prepared.nonce = answer->u.erase_prepare.nonce;
		link->account.prepared.at = world->now;
		link->account.drop.asked = false;
		break;
	default:
		break;
	}
}

/* Of what made no sense, and not of the request that is under way, should both have the same name. */
static bool
is_refusal(const struct account *account, const uint8_t *bytes, size_t size)
{
	if (!account->refused || bytes[0] != account->refused_op || bytes[1] != account->refused_token)
		return false;
	return !account->op || bytes[0] != (account->op | 0x80) || bytes[1] != account->token ||
	       (size == 3 && (bytes[2] == STP_WIRE_OP_NOT_SUPPORTED || bytes[2] == STP_WIRE_INVALID_OPERAND));
}

void
account_answer(struct world *world, struct link *link, const uint8_t *bytes, size_t size)
{
	struct account *account = &link->account;
	struct stp_answer answer;

	CHECK(world, size >= 3 && size <= STP_CONTROL_SIZE_MAX);
	trace(world, SAW_ANSWER, link->host, link->pen, (uint32_t)bytes[0] << 8 | bytes[1], bytes[2], (uint32_t)size);
	if (is_refusal(account, bytes, size)) {
		account->refused = false;
		CHECK(world, bytes[2] == STP_WIRE_OP_NOT_SUPPORTED || bytes[2] == STP_WIRE_INVALID_OPERAND);
		return;
	}
	CHECK(world, account->op && bytes[0] == (account->op | 0x80) && bytes[1] == account->token);
	account->op = 0;
	account->window = 0;
	account->allowance = 0;
	if (!stp_answer_decode(bytes, size, &answer))
		check_promise(world, link, &answer);
}

/* Treatment comes first: beside the motor only so much, and what was saved up for a second. */
static void
check_pace(struct world *world, struct account *account, const struct sim_pen *pen)
{
	if (!pen->motor_on)
		return;
	account->paced++;
	CHECK(world, account->paced <= 2 + pen->motor_rate + (world->now - pen->motor_since) * pen->motor_rate / 1000);
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
	check_pace(world, account, pen);
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
	const struct account *account = &link->account;

	/* An answer may wait until the indication before it is confirmed. */
	if (link->confirm_at != UINT64_MAX)
		return;
	CHECK(world, !account->refused);
	/* It may wait for credits, or for the motor, and for nothing else. */
	CHECK(world, !account->op || (account->window && !account->allowance) || world->pens[link->pen].motor_on);
}
