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

static void
fill(struct world *world, const struct link *link, struct stp_request *request)
{
	const struct sim_pen *pen = &world->pens[link->pen];
	struct chance *chance = &world->chance;

	switch ((int)request->op) {
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
		request->token = roll(chance, 2) ? link->account.token : request->token;
		request->u.credit.segments = some_window(world);
		break;
	case STP_OP_ACK:
		request->u.ack.slot = (uint8_t)(roll(chance, 2) ? link->account.asked_token : roll(chance, 5));
		request->u.ack.epoch = some_epoch(world, pen);
		request->u.ack.from = some_number(world, pen);
		request->u.ack.to = roll(chance, 2) ? request->u.ack.from : some_number(world, pen);
		break;
	default:
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
babble(struct world *world, struct link *link)
{
	static const enum stp_op ops[] = { STP_OP_HELLO, STP_OP_GET_STATE, STP_OP_LIST, STP_OP_READ, STP_OP_CREDIT,
		STP_OP_CREDIT, STP_OP_ABORT, STP_OP_ACK, STP_OP_ACK };
	struct chance *chance = &world->chance;
	struct stp_request request = { .op = ops[roll(chance, sizeof(ops) / sizeof(ops[0]))],
		.token = (uint8_t)(1 + roll(chance, STP_TOKEN_MAX)) };
	uint8_t bytes[STP_CONTROL_SIZE_MAX];
	size_t size;

	if (!link->babble_left--) {
		link->over = true;
		return;
	}
	link->babble_at = world->now + roll(chance, 20);
	fill(world, link, &request);
	if (!roll(chance, 6) || stp_request_encode(&request, bytes, &size))
		size = garbage(world, bytes);
	link_send(world, link, TO_PEN, bytes, size);
}
