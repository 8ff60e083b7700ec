/* SPDX-FileCopyrightText: 2026 The Stipple authors
 * SPDX-License-Identifier: MIT */

/*
 * A host that is no Stipple: requests in any order, of any shape, with any numbers.  What it
 * acknowledges it never had; that harms nobody but itself.
 */

#include <string.h>

#include "world-model.h"

static uint32_t
some_number(struct world *world, const struct sim_pen *pen)
{
	switch (roll(&world->chance, 6)) {
	case 0:
		return (uint32_t)chance_bits(&world->chance);
	case 1:
		return pen->log.newest + roll(&world->chance, 4);
	default:
		return 1 + roll(&world->chance, pen->log.newest + 1);
	}
}

static uint32_t
some_epoch(struct world *world, const struct sim_pen *pen)
{
	return roll(&world->chance, 6) ? pen->log.head.epoch : (uint32_t)chance_bits(&world->chance);
}

static uint8_t
some_window(struct world *world)
{
	return (uint8_t)(1 + roll(&world->chance, roll(&world->chance, 3) ? 8 : 255));
}

/* Its own, or another's, the right name mostly: SLOTS tells it to everybody. */
static void
drop_some_slot(struct world *world, const struct sim_pen *pen, struct stp_request *request)
{
	uint8_t index = (uint8_t)roll(&world->chance, STP_PEN_SLOTS);

	request->u.drop_slot.index = index;
	memcpy(request->u.drop_slot.name,
	       roll(&world->chance, 4) ? pen->log.slots[index].collector_id : world->babbler_id,
	       STP_COLLECTOR_NAME_SIZE);
}

/* Likely to be everybody's. */
static uint32_t
some_old_number(struct world *world, const struct sim_pen *pen)
{
	return roll(&world->chance, 2) ? pen->log.oldest + roll(&world->chance, 3) : some_number(world, pen);
}

/* As it was prepared, but for one thing. */
static void
fill_erase(struct world *world, const struct link *link, struct stp_request *request)
{
	const struct sim_pen *pen = &world->pens[link->pen];

	request->u.erase.epoch = link->erase_epoch;
	request->u.erase.up_to = link->erase_up_to;
	request->u.erase.nonce = link->nonce;
	switch (roll(&world->chance, 6)) {
	case 0:
		request->u.erase.epoch = some_epoch(world, pen);
		break;
	case 1:
	case 2:
		request->u.erase.up_to = some_old_number(world, pen);
		break;
	case 3:
		request->u.erase.nonce = (uint32_t)chance_bits(&world->chance);
		break;
	default:
		break;
	}
}

static void
fill(struct world *world, struct link *link, struct stp_request *request)
{
	const struct sim_pen *pen = &world->pens[link->pen];
	struct chance *chance = &world->chance;

	switch (request->op) {
	case STP_OP_HELLO:
		memcpy(request->u.hello.collector_id, world->babbler_id, STP_COLLECTOR_ID_SIZE);
		break;
	case STP_OP_LIST:
		request->u.list.epoch = some_epoch(world, pen);
		request->u.list.from = some_number(world, pen);
		request->u.list.to = request->u.list.from + roll(chance, 20);
		request->u.list.window = some_window(world);
		break;
	case STP_OP_READ:
		request->u.read.epoch = some_epoch(world, pen);
		request->u.read.record = some_number(world, pen);
		request->u.read.offset = roll(chance, 2) ? 0 : roll(chance, 300);
		request->u.read.length = 1 + roll(chance, 200);
		request->u.read.window = some_window(world);
		break;
	case STP_OP_CREDIT:
		request->token = roll(chance, 4) ? link->account.token : request->token;
		request->u.credit.segments = some_window(world);
		break;
	case STP_OP_ACK:
		request->u.ack.slot = (uint8_t)(roll(chance, 2) ? link->account.asked_token : roll(chance, 5));
		request->u.ack.epoch = some_epoch(world, pen);
		request->u.ack.from = roll(chance, 2) ? 1 : some_number(world, pen);
		request->u.ack.to = roll(chance, 2) ? pen->log.newest : some_number(world, pen);
		break;
	case STP_OP_HASH:
		request->u.hash.epoch = some_epoch(world, pen);
		request->u.hash.record = some_number(world, pen);
		request->u.hash.offset = roll(chance, 2) ? 0 : roll(chance, 300);
		request->u.hash.length = 1 + roll(chance, roll(chance, 2) ? 100 : 3000);
		break;
	case STP_OP_ERASE_PREPARE:
		request->u.erase_prepare.epoch = some_epoch(world, pen);
		request->u.erase_prepare.up_to = some_old_number(world, pen);
		link->erase_epoch = request->u.erase_prepare.epoch;
		link->erase_up_to = request->u.erase_prepare.up_to;
		break;
	case STP_OP_ERASE:
		fill_erase(world, link, request);
		break;
	case STP_OP_SLOTS:
		request->u.slots.index = (uint8_t)roll(chance, STP_PEN_SLOTS + 1);
		break;
	case STP_OP_DROP_SLOT:
		drop_some_slot(world, pen, request);
		break;
	case STP_OP_GET_STATE:
	case STP_OP_ABORT:
		break;
	}
}

static size_t
garbage(struct world *world, uint8_t bytes[STP_CONTROL_SIZE_MAX])
{
	size_t size = roll(&world->chance, STP_CONTROL_SIZE_MAX + 1);

	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)roll(&world->chance, 256);
	if (size && roll(&world->chance, 2))
		bytes[0] = (uint8_t)(0x10 + roll(&world->chance, 16));
	return size;
}

void
babbler_hear(struct link *link, const uint8_t *bytes, size_t size)
{
	struct stp_answer answer;

	if (!stp_answer_decode(bytes, size, &answer) && answer.op == STP_OP_ERASE_PREPARE &&
	    answer.status == STP_WIRE_SUCCESS)
		link->nonce = answer.u.erase_prepare.nonce;
}

/* What might do harm now is likelier. */
static enum stp_op
choose_op(struct world *world, const struct link *link)
{
	static const enum stp_op ops[] = { STP_OP_HELLO, STP_OP_GET_STATE, STP_OP_LIST, STP_OP_READ, STP_OP_CREDIT,
		STP_OP_ABORT, STP_OP_ACK, STP_OP_ACK, STP_OP_HASH, STP_OP_ERASE_PREPARE, STP_OP_ERASE, STP_OP_SLOTS,
		STP_OP_DROP_SLOT, STP_OP_DROP_SLOT };

	if (link->account.window && roll(&world->chance, 2))
		return STP_OP_CREDIT;
	if (link->nonce && !roll(&world->chance, 3))
		return STP_OP_ERASE;
	return ops[roll(&world->chance, sizeof(ops) / sizeof(ops[0]))];
}

void
babble(struct world *world, struct link *link)
{
	struct chance *chance = &world->chance;
	struct stp_request request = { .token = (uint8_t)(1 + roll(chance, STP_TOKEN_MAX)) };
	uint8_t bytes[STP_CONTROL_SIZE_MAX];
	size_t size;

	if (!link->babble_left--) {
		link->over = true;
		return;
	}
	request.op = choose_op(world, link);
	link->babble_at = world->now + roll(chance, 20);
	/* Somebody stands by and presses the button, for this or for what comes next. */
	if ((request.op == STP_OP_DROP_SLOT || request.op == STP_OP_ERASE) && roll(chance, 2))
		link->press_at = world->now + roll(chance, 60);
	fill(world, link, &request);
	if (!roll(chance, 6) || stp_request_encode(&request, bytes, &size))
		size = garbage(world, bytes);
	link_send(world, link, TO_PEN, bytes, size);
}
